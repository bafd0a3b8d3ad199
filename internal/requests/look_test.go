package requests

import (
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/license"
)

func failedLook(i int) Looked { return Looked{Item: i, Failed: true} }

func TestLookedFoundAtOnce(t *testing.T) {
	l := renewal(t).uncertain().happens(renewed(0)).is(Done, Applied).does(DoSync, DoReport)
	l.trail(EventProposed, EventConfirmed, EventStarted, EventUncertain, EventSettled)
	if it := l.item(); it.Source != FromLook || it.Doubt || it.Expires != "2025-03-10" {
		t.Errorf("item %+v", it)
	}
	if e := l.entries[4]; e.Detail != "applied: the panel shows it, expires 2025-03-10" || e.Actor != Bot {
		t.Errorf("entry %+v", e)
	}
	l.happens(same(0), renewed(0), failedLook(0)).does()
}

func TestLookedDoubt(t *testing.T) {
	by := renewed(0)
	by.Seen.Others = 1
	l := renewal(t).uncertain().happens(by).is(Done, Applied)
	if !l.item().Doubt || l.entries[4].Detail != "applied: the panel shows it, though somebody else may have done it, expires 2025-03-10" {
		t.Errorf("item %+v, %q", l.item(), l.entries[4].Detail)
	}
}

// "Not" is not said before it was waited for, and what comes later corrects it.
func TestLookedNotAndCorrection(t *testing.T) {
	l := renewal(t).uncertain().happens(same(0)).is(Running, Looking).does(DoLook)
	l.wait(testRules.Settle-1).happens(same(0)).is(Running, Looking).does(DoLook)
	if after := l.last.Effects[0].After; after != 1 {
		t.Errorf("the last look comes after %s", after)
	}
	l.wait(1).happens(same(0)).is(Done, Not).does(DoSync, DoReport, DoLook)
	l.trail(EventProposed, EventConfirmed, EventStarted, EventUncertain, EventSettled)
	if it := l.item(); it.Source != FromLook || len(l.r.OpenGuards()) > 0 || !l.r.Watched(l.now) {
		t.Errorf("item %+v, guards %v", it, l.r.OpenGuards())
	}
	l.wait(10*time.Minute).happens(same(0), failedLook(0)).is(Done, Not).does(DoLook)
	if after := l.last.Effects[0].After; after != 10*time.Minute {
		t.Errorf("looked again after %s", after)
	}
	l.happens(renewed(0)).is(Done, Applied).does(DoSync, DoReport)
	if e := l.reports(); !e.Correction {
		t.Error("it is not said to be a correction")
	}
	if got := l.entries[5].Detail; got != "applied: the panel shows it, later than was waited for, expires 2025-03-10" {
		t.Errorf("detail %q", got)
	}
	if l.r.Watched(l.now) {
		t.Error("still watched")
	}
}

func TestWatchEnds(t *testing.T) {
	l := renewal(t).uncertain().wait(testRules.Settle).happens(same(0))
	l.wait(testRules.Watch).happens(same(0)).is(Done, Not).does()
	if l.r.Watched(l.now) {
		t.Error("still watched")
	}
}

func TestSuperseded(t *testing.T) {
	l := renewal(t).uncertain().happens(Superseded{}).is(Running, Looking).does()
	l.wait(testRules.Settle).happens(same(0), Superseded{}).is(Done, Not)
	l.happens(renewed(0)).is(Done, Not).does()
	if l.r.Watched(l.now) {
		t.Error("still watched")
	}
}

