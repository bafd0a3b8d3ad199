package bot

import (
	"testing"
	"time"
)

// rush sends as many messages as the lane lets out now and answers with how many
// those are; those beyond limit are refused until later.
func rush(l *lanes, now, later time.Time, limit int) int {
	var out []pass
	for {
		p, _, ok := l.enter(now, "post", "post/C1")
		if !ok || len(out) == 100 {
			break
		}
		out = append(out, p)
	}
	for i, p := range out {
		if i >= limit {
			l.hold("post/C1", later)
		}
		l.leave(p, now, i < limit)
	}
	return len(out)
}

// A chat that takes one message a second is asked for little more than that, and one
// that takes all again is soon given all.
func TestLanesAfterALimit(t *testing.T) {
	l, now := newLanes(), time.Unix(1700000000, 0)
	l.hold("post/C1", now.Add(time.Second))
	for range 5 {
		if n := rush(l, now, now, 1); n != 0 {
			t.Fatalf("%d went out on a closed lane", n)
		}
		if _, _, ok := l.enter(now, "post", "post/C2"); !ok {
			t.Fatal("another place waits too")
		}
		now = now.Add(time.Second)
		if n := rush(l, now, now.Add(time.Second), 1); n != 1 {
			t.Fatalf("%d tried whether the limit is over", n)
		}
		if n := rush(l, now, now.Add(time.Second), 0); n != 2 {
			t.Fatalf("%d followed the first", n)
		}
	}
	now = now.Add(time.Second)
	for _, want := range []int{1, 2, 4, 8, 100} {
		if n := rush(l, now, now, 100); n < want {
			t.Errorf("%d of %d went out", n, want)
		}
	}
}

// A message that set out before the limit came, and is through after it, says nothing
// of when it is over.
func TestLanesAreNotOpenedByWhatWasUnderWay(t *testing.T) {
	l, now := newLanes(), time.Unix(1700000000, 0)
	early, _, _ := l.enter(now, "edit", "edit/C1")
	l.hold("edit", now.Add(time.Minute))
	l.leave(early, now, true)
	if _, again, ok := l.enter(now.Add(time.Second), "edit", "edit/C2"); ok || !again.Equal(now.Add(time.Minute)) {
		t.Errorf("%v, %v: a limit of a minute was over at once", ok, again)
	}
}
