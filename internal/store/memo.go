package store

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"

	"github.com/isplicense/license-bot/internal/requests"
)

// memo remembers what records of requests say, since one that is under way is read
// many times between two changes. It goes by the record's bytes alone, whatever
// transaction they are read in, so there is nothing in it that could be out of date.
type memo struct {
	mu    sync.Mutex
	known map[requests.ID]remembered
}

type remembered struct {
	record  []byte
	request requests.Request
}

// memoSize bounds how many requests are remembered: a few hundred KB.
const memoSize = 128

// request reads a record; false if it can't be read. What it gives is the caller's.
func (m *memo) request(id requests.ID, record []byte) (requests.Request, bool) {
	m.mu.Lock()
	known, ok := m.known[id]
	m.mu.Unlock()
	if ok && bytes.Equal(known.record, record) {
		return cloned(known.request), true
	}
	var r requests.Request
	if json.Unmarshal(record, &r) != nil || r.ID != id {
		return requests.Request{}, false
	}
	known = remembered{bytes.Clone(record), cloned(r)}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= memoSize {
		m.known = make(map[requests.ID]remembered, memoSize)
	}
	m.known[id] = known
	return r, true
}

// cloned shares nothing with r that could be changed.
func cloned(r requests.Request) requests.Request {
	r.Items = slices.Clone(r.Items)
	for i := range r.Items {
		it := &r.Items[i]
		it.Changes = slices.Clone(it.Changes)
		it.Before.Codes = slices.Clone(it.Before.Codes)
	}
	r.Votes = slices.Clone(r.Votes)
	return r
}
