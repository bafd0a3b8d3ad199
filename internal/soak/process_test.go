package soak

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var (
	whole = flag.Bool("soak", os.Getenv("SOAK") != "", "all of the kills instead of a selection; the environment's SOAK does the same")
	kills = flag.Int("kills", 0, "kills of the soak; 0: 15, or 1000 with -soak")
	flows = flag.Int("flows", 0, "flows of the soak; 0: ten for each kill")
	seed  = flag.Int64("seed", 0, "seed of the soak; 0: a new one, which is printed")
)

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built.dir = dir
	code := m.Run()
	_ = os.RemoveAll(dir) // what is left is in the system's own folder for that
	os.Exit(code)
}

// built is the binary under test, with failpoints, made once.
var built struct {
	dir  string
	once sync.Once
	err  error
}

func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(built.dir, "bot")
	built.once.Do(func() {
		out, err := exec.Command("go", "build", "-tags", "failpoints", "-o", path, "../../cmd/bot").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return path
}

// lastPort counts the ports given out; they are below those that the kernel gives
// to outgoing connections, so that a bot that starts again finds its own free.
var lastPort atomic.Int32

func freePort(t *testing.T) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 15000+(os.Getpid()*7+int(lastPort.Add(1)))%15000)
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return addr
	}
	t.Fatal("no port is free")
	return ""
}

// process is a running bot.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // once it has ended
}

// launch starts the bot with the world's settings and, may be, more of them.
func (w *world) launch(more ...string) *process {
	w.t.Helper()
	p := &process{cmd: exec.Command(w.binary, "serve"), ended: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), w.env...), more...)
	p.cmd.Stdout, p.cmd.Stderr = w.log, w.log
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p
}

// kill ends the process as a power cut would end the machine, as far as a process
// can tell, and waits until it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.ended
}

// killed says of a process that has ended whether SIGKILL ended it.
func (p *process) killed() bool {
	var exit *exec.ExitError
	if !errors.As(p.err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// stop ends the process as a supervisor does, and says whether it took it well.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
		return p.err
	case <-time.After(15 * time.Second):
		p.kill()
		return errors.New("it did not stop within 15 s of SIGTERM")
	}
}

// up waits until the process answers, or has ended.
func (w *world) up(ctx context.Context, p *process) error {
	for {
		status, body, err := w.get(ctx, "/readyz")
		if err == nil && status == http.StatusOK && !strings.Contains(body, "not ready") {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("the bot ended: %w", p.err)
		case <-ctx.Done():
			return fmt.Errorf("the bot is not ready: %d %s %w", status, body, errors.Join(err, ctx.Err()))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (w *world) get(ctx context.Context, path string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.addr+path, nil)
	if err != nil {
		return 0, "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

// journal is what the bots of a world have logged.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const journalMax = 1 << 20

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.buf.Len()+len(p) > journalMax {
		j.buf.Next(j.buf.Len() / 2)
	}
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}
