package requests

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// who presses, in the order of the tables' columns.
var pressers = []struct {
	name string
	by   Account
}{
	{"requester", r1}, {"requester's other account", r2}, {"operator", o1}, {"approver", a1}, {"admin", d1}, {"viewer", v1}, {"stranger", s1},
}

func TestPressOnQuestion(t *testing.T) {
	const (
		ok    = Accepted
		wrong = WrongButton
		own   = OwnRequest
		other = NotYours
		low   = NotAllowed
		none  = NothingUncertain
		out   = NotMember
	)
	for _, c := range []struct {
		need   int
		button string
		want   [7]AnswerKind // requester, other account, operator, approver, admin, viewer, stranger
	}{
		{0, ButtonConfirm, [7]AnswerKind{ok, ok, other, other, other, other, out}},
		{0, ButtonCancel, [7]AnswerKind{ok, ok, other, other, ok, other, out}},
		{0, ButtonApprove, [7]AnswerKind{wrong, wrong, wrong, wrong, wrong, wrong, out}},
		{0, ButtonDeny, [7]AnswerKind{wrong, wrong, wrong, wrong, wrong, wrong, out}},
		{0, ButtonRecheck, [7]AnswerKind{none, none, none, none, none, none, out}},
		{0, ButtonRenew, [7]AnswerKind{wrong, wrong, wrong, wrong, wrong, wrong, out}},
		{0, "", [7]AnswerKind{wrong, wrong, wrong, wrong, wrong, wrong, out}},
		{1, ButtonConfirm, [7]AnswerKind{wrong, wrong, wrong, wrong, wrong, wrong, out}},
		{1, ButtonCancel, [7]AnswerKind{ok, ok, other, other, ok, other, out}},
		{1, ButtonApprove, [7]AnswerKind{low, low, low, ok, ok, low, out}},
		{1, ButtonDeny, [7]AnswerKind{low, low, low, ok, ok, low, out}},
		{2, ButtonApprove, [7]AnswerKind{low, low, low, ok, ok, low, out}},
		{2, ButtonDeny, [7]AnswerKind{low, low, low, ok, ok, low, out}},
	} {
		after := map[string]State{ButtonConfirm: Running, ButtonCancel: Cancelled, ButtonApprove: Running, ButtonDeny: Denied}[c.button]
		if c.need == 2 && c.button == ButtonApprove {
			after = Proposed
		}
		for i, p := range pressers {
			l := propose(t, Terminate, c.need, Params{}, "1001").press(p.by, c.button)
			want := Proposed
			if c.want[i] == Accepted {
				want = after
			}
			if l.r.State != want || l.last.Answer.Kind != c.want[i] {
				t.Errorf("%d approvals, %q by %s: %s, %q; want %s, %q", c.need, c.button, p.name,
					l.r.State, l.last.Answer.Kind, want, c.want[i])
			}
			if l.last.Answer.Kind == NotAllowed && l.last.Answer.Need != Approver {
				t.Errorf("%q by %s: needs %s", c.button, p.name, l.last.Answer.Need)
			}
		}
	}
}

// Whoever may press it on a question gets the same answer once it is decided, and
// nothing happens.
func TestPressAfterDecision(t *testing.T) {
	lives := map[string]func(*testing.T) *life{
		"running":   func(t *testing.T) *life { return renewal(t).press(r1, ButtonConfirm) },
		"done":      func(t *testing.T) *life { return renewal(t).uncertain().happens(renewed(0)) },
		"cancelled": func(t *testing.T) *life { return renewal(t).press(r2, ButtonCancel) },
		"denied":    func(t *testing.T) *life { return propose(t, Terminate, 1, Params{}, "1001").press(a1, ButtonDeny) },
		"expired":   func(t *testing.T) *life { return renewal(t).wait(testRules.ConfirmTTL).happens(Lapsed{}) },
		"unaskable": func(t *testing.T) *life { return renewal(t).happens(Unaskable{Why: "not in the channel"}) },
	}
	for name, live := range lives {
		for _, button := range []string{ButtonConfirm, ButtonCancel, ButtonApprove, ButtonDeny, ButtonRenew, ""} {
			for _, p := range pressers {
				l := live(t)
				before := l.r
				want := AlreadyDecided
				if p.by == s1 {
					want = NotMember
				}
				l.press(p.by, button).answers(want).does()
				if l.r.State != before.State || l.r.Version != before.Version {
					t.Errorf("%s: %q by %s changed it", name, button, p.name)
				}
			}
		}
	}
}

