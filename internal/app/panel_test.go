package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

const minute = time.Minute

// answers are what the panel may answer in place of the truth, and what people are
// told of it.
var answers = map[string]struct {
	answer panelserver.Answer
	told   string
}{
	"maintenance":     {panelserver.Maintenance(), "under maintenance"},
	"captcha":         {panelserver.Captcha(), "a captcha or firewall"},
	"half a document": {panelserver.Half(), "the answer broke off"},
	"a gateway's 504": {panelserver.GatewayTimeout(), "an error page came instead"},
	"nothing":         {panelserver.Nothing(), "the answer broke off"},
	"silence":         {panelserver.Hang(), "nothing came in time"},
	"somebody's page": {panelserver.HTTP(200, "text/html", "<html><body>Hello</body></html>"), "not the panel's"},
	"too many":        {panelserver.TooMany(time.Minute), "an error page came instead"},
}

func TestThePanelCannotBeReadForAQuestion(t *testing.T) {
	for name, a := range answers {
		t.Run(name, func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				fault := r.world.Panel.Inject(panelserver.Fault{Step: panelserver.Reading, Answer: a.answer})
				for _, command := range []string{"renew 1001", "list", "balance"} {
					mark := r.world.Slack.Mark()
					r.says(r.ops, "/license "+command)
					m, err := r.ops.SeesSince(r.within(5*minute), mark, channel, "The panel could not be read")
					if err != nil {
						r.Fatal(err)
					}
					if !m.Ephemeral() || !strings.Contains(m.Text, a.told) {
						r.Errorf("%s is answered with %s", command, m.Text)
					}
				}
				fault.Clear()
				card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
				r.presses(r.ops, card, "Confirm")
				r.reports(card, "1001 was renewed")
			})
		})
	}
}

func TestAPriceThatCannotBeReadIsSaid(t *testing.T) {
	for name, answer := range map[string]panelserver.Answer{
		"maintenance": panelserver.Maintenance(), "not permitted": panelserver.Refuse(panelserver.Refusal{Type: "access"}),
	} {
		t.Run(name, func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				r.world.Panel.Inject(panelserver.Fault{Func: "softexternal.order.param", Step: panelserver.Reading, Answer: answer})
				r.world.Panel.Inject(panelserver.Fault{Func: "service.prolong", Step: panelserver.Reading, Answer: answer})
				r.world.Panel.Inject(panelserver.Fault{Func: "dashboard.info", Answer: answer})
				order := r.asks(r.ops, "/license order 546 ip=192.0.2.9", "Order")
				renew := r.asks(r.ops, "/license renew 1001 period=year", "Renew")
				for _, card := range []slackserver.Message{order, renew} {
					if n := strings.Count(card.Text, "could not be read"); n != 2 {
						r.Errorf("price and balance could not be read, and the question says\n%s", card.Text)
					}
					r.presses(r.ops, card, "Confirm")
					r.reports(card, "ed")
				}
				r.charged("softexternal.order.param", 1)
				r.charged("service.prolong", 1)
			})
		})
	}
}

func TestThePanelCannotBeReadBeforeTheCall(t *testing.T) {
	for name, a := range answers {
		t.Run(name, func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				for _, lasts := range []time.Duration{10 * time.Second, time.Hour} {
					card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
					fault := r.world.Panel.Inject(panelserver.Fault{Step: panelserver.Reading, Answer: a.answer})
					r.presses(r.ops, card, "Confirm")
					time.Sleep(lasts)
					fault.Clear()
					if lasts < minute {
						r.reportsWithin(card, "1001 was renewed", 10*minute)
					} else {
						r.reportsWithin(card, "could not be read before the call", 10*minute)
						r.ends(card, "was not renewed")
					}
				}
				r.called("service.prolong", 1)
			})
		})
	}
}

