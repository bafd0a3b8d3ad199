package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
)

// standIn is the token that the library knows. It has a token's form, so that URLs
// are built as with a real one.
const standIn = "0:stand-in"

// maxAnswer bounds the answer of a call; a batch of updates may be longer.
const (
	maxAnswer = 1 << 20
	maxBatch  = 64 << 20
)

// tokenTransport puts the real token where the stand-in is, and keeps the whole
// exchange for [Adapter.call].
type tokenTransport struct {
	base  http.RoundTripper
	token string
}

func (t *tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	// The library streams the body through a pipe, which must be drained whatever
	// happens. Read whole, it also has a length, and net/http can send it again on a
	// fresh connection where not a byte of it was written.
	var body []byte
	if req.Body != nil {
		var err error
		body, err = io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	out := req.Clone(req.Context())
	out.URL.Path = strings.Replace(out.URL.Path, "/bot"+standIn+"/", "/bot"+t.token+"/", 1)
	out.URL.RawPath = ""
	out.Body = io.NopCloser(bytes.NewReader(body))
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	out.ContentLength = int64(len(body))
	if len(body) == 0 {
		out.Body = http.NoBody // any other body of length 0 goes out in chunks
	}
	resp, err := t.base.RoundTrip(out)
	if err != nil {
		return nil, t.scrub(err)
	}
	defer resp.Body.Close()
	x, _ := req.Context().Value(exchangeKey{}).(*exchange)
	if x == nil {
		x = &exchange{limit: maxAnswer}
	}
	x.status = resp.StatusCode
	x.retryAfter, _ = strconv.Atoi(resp.Header.Get("Retry-After"))
	b, err := io.ReadAll(io.LimitReader(resp.Body, x.limit+1))
	if err != nil {
		return nil, t.scrub(err)
	}
	if int64(len(b)) > x.limit {
		return nil, errors.New("the answer is too long")
	}
	x.body, x.whole = b, true
	resp.Request = req // and not the one with the token
	resp.Body = io.NopCloser(bytes.NewReader(b))
	return resp, nil
}

// scrub makes sure that an error of the network, or of somebody's RoundTripper,
// does not hold the token.
func (t *tokenTransport) scrub(err error) error {
	text := err.Error()
	_, secret, _ := strings.Cut(t.token, ":")
	if !strings.Contains(text, secret) && !strings.Contains(text, url.PathEscape(secret)) {
		return err
	}
	return errors.New(strings.ReplaceAll(text, secret, "[token]"))
}

// redacting takes secrets out of a text; one that is too short to be one stays, lest
// it take the text apart.
func redacting(secrets ...string) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		if len(s) >= 8 {
			pairs = append(pairs, s, "[secret]")
		}
	}
	return strings.NewReplacer(pairs...)
}

type exchangeKey struct{}

// exchange is what went over the wire in one call.
type exchange struct {
	limit      int64
	redact     *strings.Replacer
	dialed     atomic.Bool // a connection was asked for
	connected  atomic.Bool // and was there, so that something may have been sent
	status     int
	retryAfter int // the header, in seconds
	body       []byte
	whole      bool // the answer came to its end
}

func (x *exchange) watch(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, exchangeKey{}, x)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { x.dialed.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { x.connected.Store(true) },
	})
}

// apiAnswer is every answer of the Bot API
// (core.telegram.org/bots/api#making-requests).
type apiAnswer struct {
	OK          bool            `json:"ok"`
	Result      json.RawMessage `json:"result"`
	Code        int             `json:"error_code"`
	Description string          `json:"description"`
	Parameters  struct {
		RetryAfter int   `json:"retry_after"`
		MigrateTo  int64 `json:"migrate_to_chat_id"`
	} `json:"parameters"`
}

// call makes one call through the library and reads the answer itself. The library
// decodes an answer whole, and where a part of it that nobody needs is new to it, a
// message that was sent would look lost.
func (a *Adapter) call(ctx context.Context, method, chatID string, do func(context.Context) error) (json.RawMessage, error) {
	return a.exchange(ctx, method, chatID, callTimeout, maxAnswer, do)
}

func (a *Adapter) exchange(ctx context.Context, method, chatID string, timeout time.Duration, limit int64, do func(context.Context) error) (json.RawMessage, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("telegram %s: %w: %w", method, chat.ErrTemporary, err)
	}
	x := &exchange{limit: limit, redact: a.redact}
	ctx, cancel := context.WithTimeout(x.watch(ctx), timeout)
	defer cancel()
	begun := a.cfg.Now()
	result, err := x.outcome(method, chatID, do(ctx))
	if a.cfg.Observe != nil {
		a.cfg.Observe(method, resultName(err), a.cfg.Now().Sub(begun))
	}
	return result, err
}

// outcome reads what came of a call.
func (x *exchange) outcome(method, chatID string, err error) (json.RawMessage, error) {
	if !x.whole {
		if err == nil {
			err = errors.New("no answer")
		}
		// Without a connection nothing was sent. From then on Telegram may have the
		// call, whatever the error says.
		if x.dialed.Load() && !x.connected.Load() {
			return nil, fmt.Errorf("telegram %s: %w: %s", method, chat.ErrTemporary, networkReason(err))
		}
		return nil, fmt.Errorf("telegram %s: %w: %s", method, chat.ErrLost, networkReason(err))
	}
	var answer apiAnswer
	if json.Unmarshal(x.body, &answer) != nil || !answer.OK && answer.Code == 0 {
		return nil, x.strange(method, chatID)
	}
	if answer.OK {
		return answer.Result, nil
	}
	// What answers in Telegram's place may repeat what it was asked.
	answer.Description = x.redact.Replace(answer.Description)
	return nil, refusal(method, chatID, answer)
}

// strange is for an answer that is not the Bot API's: something between us and it
// has answered. Where that refuses, the call went no further; a 5xx may as well come
// after Telegram took it.
func (x *exchange) strange(method, chatID string) error {
	switch {
	case x.status == http.StatusTooManyRequests:
		return limited(chatID, x.retryAfter)
	case x.status == http.StatusNotFound, x.status == http.StatusMethodNotAllowed, x.status == http.StatusNotImplemented:
		return fmt.Errorf("telegram %s: %w: status %d", method, errNoMethod, x.status)
	case x.status >= 300 && x.status < 500:
		return fmt.Errorf("telegram %s: %w: status %d, and not from the Bot API; see TELEGRAM_API_URL", method, chat.ErrTemporary, x.status)
	}
	return fmt.Errorf("telegram %s: %w: status %d with an unreadable answer", method, chat.ErrLost, x.status)
}

// networkReason is an error's text without the URL that it was about.
func networkReason(err error) string {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	return err.Error()
}
