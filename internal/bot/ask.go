package bot

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/commands"
	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// wish is an action that was asked for, before anything was read.
type wish struct {
	in      chat.Inbound
	action  requests.Action
	params  requests.Params
	codes   []license.Code // none for an order
	follows requests.ID
}

// wishOf makes a wish of a command that changes something.
func wishOf(in chat.Inbound, c commands.Command) (wish, bool) {
	w := wish{in: in}
	switch c := c.(type) {
	case commands.Order:
		w.action = requests.Order
		w.params = requests.Params{
			Product: c.Product.Code, Address: c.Address, Name: c.Name, For: c.For, Period: c.Period, HasPeriod: c.HasPeriod,
		}
	case commands.Edit:
		w.action, w.codes = requests.Edit, []license.Code{c.Code}
		w.params = requests.Params{Address: c.Address, Name: c.Name}
	case commands.Nodes:
		w.action, w.codes = requests.Nodes, []license.Code{c.Code}
		w.params = requests.Params{Count: c.Count}
	case commands.Renew:
		w.action, w.codes = requests.Renew, c.Codes
		w.params = requests.Params{Period: c.Period, HasPeriod: c.HasPeriod}
	case commands.Terminate:
		w.action, w.codes = requests.Terminate, []license.Code{c.Code}
	default:
		return wish{}, false
	}
	return w, true
}

// ask reads the facts of what was asked for and puts the question. Until the
// question is recorded, the task that led here stays in the store.
func (b *Bot) ask(ctx context.Context, t store.Task, w wish) {
	say := b.speaker(w.in)
	var no requests.Refusal
	var held []chat.Asked
	var soon bool
	err := b.Store.View(func(tx *store.Tx) error {
		k, err := b.known(tx)
		if err != nil {
			return err
		}
		if no = requests.MayAsk(w.in.Account, w.action, k); no.Kind != "" {
			return nil
		}
		held, soon, err = b.holders(tx, w)
		return err
	})
	switch {
	case err != nil:
		b.replace(ctx, t, w.in, say.CouldNotCheck())
		return
	case no.Kind != "":
		b.refuse(ctx, t, w, no)
		return
	case soon:
		b.askSoon(t, w)
		return
	case len(held) > 0 && !slices.ContainsFunc(w.codes, func(c license.Code) bool { return !isHeld(held, c) }):
		b.replace(ctx, t, w.in, say.LeftOut(held, 0))
		return
	}
	f, err := b.readAll(ctx, w, held)
	if ctx.Err() != nil {
		return // the bot stops: the next start asks again
	}
	switch {
	case err != nil:
		b.cannotAsk(ctx, t, w, err)
	case len(f.items) == 0 && len(w.codes) == 1:
		b.replace(ctx, t, w.in, sayImpossible(say, f.out[0]))
	case len(f.items) == 0 && len(held) == 0:
		b.replace(ctx, t, w.in, say.RuledOut(f.whyNot(say), 0))
	default:
		b.propose(ctx, t, w, f)
	}
}

func (b *Bot) known(tx *store.Tx) (requests.Known, error) {
	members, err := tx.Members()
	return requests.Known{Now: b.Now(), Members: members, Rules: b.Rules}, err
}

// How often, and for how long at most, a question that is on its way to the chat is
// waited for, so that whoever asks for the same is given a link to it.
const (
	linkEvery = 50 * time.Millisecond
	linkWait  = 2 * time.Second
)

func (b *Bot) askSoon(t store.Task, w wish) {
	b.later(linkEvery, beginning, t.Kind, w.follows, func(ctx context.Context) { b.ask(ctx, t, w) })
}

// holders are the open requests that ask for the same; soon says that the question of
// one is on its way, and worth waiting for.
func (b *Bot) holders(tx *store.Tx, w wish) (held []chat.Asked, soon bool, err error) {
	for i, key := range requests.GuardKeys(w.action, w.params, w.codes) {
		id, ok := tx.Guard(key)
		if !ok || id == w.follows {
			continue
		}
		r, ok, err := tx.Request(id)
		if err != nil {
			return nil, false, err
		}
		if !ok {
			continue
		}
		h := chat.Asked{Request: r}
		var coming bool
		if h.Link, coming, err = b.link(tx, id); err != nil {
			return nil, false, err
		}
		soon = soon || coming && b.Now().Sub(w.in.At) < linkWait
		if i < len(w.codes) {
			h.Codes = w.codes[i : i+1]
		}
		if n := slices.IndexFunc(held, func(o chat.Asked) bool { return o.Request.ID == id }); n >= 0 {
			held[n].Codes = append(slices.Clone(held[n].Codes), h.Codes...)
			continue
		}
		held = append(held, h)
	}
	return held, soon, nil
}

