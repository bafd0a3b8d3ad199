package slackserver

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options are a workspace's settings. The zero value is a usable one.
type Options struct {
	Now  func() time.Time // time.Now if nil
	Rand io.Reader        // where tickets and URLs come from; crypto/rand if nil

	BotToken      string // "xoxb-sandbox-bot" if empty
	AppToken      string // "xapp-sandbox-app" if empty
	SigningSecret string // "sandbox-signing-secret" if empty

	// Scopes are what the bot token was granted; [DefaultScopes] if nil.
	Scopes []string
	// Events are the subscribed event types; [DefaultEvents] if nil.
	Events []string
	// Commands are the registered slash commands; "/license" if nil.
	Commands []string
	// PlainMentions is the manifest's should_escape switched off: a command's text
	// then carries "@ops" as it was typed.
	PlainMentions bool

	// BotURL is the bot's own base URL. If empty, deliveries go over Socket Mode.
	BotURL string
	// Transport carries deliveries to BotURL; http.DefaultTransport if nil.
	Transport http.RoundTripper

	PostInterval time.Duration   // at most one chat.postMessage per channel in this time; 0: no limit
	EditWindow   time.Duration   // how long a message can be edited; 0: for ever
	PingInterval time.Duration   // Socket Mode pings; 10 s if 0
	EventRetries []time.Duration // waits before an unacknowledged event comes again; 0, 1 min, 5 min if nil

	// Keep is how many entries of the ledger and how many deliveries are kept at
	// least, the newest; 20000 if 0.
	Keep int
}

// DefaultScopes are the bot token's scopes unless [Options.Scopes] says otherwise.
func DefaultScopes() []string {
	return []string{"app_mentions:read", "channels:history", "channels:read", "chat:write", "commands",
		"files:write", "groups:history", "groups:read", "im:history", "im:read", "im:write", "users:read"}
}

// DefaultEvents are the subscribed events unless [Options.Events] says otherwise.
func DefaultEvents() []string { return []string{"app_home_opened", "app_mention", "message.im"} }

// AckDeadline is how long Slack waits for an answer to a delivery
// (docs.slack.dev/interactivity/handling-user-interaction).
const AckDeadline = 3 * time.Second

const (
	// TeamID is the home workspace.
	TeamID = "T0SANDBOX1"
	// TeamDomain is the home workspace's name in URLs.
	TeamDomain = "sandbox"
	// AppID is the app that the bot is.
	AppID = "A0SANDBOX1"
	// BotID is the bot's id as the author of messages.
	BotID = "B0SANDBOX1"
	// BotUserID is the bot's user.
	BotUserID = "U0SANDBOXBOT"

	verificationToken = "sandbox-verification"
	slackbotID        = "USLACKBOT"
)

// Server is a workspace with one app installed. All methods are safe for concurrent use.
type Server struct {
	opts   Options
	scopes map[string]bool
	events map[string]bool
	client *http.Client

	ctx    context.Context // ends deliveries at Close
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	url      string
	seq      int64         // of ids and changes
	lastTS   int64         // of message ids, in microseconds
	changed  chan struct{} // closed at the next change; nil while nobody waits
	users    map[string]*user
	names    map[string]*user
	channels map[string]*channel
	byName   map[string]*channel
	dms      map[string]*channel // by user id
	urls     map[string]*responseURL
	triggers map[string]*trigger
	views    map[string]*view
	homes    map[string]*view // by user id
	files    map[string]*file
	postedAt map[string]time.Time // by channel id
	breaks   []*activeBreak
	ledger   []Request
	received int64
	sent     []*Delivery
	faults   []string
	sockets  socketState
}

