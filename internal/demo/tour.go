package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
	"github.com/isplicense/license-bot/internal/store"
)

// patience is how long each step of the tour is waited for.
const patience = 15 * time.Second

// tour is the play under way. The first step that does not hold is kept, and all
// that follow do nothing.
type tour struct {
	*stage
	t    *transcript
	ctx  context.Context
	err  error
	seen int // panel calls that are in the transcript
}

const (
	inSlack  = "Slack #licences"
	inThread = "Slack #licences ↳"
	onPhone  = "Telegram"
	atPanel  = "Licence panel"
)

// play is the whole tour.
func (s *stage) play(ctx context.Context, t *transcript) error {
	p := &tour{stage: s, t: t, ctx: ctx}
	for _, scene := range []func(){
		p.cast, p.renewal, p.order, p.termination, p.refusal, p.lostAnswer, p.books,
	} {
		if p.err == nil {
			scene()
		}
	}
	return p.err
}

func (p *tour) scene(number, what string) { p.t.add(line{Kind: scene, Where: number, What: what}) }

func (p *tour) held(format string, args ...any) {
	if p.err == nil {
		p.t.add(line{Kind: check, What: fmt.Sprintf(format, args...)})
	}
}

func (p *tour) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// cast puts everybody on the allowlist, in chat as an admin would.
func (p *tour) cast() {
	p.scene("0", "The cast: root is the admin and says who may do what")
	p.whispered(p.root, "/license allow @alice approver as alice", "alice is on the allowlist")
	p.whispered(p.root, "/license allow @bob approver as bob", "bob is on the allowlist")
	p.whispered(p.root, "/license allow @carol viewer as carol", "carol is on the allowlist")
	dora := fmt.Sprintf("telegram:%d", p.dora.ID())
	p.whispered(p.root, "/license allow "+dora+" operator as dora", "dora is on the allowlist")
}

func (p *tour) renewal() {
	p.scene("1", "A licence is renewed from Slack, and a second click changes nothing")
	p.says(p.alice, "/license renew 1001")
	card := p.sees(p.alice, "Renew 1001?", true)
	p.presses(p.alice, card, "Confirm")
	p.panelDid("service.prolong", "1001")
	p.reports(card, "1001 was renewed", false)
	p.presses(p.alice, card, "Confirm")
	p.sees(p.alice, "Already decided", false)
	p.charged("service.prolong", 1, "1001 was renewed once, and paid once")
}

func (p *tour) order() {
	p.scene("2", "A licence is ordered on Telegram")
	if p.err != nil {
		return
	}
	room := p.dora.Private()
	text := `/order "ISPmanager 6 Pro" ip=192.0.2.77 name=web7`
	p.dora.Starts()
	p.dora.Says(room, text)
	p.t.add(line{Kind: person, Where: onPhone, Who: "dora", What: text})
	card := p.telegram(room, "Order ISPmanager 6 Pro?")
	if p.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	p.t.add(line{Kind: person, Where: onPhone, Who: "dora", What: "presses Confirm"})
	if _, err := p.dora.Presses(ctx, card, "Confirm"); err != nil {
		p.fail("dora's click: %w", err)
	}
	p.panelDid("softexternal.order.param", "")
	p.telegram(room, "was ordered")
	p.charged("softexternal.order.param", 1, "one licence was ordered, and paid once")
}

func (p *tour) termination() {
	p.scene("3", "A termination takes somebody else's approval")
	p.says(p.alice, "/license terminate 1003")
	card := p.sees(p.alice, "Terminate 1003?", true)
	p.presses(p.alice, card, "Approve")
	p.sees(p.alice, "of their own", false)
	p.effects("softexternal.delete", 0, "nothing was terminated by the asker's own click")
	p.presses(p.bob, card, "Approve")
	p.panelDid("softexternal.delete", "1003")
	p.reports(card, "1003 was terminated", false)
	p.effects("softexternal.delete", 1, "1003 was terminated once, after bob's approval")
}

func (p *tour) refusal() {
	p.scene("4", "A viewer asks for what a viewer may not do")
	p.says(p.carol, "/license renew 1012")
	p.sees(p.carol, "operator", false)
	p.effects("service.prolong", 1, "the panel was not asked to renew 1012")
}

func (p *tour) lostAnswer() {
	p.scene("5", "The panel renews, and its answer is cut off on the way back")
	p.world.Panel.Inject(panelserver.Fault{
		Func: "service.prolong", Step: panelserver.Changing, Times: 1, After: true, Answer: panelserver.Half(),
	})
	p.says(p.alice, "/license renew 1008")
	card := p.sees(p.alice, "Renew 1008?", true)
	p.presses(p.alice, card, "Confirm")
	p.panelDid("service.prolong", "1008")
	p.t.add(line{Kind: panel, Where: atPanel, Who: "panel", What: "answers, and half of the answer arrives: the bot must not ask again, it reads the licence"})
	p.reports(card, "1008 was renewed", true)
	p.charged("service.prolong", 2, "1008 was renewed once, although nobody was told")
}

// books compares what the panel did with what the audit trail says, and checks the
// trail's chain.
func (p *tour) books() {
	p.scene("✓", "The books agree")
	if p.err != nil {
		return
	}
	entries, started := 0, 0
	err := p.app.Audit(func(trail *store.Store) error {
		for e, err := range trail.Entries(1) {
			if err != nil {
				return err
			}
			entries++
			if e.Event == "started" {
				started++
			}
		}
		return store.Verify(trail.Entries(1), "")
	})
	if err != nil {
		p.fail("the audit trail: %w", err)
		return
	}
	effects := len(p.world.Panel.Effects(""))
	if effects != started {
		p.fail("the panel has done %d things, the audit trail knows of %d", effects, started)
		return
	}
	p.held("the panel has done %d things, the audit trail has %d calls: the same", effects, started)
	p.held("the audit trail's chain of %d entries holds", entries)
	if faults := p.world.Slack.Faults(); len(faults) > 0 {
		p.fail("Slack was told something that people suffer from: %s", strings.Join(faults, "; "))
	}
}

