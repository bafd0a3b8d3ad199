package app_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
	"github.com/isplicense/license-bot/internal/settings"
)

// inAGroup has Dora ask in a basic group that has seen a request before.
func inAGroup(t *testing.T, command, shows string, scene func(r *rig, group telegramserver.Room, card telegramserver.Message)) {
	played(t, func(r *rig) {
		r.allow()
		r.onTelegram(r.dora, "operator as dora")
		group := r.world.Telegram.Group("ops", r.dora)
		r.dora.Says(group, "/renew@license_bot 1008")
		r.taps(r.dora, r.sees(r.dora, group, "Renew 1008"), "Confirm")
		r.sees(r.dora, group, "1008 was renewed")
		r.dora.Says(group, command)
		scene(r, group, r.sees(r.dora, group, shows))
	})
}

// toldOnce looks at all that the bot has said in the room: the question and one report,
// which replies to it.
func (r *rig) toldOnce(room telegramserver.Room, card telegramserver.Message) {
	r.Helper()
	time.Sleep(2 * time.Minute)
	var said []telegramserver.Message
	for _, m := range r.world.Telegram.Messages(room) {
		if m.Text != "" {
			said = append(said, m)
		}
	}
	if len(said) != 2 || said[0].ID != card.ID || said[1].ReplyTo != card.ID {
		r.Errorf("want the question, %d, and a report that replies to it; in the chat: %s", card.ID, r.room(room))
	}
	if len(said[0].Keyboard) > 0 {
		r.Errorf("the question still has %v", said[0].Keyboard)
	}
}

// deaf has no updates come through until it is healed.
func (r *rig) deaf() (heal func()) {
	heal = r.world.Telegram.Break(telegramserver.Fault{Method: "getUpdates", Status: http.StatusBadGateway})
	r.zack.Says(r.zack.Private(), "/help") // ends the call that waits
	time.Sleep(time.Second)
	return heal
}

func TestAGroupThatBecomesASupergroup(t *testing.T) {
	inAGroup(t, "/renew@license_bot 1001", "Renew 1001", func(r *rig, group telegramserver.Room, card telegramserver.Message) {
		moved := r.world.Telegram.Migrate(group)
		anew := r.sees(r.dora, moved, "Renew 1001")
		r.taps(r.dora, anew, "Confirm")
		r.becomes(r.dora, anew, "1001 was renewed")
		r.toldOnce(moved, anew)
		if now := r.becomes(r.dora, card, "1001 was renewed"); len(now.Keyboard) > 0 || !strings.Contains(now.Text, "Asked in this message") {
			r.Errorf("the one in the old group reads %s, with %v", now.Text, now.Keyboard)
		}
		r.charged("service.prolong", 2)
	})
}

func TestAClickInAGroupThatHasBecomeAnother(t *testing.T) {
	inAGroup(t, "/renew@license_bot 1001", "Renew 1001", func(r *rig, group telegramserver.Room, card telegramserver.Message) {
		moved := r.world.Telegram.Migrate(group)
		anew := r.sees(r.dora, moved, "Renew 1001")
		if told := r.taps(r.dora, card, "Confirm"); told != "" {
			r.Errorf("the click is answered %q", told)
		}
		r.becomes(r.dora, anew, "1001 was renewed")
		r.toldOnce(moved, anew)
		r.charged("service.prolong", 2)
	})
}

// The refusal of a call may come long before what Telegram says of it.
func TestAGroupIsFoundToBeAnother(t *testing.T) {
	for button, end := range map[string]string{"Approve": "1003 was terminated", "Deny": "denied by second"} {
		t.Run(button, func(t *testing.T) {
			inAGroup(t, "/terminate@license_bot 1003", "Terminate 1003", func(r *rig, group telegramserver.Room, card telegramserver.Message) {
				mine, err := r.second.Sees(r.ctx(), r.second.DM(), "Terminate 1003")
				if err != nil {
					r.Fatal(err)
				}
				heal := r.deaf()
				moved := r.world.Telegram.Migrate(group)
				r.world.Telegram.Break(telegramserver.Fault{
					Method: "editMessageText", Chat: group.Chat, Status: http.StatusBadRequest,
					Body: fmt.Sprintf(`{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":%d}}`, moved.Chat),
				})
				r.presses(r.second, mine, button)
				anew := r.sees(r.dora, moved, "Terminate 1003")
				heal()
				r.becomes(r.dora, anew, end)
				if button == "Approve" {
					r.toldOnce(moved, anew)
					r.charged("softexternal.delete", 1)
				}
				if told, err := r.dora.Forges(r.ctx(), card, "cancel:"+r.idOf(card.Text)); err != nil || !strings.Contains(told.Text, "Already decided") {
					r.Errorf("a click in the old group is answered %q (%v)", told.Text, err)
				}
			})
		})
	}
}

