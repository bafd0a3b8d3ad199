package bot

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/failpoint"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// undelivered is how long a message is tried before the admins are told of it.
const undelivered = 24 * time.Hour

// post sends a message that has no reference yet. One that may have been posted
// before a kill is looked for first.
func (b *Bot) post(ctx context.Context, c Chat, r requests.Request, m message, p chat.Post) (time.Duration, error) {
	if b.doubtful(m.messageID) {
		ref, found, err := c.Find(ctx, p, m.Since)
		if found {
			return 0, b.posted(ctx, r, m, ref, "", 0)
		}
		if err != nil && !errors.Is(err, chat.ErrCannotLook) && (tooLate(r, m) || b.tried(m) < findTries) {
			return b.wait(m, err)
		}
		if tooLate(r, m) {
			return 0, b.close(ctx, m, "decided before it was posted")
		}
		if err != nil && m.Kind == kindReport && !m.Repeat {
			m.Repeat = true
			p.Message = b.Speaker.Report(r, m.Items, chat.ReportOptions{Correction: m.Correction, Repeat: true})
		}
	}
	ref, wait, err := b.through(c, "post", p.Place, func() (chat.Ref, error) { return c.Post(ctx, p) })
	if wait > 0 {
		return wait, nil
	}
	if err != nil {
		return b.notPosted(ctx, r, m, p, err)
	}
	return 0, b.posted(ctx, r, m, ref, digest(p.Message), r.Version)
}

// findTries is how often a chat that can be searched is asked before a message is
// posted all the same: a second report that says so is better than none.
const findTries = 2

// doubtful says whether a message without a reference may be there all the same.
func (b *Bot) doubtful(id messageID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.recovered[id]
}

func (b *Bot) tried(m message) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.retries[m.messageID]
}

// edit brings a message that is there to the request's state.
func (b *Bot) edit(ctx context.Context, c Chat, r requests.Request, m message, p chat.Post) (time.Duration, error) {
	hash := digest(p.Message)
	// An open question may come to look again as it was posted, and have looked
	// otherwise meanwhile: edits of it are not recorded.
	if hash == m.Hash && r.State != requests.Proposed {
		return 0, b.posted(ctx, r, m, m.ref, hash, r.Version)
	}
	_, wait, err := b.through(c, "edit", p.Place, func() (chat.Ref, error) { return m.ref, c.Edit(ctx, m.ref, p.Message) })
	var closed *chat.Closed
	var moved *chat.Moved
	switch {
	case wait > 0:
		return wait, nil
	case err == nil:
		return 0, b.posted(ctx, r, m, m.ref, hash, r.Version)
	case errors.As(err, &moved):
		if err := b.moved(ctx, p.Place, moved.To); err != nil || m.Kind == kindQuestion {
			return 0, err
		}
		return 0, b.close(ctx, m, "left behind")
	case errors.Is(err, chat.ErrGone), errors.Is(err, chat.ErrRejected), errors.As(err, &closed):
		return 0, b.close(ctx, m, err.Error())
	}
	return b.wait(m, err)
}

// through sends when the lanes allow it, and holds those back that the chat wants
// to be left alone with.
func (b *Bot) through(c Chat, op string, place chat.Place, send func() (chat.Ref, error)) (chat.Ref, time.Duration, error) {
	method := c.Name() + "/" + op
	here := method + "/" + place.ID
	held, again, ok := b.lanes.enter(b.Now(), method, here)
	if !ok {
		return "", max(again.Sub(b.Now()), time.Millisecond), nil
	}
	through := false
	defer func() { b.lanes.leave(held, b.Now(), through) }()
	failpoint.Here("chat/before", op)
	ref, err := send()
	failpoint.Here("chat/after", op)
	if limited, ok := errors.AsType[*chat.Limited](err); ok {
		after := max(limited.After, 100*time.Millisecond)
		lane := method
		if limited.Here {
			lane = here
		}
		b.lanes.hold(lane, b.Now().Add(after))
		return "", after, nil
	}
	through = true
	return ref, 0, err
}

// wait says how long to wait after a failure that may pass.
func (b *Bot) wait(m message, err error) (time.Duration, error) {
	if limited, ok := errors.AsType[*chat.Limited](err); ok {
		return max(limited.After, time.Second), nil
	}
	b.mu.Lock()
	b.retries[m.messageID]++
	n := b.retries[m.messageID]
	if errors.Is(err, chat.ErrLost) {
		b.recovered[m.messageID] = true
	}
	b.mu.Unlock()
	if b.Now().Sub(m.Since) > undelivered {
		return time.Hour, err
	}
	return backoff(n, 5*time.Minute), err
}