// A second call for the same does not end the watch of the first: what turns up of
// that one is paid as well.
func TestHeld(t *testing.T) {
	watched := func() *life { return renewal(t).uncertain().wait(testRules.Settle).happens(same(0)).is(Done, Not) }
	l := watched().happens(Held{Expires: "2025-02-10"}).does()
	l.happens(renewed(0)).is(Done, Not).does(DoLook) // it may be the other's
	l.happens(Looked{Forced: true}).does()           // a recheck of before it was "not" has planned none
	l.happens(Released{}, renewed(0)).is(Done, Applied).does(DoSync, DoReport)
	if l.item().Doubt || !l.reports().Correction {
		t.Errorf("%+v", l.item())
	}

	l = watched().happens(Held{Expires: "2025-02-10"}, Released{Applied: true, Expires: "2025-03-10"}).is(Done, Not).does()
	l.happens(Looked{Seen: Seen{Found: true, Status: license.StatusActive, Expires: "2025-03-10", History: true, Ours: 1}}).is(Done, Not).does(DoLook)
	l.happens(Looked{Seen: Seen{Found: true, Status: license.StatusActive, Expires: "2025-04-10", History: true, Ours: 2}}).is(Done, Applied).does(DoSync, DoReport)
	if it := l.item(); it.Doubt || it.Expires != "2025-04-10" {
		t.Errorf("%+v", it)
	}

	for _, landed := range [][]Event{
		{Held{Expires: "2025-03-10"}}, // before the later call began
		{Held{Expires: "2025-02-10"}, Released{Applied: true, Expires: "2025-04-10", Beyond: true}}, // while it was under way
	} {
		l = watched().happens(landed...).is(Done, Applied).does(DoSync, DoReport)
		if !l.item().Doubt || !l.reports().Correction {
			t.Errorf("%+v", l.item())
		}
	}
	renewal(t).uncertain().happens(Held{}, Released{Applied: true}).is(Running, Looking).does()
}

func TestLeftBy(t *testing.T) {
	l := renewal(t).press(r1, ButtonConfirm).checked(0).happens(Answered{Applied: &AppliedAnswer{Expires: "2025-03-10"}})
	if got := LeftBy(l.r, 0, 2); got != (Released{Item: 2, Applied: true, Expires: "2025-03-10"}) {
		t.Errorf("%+v", got)
	}
	l = renewal(t).press(r1, ButtonConfirm).checked(0).happens(Answered{Applied: &AppliedAnswer{Expires: "2025-04-10"}})
	if got := LeftBy(l.r, 0, 0); !got.Beyond {
		t.Errorf("%+v", got)
	}
	renewal(t).press(r1, ButtonConfirm).checked(0).happens(Answered{Applied: &AppliedAnswer{}}).does(DoSupersede, DoSync, DoReport)
	l = renewal(t).press(r1, ButtonConfirm).checked(0).happens(refused(0, ReasonMoney))
	if got := LeftBy(l.r, 0, 0); got != (Released{}) {
		t.Errorf("%+v", got)
	}
}

func TestLookedCannotTell(t *testing.T) {
	l := renewal(t).uncertain().happens(Looked{}).is(Running, Looking).does(DoLook)
	l.wait(testRules.Settle).happens(Looked{}).is(Done, Unknown).does(DoSync, DoReport, DoLook)
	if len(l.r.OpenGuards()) != 1 {
		t.Error("what is uncertain may be asked again")
	}
	l.wait(time.Minute).happens(same(0)).is(Done, Not).does(DoSync, DoReport, DoLook)
	if l.reports().Correction {
		t.Error("what was not known is said to be a correction")
	}
	if !l.happens(renewed(0)).is(Done, Applied).reports().Correction {
		t.Error("it is not said to be a correction")
	}
}

// A reading that fails is tried again before anything is concluded from it.
func TestLookedFailed(t *testing.T) {
	l := renewal(t).uncertain().happens(failedLook(0), failedLook(0), same(0), same(0))
	l.wait(testRules.Settle).happens(failedLook(0), failedLook(0)).is(Running, Looking).does(DoLook)
	l.happens(same(0)).is(Done, Not)

	l = renewal(t).uncertain().wait(testRules.Settle).happens(failedLook(0), failedLook(0)).is(Running, Looking)
	l.happens(failedLook(0)).is(Done, Unknown).does(DoSync, DoReport, DoLook)
}

func TestInProcessNeverBecomesNot(t *testing.T) {
	l := renewal(t).press(r1, ButtonConfirm).checked(0)
	l.happens(Answered{Unknown: &UnknownAnswer{Reason: ReasonInProcess, Said: "Request in process"}})
	l.wait(testRules.Settle).happens(same(0)).is(Done, Unknown)
	l.wait(testRules.Watch).happens(same(0)).is(Done, Unknown).does()
	look := same(0)
	look.Forced = true
	l.press(a1, ButtonRecheck).happens(look).is(Done, Unknown).does(DoSync)
	l.happens(renewed(0)).is(Done, Applied)
}

