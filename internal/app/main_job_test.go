package app_test

import (
	"strings"
	"testing"

	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/settings"
)

func TestARenewalInSlack(t *testing.T) {
	played(t, renewal)
}

func TestARenewalOverASocket(t *testing.T) {
	played(t, renewal, bySocket)
}

func TestARenewalOnLoopback(t *testing.T) {
	r := newRig(t)
	renewal(r)
}

func renewal(r *rig) {
	r.allow()
	card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
	for _, shown := range []string{"srv1", "192.0.2.10", "ISPmanager 6 Lite", "4.90 EUR", "1000.00 EUR", "@ops", "Waits until", "Request "} {
		if !strings.Contains(card.Text, shown) {
			r.Errorf("the question does not show %q:\n%s", shown, card.Text)
		}
	}
	r.presses(r.ops, card, "Confirm")
	report := r.reports(card, "1001 was renewed")
	for _, shown := range []string{"1001", "srv1", "192.0.2.10", "ISPmanager 6 Lite"} {
		if !strings.Contains(report.Text, shown) {
			r.Errorf("the report does not show %q:\n%s", shown, report.Text)
		}
	}
	r.ends(card, "Confirmed by @ops")
	r.charged("service.prolong", 1)
	r.audited("proposed by ops", "confirmed by ops", "started by bot", "succeeded by bot")
}

func TestOrdersInSlack(t *testing.T) {
	for name, o := range map[string]struct{ command, fn, shows string }{
		"a panel":  {`order "ispmanager 6 lite" ip=192.0.2.77 name=web7`, "softexternal.order.param", "web7"},
		"by code":  {`order 546 ip=2001:DB8::77 period=year`, "softexternal.order.param", "2001:db8::77"},
		"Plesk":    {`order 264 ip=192.0.2.78`, "parallelslic.order.param", "192.0.2.78"},
		"a module": {`order 369 for=1002`, "addition.order.param", "1002"},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				card := r.asks(r.ops, "/license "+o.command, o.shows)
				r.presses(r.ops, card, "Confirm")
				r.reports(card, "was ordered: licence 1013")
				r.charged(o.fn, 1)
				l, ok := r.world.Panel.License("1013")
				if !ok || l.Item != map[string]string{"a module": "1002"}[name] {
					r.Errorf("the panel has %+v", l)
				}
			})
		})
	}
}

func TestAnOrderAgainstItsRules(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.tells(r.ops, "/license order 546", "ip=")
		r.tells(r.ops, "/license order 369 ip=192.0.2.1", "takes no address")
		r.tells(r.ops, "/license order 546 ip=192.0.2.1 for=1002", "is no module")
		r.tells(r.ops, "/license order plesk ip=192.0.2.1", "fits several products")
		r.tells(r.ops, "/license order Plesc ip=192.0.2.1", "There is no product")
		r.audited()
	})
}

func TestAnEditInSlack(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license edit 1001 ip=192.0.2.11", "Edit 1001")
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "1001 was edited")
		if l, _ := r.world.Panel.License("1001"); l.IP != "192.0.2.11" || l.Name != "srv1" {
			r.Errorf("the panel has %+v: the name was not asked to change", l)
		}
		r.tells(r.ops, "/license edit 1001 ip=192.0.2.11", "like that already")
		plesk := r.asks(r.ops, "/license edit 1004 name=shop", "Edit 1004")
		r.presses(r.ops, plesk, "Confirm")
		r.reports(plesk, "1004 was edited")
		r.charged("parallelslic.edit", 1)
	})
}

func TestNodesInSlack(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license nodes 1002 5", "3 → 5")
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "1002 was edited: 5 nodes")
		if l, _ := r.world.Panel.License("1002"); l.Nodes != 5 || l.Name != "web-cluster" || l.IP != "192.0.2.20" {
			r.Errorf("the panel has %+v", l)
		}
		r.tells(r.ops, "/license nodes 1002 5", "like that already")
		r.tells(r.ops, "/license nodes 1001 5", "has no count of nodes")
		r.called("soft.edit", 1)
	})
}

