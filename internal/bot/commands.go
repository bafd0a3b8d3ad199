package bot

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/commands"
	"github.com/isplicense/license-bot/internal/isplicense"
	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// runCommand carries out what was typed. The task stays in the store until its
// answer or its question is recorded there: a kill in between begins it again, and
// nothing that it does before has an effect outside.
func (b *Bot) runCommand(ctx context.Context, t store.Task, in chat.Inbound) {
	say := b.speaker(in)
	var members requests.Allowlist
	err := b.Store.View(func(tx *store.Tx) error {
		var err error
		members, err = tx.Members()
		return err
	})
	if err != nil {
		b.replace(ctx, t, in, say.CouldNotCheck())
		return
	}
	c, err := commands.Parse(in.Text, commands.Options{Reply: in.Reply != ""})
	_, member := members.Of(in.Account)
	switch {
	case !member:
		b.refuseStranger(ctx, t, in, c, members)
		return
	case err != nil:
		var wrong *commands.Error
		if !errors.As(err, &wrong) {
			wrong = &commands.Error{}
		}
		m := say.SayError(wrong)
		// Whoever may not ask for it is told so, not how to write it.
		if spec, ok := commands.SpecOf(wrong.Verb); ok && members.Role(in.Account) < spec.Role {
			m = say.NotAllowed(spec.Role, members.Role(in.Account))
		}
		b.replace(ctx, t, in, m)
		return
	}
	if w, ok := wishOf(in, c); ok {
		b.ask(ctx, t, w)
		return
	}
	if has := members.Role(in.Account); has < c.Role() {
		b.refuseRole(ctx, t, in, c, has)
		return
	}
	if isAdminChange(c) {
		b.adminChange(ctx, t, in, c)
		return
	}
	m := b.readCommand(ctx, in, c, members)
	if ctx.Err() != nil {
		return // the bot stops: the next start answers
	}
	b.answer(ctx, t, in, c, m)
}

// answer ends a task with what was read. What only one person should see goes to
// them in private where the place would show it to all.
func (b *Bot) answer(ctx context.Context, t store.Task, in chat.Inbound, c commands.Command, m chat.Message) {
	err := b.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if err := tx.DeleteTask(t.ID); err != nil {
			return err
		}
		return b.whisperPrivately(tx, in, c, m)
	})
	if err != nil {
		b.failed(t.Kind, "", err)
	}
}

// private says of a command that its answer is for the asker's eyes.
func private(c commands.Command) bool {
	switch c.(type) {
	case commands.Members, commands.Audit, commands.Balance, commands.Allow, commands.Revoke:
		return true
	}
	return false
}

func (b *Bot) refuseStranger(ctx context.Context, t store.Task, in chat.Inbound, c commands.Command, members requests.Allowlist) {
	if w, ok := wishOf(in, c); ok {
		b.refuse(ctx, t, w, requests.Refusal{Kind: requests.RefusedStranger})
		return
	}
	m := b.speaker(in).Stranger(in.Account, members.AtLeast(requests.Admin))
	b.refuseCommand(ctx, t, in, c, requests.Refusal{Kind: requests.RefusedStranger}, m)
}

func (b *Bot) refuseRole(ctx context.Context, t store.Task, in chat.Inbound, c commands.Command, has requests.Role) {
	no := requests.Refusal{Kind: requests.RefusedRole, Need: c.Role(), Has: has}
	b.refuseCommand(ctx, t, in, c, no, b.speaker(in).NotAllowed(c.Role(), has))
}

// refuseCommand refuses what asks for no request; what would have changed something
// is in the audit trail.
func (b *Bot) refuseCommand(ctx context.Context, t store.Task, in chat.Inbound, c commands.Command, no requests.Refusal, m chat.Message) {
	if !isAdminChange(c) {
		b.replace(ctx, t, in, m)
		return
	}
	err := b.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		k, err := b.known(tx)
		if err != nil {
			return err
		}
		if _, err := tx.Append(requests.RefusedEntry(in.Account, c.Verb(), "", no, k)); err != nil {
			return err
		}
		if err := tx.DeleteTask(t.ID); err != nil {
			return err
		}
		return b.whisper(tx, in, m)
	})
	if err != nil {
		b.failed(t.Kind, "", err)
	}
}

