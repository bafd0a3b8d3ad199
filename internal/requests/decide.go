package requests

import (
	"fmt"
	"slices"
	"time"

	"github.com/isplicense/license-bot/internal/license"
)

// step collects what follows from one event.
type step struct {
	Step
	k Known
}

// Decide gives what follows from an event. The request that it is given is not
// modified.
func Decide(r Request, ev Event, k Known) Step {
	r.Items = slices.Clone(r.Items)
	r.Votes = slices.Clone(r.Votes)
	s := &step{Step: Step{Request: r}, k: k}
	switch ev := ev.(type) {
	case Press:
		s.press(ev)
	case Settled:
		s.settle(ev)
	case Lapsed:
		s.lapse()
	case Unaskable:
		s.unaskable(ev)
	case Checked:
		s.checked(ev)
	case Answered:
		s.answered(ev)
	case Killed:
		if s.in(ev.Item, Started) {
			s.uncertain(ev.Item, UnknownAnswer{Reason: ReasonKilled})
		}
	case Looked:
		s.looked(ev)
	case Superseded:
		if s.in(ev.Item, Not) && !s.item(ev.Item).WatchUntil.IsZero() {
			s.item(ev.Item).WatchUntil = time.Time{}
			s.Changed = true
		}
	}
	s.Effects = merge(s.Effects)
	if slices.ContainsFunc(s.Effects, func(e Effect) bool { return e.Do == DoSync }) {
		s.Request.Version++
	}
	return s.Step
}

// merge leaves one sync, and one report of a kind, of a step that ended several
// items.
func merge(all []Effect) []Effect {
	var out []Effect
	for _, e := range all {
		n := slices.IndexFunc(out, func(o Effect) bool {
			return o.Do == e.Do && (e.Do == DoSync || e.Do == DoReport && o.Correction == e.Correction && o.Rechecked == e.Rechecked)
		})
		switch {
		case n < 0:
			out = append(out, e)
		case e.Do == DoReport:
			out[n].Items = append(out[n].Items, e.Items...)
		}
	}
	return out
}

func (s *step) item(i int) *Item { return &s.Request.Items[i] }

// in says whether the item exists and is in the state: an event that comes twice,
// or late, finds it elsewhere and changes nothing.
func (s *step) in(i int, states ...ItemState) bool {
	return i >= 0 && i < len(s.Request.Items) && slices.Contains(states, s.Request.Items[i].State)
}

func (s *step) do(e Effect) {
	s.Effects = append(s.Effects, e)
	s.Changed = true
}

func (s *step) answer(kind AnswerKind) { s.Answer = Answer{Kind: kind} }

func (s *step) log(ev AuditEvent, by Who, item int, detail string) {
	e := Entry{
		Event: ev, Request: s.Request.ID, Actor: by.Account, Person: by.Person,
		Action: string(s.Request.Action), License: s.Request.Codes(), Detail: detail,
	}
	if item >= 0 {
		e.License = string(s.item(item).Code)
	}
	s.Entries = append(s.Entries, e)
	s.Changed = true
}

var bot = Who{Account: Bot, Person: string(Bot)}

// isRequester says whether the member is who asked, from whichever account, by the
// allowlist of now or of when it was asked.
func (s *step) isRequester(a Account, m Member) bool {
	r := s.Request
	if a == r.By.Account || m.Person == r.By.Person {
		return true
	}
	asker, ok := s.k.Members.Of(r.By.Account)
	return ok && asker.Person == m.Person
}

func (s *step) press(ev Press) {
	m, ok := s.k.Members.Of(ev.By)
	if !ok {
		s.answer(NotMember)
		s.log(EventRefused, Who{Account: ev.By}, -1, "pressed "+ev.Button+": not on the allowlist")
		return
	}
	who := Who{Account: ev.By, Person: m.Person}
	if ev.Button == ButtonRecheck {
		s.recheck()
		return
	}
	if s.Request.State == Proposed && !s.k.Now.Before(s.Request.Deadline) {
		s.lapse()
	}
	if s.Request.State != Proposed {
		s.answer(AlreadyDecided)
		return
	}
	switch ev.Button {
	case ButtonConfirm:
		s.confirm(who, m)
	case ButtonCancel:
		s.cancel(who, m)
	case ButtonApprove, ButtonDeny:
		s.vote(who, m, ev.Button == ButtonApprove)
	default:
		s.answer(WrongButton)
	}
}

func (s *step) refuse(who Who, answer Answer, detail string) {
	s.Answer = answer
	s.log(EventRefused, who, -1, detail)
}