func TestACallWithoutAWholeAnswer(t *testing.T) {
	for name, a := range answers {
		for _, done := range []bool{true, false} {
			t.Run(name+map[bool]string{true: ", done", false: ", not done"}[done], func(t *testing.T) {
				played(t, func(r *rig) {
					r.allow()
					r.world.Panel.Inject(panelserver.Fault{
						Func: "service.prolong", Step: panelserver.Changing, Times: 1, After: done, Answer: a.answer,
					})
					card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
					pressed := time.Now()
					r.presses(r.ops, card, "Confirm")
					r.reportsWithin(card, map[bool]string{true: "1001 was renewed", false: "1001 was not renewed"}[done], 10*minute)
					if took := time.Since(pressed); !done && took < minute || took > 3*minute {
						r.Errorf("reported after %s", took)
					}
					r.ends(card, a.told)
					time.Sleep(time.Hour)
					r.called("service.prolong", 1)
					if n := r.replies(card, ""); n != 1 {
						r.Errorf("%d reports, want one", n)
					}
					want := []string{"proposed by ops", "confirmed by ops", "started by bot", "uncertain by bot", "settled by bot"}
					r.audited(want...)
				})
			})
		}
	}
}

func TestEveryKindOfCallWhoseAnswerIsLost(t *testing.T) {
	for command, as := range map[string]struct{ fn, was, wasNot string }{
		"order 546 ip=192.0.2.9 name=web9":   {"softexternal.order.param", "was ordered: licence 1013", "was not ordered"},
		"order 546 ip=192.0.2.9":             {"softexternal.order.param", "was ordered: licence 1013", "was not ordered"},
		"order 369 for=1002":                 {"addition.order.param", "was ordered: licence 1013", "was not ordered"},
		"edit 1001 ip=192.0.2.9":             {"softexternal.edit", "1001 was edited", "1001 was not edited"},
		"nodes 1002 7":                       {"soft.edit", "1002 was edited", "1002 was not edited"},
		"terminate 1003":                     {"softexternal.delete", "1003 was terminated", "1003 was not terminated"},
		"edit 1004 name=other ip=192.0.2.41": {"parallelslic.edit", "1004 was edited", "1004 was not edited"},
	} {
		for _, done := range []bool{true, false} {
			t.Run(command+map[bool]string{true: ", done", false: ", not done"}[done], func(t *testing.T) {
				played(t, func(r *rig) {
					r.allow()
					r.world.Panel.Inject(panelserver.Fault{
						Func: as.fn, Step: panelserver.Changing, Times: 1, After: done, Answer: panelserver.Nothing(),
					})
					card := r.asks(r.ops, "/license "+command, "?")
					if strings.HasPrefix(command, "terminate") {
						r.presses(r.second, card, "Approve")
					} else {
						r.presses(r.ops, card, "Confirm")
					}
					r.reportsWithin(card, map[bool]string{true: as.was, false: as.wasNot}[done], 10*minute)
					r.called(as.fn, 1)
				})
			})
		}
	}
}

func TestThePanelRefusesTheCall(t *testing.T) {
	for name, refusal := range map[string]struct {
		panelserver.Refusal
		told string
	}{
		"another operation":  {panelserver.Refusal{Type: "operation", Object: "runningoperation", Value: "1001"}, "another operation runs"},
		"no money":           {panelserver.Refusal{Type: "no_money", Object: "balance"}, "balance does not suffice"},
		"a second factor":    {panelserver.Refusal{Type: "extraconfirm"}, "second factor"},
		"a rule":             {panelserver.Refusal{Type: "prolong_date", Msg: "Too early to renew"}, "Too early to renew"},
		"a right it has not": {panelserver.Refusal{Type: "access", Msg: "Not enough rights"}, "may not do this"},
		"hostile words":      {panelserver.Refusal{Type: "value", Msg: "<!channel> *no* @here https://evil.example"}, "*no* @here https://evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				r.world.Panel.Inject(panelserver.Fault{Func: "service.prolong", Step: panelserver.Changing, Answer: panelserver.Refuse(refusal.Refusal)})
				card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
				r.presses(r.ops, card, "Confirm")
				report := r.reports(card, "1001 was not renewed")
				if !strings.Contains(report.Text, refusal.told) {
					r.Errorf("the report is %s", report.Text)
				}
				for _, whom := range report.Pings {
					if whom == "channel" || whom == "here" {
						r.Errorf("it pings %v", report.Pings)
					}
				}
				r.called("service.prolong", 1)
				r.audited("proposed by ops", "confirmed by ops", "started by bot", "failed by bot")
			})
		})
	}
}

