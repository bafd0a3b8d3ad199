package slackserver_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

const (
	botToken = "xoxb-sandbox-bot"
	appToken = "xapp-sandbox-app"
	secret   = "sandbox-signing-secret"
)

// clock is a workspace's clock that a test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// roundTripper is the bot's side of HTTP.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// bot makes a bot of a handler, without a network.
func bot(h http.HandlerFunc) roundTripper {
	return func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		h(w, r)
		return w.Result(), nil
	}
}

// signed says whether a request carries a right signature, by Slack's recipe.
func signed(r *http.Request, body []byte) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, "v0:"+r.Header.Get("X-Slack-Request-Timestamp")+":"+string(body))
	return r.Header.Get("X-Slack-Signature") == "v0="+hex.EncodeToString(mac.Sum(nil))
}

func newServer(t testing.TB, o slackserver.Options) *slackserver.Server {
	t.Helper()
	s := slackserver.New(o)
	t.Cleanup(s.Close)
	s.SetURL("http://slack.test")
	return s
}

type object = map[string]any

// post sends a request to the server, without a network.
func post(t testing.TB, s http.Handler, path, contentType, bearer, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func decode(t testing.TB, w *httptest.ResponseRecorder) object {
	t.Helper()
	var v object
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("status %d, %q: %v", w.Code, w.Body, err)
	}
	return v
}

// call calls a method with a form and the bot's token in it.
func call(t testing.TB, s http.Handler, method string, args ...string) object {
	t.Helper()
	form := url.Values{"token": {botToken}}
	if method == "apps.connections.open" {
		form.Set("token", appToken)
	}
	for i := 0; i < len(args); i += 2 {
		form.Set(args[i], args[i+1])
	}
	return decode(t, post(t, s, "/api/"+method, "application/x-www-form-urlencoded", "", form.Encode()))
}

// must is call for what has to succeed.
func must(t testing.TB, s http.Handler, method string, args ...string) object {
	t.Helper()
	v := call(t, s, method, args...)
	if v["ok"] != true {
		t.Fatalf("%s %q: %v", method, args, v)
	}
	return v
}

func wantError(t testing.TB, v object, code string) {
	t.Helper()
	if v["ok"] != false || v["error"] != code {
		t.Errorf("got %v, want the error %s", v, code)
	}
}

func toJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func section(text string) object {
	return object{"type": "section", "text": object{"type": "mrkdwn", "text": text}}
}

func buttonRow(labels ...string) object {
	var all []any
	for _, l := range labels {
		all = append(all, object{
			"type": "button", "text": object{"type": "plain_text", "text": l},
			"action_id": strings.ToLower(l) + ":q1", "value": "q1",
		})
	}
	return object{"type": "actions", "block_id": "choice", "elements": all}
}

func blocks(t testing.TB, all ...any) string {
	t.Helper()
	return toJSON(t, all)
}

// pipes is a network of in-memory connections.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	p.conns <- there
	return here, nil
}

// serve serves on pipes until the test is over.
func serve(t *testing.T, h http.Handler) *pipes {
	p := &pipes{make(chan net.Conn), make(chan struct{})}
	web := &http.Server{Handler: h}
	go web.Serve(p)
	t.Cleanup(func() { web.Close() })
	return p
}

// socket is a raw Socket Mode client.
type socket struct {
	t  *testing.T
	ws *websocket.Conn
}

func connect(t *testing.T, s *slackserver.Server, p *pipes) *socket {
	t.Helper()
	return dialSocket(t, p, must(t, s, "apps.connections.open")["url"].(string))
}

func dialSocket(t *testing.T, p *pipes, address string) *socket {
	t.Helper()
	d := websocket.Dialer{NetDialContext: p.dial}
	ws, _, err := d.Dial(address, http.Header{"Origin": {"https://api.slack.com"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	return &socket{t, ws}
}

// next is the next message, of the type that is wanted.
func (c *socket) next(kind string) object {
	c.t.Helper()
	var v object
	if err := c.ws.ReadJSON(&v); err != nil {
		c.t.Fatal(err)
	}
	if v["type"] != kind {
		c.t.Fatalf("got %v, want %s", v, kind)
	}
	return v
}

func (c *socket) ack(envelope object, payload any) {
	c.t.Helper()
	v := object{"envelope_id": envelope["envelope_id"]}
	if payload != nil {
		v["payload"] = payload
	}
	if err := c.ws.WriteJSON(v); err != nil {
		c.t.Fatal(err)
	}
}
