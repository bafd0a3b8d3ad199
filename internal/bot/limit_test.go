package bot

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever the clock does, nobody does more than so many things from one window to the
// next, and nobody is kept out for longer than a window.
func TestLimiter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := Limit{Count: rapid.IntRange(1, 5).Draw(t, "count"), Per: time.Minute}
		l := newLimiter(limit)
		now := time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)
		did := map[string][]time.Time{}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if jump := rapid.IntRange(0, 30).Draw(t, "jump"); jump == 0 {
				now = now.Add(time.Duration(rapid.IntRange(-100, 100).Draw(t, "hours")) * time.Hour)
				did = map[string][]time.Time{} // a clock that is set begins anew
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "seconds")) * time.Second)
			person := rapid.SampledFrom([]string{"ann", "bob"}).Draw(t, "person")
			until, ok := l.allow(person, now)
			if !ok {
				if wait := until.Sub(now); wait <= 0 || wait > limit.Per {
					t.Fatalf("to wait for %s", wait)
				}
				continue
			}
			did[person] = append(did[person], now)
			// Windows follow each other, so that at their border two may meet.
			if n := len(did[person]); n > 2*limit.Count && now.Sub(did[person][n-1-2*limit.Count]) < limit.Per {
				t.Fatalf("%d things in %s", 2*limit.Count+1, now.Sub(did[person][n-1-2*limit.Count]))
			}
		}
	})
}

func TestLimiterOfAClockThatIsSet(t *testing.T) {
	now := time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)
	for _, jump := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		l := newLimiter(Limit{Count: 1, Per: time.Minute})
		if _, ok := l.allow("ann", now); !ok {
			t.Error("the first is refused")
		}
		if _, ok := l.allow("ann", now); ok {
			t.Error("the second is let through")
		}
		if _, ok := l.allow("ann", now.Add(jump)); !ok {
			t.Errorf("set by %s, the clock keeps people out", jump)
		}
	}
}

// People who come and go do not fill the memory, nor do they when there is no limit.
func TestLimiterForgets(t *testing.T) {
	l, none := newLimiter(Limit{Count: 1, Per: time.Minute}), newLimiter(Limit{})
	now := time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)
	for range 10000 {
		now = now.Add(time.Second)
		l.allow(now.String(), now)
		none.allow(now.String(), now)
	}
	if len(l.people) > 200 || len(none.people) > 0 {
		t.Errorf("%d and %d people are remembered", len(l.people), len(none.people))
	}
}
