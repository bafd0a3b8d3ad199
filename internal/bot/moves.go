package bot

import (
	"context"
	"slices"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// moved records that a chat has become another one, as the chat's own refusal tells.
func (b *Bot) moved(ctx context.Context, from, to chat.Place) error {
	return b.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error { return b.relocate(tx, from, to) })
}

// follow is moved for what is on its way itself and goes on whatever comes of it.
func (b *Bot) follow(ctx context.Context, from, to chat.Place) {
	if err := b.moved(ctx, from, to); err != nil {
		b.failed("move", "", err)
	}
}

// relocate takes what is still asked or to be told in a chat on to the one that it
// has become. Told once more, it finds nothing there.
func (b *Bot) relocate(tx *store.Tx, from, to chat.Place) error {
	all, err := live(tx)
	if err != nil {
		return err
	}
	for _, r := range all {
		if err := b.relocateRequest(tx, r, from, to); err != nil {
			return err
		}
	}
	tx.OnCommit(func() { b.tellMove(from, to) })
	return nil
}

// relocateRequest leaves alone what is over and told.
func (b *Bot) relocateRequest(tx *store.Tx, r requests.Request, from, to chat.Place) error {
	all, err := b.messagesOf(tx, r.ID)
	if err != nil || !r.Open() && !slices.ContainsFunc(all, func(m message) bool { return !m.settled(r.Version) }) {
		return err
	}
	if in := whereOf(r); sameChat(in.Place, from) {
		in.Place, in.Message = to, ""
		if r.Where, err = encodeWhere(in); err != nil {
			return err
		}
		if err := tx.PutRequest(r); err != nil {
			return err
		}
	}
	for _, m := range all {
		if !sameChat(m.Place, from) || m.ref != "" && m.Kind != kindQuestion {
			continue // what is told stays where it is
		}
		if err := b.relocateMessage(tx, m, to); err != nil {
			return err
		}
		tx.OnCommit(func() {
			for _, m := range all {
				b.sync(m.messageID)
			}
		})
	}
	return nil
}

// relocateMessage has a message posted in the new chat. A question that stands in the
// old one stays known as a copy, since a click on it counts, and is brought up to date
// for as long as the chat lets it; one that people have deleted is not put again.
func (b *Bot) relocateMessage(tx *store.Tx, m message, to chat.Place) error {
	left := m
	m.Place, m.ReplyTo = to, ""
	if m.Kind == kindQuestion {
		m.Moves++
	}
	if m.ref == "" || m.Closed != "" {
		return putMessage(tx, m)
	}
	m.ref, m.Hash, m.Shown, m.Since = "", "", 0, b.Now()
	if err := putMessage(tx, m); err != nil {
		return err
	}
	return putMessage(tx, copyAt(m.Request, left.ref, left.Place, b.Now()))
}

func sameChat(a, b chat.Place) bool { return a.Transport == b.Transport && a.ID == b.ID }

// tellMove has the log say, once, what the settings that name the old chat are to be.
func (b *Bot) tellMove(from, to chat.Place) {
	was, is := from.Transport+":"+from.ID, to.Transport+":"+to.ID
	b.mu.Lock()
	told := b.told[was]
	b.told[was] = true
	b.mu.Unlock()
	if told {
		return
	}
	b.Log.Info("a chat has become another", "was", was, "is", is)
	for setting, places := range b.Named {
		if slices.ContainsFunc(places, func(p chat.Place) bool { return sameChat(p, from) }) {
			b.Log.Warn("a setting names a chat that has become another: write the new id there", "setting", setting, "was", was, "is", is)
		}
	}
}
