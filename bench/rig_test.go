//go:build linux

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

// licenses is how many the panel has. They are renewed over and over, each by one
// flow at a time.
const licenses = 100

// rig is the bot in a process of its own, and the world around it in this one.
type rig struct {
	testing.TB
	world *sandbox.World
	bot   *process
	boss  *slackserver.User
	codes chan string // the licences that no flow is about
}

func newRig(tb testing.TB) *rig {
	tb.Helper()
	r := &rig{TB: tb, codes: make(chan string, licenses)}
	seed := make([]panelserver.License, licenses)
	for i := range seed {
		seed[i] = panelserver.License{
			ID: strconv.Itoa(1001 + i), Product: 546, Name: "srv" + strconv.Itoa(i), Period: panelserver.Month,
			IP: fmt.Sprintf("192.0.2.%d", 1+i), Created: "2026-01-10", Expires: "2026-12-10", Key: "KEY-" + strconv.Itoa(i),
		}
		r.codes <- seed[i].ID
	}
	const plenty = 1_000_000_000_00
	var err error
	r.world, err = sandbox.Start(sandbox.Options{
		Panel: panelserver.Options{Licenses: seed, Balance: plenty, Ledger: 1000},
		Slack: slackserver.Options{Keep: 1000, Transport: &http.Transport{MaxIdleConnsPerHost: 256}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(r.world.Close)
	r.boss = r.world.Slack.User("boss")
	r.bot = start(tb, r.settings(tb), r.world)
	return r
}

// settings is the bot's environment: the defaults but for what says where things
// are, and for the limit on what one person may do in a minute.
func (r *rig) settings(tb testing.TB) []string {
	dir := tb.TempDir()
	onDisk(tb, dir)
	user, password := r.world.Panel.User()
	return []string{
		"ISPLICENSE_URL=" + r.world.PanelURL, "ISPLICENSE_USER=" + user, "ISPLICENSE_PASSWORD=" + password,
		"SLACK_BOT_TOKEN=xoxb-sandbox-bot", "SLACK_SIGNING_SECRET=sandbox-signing-secret", "SLACK_API_URL=" + r.world.SlackURL,
		"STORE=" + filepath.Join(dir, "bot.db"), "ADMINS=slack:" + slackserver.TeamID + "/" + r.boss.ID(),
		"RATE_LIMIT=off",
	}
}

// onDisk makes sure that a store in dir is synced to something.
func onDisk(tb testing.TB, dir string) {
	tb.Helper()
	const tmpfs = 0x01021994
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		tb.Fatal(err)
	}
	if fs.Type == tmpfs {
		tb.Skipf("%s is in memory: set TMPDIR to a folder on a disk", dir)
	}
}

// process is a running bot.
type process struct {
	url string
	cmd *exec.Cmd
	log bytes.Buffer
}

// start runs the bot until the end of the test or until stop, and returns once it
// is ready.
func start(tb testing.TB, settings []string, w *sandbox.World) *process {
	tb.Helper()
	p := &process{cmd: command(tb)}
	addr := freeAddr(tb)
	p.url = "http://" + addr
	p.cmd.Env = append(p.cmd.Env, settings...)
	p.cmd.Env = append(p.cmd.Env, "HTTP_ADDR="+addr)
	p.cmd.Stderr = &p.log
	w.Slack.SetBotURL(p.url)
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.stop(tb) })
	ctx, cancel := context.WithTimeout(tb.Context(), 10*time.Second)
	defer cancel()
	if err := p.ready(ctx); err != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		tb.Fatalf("the bot does not become ready: %v\n%s", err, p.log.String())
	}
	return p
}

// command is the bot's, or that of the other bot which BENCH_BOT says.
func command(tb testing.TB) *exec.Cmd {
	tb.Helper()
	if other := strings.Fields(os.Getenv("BENCH_BOT")); len(other) > 0 {
		c := exec.Command(other[0], other[1:]...)
		c.Env = []string{"PATH=" + os.Getenv("PATH")}
		return c
	}
	path, err := binary()
	if err != nil {
		tb.Fatal(err)
	}
	c := exec.Command(path, "serve")
	c.Env = []string{} // not this process's
	if gogc, ok := os.LookupEnv("BENCH_GOGC"); ok {
		c.Env = append(c.Env, "GOGC="+gogc)
	}
	if dir := os.Getenv(profileEnv); dir != "" {
		if c.Path, err = os.Executable(); err != nil {
			tb.Fatal(err)
		}
		c.Env = append(c.Env, childEnv+"="+dir)
	}
	return c
}

func freeAddr(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// ready waits until the bot says that it is, asking every millisecond.
func (p *process) ready(ctx context.Context) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/readyz", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body) // the status says it
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// stop ends the bot as a service manager does.
func (p *process) stop(tb testing.TB) {
	tb.Helper()
	if p.cmd.ProcessState != nil {
		return
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		tb.Error(err)
	}
	if err := p.cmd.Wait(); err != nil || tb.Failed() {
		tb.Errorf("the bot has ended: %v\n%s", err, tail(p.log.String()))
	}
}

func tail(s string) string { return s[max(0, len(s)-4000):] }

// cpu is how long the process has been on a processor, in user and system mode.
func (p *process) cpu(tb testing.TB) time.Duration {
	tb.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		tb.Fatal(err)
	}
	// The name, the second field, is in parentheses and may hold spaces.
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] { // utime and stime, fields 14 and 15
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			tb.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100 // USER_HZ is 100 on all of Linux's platforms but Alpha
}

// memory is a line of the process's status in MB: VmRSS, VmHWM.
func (p *process) memory(tb testing.TB, name string) float64 {
	tb.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			kb, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			if err != nil {
				tb.Fatal(err)
			}
			return kb / 1024
		}
	}
	tb.Fatalf("the process's status has no %s", name)
	return 0
}

// ownCPU is how long this process has been on a processor.
func ownCPU(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
