package bot

import (
	"sync"
	"time"
)

// lanes holds back what a chat has asked to be left alone with, and nothing else.
// A lane is a transport's method, or its method in one place. After a limit one
// message goes ahead alone; each that is through makes room for one more at once,
// until all may go: were they let go together, nearly all would be refused again.
type lanes struct {
	mu   sync.Mutex
	held map[string]*lane
}

type lane struct {
	name  string
	until time.Time
	room  int // so many messages may be under way at once
	out   int // so many are
}

// pass is the lanes that count a message while it is under way. One that set out
// before a limit holds none, and says nothing of when that is over.
type pass []*lane

const (
	// probeWait is how long the others wait while some try whether the limit is over.
	probeWait = 100 * time.Millisecond
	// openRoom is the room of a lane that needs to be held no longer.
	openRoom = 8
)

func newLanes() *lanes { return &lanes{held: map[string]*lane{}} }

// enter says whether a message may go out on all the named lanes now; if not, when
// to ask again.
func (l *lanes) enter(now time.Time, names ...string) (p pass, again time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range names {
		h := l.held[n]
		switch {
		case h == nil:
		case now.Before(h.until):
			return nil, h.until, false
		case h.out >= h.room:
			return nil, now.Add(probeWait), false
		default:
			p = append(p, h)
		}
	}
	for _, h := range p {
		h.out++
	}
	return p, time.Time{}, true
}

// leave ends what enter began: with through there is more room on its lanes.
func (l *lanes) leave(p pass, now time.Time, through bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range p {
		h.out--
		if !through || now.Before(h.until) {
			continue
		}
		if h.room++; h.room > openRoom && l.held[h.name] == h {
			delete(l.held, h.name)
		}
	}
}

// hold closes a lane until the chat wants to hear of it again.
func (l *lanes) hold(name string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.held[name]
	if h == nil {
		h = &lane{name: name}
		l.held[name] = h
	}
	h.room = 1
	if until.After(h.until) {
		h.until = until
	}
}
