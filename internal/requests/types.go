package requests

import (
	"time"

	"github.com/isplicense/license-bot/internal/license"
)

// ID is a request's short id, as people type it: six lower-case letters and digits.
type ID string

// Action is what a request does. All of them change something.
type Action string

// The actions, named as their verbs.
const (
	Order     Action = "order"
	Edit      Action = "edit"
	Nodes     Action = "nodes"
	Renew     Action = "renew"
	Terminate Action = "terminate"
)

// Actions lists every action.
func Actions() []Action { return []Action{Order, Edit, Nodes, Renew, Terminate} }

// Params is what was asked for, as it was typed; which fields count depends on
// the action.
type Params struct {
	Product   int            `json:"product,omitempty"` // order: pricelist code
	Address   string         `json:"address,omitempty"` // order, edit: the new address; "" in an edit: as it is
	Name      string         `json:"name,omitempty"`    // order, edit: the new name; "" in an edit: as it is
	For       license.Code   `json:"for,omitempty"`     // order of a module: the licence that it is for
	Period    license.Period `json:"period,omitempty"`  // order, renew
	HasPeriod bool           `json:"hasPeriod,omitempty"`
	Count     int            `json:"count,omitempty"` // nodes
}

// Facts is what a question shows of one licence. They are read again before the
// call, and where they differ nothing is run.
type Facts struct {
	Family      license.Family `json:"family,omitempty"`
	Name        string         `json:"name,omitempty"`
	Address     string         `json:"address,omitempty"`
	Product     string         `json:"product,omitempty"`
	ProductCode int            `json:"productCode,omitempty"`
	Period      license.Period `json:"period,omitempty"` // of the renewal or order
	Expires     license.Date   `json:"expires,omitempty"`
	After       license.Date   `json:"after,omitempty"` // the expiry after a renewal, by the panel's preview or counted
	Price       string         `json:"price,omitempty"` // "" : could not be read
	Nodes       int            `json:"nodes,omitempty"` // the count now, -1 unknown
	Status      license.Status `json:"status,omitempty"`

	Unknown []license.Field `json:"unknown,omitempty"` // what the panel did not say, neither in its list nor in the licence's form
}

// Change is one fact that differs from what the question showed.
type Change struct {
	Field string `json:"field"` // name, address, product, expiry, price, nodes
	Was   string `json:"was"`
	Now   string `json:"now"`
}

// Reason says why an item ended as it did, or why nothing whole was heard. It is
// what messages choose their words by.
type Reason string

// Why an item was not begun, was refused, or is uncertain.
const (
	// Not begun: nothing was sent.
	ReasonRoleLost   Reason = "role-lost"  // the requester may no longer ask for it
	ReasonVotesLost  Reason = "votes-lost" // an approver is none any more
	ReasonChanged    Reason = "changed"    // not what the question showed
	ReasonGone       Reason = "gone"       // the licence is not there any more
	ReasonStale      Reason = "stale"      // decided too long ago: the bot was off meanwhile
	ReasonUnreadable Reason = "unreadable" // the licence could not be read before the call
	ReasonNotSent    Reason = "not-sent"   // the panel could not be reached; not a byte was sent
	ReasonAuth       Reason = "auth"       // the panel refuses the bot's login
	ReasonTwoFactor  Reason = "two-factor" // the panel wants a second factor of the bot's account
	ReasonForbidden  Reason = "forbidden"  // the account may not do this
	ReasonRefused    Reason = "refused"    // a rule of the panel's, in its own words
	ReasonMissing    Reason = "missing"    // the panel does not know the thing named
	ReasonBusy       Reason = "busy"       // another operation runs on the licence
	ReasonMinTerm    Reason = "min-term"   // before the minimum term
	ReasonMoney      Reason = "money"      // the balance does not suffice
	// Uncertain: something was sent and no whole answer came.
	ReasonTimeout     Reason = "timeout"     // no answer in time
	ReasonCut         Reason = "cut"         // the answer broke off
	ReasonStatus      Reason = "status"      // an HTTP status other than 200
	ReasonGarbled     Reason = "garbled"     // an answer that is not the panel's
	ReasonMaintenance Reason = "maintenance" // a maintenance page stands before the panel
	ReasonCaptcha     Reason = "captcha"     // a captcha or firewall page stands before the panel
	ReasonInProcess   Reason = "in-process"  // the panel says that it is still at it
	ReasonUnnamed     Reason = "unnamed"     // the panel took an order and named no licence
	ReasonUnpaid      Reason = "unpaid"      // an order that was left unpaid
	ReasonKilled      Reason = "killed"      // the bot was stopped after the call had begun
)

