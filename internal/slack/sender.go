package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	slackgo "github.com/slack-go/slack"
)

const (
	callTimeout  = 10 * time.Second
	maxAnswer    = 8 << 20         // bytes; a page of history with all its blocks is far below
	defaultPause = 5 * time.Second // after a 429 that does not say: a longer one is said again
	maxPause     = time.Hour
)

func defaultTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 128
	t.MaxIdleConnsPerHost = 64 // nearly all calls go to one host
	t.IdleConnTimeout = 60 * time.Second
	return t
}

// sender is the HTTP client that slack-go and the adapter's own calls go through.
// It reads every answer whole and bounded, makes the shapes of a 429 one, tells
// whether anything was sent at all, and keeps URLs out of errors (they hold
// response_url's secret).
type sender struct{ client *http.Client }

func newSender(rt http.RoundTripper) *sender {
	return &sender{client: &http.Client{
		Transport: rt,
		Timeout:   callTimeout,
		// A redirect would carry the token elsewhere; Slack sends none.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// sendError is a call without a whole answer.
type sendError struct {
	err     error // holds no URL
	nothing bool  // certainly not a byte of the request's body left
}

func (e *sendError) Error() string { return e.err.Error() }
func (e *sendError) Unwrap() error { return e.err }

// Do sends the request. Its errors are *sendError and *slackgo.RateLimitedError.
func (s *sender) Do(req *http.Request) (*http.Response, error) {
	var seal seal
	if req.Body != nil {
		req.Body = sealedBody{req.Body, &seal}
		if again := req.GetBody; again != nil {
			// The transport asks again only where nothing was written.
			req.GetBody = func() (io.ReadCloser, error) {
				b, err := again()
				return sealedBody{b, &seal}, err
			}
		}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, &sendError{err: withoutURL(err), nothing: seal.close()}
	}
	sent := resp.Body // and not what takes its place below
	defer func() { _ = sent.Close() }()
	if resp.StatusCode == http.StatusTooManyRequests {
		return nil, &slackgo.RateLimitedError{RetryAfter: retryAfter(resp.Header)}
	}
	// Read to the end, so that an answer that was cut can't be taken for a whole
	// one, and so that the connection is used again.
	var body bytes.Buffer
	if n := resp.ContentLength; n > 0 && n <= maxAnswer {
		body.Grow(int(n) + bytes.MinRead)
	}
	switch n, err := body.ReadFrom(io.LimitReader(resp.Body, maxAnswer+1)); {
	case err != nil:
		return nil, &sendError{err: fmt.Errorf("the answer broke off: %w", withoutURL(err))}
	case n > maxAnswer:
		return nil, &sendError{err: errors.New("the answer is too long")}
	}
	answer := body.Bytes()
	if resp.StatusCode == http.StatusOK && strings.Contains(req.URL.Path, "/chat.") {
		if answer, err = withoutEcho(answer); err != nil {
			return nil, &sendError{err: err}
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	return resp, nil
}

// withoutEcho leaves out the message that the chat methods send back. slack-go
// decodes its blocks, which is much of the work of a call, and one that it
// does not know would make a message that was posted look lost. An answer that says
// neither "ok" nor an error, which slack-go takes for success, is none.
func withoutEcho(answer []byte) ([]byte, error) {
	var kept struct {
		OK        bool   `json:"ok"`
		Error     string `json:"error,omitempty"`
		Needed    string `json:"needed,omitempty"`
		Channel   string `json:"channel,omitempty"`
		TS        string `json:"ts,omitempty"`
		MessageTS string `json:"message_ts,omitempty"`
	}
	if err := json.Unmarshal(answer, &kept); err != nil {
		return nil, err
	}
	if !kept.OK && kept.Error == "" {
		return nil, errors.New("an answer without ok and without an error")
	}
	return json.Marshal(kept)
}

// retryAfter reads a 429's pause. Proxies leave the header out or write a date.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get("Retry-After")))
	if err != nil || n < 0 {
		return defaultPause
	}
	return time.Duration(min(max(n, 1), int(maxPause.Seconds()))) * time.Second // bounded first: it would overflow
}

// withoutURL takes the address out of what net/http says: a response_url is secret.
func withoutURL(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}

// seal tells whether a request's body was ever read. Slack can't have acted on a
// call whose form never left, and a body that is sealed before it was read never
// will be, also not by a transport's goroutine that outlives the call.
type seal struct{ state atomic.Int32 }

const (
	unread int32 = iota
	read
	sealed
)

var errSealed = errors.New("the call was given up")

func (s *seal) open() bool  { return s.state.CompareAndSwap(unread, read) || s.state.Load() == read }
func (s *seal) close() bool { return s.state.CompareAndSwap(unread, sealed) }

type sealedBody struct {
	io.ReadCloser
	seal *seal
}

func (b sealedBody) Read(p []byte) (int, error) {
	if !b.seal.open() {
		return 0, errSealed
	}
	return b.ReadCloser.Read(p)
}

// scrubber takes secrets out of text that others wrote: errors of the network
// library, log lines of slack-go.
type scrubber struct{ own *strings.Replacer }

func newScrubber(secrets ...string) *scrubber {
	var pairs []string
	for _, s := range secrets {
		if s != "" {
			pairs = append(pairs, s, "[redacted]", url.QueryEscape(s), "[redacted]")
		}
	}
	return &scrubber{own: strings.NewReplacer(pairs...)}
}

var (
	anyURL   = regexp.MustCompile(`(?i)\b(https?|wss?)://[^\s"'<>\\]+`)
	anyToken = regexp.MustCompile(`\b(xox[a-z]|xapp|xwfp)-[0-9A-Za-z.-]+`)
)

func (s *scrubber) text(t string) string {
	t = anyURL.ReplaceAllString(t, "$1://[redacted]")
	t = anyToken.ReplaceAllString(t, "[redacted]")
	return s.own.Replace(t)
}

// libraryLog is where slack-go writes: scrubbed, and at debug level, since what
// matters is in its errors and events.
func (a *Adapter) libraryLog() libraryLog { return libraryLog{a.cfg.Log, a.scrub} }

type libraryLog struct {
	log   *slog.Logger
	scrub *scrubber
}

func (l libraryLog) Output(_ int, s string) error {
	l.log.Debug("slack library", "text", l.scrub.text(strings.TrimSpace(s)))
	return nil
}
