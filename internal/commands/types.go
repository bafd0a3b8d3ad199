// Package commands turns what people type after "/license" into typed commands,
// and says what was wrong where it can't.
//
// One table ([Specs]) names every verb with its usage, an example and the role it
// takes; parsing, help, Telegram's command menu and the documentation are made
// from it. The package is pure: it may know licences, roles and accounts, and has
// no I/O, no clock and no chat. The words for its errors in people's languages are
// made elsewhere, from an [Error]'s kind and fields.
//
// No control or invisible character of the text reaches a [Command] or an [Error].
package commands

import (
	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
)

// Command is one thing that somebody asks for. Its concrete type is one of this
// package's, one for each verb, by value.
type Command interface {
	Verb() string        // as in the table; "" for a Summary
	Role() requests.Role // the least role that may ask for it
}

// Summary is bare text: what waits for the asker and what expires soon.
type Summary struct{}

// Help asks for the verbs, or for one of them; Of is "" or one of the table's.
type Help struct{ Of string }

// WhoAmI asks for the asker's own account.
type WhoAmI struct{}

// List asks for licences that hold all the words; none: for all.
type List struct{ Words []string }

// Show asks for one licence.
type Show struct{ Code license.Code }

// Expiring asks for what expires within so many days, 1 to [MaxDays].
type Expiring struct{ Days int }

// Products asks for the catalogue's rows that hold all the words; none: for all.
type Products struct{ Words []string }

// Pending asks for the open requests.
type Pending struct{}

// History asks for the panel's operations on one licence.
type History struct{ Code license.Code }

// Balance asks for the account's balance.
type Balance struct{}

// Order asks for a new licence. Address is canonical and set exactly where the
// product's family takes one; For is set for modules only.
type Order struct {
	Product   license.Product
	Address   string
	Name      string
	For       license.Code
	Period    license.Period // license.Month unless said
	HasPeriod bool           // it was said
}

// Edit asks for another address or name; at least one of them is set.
type Edit struct {
	Code       license.Code
	Address    string // canonical
	Name       string
	HasAddress bool
	HasName    bool
}

// Nodes asks for another count of nodes, 1 to [MaxNodes].
type Nodes struct {
	Code  license.Code
	Count int
}

// Renew asks for one or more licences to be prolonged: at least one code, at most
// [MaxCodes], none of them twice.
type Renew struct {
	Codes     []license.Code
	Period    license.Period // Month or Year, where HasPeriod
	HasPeriod bool           // not set: the licence's own
}

// Terminate asks for a licence's end.
type Terminate struct{ Code license.Code }

// Members asks for the allowlist.
type Members struct{}

// Allow puts somebody on the allowlist. Where Reply is set, Who is empty and
// stands for the author of the message that the command replies to.
type Allow struct {
	Who   requests.Account
	Reply bool
	Grant requests.Role
	As    string // the person's name, or an account of theirs; "" : as the account is
}

// Revoke takes somebody from the allowlist; Who and Reply are as in [Allow].
type Revoke struct {
	Who   requests.Account
	Reply bool
}

// Audit asks for the audit trail, of one licence where Code is set.
type Audit struct{ Code license.Code }

// Settle says how an uncertain request ended.
type Settle struct {
	Request requests.ID
	Applied bool
}

// The verbs of the commands.

func (Summary) Verb() string   { return "" }
func (Help) Verb() string      { return "help" }
func (WhoAmI) Verb() string    { return "whoami" }
func (List) Verb() string      { return "list" }
func (Show) Verb() string      { return "show" }
func (Expiring) Verb() string  { return "expiring" }
func (Products) Verb() string  { return "products" }
func (Pending) Verb() string   { return "pending" }
func (History) Verb() string   { return "history" }
func (Balance) Verb() string   { return "balance" }
func (Order) Verb() string     { return "order" }
func (Edit) Verb() string      { return "edit" }
func (Nodes) Verb() string     { return "nodes" }
func (Renew) Verb() string     { return "renew" }
func (Terminate) Verb() string { return "terminate" }
func (Members) Verb() string   { return "members" }
func (Allow) Verb() string     { return "allow" }
func (Revoke) Verb() string    { return "revoke" }
func (Audit) Verb() string     { return "audit" }
func (Settle) Verb() string    { return "settle" }

// The roles of the commands; but for the summary's, they are the table's.

func (Summary) Role() requests.Role     { return requests.Viewer }
func (c Help) Role() requests.Role      { return roleOf(c) }
func (c WhoAmI) Role() requests.Role    { return roleOf(c) }
func (c List) Role() requests.Role      { return roleOf(c) }
func (c Show) Role() requests.Role      { return roleOf(c) }
func (c Expiring) Role() requests.Role  { return roleOf(c) }
func (c Products) Role() requests.Role  { return roleOf(c) }
func (c Pending) Role() requests.Role   { return roleOf(c) }
func (c History) Role() requests.Role   { return roleOf(c) }
func (c Balance) Role() requests.Role   { return roleOf(c) }
func (c Order) Role() requests.Role     { return roleOf(c) }
func (c Edit) Role() requests.Role      { return roleOf(c) }
func (c Nodes) Role() requests.Role     { return roleOf(c) }
func (c Renew) Role() requests.Role     { return roleOf(c) }
func (c Terminate) Role() requests.Role { return roleOf(c) }
func (c Members) Role() requests.Role   { return roleOf(c) }
func (c Allow) Role() requests.Role     { return roleOf(c) }
func (c Revoke) Role() requests.Role    { return roleOf(c) }
func (c Audit) Role() requests.Role     { return roleOf(c) }
func (c Settle) Role() requests.Role    { return roleOf(c) }

// roleOf reads a command's role from the table. A verb that is missing there would
// be an admin's, so that a gap never widens a right.
func roleOf(c Command) requests.Role {
	if s, ok := SpecOf(c.Verb()); ok {
		return s.Role
	}
	return requests.Admin
}
