package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
)

func TestAnOrderOnTelegram(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "operator as dora")
		home := r.dora.Private()
		typed := r.dora.Says(home, `/order "ISPmanager 6 Pro" ip=192.0.2.77 name=web7`)
		card := r.sees(r.dora, home, "Order ISPmanager 6 Pro")
		if card.ReplyTo != typed.ID {
			r.Errorf("the question replies to %d, want %d", card.ReplyTo, typed.ID)
		}
		r.taps(r.dora, card, "Confirm")
		report := r.sees(r.dora, home, "was ordered: licence 1013\n")
		if report.ReplyTo != card.ID && report.ID != card.ID {
			r.Errorf("the report replies to %d, want the question, %d", report.ReplyTo, card.ID)
		}
		now := r.becomes(r.dora, card, "Confirmed by")
		if len(now.Keyboard) > 0 {
			r.Errorf("the question still has %v", now.Keyboard)
		}
		r.charged("softexternal.order.param", 1)
	})
}

// A question whose sending had no whole answer may stand twice. The one that the bot
// had lost sight of says where the other is, and not that it was asked there.
func TestAQuestionThatStandsTwice(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "operator as dora")
		group := r.world.Telegram.Supergroup("licences", r.dora)
		r.world.Telegram.Break(telegramserver.Fault{Method: "sendMessage", Chat: group.Chat, Times: 1, Drop: true, After: true})
		r.dora.Says(group, "/renew@"+r.world.Telegram.Username()+" 1001")
		lost := r.sees(r.dora, group, "Renew 1001")
		other, err := r.dora.SeesWhere(r.within(minute), group, func(m telegramserver.Message) bool {
			return m.ID != lost.ID && strings.Contains(m.Text, "Renew 1001")
		})
		if err != nil {
			r.Fatal(err, r.room(group))
		}
		time.Sleep(time.Second) // the other one is recorded
		r.taps(r.dora, lost, "Confirm")
		now := r.becomes(r.dora, lost, "The same question stands in this message too")
		r.lacks(now.Text, "Asked in")
		now = r.becomes(r.dora, other, "1001 was renewed")
		r.lacks(now.Text, "Asked in", "The same question")
		r.charged("service.prolong", 1)
	})
}

func TestTheOtherOperationsOnTelegram(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "operator as dora")
		home := r.dora.Private()
		for _, op := range []struct{ command, question, report string }{
			{"/renew 1001", "Renew 1001", "1001 was renewed until"},
			{"/license renew 1008 1012", "Renew 2 licences", "2 licences: 2 renewed"},
			{"/license@" + r.world.Telegram.Username() + " edit 1001 name=\"new name\"", "Edit 1001", "1001 was edited"},
			{"/nodes 1002 4", "Change nodes of 1002", "1002 was edited: 4 nodes"},
		} {
			r.dora.Says(home, op.command)
			r.taps(r.dora, r.sees(r.dora, home, op.question), "Confirm")
			r.sees(r.dora, home, op.report)
		}
		r.charged("service.prolong", 3)
	})
}

func TestASlackQuestionIsApprovedOnTelegram(t *testing.T) {
	played(t, func(r *rig) {
		r.bossAllows("@ops operator as ops")
		r.onTelegram(r.dora, "approver as dora")
		card := r.asks(r.ops, "/license terminate 1003", "Terminate 1003")
		mine := r.sees(r.dora, r.dora.Private(), "Terminate 1003")
		if !strings.Contains(mine.Text, "kvm-host-1") || !strings.Contains(mine.Text, "ops") {
			r.Errorf("the approver's card is %s", mine.Text)
		}
		r.taps(r.dora, mine, "Approve")
		r.reports(card, "1003 was terminated")
		r.ends(card, "Approved by dora")
		done := r.becomes(r.dora, mine, "1003 was terminated")
		if len(done.Keyboard) > 0 {
			r.Errorf("the approver's card still has %v", done.Keyboard)
		}
		r.pressesInVain(r.boss, card, "Deny", "Already decided")
		r.charged("softexternal.delete", 1)
		r.audited("proposed by ops", "approved by dora", "started by bot", "succeeded by bot")
	})
}

