package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/isplicense/license-bot/internal/store"
	"github.com/isplicense/license-bot/internal/store/storetest"
)

// A disk that stops taking writes: in the place of the file's descriptor comes one
// that cannot be written, or one that nothing can be done with.
func TestFailingDisk(t *testing.T) {
	for _, test := range []struct {
		name  string
		flag  int
		value int // bytes to write
	}{
		{"writing a page", os.O_RDONLY, 10},
		{"growing the file", os.O_RDONLY, 20 << 20},
		{"any use of the file", os.O_RDONLY | 0x200000 /* O_PATH */, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bot.db")
			var file *os.File
			s, err := store.Open(path, store.Options{}.WithOpenFile(func(name string, flag int, mode os.FileMode) (*os.File, error) {
				f, err := os.OpenFile(name, flag, mode)
				if name == path {
					file = f
				}
				return f, err
			}))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Update(context.Background(), put("before")); err != nil {
				t.Fatal(err)
			}
			fd, err := syscall.Open(path, test.flag, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Dup3(fd, int(file.Fd()), syscall.O_CLOEXEC); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Close(fd); err != nil {
				t.Fatal(err)
			}
			err = s.Update(context.Background(), func(tx *store.Tx) error {
				return tx.PutValue("after", make([]byte, test.value))
			})
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
				if _, ok := tx.Value("after"); ok {
					t.Error("what could not be written is there")
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}
