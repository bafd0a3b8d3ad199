package app_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

func TestTheSameAskedBySomebodyElse(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		m := r.tells(r.second, "/license renew 1001", "asked for already")
		if !strings.Contains(m.Text, "asked by ops") || !strings.Contains(m.Text, r.idOf(card.Text)) || !strings.Contains(string(m.Blocks)+m.Fallback, strings.Replace(card.TS, ".", "", 1)) {
			r.Errorf("no asker, id or link in %s\n%s", m.Text, m.Blocks)
		}
		r.tells(r.ops, "/license renew 1001 period=year", "asked for already")
		r.asks(r.ops, "/license edit 1001 name=other", "Edit 1001")
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "1001 was renewed")
		r.asks(r.second, "/license renew 1001", "Renew 1001")
	})
}

// Somebody who asks while the question is still on its way to the chat waits for the
// link to it, but not for long.
func TestTheSameAskedMeanwhile(t *testing.T) {
	for takes, linked := range map[time.Duration]bool{time.Second: true, 8 * time.Second: false} {
		t.Run(takes.String(), func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				r.world.Slack.Break(slackserver.Break{Method: "chat.postMessage", Times: 1, Delay: takes})
				r.says(r.ops, "/license renew 1001")
				time.Sleep(100 * time.Millisecond)
				began := time.Now()
				m := r.tells(r.second, "/license renew 1001", "asked for already")
				if took := time.Since(began); took > 3*time.Second {
					r.Errorf("the answer took %s", took)
				}
				if strings.Contains(string(m.Blocks), "/archives/") != linked || !strings.Contains(m.Text, "asked by ops") {
					r.Errorf("link or asker in %s", m.Blocks)
				}
			})
		})
	}
}

func TestSomeOfSeveralAreAskedForAlready(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		first := r.asks(r.ops, "/license renew 1001 1008", "Renew 2 licences")
		mark := r.world.Slack.Mark()
		rest := r.asks(r.second, "/license renew 1008 1012 1001 1002", "Renew 2 licences")
		told := r.hears(r.second, mark, "were left out")
		for _, code := range []string{"1001", "1008", "asked by ops", r.idOf(first.Text)} {
			if !strings.Contains(told.Text, code) {
				r.Errorf("no %s in %s", code, told.Text)
			}
		}
		r.lacks(rest.Text, "1001", "1008")
		r.presses(r.ops, first, "Confirm")
		r.presses(r.second, rest, "Confirm")
		r.reports(first, "2 licences: 2 renewed")
		r.reports(rest, "2 licences: 2 renewed")
		r.charged("service.prolong", 4)
	})
}

// Of several licences those that can't be renewed are left out and named.
func TestSomeOfSeveralCannotBeRenewed(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		mark := r.world.Slack.Mark()
		card := r.asks(r.ops, "/license renew 1001 9999 1008", "Renew 2 licences")
		told := r.hears(r.ops, mark, "were left out")
		if !strings.Contains(told.Text, "no licence 9999") || strings.Contains(told.Text, "1008") {
			r.Error(told.Text)
		}
		r.lacks(card.Text, "9999")
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "2 licences: 2 renewed")
		told = r.tells(r.ops, "/license renew 9998 9999", "Nothing was asked for")
		if !strings.Contains(told.Text, "no licence 9998") || !strings.Contains(told.Text, "no licence 9999") {
			r.Error(told.Text)
		}
		r.charged("service.prolong", 2)
	})
}

func TestTheSameOrderTwice(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license order 546 ip=192.0.2.9", "Order ISPmanager 6 Lite")
		r.tells(r.second, "/license order 546 ip=192.0.2.9", "asked for already")
		r.asks(r.second, "/license order 546 ip=192.0.2.9 name=other", "Order ISPmanager 6 Lite")
		r.asks(r.second, "/license order 549 ip=192.0.2.9", "Order ISPmanager 6 Business")
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "was ordered")
		r.charged("softexternal.order.param", 1)
	})
}

func TestWhatWasShownIsWhatRuns(t *testing.T) {
	for name, by := range map[string]struct {
		hand    func(*panelserver.Server) error
		command string
		changed []string
	}{
		"renewed": {func(p *panelserver.Server) error { return p.RenewByHand("1001", 1, "petra") },
			"renew 1001", []string{"Expires", "2000-01-04 → 2000-02-04"}},
		"edited": {func(p *panelserver.Server) error { return p.EditByHand("1001", "192.0.2.99", "srv1", "petra") },
			"renew 1001", []string{"Address", "192.0.2.10 → 192.0.2.99"}},
		"dearer": {func(p *panelserver.Server) error { p.SetPrice(546, 1, 990); return nil },
			"renew 1001", []string{"Price", "4.90 EUR → 9.90 EUR"}},
		"named": {func(p *panelserver.Server) error { return p.EditByHand("1006", "192.0.2.60", "shop", "petra") },
			"edit 1006 ip=192.0.2.61", []string{"Name", "old-shop → shop"}},
		"counted": {func(p *panelserver.Server) error { return p.NodesByHand("1002", 4, "petra") },
			"nodes 1002 5", []string{"Nodes", "3 → 4"}},
		"an order's price": {func(p *panelserver.Server) error { p.SetPrice(546, 1, 990); return nil },
			"order 546 ip=192.0.2.9", []string{"Price", "4.90 EUR → 9.90 EUR"}},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				card := r.asks(r.ops, "/license "+by.command, "?")
				if err := by.hand(r.world.Panel); err != nil {
					r.Fatal(err)
				}
				calls := changing(r)
				mark := r.world.Slack.Mark()
				r.presses(r.ops, card, "Confirm")
				report := r.reports(card, "not as the question showed it")
				for _, shown := range by.changed {
					if !strings.Contains(report.Text, shown) {
						r.Errorf("the report has no %q:\n%s", shown, report.Text)
					}
				}
				fresh, err := r.ops.SeesWhere(r.ctx(), mark, channel, func(m slackserver.Message) bool {
					return m.ThreadTS == "" && m.TS != card.TS && strings.Contains(m.Text, "Asked anew")
				})
				if err != nil {
					r.Fatal(err, r.screen(r.ops, channel))
				}
				if got := changing(r); got != calls {
					r.Errorf("%d calls were made", got-calls)
				}
				r.presses(r.ops, fresh, "Confirm")
				r.reports(fresh, "ed")
				r.ends(fresh, "✅")
				if got := changing(r); got != calls+1 {
					r.Errorf("%d calls were made, want one", got-calls)
				}
			})
		})
	}
}