func (s *step) confirm(who Who, m Member) {
	switch {
	case s.Request.Need > 0:
		s.refuse(who, Answer{Kind: WrongButton}, "pressed confirm on a request that others approve")
	case !s.isRequester(who.Account, m):
		s.refuse(who, Answer{Kind: NotYours}, "pressed confirm on somebody else's request")
	case m.Role < Operator:
		s.refuse(who, Answer{Kind: NotAllowed, Need: Operator}, "pressed confirm as "+m.Role.String())
	default:
		s.log(EventConfirmed, who, -1, "")
		s.run(who)
	}
}

func (s *step) cancel(who Who, m Member) {
	if !s.isRequester(who.Account, m) && m.Role < Admin {
		s.refuse(who, Answer{Kind: NotYours}, "pressed cancel on somebody else's request")
		return
	}
	s.end(Cancelled, who)
	s.log(EventCancelled, who, -1, "")
	s.answer(Accepted)
}

func (s *step) vote(who Who, m Member, approve bool) {
	r := &s.Request
	switch {
	case r.Need == 0:
		s.refuse(who, Answer{Kind: WrongButton}, "pressed approve or deny on a request that its requester confirms")
		return
	case m.Role < Approver:
		s.refuse(who, Answer{Kind: NotAllowed, Need: Approver}, "pressed approve or deny as "+m.Role.String())
		return
	case s.isRequester(who.Account, m):
		s.refuse(who, Answer{Kind: OwnRequest}, "pressed approve or deny on a request of their own")
		return
	}
	if !approve {
		s.end(Denied, who)
		s.log(EventDenied, who, -1, "")
		s.answer(Accepted)
		return
	}
	for _, v := range r.Votes {
		if v.Account == who.Account || v.Person == m.Person {
			s.answer(AlreadyVoted)
			return
		}
	}
	r.Votes = append(r.Votes, Vote{Who: who, At: s.k.Now})
	s.log(EventApproved, who, -1, fmt.Sprintf("%d of %d", s.validVotes(), r.Need))
	s.answer(Accepted)
	if s.validVotes() >= r.Need {
		s.run(who)
		return
	}
	s.do(Effect{Do: DoSync})
}

// validVotes counts the persons who approved and still may.
func (s *step) validVotes() int {
	persons := map[string]bool{}
	for _, v := range s.Request.Votes {
		m, ok := s.k.Members.Of(v.Account)
		if ok && m.Role >= Approver && !s.isRequester(v.Account, m) {
			persons[m.Person] = true
		}
	}
	return len(persons)
}

// run begins what was decided: every item is read again first.
func (s *step) run(who Who) {
	s.Request.State = Running
	s.Request.Decided = Vote{Who: who, At: s.k.Now}
	s.answer(Accepted)
	s.do(Effect{Do: DoSync})
	for i := range s.Request.Items {
		s.item(i).State = Checking
		s.item(i).Said = "" // what a preview said belongs to the question
		s.do(Effect{Do: DoCheck, Item: i})
	}
}

// end closes a request of which nothing was begun.
func (s *step) end(to State, who Who) {
	s.Request.State = to
	s.Request.Decided = Vote{Who: who, At: s.k.Now}
	for i := range s.Request.Items {
		s.item(i).State = Dropped
	}
	s.do(Effect{Do: DoSync})
}

func (s *step) lapse() {
	if s.Request.State == Proposed && !s.k.Now.Before(s.Request.Deadline) {
		s.end(Expired, bot)
		s.log(EventExpired, bot, -1, "")
	}
}

func (s *step) unaskable(ev Unaskable) {
	if s.Request.State == Proposed {
		s.end(Cancelled, bot)
		s.log(EventRefused, s.Request.By, -1, "the question could not be posted: "+ev.Why)
	}
}

func (s *step) checked(ev Checked) {
	if !s.in(ev.Item, Checking) {
		return
	}
	it := s.item(ev.Item)
	if ev.Failed != "" {
		s.checkFailed(ev)
		return
	}
	m, ok := s.k.Members.Of(s.Request.By.Account)
	changes := Differences(s.Request.Action, it.Facts, ev.Facts)
	switch {
	case !ok || m.Role < Operator:
		s.notBegun(ev.Item, ReasonRoleLost, "")
	case s.validVotes() < s.Request.Need:
		s.notBegun(ev.Item, ReasonVotesLost, "")
	case s.k.Now.Sub(s.Request.Decided.At) > max(s.k.Rules.ConfirmTTL, s.k.Rules.ApprovalTTL):
		s.notBegun(ev.Item, ReasonStale, "")
	case ev.Gone:
		s.notBegun(ev.Item, ReasonGone, "")
	case len(changes) > 0:
		it.Changes = changes
		s.do(Effect{Do: DoReask, Item: ev.Item})
		s.notBegun(ev.Item, ReasonChanged, describeChanges(changes))
	default:
		it.State = Started
		it.StartedAt = s.k.Now
		it.Before = ev.Before
		s.log(EventStarted, bot, ev.Item, s.Request.describe(ev.Item))
		s.do(Effect{Do: DoSupersede, Item: ev.Item})
		s.do(Effect{Do: DoCall, Item: ev.Item})
	}
}

