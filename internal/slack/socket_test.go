package slack

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

// wire is Slack at its barest: what a test sends over a WebSocket, as bytes. It is
// for what the sandbox is too well-behaved for.
type wire struct {
	opened atomic.Int64 // calls of apps.connections.open
	refuse atomic.Value // string: what apps.connections.open says
	serve  func(*websocket.Conn)
	url    string
}

func (s *wire) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/api/apps.connections.open":
		s.opened.Add(1)
		if code, _ := s.refuse.Load().(string); code != "" {
			_, _ = io.WriteString(w, `{"ok":false,"error":"`+code+`"}`)
			return
		}
		_, _ = io.WriteString(w, `{"ok":true,"url":"ws`+strings.TrimPrefix(s.url, "http")+`/link?ticket=TOKENSECRET"}`)
	case "/link":
		upgrade := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
		if c, err := upgrade.Upgrade(w, r, nil); err == nil {
			defer c.Close()
			s.serve(c)
		}
	default:
		_, _ = io.WriteString(w, `{"ok":true,"team_id":"T1","url":"https://acme.slack.com/"}`)
	}
}

// onWire runs the adapter against it.
func onWire(t *testing.T, serve func(*websocket.Conn)) (*wire, *world) {
	t.Helper()
	s := &wire{serve: serve}
	web := httptest.NewServer(s)
	s.url = web.URL
	w := newWorld(t, func(_ *slackserver.Options, c *Config) { c.AppToken = appToken })
	cfg := w.bot.cfg
	cfg.APIURL = web.URL + "/api/"
	w.bot = newAdapter(t, cfg)
	t.Cleanup(func() {
		web.CloseClientConnections()
		web.Close()
	})
	return s, w
}

// acks reads acknowledged envelopes until the connection ends.
func acks(c *websocket.Conn, to chan<- string) {
	for {
		var ack struct {
			ID string `json:"envelope_id"`
		}
		if err := c.ReadJSON(&ack); err != nil {
			return
		}
		to <- ack.ID
	}
}

func send(c *websocket.Conn, messages ...string) {
	for _, m := range messages {
		_ = c.WriteMessage(websocket.TextMessage, []byte(m))
	}
}

const (
	helloMessage = `{"type":"hello","num_connections":1}`
	commandStart = `{"command":"/license","text":"help","team_id":"T1","user_id":"U1","channel_id":"C1","trigger_id":"1.`
)

func commandEnvelope(id string) string {
	return `{"type":"slash_commands","envelope_id":"` + id + `","payload":` + commandStart + id + `"}}`
}

func receive(t *testing.T, from <-chan string) string {
	t.Helper()
	select {
	case id := <-from:
		return id
	case <-within(t).Done():
		t.Fatal("nothing was acknowledged")
		return ""
	}
}

// What slack-go can't decode is decoded by us where we can, and acknowledged anyhow.
func TestUndecodedEnvelopes(t *testing.T) {
	acked := make(chan string, 10)
	_, w := onWire(t, func(c *websocket.Conn) {
		send(c, helloMessage, `not json`, `{"type":"slash_commands"}`,
			`{"type":"brand_new","envelope_id":"new","payload":{}}`,
			`{"type":"events_api","envelope_id":"event","payload":{"type":"event_callback","event":{"type":"brand_new"}}}`,
			`{"type":"slash_commands","envelope_id":"empty","payload":{}}`,
			`{"type":"interactive","envelope_id":"click","payload":{"type":"block_actions","trigger_id":"t","user":{"id":"U1","team_id":"T1"},
				"channel":{"id":"C1"},"container":{"message_ts":"1.2"},"actions":[{"action_id":"confirm","value":"x"}],
				"message":{"blocks":[{"type":"actions","elements":[{"type":"brand_new_element"}]}]}}}`)
		acks(c, acked)
	})
	w.run()
	got := map[string]bool{}
	for range 4 {
		got[receive(t, acked)] = true
	}
	for _, id := range []string{"new", "event", "empty", "click"} {
		if !got[id] {
			t.Errorf("%s was not acknowledged", id)
		}
	}
	if all := w.sink.all(); len(all) != 1 || all[0].Action != "confirm" {
		t.Errorf("taken: %+v", all)
	}
}

