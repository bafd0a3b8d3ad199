package requests

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Account is one identity in one chat, by immutable ids: "slack:TEAM/USER" or
// "telegram:ID". What the bot does by itself has [Bot], a shell "shell:USER".
type Account string

// Bot is the actor of what the bot does by itself.
const Bot Account = "bot"

var accountForm = regexp.MustCompile(`^(slack:[TE][A-Z0-9]{1,30}/[UW][A-Z0-9]{1,30}|telegram:[1-9][0-9]{0,18})$`)

// isShared says whether Telegram shows many people under the account: anonymous
// admins of any group (GroupAnonymousBot), people who write as a channel
// (Channel_Bot), and posts of a linked channel. It is nobody's.
func isShared(a Account) bool {
	switch a {
	case "telegram:1087968824", "telegram:136817688", "telegram:777000":
		return true
	}
	return false
}

// ParseAccount reads "slack:TEAM/USER" or "telegram:ID".
func ParseAccount(s string) (Account, error) {
	if !accountForm.MatchString(s) {
		return "", fmt.Errorf("%q is no account: write slack:TEAM/USER or telegram:ID", s)
	}
	if isShared(Account(s)) {
		return "", fmt.Errorf("%s stands for many people and can be nobody's account", s)
	}
	return Account(s), nil
}

// Transport is the part before the colon: "slack", "telegram", "shell", "bot".
func (a Account) Transport() string {
	t, _, _ := strings.Cut(string(a), ":")
	return t
}

// Role is what a person may do; each holds all that stand before it.
type Role int

// The roles, in their order.
const (
	Nobody Role = iota
	Viewer
	Operator
	Approver
	Admin
)

var roleNames = [...]string{"nobody", "viewer", "operator", "approver", "admin"}

// ParseRole reads viewer, operator, approver or admin in any case.
func ParseRole(s string) (Role, error) {
	for i, n := range roleNames {
		if i > 0 && strings.EqualFold(s, n) {
			return Role(i), nil
		}
	}
	return Nobody, errors.New("a role is viewer, operator, approver or admin")
}

// String is the role's word in the command language.
func (r Role) String() string {
	if r < 0 || int(r) >= len(roleNames) {
		return "nobody"
	}
	return roleNames[r]
}

// MarshalText writes the role's word.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the role's word.
func (r *Role) UnmarshalText(b []byte) error {
	if string(b) == "nobody" {
		*r = Nobody
		return nil
	}
	var err error
	*r, err = ParseRole(string(b))
	return err
}

// Member is a person on the allowlist. The role is the person's, from whichever
// account they act.
type Member struct {
	Person   string    `json:"person"`
	Role     Role      `json:"role"`
	Accounts []Account `json:"accounts"`
}

func (m Member) equal(o Member) bool {
	return m.Person == o.Person && m.Role == o.Role && slices.Equal(m.Accounts, o.Accounts)
}

// Allowlist is everybody who may do anything, in order of Person.
type Allowlist []Member

// Of gives the person whose account it is.
func (l Allowlist) Of(a Account) (Member, bool) {
	for _, m := range l {
		if slices.Contains(m.Accounts, a) {
			return m, true
		}
	}
	return Member{}, false
}

// Role is the account's role now, Nobody for a stranger.
func (l Allowlist) Role(a Account) Role {
	m, _ := l.Of(a)
	return m.Role
}

// AtLeast gives the persons with the role or a higher one.
func (l Allowlist) AtLeast(r Role) []Member {
	var found []Member
	for _, m := range l {
		if m.Role >= r {
			found = append(found, m)
		}
	}
	return found
}