func TestInProcessNeverBecomesNotByWaiting(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.world.Panel.Inject(panelserver.Fault{Func: "service.prolong", Step: panelserver.Changing, Times: 1, Answer: panelserver.InProcess()})
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		id := r.idOf(card.Text)
		r.presses(r.ops, card, "Confirm")
		r.reportsWithin(card, "It is not known whether 1001 was renewed", 10*minute)
		time.Sleep(12 * time.Hour)
		if n := r.replies(card, "was not renewed"); n > 0 {
			r.Error("waiting made a no of it")
		}
		r.tells(r.guest, "/license pending", id)
		r.tells(r.second, "/license renew 1001", "asked for already")
		card = r.shows(card, "not known")
		for _, at := range []string{"12:01", "13:01"} {
			r.pressesInVain(r.second, card, "Recheck", "Looking in the panel again")
			r.shows(card, "Looked again at "+at)
			if n := r.replies(card, "It is not known"); n != 1 {
				r.Errorf("%d reports say that it is not known%s", n, r.screen(r.ops, channel))
			}
			time.Sleep(time.Hour)
		}
		r.tells(r.ops, "/license settle "+id+" not", "takes the role admin")
		r.tells(r.boss, "/license settle "+id+" not", "is settled")
		told := r.reports(card, "1001 was not renewed")
		r.lacks(told.Text, "Correction")
		r.ends(card, "Settled by @boss")
		r.tells(r.boss, "/license settle "+id+" applied", "Nothing is uncertain")
		r.asks(r.second, "/license renew 1001", "Renew 1001")
		r.called("service.prolong", 1)
	})
}

func TestThePanelStaysAwayAfterTheCall(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		call := r.world.Panel.Inject(panelserver.Fault{Func: "service.prolong", Step: panelserver.Changing, Times: 1, After: true, Answer: panelserver.Hang()})
		r.presses(r.ops, card, "Confirm")
		if err := r.world.Panel.Await(r.ctx(), func() bool { return call.Seen() > 0 }); err != nil {
			r.Fatal(err)
		}
		away := r.world.Panel.Inject(panelserver.Fault{Step: panelserver.Reading, Answer: panelserver.Maintenance()})
		r.reportsWithin(card, "It is not known whether 1001 was renewed", 10*minute)
		away.Clear()
		card = r.shows(card, "not known")
		mark := r.world.Slack.Mark()
		r.presses(r.guest, card, "Recheck")
		r.hears(r.guest, mark, "Looking in the panel again")
		told := r.reports(card, "1001 was renewed until")
		r.lacks(told.Text, "Correction", "after all")
		r.ends(card, "1001 was renewed")
		r.called("service.prolong", 1)
	})
}

// A panel that can't be read after a call shows neither that it was done nor that it was
// not, whatever the call was to do.
func TestAPanelThatIsAwayShowsNothing(t *testing.T) {
	for command, fn := range map[string]string{
		"renew 1001": "service.prolong", "order 546 ip=192.0.2.9": "softexternal.order.param", "edit 1001 name=other": "softexternal.edit",
		"nodes 1002 7": "soft.edit", "terminate 1003": "softexternal.delete", "order 369 for=1002": "addition.order.param",
	} {
		t.Run(command, func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				card := r.asks(r.ops, "/license "+command, "?")
				call := r.world.Panel.Inject(panelserver.Fault{Func: fn, Step: panelserver.Changing, Times: 1, Answer: panelserver.Hang()})
				if strings.HasPrefix(command, "terminate") {
					r.presses(r.second, card, "Approve")
				} else {
					r.presses(r.ops, card, "Confirm")
				}
				if err := r.world.Panel.Await(r.ctx(), func() bool { return call.Seen() > 0 }); err != nil {
					r.Fatal(err)
				}
				r.world.Panel.Inject(panelserver.Fault{Step: panelserver.Reading, Answer: panelserver.Maintenance()})
				r.reportsWithin(card, "It is not known whether", 10*minute)
				time.Sleep(time.Hour)
				if n := r.replies(card, ""); n != 1 {
					r.Errorf("%d reports%s", n, r.screen(r.ops, channel))
				}
				r.called(fn, 1)
			})
		})
	}
}

