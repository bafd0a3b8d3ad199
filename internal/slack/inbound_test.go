package slack

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

// question posts a message with one button and gives it as a person sees it.
func (w *world) question(person *slackserver.User, channel *slackserver.Channel) slackserver.Message {
	w.t.Helper()
	_, err := w.bot.Post(w.t.Context(), chat.Post{Place: place(channel), Message: chat.Message{
		Head:    chat.Text{{Text: "Renew 1001"}},
		Buttons: []chat.Button{{Action: "confirm", Value: "abc123", Label: "Confirm"}},
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := person.Sees(within(w.t), channel.ID(), "Renew 1001")
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func settled(t *testing.T, d *slackserver.Delivery, err error) {
	t.Helper()
	if err == nil {
		_, err = d.Wait(within(t))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestCommandAndClick is the same by both ways in.
func TestCommandAndClick(t *testing.T) {
	for _, way := range []string{"http", "socket"} {
		t.Run(way, func(t *testing.T) {
			w := newWorld(t, func(_ *slackserver.Options, c *Config) {
				if way == "socket" {
					c.AppToken = appToken
				}
			})
			if way == "http" {
				w.serveRoutes()
			} else {
				w.run()
				w.await(true)
			}
			commandAndClick(t, w)
		})
	}
}

func commandAndClick(t *testing.T, w *world) {
	ops, bob := w.slack.User("ops"), w.slack.User("bob")
	channel := w.slack.Channel("licenses").Invite(ops, bob)
	d, err := ops.Says("#licenses", `/license allow @bob viewer as "R&D <x>" shop.example.com`)
	settled(t, d, err)
	in := w.sink.next(t)
	if want := "allow " + string(accountFor(bob.ID())) + ` viewer as "R&D <x>" shop.example.com`; in.Text != want {
		t.Errorf("text %q, want %q", in.Text, want)
	}
	if in.Kind != chat.Command || in.Account != accountFor(ops.ID()) || in.Place != place(channel) {
		t.Errorf("%+v", in)
	}
	if !strings.HasPrefix(in.Delivery, "slack:command:") || in.Message != "" || in.At.IsZero() {
		t.Errorf("%+v", in)
	}
	if err := w.bot.Answer(t.Context(), in, plainMessage("only you see this")); err != nil {
		t.Fatal(err)
	}
	if m, err := ops.Sees(within(t), "#licenses", "only you see this"); err != nil || !m.Ephemeral() {
		t.Errorf("%+v, %v", m, err)
	}

	card := w.question(ops, channel)
	d, err = ops.Presses(card, "Confirm")
	settled(t, d, err)
	in = w.sink.next(t)
	want := chat.Inbound{
		Delivery: in.Delivery, Kind: chat.Click, Account: accountFor(ops.ID()), Place: place(channel),
		Message: makeRef(card.Channel, card.TS), Action: "confirm", Value: "abc123", Handle: in.Handle, At: in.At,
	}
	if in != want || !strings.HasPrefix(in.Delivery, "slack:action:") {
		t.Errorf("%+v", in)
	}
	if err := w.bot.Answer(t.Context(), in, plainMessage("too late")); err != nil {
		t.Fatal(err)
	}
	all := channel.Messages()
	if last := all[len(all)-1]; last.Text != "too late" || last.To != ops.ID() {
		t.Errorf("%+v", last)
	}
	if all[1].Text != "Renew 1001" || len(all[1].Buttons()) != 1 {
		t.Errorf("the clicked message was changed: %+v", all[1])
	}
	settled(t, d, d.Again(within(t)))
	if again := w.sink.next(t); again.Delivery != in.Delivery {
		t.Errorf("delivered again as %q, first %q", again.Delivery, in.Delivery)
	}
}

// The answer goes to the thread that was clicked in, outlives five uses of the
// response_url, and reaches the person where the bot is no member.
func TestAnswersFallBack(t *testing.T) {
	w := newWorld(t, nil)
	w.serveRoutes()
	ops := w.slack.User("ops")
	channel := w.slack.Channel("licenses").Invite(ops)
	root := w.question(ops, channel)
	reply, err := w.bot.Post(t.Context(), chat.Post{
		Place: place(channel), ReplyTo: makeRef(root.Channel, root.TS),
		Message: chat.Message{Head: chat.Text{{Text: "in the thread"}}, Buttons: []chat.Button{{Action: "recheck", Label: "Check"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := ops.Sees(within(t), channel.ID(), "in the thread")
	if err != nil {
		t.Fatal(err)
	}
	d, err := ops.Presses(seen, "Check")
	settled(t, d, err)
	in := w.sink.next(t)
	if in.Message != reply {
		t.Errorf("clicked %q, posted %q", in.Message, reply)
	}
	for i := range 7 {
		if err := w.bot.Answer(t.Context(), in, plainMessage(fmt.Sprint("answer ", i))); err != nil {
			t.Fatal(err)
		}
	}
	answers := 0
	for _, m := range channel.Messages() {
		if strings.HasPrefix(m.Text, "answer ") && m.To == ops.ID() && m.ThreadTS == root.TS {
			answers++
		}
	}
	if answers != 7 {
		t.Errorf("%d answers in the thread, to the person alone", answers)
	}
	// Half an hour later the response_url is not even tried.
	before := len(w.slack.Ledger())
	in.At = in.At.Add(-time.Hour)
	if err := w.bot.Answer(t.Context(), in, plainMessage("late")); err != nil {
		t.Fatal(err)
	}
	if c := w.slack.Ledger()[before]; c.Method != methodEphemeral {
		t.Errorf("%s", c.Method)
	}
}

func TestEphemeralClickHasNoRef(t *testing.T) {
	w := newWorld(t, nil)
	w.serveRoutes()
	ops := w.slack.User("ops")
	channel := w.slack.Channel("licenses").Invite(ops)
	err := w.bot.Answer(t.Context(), asked(w, ops.ID(), channel.ID(), ""), chat.Message{
		Head: chat.Text{{Text: "waiting"}}, Buttons: []chat.Button{{Action: "renew", Value: "1", Label: "A"}, {Action: "renew", Value: "2", Label: "B"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := ops.Sees(within(t), channel.ID(), "waiting")
	if err != nil {
		t.Fatal(err)
	}
	d, err := ops.Presses(m, "B")
	settled(t, d, err)
	if in := w.sink.next(t); in.Message != "" || in.Action != "renew" || in.Value != "2" {
		t.Errorf("%+v", in)
	}
}

func TestPlaceOfDirectMessage(t *testing.T) {
	w := newWorld(t, nil)
	w.serveRoutes()
	ops := w.slack.User("ops")
	d, err := ops.Says(ops.DM(), "/license help")
	settled(t, d, err)
	if in := w.sink.next(t); !in.Place.Private || in.Place.ID != ops.DM() {
		t.Errorf("%+v", in.Place)
	}
}

func TestNotRecordedIsNotAcknowledged(t *testing.T) {
	w := newWorld(t, nil)
	w.serveRoutes()
	ops := w.slack.User("ops")
	w.slack.Channel("c")
	w.sink.set(func(s *sink) { s.fail = errDisk })
	d, err := ops.Says("#c", "/license help")
	if err != nil {
		t.Fatal(err)
	}
	if a, err := d.Wait(within(t)); err == nil || a.Status != http.StatusInternalServerError {
		t.Errorf("%+v, %v", a, err)
	}
	w.sink.set(func(s *sink) { s.fail, s.panic = nil, true })
	d, err = ops.Says("#c", "/license help")
	if err != nil {
		t.Fatal(err)
	}
	if a, err := d.Wait(within(t)); err == nil || a.Status != http.StatusInternalServerError {
		t.Errorf("after a panic: %+v, %v", a, err)
	}
}

func TestRoutesTurnAway(t *testing.T) {
	w := newWorld(t, nil)
	routes := w.bot.Routes(w.sink)
	web := httptest.NewServer(routes)
	t.Cleanup(web.Close)
	w.slack.SetBotURL(web.URL)
	form := []byte("command=%2Flicense&team_id=T1&user_id=U1&channel_id=C1&text=help")
	for name, c := range map[string]struct {
		path   string
		body   []byte
		how    slackserver.Signing
		status int
	}{
		"well":              {pathCommands, form, slackserver.Signing{}, 200},
		"old":               {pathCommands, form, slackserver.Signing{Age: window + 10*time.Second}, 401},
		"from the future":   {pathCommands, form, slackserver.Signing{Age: -window - 10*time.Second}, 401},
		"another's":         {pathCommands, form, slackserver.Signing{Secret: "other"}, 401},
		"unsigned":          {pathCommands, form, slackserver.Signing{None: true}, 401},
		"too long":          {pathCommands, make([]byte, maxBody+1), slackserver.Signing{None: true}, 413},
		"long":              {pathCommands, make([]byte, maxBody), slackserver.Signing{None: true}, 401},
		"no form":           {pathCommands, []byte("%zz"), slackserver.Signing{}, 400},
		"no command":        {pathCommands, []byte("team_id=T1&user_id=U1&channel_id=C1"), slackserver.Signing{}, 400},
		"a certificate's":   {pathCommands, []byte("ssl_check=1&token=x"), slackserver.Signing{}, 200},
		"no user":           {pathCommands, []byte("command=%2Fl&team_id=T1&channel_id=C1"), slackserver.Signing{}, 400},
		"no payload":        {pathInteractions, []byte("x=1"), slackserver.Signing{}, 400},
		"no type":           {pathInteractions, []byte("payload={}"), slackserver.Signing{}, 400},
		"a submission":      {pathInteractions, []byte(`payload={"type":"view_submission"}`), slackserver.Signing{}, 200},
		"no button":         {pathInteractions, []byte(`payload={"type":"block_actions"}`), slackserver.Signing{}, 400},
		"no event":          {pathEvents, []byte("{}"), slackserver.Signing{}, 400},
		"an unknown event":  {pathEvents, []byte(`{"type":"event_callback","event":{"type":"new"}}`), slackserver.Signing{}, 200},
		"an unknown path":   {"/slack/other", form, slackserver.Signing{}, 404},
		"an unsigned event": {pathEvents, []byte(`{"type":"url_verification","challenge":"x"}`), slackserver.Signing{None: true}, 401},
	} {
		taken := len(w.sink.all())
		status, answer, err := w.slack.Post(t.Context(), c.path, "application/x-www-form-urlencoded", c.body, c.how)
		if err != nil || status != c.status || len(answer) != 0 && status != 404 {
			t.Errorf("%s: %d %q, %v; want %d", name, status, answer, err, c.status)
		}
		if got := len(w.sink.all()) - taken; got != 0 && name != "well" {
			t.Errorf("%s: %d taken", name, got)
		}
	}
	if window != 5*time.Minute || maxBody != 1<<20 {
		t.Errorf("a request may be %s old and have %d bytes", window, maxBody)
	}
	if unsigned(http.Header{}, nil, "", time.Now()) == "" {
		t.Error("without a secret everything is signed")
	}
	for _, age := range []time.Duration{window - 10*time.Second, 10*time.Second - window} {
		status, _, err := w.slack.Post(t.Context(), pathCommands, "application/x-www-form-urlencoded", form, slackserver.Signing{Age: age})
		if err != nil || status != 200 {
			t.Errorf("%s old: %d, %v", age, status, err)
		}
	}
	if err := w.slack.VerifyURL(t.Context()); err != nil {
		t.Error(err)
	}
	r, err := http.Get(web.URL + pathCommands)
	if err != nil || r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %v, %v", r, err)
	}
}

// The version is part of the signature: what is signed in another way is not known.
func TestSignatureOfAnotherVersion(t *testing.T) {
	now := time.Unix(1700000000, 0)
	mac := hmac.New(sha256.New, []byte("secret"))
	_, _ = mac.Write([]byte("v0:1700000000:body"))
	sum := hex.EncodeToString(mac.Sum(nil))
	for signature, good := range map[string]bool{"v0=" + sum: true, sum: false, "v1=" + sum: false, "v0=v0=" + sum: false} {
		h := http.Header{}
		h.Set("X-Slack-Request-Timestamp", "1700000000")
		h.Set("X-Slack-Signature", signature)
		if why := unsigned(h, []byte("body"), "secret", now); (why == "") != good {
			t.Errorf("%s: %q", signature, why)
		}
	}
}

func TestUninstalledShowsInState(t *testing.T) {
	w := newWorld(t, nil)
	w.serveRoutes()
	d, err := w.slack.SendEvent(map[string]any{"type": "tokens_revoked", "tokens": map[string]any{"oauth": []string{"U1"}}})
	settled(t, d, err)
	if ready, why := w.bot.State(); !ready {
		t.Errorf("a user's token is not the bot's: %s", why)
	}
	d, err = w.slack.SendEvent(map[string]any{"type": "app_uninstalled"})
	settled(t, d, err)
	if ready, why := w.bot.State(); ready || !strings.Contains(why, "uninstalled") {
		t.Errorf("%v, %q", ready, why)
	}
}

func TestPlainText(t *testing.T) {
	for in, want := range map[string]string{
		"renew 1001":                    "renew 1001",
		"a &amp;&lt;b&gt; &amp;lt;":     "a &<b> &lt;",
		"allow <@U123|bob> viewer":      "allow slack:T1/U123 viewer",
		"allow <@W123> viewer":          "allow slack:T1/W123 viewer",
		"<@nobody|x>":                   "x",
		"<#C1|general> <#C2> <#C3|>":    "#general #C2 #C3",
		"<http://a.b|a.b> <https://c>":  "a.b https://c",
		"<mailto:x@y.z|x@y.z>":          "x@y.z",
		"<!channel> <!subteam^S1|@ops>": "channel @ops",
		"<http://a?b=1&amp;c=2>":        "http://a?b=1&c=2",
		"a < b":                         "a < b",
		"<":                             "<",
		"<<@U1>":                        "<@U1",
	} {
		if got := plainText(in, "T1"); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// A person's commands and clicks must come from one account.
func TestAccountOfClicks(t *testing.T) {
	for payload, want := range map[string]requests.Account{
		`"user":{"id":"U1","team_id":"T1"},"team":{"id":"T1"}`:                         "slack:T1/U1",
		`"user":{"id":"U1","team_id":"T9"},"team":{"id":"T1"}`:                         "slack:T9/U1", // Slack Connect
		`"user":{"id":"U1"},"team":{"id":"T1"}`:                                        "slack:T1/U1",
		`"user":{"id":"W1","team_id":"E1"},"team":{"id":"T1","enterprise_id":"E1"}`:    "slack:T1/W1", // Enterprise Grid
		`"user":{"id":"W1","team_id":"E1"},"team":null,"is_enterprise_install":true`:   "slack:E1/W1",
		`"user":{"id":"U1","team_id":"T1"},"team":{"id":"T1"},"enterprise":{"id":"E"}`: "slack:T1/U1",
	} {
		in, err := clicks([]byte(`{"type":"block_actions","trigger_id":"t","actions":[{"action_id":"confirm"}],`+payload+`}`), "", time.Now())
		if err != nil || len(in) != 1 || in[0].Account != want {
			t.Errorf("%s: %+v, %v; want %s", payload, in, err, want)
		}
	}
}

// slack-go fails the whole callback where a block element is unknown to it.
func TestClickBesideUnknownElements(t *testing.T) {
	payload := `{"type":"block_actions","user":{"id":"U1","team_id":"T1"},"channel":{"id":"C1"},"container":{"message_ts":"1.2","thread_ts":"1.1"},
		"message":{"blocks":[{"type":"section","accessory":{"type":"brand_new_element"}}]},"brand":{"new":1},
		"actions":[{"action_id":"approve:2","value":"v","type":"button","new":[]},{"action_id":"deny"}]}`
	in, err := clicks([]byte(payload), "", time.Unix(1, 0))
	if err != nil || len(in) != 2 {
		t.Fatalf("%+v, %v", in, err)
	}
	if in[0].Action != "approve" || in[1].Action != "deny" || in[0].Delivery == in[1].Delivery || in[0].Message != "slack:C1/1.2" {
		t.Errorf("%+v", in)
	}
	if in[0].Handle != (handle{Thread: "1.1"}).String() {
		t.Errorf("%q", in[0].Handle)
	}
}

// A redelivery is the same again, and not whatever comes with the same trigger_id.
func TestSameTriggerOtherCommand(t *testing.T) {
	form := "command=%2Flicense&team_id=T1&user_id=U1&channel_id=C1&trigger_id=1.2.3&text="
	deliveries := map[string]bool{}
	for _, text := range []string{"renew+1001", "renew+1002", "renew+1001", "renew+1001&response_url=https%3A%2F%2Fa.b%2F2"} {
		in, err := commandForm([]byte(form+text), "", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		deliveries[in.Delivery] = true
	}
	if len(deliveries) != 3 {
		t.Errorf("%d deliveries, want 3", len(deliveries))
	}
}

// Whoever presses again what was decided is answered: a click is taken for one that
// was there only where nothing tells them apart.
func TestClicksThatAreTheSame(t *testing.T) {
	const click = `{"type":"block_actions","user":{"id":"U1"},"team":{"id":"T1"},"channel":{"id":"C1"},"message":{"ts":"1.2"},` +
		`"actions":[{"action_id":"confirm","value":"v"%s}]%s}`
	deliveries := map[string]string{}
	for name, c := range map[string][3]string{
		"bare":                {"1"},
		"bare, later":         {"2"},
		"by trigger":          {"1", "", `,"trigger_id":"1.2.3"`},
		"by another trigger":  {"1", "", `,"trigger_id":"1.2.4"`},
		"by time":             {"1", `,"action_ts":"5.1"`, `,"trigger_id":"1.2.3"`},
		"by another time":     {"1", `,"action_ts":"5.2"`, `,"trigger_id":"1.2.3"`},
		"by where to answer":  {"1", "", `,"response_url":"https://a.b/1"`},
		"by where to as well": {"1", "", `,"response_url":"https://a.b/2"`},
	} {
		payload := []byte(fmt.Sprintf(click, c[1], c[2]))
		in, err := clicks(payload, c[0], time.Now())
		if err != nil || len(in) != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		if other := deliveries[in[0].Delivery]; other != "" {
			t.Errorf("%q is taken for %q", name, other)
		}
		deliveries[in[0].Delivery] = name
		later := c[0] + "0"
		if c[2] == "" || strings.Contains(c[2], "response_url") {
			later = c[0]
		}
		if again, err := clicks(payload, later, time.Now()); err != nil || again[0].Delivery != in[0].Delivery {
			t.Errorf("%q is not the same again: %v", name, err)
		}
	}
}

// Without a trigger_id the same body is the same delivery, another another.
func TestCommandWithoutTrigger(t *testing.T) {
	body := func(text string) []byte {
		return []byte(url.Values{"command": {"/license"}, "team_id": {"T1"}, "user_id": {"U1"}, "channel_id": {"C1"}, "text": {text}}.Encode())
	}
	one := func(text string, stamp int) string {
		in, err := commandForm(body(text), strconv.Itoa(stamp), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return in.Delivery
	}
	if one("a", 1) != one("a", 1) || one("a", 1) == one("b", 1) || one("a", 1) == one("a", 2) {
		t.Error("deliveries are mixed up")
	}
}

func FuzzCommandForm(f *testing.F) {
	f.Add("command=%2Flicense&team_id=T1&user_id=U1&channel_id=C1&text=renew+1001&trigger_id=1.2")
	f.Add("command=%2Flicense&team_id=T1&user_id=U1&channel_id=D1&text=%3C%40U2%7Cbob%3E+%26amp%3B")
	f.Add("%zz")
	f.Fuzz(func(t *testing.T, body string) {
		in, err := commandForm([]byte(body), "1", time.Unix(1, 0))
		checkInbound(t, in, err)
	})
}

func FuzzInteraction(f *testing.F) {
	f.Add(`{"type":"block_actions","user":{"id":"U1","team_id":"T1"},"channel":{"id":"C1"},"actions":[{"action_id":"confirm:1","value":"x"}]}`)
	f.Add(`{"type":"view_submission"}`)
	f.Add(`{"type":"block_actions","user":null,"actions":[null]}`)
	f.Fuzz(func(t *testing.T, payload string) {
		all, err := clicks([]byte(payload), "", time.Unix(1, 0))
		seen := map[string]bool{}
		for _, in := range all {
			checkInbound(t, in, err)
			if seen[in.Delivery] || in.Action == "" || strings.Contains(in.Action, ":") {
				t.Errorf("%+v", in)
			}
			seen[in.Delivery] = true
		}
	})
}

func FuzzEvent(f *testing.F) {
	f.Add(`{"type":"url_verification","challenge":"x"}`)
	f.Add(`{"type":"event_callback","event":{"type":"tokens_revoked","tokens":{"bot":["U1"]}}}`)
	f.Add(`{"type":1}`)
	a, err := New(Config{BotToken: "x"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if e, err := readEvent([]byte(body)); err == nil {
			a.happened(e)
		}
	})
}

// checkInbound: what came in has a person, a place and an identity, or an error.
func checkInbound(t *testing.T, in chat.Inbound, err error) {
	t.Helper()
	if err != nil {
		return
	}
	if _, bad := requests.ParseAccount(string(in.Account)); bad != nil || in.Place.ID == "" || in.Delivery == "" || in.Kind == "" {
		t.Errorf("%+v", in)
	}
}

// acked counts acknowledgements.
func TestAckedIsTold(t *testing.T) {
	told := make(chan time.Duration, 1)
	w := newWorld(t, func(_ *slackserver.Options, c *Config) { c.Acked = func(d time.Duration) { told <- d } })
	w.serveRoutes()
	w.slack.Channel("c")
	d, err := w.slack.User("ops").Says("#c", "/license help")
	settled(t, d, err)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	select {
	case <-told:
	case <-ctx.Done():
		t.Error("not told")
	}
}
