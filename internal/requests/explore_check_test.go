package requests

import (
	"fmt"
	"slices"
	"strings"
)

// witness keeps, beside the request and by its own lights, who said yes when they
// might.
func (x *explorer) witness(w *world, ev Event, k Known) {
	if _, ok := ev.(MembersChanged); ok && w.req.State == Proposed && k.Now.Before(w.req.Deadline) {
		for n, a := range accounts {
			if !mayApprove(k.Members.Of(a)) {
				w.approved &^= 1 << n // a vote that is lost does not come back with the role
			}
		}
	}
	p, ok := ev.(Press)
	if !ok || w.req.State != Proposed || !k.Now.Before(w.req.Deadline) {
		return
	}
	m, ok := k.Members.Of(p.By)
	if !ok {
		return
	}
	switch {
	case p.Button == ButtonConfirm && x.need == 0 && m.Role >= Operator && slices.Contains(m.Accounts, w.req.By.Account):
		w.confirmed = true
	case p.Button == ButtonApprove && x.need > 0 && mayApprove(m, ok):
		w.approved |= 1 << slices.Index(accounts, p.By)
	}
}

// isRitas says whether the request is this person's own.
func isRitas(m Member) bool { return m.Person == "Rita" || slices.Contains(m.Accounts, r1) }

func mayApprove(m Member, known bool) bool { return known && m.Role >= Approver && !isRitas(m) }

// checkPeople checks that an open question counts and names who counts by the
// allowlist of now.
func (x *explorer) checkPeople(w *world) {
	if w.req.State != Proposed || x.need == 0 || !w.now.Before(w.req.Deadline) {
		return
	}
	l := memberships[w.members]
	voted := map[string]bool{}
	for _, v := range w.req.Votes {
		m, ok := l.Of(v.Account)
		if !mayApprove(m, ok) || voted[m.Person] {
			x.failf("a vote of %s is shown and does not count", v.Account)
		}
		voted[m.Person] = true
	}
	var rest []Member
	for _, m := range l {
		if mayApprove(m, true) && !voted[m.Person] {
			rest = append(rest, m)
		}
	}
	if !slices.EqualFunc(w.req.Approvers, rest, Member.equal) {
		x.failf("%s can approve, and %s are named", rest, w.req.Approvers)
	}
	if stuck := len(voted)+len(rest) < x.need; w.req.Stuck() != stuck {
		x.failf("stuck is said: %v", !stuck)
	}
}

// checkCards checks that whoever has come to be an approver is told of the question.
func (x *explorer) checkCards(was, w *world, s Step) {
	told := slices.ContainsFunc(s.Effects, func(e Effect) bool { return e.Do == DoCards })
	news := false
	for _, m := range w.req.Approvers {
		news = news || !slices.ContainsFunc(was.req.Approvers, m.equal)
	}
	if told != news {
		x.failf("new approvers: %v, told of the question: %v", news, told)
	}
}

// entitled checks that a call has the right people behind it at this moment.
func (x *explorer) entitled(w *world, i int) {
	l := memberships[w.members]
	if l.Role(w.req.By.Account) < Operator {
		x.failf("item %d is called for somebody who may not ask for it any more", i)
	}
	if w.now.After(w.decided.Add(testRules.ApprovalTTL)) {
		x.failf("item %d is called on a decision of long ago", i)
	}
	if x.need == 0 {
		if !w.confirmed {
			x.failf("item %d is called and the requester has not confirmed it", i)
		}
		return
	}
	persons := map[string]bool{}
	for n, a := range accounts {
		m, ok := l.Of(a)
		if w.approved&(1<<n) != 0 && mayApprove(m, ok) {
			persons[m.Person] = true
		}
	}
	if len(persons) < x.need {
		x.failf("item %d is called with %d approvals of %d", i, len(persons), x.need)
	}
}

// report notes what was told, and checks that it is told as what it is.
func (x *explorer) report(was, w *world, e Effect) {
	if len(e.Items) == 0 {
		return // the question's end: checkTold counts these
	}
	late := was.req.State == Done
	if !late && (was.req.State != Running || w.req.State != Done || len(e.Items) != len(w.req.Items)) {
		x.failf("a first report that does not end the request: %v", e.Items)
	}
	for _, i := range e.Items {
		h, it := &w.items[i], w.req.Items[i]
		switch {
		case !it.Ended():
			x.failf("item %d is reported and has not ended", i)
		case h.told == it.State:
			x.failf("item %d is reported a second time", i)
		case late != (h.told != ""):
			x.failf("item %d: told %q before, reported after the end: %v", i, h.told, late)
		case e.Correction != (h.told == Not):
			x.failf("item %d: told %q, is %q, as a correction: %v", i, h.told, it.State, e.Correction)
		}
		h.told = it.State
	}
}

