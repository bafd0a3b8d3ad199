package app_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
	"github.com/isplicense/license-bot/internal/settings"
	"github.com/isplicense/license-bot/internal/store"
)

// What must never be seen outside. The password has what URLs, forms and XML escape.
const (
	secretBot      = "xoxb-7351-bOtToKeNsEcReT-4f9a"
	secretApp      = "xapp-1-aPpLeVeLsEcReT-77d0"
	secretSigning  = "8f742231b10e8888abcd99yyyzzz85a5"
	secretTelegram = "7351735100:AAHqTeLeGrAmSeCrEt-x_9QwZr"
	secretHook     = "wEbHoOkSeCrEt_41-20"
	secretUser     = "panel-login-0815"
	secretPassword = `p4N3l &+%"<wOrD>/?=é!`
)

// withSecrets has the bot and the servers use those.
func withSecrets(s *settings.Settings, o *sandbox.Options) {
	o.Slack.BotToken, o.Slack.AppToken, o.Slack.SigningSecret = secretBot, secretApp, secretSigning
	o.Telegram.Token = secretTelegram
	o.Panel.User, o.Panel.Password, o.Panel.Ways.EchoPassword = secretUser, secretPassword, true
	s.SlackBotToken, s.SlackSigningSecret = secret(secretBot), secret(secretSigning)
	s.TelegramToken = secret(secretTelegram)
}

// journal is a log that is kept.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func (j *journal) Reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.buf.Reset()
}

// logger writes everything, down to the debug level.
func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// guises are the forms of a secret, and of its halves, in which the bot's libraries
// write: as it is, in URLs, forms, JSON, XML, hex and base64.
func guises(secret string) (forms []string) {
	parts := []string{secret}
	if n := len(secret); n >= 20 {
		parts = append(parts, secret[:n/2], secret[n/2:])
	}
	for _, p := range parts {
		quoted, _ := json.Marshal(p)
		forms = append(forms,
			p, url.QueryEscape(p), url.PathEscape(p), (&url.URL{Path: "/" + p}).String()[1:], html.EscapeString(p),
			strings.Trim(string(quoted), `"`), strings.Trim(fmt.Sprintf("%q", p), `"`), hex.EncodeToString([]byte(p)),
		)
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			for shift := range 3 { // wherever it stands in what was encoded
				b := enc.EncodeToString(append(make([]byte, shift), p...))
				forms = append(forms, b[(shift*8+5)/6:len(b)-1])
			}
		}
	}
	slices.Sort(forms)
	return slices.Compact(forms)
}

// clean says that none of the outputs holds any of the secrets, given by name in all
// their guises.
func (r *rig) clean(secrets map[string][]string, outputs map[string]string) {
	r.Helper()
	for where, text := range outputs {
		for name, forms := range secrets {
			for _, f := range forms {
				if i := strings.Index(text, f); i >= 0 {
					r.Errorf("%s: the %s is in it: …%s…", where, name, text[max(0, i-120):min(len(text), i+len(f)+60)])
					break
				}
			}
		}
	}
}

// indiscreet is a network whose failures tell all that they know.
type indiscreet struct {
	next http.RoundTripper
	how  atomic.Int32
}

const (
	discreet  = iota
	failing   // an error with the whole request in it
	torn      // an answer that breaks off with such an error
	echoing   // a proxy's page with the whole request in it
	echoJSON  // an API's refusal with it
	echoXML   // the panel's refusal with it
	redirects // to an address with it
	ways_
)