// The panel says that it took the order: it may show the licence whenever it likes.
func TestAnOrderThatWasTakenNeverBecomesNot(t *testing.T) {
	for _, taken := range []Reason{ReasonUnnamed, ReasonUnpaid} {
		l := propose(t, Order, 0, Params{Product: 546, Address: "192.0.2.1"}).press(r1, ButtonConfirm).checked(0)
		l.happens(Answered{Unknown: &UnknownAnswer{Reason: taken}})
		none := Looked{Seen: Seen{Codes: codesOf("1009")}}
		l.happens(none).is(Running, Looking)
		l.wait(testRules.Settle).happens(none).is(Done, Unknown)
		l.happens(Looked{Seen: Seen{Codes: codesOf("1009", "2001"), Status: 2}}).is(Done, Applied)
	}
}

func TestUnpaidOrder(t *testing.T) {
	l := propose(t, Order, 0, Params{Product: 546, Address: "192.0.2.1"}).press(r1, ButtonConfirm).checked(0)
	l.happens(Answered{Unknown: &UnknownAnswer{Reason: ReasonUnpaid, Code: "2001"}})
	seen := Looked{Seen: Seen{Codes: codesOf("1009", "2001"), Status: 1}}
	paid := Looked{Seen: Seen{Codes: codesOf("1009", "2001"), Status: 2, Expires: "2025-03-01"}}
	l.happens(seen).is(Running, Looking).does(DoLook)
	unpaid := *l
	if l.happens(paid).is(Done, Applied); l.item().Reason != "" {
		t.Errorf("paid and still %s", l.item().Reason)
	}
	if unpaid.wait(testRules.Settle).happens(seen).is(Done, Applied); unpaid.item().Reason != ReasonUnpaid {
		t.Errorf("left unpaid, and %q", unpaid.item().Reason)
	}
}

func TestRecheck(t *testing.T) {
	forced := func(l Looked) Looked {
		l.Forced = true
		return l
	}
	for _, by := range []Account{r1, o1, a1, d1, v1} {
		l := renewal(t).uncertain()
		l.press(by, ButtonRecheck).answers(NothingUncertain).does()
		l.wait(testRules.Settle).happens(Looked{}).is(Done, Unknown)
		l.press(by, ButtonRecheck).answers(Rechecking).is(Done, Unknown).does(DoLook)
		if e := l.last.Effects[0]; !e.Rechecked || e.After != 0 {
			t.Errorf("effect %+v", e)
		}
		l.happens(forced(Looked{})).is(Done, Unknown).does(DoSync)
		if it := l.item(); it.Recheck || it.Rechecked != l.now {
			t.Errorf("item %+v", it)
		}
		l.press(by, ButtonRecheck).happens(forced(renewed(0))).is(Done, Applied).does(DoSync, DoReport)
		if l.reports().Correction {
			t.Error("what was not known is said to be a correction")
		}
		l.press(by, ButtonRecheck).answers(NothingUncertain).does()
	}
	renewal(t).press(s1, ButtonRecheck).answers(NotMember)

	t.Run("twice at once is told once", func(t *testing.T) {
		l := renewal(t).uncertain().wait(testRules.Settle).happens(Looked{})
		l.press(r1, ButtonRecheck).press(a1, ButtonRecheck).answers(Rechecking)
		l.happens(forced(Looked{})).does(DoSync)
		l.happens(forced(Looked{})).does()
	})
	t.Run("of several the uncertain alone", func(t *testing.T) {
		l := renewal(t, "1001", "1002").press(r1, ButtonConfirm).checked(0).checked(1).happens(applied(0), lost(1))
		l.wait(testRules.Settle).happens(Looked{Item: 1}).press(r1, ButtonRecheck).does(DoLook)
		if l.last.Effects[0].Item != 1 {
			t.Errorf("effects %+v", l.last.Effects)
		}
	})
}

