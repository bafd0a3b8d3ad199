package app_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/isplicense/license-bot/internal/control"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
	"github.com/isplicense/license-bot/internal/settings"
	"github.com/isplicense/license-bot/internal/store"
)

// counts waits until a card on Telegram, which keeps its buttons, reads so.
func (r *rig) counts(who *telegramserver.Person, m telegramserver.Message, text string) {
	r.Helper()
	if now := r.becomes(who, m, text); len(now.Keyboard) == 0 {
		r.Errorf("the card has lost its buttons: %s", now.Text)
	}
}

func TestAnOpenQuestionFollowsTheAllowlist(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license terminate 1003", "0 of 2 approvals, 2 missing. Can approve: @second and @boss.")
		r.presses(r.second, card, "Approve")
		r.shows(card, "1 of 2 approvals, by @second; 1 missing. Can approve: @boss.")

		r.onTelegram(r.dora, "approver as dora")
		r.shows(card, "1 missing. Can approve: dora and @boss.")
		mine := r.sees(r.dora, r.dora.Private(), "1 of 2 approvals, by second; 1 missing.")

		r.tells(r.boss, "/license allow @second operator", "operator now")
		r.shows(card, "0 of 2 approvals, 2 missing. Can approve: dora and @boss.")
		r.counts(r.dora, mine, "0 of 2 approvals, 2 missing.")

		r.tells(r.boss, "/license revoke "+telegramAccount(r.dora), "any more")
		r.shows(card, "Can approve: @boss.\nToo few people on the allowlist can approve it now.")
		r.counts(r.dora, mine, "Too few people")

		r.bossAllows(telegramAccount(r.dora) + " approver as dora")
		r.shows(card, "0 of 2 approvals, 2 missing. Can approve: dora and @boss.")
		r.tells(r.boss, "/license allow "+telegramAccount(r.dora)+" viewer", "viewer now")

		// As it was posted, which it has not been meanwhile.
		r.tells(r.boss, "/license allow @second approver", "approver now")
		if now := r.shows(card, "0 of 2 approvals, 2 missing. Can approve: @second and @boss."); now.Text != card.Text {
			r.Errorf("the question reads\n%s\nand was\n%s", now.Text, card.Text)
		}
		r.presses(r.boss, card, "Approve")
		r.shows(card, "1 of 2 approvals, by @boss; 1 missing. Can approve: @second.")
		r.called("softexternal.delete", 0)
		r.presses(r.second, card, "Approve")
		r.reports(card, "1003 was terminated")
		r.becomes(r.dora, mine, "1003 was terminated")
		if n := strings.Count(r.room(r.dora.Private()), "Request "); n != 1 {
			r.Errorf("dora has %d cards", n)
		}
	}, approvals(settings.Approvals{"terminate": 2}))
}

func TestNobodyCanApproveAnyMore(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.boss, "/license terminate 1003", "Can approve: @second.")
		r.tells(r.boss, "/license revoke @second", "any more")
		r.shows(card, "0 of 1 approvals, 1 missing.\nNobody on the allowlist can approve it now. An admin can add approvers: /license allow WHO approver")
		r.pressesInVain(r.second, card, "Approve", "not on the allowlist")
		r.tells(r.boss, "/license allow @guest approver as guest", "approver now")
		now := r.shows(card, "0 of 1 approvals, 1 missing. Can approve: @guest.")
		r.lacks(now.Text, "Nobody")
		r.presses(r.guest, card, "Approve")
		r.reports(card, "1003 was terminated")
	})
}

func TestAVoterWhoTurnsOutToBeTheRequester(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license terminate 1003", "0 of 2 approvals")
		r.presses(r.second, card, "Approve")
		r.shows(card, "1 of 2 approvals, by @second; 1 missing. Can approve: @boss.")
		r.tells(r.boss, "/license revoke @ops", "any more")
		r.tells(r.boss, "/license allow @ops approver as second", "is second")
		r.shows(card, "0 of 2 approvals, 2 missing. Can approve: @boss.\nToo few people")
		r.pressesInVain(r.second, card, "Approve", "of their own")
		r.called("softexternal.delete", 0)
	}, approvals(settings.Approvals{"terminate": 2}))
}

