package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
	"github.com/isplicense/license-bot/internal/settings"
)

// slackBreaks are what may go wrong with a call of Slack's API.
func slackBreaks(method string) map[string]slackserver.Break {
	return map[string]slackserver.Break{
		"429, 7 s":           slackserver.RateLimited(method, 7),
		"429 without a word": slackserver.RateLimited(method, 0),
		"500":                {Method: method, Times: 2, Status: 500, Body: "oops"},
		"503 of a proxy":     {Method: method, Times: 2, Status: 503, Body: "<html>"},
		"no answer":          {Method: method, Times: 2, Drop: true},
		"half an answer":     {Method: method, Times: 1, Cut: true, After: true},
		"done, no answer":    {Method: method, Times: 1, Drop: true, After: true},
		"done, and 500":      {Method: method, Times: 1, Status: 500, After: true},
		"silence, done":      {Method: method, Times: 1, Delay: time.Minute, After: true},
		"slow":               {Method: method, Times: 3, Delay: 9 * time.Second},
	}
}

func TestSlackFailsAtAnyStep(t *testing.T) {
	for _, method := range []string{"chat.postMessage", "chat.update", "response_url", ""} {
		for name, b := range slackBreaks(method) {
			t.Run(method+" "+name, func(t *testing.T) {
				played(t, func(r *rig) {
					r.allow()
					r.world.Slack.Break(b)
					r.says(r.ops, "/license renew 1001")
					card, err := r.ops.Sees(r.within(30*minute), channel, "Renew 1001")
					if err != nil {
						r.Fatal(err)
					}
					r.world.Slack.Break(b)
					r.presses(r.ops, card, "Confirm")
					r.reportsWithin(card, "1001 was renewed", 30*minute)
					r.endsWithin(card, "Confirmed by @ops", 30*minute)
					r.says(r.guest, "/license show 1001")
					if _, err := r.guest.Sees(r.within(30*minute), channel, "Licence 1001"); err != nil {
						r.Fatal(err)
					}
					time.Sleep(10 * minute)
					questions := 0
					for _, m := range r.licenses.Messages() {
						if !m.Ephemeral() && m.ThreadTS == "" || m.ThreadTS == m.TS {
							questions++
						}
					}
					if questions != 1 {
						r.Errorf("%d questions%s", questions, r.screen(r.ops, channel))
					}
					if n := r.replies(card, ""); n != 1 {
						r.Errorf("%d reports%s", n, r.screen(r.ops, channel))
					}
					r.charged("service.prolong", 1)
				})
			})
		}
	}
}

func TestTelegramFailsAtAnyStep(t *testing.T) {
	for _, method := range []string{"sendMessage", "editMessageText", "answerCallbackQuery", "getUpdates"} {
		for name, f := range map[string]telegramserver.Fault{
			"429":             {Times: 2, RetryAfter: 7},
			"429 for long":    {Times: 1, RetryAfter: 300},
			"500":             {Times: 2, Status: 500},
			"502 of a proxy":  {Times: 2, Status: 502, Body: "<html>"},
			"no answer":       {Times: 2, Drop: true},
			"half an answer":  {Times: 1, Cut: true, After: true},
			"done, no answer": {Times: 1, Drop: true, After: true},
			"slow":            {Times: 3, Delay: 9 * time.Second},
		} {
			t.Run(method+" "+name, func(t *testing.T) {
				played(t, func(r *rig) {
					r.onTelegram(r.dora, "operator as dora")
					home := r.dora.Private()
					f.Method = method
					r.world.Telegram.Break(f)
					r.dora.Says(home, "/renew 1001")
					card, err := r.dora.Sees(r.within(30*minute), home, "Renew 1001")
					if err != nil {
						r.Fatal(err)
					}
					r.world.Telegram.Break(f)
					if _, err := r.dora.Clicks(card, "Confirm"); err != nil {
						r.Fatal(err)
					}
					_, err = r.dora.SeesWhere(r.within(30*minute), home, func(m telegramserver.Message) bool {
						return m.ID != card.ID && strings.Contains(m.Text, "1001 was renewed")
					})
					if err != nil {
						r.Fatal(err, r.room(home))
					}
					if now := r.becomesWithin(r.dora, card, "Confirmed by", 30*minute); len(now.Keyboard) > 0 {
						r.Errorf("the question keeps its buttons: %s", r.room(home))
					}
					r.charged("service.prolong", 1)
				})
			})
		}
	}
}

