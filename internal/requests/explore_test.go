package requests

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/license"
)

// The exploration takes a request through everything that can happen to it, in
// every order, to exhaustion, and checks each step and each state. The process
// around it is as the engine is: what a step gives is recorded with it; checks,
// calls and looks are in memory, and a kill loses them and the answers that are on
// their way. What the panel truly did is hidden from the request.

// machine is the rules under exploration; the tests of the test break them.
type machine struct {
	decide func(Request, Event, Known) Step
	resume func(Request, time.Time) ([]Event, []Effect)
	guards func(Request) []string
}

var rulesAsTheyAre = machine{decide: Decide, resume: Resume, guards: Request.OpenGuards}

// explorer walks breadth-first. Of the worlds seen it keeps the way to them.
type explorer struct {
	variant
	machine
	settings    Rules
	ids         map[string]int32
	queue       []*world // by id; nil once its successors are known
	from        []int32
	by          []string
	ways        [2][]edge // that lead on by themselves, and by people's word
	reported    []bool    // by id: the request has come to an end that was told
	final       []bool    // by id: nothing can come of it any more
	transitions int
	at          int32
	label       string
	fault       error
}

type edge struct{ from, to int32 }

// pull is what makes a transition happen.
type pull int

const (
	alone  pull = iota // it will, where the world works
	byWord             // an admin's word
	chance             // it may
)

func explore(v variant, m machine) *explorer {
	x := &explorer{variant: v, machine: m, settings: v.rules(), ids: map[string]int32{}, at: -1}
	w := v.start()
	x.reach(w, chance)
	var before, after []byte
	for x.at = 0; int(x.at) < len(x.queue) && x.fault == nil; x.at++ {
		w := x.queue[x.at]
		before = w.key(before[:0])
		x.label = "(state)"
		x.inspect(w)
		x.expand(w)
		if after = w.key(after[:0]); !bytes.Equal(before, after) {
			x.failf("a step modified the request that it was given")
		}
		x.queue[x.at] = nil
	}
	if x.fault == nil {
		x.ends()
	}
	return x
}

// failf keeps the first fault, with the way that leads to it.
func (x *explorer) failf(format string, args ...any) {
	if x.fault != nil {
		return
	}
	way := []string{x.label}
	for id := x.at; id > 0; id = x.from[id] {
		way = append(way, x.by[id])
	}
	slices.Reverse(way)
	x.fault = fmt.Errorf("%s: %s, after: %s", x.name, fmt.Sprintf(format, args...), strings.Join(way, "; "))
}

// reach takes a world in, and notes how it was come to.
func (x *explorer) reach(w *world, p pull) {
	w.forget()
	var buf [256]byte
	key := w.key(buf[:0])
	id, known := x.ids[string(key)]
	if !known {
		id = int32(len(x.queue))
		x.ids[string(key)] = id
		x.queue = append(x.queue, w)
		x.from, x.by = append(x.from, x.at), append(x.by, x.label)
	}
	if id == x.at {
		return
	}
	x.transitions++
	if p != chance {
		x.ways[p] = append(x.ways[p], edge{x.at, id})
	}
}

// try does something to a copy of the world.
func (x *explorer) try(w *world, label string, p pull, change func(*world)) {
	if x.fault != nil {
		return
	}
	x.label = label
	next := *w
	change(&next)
	x.reach(&next, p)
}

func (x *explorer) known(w *world) Known {
	return Known{Now: w.now, Members: memberships[w.members], Rules: x.settings}
}

// event has something happen to the request alone.
func (x *explorer) event(w *world, label string, p pull, ev Event) {
	if x.fault != nil {
		return
	}
	// Most of what people press leads to nothing: no need to make a world of it.
	_, reorganised := ev.(MembersChanged)
	if press, _ := ev.(Press); press.Button != ButtonApprove && !reorganised {
		if s := x.decide(w.req, ev, x.known(w)); len(s.Effects) == 0 {
			x.label = label
			x.checkNothing(w, ev, s)
			return
		}
	}
	x.try(w, label, p, func(w *world) { x.happen(w, ev) })
}

