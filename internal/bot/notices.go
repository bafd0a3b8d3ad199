package bot

import (
	"context"
	"errors"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// notice is something that the bot says by itself in a place.
type notice struct {
	Place   chat.Place   `json:"place"`
	Message chat.Message `json:"message"`
	Nonce   string       `json:"nonce"`
	Since   time.Time    `json:"since"`
}

// noticeUse is how long a notice is tried.
const noticeUse = 24 * time.Hour

// announce records a notice.
func (b *Bot) announce(tx *store.Tx, p chat.Place, m chat.Message, nonce string) error {
	return b.task(tx, taskNotice, notice{Place: p, Message: m, Nonce: nonce, Since: b.Now()})
}

// notify posts a notice, and looks first whether it is there where an earlier try may
// have got through.
func (b *Bot) notify(ctx context.Context, t store.Task, n notice, doubtful bool) {
	c, on := b.chats[n.Place.Transport]
	if !on || b.Now().Sub(n.Since) > noticeUse {
		b.Log.Error("notice given up", "notice", n.Nonce)
		b.finish(ctx, t)
		return
	}
	p := chat.Post{Place: n.Place, Message: n.Message, Nonce: n.Nonce}
	if doubtful {
		_, found, err := c.Find(ctx, p, n.Since)
		switch {
		case found:
			b.finish(ctx, t)
			return
		case err != nil && !errors.Is(err, chat.ErrCannotLook) && t.Tries < findTries:
			b.notifyAgain(t, n, true, err)
			return
		}
	}
	_, wait, err := b.through(c, "post", n.Place, func() (chat.Ref, error) { return c.Post(ctx, p) })
	var closed *chat.Closed
	var moved *chat.Moved
	switch {
	case wait > 0:
		b.later(wait, finishing, taskNotice, "", func(ctx context.Context) { b.notify(ctx, t, n, doubtful) })
	case err == nil:
		b.finish(ctx, t)
	case errors.As(err, &moved):
		b.follow(ctx, n.Place, moved.To)
		n.Place = moved.To
		b.notify(ctx, t, n, false)
	case errors.Is(err, chat.ErrRejected), errors.Is(err, chat.ErrGone), errors.As(err, &closed):
		b.Log.Error("notice not delivered", "notice", n.Nonce, "chat", c.Name(), "error", err)
		b.finish(ctx, t)
	default:
		b.notifyAgain(t, n, doubtful || errors.Is(err, chat.ErrLost), err)
	}
}

// notifyAgain tries once more after a failure that may pass.
func (b *Bot) notifyAgain(t store.Task, n notice, doubtful bool, err error) {
	t.Tries++
	wait := backoff(t.Tries, 5*time.Minute)
	b.Log.Warn("notice not delivered", "notice", n.Nonce, "chat", n.Place.Transport, "error", err, "again", wait)
	b.later(wait, finishing, taskNotice, "", func(ctx context.Context) { b.notify(ctx, t, n, doubtful) })
}

// giveToAdmins tells every admin of a report that could not be delivered, and gives
// the report up.
func (b *Bot) giveToAdmins(ctx context.Context, r requests.Request, m message, why string) error {
	m.Closed = "given to the admins: " + why
	b.Log.Error("report not delivered, the admins are told", "request", r.ID, "message", m.Key, "why", why)
	return b.change(ctx, m, func(tx *store.Tx) error {
		members, err := tx.Members()
		if err != nil {
			return err
		}
		for _, admin := range members.AtLeast(requests.Admin) {
			for _, a := range admin.Accounts {
				c, on := b.chats[a.Transport()]
				if !on {
					continue
				}
				nonce := "undelivered/" + string(r.ID) + "/" + m.Key + "/" + string(a)
				if err := b.announce(tx, c.Direct(a), b.Speaker.Undelivered(r, why), nonce); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
