package isplicense

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/isplicense/license-bot/internal/failpoint"
)

// Bounds of an answer, in bytes.
const (
	maxAnswer = 4 << 20  // one licence's form, a change
	maxPage   = 32 << 20 // one page of a list
	maxHead   = 16 << 10 // looked at of what is not the panel's
)

const userAgent = "isplicense-license-bot (+https://github.com/isplicense/license-bot)"

// transports are the two that the client uses unless it is given one.
//
// Reads keep their connections, for less time than servers commonly do. A change
// gets a connection of its own, over HTTP/1.1. A pooled connection may have been
// closed by the server meanwhile: net/http then either sends the request once more
// (Transport.roundTrip, shouldRetryRequest: where nothing was written and the body
// can be had again, or the request counts as idempotent, which a POST without an
// Idempotency-Key header doesn't), or fails, and a change that never left would be
// uncertain. On a connection that was not reused it never sends twice.
func transports(parallel int) (reads, changes *http.Transport) {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	reads = &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: parallel,
		IdleConnTimeout:     30 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
	}
	changes = reads.Clone()
	changes.DisableKeepAlives = true
	changes.ForceAttemptHTTP2 = false
	changes.Protocols = new(http.Protocols)
	changes.Protocols.SetHTTP1(true)
	return reads, changes
}

// query is one call of a function of the panel's.
type query struct {
	fn     string
	params url.Values // beside func, out, lang and authinfo
	limit  int64      // of the answer, in bytes
	change bool
}

// fate is what a failed call came to.
type fate int

const (
	lost fate = iota // something may have left, and no whole answer came that tells
	kept             // certainly nothing left
	said             // the panel said so in a whole answer
)

// failure is why a call did not give what was asked for.
type failure struct {
	fate     fate
	reason   Reason
	about    complaint
	detail   string // holds nothing of an answer, an URL or the account
	cause    error  // of a context alone
	answered bool   // the panel itself answered: what it thinks of the login is known
}

// call sends q once and has its answer taken in; take gives the panel's <error>,
// or an error of decode's or the connection's.
func (c *Client) call(ctx context.Context, q query, take func(body io.Reader, contentType string) (*element, error)) *failure {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return cancelled(err)
	}
	round, refusal, ok := c.gate.enter(ctx, c.cfg.Now)
	if err := ctx.Err(); !ok && err != nil {
		return cancelled(err)
	}
	if !ok {
		return &failure{fate: kept, reason: refusal.Reason, about: complaint{message: refusal.Message},
			detail: "held back since the login was refused"}
	}
	heard, message := unheard, ""
	defer func() { c.gate.leave(round, c.cfg.Now(), heard, message) }()
	start := c.cfg.Now()
	f := c.exchange(ctx, q, take)
	end := c.cfg.Now()
	heard, message = hear(f)
	result := "ok"
	if f != nil {
		result = string(f.reason)
	}
	c.cfg.Observe(q.fn, result, end.Sub(start))
	level := slog.LevelDebug
	attrs := []slog.Attr{slog.String("func", q.fn), slog.String("result", result), slog.Duration("elapsed", end.Sub(start))}
	if f != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("type", f.about.kind), slog.String("object", f.about.object), slog.String("detail", f.detail))
	}
	c.cfg.Log.LogAttrs(ctx, level, "panel call", attrs...)
	return f
}

// cancelled is of a call whose context ended before anything of it was sent.
func cancelled(err error) *failure {
	return &failure{fate: kept, reason: NotSent, cause: err, detail: "cancelled before it was sent"}
}

// hear says what a call's end tells of the login.
func hear(f *failure) (hearing, string) {
	switch {
	case f == nil:
		return letIn, ""
	case !f.answered:
		return unheard, ""
	case f.reason == Auth:
		return denied, f.about.message
	case f.reason == TwoFactor:
		return questioned, f.about.message
	}
	return letIn, ""
}

