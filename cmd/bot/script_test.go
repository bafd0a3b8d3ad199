package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	bolt "go.etcd.io/bbolt"

	"github.com/isplicense/license-bot/internal/bot"
	"github.com/isplicense/license-bot/internal/control"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

var update = flag.Bool("update", false, "write the files that tests compare with")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bot": main})
}

// TestScripts runs the binary as a shell does. The scripts' own commands:
//
//	made STORE [ACCOUNT]   makes a store, with the account as its admin
//	serving STORE          has the store open as a running bot does, to the script's end
//	held STORE             has the store open and answers nobody
//	tampered STORE SEQ     changes an entry of the audit trail
//	exits CODE ARG…        runs the binary, which has to exit with the code
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "script"),
		UpdateScripts: *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"made": plain(made), "serving": plain(serving), "held": plain(held), "tampered": plain(tampered), "exits": plain(exits),
		},
	})
}

// plain makes a command that "!" does not go with.
func plain(run func(ts *testscript.TestScript, args []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) == 0 {
			ts.Fatalf("used wrongly")
		}
		run(ts, args)
	}
}

func opened(ts *testscript.TestScript, path string) *store.Store {
	s, err := store.Open(ts.MkAbs(path), store.Options{})
	ts.Check(err)
	return s
}

func made(ts *testscript.TestScript, args []string) {
	s := opened(ts, args[0])
	var admins []requests.Account
	for _, a := range args[1:] {
		admins = append(admins, requests.Account(a))
	}
	err := s.Update(context.Background(), func(tx *store.Tx) error {
		_, err := bot.Admit(tx, admins)
		return err
	})
	ts.Check(errors.Join(err, s.Close()))
}

func held(ts *testscript.TestScript, args []string) {
	s := opened(ts, args[0])
	ts.Defer(func() { ts.Check(s.Close()) })
}

func serving(ts *testscript.TestScript, args []string) {
	s := opened(ts, args[0])
	stop, err := control.Serve(s, nil, ts.MkAbs(args[0]), slog.New(slog.DiscardHandler))
	ts.Check(err)
	ts.Defer(func() {
		stop()
		ts.Check(s.Close())
	})
}

func tampered(ts *testscript.TestScript, args []string) {
	db, err := bolt.Open(ts.MkAbs(args[0]), 0o600, nil)
	ts.Check(err)
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("audit"))
		c := b.Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if strings.HasPrefix(string(v), `{"seq":`+args[1]+`,`) {
				return b.Put(slices.Clone(k), []byte(strings.Replace(string(v), "operator", "approver", 1)))
			}
		}
		return errors.New("there is no such entry")
	})
	ts.Check(errors.Join(err, db.Close()))
}

func exits(ts *testscript.TestScript, args []string) {
	code := 0
	if err := ts.Exec("bot", args[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if args[0] != strconv.Itoa(code) {
		ts.Fatalf("bot %s: exit code %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// TestTableOfVerbs holds every verb to help that a terminal has room for.
func TestTableOfVerbs(t *testing.T) {
	for _, v := range verbs() {
		if v.run == nil || strings.HasSuffix(v.about, ".") || !strings.HasPrefix(v.usage, v.name) ||
			!slices.Contains([]string{"nothing", "store", "settings"}, v.needs) {
			t.Errorf("%+v", v)
		}
		for line := range strings.Lines(v.help()) {
			if len([]rune(line)) > 101 {
				t.Errorf("%s: %q is too long", v.name, line)
			}
		}
	}
}
