package bot

import (
	"context"
	"errors"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/commands"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// Allow puts an account on the allowlist or changes its person's role, with the
// entry in the audit trail. It is the same for a chat and a shell. A grant that is
// not possible gives a [*requests.MembersError] and changes nothing. What it makes of
// the open questions is for [Bot.MembersChanged], or for the next start.
func Allow(tx *store.Tx, g requests.Grant, by requests.Who) (requests.Granted, error) {
	l, err := tx.Members()
	if err != nil {
		return requests.Granted{}, err
	}
	done, err := requests.Allow(l, g)
	if err != nil || !done.Changed {
		return done, err
	}
	if err := tx.PutMember(done.Member); err != nil {
		return done, err
	}
	detail := string(g.Account) + " as " + done.Member.Person + ": " + g.Role.String()
	if !done.New && done.Before != g.Role {
		detail += ", was " + done.Before.String()
	}
	_, err = tx.Append(requests.Entry{
		Event: requests.EventAllowed, Actor: by.Account, Person: by.Person, Action: "allow", Detail: detail,
	})
	return done, err
}

// Revoke takes a person from the allowlist with all accounts, with the entry in the
// audit trail.
func Revoke(tx *store.Tx, a requests.Account, by requests.Who) (requests.Member, error) {
	l, err := tx.Members()
	if err != nil {
		return requests.Member{}, err
	}
	m, err := requests.Revoke(l, a)
	if err != nil {
		return m, err
	}
	if err := tx.DeleteMember(m.Person); err != nil {
		return m, err
	}
	detail := m.Person + ", was " + m.Role.String()
	for _, acc := range m.Accounts {
		if string(acc) != m.Person {
			detail += ", " + string(acc)
		}
	}
	_, err = tx.Append(requests.Entry{
		Event: requests.EventRevoked, Actor: by.Account, Person: by.Person, Action: "revoke", Detail: detail,
	})
	return m, err
}

// MembersChanged brings the open questions to the allowlist as it is within the
// transaction that has changed it: what they count, and whom they ask.
func (b *Bot) MembersChanged(tx *store.Tx) error {
	all, err := live(tx)
	if err != nil {
		return err
	}
	for _, r := range all {
		if _, _, err := b.step(tx, r, requests.MembersChanged{}, b.Now()); err != nil {
			return err
		}
	}
	return nil
}

// Admit makes the first admins of a store that has none, each a person of their
// own, and says how many there are then.
func Admit(tx *store.Tx, first []requests.Account) (int, error) {
	l, err := tx.Members()
	if err != nil {
		return 0, err
	}
	if n := len(l.AtLeast(requests.Admin)); n > 0 {
		return n, nil
	}
	bot := requests.Who{Account: requests.Bot, Person: string(requests.Bot)}
	for _, a := range first {
		if _, err := Allow(tx, requests.Grant{Account: a, Role: requests.Admin}, bot); err != nil {
			return 0, err
		}
	}
	l, err = tx.Members()
	return len(l.AtLeast(requests.Admin)), err
}

// isAdminChange says whether a command changes what only admins may.
func isAdminChange(c commands.Command) bool {
	switch c.(type) {
	case commands.Allow, commands.Revoke, commands.Settle:
		return true
	}
	return false
}

// adminChange carries out allow, revoke and settle: decided, recorded and answered
// in one transaction.
func (b *Bot) adminChange(ctx context.Context, t store.Task, in chat.Inbound, c commands.Command) {
	err := b.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		members, err := tx.Members()
		if err != nil {
			return err
		}
		// The role counts as it is now, within the transaction.
		if has := members.Role(in.Account); has < requests.Admin {
			if err := tx.DeleteTask(t.ID); err != nil {
				return err
			}
			return b.whisper(tx, in, b.speaker(in).NotAllowed(requests.Admin, has))
		}
		m, err := b.adminAnswer(tx, in, c, members)
		if err != nil {
			return err
		}
		if err := tx.DeleteTask(t.ID); err != nil {
			return err
		}
		return b.whisperPrivately(tx, in, c, m)
	})
	if err != nil {
		b.failed(c.Verb(), "", err)
	}
}

// whisperPrivately answers the asker alone, by a message of their own where the
// place would show the answer to all. That it has come there is said once it has.
func (b *Bot) whisperPrivately(tx *store.Tx, in chat.Inbound, c commands.Command, m chat.Message) error {
	ch, on := b.chats[in.Place.Transport]
	if !on || !private(c) || ch.Whispers(in.Place) {
		return b.whisper(tx, in, m)
	}
	return b.task(tx, taskWhisper, whisper{In: in, Message: m, Direct: true, Since: b.Now()})
}

func (b *Bot) adminAnswer(tx *store.Tx, in chat.Inbound, c commands.Command, members requests.Allowlist) (chat.Message, error) {
	say := b.speaker(in)
	admin, _ := members.Of(in.Account)
	by := requests.Who{Account: in.Account, Person: admin.Person}
	var no *requests.MembersError
	switch c := c.(type) {
	case commands.Allow:
		who := c.Who
		if c.Reply {
			who = in.Reply
		}
		done, err := Allow(tx, requests.Grant{Account: who, Role: c.Grant, As: c.As}, by)
		if errors.As(err, &no) {
			return say.MembersRefused(no), nil
		}
		if err == nil {
			err = b.MembersChanged(tx)
		}
		return say.Allowed(done, who), err
	case commands.Revoke:
		who := c.Who
		if c.Reply {
			who = in.Reply
		}
		m, err := Revoke(tx, who, by)
		if errors.As(err, &no) {
			return say.MembersRefused(no), nil
		}
		if err == nil {
			err = b.MembersChanged(tx)
		}
		return say.Revoked(m), err
	case commands.Settle:
		r, ok, err := tx.Request(c.Request)
		if err != nil || !ok {
			return say.UnknownRequest(), err
		}
		r, step, err := b.step(tx, r, requests.Settled{By: in.Account, Applied: c.Applied}, b.Now())
		if step.Answer.Kind == requests.Accepted {
			return say.Settled(r), err
		}
		return say.Answer(r, step.Answer, admin.Role), err
	}
	return say.WrongButton(), nil
}