func TestWhatTurnsUpLateCorrectsTheReport(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.world.Panel.Inject(panelserver.Fault{Func: "service.prolong", Step: panelserver.Changing, Times: 1, Delay: 10 * minute, After: false})
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		r.presses(r.ops, card, "Confirm")
		r.reportsWithin(card, "1001 was not renewed", 5*minute)
		r.reportsWithin(card, "Correction: 1001 was renewed after all", 2*time.Hour)
		r.ends(card, "1001 was renewed until")
		r.called("service.prolong", 1)
		r.charged("service.prolong", 1)
	})
}

// A call that a proxy has kept, and that reaches the panel when the same was asked for
// and done once more, is paid twice. That is told.
func TestWhatTurnsUpAfterASecondTryIsToldToo(t *testing.T) {
	for _, c := range []struct {
		fn, command, title, done string
		late                     func(p *panelserver.Server, account string) error
	}{
		{"service.prolong", "renew 1001", "Renew 1001", "1001 was renewed", func(p *panelserver.Server, account string) error {
			return p.RenewByHand("1001", panelserver.Month, account)
		}},
		{"softexternal.order.param", "order 546 ip=192.0.2.9 name=web9", "Order ISPmanager 6 Lite", "ISPmanager 6 Lite was ordered", func(p *panelserver.Server, account string) error {
			_, err := p.OrderByHand(546, "192.0.2.9", "web9", panelserver.Month, account)
			return err
		}},
	} {
		t.Run(c.fn, func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				r.world.Panel.Inject(panelserver.Fault{Func: c.fn, Step: panelserver.Changing, Times: 1, Answer: panelserver.GatewayTimeout()})
				first := r.asks(r.ops, "/license "+c.command, c.title)
				r.presses(r.ops, first, "Confirm")
				r.reportsWithin(first, strings.Replace(c.done, "was", "was not", 1), 5*minute)
				second := r.asks(r.ops, "/license "+c.command, c.title)
				r.presses(r.ops, second, "Confirm")
				r.reports(second, c.done)
				time.Sleep(time.Hour)
				if n := r.replies(first, ""); n != 1 {
					r.Errorf("%d reports of the first%s", n, r.screen(r.ops, channel))
				}
				account, _ := r.world.Panel.User()
				if err := c.late(r.world.Panel, account); err != nil {
					r.Fatal(err)
				}
				r.reportsWithin(first, "Correction: "+c.done+" after all", 3*time.Hour)
				if n := r.replies(second, ""); n != 1 {
					r.Errorf("%d reports of the second%s", n, r.screen(r.ops, channel))
				}
			})
		})
	}
}

// What came of nothing is watched on when the same is done once more: the second
// call's effect is not the first one's.
func TestASecondTryIsNotTheFirst(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.world.Panel.Inject(panelserver.Fault{Func: "service.prolong", Step: panelserver.Changing, Times: 1, Answer: panelserver.GatewayTimeout()})
		first := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		r.presses(r.ops, first, "Confirm")
		r.reportsWithin(first, "1001 was not renewed", 5*minute)
		second := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		r.presses(r.ops, second, "Confirm")
		r.reports(second, "1001 was renewed")
		time.Sleep(25 * time.Hour)
		if n := r.replies(first, ""); n != 1 {
			r.Errorf("%d reports of the first%s", n, r.screen(r.ops, channel))
		}
		r.charged("service.prolong", 1)
	})
}

