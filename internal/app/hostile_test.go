package app_test

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
	"github.com/isplicense/license-bot/internal/settings"
)

func TestRequestsThatAreNotSlacks(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		typed := r.says(r.ops, "/license renew 1001")
		card, err := r.ops.Sees(r.ctx(), channel, "Renew 1001")
		if err != nil {
			r.Fatal(err)
		}
		other := r.asks(r.ops, "/license renew 1008", "Renew 1008")
		pressed := r.presses(r.guest, other, "Confirm") // signed, and refused for who pressed it
		for name, how := range map[string]slackserver.Signing{
			"unsigned": {None: true}, "signed by another": {Secret: "another secret"},
			"stale": {Age: 6 * time.Minute}, "from the future": {Age: -6 * time.Minute},
		} {
			for _, d := range []*slackserver.Delivery{typed, pressed} {
				if status, err := d.Forge(r.ctx(), how); err != nil || status != 401 {
					r.Errorf("%s: %d, %v", name, status, err)
				}
			}
		}
		big := bytes.Repeat([]byte("x"), 1<<20+1)
		for _, path := range []string{"/slack/commands", "/slack/interactions", "/slack/events"} {
			for _, how := range []slackserver.Signing{{}, {None: true}} {
				if status, _, err := r.world.Slack.Post(r.ctx(), path, "application/x-www-form-urlencoded", big, how); err != nil || status != 413 {
					r.Errorf("%s, over 1 MiB: %d, %v", path, status, err)
				}
			}
			if status, _, err := r.world.Slack.Post(r.ctx(), path, "application/x-www-form-urlencoded", []byte("payload=%zz"), slackserver.Signing{}); err != nil || status != 400 {
				r.Errorf("%s, not understood: %d, %v", path, status, err)
			}
		}
		if err := r.world.Slack.VerifyURL(r.ctx()); err != nil {
			r.Error(err)
		}
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "1001 was renewed")
		r.charged("service.prolong", 1)
	})
}

func TestAnotherWorkspacesUserAndAGuest(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		foreigner := r.world.Slack.Foreigner("stranger", "T0ELSEWHERE")
		visitor := r.world.Slack.Guest("visitor")
		r.licenses.Invite(foreigner, visitor)
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		for _, u := range []*slackserver.User{foreigner, visitor} {
			m := r.tells(u, "/license renew 1001", "not on the allowlist")
			r.lacks(m.Text, "1001", "srv1")
			r.pressesInVain(u, card, "Confirm", "not on the allowlist")
		}
		// The same user id in another workspace is somebody else.
		r.tells(r.boss, "/license allow slack:T0ELSEWHERE/"+r.second.ID()+" admin as evil", "on the allowlist as admin")
		r.tells(r.second, "/license whoami", "Your role is approver")
		r.called("service.prolong", 0)
	})
}

func TestMadeUpButtons(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		other := r.asks(r.ops, "/license renew 1008", "Renew 1008")
		end := r.asks(r.ops, "/license terminate 1003", "Terminate 1003")
		id := func(m slackserver.Message) string { return r.idOf(m.Text) }
		forged := func(on slackserver.Message, action, value, answer string) {
			r.Helper()
			mark := r.world.Slack.Mark()
			if _, err := r.ops.PressesForged(on, slackserver.Button{ActionID: action, Value: value, BlockID: "b"}); err != nil {
				r.Fatal(err)
			}
			r.hears(r.ops, mark, answer)
		}
		forged(card, "confirm", id(other), "There is no such request")
		forged(card, "confirm", "zzzzzz", "There is no such request")
		forged(card, "confirm", "", "There is no such request")
		forged(card, "confirm", strings.Repeat("a", 1900), "There is no such request")
		forged(card, "explode", id(card), "not decided with that button")
		forged(card, "approve", id(card), "not decided with that button")
		forged(end, "confirm", id(end), "not decided with that button")
		forged(end, "approve", id(end), "takes the role approver")
		forged(card, "recheck", id(card), "Nothing is uncertain")
		forged(card, "renew", "1001 1012 period=year; drop", "1001")
		r.shows(card, "Renew 1001?")
		r.shows(other, "Renew 1008?")
		r.shows(end, "Terminate 1003?")
		if n := changing(r); n != 0 {
			r.Errorf("%d calls were made", n)
		}
	})
}

