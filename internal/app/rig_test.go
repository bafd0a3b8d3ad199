package app_test

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/app"
	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
	"github.com/isplicense/license-bot/internal/settings"
	"github.com/isplicense/license-bot/internal/store"
)

// rig is the whole bot with the three servers and some people around it.
type rig struct {
	*testing.T
	world    *sandbox.World
	app      *app.App
	settings settings.Settings

	licenses *slackserver.Channel
	ops      *slackserver.User // operator
	boss     *slackserver.User // admin
	second   *slackserver.User // approver
	guest    *slackserver.User // viewer
	alien    *slackserver.User // nobody

	dora *telegramserver.Person // operator
	zack *telegramserver.Person // nobody
}

func secret(v string) (s settings.Secret) {
	_ = s.Decode(v) // takes everything
	return s
}

// newRig starts the servers and the bot, with Slack over HTTP unless told otherwise.
func newRig(t *testing.T, change ...func(*settings.Settings, *sandbox.Options)) *rig {
	t.Helper()
	r := &rig{T: t}
	o := sandbox.Options{Panel: panelserver.Options{Licenses: panelserver.Sample(time.Now())}}
	s := settings.Settings{
		PanelTimeout: settings.Duration{Duration: 5 * time.Second}, PanelSettle: settings.Duration{Duration: 2 * time.Second},
		ConfirmTTL: settings.Duration{Duration: 15 * time.Minute}, ApprovalTTL: settings.Duration{Duration: 24 * time.Hour},
		Approvals: settings.Approvals{"terminate": 1}, Locale: "en", HTTPAddr: "127.0.0.1:0",
		TimeZone: settings.Zone{Location: time.UTC}, Store: settings.Path(filepath.Join(t.TempDir(), "bot.db")),
	}
	for _, c := range change {
		c(&s, &o)
	}
	var err error
	if r.world, err = sandbox.Start(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.world.Close)
	user, password := r.world.Panel.User()
	s.PanelURL, s.PanelUser, s.PanelPassword = settings.Endpoint(r.world.PanelURL), secret(user), secret(password)
	s.SlackBotToken, s.SlackAPIURL = secret("xoxb-sandbox-bot"), settings.Endpoint(r.world.SlackURL)
	if !s.SlackAppToken.IsSet() {
		s.SlackSigningSecret = secret("sandbox-signing-secret")
	}
	s.TelegramToken, s.TelegramAPIURL = secret(r.world.Telegram.Token()), settings.Endpoint(r.world.TelegramURL)

	r.licenses = r.world.Slack.Channel("licenses")
	r.licenses.InviteBot()
	person := func(name string) *slackserver.User {
		u := r.world.Slack.User(name)
		r.licenses.Invite(u)
		return u
	}
	r.ops, r.boss, r.second, r.guest, r.alien = person("ops"), person("boss"), person("second"), person("guest"), person("alien")
	r.dora = r.world.Telegram.Person(telegramserver.Profile{Name: "Dora"})
	r.zack = r.world.Telegram.Person(telegramserver.Profile{Name: "Zack"})
	s.Admins = settings.Accounts{slackAccount(r.boss)}
	r.settings = s
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

func slackAccount(u *slackserver.User) string { return "slack:" + slackserver.TeamID + "/" + u.ID() }

func (r *rig) start() {
	r.Helper()
	a, err := app.New(r.settings, app.World{Log: slog.New(slog.NewTextHandler(r.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))})
	if err != nil {
		r.Fatal(err)
	}
	r.app = a
	if err := a.Start(); err != nil {
		r.Fatal(err)
	}
	if !r.settings.SlackAppToken.IsSet() {
		r.world.Slack.SetBotURL("http://" + a.Addr().String())
	}
}

func (r *rig) stop() {
	if r.app == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r.app.Stop(ctx)
	r.app = nil
}

func (r *rig) ctx() context.Context {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	r.Cleanup(cancel)
	return ctx
}

// allow makes everybody what their name says.
func (r *rig) allow() {
	r.Helper()
	for _, m := range []struct{ who, role string }{
		{"@ops", "operator as ops"}, {"@second", "approver as second"},
		{"@guest", "viewer as guest"},
	} {
		mark := r.world.Slack.Mark()
		r.says(r.boss, "/license allow "+m.who+" "+m.role)
		m, err := r.boss.SeesSince(r.ctx(), mark, "#licenses", "")
		if err != nil {
			r.Fatal(err)
		}
		r.Log(m.Text)
	}
}

func (r *rig) says(who *slackserver.User, text string) *slackserver.Delivery {
	r.Helper()
	d, err := who.Says("#licenses", text)
	if err != nil {
		r.Fatal(err)
	}
	return d
}

func (r *rig) sees(who *slackserver.User, text string) slackserver.Message {
	r.Helper()
	m, err := who.Sees(r.ctx(), "#licenses", text)
	if err != nil {
		r.Fatal(err)
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

var (
	_ = http.StatusOK
	_ = store.ErrInUse
)
