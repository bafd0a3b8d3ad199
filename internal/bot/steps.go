package bot

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

var errNoRequest = errors.New("no such request")

// click decides a click within the transaction that records its delivery: the first
// that is recorded wins, and all later ones find the request decided.
func (b *Bot) click(tx *store.Tx, in chat.Inbound, members requests.Allowlist, now time.Time) error {
	say := b.speaker(in)
	_, member := members.Of(in.Account)
	r, ok, err := b.clicked(tx, in, member)
	if err != nil {
		return err
	}
	next, step := r, requests.Step{}
	if ok {
		// A stranger's click comes to nothing but an entry in the audit trail.
		if next, step, err = b.step(tx, r, requests.Press{Button: in.Action, By: in.Account}, now); err != nil {
			return err
		}
	}
	switch {
	case !member:
		return b.whisper(tx, in, say.Stranger(in.Account, members.AtLeast(requests.Admin)))
	case !ok:
		b.Log.Warn("a click on nothing that is known", "account", in.Account, "message", in.Message, "action", in.Action)
		return b.whisper(tx, in, say.UnknownRequest())
	}
	if step.Answer.Kind == requests.Accepted {
		tx.OnCommit(func() { b.acknowledge(in) })
		return nil
	}
	return b.whisper(tx, in, say.Answer(next, step.Answer, members.Role(in.Account)))
}

// clicked finds the request whose button was clicked. The message decides: what
// the button carries counts only where the message is not known, as after a kill
// between posting and recording, and such a message is known from then on if a
// member clicked it.
func (b *Bot) clicked(tx *store.Tx, in chat.Inbound, member bool) (requests.Request, bool, error) {
	m, known, err := tx.MessageByRef(string(in.Message))
	if err != nil {
		return requests.Request{}, false, err
	}
	id := requests.ID(in.Value)
	if known {
		if m.Request != id {
			return requests.Request{}, false, nil
		}
		return tx.Request(id)
	}
	r, ok, err := tx.Request(id)
	if err != nil || !ok || !member {
		return r, ok, err
	}
	return r, true, b.locate(tx, r, in)
}

// locate makes a clicked message known. Where its place has one of the request's that
// has no reference yet, it is that one, or as good: quick hands click before the
// chat's answer has come, a kill may have come before it was recorded, and posting
// another one would leave the clicked one behind. Any other is a copy.
func (b *Bot) locate(tx *store.Tx, r requests.Request, in chat.Inbound) error {
	all, err := b.messagesOf(tx, r.ID)
	if err != nil || in.Message == "" {
		return err
	}
	for _, m := range all {
		if m.ref != "" || m.Kind == kindReport || m.Closed != "" || m.Place != in.Place {
			continue
		}
		m.ref = in.Message
		tx.OnCommit(func() {
			for _, m := range all {
				b.sync(m.messageID)
			}
		})
		return putMessage(tx, m)
	}
	return b.adopt(tx, r, in)
}

// acknowledge ends the waiting that a messenger shows on an accepted click. What
// came of it is shown by the messages, so it is not in the store; but it is tried for
// as long as somebody may look at the button.
func (b *Bot) acknowledge(in chat.Inbound) {
	c, ok := b.chats[in.Place.Transport]
	if !ok {
		return
	}
	since := b.Now()
	var try func(ctx context.Context, tries int)
	try = func(ctx context.Context, tries int) {
		_, wait, err := b.through(c, "acknowledge", in.Place, func() (chat.Ref, error) { return "", c.Acknowledge(ctx, in) })
		final := errors.Is(err, chat.ErrGone) || errors.Is(err, chat.ErrRejected)
		if wait == 0 && err != nil {
			wait = time.Second << tries
		}
		if final || wait > 0 && b.Now().Add(wait).Sub(since) > acknowledgeUse {
			b.Log.Debug("click not acknowledged", "chat", c.Name(), "error", err)
			return
		}
		if wait > 0 {
			b.later(wait, finishing, "acknowledge", "", func(ctx context.Context) { try(ctx, tries+1) })
		}
	}
	b.spawn(finishing, "acknowledge", "", func(ctx context.Context) { try(ctx, 0) })
}

