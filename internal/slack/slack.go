// Package slack is the Slack adapter: it turns what Slack sends into
// [chat.Inbound] and [chat.Message] into Block Kit.
//
// It may know package chat and the nouns behind it. It decides nothing: who may
// do what, what a command means and what is answered is the bot's. It is the only
// package that knows Slack's limits, escaping, identifiers and error codes, and
// the only one that imports slack-go.
//
// Three rules hold throughout:
//
//   - Nothing is acknowledged before [Sink.Take] has recorded it.
//   - Nothing is posted again by this package. An answer that did not arrive whole
//     is [chat.ErrLost]; the caller looks with [Adapter.Find] before it repeats.
//   - No token, signing secret, response_url or WebSocket ticket is in an error or
//     a log, and slack-go's debug mode is never on (it prints message bodies).
package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/requests"
)

// transport is the adapter's name in places, refs and accounts.
const transport = "slack"

// Config is what an Adapter needs. BotToken is required; with AppToken [Adapter.Run]
// receives by Socket Mode, with SigningSecret [Adapter.Routes] receives by HTTP.
type Config struct {
	BotToken      string // xoxb-…; secret
	AppToken      string // xapp-…; secret; "": no Socket Mode
	SigningSecret string // secret; "": the routes answer 401 to everything
	APIURL        string // "": https://slack.com/api/

	HTTP http.RoundTripper                                                 // nil: a transport of the adapter's own
	Dial func(ctx context.Context, network, addr string) (net.Conn, error) // of the WebSocket; nil: net
	Log  *slog.Logger                                                      // nil: nothing is logged
	Now  func() time.Time                                                  // nil: time.Now

	// Observe is told of every Web API call: the method ("response_url" for an
	// answer through one), what became of it (ok, limited, closed, gone, rejected,
	// temporary, lost) and how long it took. May be nil.
	Observe func(method, result string, d time.Duration)
	// Acked is told how long Slack waited for each acknowledgement of something
	// that was recorded. May be nil.
	Acked func(d time.Duration)
}

// Sink records what came in. Only after Take has returned nil is Slack told that
// it was received. It must return soon after ctx has ended, and may be called from
// many goroutines at once.
type Sink interface {
	Take(ctx context.Context, in []chat.Inbound) error
}

// Adapter speaks to one Slack workspace. Its methods may be called concurrently.
type Adapter struct {
	cfg   Config
	api   *slackgo.Client
	http  *sender
	scrub *scrubber
	state state
	home  atomic.Pointer[workspace]
}

// workspace is what auth.test tells.
type workspace struct {
	url  string // https://acme.slack.com/
	team string
	name string
	user string
}

// New makes an Adapter. It does no I/O. The error names the setting that is wrong
// and holds no value.
func New(cfg Config) (*Adapter, error) {
	for name, v := range map[string]string{"SLACK_BOT_TOKEN": cfg.BotToken, "SLACK_APP_TOKEN": cfg.AppToken} {
		if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, fmt.Errorf("%s holds characters that no token has: copy it again from the app's page on api.slack.com", name)
		}
	}
	if cfg.BotToken == "" {
		return nil, errors.New("SLACK_BOT_TOKEN is empty: copy the Bot User OAuth Token from the app's page on api.slack.com")
	}
	base, err := apiURL(cfg.APIURL)
	if err != nil {
		return nil, err
	}
	cfg.APIURL = base
	if cfg.HTTP == nil {
		cfg.HTTP = defaultTransport()
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{Timeout: callTimeout}).DialContext
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Observe == nil {
		cfg.Observe = func(string, string, time.Duration) {}
	}
	if cfg.Acked == nil {
		cfg.Acked = func(time.Duration) {}
	}
	a := &Adapter{cfg: cfg, http: newSender(cfg.HTTP), scrub: newScrubber(cfg.BotToken, cfg.AppToken, cfg.SigningSecret)}
	a.api = slackgo.New(cfg.BotToken,
		slackgo.OptionAppLevelToken(cfg.AppToken),
		slackgo.OptionAPIURL(cfg.APIURL),
		slackgo.OptionHTTPClient(a.http),
		slackgo.OptionLog(a.libraryLog()),
	)
	a.state.socket = cfg.AppToken != ""
	return a, nil
}

// apiURL checks the Web API's address and ends it in a slash: slack-go puts the
// method's name straight behind it.
func apiURL(s string) (string, error) {
	if s == "" {
		return slackgo.APIURL, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("SLACK_API_URL is no address of an API: write it like " + slackgo.APIURL)
	}
	return strings.TrimRight(s, "/") + "/", nil
}

// Name is the transport's name in places, refs and accounts.
func (a *Adapter) Name() string { return transport }

// Whispers says whether one person can be answered alone in that place: in Slack
// everywhere, by ephemeral messages.
func (a *Adapter) Whispers(chat.Place) bool { return true }

// Direct is the place where the account alone reads: Slack takes a user's id for a
// channel. An account that is not Slack's has none, the zero Place.
func (a *Adapter) Direct(account requests.Account) chat.Place {
	user := userOf(account)
	if user == "" {
		return chat.Place{}
	}
	return chat.Place{Transport: transport, ID: user, Private: true}
}

// Acknowledge has nothing to do in Slack: a click is acknowledged by the answer to
// its delivery, and there is no other sign of waiting to take away.
func (a *Adapter) Acknowledge(context.Context, chat.Inbound) error { return nil }

// Link is the message's address for a browser. While the workspace's own is not known
// ([Adapter.Run] asks for it in the background) it leads to the channel, by what Slack
// has for apps (docs.slack.dev/interactivity/deep-linking), and names the message only
// for whoever reads it.
func (a *Adapter) Link(ref chat.Ref) string {
	channel, ts, ok := splitRef(ref)
	if !ok {
		return ""
	}
	if home := a.home.Load(); home != nil && home.url != "" {
		return home.url + "archives/" + channel + "/p" + strings.Replace(ts, ".", "", 1)
	}
	return "https://slack.com/app_redirect?channel=" + channel + "&message_ts=" + ts
}

// Invite is the command by which people add the bot to a channel, "" while its name
// is not known yet.
func (a *Adapter) Invite() string {
	if home := a.home.Load(); home != nil && home.user != "" {
		return "/invite @" + home.user
	}
	return ""
}

// State says whether commands can come in, and else why not, in words for whoever
// runs the bot.
func (a *Adapter) State() (ready bool, why string) { return a.state.get() }

// makeRef names a message: "slack:CHANNEL/TS".
func makeRef(channel, ts string) chat.Ref {
	return chat.Ref(transport + ":" + channel + "/" + ts)
}

func splitRef(ref chat.Ref) (channel, ts string, ok bool) {
	rest, ok := strings.CutPrefix(string(ref), transport+":")
	if !ok {
		return "", "", false
	}
	channel, ts, ok = strings.Cut(rest, "/")
	return channel, ts, ok && channel != "" && ts != ""
}

// userOf is the user's id of a Slack account, "" for any other. It goes into
// markup, so that it is looked at once more whether it is an id.
func userOf(account requests.Account) string {
	rest, ok := strings.CutPrefix(string(account), transport+":")
	if !ok {
		return ""
	}
	team, user, _ := strings.Cut(rest, "/")
	if !isID(team, "TE") || !isID(user, "UW") {
		return ""
	}
	return user
}

// isID says whether s looks like one of Slack's ids that begin with one of these.
func isID(s, initials string) bool {
	if len(s) < 2 || len(s) > 31 || strings.IndexByte(initials, s[0]) < 0 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
