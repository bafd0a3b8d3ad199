// Package app puts the bot together: settings in, a running bot out. What `serve`
// runs is what the demo, the tests and the benchmark run, in their own process and
// against servers on loopback.
//
// It is the one place that knows all the bot's parts, and nothing of the sandbox or of
// those who run it. It has no rules of its own.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/isplicense/license-bot/internal/bot"
	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/commands"
	"github.com/isplicense/license-bot/internal/isplicense"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/settings"
	"github.com/isplicense/license-bot/internal/slack"
	"github.com/isplicense/license-bot/internal/store"
	"github.com/isplicense/license-bot/internal/telegram"
)

// World is what the bot has around it; the zero value is the real one.
type World struct {
	Now    func() time.Time
	Rand   io.Reader // of request ids
	Log    *slog.Logger
	Chats  http.RoundTripper // to Slack and Telegram
	Panel  http.RoundTripper // to the panel
	Dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	Listen func(network, addr string) (net.Listener, error)
	// Control answers the shell's verbs while the bot has the store; nil: nothing
	// does. It has to call changed in the transaction that changes the allowlist, and
	// returns what ends it.
	Control func(s *store.Store, changed func(*store.Tx) error) (stop func(), err error)
}

// App is the bot with all its parts. Start may be called once, Stop also after a Start
// that failed and more than once.
type App struct {
	settings settings.Settings
	world    World
	log      *slog.Logger

	panel     *isplicense.Client
	slack     *slack.Adapter
	slackHTTP bool
	telegram  *telegram.Adapter
	speaker   *chat.Speaker // in the language of places and of people whose own is not known
	metrics   *metrics
	listener  net.Listener
	addr      net.Addr

	mu     sync.Mutex
	core   *core
	down   string // why there is no core
	broken chan struct{}

	stops    []func(context.Context) // in the order in which the parts have started
	stopOnce sync.Once
	stopping chan struct{}
}

// New makes the parts; nothing is opened and nobody is called before Start.
func New(s settings.Settings, w World) (*App, error) {
	if w.Now == nil {
		w.Now = time.Now
	}
	if w.Log == nil {
		w.Log = slog.New(slog.DiscardHandler)
	}
	if w.Listen == nil {
		w.Listen = net.Listen
	}
	a := &App{settings: s, world: w, log: w.Log, stopping: make(chan struct{}), broken: make(chan struct{}), down: "not open"}
	a.speaker = chat.NewSpeaker(string(s.Locale), s.TimeZone.Location)
	a.metrics = newMetrics(func() bot.Counts {
		if c, _ := a.now(); c != nil {
			return c.bot.Counts()
		}
		return bot.Counts{}
	})
	if err := a.makePanel(); err != nil {
		return nil, err
	}
	if err := a.makeSlack(); err != nil {
		return nil, err
	}
	return a, a.makeTelegram()
}

func (a *App) makePanel() error {
	s := a.settings
	var err error
	a.panel, err = isplicense.New(isplicense.Config{
		URL: string(s.PanelURL), User: s.PanelUser.Reveal(), Password: s.PanelPassword.Reveal(),
		Timeout: s.PanelTimeout.Duration, Lang: string(s.Locale), HTTP: a.world.Panel, Now: a.world.Now,
		Log: a.log.With("part", "panel"), Observe: a.metrics.panelCall,
	})
	return err
}

func (a *App) makeSlack() error {
	s := a.settings
	if s.SlackBotToken.Reveal() == "" {
		return nil
	}
	a.slackHTTP = s.SlackSigningSecret.Reveal() != ""
	var err error
	a.slack, err = slack.New(slack.Config{
		BotToken: s.SlackBotToken.Reveal(), AppToken: s.SlackAppToken.Reveal(), SigningSecret: s.SlackSigningSecret.Reveal(),
		APIURL: string(s.SlackAPIURL), HTTP: a.world.Chats, Dial: a.world.Dial, Now: a.world.Now,
		Log: a.log.With("part", "slack"), Observe: a.metrics.chatCall("slack"), Acked: a.metrics.acknowledged("slack"),
	})
	return err
}

