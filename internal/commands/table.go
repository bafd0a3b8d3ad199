package commands

import (
	"strings"

	"github.com/isplicense/license-bot/internal/requests"
)

// Spec is a verb of the language. Verb is also the key under which other languages
// keep their words for it.
type Spec struct {
	Verb    string
	Usage   string        // the whole form, verb first
	Example string        // a command that parses, verb first
	About   string        // what it does, in English: at most 80 characters, no full stop
	Role    requests.Role // the least role that may ask; requests.Nobody: anyone
	Options []string      // the keys of its key=value options, in the usage's order

	freeWords bool // its words are searched for as they are: "=" makes no option
	parse     func(*args) (Command, error)
}

// Specs is the table of all verbs, in the order in which help shows them; the
// slice is the caller's.
func Specs() []Spec {
	return []Spec{
		{
			Verb: "help", Usage: "help [VERB]", Example: "help renew",
			About: "What the bot understands, or how one command is used",
			Role:  requests.Nobody, parse: parseHelp,
		},
		{
			Verb: "whoami", Usage: "whoami", Example: "whoami",
			About: "Your account's id and your role",
			Role:  requests.Nobody, parse: bare(WhoAmI{}),
		},
		{
			Verb: "list", Usage: "list [WORDS]", Example: "list web",
			About: "Licences, or those with the words in name, address or product",
			Role:  requests.Viewer, freeWords: true, parse: parseList,
		},
		{
			Verb: "show", Usage: "show CODE", Example: "show 1001",
			About: "One licence in full",
			Role:  requests.Viewer, parse: parseShow,
		},
		{
			Verb: "expiring", Usage: "expiring [7d]", Example: "expiring 14d",
			About: "What expires within so many days or weeks",
			Role:  requests.Viewer, parse: parseExpiring,
		},
		{
			Verb: "products", Usage: "products [WORDS]", Example: "products ISPmanager 6",
			About: "What can be ordered, with pricelist codes",
			Role:  requests.Viewer, freeWords: true, parse: parseProducts,
		},
		{
			Verb: "pending", Usage: "pending", Example: "pending",
			About: "Requests that wait for somebody or for the panel",
			Role:  requests.Viewer, parse: bare(Pending{}),
		},
		{
			Verb: "history", Usage: "history CODE", Example: "history 1001",
			About: "What was done with a licence",
			Role:  requests.Viewer, parse: parseHistory,
		},
		{
			Verb: "balance", Usage: "balance", Example: "balance",
			About: "The balance of the account at ISPlicense",
			Role:  requests.Viewer, parse: bare(Balance{}),
		},
		{
			Verb:    "order",
			Usage:   "order PRODUCT [ip=IP] [name=NAME] [for=CODE] [period=month|year|lifetime]",
			Example: "order ISPmanager 6 Lite ip=203.0.113.10 name=web1 period=year",
			About:   "Order a licence; PRODUCT is its name or pricelist code",
			Role:    requests.Operator, Options: []string{"ip", "name", "for", "period"}, parse: parseOrder,
		},
		{
			Verb: "edit", Usage: "edit CODE [ip=IP] [name=NAME]",
			Example: "edit 1001 ip=203.0.113.11",
			About:   "Change a licence's address or name",
			Role:    requests.Operator, Options: []string{"ip", "name"}, parse: parseEdit,
		},
		{
			Verb: "nodes", Usage: "nodes CODE COUNT", Example: "nodes 1001 3",
			About: "Change a licence's count of nodes",
			Role:  requests.Operator, parse: parseNodes,
		},
		{
			Verb: "renew", Usage: "renew CODE… [period=month|year]", Example: "renew 1001 1002",
			About: "Renew licences, up to 50 at once",
			Role:  requests.Operator, Options: []string{"period"}, parse: parseRenew,
		},
		{
			Verb: "terminate", Usage: "terminate CODE", Example: "terminate 1001",
			About: "End a licence; an approver has to agree",
			Role:  requests.Operator, parse: parseTerminate,
		},
		{
			Verb: "members", Usage: "members", Example: "members",
			About: "Who may do what",
			Role:  requests.Admin, parse: bare(Members{}),
		},
		{
			Verb: "allow", Usage: "allow WHO ROLE [as NAME]",
			Example: "allow telegram:123456789 operator as Alice",
			About:   "Give somebody a role: viewer, operator, approver or admin",
			Role:    requests.Admin, parse: parseAllow,
		},
		{
			Verb: "revoke", Usage: "revoke WHO", Example: "revoke telegram:123456789",
			About: "Take a person from the allowlist, with all accounts",
			Role:  requests.Admin, parse: parseRevoke,
		},
		{
			Verb: "audit", Usage: "audit [CODE]", Example: "audit 1001",
			About: "The audit trail, of everything or of one licence",
			Role:  requests.Admin, parse: parseAudit,
		},
		{
			Verb: "settle", Usage: "settle REQUEST applied|not", Example: "settle k3x9p2 applied",
			About: "Say how an uncertain request ended",
			Role:  requests.Admin, parse: parseSettle,
		},
	}
}

// SpecOf finds a verb's row, in any case.
func SpecOf(verb string) (Spec, bool) {
	for _, s := range Specs() {
		if strings.EqualFold(s.Verb, verb) {
			return s, true
		}
	}
	return Spec{}, false
}

func verbs() []string {
	var all []string
	for _, s := range Specs() {
		all = append(all, s.Verb)
	}
	return all
}
