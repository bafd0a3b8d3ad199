package requests

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/isplicense/license-bot/internal/license"
)

// Draft is a request that has been asked for and whose facts have been read.
type Draft struct {
	ID      ID
	Action  Action
	Params  Params
	Items   []Item // Code and Facts
	By      Account
	Balance string
	Where   string
	Follows ID
}

// Refusal says why a request may not be asked. The zero Refusal is none.
type Refusal struct {
	Kind      RefusalKind
	Need      Role // RefusedRole: what it takes
	Has       Role // RefusedRole: what the asker is
	Approvals int  // RefusedNobody: how many it needs
	Approvers int  // RefusedNobody: how many could give one
}

// RefusalKind is why a request may not be asked.
type RefusalKind string

// The refusals.
const (
	RefusedStranger RefusalKind = "stranger"
	RefusedRole     RefusalKind = "role"
	RefusedNobody   RefusalKind = "nobody"
)

// MayAsk says whether the account may ask for the action now, and whether there is
// anybody who could approve it.
func MayAsk(a Account, action Action, k Known) Refusal {
	m, ok := k.Members.Of(a)
	switch {
	case !ok:
		return Refusal{Kind: RefusedStranger}
	case m.Role < Operator:
		return Refusal{Kind: RefusedRole, Need: Operator, Has: m.Role}
	}
	need, have := k.Rules.Approvals[action], len(Approvers(Who{Account: a, Person: m.Person}, k.Members))
	if have < need {
		return Refusal{Kind: RefusedNobody, Approvals: need, Approvers: have}
	}
	return Refusal{}
}

// Approvers is everybody who may approve what was asked by somebody.
func Approvers(by Who, l Allowlist) []Member {
	return slices.DeleteFunc(l.AtLeast(Approver), func(m Member) bool { return isOwn(by, m) })
}

// Propose makes a request of a draft, or refuses it. Either way the step has the
// entry for the audit trail.
func Propose(d Draft, k Known) (Step, Refusal) {
	m, _ := k.Members.Of(d.By)
	r := Request{
		ID: d.ID, Action: d.Action, Params: d.Params, Items: slices.Clone(d.Items),
		By: Who{Account: d.By, Person: m.Person}, Need: k.Rules.Approvals[d.Action],
		State: Proposed, Asked: k.Now, Balance: d.Balance, Where: d.Where, Follows: d.Follows,
	}
	ttl := k.Rules.ConfirmTTL
	if r.Need > 0 {
		ttl = k.Rules.ApprovalTTL
		r.Approvers = Approvers(r.By, k.Members)
	}
	r.Deadline = k.Now.Add(ttl)
	s := &step{Step: Step{Request: r}, k: k}
	for i := range r.Items {
		s.item(i).State = Waiting
	}
	if no := MayAsk(d.By, d.Action, k); no.Kind != "" {
		s.log(EventRefused, r.By, -1, no.describe())
		return s.Step, no
	}
	s.log(EventProposed, r.By, -1, r.describeAll())
	s.do(Effect{Do: DoAsk})
	return s.Step, Refusal{}
}

// describe is the refusal for the audit trail.
func (f Refusal) describe() string {
	switch f.Kind {
	case RefusedStranger:
		return "not on the allowlist"
	case RefusedRole:
		return fmt.Sprintf("needs %s, is %s", f.Need, f.Has)
	case RefusedNobody:
		return fmt.Sprintf("needs %d approvals by others, %d could give one", f.Approvals, f.Approvers)
	}
	return ""
}

// RefusedEntry is the audit trail's entry of something that was refused before
// there was a request.
func RefusedEntry(a Account, action, codes string, f Refusal, k Known) Entry {
	m, _ := k.Members.Of(a)
	return Entry{Event: EventRefused, Actor: a, Person: m.Person, Action: action, License: codes, Detail: f.describe()}
}

// GuardKeys names what may be open only once: the action on each licence, or the
// order of the same product, address, name and licence that it is for.
func GuardKeys(a Action, p Params, codes []license.Code) []string {
	if a == Order {
		return []string{fmt.Sprintf("order/%d/%s/%q/%s", p.Product, p.Address, p.Name, p.For)}
	}
	keys := make([]string, len(codes))
	for i, c := range codes {
		keys[i] = GuardKey(a, c)
	}
	return keys
}

// GuardKey names an action on one licence.
func GuardKey(a Action, c license.Code) string { return string(a) + "/" + string(c) }

// OpenGuards gives the keys that the request holds now.
func (r Request) OpenGuards() []string {
	if r.Action == Order {
		if !r.Open() {
			return nil
		}
		return GuardKeys(Order, r.Params, nil)
	}
	var keys []string
	for _, it := range r.Items {
		if it.Open() {
			keys = append(keys, GuardKey(r.Action, it.Code))
		}
	}
	return keys
}

// describeAll is what the request does, for the audit trail; of several licences
// each with its code.
func (r Request) describeAll() string {
	if len(r.Items) == 1 {
		return r.describe(0)
	}
	parts := make([]string, len(r.Items))
	for i, it := range r.Items {
		parts[i] = string(it.Code) + ": " + r.describe(i)
	}
	return strings.Join(parts, "; ")
}

// describe is what the request does to item i, for the audit trail.
func (r Request) describe(i int) string {
	f := r.Items[i].Facts
	var parts []string
	add := func(label, value string) {
		if value != "" {
			parts = append(parts, label+" "+value)
		}
	}
	switch r.Action {
	case Renew:
		add("for a", f.Period.String())
		add("expires", string(f.Expires))
	case Order:
		add("product", strconv.Itoa(r.Params.Product)+" "+f.Product)
		add("for a", r.Params.Period.String())
		add("ip", r.Params.Address)
		add("name", r.OrderName(f.Family))
		add("for licence", string(r.Params.For))
	case Edit:
		add("ip", r.Params.Address)
		add("name", r.Params.Name)
	case Nodes:
		add("nodes", strconv.Itoa(r.Params.Count))
	case Terminate:
		add("name", f.Name)
		add("ip", f.Address)
	}
	add("price", f.Price)
	return strings.Join(parts, ", ")
}

func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

// Differences lists what is not as the question showed it. What the question could
// not show is not compared.
func Differences(a Action, shown, now Facts) []Change {
	var c []Change
	compare := func(field, was, is string) {
		if was != "" && was != is {
			c = append(c, Change{Field: field, Was: was, Now: is})
		}
	}
	compare("name", shown.Name, now.Name)
	if !license.SameAddress(shown.Address, now.Address) {
		compare("address", shown.Address, now.Address)
	}
	compare("product", shown.Product, now.Product)
	compare("expiry", string(shown.Expires), string(now.Expires))
	if !license.SamePrice(shown.Price, now.Price) {
		compare("price", shown.Price, now.Price)
	}
	if a == Nodes {
		compare("nodes", countText(shown.Nodes), countText(now.Nodes))
	}
	return c
}

func countText(n int) string {
	if n < 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func describeChanges(cs []Change) string {
	parts := make([]string, len(cs))
	for i, c := range cs {
		parts[i] = fmt.Sprintf("%s was %s, is %s", c.Field, c.Was, c.Now)
	}
	return strings.Join(parts, ", ")
}
