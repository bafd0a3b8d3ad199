package requests

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
		it.Tries, it.Said = 0, ""
		s.log(EventStarted, bot, ev.Item, s.Request.describe(ev.Item))
		s.do(Effect{Do: DoHold, Item: ev.Item})
		s.do(Effect{Do: DoCall, Item: ev.Item})
	}
}

// checkFailed has a reading that failed tried again: for as long as an uncertain
// call would be looked for, and three times at least. Refusals of the login are
// final: more attempts would only lock the account.
func (s *step) checkFailed(ev Checked) {
	it := s.item(ev.Item)
	it.Tries++
	it.Said = ev.Said
	switch ev.Failed {
	case ReasonAuth, ReasonTwoFactor, ReasonForbidden, ReasonRefused:
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
	s.ended(false, i)
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
		s.leave(ev.Item)
		s.ended(false, ev.Item)
	case ev.Refused != nil:
		it.State, it.Source, it.Said = Not, FromPanel, ev.Refused.Said
		it.Reason = ev.Refused.Reason
		if it.Reason == ReasonNotSent {
			it.Source = FromRules
		}
		s.log(EventFailed, bot, ev.Item, join(string(it.Reason), ev.Refused.Detail))
		s.leave(ev.Item)
		s.ended(false, ev.Item)
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
	s.do(Effect{Do: DoSupersede, Item: i})
	s.do(Effect{Do: DoSync})
	s.do(Effect{Do: DoLook, Item: i})
}

// leave lets the watch of an earlier request for the same go on, where what this
// call has left can be told from what may still come of that one.
func (s *step) leave(i int) {
	it := s.item(i)
	told := it.State == Not || s.Request.Action == Order || s.Request.Action == Renew && it.Expires != ""
	if told {
		s.do(Effect{Do: DoRelease, Item: i})
		return
	}
	s.do(Effect{Do: DoSupersede, Item: i})
}

// LeftBy tells the item of an earlier request for the same what the call for r's item
// has left.
func LeftBy(r Request, item, earlier int) Released {
	it := r.Items[item]
	left := Released{Item: earlier, Applied: it.State == Applied}
	if left.Applied && r.Action == Renew {
		left.Expires = it.Expires
		left.Beyond = it.Facts.After != "" && it.Expires > it.Facts.After && !nearly(it.Expires, it.Facts.After)
	}
	return left
}

// ended brings the request to its end once all its items have come to theirs. Ends
// that come after that are told by themselves: as corrections where "not" had been
// said, and not where it was only not known.
func (s *step) ended(saidNot bool, items ...int) {
	for _, i := range items {
		s.item(i).Recheck = false
	}
	s.do(Effect{Do: DoSync})
	if s.Request.State == Done {
		s.do(Effect{Do: DoReport, Items: items, Correction: saidNot})
		return
	}
	all := make([]int, len(s.Request.Items))
	for i, it := range s.Request.Items {
		if !it.Ended() {
			return
		}
		all[i] = i
	}
	s.Request.State = Done
	s.do(Effect{Do: DoReport, Items: all})
}
