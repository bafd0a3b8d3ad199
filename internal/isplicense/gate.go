package isplicense

import (
	"context"
	"sync"
	"time"

	"github.com/isplicense/license-bot/internal/license"
)

// How long no call leaves after the panel refused the login: repeated failures
// get an account or an address blocked.
const (
	firstPause = time.Minute
	maxPause   = 30 * time.Minute
)

// gate holds calls back after a refused login. When the pause is over, and before
// anything is known of the login, one call goes ahead; the others wait for what it
// hears.
type gate struct {
	mu    sync.Mutex
	state State
	pause time.Duration // 0: open
	tried bool          // a call has been through: before that, several would fail at once
	probe chan struct{} // closed when the call that went ahead has ended; nil: none has gone
	round int           // counts refusals: a call that left before the last one tells nothing new
}

// hearing is what a call's answer says of the login.
type hearing int

const (
	unheard hearing = iota // nothing
	letIn
	denied
	questioned // the panel wants a second factor
)

// enter lets a call leave, or says why not; no refusal is given where ctx has ended
// first. Each that enters must leave.
func (g *gate) enter(ctx context.Context, now func() time.Time) (round int, refusal State, ok bool) {
	for {
		round, refusal, ahead := g.try(now())
		if ahead == nil {
			return round, refusal, refusal.Reason == ""
		}
		select {
		case <-ahead:
		case <-ctx.Done():
			return 0, State{}, false
		}
	}
}

// try gives the refusal, or the call ahead that has to end first, or neither.
func (g *gate) try(now time.Time) (round int, refusal State, ahead <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.pause == 0 && g.tried:
	case g.probe != nil:
		return 0, State{}, g.probe
	case now.Before(g.state.Until):
		return 0, g.state, nil
	default:
		g.probe = make(chan struct{})
	}
	return g.round, State{}, nil
}

// leave takes in what a call that entered in that round heard.
func (g *gate) leave(round int, now time.Time, h hearing, message string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if round != g.round {
		return
	}
	if g.probe != nil {
		close(g.probe)
		g.probe = nil
	}
	g.tried = true
	switch h {
	case unheard:
	case letIn:
		g.pause = 0
		g.state = State{OK: true}
	case questioned:
		g.pause = 0
		g.state = State{Reason: TwoFactor, Message: message}
	case denied:
		g.round++
		g.pause = min(max(firstPause, 2*g.pause), maxPause)
		g.state = State{Reason: Auth, Message: message, Until: now.Add(g.pause)}
	}
}

// look is the state as it is.
func (g *gate) look() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state
}

// turnstile lets one at a time through for each licence.
type turnstile struct {
	mu    sync.Mutex
	lanes map[license.Code]*lane
}

type lane struct {
	held    chan struct{} // holds one while somebody is through
	holders int           // those through or waiting
}

// pass waits for the licence's turn. The caller must call done if err is nil.
func (t *turnstile) pass(ctx context.Context, code license.Code) (done func(), err error) {
	t.mu.Lock()
	if t.lanes == nil {
		t.lanes = map[license.Code]*lane{}
	}
	l := t.lanes[code]
	if l == nil {
		l = &lane{held: make(chan struct{}, 1)}
		t.lanes[code] = l
	}
	l.holders++
	t.mu.Unlock()

	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if l.holders--; l.holders == 0 {
			delete(t.lanes, code)
		}
	}
	select {
	case l.held <- struct{}{}:
		return func() { <-l.held; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
