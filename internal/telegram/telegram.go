// Package telegram puts the bot on Telegram: the Bot API's updates become
// [chat.Inbound], and [chat.Message] becomes HTML with buttons.
//
// It may know packages chat and requests (accounts). It decides nothing: who may do
// what, and what is said, is elsewhere. Telegram's limits, its markup, its errors
// and its token are here and nowhere else.
//
// Of github.com/go-telegram/bot it uses the methods and their parameters. Three
// things it does itself, because the library can't do them safely:
//
//   - Polling. The library confirms an update before it is handled, so a kill would
//     lose it; and one update that it can't decode stops it for ever. Here a batch
//     and its offset are stored in one transaction before the next one is asked for.
//   - The webhook. The library answers 200 to a wrong secret, and before anything is
//     stored.
//   - The token. It is part of every URL, and so of errors and debug logs. The
//     library is given a stand-in, and a RoundTripper of ours puts the real one in.
package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-telegram/bot"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/requests"
)

// transport is the adapter's name in places, refs and accounts.
const transport = "telegram"

// DefaultAPIURL is Telegram's own Bot API server.
const DefaultAPIURL = "https://api.telegram.org"

// callTimeout bounds every call but the long poll.
const callTimeout = 30 * time.Second

// Command is a line of the menu: Name is 1 to 32 of a-z, 0-9 and _, Description at
// most 256 UTF-16 code units (core.telegram.org/bots/api#botcommand).
type Command struct{ Name, Description string }

// Config is what an [Adapter] needs. Token is required; all else may be zero.
type Config struct {
	Token         string
	APIURL        string // "" for [DefaultAPIURL]
	WebhookURL    string // "" for long polling
	WebhookSecret string // required with WebhookURL: 1 to 256 of A-Z, a-z, 0-9, _ and -

	Menu map[string][]Command // by language ("en", "ru"); "" for all others

	HTTP    http.RoundTripper                               // nil for one with the default settings
	Log     *slog.Logger                                    // nil for none
	Now     func() time.Time                                // nil for time.Now
	Observe func(method, result string, took time.Duration) // told of every call; may be nil
	// Acked is told how long each command and click that was recorded kept Telegram
	// waiting for a 200 or the next getUpdates. May be nil.
	Acked func(took time.Duration)
}

// Adapter is one bot on Telegram. Its methods may be called at once.
type Adapter struct {
	cfg    Config
	log    *slog.Logger
	client *http.Client
	api    *bot.Bot
	redact *strings.Replacer // of what others say

	username atomic.Pointer[string] // without the @; nil until Telegram has told it

	mu    sync.Mutex
	ready bool
	why   string
}