// What somebody does on the panel's web page while a call of the bot's is uncertain is
// not taken for the bot's where the two can be told apart, and is said where they can't.
func TestSomebodyElsesHandAtTheSameTime(t *testing.T) {
	const unknown, doubt = "It is not known whether", "somebody else"
	for name, as := range map[string]struct {
		command, fn string
		by          func(p *panelserver.Server) error
		done        map[bool]string // whether the bot's own call took effect: what is said
	}{
		"a renewal": {"renew 1001", "service.prolong", func(p *panelserver.Server) error {
			return p.RenewByHand("1001", panelserver.Month, "petra")
		}, map[bool]string{false: unknown, true: doubt}},
		"an order of the same": {"order 546 ip=192.0.2.9", "softexternal.order.param", func(p *panelserver.Server) error {
			_, err := p.OrderByHand(546, "192.0.2.9", "petras", panelserver.Month, "petra")
			return err
		}, map[bool]string{false: "was not ordered", true: "was ordered: licence 10"}},
		"an order by the same name": {"order 546 ip=192.0.2.9 name=web9", "softexternal.order.param", func(p *panelserver.Server) error {
			_, err := p.OrderByHand(546, "192.0.2.9", "web9", panelserver.Month, "petra")
			return err
		}, map[bool]string{false: doubt, true: unknown}},
		"an order of another product": {"order 546 ip=192.0.2.9 name=web9", "softexternal.order.param", func(p *panelserver.Server) error {
			_, err := p.OrderByHand(547, "192.0.2.9", "web9", panelserver.Month, "petra")
			return err
		}, map[bool]string{false: "was not ordered", true: doubt}},
		"an order of another": {"order 546 ip=192.0.2.9 name=web9", "softexternal.order.param", func(p *panelserver.Server) error {
			_, err := p.OrderByHand(546, "192.0.2.8", "web9", panelserver.Month, "petra")
			return err
		}, map[bool]string{false: "was not ordered", true: doubt}}, // a name that people gave is nobody's own
		"another edit": {"edit 1001 name=ours", "softexternal.edit", func(p *panelserver.Server) error {
			return p.EditByHand("1001", "192.0.2.99", "petras", "petra")
		}, map[bool]string{false: unknown, true: unknown}},
		"another count": {"nodes 1002 7", "soft.edit", func(p *panelserver.Server) error {
			return p.NodesByHand("1002", 9, "petra")
		}, map[bool]string{false: unknown, true: unknown}},
	} {
		for done, want := range as.done {
			t.Run(name+map[bool]string{true: ", done", false: ", not done"}[done], func(t *testing.T) {
				played(t, func(r *rig) {
					r.allow()
					call := r.world.Panel.Inject(panelserver.Fault{
						Func: as.fn, Step: panelserver.Changing, Times: 1, After: done, Answer: panelserver.Hang(),
					})
					card := r.asks(r.ops, "/license "+as.command, "?")
					r.presses(r.ops, card, "Confirm")
					if err := r.world.Panel.Await(r.ctx(), func() bool { return call.Seen() > 0 }); err != nil {
						r.Fatal(err)
					}
					// The bot can't look before somebody else was at it.
					away := r.world.Panel.Inject(panelserver.Fault{Step: panelserver.Reading, Answer: panelserver.Maintenance()})
					time.Sleep(31 * time.Second)
					if err := as.by(r.world.Panel); err != nil {
						r.Fatal(err)
					}
					away.Clear()
					report := r.reportsWithin(card, want, 10*minute)
					if want != doubt && strings.Contains(report.Text, doubt) {
						r.Errorf("it can be told apart, and the report is %s", report.Text)
					}
					r.called(as.fn, 1)
				})
			})
		}
	}
}