// backoff is the wait after so many failures in a row: a second after the first, then
// twice as long each time, up to most.
func backoff(failures int, most time.Duration) time.Duration {
	return min(time.Second<<min(failures-1, 30), most)
}

// notPosted decides what becomes of a message that the chat did not take.
func (b *Bot) notPosted(ctx context.Context, r requests.Request, m message, p chat.Post, err error) (time.Duration, error) {
	var closed *chat.Closed
	var moved *chat.Moved
	switch {
	case errors.As(err, &moved):
		return 0, b.moved(ctx, p.Place, moved.To)
	case errors.As(err, &closed):
		return 0, b.shut(ctx, r, m, closed.Why)
	case errors.Is(err, chat.ErrGone) && p.ReplyTo != "":
		// What it answers has been deleted: it goes without.
		return 0, b.moveTo(ctx, m, p.Place)
	case errors.Is(err, chat.ErrGone), errors.Is(err, chat.ErrRejected):
		b.Log.Error("the chat refuses a message", "request", r.ID, "message", m.Key, "error", err)
		return 0, b.shut(ctx, r, m, "rejected")
	}
	if m.Kind == kindReport && b.Now().Sub(m.Since) > undelivered {
		return 0, b.giveToAdmins(ctx, r, m, "")
	}
	if m.Kind == kindQuestion && r.State == requests.Proposed && !m.Told && b.tried(m) >= quietTries && errors.Is(err, chat.ErrTemporary) {
		if err := b.tellNotYet(ctx, r, m); err != nil {
			return 0, err
		}
	}
	return b.wait(m, err)
}

// quietTries is how often a question is tried before the asker hears that it is not
// there: until then it may only be late.
const quietTries = 3

// tellNotYet tells the asker that the question does not get through, where they can be
// told another way than the question goes.
func (b *Bot) tellNotYet(ctx context.Context, r requests.Request, m message) error {
	in := whereOf(r)
	in.Handle = m.Handle
	if c, on := b.chats[in.Place.Transport]; !on || !c.Whispers(in.Place) {
		return nil
	}
	m.Told = true
	return b.change(ctx, m, func(tx *store.Tx) error { return b.whisper(tx, in, b.speaker(in).NotYet(r, b.Now())) })
}

// posted records what a message shows now, and where it is. What waited for the
// question goes on.
func (b *Bot) posted(ctx context.Context, r requests.Request, m message, ref chat.Ref, hash string, version int) error {
	first := m.ref == ""
	over := !r.Open() && r.State != requests.Running
	if !first && !over {
		// An edit can be done again: only what it ends with has to be remembered.
		return nil
	}
	m.ref, m.Hash, m.Shown = ref, hash, version
	var waiting []messageID
	update := b.Store.UpdateSoon
	if first && m.Kind == kindQuestion {
		update = b.Store.Update // there may be a click on it already
	}
	err := update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		all, err := b.messagesOf(tx, r.ID)
		if err != nil {
			return err
		}
		kept := m
		if other, _ := find(all, m.Key); other.Moves != m.Moves || first && other.ref != "" && other.ref != ref {
			// Meanwhile its chat has become another, or a click has told of one that
			// was posted before.
			kept = copyAt(r.ID, ref, m.Place, b.Now())
		}
		if err := putMessage(tx, kept); err != nil {
			return err
		}
		if all, err = b.messagesOf(tx, r.ID); err != nil {
			return err
		}
		now, ok, err := tx.Request(r.ID)
		if err != nil || !ok {
			return errors.Join(err, errNoRequest)
		}
		waiting = waiting[:0]
		for _, other := range all {
			waits := first && (m.Key == keyQuestion || other.comesAfter(m))
			if !other.settled(now.Version) && (waits || other.messageID == kept.messageID) {
				waiting = append(waiting, other.messageID)
			}
		}
		return b.retire(tx, now)
	})
	if err != nil {
		return err
	}
	// Not before: until then a click may be on the one that a kill has left.
	b.mu.Lock()
	delete(b.recovered, m.messageID)
	b.mu.Unlock()
	for _, id := range waiting {
		b.sync(id)
	}
	return nil
}