// leadsTo is every step that an item may take.
var leadsTo = map[ItemState][]ItemState{
	Waiting:  {Checking, Dropped},
	Checking: {Started, Not},
	Started:  {Applied, Not, Looking},
	Looking:  {Applied, Not, Unknown},
	Unknown:  {Applied, Not},
	Not:      {Applied},
}

// checkNothing checks a step from which nothing follows, but for a refusal in the
// audit trail.
func (x *explorer) checkNothing(w *world, ev Event, s Step) {
	refusal := len(s.Entries) == 1 && s.Entries[0].Event == EventRefused && s.Changed
	same := len(s.Effects) == 0 && (refusal || len(s.Entries) == 0 && !s.Changed) && w.req.State == s.Request.State &&
		w.req.Version == s.Request.Version && slices.Equal(w.req.Votes, s.Request.Votes) &&
		slices.EqualFunc(w.req.Approvers, s.Request.Approvers, Member.equal)
	for i, it := range w.req.Items {
		now := s.Request.Items[i]
		same = same && it.State == now.State && it.Source == now.Source && it.Recheck == now.Recheck && it.WatchUntil == now.WatchUntil
	}
	if !same {
		x.failf("a change that is not said to be one")
	}
	if _, ok := ev.(Press); ok && s.Answer.Kind == "" {
		x.failf("a click without an answer")
	}
}

func (x *explorer) checkStep(was, w *world, ev Event, s Step) {
	if x.fault != nil {
		return
	}
	synced := slices.ContainsFunc(s.Effects, func(e Effect) bool { return e.Do == DoSync })
	if _, ok := ev.(MembersChanged); ok {
		x.checkPeople(w)
		x.checkCards(was, w, s)
	}
	if !s.Changed {
		x.checkNothing(was, ev, s)
		return
	}
	if w.req.Version != was.req.Version+count(synced) {
		x.failf("the version is %d after %d", w.req.Version, was.req.Version)
	}
	if !synced && (was.req.State != w.req.State || !slices.Equal(was.req.Votes, w.req.Votes) ||
		!slices.EqualFunc(was.req.Approvers, w.req.Approvers, Member.equal)) {
		x.failf("the messages are not brought up to date")
	}
	if _, ok := ev.(Press); ok && s.Answer.Kind == "" {
		x.failf("a click without an answer")
	}
	for i := range w.req.Items {
		before, after := was.req.Items[i], w.req.Items[i]
		if before.State != after.State {
			x.checkMove(was, w, i, ev, s, synced)
		}
		if before.Recheck && !after.Recheck && !synced {
			x.failf("item %d: whoever asked to look again is shown nothing", i)
		}
		if before.Source != after.Source && before.State == after.State {
			x.failf("item %d: another source for the same end", i)
		}
		calls := 0
		for _, e := range s.Effects {
			calls += count(e.Do == DoCall && e.Item == i)
		}
		if calls != count(before.State == Checking && after.State == Started) {
			x.failf("item %d: %d calls from %s to %s", i, calls, before.State, after.State)
		}
	}
	for _, e := range s.Entries {
		x.write(w, e)
	}
	x.checkEntries(was, w, s)
}

// checkMove checks the change of an item's state against what may be, and what is
// said against the truth.
func (x *explorer) checkMove(was, w *world, i int, ev Event, s Step, synced bool) {
	before, after, h := was.req.Items[i], w.req.Items[i], w.items[i]
	switch {
	case !slices.Contains(leadsTo[before.State], after.State):
		x.failf("item %d: from %s to %s", i, before.State, after.State)
	case before.State == Not && before.Source != FromLook:
		x.failf("item %d: what is settled is changed", i)
	case !synced && after.State != Started:
		x.failf("item %d: the messages are not brought up to date", i)
	case after.State == Started && (after.Before.Expires != x.before().Expires || after.StartedAt != w.now):
		x.failf("item %d: what was read before the call is not kept", i)
	}
	asked := slices.ContainsFunc(s.Effects, func(e Effect) bool { return e.Do == DoReask && e.Item == i })
	if asked != (after.Reason == ReasonChanged) {
		x.failf("item %d: changed: %v, asked anew: %v", i, after.Reason == ReasonChanged, asked)
	}
	if after.State == Applied || after.State == Not {
		x.checkTruth(w, i, ev, after, h)
	}
}