// New makes a workspace. Close it to end its deliveries.
func New(o Options) *Server {
	setDefault := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	setDefault(&o.BotToken, "xoxb-sandbox-bot")
	setDefault(&o.AppToken, "xapp-sandbox-app")
	setDefault(&o.SigningSecret, "sandbox-signing-secret")
	if o.Scopes == nil {
		o.Scopes = DefaultScopes()
	}
	if o.Events == nil {
		o.Events = DefaultEvents()
	}
	if o.Commands == nil {
		o.Commands = []string{"/license"}
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	if o.PingInterval == 0 {
		o.PingInterval = 10 * time.Second
	}
	if o.EventRetries == nil {
		o.EventRetries = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	if o.Keep == 0 {
		o.Keep = 20000
	}
	s := &Server{
		opts: o, scopes: set(o.Scopes), events: set(o.Events),
		client: &http.Client{Transport: o.Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
		users: map[string]*user{}, names: map[string]*user{},
		channels: map[string]*channel{}, byName: map[string]*channel{}, dms: map[string]*channel{},
		urls: map[string]*responseURL{}, triggers: map[string]*trigger{},
		views: map[string]*view{}, homes: map[string]*view{}, files: map[string]*file{},
		postedAt: map[string]time.Time{},
	}
	s.sockets.init()
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.addUser(&user{id: BotUserID, name: "license-bot", team: TeamID, bot: true})
	s.addUser(&user{id: slackbotID, name: "slackbot", team: TeamID, bot: true})
	return s
}

func set(list []string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, v := range list {
		m[v] = true
	}
	return m
}

// Close ends deliveries and connections and waits for them.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.Mend("")
	s.DropSockets()
	s.work.Wait()
}

// SetURL tells the server where it is reached, such as "http://127.0.0.1:8090": response
// URLs, Socket Mode and uploads are under it. Until then the address is taken from the
// first request.
func (s *Server) SetURL(base string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url = strings.TrimSuffix(base, "/")
}

// SetBotURL is [Options.BotURL], for a bot that is started later; "" turns to Socket Mode.
func (s *Server) SetBotURL(base string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.BotURL = strings.TrimSuffix(base, "/")
}

// APIURL is the base that a client is given, with the trailing slash that clients need.
func (s *Server) APIURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url + "/api/"
}

// Await waits until cond holds; it is asked again at every change of the workspace.
// The error is the context's.
func (s *Server) Await(ctx context.Context, cond func() bool) error {
	for {
		s.mu.Lock()
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// wake tells those who wait that something changed. The lock is held.
func (s *Server) wake() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// Request is one thing that the bot asked for.
type Request struct {
	Seq    int64
	At     time.Time
	Method string            // a Web API method, "response_url" or "upload"
	Args   map[string]string // without the token
	Error  string            // Slack's word for a refusal; "" if it was done
}

// Ledger is what the bot asked for, in order, at least the newest [Options.Keep] of it. Requests
// that an injected failure kept from being looked at have the error "not_handled".
func (s *Server) Ledger() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.ledger...)
}

// Faults are the bot's mistakes that Slack lets pass: a message without the text that
// notifications and screen readers take.
func (s *Server) Faults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.faults...)
}

// record adds to the ledger. The lock is held.
func (s *Server) record(method string, a args, code string) {
	s.received++
	s.ledger = appendKept(s.ledger, Request{Seq: s.received, At: s.opts.Now(), Method: method, Args: a, Error: code}, s.opts.Keep)
	s.wake()
}

// appendKept appends and now and then drops all but the newest.
func appendKept[T any](list []T, v T, keep int) []T {
	if len(list) >= 2*keep {
		list = append([]T(nil), list[len(list)-keep+1:]...)
	}
	return append(list, v)
}

// nextID makes an id in the shape of Slack's. The lock is held.
func (s *Server) nextID(kind string) string {
	s.seq++
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	id := []byte("00000000")
	for i, n := len(id)-1, s.seq; n > 0 && i >= 0; i, n = i-1, n/36 {
		id[i] = digits[n%36]
	}
	return kind + "0" + string(id)
}

// secret is a part of a URL that can't be guessed.
func (s *Server) secret() string {
	b := make([]byte, 12)
	if _, err := io.ReadFull(s.opts.Rand, b); err != nil {
		panic("slackserver: no randomness: " + err.Error())
	}
	return hex.EncodeToString(b)
}