func (x *explorer) expand(w *world) {
	if at, ok := w.next(); ok {
		x.try(w, "time", alone, func(w *world) { w.now = at })
	}
	x.event(w, "deadline", alone, Lapsed{})
	if w.req.State == Proposed {
		x.event(w, "unaskable", chance, Unaskable{Why: "not in the channel"})
	}
	clickers, settlers := accounts, []Account{"shell:root", d1, a1, r1}
	if x.lean {
		clickers, settlers = []Account{r1, a1, b1}, settlers[:1]
	}
	for _, a := range clickers {
		for _, b := range buttons {
			x.event(w, string(a)+" presses "+b, chance, Press{Button: b, By: a})
		}
	}
	for _, a := range settlers {
		x.event(w, string(a)+" settles applied", byWord, Settled{By: a, Applied: true})
		x.event(w, string(a)+" settles not", byWord, Settled{By: a})
	}
	x.reorganise(w)
	x.event(w, "the allowlist is looked at", chance, MembersChanged{})
	for i := range w.req.Items {
		x.work(w, i)
		x.chances(w, i)
		x.outOfPlace(w, i)
	}
	x.try(w, "kill", chance, x.kill)
}

// reorganise changes who may what, while it matters.
func (x *explorer) reorganise(w *world) {
	if !slices.ContainsFunc(w.req.Items, func(i Item) bool { return i.State == Waiting || i.State == Checking }) {
		return
	}
	for n := range memberships {
		if x.lean && n > 0 && n != x.lowered() {
			continue
		}
		if w.members != n && (w.members == 0 || n == 0) {
			x.try(w, fmt.Sprint("members ", n), chance, func(w *world) { w.members = n })
		}
	}
}

// lowered is the allowlist on which somebody whose word is needed has lost their role.
func (v variant) lowered() int {
	if v.need == 0 {
		return 1
	}
	return 3
}

// work does what is under way for an item, with each outcome.
func (x *explorer) work(w *world, i int) {
	h := w.items[i]
	if h.check {
		for _, c := range x.checks(i) {
			x.try(w, fmt.Sprint("check ", i, " ", c.name), c.pull, func(w *world) {
				w.items[i].check = false
				x.happen(w, c.event)
			})
		}
	}
	if h.call {
		for n, a := range answers {
			if x.lean && !a.lean || a.action != "" && a.action != x.action {
				continue
			}
			x.try(w, fmt.Sprint("call ", i, " ", a.name), alone, func(w *world) {
				h := &w.items[i]
				h.call, h.answer, h.effect = false, uint8(n+1), a.effect
			})
		}
	}
	if h.answer > 0 {
		ev, taken := answers[h.answer-1].event, answers[h.answer-1].taken
		ev.Item = i
		x.try(w, fmt.Sprint("answer ", i), alone, func(w *world) {
			w.items[i].answer = 0
			w.items[i].inProcess = taken
			x.happen(w, ev)
		})
	}
	for _, forced := range []bool{false, true} {
		if under := h.look && !forced || h.forced && forced; under {
			x.looks(w, i, forced)
		}
	}
}

func (x *explorer) looks(w *world, i int, forced bool) {
	for how := range allSights {
		seen, possible := x.see(w, i, how)
		if !possible || x.lean && how != clear && how != blind {
			continue
		}
		p := chance
		if how == clear {
			p = alone
		}
		x.try(w, fmt.Sprint("look ", i, " ", sightNames[how]), p, func(w *world) {
			if forced {
				w.items[i].forced = false
			} else {
				w.items[i].look = false
			}
			x.happen(w, Looked{Item: i, Forced: forced, Failed: how == blind, Seen: seen})
		})
	}
}

type check struct {
	name  string
	pull  pull
	event Checked
}