// What could not be recorded is not acknowledged, be it by an error or a panic.
func TestSocketAcknowledgesOnlyWhatIsRecorded(t *testing.T) {
	acked := make(chan string, 10)
	next := make(chan string)
	_, w := onWire(t, func(c *websocket.Conn) {
		send(c, helloMessage)
		go acks(c, acked)
		for m := range next {
			send(c, m)
		}
	})
	w.sink.set(func(s *sink) { s.fail = errDisk })
	w.run()
	next <- commandEnvelope("a")
	for !strings.Contains(w.log.String(), "disk full") {
		time.Sleep(time.Millisecond)
	}
	w.sink.set(func(s *sink) { s.fail, s.panic = nil, true })
	next <- commandEnvelope("b")
	for !strings.Contains(w.log.String(), "panicked") {
		time.Sleep(time.Millisecond)
	}
	w.sink.set(func(s *sink) { s.panic = false })
	next <- commandEnvelope("c")
	if id := receive(t, acked); id != "c" {
		t.Errorf("%s was acknowledged", id)
	}
	close(next)
}

// While nothing is recorded the connection lives on, and nothing is lost.
func TestSlowStoreKeepsTheConnection(t *testing.T) {
	w := newWorld(t, func(o *slackserver.Options, c *Config) {
		c.AppToken = appToken
		o.PingInterval = 5 * time.Millisecond
	})
	held := make(chan struct{})
	w.sink.set(func(s *sink) { s.held = held })
	w.run()
	w.await(true)
	ops := w.slack.User("ops")
	w.slack.Channel("c")
	var sent []*slackserver.Delivery
	for range recorders + 60 { // more than are recorded at once and slack-go holds
		d, err := ops.Says("#c", "/license help")
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, d)
	}
	close(held)
	for _, d := range sent {
		settled(t, d, nil)
	}
	if n := len(w.sink.all()); n != len(sent) {
		t.Errorf("%d of %d", n, len(sent))
	}
}

func TestReconnects(t *testing.T) {
	w := newWorld(t, func(_ *slackserver.Options, c *Config) { c.AppToken = appToken })
	w.run()
	w.await(true)
	w.slack.Disconnect("refresh_requested")
	if err := w.slack.Await(within(t), func() bool { return w.slack.Sockets() == 1 }); err != nil {
		t.Fatal(err)
	}
	w.await(true)
	w.slack.Channel("c")
	d, err := w.slack.User("ops").Says("#c", "/license help")
	settled(t, d, err)
	w.sink.next(t)
}

// slack-go asks for a new connection at once after each that it got: thousands of
// times a second where a server closes them.
func TestNoStorm(t *testing.T) {
	s, w := onWire(t, func(*websocket.Conn) {})
	w.run()
	for w.await(false) != errStorm.Error() {
		time.Sleep(time.Millisecond)
	}
	// On a busy machine some come before the count is looked at.
	if n := s.opened.Load(); n > 20*maxConnects {
		t.Errorf("%d connections were asked for", n)
	}
}

// inBubble runs f in a synctest bubble with the adapter on in-memory connections to
// the server; dial may fail what it likes.
func inBubble(t *testing.T, s *wire, dial func() error, f func(a *Adapter, log *logBuffer)) {
	bubbleWith(t, s, newSink(), dial, f)
}

func bubbleWith(t *testing.T, s *wire, sink Sink, dial func() error, f func(a *Adapter, log *logBuffer)) {
	synctest.Test(t, func(t *testing.T) {
		l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: s}
		go func() { _ = server.Serve(l) }()
		s.url = "http://slack.test"
		rt := &http.Transport{DialContext: l.dial}
		log := &logBuffer{}
		a, err := New(Config{
			BotToken: botToken, AppToken: appToken, APIURL: s.url + "/api/", HTTP: rt, Log: logTo(log),
			Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
				if err := dial(); err != nil {
					return nil, err
				}
				return l.dial(ctx, network, addr)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = a.Run(ctx, sink) })
		f(a, log)
		cancel()
		wg.Wait()
		rt.CloseIdleConnections()
		_ = server.Close()
		l.once.Do(func() { close(l.closed) })
		log.check(t)
	})
}