func TestConfirm(t *testing.T) {
	l := renewal(t, "1001", "1002").press(r2, ButtonConfirm)
	l.is(Running, Checking, Checking).does(DoSync, DoCheck, DoCheck).trail(EventProposed, EventConfirmed)
	if d := l.r.Decided; d.Account != r2 || d.Person != "Rita" || d.At != asked {
		t.Errorf("decided by %+v", d)
	}
	if l.r.Version != 1 || l.entries[1].License != "1001,1002" {
		t.Errorf("version %d, entry %+v", l.r.Version, l.entries[1])
	}

	t.Run("as a viewer by now", func(t *testing.T) {
		l := renewal(t)
		l.members = memberships[1]
		l.press(r1, ButtonConfirm).answers(NotAllowed).is(Proposed, Waiting).trail(EventProposed, EventRefused)
		if l.last.Answer.Need != Operator {
			t.Errorf("needs %s", l.last.Answer.Need)
		}
	})
	t.Run("by another who has taken over the requester's name", func(t *testing.T) {
		l := renewal(t)
		l.members = people(Member{"Zoe", Operator, []Account{r1}}, Member{"Rita", Operator, []Account{r2}})
		l.press(r2, ButtonConfirm).answers(NotYours).is(Proposed)
		l.press(r1, ButtonConfirm).answers(Accepted).is(Running)
	})
}

func TestVotes(t *testing.T) {
	ask := func(t *testing.T, need int) *life { return propose(t, Terminate, need, Params{}, "1001") }
	rename := func(l *life, ms ...Member) *life {
		l.members = ms
		return l
	}

	t.Run("one is enough", func(t *testing.T) {
		ask(t, 1).press(a1, ButtonApprove).is(Running, Checking).does(DoSync, DoCheck).trail(EventProposed, EventApproved)
	})
	t.Run("two, counted as they come", func(t *testing.T) {
		l := ask(t, 2).press(a1, ButtonApprove).is(Proposed, Waiting).does(DoSync)
		if l.entries[1].Detail != "1 of 2" {
			t.Errorf("detail %q", l.entries[1].Detail)
		}
		l.press(a1, ButtonApprove).answers(AlreadyVoted).does()
		l.press(b1, ButtonApprove).is(Running, Checking)
		if len(l.r.Votes) != 2 || l.r.Decided.Person != "Bob" {
			t.Errorf("votes %v, decided by %v", l.r.Votes, l.r.Decided)
		}
	})
	t.Run("a person with two accounts has one", func(t *testing.T) {
		l := rename(ask(t, 2), rita, Member{"Ann", Approver, []Account{a1, "telegram:22"}}, bob)
		l.press(a1, ButtonApprove).press("telegram:22", ButtonApprove).answers(AlreadyVoted).is(Proposed)
	})
	t.Run("two persons who turn out to be one have one", func(t *testing.T) {
		l := ask(t, 2).press(a1, ButtonApprove)
		rename(l, rita, Member{"Bob", Approver, []Account{a1, b1}}, dan)
		l.press(b1, ButtonApprove).answers(AlreadyVoted).is(Proposed)
		l.press(d1, ButtonApprove).is(Running)
	})
	t.Run("an approver may deny after all", func(t *testing.T) {
		ask(t, 2).press(a1, ButtonApprove).press(a1, ButtonDeny).is(Denied, Dropped).does(DoSync, DoReport).
			trail(EventProposed, EventApproved, EventDenied)
	})
	t.Run("a vote that was lost is given again", func(t *testing.T) {
		l := ask(t, 2).press(a1, ButtonApprove)
		rename(l, rita, Member{"Ann", Operator, []Account{a1}}, bob, dan).press(b1, ButtonApprove).is(Proposed)
		if len(l.r.Votes) != 1 || l.r.Votes[0].Person != "Bob" {
			t.Errorf("votes %v", l.r.Votes)
		}
		rename(l, everybody...).press(a1, ButtonApprove).answers(Accepted).is(Running)
	})
	t.Run("nobody approves their own", func(t *testing.T) {
		raised := Member{"Rita", Admin, []Account{r1, r2}}
		for name, members := range map[string]Allowlist{
			"from either account":         people(raised, ann),
			"with an account joined":      people(Member{"Rita", Approver, []Account{r1, r2, a1}}),
			"renamed":                     people(Member{"Rosa", Approver, []Account{r1, r2, a1}}),
			"named the same anew":         people(Member{"rita", Approver, []Account{a1, r2}}),
			"the name alone is their own": people(Member{"Rita", Approver, []Account{a1, r2}}, Member{"Zoe", Operator, []Account{r1}}),
		} {
			for _, by := range []Account{r1, r2, a1} {
				l := rename(ask(t, 1), members...)
				m, _ := members.Of(by)
				if m.Role < Approver || m.Person == "Ann" {
					continue
				}
				for _, b := range []string{ButtonApprove, ButtonDeny} {
					if l.press(by, b); l.last.Answer.Kind != OwnRequest || l.r.State != Proposed {
						t.Errorf("%s, %s from %s: %q, %s", name, b, by, l.last.Answer.Kind, l.r.State)
					}
				}
			}
		}
	})
}

