package app_test

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
	"github.com/isplicense/license-bot/internal/store"
)

const channel = "#licenses"

func slackAccount(u *slackserver.User) string { return "slack:" + slackserver.TeamID + "/" + u.ID() }

func telegramAccount(p *telegramserver.Person) string {
	return "telegram:" + strconv.FormatInt(p.ID(), 10)
}

func read(r *rig, from io.Reader) string {
	b, err := io.ReadAll(from)
	if err != nil {
		r.Fatal(err)
	}
	return string(b)
}

// allow makes everybody in Slack what their name says.
func (r *rig) allow() {
	r.Helper()
	r.bossAllows("@ops operator as ops")
	r.bossAllows("@second approver as second")
	r.bossAllows("@guest viewer as guest")
}

func (r *rig) bossAllows(what string) {
	r.Helper()
	r.tells(r.boss, "/license allow "+what, "")
}

// onTelegram has somebody open the private chat with the bot, and be allowed.
func (r *rig) onTelegram(p *telegramserver.Person, role string) {
	r.Helper()
	p.Starts()
	r.bossAllows(telegramAccount(p) + " " + role)
}

func (r *rig) says(who *slackserver.User, text string) *slackserver.Delivery {
	r.Helper()
	d, err := who.Says(channel, text)
	if err != nil {
		r.Fatal(err)
	}
	return d
}

// asks types a command and gives the question that everybody sees.
func (r *rig) asks(who *slackserver.User, command, shows string) slackserver.Message {
	r.Helper()
	return r.asksWithin(who, command, shows, patience)
}

func (r *rig) asksWithin(who *slackserver.User, command, shows string, d time.Duration) slackserver.Message {
	r.Helper()
	mark := r.world.Slack.Mark()
	r.says(who, command)
	m, err := who.SeesWhere(r.within(d), mark, channel, func(m slackserver.Message) bool {
		return !m.Ephemeral() && m.ThreadTS == "" && strings.Contains(m.Text, shows)
	})
	if err != nil {
		r.Fatalf("%s asked %q and sees no question with %q: %v%s", who.Name(), command, shows, err, r.screen(who, channel))
	}
	return m
}

// tells types a command and gives the answer, which nobody else may see.
func (r *rig) tells(who *slackserver.User, command, answer string) slackserver.Message {
	r.Helper()
	mark := r.world.Slack.Mark()
	r.says(who, command)
	return r.hears(who, mark, answer)
}

// hears gives what the person alone is told.
func (r *rig) hears(who *slackserver.User, since slackserver.Mark, text string) slackserver.Message {
	r.Helper()
	m, err := who.SeesWhere(r.ctx(), since, channel, func(m slackserver.Message) bool {
		return m.Ephemeral() && strings.Contains(m.Text, text)
	})
	if err != nil {
		r.Fatalf("%s is not told %q: %v%s", who.Name(), text, err, r.screen(who, channel))
	}
	return m
}

func (r *rig) presses(who *slackserver.User, on slackserver.Message, button string) *slackserver.Delivery {
	r.Helper()
	d, err := who.Presses(on, button)
	if err != nil {
		r.Fatal(err)
	}
	return d
}

// pressesInVain presses a button and is told why nothing follows.
func (r *rig) pressesInVain(who *slackserver.User, on slackserver.Message, button, answer string) {
	r.Helper()
	mark := r.world.Slack.Mark()
	r.presses(who, on, button)
	r.hears(who, mark, answer)
}

// shows waits until a message reads so, and gives it as it is then.
func (r *rig) shows(m slackserver.Message, text string) slackserver.Message {
	r.Helper()
	now, err := r.ops.SeesWhere(r.ctx(), 0, m.Channel, func(n slackserver.Message) bool {
		return n.TS == m.TS && strings.Contains(n.Text, text)
	})
	if err != nil {
		r.Fatalf("the message does not become %q: %v%s", text, err, r.screen(r.ops, m.Channel))
	}
	return now
}

// ends waits until a question reads so and has no buttons any more.
func (r *rig) ends(card slackserver.Message, text string) slackserver.Message {
	r.Helper()
	return r.endsWithin(card, text, 5*patience)
}

func (r *rig) endsWithin(card slackserver.Message, text string, d time.Duration) slackserver.Message {
	r.Helper()
	now, err := r.ops.SeesWhere(r.within(d), 0, card.Channel, func(n slackserver.Message) bool {
		return n.TS == card.TS && strings.Contains(n.Text, text) && len(n.Buttons()) == 0
	})
	if err != nil {
		r.Fatalf("the question does not end as %q: %v%s", text, err, r.screen(r.ops, card.Channel))
	}
	return now
}

// reports waits for a reply in the question's thread.
func (r *rig) reports(card slackserver.Message, text string) slackserver.Message {
	r.Helper()
	return r.reportsWithin(card, text, 5*patience)
}

