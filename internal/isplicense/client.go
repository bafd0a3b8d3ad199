// Package isplicense is the client of the licence panel, BILLmanager as
// ISPlicense runs it.
//
// It knows the panel's functions, how it answers and how it fails, and turns that
// into the nouns of package license and a few reasons to act on. It knows nothing
// of requests, chats or the store, decides nothing and keeps nothing that outlives
// it. Where "documented" stands in a comment, ISPlicense or the vendor of
// BILLmanager says so publicly; "guess" marks what was taken from other clients of
// such panels or from the shape of the rest, and where the client is therefore
// tolerant.
//
// # Changes
//
// Orders, renewals and the like cost money and have no idempotency key. A change
// is sent at most once, on a connection of its own, and ends as a [Result]:
// applied or refused only when the panel's answer was whole and was the panel's;
// refused too when certainly nothing left; unknown in every other case. The client
// never sends a change again.
//
// # Secrets
//
// The account's name and password travel in the request's body alone. No error,
// log line or result holds them, a URL's query or an answer's raw text: answers
// echo the request.
package isplicense

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/isplicense/license-bot/internal/license"
)

// Config says how to reach the panel. URL, User and Password are required. Its
// functions may be called by many goroutines at once.
type Config struct {
	URL      string // the panel's address, without query, such as https://my.isplicense.com/manager/billmgr
	User     string
	Password string

	Timeout  time.Duration                                  // for one call; 30 s unless set
	Lang     string                                         // of the panel's messages: "en" (unless set) or "ru"
	HTTP     http.RoundTripper                              // unless set, transports of the client's own
	Now      func() time.Time                               // time.Now unless set
	Log      *slog.Logger                                   // silent unless set
	Observe  func(fn, result string, elapsed time.Duration) // is told of each call: the panel's function, "ok" or a [Reason]
	Parallel int                                            // calls at a time, of all kinds; 4 unless set
}

// Client calls the panel for one account. It may be used by many goroutines.
type Client struct {
	cfg     Config
	reads   http.RoundTripper
	changes http.RoundTripper
	secrets *strings.Replacer // takes the password out of the panel's words
	slots   chan struct{}     // one for each call under way
	gate    gate
	turns   turnstile
	lists   map[license.Family]*flight[listing]
	recalls map[license.Family]*recall // of each list's first page
	whole   *flight[[]license.License]
	balance *flight[string]

	mu     sync.Mutex
	homes  map[license.Code]license.Family // where a licence was found last
	proper map[license.Family]bool         // families whose list has been seen in this life
	cache  inventory
}

// New checks cfg and makes a client; it calls nothing.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, errors.New("the panel's URL must be like https://my.isplicense.com/manager/billmgr")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the panel's URL must hold neither a login nor a query")
	case cfg.User == "" || cfg.Password == "":
		return nil, errors.New("the panel's user and password are both needed")
	case strings.Contains(cfg.User, ":"):
		return nil, errors.New("the panel's user must not hold a colon: the login is sent as USER:PASSWORD")
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Lang == "" {
		cfg.Lang = "en"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Observe == nil {
		cfg.Observe = func(string, string, time.Duration) {}
	}
	if cfg.Parallel <= 0 {
		cfg.Parallel = 4
	}
	c := &Client{
		cfg:     cfg,
		reads:   cfg.HTTP,
		changes: cfg.HTTP,
		secrets: strings.NewReplacer(cfg.Password, "•", url.QueryEscape(cfg.Password), "•"),
		slots:   make(chan struct{}, cfg.Parallel),
		gate:    gate{state: State{OK: true}},
		lists:   map[license.Family]*flight[listing]{},
		recalls: map[license.Family]*recall{},
		homes:   map[license.Code]license.Family{},
		proper:  map[license.Family]bool{},
	}
	if cfg.HTTP == nil {
		c.reads, c.changes = transports(cfg.Parallel)
	}
	for _, f := range families() {
		c.recalls[f] = new(recall)
		c.lists[f] = &flight[listing]{read: func(ctx context.Context) (listing, error) { return c.list(ctx, f) }}
	}
	c.whole = &flight[[]license.License]{read: c.readAll}
	c.balance = &flight[string]{read: c.readBalance}
	return c, nil
}

// State tells what the panel last said of our login, for readiness and for people.
func (c *Client) State() State { return c.gate.look() }

// ErrNotFound is of a licence that the panel does not have: for [Client.License] one
// that is in no list.
var ErrNotFound = errors.New("the panel has no such licence")

// ReadError is why a read gave nothing.
type ReadError struct {
	Reason  Reason
	Func    string // the panel's function
	Type    string // the panel's error type, "" where it gave none
	Object  string // what the error is about, "" where it gave none
	Message string // the panel's words, fit to show; "" where there are none
	Detail  string // for logs and the operator: what went wrong on the way; holds no secret

	cause error // of a context alone: no other may be shown
}

func (e *ReadError) Error() string {
	s := "panel: " + e.Func + ": " + string(e.Reason)
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	return s
}

// Unwrap gives the context's error where a context ended the read.
func (e *ReadError) Unwrap() error { return e.cause }

// State is what the panel last said of our login.
type State struct {
	OK      bool // no refusal stands
	Reason  Reason
	Message string    // the panel's words, fit to show
	Until   time.Time // no call leaves before; then one goes ahead. Zero where calls may leave
}
