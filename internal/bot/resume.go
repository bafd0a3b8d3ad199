package bot

import (
	"fmt"

	"github.com/isplicense/license-bot/internal/failpoint"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// resume goes on with what the store says was not finished. What it plans begins
// after its transaction.
func (b *Bot) resume() error {
	var unfinished []requests.Request
	var tasks []store.Task
	err := b.Store.View(func(tx *store.Tx) error {
		var err error
		if tasks, err = tx.Tasks(); err != nil {
			return err
		}
		unfinished, err = live(tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("the store can't be read at the start: %w", err)
	}
	for _, r := range unfinished {
		failpoint.Here("start/before-request")
		if err := b.resumeRequest(r); err != nil {
			return fmt.Errorf("request %s can't be gone on with: %w", r.ID, err)
		}
	}
	for _, t := range tasks {
		failpoint.Here("start/before-task")
		b.runTask(t, true)
	}
	if len(unfinished)+len(tasks) > 0 {
		b.Log.Info("going on with what was not finished", "requests", len(unfinished), "tasks", len(tasks))
	}
	return nil
}

func (b *Bot) resumeRequest(r requests.Request) error {
	events, effects := requests.Resume(r, b.Now())
	return b.Store.Update(b.work, func(tx *store.Tx) error {
		r := r // this may run again
		all, err := b.messagesOf(tx, r.ID)
		if err != nil {
			return err
		}
		// Before anything else of this commit's looks at them.
		tx.OnCommit(func() {
			for _, m := range all {
				if m.ref == "" && m.Closed == "" {
					b.recover(m.messageID)
				}
			}
		})
		for _, e := range effects {
			if err := b.plan(tx, r, e); err != nil {
				return err
			}
		}
		for _, ev := range events {
			if r, _, err = b.step(tx, r, ev, b.Now()); err != nil {
				return err
			}
		}
		if err := b.retire(tx, r); err != nil {
			return err
		}
		tx.OnCommit(func() {
			if r.State == requests.Proposed {
				b.await(r)
			}
			for _, m := range all {
				if m.Closed == "" {
					b.sync(m.messageID)
				}
			}
		})
		return nil
	})
}

// recover marks a message that may have been posted before the kill.
func (b *Bot) recover(id messageID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.recovered[id] = true
}