func TestAGroupBecomesAnotherWhileTheBotIsOff(t *testing.T) {
	inAGroup(t, "/renew@license_bot 1001", "Renew 1001", func(r *rig, group telegramserver.Room, _ telegramserver.Message) {
		r.stop()
		moved := r.world.Telegram.Migrate(group)
		r.start()
		anew := r.sees(r.dora, moved, "Renew 1001")
		r.stop()
		r.start()
		r.taps(r.dora, anew, "Confirm")
		r.becomes(r.dora, anew, "1001 was renewed")
		r.toldOnce(moved, anew)
	})
}

// What is on its way when the group becomes another comes through to the old one.
func TestAGroupBecomesAnotherMeanwhile(t *testing.T) {
	slow := func(r *rig, group telegramserver.Room, f telegramserver.Fault) {
		f.Chat, f.Times, f.Delay = group.Chat, 1, 5*time.Second
		r.world.Telegram.Break(f)
	}
	t.Run("posting", func(t *testing.T) {
		played(t, func(r *rig) {
			r.onTelegram(r.dora, "operator as dora")
			group := r.world.Telegram.Group("ops", r.dora)
			slow(r, group, telegramserver.Fault{Method: "sendMessage", After: true})
			r.dora.Says(group, "/renew@license_bot 1001")
			card := r.sees(r.dora, group, "Renew 1001")
			moved := r.world.Telegram.Migrate(group)
			anew := r.sees(r.dora, moved, "Renew 1001")
			r.taps(r.dora, card, "Confirm")
			r.becomes(r.dora, anew, "1001 was renewed")
			r.toldOnce(moved, anew)
		})
	})
	t.Run("editing", func(t *testing.T) {
		inAGroup(t, "/renew@license_bot 1001", "Renew 1001", func(r *rig, group telegramserver.Room, card telegramserver.Message) {
			slow(r, group, telegramserver.Fault{Method: "editMessageText", After: true})
			r.taps(r.dora, card, "Cancel")
			r.becomes(r.dora, card, "Cancelled by")
			moved := r.world.Telegram.Migrate(group)
			anew := r.sees(r.dora, moved, "Cancelled by")
			if len(anew.Keyboard) > 0 {
				r.Errorf("the question has %v", anew.Keyboard)
			}
		})
	})
	t.Run("refused", func(t *testing.T) {
		inAGroup(t, "/renew@license_bot 1001", "Renew 1001", func(r *rig, group telegramserver.Room, card telegramserver.Message) {
			slow(r, group, telegramserver.Fault{Method: "editMessageText", Status: http.StatusBadRequest})
			r.taps(r.dora, card, "Cancel")
			time.Sleep(time.Second)
			r.sees(r.dora, r.world.Telegram.Migrate(group), "Cancelled by")
		})
	})
}

func TestWhatIsOverStaysInItsGroup(t *testing.T) {
	inAGroup(t, "/renew@license_bot 1001", "Renew 1001", func(r *rig, group telegramserver.Room, card telegramserver.Message) {
		// Its effect is looked for for a day.
		r.world.Panel.Inject(panelserver.Fault{Func: "service.prolong", Step: panelserver.Changing, Times: 1, Answer: panelserver.GatewayTimeout()})
		r.taps(r.dora, card, "Confirm")
		time.Sleep(5 * time.Minute)
		r.becomes(r.dora, card, "was not renewed")
		moved := r.world.Telegram.Migrate(group)
		time.Sleep(time.Minute)
		if said := strings.ReplaceAll(r.room(moved), "\n----\n", ""); said != "" {
			r.Errorf("the bot says in the new group: %s", said)
		}
	})
}

func TestAnAnswerFollowsItsGroup(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "operator as dora")
		group := r.world.Telegram.Group("ops", r.dora)
		r.dora.Says(group, "/show@license_bot 1001")
		r.dora.Says(group, "/renew@license_bot 1002")
		moved := r.world.Telegram.Migrate(group)
		r.sees(r.dora, moved, "Licence 1001")
		r.sees(r.dora, moved, "Renew 1002")
	})
}

func TestASettingNamesAGroupThatHasBecomeAnother(t *testing.T) {
	played(t, func(r *rig) {
		var log strings.Builder
		group := r.world.Telegram.Group("ops", r.dora)
		r.stop()
		r.settings.AuditAnchor = settings.Places{{Transport: "telegram", ID: strconv.FormatInt(group.Chat, 10)}}
		r.around.Log = slog.New(slog.NewTextHandler(&log, nil))
		r.start()
		r.deaf()
		moved := r.world.Telegram.Migrate(group)
		time.Sleep(48 * time.Hour)
		r.sees(r.dora, moved, "Audit trail on 2000-01-02")
		r.stop()
		want := `write the new id there" part=bot setting=AUDIT_ANCHOR was=telegram:` +
			strconv.FormatInt(group.Chat, 10) + " is=telegram:" + strconv.FormatInt(moved.Chat, 10)
		if n := strings.Count(log.String(), want); n != 1 {
			r.Errorf("the log has it %d times, want once:\n%s", n, log.String())
		}
	})
}