func (x *explorer) checks(i int) []check {
	changed := x.facts()
	changed.Price = "5.00 EUR"
	all := []check{
		{"as shown", alone, Checked{Item: i, Facts: x.facts(), Before: x.before()}},
		{"changed", chance, Checked{Item: i, Facts: changed, Before: x.before()}},
		{"failed", chance, Checked{Item: i, Failed: ReasonTimeout}},
		{"gone", chance, Checked{Item: i, Gone: true}},
		{"login refused", chance, Checked{Item: i, Failed: ReasonAuth}},
	}
	if x.lean && x.need > 0 {
		return all[:2] // that a reading fails has nothing to do with who decided
	}
	return all
}

// chances are what the panel and others in it may do by themselves.
func (x *explorer) chances(w *world, i int) {
	it, h := w.req.Items[i], w.items[i]
	if h.effect == coming {
		x.try(w, fmt.Sprint("effect ", i), chance, func(w *world) { w.items[i].effect = done })
	}
	ownName := x.action == Order && x.params.Name == "" && x.params.For == "" // a module takes no name
	if x.lean || h.others || ownName {
		return
	}
	switch it.State {
	case Started, Looking, Unknown, Not:
		x.try(w, fmt.Sprint("others ", i), chance, func(w *world) { w.items[i].others = true })
		x.again(w, i)
	case Waiting, Checking, Applied, Dropped:
	}
}

// again has the same asked for once more, called and answered, where that can be.
func (x *explorer) again(w *world, i int) {
	it, h := w.req.Items[i], w.items[i]
	if it.State != Not || it.Source != FromLook || it.WatchUntil.IsZero() || h.again {
		return
	}
	if !it.Held {
		x.try(w, fmt.Sprint("held ", i), chance, func(w *world) { x.happen(w, Held{Item: i, Expires: x.shown(w, i)}) })
		return
	}
	x.try(w, fmt.Sprint("superseded ", i), chance, func(w *world) {
		w.items[i].others = true
		x.happen(w, Superseded{Item: i})
	})
	x.try(w, fmt.Sprint("released, refused ", i), chance, func(w *world) {
		w.items[i].again = true // once is enough
		x.happen(w, Released{Item: i})
	})
	if x.action != Renew && x.action != Order {
		return // of the others an applied one ends the watch
	}
	x.try(w, fmt.Sprint("released, applied ", i), chance, func(w *world) {
		h := &w.items[i]
		left := Released{Item: i, Applied: true}
		h.again = true
		if x.action == Renew {
			h.later = true
			left.Expires, left.Beyond = x.shown(w, i), h.effect == done || h.others
		}
		x.happen(w, left)
	})
}

// shown is the expiry that the panel shows.
func (x *explorer) shown(w *world, i int) license.Date {
	s, _ := x.see(w, i, clear)
	return s.Expires
}

// outOfPlace gives events that come twice, late, or for nothing that there is:
// they must change nothing at all.
func (x *explorer) outOfPlace(w *world, i int) {
	late := []Event{Checked{Item: 2}, Looked{Item: -1}, Killed{Item: 9}}
	it := w.req.Items[i]
	if it.State != Checking {
		late = append(late, x.checks(i)[0].event, x.checks(i)[1].event, Checked{Item: i, Failed: ReasonTimeout})
	}
	if it.State != Started {
		late = append(late, Killed{Item: i}, Answered{Item: i},
			Answered{Item: i, Applied: &AppliedAnswer{}}, Answered{Item: i, Refused: &RefusedAnswer{Reason: ReasonMoney}})
	}
	watched := it.State == Not && it.Source == FromLook && !it.WatchUntil.IsZero()
	if it.State != Looking && it.State != Unknown && !watched {
		late = append(late, Looked{Item: i}, Looked{Item: i, Failed: true, Forced: true}, Superseded{Item: i})
	}
	if !watched {
		late = append(late, Held{Item: i}, Held{Item: i, Expires: "2026-01-01"})
	}
	if !watched || !it.Held {
		late = append(late, Released{Item: i}, Released{Item: i, Applied: true, Expires: "2026-01-01", Beyond: true})
	}
	if w.req.State == Proposed && w.now.Before(w.req.Deadline) || w.req.State != Proposed {
		late = append(late, Lapsed{})
	}
	for _, ev := range late {
		s := x.decide(w.req, ev, x.known(w))
		if s.Changed || len(s.Effects) > 0 || len(s.Entries) > 0 {
			x.label = fmt.Sprintf("%T out of place", ev)
			x.failf("it changed something: %+v", s.Effects)
		}
	}
}

