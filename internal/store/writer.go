package store

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/isplicense/license-bot/internal/failpoint"
)

// call is one Update on its way through the writer.
type call struct {
	fn   func(*Tx) error
	soon bool
	at   time.Time
	done chan struct{}

	// state settles between caller and writer whether fn may be begun.
	state atomic.Int32

	// What came of it; the writer's until done is closed.
	err      error
	panicked string // what fn panicked with, and where; "" : it did not
}

const (
	callQueued int32 = iota
	callTaken
	callDropped
)

func (s *Store) submit(ctx context.Context, fn func(*Tx) error, soon bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &call{fn: fn, soon: soon, done: make(chan struct{})}
	if soon {
		c.at = time.Now()
	}
	s.mu.Lock()
	if s.broke || s.closing {
		defer s.mu.Unlock()
		if s.broke {
			return ErrBroken
		}
		return ErrClosed
	}
	// The writer sleeps only while there is nothing to do or nothing urgent.
	rouse := len(s.queue) == 0 || !soon && !s.urgent
	s.queue = append(s.queue, c)
	s.urgent = s.urgent || !soon
	s.mu.Unlock()
	if rouse {
		s.signal()
	}

	select {
	case <-c.done:
	case <-ctx.Done():
		if c.state.CompareAndSwap(callQueued, callDropped) {
			return ctx.Err()
		}
		<-c.done
	}
	if c.panicked != "" {
		panic(c.panicked)
	}
	return c.err
}

func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// write is the writer: the only goroutine that begins write transactions.
func (s *Store) write() {
	defer close(s.written)
	var batch []*call
	ended := false
	defer func() {
		// A function that ends its goroutine (t.FailNow does) would leave all
		// others waiting for ever.
		if !ended {
			s.stuck = true
			s.fail(batch, fmt.Errorf("a transaction's function ended the writer"))
		}
	}()
	for {
		if batch = s.next(); batch == nil {
			break
		}
		s.run(batch)
	}
	ended = true
}

// gather lets callers that can run, many of whom the last commit has just released,
// come in with what they have next, as long as more of them come.
func (s *Store) gather() {
	for last, n := -1, 0; n > last; {
		runtime.Gosched()
		s.mu.Lock()
		last, n = n, len(s.queue)
		s.mu.Unlock()
	}
}

// next waits for work and takes all of it; nil: the store is closing and none is left.
func (s *Store) next() []*call {
	for {
		s.gather()
		s.mu.Lock()
		n := len(s.queue)
		var wait time.Duration
		if n > 0 && !s.urgent && !s.closing {
			wait = s.o.Linger - time.Since(s.queue[0].at)
		}
		if n > 0 && wait <= 0 || n == 0 && s.closing {
			batch := s.queue
			s.queue, s.urgent = nil, false
			s.mu.Unlock()
			return batch
		}
		s.mu.Unlock()
		if n == 0 {
			<-s.wake
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// run does a batch in one transaction if it can.
func (s *Store) run(batch []*call) {
	batch = slices.DeleteFunc(batch, func(c *call) bool {
		return !c.state.CompareAndSwap(callQueued, callTaken)
	})
	var alone []*call
	for len(batch) > 0 {
		bad := s.attempt(batch)
		if bad == nil {
			break
		}
		batch = slices.DeleteFunc(batch, func(c *call) bool { return c == bad })
		alone = append(alone, bad)
	}
	// What failed after writing may have failed over what its neighbours wrote,
	// which was undone: it is judged by what is committed.
	for _, c := range alone {
		s.attempt([]*call{c})
	}
}

// attempt runs the calls in one transaction, commits it and releases them. If one
// fails after it has written, all is rolled back and that one returned, with
// nobody released, unless it was alone.
func (s *Store) attempt(batch []*call) (bad *call) {
	if s.isBroken() {
		release(batch, ErrBroken)
		return nil
	}
	b, err := s.db.Begin(true)
	if err != nil {
		s.fail(batch, err)
		return nil
	}
	tx := newTx(s, b)
	wrote := false
	for _, c := range batch {
		hooks := len(tx.hooks)
		tx.wrote = false
		tx.do(c)
		wrote = wrote || tx.wrote
		if c.err == nil && c.panicked == "" {
			continue
		}
		tx.hooks = tx.hooks[:hooks]
		if !tx.wrote && c.panicked == "" {
			continue
		}
		if err := b.Rollback(); err != nil {
			s.fail(batch, err)
			return nil
		}
		if len(batch) > 1 {
			return c
		}
		close(c.done)
		return nil
	}
	if err := s.finish(b, wrote); err != nil {
		s.fail(batch, err)
		return nil
	}
	if wrote {
		failpoint.Here("store/after-commit")
	}
	for _, fn := range tx.hooks {
		fn()
	}
	for _, c := range batch {
		close(c.done)
	}
	return nil
}

// do runs one call's function.
func (tx *Tx) do(c *call) {
	c.err, c.panicked = nil, ""
	defer func() {
		if r := recover(); r != nil {
			c.panicked = fmt.Sprintf("%v\n\nin a transaction:\n%s", r, debug.Stack())
		}
	}()
	c.err = c.fn(tx)
}

// finish commits, or ends a transaction in which nothing was written. Every error
// counts as an unknown outcome: bbolt gives those of growing the file, of writing
// pages and of syncing the page that makes them valid through one return value,
// and after some of them its memory no longer agrees with the disk.
func (s *Store) finish(b *bolt.Tx, wrote bool) (err error) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		err = fmt.Errorf("panic: %v", r)
		// The panic has left bbolt's write lock taken; undoing frees it, if the
		// file lets it.
		s.stuck = true
		defer func() { _ = recover() }()
		_ = b.Rollback()
		s.stuck = false
	}()
	if !wrote {
		return b.Rollback()
	}
	failpoint.Here("store/before-commit")
	return s.o.commit(b)
}

// fail stops the store for good and releases everybody.
func (s *Store) fail(batch []*call, cause error) {
	s.mu.Lock()
	if !s.broke {
		s.broke, s.cause = true, cause
		close(s.broken)
	}
	waiting := s.queue
	s.queue, s.urgent = nil, false
	s.mu.Unlock()
	s.o.Log.Error("the store could not be written and has stopped", "store", s.path, "error", cause)
	release(batch, ErrBroken)
	waiting = slices.DeleteFunc(waiting, func(c *call) bool {
		return !c.state.CompareAndSwap(callQueued, callTaken)
	})
	release(waiting, ErrBroken)
}

// release gives err to those that still wait.
func release(batch []*call, err error) {
	for _, c := range batch {
		select {
		case <-c.done:
			continue
		default:
		}
		c.err, c.panicked = err, ""
		close(c.done)
	}
}