// What was done by hand long before the call makes no doubt about the call.
func TestAnOlderHandMakesNoDoubt(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		if err := r.world.Panel.RenewByHand("1001", panelserver.Month, "petra"); err != nil {
			r.Fatal(err)
		}
		time.Sleep(50 * time.Hour)
		r.world.Panel.Inject(panelserver.Fault{
			Func: "service.prolong", Step: panelserver.Changing, Times: 1, After: true, Answer: panelserver.Nothing(),
		})
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		r.presses(r.ops, card, "Confirm")
		report := r.reportsWithin(card, "1001 was renewed", 10*minute)
		r.lacks(report.Text, "somebody else")
	})
}

func TestAnOrderThatIsLeftUnpaid(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.world.Panel.SetBalance(100)
		card := r.asks(r.ops, "/license order 546 ip=192.0.2.9", "The balance does not suffice")
		r.presses(r.ops, card, "Confirm")
		report := r.reportsWithin(card, "It is left unpaid: pay or delete the order", 10*minute)
		if !strings.Contains(report.Text, "was ordered") || strings.Contains(report.Text, "✅") || strings.Contains(report.Text, "white_check") {
			r.Errorf("the report is %s", report.Text)
		}
		r.called("softexternal.order.param", 1)
	}, ways(func(w *panelserver.Ways) { w.NoMoney = panelserver.LeaveBillOrder }))
}

func TestARefusedLogin(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		_, password := r.world.Panel.User()
		r.world.Panel.SetPassword("changed")
		r.tells(r.ops, "/license list", "does not accept the bot's login")
		if status, body := r.get("GET", "/readyz"); status != 200 || !strings.Contains(body, "panel: refuses the bot: auth") {
			r.Errorf("%d %s", status, body)
		}
		calls := len(r.world.Panel.Calls(""))
		for range 5 {
			r.tells(r.ops, "/license list", "The bot asks the panel again at")
		}
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "does not accept the bot's login")
		r.ends(card, "was not renewed")
		if n := len(r.world.Panel.Calls("")); n != calls {
			r.Errorf("%d calls were made before the time to ask again", n-calls)
		}
		time.Sleep(2 * minute)
		r.world.Panel.SetPassword(password)
		r.tells(r.ops, "/license list", "12 licences")
		if _, body := r.get("GET", "/readyz"); !strings.Contains(body, "panel: no refusal") {
			r.Error(body)
		}
	})
}

// The panel works after it has answered: for a while it shows the date of before.
func TestARenewalThatThePanelDoesNotShowYet(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.world.Panel.Inject(panelserver.Fault{
			Func: "service.prolong", Step: panelserver.Changing, Times: 1, After: true, Answer: panelserver.Document("<doc><ok/></doc>"),
		})
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		r.presses(r.ops, card, "Confirm")
		if report := r.reports(card, "1001 was renewed"); strings.Contains(report.Text, "until") {
			r.Errorf("the report has a date that was not seen: %s", report.Text)
		}
	}, ways(func(w *panelserver.Ways) { w.Delays.Renew = minute }))
}

// The history has the account's name, which need not be the login.
func TestARenewalIsKnownByTheAccountsName(t *testing.T) {
	for name, told := range map[string]string{"Client Ltd": "1001 was renewed", "somebody": "It is not known whether 1001 was renewed"} {
		t.Run(name, func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				r.world.Panel.Inject(panelserver.Fault{Func: "whoami", Answer: panelserver.Document(`<doc><user name="Client Ltd" level="16"/></doc>`)})
				r.world.Panel.Inject(panelserver.Fault{Func: "service.prolong", Step: panelserver.Changing, Answer: panelserver.Nothing()})
				card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
				r.presses(r.ops, card, "Confirm")
				r.shows(card, "Looking in the panel")
				if err := r.world.Panel.RenewByHand("1001", 1, name); err != nil {
					r.Fatal(err)
				}
				report := r.reportsWithin(card, told, 10*minute)
				if strings.Contains(report.Text, "somebody else") {
					r.Errorf("it is taken for somebody else's: %s", report.Text)
				}
			})
		})
	}
}