func (r *rig) reportsWithin(card slackserver.Message, text string, d time.Duration) slackserver.Message {
	r.Helper()
	m, err := r.ops.SeesWhere(r.within(d), 0, card.Channel, func(m slackserver.Message) bool {
		return m.ThreadTS == card.TS && m.TS != card.TS && strings.Contains(m.Text, text)
	})
	if err != nil {
		r.Fatalf("the thread has no %q: %v%s", text, err, r.screen(r.ops, card.Channel))
	}
	return m
}

// replies counts what stands in a thread with the text.
func (r *rig) replies(card slackserver.Message, text string) (n int) {
	r.Helper()
	thread, err := r.ops.Thread(card)
	if err != nil {
		r.Fatal(err)
	}
	for _, m := range thread {
		if strings.Contains(m.Text, text) {
			n++
		}
	}
	return n
}

func (r *rig) screen(who *slackserver.User, channel string) string {
	shown, err := who.Screen(channel)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, m := range shown[max(0, len(shown)-6):] {
		b.WriteString("\n----\n" + m.Text)
		for _, button := range m.Buttons() {
			b.WriteString(" [" + button.Label + "]")
		}
	}
	return b.String()
}

// charged says that the panel has done a function so many times.
func (r *rig) charged(fn string, n int) {
	r.Helper()
	if got := r.world.Panel.Count(fn).Effects; got != n {
		r.Errorf("the panel has done %s %d times, want %d", fn, got, n)
	}
}

// called says that the panel was asked to change something so many times.
func (r *rig) called(fn string, n int) {
	r.Helper()
	got := 0
	for _, c := range r.world.Panel.Calls(fn) {
		if c.Changing {
			got++
		}
	}
	if got != n {
		r.Errorf("the panel was asked for %s %d times, want %d", fn, got, n)
	}
}

// trail is the audit trail, an entry as "event by person".
func (r *rig) trail() (lines []string) {
	r.Helper()
	for _, e := range r.entries() {
		if e.Event != requests.EventAllowed {
			lines = append(lines, string(e.Event)+" by "+e.Person)
		}
	}
	return lines
}

func (r *rig) entries() (all []requests.Entry) {
	r.Helper()
	err := r.app.Audit(func(s *store.Store) error {
		return s.View(func(tx *store.Tx) error {
			return tx.Entries(1, func(e requests.Entry) error {
				all = append(all, e)
				return nil
			})
		})
	})
	if err != nil {
		r.Fatal(err)
	}
	return all
}

// audited compares the trail, without who was allowed, with what it should be.
func (r *rig) audited(want ...string) {
	r.Helper()
	if got := r.trail(); !slices.Equal(got, want) {
		r.Errorf("the audit trail is\n %s\nwant\n %s", strings.Join(got, "\n "), strings.Join(want, "\n "))
	}
}

// idOf reads a request's id off its question.
func (r *rig) idOf(text string) string {
	r.Helper()
	_, rest, ok := strings.Cut(text, "Request ")
	id, _, dot := strings.Cut(rest, ".")
	if !ok || !dot {
		r.Fatalf("no request's id in %q", text)
	}
	return id
}

// sees waits for a message of the bot's on Telegram.
func (r *rig) sees(who *telegramserver.Person, room telegramserver.Room, text string) telegramserver.Message {
	r.Helper()
	m, err := who.Sees(r.within(5*patience), room, text)
	if err != nil {
		r.Fatalf("%v; in the chat: %s", err, r.room(room))
	}
	return m
}

// becomes waits until a message on Telegram reads so and has no buttons any more.
func (r *rig) becomes(who *telegramserver.Person, m telegramserver.Message, text string) telegramserver.Message {
	r.Helper()
	return r.becomesWithin(who, m, text, 5*patience)
}

func (r *rig) becomesWithin(who *telegramserver.Person, m telegramserver.Message, text string, d time.Duration) telegramserver.Message {
	r.Helper()
	now, err := who.SeesBecome(r.within(d), m, text)
	if err != nil {
		r.Fatalf("%v; in the chat: %s", err, r.room(m.Room))
	}
	return now
}

// taps presses a button on Telegram and gives what the person is told.
func (r *rig) taps(who *telegramserver.Person, m telegramserver.Message, button string) string {
	r.Helper()
	a, err := who.Presses(r.ctx(), m, button)
	if err != nil || !a.Answered {
		r.Fatalf("%q was not answered: %v", button, err)
	}
	return a.Text
}

func (r *rig) room(room telegramserver.Room) string {
	var b strings.Builder
	for _, m := range r.world.Telegram.Messages(room) {
		b.WriteString("\n----\n" + m.Text)
	}
	return b.String()
}

// lacks says that a text holds none of the words.
func (r *rig) lacks(text string, words ...string) {
	r.Helper()
	for _, w := range words {
		if strings.Contains(text, w) {
			r.Errorf("%q shows %q", text, w)
		}
	}
}
