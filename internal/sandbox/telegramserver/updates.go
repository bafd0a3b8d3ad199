package telegramserver

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	maxBatch       = 100
	maxPoll        = 50 * time.Second
	webhookTimeout = 60 * time.Second
	maxConnections = 40
	firstRetry     = time.Second
	lastRetry      = time.Minute
)

// update is one update as it goes over the wire; the same bytes every time.
type update struct {
	id   int64
	key  int64 // updates of one chat are delivered in order
	raw  json.RawMessage
	gone bool // taken by the bot
}

// updateQueue holds what the bot has not confirmed, oldest first.
type updateQueue struct {
	next    int64
	pending []*update
	again   []*update // given once more, whatever the offset says
	all     map[int64]*update
	allowed map[string]bool
	poll    chan string // of the poller that waits: why it is to end
	arrived chan struct{}
	hook    *webhook
	lastErr string
	errAt   int64
}

func defaultAllowed() map[string]bool {
	return allow([]string{"message", "edited_message", "channel_post", "edited_channel_post", "callback_query", "my_chat_member"})
}

func allow(kinds []string) map[string]bool {
	allowed := make(map[string]bool, len(kinds))
	for _, k := range kinds {
		allowed[k] = true
	}
	return allowed
}

// push queues an update of a kind that the bot asked for; 0 where it did not. The
// lock is held.
func (s *Server) push(kind string, key int64, body any) int64 {
	if !s.updates.allowed[kind] {
		return 0
	}
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // our own types
	}
	return s.pushRaw(key, []byte(`"`+kind+`":`+string(b)))
}

// pushRaw queues an update with the fields as they are. The lock is held.
func (s *Server) pushRaw(key int64, fields []byte) int64 {
	q := &s.updates
	u := &update{id: q.next, key: key}
	q.next++
	u.raw = slices.Concat([]byte(`{"update_id":`), strconv.AppendInt(nil, u.id, 10), []byte(","), fields, []byte("}"))
	q.pending = append(q.pending, u)
	if !s.opts.NoLedger {
		if q.all == nil {
			q.all = map[int64]*update{}
		}
		q.all[u.id] = u
	}
	if q.hook != nil {
		q.hook.deliver(u)
	}
	s.wakePoller()
	s.touch()
	return u.id
}

func (s *Server) wakePoller() {
	if s.updates.arrived != nil {
		close(s.updates.arrived)
		s.updates.arrived = nil
	}
}