// An order without a name is sent with one of the bot's own, and says so.
func TestAnOrderSaysTheNameThatItGives(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license order 546 ip=192.0.2.9", "Order")
		name := "bot-" + r.idOf(card.Text)
		if !strings.Contains(card.Text, name) {
			r.Errorf("the question is %s", card.Text)
		}
		r.world.Panel.Inject(panelserver.Fault{Func: "softexternal.order.param", Step: panelserver.Changing, Times: 1, Answer: panelserver.Nothing()})
		r.presses(r.ops, card, "Confirm")
		if report := r.reportsWithin(card, "was not ordered", 10*minute); !strings.Contains(report.Text, "/license list "+name) {
			r.Errorf("the report is %s", report.Text)
		}
		if sent := r.world.Panel.Calls("softexternal.order.param"); sent[len(sent)-1].Params.Get("licname") != name {
			r.Errorf("sent was %v", sent[len(sent)-1].Params)
		}
		card = r.asks(r.ops, "/license order 369 for=1002", "Order")
		r.world.Panel.Inject(panelserver.Fault{Func: "addition.order.param", Step: panelserver.Changing, Answer: panelserver.Nothing()})
		r.presses(r.ops, card, "Confirm")
		if report := r.reportsWithin(card, "was not ordered", 10*minute); !strings.Contains(report.Text, `/license list "CloudLinux for ISPmanager Business"`) {
			r.Errorf("the report is %s", report.Text)
		}
	})
}

// An edit sends along what is to stay. What another request changes meanwhile must
// not be undone by it.
func TestTwoChangesOfOneLicenceAtOnce(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		slow := r.world.Panel.Inject(panelserver.Fault{Func: "softexternal.edit", Step: panelserver.Changing, Delay: 5 * time.Second})
		edit := r.asks(r.ops, "/license edit 1002 name=other", "Edit 1002")
		nodes := r.asks(r.ops, "/license nodes 1002 7", "Change nodes of 1002")
		r.presses(r.ops, edit, "Confirm")
		if err := r.world.Panel.Await(r.ctx(), func() bool { return slow.Seen() > 0 }); err != nil {
			r.Fatal(err)
		}
		r.presses(r.ops, nodes, "Confirm")
		r.reports(edit, "1002 was edited")
		r.reports(nodes, "the licence is not as the question showed it")
		if l, _ := r.world.Panel.License("1002"); l.Name != "other" {
			r.Errorf("the name is %s", l.Name)
		}
		r.called("softexternal.edit", 1)
		r.called("soft.edit", 0)
	})
}

// Modules have no name to tell them apart by. What the panel named to another request
// is no sign of this one's order.
func TestAnotherRequestsOrderIsNotTakenForALostOne(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.world.Panel.Inject(panelserver.Fault{Func: "addition.order.param", Step: panelserver.Changing, Times: 1, Answer: panelserver.Nothing()})
		lost := r.asks(r.ops, "/license order 369 for=1002", "Order")
		r.presses(r.ops, lost, "Confirm")
		r.shows(lost, "Looking in the panel")
		other := r.asks(r.ops, "/license order 369 for=1001", "Order")
		r.presses(r.ops, other, "Confirm")
		r.reports(other, "was ordered: licence 1013")
		r.reportsWithin(lost, "was not ordered", 10*minute)
	})
}

// Asking again does not end the watch for an order that a name of its own tells apart:
// it was bought twice, and somebody has to know.
func TestALateOrderCorrectsTheReportThoughItWasAskedAgain(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.world.Panel.Inject(panelserver.Fault{Func: "softexternal.order.param", Step: panelserver.Changing, Times: 1, Delay: 10 * minute})
		late := r.asks(r.ops, "/license order 546 ip=192.0.2.9", "Order")
		r.presses(r.ops, late, "Confirm")
		r.reportsWithin(late, "was not ordered", 5*minute)
		again := r.asks(r.ops, "/license order 546 ip=192.0.2.9", "Order")
		r.presses(r.ops, again, "Confirm")
		r.reports(again, "was ordered")
		r.reportsWithin(late, "was ordered after all", 2*time.Hour)
		r.charged("softexternal.order.param", 2)
	})
}
