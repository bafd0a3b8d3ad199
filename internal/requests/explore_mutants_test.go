package requests

import (
	"slices"
	"testing"
	"time"
)

// mutant is the rules with one of them broken, and where that must show.
type mutant struct {
	name    string
	action  Action
	need    int
	items   int // 0: one
	machine machine
}

// deciding makes a machine of another way to decide.
func deciding(decide func(Request, Event, Known) Step) machine {
	m := rulesAsTheyAre
	m.decide = decide
	return m
}

// afterwards makes a machine that meddles with what was decided.
func afterwards(meddle func(was Request, ev Event, s *Step)) machine {
	return deciding(func(r Request, ev Event, k Known) Step {
		s := Decide(r, ev, k)
		meddle(r, ev, &s)
		return s
	})
}

func without(do Do) machine {
	return afterwards(func(_ Request, _ Event, s *Step) {
		s.Effects = slices.DeleteFunc(s.Effects, func(e Effect) bool { return e.Do == do })
	})
}

// untold keeps to itself that a question came to such an end.
func untold(end State) machine {
	return afterwards(func(_ Request, _ Event, s *Step) {
		s.Effects = slices.DeleteFunc(s.Effects, func(e Effect) bool { return e.Do == DoReport && s.Request.State == end })
	})
}

// unsynced leaves the messages alone, and counts as if it knew.
func unsynced() machine {
	m := without(DoSync)
	decide := m.decide
	m.decide = func(r Request, ev Event, k Known) Step {
		s := decide(r, ev, k)
		s.Request.Version = r.Version
		return s
	}
	return m
}

func resuming(resume func(Request, time.Time) ([]Event, []Effect)) machine {
	m := rulesAsTheyAre
	m.resume = resume
	return m
}

func unguarded(state ItemState) machine {
	m := rulesAsTheyAre
	m.guards = func(r Request) []string {
		r.Items = slices.DeleteFunc(slices.Clone(r.Items), func(i Item) bool { return i.State == state })
		return r.OpenGuards()
	}
	return m
}

// all holds everybody in the highest role that they ever have.
var all = people(rita, ann, bob, dan, vic)

func rightsMutants() []mutant {
	return []mutant{
		{name: "the roles are not looked up again before the call", action: Renew, machine: deciding(func(r Request, ev Event, k Known) Step {
			if _, ok := ev.(Checked); ok {
				k.Members = all
			}
			return Decide(r, ev, k)
		})},
		{name: "the approvers are not looked up again before the call", action: Terminate, need: 1, machine: deciding(func(r Request, ev Event, k Known) Step {
			if _, ok := ev.(Checked); ok {
				k.Members = slices.DeleteFunc(slices.Clone(k.Members), func(m Member) bool { return m.Person == "Ann" })
				k.Members = append(k.Members, ann)
			}
			return Decide(r, ev, k)
		})},
		{name: "the requester's other account approves", action: Terminate, need: 1, machine: deciding(func(r Request, ev Event, k Known) Step {
			if _, ok := ev.(Press); ok {
				k.Members = slices.DeleteFunc(slices.Clone(k.Members), func(m Member) bool { return m.Person == "Rita" })
				k.Members = append(k.Members, Member{"Rita", Operator, []Account{r1}}, Member{"Rhoda", Approver, []Account{r2}})
			}
			return Decide(r, ev, k)
		})},
		{name: "anybody confirms", action: Order, machine: deciding(func(r Request, ev Event, k Known) Step {
			if p, ok := ev.(Press); ok && p.Button == ButtonConfirm {
				ev = Press{Button: p.Button, By: r.By.Account}
			}
			return Decide(r, ev, k)
		})},
		{name: "one approval is enough", action: Terminate, need: 2, machine: deciding(func(r Request, ev Event, k Known) Step {
			r.Need = min(r.Need, 1)
			return Decide(r, ev, k)
		})},
		{name: "a click after the deadline counts", action: Edit, machine: deciding(func(r Request, ev Event, k Known) Step {
			if _, ok := ev.(Press); ok {
				k.Now = r.Asked
			}
			return Decide(r, ev, k)
		})},
		{name: "anybody settles", action: Nodes, machine: deciding(func(r Request, ev Event, k Known) Step {
			if set, ok := ev.(Settled); ok {
				ev = Settled{By: "shell:root", Applied: set.Applied}
			}
			return Decide(r, ev, k)
		})},
	}
}

// reorganised makes a machine that meddles with what follows from another allowlist.
func reorganised(meddle func(was Request, s *Step)) machine {
	return afterwards(func(was Request, ev Event, s *Step) {
		if _, ok := ev.(MembersChanged); ok {
			meddle(was, s)
		}
	})
}

