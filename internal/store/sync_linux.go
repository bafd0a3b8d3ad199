package store

import (
	"errors"
	"os"
	"syscall"
)

// syncData makes what was written within a file outlive a power cut, and its length;
// not its times, which a Sync writes too.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
