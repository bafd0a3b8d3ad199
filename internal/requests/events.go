package requests

import (
	"time"

	"github.com/isplicense/license-bot/internal/license"
)

// Rules is what the settings say of every request.
type Rules struct {
	ConfirmTTL  time.Duration
	ApprovalTTL time.Duration
	Settle      time.Duration  // how long is read before "not" is said
	Watch       time.Duration  // how long late effects are looked for after that
	Approvals   map[Action]int // approvals by others; absent or 0: the requester's own confirmation
}

// Known is what holds at the moment of an event: one now, one allowlist.
type Known struct {
	Now     time.Time
	Members Allowlist
	Rules   Rules
}

// Event is one thing that happens to a request.
type Event interface{ event() }

// The words of the buttons, to the letter of the contract.
const (
	ButtonConfirm = "confirm"
	ButtonCancel  = "cancel"
	ButtonApprove = "approve"
	ButtonDeny    = "deny"
	ButtonRecheck = "recheck"
	ButtonRenew   = "renew"
)

type (
	// Press is a click on one of the request's buttons.
	Press struct {
		Button string
		By     Account
	}
	// Settled is an admin's word on what is uncertain.
	Settled struct {
		By      Account
		Applied bool
	}
	// Lapsed is the request's deadline.
	Lapsed struct{}
	// MembersChanged says that the allowlist may be another one than when it was last
	// looked at.
	MembersChanged struct{}
	// Unaskable says that the question could be put nowhere where it can be decided.
	Unaskable struct{ Why string }
	// Checked is the reading before the call.
	Checked struct {
		Item   int
		Failed Reason // "" : it was read
		Said   string // the panel's words of a failed reading
		Gone   bool   // it was read, and the licence is not there
		Facts  Facts
		Before Before
	}
	// Answered is the end of the call; exactly one of the fields is set. A zero
	// Answered is an unknown one.
	Answered struct {
		Item    int
		Applied *AppliedAnswer
		Refused *RefusedAnswer
		Unknown *UnknownAnswer
	}
	// Killed says that a start found the call begun and no answer recorded.
	Killed struct{ Item int }
	// Looked is a reading after an uncertain call.
	Looked struct {
		Item   int
		Failed bool
		Forced bool // a person pressed recheck: what is seen is said in any case
		Seen   Seen
	}
	// Held says that a later call for the same begins, and what was read just before
	// it. Until that has ended, what is seen may be its effect.
	Held struct {
		Item    int
		Expires license.Date
	}
	// Released says that the later call has ended, and what it has left.
	Released struct {
		Item    int
		Applied bool
		Expires license.Date // applied, of a renewal: the expiry that the panel gave it
		Beyond  bool         // applied, of a renewal: that is later than it can have brought about alone
	}
	// Superseded says that what is seen from now on can't be told apart from the
	// effect of a later call for the same.
	Superseded struct{ Item int }
)

func (Press) event()          {}
func (Settled) event()        {}
func (Lapsed) event()         {}
func (MembersChanged) event() {}
func (Unaskable) event()      {}
func (Checked) event()        {}
func (Answered) event()       {}
func (Killed) event()         {}
func (Looked) event()         {}
func (Held) event()           {}
func (Released) event()       {}
func (Superseded) event()     {}

// AppliedAnswer is the panel's "done".
type AppliedAnswer struct {
	Code    license.Code // an order's new code, "" where the panel did not say
	Expires license.Date
	Said    string
}

// RefusedAnswer is the panel's "no", or that nothing was sent.
type RefusedAnswer struct {
	Reason Reason
	Detail string // type and object, for the audit trail
	Said   string
}

// UnknownAnswer is anything that is no whole answer.
type UnknownAnswer struct {
	Reason Reason
	Said   string
	Code   license.Code // of an order whose answer named one all the same
}

// Do names what an effect does.
type Do string

// The effects.
const (
	DoAsk       Do = "ask"       // put the question, and cards to the approvers who can't see it
	DoCards     Do = "cards"     // put cards to the approvers who can't see the question and have none yet
	DoSync      Do = "sync"      // bring every message of the request to its state
	DoCheck     Do = "check"     // read the licence again before the call
	DoCall      Do = "call"      // call the panel: given once for an item
	DoLook      Do = "look"      // read the licence to find out what became of the call
	DoReport    Do = "report"    // say the items' ends in the thread; without items, the question's
	DoReask     Do = "reask"     // put a fresh question for an item whose facts have changed
	DoHold      Do = "hold"      // have the watch of an earlier request for the same wait for this call
	DoRelease   Do = "release"   // have it go on from what this call has left
	DoSupersede Do = "supersede" // end it, and let this request be the one that is watched
)

// Effect is one thing to carry out after the step was recorded.
type Effect struct {
	Do         Do
	Item       int   // check, call, look, reask, hold, release, supersede
	Items      []int // report
	After      time.Duration
	Correction bool // report: "not" was said before
	Rechecked  bool // look: a person asked to look again
}

// AnswerKind is what whoever clicked or settled is told.
type AnswerKind string

// The answers.
const (
	Accepted         AnswerKind = "accepted"
	AlreadyDecided   AnswerKind = "already-decided"
	NotAllowed       AnswerKind = "not-allowed"
	NotMember        AnswerKind = "not-member"
	NotYours         AnswerKind = "not-yours"
	OwnRequest       AnswerKind = "own-request"
	AlreadyVoted     AnswerKind = "already-voted"
	WrongButton      AnswerKind = "wrong-button"
	NothingUncertain AnswerKind = "nothing-uncertain"
	Rechecking       AnswerKind = "rechecking"
)

// Answer is what whoever clicked is told, to them alone.
type Answer struct {
	Kind AnswerKind
	Need Role // NotAllowed: the role that it takes
}

// Step is what follows from an event: all of it is recorded in one transaction
// before any of it is done.
type Step struct {
	Request Request
	Effects []Effect
	Entries []Entry
	Answer  Answer
	Changed bool // the request differs from before
}
