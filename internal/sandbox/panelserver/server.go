package panelserver

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is a panel with one client account. It is an http.Handler.
type Server struct {
	opts  Options
	funcs map[string]function

	mu           sync.Mutex
	account      *account
	password     string
	host         string
	failures     int // wrong passwords in a row
	blockedUntil time.Time
	ledger       ledger
	faults       []*Injection
	busy         map[string]bool       // licences with a stalled change on them
	changed      chan struct{}         // closed and replaced at every change
	idle         map[net.Conn]struct{} // connections between two calls
	closing      sync.Once
	closed       chan struct{}
}

// New makes a panel. It panics if a licence in o is none that a panel could hold.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.User == "" {
		o.User = "client"
	}
	if o.Password == "" {
		o.Password = "secret"
	}
	if o.Balance == 0 {
		o.Balance = 1000_00
	}
	if o.Currency == "" {
		o.Currency = "EUR"
	}
	if o.MaxFailures == 0 {
		o.MaxFailures = 5
	}
	if o.BlockFor == 0 {
		o.BlockFor = 15 * time.Minute
	}
	return &Server{
		opts:     o,
		funcs:    functions(),
		account:  newAccount(o),
		password: o.Password,
		host:     "https://my.example",
		ledger:   ledger{keep: o.Ledger, counts: map[string]Counts{}},
		busy:     map[string]bool{},
		changed:  make(chan struct{}),
		idle:     map[net.Conn]struct{}{},
		closed:   make(chan struct{}),
	}
}

// Close ends what is stalled. The server answers on, so that it can be inspected.
func (s *Server) Close() { s.closing.Do(func() { close(s.closed) }) }

// SetURL tells the server its own base URL, which its answers name.
func (s *Server) SetURL(base string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.host = base
}

// User gives the account's login and the password that works now.
func (s *Server) User() (user, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opts.User, s.password
}

// SetPassword changes the account's password.
func (s *Server) SetPassword(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.password = password
}

// Unblock forgets wrong passwords.
func (s *Server) Unblock() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures, s.blockedUntil = 0, time.Time{}
}

// Adjust changes the panel's ways.
func (s *Server) Adjust(change func(*Ways)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.account.ways)
	s.wake()
}

// SetPrice changes a product's price for a period; 0 takes it off sale.
func (s *Server) SetPrice(product, period int, price Cents) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.account.products[product]
	if p == nil {
		return
	}
	switch period {
	case Month:
		p.Month = price
	case Year:
		p.Year = price
	case Lifetime:
		p.Lifetime = price
	}
	s.wake()
}

// SetBalance sets what is on the account.
func (s *Server) SetBalance(c Cents) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account.balance = c
	s.wake()
}

// Balance is what is on the account.
func (s *Server) Balance() Cents {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.account.balance
}

// Expenses gives all that went off the balance, by calls and by hand.
func (s *Server) Expenses() []Expense {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Expense(nil), s.account.expenses...)
}

// License gives a licence as it is now; false for one that is not there.
func (s *Server) License(id string) (License, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account.settle(s.opts.Now())
	r := s.account.byID[id]
	if r == nil {
		return License{}, false
	}
	return r.License, true
}

// Licenses gives all licences as they are now, the oldest first.
func (s *Server) Licenses() []License {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account.settle(s.opts.Now())
	var all []License
	for _, r := range s.account.lists[Soft] {
		all = append(all, r.License)
	}
	return all
}

// History gives what was done to a licence; nil for one that is not there.
func (s *Server) History(id string) []HistoryEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.account.byID[id]
	if r == nil {
		return nil
	}
	return append([]HistoryEntry(nil), r.history...)
}

// Await waits until cond holds. It looks again at every call and change, but not
// when only the clock has moved on. cond may use the server's methods.
func (s *Server) Await(ctx context.Context, cond func() bool) error {
	for {
		s.mu.Lock()
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

// wake has Await look again. The lock is held.
func (s *Server) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// ConnState is for http.Server.ConnState; it lets CutIdle find the connections.
func (s *Server) ConnState(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateIdle {
		s.idle[c] = struct{}{}
	} else {
		delete(s.idle, c)
	}
	s.wake()
}

// CutIdle closes the connections on which no call is under way, as a proxy does
// when its keep-alive time has passed, and says how many these were.
func (s *Server) CutIdle() int {
	s.mu.Lock()
	conns := make([]net.Conn, 0, len(s.idle))
	for c := range s.idle {
		conns = append(conns, c)
	}
	clear(s.idle)
	s.mu.Unlock()
	for _, c := range conns {
		_ = c.Close() // the other end may have been first
	}
	return len(conns)
}
