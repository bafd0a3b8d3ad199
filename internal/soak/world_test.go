package soak

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
	"github.com/isplicense/license-bot/internal/store"
)

// world is the three servers with people in them, and all that a bot process needs
// to work there.
type world struct {
	*sandbox.World
	t      testing.TB
	binary string
	addr   string
	store  string // path
	env    []string
	log    *journal

	channels []*slackserver.Channel // the first is #licenses
	users    []*slackserver.User
	chatters []*telegramserver.Person
	people   []requests.Member

	// acknowledged is called when a chat has told a person that something arrived.
	acknowledged func()
}

// times by which the processes under test are sped up.
const (
	settle  = time.Second
	timeout = 2 * time.Second
)

func newWorld(t testing.TB, bin, addr string, o sandbox.Options) *world {
	t.Helper()
	dir, err := os.MkdirTemp(built.dir, "w") //nolint:usetesting // short: a socket's path beside the store has 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // TestMain removes the folder around it
	w := &world{
		t: t, binary: bin, addr: addr, store: filepath.Join(dir, "bot.db"), log: &journal{},
		acknowledged: func() {},
	}
	if w.World, err = sandbox.Start(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	user, password := w.Panel.User()
	w.env = []string{
		"ISPLICENSE_URL=" + w.PanelURL, "ISPLICENSE_USER=" + user, "ISPLICENSE_PASSWORD=" + password,
		"ISPLICENSE_TIMEOUT=" + timeout.String(), "ISPLICENSE_SETTLE=" + settle.String(),
		"SLACK_BOT_TOKEN=xoxb-sandbox-bot", "SLACK_APP_TOKEN=", "SLACK_SIGNING_SECRET=", "SLACK_API_URL=" + w.SlackURL,
		"TELEGRAM_TOKEN=" + w.Telegram.Token(), "TELEGRAM_API_URL=" + w.TelegramURL, "TELEGRAM_WEBHOOK_URL=",
		"HTTP_ADDR=" + addr, "STORE=" + w.store, "RATE_LIMIT=off", "ADMINS=slack:" + slackserver.TeamID + "/U0BOSS",
	}
	w.channel("licenses")
	return w
}

// byHTTP and bySocket choose how Slack delivers; both can be on.
func (w *world) byHTTP()   { w.env = append(w.env, "SLACK_SIGNING_SECRET=sandbox-signing-secret") }
func (w *world) bySocket() { w.env = append(w.env, "SLACK_APP_TOKEN=xapp-sandbox-app") }

// channel makes a channel with the bot in it.
func (w *world) channel(name string) *slackserver.Channel {
	c := w.Slack.Channel(name)
	c.InviteBot()
	w.channels = append(w.channels, c)
	return c
}

// onSlack makes a member of the workspace, who is in all channels so far, and puts
// them on the allowlist.
func (w *world) onSlack(name string, role requests.Role) *slackserver.User {
	u := w.Slack.User(name)
	for _, c := range w.channels {
		c.Invite(u)
	}
	w.users = append(w.users, u)
	w.people = append(w.people, requests.Member{Person: name, Role: role, Accounts: []requests.Account{slackAccount(u)}})
	return u
}

// onTelegram makes a person who has pressed Start, and puts them on the allowlist.
func (w *world) onTelegram(name string, role requests.Role) *telegramserver.Person {
	p := w.Telegram.Person(telegramserver.Profile{Name: name})
	p.Starts()
	w.chatters = append(w.chatters, p)
	w.people = append(w.people, requests.Member{Person: name, Role: role, Accounts: []requests.Account{telegramAccount(p)}})
	return p
}

func slackAccount(u *slackserver.User) requests.Account {
	return requests.Account("slack:" + slackserver.TeamID + "/" + u.ID())
}

func telegramAccount(p *telegramserver.Person) requests.Account {
	return requests.Account(fmt.Sprintf("telegram:%d", p.ID()))
}

// admit writes the allowlist before the bot runs for the first time.
func (w *world) admit() {
	w.t.Helper()
	w.inStore(func(s *store.Store) error {
		return s.Update(context.Background(), func(tx *store.Tx) error {
			for _, m := range w.people {
				if err := tx.PutMember(m); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// inStore opens the store while no bot runs.
func (w *world) inStore(look func(*store.Store) error) {
	w.t.Helper()
	s, err := store.Open(w.store, store.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := look(s); err != nil {
		w.t.Error(err)
	}
	if err := s.Close(); err != nil {
		w.t.Error(err)
	}
}

// licence is one in the panel at the start, which expires in a fortnight.
func licence(code string) panelserver.License {
	return panelserver.License{
		ID: code, Product: 546, Name: "srv" + code, IP: "192.0.2.10", Period: panelserver.Month,
		Created: time.Now().AddDate(-1, 0, 0).Format(time.DateOnly),
		Expires: time.Now().AddDate(0, 0, 14).Format(time.DateOnly),
	}
}

// slackPlaces is what was posted in each channel and direct conversation.
func (w *world) slackPlaces() [][]slackserver.Message {
	var all [][]slackserver.Message
	for _, c := range w.channels {
		all = append(all, c.Messages())
	}
	for _, u := range w.users {
		m, err := u.Screen(u.DM())
		if err != nil {
			w.t.Error(err)
		}
		all = append(all, m)
	}
	return all
}

// state is what the panel has of a licence; the zero state where it has none.
type state struct{ code, name, expires string }

// look gives the state of a licence by its code, or by the name that it was ordered
// under.
func (w *world) look(about string) state {
	for _, l := range w.Panel.Licenses() {
		if l.ID == about || l.Name == about {
			return state{l.ID, l.Name, l.Expires}
		}
	}
	return state{}
}
