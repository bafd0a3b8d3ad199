package bot

import (
	"errors"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/store"
	"github.com/isplicense/license-bot/internal/store/storetest"
)

// A delivery is remembered in the transaction that takes it, with all of its batch and
// what the adapter adds: a kill leaves all of that or nothing.
func TestTakeIsOneTransaction(t *testing.T) {
	s := storetest.New(t, store.Options{})
	speaker := chat.NewSpeaker("en", time.UTC)
	b := New(Config{Store: s, Zone: time.UTC, Speaker: speaker, Now: time.Now})
	b.cancel() // what is taken is not begun: the store alone is looked at
	in := func(delivery string) chat.Inbound {
		return chat.Inbound{Delivery: delivery, Kind: chat.Command, Account: "telegram:1", Text: "list"}
	}
	holds := func(deliveries, tasks int) {
		t.Helper()
		if err := s.View(func(tx *store.Tx) error {
			seen := 0
			for _, d := range []string{"1", "2"} {
				if tx.Seen(d) {
					seen++
				}
			}
			all, err := tx.Tasks()
			if seen != deliveries || len(all) != tasks {
				t.Errorf("%d deliveries and %d tasks, want %d and %d", seen, len(all), deliveries, tasks)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	failed := errors.New("the offset could not be kept")
	if err := b.Take(t.Context(), []chat.Inbound{in("1"), in("2")}, func(*store.Tx) error { return failed }); !errors.Is(err, failed) {
		t.Error(err)
	}
	holds(0, 0)
	if err := b.Take(t.Context(), []chat.Inbound{in("1"), in("")}, nil); err == nil {
		t.Error("a delivery without a name was taken")
	}
	holds(0, 0)
	for range 2 {
		err := b.Take(t.Context(), []chat.Inbound{in("1"), in("2"), in("1")}, func(tx *store.Tx) error {
			tasks, err := tx.Tasks()
			if !tx.Seen("1") || !tx.Seen("2") || len(tasks) != 2 {
				t.Errorf("within the transaction: %t, %t, %d tasks", tx.Seen("1"), tx.Seen("2"), len(tasks))
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		holds(2, 2)
	}
}
