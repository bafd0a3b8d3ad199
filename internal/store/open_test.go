package store_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
	"github.com/isplicense/license-bot/internal/store/storetest"
)

func TestOpenNew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "bot.db")
	var log bytes.Buffer
	o := store.Options{Log: slog.New(slog.NewTextHandler(&log, nil))}
	s := storetest.Open(t, path, o)
	if !s.Fresh() {
		t.Error("a new store is not fresh")
	}
	if l := log.String(); !strings.Contains(l, "WARN") || !strings.Contains(l, "new, empty store") || !strings.Contains(l, path) {
		t.Errorf("logged %q", l)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	log.Reset()
	s = storetest.Open(t, path, o)
	if s.Fresh() || log.Len() > 0 {
		t.Errorf("opened again: fresh %t, log %q", s.Fresh(), log.String())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
		log.Reset()
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		s = storetest.Open(t, path, o)
		if l := log.String(); !strings.Contains(l, "chmod 600") {
			t.Errorf("a store of mode %o is logged as %q", mode, l)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	denied := func(string, int, os.FileMode) (*os.File, error) { return nil, fs.ErrPermission }
	otherBolt := func(t *testing.T, path string) {
		makeBolt(t, path, func(tx *bolt.Tx) error {
			b, err := tx.CreateBucket([]byte("meta"))
			if err != nil {
				return err
			}
			return b.Put([]byte("app"), []byte("another"))
		})
	}
	withFormat := func(format string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			makeBolt(t, path, func(tx *bolt.Tx) error {
				if err := store.Mark(tx); err != nil {
					return err
				}
				return tx.Bucket([]byte("meta")).Put([]byte("format"), []byte(format))
			})
		}
	}
	content := func(b []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, test := range []struct {
		name string
		make func(*testing.T, string)
		o    store.Options
		want error
	}{
		{"empty", content(nil), store.Options{}, store.ErrForeign},
		{"text", content([]byte("hello\n")), store.Options{}, store.ErrForeign},
		{"zeros", content(make([]byte, 1<<16)), store.Options{}, store.ErrForeign},
		{"a page of noise", content(bytes.Repeat([]byte{0xa7}, 1<<16)), store.Options{}, store.ErrForeign},
		{"another program's", otherBolt, store.Options{}, store.ErrForeign},
		{"newer", withFormat("99"), store.Options{}, store.ErrNewer},
		{"of no format", withFormat("x"), store.Options{}, store.ErrDamaged},
		{"without its buckets", withFormat("1"), store.Options{}, store.ErrDamaged},
		{"not writable", makeStore, store.Options{}.WithOpenFile(denied), store.ErrNotWritable},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bot.db")
			test.make(t, path)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if s, err := store.Open(path, test.o); !errors.Is(err, test.want) {
				t.Errorf("got %v, %v", s, err)
			} else if line := err.Error(); !strings.Contains(line, path) || strings.Contains(line, "\n") {
				t.Errorf("the error is %q", line)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
				t.Error("the file was touched", err)
			}
		})
	}
	t.Run("no folder", func(t *testing.T) {
		_, err := store.Open(filepath.Join(t.TempDir(), "none", "bot.db"), store.Options{})
		if err == nil || !strings.Contains(err.Error(), "folder does not exist") {
			t.Error(err)
		}
	})
	t.Run("a dangling link", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "bot.db")
		if err := os.Symlink("none.db", path); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(path, store.Options{})
		if want := "store " + path + ": it is a symbolic link to a file that does not exist; mend the link, or set STORE to the file itself"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
	t.Run("a long name", func(t *testing.T) {
		for _, n := range []int{245, 300} {
			path := filepath.Join(t.TempDir(), strings.Repeat("a", n))
			_, err := store.Open(path, store.Options{})
			if want := "store " + path + ": its name is too long; set STORE to a shorter path"; err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	})
	t.Run("a folder", func(t *testing.T) {
		if _, err := store.Open(t.TempDir(), store.Options{}); !errors.Is(err, store.ErrForeign) {
			t.Error(err)
		}
	})
	t.Run("in use", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "bot.db")
		storetest.Open(t, path, store.Options{})
		start := time.Now()
		if _, err := store.Open(path, store.Options{LockWait: 60 * time.Millisecond}); !errors.Is(err, store.ErrInUse) {
			t.Error(err)
		}
		if waited := time.Since(start); waited > 2*time.Second {
			t.Errorf("waited %s", waited)
		}
	})
}

