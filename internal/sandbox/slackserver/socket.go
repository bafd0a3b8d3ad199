package slackserver

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Socket Mode (docs.slack.dev/apis/events-api/using-socket-mode).

// maxSockets is how many connections an app can have open.
const maxSockets = 10

// ticketLife is how long a connection's URL works, once (a guess).
const ticketLife = 30 * time.Second

type socketState struct {
	tickets map[string]time.Time
	conns   []*conn
	next    int
	pending map[string]chan json.RawMessage // by envelope id
}

func (st *socketState) init() {
	st.tickets, st.pending = map[string]time.Time{}, map[string]chan json.RawMessage{}
}

// conn is one connection. Writers take turns.
type conn struct {
	ws *websocket.Conn
	mu sync.Mutex
}

func (c *conn) write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ws.SetWriteDeadline(time.Now().Add(AckDeadline)); err != nil {
		return err
	}
	return c.ws.WriteMessage(websocket.TextMessage, b)
}

func (s *Server) connectionsOpen(args) (result, *refusal) {
	ticket := s.secret()
	s.sockets.tickets[ticket] = s.opts.Now()
	base := "ws" + strings.TrimPrefix(s.url, "http")
	return result{"url": base + "/link/?ticket=" + ticket + "&app_id=" + AppID}, nil
}

// serveSocket is a connection from its handshake to its end.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	if b := s.broken("socket"); b != nil {
		if !s.hold(r, b) || b.Drop || b.Cut {
			panic(http.ErrAbortHandler)
		}
		if b.Status != 0 {
			http.Error(w, b.Body, b.Status)
			return
		}
	}
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	issued, ok := s.sockets.tickets[ticket]
	delete(s.sockets.tickets, ticket)
	if ok = ok && s.opts.Now().Sub(issued) <= ticketLife && !s.closed; ok {
		s.work.Add(1)
	}
	s.mu.Unlock()
	if !ok {
		http.Error(w, "invalid ticket", http.StatusForbidden)
		return
	}
	defer s.work.Done()
	// Clients send Slack's own origin.
	upgrade := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := upgrade.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	c := &conn{ws: ws}
	defer ws.Close()
	n := s.join(c)
	if n == 0 {
		_ = c.write(disconnect("too_many_websockets"))
		return
	}
	defer s.leave(c)
	hello := map[string]any{
		"type": "hello", "num_connections": n, "connection_info": map[string]any{"app_id": AppID},
		"debug_info": map[string]any{"host": "applink-sandbox", "build_number": 1, "approximate_connection_time": 18060},
	}
	if c.write(hello) != nil {
		return
	}
	stop := make(chan struct{})
	defer close(stop)
	s.work.Go(func() { s.ping(c, stop) })
	s.read(c)
}

// join adds a connection and says how many there are; 0 if there are too many.
func (s *Server) join(c *conn) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sockets.conns) >= maxSockets || s.closed {
		return 0
	}
	s.sockets.conns = append(s.sockets.conns, c)
	s.wake()
	return len(s.sockets.conns)
}

func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets.conns = slices.DeleteFunc(s.sockets.conns, func(o *conn) bool { return o == c })
	s.wake()
}

func (s *Server) ping(c *conn, stop <-chan struct{}) {
	t := time.NewTicker(s.opts.PingInterval)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if c.ws.WriteControl(websocket.PingMessage, []byte("Ping from applink-sandbox"), time.Now().Add(AckDeadline)) != nil {
				return
			}
		case <-stop:
			return
		}
	}
}

// read takes acknowledgements until the connection ends. They may come on another
// connection than the envelope went out on.
func (s *Server) read(c *conn) {
	c.ws.SetReadLimit(maxBody)
	for {
		_, b, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		if json.Unmarshal(b, &ack) != nil {
			continue
		}
		s.mu.Lock()
		waiting := s.sockets.pending[ack.EnvelopeID]
		delete(s.sockets.pending, ack.EnvelopeID)
		s.mu.Unlock()
		if waiting != nil {
			waiting <- ack.Payload
		}
	}
}

func disconnect(reason string) map[string]any {
	return map[string]any{"type": "disconnect", "reason": reason, "debug_info": map[string]any{"host": "applink-sandbox"}}
}

// Sockets is how many Socket Mode connections are open.
func (s *Server) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets.conns)
}

// Disconnect sends Slack's wish to part to all connections. reason is "warning", after
// which they stay, or "refresh_requested" or "link_disabled", after which they are closed.
func (s *Server) Disconnect(reason string) {
	for _, c := range s.takeSockets(reason != "warning") {
		// One that can't be written to is gone already.
		_ = c.write(disconnect(reason))
		if reason != "warning" {
			c.ws.Close()
		}
	}
}

// DropSockets closes all connections without a word.
func (s *Server) DropSockets() {
	for _, c := range s.takeSockets(true) {
		c.ws.Close()
	}
}

func (s *Server) takeSockets(remove bool) []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns := slices.Clone(s.sockets.conns)
	if remove {
		s.sockets.conns = nil
		s.wake()
	}
	return conns
}

// envelope is what carries a payload over Socket Mode.
type envelope struct {
	ID       string          `json:"envelope_id"`
	Type     string          `json:"type"`
	Payload  json.RawMessage `json:"payload"`
	Response bool            `json:"accepts_response_payload"`
	Attempt  *int            `json:"retry_attempt,omitempty"` // events only
	Reason   *string         `json:"retry_reason,omitempty"`
}

// sendSocket gives an envelope to one connection, each in its turn, and waits for the
// acknowledgement.
func (s *Server) sendSocket(e envelope) (json.RawMessage, string) {
	acked := make(chan json.RawMessage, 1)
	s.mu.Lock()
	if len(s.sockets.conns) == 0 {
		s.mu.Unlock()
		return nil, failedDispatch
	}
	s.sockets.next++
	c := s.sockets.conns[s.sockets.next%len(s.sockets.conns)]
	s.sockets.pending[e.ID] = acked
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		if s.sockets.pending[e.ID] == acked {
			delete(s.sockets.pending, e.ID)
		}
		s.mu.Unlock()
	}()
	t := time.NewTimer(AckDeadline)
	defer t.Stop()
	if c.write(e) != nil {
		return nil, failedDispatch
	}
	select {
	case payload := <-acked:
		return payload, ""
	case <-t.C:
		return nil, failedTimeout
	case <-s.ctx.Done():
		return nil, failedDispatch
	}
}
