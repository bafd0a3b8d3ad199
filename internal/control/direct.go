package control

import (
	"context"
	"iter"

	"github.com/isplicense/license-bot/internal/bot"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// direct is a store that this process has open.
type direct struct {
	s       *store.Store
	changed func(*store.Tx) error // has the bot that runs on it follow the allowlist; nil: none runs
}

// change changes the allowlist, and what follows from that.
func (d direct) change(ctx context.Context, how func(*store.Tx) error) error {
	return d.s.Update(ctx, func(tx *store.Tx) error {
		if err := how(tx); err != nil || d.changed == nil {
			return err
		}
		return d.changed(tx)
	})
}

func (d direct) Members(context.Context) (requests.Allowlist, error) {
	var all requests.Allowlist
	err := d.s.View(func(tx *store.Tx) error {
		var err error
		all, err = tx.Members()
		return err
	})
	return all, err
}

func (d direct) Allow(ctx context.Context, g requests.Grant, by requests.Account) (requests.Granted, error) {
	var done requests.Granted
	err := d.change(ctx, func(tx *store.Tx) error {
		var err error
		done, err = bot.Allow(tx, g, requests.Who{Account: by})
		return err
	})
	return done, err
}

func (d direct) Revoke(ctx context.Context, a, by requests.Account) (requests.Member, error) {
	var gone requests.Member
	err := d.change(ctx, func(tx *store.Tx) error {
		var err error
		gone, err = bot.Revoke(tx, a, requests.Who{Account: by})
		return err
	})
	return gone, err
}

func (d direct) Entries(context.Context) iter.Seq2[requests.Entry, error] {
	return d.s.Entries(1)
}

func (d direct) Backup(_ context.Context, path string) error { return d.s.Backup(path) }

func (d direct) Close() error { return d.s.Close() }
