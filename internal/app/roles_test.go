package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
	"github.com/isplicense/license-bot/internal/settings"
)

func TestAViewerIsRefused(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		for _, command := range []string{"renew 1001", "terminate 1001", "edit 1001 name=x", "nodes 1002 4", "order 546 ip=192.0.2.1"} {
			r.lacks(r.tells(r.guest, "/license "+command, "takes the role operator").Text, "srv1", "192.0.2.10")
		}
		for _, command := range []string{"members", "allow @alien admin", "revoke @boss", "audit", "settle abcdef applied"} {
			r.tells(r.guest, "/license "+command, "takes the role admin")
		}
		for _, e := range r.trail() {
			if e != "refused by guest" {
				r.Errorf("the trail has %q", e)
			}
		}
		if n := len(r.trail()); n != 5+3 {
			r.Errorf("%d refusals are in the trail, want those of what would have changed something, 8", n)
		}
		if calls := r.world.Panel.Calls(""); len(calls) > 0 {
			r.Errorf("the panel was asked %v for somebody without the role", calls[0].Func)
		}
	})
}

func TestAStrangerLearnsTheirOwnIdAlone(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		for _, command := range []string{"", "help", "whoami", "list", "show 1001", "renew 1001", "renew", "nonsense", "balance", "allow @alien admin", "revoke @boss", "settle abcdef applied"} {
			m := r.tells(r.alien, "/license "+command, slackAccount(r.alien))
			if !strings.Contains(m.Text, "@boss") {
				r.Errorf("%s names no admin: %s", command, m.Text)
			}
			r.lacks(m.Text, "1001", "srv1", "second", "operator", "CODE", "1000.00")
		}
		r.audited("refused by ", "refused by ", "refused by ", "refused by ") // renew, allow, revoke, settle
		r.zack.Starts()
		m := r.sees(r.zack, r.zack.Private(), telegramAccount(r.zack))
		r.lacks(m.Text, "renew", "order")
	})
}

func TestARoleIsLookedUpAtTheClick(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		r.tells(r.boss, "/license allow @ops viewer as ops", "viewer now, operator before")
		r.pressesInVain(r.ops, card, "Confirm", "takes the role operator")
		r.tells(r.boss, "/license revoke @ops", "not on the allowlist any more")
		r.pressesInVain(r.ops, card, "Confirm", "not on the allowlist")
		r.called("service.prolong", 0)
		r.audited("proposed by ops", "refused by ops", "revoked by "+slackAccount(r.boss), "refused by ")
	})
}

func TestARoleIsLookedUpBeforeTheCall(t *testing.T) {
	for name, revoked := range map[string]struct{ who, why string }{
		"the requester's": {"@ops", "whoever asked may no longer ask"},
		"the approver's":  {"@second", "somebody who approved may no longer"},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				card := r.asks(r.ops, "/license terminate 1003", "Terminate 1003")
				slow := r.world.Panel.Inject(panelserver.Fault{Func: "softexternal", Answer: panelserver.Hang()})
				all := r.world.Panel.Inject(panelserver.Fault{Func: "soft", Answer: panelserver.Hang()})
				r.presses(r.second, card, "Approve")
				r.shows(card, "terminating")
				r.tells(r.boss, "/license revoke "+revoked.who, "any more")
				slow.Clear()
				all.Clear()
				r.reports(card, revoked.why)
				r.ends(card, "was not terminated")
				r.called("softexternal.delete", 0)
			})
		})
	}
}

func TestASecondAccountApprovesNothing(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.bossAllows("@second approver as second")
		r.onTelegram(r.dora, "approver as second")
		card := r.asks(r.second, "/license terminate 1003", "Terminate 1003")
		r.pressesInVain(r.second, card, "Approve", "of their own")
		r.lacks(r.room(r.dora.Private()), "Terminate 1003")
		r.dora.Says(r.dora.Private(), "/terminate 1006")
		own := r.sees(r.dora, r.dora.Private(), "Terminate 1006")
		if told := r.taps(r.dora, own, "Approve"); !strings.Contains(told, "of their own") {
			r.Errorf("told %q", told)
		}
		if _, err := r.dora.Forges(r.ctx(), own, "approve:"+r.idOf(card.Text)); err != nil {
			r.Fatal(err)
		}
		r.presses(r.boss, card, "Approve")
		r.reports(card, "1003 was terminated")
		r.called("softexternal.delete", 1)
	})
}

func TestNobodyCouldApprove(t *testing.T) {
	played(t, func(r *rig) {
		r.bossAllows("@ops operator as ops")
		r.tells(r.boss, "/license terminate 1003", "needs 1 approval by somebody else, and there is nobody who could give it")
		r.asks(r.ops, "/license terminate 1003", "Terminate 1003")
		r.audited("refused by "+slackAccount(r.boss), "proposed by ops")
	})
}

func TestNobodyCouldApproveTwice(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.tells(r.ops, "/license terminate 1003", "needs 3 approvals by others, and only 2 could give one")
	}, approvals(settings.Approvals{"terminate": 3}))
}

func TestCancelByRequesterAndByAdmin(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		for _, who := range []*slackserver.User{r.ops, r.boss} {
			card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
			r.pressesInVain(r.second, card, "Cancel", "This request is")
			r.pressesInVain(r.second, card, "Confirm", "This request is")
			r.presses(who, card, "Cancel")
			r.ends(card, "cancelled by @"+who.Name())
			if who == r.boss { // who cancels knows it
				r.reports(card, "cancelled by @boss")
			} else if n := r.replies(card, "cancelled"); n != 0 {
				r.Errorf("the thread has %d messages that it was cancelled", n)
			}
			r.pressesInVain(r.ops, card, "Confirm", "Cancelled by @"+who.Name())
		}
		r.called("service.prolong", 0)
	})
}