func (a *App) makeTelegram() error {
	s := a.settings
	if s.TelegramToken.Reveal() == "" {
		return nil
	}
	if u := string(s.TelegramWebhookURL); u != "" && !strings.HasSuffix(u, telegramRoute) {
		a.log.Warn("TELEGRAM_WEBHOOK_URL ends otherwise than where the bot listens: what stands before it has to lead there", "listens", telegramRoute)
	}
	var menu []telegram.Command
	for _, spec := range commands.Specs() {
		menu = append(menu, telegram.Command{Name: spec.Verb, Description: spec.About})
	}
	var err error
	a.telegram, err = telegram.New(telegram.Config{
		Token: s.TelegramToken.Reveal(), APIURL: string(s.TelegramAPIURL),
		WebhookURL: string(s.TelegramWebhookURL), WebhookSecret: s.TelegramWebhookSecret.Reveal(),
		Menu: map[string][]telegram.Command{"": menu},
		HTTP: a.world.Chats, Now: a.world.Now, Log: a.log.With("part", "telegram"), Observe: a.metrics.chatCall("telegram"),
		Acked: a.metrics.acknowledged("telegram"),
	})
	return err
}

// Start opens the store, listens, goes on with what was not finished, and connects
// to the chats. It does not wait for any of them, nor for the panel.
func (a *App) Start() error {
	for _, start := range []func() error{a.startCore, a.startHTTP, a.startChats} {
		if err := start(); err != nil {
			return err
		}
	}
	return nil
}

// Stop takes nothing more in, lets what is under way finish until ctx ends, and
// closes everything, the last started first.
func (a *App) Stop(ctx context.Context) {
	a.stopOnce.Do(func() {
		close(a.stopping)
		for _, stop := range slices.Backward(a.stops) {
			stop(ctx)
		}
	})
}

// Addr is where the bot listens.
func (a *App) Addr() net.Addr { return a.addr }

// Broken is closed when the store takes no more writes and can't be opened again
// here: it was damaged, or another process has it. The process should end. What
// passes, a full disk for one, is waited for.
func (a *App) Broken() <-chan struct{} { return a.broken }

// ErrNoAdmin says that nobody could ever be allowed to do anything.
var ErrNoAdmin = errors.New("ADMINS: the store has no admin yet: name the first as slack:TEAM/USER or telegram:ID")

// startBot starts the bot on the core's store, and the shell's way in.
func (a *App) startBot(c *core) error {
	s := a.settings
	zone := s.TimeZone.Location
	speakers := map[string]*chat.Speaker{"en": chat.NewSpeaker("en", zone)}
	var chats []bot.Chat
	if a.slack != nil {
		chats = append(chats, a.slack)
	}
	if a.telegram != nil {
		chats = append(chats, a.telegram)
	}
	approvals := map[requests.Action]int{}
	for action, n := range s.Approvals {
		approvals[requests.Action(action)] = n
	}
	anchors := places(s.AuditAnchor)
	c.bot = bot.New(bot.Config{
		Store: c.store, Panel: a.panel, Account: s.PanelUser.Reveal(), Chats: chats,
		Rules: requests.Rules{
			ConfirmTTL: s.ConfirmTTL.Duration, ApprovalTTL: s.ApprovalTTL.Duration,
			Settle: s.PanelSettle.Duration, Watch: watch, Approvals: approvals,
		},
		Zone: zone, Speaker: a.speaker, Speakers: speakers,
		Limit: bot.Limit{Count: s.RateLimit.Count, Per: s.RateLimit.Per}, Anchors: anchors,
		Named: map[string][]chat.Place{"NOTIFY": places(s.Notify), "AUDIT_ANCHOR": anchors},
		Now:   a.world.Now, Log: a.log.With("part", "bot"), Observer: a.metrics,
	})
	c.stops = append(c.stops, c.bot.Stop)
	if err := c.bot.Start(); err != nil {
		return err
	}
	if a.world.Control == nil {
		return nil
	}
	stop, err := a.world.Control(c.store, c.bot.MembersChanged)
	if err != nil {
		return err
	}
	c.stops = append(c.stops, func(context.Context) { stop() })
	return nil
}