func TestAnAcceptedClickIsAnsweredThoughTelegramFails(t *testing.T) {
	for name, f := range map[string]telegramserver.Fault{
		"429":             {Times: 2, RetryAfter: 7},
		"500":             {Times: 2, Status: 500},
		"502 of a proxy":  {Times: 2, Status: 502, Body: "<html>"},
		"no answer":       {Times: 2, Drop: true},
		"done, no answer": {Times: 1, Drop: true, After: true},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, func(r *rig) {
				r.onTelegram(r.dora, "operator as dora")
				home := r.dora.Private()
				r.dora.Says(home, "/renew 1001")
				card := r.sees(r.dora, home, "Renew 1001")
				f.Method = "answerCallbackQuery"
				r.world.Telegram.Break(f)
				if a, err := r.dora.Presses(r.within(minute), card, "Confirm"); err != nil || a.Text != "" {
					r.Errorf("the click: %+v, %v", a, err)
				}
				r.sees(r.dora, home, "1001 was renewed")
			})
		})
	}
}

func TestOnlyTheLimitedMethodWaits(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "operator as dora")
		home := r.dora.Private()
		r.dora.Says(home, "/renew 1001")
		card := r.sees(r.dora, home, "Renew 1001")
		r.world.Telegram.Break(telegramserver.Fault{Method: "answerCallbackQuery", Times: 1, RetryAfter: 20})
		refused, err := r.zack.Forges(r.within(time.Millisecond), card, "confirm:none")
		if err == nil {
			r.Fatalf("answered at once: %+v", refused)
		}
		began := time.Now()
		r.dora.Says(home, "/show 1002")
		r.sees(r.dora, home, "Licence 1002")
		if took := time.Since(began); took > time.Second {
			r.Errorf("a command's answer waited %s for clicks'", took)
		}
	})
}

func TestOnlyTheLimitedChannelWaits(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		other := r.world.Slack.Channel("other")
		other.InviteBot()
		other.Invite(r.second)
		r.world.Slack.Break(slackserver.RateLimited("chat.postMessage", 60))
		r.says(r.ops, "/license renew 1001")
		if err := r.world.Slack.Await(r.ctx(), func() bool { return posts(r, "chat.postMessage") > 0 }); err != nil {
			r.Fatal(err)
		}
		began := time.Now()
		if _, err := r.second.Says("#other", "/license renew 1008"); err != nil {
			r.Fatal(err)
		}
		if _, err := r.second.Sees(r.ctx(), "#other", "Renew 1008"); err != nil {
			r.Fatal("the other channel waits too: ", err)
		}
		if took := time.Since(began); took > time.Second {
			r.Errorf("the other channel waited %s", took)
		}
		r.says(r.second, "/license renew 1012") // its question waits too, and is not tried meanwhile
		time.Sleep(50 * time.Second)
		for _, q := range r.world.Slack.Ledger() {
			if q.Method == "chat.postMessage" && q.Args["channel"] == r.licenses.ID() {
				r.Errorf("the limited channel was tried after %s", q.At.Sub(began))
			}
		}
		if _, err := r.ops.Sees(r.within(2*minute), channel, "Renew 1001"); err != nil {
			r.Fatal(err)
		}
		if took := time.Since(began); took < 59*time.Second || took > 70*time.Second {
			r.Errorf("the limited channel waited %s, want the minute that Slack asked for", took)
		}
	})
}

func posts(r *rig, method string) (n int) {
	for _, q := range r.world.Slack.Ledger() {
		if q.Method == method {
			n++
		}
	}
	return n
}

func TestSlackIsAwayForHours(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		for _, method := range []string{"chat.postMessage", "chat.update"} {
			r.world.Slack.Break(slackserver.Break{Method: method, Status: http.StatusServiceUnavailable, Body: "away"})
		}
		r.presses(r.ops, card, "Confirm")
		time.Sleep(5 * time.Hour)
		r.charged("service.prolong", 1)
		if _, body := r.get("GET", "/metrics"); !strings.Contains(body, "licensebot_undelivered_reports 1") {
			r.Error("no undelivered report is counted")
		}
		r.world.Slack.Mend("")
		r.reportsWithin(card, "1001 was renewed", 10*minute)
		r.endsWithin(card, "Confirmed by", 10*minute)
		time.Sleep(time.Second)
		if _, body := r.get("GET", "/metrics"); !strings.Contains(body, "licensebot_undelivered_reports 0") {
			r.Error("the report still counts as undelivered")
		}
		if n := r.replies(card, ""); n != 1 {
			r.Errorf("%d reports", n)
		}
	})
}

