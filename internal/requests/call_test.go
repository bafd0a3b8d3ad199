package requests

import (
	"testing"
	"time"
)

func TestCheckedAsShown(t *testing.T) {
	l := renewal(t).press(r1, ButtonConfirm).wait(time.Second).checked(0)
	l.is(Running, Started).does(DoHold, DoCall).trail(EventProposed, EventConfirmed, EventStarted)
	it := l.item()
	if it.StartedAt != l.now || it.Before.Expires != "2025-02-10" {
		t.Errorf("started %+v", it)
	}
	if e := l.entries[2]; e.Actor != Bot || e.License != "1001" || e.Detail != "for a month, expires 2025-02-10, price 4.50 EUR" {
		t.Errorf("entry %+v", e)
	}
	l.checked(0).does()
}

func TestCheckedChanged(t *testing.T) {
	v := variant{action: Renew}
	now := v.facts()
	now.Expires, now.Price = "2025-03-10", "5 EUR"
	l := renewal(t).press(r1, ButtonConfirm).happens(Checked{Facts: now, Before: v.before()})
	l.is(Done, Not).does(DoReask, DoSync, DoReport).trail(EventProposed, EventConfirmed, EventFailed)
	it := l.item()
	if it.Reason != ReasonChanged || it.Source != FromRules || len(it.Changes) != 2 {
		t.Errorf("item %+v", it)
	}
	const want = "not begun: changed: expiry was 2025-02-10, is 2025-03-10, price was 4.50 EUR, is 5 EUR"
	if got := l.entries[2].Detail; got != want {
		t.Errorf("detail %q, want %q", got, want)
	}
	if len(l.r.OpenGuards()) > 0 {
		t.Error("the fresh question would be kept out")
	}
}

func TestCheckedGone(t *testing.T) {
	l := renewal(t).press(r1, ButtonConfirm).happens(Checked{Gone: true}).is(Done, Not).does(DoSync, DoReport)
	if it := l.item(); it.Reason != ReasonGone || it.Source != FromRules {
		t.Errorf("item %+v", it)
	}
}

// A decision that was made too long ago, as the bot was off, does not count.
func TestStale(t *testing.T) {
	renewal(t).press(r1, ButtonConfirm).wait(testRules.ApprovalTTL).checked(0).is(Running, Started)
	l := renewal(t).press(r1, ButtonConfirm).wait(testRules.ApprovalTTL+1).checked(0).is(Done, Not)
	if l.item().Reason != ReasonStale {
		t.Errorf("reason %s", l.item().Reason)
	}
}

func TestCheckFailed(t *testing.T) {
	failed := Checked{Failed: ReasonMaintenance, Said: "Back soon."}
	t.Run("is tried again and then goes on", func(t *testing.T) {
		l := renewal(t).press(r1, ButtonConfirm).happens(failed).is(Running, Checking).does(DoCheck)
		first := l.last.Effects[0].After
		l.wait(first).happens(failed)
		if second := l.last.Effects[0].After; first <= 0 || second <= first {
			t.Errorf("tried again after %s, then %s", first, second)
		}
		l.checked(0).is(Running, Started)
		if it := l.item(); it.Said != "" || it.Tries != 0 {
			t.Errorf("the failure sticks: %+v", it)
		}
	})
	t.Run("three times at least, however long it takes", func(t *testing.T) {
		renewal(t).press(r1, ButtonConfirm).wait(time.Hour).happens(failed, failed).is(Running, Checking).
			happens(failed).is(Done, Not)
	})
	t.Run("for as long as is waited for an uncertain call", func(t *testing.T) {
		l := renewal(t).press(r1, ButtonConfirm).happens(failed, failed, failed, failed)
		l.wait(testRules.Settle-1).happens(failed).is(Running, Checking)
		l.wait(1).happens(failed).is(Done, Not).does(DoSync, DoReport)
		if it := l.item(); it.Reason != ReasonUnreadable || it.Source != FromRules || it.Said != "Back soon." {
			t.Errorf("item %+v", it)
		}
	})
	for _, why := range []Reason{ReasonAuth, ReasonTwoFactor, ReasonForbidden} {
		l := renewal(t).press(r1, ButtonConfirm).happens(Checked{Failed: why}).is(Done, Not)
		if l.item().Reason != why {
			t.Errorf("reason %s, want %s", l.item().Reason, why)
		}
	}
}

