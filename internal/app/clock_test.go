package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

func asIs(*rig) {}

// A machine's clock is set while questions wait: forward they end at once, back they
// wait until the clock says so again, and either way nothing is called by itself.
func TestAClockThatIsSetForward(t *testing.T) {
	onAClock(t, asIs, func(r *rig, c *clock) {
		r.allow()
		renew := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		end := r.asks(r.ops, "/license terminate 1003", "Terminate 1003")
		c.jump(16 * time.Minute)
		r.endsWithin(renew, "expired", 15*time.Second)
		r.pressesInVain(r.ops, renew, "Confirm", "Expired")
		r.shows(end, "Needs 1 approval")
		c.jump(24 * time.Hour)
		r.endsWithin(end, "expired", 15*time.Second)
		r.pressesInVain(r.second, end, "Approve", "Expired")
		if n := changing(r); n != 0 {
			r.Errorf("%d calls were made", n)
		}
		again := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		r.presses(r.ops, again, "Confirm")
		r.reports(again, "1001 was renewed")
	})
}

func TestAClockThatIsSetBack(t *testing.T) {
	onAClock(t, asIs, func(r *rig, c *clock) {
		r.allow()
		renew := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		other := r.asks(r.ops, "/license renew 1008", "Renew 1008")
		c.jump(-24 * time.Hour)
		time.Sleep(time.Hour)
		r.presses(r.ops, renew, "Confirm")
		r.reports(renew, "1001 was renewed")
		r.charged("service.prolong", 1)
		c.jump(24 * time.Hour)
		r.endsWithin(other, "expired", 15*time.Second)
		if n := len(r.trail()); n != 2+3+1 {
			r.Errorf("the trail has %q", r.trail())
		}
	})
}

// After a month away no old click runs anything, and every question says so.
func TestABotThatWasOffForAMonth(t *testing.T) {
	onAClock(t, asIs, func(r *rig, c *clock) {
		r.allow()
		renew := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		end := r.asks(r.ops, "/license terminate 1003", "Terminate 1003")
		r.stop()
		c.jump(31 * 24 * time.Hour)
		r.start()
		for _, card := range []slackserver.Message{renew, end} {
			r.endsWithin(card, "expired", 15*time.Second)
		}
		r.pressesInVain(r.ops, renew, "Confirm", "Expired")
		r.pressesInVain(r.second, end, "Approve", "Expired")
		if n := changing(r); n != 0 {
			r.Errorf("%d calls were made", n)
		}
		r.audited("proposed by ops", "proposed by ops", "expired by bot", "expired by bot")
	})
}

// Where the bot's clock and Slack's are more than five minutes apart, Slack's requests
// can't be told from old ones played again. The log says what to mend.
func TestAClockOtherThanSlacks(t *testing.T) {
	var log journal
	c := &clock{}
	played(t, func(r *rig) {
		r.stop()
		r.around.Now, r.around.Log = c.Now, log.logger()
		r.start()
		for _, apart := range []time.Duration{6 * time.Minute, -6 * time.Minute} {
			c.jump(apart)
			d := r.says(r.boss, "/license whoami")
			if a, err := d.Wait(r.ctx()); err == nil || a.Status != 401 {
				r.Errorf("%s apart: %+v, %v", apart, a, err)
			}
			if !strings.Contains(log.String(), "check this machine's clock") {
				r.Errorf("the log does not say why: %s", log.String())
			}
			log.Reset()
			c.jump(-apart)
		}
		r.tells(r.boss, "/license whoami", "Your role is admin")
	})
}
