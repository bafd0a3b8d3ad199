package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
	"github.com/isplicense/license-bot/internal/store/storetest"
)

const killPath = "STORE_TEST_KILL_PATH"

// A process that is killed while it writes loses nothing that it was told is kept.
func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bot.db")
	var acknowledged []string
	for round := range 3 {
		child := exec.Command(os.Args[0], "-test.run=^TestKillChild$")
		child.Env = append(os.Environ(), killPath+"="+path, fmt.Sprint("STORE_TEST_KILL_ROUND=", round))
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			acknowledged = append(acknowledged, lines.Text())
			if n == 400+150*round {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := child.Wait(); err == nil {
			t.Fatal("the child ended before it was killed")
		}
		if err := store.Check(path); err != nil {
			t.Fatal(err)
		}
	}

	s := storetest.Open(t, path, store.Options{})
	if err := s.View(func(tx *store.Tx) error {
		for _, name := range acknowledged {
			if !tx.Seen(name) {
				t.Errorf("%s was acknowledged and is lost", name)
			}
			if of, err := tx.EntriesOf(name); err != nil || len(of) != 1 {
				t.Errorf("%s has %d entries, %v", name, len(of), err)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := store.Verify(s.Entries(1), ""); err != nil {
		t.Error(err)
	}
	t.Logf("%d acknowledged over 3 kills", len(acknowledged))
}

// TestKillChild is what TestKill kills: it writes without end and prints what was
// acknowledged.
func TestKillChild(t *testing.T) {
	path := os.Getenv(killPath)
	if path == "" {
		t.Skip("runs as a child of TestKill")
	}
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	worker := func(g int) {
		for i := 0; ; i++ {
			name := fmt.Sprintf("%s-%d-%d", os.Getenv("STORE_TEST_KILL_ROUND"), g, i)
			err := s.Update(context.Background(), func(tx *store.Tx) error {
				if err := tx.Remember(name); err != nil {
					return err
				}
				_, err := tx.Append(requests.Entry{Event: requests.EventStarted, License: name, Detail: strings.Repeat("x", 100)})
				return err
			})
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			_, _ = os.Stdout.WriteString(name + "\n")
		}
	}
	for g := range 31 {
		go worker(g)
	}
	worker(31)
}