// However long Slack was away, the bot is back soon after it: slack-go alone would
// wait up to five minutes.
func TestBackSoonAfterAnOutage(t *testing.T) {
	var away atomic.Bool
	away.Store(true)
	s := &wire{serve: func(c *websocket.Conn) {
		send(c, helloMessage)
		acks(c, make(chan string))
	}}
	dial := func() error {
		if away.Load() {
			return errors.New("connection refused")
		}
		return nil
	}
	inBubble(t, s, dial, func(a *Adapter, log *logBuffer) {
		time.Sleep(time.Hour)
		if ready, why := a.State(); ready || why == "" {
			t.Errorf("%v, %q", ready, why)
		}
		if n := s.opened.Load(); n > 60*11 {
			t.Errorf("%d tries in an hour", n)
		}
		away.Store(false)
		time.Sleep(silence + lookEvery)
		if ready, why := a.State(); !ready {
			t.Errorf("not back: %s", why)
		}
		if !strings.Contains(log.String(), "nothing was heard") {
			t.Errorf("log: %s", log)
		}
	})
}

// A refused token is said, and tried again in a minute or so.
func TestRefusedAppToken(t *testing.T) {
	s := &wire{serve: func(c *websocket.Conn) {
		send(c, helloMessage)
		acks(c, make(chan string))
	}}
	s.refuse.Store("invalid_auth")
	inBubble(t, s, func() error { return nil }, func(a *Adapter, _ *logBuffer) {
		time.Sleep(time.Second)
		if ready, why := a.State(); ready || !strings.Contains(why, "SLACK_APP_TOKEN") {
			t.Errorf("%v, %q", ready, why)
		}
		time.Sleep(10 * time.Minute)
		if n := s.opened.Load(); n < 5 || n > 11 {
			t.Errorf("%d tries in ten minutes", n)
		}
		s.refuse.Store("")
		time.Sleep(2 * time.Minute)
		if ready, why := a.State(); !ready {
			t.Errorf("not back: %s", why)
		}
	})
}

func TestAppTokenWithoutScope(t *testing.T) {
	s := &wire{serve: func(c *websocket.Conn) { acks(c, make(chan string)) }}
	s.refuse.Store("missing_scope")
	inBubble(t, s, func() error { return nil }, func(a *Adapter, _ *logBuffer) {
		time.Sleep(time.Second)
		if ready, why := a.State(); ready || !strings.Contains(why, "connections:write") {
			t.Errorf("%v, %q", ready, why)
		}
	})
}

// A server that never stops closing is asked ever more rarely.
func TestStormBacksOff(t *testing.T) {
	s := &wire{serve: func(*websocket.Conn) {}}
	inBubble(t, s, func() error { return nil }, func(a *Adapter, _ *logBuffer) {
		time.Sleep(time.Hour)
		if n := s.opened.Load(); n > 60*2*maxConnects {
			t.Errorf("%d connections were asked for in an hour", n)
		}
		if ready, why := a.State(); ready || why != errStorm.Error() {
			t.Errorf("%v, %q", ready, why)
		}
	})
}

// A network that fails every quarter of a minute is used for as long as it works.
func TestAFlappingNetworkIsNoStorm(t *testing.T) {
	s := &wire{serve: func(c *websocket.Conn) {
		send(c, helloMessage)
		_ = c.SetReadDeadline(time.Now().Add(steady + time.Second))
		acks(c, make(chan string))
	}}
	inBubble(t, s, func() error { return nil }, func(_ *Adapter, log *logBuffer) {
		time.Sleep(10 * time.Minute)
		if n := s.opened.Load(); n < 40 {
			t.Errorf("%d connections in ten minutes", n)
		}
		if strings.Contains(log.String(), errStorm.Error()) {
			t.Errorf("log: %s", log)
		}
	})
}

// pipeListener hands the ends of in-memory connections to a server.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// Run without an app token only learns the workspace's address.
func TestRunWithoutSocketMode(t *testing.T) {
	w := newWorld(t, nil)
	w.run()
	for ctx := within(t); !strings.Contains(w.bot.Link("slack:C1/1.2"), "/archives/"); {
		select {
		case <-ctx.Done():
			t.Fatal("no link")
		case <-time.After(time.Millisecond):
		}
	}
	if ready, why := w.bot.State(); !ready {
		t.Error(why)
	}
}

func TestEnvelopeWithoutPayload(t *testing.T) {
	d, ok := undecoded([]byte(`{"envelope_id":"e"}`), time.Now())
	if !ok || d.envelope != "e" {
		t.Errorf("%+v, %v", d, ok)
	}
	a := newAdapter(t, Config{BotToken: botToken})
	for _, kind := range []string{"slash_commands", "interactive", "events_api", ""} {
		if _, err := a.readEnvelope(delivery{kind: kind, payload: json.RawMessage(nil)}); !errors.Is(err, errMalformed) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
