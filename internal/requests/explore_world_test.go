package requests

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/isplicense/license-bot/internal/license"
)

// The people of the exploration. Rita asks, from r1; r2 is hers too.
const (
	r1 Account = "telegram:11"
	r2 Account = "telegram:12"
	a1 Account = "telegram:21"
	b1 Account = "telegram:31"
	d1 Account = "telegram:41"
	v1 Account = "telegram:51"
	s1 Account = "telegram:61"
)

var (
	accounts = []Account{r1, r2, a1, b1, d1, v1, s1}
	buttons  = []string{ButtonConfirm, ButtonCancel, ButtonApprove, ButtonDeny, ButtonRecheck, ButtonRenew}
)

func people(ms ...Member) Allowlist { return ms }

var (
	rita = Member{"Rita", Operator, []Account{r1, r2}}
	ann  = Member{"Ann", Approver, []Account{a1}}
	bob  = Member{"Bob", Approver, []Account{b1}}
	dan  = Member{"Dan", Admin, []Account{d1}}
	vic  = Member{"Vic", Viewer, []Account{v1}}
)

// memberships are the allowlists that hold in turn: the first, and each of the
// others in its stead and back.
var memberships = []Allowlist{
	people(rita, ann, bob, dan, vic),
	people(Member{"Rita", Viewer, []Account{r1, r2}}, ann, bob, dan, vic),                                       // lowered
	people(ann, bob, dan, vic),                                                                                  // the requester revoked
	people(rita, Member{"Ann", Operator, []Account{a1}}, bob, dan, vic),                                         // an approver lowered
	people(Member{"Rita", Approver, []Account{r1, r2, a1}}, bob, dan, vic),                                      // an approver turns out to be the requester
	people(Member{"Rosa", Approver, []Account{r1}}, ann, Member{"Bob", Approver, []Account{b1, r2}}, dan, vic),  // renamed, an account given away
	people(rita, Member{"Ann", Approver, []Account{a1, b1}}, dan, vic),                                          // two approvers turn out to be one
	people(Member{"Rita", Approver, []Account{r2}}, Member{"Zoe", Operator, []Account{r1}}, ann, bob, dan, vic), // split
}

var testRules = Rules{
	ConfirmTTL: 15 * time.Minute, ApprovalTTL: 24 * time.Hour, Settle: time.Minute, Watch: time.Hour,
}

var asked = time.Date(2025, 2, 1, 12, 0, 0, 0, time.UTC)

// variant is a request whose life is explored.
type variant struct {
	name   string
	action Action
	params Params
	items  int
	need   int
	lean   bool // fewer ways for each thing to go, where there are two of everything
}

func (v variant) facts() Facts {
	f := Facts{Family: license.SoftExternal, Name: "srv", Address: "192.0.2.1", Product: "P", Price: "4.50 EUR", Nodes: -1}
	switch v.action {
	case Renew:
		f.Period, f.Expires, f.After = license.Month, "2025-02-10", "2025-03-10"
	case Nodes:
		f.Nodes = 1
	case Order:
		f.Name = v.params.Name
		if v.params.For != "" {
			f.Family, f.Address = license.Module, ""
		}
	case Edit, Terminate:
	}
	return f
}

func (v variant) before() Before {
	b := Before{Expires: "2025-02-10", Name: "srv", Address: "192.0.2.1", Nodes: 1}
	if v.action == Order {
		b = Before{Codes: []license.Code{"1009"}}
	}
	return b
}

// rules are the same for all, but for the approvals.
func (v variant) rules() Rules {
	r := testRules
	r.Approvals = map[Action]int{v.action: v.need}
	return r
}

// start is the world in which the request has just been proposed.
func (v variant) start() *world {
	w := &world{now: asked}
	d := Draft{ID: "abc234", Action: v.action, Params: v.params, By: r1}
	codes := []license.Code{"1001", "1002"}
	for i := range v.items {
		it := Item{Facts: v.facts()}
		if v.action != Order {
			it.Code = codes[i]
		}
		d.Items = append(d.Items, it)
	}
	s, no := Propose(d, Known{Now: w.now, Members: memberships[0], Rules: v.rules()})
	if no.Kind != "" {
		panic(no.Kind)
	}
	w.req = s.Request
	return w
}

// effect is what became of the call in the panel, which the request can't know.
type effect uint8

const (
	none   effect = iota // nothing, and never will
	coming               // may take effect at any time, or never
	done
)

// ledger is what the audit trail says of an item.
type ledger uint8

const (
	unwritten ledger = iota
	written          // started
	open             // uncertain
	closed           // succeeded or failed
	unbegun          // failed without having been started
	settled
)

