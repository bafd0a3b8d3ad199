package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
)

// How many people work with the bot at once.
const (
	slackPeople    = 24
	telegramPeople = 24
	slackChannels  = 6
)

// TestSoak has people work with a bot that is killed again and again while Slack,
// Telegram and the panel fail, and looks afterwards whether each promise was kept.
func TestSoak(t *testing.T) {
	t.Parallel()
	n, m := *kills, *flows
	if n == 0 {
		if n = 15; *whole {
			n = 1000
		}
	}
	if m == 0 {
		m = 10 * n
	}
	s := *seed
	if s == 0 {
		s = time.Now().UnixNano()
	}
	t.Logf("-seed %d -kills %d -flows %d", s, n, m)
	soak := newSoak(t, s)
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute+time.Duration(m)*time.Second)
	defer cancel()
	soak.work(ctx, n, m)
	f := soak.finish(ctx)
	for i, wrong := range f.wrong {
		if i == 50 {
			t.Errorf("and %d more", len(f.wrong)-i)
			break
		}
		t.Error(wrong)
	}
	for _, open := range f.open {
		t.Error("nobody knows what became of ", open)
	}
	t.Log(soak.table(f, time.Since(began)))
	if t.Failed() {
		t.Log(soak.w.log)
	}
}

type soaking struct {
	t     *testing.T
	w     *world
	seed  int64
	chaos *chaos
	crew  []*worker
	boss  func() seat // an admin who settles what is uncertain
	next  atomic.Int64

	kills               int
	flows, asked        atomic.Int64
	answered, cancelled atomic.Int64 // flows that ended with an answer, or were cancelled
	settled             atomic.Int64

	mu    sync.Mutex
	wrong []string
}

// source gives a stream of random numbers of its own to each part.
func (s *soaking) source(n int) *rand.Rand { return rand.New(rand.NewPCG(uint64(s.seed), uint64(n))) }

// worker is a person with a licence of their own, so that the effects of what they
// ask for can be told from all others'.
type worker struct {
	*soaking
	name    string
	rand    *rand.Rand
	seat    func() seat
	approve func() seat // who approves what this person asks for, where they see it
	code    string      // of the licence that stays
	ordered []string    // codes of those that may go again
}

func newSoak(t *testing.T, seed int64) *soaking {
	s := &soaking{t: t, seed: seed}
	o := sandbox.Options{Panel: panelserver.Options{Balance: 1 << 50}}
	for i := range slackPeople + telegramPeople {
		o.Panel.Licenses = append(o.Panel.Licenses, licence(fmt.Sprint(1001+i)))
	}
	w := newWorld(t, binary(t), freePort(t), o)
	s.w = w
	w.byHTTP()
	w.bySocket()
	for i := range slackChannels {
		w.channel(fmt.Sprintf("team%d", i))
	}
	boss := w.onSlack("boss", requests.Admin)
	s.boss = func() seat { return w.slackSeat(boss, "#licenses") }
	second := w.onSlack("second", requests.Approver)
	tina := w.onTelegram("tina", requests.Approver)
	for i := range slackPeople {
		u := w.onSlack(fmt.Sprintf("s%d", i), requests.Operator)
		channel := fmt.Sprintf("#team%d", i%slackChannels)
		s.crew = append(s.crew, &worker{
			name: u.Name(), seat: func() seat { return w.slackSeat(u, channel) },
			approve: func() seat { return w.slackSeat(second, channel) },
		})
	}
	for i := range telegramPeople {
		p := w.onTelegram(fmt.Sprintf("t%d", i), requests.Operator)
		s.crew = append(s.crew, &worker{
			name: fmt.Sprintf("t%d", i), seat: func() seat { return w.telegramSeat(p) },
			approve: func() seat { return w.telegramSeat(tina) },
		})
	}
	for i, c := range s.crew {
		c.soaking, c.rand, c.code = s, s.source(10+i), fmt.Sprint(1001+i)
	}
	w.admit()
	s.chaos = &chaos{w: w, rand: s.source(1), count: map[string]int{}}
	return s
}

