package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
)

// chaos makes the three servers fail at random, until its context ends; then all
// works again.
type chaos struct {
	w    *world
	rand *rand.Rand

	mu    sync.Mutex
	count map[string]int // faults that were set, by server
}

// stalled is the longest that a change is held up in the panel: longer than the
// bot waits for the answer and looks for the effect, so that some effects come late.
const stalled = 3 * time.Second

func (c *chaos) run(ctx context.Context) {
	var hanging sync.WaitGroup
	for ctx.Err() == nil {
		switch c.rand.IntN(10) {
		case 0, 1, 2:
			c.note("panel")
			c.panel(ctx, &hanging)
		case 3, 4, 5:
			c.note("Slack")
			c.slack()
		case 6, 7, 8:
			c.note("Telegram")
			c.telegram(ctx, &hanging)
		default:
			c.note("delivered again")
			c.again(ctx)
		}
		pause(ctx, time.Duration(20+c.rand.IntN(100))*time.Millisecond)
	}
	hanging.Wait()
	c.w.Slack.Mend("")
}

func (c *chaos) note(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count[what]++
}

func (c *chaos) heads() bool { return c.rand.IntN(2) == 0 }

// panel breaks the next calls of the panel's: of those that change something as
// often as of those that read.
func (c *chaos) panel(ctx context.Context, hanging *sync.WaitGroup) {
	f := panelserver.Fault{Step: panelserver.Reading, Times: 1 + c.rand.IntN(3), After: c.heads()}
	if c.heads() {
		f.Step, f.Times = panelserver.Changing, 1
	}
	switch c.rand.IntN(8) {
	case 0:
		f.Answer = panelserver.Half()
	case 1:
		f.Answer = panelserver.Nothing()
	case 2:
		f.Answer = panelserver.GatewayTimeout()
	case 3:
		f.Answer = panelserver.Hang()
	case 4:
		f.Delay = time.Duration(c.rand.Int64N(int64(stalled)))
	case 5:
		f.Answer = panelserver.InProcess()
	case 6:
		f.Answer = panelserver.Refuse(panelserver.Refusal{Type: "auth", Object: "badpassword"})
		// The panel refuses a login before it does anything.
		f.After = false
	default:
		f.Answer = panelserver.Maintenance()
	}
	in := c.w.Panel.Inject(f)
	hanging.Go(func() {
		pause(ctx, time.Second)
		in.Clear()
	})
}

// slack breaks the next calls of one of Slack's methods, or all sockets.
func (c *chaos) slack() {
	methods := []string{
		"chat.postMessage", "chat.postMessage", "chat.update", "chat.postEphemeral", "response_url",
		"conversations.replies", "conversations.history", "conversations.open", "socket",
	}
	method := methods[c.rand.IntN(len(methods))]
	b := slackserver.Break{Method: method, Times: 1 + c.rand.IntN(3), After: c.heads()}
	switch c.rand.IntN(7) {
	case 0:
		b = slackserver.RateLimited(method, 1)
	case 1:
		b.Status, b.Body = 500, "<html>oops</html>"
	case 2:
		b.Cut = true
	case 3:
		b.Drop = true
	case 4:
		b.Delay = time.Duration(c.rand.IntN(500)) * time.Millisecond
	case 5:
		b.Hang, b.Times = true, 1
		time.AfterFunc(time.Second, func() { c.w.Slack.Mend(method) })
	default:
		c.w.Slack.DropSockets()
		return
	}
	c.w.Slack.Break(b)
}

// telegram breaks the next calls of one of the Bot API's methods.
func (c *chaos) telegram(ctx context.Context, hanging *sync.WaitGroup) {
	methods := []string{"sendMessage", "sendMessage", "editMessageText", "answerCallbackQuery", "getUpdates"}
	f := telegramserver.Fault{Method: methods[c.rand.IntN(len(methods))], Times: 1 + c.rand.IntN(2), After: c.heads()}
	var release chan struct{}
	switch c.rand.IntN(6) {
	case 0:
		f.RetryAfter, f.After = 1, false
	case 1:
		f.Status = 500
	case 2:
		f.Cut = true
	case 3:
		f.Drop = true
	case 4:
		f.Delay = time.Duration(c.rand.IntN(500)) * time.Millisecond
	default:
		release = make(chan struct{})
		f.Hang, f.Times = release, 1
	}
	lift := c.w.Telegram.Break(f)
	hanging.Go(func() {
		pause(ctx, time.Second)
		if release != nil {
			close(release)
		}
		lift()
	})
}

// again delivers something of the last minutes once more.
func (c *chaos) again(ctx context.Context) {
	if n := c.w.Telegram.LastUpdate(); n > 0 && c.heads() {
		c.w.Telegram.Redeliver(max(1, n-int64(c.rand.IntN(50))))
		return
	}
	sent := c.w.Slack.Deliveries()
	if len(sent) == 0 {
		return
	}
	d := sent[max(0, len(sent)-1-c.rand.IntN(50))]
	go func() { _ = d.Again(ctx) }() // refused or not, nothing must come of it
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (c *chaos) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprint(c.count)
}