func peopleMutants() []mutant {
	return []mutant{
		{name: "another allowlist changes nothing", action: Terminate, need: 2, machine: deciding(func(r Request, ev Event, k Known) Step {
			if _, ok := ev.(MembersChanged); ok {
				return Step{Request: r}
			}
			return Decide(r, ev, k)
		})},
		{name: "a vote that does not count is kept", action: Terminate, need: 2, machine: reorganised(func(was Request, s *Step) {
			s.Request.Votes = was.Votes
		})},
		{name: "two votes of one person are kept", action: Terminate, need: 3, machine: deciding(func(r Request, ev Event, k Known) Step {
			s := Decide(r, ev, k)
			ann, _ := k.Members.Of(a1)
			if _, ok := ev.(MembersChanged); ok && len(r.Votes) == 2 && slices.Contains(ann.Accounts, b1) {
				s.Request.Votes = r.Votes
			}
			return s
		})},
		{name: "the same people as before are named", action: Terminate, need: 1, machine: reorganised(func(was Request, s *Step) {
			s.Request.Approvers = was.Approvers
		})},
		{name: "new approvers are not told", action: Terminate, need: 1, machine: without(DoCards)},
		{name: "another allowlist does not show", action: Terminate, need: 1, machine: reorganised(func(was Request, s *Step) {
			s.Effects = slices.DeleteFunc(s.Effects, func(e Effect) bool { return e.Do == DoSync })
			s.Request.Version = was.Version
		})},
		{name: "a start does not look at the allowlist", action: Terminate, need: 1, machine: resuming(func(r Request, now time.Time) ([]Event, []Effect) {
			events, effects := Resume(r, now)
			return slices.DeleteFunc(events, func(ev Event) bool { _, ok := ev.(MembersChanged); return ok }), effects
		})},
	}
}

func callMutants() []mutant {
	return []mutant{
		{name: "a start calls again", action: Renew, machine: resuming(func(r Request, now time.Time) ([]Event, []Effect) {
			events, effects := Resume(r, now)
			for i, it := range r.Items {
				if it.State == Started {
					return nil, append(effects, Effect{Do: DoCall, Item: i})
				}
			}
			return events, effects
		})},
		{name: "a start checks and calls again", action: Renew, machine: deciding(func(r Request, ev Event, k Known) Step {
			if killed, ok := ev.(Killed); ok && killed.Item == 0 && r.Items[killed.Item].State == Started {
				r.Items = slices.Clone(r.Items)
				r.Items[killed.Item].State = Checking
				return Step{Request: r, Changed: true, Effects: []Effect{{Do: DoCheck, Item: killed.Item}}}
			}
			return Decide(r, ev, k)
		})},
		{name: "a decision holds for ever", action: Renew, machine: deciding(func(r Request, ev Event, k Known) Step {
			if _, ok := ev.(Checked); ok {
				r.Decided.At = k.Now
			}
			return Decide(r, ev, k)
		})},
		{name: "a start forgets what had begun", action: Order, machine: resuming(func(r Request, now time.Time) ([]Event, []Effect) {
			_, effects := Resume(r, now)
			return nil, effects
		})},
		{name: "what has changed is not asked about", action: Order, machine: without(DoReask)},
		{name: "the beginning is not in the audit trail", action: Edit, machine: afterwards(func(_ Request, _ Event, s *Step) {
			s.Entries = slices.DeleteFunc(s.Entries, func(e Entry) bool { return e.Event == EventStarted })
		})},
		{name: "a request is open and holds no guard", action: Renew, machine: unguarded(Waiting)},
		{name: "a call is under way and holds no guard", action: Renew, machine: unguarded(Started)},
		{name: "what is uncertain holds no guard", action: Order, machine: unguarded(Unknown)},
	}
}

// saying has an item end as it should not.
func saying(from ItemState, to ItemState, source Source) machine {
	return afterwards(func(was Request, _ Event, s *Step) {
		for i := range s.Request.Items {
			if it := &s.Request.Items[i]; was.Items[i].State != it.State && it.State == from {
				it.State, it.Source = to, source
			}
		}
	})
}

// looking changes what a look shows before it is judged.
func looking(change func(r Request, l *Looked)) machine {
	return deciding(func(r Request, ev Event, k Known) Step {
		if l, ok := ev.(Looked); ok && l.Item == 0 {
			change(r, &l)
			ev = l
		}
		return Decide(r, ev, k)
	})
}

// rechecking has a recheck that finds nothing new lead to a report too, or to nothing.
func rechecking(e Effect) machine {
	return afterwards(func(was Request, ev Event, s *Step) {
		l, ok := ev.(Looked)
		switch vain := ok && l.Forced && was.Items[0].Recheck && s.Request.Items[0].State == Unknown; {
		case vain && e.Do == "":
			s.Effects, s.Request.Version = nil, was.Version
		case vain:
			s.Effects = append(s.Effects, e)
		}
	})
}