func TestATelegramQuestionIsApprovedInSlack(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.onTelegram(r.dora, "operator as dora")
		r.dora.Says(r.dora.Private(), "/terminate 1003")
		card := r.sees(r.dora, r.dora.Private(), "Terminate 1003")
		mine, err := r.second.Sees(r.ctx(), r.second.DM(), "Terminate 1003")
		if err != nil {
			r.Fatal(err)
		}
		if _, err := r.boss.Sees(r.ctx(), r.boss.DM(), "Terminate 1003"); err != nil {
			r.Fatal(err) // whom a decision finds without a card gets none any more
		}
		r.presses(r.second, mine, "Deny")
		r.becomes(r.dora, card, "denied by second")
		for who, dm := range map[string]string{"second": r.second.DM(), "boss": r.boss.DM()} {
			u := r.world.Slack.User(who)
			m, err := u.Sees(r.ctx(), dm, "denied by")
			if err != nil {
				r.Fatalf("%s: %v", who, err)
			}
			if len(m.Buttons()) > 0 {
				r.Errorf("%s's card still has buttons", who)
			}
		}
		r.called("softexternal.delete", 0)
	})
}

func TestAnApproverIsReachedByTheirOtherAccount(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.onTelegram(r.dora, "operator as dora")
		eve := r.world.Telegram.Person(telegramserver.Profile{Name: "Eve"}) // never started the private chat
		r.bossAllows(telegramAccount(eve) + " approver as second")
		home := r.dora.Private()
		r.dora.Says(home, "/terminate 1003")
		card := r.sees(r.dora, home, "Terminate 1003")
		mine, err := r.second.Sees(r.ctx(), r.second.DM(), "Terminate 1003")
		if err != nil {
			r.Fatal(err)
		}
		r.presses(r.second, mine, "Approve")
		r.becomes(r.dora, card, "1003 was terminated")
		r.charged("softexternal.delete", 1)
	})
}

func TestAGroupOnTelegram(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "admin as dora")
		eve := r.world.Telegram.Person(telegramserver.Profile{Name: "Eve"})
		r.bossAllows(telegramAccount(eve) + " admin as eve") // never started the private chat
		ann := r.world.Telegram.Person(telegramserver.Profile{Name: "Ann"})
		r.bossAllows(telegramAccount(ann) + " viewer as ann")
		group := r.world.Telegram.Supergroup("ops", r.dora, r.zack, eve, ann)

		typed := r.dora.Says(group, "/show@license_bot 1001")
		if m := r.sees(r.dora, group, "srv1"); m.ReplyTo != typed.ID {
			r.Errorf("the read replies to %d, want %d", m.ReplyTo, typed.ID)
		}
		for _, command := range []string{"/renew@license_bot 1002", "/show@license_bot 1002", "/license@license_bot terminate 1002"} {
			r.zack.Says(group, command)
			r.lacks(r.sees(r.zack, group, "not on the allowlist").Text, "1002", "web-cluster", "192.0.2.20")
		}
		ann.Says(group, "/renew@license_bot 1002")
		r.lacks(r.sees(ann, group, "takes the role operator").Text, "1002", "web-cluster", "192.0.2.20")

		for command, answer := range map[string]string{"/balance@license_bot": "1000.00", "/members@license_bot": "ann", "/audit@license_bot": "allowed"} {
			r.dora.Says(group, command)
			r.sees(r.dora, r.dora.Private(), answer)
		}
		eve.Says(group, "/balance@license_bot")
		asked := r.sees(eve, group, "Start a private chat with").ReplyTo
		for _, m := range r.world.Telegram.Messages(group) {
			if m.ReplyTo == asked {
				r.lacks(m.Text, "went to you") // it did not
			}
			r.lacks(m.Text, "1000.00", "people on the allowlist", "The audit trail")
		}

		r.dora.Says(group, "/renew@license_bot 1001")
		card := r.sees(r.dora, group, "Renew 1001")
		r.taps(r.dora, card, "Confirm")
		r.sees(r.dora, group, "1001 was renewed")
	})
}

