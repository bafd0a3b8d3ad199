package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

func TestPostEditAndThread(t *testing.T) {
	w := newWorld(t, nil)
	channel := w.slack.Channel("licenses")
	ctx := t.Context()
	root, err := w.bot.Post(ctx, chat.Post{Place: place(channel), Nonce: "n1", Message: chat.Message{
		Icon:    "🔁",
		Head:    chat.Text{{Text: "Renew 1001"}},
		Buttons: []chat.Button{{Action: "confirm", Value: "abc123", Label: "Confirm", Style: chat.Primary}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	reply, err := w.bot.Post(ctx, chat.Post{Place: place(channel), ReplyTo: root, Message: plainMessage("renewed")})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.bot.Edit(ctx, root, plainMessage("Renewed 1001")); err != nil {
		t.Fatal(err)
	}
	all := channel.Messages()
	if len(all) != 2 {
		t.Fatalf("%d messages", len(all))
	}
	if got := makeRef(all[0].Channel, all[0].TS); got != root {
		t.Errorf("ref %q, message %q", root, got)
	}
	if all[0].Text != "Renewed 1001" || len(all[0].Buttons()) != 0 || all[0].Edits[0] != "🔁 Renew 1001" {
		t.Errorf("edited: %+v", all[0])
	}
	if all[1].ThreadTS != all[0].TS || makeRef(all[1].Channel, all[1].TS) != reply {
		t.Errorf("reply: %+v", all[1])
	}
	first := w.slack.Ledger()[0].Args
	for k, want := range map[string]string{
		"metadata": `{"event_type":"license_bot","event_payload":{"nonce":"n1"}}`, "text": "🔁 Renew 1001",
		"parse": "none", "mrkdwn": "false", "unfurl_links": "false", "unfurl_media": "false",
	} {
		if first[k] != want {
			t.Errorf("%s is %q, want %q", k, first[k], want)
		}
	}
	if f := w.slack.Faults(); len(f) != 0 {
		t.Errorf("faults: %v", f)
	}
}

func TestPostToAPersonAndReplyThere(t *testing.T) {
	w := newWorld(t, nil)
	ops := w.slack.User("ops")
	direct := w.bot.Direct(accountFor(ops.ID()))
	ref, err := w.bot.Post(t.Context(), chat.Post{Place: direct, Nonce: "n", Message: plainMessage("hello")})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(ref), "slack:D") {
		t.Fatalf("ref %q is not in the direct message", ref)
	}
	if _, err := w.bot.Post(t.Context(), chat.Post{Place: direct, ReplyTo: ref, Nonce: "m", Message: plainMessage("more")}); err != nil {
		t.Fatal(err)
	}
	if got := w.slack.Ledger()[1].Args["thread_ts"]; got == "" {
		t.Error("the reply is in no thread")
	}
	found, ok, err := w.bot.Find(t.Context(), chat.Post{Place: direct, Nonce: "n"}, time.Now())
	if err != nil || !ok || found != ref {
		t.Errorf("Find = %q, %v, %v; want %q", found, ok, err, ref)
	}
}

func accountFor(user string) requests.Account {
	return requests.Account("slack:" + slackserver.TeamID + "/" + user)
}

func TestErrorsOfSlack(t *testing.T) {
	for code, want := range map[string]error{
		"message_not_found": chat.ErrGone, "cant_update_message": chat.ErrGone, "edit_window_closed": chat.ErrGone,
		"used_url": chat.ErrGone, "expired_url": chat.ErrGone,
		"fatal_error": chat.ErrLost, "internal_error": chat.ErrLost, "service_unavailable": chat.ErrLost,
		"invalid_blocks": chat.ErrRejected, "msg_too_long": chat.ErrRejected, "no_text": chat.ErrRejected,
		"invalid_auth": chat.ErrTemporary, "missing_scope": chat.ErrTemporary, "account_inactive": chat.ErrTemporary,
	} {
		w := newWorld(t, nil)
		w.slack.Break(slackserver.Break{Times: 1, Status: 200, Body: `{"ok":false,"error":"` + code + `"}`})
		_, err := w.bot.Post(t.Context(), chat.Post{Place: place(w.slack.Channel("c")), Message: plainMessage("x")})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", code, err, want)
		}
	}
}

// chat.postMessage takes a person's id, by Slack's documentation; what stands in its
// place may ask for the channel.
func TestPostToAPersonByChannel(t *testing.T) {
	w := newWorld(t, nil)
	person := w.slack.User("olga")
	w.slack.Break(slackserver.Break{Method: methodPost, Times: 1, Status: 200, Body: `{"ok":false,"error":"channel_not_found"}`})
	ref, err := w.bot.Post(t.Context(), chat.Post{Place: w.bot.Direct(accountFor(person.ID())), Message: plainMessage("hello")})
	if channel, _, _ := splitRef(ref); err != nil || channel != person.DM() {
		t.Errorf("%q, %v; want it in %s", ref, err, person.DM())
	}
}

// A response_url is secret: it leaves this machine over TLS, or to where the token
// goes in the open too.
func TestWhereAnswersMayGo(t *testing.T) {
	for api, addresses := range map[string]map[string]bool{
		"https://slack.com/api/": {
			"https://hooks.slack.com/commands/T1/1/x": true, "http://hooks.slack.com/commands/T1/1/x": false,
			"http://127.0.0.1:1/x": false, "": false, "/x": false,
		},
		"http://127.0.0.1:9000/api/": {
			"http://127.0.0.1:9001/x": true, "http://localhost:9000/x": true, "http://[::1]:9000/x": true,
			"http://192.0.2.1:9000/x": false, "ftp://127.0.0.1/x": false,
		},
	} {
		a, err := New(Config{BotToken: botToken, APIURL: api})
		if err != nil {
			t.Fatal(err)
		}
		for address, may := range addresses {
			if a.mayAnswer(address) != may {
				t.Errorf("%q with the API at %s: %v", address, api, !may)
			}
		}
	}
}

// A command can be typed in a direct message between two people, which the bot is no
// part of and can't be added to.
func TestClosedConversation(t *testing.T) {
	w := newWorld(t, nil)
	w.slack.Break(slackserver.Break{Times: 1, Status: 200, Body: `{"ok":false,"error":"channel_not_found"}`})
	_, err := w.bot.Post(t.Context(), chat.Post{Place: chat.Place{ID: "D0THEIRS"}, Message: plainMessage("x")})
	if closed, ok := errors.AsType[*chat.Closed](err); !ok || closed.Why != "not-in-chat" {
		t.Errorf("%v, want not-in-chat", err)
	}
}

func TestClosedPlaces(t *testing.T) {
	w := newWorld(t, nil)
	archived, out, private := w.slack.Channel("old"), w.slack.Channel("out"), w.slack.PrivateChannel("hidden")
	archived.Archive()
	out.RemoveBot()
	private.RemoveBot()
	for id, why := range map[string]string{
		archived.ID(): "archived", out.ID(): "not-in-channel", private.ID(): "not-in-channel", "U0NOBODY": "gone",
	} {
		_, err := w.bot.Post(t.Context(), chat.Post{Place: chat.Place{ID: id}, Message: plainMessage("x")})
		closed, ok := errors.AsType[*chat.Closed](err)
		if !ok || closed.Why != why {
			t.Errorf("%s: %v, want %s", id, err, why)
		}
	}
}

// A 429 comes as slack-go's own error, without the header, with a header that is no
// number, and as an answer.
func TestRateLimits(t *testing.T) {
	channel := "C1"
	for name, c := range map[string]struct {
		broken slackserver.Break
		after  time.Duration
	}{
		"seconds":   {slackserver.RateLimited(methodPost, 7), 7 * time.Second},
		"for ever":  {slackserver.RateLimited(methodPost, math.MaxInt), time.Hour},
		"no header": {slackserver.RateLimited(methodPost, 0), 5 * time.Second},
		"a date":    {slackserver.Break{Times: 1, Status: 429, Header: map[string]string{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}}, 5 * time.Second},
		"answer":    {slackserver.Break{Times: 1, Status: 200, Body: `{"ok":false,"error":"ratelimited"}`}, 5 * time.Second},
	} {
		w := newWorld(t, nil)
		w.slack.Break(c.broken)
		_, err := w.bot.Post(t.Context(), chat.Post{Place: chat.Place{ID: channel}, Message: plainMessage("x")})
		limit, ok := errors.AsType[*chat.Limited](err)
		if !ok || limit.After != c.after || !limit.Here {
			t.Errorf("%s: %#v", name, err)
		}
	}
	w := newWorld(t, nil)
	w.slack.Break(slackserver.RateLimited(methodUpdate, 3))
	err := w.bot.Edit(t.Context(), makeRef(channel, "1.000001"), plainMessage("x"))
	if limit, ok := errors.AsType[*chat.Limited](err); !ok || limit.Here {
		t.Errorf("edit: %#v", err)
	}
}

// An answer that did not arrive whole is lost, never temporary; slack-go takes an
// answer without "ok" and "error" for success.
func TestLostAnswers(t *testing.T) {
	for name, b := range map[string]slackserver.Break{
		"dropped":   {Drop: true, After: true},
		"cut":       {Cut: true, After: true},
		"html":      {Status: 200, Body: "<html>maintenance</html>", After: true},
		"500":       {Status: 500, Body: "<html>", After: true},
		"503":       {Status: 503, After: true},
		"empty":     {Status: 200, Body: `{}`},
		"no error":  {Status: 200, Body: `{"ok":false}`},
		"no ts":     {Status: 200, Body: `{"ok":true}`},
		"not asked": {Drop: true},
	} {
		w := newWorld(t, nil)
		b.Times = 1
		w.slack.Break(b)
		post := chat.Post{Place: place(w.slack.Channel("c")), Nonce: "nonce", Message: plainMessage("x")}
		_, err := w.bot.Post(t.Context(), post)
		if !errors.Is(err, chat.ErrLost) {
			t.Errorf("%s: %v", name, err)
		}
		ref, found, err := w.bot.Find(t.Context(), post, time.Now())
		if err != nil || found != b.After || found != (ref != "") {
			t.Errorf("%s: Find = %q, %v, %v", name, ref, found, err)
		}
	}
}

// Where the answer to an edit says "ok" and no more, the edit was done. Were it taken
// for lost, it would be made again and again, and the next one would wait for that.
func TestDoneIsDone(t *testing.T) {
	w := newWorld(t, nil)
	ops := w.slack.User("ops")
	channel := w.slack.Channel("c").Invite(ops)
	edit := func() error { return w.bot.Edit(t.Context(), makeRef(channel.ID(), "1.000002"), plainMessage("x")) }
	whisper := func() error {
		return w.bot.Answer(t.Context(), asked(w, ops.ID(), channel.ID(), ""), plainMessage("only you"))
	}
	for method, call := range map[string]func() error{methodUpdate: edit, methodEphemeral: whisper} {
		for answer, lost := range map[string]bool{`{"ok":true}`: false, `{}`: true, `{"ok":false}`: true} {
			w.slack.Break(slackserver.Break{Method: method, Times: 1, Status: 200, Body: answer})
			if err := call(); errors.Is(err, chat.ErrLost) != lost || !lost && err != nil {
				t.Errorf("%s answered %s: %v", method, answer, err)
			}
		}
	}
}

// Slack sends the message back, and with it blocks that slack-go may not know.
func TestEchoIsNotDecoded(t *testing.T) {
	w := newWorld(t, nil)
	w.slack.Break(slackserver.Break{Times: 1, Status: 200, Body: `{"ok":true,"channel":"C1","ts":"1.000002","message":{"blocks":[
		{"type":"actions","elements":[{"type":"brand_new_element"}]}]}}`})
	ref, err := w.bot.Post(t.Context(), chat.Post{Place: chat.Place{ID: "C1"}, Message: plainMessage("x")})
	if err != nil || ref != "slack:C1/1.000002" {
		t.Errorf("%q, %v", ref, err)
	}
}

func TestNothingSentIsTemporary(t *testing.T) {
	refused := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("connection refused") }
	w := newWorld(t, func(_ *slackserver.Options, c *Config) { c.HTTP = &http.Transport{DialContext: refused} })
	post := chat.Post{Place: place(w.slack.Channel("c")), Message: plainMessage("x")}
	if _, err := w.bot.Post(t.Context(), post); !errors.Is(err, chat.ErrTemporary) {
		t.Errorf("refused: %v", err)
	}
	// Given up while it still dials.
	stuck := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	w = newWorld(t, func(_ *slackserver.Options, c *Config) { c.HTTP = &http.Transport{DialContext: stuck} })
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := w.bot.Post(ctx, post); !errors.Is(err, chat.ErrTemporary) {
		t.Errorf("dialling: %v", err)
	}
}

// A transport may still read the form after the call was given up. It finds it
// sealed, so that "nothing was sent" stays true.
func TestSealedAfterGivingUp(t *testing.T) {
	var body io.Reader
	w := newWorld(t, func(_ *slackserver.Options, c *Config) {
		c.HTTP = roundTrip(func(r *http.Request) (*http.Response, error) {
			body = r.Body
			return nil, errors.New("gone")
		})
	})
	_, err := w.bot.Post(t.Context(), chat.Post{Place: chat.Place{ID: "C1"}, Message: plainMessage("x")})
	if !errors.Is(err, chat.ErrTemporary) {
		t.Errorf("%v", err)
	}
	if b, err := io.ReadAll(body); !errors.Is(err, errSealed) {
		t.Errorf("read %q late: %v", b, err)
	}
}

// One message of another app with a block that slack-go does not know must not hide
// ours; and nobody else's metadata must either.
func TestFindAmongForeignMessages(t *testing.T) {
	w := newWorld(t, nil)
	w.slack.Break(slackserver.Break{Method: methodHistory, Times: 1, Status: 200, Body: `{"ok":true,"messages":[
		{"ts":"9.000003","blocks":[{"type":"actions","elements":[{"type":"brand_new_element"}]}]},
		{"ts":"9.000002","metadata":{"event_type":"other","event_payload":[1]}},
		{"ts":"9.000004","metadata":null},{"ts":"9.000005","metadata":"mine"},{"ts":"9.000006","metadata":[]},
		{"ts":"9.000007","metadata":{"event_type":"license_bot","event_payload":{"nonce":"another of ours"}}},
		{"ts":"9.000008","metadata":{"event_type":"other","event_payload":{"nonce":"mine"}}},
		{"ts":"9.000001","metadata":{"event_type":"license_bot","event_payload":{"nonce":"mine"}}}]}`})
	ref, found, err := w.bot.Find(t.Context(), chat.Post{Place: chat.Place{ID: "C1"}, Nonce: "mine"}, time.Now())
	if ref != "slack:C1/9.000001" || !found || err != nil {
		t.Errorf("Find = %q, %v, %v", ref, found, err)
	}
}

func TestFindByMetadataAsItWasSent(t *testing.T) {
	w := newWorld(t, nil)
	w.slack.Break(slackserver.Break{Method: methodHistory, Times: 1, Status: 200, Body: `{"ok":true,"messages":[
		{"ts":"9.000001","metadata":"{\"event_type\":\"license_bot\",\"event_payload\":{\"nonce\":\"mine\"}}"}]}`})
	ref, found, err := w.bot.Find(t.Context(), chat.Post{Place: chat.Place{ID: "C1"}, Nonce: "mine"}, time.Now())
	if ref != "slack:C1/9.000001" || !found || err != nil {
		t.Errorf("Find = %q, %v, %v", ref, found, err)
	}
}

// Asking again would not help, and meanwhile the message would wait.
func TestFindWhereLookingIsRefused(t *testing.T) {
	for _, code := range []string{"unknown_method", "not_in_channel", "channel_not_found", "thread_not_found"} {
		w := newWorld(t, nil)
		w.slack.Break(slackserver.Break{Method: methodHistory, Times: 1, Status: 200, Body: `{"ok":false,"error":"` + code + `"}`})
		_, found, err := w.bot.Find(t.Context(), chat.Post{Place: chat.Place{ID: "C1"}, Nonce: "mine"}, time.Now())
		if found || !errors.Is(err, chat.ErrCannotLook) {
			t.Errorf("%s: %v, %v", code, found, err)
		}
	}
}

func TestFindPagesAndGivesUp(t *testing.T) {
	w := newWorld(t, nil)
	channel := w.slack.Channel("busy")
	post := chat.Post{Place: place(channel), Nonce: "first", Message: plainMessage("first")}
	want, err := w.bot.Post(t.Context(), post)
	if err != nil {
		t.Fatal(err)
	}
	for i := range findPage + 1 {
		if _, err := w.bot.Post(t.Context(), chat.Post{Place: place(channel), Message: plainMessage(fmt.Sprint(i))}); err != nil {
			t.Fatal(err)
		}
	}
	if got, ok, err := w.bot.Find(t.Context(), post, time.Now()); got != want || !ok || err != nil {
		t.Errorf("second page: %q, %v, %v", got, ok, err)
	}
	w.slack.Break(slackserver.Break{Method: methodHistory, Status: 200, Body: `{"ok":true,"messages":[],"response_metadata":{"next_cursor":"x"}}`})
	if _, ok, err := w.bot.Find(t.Context(), post, time.Now()); ok || !errors.Is(err, chat.ErrCannotLook) {
		t.Errorf("without end: %v, %v", ok, err)
	}
	if _, _, err := w.bot.Find(t.Context(), chat.Post{Place: place(channel)}, time.Now()); !errors.Is(err, chat.ErrCannotLook) {
		t.Errorf("without a nonce: %v", err)
	}
}

func TestFindInThread(t *testing.T) {
	w := newWorld(t, nil)
	channel := w.slack.Channel("c")
	root, err := w.bot.Post(t.Context(), chat.Post{Place: place(channel), Message: plainMessage("root")})
	if err != nil {
		t.Fatal(err)
	}
	post := chat.Post{Place: place(channel), ReplyTo: root, Nonce: "r", Message: plainMessage("reply")}
	want, err := w.bot.Post(t.Context(), post)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok, err := w.bot.Find(t.Context(), post, time.Now()); got != want || !ok || err != nil {
		t.Errorf("%q, %v, %v; want %q", got, ok, err, want)
	}
}

func TestCheckAndLink(t *testing.T) {
	w := newWorld(t, func(_ *slackserver.Options, c *Config) { c.AppToken = appToken })
	if l := w.bot.Link("slack:C1/1.000002"); l != "https://slack.com/app_redirect?channel=C1&message_ts=1.000002" {
		t.Errorf("a link in an unknown workspace: %q", l)
	}
	if c := w.bot.Invite(); c != "" {
		t.Errorf("an invitation without a name: %q", c)
	}
	who, err := w.bot.Check(t.Context())
	if c := w.bot.Invite(); c != "/invite @license-bot" {
		t.Errorf("%q", c)
	}
	if err != nil || who != "license-bot in sandbox (T0SANDBOX1)" {
		t.Errorf("%q, %v", who, err)
	}
	if l := w.bot.Link("slack:C1/1.000002"); l != "https://sandbox.slack.com/archives/C1/p1000002" {
		t.Errorf("link %q", l)
	}
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*slackserver.Options, *Config)
		want   string
	}{
		"scopes":    {func(o *slackserver.Options, _ *Config) { o.Scopes = []string{"commands", "chat:write", "im:write"} }, "channels:history, groups:history"},
		"bot token": {func(o *slackserver.Options, _ *Config) { o.BotToken = "another" }, "SLACK_BOT_TOKEN"},
		"app token": {func(o *slackserver.Options, c *Config) { o.AppToken, c.AppToken = "another", appToken }, "SLACK_APP_TOKEN"},
	} {
		w := newWorld(t, c.change)
		_, err := w.bot.Check(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		noSecret(t, "the error", err.Error())
	}
}

func TestCheckSaysAllThatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*slackserver.Options, *Config)
		broken slackserver.Break
		want   []string
	}{
		{"scopes and app token", func(o *slackserver.Options, c *Config) {
			o.Scopes, o.AppToken, c.AppToken = []string{"commands", "chat:write", "im:write"}, "another", appToken
		}, slackserver.Break{}, []string{"the app lacks channels:history, groups:history", "SLACK_APP_TOKEN: "}},
		{"both tokens", func(o *slackserver.Options, c *Config) {
			o.BotToken, o.AppToken, c.AppToken = "another", "another", appToken
		}, slackserver.Break{}, []string{"SLACK_BOT_TOKEN: ", "SLACK_APP_TOKEN: "}},
		{"Slack", func(_ *slackserver.Options, c *Config) { c.AppToken = appToken }, slackserver.Break{Drop: true}, []string{"Slack can't be asked: auth.test"}},
	} {
		w := newWorld(t, c.change)
		if c.broken.Drop {
			w.slack.Break(c.broken)
		}
		_, err := w.bot.Check(t.Context())
		lines := strings.Split(fmt.Sprint(err), "\n")
		if len(lines) != len(c.want) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(lines[i], want) {
				t.Errorf("%s: %q, want %q", c.name, lines[i], want)
			}
		}
		noSecret(t, "the error", fmt.Sprint(err))
	}
}

