// Package storetest is for tests that need a store, and for those of a store: a
// helper that opens one and checks the file's soundness when the test ends, and the
// suite that every back end passes.
package storetest

import (
	"path/filepath"
	"testing"

	"github.com/isplicense/license-bot/internal/store"
)

// New gives an empty store in a folder of the test's own. When the test ends it is
// closed and its file checked.
func New(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	return Open(t, filepath.Join(t.TempDir(), "bot.db"), o)
}

// Open opens the store at path. When the test ends it is closed, if it is not yet,
// and its file checked.
func Open(t testing.TB, path string, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := store.Check(path); err != nil {
			t.Error(err)
		}
	})
	return s
}
