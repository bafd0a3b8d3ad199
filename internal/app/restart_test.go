package app_test

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/app"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
)

func TestAnOpenQuestionOutlivesAStop(t *testing.T) {
	for name, how := range map[string][]change{"by HTTP": nil, "by socket": {bySocket}} {
		t.Run(name, func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				r.onTelegram(r.dora, "approver as dora")
				card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
				end := r.asks(r.ops, "/license terminate 1003", "Terminate 1003")
				mine := r.sees(r.dora, r.dora.Private(), "Terminate 1003")
				r.stop()
				r.start()
				r.presses(r.ops, card, "Confirm")
				r.reports(card, "1001 was renewed")
				r.taps(r.dora, mine, "Approve")
				r.reports(end, "1003 was terminated")
				r.becomes(r.dora, mine, "1003 was terminated")
				r.charged("service.prolong", 1)
				r.charged("softexternal.delete", 1)
				r.tells(r.second, "/license pending", "No request is open")
			}, how...)
		})
	}
}

func TestADeadlinePassesWhileTheBotIsOff(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		r.stop()
		time.Sleep(time.Hour)
		r.start()
		r.ends(card, "expired")
		r.pressesInVain(r.ops, card, "Confirm", "Already decided. Expired")
		r.called("service.prolong", 0)
	})
}

func TestABotThatCannotListenBeginsNothing(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		r.stop()
		time.Sleep(time.Hour)
		asked := len(r.world.Slack.Ledger())
		around := r.around
		around.Listen = func(string, string) (net.Listener, error) { return nil, errors.New("address already in use") }
		a, err := app.New(r.settings, around)
		if err != nil {
			r.Fatal(err)
		}
		if err := a.Start(); err == nil || !strings.HasPrefix(err.Error(), "HTTP_ADDR: cannot listen: ") {
			r.Errorf("it starts: %v", err)
		}
		a.Stop(r.ctx())
		if n := len(r.world.Slack.Ledger()) - asked; n > 0 {
			r.Errorf("Slack was called %d times", n)
		}
		r.start()
		r.ends(card, "expired")
	})
}

func TestAStopLetsACallFinish(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		slow := r.world.Panel.Inject(panelserver.Fault{Func: "service.prolong", Step: panelserver.Changing, Delay: 5 * time.Second})
		r.presses(r.ops, card, "Confirm")
		if err := r.world.Panel.Await(r.ctx(), func() bool { return slow.Seen() > 0 }); err != nil {
			r.Fatal(err)
		}
		r.stop()
		if n := r.replies(card, "1001 was renewed"); n != 1 {
			r.Errorf("after the stop there are %d reports%s", n, r.screen(r.ops, channel))
		}
		r.charged("service.prolong", 1)
	})
}

func TestAStopCutsACallThatTakesTooLong(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		slow := r.world.Panel.Inject(panelserver.Fault{Func: "service.prolong", Step: panelserver.Changing, Delay: 20 * time.Second})
		r.presses(r.ops, card, "Confirm")
		if err := r.world.Panel.Await(r.ctx(), func() bool { return slow.Seen() > 0 }); err != nil {
			r.Fatal(err)
		}
		began := time.Now()
		r.stop()
		if took := time.Since(began); took > 11*time.Second {
			r.Errorf("the stop took %s", took)
		}
		r.start()
		r.reportsWithin(card, "1001 was renewed", 5*minute)
		r.called("service.prolong", 1)
	})
}

func TestNoCallIsBegunDuringAStop(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		slow := r.world.Panel.Inject(panelserver.Fault{Step: panelserver.Reading, Delay: 3 * time.Second})
		r.presses(r.ops, card, "Confirm")
		if err := r.world.Panel.Await(r.ctx(), func() bool { return slow.Seen() > 0 }); err != nil {
			r.Fatal(err)
		}
		r.stop()
		r.called("service.prolong", 0)
		slow.Clear()
		r.start()
		r.reports(card, "1001 was renewed")
		r.called("service.prolong", 1)
		r.audited("proposed by ops", "confirmed by ops", "started by bot", "succeeded by bot")
	})
}

