package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/isplicense/license-bot/internal/requests"
)

// Why a store cannot be opened. Each comes wrapped in a line that has the path and
// what to do.
var (
	ErrInUse       = errors.New("another process has the store open")
	ErrDamaged     = errors.New("the store is damaged")
	ErrNewer       = errors.New("the store was written by a newer version of the bot")
	ErrForeign     = errors.New("the file is not a store of this bot")
	ErrNotWritable = errors.New("the store cannot be written")
	// ErrNoLog: the store was not closed, and the log with what was written last
	// is not beside it.
	ErrNoLog = errors.New("the store's log is missing")
)

// Why a transaction was not done.
var (
	// ErrBroken is what every call gets after a commit has failed. For those that
	// were waiting for that commit the outcome is unknown: the next Open will
	// see what the disk has.
	ErrBroken = errors.New("the store stopped after a failed write")
	// ErrClosed is what calls get after Close. They have changed nothing.
	ErrClosed = errors.New("the store is closed")
	// ErrReadOnly is what a writing method gives within a View.
	ErrReadOnly = errors.New("a read transaction cannot write")
)

// Options are the store's surroundings; the zero value is good.
type Options struct {
	Now  func() time.Time // time.Now
	Rand io.Reader        // of request ids; crypto/rand. Must allow concurrent reads
	Log  *slog.Logger     // silent

	// LockWait is how long another process is waited for that has the file open; 2 s.
	LockWait time.Duration
	// Linger is how long UpdateSoon may wait for company; 5 ms.
	Linger time.Duration

	// Idle is how long nothing has to be written for a checkpoint to be made; 1 s.
	Idle time.Duration

	// openFile, sync and commit are where tests let a disk fail; commit does what it
	// is given, which makes a transaction last.
	openFile func(string, int, os.FileMode) (*os.File, error)
	sync     func(*os.File) error
	commit   func(func() error) error
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.LockWait <= 0 {
		o.LockWait = 2 * time.Second
	}
	if o.Linger <= 0 {
		o.Linger = 5 * time.Millisecond
	}
	if o.openFile == nil {
		o.openFile = os.OpenFile
	}
	if o.sync == nil {
		o.sync = syncData
	}
	if o.Idle <= 0 {
		o.Idle = time.Second
	}
	if o.commit == nil {
		o.commit = func(do func() error) error { return do() }
	}
	return o
}

// Store is an open store. Its methods may be called by many goroutines at once.
type Store struct {
	o     Options
	path  string
	db    *bolt.DB
	fresh bool

	mu      sync.Mutex
	queue   []*call
	urgent  bool // somebody in the queue does not want to wait for company
	closing bool
	broke   bool
	cause   error // with broke

	// turn is held by whoever runs transactions.
	turn sync.Mutex
	// rw is held for writing from a transaction's first function until it is kept, or
	// what others read might yet be lost.
	rw   sync.RWMutex
	open opened  // its tx is nil: the store is closed
	log  redoLog // of whoever has the turn

	wake    chan struct{} // the queue has something new for the writer; holds one
	broken  chan struct{} // closed when a commit has failed
	written chan struct{} // closed when the writer has ended

	closeOnce sync.Once
	closeErr  error

	members  atomic.Pointer[memberList]
	requests memo[requests.Request]
	messages memo[Message]
}

// Fresh says that this Open has made the file: whatever was done before it is not
// known.
func (s *Store) Fresh() bool { return s.fresh }

// Broken is closed when a commit has failed. The store then has to be closed.
func (s *Store) Broken() <-chan struct{} { return s.broken }

// Cause is why the store broke; nil while it has not. It says what the file system
// did and names the file.
func (s *Store) Cause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// View runs fn in a read transaction, which sees what was committed when it began
// and nothing later. Nothing is written while it runs, so fn must be quick; it must
// neither begin another transaction nor wait for anything. After a failed commit it is
// refused, since what it would show may not be there after a restart.
func (s *Store) View(fn func(*Tx) error) error {
	s.rw.RLock()
	defer s.rw.RUnlock()
	if s.isBroken() {
		return ErrBroken
	}
	if s.open.tx == nil {
		return ErrClosed
	}
	return fn(&Tx{s: s, view: true})
}

// Update runs fn in a write transaction and returns when it is committed, as soon
// as that can be: what arrives while a commit is under way shares the next one.
//
// fn runs in another goroutine and normally once. It must be repeatable (set what
// it captures, do not add to it; no sends, no counters), because it runs again
// when a neighbour in its transaction has failed after writing. An error of fn
// goes to its caller alone and undoes what fn wrote; a plain "no" is better not
// an error but a captured value. A panic of fn becomes one of the caller.
//
// If ctx ends before fn was begun, its error is returned and nothing was done;
// afterwards the outcome is waited for. [ErrBroken] means that it is not known
// whether anything was done.
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) error {
	return s.submit(ctx, fn, false)
}

// UpdateSoon is Update for what is in no hurry: it may wait up to Options.Linger
// for others to share its commit.
func (s *Store) UpdateSoon(ctx context.Context, fn func(*Tx) error) error {
	return s.submit(ctx, fn, true)
}

// Close lets the updates that were accepted finish and closes the file. It may be
// called more than once; every call gives the first one's error.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.mu.Lock()
		s.closing = true
		s.mu.Unlock()
		s.signal()
		<-s.written
		if err := s.end(); err != nil {
			s.closeErr = fmt.Errorf("closing the store %s: %w", s.path, err)
		}
	})
	return s.closeErr
}

// end closes the files. A store that is whole then has no log.
func (s *Store) end() error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.rw.Lock()
	defer s.rw.Unlock()
	var err error
	if s.log.f != nil && !s.isBroken() {
		if err = s.checkpoint(false); err == nil {
			err = os.Remove(s.log.path)
		}
	}
	err = errors.Join(err, s.log.close())
	tx := s.open.tx
	s.open = opened{}
	if tx != nil && !rollback(tx) {
		return err // bbolt's write lock was lost in a panic: its Close would wait for ever
	}
	return errors.Join(err, s.db.Close())
}

// rollback ends a transaction, also one whose commit has failed.
func rollback(tx *bolt.Tx) (ok bool) {
	defer func() { ok = recover() == nil && ok }()
	err := tx.Rollback()
	return err == nil || errors.Is(err, bolterrors.ErrTxClosed)
}

func (s *Store) isBroken() bool {
	select {
	case <-s.broken:
		return true
	default:
		return false
	}
}