// readCommand answers a command that only reads.
func (b *Bot) readCommand(ctx context.Context, in chat.Inbound, c commands.Command, members requests.Allowlist) chat.Message {
	say := b.speaker(in)
	m, err := b.readAnswer(ctx, say, in, c, members)
	var se *storeError
	switch {
	case err == nil:
		return m
	case errors.As(err, &se):
		b.failed("reading", "", err)
		return say.Broken()
	}
	why, _ := readFailed(err)
	b.Log.Warn("panel not readable", "command", c.Verb(), "why", why)
	return say.PanelDown(why, b.Panel.State().Until)
}

// storeError is a failure of the store, as against one of the panel.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

func (b *Bot) readAnswer(ctx context.Context, say *chat.Speaker, in chat.Inbound, c commands.Command, members requests.Allowlist) (chat.Message, error) {
	me, known := members.Of(in.Account)
	switch c := c.(type) {
	case commands.Help:
		return say.Help(commands.Specs(), me.Role, c.Of), nil
	case commands.WhoAmI:
		return say.WhoAmI(in.Account, me, known), nil
	case commands.Products:
		return say.Products(license.FindProducts(c.Words...), c.Words), nil
	case commands.Members:
		return say.Members(members), nil
	case commands.Summary:
		return b.summary(ctx, say, me)
	case commands.Pending:
		open, err := b.open(func(requests.Request) bool { return true })
		return say.Pending(open, b.Now()), err
	case commands.Audit:
		return b.audit(say, c.Code)
	case commands.List:
		all, err := b.Panel.Inventory(ctx)
		found := matching(all, c.Words)
		return say.List(found, c.Words), err
	case commands.Expiring:
		all, err := b.Panel.Inventory(ctx)
		return say.Expiring(due(all, b.today(), c.Days), c.Days, b.today()), err
	case commands.Show:
		return b.show(ctx, say, c.Code)
	case commands.History:
		return b.history(ctx, say, c.Code)
	case commands.Balance:
		s, err := b.Panel.Balance(ctx)
		return say.Balance(s), err
	}
	return chat.Message{}, errors.New("a command without an answer: " + c.Verb())
}

// today is the day in the zone in which people are told of days.
func (b *Bot) today() license.Date { return license.DateOf(b.Now().In(b.Zone)) }

func (b *Bot) show(ctx context.Context, say *chat.Speaker, code license.Code) (chat.Message, error) {
	l, err := b.Panel.License(ctx, code)
	if errors.Is(err, isplicense.ErrNotFound) {
		return say.NoLicence(code), nil
	}
	if err != nil {
		return chat.Message{}, err
	}
	nodes := -1
	if p, ok := license.ProductByCode(l.ProductCode); ok && p.Node > 0 {
		// Without the form all else can still be shown.
		if form, err := b.Panel.Form(ctx, l); err == nil {
			nodes = form.Nodes
		}
	}
	return say.Show(l, nodes), nil
}

func (b *Bot) history(ctx context.Context, say *chat.Speaker, code license.Code) (chat.Message, error) {
	entries, err := b.Panel.History(ctx, code)
	if errors.Is(err, isplicense.ErrNotFound) {
		return say.NoLicence(code), nil
	}
	ops := make([]chat.Operation, len(entries))
	for i, e := range entries {
		ops[i] = chat.Operation{When: e.When, What: e.What, Who: e.Who}
	}
	return say.History(code, ops), err
}

// audited is how much of the audit trail is shown in a chat.
const audited = 20

