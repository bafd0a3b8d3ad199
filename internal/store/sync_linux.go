package store

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// syncData makes what was written within a file outlive a power cut, and its length;
// not its times, which a Sync writes too.
func syncData(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return &fs.PathError{Op: "sync", Path: f.Name(), Err: err}
		}
	}
}
