package bot

import (
	"sync"
	"time"
)

// Limit is how much one person may do in a span of time; a zero Count is no limit.
type Limit struct {
	Count int
	Per   time.Duration
}

// limiter counts what each person did. It forgets at a restart, which errs on the
// side of letting people work.
type limiter struct {
	limit Limit

	mu     sync.Mutex
	people map[string]*window
	swept  time.Time
}

type window struct {
	since time.Time
	count int
	told  bool
}

func newLimiter(l Limit) *limiter { return &limiter{limit: l, people: map[string]*window{}} }

// allow counts one more thing that the person does, or says when they may go on.
func (l *limiter) allow(person string, now time.Time) (until time.Time, ok bool) {
	if l.limit.Count <= 0 {
		return time.Time{}, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	w := l.people[person]
	if w == nil || !now.Before(w.since.Add(l.limit.Per)) || now.Before(w.since) {
		w = &window{since: now}
		l.people[person] = w
	}
	if w.count >= l.limit.Count {
		return w.since.Add(l.limit.Per), false
	}
	w.count++
	return time.Time{}, true
}

// tell says whether the person is still to be told, once a window, that it is full.
func (l *limiter) tell(person string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.people[person]
	if w == nil || w.told {
		return false
	}
	w.told = true
	return true
}

// sweep forgets the windows that are over, so that strangers can't fill the memory.
func (l *limiter) sweep(now time.Time) {
	if now.Before(l.swept.Add(l.limit.Per)) && !now.Before(l.swept) {
		return
	}
	l.swept = now
	for p, w := range l.people {
		if !now.Before(w.since.Add(l.limit.Per)) {
			delete(l.people, p)
		}
	}
}
