package bot

import (
	"sync"
	"time"
)

// lanes holds back what a chat has asked to be left alone with, and nothing else.
// A lane is a transport's method, or its method in one place. After a limit one
// message goes ahead alone; once it is through, the others follow.
type lanes struct {
	mu   sync.Mutex
	held map[string]*lane
}

type lane struct {
	until   time.Time
	probing bool
}

// probeWait is how long the others wait while one tries whether the limit is over.
const probeWait = 100 * time.Millisecond

func newLanes() *lanes { return &lanes{held: map[string]*lane{}} }

// enter says whether a message may go out on all the named lanes now; if not, when
// to ask again.
func (l *lanes) enter(now time.Time, names ...string) (again time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range names {
		if h := l.held[n]; h != nil {
			switch {
			case now.Before(h.until):
				return h.until, false
			case h.probing:
				return now.Add(probeWait), false
			}
		}
	}
	for _, n := range names {
		if h := l.held[n]; h != nil {
			h.probing = true
		}
	}
	return time.Time{}, true
}

// leave ends what enter began: with through the lanes are open again.
func (l *lanes) leave(through bool, names ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range names {
		h := l.held[n]
		switch {
		case h == nil:
		case through:
			delete(l.held, n)
		default:
			h.probing = false
		}
	}
}

// hold closes a lane until the chat wants to hear of it again.
func (l *lanes) hold(name string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.held[name]
	if h == nil {
		h = &lane{}
		l.held[name] = h
	}
	if until.After(h.until) {
		h.until = until
	}
}
