package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/isplicense/license-bot/internal/chat"
)

const (
	findSkew  = 2 * time.Minute // between Slack's clock and ours
	findPage  = 100             // messages
	findPages = 10
)

// apiAnswer is what every method's answer has.
type apiAnswer struct {
	OK     bool   `json:"ok"`
	Error  string `json:"error"`
	Needed string `json:"needed"`
}

func (r *apiAnswer) err() error {
	switch {
	case r.OK:
		return nil
	case r.Error == "":
		return fmt.Errorf("an answer that says neither yes nor why not")
	}
	return slackgo.SlackErrorResponse{Err: r.Error, Needed: r.Needed}
}

// history is what is read of conversations.history and conversations.replies.
// slack-go's own types can't be used: one message with a block element that they
// don't know, anybody's, fails the whole page.
type history struct {
	apiAnswer
	Messages []struct {
		TS       string          `json:"ts"`
		Metadata json.RawMessage `json:"metadata"` // anybody's, in any form
	} `json:"messages"`
	Next struct {
		Cursor string `json:"next_cursor"`
	} `json:"response_metadata"`
}

// Find looks for a post whose answer was lost, by its nonce: in the thread that it
// replies to, else in the channel, among what was sent since then. A false without
// an error is certain. [chat.ErrCannotLook] is returned for a post without a nonce,
// and where more was written since then than is looked through (1000 messages).
func (a *Adapter) Find(ctx context.Context, p chat.Post, since time.Time) (chat.Ref, bool, error) {
	if p.Nonce == "" {
		return "", false, fmt.Errorf("the message has no nonce: %w", chat.ErrCannotLook)
	}
	channel, thread := target(p)
	if userID(channel) {
		var err error
		if channel, err = a.directChannel(ctx, channel); err != nil {
			return "", false, err
		}
	}
	method := methodHistory
	oldest := since.Add(-findSkew)
	form := url.Values{
		"channel":              {channel},
		"oldest":               {fmt.Sprintf("%d.%06d", oldest.Unix(), oldest.Nanosecond()/1000)},
		"inclusive":            {"true"},
		"limit":                {strconv.Itoa(findPage)},
		"include_all_metadata": {"true"},
	}
	if thread != "" {
		method = methodReplies
		form.Set("ts", thread)
	}
	for range findPages {
		var page history
		if err := a.ask(ctx, method, channel, form, &page); err != nil {
			return "", false, notFound(err)
		}
		if ts := page.find(p.Nonce); ts != "" {
			return makeRef(channel, ts), true, nil
		}
		if page.Next.Cursor == "" {
			return "", false, nil
		}
		form.Set("cursor", page.Next.Cursor)
	}
	return "", false, fmt.Errorf("%s: too much was written since then: %w", method, chat.ErrCannotLook)
}

// notFound is [chat.ErrCannotLook] where asking again would be refused again.
func notFound(err error) error {
	_, closed := errors.AsType[*chat.Closed](err)
	if closed || errors.Is(err, chat.ErrRejected) || errors.Is(err, chat.ErrGone) {
		return fmt.Errorf("%w: %w", chat.ErrCannotLook, err)
	}
	return err
}

func (h *history) find(nonce string) (ts string) {
	for _, m := range h.Messages {
		metadata := []byte(m.Metadata)
		var text string // what stands in Slack's place may hand it back as it was sent
		if json.Unmarshal(metadata, &text) == nil {
			metadata = []byte(text)
		}
		var ours struct {
			EventType string `json:"event_type"`
			Payload   struct {
				Nonce string `json:"nonce"`
			} `json:"event_payload"`
		}
		if json.Unmarshal(metadata, &ours) == nil && ours.EventType == eventType && ours.Payload.Nonce == nonce {
			return m.TS
		}
	}
	return ""
}

// directChannel is the channel behind a person's id: chat.postMessage takes either,
// the methods that read take only the channel.
func (a *Adapter) directChannel(ctx context.Context, user string) (string, error) {
	var answer struct {
		apiAnswer
		Channel struct {
			ID string `json:"id"`
		} `json:"channel"`
	}
	if err := a.ask(ctx, methodOpenIM, user, url.Values{"users": {user}}, &answer); err != nil {
		return "", err
	}
	return answer.Channel.ID, nil
}

// ask calls a method that only reads and decodes its answer into out.
func (a *Adapter) ask(ctx context.Context, method, channel string, form url.Values, out interface{ err() error }) error {
	form.Set("token", a.cfg.BotToken)
	return a.call(method, channel, func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.cfg.APIURL+method, strings.NewReader(form.Encode()))
		if err != nil {
			return withoutURL(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := a.http.Do(req) //nolint:bodyclose // the sender has read and closed it
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return slackgo.StatusCodeError{Code: resp.StatusCode}
		}
		if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
			return fmt.Errorf("not Slack's JSON: %w", err)
		}
		return out.err()
	})
}

// userID says whether the id is a person's.
func userID(id string) bool {
	return strings.HasPrefix(id, "U") || strings.HasPrefix(id, "W")
}
