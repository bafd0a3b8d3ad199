package store

import (
	"context"
	"errors"
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
	switch {
	case !soon && s.turn.TryLock():
		s.lead()
	case rouse:
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

// write is the writer: it does what nobody is there for who could do it at once.
func (s *Store) write() {
	defer close(s.written)
	for {
		batch := s.next()
		if batch == nil {
			return
		}
		s.turn.Lock()
		s.run(batch)
	}
}

// lead does what is due, as the writer would, in the goroutine of a caller who found
// nobody at it: that takes two changes between goroutines less. It has the turn.
func (s *Store) lead() {
	s.mu.Lock()
	batch := s.due()
	s.mu.Unlock()
	clean := s.log.at == 0
	s.run(batch)
	if clean {
		s.signal() // there may be a checkpoint to make, by and by
	}
}

// company is how many calls that can wait are taken along in any case: so many cost less
// with others than in a commit of their own.
const company = 16

// due takes from the queue what is to be done now. A few calls that can wait, and have
// not waited long, are left: what they add would hold up those that can't. The caller
// has mu.
func (s *Store) due() []*call {
	var now, later []*call
	for _, c := range s.queue {
		if c.soon {
			later = append(later, c)
		} else {
			now = append(now, c)
		}
	}
	if len(now) == 0 || len(later) >= company || len(later) > 0 && time.Since(later[0].at) >= s.o.Linger {
		now, later = s.queue, nil
	}
	s.queue, s.urgent = later, false
	return now
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
			batch := s.due()
			s.mu.Unlock()
			return batch
		}
		s.mu.Unlock()
		if n == 0 {
			if wait = s.idle(); wait == 0 {
				<-s.wake
				continue
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// idle makes a checkpoint if nothing was written for a while, so that the store's file
// has all while nothing happens. It gives how long to wait for that; 0: for ever.
func (s *Store) idle() time.Duration {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.log.at == 0 || s.isBroken() {
		return 0
	}
	if wait := s.o.Idle - time.Since(s.log.last); wait > 0 {
		return wait
	}
	s.rw.Lock()
	defer s.rw.Unlock()
	if err := s.finish(&Tx{s: s, flush: true}, false); err != nil {
		s.fail(nil, err) // before anybody reads: the transaction may have ended
	}
	return 0
}

// errEnded: a function that ends its goroutine (t.FailNow does) would leave all others
// waiting for ever.
var errEnded = errors.New("a transaction's function ended its goroutine")

// run does a batch in one transaction if it can, and gives the turn up.
func (s *Store) run(batch []*call) {
	batch = slices.DeleteFunc(batch, func(c *call) bool {
		return !c.state.CompareAndSwap(callQueued, callTaken)
	})
	all, ended := slices.Clone(batch), false
	defer func() {
		if !ended {
			s.fail(all, errEnded)
		}
		s.turn.Unlock()
	}()
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
	ended = true
}

// attempt runs the calls in one transaction, commits it and releases them. If one
// fails after it has written, all is undone and that one returned, with nobody
// released, unless it was alone.
func (s *Store) attempt(batch []*call) (bad *call) {
	if s.isBroken() {
		release(batch, ErrBroken)
		return nil
	}
	hooks, bad, err := s.transact(batch)
	switch {
	case err != nil:
		s.fail(batch, err)
		return nil
	case bad != nil && len(batch) > 1:
		return bad
	}
	for _, fn := range hooks {
		fn()
	}
	for _, c := range batch {
		close(c.done)
	}
	return nil
}

// transact runs the calls and keeps what they wrote, or undoes all of it because of
// the one that it gives. An error means that the store is broken.
func (s *Store) transact(batch []*call) (hooks []func(), bad *call, err error) {
	s.rw.Lock()
	defer s.rw.Unlock()
	err = errEnded // if a function leaves this one no other way
	defer func() {
		if err != nil { // nobody may read what was not kept
			s.fail(nil, err)
		}
	}()
	tx := &Tx{s: s}
	s.log.begin()
	wrote := false
	for _, c := range batch {
		before := len(tx.hooks)
		tx.wrote = false
		tx.call(c)
		wrote = wrote || tx.wrote
		if c.err == nil && c.panicked == "" {
			continue
		}
		tx.hooks = tx.hooks[:before]
		if tx.wrote || c.panicked != "" {
			return nil, c, s.undo()
		}
	}
	if err := s.finish(tx, wrote); err != nil {
		return nil, nil, err
	}
	if wrote {
		failpoint.Here("store/after-commit")
	}
	return tx.hooks, nil, nil
}

// call runs one call's function.
func (tx *Tx) call(c *call) {
	c.err, c.panicked = nil, ""
	defer func() {
		if r := recover(); r != nil {
			c.panicked = fmt.Sprintf("%v\n\nin a transaction:\n%s", r, debug.Stack())
		}
	}()
	c.err = c.fn(tx)
}

// finish makes what was written last. Every error counts as an unknown outcome: the
// record may be in the log or not.
func (s *Store) finish(tx *Tx, wrote bool) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	switch {
	case wrote:
		failpoint.Here("store/before-commit")
		return s.o.commit(func() error { return s.keep(tx.flush) })
	case tx.flush && s.log.at > 0:
		return s.checkpoint(true)
	}
	return nil
}

// keep puts the record into the log. The first one makes the log and goes with a
// checkpoint, which tells that there is one. Before a checkpoint that is asked for it
// is written too: an epoch without a record would leave those of one that is too old.
func (s *Store) keep(flush bool) error {
	if s.log.f == nil {
		if err := s.log.open(s.o); err != nil {
			return err
		}
		return s.checkpoint(true)
	}
	if s.log.at < logFull {
		if err := s.log.write(); err != nil || !flush {
			return err
		}
	}
	return s.checkpoint(true)
}

// checkpoint commits bbolt's transaction and begins the next one and an epoch of the
// log; at the end it says that there is no log.
func (s *Store) checkpoint(more bool) error {
	epoch := s.log.epoch + 1
	state := logState{epoch: epoch, inUse: more}
	if err := errors.Join(s.open.forget(s.o.Now()), state.put(s.open.tx)); err != nil {
		return err
	}
	failpoint.Here("store/before-checkpoint")
	if err := commit(s.open.tx); err != nil {
		return err
	}
	s.open = opened{}
	failpoint.Here("store/after-checkpoint")
	s.log.restart(epoch)
	if !more {
		return nil
	}
	return s.begin()
}

// commit has a panic of bbolt's be an error.
func commit(tx *bolt.Tx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return tx.Commit()
}

// begin opens the transaction that all goes into until the next checkpoint.
func (s *Store) begin() error {
	tx, err := s.db.Begin(true)
	if err != nil {
		return err
	}
	if s.open, err = openTx(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return nil
}

// undo takes back what this transaction has written, by rolling back to the last
// checkpoint and doing again what the log has.
func (s *Store) undo() error {
	if err := s.open.tx.Rollback(); err != nil {
		return err
	}
	s.open.tx = nil
	if err := s.begin(); err != nil {
		return err
	}
	if s.log.f == nil {
		return nil
	}
	n, err := readLog(s.log.f, s.log.at, s.log.epoch, func(body []byte) error { return eachOp(body, s.open.apply) })
	if err == nil && n != s.log.number {
		err = fmt.Errorf("%d of the log's %d records can be read", n, s.log.number)
	}
	return err
}

// fail stops the store for good and releases everybody.
func (s *Store) fail(batch []*call, cause error) {
	s.mu.Lock()
	first := !s.broke
	if first {
		s.broke, s.cause = true, cause
		close(s.broken)
	}
	waiting := s.queue
	s.queue, s.urgent = nil, false
	s.mu.Unlock()
	if first {
		s.o.Log.Error("the store could not be written and has stopped", "store", s.path, "error", cause)
	}
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