func TestTheBotIsNotInTheChannel(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.licenses.RemoveBot()
		m := r.tells(r.ops, "/license renew 1001", "not in the channel")
		if !strings.Contains(m.Text, "by direct message") {
			r.Errorf("the asker is told %s", m.Text)
		}
		card, err := r.ops.Sees(r.ctx(), r.ops.DM(), "Renew 1001")
		if err != nil {
			r.Fatal(err)
		}
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "1001 was renewed")
		r.ends(card, "Confirmed by")
		r.tells(r.ops, "/license terminate 1003", "Others have to approve this")
		r.tells(r.ops, "/license pending", "No request is open")
		r.called("softexternal.delete", 0)
		r.charged("service.prolong", 1)
	})
}

func TestTheAskerIsToldOfAQuestionThatSlackRefusesForNow(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		refused := slackserver.Break{
			Method: "chat.postMessage", Status: http.StatusOK,
			Header: map[string]string{"Content-Type": "application/json"}, Body: `{"ok":false,"error":"missing_scope","needed":"chat:write"}`,
		}
		r.world.Slack.Break(refused)
		mark := r.world.Slack.Mark()
		r.says(r.ops, "/license renew 1001")
		told := func(m slackserver.Message) bool {
			return m.Ephemeral() && strings.Contains(m.Text, "could not be posted so far")
		}
		if _, err := r.ops.SeesWhere(r.within(minute), mark, channel, told); err != nil {
			r.Fatalf("the asker is not told: %v", err)
		}
		mark = r.world.Slack.Mark()
		time.Sleep(5 * time.Minute)
		if m, err := r.ops.SeesWhere(r.within(time.Second), mark, channel, told); err == nil {
			r.Errorf("the asker is told once more: %s", m.Text)
		}
		r.world.Slack.Mend("")
		card, err := r.ops.Sees(r.within(10*minute), channel, "Renew 1001")
		if err != nil {
			r.Fatal(err)
		}
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "1001 was renewed")
	})
}

func TestTheBotIsPutOutOfTheChannelMeanwhile(t *testing.T) {
	for name, shut := range map[string]func(*slackserver.Channel){
		"thrown out": (*slackserver.Channel).RemoveBot, "archived": (*slackserver.Channel).Archive,
	} {
		t.Run(name, func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
				slow := r.world.Panel.Inject(panelserver.Fault{Func: "service.prolong", Step: panelserver.Changing, Delay: 5 * time.Second})
				r.presses(r.ops, card, "Confirm")
				if err := r.world.Panel.Await(r.ctx(), func() bool { return slow.Seen() > 0 }); err != nil {
					r.Fatal(err)
				}
				shut(r.licenses)
				if _, err := r.ops.Sees(r.ctx(), r.ops.DM(), "1001 was renewed"); err != nil {
					r.Fatal(err)
				}
				r.charged("service.prolong", 1)
			})
		})
	}
}

func TestTheQuestionIsDeletedMeanwhile(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "operator as dora")
		group := r.world.Telegram.Supergroup("ops", r.dora)
		r.dora.Says(group, "/renew@license_bot 1001")
		card := r.sees(r.dora, group, "Renew 1001")
		if _, err := r.dora.Clicks(card, "Confirm"); err != nil {
			r.Fatal(err)
		}
		r.world.Telegram.Delete(card)
		if _, err := r.dora.SeesWhere(r.within(minute), group, func(m telegramserver.Message) bool {
			return m.ID != card.ID && strings.Contains(m.Text, "1001 was renewed")
		}); err != nil {
			r.Fatal(err, r.room(group))
		}
	})
}

func TestAPersonWhoBlockedTheBot(t *testing.T) {
	played(t, func(r *rig) {
		r.bossAllows("@ops operator as ops")
		r.onTelegram(r.dora, "approver as dora")
		r.dora.Blocks()
		r.tells(r.boss, "/license allow @boss admin as "+slackAccount(r.boss), "")
		card := r.asks(r.ops, "/license terminate 1003", "Terminate 1003")
		r.presses(r.boss, card, "Approve")
		r.reports(card, "1003 was terminated")
	})
}