func TestANewApproverOfAQuestionOnTelegram(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.onTelegram(r.dora, "admin as dora")
		r.zack.Starts()
		r.dora.Says(r.dora.Private(), "/terminate 1003")
		card := r.sees(r.dora, r.dora.Private(), "Can approve: second and "+slackAccount(r.boss))
		r.dora.Says(r.dora.Private(), "/allow "+telegramAccount(r.zack)+" approver as Zack")
		r.counts(r.dora, card, "Can approve: Zack, second and ")
		mine := r.sees(r.zack, r.zack.Private(), "0 of 1 approvals, 1 missing.")
		r.dora.Says(r.dora.Private(), "/revoke "+slackAccount(r.second))
		r.counts(r.dora, card, "Can approve: Zack and ")
		r.taps(r.zack, mine, "Approve")
		r.becomes(r.dora, card, "1003 was terminated")
		r.becomes(r.zack, mine, "1003 was terminated")
	})
}

// shell has the allowlist changed from a shell: by the bot that runs, or in the file.
func (r *rig) shell(change func(control.Store)) {
	r.Helper()
	s, err := control.Open(string(r.settings.Store), slog.New(slog.DiscardHandler))
	if err != nil {
		r.Fatal(err)
	}
	change(s)
	if err := s.Close(); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) shellAllows(who string, role requests.Role, as string) {
	r.Helper()
	r.shell(func(s control.Store) {
		g := requests.Grant{Account: requests.Account(who), Role: role, As: as}
		if _, err := s.Allow(r.ctx(), g, "shell:root"); err != nil {
			r.Error(err)
		}
	})
}

func (r *rig) shellRevokes(who string) {
	r.Helper()
	r.shell(func(s control.Store) {
		if _, err := s.Revoke(r.ctx(), requests.Account(who), "shell:root"); err != nil {
			r.Error(err)
		}
	})
}

func TestTheAllowlistFromAShellWhileTheBotRuns(t *testing.T) {
	r := newRig(t)
	r.settings.Approvals = settings.Approvals{"terminate": 2}
	r.around.Control = func(s *store.Store, changed func(*store.Tx) error) (func(), error) {
		return control.Serve(s, changed, string(r.settings.Store), slog.New(slog.DiscardHandler))
	}
	r.stop()
	r.start()
	r.allow()
	r.dora.Starts()
	card := r.asks(r.ops, "/license terminate 1003", "0 of 2 approvals")
	r.presses(r.second, card, "Approve")
	r.shows(card, "1 of 2 approvals, by @second")
	r.shellRevokes(slackAccount(r.second))
	r.shows(card, "0 of 2 approvals, 2 missing. Can approve: @boss.\nToo few people")
	r.shellAllows(telegramAccount(r.dora), requests.Approver, "dora")
	r.shows(card, "0 of 2 approvals, 2 missing. Can approve: dora and @boss.")
	mine := r.sees(r.dora, r.dora.Private(), "0 of 2 approvals, 2 missing.")
	r.presses(r.boss, card, "Approve")
	r.counts(r.dora, mine, "1 of 2 approvals")
	r.taps(r.dora, mine, "Approve")
	r.reports(card, "1003 was terminated")
}

func TestTheAllowlistFromAShellWhileTheBotIsOff(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.dora.Starts()
		card := r.asks(r.ops, "/license terminate 1003", "0 of 2 approvals")
		r.presses(r.second, card, "Approve")
		r.shows(card, "1 of 2 approvals, by @second")
		r.stop()
		r.shellRevokes(slackAccount(r.second))
		r.shellAllows(telegramAccount(r.dora), requests.Approver, "dora")
		r.start()
		r.shows(card, "0 of 2 approvals, 2 missing. Can approve: dora and @boss.")
		mine := r.sees(r.dora, r.dora.Private(), "0 of 2 approvals, 2 missing.")
		r.stop()
		r.start()
		r.presses(r.boss, card, "Approve")
		r.counts(r.dora, mine, "1 of 2 approvals")
		r.taps(r.dora, mine, "Approve")
		r.reports(card, "1003 was terminated")
		if n := strings.Count(r.room(r.dora.Private()), "Request "); n != 1 {
			r.Errorf("dora has %d cards", n)
		}
	}, approvals(settings.Approvals{"terminate": 2}))
}
