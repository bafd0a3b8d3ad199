package telegramserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	tgs "github.com/isplicense/license-bot/internal/sandbox/telegramserver"
)

type bench struct {
	*testing.T
	tg   *tgs.Server
	base string
	ctx  context.Context
}

func start(t *testing.T, opts tgs.Options) *bench {
	t.Helper()
	s := tgs.New(opts)
	web := httptest.NewServer(s)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(func() { cancel(); s.Close(); web.Close() })
	return &bench{T: t, tg: s, base: web.URL, ctx: ctx}
}

type answer struct {
	OK          bool            `json:"ok"`
	Code        int             `json:"error_code"`
	Description string          `json:"description"`
	Result      json.RawMessage `json:"result"`
	Parameters  struct {
		RetryAfter int   `json:"retry_after"`
		MigrateTo  int64 `json:"migrate_to_chat_id"`
	} `json:"parameters"`
}

// call posts JSON, as the simplest of the encodings.
func (b *bench) call(method string, args map[string]any) answer {
	b.Helper()
	body, err := json.Marshal(args)
	if err != nil {
		b.Fatal(err)
	}
	return b.post(b.base+"/bot"+b.tg.Token()+"/"+method, "application/json", bytes.NewReader(body))
}

func (b *bench) post(to, kind string, body io.Reader) answer {
	b.Helper()
	resp, err := http.Post(to, kind, body)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	var a answer
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		b.Fatal(err)
	}
	if !a.OK && a.Code != resp.StatusCode {
		b.Errorf("status %d with error_code %d", resp.StatusCode, a.Code)
	}
	return a
}

func (b *bench) refuses(a answer, code int, description string) {
	b.Helper()
	if a.OK || a.Code != code || !strings.Contains(a.Description, description) {
		b.Errorf("got %+v, want %d %q", a, code, description)
	}
}

func (b *bench) updates(offset int64) []map[string]any {
	b.Helper()
	a := b.call("getUpdates", map[string]any{"offset": offset})
	var us []map[string]any
	if err := json.Unmarshal(a.Result, &us); err != nil {
		b.Fatal(err, a)
	}
	return us
}

func TestTokens(t *testing.T) {
	b := start(t, tgs.Options{})
	none := strings.NewReader
	b.refuses(b.post(b.base+"/botnonsense/getMe", "", none("")), 404, "Not Found")
	b.refuses(b.post(b.base+"/", "", none("")), 404, "Not Found")
	b.refuses(b.post(b.base+"/bot1:AAAAAAAAAAAAAAAAAAAAAAAAAAAA/getMe", "", none("")), 401, "Unauthorized")
	b.refuses(b.call("fly", nil), 404, "method not found")
	if a := b.call("GETME", nil); !a.OK || !strings.Contains(string(a.Result), `"username":"license_bot"`) {
		t.Errorf("getMe: %+v", a)
	}
}

func TestEncodings(t *testing.T) {
	b := start(t, tgs.Options{})
	alice := b.tg.Person(tgs.Profile{Name: "Alice"})
	alice.Starts()
	to := b.base + "/bot" + b.tg.Token() + "/sendMessage"
	form := url.Values{"chat_id": {"100001"}, "text": {"by form"}}
	if a := b.post(to, "application/x-www-form-urlencoded", strings.NewReader(form.Encode())); !a.OK {
		t.Errorf("form: %+v", a)
	}
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	_ = m.WriteField("chat_id", "100001")
	_ = m.WriteField("text", "by multipart")
	_ = m.Close()
	if a := b.post(to, m.FormDataContentType(), &body); !a.OK {
		t.Errorf("multipart: %+v", a)
	}
	if a := b.call("sendMessage", map[string]any{"chat_id": alice.ID(), "text": "by JSON",
		"reply_markup": map[string]any{"inline_keyboard": [][]any{{map[string]any{"text": "Go", "callback_data": "go"}}}}}); !a.OK {
		t.Errorf("JSON: %+v", a)
	}
	msg, err := alice.Sees(b.ctx, alice.Private(), "by JSON")
	if _, ok := msg.Button("Go"); err != nil || !ok {
		t.Errorf("%v %+v", err, msg)
	}
}

