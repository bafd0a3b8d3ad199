package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/store"
	"github.com/isplicense/license-bot/internal/store/storetest"
)

// spoil puts in the place of a file's descriptor one that was opened otherwise.
func spoil(t *testing.T, f *os.File, flag int) {
	t.Helper()
	fd, err := syscall.Open(f.Name(), flag, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Dup3(fd, int(f.Fd()), syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Close(fd); err != nil {
		t.Fatal(err)
	}
}

// A disk that stops taking writes: in the place of a file's descriptor comes one that
// cannot be written, or one that nothing can be done with.
func TestFailingDisk(t *testing.T) {
	const opath = 0x200000
	for _, test := range []struct {
		name  string
		file  string
		flag  int
		value int // bytes to write
		kept  bool
	}{
		{"writing to the log", "bot.db-redo", os.O_RDONLY, 10, false},
		{"growing the log", "bot.db-redo", os.O_RDONLY, 1 << 20, false},
		{"any use of the log", "bot.db-redo", os.O_RDONLY | opath, 10, false},
		// The log has it when the checkpoint fails that comes because the log is full.
		{"writing a page", "bot.db", os.O_RDONLY, 8 << 20, true},
		{"any use of the file", "bot.db", os.O_RDONLY | opath, 8 << 20, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "bot.db")
			files := map[string]*os.File{}
			s, err := store.Open(path, store.Options{Idle: time.Hour}.WithOpenFile(func(name string, flag int, mode os.FileMode) (*os.File, error) {
				f, err := os.OpenFile(name, flag, mode)
				files[name] = f
				return f, err
			}))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Update(context.Background(), put("before")); err != nil {
				t.Fatal(err)
			}
			spoil(t, files[filepath.Join(dir, test.file)], test.flag)
			err = s.Update(context.Background(), func(tx *store.Tx) error {
				return tx.PutValue("after", make([]byte, test.value))
			})
			if test.kept {
				if err != nil {
					t.Error(err)
				}
				err = s.Update(context.Background(), put("last"))
			}
			if !errors.Is(err, store.ErrBroken) {
				t.Error("got", err)
			}
			<-s.Broken()
			// The lock went with the descriptor, so that closing may complain.
			_ = s.Close()

			s = storetest.Open(t, path, store.Options{})
			if err := s.View(func(tx *store.Tx) error {
				if _, ok := tx.Value("before"); !ok {
					t.Error("what was acknowledged is lost")
				}
				if _, ok := tx.Value("after"); ok != test.kept {
					t.Errorf("what was written last is there: %t", ok)
				}
				if _, ok := tx.Value("last"); ok {
					t.Error("what could not be written is there")
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

// A disk may fail when nobody writes: whoever waited to read is told, like those who
// come later.
func TestFailingDiskWhileIdle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.db")
	var files []*os.File
	open := func(name string, flag int, mode os.FileMode) (*os.File, error) {
		f, err := os.OpenFile(name, flag, mode)
		if name == path {
			files = append(files, f)
		}
		return f, err
	}
	var blocks atomic.Bool
	busy, goOn := make(chan bool), make(chan bool)
	now := func() time.Time { // a checkpoint asks for it
		if blocks.CompareAndSwap(true, false) {
			busy <- true
			<-goOn
		}
		return time.Now()
	}
	s := storetest.Open(t, path, store.Options{Idle: time.Millisecond, Now: now}.WithOpenFile(open))
	set(t, s, 0)
	spoil(t, files[len(files)-1], os.O_RDONLY)
	blocks.Store(true)
	set(t, s, 1)
	<-busy
	told := s.HoldFailure() // to let them come before it is told
	const readers = 20
	views := make(chan error)
	for range readers {
		go func() {
			views <- s.View(func(tx *store.Tx) error {
				_, err := tx.Members()
				return err
			})
		}()
	}
	yield()
	close(goOn)
	yield()
	told()
	for range readers {
		if err := <-views; !errors.Is(err, store.ErrBroken) {
			t.Error("a view:", err)
		}
	}
}

// What no regular file is, a pipe that nobody writes to for one, is refused at once.
func TestPipes(t *testing.T) {
	s := storetest.New(t, store.Options{Idle: time.Hour})
	set(t, s, 0)
	file, _ := killed(t, s.Path())
	log := left(t, file, nil) + "-redo"
	for _, pipe := range []string{log, filepath.Join(t.TempDir(), "bot.db")} {
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		path := strings.TrimSuffix(pipe, "-redo")
		for _, err := range []error{store.Check(path), func() error { _, err := store.Open(path, store.Options{}); return err }()} {
			if err == nil || !strings.Contains(err.Error(), "no regular file") {
				t.Error(err)
			}
		}
	}
}

// The cause of a failure names the file.
func TestFailedSyncNamesTheFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "bot.db-redo"))
	if err != nil {
		t.Fatal(err)
	}
	if err := store.SyncData(f); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := store.SyncData(f); !errors.Is(err, syscall.EBADF) || !strings.Contains(err.Error(), f.Name()) {
		t.Error(err)
	}
}
