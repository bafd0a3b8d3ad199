//go:build !linux

package store

import "os"

// syncData makes what was written to a file outlive a power cut.
func syncData(f *os.File) error { return f.Sync() }