func TestADenial(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license terminate 1003", "Terminate 1003")
		r.presses(r.second, card, "Deny")
		r.ends(card, "denied by @second")
		r.reports(card, "denied by @second") // an edit calls nobody who waits
		r.pressesInVain(r.boss, card, "Approve", "Denied by @second")
		r.called("softexternal.delete", 0)
		r.audited("proposed by ops", "denied by second")
	})
}

func TestConfirmationsAndApprovalsExpire(t *testing.T) {
	played(t, func(r *rig) {
		r.bossAllows("@ops operator as ops")
		r.onTelegram(r.dora, "approver as dora")
		asked := time.Now()
		renew := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		end := r.asks(r.ops, "/license terminate 1003", "Terminate 1003")
		mine := r.sees(r.dora, r.dora.Private(), "Terminate 1003")
		r.endsWithin(renew, "expired", time.Hour)
		if took := time.Since(asked); took < 15*time.Minute || took > 16*time.Minute {
			r.Errorf("the confirmation expired after %s", took)
		}
		r.endsWithin(end, "expired", 25*time.Hour)
		r.reports(end, "Terminate 1003: expired")
		if n := r.replies(renew, "expired"); n != 0 {
			r.Errorf("the thread of what its own requester let pass has %d messages", n)
		}
		if took := time.Since(asked); took < 24*time.Hour || took > 24*time.Hour+time.Minute {
			r.Errorf("the approval expired after %s", took)
		}
		if m := r.becomes(r.dora, mine, "expired"); len(m.Keyboard) > 0 {
			r.Errorf("the approver's card still has %v", m.Keyboard)
		}
		r.pressesInVain(r.ops, renew, "Confirm", "Expired: nobody confirmed by 1 Jan 00:15")
		r.pressesInVain(r.boss, end, "Approve", "Expired: 0 of 1 approvals")
		r.audited("proposed by ops", "proposed by ops", "expired by bot", "expired by bot")
		r.asks(r.ops, "/license renew 1001", "Renew 1001")
	})
}

func TestAClickOnAnOldMessageIsAnsweredWithWhoAndWhen(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "1001 was renewed")
		r.pressesInVain(r.ops, card, "Confirm", "Already decided. Confirmed by @ops, 1 Jan 00:00")
		r.pressesInVain(r.boss, card, "Cancel", "Already decided. Confirmed by @ops, 1 Jan 00:00")
		r.charged("service.prolong", 1)
	})
}

func TestTheAllowlist(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.tells(r.boss, "/license revoke @boss", "is the last admin")
		r.tells(r.boss, "/license allow @boss viewer", "is the last admin")
		r.tells(r.boss, "/license allow @ops admin as second", "is ops's already")
		r.tells(r.boss, "/license allow @ops approver", "ops is approver now, operator before")
		r.tells(r.boss, "/license allow telegram:12345 viewer as OPS", "is ops too")
		r.tells(r.boss, "/license allow telegram:12346 admin as @boss", "telegram:12346 is ")
		r.tells(r.boss, "/license revoke @alien", "Nobody on the allowlist has the account")
		r.tells(r.boss, "/license allow telegram:1087968824 admin", "nobody's account")
		r.tells(r.boss, "/license allow @alien admin as alien", "on the allowlist as admin")
		r.tells(r.alien, "/license revoke @boss", "not on the allowlist any more")
		r.tells(r.boss, "/license members", "not on the allowlist")
		for _, m := range r.licenses.Messages() {
			if !m.Ephemeral() {
				r.Errorf("everybody sees %q", m.Text)
			}
		}
	})
}

// ADMINS makes the first admins, and nobody again who was taken from the allowlist.
func TestAdminsAreReadWhileThereIsNone(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.tells(r.boss, "/license allow @second admin as second", "admin now")
		r.tells(r.second, "/license revoke @boss", "not on the allowlist any more")
		r.stop()
		r.start()
		r.tells(r.boss, "/license members", "not on the allowlist")
		r.tells(r.second, "/license allow @boss viewer as boss", "on the allowlist as viewer")
		r.stop()
		r.start()
		r.tells(r.boss, "/license whoami", "Your role is viewer")
	})
}

func TestAnAnonymousAdminIsNobody(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "admin as dora")
		group := r.world.Telegram.Supergroup("ops", r.dora, r.zack)
		said := r.zack.Says(group, "hello", telegramserver.Anonymously())
		r.dora.Says(group, "/allow@license_bot admin", telegramserver.ReplyTo(said))
		r.dora.Says(group, "/whoami@license_bot")
		r.sees(r.dora, group, "Your role is admin")
		for _, e := range r.entries() {
			if strings.Contains(e.Detail, "1087968824") {
				r.Errorf("an anonymous admin was allowed: %s", e.Detail)
			}
		}
	})
}

func TestTheSummarySaysWhatWaitsForWhom(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.asks(r.ops, "/license terminate 1003", "Needs 1 approval")
		r.tells(r.ops, "/license", "Nothing waits for you.\n1 request of yours is open:")
		r.tells(r.boss, "/license", "1 request waits for you:")
		r.tells(r.guest, "/license", "Nothing waits for you.")
		r.asks(r.ops, "/license renew 1001", "Renew 1001")
		r.tells(r.ops, "/license", "1 request waits for you:")
		r.tells(r.boss, "/license", "1 request waits for you:")
	})
}