// acknowledgeUse is how long somebody may look at a button that they have clicked.
const acknowledgeUse = time.Minute

// step takes an event through decide and record, within a transaction. What is to
// be done begins after its commit.
func (b *Bot) step(tx *store.Tx, r requests.Request, ev requests.Event, now time.Time) (requests.Request, requests.Step, error) {
	members, err := tx.Members()
	if err != nil {
		return r, requests.Step{}, err
	}
	step := requests.Decide(r, ev, requests.Known{Now: now, Members: members, Rules: b.Rules})
	for _, e := range step.Entries {
		if _, err := tx.Append(e); err != nil {
			return r, step, err
		}
	}
	if !step.Changed {
		return r, step, nil
	}
	if err := b.record(tx, r, step); err != nil {
		return r, step, err
	}
	return step.Request, step, nil
}

// record writes the request after a step and plans the step's effects.
func (b *Bot) record(tx *store.Tx, before requests.Request, step requests.Step) error {
	r := step.Request
	if err := b.guard(tx, before, r); err != nil {
		return err
	}
	if err := tx.PutRequest(r); err != nil {
		return err
	}
	for _, e := range step.Effects {
		if err := b.plan(tx, r, e); err != nil {
			return err
		}
	}
	b.observe(tx, before, r)
	return b.retire(tx, r)
}

// retire takes a request off the index of the live ones once nothing can come of
// it any more and all its messages show how it ended.
func (b *Bot) retire(tx *store.Tx, r requests.Request) error {
	if r.Open() || r.Watched(b.Now()) {
		return nil
	}
	all, err := b.messagesOf(tx, r.ID)
	if err != nil || slices.ContainsFunc(all, func(m message) bool { return !m.settled(r.Version) }) {
		return err
	}
	return tx.SetLive(r.ID, false)
}

// live gives the requests that retire has not taken off, to be changed one after the
// other: that is not done while they are walked through.
func live(tx *store.Tx) (all []requests.Request, err error) {
	err = tx.EachOpen(func(r requests.Request) error {
		all = append(all, r)
		return nil
	})
	return all, err
}

// guard keeps the index of what is open on which licence.
func (b *Bot) guard(tx *store.Tx, before, after requests.Request) error {
	held := after.OpenGuards()
	for _, key := range before.OpenGuards() {
		if !slices.Contains(held, key) {
			if err := tx.ClearGuard(key, after.ID); err != nil {
				return err
			}
		}
	}
	for _, key := range held {
		if holder, ok := tx.Guard(key); ok && holder == after.ID {
			continue
		}
		if err := tx.SetGuard(key, after.ID); err != nil {
			return err
		}
	}
	return nil
}

// plan makes of an effect what has to be in the store for it, and what is to begin
// after the commit.
func (b *Bot) plan(tx *store.Tx, r requests.Request, e requests.Effect) error {
	switch e.Do {
	case requests.DoAsk:
		return b.planQuestion(tx, r)
	case requests.DoCards:
		return b.planCards(tx, r, whereOf(r).Place)
	case requests.DoReport:
		return b.planReport(tx, r, e)
	case requests.DoSync:
		return b.planSync(tx, r)
	case requests.DoReask:
		return b.task(tx, taskReask, reask{Request: r.ID, Item: e.Item})
	case requests.DoHold:
		return b.tellWatch(tx, r, e.Item, func(i int) requests.Event {
			return requests.Held{Item: i, Expires: r.Items[e.Item].Before.Expires}
		})
	case requests.DoRelease:
		return b.tellWatch(tx, r, e.Item, func(i int) requests.Event { return requests.LeftBy(r, e.Item, i) })
	case requests.DoSupersede:
		if err := b.tellWatch(tx, r, e.Item, func(i int) requests.Event { return requests.Superseded{Item: i} }); err != nil {
			return err
		}
		return tx.SetGuard(watchKey(r, e.Item), r.ID)
	case requests.DoCheck:
		tx.OnCommit(func() {
			b.later(e.After, beginning, "check", r.ID, func(ctx context.Context) { b.check(ctx, r, e.Item) })
		})
	case requests.DoCall:
		tx.OnCommit(func() {
			// Its beginning is recorded: not to do it would leave it uncertain.
			b.spawn(finishing, "call", r.ID, func(ctx context.Context) { b.call(ctx, r, e.Item) })
		})
	case requests.DoLook:
		tx.OnCommit(func() {
			b.later(e.After, beginning, "look", r.ID, func(ctx context.Context) { b.look(ctx, r, e.Item, e.Rechecked) })
		})
	}
	return nil
}