// kill ends the process and starts it again.
func (x *explorer) kill(w *world) {
	for i := range w.items {
		h := &w.items[i]
		h.check, h.call, h.look, h.forced, h.answer = false, false, false, false, 0
	}
	events, effects := x.resume(w.req, w.now)
	for _, e := range effects {
		x.begin(w, e)
	}
	for _, ev := range events {
		x.happen(w, ev)
	}
	x.checkPeople(w)
}

// happen takes an event through decide and record, as the engine does, and checks
// the step.
func (x *explorer) happen(w *world, ev Event) {
	k := x.known(w)
	x.witness(w, ev, k)
	was := *w
	s := x.decide(w.req, ev, k)
	w.req = s.Request
	if was.req.State == Proposed && w.req.State == Running {
		w.decided = w.now
	}
	for _, e := range s.Effects {
		if e.Do == DoReport {
			x.report(&was, w, e)
		}
		x.begin(w, e)
	}
	x.checkTold(&was, w, s)
	x.checkStep(&was, w, ev, s)
}

// begin puts an effect under way.
func (x *explorer) begin(w *world, e Effect) {
	h := &w.items[e.Item]
	switch e.Do {
	case DoCheck:
		h.check = true
	case DoCall:
		if h.given {
			x.failf("item %d is called a second time", e.Item)
		}
		h.call, h.given = true, true
		x.entitled(w, e.Item)
	case DoLook:
		if e.Rechecked {
			h.forced = true
		} else {
			h.look = true
		}
	case DoAsk, DoCards, DoSync, DoReport, DoReask, DoHold, DoRelease, DoSupersede:
	}
}

// The kinds of requests that are explored, and how far.
func variants() []variant {
	kinds := []variant{
		{name: "order", action: Order, params: Params{Product: 546, Address: "192.0.2.1", Period: 1}},
		{name: "order by name", action: Order, params: Params{Product: 546, Address: "192.0.2.1", Name: "srv", Period: 1}},
		{name: "order of a module", action: Order, params: Params{Product: 369, For: "1002", Period: 1}},
		{name: "edit", action: Edit, params: Params{Name: "new"}},
		{name: "nodes", action: Nodes, params: Params{Count: 2}},
		{name: "renew", action: Renew},
		{name: "terminate", action: Terminate},
	}
	var all []variant
	for _, need := range []int{0, 1, 2} {
		for _, v := range kinds {
			v.items, v.need = 1, need
			v.name = fmt.Sprintf("%s, %d approvals", v.name, need)
			all = append(all, v)
		}
		if need == 2 {
			// Two votes that turn out to be one person's, and a third to come.
			all = append(all, variant{name: "terminate, 3 approvals", action: Terminate, items: 1, need: 3})
		}
		all = append(all, variant{
			name: fmt.Sprintf("renew two, %d approvals", need), action: Renew, items: 2, need: need, lean: true,
		})
	}
	return all
}

func TestExplore(t *testing.T) {
	for _, v := range variants() {
		if testing.Short() && (v.lean || v.need > 0 && v.action != Terminate) {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			x := explore(v, rulesAsTheyAre)
			t.Logf("%d states, %d transitions", len(x.ids), x.transitions)
			if x.fault != nil {
				t.Fatal(x.fault)
			}
		})
	}
}