func TestHTML(t *testing.T) {
	b := start(t, tgs.Options{})
	alice := b.tg.Person(tgs.Profile{Name: "Alice"})
	alice.Starts()
	send := func(text string) answer {
		return b.call("sendMessage", map[string]any{"chat_id": alice.ID(), "text": text, "parse_mode": "HTML"})
	}
	for text, want := range map[string]string{
		"a &lt;b&gt; &amp; &quot;c&quot; &#65;&#x42;": `a <b> & "c" AB`,
		"&nbsp; &copy stay":                           "&nbsp; &copy stay",
		"<b>bold <i>both</i></b>":                     "bold both",
		`<a href="tg://user?id=5">Bob</a>`:            "Bob",
		`<a href='https://x.test/?a=1&amp;b'>x</a>`:   "x",
		"<blockquote expandable>q</blockquote>":       "q",
		"  \n trimmed \n":                             "trimmed",
		"a > b":                                       "a > b",
	} {
		a := send(text)
		var m struct{ Text string }
		if err := json.Unmarshal(a.Result, &m); err != nil || m.Text != want {
			t.Errorf("%q became %q, want %q (%+v)", text, m.Text, want, a)
		}
	}
	for text, why := range map[string]string{
		"":                                "message text is empty",
		" \n ":                            "text must be non-empty",
		"<b></b>":                         "text must be non-empty",
		"1 < 2":                           "can't parse entities: Unsupported start tag",
		"<h1>x</h1>":                      `Unsupported start tag "h1" at byte offset 0`,
		"<b>x":                            `can't parse entities: Can't find end tag corresponding to start tag "b"`,
		"x</b>":                           "Unexpected end tag at byte offset 1",
		"<b>x</i>":                        `Unmatched end tag at byte offset 4, expected "</b>", found "</i>"`,
		"<b":                              "Unclosed start tag at byte offset 0",
		`<a href="x>y</a>`:                "Unclosed start tag",
		"<span>x</span>":                  `must have class "tg-spoiler"`,
		strings.Repeat("x", 4097):         "message is too long",
		strings.Repeat("😀", 2049):         "message is too long",
		strings.Repeat("<b>x</b>", 4097):  "text is too long",
		"<code>" + strings.Repeat("x", 9): "Can't find end tag",
	} {
		b.refuses(send(text), 400, why)
	}
	if a := send("<b>" + strings.Repeat("&lt;", 4096) + "</b>"); !a.OK {
		t.Errorf("4096 units after parsing: %+v", a)
	}
}

func TestWhereTheBotMayWrite(t *testing.T) {
	b := start(t, tgs.Options{})
	alice, bob := b.tg.Person(tgs.Profile{Name: "Alice"}), b.tg.Person(tgs.Profile{Name: "Bob"})
	ops := b.tg.Forum("ops", alice, bob)
	say := func(room tgs.Room, more map[string]any) answer {
		args := map[string]any{"chat_id": room.Chat, "text": "hello"}
		if room.Topic != 0 {
			args["message_thread_id"] = room.Topic
		}
		maps.Copy(args, more)
		return b.call("sendMessage", args)
	}
	b.refuses(say(tgs.Room{Chat: 42}, nil), 400, "Bad Request: chat not found")
	b.refuses(say(bob.Private(), nil), 400, "chat not found")
	bob.Says(ops, "/license")
	b.refuses(say(bob.Private(), nil), 403, "Forbidden: bot can't initiate conversation with a user")
	bob.Starts()
	if a := say(bob.Private(), nil); !a.OK {
		t.Errorf("after Start: %+v", a)
	}
	bob.Blocks()
	b.refuses(say(bob.Private(), nil), 403, "Forbidden: bot was blocked by the user")

	topic := b.tg.Topic(ops, "Licences", alice)
	if a := say(topic, nil); !a.OK || !strings.Contains(string(a.Result), `"is_topic_message":true`) {
		t.Errorf("topic: %+v", a)
	}
	b.tg.CloseTopic(topic)
	b.refuses(say(topic, nil), 400, "TOPIC_CLOSED")
	b.tg.DeleteTopic(topic)
	b.refuses(say(topic, nil), 400, "message thread not found")
	b.refuses(say(tgs.Room{Chat: ops.Chat, Topic: 1}, nil), 400, "message thread not found")
	b.refuses(say(ops, map[string]any{"reply_parameters": map[string]any{"message_id": 999}}), 400, "message to be replied not found")
	b.refuses(say(ops, map[string]any{"reply_markup": map[string]any{"inline_keyboard": [][]any{{map[string]any{"text": "x", "callback_data": strings.Repeat("я", 33)}}}}}), 400, "BUTTON_DATA_INVALID")

	group := b.tg.Group("small", alice)
	grown := b.tg.Migrate(group)
	a := say(group, nil)
	b.refuses(a, 400, "group chat was upgraded to a supergroup chat")
	if a.Parameters.MigrateTo != grown.Chat {
		t.Errorf("migrate_to_chat_id %d, want %d", a.Parameters.MigrateTo, grown.Chat)
	}
	b.tg.SetBotStatus(grown, "kicked")
	b.refuses(say(grown, nil), 403, "Forbidden: bot was kicked from the supergroup chat")
}

