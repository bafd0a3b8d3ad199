//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Here kills the process if FAILPOINT says so for this passing of the point. The
// parts of the name are joined with a dash.
func Here(name ...string) { plan().pass(strings.Join(name, "-")) }

// plan is read from the environment at the first point that is passed.
var plan = sync.OnceValue(read)

type script struct {
	point string
	trace *os.File

	mu   sync.Mutex
	left int // passings until the kill; 0 or less: none is wanted
}

func read() *script {
	s := &script{}
	if path := os.Getenv("FAILPOINT_TRACE"); path != "" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			stop("FAILPOINT_TRACE: " + err.Error())
		}
		s.trace = f
	}
	if v := os.Getenv("FAILPOINT"); v != "" {
		point, n, _ := strings.Cut(v, ":")
		count, err := strconv.Atoi(n)
		if err != nil || count < 1 {
			stop("FAILPOINT: write name:n, n from 1")
		}
		s.point, s.left = point, count
	}
	return s
}

func stop(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(2)
}

func (s *script) pass(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trace != nil {
		_, _ = s.trace.WriteString(name + "\n") // a line that is missing fails the test that counts them
	}
	if name != s.point {
		return
	}
	if s.left--; s.left == 0 {
		die()
	}
}

// die ends the process as the kernel would, and does not return.
func die() {
	if me, err := os.FindProcess(os.Getpid()); err == nil {
		_ = me.Kill()
	}
	select {}
}
