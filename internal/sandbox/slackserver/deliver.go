package slackserver

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// How a delivery failed, in the words that Slack shows people.
const (
	failedTimeout  = "operation_timeout"
	failedDispatch = "dispatch_failed"
	failedForGood  = "no_retry" // the bot asked for no more tries of an event
)

// The kinds of deliveries, as Socket Mode calls them.
const (
	slashCommand = "slash_commands"
	interactive  = "interactive"
	event        = "events_api"
)

// paths are where deliveries go by HTTP, under the bot's base URL.
var paths = map[string]string{slashCommand: "/slack/commands", interactive: "/slack/interactions", event: "/slack/events"}

// Delivery is one thing on its way to the bot.
type Delivery struct {
	s       *Server
	kind    string
	payload json.RawMessage
	body    []byte // the same for HTTP
	id      string // of its envelope
	onAck   func(body []byte, failed string)

	settled  chan struct{} // closed when it was acknowledged or given up
	attempts []Attempt     // guarded by the server's lock
	signed   http.Header   // of the first attempt by HTTP
}

// Attempt is one try to deliver.
type Attempt struct {
	At      time.Time
	Latency time.Duration // until the acknowledgement, or until it was given up
	Status  int           // HTTP's; 0 over Socket Mode
	Failed  string        // "" if acknowledged; else "operation_timeout", "dispatch_failed" or "no_retry"
}

// Kind is "slash_commands", "interactive" or "events_api".
func (d *Delivery) Kind() string { return d.kind }

// Payload is what is delivered, as Socket Mode carries it.
func (d *Delivery) Payload() json.RawMessage { return bytes.Clone(d.payload) }

// Attempts are the tries so far.
func (d *Delivery) Attempts() []Attempt {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return append([]Attempt(nil), d.attempts...)
}

// Wait waits until the bot has acknowledged or Slack has given up, which is an error.
func (d *Delivery) Wait(ctx context.Context) (Attempt, error) {
	select {
	case <-d.settled:
	case <-ctx.Done():
		return Attempt{}, context.Cause(ctx)
	}
	all := d.Attempts()
	if len(all) == 0 {
		return Attempt{}, errors.New("slackserver: the server was closed before the delivery")
	}
	for _, a := range all {
		if a.Failed == "" {
			return a, nil
		}
	}
	last := all[len(all)-1]
	return last, fmt.Errorf("slackserver: the bot did not take the delivery: %s", last.Failed)
}

// Again delivers once more exactly what was delivered: over HTTP with the same
// signature and time, over Socket Mode with the same envelope id. It waits for the
// acknowledgement.
func (d *Delivery) Again(ctx context.Context) error {
	select {
	case <-d.settled:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if a := d.try(0, ""); a.Failed != "" {
		return fmt.Errorf("slackserver: the bot did not take the delivery: %s", a.Failed)
	}
	return nil
}

// Signing is how a forged request is signed.
type Signing struct {
	Secret string        // the right one if empty
	Age    time.Duration // how old the timestamp is
	None   bool          // no signature at all
}

// Forge posts the delivery to the bot's HTTP route signed in another way, and answers
// with the status.
func (d *Delivery) Forge(ctx context.Context, how Signing) (int, error) {
	status, _, err := d.s.Post(ctx, paths[d.kind], d.contentType(), d.body, how)
	return status, err
}

// Post sends a body of the caller's own to a path of the bot's, signed as how says.
func (s *Server) Post(ctx context.Context, path, contentType string, body []byte, how Signing) (status int, answer []byte, err error) {
	secret := s.opts.SigningSecret
	if how.Secret != "" {
		secret = how.Secret
	}
	h := sign(secret, s.opts.Now().Add(-how.Age), body)
	if how.None {
		h = http.Header{}
	}
	h.Set("Content-Type", contentType)
	status, _, answer, err = s.post(ctx, path, body, h)
	return status, answer, err
}

// VerifyURL asks the bot's event route for the challenge, as Slack does when the
// address is set (docs.slack.dev/reference/events/url_verification).
func (s *Server) VerifyURL(ctx context.Context) error {
	challenge := s.secret()
	body, err := json.Marshal(map[string]any{"type": "url_verification", "token": verificationToken, "challenge": challenge})
	if err != nil {
		return err
	}
	status, answer, err := s.Post(ctx, paths[event], "application/json", body, Signing{})
	if err != nil {
		return err
	}
	if status != http.StatusOK || !strings.Contains(string(answer), challenge) {
		return fmt.Errorf("slackserver: the bot answered %d without the challenge", status)
	}
	return nil
}

// sign makes the headers of a signed request
// (docs.slack.dev/authentication/verifying-requests-from-slack).
func sign(secret string, at time.Time, body []byte) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + stamp + ":"))
	mac.Write(body)
	h := http.Header{}
	h.Set("X-Slack-Request-Timestamp", stamp)
	h.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	h.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	return h
}