// isHeld says whether the code, or the order where there is none, is asked for
// already.
func isHeld(held []chat.Asked, c license.Code) bool {
	return slices.ContainsFunc(held, func(h chat.Asked) bool {
		return len(h.Codes) == 0 || slices.Contains(h.Codes, c)
	})
}

// link is where the request's question stands, "" where the chat has no links, or
// where the question is only coming.
func (b *Bot) link(tx *store.Tx, id requests.ID) (link string, coming bool, err error) {
	all, err := b.messagesOf(tx, id)
	q, _ := find(all, keyQuestion)
	c, on := b.chats[q.Place.Transport]
	if err != nil || !on || q.ref == "" {
		return "", on && q.Closed == "", err
	}
	return c.Link(q.ref), false, nil
}

// refuse tells the asker why not, and the audit trail that they asked.
func (b *Bot) refuse(ctx context.Context, t store.Task, w wish, no requests.Refusal) {
	err := b.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		k, err := b.known(tx)
		if err != nil {
			return err
		}
		return b.refuseIn(tx, t, w, no, k)
	})
	if err != nil {
		b.failed("refusal", "", err)
	}
}

func (b *Bot) refuseIn(tx *store.Tx, t store.Task, w wish, no requests.Refusal, k requests.Known) error {
	if err := tx.DeleteTask(t.ID); err != nil {
		return err
	}
	return b.sayNo(tx, w, no, k)
}

func (b *Bot) sayNo(tx *store.Tx, w wish, no requests.Refusal, k requests.Known) error {
	e := requests.RefusedEntry(w.in.Account, string(w.action), joinCodes(w.codes), no, k)
	if _, err := tx.Append(e); err != nil {
		return err
	}
	return b.whisper(tx, w.in, sayRefusal(b.speaker(w.in), w, no, k.Members))
}

func sayRefusal(say *chat.Speaker, w wish, no requests.Refusal, members requests.Allowlist) chat.Message {
	switch no.Kind {
	case requests.RefusedStranger:
		return say.Stranger(w.in.Account, members.AtLeast(requests.Admin))
	case requests.RefusedNobody:
		return say.NobodyCanApprove(w.action, no.Approvals, no.Approvers)
	case requests.RefusedRole:
	}
	return say.NotAllowed(no.Need, no.Has)
}

func joinCodes(cs []license.Code) string {
	s := make([]string, len(cs))
	for i, c := range cs {
		s[i] = string(c)
	}
	return strings.Join(s, ",")
}

// findings are the facts of all that was asked for at once.
type findings struct {
	items   []requests.Item
	out     []*notPossible // what the facts rule out
	balance string
}

func (f findings) whyNot(say *chat.Speaker) []chat.Text {
	why := make([]chat.Text, len(f.out))
	for i, no := range f.out {
		why[i] = sayImpossible(say, no).Head
	}
	return why
}