// getUpdates gives what is not confirmed, waiting for it up to timeout.
func (s *Server) getUpdates(ctx context.Context, offset int64, limit int, timeout time.Duration, allowed []string) ([]json.RawMessage, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := &s.updates
	if q.hook != nil {
		return nil, conflict("can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
	}
	if q.poll != nil {
		q.poll <- "terminated by other getUpdates request; make sure that only one bot instance is running"
		q.poll = nil
	}
	if allowed != nil {
		q.allow(allowed)
	}
	if limit < 1 || limit > maxBatch {
		limit = maxBatch
	}
	q.confirm(offset)
	if batch := q.batch(limit); len(batch) > 0 || timeout <= 0 {
		return batch, nil
	}
	end := make(chan string, 1)
	q.poll = end
	timer := time.NewTimer(min(timeout, maxPoll))
	defer timer.Stop()
	for {
		if q.arrived == nil {
			q.arrived = make(chan struct{})
		}
		arrived := q.arrived
		s.touch()
		s.mu.Unlock()
		over, why := false, ""
		select {
		case <-arrived:
		case why = <-end:
		case <-timer.C:
			over = true
		case <-ctx.Done():
			over = true
		}
		s.mu.Lock()
		if why != "" {
			return nil, conflict(why)
		}
		batch := q.batch(limit)
		if len(batch) > 0 || over {
			if q.poll == end {
				q.poll = nil
			}
			return batch, nil
		}
	}
}

func (q *updateQueue) allow(kinds []string) {
	if len(kinds) == 0 {
		q.allowed = defaultAllowed()
		return
	}
	q.allowed = allow(kinds)
}

// confirm forgets what lies before the offset. An offset from the future, as after
// Telegram has begun to number anew, confirms nothing; a negative one keeps that
// many of the newest.
func (q *updateQueue) confirm(offset int64) {
	switch {
	case offset > q.next:
		return
	case offset < 0:
		q.pending = q.pending[max(0, len(q.pending)+int(offset)):]
		return
	}
	kept := slices.IndexFunc(q.pending, func(u *update) bool { return !u.gone && u.id >= offset })
	if kept < 0 {
		kept = len(q.pending)
	}
	q.pending = q.pending[kept:]
}

func (q *updateQueue) batch(limit int) []json.RawMessage {
	batch := []json.RawMessage{}
	for _, u := range q.again {
		batch = append(batch, u.raw)
	}
	q.again = nil
	for _, u := range q.pending {
		if len(batch) >= limit {
			break
		}
		if !u.gone {
			batch = append(batch, u.raw)
		}
	}
	return batch
}

// webhook delivers updates by POST, those of one chat one after the other, and
// again for as long as the answer is not 2xx.
type webhook struct {
	url, secret string
	server      *Server
	cancel      context.CancelFunc
	ctx         context.Context
	running     sync.WaitGroup
	lanes       []chan struct{} // a token each
	queues      [][]*update     // guarded by the server's lock
}

// setWebhook begins to deliver to url; "" ends it. The lock is held.
func (s *Server) setWebhook(url, secret string, lanes int, dropPending bool) {
	q := &s.updates
	if q.hook != nil {
		q.hook.cancel()
		q.hook = nil
	}
	if dropPending {
		q.pending = nil
	}
	if url == "" {
		s.touch()
		return
	}
	if q.poll != nil {
		q.poll <- "terminated by setWebhook request"
		q.poll = nil
	}
	if lanes < 1 || lanes > 100 {
		lanes = maxConnections
	}
	ctx, cancel := context.WithCancel(context.Background())
	h := &webhook{url: url, secret: secret, server: s, ctx: ctx, cancel: cancel,
		lanes: make([]chan struct{}, lanes), queues: make([][]*update, lanes)}
	for i := range h.lanes {
		h.lanes[i] = make(chan struct{}, 1)
		h.running.Go(func() { h.run(i) })
	}
	q.hook = h
	for _, u := range q.pending {
		if !u.gone {
			h.deliver(u)
		}
	}
	s.touch()
}

func (h *webhook) stop() {
	h.cancel()
	h.running.Wait()
}

// deliver puts an update into its lane. The server's lock is held.
func (h *webhook) deliver(u *update) {
	lane := int(uint64(u.key) % uint64(len(h.queues)))
	h.queues[lane] = append(h.queues[lane], u)
	select {
	case h.lanes[lane] <- struct{}{}:
	default:
	}
}

func (h *webhook) run(lane int) {
	for {
		h.server.mu.Lock()
		var u *update
		if len(h.queues[lane]) > 0 {
			u = h.queues[lane][0]
			h.queues[lane] = h.queues[lane][1:]
		}
		h.server.mu.Unlock()
		if u == nil {
			select {
			case <-h.lanes[lane]:
				continue
			case <-h.ctx.Done():
				return
			}
		}
		if !h.insist(u) {
			return
		}
	}
}

// insist posts one update until it is taken; false when the webhook has ended.
func (h *webhook) insist(u *update) bool {
	delay := firstRetry
	for {
		failure := h.post(u.raw)
		if h.ctx.Err() != nil {
			return false
		}
		h.server.mu.Lock()
		if failure == "" {
			u.gone = true
			h.server.updates.confirm(0)
		} else {
			h.server.updates.lastErr, h.server.updates.errAt = failure, h.server.now()
		}
		h.server.touch()
		h.server.mu.Unlock()
		if failure == "" {
			return true
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-h.ctx.Done():
			timer.Stop()
			return false
		}
		delay = min(2*delay, lastRetry)
	}
}

// post gives "" or why the update was not taken, in Telegram's words.
func (h *webhook) post(raw []byte) string {
	req, err := http.NewRequestWithContext(h.ctx, http.MethodPost, h.url, bytes.NewReader(raw))
	if err != nil {
		return "Bad webhook: wrong URL"
	}
	req.Header.Set("Content-Type", "application/json")
	if h.secret != "" {
		req.Header.Set("X-Telegram-Bot-Api-Secret-Token", h.secret)
	}
	resp, err := h.server.client.Do(req)
	if err != nil {
		return "Connection refused"
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if resp.StatusCode/100 != 2 {
		return "Wrong response from the webhook: " + resp.Status
	}
	return ""
}

// Redeliver gives an update to the bot once more, as Telegram may where the bot's
// answer was lost on the way.
func (s *Server) Redeliver(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.updates.all[id]
	if u == nil {
		return
	}
	if h := s.updates.hook; h != nil {
		h.deliver(u)
		return
	}
	s.updates.again = append(s.updates.again, u)
	s.wakePoller()
}

// Renumber makes next the id of the next update: after a quiet week Telegram goes
// on with a random one (core.telegram.org/bots/api#update).
func (s *Server) Renumber(next int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.updates.next = next
}

// Pending says how many updates the bot has not yet taken.
func (s *Server) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, u := range s.updates.pending {
		if !u.gone {
			n++
		}
	}
	return n
}

// LastUpdate is the id of the newest update.
func (s *Server) LastUpdate() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.updates.next - 1
}

// Polling says whether a getUpdates call is waiting.
func (s *Server) Polling() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.updates.poll != nil
}

// Poison is an update that a bot may be unable to read.
type Poison string

// Poisons: what the Bot API's future, or a fault in it, may bring.
const (
	UnknownKind  Poison = `"quantum_message":{"id":1}`
	UnknownEnum  Poison = `"message":{"message_id":1,"date":1,"chat":{"id":1,"type":"private"},"from":{"id":1,"is_bot":false,"first_name":"A"},"text":"x","forward_origin":{"type":"from_the_future","date":1}}`
	WrongType    Poison = `"message":{"message_id":"one","date":1,"chat":{"id":1,"type":"private"},"text":["x"]}`
	UnknownField Poison = `"message":{"message_id":1,"date":1,"chat":{"id":1,"type":"dream"},"dream":{"deep":[1,2]}}`
	NotAnObject  Poison = `"message":"hello"`
)

// Inject queues an update with the given JSON members beside its id, and gives the
// id.
func (s *Server) Inject(p Poison) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pushRaw(0, []byte(p))
}