func TestEditing(t *testing.T) {
	b := start(t, tgs.Options{})
	alice := b.tg.Person(tgs.Profile{Name: "Alice"})
	own := alice.Starts()
	b.call("sendMessage", map[string]any{"chat_id": alice.ID(), "text": "one"})
	msg, _ := alice.Sees(b.ctx, alice.Private(), "one")
	edit := func(id int, text string) answer {
		return b.call("editMessageText", map[string]any{"chat_id": alice.ID(), "message_id": id, "text": text})
	}
	b.refuses(edit(msg.ID, "one"), 400, "message is not modified")
	b.refuses(edit(own.ID, "two"), 400, "message can't be edited")
	b.refuses(edit(999, "two"), 400, "message to edit not found")
	if a := edit(msg.ID, "two"); !a.OK {
		t.Errorf("%+v", a)
	}
	if m, err := alice.SeesBecome(b.ctx, msg, "two"); err != nil || !m.Edited {
		t.Errorf("%v %+v", err, m)
	}
}

func TestClicks(t *testing.T) {
	now := time.Now()
	b := start(t, tgs.Options{Now: func() time.Time { return now }})
	alice := b.tg.Person(tgs.Profile{Name: "Alice"})
	alice.Starts()
	b.call("sendMessage", map[string]any{"chat_id": alice.ID(), "text": "sure?",
		"reply_markup": map[string]any{"inline_keyboard": [][]any{{map[string]any{"text": "Yes", "callback_data": "confirm:r1"}}}}})
	msg, _ := alice.Sees(b.ctx, alice.Private(), "sure?")
	if _, err := alice.Clicks(msg, "No"); err == nil {
		t.Error("a button that is not there was pressed")
	}
	click, err := alice.Clicks(msg, "Yes")
	if err != nil {
		t.Fatal(err)
	}
	reply := func(id, text string) answer {
		return b.call("answerCallbackQuery", map[string]any{"callback_query_id": id, "text": text, "show_alert": true})
	}
	b.refuses(reply(click.ID, strings.Repeat("x", 201)), 400, "MESSAGE_TOO_LONG")
	if a := reply(click.ID, "done"); !a.OK {
		t.Fatalf("%+v", a)
	}
	got, err := click.Answer(b.ctx)
	if want := (tgs.Answer{Answered: true, Text: "done", Alert: true}); err != nil || got != want {
		t.Errorf("%+v %v", got, err)
	}
	b.refuses(reply(click.ID, "again"), 400, "query is too old and response timeout expired or query ID is invalid")
	late, _ := alice.Clicks(msg, "Yes")
	now = now.Add(time.Minute)
	b.refuses(reply(late.ID, "late"), 400, "query is too old")

	b.tg.Fade(msg)
	if _, err := alice.Clicks(msg, "Yes"); err != nil {
		t.Fatal(err)
	}
	us := b.updates(0)
	last := us[len(us)-1]["callback_query"].(map[string]any)["message"].(map[string]any)
	if last["date"] != 0.0 || last["text"] != nil {
		t.Errorf("an inaccessible message is shown: %v", last)
	}
}