func TestCheckAppTokenWithoutScope(t *testing.T) {
	w := newWorld(t, func(_ *slackserver.Options, c *Config) { c.AppToken = appToken })
	w.slack.Break(slackserver.Break{Method: methodConnect, Status: 200, Body: `{"ok":false,"error":"missing_scope"}`})
	if _, err := w.bot.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "SLACK_APP_TOKEN") || !strings.Contains(err.Error(), "connections:write") {
		t.Error(err)
	}
}

// A token that is refused shows in State until a call works again.
func TestStateFollowsTheToken(t *testing.T) {
	w := newWorld(t, nil)
	post := chat.Post{Place: place(w.slack.Channel("c")), Message: plainMessage("x")}
	w.slack.Break(slackserver.Break{Times: 1, Status: 200, Body: `{"ok":false,"error":"token_revoked"}`})
	_, _ = w.bot.Post(t.Context(), post)
	if ready, why := w.bot.State(); ready || !strings.Contains(why, "revoked") {
		t.Errorf("%v, %q", ready, why)
	}
	if _, err := w.bot.Post(t.Context(), post); err != nil {
		t.Fatal(err)
	}
	if ready, why := w.bot.State(); !ready {
		t.Error(why)
	}
}

// asked is an Inbound as a command in a place gives it.
func asked(w *world, user, channel, responseURL string) chat.Inbound {
	return chat.Inbound{
		Account: accountFor(user), Place: placeOf(channel, ""), At: time.Now(),
		Handle: handle{URL: responseURL}.String(),
	}
}