func (b *Bot) audit(say *chat.Speaker, code license.Code) (chat.Message, error) {
	var shown []requests.Entry
	more := 0
	err := b.Store.View(func(tx *store.Tx) error {
		if code != "" {
			all, err := tx.EntriesOf(string(code))
			more = max(0, len(all)-audited)
			shown = all[more:]
			return err
		}
		last, _, err := tx.Head()
		if err != nil {
			return err
		}
		from := uint64(1)
		if last > audited {
			from = last - audited + 1
		}
		more = int(from - 1)
		return tx.Entries(from, func(e requests.Entry) error {
			shown = append(shown, e)
			return nil
		})
	})
	if err != nil {
		return chat.Message{}, &storeError{err}
	}
	return say.AuditLines(shown, code, more), nil
}

// summary is what bare "/license" tells.
func (b *Bot) summary(ctx context.Context, say *chat.Speaker, me requests.Member) (chat.Message, error) {
	v := chat.SummaryView{Now: b.Now(), Today: b.today(), MayAsk: me.Role >= requests.Operator}
	open, err := b.open(func(r requests.Request) bool { return waitsFor(r, me) || r.IsOwn(me) })
	if err != nil {
		return chat.Message{}, err
	}
	for _, o := range open {
		if waitsFor(o.Request, me) {
			v.Waiting = append(v.Waiting, o)
		} else {
			v.Yours = append(v.Yours, o)
		}
	}
	all, err := b.Panel.Inventory(ctx)
	if err != nil {
		v.Unread, _ = readFailed(err)
	}
	v.Due = due(all, v.Today, soon)
	return say.Summary(v), nil
}

// soon is how many days ahead bare "/license" looks.
const soon = 7

// waitsFor says whether the request waits for a word of the person: for their
// confirmation or approval, or, where nobody knows what came of it, for what they can
// do about that.
func waitsFor(r requests.Request, m requests.Member) bool {
	switch {
	case r.State != requests.Proposed:
		unknown := slices.ContainsFunc(r.Items, func(i requests.Item) bool { return i.State == requests.Unknown })
		return unknown && (r.IsOwn(m) || m.Role >= requests.Admin)
	case r.Need == 0:
		return r.AskedBy(m)
	}
	return slices.ContainsFunc(r.Approvers, func(a requests.Member) bool { return a.Person == m.Person })
}

// open gives the open requests, the oldest first.
func (b *Bot) open(which func(requests.Request) bool) ([]chat.Open, error) {
	var found []chat.Open
	err := b.Store.View(func(tx *store.Tx) error {
		return tx.EachOpen(func(r requests.Request) error {
			if !r.Open() || !which(r) {
				return nil
			}
			link, _, err := b.link(tx, r.ID)
			found = append(found, chat.Open{Request: r, Link: link})
			return err
		})
	})
	if err != nil {
		return nil, &storeError{err}
	}
	slices.SortFunc(found, func(x, y chat.Open) int { return x.Request.Asked.Compare(y.Request.Asked) })
	return found, nil
}

// matching gives the living licences that hold all the words in code, name, address
// or product.
func matching(all []license.License, words []string) []license.License {
	return slices.DeleteFunc(slices.Clone(all), func(l license.License) bool {
		text := strings.ToLower(strings.Join([]string{string(l.Code), l.Name, l.Address, l.Product}, "\n"))
		return !l.Live() || slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, strings.ToLower(w)) })
	})
}

// due gives the living licences that expire within so many days or have expired,
// the most urgent first.
func due(all []license.License, today license.Date, days int) []license.License {
	until := license.DateOf(today.Time(time.UTC).AddDate(0, 0, days))
	found := slices.DeleteFunc(slices.Clone(all), func(l license.License) bool {
		return !l.Live() || l.Expires == "" || l.Expires > until
	})
	slices.SortStableFunc(found, func(x, y license.License) int { return strings.Compare(string(x.Expires), string(y.Expires)) })
	return found
}
