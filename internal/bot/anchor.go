package bot

import (
	"context"
	"errors"
	"time"

	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// valueAnchored names the day whose last hash was published last.
const valueAnchored = "audit/anchored"

// anchorAtMidnight publishes the last hash of each day that is over, now and at
// every midnight.
func (b *Bot) anchorAtMidnight() {
	if len(b.Anchors) == 0 {
		return
	}
	b.spawn(beginning, "anchor", "", func(ctx context.Context) {
		if err := b.anchor(ctx); err != nil {
			b.failed("anchor", "", err)
		}
	})
	tomorrow := license.DateOf(b.today().Time(time.UTC).AddDate(0, 0, 1))
	b.agenda.add(begin(tomorrow, b.Zone), b.anchorAtMidnight)
}

// begin is the first moment of a day: where clocks are changed at midnight, a day may
// have none, or two.
func begin(day license.Date, zone *time.Location) time.Time {
	t := day.Time(zone)
	for license.DateOf(t) < day {
		t = t.Add(time.Hour)
	}
	for license.DateOf(t.Add(-time.Hour)) == day {
		t = t.Add(-time.Hour)
	}
	return t
}

var errFound = errors.New("found")

// anchor publishes the last hash of yesterday, once. Of the days before, on which the
// bot was off, it is the hash too, or one that comes before it in the chain.
func (b *Bot) anchor(ctx context.Context) error {
	today := b.today()
	midnight := begin(today, b.Zone)
	return b.Store.Update(ctx, func(tx *store.Tx) error {
		yesterday := license.DateOf(midnight.Add(-time.Hour))
		// A day that is yet to come was noted by a clock that ran ahead.
		if v, ok := tx.Value(valueAnchored); ok && license.Date(v) >= yesterday && license.Date(v) <= today {
			return nil
		}
		last, err := lastBefore(tx, midnight)
		if err != nil {
			return err
		}
		if err := tx.PutValue(valueAnchored, []byte(yesterday)); err != nil || last.Seq == 0 {
			return err
		}
		for _, p := range b.Anchors {
			m := b.Speaker.Anchor(yesterday, last.Seq, last.Hash)
			if err := b.announce(tx, p, m, "anchor/"+string(yesterday)); err != nil {
				return err
			}
		}
		return nil
	})
}

// lastBefore gives the last entry before a moment, the zero entry if there is none.
func lastBefore(tx *store.Tx, t time.Time) (requests.Entry, error) {
	seq, _, err := tx.Head()
	if err != nil {
		return requests.Entry{}, err
	}
	for ; seq > 0; seq-- {
		var e requests.Entry
		err := tx.Entries(seq, func(x requests.Entry) error {
			e = x
			return errFound
		})
		if err != nil && !errors.Is(err, errFound) {
			return e, err
		}
		if e.Time.Before(t) {
			return e, nil
		}
	}
	return requests.Entry{}, nil
}