// Another allowlist takes away the votes that do not count by it, and says whose can
// be had.
func TestMembersChanged(t *testing.T) {
	names := func(l *life) (voters, approvers []string) {
		for _, v := range l.r.Votes {
			voters = append(voters, v.Person)
		}
		for _, m := range l.r.Approvers {
			approvers = append(approvers, m.Person)
		}
		return voters, approvers
	}
	zoe := Member{"Zoe", Approver, []Account{"telegram:81"}}
	for name, c := range map[string]struct {
		need    int
		members Allowlist
		votes   string
		can     string
		stuck   bool
		does    []Do
	}{
		"as before":                   {2, everybody, "Ann", "Bob Dan", false, nil},
		"a viewer is new":             {2, append(people(Member{"Zoe", Viewer, zoe.Accounts}), everybody...), "Ann", "Bob Dan", false, nil},
		"an approver is new":          {2, append(slices.Clone(everybody), zoe), "Ann", "Bob Dan Zoe", false, []Do{DoCards, DoSync}},
		"an account is new":           {2, people(rita, ann, Member{"Bob", Approver, []Account{b1, "telegram:32"}}, dan), "Ann", "Bob Dan", false, []Do{DoCards, DoSync}},
		"the voter was revoked":       {2, people(rita, bob, dan), "", "Bob Dan", false, []Do{DoSync}},
		"the voter was lowered":       {2, memberships[3], "", "Bob Dan", false, []Do{DoSync}},
		"the voter is the requester":  {2, memberships[4], "", "Bob Dan", false, []Do{DoSync}},
		"the voter is called anew":    {2, people(rita, Member{"Anna", Approver, []Account{a1}}, bob, dan), "Ann", "Bob Dan", false, nil},
		"another approver is revoked": {2, people(rita, ann, dan), "Ann", "Dan", false, []Do{DoSync}},
		"the requester is raised":     {2, people(Member{"Rita", Admin, []Account{r1, r2}}, ann, bob, dan), "Ann", "Bob Dan", false, nil},
		"the requester is renamed":    {2, people(Member{"Rosa", Admin, []Account{r1}}, ann, bob, dan), "Ann", "Bob Dan", false, nil},
		"one is too few":              {3, people(rita, ann, dan), "Ann", "Dan", true, []Do{DoSync}},
		"nobody is left":              {2, people(rita, ann), "Ann", "", true, []Do{DoSync}},
	} {
		t.Run(name, func(t *testing.T) {
			l := propose(t, Terminate, c.need, Params{}, "1001").press(a1, ButtonApprove)
			l.members = c.members
			l.happens(MembersChanged{}).is(Proposed, Waiting).does(c.does...).trail(EventProposed, EventApproved)
			votes, can := names(l)
			if got := strings.Join(votes, " "); got != c.votes {
				t.Errorf("votes of %q, want %q", got, c.votes)
			}
			if got := strings.Join(can, " "); got != c.can || l.r.Stuck() != c.stuck {
				t.Errorf("%q can approve, stuck: %v; want %q, %v", got, l.r.Stuck(), c.can, c.stuck)
			}
			l.happens(MembersChanged{}).does()
			l.members = everybody
			if l.happens(MembersChanged{}); l.r.Stuck() {
				t.Error("stuck with everybody back")
			}
		})
	}
	t.Run("two voters turn out to be one", func(t *testing.T) {
		l := propose(t, Terminate, 3, Params{}, "1001").press(a1, ButtonApprove).press(b1, ButtonApprove)
		l.members = memberships[6]
		l.happens(MembersChanged{}).does(DoSync)
		if votes, can := names(l); len(votes) != 1 || len(can) != 1 || !l.r.Stuck() {
			t.Errorf("votes of %q, %q can approve", votes, can)
		}
	})
	t.Run("a vote that was lost does not come back with the role", func(t *testing.T) {
		l := propose(t, Terminate, 2, Params{}, "1001").press(a1, ButtonApprove)
		l.members = memberships[3]
		l.happens(MembersChanged{})
		l.members = everybody
		l.happens(MembersChanged{}).does(DoCards, DoSync).press(b1, ButtonApprove).is(Proposed)
		l.press(a1, ButtonApprove).is(Running)
	})
	t.Run("only an open question that others approve", func(t *testing.T) {
		for name, l := range map[string]*life{
			"to be confirmed":    renewal(t),
			"approved":           propose(t, Terminate, 1, Params{}, "1001").press(a1, ButtonApprove),
			"denied":             propose(t, Terminate, 2, Params{}, "1001").press(a1, ButtonApprove).press(b1, ButtonDeny),
			"after the deadline": propose(t, Terminate, 2, Params{}, "1001").press(a1, ButtonApprove).wait(testRules.ApprovalTTL),
		} {
			before := l.r
			l.members = people(rita, dan)
			if l.happens(MembersChanged{}).does(); l.last.Changed || !slices.Equal(l.r.Votes, before.Votes) {
				t.Errorf("%s: it changed", name)
			}
			if l.r.State != Proposed && len(l.r.Approvers) > 0 {
				t.Errorf("%s: decided, and %v can approve", name, l.r.Approvers)
			}
		}
	})
}