// A reading that failed is tried again: for as long as an uncertain call would be
// looked for, and three times at least. Refusals of the login are final: more
// attempts would only lock the account.
func (s *step) checkFailed(ev Checked) {
	it := s.item(ev.Item)
	it.Tries++
	it.Said = ev.Said
	switch ev.Failed {
	case ReasonAuth, ReasonTwoFactor, ReasonForbidden:
		s.notBegun(ev.Item, ev.Failed, "")
		return
	}
	if it.Tries >= minReads && !s.k.Now.Before(s.Request.Decided.At.Add(s.k.Rules.Settle)) {
		s.notBegun(ev.Item, ReasonUnreadable, string(ev.Failed))
		return
	}
	s.do(Effect{Do: DoCheck, Item: ev.Item, After: pace(it.Tries, s.k.Rules.Settle)})
}

func (s *step) notBegun(i int, why Reason, detail string) {
	it := s.item(i)
	it.State, it.Source, it.Reason = Not, FromRules, why
	if detail != "" {
		detail = ": " + detail
	}
	s.log(EventFailed, bot, i, "not begun: "+string(why)+detail)
	s.ended(i)
}

func (s *step) answered(ev Answered) {
	if !s.in(ev.Item, Started) {
		return
	}
	it := s.item(ev.Item)
	switch {
	case ev.Applied != nil:
		it.State, it.Source, it.Said = Applied, FromPanel, ev.Applied.Said
		it.Expires = ev.Applied.Expires
		if it.Code == "" {
			it.Code = ev.Applied.Code
		}
		s.log(EventSucceeded, bot, ev.Item, describeExpiry(it.Expires))
		s.ended(ev.Item)
	case ev.Refused != nil:
		it.State, it.Source, it.Said = Not, FromPanel, ev.Refused.Said
		it.Reason = ev.Refused.Reason
		if it.Reason == ReasonNotSent {
			it.Source = FromRules
		}
		s.log(EventFailed, bot, ev.Item, join(string(it.Reason), ev.Refused.Detail))
		s.ended(ev.Item)
	case ev.Unknown != nil:
		s.uncertain(ev.Item, *ev.Unknown)
	default:
		s.uncertain(ev.Item, UnknownAnswer{Reason: ReasonGarbled})
	}
}

func (s *step) uncertain(i int, a UnknownAnswer) {
	it := s.item(i)
	it.State, it.Reason, it.Said = Looking, a.Reason, a.Said
	if it.Code == "" {
		it.Code = a.Code
	}
	it.LookUntil = s.k.Now.Add(s.k.Rules.Settle)
	it.WatchUntil = it.LookUntil.Add(s.k.Rules.Watch)
	s.log(EventUncertain, bot, i, string(a.Reason))
	s.do(Effect{Do: DoSync})
	s.do(Effect{Do: DoLook, Item: i})
}

// ended brings the request to its end once all its items have come to theirs.
func (s *step) ended(i int) {
	it := s.item(i)
	all := make([]int, 0, len(s.Request.Items))
	for n, other := range s.Request.Items {
		if !other.Ended() {
			s.do(Effect{Do: DoSync})
			return
		}
		all = append(all, n)
	}
	first := s.Request.State != Done
	s.Request.State = Done
	s.do(Effect{Do: DoSync})
	if first {
		s.do(Effect{Do: DoReport, Items: all})
		return
	}
	s.do(Effect{Do: DoReport, Items: []int{i}, Correction: it.State != Unknown})
}