// watchKey names the action whose late effect is looked for. An order with a name of
// its own is told apart from every other.
func watchKey(r requests.Request, item int) string {
	p := r.Params
	p.Name = r.OrderName(r.Items[item].Facts.Family)
	return "watch/" + requests.GuardKeys(r.Action, p, []license.Code{r.Items[item].Code})[0]
}

// tellWatch gives an event to the earlier request for the same that may be watched.
func (b *Bot) tellWatch(tx *store.Tx, r requests.Request, item int, event func(item int) requests.Event) error {
	key := watchKey(r, item)
	id, ok := tx.Guard(key)
	if !ok || id == r.ID {
		return nil
	}
	old, ok, err := tx.Request(id)
	if err != nil || !ok {
		return err
	}
	for i := range old.Items {
		if watchKey(old, i) == key {
			if old, _, err = b.step(tx, old, event(i), b.Now()); err != nil {
				return err
			}
		}
	}
	return nil
}

// happened records an event of a request and begins what follows from it. It gives
// the request as it is then; the zero one where nothing could be recorded.
func (b *Bot) happened(ctx context.Context, id requests.ID, ev requests.Event) requests.Request {
	var next requests.Request
	// What has happened is recorded even where the time to finish is over; but only
	// a chat that waits for its acknowledgement is in a hurry.
	err := b.Store.UpdateSoon(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		r, ok, err := tx.Request(id)
		if err != nil {
			return err
		}
		if !ok {
			return errNoRequest
		}
		next, _, err = b.step(tx, r, ev, b.Now())
		return err
	})
	if err != nil {
		b.failed("event", id, err)
		return requests.Request{}
	}
	return next
}

// await plans the request's deadline. What takes it off again is noted before it can
// come: decided looks for it.
func (b *Bot) await(r requests.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deadlines[r.ID] = b.agenda.add(r.Deadline, func() {
		b.spawn(finishing, "deadline", r.ID, func(ctx context.Context) {
			if b.Now().Before(r.Deadline) { // the clock was set back meanwhile
				b.await(r)
				return
			}
			b.happened(ctx, r.ID, requests.Lapsed{})
		})
	})
}

// decided takes the request's deadline off the agenda.
func (b *Bot) decided(id requests.ID) {
	b.mu.Lock()
	cancel := b.deadlines[id]
	delete(b.deadlines, id)
	b.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// observe tells the observer what has ended with this step, after its commit.
func (b *Bot) observe(tx *store.Tx, before, after requests.Request) {
	if before.State == requests.Proposed && after.State != requests.Proposed {
		tx.OnCommit(func() { b.decided(after.ID) })
	}
	if b.Observer == nil {
		return
	}
	var outcomes []string
	if before.State != after.State {
		switch after.State {
		case requests.Cancelled, requests.Denied, requests.Expired:
			outcomes = append(outcomes, string(after.State))
		case requests.Proposed, requests.Running, requests.Done:
		}
	}
	for i, it := range after.Items {
		if it.Ended() && (i >= len(before.Items) || before.Items[i].State != it.State) {
			outcomes = append(outcomes, string(it.State))
		}
	}
	if len(outcomes) > 0 {
		tx.OnCommit(func() {
			for _, o := range outcomes {
				b.Observer.Outcome(after.Action, o)
			}
		})
	}
}
