package bot

import (
	"encoding/json"
	"sync"
)

// memo remembers what the store's messages say, since those of a request that is
// under way are read many times between two changes. It goes by their bytes alone,
// so there is nothing in it that could be out of date.
type memo struct {
	mu    sync.Mutex
	known map[messageID]remembered
}

type remembered struct {
	data    string
	posting posting
}

// memoSize bounds how many messages are remembered: a few hundred KB.
const memoSize = 512

// posting decodes a message's data. What it gives is shared: Items are not to be
// changed.
func (m *memo) posting(id messageID, data []byte) (posting, error) {
	m.mu.Lock()
	known, ok := m.known[id]
	m.mu.Unlock()
	if ok && known.data == string(data) {
		return known.posting, nil
	}
	var p posting
	if err := json.Unmarshal(data, &p); err != nil {
		return posting{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= memoSize {
		m.known = make(map[messageID]remembered, memoSize)
	}
	m.known[id] = remembered{string(data), p}
	return p, nil
}
