package slackserver_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

// inbox is a bot that keeps what it gets and answers as it is told.
type inbox struct {
	mu     sync.Mutex
	got    []received
	answer func(r received, w http.ResponseWriter)
}

type received struct {
	path   string
	header http.Header
	body   string
	form   url.Values
	signed bool
}

func (in *inbox) take(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	v := received{r.URL.Path, r.Header, string(body), form, signed(r, body)}
	in.mu.Lock()
	in.got = append(in.got, v)
	in.mu.Unlock()
	if in.answer != nil {
		in.answer(v, w)
	}
}

func (in *inbox) all() []received {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]received(nil), in.got...)
}

func (r received) payload(t *testing.T) object {
	t.Helper()
	var v object
	if err := json.Unmarshal([]byte(r.form.Get("payload")), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// withBot is a workspace whose bot is an inbox, reached by HTTP.
func withBot(t *testing.T, o slackserver.Options) (*slackserver.Server, *inbox) {
	in := &inbox{}
	o.BotURL, o.Transport = "http://bot.test", bot(in.take)
	return newServer(t, o), in
}

// wait waits for a delivery that has to succeed.
func wait(t *testing.T) func(*slackserver.Delivery, error) *slackserver.Delivery {
	return func(d *slackserver.Delivery, err error) *slackserver.Delivery {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		return d
	}
}

func TestCommand(t *testing.T) {
	s, in := withBot(t, slackserver.Options{})
	c, ops := s.Channel("licenses"), s.User("ops")
	d := wait(t)(ops.Says("#licenses", "/license  renew 1001"))
	got := in.all()[0]
	f := got.form
	if got.path != "/slack/commands" || !got.signed || f.Get("command") != "/license" || f.Get("text") != "renew 1001" ||
		f.Get("user_id") != ops.ID() || f.Get("team_id") != slackserver.TeamID || f.Get("channel_id") != c.ID() || f.Get("channel_name") != "licenses" {
		t.Errorf("got %+v", got)
	}
	if a := d.Attempts(); len(a) != 1 || a[0].Status != 200 || a[0].Failed != "" {
		t.Errorf("attempts %+v", a)
	}
	if n := len(c.Messages()); n != 0 {
		t.Errorf("the command is in the channel: %d messages", n)
	}

	t.Run("again is the same to the byte", func(t *testing.T) {
		if err := d.Again(t.Context()); err != nil {
			t.Fatal(err)
		}
		again := in.all()[1]
		if again.body != got.body || again.header.Get("X-Slack-Signature") != got.header.Get("X-Slack-Signature") {
			t.Errorf("got %+v, want %+v", again, got)
		}
	})
	t.Run("forged", func(t *testing.T) {
		for _, how := range []slackserver.Signing{{Secret: "wrong"}, {None: true}} {
			if _, err := d.Forge(t.Context(), how); err != nil {
				t.Fatal(err)
			}
			all := in.all()
			if last := all[len(all)-1]; last.signed || last.body != got.body {
				t.Errorf("%+v: got %+v", how, last)
			}
		}
		if _, err := d.Forge(t.Context(), slackserver.Signing{Age: time.Hour}); err != nil {
			t.Fatal(err)
		}
		all := in.all()
		if last := all[len(all)-1]; !last.signed || last.header.Get("X-Slack-Request-Timestamp") >= got.header.Get("X-Slack-Request-Timestamp") {
			t.Errorf("got %+v", last)
		}
	})
	t.Run("shown with the acknowledgement", func(t *testing.T) {
		in.answer = func(_ received, w http.ResponseWriter) {
			io.WriteString(w, `{"response_type":"ephemeral","text":"working on it"}`)
		}
		defer func() { in.answer = nil }()
		wait(t)(ops.Says("licenses", "/license list"))
		if m, err := ops.Sees(t.Context(), "licenses", "working on it"); err != nil || m.To != ops.ID() {
			t.Errorf("got %+v, %v", m, err)
		}
	})
	t.Run("a failing bot", func(t *testing.T) {
		in.answer = func(_ received, w http.ResponseWriter) { w.WriteHeader(500) }
		defer func() { in.answer = nil }()
		d, err := ops.Says("licenses", "/license list")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Wait(t.Context()); err == nil {
			t.Error("it was taken")
		}
		if _, err := ops.Sees(t.Context(), "licenses", "dispatch_failed"); err != nil {
			t.Error(err)
		}
	})
}

func TestWherePeopleAre(t *testing.T) {
	s, in := withBot(t, slackserver.Options{})
	c, ops := s.Channel("licenses"), s.User("ops")
	wait(t)(ops.Says(ops.DM(), "/license"))
	all := in.all()
	if f := all[len(all)-1].form; f.Get("channel_name") != "directmessage" || f.Get("channel_id") != ops.DM() || f.Get("text") != "" {
		t.Errorf("got %v", f)
	}
	if _, err := s.User("other").Says(ops.DM(), "/license"); err == nil {
		t.Error("another person types in the conversation")
	}
	s.PrivateChannel("vault")
	if _, err := ops.Says("vault", "/license"); err == nil {
		t.Error("a person types in a private channel that they are not in")
	}
	s.PrivateChannel("vault").Invite(ops)
	wait(t)(ops.Says("vault", "/license"))
	all = in.all()
	if f := all[len(all)-1].form; f.Get("channel_name") != "privategroup" {
		t.Errorf("got %v", f)
	}
	for _, outsider := range []*slackserver.User{s.Guest("guest"), s.Foreigner("eve", "T0FOREIGN1")} {
		if _, err := outsider.Says("licenses", "/license"); err == nil {
			t.Errorf("%s types in a channel without an invitation", outsider.Name())
		}
		c.Invite(outsider)
		wait(t)(outsider.Says("licenses", "/license"))
	}
	all = in.all()
	if f := all[len(all)-1].form; f.Get("team_id") != "T0FOREIGN1" {
		t.Errorf("got %v", f)
	}
	if _, err := ops.Says("licenses", "/unknown"); err == nil {
		t.Error("an unknown command went out")
	}
}

func TestCommandEscapes(t *testing.T) {
	for _, plain := range []bool{false, true} {
		s, in := withBot(t, slackserver.Options{PlainMentions: plain})
		c, ops := s.Channel("licenses"), s.User("ops")
		bob := s.User("bob")
		for typed, want := range map[string]string{
			"name=a&b <c>":            "name=a&amp;b &lt;c&gt;",
			"allow @bob admin":        "allow <@" + bob.ID() + "|bob> admin",
			"allow @nobody":           "allow @nobody",
			"in #licenses":            "in <#" + c.ID() + "|licenses>",
			"name=host.example.com":   "name=<http://host.example.com|host.example.com>",
			"see https://a.test/?x=1": "see <https://a.test/?x=1>",
			"mail bob@a.test":         "mail <mailto:bob@a.test|bob@a.test>",
			`order "A b" ip=10.0.0.1`: `order "A b" ip=10.0.0.1`,
		} {
			if plain && !strings.Contains(typed, "&") {
				want = typed
			}
			wait(t)(ops.Says("licenses", "/license "+typed))
			all := in.all()
			if got := all[len(all)-1].form.Get("text"); got != want {
				t.Errorf("%q arrives as %q, want %q", typed, got, want)
			}
		}
	}
}

func TestClick(t *testing.T) {
	s, in := withBot(t, slackserver.Options{})
	c, ops := s.Channel("licenses"), s.User("ops")
	c.Invite(ops)
	ts := must(t, s, "chat.postMessage", "channel", c.ID(), "text", "Renew?", "blocks", blocks(t, section("Renew?"), buttonRow("Confirm", "Cancel")))["ts"].(string)
	m, err := ops.Sees(t.Context(), "licenses", "Renew?")
	if err != nil {
		t.Fatal(err)
	}
	wait(t)(ops.Presses(m, "Confirm"))
	got := in.all()[0]
	p := got.payload(t)
	action := p["actions"].([]any)[0].(object)
	if got.path != "/slack/interactions" || !got.signed || p["type"] != "block_actions" || action["action_id"] != "confirm:q1" ||
		action["value"] != "q1" || action["block_id"] != "choice" || p["container"].(object)["message_ts"] != ts ||
		p["message"].(object)["ts"] != ts || p["user"].(object)["id"] != ops.ID() || p["trigger_id"] == "" {
		t.Errorf("got %v", p)
	}

	t.Run("by action id, forged, and not there", func(t *testing.T) {
		wait(t)(ops.Presses(m, "cancel"))
		wait(t)(ops.PressesForged(m, slackserver.Button{ActionID: "approve:q9", Value: "q9"}))
		all := in.all()
		for i, want := range []string{"cancel:q1", "approve:q9"} {
			if got := all[len(all)-2+i].payload(t)["actions"].([]any)[0].(object)["action_id"]; got != want {
				t.Errorf("got %v, want %s", got, want)
			}
		}
		if _, err := ops.Presses(m, "Approve"); err == nil {
			t.Error("a button that is not there was pressed")
		}
	})
	t.Run("a foreigner", func(t *testing.T) {
		eve := s.Foreigner("eve", "T0FOREIGN1")
		c.Invite(eve)
		wait(t)(eve.Presses(m, "Confirm"))
		all := in.all()
		p := all[len(all)-1].payload(t)
		if p["user"].(object)["team_id"] != "T0FOREIGN1" || p["team"].(object)["id"] != slackserver.TeamID {
			t.Errorf("got %v", p)
		}
		info := must(t, s, "users.info", "user", eve.ID())["user"].(object)
		shared := must(t, s, "conversations.info", "channel", c.ID())["channel"].(object)
		if info["is_stranger"] != true || shared["is_ext_shared"] != true {
			t.Errorf("got %v and %v", info, shared)
		}
	})
	t.Run("response URL", func(t *testing.T) {
		address := strings.TrimPrefix(p["response_url"].(string), "http://slack.test")
		send := func(body string) int { return post(t, s, address, "application/json", "", body).Code }
		if code := send(`{"replace_original":true,"text":"renewing"}`); code != 200 {
			t.Errorf("got %d", code)
		}
		if m, err := ops.Sees(t.Context(), "licenses", "renewing"); err != nil || m.TS != ts || len(m.Buttons()) != 0 {
			t.Errorf("got %+v, %v", m, err)
		}
		if code := send(`{"text":"for you","blocks":null,"metadata":{"event_type":"","event_payload":null}}`); code != 200 {
			t.Errorf("got %d", code)
		}
		if m, err := ops.Sees(t.Context(), "licenses", "for you"); err != nil || m.To != ops.ID() {
			t.Errorf("got %+v, %v", m, err)
		}
		if code := send(`{"blocks":[{"type":"marquee"}]}`); code != 400 {
			t.Errorf("got %d", code)
		}
		if code := send(`{"delete_original":true}`); code != 200 {
			t.Errorf("got %d", code)
		}
		if all := c.Messages(); !all[0].Deleted {
			t.Errorf("got %+v", all[0])
		}
	})
}

func TestResponseURLEnds(t *testing.T) {
	now := newClock()
	s, in := withBot(t, slackserver.Options{Now: now.now})
	c, ops := s.Channel("licenses"), s.User("ops")
	address := func() string {
		wait(t)(ops.Says("licenses", "/license"))
		all := in.all()
		return strings.TrimPrefix(all[len(all)-1].form.Get("response_url"), "http://slack.test")
	}
	first := address()
	for range 5 {
		if w := post(t, s, first, "application/json", "", `{"response_type":"in_channel","text":"x"}`); w.Code != 200 {
			t.Fatal(w.Body)
		}
	}
	w := post(t, s, first, "application/json", "", `{"text":"x"}`)
	if wantError(t, decode(t, w), "used_url"); w.Code != 404 {
		t.Errorf("got %d", w.Code)
	}
	late := address()
	now.pass(30*time.Minute + time.Second)
	w = post(t, s, late, "application/json", "", `{"text":"x"}`)
	if wantError(t, decode(t, w), "expired_url"); w.Code != 404 {
		t.Errorf("got %d", w.Code)
	}
	if w := post(t, s, "/commands/T/1/x", "application/json", "", `{"text":"x"}`); w.Code != 404 {
		t.Errorf("got %d", w.Code)
	}
	if all := c.Messages(); len(all) != 5 || all[0].Ephemeral() {
		t.Errorf("got %+v", all)
	}
}

func TestCommandTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, slackserver.Options{BotURL: "http://bot.test", Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})})
		s.Channel("licenses")
		ops := s.User("ops")
		d, err := ops.Says("licenses", "/license renew 1001")
		if err != nil {
			t.Fatal(err)
		}
		a, err := d.Wait(t.Context())
		if err == nil || a.Failed != "operation_timeout" || a.Latency != slackserver.AckDeadline {
			t.Errorf("got %+v, %v", a, err)
		}
		if m, err := ops.Sees(t.Context(), "licenses", "operation_timeout"); err != nil || m.To != ops.ID() {
			t.Errorf("got %+v, %v", m, err)
		}
	})
}

