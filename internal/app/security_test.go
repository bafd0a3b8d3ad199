package app_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
	"github.com/isplicense/license-bot/internal/settings"
)

// Somebody who types without end fills neither the group nor the panel: in a group
// what they are told is told to all, and so it is told once.
func TestAFloodInAGroup(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "operator as dora")
		group := r.world.Telegram.Supergroup("ops", r.dora, r.zack)
		time.Sleep(time.Minute) // what she said to begin with counts no more
		for range 100 {
			r.dora.Says(group, "/list@license_bot")
			r.zack.Says(group, "/list@license_bot")
		}
		time.Sleep(30 * time.Second)
		answers := 0
		for _, m := range r.world.Telegram.Messages(group) {
			if m.From != r.dora.ID() && m.From != r.zack.ID() {
				answers++
			}
		}
		if answers != 2*(5+1) {
			r.Errorf("%d answers to two people who may have 5 each", answers)
		}
		if n := len(r.world.Panel.Calls("")); n > 5*6 {
			r.Errorf("%d calls of the panel", n)
		}
		time.Sleep(time.Minute)
		r.dora.Says(group, "/whoami@license_bot")
		r.sees(r.dora, group, "Your role is operator")

		// A click is told to who clicked alone, and so every one is.
		r.dora.Says(group, "/renew@license_bot 1001")
		card := r.sees(r.dora, group, "Renew 1001")
		time.Sleep(time.Minute)
		for i := range 20 {
			a, err := r.zack.Forges(r.ctx(), card, "confirm:"+r.idOf(card.Text))
			if err != nil || !a.Answered || a.Text == "" {
				r.Errorf("click %d is answered %+v, %v", i, a, err)
			}
		}
		r.called("service.prolong", 0)
	}, func(s *settings.Settings, _ *sandbox.Options) {
		s.RateLimit = settings.Rate{Count: 5, Per: time.Minute}
	})
}

// A licence that is called almost as another one is told from it in the question: by
// its code, its address and its product, and by a warning where alphabets are mixed.
func TestLookAlikeNamesInAnApproval(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.onTelegram(r.dora, "approver as dora")
		card := r.asks(r.ops, "/license terminate 2002", "Terminate 2002")
		mine := r.sees(r.dora, r.dora.Private(), "Terminate 2002")
		for _, text := range []string{card.Text, mine.Text} {
			for _, shown := range []string{"2002", "192.0.2.202", "shоp-test", "mixes Latin and Cyrillic"} {
				if !strings.Contains(text, shown) {
					r.Errorf("%q is not shown in\n%s", shown, text)
				}
			}
		}
		r.lacks(r.asks(r.ops, "/license terminate 2001", "Terminate 2001").Text, "mixes Latin and Cyrillic")
		// Marks that turn the direction of what is read are not shown at all.
		turned := r.asks(r.ops, "/license terminate 2003", "Terminate 2003")
		if strings.ContainsAny(turned.Text, "\u202e\u2066\u200b") || !strings.Contains(turned.Text, "2003") {
			r.Errorf("%q", turned.Text)
		}
	}, func(_ *settings.Settings, o *sandbox.Options) {
		for i, name := range []string{"shop-test", "shоp-test", "prod\u202etset\u2066\u200b"} {
			o.Panel.Licenses = append(o.Panel.Licenses, panelserver.License{
				ID: fmt.Sprint(2001 + i), Product: 546, Name: name, IP: fmt.Sprintf("192.0.2.%d", 201+i), Period: 1,
			})
		}
	})
}

// A word that only looks like a command, an option or a role is none.
func TestWordsThatOnlyLookRight(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		for _, text := range []string{
			"rеnew 1001", "tеrminate 1003", "renew\u200b 1001", "ｒｅｎｅｗ 1001", "renew 1００1", "renew 1001 реriod=month",
			"edit 1001 nаme=x", "allow @alien аdmin", "\u202erenew 1001", "settle аbcdef applied",
		} {
			mark := r.world.Slack.Mark()
			r.says(r.boss, "/license "+text)
			if m, err := r.boss.SeesSince(r.ctx(), mark, channel, ""); err != nil || !m.Ephemeral() {
				r.Errorf("%q is answered %q, %v", text, m.Text, err)
			}
		}
		r.audited()
		r.tells(r.alien, "/license whoami", "not on the allowlist")
		if n := changing(r); n != 0 {
			r.Errorf("%d calls were made", n)
		}
	})
}

// Roles are those of ids: a new name takes none away, and another's name gives none.
func TestATelegramNameIsNobody(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "operator as dora")
		impostor := r.world.Telegram.Person(telegramserver.Profile{Name: "Dora", Username: "dora"})
		impostor.Starts()
		impostor.Says(impostor.Private(), "/renew 1001")
		r.lacks(r.sees(impostor, impostor.Private(), "not on the allowlist").Text, "srv1")
		renamed := r.world.Telegram.Person(telegramserver.Profile{ID: r.dora.ID(), Name: "Zoe", Username: "zoe"})
		renamed.Says(renamed.Private(), "/renew 1001")
		r.taps(renamed, r.sees(renamed, renamed.Private(), "Renew 1001"), "Confirm")
		r.sees(renamed, renamed.Private(), "1001 was renewed")
		r.tells(r.boss, "/license allow @dora admin", "")
		r.tells(r.boss, "/license allow dora admin", "")
		r.tells(r.boss, "/license members", "dora")
		for _, e := range r.entries() {
			if strings.Contains(e.Detail, fmt.Sprint(impostor.ID())) {
				r.Errorf("the impostor was allowed: %s", e.Detail)
			}
		}
	})
}

// TestThreatsAreTested holds the pages that promise something to the tests that they
// name.
func TestThreatsAreTested(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "grep", "-rhoE", "--include=*_test.go", `^func (Test|Fuzz)[A-Za-z0-9_]+`, "../..").Output()
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		there[strings.TrimPrefix(strings.TrimSpace(line), "func ")] = true
	}
	for _, page := range []string{"security.md", "field.md"} {
		doc, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		if named := promises(t, page, string(doc), there); named < 50 {
			t.Errorf("%s names %d tests", page, named)
		}
	}
}

// promises looks at a page's rows and gives how many tests they name.
func promises(t *testing.T, page, doc string, there map[string]bool) (named int) {
	heading := ""
	for line := range strings.Lines(doc) {
		tests := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`").FindAllStringSubmatch(line, -1)
		named += len(tests)
		for _, m := range tests {
			if !there[m[1]] {
				t.Errorf("%s: there is no %s", page, m[1])
			}
		}
		row := strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| ---")
		if row && heading != "" {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
			if len(cells) < 3 || len(tests) == 0 {
				t.Errorf("%s: no test holds this line: %s", page, line)
			}
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			heading = ""
		case heading == "":
			heading = line
		}
	}
	return named
}
