package soak

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
)

// card is a message of the bot's as a person sees it, in either chat.
type card struct {
	id      string // of the message, within its place
	thread  string // of the message that it answers
	text    string
	buttons []string // their labels
	alone   bool     // only one person sees it

	slack    slackserver.Message
	telegram telegramserver.Message
}

func (c card) has(button string) bool {
	return slices.Contains(c.buttons, button)
}

func fromSlack(m slackserver.Message) card {
	c := card{id: m.TS, thread: m.ThreadTS, text: m.Text, alone: m.Ephemeral(), slack: m}
	for _, b := range m.Buttons() {
		c.buttons = append(c.buttons, b.Label)
	}
	return c
}

func fromTelegram(m telegramserver.Message) card {
	c := card{id: fmt.Sprint(m.ID), thread: fmt.Sprint(m.ReplyTo), text: m.Text, telegram: m}
	for _, row := range m.Keyboard {
		for _, b := range row {
			c.buttons = append(c.buttons, b.Text)
		}
	}
	return c
}

// seat is a person in a place of a chat. What they see is what came or changed
// since they last looked up: since "looksUp" was called.
type seat interface {
	looksUp()
	// says types a command. false: the chat told the person that it did not arrive.
	says(ctx context.Context, text string) bool
	// sees waits for a message.
	sees(ctx context.Context, match func(card) bool) (card, error)
	// presses clicks a button. false: the chat told the person that it failed, or
	// the button is not there any more.
	presses(ctx context.Context, c card, button string) bool
}

type slackSeat struct {
	u       *slackserver.User
	s       *slackserver.Server
	channel string
	since   slackserver.Mark
}

func (w *world) slackSeat(u *slackserver.User, channel string) *slackSeat {
	return &slackSeat{u: u, s: w.Slack, channel: channel}
}

func (p *slackSeat) looksUp() { p.since = p.s.Mark() }

func (p *slackSeat) says(ctx context.Context, text string) bool {
	return arrived(ctx)(p.u.Says(p.channel, "/license "+text))
}

// arrived waits until a delivery was acknowledged or has failed.
func arrived(ctx context.Context) func(*slackserver.Delivery, error) bool {
	return func(d *slackserver.Delivery, err error) bool {
		if err != nil {
			return false
		}
		_, err = d.Wait(ctx)
		return err == nil
	}
}

func (p *slackSeat) sees(ctx context.Context, match func(card) bool) (card, error) {
	m, err := p.u.SeesWhere(ctx, p.since, p.channel, func(m slackserver.Message) bool {
		return m.Author == slackserver.BotUserID && match(fromSlack(m))
	})
	return fromSlack(m), err
}

func (p *slackSeat) presses(ctx context.Context, c card, button string) bool {
	return arrived(ctx)(p.u.Presses(c.slack, button))
}

type telegramSeat struct {
	p    *telegramserver.Person
	room telegramserver.Room
	last int // id of the newest message when they looked up
}

func (w *world) telegramSeat(p *telegramserver.Person) *telegramSeat {
	return &telegramSeat{p: p, room: p.Private()}
}

func (p *telegramSeat) looksUp() { p.last = -1 }

// says always arrives: Telegram keeps what the bot has not fetched.
func (p *telegramSeat) says(_ context.Context, text string) bool {
	m := p.p.Says(p.room, "/"+text)
	if p.last < 0 {
		p.last = m.ID
	}
	return true
}

func (p *telegramSeat) sees(ctx context.Context, match func(card) bool) (card, error) {
	m, err := p.p.SeesAfter(ctx, p.room, p.last, func(m telegramserver.Message) bool { return match(fromTelegram(m)) })
	return fromTelegram(m), err
}

func (p *telegramSeat) presses(_ context.Context, c card, button string) bool {
	_, err := p.p.Clicks(c.telegram, button)
	return err == nil
}

// How long people wait.
const (
	patience = 30 * time.Second // for what the chat said had arrived: then it is lost
	glance   = time.Second      // before they do again what failed
)

// errLost is what must not happen: the chat said that it arrived, and nothing shows.
var errLost = errors.New("acknowledged, and nothing came of it")

// asks types a command and waits for what it leads to, and types it again as a
// person would: where the chat said that it did not arrive, and nothing shows.
func (w *world) asks(ctx context.Context, s seat, text string, shown func(card) bool) (card, error) {
	s.looksUp()
	return w.until(ctx, text, func(ctx context.Context) bool { return s.says(ctx, text) },
		func(ctx context.Context) (card, error) { return s.sees(ctx, shown) })
}

// presses clicks a button and waits for what it leads to, likewise.
func (w *world) presses(ctx context.Context, s seat, c card, button string, shown func(card) bool) (card, error) {
	return w.until(ctx, button, func(ctx context.Context) bool { return s.presses(ctx, c, button) },
		func(ctx context.Context) (card, error) { return s.sees(ctx, shown) })
}

func (w *world) until(ctx context.Context, what string, do func(context.Context) bool, look func(context.Context) (card, error)) (card, error) {
	for ctx.Err() == nil {
		wait := glance
		if do(ctx) {
			w.acknowledged()
			wait = patience
		}
		looking, cancel := context.WithTimeout(ctx, wait)
		c, err := look(looking)
		cancel()
		if err == nil {
			return c, nil
		}
		if wait == patience && ctx.Err() == nil {
			return card{}, fmt.Errorf("%s: %w", what, errLost)
		}
	}
	return card{}, fmt.Errorf("%s: the time is over: %w", what, ctx.Err())
}

// question matches an open question whether to do that to a licence or name, and not
// one to do something else, such as one that is asked afresh.
func question(action, about string) func(card) bool {
	title := strings.ToUpper(action[:1]) + action[1:] + " "
	return func(c card) bool {
		return !c.alone && c.has("Cancel") && strings.Contains(c.text, title) && mentions(c.text, about)
	}
}

// decided matches a message that was a question and is one no more.
func decided(q card) func(card) bool {
	return func(c card) bool { return c.id == q.id && !c.has("Cancel") }
}

// report matches the outcome of the request that a question was about, and not what
// comes late of an earlier one on the same licence.
func report(q card, action, about string) func(card) bool {
	id := idOf.FindString(q.text)
	return func(c card) bool {
		return c.id != q.id && wordOf(action, c.text) != silent && mentions(c.text, about) && strings.Contains(c.text, id)
	}
}

// mentions says whether a code or name stands in a text as a word of its own.
func mentions(text, word string) bool {
	letter := func(b byte) bool {
		return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '-'
	}
	for rest := text; ; {
		i := strings.Index(rest, word)
		if i < 0 {
			return false
		}
		end := i + len(word)
		if (i == 0 || !letter(rest[i-1])) && (end == len(rest) || !letter(rest[end])) {
			return true
		}
		rest = rest[end:]
	}
}

// word is what a report says of the effect.
type word int

const (
	silent  word = iota // it is no report
	done                // it took effect
	notDone             // it did not
	unknown             // it is not known
)

// participles are the words of the contract.
var participles = map[string]string{
	"renew": "renewed", "order": "ordered", "edit": "edited", "nodes": "edited", "terminate": "terminated",
}

// wordOf reads the last word of a report.
func wordOf(action, text string) word {
	p := participles[action]
	switch {
	case strings.Contains(text, "Looking in the panel whether"):
		return silent
	case strings.Contains(text, "It is not known whether") && strings.Contains(text, " was "+p):
		return unknown
	case strings.Contains(text, " was not "+p):
		return notDone
	case strings.Contains(text, " was "+p):
		return done
	}
	return silent
}