func TestRunningItemsGoOnAfterAKill(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.stop()
		m := r.mortally()
		r.start()
		card := r.asks(r.ops, "/license renew 1001 1008 1012", "Renew 3 licences")
		calls := 0
		m.aim(func(_ int, change bool) bool {
			if change {
				calls++
			}
			return calls == 3 // the second call is about to go out
		})
		r.presses(r.ops, card, "Confirm")
		r.rises(m)
		report := r.reportsWithin(card, "3 licences", 10*minute)
		if !strings.Contains(report.Text, "renewed") {
			r.Error(report.Text)
		}
		for _, l := range []string{"1001", "1008", "1012"} {
			n := 0
			for _, c := range r.world.Panel.Calls("service.prolong") {
				if c.Changing && c.Params.Get("elid") == l {
					n++
				}
			}
			if n > 1 {
				r.Errorf("%s was called for %d times", l, n)
			}
		}
	})
}

// everyMoment plays a scene once for each of its moments, or for some of them where
// tests are to be short.
func everyMoment(t *testing.T, moments int, scene func(*rig, int)) {
	step := 1
	if testing.Short() {
		step = 4
	}
	for n := 1; n <= moments; n += step {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			played(t, func(r *rig) { scene(r, n) })
		})
	}
}

func TestKilledAtEveryMomentInSlack(t *testing.T) { everyMoment(t, 44, killedInSlack) }

func killedInSlack(r *rig, n int) {
	r.bossAllows("@ops operator as ops")
	r.stop()
	m := r.mortally()
	r.start()
	m.aim(func(now int, _ bool) bool { return now == n })
	revive := func() {
		if m.isDead() {
			m = r.rises(m)
		}
	}
	r.says(r.ops, "/license renew 1001")
	time.Sleep(time.Second)
	revive()
	card, err := r.ops.Sees(r.within(minute), channel, "Renew 1001?")
	if err != nil {
		// Slack has told them that the command failed.
		card = r.asks(r.ops, "/license renew 1001", "Renew 1001?")
	}
	r.presses(r.ops, card, "Confirm")
	time.Sleep(2 * minute)
	revive()
	if now := r.shows(card, ""); len(now.Buttons()) > 0 {
		r.presses(r.ops, card, "Confirm") // the click has failed too
	}
	r.reportsWithin(card, "1001 was", 5*minute)
	time.Sleep(minute)
	revive()
	m.aim(nil)
	r.ends(card, "Confirmed by @ops")
	if n := r.replies(card, ""); n != 1 {
		r.Errorf("%d reports%s", n, r.screen(r.ops, channel))
	}
	if n := r.questions(); n != 1 {
		r.Errorf("%d questions%s", n, r.screen(r.ops, channel))
	}
	calls, effects := 0, r.world.Panel.Count("service.prolong").Effects
	for _, c := range r.world.Panel.Calls("service.prolong") {
		if c.Changing {
			calls++
		}
	}
	if calls > 1 {
		r.Errorf("the panel was called %d times", calls)
	}
	if said := r.replies(card, "1001 was renewed"); said != effects {
		r.Errorf("the panel has renewed %d times, and %d reports say so%s", effects, said, r.screen(r.ops, channel))
	}
	r.tells(r.ops, "/license pending", "No request is open")
}

// questions counts what stands in the channel for all to see, without threads.
func (r *rig) questions() (n int) {
	for _, m := range r.licenses.Messages() {
		if !m.Ephemeral() && (m.ThreadTS == "" || m.ThreadTS == m.TS) {
			n++
		}
	}
	return n
}

func TestKilledAtEveryMomentOnTelegram(t *testing.T) { everyMoment(t, 40, killedOnTelegram) }

