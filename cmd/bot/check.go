package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/isplicense/license-bot/internal/app"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/settings"
	"github.com/isplicense/license-bot/internal/store"
)

const checkHelp = `Asks the panel, Slack and Telegram who the bot is there, opens the store, and prints
a line for each that is "ok", with what was found, and for all that is "wrong", with
how to mend it. It makes no store and changes nothing in one, but that what a kill or an
older version has left is put in order, as at any opening.
`

// checkTime bounds each of the questions.
const checkTime = 20 * time.Second

func runCheck(ctx context.Context, e env) int {
	if code, ok := e.nothing("check", e.args); !ok {
		return code
	}
	s, ok := e.load(settings.All, firstAdmins)
	if !ok {
		return exitUsage
	}
	a, err := app.New(s, app.World{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return e.misused("%v", err)
	}
	code := exitOK
	tell := func(name, found string, err error) {
		if err != nil {
			code = exitFailed
			for line := range strings.SplitSeq(err.Error(), "\n") {
				fmt.Fprintf(e.stdout, "wrong  %s: %s\n", name, line)
			}
			return
		}
		fmt.Fprintf(e.stdout, "ok     %s: %s\n", name, found)
	}
	found, err := checkStore(string(s.Store), len(s.Admins) > 0)
	tell("store", found, err)
	for _, q := range a.Checks() {
		ctx, cancel := context.WithTimeout(ctx, checkTime)
		found, err := q.Ask(ctx)
		cancel()
		tell(q.Name, found, err)
	}
	return code
}

// checkStore says what is there. A bot that runs has the store open, and has found
// it good.
func checkStore(path string, admins bool) (string, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
			return "", fmt.Errorf("%s: its folder does not exist; make it, or set STORE to a path in one that does", path)
		}
		if !admins {
			return "", app.ErrNoAdmin
		}
		return path + " will be made at the first start", nil
	}
	st, err := store.Open(path, store.Options{Log: slog.New(slog.DiscardHandler)})
	if errors.Is(err, store.ErrInUse) {
		return path + " is open in a bot that runs", nil
	}
	if err != nil {
		return "", err
	}
	var people int
	err = st.View(func(tx *store.Tx) error {
		all, err := tx.Members()
		people = len(all)
		if err == nil && len(all.AtLeast(requests.Admin)) == 0 && !admins {
			err = app.ErrNoAdmin
		}
		return err
	})
	if closed := st.Close(); err == nil {
		err = closed
	}
	return fmt.Sprintf("%s, people on the allowlist: %d", path, people), err
}
