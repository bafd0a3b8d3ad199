package slack

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

// Secrets that must be in no log and no error.
const (
	botToken  = "test-bot-TOKENSECRET"
	appToken  = "test-app-TOKENSECRET"
	signature = "SIGNINGSECRET"
)

// world is a workspace with the adapter under test in it.
type world struct {
	t     *testing.T
	slack *slackserver.Server
	url   string
	bot   *Adapter
	sink  *sink
	log   *logBuffer
	calls sync.Map // method+" "+result → true
}

// newWorld serves a workspace on loopback. Options and Config may be changed before
// they are used.
func newWorld(t *testing.T, change func(*slackserver.Options, *Config)) *world {
	t.Helper()
	w := &world{t: t, sink: newSink(), log: &logBuffer{}}
	opts := slackserver.Options{BotToken: botToken, AppToken: appToken, SigningSecret: signature, Scopes: Scopes()}
	cfg := Config{BotToken: botToken, SigningSecret: signature, Log: logTo(w.log)}
	cfg.Observe = func(method, result string, _ time.Duration) { w.calls.Store(method+" "+result, true) }
	if change != nil {
		change(&opts, &cfg)
	}
	w.slack = slackserver.New(opts)
	web := httptest.NewServer(w.slack)
	w.slack.SetURL(web.URL)
	w.url, cfg.APIURL = web.URL, web.URL+"/api" // without the slash that slack-go needs
	t.Cleanup(func() {
		w.slack.Close()
		web.CloseClientConnections()
		web.Close()
		w.log.check(t)
	})
	w.bot = newAdapter(t, cfg)
	return w
}

func newAdapter(t *testing.T, cfg Config) *Adapter {
	t.Helper()
	rt := defaultTransport()
	if cfg.HTTP == nil {
		cfg.HTTP = rt
	}
	a, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rt.CloseIdleConnections)
	return a
}

// serveRoutes has deliveries come by HTTP.
func (w *world) serveRoutes() {
	web := httptest.NewServer(w.bot.Routes(w.sink))
	w.t.Cleanup(web.Close)
	w.slack.SetBotURL(web.URL)
}

// run starts the adapter and stops it when the test ends.
func (w *world) run() {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- w.bot.Run(ctx, w.sink) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Run: %v", err)
		}
	})
}

// within gives a test's waiting a bound that is never reached.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// await waits until the adapter's state is as wanted.
func (w *world) await(ready bool) string {
	w.t.Helper()
	for ctx := within(w.t); ; {
		got, why := w.bot.State()
		if got == ready {
			return why
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("ready is %v (%s)", got, why)
		case <-time.After(time.Millisecond):
		}
	}
}

// sink records what it is given.
type sink struct {
	mu    sync.Mutex
	in    []chat.Inbound
	fail  error
	panic bool
	held  chan struct{} // Take waits for it
	came  chan struct{}
}

func newSink() *sink { return &sink{came: make(chan struct{}, 4096)} }

func (s *sink) Take(ctx context.Context, in []chat.Inbound) error {
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.panic {
		panic("sink")
	}
	if s.fail != nil {
		return s.fail
	}
	s.in = append(s.in, in...)
	s.came <- struct{}{}
	return nil
}

func (s *sink) set(f func(*sink)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *sink) all() []chat.Inbound {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]chat.Inbound(nil), s.in...)
}

// next waits for one more Take and gives the newest Inbound.
func (s *sink) next(t *testing.T) chat.Inbound {
	t.Helper()
	select {
	case <-s.came:
	case <-within(t).Done():
		t.Fatal("nothing came in")
	}
	all := s.all()
	return all[len(all)-1]
}

// logBuffer keeps the log and finds secrets in it.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logBuffer) check(t *testing.T) {
	t.Helper()
	noSecret(t, "the log", l.String())
}

// noSecret fails where text holds a token, the signing secret, a response_url's or
// WebSocket's secret part, or a trigger_id.
func noSecret(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range []string{"TOKENSECRET", signature, "/commands/T", "/actions/T", "ticket=", "trigger_id"} {
		if bytes.Contains([]byte(text), []byte(secret)) {
			t.Errorf("%s holds %q:\n%s", where, secret, text)
		}
	}
}

func plainMessage(text string) chat.Message {
	return chat.Message{Head: chat.Text{{Text: text}}}
}

func place(c *slackserver.Channel) chat.Place { return chat.Place{Transport: transport, ID: c.ID()} }

// roundTrip is a RoundTripper of one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var errDisk = errors.New("disk full, token " + botToken)

func logTo(l *logBuffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