func TestAnswerWithoutResponseURL(t *testing.T) {
	w := newWorld(t, nil)
	ops := w.slack.User("ops")
	channel := w.slack.Channel("c").Invite(ops)
	if err := w.bot.Answer(t.Context(), asked(w, ops.ID(), channel.ID(), ""), plainMessage("only you")); err != nil {
		t.Fatal(err)
	}
	if all := channel.Messages(); len(all) != 1 || all[0].To != ops.ID() {
		t.Errorf("%+v", all)
	}
	channel.RemoveBot()
	if err := w.bot.Answer(t.Context(), asked(w, ops.ID(), channel.ID(), ""), plainMessage("by direct message")); err != nil {
		t.Fatal(err)
	}
	calls := w.slack.Ledger()
	if last := calls[len(calls)-1]; last.Method != methodPost || last.Args["channel"] != ops.ID() {
		t.Errorf("%+v", last)
	}
}

// An answer that does not go by the response_url still goes to its thread.
func TestAnswerOtherwise(t *testing.T) {
	w := newWorld(t, nil)
	ops := w.slack.User("ops")
	channel := w.slack.Channel("c").Invite(ops)
	root, err := w.bot.Post(t.Context(), chat.Post{Place: place(channel), Message: plainMessage("root")})
	if err != nil {
		t.Fatal(err)
	}
	_, ts, _ := splitRef(root)
	in := asked(w, ops.ID(), channel.ID(), "")
	in.Handle = handle{URL: w.url + "/commands/T1/1/x", Thread: ts}.String()
	other, ok := w.bot.Otherwise(in)
	if !ok {
		t.Fatal("there is no other way")
	}
	if again, ok := w.bot.Otherwise(other); ok || again.Handle != other.Handle {
		t.Errorf("a third way: %s", again.Handle)
	}
	if err := w.bot.Answer(t.Context(), other, plainMessage("only you")); err != nil {
		t.Fatal(err)
	}
	calls := w.slack.Ledger()
	if last := calls[len(calls)-1]; last.Method != methodEphemeral || last.Args["thread_ts"] != ts {
		t.Errorf("%+v", last)
	}
}

