package bot

import (
	"errors"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/commands"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
	"github.com/isplicense/license-bot/internal/store/storetest"
)

// idle is a bot that begins nothing of what it takes: the store alone is looked at.
func idle(t *testing.T) (*store.Store, *Bot) {
	s := storetest.New(t, store.Options{})
	b := New(Config{Store: s, Zone: time.UTC, Speaker: chat.NewSpeaker("en", time.UTC), Now: time.Now})
	b.cancel()
	return s, b
}

// A delivery is remembered in the transaction that takes it, with all of its batch and
// what the adapter adds: a kill leaves all of that or nothing.
func TestTakeIsOneTransaction(t *testing.T) {
	s, b := idle(t)
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

// An admin's role is looked up in the transaction that does what they say: it may have
// been lost since the command was read.
func TestAnAdminsRoleIsLookedUpWithTheChange(t *testing.T) {
	s, b := idle(t)
	const was, other requests.Account = "telegram:1", "telegram:2"
	put := func(role requests.Role) {
		t.Helper()
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			return errors.Join(
				tx.PutMember(requests.Member{Person: "ann", Role: role, Accounts: []requests.Account{was}}),
				tx.PutMember(requests.Member{Person: "bob", Role: requests.Admin, Accounts: []requests.Account{"telegram:3"}}))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, role := range []requests.Role{requests.Approver, requests.Admin} {
		put(role)
		in := chat.Inbound{Kind: chat.Command, Account: was}
		b.adminChange(t.Context(), store.Task{}, in, commands.Allow{Who: other, Grant: requests.Viewer})
		if err := s.View(func(tx *store.Tx) error {
			l, err := tx.Members()
			if _, allowed := l.Of(other); allowed != (role == requests.Admin) {
				t.Errorf("by somebody who is %s: allowed %t", role, allowed)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}
