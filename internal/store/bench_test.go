package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
	"github.com/isplicense/license-bot/internal/store/storetest"
)

// BenchmarkUpdate is a step of a request as the engine records it: a delivery, the
// request read and written, an audit entry, a task added and another done.
func BenchmarkUpdate(b *testing.B) {
	for _, goroutines := range []int{1, 32, 256} {
		b.Run(fmt.Sprint(goroutines), func(b *testing.B) {
			var commits atomic.Int64
			s := storetest.New(b, store.Options{}.WithCommit(func(do func() error) error {
				commits.Add(1)
				return do()
			}))
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for range goroutines {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						if err := s.Update(context.Background(), func(tx *store.Tx) error { return step(tx, n) }); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
			b.ReportMetric(float64(b.N)/float64(commits.Load()), "updates/commit")
		})
	}
}

func step(tx *store.Tx, n int64) error {
	delivery := fmt.Sprintf("slack:%08d", n)
	if tx.Seen(delivery) {
		return nil
	}
	if err := tx.Remember(delivery); err != nil {
		return err
	}
	r, ok, err := tx.Request(requests.ID(fmt.Sprintf("r%05d", n%1000)))
	if err != nil {
		return err
	}
	if !ok {
		r = sampleRequest(requests.ID(fmt.Sprintf("r%05d", n%1000)))
	}
	r.Asked = r.Asked.Add(time.Second)
	if err := tx.PutRequest(r); err != nil {
		return err
	}
	if _, err := tx.Append(sampleEntry(n)); err != nil {
		return err
	}
	id, err := tx.AddTask(store.Task{Kind: "post", Request: r.ID, Due: r.Asked, Data: json.RawMessage(`{"place":"slack:T1/C1"}`)})
	if err != nil {
		return err
	}
	return tx.DeleteTask(id - 1)
}

func sampleRequest(id requests.ID) requests.Request {
	at := time.Date(2026, 7, 26, 9, 30, 0, 0, time.UTC)
	return requests.Request{
		ID: id, Action: requests.Renew, State: requests.Proposed,
		By:       requests.Who{Account: "slack:T1/U1", Person: "kate"},
		Asked:    at,
		Deadline: at.Add(15 * time.Minute),
		Where:    `{"place":"slack:T1/C1","message":"1721984000.000100"}`,
		Items: []requests.Item{{
			Code: "1001", State: requests.Waiting,
			Facts: requests.Facts{
				Family: "softexternal", Name: "web1", Address: "192.0.2.10", Product: "ISPmanager 6 Pro",
				Period: 1, Expires: "2026-08-10", After: "2026-09-10", Price: "4.50 EUR",
			},
		}},
	}
}

func sampleEntry(n int64) requests.Entry {
	return requests.Entry{
		Event: requests.EventProposed, Request: requests.ID(fmt.Sprintf("r%05d", n%1000)),
		Actor: "slack:T1/U1", Person: "kate", Action: "renew", License: fmt.Sprint(1000 + n%100),
		Detail: "renew web1 192.0.2.10 ISPmanager 6 Pro for a month",
	}
}