// whispered has somebody type a command whose answer is for them alone.
func (p *tour) whispered(who *slackserver.User, text, answer string) {
	p.says(who, text)
	p.sees(who, answer, false)
}

func (p *tour) says(who *slackserver.User, text string) {
	if p.err != nil {
		return
	}
	p.t.add(line{Kind: person, Where: inSlack, Who: who.Name(), What: text})
	if _, err := who.Says("#licences", text); err != nil {
		p.fail("%s types %q: %w", who.Name(), text, err)
	}
}

func (p *tour) presses(who *slackserver.User, on slackserver.Message, button string) {
	if p.err != nil {
		return
	}
	p.t.add(line{Kind: person, Where: inSlack, Who: who.Name(), What: "presses " + button})
	if _, err := who.Presses(on, button); err != nil {
		p.fail("%s presses %s: %w", who.Name(), button, err)
	}
}

// sees waits for a message and shows it: a card whole, else its first line.
func (p *tour) sees(who *slackserver.User, text string, card bool) slackserver.Message {
	if p.err != nil {
		return slackserver.Message{}
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	m, err := who.Sees(ctx, "#licences", text)
	if err != nil {
		p.fail("%w", err)
		return m
	}
	l := said(p.readable(m.Fallback), card)
	l.Where = inSlack
	if m.Ephemeral() {
		l.What += "  (to " + who.Name() + " alone)"
	}
	for _, b := range m.Buttons() {
		l.Buttons = append(l.Buttons, b.Label)
	}
	p.t.add(l)
	return m
}

// reports waits for the outcome in the question's thread, and for the question to
// have lost its buttons.
func (p *tour) reports(card slackserver.Message, text string, whole bool) {
	if p.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	var shown slackserver.Message
	err := p.world.Slack.Await(ctx, func() bool {
		screen, err := p.alice.Screen(card.Channel)
		reported, decided := false, false
		for _, m := range screen {
			switch {
			case m.TS == card.TS:
				decided = len(m.Buttons()) == 0
			case m.ThreadTS == card.TS && strings.Contains(m.Text, text):
				shown, reported = m, true
			}
		}
		return err == nil && reported && decided
	})
	if err != nil {
		p.fail("no report %q in the thread: %w", text, err)
		return
	}
	l := said(p.readable(shown.Fallback), whole)
	l.Where = inThread
	p.t.add(l)
}

// readable undoes Slack's escapes, as its own screen does.
func (p *tour) readable(text string) string {
	pairs := []string{"&lt;", "<", "&gt;", ">", "&amp;", "&"}
	for _, u := range []*slackserver.User{p.alice, p.bob, p.carol, p.root} {
		pairs = append(pairs, "<@"+u.ID()+">", "@"+u.Name())
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func (p *tour) telegram(room telegramserver.Room, text string) telegramserver.Message {
	if p.err != nil {
		return telegramserver.Message{}
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	m, err := p.dora.Sees(ctx, room, text)
	if err != nil {
		p.fail("%w", err)
		return m
	}
	l := said(m.Text, len(m.Keyboard) > 0)
	l.Where = onPhone
	for _, row := range m.Keyboard {
		for _, b := range row {
			l.Buttons = append(l.Buttons, b.Text)
		}
	}
	p.t.add(l)
	return m
}

// panelDid waits until the panel has done something, and shows it.
func (p *tour) panelDid(fn, code string) {
	if p.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	var call panelserver.Call
	err := p.world.Panel.Await(ctx, func() bool {
		done := p.world.Panel.Effects("")
		if len(done) <= p.seen {
			return false
		}
		call = done[p.seen]
		return true
	})
	if err != nil {
		p.fail("the panel did not do %s: %w", fn, err)
		return
	}
	p.seen++
	if call.Func != fn || code != "" && call.License != code {
		p.fail("the panel did %s of %s, not %s of %s", call.Func, call.License, fn, code)
		return
	}
	what := "does " + fn + " " + call.License
	if call.Charged != 0 {
		what += fmt.Sprintf(" and takes %v EUR", call.Charged)
	}
	p.t.add(line{Kind: panel, Where: atPanel, Who: "panel", What: what})
}

func (p *tour) charged(fn string, n int, what string) {
	if err := p.world.Panel.Charged(fn, n); err != nil {
		p.fail("%w", err)
	}
	p.held("%s", what)
}

func (p *tour) effects(fn string, n int, what string) {
	if got := p.world.Panel.Count(fn).Effects; got != n {
		p.fail("%s took effect %d times, not %d", fn, got, n)
	}
	p.held("%s", what)
}

// said makes a line of what the bot said: the first line, and of a card its facts.
func said(text string, whole bool) line {
	head, rest, _ := strings.Cut(text, "\n")
	l := line{Kind: bot, Who: "bot", What: head}
	if !whole {
		return l
	}
	var facts []string
	for row := range strings.Lines(rest) {
		row = strings.TrimSpace(row)
		label, _, isFact := strings.Cut(row, ": ")
		switch {
		case isFact && !strings.Contains(label, "."):
			facts = append(facts, row)
		case row != "":
			if len(facts) > 0 {
				l.More = append(l.More, strings.Join(facts, " · "))
				facts = nil
			}
			l.More = append(l.More, row)
		}
	}
	if len(facts) > 0 {
		l.More = append(l.More, strings.Join(facts, " · "))
	}
	return l
}
