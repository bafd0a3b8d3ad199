package requests

import (
	"slices"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/license"
)

// olga is an operator with no part in Rita's requests.
var olga = Member{"Olga", Operator, []Account{"telegram:71"}}

const o1 Account = "telegram:71"

var everybody = people(rita, ann, bob, dan, vic, olga)

// life is a request that a test takes through events, and what they led to.
type life struct {
	t       *testing.T
	r       Request
	now     time.Time
	members Allowlist
	last    Step
	entries []Entry
}

// propose has Rita ask for an action, from r1.
func propose(t *testing.T, a Action, need int, p Params, codes ...license.Code) *life {
	t.Helper()
	v := variant{action: a, params: p, need: need}
	l := &life{t: t, now: asked, members: everybody}
	d := Draft{ID: "abc234", Action: a, Params: p, By: r1}
	for _, c := range codes {
		d.Items = append(d.Items, Item{Code: c, Facts: v.facts()})
	}
	if a == Order {
		d.Items = []Item{{Facts: v.facts()}}
	}
	s, no := Propose(d, l.known())
	if no.Kind == "" && need > 0 {
		s.Request.Need, s.Request.Approvers = need, Approvers(s.Request.By, l.members)
		s.Request.Deadline = asked.Add(testRules.ApprovalTTL)
	}
	l.r, l.last, l.entries = s.Request, s, s.Entries
	return l
}

func renewal(t *testing.T, codes ...license.Code) *life {
	t.Helper()
	if len(codes) == 0 {
		codes = []license.Code{"1001"}
	}
	return propose(t, Renew, 0, Params{}, codes...)
}

func (l *life) known() Known { return Known{Now: l.now, Members: l.members, Rules: testRules} }

func (l *life) happens(events ...Event) *life {
	for _, ev := range events {
		l.last = Decide(l.r, ev, l.known())
		l.r = l.last.Request
		l.entries = append(l.entries, l.last.Entries...)
	}
	return l
}

func (l *life) press(by Account, button string) *life {
	return l.happens(Press{Button: button, By: by})
}

func (l *life) wait(d time.Duration) *life {
	l.now = l.now.Add(d)
	return l
}

// checked is a reading before the call that is as the question showed it.
func (l *life) checked(i int) *life {
	v := variant{action: l.r.Action, params: l.r.Params}
	return l.happens(Checked{Item: i, Facts: v.facts(), Before: v.before()})
}

// uncertain takes a request to where its only call has been lost.
func (l *life) uncertain() *life {
	return l.press(r1, ButtonConfirm).checked(0).happens(lost(0))
}

func lost(i int) Answered { return Answered{Item: i, Unknown: &UnknownAnswer{Reason: ReasonTimeout}} }

func applied(i int) Answered {
	return Answered{Item: i, Applied: &AppliedAnswer{Expires: "2025-03-10", Said: "ok"}}
}

func refused(i int, why Reason) Answered {
	return Answered{Item: i, Refused: &RefusedAnswer{Reason: why, Detail: "value/x", Said: "No."}}
}

// renewed and same are readings after a renewal.
func renewed(i int) Looked {
	return Looked{Item: i, Seen: Seen{Found: true, Expires: "2025-03-10", Ours: 1, History: true}}
}

func same(i int) Looked { return Looked{Item: i, Seen: Seen{Found: true, Expires: "2025-02-10"}} }

func (l *life) is(state State, items ...ItemState) *life {
	l.t.Helper()
	if l.r.State != state {
		l.t.Errorf("the request is %s, want %s", l.r.State, state)
	}
	for i, want := range items {
		if got := l.r.Items[i].State; got != want {
			l.t.Errorf("item %d is %s, want %s", i, got, want)
		}
	}
	return l
}

// answers checks what the last click or word was answered with.
func (l *life) answers(want AnswerKind) *life {
	l.t.Helper()
	if l.last.Answer.Kind != want {
		l.t.Errorf("answered %q, want %q", l.last.Answer.Kind, want)
	}
	return l
}

// does checks the effects of the last step, in their order.
func (l *life) does(want ...Do) *life {
	l.t.Helper()
	var got []Do
	for _, e := range l.last.Effects {
		got = append(got, e.Do)
	}
	if !slices.Equal(got, want) {
		l.t.Errorf("effects %v, want %v", got, want)
	}
	return l
}

// reports gives the last step's report.
func (l *life) reports() Effect {
	l.t.Helper()
	n := slices.IndexFunc(l.last.Effects, func(e Effect) bool { return e.Do == DoReport })
	if n < 0 {
		l.t.Fatalf("no report in %v", l.last.Effects)
	}
	return l.last.Effects[n]
}

// trail checks all events of the audit trail so far.
func (l *life) trail(want ...AuditEvent) *life {
	l.t.Helper()
	var got []AuditEvent
	for _, e := range l.entries {
		got = append(got, e.Event)
	}
	if !slices.Equal(got, want) {
		l.t.Errorf("audit trail %v, want %v", got, want)
	}
	return l
}

func (l *life) item() Item { return l.r.Items[0] }
