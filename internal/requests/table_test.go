package requests

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write docs/requests.md")

const tableFile = "../../docs/requests.md"

// row is one thing that happens in one state.
type row struct {
	when  string
	event Event
	wait  time.Duration
}

// reorganisation is that another allowlist holds from now on.
type reorganisation struct {
	MembersChanged
	members Allowlist
}

// section is a state, by the life that leads to it.
type section struct {
	title string
	live  func(t *testing.T) *life
	rows  []row
}

func presses(button string) []row {
	var rows []row
	for _, p := range pressers {
		rows = append(rows, row{when: "`" + button + "` by " + p.name, event: Press{Button: button, By: p.by}})
	}
	return rows
}

func sections() []section {
	const settle = time.Minute
	facts, before := variant{action: Renew}.facts(), variant{action: Renew}.before()
	changed := facts
	changed.Price = "5 EUR"
	ask := func(need int) func(*testing.T) *life {
		return func(t *testing.T) *life { return propose(t, Renew, need, Params{}, "1001") }
	}
	lookedFor := func(t *testing.T) *life { return renewal(t).uncertain() }
	unknown := func(t *testing.T) *life { return lookedFor(t).wait(settle).happens(Looked{}) }
	forced := Looked{Forced: true}
	doubtful := renewed(0)
	doubtful.Seen.Others = 1
	clicks := func(buttons ...string) (rows []row) {
		for _, b := range buttons {
			rows = append(rows, presses(b)...)
		}
		return rows
	}
	settled := []row{
		{when: "`settle applied` by an admin or a shell", event: Settled{By: d1, Applied: true}},
		{when: "`settle not` by an admin or a shell", event: Settled{By: d1}},
		{when: "`settle` by another", event: Settled{By: a1}},
	}
	return []section{
		{"Proposed, to be confirmed", ask(0), append(clicks(ButtonConfirm, ButtonCancel, ButtonApprove),
			row{"the deadline", Lapsed{}, testRules.ConfirmTTL},
			row{"any click after the deadline", Press{Button: ButtonConfirm, By: r1}, testRules.ConfirmTTL},
			row{"the question could be put nowhere", Unaskable{Why: "…"}, 0})},
		{"Proposed, to be approved once", ask(1), clicks(ButtonApprove, ButtonDeny, ButtonCancel, ButtonConfirm)},
		{"Proposed, one approval of two given", func(t *testing.T) *life { return ask(2)(t).press(a1, ButtonApprove) }, []row{
			{"`approve` by the same person", Press{Button: ButtonApprove, By: a1}, 0},
			{"`approve` by another approver", Press{Button: ButtonApprove, By: b1}, 0},
			{"`deny` by the same person", Press{Button: ButtonDeny, By: a1}, 0},
			{"the allowlist changes: who approved may not any more", reorganisation{members: people(rita, bob, dan)}, 0},
			{"the allowlist changes: another may approve", reorganisation{members: append(people(Member{"Zoe", Approver, []Account{"telegram:81"}}), everybody...)}, 0},
			{"the allowlist changes: who may approve is as before", reorganisation{members: everybody}, 0},
			{"the allowlist changes after the deadline", reorganisation{members: people(rita, bob, dan)}, testRules.ApprovalTTL},
		}},
		{"Item checking: decided, being read again", func(t *testing.T) *life { return ask(0)(t).press(r1, ButtonConfirm) }, []row{
			{"it is as the question showed it", Checked{Facts: facts, Before: before}, 0},
			{"something has changed", Checked{Facts: changed, Before: before}, 0},
			{"it is not there any more", Checked{Gone: true}, 0},
			{"it could not be read", Checked{Failed: ReasonTimeout}, 0},
			{"the panel refuses the bot's login", Checked{Failed: ReasonAuth}, 0},
			{"it is as shown, a day later", Checked{Facts: facts, Before: before}, testRules.ApprovalTTL + 1},
			{"any click", Press{Button: ButtonCancel, By: r1}, 0},
		}},
		{"Item started: the call has begun", func(t *testing.T) *life { return ask(0)(t).press(r1, ButtonConfirm).checked(0) }, []row{
			{"the panel says that it is done", applied(0), 0},
			{"the panel refuses, or could not be reached", refused(0, ReasonMoney), 0},
			{"no whole answer", lost(0), 0},
			{"the bot was killed and started", Killed{}, 0},
			{"a second reading before the call", Checked{Facts: facts, Before: before}, 0},
		}},
		{"Item looking: no whole answer, being found out", lookedFor, append([]row{
			{"the effect is there", renewed(0), 0},
			{"the effect is there, and may be somebody else's", doubtful, 0},
			{"all is as before, too early to say", same(0), 0},
			{"all is as before, `ISPLICENSE_SETTLE` later", same(0), settle},
			{"it can't be told, `ISPLICENSE_SETTLE` later", Looked{}, settle},
			{"it could not be read", Looked{Failed: true}, settle},
			{"a late answer", applied(0), 0},
			{"`recheck`", Press{Button: ButtonRecheck, By: r1}, 0},
		}, settled...)},
		{"Item unknown: people decide, and it is looked for on", unknown, append([]row{
			{"the effect is there", renewed(0), 0},
			{"all is as before", same(0), 0},
			{"it can't be told", Looked{}, 0},
			{"`recheck` by any member", Press{Button: ButtonRecheck, By: v1}, 0},
			{"`recheck` by a stranger", Press{Button: ButtonRecheck, By: s1}, 0},
		}, settled...)},
		{"Item unknown, after a `recheck`", func(t *testing.T) *life { return unknown(t).press(r1, ButtonRecheck) }, []row{
			{"it still can't be told", forced, 0},
			{"the effect is there", renewed(0), 0},
		}},
		{"Item unknown, since the panel said \"in process\"", func(t *testing.T) *life {
			return ask(0)(t).press(r1, ButtonConfirm).checked(0).
				happens(Answered{Unknown: &UnknownAnswer{Reason: ReasonInProcess}}).wait(settle).happens(same(0))
		}, []row{{"all is as before", same(0), time.Hour / 2}, {"the effect is there", renewed(0), 0}}},
		{"Item not: no effect was found, and it is watched", func(t *testing.T) *life { return lookedFor(t).wait(settle).happens(same(0)) }, append([]row{
			{"the effect is there after all", renewed(0), 0},
			{"all is as before", same(0), 0},
			{"a later call for the same has begun, and shows no effect yet", Held{Expires: "2025-02-10"}, 0},
			{"a later call for the same has begun, and found the effect there", Held{Expires: "2025-03-10"}, 0},
			{"a later call for the same has no whole answer", Superseded{}, 0},
		}, settled...)},
		{"Item not, while a later call for the same is under way", func(t *testing.T) *life {
			return lookedFor(t).wait(settle).happens(same(0), Held{Expires: "2025-02-10"})
		}, []row{
			{"the effect is there, or that of the later call", renewed(0), 0},
			{"the later call was refused", Released{}, 0},
			{"the later call took effect", Released{Applied: true, Expires: "2025-03-10"}, 0},
			{"the later call took effect, and more than that is there", Released{Applied: true, Expires: "2025-04-10", Beyond: true}, 0},
			{"the later call has no whole answer", Superseded{}, 0},
		}},
	}
}