// hidden is what goes with an item outside of the request.
type hidden struct {
	check, call, look, forced bool   // under way in the process: a kill loses it
	answer                    uint8  // of the call, on its way: index in answers + 1
	effect                    effect // the truth in the panel
	others                    bool   // somebody else did the same there
	again                     bool   // a later request for the same was called and answered
	later                     bool   // and its effect shows as this one's would
	inProcess                 bool   // the panel said that it was at it, or took an order
	given                     bool   // the effect "call" was given
	told                      ItemState
	audit                     ledger
}

// world is a request, the process around it, the panel and the people.
type world struct {
	req       Request
	now       time.Time
	members   int
	items     [2]hidden
	confirmed bool // by who may, in time
	decided   time.Time
	approved  uint8
}

// instants are the moments at which something may change by time alone: those of
// the question, or of an item.
func (w *world) instants(i int) (at [3]time.Time) {
	r := &w.req
	it := &r.Items[i]
	switch it.State {
	case Waiting:
		return [3]time.Time{r.Deadline, r.Deadline.Add(1)}
	case Checking:
		stale := r.Decided.At.Add(testRules.ApprovalTTL)
		return [3]time.Time{r.Decided.At.Add(testRules.Settle), stale, stale.Add(1)}
	case Looking, Unknown, Not:
		return [3]time.Time{it.LookUntil, it.WatchUntil}
	case Started, Applied, Dropped:
	}
	return at
}

// next is the nearest of them that is still to come.
func (w *world) next() (next time.Time, found bool) {
	for i := range w.req.Items {
		for _, at := range w.instants(i) {
			if at.After(w.now) && (!found || at.Before(next)) {
				next, found = at, true
			}
		}
	}
	return next, found
}

// forget leaves out what can't matter any more: who may what once every call was
// decided on, and the truth about what is beyond correction.
func (w *world) forget() {
	pending := false
	for i, it := range w.req.Items {
		h := &w.items[i]
		switch it.State {
		case Waiting, Checking:
			pending = true
		case Applied, Dropped:
			h.effect, h.others, h.inProcess, h.again, h.later = none, false, false, false, false
		case Not:
			if it.Source != FromLook || it.WatchUntil.IsZero() && !h.look && !h.forced {
				h.effect, h.others, h.inProcess, h.again, h.later = none, false, false, false, false
			}
		case Started, Looking, Unknown:
		}
	}
	if !pending {
		w.members, w.confirmed, w.approved = 0, false, 0
	}
}

func bit(b bool, n uint) byte {
	if b {
		return 1 << n
	}
	return 0
}

// key tells worlds apart by all that matters for what may still happen.
func (w *world) key(b []byte) []byte {
	b = append(b, w.req.State[0], w.req.State[1], byte(w.members), bit(w.confirmed, 0), w.approved)
	if w.req.State == Proposed {
		for _, v := range w.req.Votes {
			b = append(b, v.Account[len(v.Account)-2], v.Account[len(v.Account)-1])
		}
		for _, m := range w.req.Approvers {
			b = append(b, m.Person[0], m.Person[1], byte(len(m.Accounts)))
		}
	} else if w.req.State == Running {
		votes := byte(0)
		for _, v := range w.req.Votes {
			for n, a := range accounts {
				votes |= bit(v.Account == a, uint(n))
			}
		}
		b = append(b, votes)
	}
	first := len(b)
	b = w.itemKey(b, 0)
	if len(w.req.Items) == 1 {
		return b
	}
	// Two items are like each other: which is which makes no difference.
	second := len(b)
	b = w.itemKey(b, 1)
	if one, two := b[first:second], b[second:]; bytes.Compare(one, two) > 0 {
		for n := range one {
			one[n], two[n] = two[n], one[n]
		}
	}
	return b
}

func (w *world) itemKey(b []byte, i int) []byte {
	it, h := &w.req.Items[i], &w.items[i]
	source, why := byte('-'), byte('-')
	if it.Source != "" {
		source = it.Source[1]
	}
	switch it.State {
	case Looking, Unknown, Not:
		switch it.Reason {
		case ReasonInProcess:
			why = 'i'
		case ReasonUnnamed:
			why = 'n'
		case ReasonUnpaid:
			why = 'u'
		}
	case Waiting, Checking, Started, Applied, Dropped:
	}
	for _, at := range w.instants(i) {
		b = binary.LittleEndian.AppendUint64(b, uint64(max(at.Sub(w.now), 0)))
	}
	return append(b, it.State[0], it.State[1], source, why, byte(min(it.Tries, minReads)), h.answer, byte(h.effect),
		byte(h.audit), bit(it.Recheck, 0)|bit(it.Code != "", 1)|bit(it.Doubt, 2)|bit(it.WatchUntil.IsZero(), 3)|
			bit(h.check, 4)|bit(h.call, 5)|bit(h.look, 6)|bit(h.forced, 7),
		bit(h.others, 0)|bit(h.inProcess, 1)|bit(h.given, 2)|bit(h.told != "", 3)|
			bit(h.again, 4)|bit(h.later, 5)|bit(it.Held, 6)|bit(it.Before.Expires > it.Facts.Expires, 7))
}

