package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// Backup writes a consistent copy of the store to a new file, mode 0600, while work
// goes on. The copy is checked before it gets its name; an existing file is never
// replaced (an error that is [fs.ErrExist]).
func (s *Store) Backup(path string) error {
	if err := s.backup(path); err != nil {
		return fmt.Errorf("backup %s: %w", path, err)
	}
	return nil
}

func (s *Store) backup(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%w; name another file", fs.ErrExist)
	}
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".part-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	// A checkpoint, after which the file has all.
	err = s.submit(context.Background(), func(tx *Tx) error {
		tx.flush = true
		return nil
	}, false)
	if err == nil {
		err = s.db.View(func(tx *bolt.Tx) error {
			_, err := tx.WriteTo(f)
			return err
		})
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := withoutLog(f.Name()); err != nil {
		return err
	}
	if err := Check(f.Name()); err != nil {
		return err
	}
	return publish(f.Name(), path)
}

// checkLog reads the log that a store which was not closed has beside it.
func checkLog(tx *bolt.Tx, path string, o Options) error {
	n, err := format(tx, len(migrations()))
	if err != nil || n < len(migrations()) { // of an older format, it has none
		return err
	}
	state, err := readLogState(tx)
	if err != nil || !state.inUse {
		return err
	}
	_, err = readLogFile(path, state.epoch, o.openFile, func(opKind, int, []byte, []byte) error { return nil })
	return err
}

// withoutLog has a copy say that it has no log beside it. Like any file, bbolt gets it
// for writing only if it is whole.
func withoutLog(path string) error {
	o := Options{}.withDefaults()
	if err := inspect(path, o, math.MaxInt64); err != nil {
		return explain(path, err)
	}
	db, err := openBolt(path, o)
	if err != nil {
		return err
	}
	return errors.Join(db.Update(logState{}.put), db.Close())
}

// Check reads the whole of a store that nobody has open and says whether it is
// sound. It writes nothing.
func Check(path string) error {
	o := Options{}.withDefaults()
	if err := inspect(path, o, math.MaxInt64); err != nil {
		return explain(path, err)
	}
	db, err := bolt.Open(path, 0, &bolt.Options{ReadOnly: true, Timeout: o.LockWait})
	if err != nil {
		return explain(path, boltError(err))
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		first := checkLog(tx, logPath(path), o)
		for err := range tx.Check() {
			if first == nil {
				first = fmt.Errorf("%w: %w", ErrDamaged, err)
			}
		}
		return first
	})
	if err != nil {
		return explain(path, err)
	}
	return nil
}