func (s *soaking) bad(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

// work lets the people work, the servers fail and the bot die, until there were so
// many kills and so many flows.
func (s *soaking) work(ctx context.Context, n, m int) {
	chaotic, calm := context.WithCancel(ctx)
	working, enough := context.WithCancel(ctx)
	var chaos, crew sync.WaitGroup
	chaos.Go(func() { s.chaos.run(chaotic) })
	for _, c := range s.crew {
		crew.Go(func() { c.work(ctx, working) })
	}
	r := s.source(2)
	for ctx.Err() == nil && s.kills < n {
		s.life(ctx, r, int64(s.kills*m/n)-20)
	}
	// The people go on until there were flows enough, then finish what they are at.
	b := s.start()
	for s.flows.Load() < int64(m) && ctx.Err() == nil && !over(b) {
		pause(ctx, 10*time.Millisecond)
	}
	enough()
	calm()
	chaos.Wait()
	b.kill() // so that no login is held back any more
	b = s.start()
	crew.Wait()
	b.kill()
	if ctx.Err() != nil {
		s.bad("the time was over after %d kills and %d flows", s.kills, s.flows.Load())
	}
}

// start starts a bot, with Slack delivering by HTTP or by socket by turns.
func (s *soaking) start() *process {
	if s.kills%2 == 0 {
		s.w.Slack.SetBotURL("http://" + s.w.addr)
	} else {
		s.w.Slack.SetBotURL("")
	}
	return s.w.launch()
}

// life is one of the bot's, from its start to its kill, which comes at any time but
// not before so many flows have ended.
func (s *soaking) life(ctx context.Context, r *rand.Rand, flows int64) {
	b := s.start()
	living, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	pause(ctx, time.Duration(30+r.IntN(900))*time.Millisecond)
	for s.flows.Load() < flows && living.Err() == nil {
		pause(ctx, 5*time.Millisecond)
	}
	if over(b) {
		s.bad("the bot ended by itself: %v", b.err)
	}
	b.kill()
	s.kills++
}

func over(p *process) bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// work goes through flow after flow until it is enough. After a broken promise the
// licence is left alone: what it looks like from then on proves nothing.
func (c *worker) work(ctx, working context.Context) {
	for working.Err() == nil && ctx.Err() == nil {
		if err := c.flow(ctx); err != nil && ctx.Err() == nil {
			c.bad("%s: %v", c.name, err)
			return
		}
		c.flows.Add(1)
	}
}

// flow is one thing that a person wants, from the command to the last word.
func (c *worker) flow(ctx context.Context) error {
	switch n := c.rand.IntN(100); {
	case n < 50:
		return c.change(ctx, "renew", c.code, "renew "+c.code)
	case n < 65:
		name := fmt.Sprintf("n%d", c.next.Add(1))
		return c.change(ctx, "edit", c.code, "edit "+c.code+" name="+name)
	case len(c.ordered) == 0:
		name := fmt.Sprintf("o%d", c.next.Add(1))
		return c.change(ctx, "order", name, "order 546 ip=192.0.2.77 name="+name)
	default:
		last := c.ordered[len(c.ordered)-1]
		return c.change(ctx, "terminate", last, "terminate "+last)
	}
}

// change asks for a change and sees it through.
func (c *worker) change(ctx context.Context, action, about, text string) error {
	s, was := c.seat(), c.w.look(about)
	q, err := c.w.asks(ctx, s, text, func(m card) bool { return question(action, about)(m) || c.toMe(s, m) })
	if err != nil {
		return err
	}
	if !question(action, about)(q) {
		if !strings.Contains(q.text, "asked for already") {
			c.answered.Add(1)
			pause(ctx, 200*time.Millisecond)
			return nil
		}
		// The first time it had arrived after all, perhaps with the question above the
		// one that was looked at; or the answer is one to an earlier command.
		if p, ok := s.(*slackSeat); ok {
			p.since = 0
		}
		waiting, cancel := context.WithTimeout(ctx, 3*glance)
		defer cancel()
		if q, err = s.sees(waiting, question(action, about)); err != nil {
			c.answered.Add(1)
			return nil
		}
	}
	c.asked.Add(1)
	if c.rand.IntN(10) == 0 {
		c.cancelled.Add(1)
		_, err := c.w.presses(ctx, s, q, "Cancel", decided(q))
		return err
	}
	if err := c.decide(ctx, s, q, action, about); err != nil {
		return err
	}
	return c.outcome(ctx, s, q, action, about, was)
}

// toMe matches what answers this person alone and is no question.
func (c *worker) toMe(s seat, m card) bool {
	if t, ok := s.(*telegramSeat); ok {
		return m.thread == fmt.Sprint(t.last) && !m.has("Cancel")
	}
	return m.alone
}

// decide confirms, or has somebody else approve.
func (c *worker) decide(ctx context.Context, s seat, q card, action, about string) error {
	if action != "terminate" {
		_, err := c.w.presses(ctx, s, q, "Confirm", decided(q))
		return err
	}
	approver, on := c.approve(), q
	if t, ok := approver.(*telegramSeat); ok {
		t.last = 0
		waiting, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		var err error
		id := idOf.FindString(q.text)
		copyOf := func(m card) bool { return question(action, about)(m) && strings.Contains(m.text, id) }
		if on, err = t.sees(waiting, copyOf); err != nil {
			return fmt.Errorf("the approver's card on %s: %w", about, err)
		}
	}
	_, err := c.w.presses(ctx, approver, on, "Approve", decided(on))
	return err
}

var idOf = regexp.MustCompile(`Request [a-z0-9]{6}\.`)

// outcome waits for the report, has settled what nobody can find out, and leaves
// time for what comes late.
func (c *worker) outcome(ctx context.Context, s seat, q card, action, about string, was state) error {
	waiting, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	r, err := s.sees(waiting, report(q, action, about))
	if err != nil {
		return fmt.Errorf("%s %s was decided and is not reported within %s, at %s: %s", action, about, 2*patience, time.Now().Format(time.TimeOnly), q.text)
	}
	w := wordOf(action, r.text)
	if w != done {
		pause(ctx, stalled+settle)
	}
	if w == unknown {
		if err := c.settle(ctx, s, q, action, about, was); err != nil {
			return err
		}
	}
	switch now := c.w.look(about); {
	case action == "order" && now != was:
		c.ordered = append(c.ordered, now.code)
	case action == "terminate" && now != was:
		c.ordered = c.ordered[:len(c.ordered)-1]
	}
	return nil
}

// settle has an admin look into the panel and say what is true.
func (c *worker) settle(ctx context.Context, s seat, q card, action, about string, was state) error {
	id := strings.TrimSuffix(strings.TrimPrefix(idOf.FindString(q.text), "Request "), ".")
	word := "not"
	if c.w.look(about) != was {
		word = "applied"
	}
	text := "settle " + id + " " + word
	if _, err := c.w.asks(ctx, c.boss(), text, func(m card) bool { return m.alone && mentions(m.text, id) }); err != nil {
		return err
	}
	c.settled.Add(1)
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := s.sees(waiting, func(m card) bool {
		return report(q, action, about)(m) && wordOf(action, m.text) != unknown
	})
	if err != nil {
		return fmt.Errorf("%s, and that is not reported", text)
	}
	return nil
}

// finish has the questions clicked that are left, and inspects what has come of it
// all. A start after that must find nothing more to do.
func (s *soaking) finish(ctx context.Context) findings {
	s.rest(ctx, delivered, func() {})
	orphans := s.w.inspect().figures.orphans
	s.rest(ctx, closed, func() { s.sweep(ctx) })
	f := s.w.inspect()
	if f.figures.orphans > 0 {
		f.bad("%d questions without an owner still ask after a click on them", f.figures.orphans)
	}
	said := len(s.w.shown())
	s.rest(ctx, closed, func() {})
	if again := s.w.inspect().figures; again != f.figures || len(s.w.shown()) != said {
		f.bad("a later start has done something: %+v, then %+v", f.figures, again)
	}
	f.figures.orphans = orphans
	f.wrong = append(s.wrong, f.wrong...)
	return f
}

// rest starts a bot, does something with it, and stops it when it has come so far.
func (s *soaking) rest(ctx context.Context, far []string, do func()) {
	b := s.start()
	if err := s.w.up(ctx, b); err != nil {
		s.bad("%v", err)
		return
	}
	do()
	waiting, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	if !s.w.rests(waiting, b, far) {
		s.bad("the bot does not come to rest")
	}
	if err := b.stop(); err != nil {
		s.bad("stopping: %v", err)
	}
}

// sweep clicks every question that is still there: those that somebody has asked
// twice and forgotten, and those that a kill has left on Telegram, where nobody but a
// click can tell the bot of them, and that must be enough.
func (s *soaking) sweep(ctx context.Context) {
	boss, _ := s.boss().(*slackSeat)
	for _, c := range s.w.channels {
		boss.channel = c.ID()
		for _, m := range c.Messages() {
			if q := fromSlack(m); q.has("Cancel") {
				_, err := s.w.presses(ctx, boss, q, "Cancel", decided(q))
				s.swept(q, err)
			}
		}
	}
	for _, p := range s.w.chatters {
		seat := s.w.telegramSeat(p)
		for _, m := range s.w.Telegram.Messages(p.Private()) {
			if q := fromTelegram(m); q.has("Cancel") {
				_, err := s.w.presses(ctx, seat, q, "Cancel", decided(q))
				s.swept(q, err)
			}
		}
	}
}

func (s *soaking) swept(q card, err error) {
	if err != nil {
		s.bad("an old question still asks: %v\n%s", err, q.text)
	}
}

// table is the figures for people.
func (s *soaking) table(found findings, took time.Duration) string {
	f := found.figures
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, value any) { fmt.Fprintf(w, "%s\t%v\t\n", name, value) }
	fmt.Fprintf(w, "\n")
	row("seed", s.seed)
	row("took", took.Round(time.Second))
	row("kills", s.kills)
	row("faults", s.chaos)
	row("flows", s.flows.Load())
	row("questions", s.asked.Load())
	row("answers instead of a question", s.answered.Load())
	row("requests in the store", f.requests)
	row("confirmed or approved", f.decided)
	row("started", f.started)
	row("changes that the panel received", f.calls)
	row("of them with an effect", f.effects)
	row("sent twice", f.twice)
	row("applied, as the last word", f.applied)
	row("not applied", f.not)
	row("not known", f.unknown)
	row("found out by reading", f.found)
	row("settled by an admin", s.settled.Load())
	row("threads with a correction or second word", f.corrections)
	row("reports on Telegram that may repeat another", f.repeated)
	row("questions that a kill left on Telegram", f.orphans)
	row("entries of the audit trail", f.entries)
	row("unreported", f.unreported)
	row("untrue", f.untrue)
	row("broken promises in all", len(found.wrong)+len(found.open))
	_ = w.Flush() // a Builder takes everything
	return b.String()
}