// readAll reads the facts of every licence that nobody asks for yet, several at a
// time: the panel's client bounds how many calls leave.
func (b *Bot) readAll(ctx context.Context, w wish, held []chat.Asked) (findings, error) {
	codes := slices.DeleteFunc(slices.Clone(w.codes), func(c license.Code) bool { return isHeld(held, c) })
	if w.action == requests.Order {
		codes = []license.Code{""}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var reads, extra sync.WaitGroup
	balance := ""
	if w.action != requests.Edit && w.action != requests.Terminate {
		extra.Go(func() {
			defer b.contain("balance", "")
			// A balance that can't be read is said on the question: it is no reason
			// not to ask.
			if s, err := b.Panel.Balance(ctx); err == nil {
				balance = s
			}
		})
	}
	items := make([]requests.Item, len(codes))
	errs := make([]error, len(codes))
	for i, code := range codes {
		errs[i] = errPanicked
		reads.Go(func() {
			defer b.contain("reading", "")
			rd, err := b.readPatiently(ctx, w.action, w.params, code)
			items[i] = requests.Item{Code: code, Facts: rd.facts, Said: rd.note}
			errs[i] = err
		})
	}
	reads.Wait()
	var f findings
	for i, err := range errs {
		no, ruledOut := errors.AsType[*notPossible](err)
		switch {
		case ruledOut:
			f.out = append(f.out, no)
		case err != nil:
			return findings{}, err
		default:
			f.items = append(f.items, items[i])
		}
	}
	extra.Wait()
	f.balance = balance
	return f, nil
}

// errPanicked is what is known of a reading that ended in a panic.
var errPanicked = errors.New("the reading panicked")

// readPatiently reads once more where the first reading failed in a way that may
// pass.
func (b *Bot) readPatiently(ctx context.Context, a requests.Action, p requests.Params, code license.Code) (reading, error) {
	rd, err := b.read(ctx, a, p, code)
	var no *notPossible
	if err == nil && rd.unpriced == nil && rd.unread == nil || errors.As(err, &no) || ctx.Err() != nil {
		return rd, err
	}
	return b.read(ctx, a, p, code)
}

// cannotAsk tells the asker that the panel could not be read.
func (b *Bot) cannotAsk(ctx context.Context, t store.Task, w wish, err error) {
	why, _ := readFailed(err)
	b.Log.Warn("panel not readable", "action", w.action, "license", joinCodes(w.codes), "why", why)
	b.replace(ctx, t, w.in, b.speaker(w.in).PanelDown(why, b.Panel.State().Until))
}

func sayImpossible(say *chat.Speaker, no *notPossible) chat.Message {
	c := no.license.Code
	switch no.why {
	case gone:
		return say.NoneAsked(c)
	case noNodes:
		return say.NoNodes(c)
	case sameNodes, sameFields:
		return say.NothingToChange(c)
	case deleted:
		return say.Deleted(c)
	case lifetime:
	}
	return say.Lifetime(c)
}

// propose records the question; whatever has changed while the facts were read
// counts as it is now.
func (b *Bot) propose(ctx context.Context, t store.Task, w wish, f findings) {
	asked, err := encodeWhere(w.in)
	if err != nil {
		b.failed("question", "", err)
		return
	}
	var soon bool
	err = b.Store.UpdateSoon(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		k, err := b.known(tx)
		if err != nil {
			return err
		}
		var held []chat.Asked
		if held, soon, err = b.holders(tx, w); err != nil || soon {
			return err
		}
		mine := slices.DeleteFunc(slices.Clone(f.items), func(i requests.Item) bool { return isHeld(held, i.Code) })
		if err := b.leaveOut(tx, w, held, f, len(mine)); err != nil {
			return err
		}
		if len(mine) == 0 {
			return tx.DeleteTask(t.ID)
		}
		id, err := tx.NewRequestID()
		if err != nil {
			return err
		}
		step, no := requests.Propose(requests.Draft{
			ID: id, Action: w.action, Params: w.params, Items: mine, By: w.in.Account,
			Balance: f.balance, Where: asked, Follows: w.follows,
		}, k)
		if no.Kind != "" {
			return b.refuseIn(tx, t, w, no, k)
		}
		for _, e := range step.Entries {
			if _, err := tx.Append(e); err != nil {
				return err
			}
		}
		if err := b.record(tx, requests.Request{ID: id}, step); err != nil {
			return err
		}
		if err := b.keepHandle(tx, id, w.in.Handle); err != nil {
			return err
		}
		return tx.DeleteTask(t.ID)
	})
	switch {
	case err != nil:
		b.failed("question", "", err)
	case soon:
		b.askSoon(t, w)
	}
}

// leaveOut names what is not asked for, and why, where the rest is.
func (b *Bot) leaveOut(tx *store.Tx, w wish, held []chat.Asked, f findings, rest int) error {
	say := b.speaker(w.in)
	if len(held) > 0 {
		if err := b.whisper(tx, w.in, say.LeftOut(held, rest)); err != nil {
			return err
		}
	}
	if len(f.out) > 0 {
		return b.whisper(tx, w.in, say.RuledOut(f.whyNot(say), rest))
	}
	return nil
}

// reask puts a fresh question for a licence that was not as the question showed it.
func (b *Bot) reask(ctx context.Context, t store.Task, re reask) {
	var r requests.Request
	err := b.Store.View(func(tx *store.Tx) error {
		var ok bool
		var err error
		if r, ok, err = tx.Request(re.Request); err == nil && !ok {
			err = errNoRequest
		}
		return err
	})
	if err != nil {
		b.failed(t.Kind, re.Request, err)
		return
	}
	w := wish{in: whereOf(r), action: r.Action, params: r.Params, follows: r.ID}
	if r.Action != requests.Order {
		w.codes = []license.Code{r.Items[re.Item].Code}
	}
	b.ask(ctx, t, w)
}