// change records an alteration of a message and what follows from it.
func (b *Bot) change(ctx context.Context, m message, also func(tx *store.Tx) error) error {
	return b.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		all, err := b.messagesOf(tx, m.Request)
		if err != nil {
			return err
		}
		if now, _ := find(all, m.Key); now.Moves != m.Moves {
			return nil // its chat has become another meanwhile, and it is sent there
		}
		if err := putMessage(tx, m); err != nil {
			return err
		}
		for _, other := range all {
			if m.Closed != "" && other.comesAfter(m) {
				tx.OnCommit(func() { b.sync(other.messageID) })
			}
		}
		if also != nil {
			return also(tx)
		}
		return nil
	})
}

// close gives a message up.
func (b *Bot) close(ctx context.Context, m message, why string) error {
	m.Closed = why
	b.Log.Warn("message given up", "request", m.Request, "message", m.Key, "why", why)
	return b.change(ctx, m, nil)
}

// moveTo has a message posted elsewhere, without what it answered.
func (b *Bot) moveTo(ctx context.Context, m message, to chat.Place) error {
	m.Place, m.ReplyTo = to, ""
	return b.change(ctx, m, func(tx *store.Tx) error {
		tx.OnCommit(func() { b.sync(m.messageID) })
		return nil
	})
}

// shut decides what becomes of a message for a place that is closed to the bot.
func (b *Bot) shut(ctx context.Context, r requests.Request, m message, why string) error {
	in := whereOf(r)
	in.Handle = m.Handle
	say := b.speaker(in)
	switch {
	case m.Kind == kindReport && !m.Moved:
		m.Moved = true
		return b.moveTo(ctx, m, chat.Place{})
	case m.Kind == kindQuestion && r.State == requests.Proposed && !m.Moved && r.Need == 0:
		// The requester alone decides: they can do that in private.
		m.Place, m.ReplyTo, m.Moved = b.chats[in.Place.Transport].Direct(r.By.Account), "", true
		return b.change(ctx, m, func(tx *store.Tx) error {
			tx.OnCommit(func() { b.sync(m.messageID) })
			return b.whisper(tx, in, say.CannotPost(why, b.invite(in.Place), false))
		})
	case m.Kind == kindQuestion && r.State == requests.Proposed:
		m.Closed = why
		return b.change(ctx, m, func(tx *store.Tx) error {
			now, ok, err := tx.Request(r.ID)
			if err != nil || !ok {
				return errors.Join(err, errNoRequest)
			}
			if _, _, err := b.step(tx, now, requests.Unaskable{Why: why}, b.Now()); err != nil {
				return err
			}
			return b.whisper(tx, in, say.CannotPost(why, b.invite(in.Place), true))
		})
	case m.Kind == kindCard:
		m.Closed = why
		return b.change(ctx, m, func(tx *store.Tx) error {
			if planned, err := b.planOtherCard(tx, m); planned || err != nil {
				return err
			}
			return b.unreached(tx, r, in, say)
		})
	case m.Kind == kindReport:
		return b.giveToAdmins(ctx, r, m, why)
	}
	return b.close(ctx, m, why)
}

// inviter is a chat where people add the bot to a place by a command.
type inviter interface {
	Invite() string // "/invite @bot"; "" while the bot's name is not known
}

// invite is the command that adds the bot to the place, "" where there is none.
func (b *Bot) invite(p chat.Place) string {
	if c, ok := b.chats[p.Transport].(inviter); ok {
		return c.Invite()
	}
	return ""
}

// unreached withdraws a question that no approver can see.
func (b *Bot) unreached(tx *store.Tx, r requests.Request, in chat.Inbound, say *chat.Speaker) error {
	all, err := b.messagesOf(tx, r.ID)
	if err != nil {
		return err
	}
	members, err := tx.Members()
	if err != nil {
		return err
	}
	reached := 0
	for _, m := range requests.Approvers(r.By, members) {
		_, seen := b.reach(m, in.Place)
		if seen || slices.ContainsFunc(all, func(c message) bool {
			return c.Kind == kindCard && c.Closed == "" && slices.Contains(m.Accounts, c.To)
		}) {
			reached++
		}
	}
	now, ok, err := tx.Request(r.ID)
	if err != nil || !ok || reached >= now.Need || now.State != requests.Proposed {
		return err
	}
	if _, _, err := b.step(tx, now, requests.Unaskable{Why: "too few approvers can be reached"}, b.Now()); err != nil {
		return err
	}
	return b.whisper(tx, in, say.NotReached(now))
}