// taken says whether the panel said that it took the call: that nothing shows of it
// yet then never means that nothing comes.
func (r Reason) taken() bool {
	return r == ReasonInProcess || r == ReasonUnnamed || r == ReasonUnpaid
}

// ItemState is where one licence of a request stands.
type ItemState string

// The states of an item.
const (
	Waiting  ItemState = "waiting"  // for the decision
	Checking ItemState = "checking" // decided; the licence is read again
	Started  ItemState = "started"  // the call's beginning is recorded; its answer is awaited
	Looking  ItemState = "looking"  // no whole answer; being found out by reading
	Applied  ItemState = "applied"  // it took effect
	Not      ItemState = "not"      // it did not
	Unknown  ItemState = "unknown"  // reading could not tell; people decide
	Dropped  ItemState = "dropped"  // the request ended before anything was begun
)

// Source is how an item's end is known.
type Source string

// The sources.
const (
	FromPanel  Source = "panel"  // its answer to the call
	FromLook   Source = "look"   // found by reading afterwards
	FromPerson Source = "person" // an admin settled it
	FromRules  Source = "rules"  // our own: it was not begun
)

// Before is what was read just before the call, for finding out afterwards.
type Before struct {
	Expires license.Date   `json:"expires,omitempty"`
	Name    string         `json:"name,omitempty"`
	Address string         `json:"address,omitempty"`
	Nodes   int            `json:"nodes,omitempty"`
	Codes   []license.Code `json:"codes,omitempty"` // order: those that could be taken for it
}

// Item is one licence of a request.
type Item struct {
	Code    license.Code `json:"code,omitempty"` // an order's is empty until the panel has given one
	Facts   Facts        `json:"facts"`
	State   ItemState    `json:"state"`
	Source  Source       `json:"source,omitempty"`
	Reason  Reason       `json:"reason,omitempty"`
	Said    string       `json:"said,omitempty"` // the panel's own words, as it gave them
	Changes []Change     `json:"changes,omitempty"`
	Before  Before       `json:"before,omitzero"`
	Expires license.Date `json:"expires,omitempty"` // the expiry afterwards, where it is known
	Doubt   bool         `json:"doubt,omitempty"`   // the effect was found but may be somebody else's

	StartedAt  time.Time `json:"startedAt,omitzero"`
	LookUntil  time.Time `json:"lookUntil,omitzero"`  // "not" may not be said before
	WatchUntil time.Time `json:"watchUntil,omitzero"` // late effects are looked for until then
	Looks      int       `json:"looks,omitempty"`     // reads since it became uncertain
	Tries      int       `json:"tries,omitempty"`     // reads in a row that failed
	Recheck    bool      `json:"recheck,omitempty"`   // a person asked to look again and waits to be told
	Rechecked  time.Time `json:"rechecked,omitzero"`  // when that was last done in vain
	Held       bool      `json:"held,omitempty"`      // a later call for the same is under way: what shows now may be its effect
	Later      int       `json:"later,omitempty"`     // such calls that took effect
	SettledBy  Account   `json:"settledBy,omitempty"` // with Source FromPerson
}

