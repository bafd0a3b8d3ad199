package requests

import (
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
	case MembersChanged:
		s.membersChanged()
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
	case Held:
		s.held(ev)
	case Released:
		s.released(ev)
	case Superseded:
		if s.watched(ev.Item) {
			s.item(ev.Item).WatchUntil, s.item(ev.Item).Held = time.Time{}, false
			s.Changed = true
		}
	}
	if slices.ContainsFunc(s.Effects, func(e Effect) bool { return e.Do == DoSync }) {
		s.Request.Version++
	}
	return s.Step
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
