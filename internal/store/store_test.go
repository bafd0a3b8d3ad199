package store_test

import (
	"context"
	"iter"
	"testing"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
	"github.com/isplicense/license-bot/internal/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB, path string, o store.Options) storetest.Backend {
		return backend{storetest.Open(t, path, o)}
	})
}

// backend is our store as the suite sees any.
type backend struct{ s *store.Store }

func (b backend) Update(ctx context.Context, fn func(storetest.Tx) error) error {
	return b.s.Update(ctx, func(tx *store.Tx) error { return fn(tx) })
}

func (b backend) UpdateSoon(ctx context.Context, fn func(storetest.Tx) error) error {
	return b.s.UpdateSoon(ctx, func(tx *store.Tx) error { return fn(tx) })
}

func (b backend) View(fn func(storetest.Tx) error) error {
	return b.s.View(func(tx *store.Tx) error { return fn(tx) })
}

func (b backend) Entries(from uint64) iter.Seq2[requests.Entry, error] { return b.s.Entries(from) }

func (b backend) Close() error { return b.s.Close() }
