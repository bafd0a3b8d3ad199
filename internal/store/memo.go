package store

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"

	"github.com/isplicense/license-bot/internal/requests"
)

// memo remembers what records say, since those of a request that is under way are
// read many times between two changes. It goes by a record's bytes alone, whatever
// transaction they are read in, so there is nothing in it that could be out of date.
// The zero value is empty.
type memo[T any] struct {
	mu    sync.Mutex
	known map[string]remembered[T]
}

type remembered[T any] struct {
	record []byte
	value  T
}

// memoSize bounds how many records of a kind are remembered: some hundred KB.
const memoSize = 256

// read gives what decode makes of the record, which is shared with later callers;
// false if it can't be read.
func (m *memo[T]) read(key, record []byte, decode func(key, record []byte) (T, bool)) (T, bool) {
	m.mu.Lock()
	known, ok := m.known[string(key)]
	m.mu.Unlock()
	if ok && bytes.Equal(known.record, record) {
		return known.value, true
	}
	value, ok := decode(key, record)
	if !ok {
		return value, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= memoSize {
		m.known = make(map[string]remembered[T], memoSize)
	}
	m.known[string(key)] = remembered[T]{bytes.Clone(record), value}
	return value, true
}

func decodeRequest(id, record []byte) (requests.Request, bool) {
	var r requests.Request
	if json.Unmarshal(record, &r) != nil || string(r.ID) != string(id) {
		return requests.Request{}, false
	}
	return r, true
}

// cloned shares nothing with r that could be changed.
func cloned(r requests.Request) requests.Request {
	r.Items = slices.Clone(r.Items)
	for i := range r.Items {
		it := &r.Items[i]
		it.Changes = slices.Clone(it.Changes)
		it.Before.Codes = slices.Clone(it.Before.Codes)
		it.Facts.Unknown = slices.Clone(it.Facts.Unknown)
	}
	r.Votes = slices.Clone(r.Votes)
	r.Approvers = slices.Clone(r.Approvers)
	for i := range r.Approvers {
		r.Approvers[i].Accounts = slices.Clone(r.Approvers[i].Accounts)
	}
	return r
}
