package store

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"syscall"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Open opens the store at path, or makes it if there is no such file (its folder
// must exist). What else is there is opened only if it is whole and ours, and left
// untouched otherwise: see [ErrInUse], [ErrDamaged], [ErrNewer], [ErrForeign],
// [ErrNotWritable].
func Open(path string, o Options) (*Store, error) {
	o = o.withDefaults()
	info, err := os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	switch {
	case fresh && isLink(path):
		// It may lead to where the store is once that is mounted.
		return nil, explain(path, errDangling)
	case fresh:
		err := create(path, o)
		if errors.Is(err, fs.ErrExist) { // another process was quicker
			fresh, err = false, nil
		}
		if err != nil {
			return nil, explain(path, err)
		}
	case err != nil:
		return nil, explain(path, err)
	case info.Mode().Perm()&0o077 != 0:
		o.Log.Warn("the store can be read by other users; chmod 600 it", "store", path, "mode", info.Mode().Perm().String())
	}
	if err := inspect(path, o, wholeCheckLimit); err != nil {
		return nil, explain(path, err)
	}
	db, err := openBolt(path, o)
	if err != nil {
		return nil, explain(path, err)
	}
	from, err := migrate(db, migrations())
	s := &Store{
		o: o, path: path, db: db, fresh: fresh,
		log:     redoLog{path: logPath(path), sync: o.sync},
		wake:    make(chan struct{}, 1),
		broken:  make(chan struct{}),
		written: make(chan struct{}),
	}
	var records uint64
	if err == nil {
		records, err = recoverLog(db, s.log.path, o)
	}
	if err == nil {
		err = s.begin()
	}
	if err != nil {
		_ = db.Close()
		return nil, explain(path, err)
	}
	if to := len(migrations()); from != to {
		o.Log.Info("the store was brought to a new format", "store", path, "from", from, "to", to)
	}
	if fresh {
		o.Log.Warn("new, empty store made: what an earlier one knew is not known", "store", path)
	}
	if records > 0 {
		o.Log.Info("the store was not closed; what it had not written yet was taken from its log", "store", path, "records", records)
	}
	go s.write()
	return s, nil
}

// explain makes one line of an error of opening, with the path and what to do.
func explain(path string, err error) error {
	advice := "look at the file"
	if errors.Is(err, syscall.ENAMETOOLONG) {
		err = errLongName // and not the name once more
	}
	switch {
	case errors.Is(err, ErrInUse):
		advice = "stop the other one first"
	case errors.Is(err, ErrNoLog):
		advice = "put the file " + filepath.Base(logPath(path)) + " of the same time beside it, or restore a backup"
	case errors.Is(err, ErrDamaged):
		advice = "restore a backup in its place"
	case errors.Is(err, ErrNewer):
		advice = "run that version, or restore a backup made before it"
	case errors.Is(err, ErrForeign):
		advice = "set STORE to another path, or restore a backup in its place"
	case errors.Is(err, ErrNotWritable):
		advice = "let the bot's user write the file and its folder"
	case errors.Is(err, errNoFolder):
		advice = "make it, or set STORE to a path in one that exists"
	case errors.Is(err, errDangling):
		advice = "mend the link, or set STORE to the file itself"
	case errors.Is(err, errLongName):
		advice = "set STORE to a shorter path"
	}
	return fmt.Errorf("store %s: %w; %s", path, err, advice)
}

var (
	errNoFolder = errors.New("its folder does not exist")
	errDangling = errors.New("it is a symbolic link to a file that does not exist")
	errLongName = errors.New("its name is too long")
)

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().Type() == fs.ModeSymlink
}

// create makes an empty store under another name and then gives it its own, so
// that a kill leaves a whole one or none.
func create(path string, o Options) error {
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return errNoFolder
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return notWritable(err)
	}
	defer os.Remove(f.Name())
	if err := f.Close(); err != nil {
		return err
	}
	db, err := openBolt(f.Name(), o)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		if err := mark(tx); err != nil {
			return err
		}
		return upgrade(tx, 0, migrations())
	})
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	return publish(f.Name(), path)
}

// publish gives a file that is synced its real name, unless that is taken.
func publish(from, to string) error {
	err := os.Link(from, to)
	switch {
	case err == nil:
		err = os.Remove(from)
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s exists already: %w", to, fs.ErrExist)
	default:
		// A file system without hard links. Between looking and renaming somebody
		// else could take the name.
		if _, err := os.Lstat(to); err == nil {
			return fmt.Errorf("%s exists already: %w", to, fs.ErrExist)
		}
		err = os.Rename(from, to)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

// syncDir makes a name in a folder outlive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// inspect looks at an existing file without writing to it, and with nobody else
// writing. It comes before bbolt opens the file for writing, because bbolt panics
// over a damaged free list and is killed by SIGBUS over a page that is not there.
func inspect(path string, o Options, limit int64) error {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would be waited for
	if err != nil {
		return notWritable(err)
	}
	defer f.Close()
	if _, err := readLayout(f); err != nil {
		return err
	}
	// Opened for reading, bbolt looks at the meta pages only, and they were just
	// found good. What it gives us is its lock.
	db, err := bolt.Open(path, 0, &bolt.Options{ReadOnly: true, Timeout: o.LockWait, OpenFile: o.openFile})
	if err != nil {
		return boltError(err)
	}
	defer db.Close()
	if err := checkPages(f, limit); err != nil {
		return err
	}
	return db.View(func(tx *bolt.Tx) error {
		_, err := format(tx, len(migrations()))
		return err
	})
}

func openBolt(path string, o Options) (db *bolt.DB, err error) {
	var file *os.File
	defer func() {
		if r := recover(); r != nil {
			if file != nil {
				_ = file.Close() // and with it the lock
			}
			db, err = nil, fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	options := &bolt.Options{
		Timeout:      o.LockWait,
		FreelistType: bolt.FreelistMapType,
		NoStatistics: true,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			var err error
			file, err = o.openFile(name, flag&^os.O_CREATE, mode)
			return file, err
		},
	}
	// To grow beyond its mapping a store has to wait for every reader. This costs
	// addresses, not memory; 32 bits have too few of them.
	if math.MaxInt > math.MaxInt32 {
		options.InitialMmapSize = 1 << 30
	}
	db, err = bolt.Open(path, 0o600, options)
	return db, boltError(err)
}

func boltError(err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return ErrInUse
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return notWritable(err)
}

func notWritable(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("%w: %w", ErrNotWritable, err)
	}
	return err
}
