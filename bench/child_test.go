//go:build linux

package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/app"
	"github.com/isplicense/license-bot/internal/settings"
)

// With childEnv set the test's binary is the bot, which writes a profile to the
// folder that it names. profileEnv asks the benchmarks for that.
const (
	childEnv   = "LICENSE_BOT_BENCH_CHILD"
	profileEnv = "BENCH_PROFILE"
)

func TestMain(m *testing.M) {
	if dir, child := os.LookupEnv(childEnv); child {
		_ = os.Unsetenv(childEnv)
		if err := serve(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// binary builds the bot, once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "license-bot-bench-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "bot")
	out, err := exec.Command("go", "build", "-o", path, "github.com/isplicense/license-bot/cmd/bot").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("the bot can't be built: %w\n%s", err, out)
	}
	return path, nil
})

func serve(profiles string) error {
	s, problems := settings.Load(settings.All)
	if len(problems) > 0 {
		return fmt.Errorf("settings: %v", problems)
	}
	f, err := os.Create(filepath.Join(profiles, fmt.Sprintf("cpu-%d.pprof", os.Getpid())))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	defer func() {
		if h, err := os.Create(filepath.Join(profiles, fmt.Sprintf("heap-%d.pprof", os.Getpid()))); err == nil {
			_ = pprof.Lookup("allocs").WriteTo(h, 0)
			_ = h.Close()
		}
	}()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: s.LogLevel.Level}))
	a, err := app.New(s, app.World{Log: log})
	if err != nil {
		return err
	}
	if err := a.Start(); err != nil {
		return err
	}
	<-ctx.Done()
	done, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	a.Stop(done)
	return nil
}