func truthMutants() []mutant {
	return []mutant{
		{name: "no whole answer is a no", action: Renew, machine: deciding(func(r Request, ev Event, k Known) Step {
			if a, ok := ev.(Answered); ok && a.Unknown != nil {
				ev = Answered{Item: a.Item, Refused: &RefusedAnswer{Reason: ReasonRefused}}
			}
			return Decide(r, ev, k)
		})},
		{name: "what can't be told did not happen", action: Renew, machine: saying(Unknown, Not, FromLook)},
		{name: "a failed look shows nothing", action: Nodes, machine: looking(func(r Request, l *Looked) {
			l.Failed = false
			l.Seen.Found, l.Seen.Nodes = true, r.Items[l.Item].Before.Nodes
		})},
		{name: "in process becomes not by waiting", action: Terminate, machine: deciding(func(r Request, ev Event, k Known) Step {
			if a, ok := ev.(Answered); ok && a.Unknown != nil {
				ev = Answered{Item: a.Item, Unknown: &UnknownAnswer{Reason: ReasonTimeout}}
			}
			return Decide(r, ev, k)
		})},
		{name: "not is said at once", action: Edit, machine: deciding(func(r Request, ev Event, k Known) Step {
			if l, ok := ev.(Looked); ok && l.Item == 0 && r.Items[0].State == Looking {
				k.Now = r.Items[0].LookUntil
			}
			return Decide(r, ev, k)
		})},
		{name: "somebody else's renewal is ours", action: Renew, machine: looking(func(_ Request, l *Looked) {
			l.Seen.History, l.Seen.Ours, l.Seen.Others = true, 1, 0
		})},
		{name: "there is never a doubt", action: Order, machine: afterwards(func(_ Request, _ Event, s *Step) {
			for i := range s.Request.Items {
				s.Request.Items[i].Doubt = false
			}
		})},
		{name: "nobody looks", action: Edit, machine: without(DoLook)},
		{name: "late effects are not watched for", action: Edit, machine: resuming(func(r Request, now time.Time) ([]Event, []Effect) {
			events, effects := Resume(r, now)
			return events, slices.DeleteFunc(effects, func(e Effect) bool { return r.Items[e.Item].State == Not })
		})},
		{name: "an end is not reported", action: Renew, machine: without(DoReport)},
		{name: "a denial is an edit alone", action: Terminate, need: 1, machine: untold(Denied)},
		{name: "nobody hears that no approval came", action: Terminate, need: 1, machine: untold(Expired)},
		{name: "an admin cancels in silence", action: Renew, machine: untold(Cancelled)},
		{name: "one's own cancelling is told to oneself", action: Renew, machine: afterwards(func(was Request, _ Event, s *Step) {
			if was.State == Proposed && s.Request.State == Cancelled && s.Request.Decided.Account == was.By.Account {
				s.Effects = append(s.Effects, Effect{Do: DoReport})
			}
		})},
		{name: "a recheck says the same again in the thread", action: Renew, machine: rechecking(Effect{Do: DoReport, Items: []int{0}})},
		{name: "a recheck corrects by saying the same", action: Renew, machine: rechecking(Effect{Do: DoReport, Items: []int{0}, Correction: true})},
		{name: "a recheck in vain is not shown", action: Renew, machine: rechecking(Effect{})},
		{name: "what was not known is corrected", action: Renew, machine: afterwards(func(was Request, _ Event, s *Step) {
			for n := range s.Effects {
				s.Effects[n].Correction = was.State == Done
			}
		})},
		{name: "a wrong no is not called one", action: Renew, machine: afterwards(func(_ Request, _ Event, s *Step) {
			for n := range s.Effects {
				s.Effects[n].Correction = false
			}
		})},
		{name: "the messages stay as they were", action: Terminate, need: 1, machine: unsynced()},
		{name: "of two the first is reported alone", action: Renew, items: 2, machine: afterwards(func(_ Request, _ Event, s *Step) {
			for n, e := range s.Effects {
				if e.Do == DoReport {
					s.Effects[n].Items = e.Items[:min(len(e.Items), 1)]
				}
			}
		})},
		{name: "a question has no deadline", action: Renew, machine: deciding(func(r Request, ev Event, k Known) Step {
			if _, ok := ev.(Lapsed); ok {
				return Step{Request: r}
			}
			return Decide(r, ev, k)
		})},
	}
}

// TestExploreMutants breaks the rules one by one: an exploration that does not
// notice would prove nothing.
func TestExploreMutants(t *testing.T) {
	for _, m := range slices.Concat(rightsMutants(), peopleMutants(), callMutants(), truthMutants()) {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			v := variant{name: string(m.action), action: m.action, need: m.need, items: max(m.items, 1), lean: m.items > 1}
			switch m.action {
			case Order:
				v.params = Params{Product: 546, Address: "192.0.2.1", Name: "srv", Period: 1}
			case Edit:
				v.params = Params{Name: "new"}
			case Nodes:
				v.params = Params{Count: 2}
			case Renew, Terminate:
			}
			x := explore(v, m.machine)
			if x.fault == nil {
				t.Fatalf("not noticed in %d states", len(x.ids))
			}
			t.Log(x.fault)
		})
	}
}
