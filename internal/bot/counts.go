package bot

import (
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// Counts is how much is under way.
type Counts struct {
	Open        int // requests of which something can still come
	Undelivered int // reports that no chat has taken yet
}

// Counts looks in the store; where that fails the counts are zero.
func (b *Bot) Counts() Counts {
	var c Counts
	err := b.Store.View(func(tx *store.Tx) error {
		return tx.EachOpen(func(r requests.Request) error {
			if r.Open() {
				c.Open++
			}
			all, err := b.messagesOf(tx, r.ID)
			for _, m := range all {
				if m.Kind == kindReport && m.ref == "" && m.Closed == "" {
					c.Undelivered++
				}
			}
			return err
		})
	})
	if err != nil {
		return Counts{}
	}
	return c
}