func (i *indiscreet) RoundTrip(req *http.Request) (*http.Response, error) {
	how := i.how.Load()
	if how == discreet {
		return i.next.RoundTrip(req)
	}
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		_ = req.Body.Close()
	}
	all := fmt.Sprintf("%s %s %v %s", req.Method, req.URL, req.Header, body)
	if plain, err := url.QueryUnescape(string(body)); err == nil {
		all += " " + plain
	}
	answer := func(status int, kind, text string) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
			Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(text)), ContentLength: -1,
		}, nil
	}
	quoted, _ := json.Marshal(all)
	switch how {
	case torn:
		resp, err := answer(200, "application/json", "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"ok":`), broken{errors.New(all)}))
		return resp, err
	case echoing:
		return answer(502, "text/html", "<html>"+all+"</html>")
	case echoJSON:
		return answer(400, "application/json", fmt.Sprintf(`{"ok":false,"error":%s,"error_code":400,"description":%s,"needed":%s}`, quoted, quoted, quoted))
	case echoXML:
		text := html.EscapeString(all)
		return answer(200, "text/xml", `<doc><error type="value" object="`+text+`"><msg>`+text+`</msg><detail>`+text+`</detail></error></doc>`)
	case redirects:
		resp, err := answer(307, "text/plain", "")
		resp.Header.Set("Location", "https://elsewhere.example/?"+url.QueryEscape(all))
		return resp, err
	}
	return nil, &url.Error{Op: "Post", URL: req.URL.String(), Err: errors.New(all)}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// spill panics once with all secrets, in a goroutine that is in the function.
type spill struct{ in atomic.Pointer[string] }

func (s *spill) now() time.Time {
	if where := s.in.Load(); where != nil && strings.Contains(string(debug.Stack()), *where) && s.in.CompareAndSwap(where, nil) {
		panic(errors.New(strings.Join([]string{secretBot, secretApp, secretSigning, secretTelegram, secretHook, secretUser, secretPassword}, " ")))
	}
	return time.Now()
}

// everyday is some of all that people do, whatever comes of it.
func (r *rig) everyday() {
	for _, text := range []string{"list", "show 1001", "balance", "history 1001", "renew 1001 1008", "terminate 1003", "order 546 ip=192.0.2.9", "nonsense", "audit"} {
		_, _ = r.boss.Says(channel, "/license "+text)
	}
	r.dora.Says(r.dora.Private(), "/renew 1012")
	time.Sleep(2 * time.Minute)
	for _, m := range r.licenses.Messages() {
		for _, b := range m.Buttons() {
			for _, who := range []*slackserver.User{r.alien, r.second, r.boss} {
				_, _ = who.Presses(m, b.Label)
				break
			}
		}
	}
	for _, m := range r.licenses.Messages() {
		if len(m.Buttons()) > 0 {
			_, _ = r.boss.Presses(m, m.Buttons()[0].Label)
			_, _ = r.second.Presses(m, m.Buttons()[0].Label)
		}
	}
	for _, m := range r.world.Telegram.Messages(r.dora.Private()) {
		if len(m.Keyboard) > 0 {
			_, _ = r.dora.Clicks(m, m.Keyboard[0][0].Text)
		}
	}
	time.Sleep(10 * time.Minute)
}

// shown is all that anybody can see of the bot.
func (r *rig) shown() map[string]string {
	r.Helper()
	var said strings.Builder
	for _, m := range r.licenses.Messages() {
		fmt.Fprintf(&said, "%s %s %s\n", m.Text, m.Fallback, m.Blocks)
	}
	for _, u := range []*slackserver.User{r.boss, r.ops, r.second} {
		said.WriteString(r.screen(u, u.DM()))
	}
	said.WriteString(r.room(r.dora.Private()))
	var trail bytes.Buffer
	for _, e := range r.entries() {
		trail.Write(store.Line(e))
	}
	out := map[string]string{"messages": said.String(), "audit trail": trail.String()}
	for _, path := range []string{"/metrics", "/readyz", "/healthz", "/slack/commands", "/slack/nothing", "/telegram/webhook"} {
		for _, method := range []string{"GET", "POST"} {
			_, body := r.get(method, path)
			out[method+" "+path] = body
		}
	}
	for _, c := range r.app.Checks() {
		found, err := c.Ask(r.ctx())
		out["check "+c.Name] = fmt.Sprintf("%s %v %+v", found, err, err)
	}
	return out
}

// handles are the response_urls and trigger_ids that Slack has given out.
func (r *rig) handles() map[string][]string {
	r.Helper()
	all := map[string][]string{}
	for i, d := range r.world.Slack.Deliveries() {
		var p struct {
			URL     string `json:"response_url"`
			Trigger string `json:"trigger_id"`
		}
		if err := json.Unmarshal(d.Payload(), &p); err != nil {
			r.Fatal(err)
		}
		if p.URL != "" {
			u, err := url.Parse(p.URL)
			if err != nil {
				r.Fatal(err)
			}
			all[fmt.Sprint("response_url ", i)] = []string{u.Path, url.QueryEscape(u.Path)}
		}
		if p.Trigger != "" {
			all[fmt.Sprint("trigger_id ", i)] = []string{p.Trigger}
		}
	}
	if len(all) < 10 {
		r.Fatalf("Slack has given out %v alone", all)
	}
	return all
}

func TestNoSecretIsSeen(t *testing.T) {
	secrets := map[string][]string{"WebSocket ticket": {"ticket="}}
	for name, s := range map[string]string{
		"bot token": secretBot, "app token": secretApp, "signing secret": secretSigning, "Telegram token": secretTelegram,
		"half of the Telegram token": secretTelegram[strings.Index(secretTelegram, ":")+1:], "webhook secret": secretHook,
		"panel's password": secretPassword, "login": secretUser + ":" + secretPassword,
	} {
		secrets[name] = guises(s)
	}
	for name, how := range map[string]change{
		"HTTP and polling": withSecrets,
		"socket and webhook": func(s *settings.Settings, o *sandbox.Options) {
			withSecrets(s, o)
			s.SlackAppToken, s.SlackSigningSecret = secret(secretApp), settings.Secret{}
			s.HTTPAddr, s.TelegramWebhookURL, s.TelegramWebhookSecret = "127.0.0.1:9000", "http://127.0.0.1:9000/telegram/webhook", secret(secretHook)
		},
	} {
		t.Run(name, func(t *testing.T) {
			played(t, func(r *rig) {
				var log journal
				r.stop()
				net := &indiscreet{next: r.around.Chats}
				panel := &indiscreet{next: r.around.Panel}
				crash := &spill{}
				r.around.Log, r.around.Chats, r.around.Panel, r.around.Now = log.logger(), net, panel, crash.now
				r.start()
				r.allow()
				r.onTelegram(r.dora, "admin as dora")
				r.everyday()
				looked := func(when string) {
					t.Helper()
					out := r.shown()
					out["log"] = log.String()
					before := t.Failed()
					r.clean(secrets, out)
					r.clean(r.handles(), map[string]string{"log": out["log"], "audit trail": out["audit trail"], "messages": out["messages"]})
					if t.Failed() && !before {
						t.Errorf("first seen after %s", when)
					}
					log.Reset()
				}
				looked("everyday work")
				for way := int32(failing); way < ways_; way++ {
					net.how.Store(way)
					r.everyday()
					r.dora.Says(r.dora.Private(), "/whoami")
					time.Sleep(time.Minute)
					net.how.Store(discreet)
					looked(fmt.Sprint("the chats' failures of kind ", way))
					panel.how.Store(way)
					r.everyday()
					panel.how.Store(discreet)
					time.Sleep(time.Hour) // a refused login is tried again
					looked(fmt.Sprint("the panel's failures of kind ", way))
				}
				for _, b := range []slackserver.Break{{Drop: true}, {Cut: true, After: true}, {Status: 500, Body: "oops"}, {Status: 404}} {
					r.world.Slack.Break(b)
					lift := r.world.Telegram.Break(telegramserver.Fault{Drop: b.Drop, Cut: b.Cut, After: b.After, Status: b.Status, Body: b.Body})
					broken := r.world.Panel.Inject(panelserver.Fault{Answer: panelserver.Half()})
					r.everyday()
					r.world.Slack.Mend("")
					lift()
					broken.Clear()
					time.Sleep(10 * time.Minute)
					looked(fmt.Sprintf("%+v", b))
				}
				for _, in := range []string{"(*Bot).call(", "(*Bot).deliver(", "(*Adapter).route", "(*Adapter).deliver", "(*session).take"} {
					crash.in.Store(&in)
					r.everyday()
					time.Sleep(time.Second) // nobody waits for who has panicked
					if n := strings.Count(log.String(), "panic"); n == 0 && crash.in.Load() == nil {
						r.Errorf("a panic in %s is not in the log", in)
					}
					crash.in.Store(nil)
					looked("a panic in " + in)
				}
				r.stop()
				time.Sleep(time.Minute)
				r.clean(secrets, map[string]string{"log of the stop": log.String()})
			}, how)
		})
	}
}

// The way to answer somebody is in the store for as long as they wait, and not after.
func TestNoHandleStaysInTheStore(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.onTelegram(r.dora, "admin as dora")
		r.everyday()
		r.asks(r.boss, "/license renew 1001", "Renew 1001") // one that waits
		away := r.world.Slack.Channel("elsewhere").Invite(r.boss)
		if _, err := r.boss.Says(away.ID(), "/license renew 1008"); err != nil {
			r.Fatal(err)
		}
		time.Sleep(time.Minute)
		handles := r.handles()
		r.stop()
		kept := records(r, string(r.settings.Store))
		if !strings.Contains(kept, `"event":"proposed"`) {
			r.Fatal("the store was not read")
		}
		r.clean(handles, map[string]string{"store": kept})
		if strings.Contains(kept, `"handle"`) || strings.Contains(kept, `\"handle\"`) {
			r.Error("a handle is kept")
		}
	})
}

// records is all that a store holds.
func records(r *rig, path string) string {
	r.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		r.Fatal(err)
	}
	defer db.Close()
	var all strings.Builder
	var walk func(b *bolt.Bucket)
	walk = func(b *bolt.Bucket) {
		_ = b.ForEach(func(k, v []byte) error {
			fmt.Fprintf(&all, "%s %s\n", k, v)
			if sub := b.Bucket(k); sub != nil {
				walk(sub)
			}
			return nil
		})
	}
	_ = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bolt.Bucket) error { walk(b); return nil })
	})
	return all.String()
}

// A panic during the call is to the bot what a kill is: it finds out what happened.
func TestAPanicDuringACall(t *testing.T) {
	played(t, func(r *rig) {
		r.stop()
		crash := &spill{}
		r.around.Now = crash.now
		r.start()
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		in := "(*Bot).call("
		crash.in.Store(&in)
		r.presses(r.ops, card, "Confirm")
		r.reportsWithin(card, "1001 was not renewed", 5*time.Minute)
		r.called("service.prolong", 0)
	})
}