func TestEventRetries(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(n int, w http.ResponseWriter)
		tries  int
		took   time.Duration
	}{
		{"taken", func(int, http.ResponseWriter) {}, 1, 0},
		{"taken at the third", func(n int, w http.ResponseWriter) {
			if n < 3 {
				w.WriteHeader(500)
			}
		}, 3, time.Minute},
		{"never taken", func(_ int, w http.ResponseWriter) { w.WriteHeader(500) }, 4, 6 * time.Minute},
		{"not wanted again", func(_ int, w http.ResponseWriter) {
			w.Header().Set("X-Slack-No-Retry", "1")
			w.WriteHeader(500)
		}, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := &inbox{}
				in.answer = func(_ received, w http.ResponseWriter) { c.answer(len(in.all()), w) }
				s := newServer(t, slackserver.Options{BotURL: "http://bot.test", Transport: bot(in.take)})
				start := time.Now()
				d, err := s.SendEvent(object{"type": "tokens_revoked"})
				if err != nil {
					t.Fatal(err)
				}
				d.Wait(t.Context())
				all := in.all()
				if len(all) != c.tries || time.Since(start) != c.took {
					t.Fatalf("%d tries in %s", len(all), time.Since(start))
				}
				for i, r := range all {
					if !r.signed || r.path != "/slack/events" || (i > 0) != (r.header.Get("X-Slack-Retry-Num") != "") {
						t.Errorf("try %d: %+v", i, r)
					}
				}
			})
		})
	}
}