func TestAClickForgedOnAnotherMessage(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		other := r.asks(r.ops, "/license renew 1008", "Renew 1008")
		if _, err := r.guest.Says(channel, "just talking"); err != nil {
			r.Fatal(err)
		}
		said, err := r.ops.Sees(r.ctx(), channel, "just talking")
		if err != nil {
			r.Fatal(err)
		}
		confirm := card.Buttons()[0]
		mark := r.world.Slack.Mark()
		if _, err := r.guest.Says(channel, "talking on"); err != nil {
			r.Fatal(err)
		}
		strange, err := r.ops.Sees(r.ctx(), channel, "talking on")
		if err != nil {
			r.Fatal(err)
		}
		if _, err := r.alien.PressesForged(strange, confirm); err != nil {
			r.Fatal(err)
		}
		r.hears(r.alien, mark, "not on the allowlist")
		if _, err := r.guest.PressesForged(said, confirm); err != nil {
			r.Fatal(err)
		}
		r.hears(r.guest, mark, "request is ops")
		if _, err := r.ops.PressesForged(other, confirm); err != nil {
			r.Fatal(err)
		}
		r.hears(r.ops, mark, "There is no such request")
		r.called("service.prolong", 0)
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "1001 was renewed")
		if m := r.shows(said, ""); m.Text != "just talking" || len(m.Edits) > 0 {
			r.Errorf("somebody's message became %q", m.Text)
		}
		r.ends(card, "Confirmed by")
		for _, q := range r.world.Slack.Ledger() {
			if q.Method == "chat.update" && q.Args["ts"] == strange.TS {
				r.Error("a stranger's click made a message one of the request's")
			}
		}
	})
}

func TestForgedDataOnTelegram(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "operator as dora")
		home := r.dora.Private()
		r.dora.Says(home, "/renew 1001")
		card := r.sees(r.dora, home, "Renew 1001")
		for _, data := range []string{"confirm", "confirm:", "confirm:zzzzzz", ":", "approve:" + r.idOf(card.Text), "x:y:z", strings.Repeat("c", 64), "\x00", "confirm:../../x"} {
			a, err := r.dora.Forges(r.ctx(), card, data)
			if err != nil || !a.Answered || a.Text == "" {
				r.Errorf("%q: answered %+v, %v", data, a, err)
			}
		}
		r.called("service.prolong", 0)
		if told := r.taps(r.dora, card, "Confirm"); told != "" {
			r.Errorf("told %q", told)
		}
		r.sees(r.dora, home, "1001 was renewed")
	})
}

// hostile is text that has hurt other bots.
var hostile = []string{
	"<!channel>", "<!here|x>", "@here @channel @everyone", "<@U000000001>", "*bold* _it_ ~s~ `c`", "<https://evil.example|click>",
	"a&func=service.prolong&sok=ok", "a;b|c$(d)", "' OR 1=1 --", "</b><a href='https://evil.example'>x</a>", "&lt;!channel&gt;",
	"пароль", "😀😀😀", "a\u00a0b",
}

func TestHostileNames(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.onTelegram(r.dora, "operator as dora")
		for _, name := range hostile {
			before, _ := r.world.Panel.License("1001")
			card := r.asks(r.ops, `/license edit 1001 name="`+name+`"`, "Edit 1001")
			for _, whom := range card.Pings {
				if whom != r.ops.ID() {
					r.Errorf("%q pings %q", name, whom)
				}
			}
			r.lacks(string(card.Blocks), "<https://evil", "<!channel>", "<!here")
			r.presses(r.ops, card, "Confirm")
			r.reports(card, "1001 was edited")
			after, _ := r.world.Panel.License("1001")
			if after.Name == before.Name || after.IP != before.IP || after.Expires != before.Expires {
				r.Errorf("%q became %+v", name, after)
			}
			calls := r.world.Panel.Calls("softexternal.edit")
			if last := calls[len(calls)-1]; last.Params.Get("licname") != after.Name || len(last.Params["licname"]) != 1 {
				r.Errorf("%q was sent as %q", name, last.Params["licname"])
			}
		}
		r.called("service.prolong", 0)
	})
}

func TestWhatCannotBeSeenIsShownWhereItStands(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "operator as dora")
		group := r.world.Telegram.Group("ops", r.dora)
		for typed, room := range map[string]telegramserver.Room{
			"/renew 10\u200b01": r.dora.Private(), "renew 10\u200b01": r.dora.Private(), "/license  renew 10\u200b01": r.dora.Private(),
			"/renew@license_bot 10\u200b01": group, "/license@license_bot renew 10\u200b01": group,
		} {
			m := r.dora.Says(room, typed)
			if _, err := r.dora.SeesWhere(r.ctx(), room, func(a telegramserver.Message) bool {
				return a.ReplyTo == m.ID && strings.Contains(a.Text, "“renew 10�” cannot be seen (U+200B")
			}); err != nil {
				r.Errorf("%q: %v", typed, err)
			}
		}
	})
}

