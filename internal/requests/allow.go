package requests

import (
	"fmt"
	"slices"
	"strings"
)

// Grant is what an admin says with "allow WHO ROLE [as NAME]".
type Grant struct {
	Account Account
	Role    Role
	As      string // a person's name or account; "" : whose Account is already, else one called as it is
}

// Granted is what a grant did.
type Granted struct {
	Member  Member
	New     bool // the person was not on the allowlist
	Joined  bool // the account is new to a person who was
	Before  Role // the person's role before, Nobody for a new one
	Changed bool // anything at all
}

// MembersError says why the allowlist was not changed.
type MembersError struct {
	Kind    MembersErrorKind
	Account Account // OtherPerson, NoMember: the account that it is about
	Person  string  // OtherPerson: whose the account is; LastAdmin: who that is
}

// MembersErrorKind is why the allowlist was not changed.
type MembersErrorKind string

// The kinds.
const (
	OtherPerson MembersErrorKind = "other-person" // the account is another person's
	LastAdmin   MembersErrorKind = "last-admin"   // the last admin can be neither revoked nor lowered
	NoMember    MembersErrorKind = "no-member"    // nobody on the allowlist has the account
)

func (e *MembersError) Error() string {
	switch e.Kind {
	case OtherPerson:
		return fmt.Sprintf("%s is %s's already: revoke it first", e.Account, e.Person)
	case LastAdmin:
		return e.Person + " is the last admin: allow another admin first"
	case NoMember:
		return fmt.Sprintf("nobody on the allowlist has the account %s", e.Account)
	}
	return string(e.Kind)
}

// Allow gives the allowlist after a grant, and what it did. Who has no name yet, as
// the first admins, is named by an account of theirs. Names of persons are compared
// without regard to case: two spellings must not make two persons, who could then
// approve each other.
func Allow(l Allowlist, g Grant) (Granted, error) {
	owner, owned := l.Of(g.Account)
	target, exists := owner, owned
	if of, err := ParseAccount(g.As); err == nil {
		m, known := l.Of(of)
		switch {
		case known:
			g.As = m.Person
		case of == g.Account:
			g.As = ""
		default: // nobody is called as another's account
			return Granted{}, &MembersError{Kind: NoMember, Account: of}
		}
	}
	if g.As != "" {
		target, exists = l.called(g.As)
		if owned && (!exists || owner.Person != target.Person) {
			return Granted{}, &MembersError{Kind: OtherPerson, Account: g.Account, Person: owner.Person}
		}
	} else if !owned {
		// A person may carry the account's name although the account is not theirs
		// (any more): joining them silently would hand over their role.
		if p, taken := l.called(string(g.Account)); taken {
			return Granted{}, &MembersError{Kind: OtherPerson, Account: p.Accounts[0], Person: p.Person}
		}
	}
	if !exists {
		name := g.As
		if name == "" {
			name = string(g.Account)
		}
		return Granted{Member: Member{Person: name, Role: g.Role, Accounts: []Account{g.Account}}, New: true, Changed: true}, nil
	}
	if g.Role < Admin && lastAdmin(l, target) {
		return Granted{}, &MembersError{Kind: LastAdmin, Person: target.Person}
	}
	done := Granted{Before: target.Role, Joined: !owned, Changed: !owned || target.Role != g.Role}
	target.Accounts = slices.Clone(target.Accounts)
	if !owned {
		target.Accounts = append(target.Accounts, g.Account)
	}
	target.Role = g.Role
	done.Member = target
	return done, nil
}

// Revoke gives the person whose account it is, to be taken from the allowlist with
// all accounts.
func Revoke(l Allowlist, a Account) (Member, error) {
	m, ok := l.Of(a)
	switch {
	case !ok:
		return Member{}, &MembersError{Kind: NoMember, Account: a}
	case lastAdmin(l, m):
		return Member{}, &MembersError{Kind: LastAdmin, Person: m.Person}
	}
	return m, nil
}

func (l Allowlist) called(name string) (Member, bool) {
	for _, m := range l {
		if strings.EqualFold(m.Person, name) {
			return m, true
		}
	}
	return Member{}, false
}

func lastAdmin(l Allowlist, m Member) bool {
	return m.Role == Admin && len(l.AtLeast(Admin)) == 1
}