func (s *step) looked(ev Looked) {
	if !s.in(ev.Item, Looking, Unknown, Not) {
		return
	}
	it := s.item(ev.Item)
	if it.State == Not && (it.Source != FromLook || it.WatchUntil.IsZero()) {
		return
	}
	it.Looks++
	s.Changed = true
	finding := Finding{Verdict: CannotTell}
	if !ev.Failed {
		finding = Judge(s.Request, *it, ev.Seen)
	}
	over := !s.k.Now.Before(it.LookUntil)
	switch {
	case finding.Verdict == FoundApplied && (over || !finding.Unpaid):
		s.found(ev.Item, finding)
		return
	case finding.Verdict == FoundUnchanged && over && it.Reason != ReasonInProcess && it.State != Not:
		it.State, it.Source, it.Doubt, it.Expires = Not, FromLook, finding.Doubt, finding.Expires
		detail := "not applied: the panel shows no effect"
		if finding.Doubt {
			detail = "not applied: the panel shows somebody else's renewal alone"
		}
		s.log(EventSettled, bot, ev.Item, detail)
		s.ended(ev.Item)
	case it.State == Looking && over && (finding.Verdict != CannotTell || !ev.Failed || it.Looks >= minReads):
		it.State = Unknown
		s.ended(ev.Item)
	case ev.Forced:
		s.do(Effect{Do: DoReport, Items: []int{ev.Item}, Rechecked: true})
	}
	if !ev.Forced {
		s.lookAgain(ev.Item)
	}
}

func (s *step) found(i int, f Finding) {
	it := s.item(i)
	correct := it.State == Not
	it.State, it.Source, it.Doubt = Applied, FromLook, f.Doubt
	it.Expires = f.Expires
	if it.Code == "" {
		it.Code = f.Code
	}
	if it.Reason == ReasonUnpaid && !f.Unpaid {
		it.Reason = ""
	}
	it.WatchUntil = time.Time{}
	detail := "applied: the panel shows it"
	if f.Doubt {
		detail += ", though somebody else may have done it"
	}
	if correct {
		detail += ", later than was waited for"
	}
	s.log(EventSettled, bot, i, join(detail, describeExpiry(f.Expires)))
	s.ended(i)
}

// lookAgain plans the next reading, closer together until "not" may be said and
// ever further apart while late effects are watched for.
func (s *step) lookAgain(i int) {
	it := s.item(i)
	switch {
	case it.State == Looking:
		wait := pace(it.Looks, s.k.Rules.Settle)
		if left := it.LookUntil.Sub(s.k.Now); left > 0 {
			wait = min(wait, left)
		}
		s.do(Effect{Do: DoLook, Item: i, After: wait})
	case s.k.Now.Before(it.WatchUntil):
		since := s.k.Now.Sub(it.LookUntil)
		s.do(Effect{Do: DoLook, Item: i, After: min(max(since, s.k.Rules.Settle, time.Second), time.Hour)})
	}
}

func (s *step) recheck() {
	any := false
	for i, it := range s.Request.Items {
		if it.State == Unknown {
			any = true
			s.do(Effect{Do: DoLook, Item: i, Rechecked: true})
		}
	}
	if !any {
		s.answer(NothingUncertain)
		return
	}
	s.answer(Rechecking)
}

func (s *step) settle(ev Settled) {
	m, ok := s.k.Members.Of(ev.By)
	who := Who{Account: ev.By, Person: m.Person}
	if ev.By.Transport() != "shell" && (!ok || m.Role < Admin) {
		s.refuse(who, Answer{Kind: NotAllowed, Need: Admin}, "settle as "+m.Role.String())
		return
	}
	any := false
	for i := range s.Request.Items {
		it := s.item(i)
		late := it.State == Not && it.Source == FromLook && ev.Applied
		if it.State != Looking && it.State != Unknown && !late {
			continue
		}
		any = true
		it.State, it.Source, it.SettledBy = Not, FromPerson, who.Account
		detail := "not applied"
		if ev.Applied {
			it.State, detail = Applied, "applied"
		}
		it.WatchUntil = time.Time{}
		s.log(EventSettled, who, i, detail)
		s.ended(i)
	}
	if !any {
		s.answer(NothingUncertain)
		return
	}
	s.answer(Accepted)
}

// minReads is how often a reading is tried before its failure is concluded from.
const minReads = 3

// pace is the wait before the n-th further reading: a thirtieth of the time that
// there is, growing by half, at most a quarter of it.
func pace(n int, settle time.Duration) time.Duration {
	wait := max(settle/30, 50*time.Millisecond)
	for range n {
		wait = min(wait+wait/2, max(settle/4, 50*time.Millisecond))
	}
	return wait
}

// Codes is the licences of the request, joined by commas; empty for an order that
// has no code yet.
func (r Request) Codes() string {
	s := ""
	for i, it := range r.Items {
		if i > 0 {
			s += ","
		}
		s += string(it.Code)
	}
	return s
}

func describeExpiry(d license.Date) string {
	if d == "" {
		return ""
	}
	return "expires " + string(d)
}
