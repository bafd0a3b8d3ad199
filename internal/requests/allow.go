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
	As      string // "" : the person whose the account is already, else one called as the account
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
	Kind   MembersErrorKind
	Person string // OtherPerson: whose the account is; LastAdmin: who that is
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
		return fmt.Sprintf("the account is %s's already: revoke it first", e.Person)
	case LastAdmin:
		return e.Person + " is the last admin: allow another admin first"
	case NoMember:
		return "nobody on the allowlist has that account"
	}
	return string(e.Kind)
}

// Allow gives the allowlist after a grant, and what it did. Names of persons are
// compared without regard to case: two spellings must not make two persons, who
// could then approve each other.
func Allow(l Allowlist, g Grant) (Granted, error) {
	owner, owned := l.Of(g.Account)
	target, exists := owner, owned
	if g.As != "" {
		target, exists = l.called(g.As)
		if owned && (!exists || owner.Person != target.Person) {
			return Granted{}, &MembersError{Kind: OtherPerson, Person: owner.Person}
		}
	} else if !owned {
		// A person may carry the account's name although the account is not theirs
		// (any more): joining them silently would hand over their role.
		if p, taken := l.called(string(g.Account)); taken {
			return Granted{}, &MembersError{Kind: OtherPerson, Person: p.Person}
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
		return Member{}, &MembersError{Kind: NoMember}
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