func killedOnTelegram(r *rig, n int) {
	r.onTelegram(r.dora, "operator as dora")
	home := r.dora.Private()
	r.stop()
	m := r.mortally()
	r.start()
	time.Sleep(time.Second)
	m.aim(func(now int, _ bool) bool { return now == n })
	revive := func() {
		if m.isDead() {
			m = r.rises(m)
		}
	}
	r.dora.Says(home, "/renew 1001")
	time.Sleep(time.Second)
	revive()
	card := r.sees(r.dora, home, "Renew 1001")
	if _, err := r.dora.Clicks(card, "Confirm"); err != nil {
		r.Fatal(err)
	}
	time.Sleep(2 * minute)
	revive()
	r.becomesWithin(r.dora, card, "1001 was", 5*minute)
	time.Sleep(2 * minute)
	revive()
	var reports, repeats, buttons int
	for _, msg := range r.world.Telegram.Messages(home) {
		switch {
		case strings.Contains(msg.Text, "may repeat an earlier message"):
			repeats++
			reports++
		case strings.Contains(msg.Text, "1001 was") && !strings.Contains(msg.Text, "Confirmed by"):
			reports++
		}
		buttons += len(msg.Keyboard)
	}
	if reports < 1 || reports-repeats > 1 || repeats > 1 {
		r.Errorf("%d reports, %d of them as repeats: %s", reports, repeats, r.room(home))
	}
	if n := r.world.Panel.Count("service.prolong"); n.Effects > 1 {
		r.Errorf("renewed %d times", n.Effects)
	}
	if buttons > 0 {
		// A question that was posted twice over a kill: the lost one learns its end
		// when somebody clicks it.
		for _, msg := range r.world.Telegram.Messages(home) {
			if len(msg.Keyboard) > 0 {
				if told := r.taps(r.dora, msg, "Confirm"); !strings.Contains(told, "Already decided") {
					r.Errorf("told %q", told)
				}
				r.becomes(r.dora, msg, "Confirmed by")
			}
		}
	}
}

func TestACallCutByAKillIsLookedUp(t *testing.T) {
	for name, done := range map[string]bool{"done": true, "not done": false} {
		t.Run(name, func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				r.stop()
				m := r.mortally()
				r.start()
				card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
				moment := 0
				m.aim(func(_ int, change bool) bool {
					if change {
						moment++
					}
					return moment == map[bool]int{false: 1, true: 2}[done]
				})
				r.presses(r.ops, card, "Confirm")
				time.Sleep(time.Hour)
				r.rises(m)
				r.reportsWithin(card, map[bool]string{true: "1001 was renewed", false: "1001 was not renewed"}[done], 10*minute)
				r.called("service.prolong", map[bool]int{true: 1, false: 0}[done])
				r.audited("proposed by ops", "confirmed by ops", "started by bot", "uncertain by bot", "settled by bot")
			})
		})
	}
}

func TestAKillWhileAnApprovalWaits(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.onTelegram(r.dora, "approver as dora")
		r.stop()
		m := r.mortally()
		r.start()
		card := r.asks(r.ops, "/license terminate 1003", "Terminate 1003")
		mine := r.sees(r.dora, r.dora.Private(), "Terminate 1003")
		time.Sleep(time.Second)
		m.dies()
		m = r.rises(m)
		r.presses(r.second, card, "Deny")
		r.ends(card, "denied by @second")
		r.becomes(r.dora, mine, "denied by second")
		time.Sleep(time.Second)
		m.dies()
		r.rises(m)
		if a, err := r.dora.Forges(r.ctx(), mine, "approve:"+r.idOf(card.Text)); err != nil || !strings.Contains(a.Text, "Already decided") {
			r.Errorf("%+v, %v", a, err)
		}
		r.pressesInVain(r.boss, card, "Approve", "Already decided. Denied by @second")
	})
}