// deliver gives one person their answer. It is tried for as long as it is of use.
func (b *Bot) deliver(ctx context.Context, t store.Task, w whisper) {
	c, on := b.chats[w.In.Place.Transport]
	if !on || b.Now().Sub(w.Since) > whisperUse {
		b.finish(ctx, t)
		return
	}
	op, place := "answer", w.In.Place
	switch {
	case w.Direct:
		place = c.Direct(w.In.Account)
	case w.In.Kind == chat.Click:
		op = "answer-click" // by another method than a command's answer, which need not wait with it
	}
	_, wait, err := b.through(c, op, place, func() (chat.Ref, error) {
		if w.Direct {
			return c.Post(ctx, chat.Post{Place: place, Message: w.Message})
		}
		return "", c.Answer(ctx, w.In, w.Message)
	})
	var closed *chat.Closed
	var moved *chat.Moved
	switch {
	case wait > 0:
	case err == nil && w.Direct && !w.Instead:
		b.replace(ctx, t, w.In, b.speaker(w.In).AnsweredInPrivate())
		return
	case err == nil:
		b.finish(ctx, t)
		return
	case errors.As(err, &moved):
		b.follow(ctx, w.In.Place, moved.To)
		w.In.Place, w.In.Message = moved.To, ""
	case errors.As(err, &closed) && w.Direct && !w.Instead:
		b.replace(ctx, t, w.In, b.speaker(w.In).PrivateFirst())
		return
	case errors.As(err, &closed) && !w.Direct && !w.In.Place.Private:
		// Where nobody can be told aloud they are told in private.
		w.Direct, w.Instead = true, true
	case errors.Is(err, chat.ErrGone), errors.Is(err, chat.ErrRejected), errors.As(err, &closed):
		b.Log.Warn("answer not delivered", "chat", c.Name(), "error", err)
		b.finish(ctx, t)
		return
	default:
		t.Tries++
		wait = backoff(t.Tries, time.Minute)
		if other, ok := otherwise(c, w); ok && t.Tries >= oneWayTries && b.Now().Sub(w.Since) >= oneWayUse && !errors.Is(err, chat.ErrTemporary) {
			// It may have arrived. But an answer changes nothing and one person alone
			// sees it: twice it is a nuisance, and without it they type the command again.
			w.In, t.Tries, wait = other, 0, 0
		}
		b.Log.Warn("answer not delivered", "chat", c.Name(), "error", err, "again", wait)
	}
	b.later(wait, finishing, taskWhisper, "", func(ctx context.Context) { b.deliver(ctx, t, w) })
}

// whisperUse is how long an answer is of use to whoever asked: after that they have
// asked again, and chats don't take it any more.
const whisperUse = 30 * time.Minute

// How often, and for how long at least, an answer that gets lost is tried one way
// before it goes another, where there is one: somebody sits and waits for it.
const (
	oneWayTries = 3
	oneWayUse   = 30 * time.Second
)

// byways is a chat with more than one way to answer somebody.
type byways interface {
	// Otherwise gives what was asked as something that is answered another way, if
	// there is one.
	Otherwise(in chat.Inbound) (chat.Inbound, bool)
}

// otherwise has the answer go another way, where that is possible.
func otherwise(c Chat, w whisper) (chat.Inbound, bool) {
	if s, ok := c.(byways); ok && !w.Direct {
		return s.Otherwise(w.In)
	}
	return w.In, false
}

// finish deletes a task that is done.
func (b *Bot) finish(ctx context.Context, t store.Task) {
	err := b.Store.UpdateSoon(context.WithoutCancel(ctx), func(tx *store.Tx) error { return tx.DeleteTask(t.ID) })
	if err != nil {
		b.failed(t.Kind, "", err)
	}
}

// replace ends a task with an answer.
func (b *Bot) replace(ctx context.Context, t store.Task, in chat.Inbound, m chat.Message) {
	err := b.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if err := tx.DeleteTask(t.ID); err != nil {
			return err
		}
		return b.whisper(tx, in, m)
	})
	if err != nil {
		b.failed(t.Kind, "", err)
	}
}
