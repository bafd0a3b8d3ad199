package control

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/isplicense/license-bot/internal/requests"
)

// The protocol's version stands before every path.
const (
	pathMembers = "/v1/members"
	pathAllow   = "/v1/members/allow"
	pathRevoke  = "/v1/members/revoke"
	pathAudit   = "/v1/audit"
	pathBackup  = "/v1/backup"
)

// maxBody is the size of a question, in bytes; a name is the longest thing in one.
const maxBody = 16 << 10

// unreadable is the line that stands for an entry of the audit trail that cannot be
// read: no entry, wherever the trail is read back.
const unreadable = "unreadable\n"

type change struct {
	Account requests.Account `json:"account"`
	Role    requests.Role    `json:"role,omitempty"` // allow
	As      string           `json:"as,omitempty"`   // allow
	By      requests.Account `json:"by"`
}

// isShell says whether it is shell:USER, USER being 1 to 64 characters that can be seen.
// (As a regular expression that takes a fifth of the bot's start to compile.)
func isShell(a requests.Account) bool {
	user, ok := strings.CutPrefix(string(a), "shell:")
	n := utf8.RuneCountInString(user)
	return ok && n >= 1 && n <= 64 && !strings.ContainsFunc(user, func(r rune) bool { return unicode.In(r, unicode.C, unicode.Z) })
}

// check refuses what no verb of ours says.
func (c change) check(allow bool) error {
	if _, err := requests.ParseAccount(string(c.Account)); err != nil {
		return err
	}
	if !isShell(c.By) {
		return errors.New("only a shell changes the allowlist here: shell:USER")
	}
	if allow && (c.Role < requests.Viewer || c.Role > requests.Admin) {
		return errors.New("a role is viewer, operator, approver or admin")
	}
	return nil
}

// refusal is the answer where something was not done.
type refusal struct {
	Error   string                    `json:"error"`
	Kind    requests.MembersErrorKind `json:"kind,omitempty"` // of a MembersError
	Account requests.Account          `json:"account,omitempty"`
	Person  string                    `json:"person,omitempty"`
}

func refuse(err error) refusal {
	if no, ok := errors.AsType[*requests.MembersError](err); ok {
		return refusal{Error: no.Error(), Kind: no.Kind, Account: no.Account, Person: no.Person}
	}
	return refusal{Error: err.Error()}
}

func (r refusal) err() error {
	if r.Kind != "" {
		return &requests.MembersError{Kind: r.Kind, Account: r.Account, Person: r.Person}
	}
	return fmt.Errorf("the running bot: %s", r.Error)
}
