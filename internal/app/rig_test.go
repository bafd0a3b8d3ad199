package app_test

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/isplicense/license-bot/internal/app"
	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
	"github.com/isplicense/license-bot/internal/settings"
)

// rig is the whole bot with the three servers and some people around it.
type rig struct {
	*testing.T
	world    *sandbox.World
	app      *app.App
	settings settings.Settings
	around   app.World       // what the bot is started with
	carrier  *http.Transport // of HTTP in memory; nil on loopback

	deliveries *deliveries // to the bot; nil on loopback

	licenses *slackserver.Channel
	ops      *slackserver.User // operator
	boss     *slackserver.User // admin
	second   *slackserver.User // approver
	guest    *slackserver.User // viewer
	alien    *slackserver.User // nobody

	dora *telegramserver.Person // operator, once allowed
	zack *telegramserver.Person // nobody
}

// change is what a test has otherwise than the others.
type change func(*settings.Settings, *sandbox.Options)

// played plays a scene in a bubble, over wires in memory: waiting takes no time
// there, and so every pause and deadline is the real one.
func played(t *testing.T, scene func(*rig), changes ...change) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { scene(makeRig(t, newWires(), changes)) })
}

// newRig is the same on loopback, in real time.
func newRig(t *testing.T, changes ...change) *rig {
	t.Helper()
	t.Parallel()
	return makeRig(t, nil, changes)
}

// makeRig starts the servers and the bot, with Slack over HTTP unless told otherwise.
func makeRig(t *testing.T, net *wires, changes []change) *rig {
	t.Helper()
	r := &rig{T: t}
	r.around.Log = slog.New(slog.NewTextHandler(r.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	o := sandbox.Options{Panel: panelserver.Options{Licenses: panelserver.Sample(time.Now())}}
	if net != nil {
		carrier := net.transport()
		r.carrier, r.deliveries = carrier, &deliveries{next: carrier}
		t.Cleanup(carrier.CloseIdleConnections)
		o.Listen, o.Slack.Transport, o.Telegram.Transport = net.Listen, r.deliveries, r.deliveries
		r.around.Listen, r.around.Dial, r.around.Chats, r.around.Panel = net.Listen, net.Dial, carrier, carrier
	}
	s := usual(t)
	for _, c := range changes {
		c(&s, &o)
	}
	var err error
	if r.world, err = sandbox.Start(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.world.Close)
	user, password := r.world.Panel.User()
	s.PanelURL, s.PanelUser, s.PanelPassword = settings.Endpoint(r.world.PanelURL), secret(user), secret(password)
	s.SlackAPIURL, s.TelegramAPIURL = settings.Endpoint(r.world.SlackURL), settings.Endpoint(r.world.TelegramURL)
	r.settings = s
	r.people()
	r.settings.Admins = settings.Accounts{slackAccount(r.boss)}
	r.start()
	t.Cleanup(r.stop)
	return r
}

// usual is the settings' defaults, with both chats on.
func usual(t *testing.T) settings.Settings {
	span := func(d time.Duration) settings.Duration { return settings.Duration{Duration: d} }
	return settings.Settings{
		PanelTimeout: span(30 * time.Second), PanelSettle: span(time.Minute),
		ConfirmTTL: span(15 * time.Minute), ApprovalTTL: span(24 * time.Hour),
		Approvals: settings.Approvals{"terminate": 1}, Locale: "en", HTTPAddr: "127.0.0.1:0",
		TimeZone: settings.Zone{Location: time.UTC}, Store: settings.Path(filepath.Join(t.TempDir(), "bot.db")),
		SlackBotToken: secret("xoxb-sandbox-bot"), SlackSigningSecret: secret("sandbox-signing-secret"),
		TelegramToken: secret(telegramserver.DefaultToken),
	}
}

func secret(v string) (s settings.Secret) {
	_ = s.Decode(v) // takes everything
	return s
}

// bySocket has Slack connected by Socket Mode alone.
func bySocket(s *settings.Settings, _ *sandbox.Options) {
	s.SlackAppToken, s.SlackSigningSecret = secret("xapp-sandbox-app"), settings.Secret{}
}

// approvals sets APPROVALS.
func approvals(a settings.Approvals) change {
	return func(s *settings.Settings, _ *sandbox.Options) { s.Approvals = a }
}

// ways sets the panel's ways.
func ways(set func(*panelserver.Ways)) change {
	return func(_ *settings.Settings, o *sandbox.Options) { set(&o.Panel.Ways) }
}

func (r *rig) people() {
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
}

// start starts the bot, or a new one on the same store, and waits until the chats
// reach it.
func (r *rig) start() {
	r.Helper()
	a, err := app.New(r.settings, r.around)
	if err != nil {
		r.Fatal(err)
	}
	r.app = a
	if err := a.Start(); err != nil {
		r.Fatal(err)
	}
	if r.settings.SlackSigningSecret.IsSet() {
		r.world.Slack.SetBotURL("http://" + a.Addr().String())
	} else if r.settings.SlackBotToken.IsSet() {
		r.world.Slack.SetBotURL("")
		if err := r.world.Slack.Await(r.ctx(), func() bool { return r.world.Slack.Sockets() > 0 }); err != nil {
			r.Fatal("the bot has opened no socket: ", err)
		}
	}
}

// stop stops the bot as SIGTERM does.
func (r *rig) stop() {
	if r.app == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r.app.Stop(ctx)
	r.app = nil
}

// patience is how long a person waits for something to appear. In a bubble it
// costs nothing; elsewhere it is spent only where a test fails.
const patience = 10 * time.Second

func (r *rig) ctx() context.Context { return r.within(patience) }

func (r *rig) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(r.Context(), d)
	r.Cleanup(cancel)
	return ctx
}

// get asks one of the bot's own routes.
func (r *rig) get(method, path string) (status int, body string) {
	r.Helper()
	carrier := http.DefaultTransport
	if r.carrier != nil {
		carrier = r.carrier
	}
	req, err := http.NewRequestWithContext(r.ctx(), method, "http://"+r.app.Addr().String()+path, nil)
	if err != nil {
		r.Fatal(err)
	}
	resp, err := carrier.RoundTrip(req)
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode, read(r, resp.Body)
}