// checkTruth compares what is concluded with what is so. The panel's own answers
// are true. A look may find the effect and doubt whose it is; otherwise it must be
// there. A look says "not" where a reading that showed everything showed nothing,
// and not before it was waited for; what comes later is for the watch. People's word
// is theirs.
func (x *explorer) checkTruth(w *world, i int, ev Event, it Item, h hidden) {
	switch it.Source {
	case FromPanel:
		if it.State == Applied && h.effect != done || it.State == Not && h.effect != none {
			x.failf("item %d: %s by the panel, in truth %d", i, it.State, h.effect)
		}
	case FromRules:
		if it.State == Applied || h.effect != none {
			x.failf("item %d: %s and not begun, in truth %d", i, it.State, h.effect)
		}
	case FromPerson:
		if set, ok := ev.(Settled); !ok || set.By != "shell:root" && memberships[w.members].Role(set.By) < Admin {
			x.failf("item %d: settled by nobody who may", i)
		}
	case FromLook:
		look, ok := ev.(Looked)
		switch ev.(type) {
		case Held, Released: // the later call's readings; whose the effect is they don't tell
			ok = it.State == Applied && it.Doubt && (h.effect == done || h.others)
		}
		switch {
		case !ok || look.Failed:
			x.failf("item %d: concluded from no look", i)
		case it.State == Applied && !it.Doubt && !x.holds(h):
			x.failf("item %d: applied is said, and it is not so", i)
		case it.State == Not && x.holds(h):
			x.failf("item %d: not is said, and it is so", i)
		case it.State == Not && (h.inProcess || w.now.Before(it.LookUntil)):
			x.failf("item %d: not is said by waiting, or too soon", i)
		}
	default:
		x.failf("item %d: ended and nobody says how that is known", i)
	}
}

// write takes an entry of the audit trail to the item's ledger.
func (x *explorer) write(w *world, e Entry) {
	i := 0
	if x.items == 2 && e.License == "1002" {
		i = 1
	}
	led := &w.items[i].audit
	was := *led
	var may []ledger
	switch e.Event {
	case EventStarted:
		may, *led = []ledger{unwritten}, written
	case EventSucceeded:
		may, *led = []ledger{written}, closed
	case EventFailed:
		may, *led = []ledger{written, unwritten}, closed
		if was == unwritten {
			*led = unbegun
		}
	case EventUncertain:
		may, *led = []ledger{written}, open
	case EventSettled:
		may, *led = []ledger{open, settled}, settled
	default:
		return
	}
	if !slices.Contains(may, was) {
		x.failf("item %d: the audit trail has %q after %d", i, e.Event, was)
	}
}

// checkTold says that the end of a question is told once, and only where others brought
// it about for a requester who waits.
func (x *explorer) checkTold(was, w *world, s Step) {
	told := 0
	for _, e := range s.Effects {
		if e.Do == DoReport && len(e.Items) == 0 {
			told++
		}
	}
	want := 0
	if was.req.State == Proposed {
		by := w.req.Decided.Account
		m, _ := x.known(w).Members.Of(by)
		switch w.req.State {
		case Denied:
			want = 1
		case Expired:
			want = min(x.need, 1)
		case Cancelled:
			if by != Bot && !w.req.IsOwn(m) {
				want = 1
			}
		case Proposed, Running, Done:
		}
	}
	if told != want {
		x.failf("that the question is %s was told %d times, not %d", w.req.State, told, want)
	}
}