func places(set settings.Places) []chat.Place {
	all := make([]chat.Place, len(set))
	for i, p := range set {
		all[i] = chat.Place{Transport: p.Transport, ID: p.ID, Thread: p.Topic}
	}
	return all
}

// watch is how long late effects of uncertain calls are looked for.
const watch = 24 * time.Hour

// listen takes the address, once. Who comes before the server runs waits for it.
func (a *App) listen() error {
	if a.listener != nil {
		return nil
	}
	l, err := a.world.Listen("tcp", string(a.settings.HTTPAddr))
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: cannot listen: %w", err)
	}
	a.listener, a.addr = l, l.Addr()
	a.stops = append(a.stops, func(context.Context) { _ = l.Close() }) // the server has closed it as a rule
	return nil
}

// lastRequests is how long a stop waits for requests that are still being read or
// answered. One is taken in no time; what holds longer is a sender that has gone
// silent, and until the wait is over the bot goes on beginning calls.
const lastRequests = 2 * time.Second

func (a *App) startHTTP() error {
	unspoken := &unspoken{conns: map[net.Conn]struct{}{}}
	server := &http.Server{
		Handler:           a.routes(),
		ConnState:         unspoken.note,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.With("part", "http").Handler(), slog.LevelWarn),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(a.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("the HTTP server stopped", "error", err)
		}
	}()
	a.stops = append(a.stops, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, lastRequests)
		defer cancel()
		unspoken.close()
		if err := server.Shutdown(ctx); err != nil {
			_ = server.Close() // the time is over
		}
		<-done
	})
	return nil
}

// startChats runs the adapters until the stop. Their intake is stopped first of all,
// before the bot finishes what it has taken.
func (a *App) startChats() error {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	run := func(name string, run func(context.Context) error) {
		wg.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("a chat's intake ended", "chat", name, "error", err)
			}
		})
	}
	if a.slack != nil {
		run("slack", func(ctx context.Context) error { return a.slack.Run(ctx, a.sinkSlack()) })
	}
	if a.telegram != nil {
		run("telegram", func(ctx context.Context) error { return a.telegram.Run(ctx, a.sinkTelegram()) })
	}
	a.stops = append(a.stops, func(context.Context) {
		cancel()
		wg.Wait()
	})
	return nil
}

type slackSink struct{ app *App }

func (s slackSink) Take(ctx context.Context, in []chat.Inbound) error {
	return s.app.take(ctx, in, nil)
}

func (a *App) sinkSlack() slack.Sink { return slackSink{a} }

// telegramSink keeps Telegram's offset in the transaction that takes the updates.
type telegramSink struct{ app *App }

// offsetOf names the offset of one bot account: another token counts anew.
func (a *App) offsetOf() string {
	id, _, _ := strings.Cut(a.settings.TelegramToken.Reveal(), ":")
	return "telegram/offset/" + id
}

func (s telegramSink) Offset(context.Context) (int64, error) {
	c, down := s.app.now()
	if c == nil {
		return 0, errors.New(down)
	}
	return readOffset(c.store, s.app.offsetOf())
}

func (s telegramSink) Take(ctx context.Context, in []chat.Inbound, next int64) error {
	return s.app.take(ctx, in, func(tx *store.Tx) error { return writeOffset(tx, s.app.offsetOf(), next) })
}

func (a *App) sinkTelegram() telegram.Sink { return telegramSink{a} }
