package panelserver

import (
	"testing"
	"time"
)

func TestAddMonths(t *testing.T) {
	for _, c := range []struct {
		from   string
		months int
		want   string
	}{
		{"2025-01-31", 1, "2025-02-28"},
		{"2024-01-31", 1, "2024-02-29"},
		{"2024-02-29", 12, "2025-02-28"},
		{"2025-12-10", 1, "2026-01-10"},
		{"2025-08-31", 1, "2025-09-30"},
		{"", 1, ""},
	} {
		if got := addMonths(c.from, c.months); got != c.want {
			t.Errorf("%s and %d months: %s, want %s", c.from, c.months, got, c.want)
		}
	}
}

// What the panel does later happens by time, and in the order asked where that is
// the same.
func TestSettle(t *testing.T) {
	var a account
	var done string
	start := time.Date(2025, 2, 7, 0, 0, 0, 0, time.UTC)
	for _, e := range []struct {
		after time.Duration
		name  string
	}{{2, "c"}, {1, "a"}, {1, "b"}, {4, "e"}, {3, "d"}} {
		a.later(start.Add(e.after), func() { done += e.name })
	}
	a.settle(start)
	if done != "" {
		t.Errorf("too early: %s", done)
	}
	a.settle(start.Add(3))
	if done != "abcd" {
		t.Errorf("done %s, want abcd", done)
	}
}

// An edit that is under way when its order opens neither undoes the opening nor
// is undone by it.
func TestEditWhileOpening(t *testing.T) {
	for _, delay := range []time.Duration{time.Minute, 7 * time.Minute, time.Hour} {
		now := time.Date(2025, 2, 7, 0, 0, 0, 0, time.UTC)
		s := New(Options{
			Now:  func() time.Time { return now },
			Ways: Ways{Delays: Delays{Open: 10 * time.Minute, Edit: delay}},
		})
		id, err := s.OrderByHand(546, "192.0.2.1", "one", Month, "boss")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.EditByHand(id, "192.0.2.2", "two", "boss"); err != nil {
			t.Fatal(err)
		}
		now = now.Add(2 * time.Hour)
		l, _ := s.License(id)
		if l.Status != Active || l.Name != "two" || l.IP != "192.0.2.2" || l.Expires == "" {
			t.Errorf("edit taking %v: %+v", delay, l)
		}
	}
}

func TestOldCodes(t *testing.T) {
	for typ, want := range map[string]string{"auth": "100", "access": "6", "missed": "3", "exists": "2", "value": "4", "other": "1"} {
		if got := (Refusal{Type: typ}).oldCode(); got != want {
			t.Errorf("%s: %s, want %s", typ, got, want)
		}
	}
}

func TestAppend1251(t *testing.T) {
	if got := string(append1251(append1251(append1251(nil, 'Ё'), 'ё'), '€')); got != "\xa8\xb8&#8364;" {
		t.Errorf("got %q", got)
	}
}
