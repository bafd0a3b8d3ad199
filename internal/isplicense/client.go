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
	"time"

	"github.com/isplicense/license-bot/internal/license"
)

// Config says how to reach the panel. URL, User and Password are required.
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
type Client struct{ cfg Config }

// New checks cfg and makes a client; it calls nothing.
func New(cfg Config) (*Client, error) { return &Client{cfg: cfg}, nil }

// ErrNotFound is what [Client.License] gives for a licence that is in no list.
var ErrNotFound = errors.New("the panel has no such licence")

// ReadError is why a read gave nothing.
type ReadError struct {
	Reason  Reason
	Func    string // the panel's function
	Type    string // the panel's error type, "" where it gave none
	Object  string // what the error is about, "" where it gave none
	Message string // the panel's words, fit to show; "" where there are none
	Detail  string // for logs and the operator: what went wrong on the way; holds no secret
}

func (e *ReadError) Error() string { return string(e.Reason) }

// State is what the panel last said of our login.
type State struct {
	OK      bool // no refusal stands
	Reason  Reason
	Message string    // the panel's words, fit to show
	Until   time.Time // no call leaves before; zero where calls may leave
}

// Preview is what the panel says before anything is bought; what it did not say
// is empty.
type Preview struct {
	Expires license.Date // of a renewal: the expiry afterwards
	Price   string       // as the panel says it: "4.50 EUR"
}

// OrderSpec is what to order.
type OrderSpec struct {
	Product license.Product
	Address string       // for families that take one
	Name    string       // by which the licence can be told apart afterwards
	For     license.Code // of a module: the licence that it is for, or ""
	Period  license.Period
}

// Form is a licence's own form in the panel.
type Form struct {
	Name        string
	Address     string
	ProductCode int    // 0 where the form names none
	Nodes       int    // -1 where it is not known
	Key         string // the licence key, "" where there is none yet
	Fields      map[string]string
}

// HistoryEntry is one line of a licence's history, as the panel says it.
type HistoryEntry struct {
	When, What, Who, IP string
}

var errNotYet = errors.New("not yet read")

// State tells what the panel last said of our login, for readiness and for people.
func (c *Client) State() State { return State{OK: true} }

// Inventory is every licence of the account, at most 15 s old.
func (c *Client) Inventory(ctx context.Context) ([]license.License, error) { return nil, errNotYet }

// Licenses is every licence of the account, read after this call began.
func (c *Client) Licenses(ctx context.Context) ([]license.License, error) { return nil, errNotYet }

// License is one licence, read after this call began.
func (c *Client) License(ctx context.Context, code license.Code) (license.License, error) {
	return license.License{}, errNotYet
}

// RenewPreview is what a renewal would bring and cost.
func (c *Client) RenewPreview(ctx context.Context, lic license.License, p license.Period) (Preview, error) {
	return Preview{}, errNotYet
}

// OrderPreview is what an order would cost.
func (c *Client) OrderPreview(ctx context.Context, o OrderSpec) (Preview, error) {
	return Preview{}, errNotYet
}

// Form reads a licence's form.
func (c *Client) Form(ctx context.Context, lic license.License) (Form, error) {
	return Form{}, errNotYet
}

// Balance is the account's balance as the panel says it: "12.50 EUR".
func (c *Client) Balance(ctx context.Context) (string, error) { return "", errNotYet }

// History is what happened to a licence, in the panel's order.
func (c *Client) History(ctx context.Context, code license.Code) ([]HistoryEntry, error) {
	return nil, errNotYet
}

// WhoAmI checks the login and gives the account's name as the panel has it.
func (c *Client) WhoAmI(ctx context.Context) (string, error) { return "", errNotYet }

// Order buys a licence.
func (c *Client) Order(ctx context.Context, o OrderSpec) Result { return Result{} }

// Edit gives a licence its name and address.
func (c *Client) Edit(ctx context.Context, lic license.License, name, address string) Result {
	return Result{}
}

// Nodes sets a licence's count of nodes.
func (c *Client) Nodes(ctx context.Context, lic license.License, product license.Product, name, address string, count int) Result {
	return Result{}
}

// Renew prolongs a licence by p.
func (c *Client) Renew(ctx context.Context, code license.Code, p license.Period) Result {
	return Result{}
}

// Terminate deletes a licence.
func (c *Client) Terminate(ctx context.Context, lic license.License) Result { return Result{} }
