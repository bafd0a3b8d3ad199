package bot

import (
	"context"
	"slices"
	"sync"

	"github.com/isplicense/license-bot/internal/license"
)

// turns let one request at a time be at a licence, from the reading before its call
// until the call has ended. An edit sends along what is to stay, as it was read: a
// call of another request's in between would be undone by it.
type turns struct {
	mu      sync.Mutex
	waiting map[license.Code][]chan struct{} // by licences that somebody is at
}

func newTurns() *turns { return &turns{waiting: map[license.Code][]chan struct{}{}} }

// take waits for the licence's turn; false if ctx ended first. An order has no
// licence to wait for.
func (t *turns) take(ctx context.Context, code license.Code) bool {
	if code == "" {
		return true
	}
	t.mu.Lock()
	others, taken := t.waiting[code]
	if !taken {
		t.waiting[code] = nil
		t.mu.Unlock()
		return true
	}
	mine := make(chan struct{})
	t.waiting[code] = append(others, mine)
	t.mu.Unlock()
	select {
	case <-mine:
		return true
	case <-ctx.Done():
	}
	t.mu.Lock()
	i := slices.Index(t.waiting[code], mine)
	if i >= 0 {
		t.waiting[code] = slices.Delete(t.waiting[code], i, i+1)
	}
	t.mu.Unlock()
	if i < 0 { // it came at the same moment
		t.give(code)
	}
	return false
}

// give ends the turn that take began.
func (t *turns) give(code license.Code) {
	if code == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	others := t.waiting[code]
	if len(others) == 0 {
		delete(t.waiting, code)
		return
	}
	t.waiting[code] = others[1:]
	close(others[0])
}