func makeBolt(t *testing.T, path string, fn func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(fn), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// makeStore leaves a closed store that has something of everything, over several
// pages.
func makeStore(t *testing.T, path string) {
	t.Helper()
	dir := t.TempDir()
	s := storetest.Open(t, filepath.Join(dir, "bot.db"), store.Options{})
	for n := range int64(3) {
		err := s.Update(context.Background(), func(tx *store.Tx) error {
			for i := range int64(60) {
				if err := step(tx, 100*n+i); err != nil {
					return err
				}
			}
			return errors.Join(
				tx.PutMember(requests.Member{Person: "kate", Role: requests.Admin, Accounts: []requests.Account{"telegram:1"}}),
				tx.PutMessage(store.Message{Request: "r00001", Key: "card", Ref: "C1/1"}),
				tx.SetLive("r00001", true), tx.SetGuard("renew 1001", "r00001"),
				tx.PutValue("big", bytes.Repeat([]byte("v"), 10000)),
			)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Backup(path); err != nil { // no longer than its pages need
		t.Fatal(err)
	}
}

// readAll reads and writes everywhere, as far as the records let it.
func readAll(s *store.Store) error {
	return s.Update(context.Background(), func(tx *store.Tx) error {
		tx.Seen("slack:00000001")
		tx.Guard("renew 1001")
		tx.Value("big")
		_, err1 := tx.Members()
		_, err2 := tx.Tasks()
		_, err3 := tx.Messages("r00001")
		_, _, err4 := tx.MessageByRef("C1/1")
		_, err5 := tx.EntriesOf("1001")
		err6 := tx.EachOpen(func(requests.Request) error { return nil })
		err7 := tx.Entries(1, func(requests.Entry) error { return nil })
		for n := range int64(20) {
			_ = step(tx, 1000+n)
		}
		return errors.Join(err1, err2, err3, err4, err5, err6, err7)
	})
}

func TestOpenTruncated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "whole.db")
	makeStore(t, path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lengths := []int{1, 15, 16, 20, 79, 80, 100, len(whole) - 1}
	for n := 1024; n < len(whole); n += 1024 {
		lengths = append(lengths, n, n+1)
	}
	for _, n := range lengths {
		cut := filepath.Join(dir, "cut.db")
		if err := os.WriteFile(cut, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(cut, store.Options{})
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, store.ErrDamaged) && (n >= 20 || !errors.Is(err, store.ErrForeign)) {
			t.Errorf("%d bytes of %d: %v", n, len(whole), err)
		}
		if after, err := os.ReadFile(cut); err != nil || !bytes.Equal(after, whole[:n]) {
			t.Errorf("%d bytes: the file was touched", n)
		}
	}
}

// Bytes that are not what they were are found when the store is opened, or do no
// more harm than a record that cannot be read.
func TestOpenChanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "whole.db")
	makeStore(t, path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	changed := filepath.Join(dir, "changed.db")
	found := 0
	for range 80 {
		b := bytes.Clone(whole)
		at := random.IntN(len(b))
		switch random.IntN(3) {
		case 0:
			b[at] ^= byte(1 << random.IntN(8))
		case 1: // within the headers and entries of a page
			at = at/4096*4096 + random.IntN(256)
			b[at] = byte(random.Uint32())
		case 2: // a sector of nothing
			at = at / 512 * 512
			clear(b[at:min(at+512, len(b))])
		}
		if err := os.WriteFile(changed, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(changed, store.Options{})
		if err != nil {
			found++
			continue
		}
		_ = readAll(s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if found < 8 {
		t.Errorf("only %d of 80 changes were found", found)
	}
}

// A store of format 0 is a bbolt file with the mark alone.
func TestMigrate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.db")
	makeBolt(t, path, func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte("meta"))
		if err != nil {
			return err
		}
		return errors.Join(b.Put([]byte("app"), []byte("license-bot")), b.Put([]byte("format"), []byte("0")))
	})
	s := storetest.Open(t, path, store.Options{})
	if s.Fresh() {
		t.Error("an old store is fresh")
	}
	if err := readAll(s); err != nil {
		t.Error(err)
	}
}

func TestMigrateAllOrNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.db")
	makeBolt(t, path, store.Mark)
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	fails := errors.New("no")
	steps := append(store.Migrations(), func(*bolt.Tx) error { return fails })
	if _, err := store.Migrate(db, steps); !errors.Is(err, fails) {
		t.Error("got", err)
	}
	if err := db.View(func(tx *bolt.Tx) error {
		if tx.Bucket([]byte("requests")) != nil {
			t.Error("the first step's work stayed")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	steps[len(steps)-1] = func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("extra"))
		return err
	}
	if from, err := store.Migrate(db, steps); from != 0 || err != nil {
		t.Error(from, err)
	}
	if from, err := store.Migrate(db, steps); from != len(steps) || err != nil {
		t.Error("a second time:", from, err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if _, err := store.Open(path, store.Options{}); !errors.Is(err, store.ErrNewer) {
		t.Error("this version opens a later one's:", err)
	}
}

// Several starts at once: one gets the store, the others are told.
func TestOpenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.db")
	var wg sync.WaitGroup
	results := make(chan error, 4)
	for range 4 {
		wg.Go(func() {
			s, err := store.Open(path, store.Options{LockWait: 200 * time.Millisecond})
			if err == nil {
				t.Cleanup(func() { _ = s.Close() })
			}
			results <- err
		})
	}
	wg.Wait()
	close(results)
	opened := 0
	for err := range results {
		switch {
		case err == nil:
			opened++
		case !errors.Is(err, store.ErrInUse):
			t.Error(err)
		}
	}
	if opened != 1 {
		t.Errorf("%d have it open", opened)
	}
}
