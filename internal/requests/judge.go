package requests

import (
	"slices"

	"github.com/isplicense/license-bot/internal/license"
)

// Seen is what a reading after an uncertain call showed.
type Seen struct {
	Found      bool           // the licence is in the panel and not deleted
	Status     license.Status // of the licence, or of the order's candidate
	Processing string         // the panel is at work on it: "prolong", "delete", …
	Expires    license.Date
	Name       string
	Address    string
	Nodes      int            // -1: could not be read
	Codes      []license.Code // order: licences that could be the one ordered
	Vague      bool           // order: of the new one not all is shown that tells it apart
	Ours       int            // service history since the call began: entries of the bot's own account
	Others     int            // and of others
	History    bool           // the history could be read and dated
}

// atWork says whether the panel is still doing something to the licence: what it
// shows may be about to change.
func (s Seen) atWork() bool { return s.Processing != "" || s.Status == license.StatusProcessing }

// Verdict is what a reading proves.
type Verdict int

// The verdicts.
const (
	CannotTell     Verdict = iota // neither way
	FoundApplied                  // the effect is there
	FoundUnchanged                // all is as it was before the call: so far there is no effect
)

// Finding is what is concluded from one reading.
type Finding struct {
	Verdict Verdict
	Doubt   bool         // applied: it may be somebody else's
	Unpaid  bool         // applied: an order that is there and was left unpaid
	Code    license.Code // an order's
	Expires license.Date
}

// Judge concludes from what was read before the call and after it. It never takes
// time into account: how long "unchanged" must hold before it is said is for
// [Decide].
func Judge(r Request, it Item, s Seen) Finding {
	switch r.Action {
	case Renew:
		return judgeRenewal(it, s)
	case Order:
		return judgeOrder(it, r.Params, s)
	case Edit:
		return judgeEdit(it, r.Params, s)
	case Nodes:
		return judgeNodes(it, r.Params, s)
	case Terminate:
		return judgeTermination(s)
	}
	return Finding{}
}

func judgeRenewal(it Item, s Seen) Finding {
	switch {
	case !s.Found || s.Expires == "" || it.Before.Expires == "":
		return Finding{}
	case s.Expires == it.Before.Expires && !s.atWork():
		return Finding{Verdict: FoundUnchanged}
	case s.Expires <= it.Before.Expires:
		return Finding{} // at work on it, or moved back: neither way
	case s.History && s.Ours <= it.Later && s.Others > 0:
		// Somebody else was at it and nothing shows that the bot was. "Renewed"
		// would be a guess; so would "not renewed", and it would be paid twice.
		return Finding{}
	}
	expected := it.Facts.After
	if expected == "" || it.Later > 0 { // what the question showed is of before the later calls
		expected = it.Before.Expires.AddMonths(int(it.Facts.Period))
	}
	return Finding{
		Verdict: FoundApplied,
		Doubt:   !nearly(s.Expires, expected) || !s.History || s.Others > 0 || s.Ours != 1+it.Later,
		Expires: s.Expires,
	}
}

// nearly allows for the panel counting a month as days.
func nearly(a, b license.Date) bool {
	d := a.Days(b)
	return -3 <= d && d <= 3
}

func judgeOrder(it Item, p Params, s Seen) Finding {
	fresh := slices.DeleteFunc(slices.Clone(s.Codes), func(c license.Code) bool {
		return slices.Contains(it.Before.Codes, c)
	})
	if it.Code != "" {
		// The panel has named the code already: nothing else is this order.
		if !slices.Contains(s.Codes, it.Code) {
			return Finding{}
		}
		fresh = []license.Code{it.Code}
	}
	switch {
	case len(fresh) == 0:
		return Finding{Verdict: FoundUnchanged}
	case len(fresh) > 1:
		return Finding{}
	}
	return Finding{
		Verdict: FoundApplied,
		Code:    fresh[0],
		Expires: s.Expires,
		Unpaid:  s.Status == license.StatusOrdered && it.Reason == ReasonUnpaid,
		// A name of the bot's own is nobody else's; one that a person chose, or
		// none, may be somebody's order at the same moment.
		Doubt: it.Code == "" && (s.Vague || p.Name != "" || !NamesOrders(it.Facts.Family)),
	}
}

// OrderName is the name that an order is sent with: where the asker gave none, the
// request's own, if the family takes one. By it the licence can be told apart.
func (r Request) OrderName(f license.Family) string {
	if r.Params.Name == "" && r.Action == Order && NamesOrders(f) {
		return "bot-" + string(r.ID)
	}
	return r.Params.Name
}

// NamesOrders says whether the bot gives an order of this family a name of its own
// where the asker gave none: the panel documents a name for softexternal alone.
func NamesOrders(f license.Family) bool { return f == license.SoftExternal }

func judgeEdit(it Item, p Params, s Seen) Finding {
	if !s.Found {
		return Finding{}
	}
	asWanted := (p.Name == "" || s.Name == p.Name) && (p.Address == "" || license.SameAddress(s.Address, p.Address))
	asBefore := s.Name == it.Before.Name && license.SameAddress(s.Address, it.Before.Address)
	switch {
	case asWanted:
		return Finding{Verdict: FoundApplied, Expires: s.Expires, Doubt: asBefore}
	case asBefore && !s.atWork():
		return Finding{Verdict: FoundUnchanged}
	}
	return Finding{}
}

func judgeNodes(it Item, p Params, s Seen) Finding {
	switch {
	case !s.Found || s.Nodes < 0:
		return Finding{}
	case s.Nodes == p.Count:
		return Finding{Verdict: FoundApplied, Expires: s.Expires, Doubt: s.Nodes == it.Before.Nodes}
	case s.Nodes == it.Before.Nodes && !s.atWork():
		return Finding{Verdict: FoundUnchanged}
	}
	return Finding{}
}

func judgeTermination(s Seen) Finding {
	switch {
	case !s.Found, s.Processing == "delete", s.Processing == "close":
		return Finding{Verdict: FoundApplied}
	case s.atWork(), s.Status == license.StatusUnknown: // deleted licences linger: only their status tells
		return Finding{}
	}
	return Finding{Verdict: FoundUnchanged}
}