func TestPolling(t *testing.T) {
	b := start(t, tgs.Options{})
	alice := b.tg.Person(tgs.Profile{Name: "Alice"})
	first := alice.Starts()
	second := alice.Says(alice.Private(), "two")
	if us := b.updates(0); len(us) != 2 {
		t.Fatalf("%d updates, want 2", len(us))
	}
	if us := b.updates(first.Update); len(us) != 2 {
		t.Errorf("unconfirmed updates were not given again: %d", len(us))
	}
	if us := b.updates(second.Update); len(us) != 1 {
		t.Errorf("%d updates, want 1", len(us))
	}
	if us := b.updates(second.Update + 1); len(us) != 0 {
		t.Errorf("%d updates, want none", len(us))
	}
	waiting := make(chan answer)
	go func() {
		waiting <- b.call("getUpdates", map[string]any{"offset": second.Update + 1, "timeout": 50})
	}()
	if err := b.tg.Await(b.ctx, b.tg.Polling); err != nil {
		t.Fatal(err)
	}
	b.updates(second.Update + 1)
	b.refuses(<-waiting, 409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running")
	go func() {
		waiting <- b.call("getUpdates", map[string]any{"offset": second.Update + 1, "timeout": 50})
	}()
	if err := b.tg.Await(b.ctx, b.tg.Polling); err != nil {
		t.Fatal(err)
	}
	alice.Says(alice.Private(), "three")
	if a := <-waiting; !strings.Contains(string(a.Result), "three") {
		t.Errorf("%s", a.Result)
	}
	b.updates(second.Update + 2)
	b.tg.Renumber(17)
	alice.Says(alice.Private(), "after a week")
	if us := b.updates(second.Update + 2); len(us) != 1 || us[0]["update_id"] != 17.0 {
		t.Errorf("after renumbering: %v", us)
	}
}

func TestWebhook(t *testing.T) {
	b := start(t, tgs.Options{})
	alice := b.tg.Person(tgs.Profile{Name: "Alice"})
	type delivery struct{ secret, body string }
	got := make(chan delivery, 10)
	fail := make(chan bool, 10)
	fail <- true
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		select {
		case <-fail:
			w.WriteHeader(http.StatusInternalServerError)
		default:
		}
		got <- delivery{r.Header.Get("X-Telegram-Bot-Api-Secret-Token"), string(body)}
	}))
	defer hook.Close()
	if a := b.call("setWebhook", map[string]any{"url": hook.URL, "secret_token": "s3cret"}); !a.OK {
		t.Fatalf("%+v", a)
	}
	b.refuses(b.call("getUpdates", nil), 409, "can't use getUpdates method while webhook is active")
	b.refuses(b.call("setWebhook", map[string]any{"url": hook.URL, "secret_token": "two words"}), 400, "secret token contains unallowed characters")
	alice.Starts()
	one, two := <-got, <-got
	if one != two || one.secret != "s3cret" || !strings.Contains(one.body, "/start") {
		t.Errorf("%v, then %v", one, two)
	}
	if err := b.tg.Await(b.ctx, func() bool { return b.tg.Pending() == 0 }); err != nil {
		t.Error(err)
	}
	b.tg.Redeliver(b.tg.LastUpdate())
	if again := <-got; again != one {
		t.Errorf("%v, want %v", again, one)
	}
}

func TestPrivacy(t *testing.T) {
	b := start(t, tgs.Options{})
	alice := b.tg.Person(tgs.Profile{Name: "Alice"})
	other := b.tg.Person(tgs.Profile{Name: "Other", Username: "other_bot", Bot: true})
	ops := b.tg.Supergroup("ops", alice)
	told := func(text string, manners ...tgs.Manner) bool { return alice.Says(ops, text, manners...).Update != 0 }
	b.call("sendMessage", map[string]any{"chat_id": ops.Chat, "text": "mine"})
	mine, _ := alice.Sees(b.ctx, ops, "mine")
	for text, want := range map[string]bool{"hello": false, "/list": true, "/list@license_bot": true, "/list@other_bot": false} {
		if told(text) != want {
			t.Errorf("%q told: %v, want %v", text, !want, want)
		}
	}
	if !told("yes", tgs.ReplyTo(mine)) {
		t.Error("a reply to the bot was not told")
	}
	other.Says(ops, "beep")
	if told("/list") {
		t.Error("a command was told although another bot spoke last")
	}
	b.tg.SetBotStatus(ops, "administrator")
	if !told("hello") {
		t.Error("an administrator was not told everything")
	}
}

