package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/isplicense/license-bot/internal/app"
	"github.com/isplicense/license-bot/internal/control"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/settings"
	"github.com/isplicense/license-bot/internal/store"
)

// grace is how long calls under way may take to finish and be reported. With what is
// closed after them it stays below the ten seconds that are promised.
const grace = 9 * time.Second

// newStore says what a store that is yet to be made asks of the settings. Of one that
// is there, those who open it find out.
func newStore(s settings.Settings) (problems []settings.Problem) {
	if s.Store == "" {
		return nil // it is not even a path
	}
	if _, err := os.Lstat(string(s.Store)); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(string(s.Store))); err != nil || !info.IsDir() {
		problems = append(problems, settings.Problem{Setting: "STORE", Right: "write a path in a folder that exists"})
	}
	if len(s.Admins) == 0 {
		setting, right, _ := strings.Cut(app.ErrNoAdmin.Error(), ": ")
		problems = append(problems, settings.Problem{Setting: setting, Right: right})
	}
	return problems
}

// firstAdmins finds those who can be nobody: they are well-formed, and many people
// share them.
func firstAdmins(s settings.Settings) (problems []settings.Problem) {
	for _, a := range s.Admins {
		if _, err := requests.ParseAccount(a); err != nil {
			problems = append(problems, settings.Problem{Setting: "ADMINS", Right: fmt.Sprintf("name a person's own account: %v", err)})
			break
		}
	}
	return problems
}

func runServe(ctx context.Context, e env) int {
	if code, ok := e.nothing("serve", e.args); !ok {
		return code
	}
	s, ok := e.load(settings.All, newStore, firstAdmins)
	if !ok {
		return exitUsage
	}
	log := logger(e.stderr, s)
	if os.Getenv("GOGC") == "" {
		// What lives long is a few MB: to collect half as often costs about as much
		// again and saves a tenth of the processor's time (bench/README.md).
		debug.SetGCPercent(200)
	}
	a, err := app.New(s, app.World{
		Log: log,
		Control: func(st *store.Store, changed func(*store.Tx) error) (func(), error) {
			return control.Serve(st, changed, string(s.Store), log.With("part", "control"))
		},
	})
	if err != nil {
		return e.misused("%v", err)
	}
	stop := func() {
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		a.Stop(ctx)
	}
	if err := a.Start(); err != nil {
		stop()
		if errors.Is(err, app.ErrNoAdmin) {
			return e.misused("%v", err)
		}
		return e.failed(err)
	}
	log.Info("the bot runs", "http", a.Addr().String(), "store", string(s.Store))
	defer stop()
	select {
	case <-ctx.Done():
		log.Info("the bot stops")
		return exitOK
	case <-a.Broken():
		return e.failed(store.ErrBroken)
	}
}