// outcome is what follows from a row, in the table's words.
func outcome(l *life, r row, before string) (next, effects, audit, answer string) {
	if other, ok := r.event.(reorganisation); ok {
		l.members, r.event = other.members, other.MembersChanged
	}
	l.wait(r.wait).happens(r.event)
	next = standing(l.r)
	if next == before {
		next = "–"
	}
	var does, logs []string
	for _, e := range l.last.Effects {
		word := string(e.Do)
		switch {
		case e.Correction:
			word += " (correction)"
		case e.After > 0:
			word += " later"
		}
		does = append(does, word)
	}
	for _, e := range l.last.Entries {
		logs = append(logs, string(e.Event))
	}
	return next, strings.Join(does, ", "), strings.Join(logs, ", "), string(l.last.Answer.Kind)
}

// standing is the state of a request with one item.
func standing(r Request) string {
	it := r.Items[0]
	s := string(r.State)
	switch it.State {
	case Waiting, Dropped:
	case Checking, Started, Looking, Unknown:
		s += ", " + string(it.State)
	case Applied, Not:
		s += ", " + string(it.State) + " by " + string(it.Source)
		if it.Doubt {
			s += ", in doubt"
		}
	}
	return s
}

const tableHead = `# The life of a request

What follows from what, for a request for one licence. Of several licences each
has its own way from *checking* on, and the first report comes when all have ended.
This table is made from the code: ` + "`go test ./internal/requests -run TestTable -update`" + `.

- **next** is the state that is recorded; – is the same as before.
- **does** is what begins once that is recorded: *check* reads the licence before
  the call, *call* calls the panel, *look* reads it afterwards, *sync* brings every
  message up to date, *cards* puts the question to new approvers who can't see it,
  *report* tells the ends in the thread, *reask* puts a fresh question. *hold* has
  the watch of an earlier request for the same wait for this call, *release* has it
  go on from what the call has left, *supersede* ends it.
- **audit** is what is recorded in the audit trail, in the same transaction.
- **answer** is what whoever clicked or settled is told, alone.

What is not listed changes nothing: an event that comes twice, late, or for a state
that has been left. A click on what is decided is answered with who decided what
and when. A stranger is told no more than their own id. Nobody approves or denies
a request of their own, whatever their role and from whichever account.

Who is on the allowlist counts at the click and again before the call. A change of
it, from a chat or a shell, brings every question that waits for approvals up to
date in the same transaction: votes that do not count any more are dropped and do
not come back with the role, and the question says who can approve, or that too few
people can. What a shell has changed while the bot was off, the next start finds.

A start goes on with what the store says: *checking* is checked again, *looking*
and what is watched is looked for again, *started* is the kill in the table below,
and *proposed* is brought to the allowlist of then. Nothing is called again.
`

func table(t *testing.T) []byte {
	var b bytes.Buffer
	b.WriteString(tableHead)
	for _, s := range sections() {
		before := standing(s.live(t).r)
		fmt.Fprintf(&b, "\n## %s\n\nstate: %s\n\n| event | next | does | audit | answer |\n| --- | --- | --- | --- | --- |\n", s.title, before)
		var lines []*line
		for _, r := range s.rows {
			next, does, audit, answer := outcome(s.live(t), r, before)
			button, by, _ := strings.Cut(r.when, " by ")
			l := &line{button, by, strings.Join([]string{next, does, audit, answer}, " | ")}
			same := slices.IndexFunc(lines, func(o *line) bool { return o.button == l.button && o.rest == l.rest && by != "" })
			if same >= 0 {
				lines[same].by += ", " + by
				continue
			}
			lines = append(lines, l)
		}
		for _, l := range lines {
			when := l.button
			if l.by != "" {
				when += " by " + l.by
			}
			fmt.Fprintf(&b, "| %s | %s |\n", when, l.rest)
		}
	}
	return b.Bytes()
}

// line is a line of the table; all who press a button to the same end share one.
type line struct{ button, by, rest string }

func TestTable(t *testing.T) {
	got := table(t)
	if *update {
		if err := os.WriteFile(tableFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(tableFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("docs/requests.md is not what the code does: go test ./internal/requests -run TestTable -update")
	}
}