func (c *Client) exchange(ctx context.Context, q query, take func(io.Reader, string) (*element, error)) *failure {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	var way way
	req, err := c.request(httptrace.WithClientTrace(ctx, way.trace()), q)
	if err != nil {
		return &failure{fate: kept, reason: NotSent, detail: "the request can't be made"}
	}
	// Not http.Client: a redirect would be followed, and with 307 the change repeated.
	transport := c.reads
	if q.change {
		transport = c.changes
		failpoint.Here("panel/before-change")
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return broken(ctx, err, &way)
	}
	defer func() { _ = res.Body.Close() }()

	head := new(head)
	body := io.TeeReader(&bounded{r: res.Body, left: q.limit}, head)
	contentType := res.Header.Get("Content-Type")
	if res.StatusCode != http.StatusOK {
		return &failure{reason: head.complete(body, res.StatusCode, contentType), detail: fmt.Sprintf("HTTP %d", res.StatusCode)}
	}
	problem, err := take(body, contentType)
	if q.change {
		failpoint.Here("panel/after-change")
	}
	switch {
	case errors.Is(err, errForeign):
		return &failure{reason: head.complete(body, res.StatusCode, contentType), detail: err.Error()}
	case errors.Is(err, errCut):
		return &failure{reason: Cut, detail: err.Error()}
	case errors.Is(err, errGarbled), errors.Is(err, errTooBig):
		return &failure{reason: Garbled, detail: err.Error()}
	case err != nil:
		return broken(ctx, err, &way)
	case problem == nil:
		return nil
	}
	about := complaintOf(problem)
	f := &failure{fate: said, reason: about.reason(), about: c.shown(about), answered: true}
	if f.reason == InProcess {
		f.fate = lost
	}
	return f
}

func (c *Client) request(ctx context.Context, q query) (*http.Request, error) {
	form := url.Values{}
	maps.Copy(form, q.params)
	form.Set("func", q.fn)
	form.Set("out", "xml")
	form.Set("lang", c.cfg.Lang)
	form.Set("authinfo", c.cfg.User+":"+c.cfg.Password)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "text/xml, application/xml")
	req.Header.Set("User-Agent", userAgent)
	if q.change {
		req.GetBody = nil // whoever can't have the body again can't send it again
	} else {
		// Without a value it stays here: it tells net/http alone that a read may be
		// sent again where a pooled connection turns out to be closed.
		req.Header["Idempotency-Key"] = nil
	}
	return req, nil
}

// way follows a request through net/http, to know whether it could have left: it
// is written only to a connection, and a connection is announced before.
type way struct{ asked, got atomic.Bool }

func (w *way) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { w.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { w.got.Store(true) },
	}
}

// never says whether certainly no byte of a request left that ended with err: no
// connection came about (name, dial, proxy, TLS). A transport that is not
// net/http's announces nothing; there a failed dial alone is proof.
func (w *way) never(err error) bool {
	if w.got.Load() {
		return false
	}
	var op *net.OpError
	return w.asked.Load() || errors.As(err, &op) && op.Op == "dial"
}

// broken classifies an error of the connection.
func broken(ctx context.Context, err error, w *way) *failure {
	f := &failure{reason: Cut, detail: describe(err), cause: ctx.Err()}
	var slow net.Error
	switch {
	case w.never(err):
		f.fate, f.reason = kept, NotSent
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		f.reason = Timeout
	}
	return f
}

// describe words an error of the connection for an operator. Only errors whose
// text is known to hold addresses and causes alone are quoted: those of net/http
// can hold what a server sent, and an [url.Error] the URL.
func describe(err error) string {
	var (
		op          *net.OpError
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		alert       tls.AlertError
		record      tls.RecordHeaderError
		slow        net.Error
	)
	switch {
	case errors.As(err, &dns):
		return dns.Error()
	case errors.As(err, &certificate):
		return certificate.Error()
	case errors.As(err, &alert):
		return "TLS: " + alert.Error()
	case errors.As(err, &record):
		return "TLS: " + record.Msg
	case errors.As(err, &op):
		return op.Error()
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.As(err, &slow) && slow.Timeout():
		return "no answer in time"
	}
	return "the connection was lost"
}

// head keeps the beginning of what is read through it.
type head struct{ bytes.Buffer }

func (h *head) Write(p []byte) (int, error) {
	h.Buffer.Write(p[:min(len(p), maxHead-h.Len())])
	return len(p), nil
}

// complete reads on as far as is looked at, and says what the page is. How the
// reading ends does not matter any more.
func (h *head) complete(body io.Reader, status int, contentType string) Reason {
	_, _ = io.CopyN(io.Discard, body, int64(maxHead-h.Len()))
	page, _ := io.ReadAll(plain(bytes.NewReader(h.Bytes()), contentType))
	return pageReason(status, string(page))
}

// readError is f as the reading methods give it.
func (f *failure) readError(fn string) *ReadError {
	return &ReadError{
		Reason: f.reason, Func: fn, Type: f.about.kind, Object: f.about.object, Message: f.about.message,
		Detail: f.detail, cause: f.cause,
	}
}
