package main

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/commands"
	"github.com/isplicense/license-bot/internal/control"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/settings"
)

const membersHelp = `  list                       who may do what: person, role and accounts
  allow WHO ROLE [as NAME]   give somebody a role, or another one
  revoke WHO                 take a person from the allowlist, with all accounts

WHO is slack:TEAM/USER or telegram:ID. ROLE is viewer, operator, approver or admin,
each with all that stands before it. as NAME says that several accounts are one
person, whom an account of theirs names too. The audit trail has who did it, as
shell:USER.
`

func runMembers(ctx context.Context, e env) int {
	if len(e.args) == 0 {
		return e.misused("say what to do: list, allow or revoke; see bot members --help")
	}
	switch strings.ToLower(e.args[0]) { // as in chat
	case "list":
		if code, ok := e.nothing("members", e.args[1:]); !ok {
			return code
		}
		return e.withStore(func(s control.Store, _ settings.Settings) error { return e.listMembers(ctx, s) })
	case "allow", "revoke":
		return e.changeMembers(ctx)
	}
	return e.misused("%s; see bot members --help", unknown("command", e.args[0], []string{"list", "allow", "revoke"}))
}

// listMembers writes everybody, a line each: a chat has no room for all, a shell has.
func (e env) listMembers(ctx context.Context, s control.Store) error {
	all, err := s.Members(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		fmt.Fprintln(e.stderr, "bot: nobody is on the allowlist yet; bot members allow WHO admin begins it")
	}
	for _, m := range all {
		var accounts []string
		for _, a := range m.Accounts {
			accounts = append(accounts, string(a))
		}
		if _, err := fmt.Fprintf(e.stdout, "%s · %s · %s\n", m.Person, m.Role, strings.Join(accounts, ", ")); err != nil {
			return err
		}
	}
	return nil
}

// changeMembers carries out allow and revoke, read as in chat.
func (e env) changeMembers(ctx context.Context) int {
	words := make([]string, len(e.args))
	for i, w := range e.args {
		words[i] = commands.Quote(w)
	}
	c, err := commands.Parse(strings.Join(words, " "), commands.Options{})
	if err != nil {
		return e.misused("%v", err)
	}
	return e.withStore(func(s control.Store, set settings.Settings) error {
		say := chat.NewSpeaker("en", set.TimeZone.Location)
		var m chat.Message
		switch c := c.(type) {
		case commands.Allow:
			done, err := s.Allow(ctx, requests.Grant{Account: c.Who, Role: c.Grant, As: c.As}, shellUser())
			if err != nil {
				return err
			}
			m = say.Allowed(done, c.Who)
		case commands.Revoke:
			gone, err := s.Revoke(ctx, c.Who, shellUser())
			if err != nil {
				return err
			}
			m = say.Revoked(gone)
		}
		_, err := fmt.Fprint(e.stdout, chat.PlainText(m))
		return err
	})
}

// shellUser is who is at the shell, as the audit trail names them.
func shellUser() requests.Account {
	name := strconv.Itoa(os.Geteuid())
	// A container's image may have no list of users.
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	return requests.Account("shell:" + name)
}