func TestTextThatCannotBeTaken(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		for text, answer := range map[string]string{
			`edit 1001 name="a` + "\u202e" + `b"`: `“edit 1001 name="a�” cannot be seen (U+202E`, `edit 1001 name="a` + "\u0007" + `b"`: "cannot be seen",
			`edit 1001 name="a` + "\u200b" + `b"`: "cannot be seen", `edit 1001 name=""`: "name is empty",
			`edit 1001 name="x`: "is not closed", "renew " + strings.Repeat("1012 ", 790): "Renew 1012?",
			"list " + strings.Repeat("ж", 2000): "too long", "renew 1001\n1008": "Renew 2 licences?", "renew -1": "no licence code",
			"renew 1001;1002": "no licence code", "renew " + codesFrom(2000, 51): "At most 50",
			"renew ip=1": "has no option", "allow everybody admin": "takes the role admin", "order \"\" ip=1.1.1.1": "",
			"edit 1001 ip=0.0.0.0": "not the IP address", "nodes 1002 -1": "no count",
			"nodes 1002 99999999999999999999": "no count", "\x00": "", "   ": "Your summary",
		} {
			mark := r.world.Slack.Mark()
			r.says(r.ops, "/license "+text)
			if _, err := r.ops.SeesSince(r.ctx(), mark, channel, answer); err != nil {
				r.Errorf("%.40q: %v", text, err)
			}
		}
		r.tells(r.boss, "/license allow everybody admin", "nobody's account")
		if n := changing(r); n != 0 {
			r.Errorf("%d calls were made", n)
		}
	})
}

// codesFrom is so many codes in a row.
func codesFrom(first, n int) string {
	codes := make([]string, n)
	for i := range codes {
		codes[i] = strconv.Itoa(first + i)
	}
	return strings.Join(codes, " ")
}

func TestLicencesWithHostileNamesAreShownAsTheyAre(t *testing.T) {
	name := `<b>x</b> <!channel> & "q" *b* <https://evil.example|y>`
	played(t, func(r *rig) {
		r.allow()
		r.onTelegram(r.dora, "operator as dora")
		if m := r.tells(r.guest, "/license show 2001", name); len(m.Pings) > 1 {
			r.Errorf("it pings %v", m.Pings)
		}
		r.tells(r.guest, "/license list 2001", `<b>x</b> <!channel> & "q" *b* <`)
		card := r.asks(r.ops, "/license renew 2001", name)
		for _, whom := range card.Pings {
			if whom != r.ops.ID() {
				r.Errorf("it pings %q", whom)
			}
		}
		r.presses(r.ops, card, "Cancel")
		r.ends(card, "cancelled")
		r.dora.Says(r.dora.Private(), "/renew 2001")
		mine := r.sees(r.dora, r.dora.Private(), name)
		for _, e := range mine.Entities {
			if e.URL != "" && strings.Contains(e.URL, "evil") {
				r.Errorf("it links to %s", e.URL)
			}
		}
	}, func(_ *settings.Settings, o *sandbox.Options) {
		o.Panel.Licenses = append(o.Panel.Licenses, panelserver.License{ID: "2001", Product: 546, Name: name, IP: "192.0.2.200", Period: 1})
	})
}

func TestTheRateOfOnePerson(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		for range 5 {
			r.tells(r.ops, "/license whoami", "operator")
		}
		r.tells(r.ops, "/license whoami", "go on at")
		r.tells(r.guest, "/license whoami", "viewer")
		time.Sleep(time.Minute)
		r.tells(r.ops, "/license whoami", "operator")
	}, fiveAMinute)
}

// The rate is a person's: from all their accounts, commands and clicks of any button
// together.
func TestTheRateOfAllThatOnePersonDoes(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.onTelegram(r.dora, "operator as ops")
		time.Sleep(time.Minute)
		home := r.dora.Private()
		forged := func(card slackserver.Message, action, value, answer string) {
			r.Helper()
			mark := r.world.Slack.Mark()
			if _, err := r.ops.PressesForged(card, slackserver.Button{ActionID: action, Value: value, BlockID: "b"}); err != nil {
				r.Fatal(err)
			}
			r.hears(r.ops, mark, answer)
		}
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		forged(card, "explode", r.idOf(card.Text), "not decided with that button")
		forged(card, "renew", "9999", "9999")
		r.dora.Says(home, "/whoami")
		r.sees(r.dora, home, "Your role is operator")
		r.dora.Says(home, "/list")
		r.sees(r.dora, home, "web-cluster")
		calls := len(r.world.Panel.Calls(""))
		forged(card, "confirm", r.idOf(card.Text), "go on at")
		forged(card, "renew", "1012", "go on at")
		r.tells(r.ops, "/license whoami", "go on at")
		r.dora.Says(home, "/whoami")
		r.sees(r.dora, home, "go on at")
		if n := len(r.world.Panel.Calls("")); n != calls {
			r.Errorf("%d calls of the panel for what was too much", n-calls)
		}
	}, fiveAMinute)
}

func fiveAMinute(s *settings.Settings, _ *sandbox.Options) {
	s.RateLimit = settings.Rate{Count: 5, Per: time.Minute}
}