func TestManyReportsGoOutAsFastAsSlackTakesThem(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		var cards []slackserver.Message
		for i := range 6 {
			code := []string{"1001", "1002", "1003", "1008", "1009", "1012"}[i]
			cards = append(cards, r.asksWithin(r.ops, "/license renew "+code, fmt.Sprintf("Renew %s", code), minute))
		}
		for _, c := range cards {
			r.presses(r.ops, c, "Confirm")
		}
		for _, c := range cards {
			r.reportsWithin(c, "was renewed", 5*minute)
			r.endsWithin(c, "Confirmed", 5*minute)
		}
		r.charged("service.prolong", 6)
	}, func(_ *settings.Settings, o *sandbox.Options) { o.Slack.PostInterval = time.Second })
}

func TestNoApproverCanBeReached(t *testing.T) {
	played(t, func(r *rig) {
		r.bossAllows("@ops operator as ops")
		r.bossAllows(telegramAccount(r.dora) + " approver as dora") // never opened a chat with the bot
		r.tells(r.boss, "/license allow "+telegramAccount(r.zack)+" admin as zack", "")
		r.zack.Starts()
		r.asks(r.boss, "/license terminate 1003", "Terminate 1003")
		mine := r.sees(r.zack, r.zack.Private(), "Terminate 1003")
		r.taps(r.zack, mine, "Deny")
		r.zack.Blocks()
		r.says(r.boss, "/license terminate 1006")
		if _, err := r.boss.Sees(r.ctx(), channel, "None of the approvers could be told"); err != nil {
			r.Fatal(err, r.screen(r.boss, channel))
		}
		r.tells(r.boss, "/license pending", "No request is open")
		r.called("softexternal.delete", 0)
	})
}

func TestAQuestionAskedInPrivateIsPutToAllApprovers(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		if _, err := r.ops.Says(r.ops.DM(), "/license terminate 1003"); err != nil {
			r.Fatal(err)
		}
		card, err := r.ops.Sees(r.ctx(), r.ops.DM(), "Terminate 1003")
		if err != nil {
			r.Fatal(err)
		}
		mine, err := r.second.Sees(r.ctx(), r.second.DM(), "Terminate 1003")
		if err != nil {
			r.Fatal(err)
		}
		r.presses(r.second, mine, "Approve")
		r.reports(card, "1003 was terminated")
		r.ends(card, "Approved by @second")
		for _, u := range []*slackserver.User{r.second, r.boss} {
			if _, err := u.SeesWhere(r.ctx(), 0, u.DM(), func(m slackserver.Message) bool {
				return strings.Contains(m.Text, "1003 was terminated") && len(m.Buttons()) == 0
			}); err != nil {
				r.Errorf("%s's card: %v", u.Name(), err)
			}
		}
	})
}

// A response_url that stays broken is no reason to leave somebody without an answer.
func TestAnAnswerGoesAnotherWayThanABrokenResponseURL(t *testing.T) {
	for name, b := range map[string]slackserver.Break{
		"500":       {Status: 500, Body: "oops"},
		"no answer": {Drop: true},
		"silence":   {Hang: true},
	} {
		b.Method = "response_url"
		for place, in := range map[string]func(r *rig) string{
			"in the channel":       func(*rig) string { return channel },
			"where the bot is not": func(r *rig) string { r.licenses.RemoveBot(); return r.guest.DM() },
			"in a private chat":    func(r *rig) string { return r.guest.DM() },
			"after a 429 of a call": func(r *rig) string {
				r.world.Slack.Break(slackserver.RateLimited("chat.postEphemeral", 5))
				return channel
			},
		} {
			t.Run(name+", "+place, func(t *testing.T) {
				played(t, func(r *rig) {
					r.allow()
					heard := in(r)
					r.world.Slack.Break(b)
					asked := channel
					if place == "in a private chat" {
						asked = heard
					}
					if _, err := r.guest.Says(asked, "/license show 1001"); err != nil {
						r.Fatal(err)
					}
					began := time.Now()
					if _, err := r.guest.Sees(r.within(30*minute), heard, "Licence 1001"); err != nil {
						r.Fatal(err)
					}
					if took := time.Since(began); took < 30*time.Second || took > minute {
						r.Errorf("the answer came after %s", took)
					}
				})
			})
		}
	}
}

func TestALimitedResponseURLIsWaitedFor(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.world.Slack.Break(slackserver.RateLimited("response_url", 120))
		began := time.Now()
		r.says(r.guest, "/license show 1001")
		if _, err := r.guest.Sees(r.within(30*minute), channel, "Licence 1001"); err != nil {
			r.Fatal(err)
		}
		if took := time.Since(began); took < 2*minute || posts(r, "chat.postEphemeral") > 0 {
			r.Errorf("the answer came after %s, %d of them by the Web API", took, posts(r, "chat.postEphemeral"))
		}
	})
}