// What a button proposes may be pressed by all who see it. Those who may not are told
// so for themselves: what would stand in the group would say to nobody whom it means.
func TestARenewButtonInAGroup(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "operator as dora")
		ann := r.world.Telegram.Person(telegramserver.Profile{Name: "Ann"})
		r.bossAllows(telegramAccount(ann) + " viewer as ann")
		group := r.world.Telegram.Supergroup("ops", r.dora, r.zack, ann)
		r.dora.Says(group, "/license")
		summary := r.sees(r.dora, group, "Your summary")
		before := len(r.world.Telegram.Messages(group))
		for who, why := range map[*telegramserver.Person]string{r.zack: "not on the allowlist", ann: "takes the role operator"} {
			if a, err := who.Forges(r.ctx(), summary, "renew:1001"); err != nil || !strings.Contains(a.Text, why) {
				t.Errorf("answered with %+v, want %q (%v)", a, why, err)
			}
		}
		if n := len(r.world.Telegram.Messages(group)); n != before {
			t.Errorf("%d messages went to the group", n-before)
		}
		refused := 0
		for _, e := range r.entries() {
			if e.Event == "refused" && e.Action == "renew" && e.License == "1001" {
				refused++
			}
		}
		if refused != 2 {
			t.Errorf("%d refusals are in the audit trail, want 2", refused)
		}
		if a, err := r.dora.Forges(r.ctx(), summary, "renew:1001"); err != nil || a.Text != "" {
			t.Errorf("answered with %+v (%v)", a, err)
		}
		r.taps(r.dora, r.sees(r.dora, group, "Renew 1001"), "Confirm")
		r.sees(r.dora, group, "1001 was renewed")
	})
}

func TestTheBotMayNotWriteInAGroup(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "operator as dora")
		r.onTelegram(r.zack, "approver as zack")
		group, home := r.world.Telegram.Supergroup("ops", r.dora, r.zack), r.dora.Private()
		r.world.Telegram.Break(telegramserver.Fault{Method: "sendMessage", Chat: group.Chat, Status: http.StatusForbidden})
		r.dora.Says(group, "/renew@license_bot 1001")
		card := r.sees(r.dora, home, "Renew 1001")
		r.lacks(r.sees(r.dora, home, "not in the channel or group").Text, "nothing was asked for")
		r.taps(r.dora, card, "Confirm")
		r.sees(r.dora, home, "1001 was renewed")
		r.dora.Says(group, "/terminate@license_bot 1003")
		r.sees(r.dora, home, "Others have to approve this, and would not see it; nothing was asked for.")
		r.dora.Says(group, "/show@license_bot 1003")
		r.sees(r.dora, home, "Licence 1003")
		r.charged("service.prolong", 1)
		r.called("softexternal.delete", 0)
	})
}

func TestATopicOnTelegram(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "operator as dora")
		forum := r.world.Telegram.Forum("ops", r.dora)
		topic := r.world.Telegram.Topic(forum, "licences", r.dora)
		typed := r.dora.Says(topic, "/renew@license_bot 1001")
		card := r.sees(r.dora, topic, "Renew 1001")
		if card.ReplyTo != typed.ID {
			r.Errorf("the question replies to %d, want %d", card.ReplyTo, typed.ID)
		}
		r.taps(r.dora, card, "Confirm")
		r.sees(r.dora, topic, "1001 was renewed")
	})
}

func TestAllowByReplyOnTelegram(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "admin as dora")
		group := r.world.Telegram.Supergroup("ops", r.dora, r.zack)
		said := r.zack.Says(group, "hello")
		r.dora.Says(group, "/allow@license_bot viewer as zack", telegramserver.ReplyTo(said))
		r.sees(r.dora, r.dora.Private(), "on the allowlist as viewer")
		r.zack.Says(group, "/whoami@license_bot")
		r.sees(r.zack, group, "viewer")
	})
}
