package isplicense

import (
	"context"
	"sync"
)

// flight shares one read among the callers that wait for it, without giving any
// of them a result older than its call: who comes while a read is under way gets
// the next one. So at most one runs and one is queued.
type flight[T any] struct {
	read func(context.Context) (T, error)

	mu              sync.Mutex
	running, queued *turn[T]
}

type turn[T any] struct {
	ctx     context.Context // ends when no caller waits any more
	cancel  context.CancelFunc
	waiters int
	done    chan struct{}
	value   T
	err     error
}

// fresh gives what a read found that began after this call.
func (f *flight[T]) fresh(ctx context.Context) (T, error) {
	f.mu.Lock()
	var t *turn[T]
	switch {
	case f.running == nil:
		t = newTurn[T](ctx)
		f.running = t
		go f.run(t)
	case f.queued == nil:
		t = newTurn[T](ctx)
		f.queued = t
	default:
		t = f.queued
	}
	t.waiters++
	f.mu.Unlock()
	return f.wait(ctx, t)
}

// join gives what a read found that was under way already, if one was.
func (f *flight[T]) join(ctx context.Context) (T, error) {
	f.mu.Lock()
	t := f.running
	if t == nil || t.waiters == 0 {
		f.mu.Unlock()
		return f.fresh(ctx)
	}
	t.waiters++
	f.mu.Unlock()
	return f.wait(ctx, t)
}

func newTurn[T any](ctx context.Context) *turn[T] {
	t := &turn[T]{done: make(chan struct{})}
	t.ctx, t.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return t
}

func (f *flight[T]) run(t *turn[T]) {
	t.value, t.err = f.read(t.ctx)
	t.cancel()
	f.mu.Lock()
	defer f.mu.Unlock()
	close(t.done)
	f.running, f.queued = f.queued, nil
	if f.running != nil {
		go f.run(f.running)
	}
}

func (f *flight[T]) wait(ctx context.Context, t *turn[T]) (T, error) {
	select {
	case <-t.done:
		return t.value, t.err
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if t.waiters--; t.waiters == 0 {
		t.cancel()
		if f.queued == t {
			f.queued = nil
		}
	}
	var none T
	return none, ctx.Err()
}
