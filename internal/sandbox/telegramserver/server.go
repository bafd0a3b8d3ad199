package telegramserver

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"time"
)

// DefaultToken is the bot's token unless [Options] says another.
const DefaultToken = "7000000001:AAsandbox-token-of-no-use-elsewhere"

// The ids under which Telegram shows senders that are no person
// (core.telegram.org/bots/api#message, from).
const (
	anonymousAdminID = 1087968824 // GroupAnonymousBot: every anonymous admin of every group
	channelBotID     = 136817688  // Channel_Bot: a channel that writes in a group
)

// Options are the settings of a [Server]; the zero value is a working server.
type Options struct {
	Token     string            // the bot's token; "" for [DefaultToken]
	Username  string            // the bot's name without @; "" for "license_bot"
	SeesAll   bool              // privacy mode is off: the bot is given all that is said in its groups
	QueryLife time.Duration     // how long a click can be answered; 0 for 30 s
	Transport http.RoundTripper // carries deliveries to the bot's webhook; nil for the default
	Now       func() time.Time  // nil for time.Now
	NoLedger  bool              // keep no record of calls: for long runs under load
}

// Server is a Bot API server with one bot. It is an [http.Handler]; all its methods
// may be called at once.
type Server struct {
	opts   Options
	me     user
	client *http.Client

	mu       sync.Mutex
	people   map[int64]*Person
	rooms    map[int64]*room
	queries  map[string]*query
	commands map[string][]BotCommand
	faults   []*Fault
	ledger   []Call
	changed  chan struct{} // closed at the next change; nil while nobody waits

	lastPerson int64
	lastRoom   int64
	lastQuery  int64
	lastFile   int64

	updates updateQueue
}

// Call is one call of the Bot API as it arrived. Status is that of the answer, 0
// where none was given.
type Call struct {
	Method string
	Args   map[string]string // as strings, whatever the body's encoding; files by name
	Status int
	At     time.Time
}

// New makes a server with a bot and nobody else.
func New(opts Options) *Server {
	if opts.Token == "" {
		opts.Token = DefaultToken
	}
	if opts.Username == "" {
		opts.Username = "license_bot"
	}
	if opts.QueryLife == 0 {
		opts.QueryLife = 30 * time.Second
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Server{
		opts:       opts,
		me:         user{ID: botID(opts.Token), IsBot: true, FirstName: "Licence bot", Username: opts.Username},
		client:     &http.Client{Transport: opts.Transport, Timeout: webhookTimeout},
		people:     map[int64]*Person{},
		rooms:      map[int64]*room{},
		queries:    map[string]*query{},
		commands:   map[string][]BotCommand{},
		lastPerson: 100000,
		lastRoom:   1000,
		lastQuery:  5000000000,
		updates:    updateQueue{next: 900000001, allowed: defaultAllowed()},
	}
}

// Token is the bot's token.
func (s *Server) Token() string { return s.opts.Token }

// Username is the bot's name without the @.
func (s *Server) Username() string { return s.opts.Username }

// Close stops deliveries to the bot's webhook and waits for those under way.
func (s *Server) Close() {
	s.mu.Lock()
	hook := s.updates.hook
	s.updates.hook = nil
	s.mu.Unlock()
	if hook != nil {
		hook.stop()
	}
}

// Calls is a copy of all calls with a right token so far, in order of arrival; with
// a method, of that method alone.
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var calls []Call
	for _, c := range s.ledger {
		if method == "" || c.Method == method {
			c.Args = maps.Clone(c.Args)
			calls = append(calls, c)
		}
	}
	return calls
}

// Await waits until cond holds, looking after every change of anything in the
// server. It gives the context's error when that ends first.
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
			return ctx.Err()
		}
	}
}

// touch wakes all who wait for a change. The lock is held.
func (s *Server) touch() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// record puts a call into the ledger and gives its place there, -1 for none.
func (s *Server) record(method string, args map[string]string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opts.NoLedger {
		return -1
	}
	s.ledger = append(s.ledger, Call{Method: method, Args: args, At: s.opts.Now()})
	s.touch()
	return len(s.ledger) - 1
}

// answered notes the status of a recorded call.
func (s *Server) answered(place, status int) {
	if place < 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger[place].Status = status
	s.touch()
}

func botID(token string) int64 {
	var id int64
	for i := 0; i < len(token) && token[i] >= '0' && token[i] <= '9'; i++ {
		id = id*10 + int64(token[i]-'0')
	}
	return id
}
