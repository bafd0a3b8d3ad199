package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/failpoint"
)

// Sink is where updates are kept.
type Sink interface {
	// Offset is the id of the first update that is not yet taken; 0 where none was
	// ever taken.
	Offset(ctx context.Context) (int64, error)
	// Take records the whole batch and the next offset in one transaction; a next of
	// 0 leaves the offset. What it has taken before, by Delivery, it leaves out. Only
	// when it returns nil does Telegram learn that the batch has arrived.
	Take(ctx context.Context, batch []chat.Inbound, next int64) error
}

const (
	pollFor     = 30 * time.Second // how long Telegram holds an empty getUpdates
	pollSlack   = 15 * time.Second // and how long the answer may then take
	pollLimit   = 100
	firstWait   = time.Second
	longestWait = time.Minute
	menuTries   = 3
	emptyWait   = 200 * time.Millisecond // where an empty answer comes at once
)

// Run receives updates until the context ends, and then returns nil: by webhook
// where one is set, else by long polling. What goes wrong meanwhile is told by
// [Adapter.State] and tried again.
func (a *Adapter) Run(ctx context.Context, sink Sink) error {
	a.persist(ctx, 0, func() error { _, err := a.Check(ctx); return err })
	// People can do without a menu, and without an answer they can't: it is set aside.
	var menu sync.WaitGroup
	defer menu.Wait()
	menu.Go(func() { a.persist(ctx, menuTries, func() error { return a.setMenu(ctx) }) })
	if a.cfg.WebhookURL != "" {
		a.persist(ctx, 0, func() error { return a.setWebhook(ctx) })
		if ctx.Err() == nil {
			a.setState(true, "")
			<-ctx.Done()
		}
	} else {
		a.persist(ctx, 0, func() error { return a.withoutWebhook(ctx) })
		a.poll(ctx, sink)
	}
	a.setState(false, "stopped")
	return nil
}

// persist does something until it succeeds or the context ends, at most so many
// times; 0 is for ever, and then no updates come in before it has succeeded.
func (a *Adapter) persist(ctx context.Context, tries int, do func() error) {
	wait := backoff{}
	for n := 1; ctx.Err() == nil; n++ {
		err := do()
		if err == nil || ctx.Err() != nil {
			return
		}
		switch tries {
		case 0:
			a.setState(false, reason(err))
		case n:
			a.log.Warn("telegram: going on without", "error", err)
			return
		}
		wait.sleep(ctx, err)
	}
}