// An answer that arrived is not told once more in another way.
func TestWhatResponseURLsAnswer(t *testing.T) {
	for _, c := range []struct {
		status   int
		body     string
		answered string // which methods were tried
	}{
		{200, "ok", ""},
		{200, "OK\n", ""},
		{200, "", ""},
		{202, `{"ok":true}`, ""},
		{204, "", ""},
		{200, `{"ok":false,"error":"expired_url"}`, methodEphemeral},
		{404, "used_url", methodEphemeral},
		{302, "", methodEphemeral},
	} {
		w := newWorld(t, nil)
		ops := w.slack.User("ops")
		in := asked(w, ops.ID(), w.slack.Channel("c").Invite(ops).ID(), w.url+"/commands/T1/1/x")
		w.slack.Break(slackserver.Break{Method: responseURL, Status: c.status, Body: c.body})
		if err := w.bot.Answer(t.Context(), in, plainMessage("x")); err != nil {
			t.Errorf("%d %q: %v", c.status, c.body, err)
		}
		other := ""
		for _, call := range w.slack.Ledger() {
			if call.Method != responseURL {
				other += call.Method
			}
		}
		if other != c.answered {
			t.Errorf("%d %q: told once more by %q, want %q", c.status, c.body, other, c.answered)
		}
	}
}

