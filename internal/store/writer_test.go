package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/isplicense/license-bot/internal/store"
	"github.com/isplicense/license-bot/internal/store/storetest"
)

func put(name string) func(*store.Tx) error {
	return func(tx *store.Tx) error { return tx.PutValue(name, nil) }
}

// What arrives while a commit is under way shares the next one.
func TestUpdatesShareACommit(t *testing.T) {
	var commits atomic.Int64
	busy, goOn := make(chan bool, 1), make(chan bool)
	s := storetest.New(t, store.Options{}.WithCommit(func(do func() error) error {
		if commits.Add(1) == 1 {
			busy <- true
			<-goOn
		}
		return do()
	}))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Update(context.Background(), put("first")); err != nil {
			t.Error(err)
		}
	})
	<-busy
	var waiting sync.WaitGroup
	for i := range 40 {
		waiting.Add(1)
		wg.Go(func() {
			if err := s.Update(waits{context.Background(), waiting.Done}, put(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
	close(goOn)
	wg.Wait()
	// The first one's; that of those whom the writer took while it waited for its
	// turn; that of the others.
	if n := commits.Load(); n > 3 {
		t.Errorf("%d commits for 41 updates", n)
	}
}

// waits is a context that tells when somebody waits for its end.
type waits struct {
	context.Context
	begun func()
}

func (w waits) Done() <-chan struct{} {
	w.begun()
	return w.Context.Done()
}

// What shares a transaction with one that only reads is kept like any other, whichever
// comes first.
func TestReadersShareACommit(t *testing.T) {
	s := storetest.New(t, store.Options{Idle: time.Hour})
	set(t, s, 0) // makes the log
	var wg sync.WaitGroup
	update := func(update func(context.Context, func(*store.Tx) error) error, ctx context.Context, fn func(*store.Tx) error) {
		wg.Go(func() {
			if err := update(ctx, fn); err != nil {
				t.Error(err)
			}
		})
	}
	busy, goOn, waiting := make(chan bool), make(chan bool), make(chan bool)
	// In no hurry: the writer does it, and then all that has come meanwhile.
	update(s.UpdateSoon, context.Background(), func(*store.Tx) error {
		busy <- true
		<-goOn
		return nil
	})
	<-busy
	reads := func(*store.Tx) error { return nil }
	for _, fn := range []func(*store.Tx) error{reads, put("v1"), reads} {
		update(s.Update, waits{context.Background(), func() { waiting <- true }}, fn)
		<-waiting
	}
	close(goOn)
	wg.Wait()
	file, log := killed(t, s.Path())
	if got := len(opens(t, left(t, file, log))); got != 2 {
		t.Errorf("a kill leaves %d of 2", got)
	}
}

// Who is in a hurry and comes after somebody who is not, while the store is at work, is
// not kept waiting for company.
func TestHurryAfterSoon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(path, store.Options{Linger: time.Minute, Idle: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		set(t, s, 0)
		set(t, s, 1) // the log has it, and the writer has nothing to do for an hour
		synctest.Wait()
		var wg sync.WaitGroup
		busy, goOn, waiting := make(chan bool), make(chan bool), make(chan bool)
		ctx := waits{context.Background(), func() { waiting <- true }}
		start := time.Now()
		wg.Go(func() {
			if err := s.Update(context.Background(), func(*store.Tx) error {
				busy <- true
				<-goOn
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
		<-busy
		update := func(update func(context.Context, func(*store.Tx) error) error, want time.Duration) {
			wg.Go(func() {
				if err := update(ctx, put("x")); err != nil {
					t.Error(err)
				}
				if waited := time.Since(start); waited != want {
					t.Errorf("it waited %s, not %s", waited, want)
				}
			})
			<-waiting
		}
		update(s.UpdateSoon, time.Minute)
		synctest.Wait() // the writer waits for company
		update(s.Update, 0)
		close(goOn)
		wg.Wait()
	})
}

func TestReadingCommitsNothing(t *testing.T) {
	var commits atomic.Int64
	s := storetest.New(t, store.Options{}.WithCommit(func(do func() error) error {
		commits.Add(1)
		return do()
	}))
	if err := s.Update(context.Background(), func(tx *store.Tx) error {
		tx.Seen("x")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := commits.Load(); n != 0 {
		t.Errorf("%d commits", n)
	}
}

func TestUpdateSoonLingers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(path, store.Options{Linger: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := s.UpdateSoon(context.Background(), put("a")); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited != time.Minute {
			t.Errorf("alone it waited %s", waited)
		}

		// A few do not hold up one in a hurry; many are taken along.
		var wg sync.WaitGroup
		for few, want := range map[int]time.Duration{5: time.Minute, 50: time.Second} {
			start := time.Now()
			for i := range few {
				wg.Go(func() {
					if err := s.UpdateSoon(context.Background(), put(fmt.Sprint("soon ", i))); err != nil {
						t.Error(err)
					}
					if waited := time.Since(start); waited != want {
						t.Errorf("one of %d waited %s, not %s", few, waited, want)
					}
				})
			}
			time.Sleep(time.Second)
			if err := s.Update(context.Background(), put("now")); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(start); waited != time.Second {
				t.Errorf("an update in a hurry came after a second and was done after %s", waited)
			}
			wg.Wait()
		}

		start = time.Now()
		wg.Go(func() {
			if err := s.UpdateSoon(context.Background(), put("last")); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if waited := time.Since(start); waited != 0 {
			t.Errorf("closing let it wait %s", waited)
		}
	})
	if err := store.Check(path); err != nil {
		t.Error(err)
	}
}

// A commit that fails may have happened or not: both ways the store stops, says
// so, and the next process sees what is there.
func TestFailedCommit(t *testing.T) {
	failed := errors.New("input/output error")
	for _, test := range []struct {
		name   string
		commit func(func() error) error
		kept   bool
	}{
		{"after the disk had it", func(do func() error) error { return errors.Join(do(), failed) }, true},
		{"before the disk had it", func(func() error) error { return failed }, false},
		{"with a panic", func(func() error) error { panic("page 7 is not itself") }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bot.db")
			var calls atomic.Int64
			s := storetest.Open(t, path, store.Options{}.WithCommit(func(do func() error) error {
				if calls.Add(1) == 1 {
					return do()
				}
				return test.commit(do)
			}))
			if err := s.Update(context.Background(), put("before")); err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					err := s.Update(context.Background(), func(tx *store.Tx) error {
						tx.OnCommit(func() { t.Error("a hook ran") })
						return tx.PutValue("after", nil)
					})
					if !errors.Is(err, store.ErrBroken) {
						t.Error("got", err)
					}
				})
			}
			wg.Wait()
			<-s.Broken()
			if err := s.Update(context.Background(), put("later")); !errors.Is(err, store.ErrBroken) {
				t.Error("a later update:", err)
			}
			if err := s.View(func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrBroken) {
				t.Error("a later view:", err)
			}
			if n := calls.Load(); n != 2 {
				t.Errorf("%d commits were tried", n)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			s = storetest.Open(t, path, store.Options{})
			if err := s.View(func(tx *store.Tx) error {
				if _, ok := tx.Value("before"); !ok {
					t.Error("what was acknowledged is lost")
				}
				if _, ok := tx.Value("after"); ok != test.kept {
					t.Errorf("the uncertain one is there: %t", ok)
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

// A test's FailNow within a transaction ends the writer; nobody may hang for it.
func TestGoexit(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "bot.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ready, goOn := make(chan bool), make(chan bool)
	go func() {
		_ = s.Update(context.Background(), func(*store.Tx) error {
			close(ready)
			<-goOn
			runtime.Goexit()
			return nil
		})
	}()
	<-ready
	waits := make(chan error)
	go func() { waits <- s.Update(context.Background(), put("after")) }()
	close(goOn)
	if err := <-waits; !errors.Is(err, store.ErrBroken) {
		t.Error("got", err)
	}
	if err := s.UpdateSoon(context.Background(), put("later")); !errors.Is(err, store.ErrBroken) {
		t.Error("got", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A transaction of which half was done is never made to last, neither when the store
// has nothing to do nor when it is closed.
func TestHalfIsNeverKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(path, store.Options{Idle: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		set(t, s, 0)
		set(t, s, 1)
		go func() {
			_ = s.Update(context.Background(), func(tx *store.Tx) error {
				_ = tx.PutValue("v2", []byte("half"))
				runtime.Goexit()
				return nil
			})
		}()
		time.Sleep(time.Hour)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if got := fmt.Sprint(opens(t, path)); got != "[0 1]" {
		t.Errorf("there is %s", got)
	}
}

func TestBackup(t *testing.T) {
	s := storetest.New(t, store.Options{})
	if err := s.Update(context.Background(), put("x")); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 50 {
				if err := s.Update(context.Background(), put(strings.Repeat("y", i))); i > 0 && err != nil {
					t.Error(err)
				}
			}
		})
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "copy.db")
	if err := s.Backup(path); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if err := s.Backup(path); !errors.Is(err, os.ErrExist) {
		t.Error("a second time:", err)
	}
	if err := s.Backup(filepath.Join(dir, "none", "copy.db")); !errors.Is(err, os.ErrNotExist) {
		t.Error("into a folder that is not there:", err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	c := storetest.Open(t, path, store.Options{})
	if err := c.View(func(tx *store.Tx) error {
		if _, ok := tx.Value("x"); !ok {
			t.Error("the copy lacks what was there")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// A copy of a damaged store is none: it is found out while there is another one.
func TestBackupIsChecked(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "bot.db")
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Update(context.Background(), put(strings.Repeat("x", 20000))); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	const meta = 2 << 12 // the pages that say what the file is
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xa7}, int(info.Size())-meta), meta); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(filepath.Join(dir, "copy.db")); !errors.Is(err, store.ErrDamaged) {
		t.Error(err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 2 { // the store and its log
		t.Errorf("left behind: %v, %v", names, err)
	}
}

// Whichever page of a store is damaged, a copy of it is refused, or does not have it.
func TestBackupOfDamage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "bot.db")
	makeStore(t, path)
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	page, noise := make([]byte, 4096), bytes.Repeat([]byte{0xa7}, 4096)
	found := 0
	for at := int64(2 * len(page)); at < info.Size(); at += int64(len(page)) {
		if _, err := f.ReadAt(page, at); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(noise, at); err != nil {
			t.Fatal(err)
		}
		err := s.Backup(filepath.Join(dir, fmt.Sprint("copy", at)))
		if errors.Is(err, store.ErrDamaged) {
			found++
		} else if err != nil {
			t.Error(err)
		}
		if _, err := f.WriteAt(page, at); err != nil {
			t.Fatal(err)
		}
	}
	if found == 0 {
		t.Error("no damage was found")
	}
}

// A function that comes to nothing has nothing done afterwards, whether it wrote or not.
func TestNoHookOfAFailure(t *testing.T) {
	s := storetest.New(t, store.Options{})
	failed := errors.New("no")
	for _, fn := range []func(*store.Tx) error{func(*store.Tx) error { return nil }, put("x")} {
		err := s.Update(context.Background(), func(tx *store.Tx) error {
			tx.OnCommit(func() { t.Error("a hook ran") })
			return errors.Join(fn(tx), failed)
		})
		if !errors.Is(err, failed) {
			t.Error(err)
		}
	}
}