// setMenu sets the command menu, once per language.
func (a *Adapter) setMenu(ctx context.Context) error {
	for _, lang := range slices.Sorted(maps.Keys(a.cfg.Menu)) {
		params := &bot.SetMyCommandsParams{LanguageCode: lang}
		for _, c := range a.cfg.Menu[lang] {
			params.Commands = append(params.Commands, models.BotCommand{Command: c.Name, Description: c.Description})
		}
		_, err := a.call(ctx, "setMyCommands", "", func(ctx context.Context) error {
			_, err := a.api.SetMyCommands(ctx, params)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Adapter) setWebhook(ctx context.Context) error {
	params := &bot.SetWebhookParams{URL: a.cfg.WebhookURL, SecretToken: a.cfg.WebhookSecret, AllowedUpdates: updateKinds}
	_, err := a.call(ctx, "setWebhook", "", func(ctx context.Context) error {
		_, err := a.api.SetWebhook(ctx, params)
		return err
	})
	if errors.Is(err, chat.ErrRejected) {
		return &advice{err.Error() + "; check TELEGRAM_WEBHOOK_URL", err}
	}
	return err
}

func (a *Adapter) deleteWebhook(ctx context.Context) error {
	_, err := a.call(ctx, "deleteWebhook", "", func(ctx context.Context) error {
		_, err := a.api.DeleteWebhook(ctx, &bot.DeleteWebhookParams{})
		return err
	})
	return err
}

// withoutWebhook sees to it that updates can be polled for. A server that knows no
// webhooks has none to take away; should there be one, getUpdates says so.
func (a *Adapter) withoutWebhook(ctx context.Context) error {
	err := a.deleteWebhook(ctx)
	if errors.Is(err, errNoMethod) || errors.Is(err, chat.ErrRejected) {
		a.log.Warn("telegram: a webhook, if there is one, was not taken away", "error", err)
		return nil
	}
	return err
}

// poll asks for updates, hands them to the sink, and asks on.
func (a *Adapter) poll(ctx context.Context, sink Sink) {
	var offset int64
	a.persist(ctx, 0, func() error {
		var err error
		if offset, err = sink.Offset(ctx); err != nil {
			return storeError{err}
		}
		return nil
	})
	wait := backoff{}
	hold := time.Duration(0) // the first answer comes at once and shows that all is well
	for ctx.Err() == nil {
		begun := a.cfg.Now()
		next, err := a.pollOnce(ctx, sink, offset, hold)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			a.setState(false, reason(err))
			wait.sleep(ctx, err)
			hold = 0
		default:
			a.setState(true, "")
			if next == offset && hold > 0 && a.cfg.Now().Sub(begun) < emptyWait {
				pause(ctx, emptyWait) // what answers does not hold, and would be asked without end
			}
			wait, hold, offset = backoff{}, pollFor, next
		}
	}
}

// pollOnce takes one batch and gives the next offset. When it fails the offset
// stays, and Telegram gives the same updates again.
func (a *Adapter) pollOnce(ctx context.Context, sink Sink, offset int64, hold time.Duration) (int64, error) {
	updates, err := a.getUpdates(ctx, offset, hold)
	if err != nil {
		return 0, err
	}
	if len(updates) == 0 {
		return offset, nil
	}
	var batch []chat.Inbound
	var ignored []string
	next := int64(0)
	for _, raw := range updates {
		id, ok := updateID(raw)
		if !ok {
			a.log.Error("telegram: an update without an id was skipped")
			continue
		}
		// Not max(offset, …): after a quiet week Telegram numbers anew, from any
		// number (core.telegram.org/bots/api#update).
		next = max(next, id+1)
		r, err := read(raw, *a.username.Load(), a.cfg.Now())
		if err != nil {
			a.log.Error("telegram: an update that can't be read was skipped", "update_id", id, "kind", kindOf(raw))
			continue
		}
		if r.acts {
			batch = append(batch, r.in)
		}
		if r.ignore != "" {
			ignored = append(ignored, r.ignore)
		}
	}
	if next == 0 {
		return 0, fmt.Errorf("telegram getUpdates: %w: updates without ids", chat.ErrLost)
	}
	failpoint.Here("telegram/before-take")
	if err := a.take(ctx, sink, batch, next); err != nil {
		return 0, err
	}
	failpoint.Here("telegram/after-take")
	a.dismiss(ctx, ignored)
	return next, nil
}

// take has a batch recorded, or tells those who sent it that nothing is: then it is
// done with as well, so that nobody's old click comes to life when the store does.
func (a *Adapter) take(ctx context.Context, sink Sink, batch []chat.Inbound, next int64) error {
	begun := a.cfg.Now()
	err := sink.Take(ctx, batch, next)
	var down *chat.Unavailable
	if !errors.As(err, &down) {
		if err != nil {
			return storeError{err}
		}
		took := a.cfg.Now().Sub(begun)
		for range batch {
			a.cfg.Acked(took)
		}
		return nil
	}
	for _, in := range batch {
		if in.Kind == chat.Move {
			continue // nobody's; a refusal in the old chat will tell it once more
		}
		var limited *chat.Limited
		switch err := a.Answer(ctx, in, down.Message); {
		case err == nil:
		case errors.As(err, &limited), errors.Is(err, chat.ErrTemporary), errors.Is(err, chat.ErrLost):
			return err // Telegram gives the batch again
		default:
			a.log.Warn("telegram: nothing can be recorded, and the person could not be told", "error", err)
		}
	}
	return nil
}

// dismiss ends the waiting of clients whose clicks nobody acts on.
func (a *Adapter) dismiss(ctx context.Context, queries []string) {
	for _, q := range queries {
		if err := a.answerQuery(ctx, q, ""); err != nil {
			a.log.Debug("telegram: a click was not answered", "error", err)
		}
	}
}

// getUpdates is the one method that the library does not export.
// core.telegram.org/bots/api#getupdates
func (a *Adapter) getUpdates(ctx context.Context, offset int64, hold time.Duration) ([]json.RawMessage, error) {
	body, err := json.Marshal(map[string]any{
		"offset": offset, "limit": pollLimit, "timeout": int(hold.Seconds()), "allowed_updates": updateKinds,
	})
	if err != nil {
		return nil, err
	}
	do := func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.cfg.APIURL+"/bot"+standIn+"/getUpdates", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := a.client.Do(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	result, err := a.exchange(ctx, "getUpdates", "", hold+pollSlack, maxBatch, do)
	if err != nil {
		return nil, err
	}
	var updates []json.RawMessage
	if err := json.Unmarshal(result, &updates); err != nil {
		return nil, fmt.Errorf("telegram getUpdates: %w: the result is no list", chat.ErrLost)
	}
	return updates, nil
}

// updateID is read apart from the rest, so that an update that can't be read can be
// left behind.
func updateID(raw []byte) (int64, bool) {
	var u struct {
		ID *int64 `json:"update_id"`
	}
	if json.Unmarshal(raw, &u) != nil || u.ID == nil || *u.ID <= 0 {
		return 0, false
	}
	return *u.ID, true
}

// kindOf names what an update holds, for a log that must not hold what was said.
func kindOf(raw []byte) string {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(raw, &fields)
	for _, kind := range slices.Sorted(maps.Keys(fields)) {
		if kind != "update_id" && len(kind) <= 40 {
			return kind
		}
	}
	return ""
}

// storeError is the sink's; people are told so, and not what it says.
type storeError struct{ error }

func (e storeError) Unwrap() error { return e.error }

// reason is why no updates come in, in a sentence for people.
func reason(err error) string {
	var store storeError
	var limited *chat.Limited
	switch {
	case errors.As(err, &store):
		return "the store does not take updates; see the log of the store"
	case errors.Is(err, errToken):
		return "Telegram does not know the token; set TELEGRAM_TOKEN to the one that @BotFather shows"
	case errors.Is(err, errConflict):
		return "another process receives this bot's updates; stop it, or give this one a bot of its own"
	case errors.As(err, &limited):
		return limited.Error()
	case errors.Is(err, chat.ErrRejected):
		return err.Error()
	}
	return "Telegram can't be reached; check the network and TELEGRAM_API_URL"
}

// backoff is the time between tries: one second, then twice as long each time, up
// to a minute; longer where Telegram says so.
type backoff struct{ last time.Duration }

func (b *backoff) sleep(ctx context.Context, err error) {
	b.last = min(max(2*b.last, firstWait), longestWait)
	wait := b.last
	if limited, ok := errors.AsType[*chat.Limited](err); ok {
		wait = max(wait, limited.After)
	}
	pause(ctx, wait)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