func (s *Server) post(ctx context.Context, path string, body []byte, h http.Header) (int, http.Header, []byte, error) {
	s.mu.Lock()
	base := s.opts.BotURL
	s.mu.Unlock()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(base, "/")+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	r.Header = h
	answer, err := s.client.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	return answer.StatusCode, answer.Header, b, err
}

// start sets a delivery on its way. The lock is held.
func (s *Server) start(d *Delivery) (*Delivery, error) {
	if s.closed {
		return nil, errors.New("slackserver: the server is closed")
	}
	d.s, d.id, d.settled = s, s.secret(), make(chan struct{})
	s.sent = appendKept(s.sent, d, s.opts.Keep)
	s.work.Go(func() {
		defer close(d.settled)
		d.run()
	})
	return d, nil
}

// Deliveries are those that went out, in order, at least the newest
// [Options.Keep] of them.
func (s *Server) Deliveries() []*Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*Delivery(nil), s.sent...)
}

// run delivers; events come again while they are not acknowledged.
func (d *Delivery) run() {
	a := d.try(0, "")
	if d.kind != event {
		return
	}
	for i, wait := range d.s.opts.EventRetries {
		if a.Failed == "" || a.Failed == failedForGood {
			return
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-d.s.ctx.Done():
			t.Stop()
			return
		}
		reason := map[string]string{failedTimeout: "http_timeout", failedDispatch: "http_error"}[a.Failed]
		a = d.try(i+1, reason)
	}
}

func (d *Delivery) contentType() string {
	if d.kind == event {
		return "application/json"
	}
	return "application/x-www-form-urlencoded"
}

// try is one attempt. Each retry is an envelope of its own.
func (d *Delivery) try(retry int, reason string) Attempt {
	a := Attempt{At: d.s.opts.Now()}
	var body []byte
	d.s.mu.Lock()
	overHTTP := d.s.opts.BotURL != ""
	d.s.mu.Unlock()
	if overHTTP {
		a.Status, body, a.Failed = d.tryHTTP(retry, reason)
	} else {
		e := envelope{ID: d.id, Type: d.kind, Payload: d.payload, Response: d.kind != event}
		if retry > 0 {
			e.ID = d.id + "-" + strconv.Itoa(retry)
			reason = "timeout"
		}
		if d.kind == event {
			e.Attempt, e.Reason = &retry, &reason
		}
		body, a.Failed = d.s.sendSocket(e)
	}
	a.Latency = d.s.opts.Now().Sub(a.At)
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	d.attempts = append(d.attempts, a)
	if d.onAck != nil {
		d.onAck(body, a.Failed)
	}
	d.s.wake()
	return a
}

func (d *Delivery) tryHTTP(retry int, reason string) (int, []byte, string) {
	ctx, cancel := context.WithTimeout(d.s.ctx, AckDeadline)
	defer cancel()
	d.s.mu.Lock()
	if d.signed == nil {
		d.signed = sign(d.s.opts.SigningSecret, d.s.opts.Now(), d.body)
	}
	h := d.signed.Clone()
	d.s.mu.Unlock()
	if retry > 0 {
		h = sign(d.s.opts.SigningSecret, d.s.opts.Now(), d.body)
		h.Set("X-Slack-Retry-Num", strconv.Itoa(retry))
		h.Set("X-Slack-Retry-Reason", reason)
	}
	h.Set("Content-Type", d.contentType())
	status, header, body, err := d.s.post(ctx, paths[d.kind], d.body, h)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return status, nil, failedTimeout
	case err != nil:
		return status, nil, failedDispatch
	case status != http.StatusOK && header.Get("X-Slack-No-Retry") == "1":
		return status, nil, failedForGood
	case status != http.StatusOK:
		return status, nil, failedDispatch
	}
	return status, body, ""
}

// form is an interaction's body over HTTP.
func form(payload []byte) []byte {
	return []byte(url.Values{"payload": {string(payload)}}.Encode())
}

// SendEvent delivers an Events API event of the caller's own; it must have a "type".
func (s *Server) SendEvent(inner map[string]any) (*Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.event(inner)
}

// event delivers an event. The lock is held.
func (s *Server) event(inner map[string]any) (*Delivery, error) {
	payload, err := json.Marshal(map[string]any{
		"token": verificationToken, "team_id": TeamID, "api_app_id": AppID, "event": inner, "type": "event_callback",
		"event_id": s.nextID("Ev"), "event_time": s.opts.Now().Unix(), "is_ext_shared_channel": false,
		"authorizations": []any{map[string]any{"team_id": TeamID, "user_id": BotUserID, "is_bot": true}},
	})
	if err != nil {
		return nil, err
	}
	return s.start(&Delivery{kind: event, payload: payload, body: payload})
}