// checkEntries compares what the audit trail says of the step with what it did.
func (x *explorer) checkEntries(was, w *world, s Step) {
	wrote := func(ev AuditEvent) bool {
		return slices.ContainsFunc(s.Entries, func(e Entry) bool { return e.Event == ev })
	}
	left := func(to State) bool { return was.req.State != to && w.req.State == to }
	stopped := left(Cancelled) && w.req.Decided.Account == Bot
	agree := func(ev AuditEvent, so bool) {
		if wrote(ev) != so {
			x.failf("the audit trail says %q: %v", ev, !so)
		}
	}
	agree(EventConfirmed, left(Running) && x.need == 0)
	agree(EventDenied, left(Denied))
	agree(EventExpired, left(Expired))
	agree(EventCancelled, left(Cancelled) && !stopped)
	if left(Running) && x.need > 0 && !wrote(EventApproved) || stopped && !wrote(EventRefused) {
		x.failf("the audit trail does not say what led to %s", w.req.State)
	}
	if wrote(EventRefused) && (was.req.State != w.req.State) != stopped {
		x.failf("what was refused changed the request to %s", w.req.State)
	}
}

// inspect checks what must be so in every state.
func (x *explorer) inspect(w *world) {
	var held []string
	for i := range w.req.Items {
		it, h := w.req.Items[i], w.items[i]
		x.inspectItem(w, i)
		switch it.State {
		case Waiting, Checking, Started, Looking, Unknown:
			p := x.params
			key := fmt.Sprintf(`order/%d/%s/"%s"/%s`, p.Product, p.Address, p.Name, p.For)
			if x.action != Order {
				key = string(x.action) + "/" + string(it.Code)
			}
			held = append(held, key)
		case Applied, Not, Dropped:
		}
		if w.req.State == Done && h.told != it.State {
			x.failf("item %d is %q, and %q was told", i, it.State, h.told)
		}
		if (w.req.State == Running || w.req.State == Done) == (it.State == Waiting || it.State == Dropped) {
			x.failf("item %d is %s in a request that is %s", i, it.State, w.req.State)
		}
	}
	x.reported = append(x.reported, w.req.State != Proposed && w.req.State != Running)
	x.final = append(x.final, !w.req.Open())
	if got := x.guards(w.req); !slices.Equal(got, held) {
		x.failf("guards %s are held, not %s", strings.Join(got, " "), strings.Join(held, " "))
	}
	if w.req.State == Running && !slices.ContainsFunc(w.req.Items, func(i Item) bool { return !i.Ended() }) {
		x.failf("all has ended and the request runs on")
	}
}

// inspectItem checks that somebody is at work on what is not ended, and that the
// audit trail tells what is so.
func (x *explorer) inspectItem(w *world, i int) {
	it, h := w.req.Items[i], w.items[i]
	watched := (it.State == Unknown || it.State == Not && it.Source == FromLook) && w.now.Before(it.WatchUntil)
	switch {
	case it.State == Checking && !h.check:
		x.failf("item %d is to be checked and nothing does it", i)
	case it.State == Started && !h.call && h.answer == 0:
		x.failf("item %d was started and nothing is under way", i)
	case (it.State == Looking || watched) && !h.look:
		x.failf("item %d is to be looked for and nothing does it", i)
	case it.Recheck && !h.forced:
		x.failf("item %d was asked about and nothing looks", i)
	case watched != w.req.Watched(w.now) && x.items == 1:
		x.failf("item %d: watched %v", i, watched)
	}
	want := unwritten
	switch it.State {
	case Started:
		want = written
	case Looking, Unknown:
		want = open
	case Applied, Not:
		want = closed
		switch {
		case it.Source == FromLook || it.Source == FromPerson:
			want = settled
		case !h.given:
			want = unbegun
		}
	case Waiting, Checking, Dropped:
	}
	if h.audit != want {
		x.failf("item %d is %s and the audit trail says %d", i, it.State, h.audit)
	}
}

// ends checks that from every state there is a way to a report where the world
// works, and to a final end with an admin's word.
func (x *explorer) ends() {
	x.label = "(ways on)"
	for goal, ways := range map[string][]edge{
		"a report":    x.ways[alone],
		"a final end": append(slices.Clone(x.ways[alone]), x.ways[byWord]...),
	} {
		leads := slices.Clone(x.reported)
		if goal != "a report" {
			leads = slices.Clone(x.final)
		}
		slices.SortFunc(ways, func(a, b edge) int { return int(b.from - a.from) })
		for changed := true; changed; {
			changed = false
			for _, e := range ways {
				if leads[e.to] && !leads[e.from] {
					leads[e.from], changed = true, true
				}
			}
		}
		if stuck := slices.Index(leads, false); stuck >= 0 {
			x.at = int32(stuck)
			x.failf("no way leads to %s", goal)
		}
	}
}
