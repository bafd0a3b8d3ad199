package isplicense

import "github.com/isplicense/license-bot/internal/license"

// Reason says why a call did not end as it should. The values are those that a
// request stores, so that a caller can convert one into the other.
type Reason string

// Why nothing was done. With [Refused.Sent] false not a byte of the call left.
const (
	NotSent   Reason = "not-sent"   // the panel could not be reached
	Auth      Reason = "auth"       // the panel refuses the login or the address that we call from
	TwoFactor Reason = "two-factor" // the panel wants a second factor of the account
	Forbidden Reason = "forbidden"  // the account may not do this
	Rule      Reason = "refused"    // a rule of the panel's, in its own words
	Missing   Reason = "missing"    // the panel does not know the thing named
	Busy      Reason = "busy"       // another operation runs on the licence
	MinTerm   Reason = "min-term"   // before the minimum term
	Money     Reason = "money"      // the balance does not suffice
)

// Why it is not known what was done; of a read, why it gave nothing.
const (
	Timeout     Reason = "timeout"     // no whole answer in time
	Cut         Reason = "cut"         // the answer broke off
	Status      Reason = "status"      // an HTTP status other than 200
	Garbled     Reason = "garbled"     // an answer that is not the panel's, or not one that can be understood
	Maintenance Reason = "maintenance" // a maintenance page stands before the panel
	Captcha     Reason = "captcha"     // a captcha or firewall page stands before the panel
	InProcess   Reason = "in-process"  // the panel says that it is still at it
	Unnamed     Reason = "unnamed"     // the panel took an order, and its answer names no licence
	Unpaid      Reason = "unpaid"      // the panel made an order of it that waits for its payment
)

// Applied is what the panel's whole answer to a change said that took effect.
type Applied struct {
	Code    license.Code // of an order: the new licence
	Expires license.Date // of a renewal: the new expiry, "" where the panel did not say
	Said    string       // the panel's words, fit to show; mostly ""
}

// Refused is a change that did not take effect: the panel said so in a whole
// answer, or the call never left.
type Refused struct {
	Reason  Reason
	Type    string // the panel's error type, "" where it gave none
	Object  string // what the error is about, such as the field; "" where it gave none
	Message string // the panel's words, fit to show; "" where there are none
	Sent    bool   // false: not a byte of the call left
}

// Unknown is a change that may have taken effect. Only reading can tell.
type Unknown struct {
	Reason  Reason
	Message string       // the panel's words, fit to show; "" where there are none
	Code    license.Code // of an order: the new licence, where the answer named it all the same
}

type outcome uint8

const (
	unknown outcome = iota // the zero Result is unknown
	applied
	refused
)

// Result is how a change ended: applied, refused or unknown. It has no fields to
// look at, so that none of the three can be taken for another; [Result.Match]
// takes it apart. The zero Result is unknown.
type Result struct {
	outcome outcome
	applied Applied
	refused Refused
	unknown Unknown
}

// Match calls the one function that fits. All three are required.
func (r Result) Match(onApplied func(Applied), onRefused func(Refused), onUnknown func(Unknown)) {
	switch r.outcome {
	case applied:
		onApplied(r.applied)
	case refused:
		onRefused(r.refused)
	case unknown:
		u := r.unknown
		if u.Reason == "" {
			u.Reason = Timeout // of the zero Result: nothing was heard
		}
		onUnknown(u)
	}
}

// Result wraps a, for tests and fakes of the client's callers.
func (a Applied) Result() Result { return Result{outcome: applied, applied: a} }

// Result wraps r, for tests and fakes of the client's callers.
func (r Refused) Result() Result { return Result{outcome: refused, refused: r} }

// Result wraps u, for tests and fakes of the client's callers.
func (u Unknown) Result() Result { return Result{outcome: unknown, unknown: u} }
