package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/settings"
	"github.com/isplicense/license-bot/internal/store"
)

// mortal carries the bot's calls until the bot is killed at one of them. From then
// on none goes out or comes back, and what the next start will find is a copy of
// the store of that very moment.
type mortal struct {
	r    *rig
	next http.RoundTripper
	file string
	died chan struct{} // closed when the copy is there
	over chan struct{} // closed when what still hangs on the dead one may end

	mu    sync.Mutex
	dead  bool
	count int                           // calls gone out and come back since aim
	at    func(n int, change bool) bool // whether to die there; nil: never
}

// mortally has the bot's calls go through a mortal, from the next start on.
func (r *rig) mortally() *mortal {
	m := &mortal{
		r: r, next: r.carrier, file: filepath.Join(r.TempDir(), "copy.db"),
		died: make(chan struct{}), over: make(chan struct{}),
	}
	r.around.Chats, r.around.Panel = m, m
	r.deliveries.Store(m)
	r.Cleanup(m.end)
	return m
}

// aim has the bot die where at says so. It is asked before a call goes out and
// again when its answer has come back; n counts these moments, and change says that
// the call asks the panel to change something.
func (m *mortal) aim(at func(n int, change bool) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count, m.at = 0, at
}

func (m *mortal) RoundTrip(req *http.Request) (*http.Response, error) {
	change, err := asksForChange(req)
	if err != nil {
		return nil, err
	}
	if m.passes(change) {
		resp, err := m.next.RoundTrip(req)
		if m.passes(change) {
			return resp, err
		}
		if err == nil {
			_ = resp.Body.Close()
		}
	}
	select {
	case <-req.Context().Done():
		return nil, req.Context().Err()
	case <-m.over:
		return nil, errDead
	}
}

// asksForChange looks into a call of the panel's.
func asksForChange(req *http.Request) (bool, error) {
	if req.URL.Path != panelserver.Path || req.Body == nil {
		return false, nil
	}
	form, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	req.Body = io.NopCloser(bytes.NewReader(form))
	return bytes.Contains(form, []byte("sok=ok")), err
}

var errDead = errors.New("the process is gone")

// deliver carries Slack's deliveries: nothing comes back from a bot that is dead.
func (m *mortal) deliver(req *http.Request) (*http.Response, error) {
	if m.isDead() {
		return nil, errDead
	}
	resp, err := m.next.RoundTrip(req)
	if err == nil && m.isDead() {
		_ = resp.Body.Close()
		return nil, errDead
	}
	return resp, err
}

func (m *mortal) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.over:
	default:
		close(m.over)
	}
}

// passes says whether the bot lives on past this moment.
func (m *mortal) passes(change bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return false
	}
	m.count++
	if m.at != nil && m.at(m.count, change) {
		m.die()
		return false
	}
	return true
}

// die takes the copy. Nobody's call can go out meanwhile: the lock is held.
func (m *mortal) die() {
	m.dead = true
	if err := m.r.app.Audit(func(s *store.Store) error { return s.Backup(m.file) }); err != nil {
		m.r.Error(err)
	}
	close(m.died)
}

// dies kills the bot where it stands, if it is not dead yet.
func (m *mortal) dies() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.dead {
		m.die()
	}
}

func (m *mortal) isDead() bool {
	select {
	case <-m.died:
		return true
	default:
		return false
	}
}

// rises starts a new bot on what the killed one had in its store.
func (r *rig) rises(m *mortal) *mortal {
	r.Helper()
	select {
	case <-m.died:
	case <-r.within(time.Hour).Done():
		r.Fatal("the bot does not die")
	}
	now, cancel := context.WithCancel(r.Context())
	cancel()
	r.app.Stop(now)
	m.end()
	r.settings.Store = settings.Path(m.file)
	next := r.mortally()
	next.file = filepath.Join(r.TempDir(), fmt.Sprintf("copy-%d.db", time.Now().UnixNano()))
	r.start()
	return next
}

// deliveries carries what the chats send to the bot, past a mortal if there is one.
type deliveries struct {
	next http.RoundTripper
	atomic.Pointer[mortal]
}

func (d *deliveries) RoundTrip(req *http.Request) (*http.Response, error) {
	if m := d.Load(); m != nil {
		return m.deliver(req)
	}
	return d.next.RoundTrip(req)
}