func TestAnsweredApplied(t *testing.T) {
	l := renewal(t).press(r1, ButtonConfirm).checked(0).happens(applied(0)).is(Done, Applied).does(DoRelease, DoSync, DoReport)
	l.trail(EventProposed, EventConfirmed, EventStarted, EventSucceeded)
	if it := l.item(); it.Source != FromPanel || it.Expires != "2025-03-10" || it.Said != "ok" || it.Doubt {
		t.Errorf("item %+v", it)
	}
	if e := l.reports(); e.Correction || len(e.Items) != 1 {
		t.Errorf("report %+v", e)
	}
	for _, late := range []Event{applied(0), refused(0, ReasonMoney), lost(0), Killed{}, same(0), Answered{}} {
		l.happens(late).does().is(Done, Applied)
	}
}

func TestAnsweredOrder(t *testing.T) {
	l := propose(t, Order, 0, Params{Product: 546}).press(r1, ButtonConfirm).checked(0)
	l.happens(Answered{Applied: &AppliedAnswer{Code: "2001"}}).is(Done, Applied)
	if got := l.item().Code; got != "2001" || l.entries[3].License != "2001" || l.entries[2].License != "" {
		t.Errorf("code %q, entries %v", got, l.entries)
	}
}

func TestAnsweredRefused(t *testing.T) {
	l := renewal(t).press(r1, ButtonConfirm).checked(0).happens(refused(0, ReasonMoney)).is(Done, Not)
	if it := l.item(); it.Source != FromPanel || it.Reason != ReasonMoney || it.Said != "No." {
		t.Errorf("item %+v", it)
	}
	if got := l.entries[3]; got.Event != EventFailed || got.Detail != "money, value/x" {
		t.Errorf("entry %+v", got)
	}
	l = renewal(t).press(r1, ButtonConfirm).checked(0).happens(refused(0, ReasonNotSent)).is(Done, Not)
	if it := l.item(); it.Source != FromRules {
		t.Errorf("what was not sent is known from %s", it.Source)
	}
}

func TestAnsweredUnknown(t *testing.T) {
	for name, c := range map[string]struct {
		event Event
		want  Reason
	}{
		"lost":    {lost(0), ReasonTimeout},
		"nothing": {Answered{}, ReasonGarbled},
		"killed":  {Killed{}, ReasonKilled},
	} {
		l := renewal(t).press(r1, ButtonConfirm).checked(0).happens(c.event).is(Running, Looking).does(DoSupersede, DoSync, DoLook)
		l.trail(EventProposed, EventConfirmed, EventStarted, EventUncertain)
		it := l.item()
		if it.Reason != c.want || it.LookUntil != l.now.Add(testRules.Settle) || it.WatchUntil != it.LookUntil.Add(testRules.Watch) {
			t.Errorf("%s: %+v", name, it)
		}
	}
	l := propose(t, Order, 0, Params{Product: 546}).press(r1, ButtonConfirm).checked(0)
	l.happens(Answered{Unknown: &UnknownAnswer{Reason: ReasonUnpaid, Code: "2001", Said: "Pay."}})
	if it := l.item(); it.Code != "2001" || it.Said != "Pay." {
		t.Errorf("item %+v", it)
	}
}

