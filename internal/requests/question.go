package requests

import (
	"fmt"
	"slices"
	"strings"
)

// AskedBy says whether the member is the person whose account asked: they alone can
// confirm it.
func (r Request) AskedBy(m Member) bool { return slices.Contains(m.Accounts, r.By.Account) }

// IsOwn says whether the request counts as the member's own: they can cancel it, and
// can't approve it.
func (r Request) IsOwn(m Member) bool { return isOwn(r.By, m) }

// isOwn says whether what was asked by somebody counts as the member's own: by the
// member's accounts, or by the name under which it was asked.
func isOwn(by Who, m Member) bool {
	return slices.Contains(m.Accounts, by.Account) || strings.EqualFold(m.Person, by.Person)
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
	case !s.Request.AskedBy(m):
		s.refuse(who, Answer{Kind: NotYours}, "pressed confirm on somebody else's request")
	case m.Role < Operator:
		s.refuse(who, Answer{Kind: NotAllowed, Need: Operator}, "pressed confirm as "+m.Role.String())
	default:
		s.log(EventConfirmed, who, -1, "")
		s.run(who)
	}
}

func (s *step) cancel(who Who, m Member) {
	if !s.Request.IsOwn(m) && m.Role < Admin {
		s.refuse(who, Answer{Kind: NotYours}, "pressed cancel on somebody else's request")
		return
	}
	s.end(Cancelled, who)
	if !s.Request.IsOwn(m) {
		s.tell()
	}
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
	case s.Request.IsOwn(m):
		s.refuse(who, Answer{Kind: OwnRequest}, "pressed approve or deny on a request of their own")
		return
	}
	if !approve {
		s.end(Denied, who)
		s.tell()
		s.log(EventDenied, who, -1, "")
		s.answer(Accepted)
		return
	}
	if slices.ContainsFunc(r.Votes, func(v Vote) bool { return s.voter(v) == m.Person }) {
		s.answer(AlreadyVoted)
		return
	}
	r.Votes = append(r.Votes, Vote{Who: who, At: s.k.Now})
	s.recount()
	s.log(EventApproved, who, -1, fmt.Sprintf("%d of %d", len(r.Votes), r.Need))
	s.answer(Accepted)
	if len(r.Votes) >= r.Need {
		s.run(who)
		return
	}
	s.do(Effect{Do: DoSync})
}

// recount keeps the votes that count by the allowlist of now, one for each person,
// and notes whose approval can still be had. A vote that does not count goes: what is
// shown is true, and who gave it can give it again when they may.
func (s *step) recount() {
	r := &s.Request
	voted := map[string]bool{}
	r.Votes = slices.DeleteFunc(r.Votes, func(v Vote) bool {
		p := s.voter(v)
		void := p == "" || voted[p]
		voted[p] = true
		return void
	})
	r.Approvers = slices.DeleteFunc(Approvers(r.By, s.k.Members), func(m Member) bool { return voted[m.Person] })
}

// membersChanged brings an open question to the allowlist of now. One whose deadline
// has passed is left to that.
func (s *step) membersChanged() {
	r := &s.Request
	if r.State != Proposed || r.Need == 0 || !s.k.Now.Before(r.Deadline) {
		return
	}
	votes, approvers := len(r.Votes), r.Approvers
	s.recount()
	if slices.ContainsFunc(r.Approvers, func(m Member) bool { return !slices.ContainsFunc(approvers, m.equal) }) {
		s.do(Effect{Do: DoCards})
	}
	if len(r.Votes) != votes || !slices.EqualFunc(r.Approvers, approvers, Member.equal) {
		s.do(Effect{Do: DoSync})
	}
}

// voter is the person whose vote it is now, "" where it does not count any more.
func (s *step) voter(v Vote) string {
	m, ok := s.k.Members.Of(v.Account)
	if !ok || m.Role < Approver || s.Request.IsOwn(m) {
		return ""
	}
	return m.Person
}

// validVotes counts the persons who approved and still may.
func (s *step) validVotes() int {
	persons := map[string]bool{}
	for _, v := range s.Request.Votes {
		if p := s.voter(v); p != "" {
			persons[p] = true
		}
	}
	return len(persons)
}

// run begins what was decided: every item is read again first.
func (s *step) run(who Who) {
	s.Request.State = Running
	s.Request.Decided, s.Request.Approvers = Vote{Who: who, At: s.k.Now}, nil
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
	s.Request.Decided, s.Request.Approvers = Vote{Who: who, At: s.k.Now}, nil
	for i := range s.Request.Items {
		s.item(i).State = Dropped
	}
	s.do(Effect{Do: DoSync})
}

// tell has the end of a question be said in a message of its own, to the requester who
// waits for what others do: nobody is called by the question's becoming another.
func (s *step) tell() { s.do(Effect{Do: DoReport}) }

func (s *step) lapse() {
	if s.Request.State == Proposed && !s.k.Now.Before(s.Request.Deadline) {
		s.end(Expired, bot)
		if s.Request.Need > 0 {
			s.tell()
		}
		s.log(EventExpired, bot, -1, "")
	}
}

func (s *step) unaskable(ev Unaskable) {
	if s.Request.State == Proposed {
		s.end(Cancelled, bot)
		s.log(EventRefused, s.Request.By, -1, "the question could not be posted: "+ev.Why)
	}
}