// The roles count again before the call.
func TestRolesBeforeCall(t *testing.T) {
	for name, c := range map[string]struct {
		members Allowlist
		want    Reason
	}{
		"all as it was":                       {everybody, ""},
		"the requester lowered":               {memberships[1], ReasonRoleLost},
		"the requester revoked":               {memberships[2], ReasonRoleLost},
		"the requester renamed":               {people(Member{"Rosa", Operator, []Account{r1}}, ann), ""},
		"the approver lowered":                {memberships[3], ReasonVotesLost},
		"the approver revoked":                {people(rita, bob, dan), ReasonVotesLost},
		"the approver renamed":                {people(rita, Member{"Anna", Approver, []Account{a1}}), ""},
		"the approver raised":                 {people(rita, Member{"Ann", Admin, []Account{a1}}), ""},
		"the approver joined to the asker":    {memberships[4], ReasonVotesLost},
		"the approver takes the asker's name": {people(Member{"Zoe", Operator, []Account{r1}}, Member{"Rita", Approver, []Account{a1}}), ReasonVotesLost},
	} {
		t.Run(name, func(t *testing.T) {
			l := propose(t, Terminate, 1, Params{}, "1001").press(a1, ButtonApprove)
			l.members = c.members
			l.checked(0)
			if c.want == "" {
				l.is(Running, Started).does(DoHold, DoCall)
				return
			}
			l.is(Done, Not).does(DoSync, DoReport).trail(EventProposed, EventApproved, EventFailed)
			if it := l.item(); it.Reason != c.want || it.Source != FromRules {
				t.Errorf("%s, %s", it.Reason, it.Source)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	ttl := testRules.ConfirmTTL
	t.Run("before it nothing lapses", func(t *testing.T) {
		l := renewal(t).wait(ttl - 1).happens(Lapsed{}).is(Proposed).does()
		l.press(r1, ButtonConfirm).is(Running)
	})
	for _, late := range []time.Duration{0, 1, time.Hour} {
		l := renewal(t).wait(ttl+late).happens(Lapsed{}).is(Expired, Dropped).does(DoSync).trail(EventProposed, EventExpired)
		if l.r.Decided.Account != Bot || l.entries[1].Actor != Bot || l.entries[1].Person != "bot" {
			t.Errorf("expired by %+v, %+v", l.r.Decided, l.entries[1])
		}
		l.happens(Lapsed{}).does()
	}
	t.Run("a click after it expires the request", func(t *testing.T) {
		l := renewal(t).wait(ttl).press(r1, ButtonConfirm).answers(AlreadyDecided).is(Expired, Dropped).does(DoSync)
		l.trail(EventProposed, EventExpired)
	})
	t.Run("approvals have their own", func(t *testing.T) {
		l := &life{t: t, now: asked, members: everybody}
		k := l.known()
		k.Rules.Approvals = map[Action]int{Terminate: 1}
		s, _ := Propose(Draft{Action: Terminate, By: r1, Items: []Item{{Code: "1"}}}, k)
		if got := s.Request.Deadline.Sub(asked); got != testRules.ApprovalTTL {
			t.Errorf("waits %s", got)
		}
	})
}

func TestCancel(t *testing.T) {
	for by, person := range map[Account]string{r1: "Rita", r2: "Rita", d1: "Dan"} {
		does := []Do{DoSync}
		if person != "Rita" {
			does = append(does, DoReport) // to Rita
		}
		l := renewal(t).press(by, ButtonCancel).answers(Accepted).is(Cancelled, Dropped).does(does...).
			trail(EventProposed, EventCancelled)
		if l.r.Decided.Account != by || l.r.Decided.Person != person || len(l.r.OpenGuards()) > 0 {
			t.Errorf("%s: %+v, guards %v", by, l.r.Decided, l.r.OpenGuards())
		}
	}
	l := renewal(t)
	l.members = memberships[1] // lowered: what one asked for one may still take back
	l.press(r1, ButtonCancel).is(Cancelled)
}

func TestUnaskable(t *testing.T) {
	l := renewal(t).happens(Unaskable{Why: "not in the channel"}).is(Cancelled, Dropped).does(DoSync).
		trail(EventProposed, EventRefused)
	if l.r.Decided.Account != Bot {
		t.Errorf("decided by %+v", l.r.Decided)
	}
	renewal(t).press(r1, ButtonConfirm).happens(Unaskable{}).is(Running, Checking).does()
}

// What is given to Decide stays as it was.
func TestDecideLeavesItsRequest(t *testing.T) {
	l := propose(t, Terminate, 2, Params{}, "1001").press(a1, ButtonApprove)
	before := l.r
	votes, items := slices.Clone(before.Votes), slices.Clone(before.Items)
	l.members = people(rita, bob, dan)
	l.press(b1, ButtonApprove)
	l.press(d1, ButtonApprove).is(Running)
	if !slices.Equal(before.Votes, votes) || before.Items[0].State != items[0].State {
		t.Error("the request that was given has changed")
	}
}
