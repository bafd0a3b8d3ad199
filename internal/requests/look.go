package requests

import "time"

func (s *step) looked(ev Looked) {
	if !s.in(ev.Item, Looking, Unknown, Not) {
		return
	}
	it := s.item(ev.Item)
	switch {
	case it.State == Not && !s.watched(ev.Item):
		return
	case it.Held:
		if !ev.Forced {
			s.lookAgain(ev.Item)
		}
		return
	}
	it.Looks++
	s.Changed = true
	finding := Finding{Verdict: CannotTell}
	if ev.Failed {
		it.Tries++
	} else {
		it.Tries = 0
		finding = Judge(s.Request, *it, ev.Seen)
	}
	over := !s.k.Now.Before(it.LookUntil)
	switch {
	case finding.Verdict == FoundApplied && (over || !finding.Unpaid):
		s.found(ev.Item, finding)
		return
	case finding.Verdict == FoundUnchanged && over && !it.Reason.taken() && it.State != Not:
		it.State, it.Source = Not, FromLook
		s.log(EventSettled, bot, ev.Item, "not applied: the panel shows no effect")
		s.ended(false, ev.Item)
	case it.State == Looking && over && (!ev.Failed || it.Tries >= minReads):
		it.State = Unknown
		s.ended(false, ev.Item)
	case ev.Forced && it.Recheck:
		// Nothing new: the question says so, and the thread has said it already.
		it.Recheck, it.Rechecked = false, s.k.Now
		s.do(Effect{Do: DoSync})
	}
	if !ev.Forced {
		s.lookAgain(ev.Item)
	}
}

// watched says whether a late effect of the item is looked for though "not" was said.
func (s *step) watched(i int) bool {
	return s.in(i, Not) && s.item(i).Source == FromLook && !s.item(i).WatchUntil.IsZero()
}

// held has the watch wait while a later call for the same is under way. A date that
// has moved before that call began is none of its doing.
func (s *step) held(ev Held) {
	if !s.watched(ev.Item) {
		return
	}
	it := s.item(ev.Item)
	if s.Request.Action == Renew && it.Before.Expires != "" && ev.Expires > it.Before.Expires {
		s.found(ev.Item, Finding{Verdict: FoundApplied, Doubt: true, Expires: ev.Expires})
		return
	}
	it.Held = true
	s.Changed = true
}

// released goes on with the watch from what the later call has left.
func (s *step) released(ev Released) {
	if !s.watched(ev.Item) || !s.item(ev.Item).Held {
		return
	}
	it := s.item(ev.Item)
	it.Held = false
	s.Changed = true
	if ev.Applied {
		it.Later++
	}
	if ev.Expires > it.Before.Expires {
		it.Before.Expires = ev.Expires
	}
	if ev.Beyond {
		s.found(ev.Item, Finding{Verdict: FoundApplied, Doubt: true, Expires: ev.Expires})
	}
}

func (s *step) found(i int, f Finding) {
	it := s.item(i)
	saidNot := it.State == Not
	it.State, it.Source, it.Doubt = Applied, FromLook, f.Doubt
	it.Expires = f.Expires
	if it.Code == "" {
		it.Code = f.Code
	}
	if it.Reason == ReasonUnpaid && !f.Unpaid {
		it.Reason = ""
	}
	it.WatchUntil, it.Held = time.Time{}, false
	detail := "applied: the panel shows it"
	if f.Unpaid {
		detail += ", left unpaid"
	}
	if f.Doubt {
		detail += ", though somebody else may have done it"
	}
	if saidNot {
		detail += ", later than was waited for"
	}
	s.log(EventSettled, bot, i, join(detail, describeExpiry(f.Expires)))
	s.ended(saidNot, i)
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
			s.item(i).Recheck = true
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
	subject := s.settleable(ev.Applied)
	if len(subject) == 0 {
		s.answer(NothingUncertain)
		return
	}
	saidNot := s.item(subject[0]).State == Not // and so of all of them
	for _, i := range subject {
		it := s.item(i)
		it.State, it.Source, it.SettledBy = Not, FromPerson, who.Account
		detail := "not applied"
		if ev.Applied {
			it.State, detail = Applied, "applied"
		}
		it.WatchUntil, it.Held = time.Time{}, false
		s.log(EventSettled, who, i, detail)
	}
	s.ended(saidNot, subject...)
	s.answer(Accepted)
}

// settleable is the items that an admin's word is about: those that are uncertain,
// or, where none is, those of which "not" was said because nothing was found.
func (s *step) settleable(applied bool) []int {
	var uncertain, notFound []int
	for i, it := range s.Request.Items {
		switch {
		case it.State == Looking || it.State == Unknown:
			uncertain = append(uncertain, i)
		case it.State == Not && it.Source == FromLook && applied:
			notFound = append(notFound, i)
		}
	}
	if len(uncertain) > 0 {
		return uncertain
	}
	return notFound
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
