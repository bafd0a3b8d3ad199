package slack

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/failpoint"
)

const (
	maxBody = 1 << 20 // bytes
	window  = 5 * time.Minute
)

// Routes receives by HTTP: POST /slack/commands, /slack/interactions and
// /slack/events. A body over 1 MiB is 413; a request that is not signed with the
// signing secret within 5 minutes 401; one that is signed but not understood 400.
// What was recorded is answered with an empty 200, what could not be with a 500,
// which Slack shows to the person.
func (a *Adapter) Routes(sink Sink) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+pathCommands, a.route(func(ctx context.Context, r request, _ http.ResponseWriter) error {
		in, err := commandForm(r.body, r.stamp, r.at)
		if errors.Is(err, errCertificate) {
			return nil
		}
		if err != nil {
			return err
		}
		return a.take(ctx, sink, []chat.Inbound{in})
	}))
	mux.Handle("POST "+pathInteractions, a.route(func(ctx context.Context, r request, _ http.ResponseWriter) error {
		in, err := interactionForm(r.body, r.stamp, r.at)
		if err != nil {
			return err
		}
		return a.take(ctx, sink, in)
	}))
	mux.Handle("POST "+pathEvents, a.route(func(_ context.Context, r request, w http.ResponseWriter) error {
		e, err := readEvent(r.body)
		if err != nil {
			return err
		}
		if e.Type == "url_verification" {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, e.Challenge)
			return nil
		}
		a.happened(e)
		return nil
	}))
	return mux
}

// request is a signed request.
type request struct {
	body  []byte
	stamp string // Slack's timestamp header
	at    time.Time
}

// errNotTaken: the sink could not record it.
var errNotTaken = errors.New("it could not be recorded")

func (a *Adapter) take(ctx context.Context, sink Sink, in []chat.Inbound) error {
	if len(in) == 0 {
		return nil
	}
	start := in[0].At
	err := sink.Take(ctx, in)
	if down, ok := errors.AsType[*chat.Unavailable](err); ok {
		return a.turnAway(ctx, in[0], down.Message)
	}
	if err != nil {
		a.cfg.Log.Error("slack: nothing was recorded, nothing is acknowledged", "error", a.scrub.text(err.Error()))
		return errNotTaken
	}
	a.cfg.Acked(a.cfg.Now().Sub(start))
	failpoint.Here("slack/before-acknowledge")
	return nil
}

// turnAway tells a person that nothing was recorded. What could be told to them is
// acknowledged; else Slack says that it failed, which is true too.
func (a *Adapter) turnAway(ctx context.Context, in chat.Inbound, m chat.Message) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	if err := a.Answer(ctx, in, m); err != nil {
		a.cfg.Log.Error("slack: nothing can be recorded, and the person could not be told", "error", err)
		return errNotTaken
	}
	return nil
}

// route checks size and signature, in this order and before anything else, and
// contains panics.
func (a *Adapter) route(serve func(context.Context, request, http.ResponseWriter) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				a.cfg.Log.Error("slack: a request panicked", "path", req.URL.Path, "stack", string(debug.Stack()))
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
		if _, tooBig := errors.AsType[*http.MaxBytesError](err); tooBig {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		now := a.cfg.Now()
		if why := unsigned(req.Header, body, a.cfg.SigningSecret, now); why != "" {
			a.cfg.Log.Warn("slack: a request was turned away", "path", req.URL.Path, "why", why)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch err := serve(req.Context(), request{body: body, stamp: req.Header.Get("X-Slack-Request-Timestamp"), at: now}, w); {
		case errors.Is(err, errMalformed):
			a.cfg.Log.Warn("slack: a signed request was not understood", "path", req.URL.Path, "error", err)
			w.WriteHeader(http.StatusBadRequest)
		case err != nil:
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
}

// unsigned says why the request is not Slack's, "" if it is
// (docs.slack.dev/authentication/verifying-requests-from-slack). The same request
// passes again within the window: what it asks is done once by its delivery id.
func unsigned(h http.Header, body []byte, secret string, now time.Time) string {
	if secret == "" {
		return "no signing secret is set"
	}
	stamp := h.Get("X-Slack-Request-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return "no timestamp"
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > window || age < -window {
		return "its timestamp is more than five minutes away: check this machine's clock"
	}
	signature, ok := strings.CutPrefix(h.Get("X-Slack-Signature"), "v0=")
	given, err := hex.DecodeString(signature)
	if !ok || err != nil || len(given) != sha256.Size {
		return "no signature"
	}
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, "v0:"+stamp+":")
	_, _ = mac.Write(body)
	if !hmac.Equal(mac.Sum(nil), given) {
		return "its signature is another's: check SLACK_SIGNING_SECRET"
	}
	return ""
}

// happened looks at an event: those in the table mean that the bot is cut off.
func (a *Adapter) happened(e event) {
	for _, known := range events {
		if known.name != e.Event.Type || known.name == "tokens_revoked" && len(e.Event.Tokens.Bot) == 0 {
			continue
		}
		a.state.tokenRefused(known.means)
		a.cfg.Log.Error("slack: the app has lost its access", "event", known.name, "why", known.means)
	}
}