func TestSettle(t *testing.T) {
	unknown := func(t *testing.T) *life { return renewal(t).uncertain().wait(testRules.Settle).happens(Looked{}) }
	for _, c := range []struct {
		by      Account
		applied bool
		answer  AnswerKind
		want    ItemState
	}{
		{d1, true, Accepted, Applied},
		{d1, false, Accepted, Not},
		{"shell:root", true, Accepted, Applied},
		{"shell:root", false, Accepted, Not},
		{a1, true, NotAllowed, Unknown},
		{r1, true, NotAllowed, Unknown},
		{v1, false, NotAllowed, Unknown},
		{s1, false, NotAllowed, Unknown},
	} {
		l := unknown(t).happens(Settled{By: c.by, Applied: c.applied}).answers(c.answer).is(Done, c.want)
		if c.answer != Accepted {
			l.does()
			if l.last.Answer.Need != Admin || l.entries[4].Event != EventRefused {
				t.Errorf("%s: %+v, %+v", c.by, l.last.Answer, l.entries[4])
			}
			continue
		}
		l.does(DoSync, DoReport)
		if it, e := l.item(), l.entries[4]; it.Source != FromPerson || it.SettledBy != c.by || e.Event != EventSettled || e.Actor != c.by {
			t.Errorf("%s: %+v, %+v", c.by, it, e)
		}
		if l.reports().Correction || len(l.r.OpenGuards()) > 0 || l.r.Watched(l.now) {
			t.Errorf("%s: report %+v, guards %v", c.by, l.reports(), l.r.OpenGuards())
		}
		// People's word is the last one, and a second word is too late.
		l.happens(renewed(0), same(0)).is(Done, c.want).does()
		l.happens(Settled{By: d1, Applied: !c.applied}).answers(NothingUncertain).is(Done, c.want).does()
	}

	t.Run("while it is looked for", func(t *testing.T) {
		l := renewal(t).uncertain().happens(Settled{By: d1, Applied: true}).is(Done, Applied).does(DoSync, DoReport)
		if l.reports().Correction {
			t.Error("a first report is called a correction")
		}
	})
	t.Run("what was not found turns out to be", func(t *testing.T) {
		l := renewal(t).uncertain().wait(testRules.Settle).happens(same(0)).is(Done, Not)
		l.happens(Settled{By: d1}).answers(NothingUncertain).does()
		l.happens(Settled{By: d1, Applied: true}).answers(Accepted).is(Done, Applied).does(DoSync, DoReport)
		if !l.reports().Correction {
			t.Error("it is not said to be a correction")
		}
	})
	t.Run("of several only what is uncertain", func(t *testing.T) {
		l := renewal(t, "1001", "1002", "1003").press(r1, ButtonConfirm).checked(0).checked(1).checked(2)
		l.happens(refused(0, ReasonBusy), lost(1), lost(2)).wait(testRules.Settle).happens(same(1), Looked{Item: 2})
		l.is(Done, Not, Not, Unknown).happens(Settled{By: d1, Applied: true}).is(Done, Not, Not, Applied)
	})
	t.Run("of several all at once, in one report", func(t *testing.T) {
		l := renewal(t, "1001", "1002").press(r1, ButtonConfirm).checked(0).checked(1).happens(lost(0), lost(1))
		l.wait(testRules.Settle).happens(Looked{Item: 1}).is(Running, Looking, Unknown)
		l.happens(Settled{By: d1, Applied: true}).is(Done, Applied, Applied).does(DoSync, DoReport)
		if e := l.reports(); e.Correction || len(e.Items) != 2 {
			t.Errorf("report %+v", e)
		}
	})
	for name, l := range map[string]*life{
		"proposed": renewal(t), "running": renewal(t).press(r1, ButtonConfirm).checked(0), "cancelled": renewal(t).press(r1, ButtonCancel),
		"refused": renewal(t).press(r1, ButtonConfirm).checked(0).happens(refused(0, ReasonMoney)),
	} {
		if l.happens(Settled{By: d1, Applied: true}); l.last.Answer.Kind != NothingUncertain || l.last.Changed {
			t.Errorf("%s: %+v", name, l.last.Answer)
		}
	}
}
