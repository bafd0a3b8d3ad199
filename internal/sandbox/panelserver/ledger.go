package panelserver

import (
	"fmt"
	"net/url"
	"slices"
	"time"
)

// Call is a call as it was received, and what it did.
type Call struct {
	Time      time.Time
	Method    string // GET or POST
	Func      string
	Params    url.Values // all but the credentials
	User      string     // whom authinfo named
	AuthInURL bool       // the credentials stood in the URL
	Changing  bool       // it asked for a change, rather than looked
	License   string     // the code it was about; an order's is the new one
	Effect    bool       // something was changed
	Charged   Cents
	Refused   string // the error's type and object, "value/ip"; "" where there was none
	Faulty    bool   // a fault met it
}

// Counts are how often a function was called, and with what effect.
type Counts struct{ Calls, Effects, Charged int }

// ledger holds the calls in the order of their arrival. The server's lock guards it.
type ledger struct {
	keep   int // how many calls are kept; 0: all
	calls  []*Call
	counts map[string]Counts
}

func (l *ledger) add(c *Call) {
	if l.keep > 0 && len(l.calls) >= 2*l.keep {
		l.calls = slices.Clone(l.calls[len(l.calls)-l.keep:])
	}
	l.calls = append(l.calls, c)
	n := l.counts[c.Func]
	n.Calls++
	l.counts[c.Func] = n
}

// finish notes what a call did.
func (l *ledger) finish(c *Call, q *request, refusal *Refusal) {
	if refusal != nil {
		c.Refused = refusal.String()
	}
	c.License, c.Effect, c.Charged = q.license, q.effect, q.charged
	n := l.counts[c.Func]
	if c.Effect {
		n.Effects++
	}
	if c.Charged > 0 {
		n.Charged++
	}
	l.counts[c.Func] = n
}

// Calls gives the calls that were received, in order; of one function, or of all
// where fn is "".
func (s *Server) Calls(fn string) []Call {
	return s.callsThat(func(c *Call) bool { return fn == "" || c.Func == fn })
}

// Effects gives the calls of a function (of all for "") that changed something.
func (s *Server) Effects(fn string) []Call {
	return s.callsThat(func(c *Call) bool { return c.Effect && (fn == "" || c.Func == fn) })
}

func (s *Server) callsThat(match func(*Call) bool) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Call
	for _, c := range s.ledger.calls {
		if match(c) {
			found = append(found, *c)
		}
	}
	return found
}

// Count says how often a function was called, whatever the ledger still keeps.
func (s *Server) Count(fn string) Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger.counts[fn]
}

// Charged is nil if calls of fn took money so many times, and else an error that
// says how often they did.
func (s *Server) Charged(fn string, times int) error {
	if got := s.Count(fn); got.Charged != times {
		return fmt.Errorf("panelserver: %s charged %d times, not %d (%d calls, %d effects)",
			fn, got.Charged, times, got.Calls, got.Effects)
	}
	return nil
}
