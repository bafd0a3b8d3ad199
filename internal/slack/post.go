package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/isplicense/license-bot/internal/chat"
)

// The Web API's methods that the adapter calls.
const (
	methodPost      = "chat.postMessage"
	methodUpdate    = "chat.update"
	methodEphemeral = "chat.postEphemeral"
	methodHistory   = "conversations.history"
	methodReplies   = "conversations.replies"
	methodOpenIM    = "conversations.open"
	methodAuth      = "auth.test"
	methodConnect   = "apps.connections.open"
	responseURL     = "response_url"
)

// eventType marks the bot's own metadata on messages.
const eventType = "license_bot"

// responseURLFor is how long a response_url is worth trying. Slack keeps it for 30
// minutes and five uses (docs.slack.dev/interactivity/handling-user-interaction);
// the uses are Slack's to count, since a kill would forget ours.
const responseURLFor = 29 * time.Minute

// call runs one call of the Web API, observes it and maps its error.
func (a *Adapter) call(method, channel string, f func() error) error {
	start := a.cfg.Now()
	err := a.mapped(method, channel, f())
	a.cfg.Observe(method, outcome(err), a.cfg.Now().Sub(start))
	if method == responseURL || method == methodConnect {
		return err // not by the bot's token
	}
	if refused, ok := errors.AsType[*tokenError](err); ok {
		a.state.tokenRefused(refused.Error())
	} else if err == nil {
		a.state.tokenTaken()
	}
	return err
}

// Post sends a message (chat.postMessage). An error other than [chat.ErrLost] and
// those that wrap it means that it is not there.
func (a *Adapter) Post(ctx context.Context, p chat.Post) (chat.Ref, error) {
	channel, thread := target(p)
	opts := append(options(p.Message), slackgo.MsgOptionDisableLinkUnfurl(), slackgo.MsgOptionDisableMediaUnfurl())
	if thread != "" {
		opts = append(opts, slackgo.MsgOptionTS(thread))
	}
	if p.Nonce != "" {
		// Every app in the channel can read metadata: the nonce says nothing.
		opts = append(opts, slackgo.MsgOptionMetadata(slackgo.SlackMetadata{
			EventType: eventType, EventPayload: map[string]any{"nonce": p.Nonce},
		}))
	}
	var in, ts string
	post := func() error {
		return a.call(methodPost, channel, func() (err error) {
			in, ts, err = a.api.PostMessageContext(ctx, channel, opts...)
			return answered(ts, err)
		})
	}
	err := post()
	if closed, ok := errors.AsType[*chat.Closed](err); ok && closed.Why == "gone" && userID(channel) {
		// What stands in Slack's place may take only the channel for a person's id.
		if direct, openErr := a.directChannel(ctx, channel); openErr == nil && direct != "" {
			channel = direct
			err = post()
		}
	}
	if err != nil {
		return "", err
	}
	if in == "" {
		in = channel
	}
	return makeRef(in, ts), nil
}

// Edit puts the message in the place of the one that ref names (chat.update). It
// can be done again without harm.
func (a *Adapter) Edit(ctx context.Context, ref chat.Ref, m chat.Message) error {
	channel, ts, ok := splitRef(ref)
	if !ok {
		return fmt.Errorf("%s: %q names no message in Slack: %w", methodUpdate, ref, chat.ErrRejected)
	}
	return a.call(methodUpdate, channel, func() error {
		_, _, _, err := a.api.UpdateMessageContext(ctx, channel, ts, options(m)...)
		return err
	})
}

// answered finds an "ok" that does not hold what was asked for. Only of what is used
// further: that an edit was done needs no more than the "ok".
func answered(what string, err error) error {
	if err == nil && what == "" {
		return errors.New("an answer without what was asked for")
	}
	return err
}

// options are the message as chat.postMessage, chat.update and chat.postEphemeral
// take it. parse=none matters: chat.update would else look for names to mention in
// the text (docs.slack.dev/reference/methods/chat.update).
func options(m chat.Message) []slackgo.MsgOption {
	r := render(m)
	opts := make([]slackgo.MsgOption, 0, 10)
	return append(opts,
		slackgo.MsgOptionText(r.text, false),
		slackgo.MsgOptionBlocks(r.blocks...),
		slackgo.MsgOptionDisableMarkdown(),
		slackgo.MsgOptionParse(false),
	)
}

// target is the channel and thread of a post. A thread belongs to its channel; a
// reply to a message in a direct message goes there, not to the person's id, which
// stands for the same place.
func target(p chat.Post) (channel, thread string) {
	channel = p.Place.ID
	in, ts, ok := splitRef(p.ReplyTo)
	switch {
	case !ok:
		return channel, ""
	case in == channel:
		return channel, ts
	case !isChannel(channel) && strings.HasPrefix(in, "D"):
		return in, ts
	}
	return channel, ""
}

