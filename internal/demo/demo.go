// Package demo plays the bot's main job with nothing to set up: the real bot with
// its real adapters and client, against the sandbox's Slack, Telegram and licence
// panel on loopback.
//
// Nothing in it is told: each line of the transcript is what one of the servers
// saw, and every step is checked. It knows the bot from outside, by package app and its
// settings, and the store for the audit trail alone.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/isplicense/license-bot/internal/app"
	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
	"github.com/isplicense/license-bot/internal/settings"
)

// Options is how the demo is run.
type Options struct {
	Addr  string       // where the transcript's page is served after the tour
	Once  bool         // end after the tour
	Out   io.Writer    // the transcript
	Color bool         // with a terminal's colours
	Log   *slog.Logger // the bot's own log
}

// Run plays the tour and prints it, then serves it as a page until ctx ends. It
// leaves nothing behind. Its error is the first step that did not hold.
func Run(ctx context.Context, o Options) (err error) {
	var l net.Listener
	if !o.Once {
		// Before the tour: nobody should watch it to learn that the port is taken.
		if l, err = net.Listen("tcp", o.Addr); err != nil {
			return fmt.Errorf("--addr: cannot listen on %s: %w", o.Addr, err)
		}
		defer func() { _ = l.Close() }() // closed by the server as a rule
	}
	t := &transcript{out: o.Out, color: o.Color}
	s, err := open(o.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	err = s.connected(ctx)
	if err == nil {
		err = s.play(ctx, t)
	}
	if err != nil && ctx.Err() != nil {
		// What was waited for at that moment says nothing.
		return errors.New("interrupted before the end of the tour")
	}
	if err != nil {
		return err
	}
	if o.Once {
		return nil
	}
	return serve(ctx, l, t, o.Out)
}

// stage is everything that the tour needs, running.
type stage struct {
	world *sandbox.World
	app   *app.App
	dir   string
	store string

	channel                 *slackserver.Channel
	alice, bob, carol, root *slackserver.User
	dora                    *telegramserver.Person
}

func secret(v string) (s settings.Secret) {
	_ = s.Decode(v) // takes everything
	return s
}

func open(log *slog.Logger) (*stage, error) {
	dir, err := os.MkdirTemp("", "license-bot-demo-")
	if err != nil {
		return nil, fmt.Errorf("no folder can be made for the demo's store; set TMPDIR to one that can be written: %w", err)
	}
	s := &stage{dir: dir, store: filepath.Join(dir, "bot.db")}
	if err := s.start(log); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stage) start(log *slog.Logger) error {
	var err error
	s.world, err = sandbox.Start(sandbox.Options{
		Panel: panelserver.Options{Licenses: panelserver.Sample(time.Now())},
	})
	if err != nil {
		return err
	}
	slack := s.world.Slack
	s.channel = slack.Channel("licences")
	s.channel.InviteBot()
	s.alice, s.bob, s.carol, s.root = slack.User("alice"), slack.User("bob"), slack.User("carol"), slack.User("root")
	s.channel.Invite(s.alice, s.bob, s.carol, s.root)
	s.dora = s.world.Telegram.Person(telegramserver.Profile{Name: "dora"})
	user, password := s.world.Panel.User()
	s.app, err = app.New(settings.Settings{
		PanelURL: settings.Endpoint(s.world.PanelURL), PanelUser: secret(user), PanelPassword: secret(password),
		PanelTimeout: settings.Duration{Duration: 5 * time.Second}, PanelSettle: settings.Duration{Duration: 5 * time.Second},
		SlackBotToken: secret("xoxb-sandbox-bot"), SlackAppToken: secret("xapp-sandbox-app"),
		SlackAPIURL:   settings.Endpoint(s.world.SlackURL),
		TelegramToken: secret(s.world.Telegram.Token()), TelegramAPIURL: settings.Endpoint(s.world.TelegramURL),
		HTTPAddr: "127.0.0.1:0", Store: settings.Path(s.store), Admins: settings.Accounts{account(s.root)},
		ConfirmTTL: settings.Duration{Duration: 15 * time.Minute}, ApprovalTTL: settings.Duration{Duration: 24 * time.Hour},
		Approvals: settings.Approvals{"terminate": 1}, TimeZone: settings.Zone{Location: time.UTC}, Locale: "en",
	}, app.World{Log: log})
	if err != nil {
		return err
	}
	return s.app.Start()
}

// connected waits until the bot has both chats: Slack fails what is typed before.
func (s *stage) connected(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := s.world.Slack.Await(ctx, func() bool { return s.world.Slack.Sockets() > 0 })
	if err == nil {
		err = s.world.Telegram.Await(ctx, s.world.Telegram.Polling)
	}
	if err != nil {
		return fmt.Errorf("the bot did not connect: %w", err)
	}
	return nil
}

func account(u *slackserver.User) string { return "slack:" + slackserver.TeamID + "/" + u.ID() }

func (s *stage) close() error {
	if s.app != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.app.Stop(ctx)
	}
	if s.world != nil {
		s.world.Close()
	}
	return os.RemoveAll(s.dir)
}

// serve shows the transcript until ctx ends.
func serve(ctx context.Context, l net.Listener, t *transcript, out io.Writer) error {
	server := &http.Server{Handler: page(t), ReadHeaderTimeout: 10 * time.Second}
	_, _ = fmt.Fprintf(out, "\nThe transcript is at http://%s until you press Ctrl-C.\n", l.Addr()) // see transcript.add
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	_ = server.Close() // a page has nothing to finish
	<-done             //nolint:errcheck // it says that it was closed
	return nil
}