// Several licences are decided, called and ended each by itself, and reported once.
func TestSeveral(t *testing.T) {
	l := renewal(t, "1001", "1002", "1003", "1004").press(r1, ButtonConfirm)
	l.checked(0).checked(1).checked(2).happens(Checked{Item: 3, Gone: true}).is(Running, Started, Started, Started, Not).does(DoSync)
	l.happens(applied(0)).does(DoRelease, DoSync)
	l.happens(refused(1, ReasonBusy)).does(DoRelease, DoSync)
	l.happens(lost(2)).does(DoSupersede, DoSync, DoLook)
	if got := l.r.OpenGuards(); len(got) != 1 || got[0] != "renew/1003" {
		t.Errorf("guards %v", got)
	}
	l.wait(testRules.Settle).happens(Looked{Item: 2}).is(Done, Applied, Not, Unknown, Not).does(DoSync, DoReport, DoLook)
	if e := l.reports(); len(e.Items) != 4 || e.Correction {
		t.Errorf("report %+v", e)
	}
	l.happens(renewed(2)).is(Done, Applied, Not, Applied, Not).does(DoSync, DoReport)
	if e := l.reports(); len(e.Items) != 1 || e.Items[0] != 2 || e.Correction {
		t.Errorf("report %+v", e)
	}
	started := 0
	for _, e := range l.entries {
		if e.Event == EventStarted {
			started++
		}
	}
	if started != 3 {
		t.Errorf("%d started", started)
	}
}

func TestPace(t *testing.T) {
	for _, settle := range []time.Duration{0, time.Second, time.Minute, time.Hour} {
		before := time.Duration(0)
		for n := range 60 {
			wait := pace(n, settle)
			if wait < before || wait < 50*time.Millisecond || wait > max(settle/4, 50*time.Millisecond) {
				t.Fatalf("settle %s: wait %d is %s after %s", settle, n, wait, before)
			}
			before = wait
		}
	}
}

func TestResume(t *testing.T) {
	for name, c := range map[string]struct {
		live    func(*testing.T) *life
		events  int
		effects []Do
	}{
		"proposed":  {func(t *testing.T) *life { return renewal(t) }, 0, nil},
		"checking":  {func(t *testing.T) *life { return renewal(t).press(r1, ButtonConfirm) }, 0, []Do{DoCheck}},
		"started":   {func(t *testing.T) *life { return renewal(t).press(r1, ButtonConfirm).checked(0) }, 1, nil},
		"looking":   {func(t *testing.T) *life { return renewal(t).uncertain() }, 0, []Do{DoLook}},
		"applied":   {func(t *testing.T) *life { return renewal(t).uncertain().happens(renewed(0)) }, 0, nil},
		"not found": {func(t *testing.T) *life { return renewal(t).uncertain().wait(time.Minute).happens(same(0)) }, 0, []Do{DoLook}},
		"not found, no more watched": {func(t *testing.T) *life {
			return renewal(t).uncertain().wait(time.Minute).happens(same(0)).wait(testRules.Watch)
		}, 0, nil},
		"unknown": {func(t *testing.T) *life { return renewal(t).uncertain().wait(time.Minute).happens(Looked{}) }, 0, []Do{DoLook}},
		"unknown, asked about": {func(t *testing.T) *life {
			return renewal(t).uncertain().wait(time.Minute).happens(Looked{}).press(v1, ButtonRecheck)
		}, 0, []Do{DoLook, DoLook}},
		"unknown, no more watched, asked about": {func(t *testing.T) *life {
			return renewal(t).uncertain().wait(time.Minute).happens(Looked{}).wait(testRules.Watch).press(v1, ButtonRecheck)
		}, 0, []Do{DoLook}},
		"cancelled": {func(t *testing.T) *life { return renewal(t).press(r1, ButtonCancel) }, 0, nil},
	} {
		l := c.live(t)
		for range 2 { // a start that is killed again is followed by another
			events, effects := Resume(l.r, l.now)
			if len(events) != c.events || len(effects) != len(c.effects) {
				t.Errorf("%s: events %v, effects %v", name, events, effects)
			}
			for _, e := range effects {
				if e.Do == DoCall {
					t.Errorf("%s: called again", name)
				}
			}
			l.happens(events...)
			c.events = 0
			if len(events) > 0 {
				c.effects = []Do{DoLook}
				l.is(Running, Looking)
			}
		}
	}
	l := propose(t, Terminate, 2, Params{}, "1001").press(a1, ButtonApprove)
	l.members = people(rita, bob, dan)
	events, effects := Resume(l.r, l.now)
	if l.happens(events...).does(DoSync).is(Proposed); len(effects) > 0 || len(l.r.Votes) > 0 {
		t.Errorf("the approver was revoked while the bot was off: votes %v, effects %v", l.r.Votes, effects)
	}
}