// handle is what [chat.Inbound.Handle] holds for Slack.
type handle struct {
	URL     string `json:"url,omitempty"`     // the response_url; secret
	Trigger string `json:"trigger,omitempty"` // the trigger_id, good for 3 s; secret
	Thread  string `json:"thread,omitempty"`  // the root of the thread that was clicked in
}

func (h handle) String() string {
	b, _ := json.Marshal(h) // three strings: can't fail
	return string(b)
}

// Answer tells the one who asked, and nobody else: through the response_url, which
// works where the bot is no member; then by an ephemeral message; then, where the
// bot may not post, by direct message. The clicked message stays as it is.
func (a *Adapter) Answer(ctx context.Context, in chat.Inbound, m chat.Message) error {
	h := a.handleOf(in)
	if a.mayAnswer(h.URL) && a.cfg.Now().Sub(in.At) < responseURLFor {
		if err := a.respond(ctx, h, m); !elsewhere(err) {
			return err
		}
	}
	user := userOf(in.Account)
	if user == "" {
		return fmt.Errorf("%s: %q is nobody in Slack: %w", methodEphemeral, in.Account, chat.ErrRejected)
	}
	if isChannel(in.Place.ID) {
		if err := a.whisper(ctx, in.Place.ID, user, h.Thread, m); !elsewhere(err) {
			return err
		}
	}
	_, err := a.Post(ctx, chat.Post{Place: a.Direct(in.Account), Message: m})
	return err
}

// Otherwise has an answer go without the response_url: by the ways that the Web API
// has.
func (a *Adapter) Otherwise(in chat.Inbound) (chat.Inbound, bool) {
	h := a.handleOf(in)
	has := h.URL != ""
	h.URL = ""
	in.Handle = h.String()
	return in, has
}

func (a *Adapter) handleOf(in chat.Inbound) handle {
	var h handle
	if in.Handle != "" {
		if err := json.Unmarshal([]byte(in.Handle), &h); err != nil {
			a.cfg.Log.Warn("slack: the handle of an answer is unreadable", "kind", in.Kind)
		}
	}
	return h
}

// elsewhere says whether an answer certainly did not arrive and another way may do.
func elsewhere(err error) bool {
	switch outcome(err) {
	case "gone", "closed", "temporary":
		return true
	}
	return false
}

func (a *Adapter) whisper(ctx context.Context, channel, user, thread string, m chat.Message) error {
	opts := options(m)
	if thread != "" {
		opts = append(opts, slackgo.MsgOptionTS(thread))
	}
	return a.call(methodEphemeral, channel, func() error {
		_, err := a.api.PostEphemeralContext(ctx, channel, user, opts...)
		return err
	})
}

// mayAnswer: a response_url was signed for by Slack; it is used only over TLS, or
// at the very host that the API is at without it (a proxy, a sandbox).
func (a *Adapter) mayAnswer(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return false
	}
	api, err := url.Parse(a.cfg.APIURL)
	return u.Scheme == "https" ||
		err == nil && u.Scheme == "http" && api.Scheme == "http" && (u.Hostname() == api.Hostname() || loopback(u) && loopback(api))
}

// loopback says whether the address never leaves this machine.
func loopback(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}

func (a *Adapter) respond(ctx context.Context, h handle, m chat.Message) error {
	r := render(m)
	body, err := json.Marshal(&slackgo.WebhookMessage{
		ResponseType:    slackgo.ResponseTypeEphemeral,
		Text:            r.text,
		Blocks:          &slackgo.Blocks{BlockSet: r.blocks},
		ThreadTimestamp: h.Thread,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", responseURL, chat.ErrRejected)
	}
	return a.call(responseURL, "", func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
		if err != nil {
			return withoutURL(err)
		}
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
		resp, err := a.http.Do(req) //nolint:bodyclose // the sender has read and closed it
		if err != nil {
			return err
		}
		return responseError(resp)
	})
}

// responseError reads what a response_url answers: "ok", {"ok":true}, or a code,
// bare or in JSON, mostly with a 404 or 500.
func responseError(resp *http.Response) error {
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(resp.Body); err != nil {
		return err
	}
	text := strings.TrimSpace(buf.String())
	var answer struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if json.Unmarshal(buf.Bytes(), &answer) == nil {
		text = answer.Error
	}
	switch {
	case resp.StatusCode/100 == 2 && (answer.OK || strings.EqualFold(text, "ok") || text == ""):
		return nil
	case text != "" && cleanCode(text) == text && (resp.StatusCode < http.StatusInternalServerError || knownCode(text)):
		return slackgo.SlackErrorResponse{Err: text}
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone:
		return slackgo.SlackErrorResponse{Err: "expired_url"}
	}
	return slackgo.StatusCodeError{Code: resp.StatusCode}
}