func TestARenewalForAnotherPeriod(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001 period=year", "12 months")
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "1001 was renewed until 2001-01-04")
		r.tells(r.ops, "/license renew 1007", "for a lifetime")
		r.tells(r.ops, "/license renew 9999", "no licence 9999")
	})
}

func TestSeveralLicencesAtOnce(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.world.Panel.Inject(panelserver.Fault{
			Func: "service.prolong", Elid: "1008", Step: panelserver.Changing,
			Answer: panelserver.Refuse(panelserver.Refusal{Type: "operation", Object: "runningoperation", Value: "1008"}),
		})
		card := r.asks(r.ops, "/license renew 1001 1008 1001 1012", "Renew 3 licences")
		r.presses(r.ops, card, "Confirm")
		report := r.reports(card, "3 licences")
		for _, line := range []string{"2 renewed", "1 not renewed", "1001", "1008", "1012"} {
			if !strings.Contains(report.Text, line) {
				r.Errorf("the report has no %q:\n%s", line, report.Text)
			}
		}
		if n := r.replies(card, ""); n != 1 {
			r.Errorf("%d reports, want one", n)
		}
		r.charged("service.prolong", 2)
		r.called("service.prolong", 3)
	})
}

func TestATerminationTakesAnotherPerson(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license terminate 1003", "Terminate 1003")
		if !strings.Contains(card.Text, "@second") || len(card.Pings) == 0 {
			r.Errorf("no approver is asked: %v\n%s", card.Pings, card.Text)
		}
		r.pressesInVain(r.ops, card, "Approve", "takes the role approver")
		r.pressesInVain(r.guest, card, "Approve", "takes the role approver")
		r.pressesInVain(r.alien, card, "Approve", "not on the allowlist")
		r.presses(r.second, card, "Approve")
		r.reports(card, "1003 was terminated")
		r.ends(card, "Approved by @second")
		r.charged("softexternal.delete", 1)
		r.audited("proposed by ops", "refused by ops", "refused by guest", "refused by ", "approved by second", "started by bot", "succeeded by bot")
	})
}

func TestTwoApprovalsAndOneOfAnOrder(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license terminate 1003", "Needs 2 approvals")
		r.presses(r.second, card, "Approve")
		card = r.shows(card, "1 of 2 approvals, by")
		r.pressesInVain(r.second, card, "Approve", "approved this already")
		r.called("softexternal.delete", 0)
		r.presses(r.boss, card, "Approve")
		r.reports(card, "1003 was terminated")
		order := r.asks(r.ops, "/license order 546 ip=192.0.2.9", "Needs 1 approval")
		r.presses(r.boss, order, "Approve")
		r.reports(order, "was ordered")
		own := r.asks(r.boss, "/license renew 1001", "Renew 1001")
		r.presses(r.boss, own, "Confirm")
		r.reports(own, "renewed")
	}, approvals(settings.Approvals{"terminate": 2, "order": 1}))
}

func TestReads(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		for command, answer := range map[string]string{
			"": "Your summary", "help": "What you can type", "help order": "PRODUCT", "whoami": "Your role is viewer",
			"list": "12 licences", "LIST Plesk": "2 licences with", "show 1002": "web-cluster", "expiring": "1006",
			"products plesk": "5 products", "pending": "No request is open", "history 1001": "no history",
			"balance": "1000.00 EUR", "renw 1001": "Did you mean", "show 9999": "no licence 9999", "history 9999": "no licence 9999", "show": "CODE is missing",
			"renew": "takes the role operator", "order plsk": "takes the role operator", "settle x": "takes the role admin",
		} {
			r.tells(r.guest, "/license "+command, answer)
		}
		for _, m := range r.licenses.Messages() {
			if !m.Ephemeral() {
				r.Errorf("everybody sees %q", m.Text)
			}
		}
	})
}