func TestFaults(t *testing.T) {
	b := start(t, tgs.Options{})
	alice := b.tg.Person(tgs.Profile{Name: "Alice"})
	alice.Starts()
	args := map[string]any{"chat_id": alice.ID(), "text": "hello"}
	b.tg.Break(tgs.Fault{Method: "sendMessage", Times: 1, RetryAfter: 7})
	if a := b.call("sendMessage", args); a.Code != 429 || a.Parameters.RetryAfter != 7 {
		t.Errorf("%+v", a)
	}
	lift := b.tg.Break(tgs.Fault{Method: "sendMessage", Chat: alice.ID(), After: true, Drop: true})
	if _, err := http.Post(b.base+"/bot"+b.tg.Token()+"/sendMessage", "application/json", strings.NewReader(`{"chat_id":100001,"text":"lost"}`)); err == nil {
		t.Error("an answer came")
	}
	if _, err := alice.Sees(b.ctx, alice.Private(), "lost"); err != nil {
		t.Error("the effect is missing:", err)
	}
	lift()
	if a := b.call("sendMessage", args); !a.OK {
		t.Errorf("%+v", a)
	}
	if calls := b.tg.Calls("sendMessage"); len(calls) != 3 || calls[2].Args["text"] != "hello" || calls[2].Status != 200 {
		t.Errorf("%+v", calls)
	}
}

func TestFiles(t *testing.T) {
	b := start(t, tgs.Options{})
	alice := b.tg.Person(tgs.Profile{Name: "Alice"})
	alice.Starts()
	upload := func(method, field, content string) answer {
		var body bytes.Buffer
		m := multipart.NewWriter(&body)
		_ = m.WriteField("chat_id", "100001")
		_ = m.WriteField("caption", "forecast")
		w, _ := m.CreateFormFile(field, "f.png")
		_, _ = io.WriteString(w, content)
		_ = m.Close()
		return b.post(b.base+"/bot"+b.tg.Token()+"/"+method, m.FormDataContentType(), &body)
	}
	b.refuses(upload("sendPhoto", "photo", "text"), 400, "IMAGE_PROCESS_FAILED")
	b.refuses(b.call("sendPhoto", map[string]any{"chat_id": alice.ID()}), 400, "there is no photo in the request")
	png := "\x89PNG\r\n\x1a\n...."
	if a := upload("sendPhoto", "photo", png); !a.OK {
		t.Errorf("%+v", a)
	}
	m, err := alice.Sees(b.ctx, alice.Private(), "forecast")
	if err != nil || string(m.Content) != png {
		t.Errorf("%v %+v", err, m)
	}
}

func TestMenusAndMembers(t *testing.T) {
	b := start(t, tgs.Options{})
	alice := b.tg.Person(tgs.Profile{Name: "Alice"})
	ops := b.tg.Supergroup("ops", alice)
	menu := func(commands ...any) map[string]any { return map[string]any{"commands": commands} }
	line := func(name, about string) map[string]any { return map[string]any{"command": name, "description": about} }
	b.refuses(b.call("setMyCommands", menu(line("Bad Name", "x"))), 400, "BOT_COMMAND_INVALID")
	b.refuses(b.call("setMyCommands", menu(line("list", ""))), 400, "BOT_COMMAND_DESCRIPTION_INVALID")
	if a := b.call("setMyCommands", menu(line("list", "All licences"))); !a.OK {
		t.Errorf("%+v", a)
	}
	if a := b.call("getMyCommands", nil); string(a.Result) != `[{"command":"list","description":"All licences"}]` {
		t.Errorf("%s", a.Result)
	}
	b.refuses(b.call("getMyCommands", map[string]any{"language_code": "russian"}), 400, "invalid language code specified")
	b.call("deleteMyCommands", nil)
	if got := b.tg.Menu(""); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if a := b.call("getChat", map[string]any{"chat_id": ops.Chat}); !strings.Contains(string(a.Result), `"title":"ops"`) {
		t.Errorf("%s", a.Result)
	}
	for id, want := range map[int64]string{alice.ID(): `"status":"member"`, 7000000001: `"status":"member"`} {
		if a := b.call("getChatMember", map[string]any{"chat_id": ops.Chat, "user_id": id}); !strings.Contains(string(a.Result), want) {
			t.Errorf("%+v", a)
		}
	}
	b.refuses(b.call("getChatMember", map[string]any{"chat_id": ops.Chat, "user_id": 1}), 400, "user not found")
}