var (
	tokenForm  = regexp.MustCompile(`^[0-9]+:[A-Za-z0-9_-]+$`)
	secretForm = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// New makes an adapter. It calls nobody.
func New(cfg Config) (*Adapter, error) {
	cfg.Token = strings.TrimSpace(cfg.Token)
	if !tokenForm.MatchString(cfg.Token) {
		return nil, errors.New("this is no bot token: it has the form 123456789:ABC…; ask @BotFather for it")
	}
	if cfg.APIURL == "" {
		cfg.APIURL = DefaultAPIURL
	}
	cfg.APIURL = strings.TrimRight(cfg.APIURL, "/")
	if u, err := url.Parse(cfg.APIURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" {
		return nil, errors.New("the Bot API's address must be an http or https URL")
	}
	if cfg.WebhookURL != "" && (len(cfg.WebhookSecret) > 256 || !secretForm.MatchString(cfg.WebhookSecret)) {
		return nil, errors.New("a webhook needs a secret: 1 to 256 letters, digits, _ and -")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Acked == nil {
		cfg.Acked = func(time.Duration) {}
	}
	if cfg.HTTP == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		// A POST can't be sent again on a connection that the other side has just
		// closed, so idle ones are not kept for long.
		t.IdleConnTimeout = 30 * time.Second
		cfg.HTTP = t
	}
	_, key, _ := strings.Cut(cfg.Token, ":")
	a := &Adapter{cfg: cfg, log: cfg.Log, why: "starting", redact: redacting(key, cfg.WebhookSecret)}
	a.client = &http.Client{
		Transport: &tokenTransport{base: cfg.HTTP, token: cfg.Token},
		// A redirect would carry the URL, token and all, on to somebody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	api, err := bot.New(standIn,
		bot.WithSkipGetMe(),
		bot.WithServerURL(cfg.APIURL),
		bot.WithHTTPClient(callTimeout, a.client),
		// What goes wrong comes back from the calls; the library would print it.
		bot.WithErrorsHandler(func(error) {}),
		bot.WithDebugHandler(func(string, ...any) {}),
	)
	if err != nil {
		return nil, fmt.Errorf("setting up Telegram: %w", err)
	}
	a.api = api
	return a, nil
}

// Name is "telegram".
func (a *Adapter) Name() string { return transport }

// State says whether updates are coming in, and if not, why, in a sentence without
// secrets.
func (a *Adapter) State() (ready bool, why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ready, a.why
}

// setState notes how it stands; a change is logged once.
func (a *Adapter) setState(ready bool, why string) {
	a.mu.Lock()
	changed := a.ready != ready || a.why != why
	a.ready, a.why = ready, why
	a.mu.Unlock()
	switch {
	case !changed:
	case ready:
		a.log.Info("telegram: receiving updates")
	default:
		a.log.Warn("telegram: not receiving updates", "why", why)
	}
}

// advice is an error that says what to do about it.
type advice struct {
	text string
	err  error
}

func (e *advice) Error() string { return e.text }
func (e *advice) Unwrap() error { return e.err }

// Check asks Telegram who the bot is (getMe) and says it: "@name (id 123)". The
// error says what is wrong and what to do about it.
func (a *Adapter) Check(ctx context.Context) (who string, err error) {
	result, err := a.call(ctx, "getMe", "", func(ctx context.Context) error {
		_, err := a.api.GetMe(ctx)
		return err
	})
	if err != nil {
		return "", &advice{reason(err), err}
	}
	var me struct {
		ID       int64  `json:"id"`
		Username string `json:"username"`
	}
	if err := json.Unmarshal(result, &me); err != nil || me.Username == "" {
		return "", fmt.Errorf("telegram getMe: %w; check TELEGRAM_API_URL", chat.ErrLost)
	}
	a.username.Store(&me.Username)
	return "@" + me.Username + " (id " + strconv.FormatInt(me.ID, 10) + ")", nil
}

// Whispers says whether nobody but the asker sees an answer in the place.
func (a *Adapter) Whispers(p chat.Place) bool { return p.Private }

// Direct is the person's chat with the bot; the zero Place for an account that is
// not Telegram's. The person must have pressed Start there once.
func (a *Adapter) Direct(who requests.Account) chat.Place {
	id, ok := strings.CutPrefix(string(who), transport+":")
	if !ok {
		return chat.Place{}
	}
	return chat.Place{Transport: transport, ID: id, Private: true}
}

// Link is an address that opens the message for those in the chat; "" where
// Telegram has none: it has one in supergroups and channels alone.
func (a *Adapter) Link(r chat.Ref) string {
	chatID, id, err := splitRef(r)
	if err != nil {
		return ""
	}
	internal, ok := strings.CutPrefix(chatID, "-100")
	if !ok || internal == "" {
		return ""
	}
	return "https://t.me/c/" + internal + "/" + strconv.Itoa(id)
}

// Find can't be done: the Bot API has no way to look for a message.
func (a *Adapter) Find(context.Context, chat.Post, time.Time) (chat.Ref, bool, error) {
	return "", false, chat.ErrCannotLook
}

func refOf(chatID string, messageID int) chat.Ref {
	return chat.Ref(transport + ":" + chatID + "/" + strconv.Itoa(messageID))
}

func splitRef(r chat.Ref) (chatID string, messageID int, err error) {
	name, ok := strings.CutPrefix(string(r), transport+":")
	chatID, id, slash := strings.Cut(name, "/")
	messageID, err = strconv.Atoi(id)
	if !ok || !slash || err != nil || messageID <= 0 {
		return "", 0, fmt.Errorf("%q names no Telegram message: %w", r, chat.ErrRejected)
	}
	return chatID, messageID, nil
}
