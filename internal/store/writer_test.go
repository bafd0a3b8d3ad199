package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/isplicense/license-bot/internal/store"
	"github.com/isplicense/license-bot/internal/store/storetest"
)

func TestSmoke(t *testing.T) {
	s := storetest.New(t, store.Options{})
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if err := s.Update(context.Background(), func(tx *store.Tx) error {
				return tx.PutValue(fmt.Sprint(i), nil)
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	boom := errors.New("boom")
	if err := s.Update(context.Background(), func(tx *store.Tx) error {
		_ = tx.PutValue("x", nil)
		return boom
	}); !errors.Is(err, boom) {
		t.Fatal(err)
	}
}
