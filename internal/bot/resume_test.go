package bot

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// waits is a context that tells when somebody waits for its end.
type waits struct {
	context.Context
	begun func()
}

func (w waits) Done() <-chan struct{} {
	w.begun()
	return w.Context.Done()
}

// What a start makes of a call that a kill has cut is recorded too where another's
// transaction fails beside it and all is done once more.
func TestResumedBesideAFailure(t *testing.T) {
	s, b := idle(t)
	r := requests.Request{ID: "abcdef", Action: requests.Renew, State: requests.Running, Items: []requests.Item{{Code: "1001", State: requests.Started}}}
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return tx.PutRequest(r) }); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	busy, goOn := make(chan bool), make(chan bool)
	all.Go(func() {
		// Nobody is in a hurry: the store's own goroutine does it, and what comes
		// meanwhile is done together.
		if err := s.UpdateSoon(t.Context(), func(*store.Tx) error {
			busy <- true
			<-goOn
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-busy
	waiting := make(chan bool)
	b.work, b.closing = waits{context.Background(), func() { waiting <- true }}, true // nothing is begun
	all.Go(func() {
		if err := b.resumeRequest(r); err != nil {
			t.Error(err)
		}
	})
	<-waiting
	failed := errors.New("no")
	all.Go(func() {
		if err := s.Update(b.work, func(tx *store.Tx) error { return errors.Join(tx.PutValue("x", nil), failed) }); !errors.Is(err, failed) {
			t.Error(err)
		}
	})
	<-waiting
	close(goOn)
	all.Wait()
	if err := s.View(func(tx *store.Tx) error {
		is, _, err := tx.Request(r.ID)
		if is.Items[0].State != requests.Looking {
			t.Errorf("it is %s", is.Items[0].State)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}