func TestVerifyURL(t *testing.T) {
	s, in := withBot(t, slackserver.Options{})
	if err := s.VerifyURL(t.Context()); err == nil {
		t.Error("no challenge came back")
	}
	in.answer = func(r received, w http.ResponseWriter) {
		var v struct{ Challenge string }
		json.Unmarshal([]byte(r.body), &v)
		io.WriteString(w, v.Challenge)
	}
	if err := s.VerifyURL(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTalk(t *testing.T) {
	s, in := withBot(t, slackserver.Options{})
	s.Channel("licenses")
	ops := s.User("ops")
	if d, err := ops.Says("licenses", "good morning"); d != nil || err != nil {
		t.Errorf("the bot hears of a message that is not for it: %v, %v", d, err)
	}
	wait(t)(ops.Says("licenses", "@license-bot help"))
	wait(t)(ops.Says(ops.DM(), "help"))
	for i, want := range []string{"app_mention", "message"} {
		var v struct {
			Event struct{ Type, Text, User string }
		}
		if err := json.Unmarshal([]byte(in.all()[i].body), &v); err != nil || v.Event.Type != want || v.Event.User != ops.ID() {
			t.Errorf("got %+v, %v", v, err)
		}
	}
	m, err := ops.Sees(t.Context(), "licenses", "good morning")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ops.Replies(m, "/license"); err == nil {
		t.Error("a command was typed in a thread")
	}
	if _, err := ops.Replies(m, "indeed"); err != nil {
		t.Error(err)
	}
	if all, err := ops.Thread(m); err != nil || len(all) != 1 || all[0].Text != "indeed" {
		t.Errorf("got %+v, %v", all, err)
	}
}