// response_urls leak in net/http's errors.
func TestResponseURLStaysOutOfErrors(t *testing.T) {
	const secret = "/commands/T1/123/RESPONSESECRET"
	w := newWorld(t, nil)
	channel := w.slack.Channel("c")
	w.slack.Break(slackserver.Break{Method: responseURL, Drop: true})
	err := w.bot.Answer(t.Context(), asked(w, "U1", channel.ID(), w.url+secret), plainMessage("x"))
	if !errors.Is(err, chat.ErrLost) || strings.Contains(err.Error(), "RESPONSESECRET") {
		t.Errorf("%v", err)
	}
	// One that can't be reached at all is no reason to give up: there are other ways.
	err = w.bot.Answer(t.Context(), asked(w, "U1", channel.ID(), "https://127.0.0.1:1"+secret), plainMessage("x"))
	if err == nil || strings.Contains(err.Error(), "RESPONSESECRET") {
		t.Errorf("%v", err)
	}
	if strings.Contains(w.log.String(), "RESPONSESECRET") {
		t.Error("in the log")
	}
}

func TestNoSecretInErrors(t *testing.T) {
	boom := errors.New(`Post "https://slack.example/api/x?token=` + botToken + `": xoxb-1-2-abc ` + appToken + " " + signature)
	w := newWorld(t, func(_ *slackserver.Options, c *Config) {
		c.AppToken = appToken
		c.HTTP = roundTrip(func(*http.Request) (*http.Response, error) { return nil, boom })
	})
	_, err := w.bot.Post(t.Context(), chat.Post{Place: chat.Place{ID: "C1"}, Message: plainMessage("x")})
	_, check := w.bot.Check(t.Context())
	for _, err := range []error{err, check, w.bot.Edit(t.Context(), "slack:C1/1.2", plainMessage("x"))} {
		noSecret(t, "the error", err.Error())
		if strings.Contains(err.Error(), "xoxb-1") {
			t.Error(err)
		}
	}
}

func TestNewRefusesWrongSettings(t *testing.T) {
	for want, cfg := range map[string]Config{
		"SLACK_BOT_TOKEN": {},
		"SLACK_APP_TOKEN": {BotToken: botToken, AppToken: appToken + "\n"},
		"SLACK_API_URL":   {BotToken: botToken, APIURL: "slack.com/" + botToken},
	} {
		_, err := New(cfg)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
			continue
		}
		noSecret(t, "the error", err.Error())
	}
}

func TestHandleHoldsNoEmptyFields(t *testing.T) {
	var h handle
	if err := json.Unmarshal([]byte(handle{URL: "u", Thread: "1.2"}.String()), &h); err != nil || h.URL != "u" || h.Thread != "1.2" {
		t.Errorf("%+v, %v", h, err)
	}
}