// answers are the ways in which a call can be answered, with what has become of it.
var answers = []struct {
	name   string
	lean   bool
	action Action // "" : any
	effect effect
	taken  bool // the panel has said that it took the call: no silence is a no
	event  Answered
}{
	{"applied", true, "", done, false, Answered{Applied: &AppliedAnswer{}}},
	{"refused", true, "", none, false, Answered{Refused: &RefusedAnswer{Reason: ReasonMoney}}},
	{"not sent", false, "", none, false, Answered{Refused: &RefusedAnswer{Reason: ReasonNotSent}}},
	{"lost, done", false, "", done, false, Answered{Unknown: &UnknownAnswer{Reason: ReasonTimeout}}},
	{"lost, coming", true, "", coming, false, Answered{Unknown: &UnknownAnswer{Reason: ReasonTimeout}}},
	{"in process, done", false, "", done, true, Answered{Unknown: &UnknownAnswer{Reason: ReasonInProcess}}},
	{"in process, coming", false, "", coming, true, Answered{Unknown: &UnknownAnswer{Reason: ReasonInProcess}}},
	{"nothing whole, coming", false, "", coming, false, Answered{}},
	{"no licence named, coming", false, Order, coming, true, Answered{Unknown: &UnknownAnswer{Reason: ReasonUnnamed}}},
	{"left unpaid, done", false, Order, done, true, Answered{Unknown: &UnknownAnswer{Reason: ReasonUnpaid, Code: "2001"}}},
	{"left unpaid, coming", false, Order, coming, true, Answered{Unknown: &UnknownAnswer{Reason: ReasonUnpaid}}},
}

// sight is how well a reading after the call shows the truth.
type sight uint8

const (
	clear     sight = iota // all of it
	nameless               // the history can't be read
	busy                   // the panel is at work on the licence
	odd                    // something that fits nothing
	blind                  // the reading failed
	paid                   // clear, and an unpaid order has been paid
	allSights              // how many there are
)

var sightNames = [...]string{"clear", "nameless", "busy", "odd", "blind", "paid"}

// see is the reading of an item, and whether it can come out like this.
func (v variant) see(w *world, i int, how sight) (Seen, bool) {
	it, h := w.req.Items[i], w.items[i]
	ours, others := h.effect == done, h.others
	s := Seen{Found: true, Status: license.StatusActive, Nodes: -1, Name: "srv", Address: "192.0.2.1", Expires: "2025-02-10"}
	switch v.action {
	case Renew:
		for _, renewed := range []bool{ours, others, h.later} {
			if renewed {
				s.Expires = s.Expires.AddMonths(1)
			}
		}
		s.Ours, s.Others = count(ours)+count(h.later), count(others)
		s.History = how != nameless && (ours || others || h.later)
		s.Found = how != odd
	case Order:
		s.Codes = []license.Code{"1009"}
		if ours {
			s.Codes = append(s.Codes, "2001")
		}
		if others {
			s.Codes = append(s.Codes, "2002")
		}
		if how == odd {
			s.Codes = append(s.Codes, "2003", "2004")
		}
		if it.Reason == ReasonUnpaid && how != paid {
			s.Status = license.StatusOrdered
		}
	case Edit:
		if ours || others {
			s.Name = v.params.Name
		}
		if how == odd {
			s.Name = "something else"
		}
	case Nodes:
		s.Nodes = 1
		if ours || others {
			s.Nodes = v.params.Count
		}
		if how == odd {
			s.Nodes = -1
		}
	case Terminate:
		s.Found = !ours && !others
	}
	switch how {
	case busy:
		s.Processing = "open"
		return s, h.effect == coming && v.action != Order
	case nameless:
		return s, v.action == Renew && (ours || others || h.later)
	case odd:
		return s, v.action != Terminate
	case paid:
		return s, it.Reason == ReasonUnpaid
	case clear, blind, allSights:
	}
	return s, true
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// holds says whether what the request wanted is so. Whose renewal or order it is
// makes a difference, for each costs money; a name, a count and an end do not.
func (v variant) holds(h hidden) bool {
	switch v.action {
	case Renew, Order:
		return h.effect == done
	case Edit, Nodes, Terminate:
	}
	return h.effect == done || h.others
}
