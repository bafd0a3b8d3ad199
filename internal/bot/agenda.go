package bot

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// agenda runs functions when their time has come by the bot's clock. It holds
// nothing that outlives a kill: what must, is in the store and put on the agenda
// again at a start.
type agenda struct {
	now  func() time.Time
	wake chan struct{}

	mu    sync.Mutex
	items entries
}

type entry struct {
	at    time.Time
	run   func()
	index int
}

// glance is how often the clock is looked at although nothing is due: wall clocks
// jump, and timers do not notice.
const glance = 10 * time.Second

func newAgenda(now func() time.Time) *agenda {
	return &agenda{now: now, wake: make(chan struct{}, 1)}
}

// add plans run for at and returns what takes it off again.
func (a *agenda) add(at time.Time, run func()) (cancel func()) {
	e := &entry{at: at, run: run}
	a.mu.Lock()
	heap.Push(&a.items, e)
	first := e.index == 0
	a.mu.Unlock()
	if first {
		select {
		case a.wake <- struct{}{}:
		default:
		}
	}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if e.index >= 0 {
			heap.Remove(&a.items, e.index)
		}
	}
}

// loop runs what is due until ctx ends. The functions must return quickly.
func (a *agenda) loop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		case <-timer.C:
		}
		due, next := a.due()
		for _, e := range due {
			e.run()
		}
		timer.Reset(next)
	}
}

// due takes off what is due and says how long nothing else will be.
func (a *agenda) due() (due []*entry, next time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	for len(a.items) > 0 && !a.items[0].at.After(now) {
		due = append(due, heap.Pop(&a.items).(*entry))
	}
	next = glance
	if len(a.items) > 0 {
		next = min(next, a.items[0].at.Sub(now))
	}
	return due, next
}

// entries is a heap by time.
type entries []*entry

func (h entries) Len() int           { return len(h) }
func (h entries) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h entries) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *entries) Push(x any) {
	e := x.(*entry)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *entries) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	e.index = -1
	return e
}