// Open says whether the item can still come to something: the same action on the
// same licence is not asked twice while it is.
func (i Item) Open() bool {
	switch i.State {
	case Waiting, Checking, Started, Looking, Unknown:
		return true
	case Applied, Not, Dropped:
	}
	return false
}

// Ended says whether the item's end can be reported, be it that it is not known.
func (i Item) Ended() bool {
	switch i.State {
	case Applied, Not, Unknown:
		return true
	case Waiting, Checking, Started, Looking, Dropped:
	}
	return false
}

// State is where a whole request stands.
type State string

// The states of a request.
const (
	Proposed  State = "proposed"
	Running   State = "running"
	Done      State = "done"
	Cancelled State = "cancelled"
	Denied    State = "denied"
	Expired   State = "expired"
)

// Who is an account and the person whose it was at that moment.
type Who struct {
	Account Account `json:"account"`
	Person  string  `json:"person"`
}

// Vote is one person's approval.
type Vote struct {
	Who
	At time.Time `json:"at"`
}

// Request is a question and all that came of it.
type Request struct {
	ID        ID        `json:"id"`
	Version   int       `json:"version"` // counts what its messages show: each change of that is one more
	Action    Action    `json:"action"`
	Params    Params    `json:"params"`
	Items     []Item    `json:"items"`
	By        Who       `json:"by"`
	Need      int       `json:"need,omitempty"` // approvals by others; 0: the requester's own confirmation
	Votes     []Vote    `json:"votes,omitempty"`
	Approvers []Member  `json:"approvers,omitempty"` // whose approval can still be had; none once it is decided
	State     State     `json:"state"`
	Asked     time.Time `json:"asked"`
	Deadline  time.Time `json:"deadline"`
	Decided   Vote      `json:"decided,omitzero"`  // who ended the question, when; Account is Bot for a deadline
	Balance   string    `json:"balance,omitempty"` // as the question showed it; "" : could not be read
	Where     string    `json:"where"`             // the place and message it was asked from; opaque here
	Follows   ID        `json:"follows,omitempty"` // the request whose facts had changed
}

// Open says whether anything can still come of the request.
func (r Request) Open() bool {
	for _, i := range r.Items {
		if i.Open() {
			return true
		}
	}
	return false
}

// Stuck says whether the request waits for more approvals than there are people on
// the allowlist who can still give one.
func (r Request) Stuck() bool {
	return r.State == Proposed && len(r.Approvers) < r.Need-len(r.Votes)
}

// AuditEvent names an entry of the audit trail.
type AuditEvent string

// The events of the audit trail, to the letter of the contract.
const (
	EventProposed  AuditEvent = "proposed"
	EventConfirmed AuditEvent = "confirmed"
	EventApproved  AuditEvent = "approved"
	EventDenied    AuditEvent = "denied"
	EventCancelled AuditEvent = "cancelled"
	EventExpired   AuditEvent = "expired"
	EventRefused   AuditEvent = "refused"
	EventStarted   AuditEvent = "started"
	EventSucceeded AuditEvent = "succeeded"
	EventFailed    AuditEvent = "failed"
	EventUncertain AuditEvent = "uncertain"
	EventSettled   AuditEvent = "settled"
	EventAllowed   AuditEvent = "allowed"
	EventRevoked   AuditEvent = "revoked"
)

// Entry is one line of the audit trail. The store gives Seq, Time, Prev and Hash;
// the order of the fields is the order in which they are hashed.
type Entry struct {
	Seq     uint64     `json:"seq"`
	Time    time.Time  `json:"time"`
	Event   AuditEvent `json:"event"`
	Request ID         `json:"request"`
	Actor   Account    `json:"actor"`
	Person  string     `json:"person"`
	Action  string     `json:"action"`
	License string     `json:"license"`
	Detail  string     `json:"detail"`
	Prev    string     `json:"prev"`
	Hash    string     `json:"hash,omitempty"`
}