// changing counts the calls that asked for a change.
func changing(r *rig) (n int) {
	for _, c := range r.world.Panel.Calls("") {
		if c.Changing {
			n++
		}
	}
	return n
}

func TestALicenceGoneBeforeTheClick(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		if err := r.world.Panel.DeleteByHand("1001", "petra"); err != nil {
			r.Fatal(err)
		}
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "not in the panel any more")
		r.called("service.prolong", 0)
	})
}

func TestFortyClicksAtOnce(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.onTelegram(r.dora, "approver as dora")
		card := r.asks(r.ops, "/license terminate 1003", "Terminate 1003")
		mine := r.sees(r.dora, r.dora.Private(), "Terminate 1003")
		var clicks sync.WaitGroup
		press := func(who *slackserver.User, button string) {
			clicks.Go(func() {
				d, err := who.Presses(card, button)
				if err == nil {
					_, err = d.Wait(r.ctx())
				}
				if err != nil {
					r.Error(err)
				}
			})
		}
		for range 6 {
			press(r.second, "Approve")
			press(r.boss, "Approve")
			press(r.ops, "Approve")
			press(r.guest, "Approve")
			press(r.alien, "Deny")
		}
		for range 10 {
			clicks.Go(func() {
				if a, err := r.dora.Forges(r.ctx(), mine, mine.Keyboard[0][0].Data); err != nil || !a.Answered {
					r.Errorf("a click on Telegram was not answered: %v", err)
				}
			})
		}
		clicks.Wait()
		r.reports(card, "1003 was terminated")
		r.called("softexternal.delete", 1)
		time.Sleep(10 * time.Second)
		answers := 0
		for _, u := range []*slackserver.User{r.second, r.boss, r.ops, r.guest, r.alien} {
			shown, err := u.Screen(channel)
			if err != nil {
				r.Fatal(err)
			}
			for _, m := range shown {
				if m.Ephemeral() {
					answers++
				}
			}
		}
		// One click at most was the deciding one, and it may have been Telegram's.
		if answers < 29+3 {
			r.Errorf("%d of 30 clicks in Slack were answered, %d answers", answers-3, answers)
		}
		if n := r.replies(card, ""); n != 1 {
			r.Errorf("%d reports", n)
		}
	})
}

func TestTheSameDeliveryAgain(t *testing.T) {
	for name, how := range map[string][]change{"by HTTP": nil, "by socket": {bySocket}} {
		t.Run(name, func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				asked := r.says(r.ops, "/license renew 1001")
				card, err := r.ops.Sees(r.ctx(), channel, "Renew 1001")
				if err != nil {
					r.Fatal(err)
				}
				pressed := r.presses(r.ops, card, "Confirm")
				r.reports(card, "1001 was renewed")
				for range 3 {
					if err := asked.Again(r.ctx()); err != nil {
						r.Fatal(err)
					}
					if err := pressed.Again(r.ctx()); err != nil {
						r.Fatal(err)
					}
				}
				r.tells(r.ops, "/license pending", "No request is open")
				r.charged("service.prolong", 1)
				r.audited("proposed by ops", "confirmed by ops", "started by bot", "succeeded by bot")
			}, how...)
		})
	}
}

func TestTelegramDeliversAgain(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "operator as dora")
		home := r.dora.Private()
		typed := r.dora.Says(home, "/renew 1001")
		card := r.sees(r.dora, home, "Renew 1001")
		click, err := r.dora.Clicks(card, "Confirm")
		if err != nil {
			r.Fatal(err)
		}
		r.sees(r.dora, home, "1001 was renewed")
		for range 3 {
			r.world.Telegram.Redeliver(typed.Update)
			r.world.Telegram.Redeliver(click.Update)
		}
		r.dora.Says(home, "/pending")
		r.sees(r.dora, home, "No request is open")
		r.charged("service.prolong", 1)
		r.audited("proposed by dora", "confirmed by dora", "started by bot", "succeeded by bot")
	})
}

func TestADeliveryIsRememberedForADay(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "operator as dora")
		typed := r.dora.Says(r.dora.Private(), "/renew 1001")
		r.becomesWithin(r.dora, r.sees(r.dora, r.dora.Private(), "Renew 1001"), "expired", time.Hour)
		time.Sleep(24 * time.Hour)
		r.world.Telegram.Redeliver(typed.Update)
		r.dora.Says(r.dora.Private(), "/pending")
		r.sees(r.dora, r.dora.Private(), "No request is open")
		r.audited("proposed by dora", "expired by bot")
	})
}
