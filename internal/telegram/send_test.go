package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/requests"
	tgs "github.com/isplicense/license-bot/internal/sandbox/telegramserver"
)

func say(s string) chat.Message { return chat.Message{Head: chat.Text{{Text: s}}} }

var question = chat.Message{
	Icon: "🔁",
	Head: chat.Text{{Text: "Renew <1001> & more"}},
	Blocks: []chat.Block{
		{Facts: []chat.Fact{{Label: "Address", Value: chat.Text{{Kind: chat.Code, Text: "192.0.2.1"}}}}},
		{Text: chat.Text{{Text: "Asked by "}, {Kind: chat.Mention, Text: "Alice", Account: "telegram:100001"}}},
		{Lines: []chat.Text{{{Text: "one"}}, {{Kind: chat.Link, Text: "two", URL: "https://example.com/?a=1&b=2"}}}},
		{Note: chat.Text{{Text: "until 12:00"}}},
	},
	Buttons: []chat.Button{
		{Action: "confirm", Value: "r1", Label: "Confirm", Style: chat.Primary},
		{Action: "cancel", Value: "r1", Label: "Cancel"},
		{Action: "renew", Value: "1002", Label: "Renew 1002, which has a long name"},
	},
}

func (r *rig) private() chat.Place {
	return r.a.Direct(requests.Account(fmt.Sprintf("telegram:%d", r.alice.ID())))
}

func TestAQuestionIsPostedClickedAndEdited(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.runs()
		asked := r.alice.Starts()
		ref, err := r.a.Post(r.ctx, chat.Post{Place: r.private(), ReplyTo: refOf(fmt.Sprint(r.alice.ID()), asked.ID), Message: question})
		if err != nil {
			t.Fatal(err)
		}
		card, err := r.alice.Sees(r.ctx, r.alice.Private(), "Renew <1001> & more")
		if err != nil {
			t.Fatal(err)
		}
		if want := "🔁 Renew <1001> & more\n\nAddress: 192.0.2.1\n\nAsked by Alice\n\none\ntwo\n\nuntil 12:00"; card.Text != want {
			t.Errorf("it reads %q, want %q", card.Text, want)
		}
		if card.ReplyTo != asked.ID || ref != refOf(fmt.Sprint(r.alice.ID()), card.ID) {
			t.Errorf("%s %+v", ref, card)
		}
		if len(card.Keyboard) != 2 || len(card.Keyboard[0]) != 2 || card.Keyboard[0][0].Style != "primary" {
			t.Errorf("keyboard %+v", card.Keyboard)
		}

		click, err := r.alice.Clicks(card, "Confirm")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		got := r.sink.all()
		in := got[len(got)-1]
		want := chat.Inbound{Delivery: fmt.Sprintf("telegram:%d", click.Update), Kind: chat.Click, Account: "telegram:100001",
			Place: r.private(), Message: ref, Action: "confirm", Value: "r1", Lang: "en", Handle: click.ID, At: in.At}
		if in != want {
			t.Errorf("the click is %+v, want %+v", in, want)
		}
		if err := r.a.Acknowledge(r.ctx, in); err != nil {
			t.Fatal(err)
		}
		if a, err := click.Answer(r.ctx); err != nil || a.Text != "" {
			t.Errorf("%+v %v", a, err)
		}
		if err := r.a.Acknowledge(r.ctx, in); !errors.Is(err, chat.ErrGone) {
			t.Errorf("an answered click: %v", err)
		}
		for range 2 { // the second changes nothing
			if err := r.a.Edit(r.ctx, ref, say("Renewed")); err != nil {
				t.Fatal(err)
			}
		}
		if m, err := r.alice.SeesBecome(r.ctx, card, "Renewed"); err != nil || len(m.Keyboard) != 0 {
			t.Errorf("%+v %v", m, err)
		}
	})
}

func TestARefusedClickIsAnsweredInADialog(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.runs()
		r.alice.Starts()
		if _, err := r.a.Post(r.ctx, chat.Post{Place: r.private(), Message: question}); err != nil {
			t.Fatal(err)
		}
		card, _ := r.alice.Sees(r.ctx, r.alice.Private(), "Renew")
		r.tg.Fade(card)
		click, _ := r.alice.Clicks(card, "Cancel")
		synctest.Wait()
		in := r.sink.all()[1]
		if in.Message != refOf(fmt.Sprint(r.alice.ID()), card.ID) || in.Place != r.private() {
			t.Errorf("a click on an inaccessible message: %+v", in)
		}
		long := say("Only the requester can cancel <this>.")
		long.Blocks = []chat.Block{{Text: chat.Text{{Text: "Ask Bob."}}}, {Text: chat.Text{{Text: strings.Repeat("very long ", 30)}}}}
		if err := r.a.Answer(r.ctx, in, long); err != nil {
			t.Fatal(err)
		}
		a, err := click.Answer(r.ctx)
		if want := "Only the requester can cancel <this>.\nAsk Bob."; err != nil || a.Text != want || !a.Alert {
			t.Errorf("%+v, want %q (%v)", a, want, err)
		}
		late, _ := r.alice.Clicks(card, "Cancel")
		time.Sleep(time.Minute)
		if err := r.a.Answer(r.ctx, chat.Inbound{Kind: chat.Click, Handle: late.ID}, long); !errors.Is(err, chat.ErrGone) {
			t.Errorf("a stale click: %v", err)
		}
	})
}

func TestClicksOfNobody(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.runs()
		beep := r.tg.Person(tgs.Profile{Name: "Beep", Bot: true})
		r.alice.Starts()
		if _, err := r.a.Post(r.ctx, chat.Post{Place: r.private(), Message: question}); err != nil {
			t.Fatal(err)
		}
		card, _ := r.alice.Sees(r.ctx, r.alice.Private(), "Renew")
		if a, err := beep.Presses(r.ctx, card, "Confirm"); err != nil || !a.Answered {
			t.Errorf("%+v %v", a, err)
		}
		r.wants("help")
		go func() { _, _ = r.alice.Forges(r.ctx, card, "approve:anything:at all") }()
		synctest.Wait()
		got := r.sink.all()
		if in := got[len(got)-1]; in.Action != "approve" || in.Value != "anything:at all" {
			t.Errorf("%+v", in)
		}
	})
}

func TestErrors(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		bob := r.tg.Person(tgs.Profile{Name: "Bob"})
		ops := r.tg.Forum("ops", r.alice, bob)
		group := r.tg.Group("small", bob)
		closedTopic, gone := r.tg.Topic(ops, "closed", bob), r.tg.Topic(ops, "gone", bob)
		r.tg.CloseTopic(closedTopic)
		r.tg.DeleteTopic(gone)
		bob.Says(ops, "/license")
		r.alice.Starts()
		post := func(room tgs.Room) error {
			p := chat.Place{Transport: "telegram", ID: fmt.Sprint(room.Chat)}
			if room.Topic != 0 {
				p.Thread = fmt.Sprint(room.Topic)
			}
			_, err := r.a.Post(r.ctx, chat.Post{Place: p, Message: say("hello")})
			r.clean(err)
			return err
		}
		closed := func(room tgs.Room, why string) {
			t.Helper()
			var c *chat.Closed
			if err := post(room); !errors.As(err, &c) || c.Why != why {
				t.Errorf("%v, want Closed: %s", err, why)
			}
		}
		closed(bob.Private(), "not-started")
		closed(tgs.Room{Chat: 424242}, "not-started")
		closed(tgs.Room{Chat: -424242}, "gone")
		closed(closedTopic, "topic-closed")
		closed(gone, "gone")
		bob.Starts()
		bob.Blocks()
		closed(bob.Private(), "blocked")
		grown := r.tg.Migrate(group)
		var moved *chat.Moved
		if err := post(group); !errors.As(err, &moved) || moved.To.ID != fmt.Sprint(grown.Chat) {
			t.Errorf("%v, want Moved to %d", err, grown.Chat)
		}
		for _, name := range []string{"CHAT_RESTRICTED", "CHAT_SEND_PLAIN_FORBIDDEN", "CHAT_WRITE_FORBIDDEN"} {
			r.tg.Break(tgs.Fault{Method: "sendMessage", Times: 1, Status: 400, Body: `{"ok":false,"error_code":400,"description":"Bad Request: ` + name + `"}`})
			closed(ops, "not-in-channel")
		}
		r.tg.SetBotStatus(ops, "kicked")
		closed(ops, "not-in-channel")

		if err := r.a.Edit(r.ctx, refOf(fmt.Sprint(r.alice.ID()), 999), say("x")); !errors.Is(err, chat.ErrGone) {
			t.Errorf("editing what is not there: %v", err)
		}
		for _, bad := range []chat.Ref{"", "slack:C1/2", "telegram:5", "telegram:5/x"} {
			if err := r.a.Edit(r.ctx, bad, say("x")); !errors.Is(err, chat.ErrRejected) {
				t.Errorf("editing %q: %v", bad, err)
			}
		}
		if _, found, err := r.a.Find(r.ctx, chat.Post{}, time.Time{}); found || !errors.Is(err, chat.ErrCannotLook) {
			t.Errorf("Find: %v", err)
		}
	})
}

func TestFaultsOfTheWire(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	for name, c := range map[string]struct {
		fault tgs.Fault
		want  error
	}{
		"half an answer":   {tgs.Fault{After: true, Cut: true}, chat.ErrLost},
		"no answer":        {tgs.Fault{Drop: true}, chat.ErrLost},
		"hangs":            {tgs.Fault{Hang: release}, chat.ErrLost},
		"bad gateway":      {tgs.Fault{Status: 502, Body: "<html>"}, chat.ErrLost},
		"internal error":   {tgs.Fault{Status: 500}, chat.ErrLost},
		"an empty 200":     {tgs.Fault{Status: 200, Body: "{}"}, chat.ErrLost},
		"no message in it": {tgs.Fault{Status: 200, Body: `{"ok":true,"result":true}`}, chat.ErrLost},
		"a proxy's 407":    {tgs.Fault{Status: 407, Body: "who are you?"}, chat.ErrTemporary},
		"unauthorized":     {tgs.Fault{Status: 401}, chat.ErrTemporary},
		"bad request":      {tgs.Fault{Status: 400}, chat.ErrRejected},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(r *rig) {
				r.alice.Starts()
				fault := c.fault
				if fault.Hang != nil {
					hang := make(chan struct{})
					defer close(hang)
					fault.Hang = hang
				}
				fault.Method, fault.Times = "sendMessage", 1
				r.tg.Break(fault)
				_, err := r.a.Post(r.ctx, chat.Post{Place: r.private(), Message: say("hello")})
				if !errors.Is(err, c.want) {
					t.Errorf("%v, want %v", err, c.want)
				}
				r.clean(err)
			})
		})
	}
}

func TestAnAnswerWithNewThingsInItIsNotLost(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.tg.Break(tgs.Fault{Method: "sendMessage", Status: 200,
			Body: `{"ok":true,"result":{"message_id":7,"date":1,"chat":{"id":5,"type":"private"},"forward_origin":{"type":"from_the_future"}}}`})
		ref, err := r.a.Post(r.ctx, chat.Post{Place: r.private(), Message: say("hello")})
		if err != nil || ref != refOf(r.private().ID, 7) {
			t.Errorf("%q %v", ref, err)
		}
	})
}

// What stands in Telegram's place may leave the chat out of its answer, or say any.
func TestAMessageStandsWhereItWasSent(t *testing.T) {
	for _, answer := range []string{`{"message_id":7}`, `{"message_id":7,"chat":{"id":1},"date":0}`} {
		inBubble(t, nil, func(r *rig) {
			r.tg.Break(tgs.Fault{Method: "sendMessage", Status: 200, Body: `{"ok":true,"result":` + answer + `}`})
			ref, err := r.a.Post(r.ctx, chat.Post{Place: r.private(), Message: say("hello")})
			if err != nil || ref != refOf(r.private().ID, 7) {
				t.Errorf("%s: %q %v", answer, ref, err)
			}
		})
	}
}

// People take a topic's number from its link, and General's is 1 there.
func TestGeneralIsWrittenToWithoutAThread(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		ops := r.tg.Forum("ops", r.alice)
		place := chat.Place{Transport: "telegram", ID: fmt.Sprint(ops.Chat), Thread: "1"}
		if _, err := r.a.Post(r.ctx, chat.Post{Place: place, Message: say("hello")}); err != nil {
			t.Error(err)
		}
	})
}

func TestLimited(t *testing.T) {
	var seen []string
	watch := func(c *Config) {
		c.Observe = func(method, result string, _ time.Duration) { seen = append(seen, method+" "+result) }
	}
	inBubble(t, watch, func(r *rig) {
		r.alice.Starts()
		r.tg.Break(tgs.Fault{Method: "sendMessage", Times: 1, RetryAfter: 7})
		_, err := r.a.Post(r.ctx, chat.Post{Place: r.private(), Message: say("hello")})
		var l *chat.Limited
		if !errors.As(err, &l) || l.After != 7*time.Second || !l.Here {
			t.Errorf("%v (%+v)", err, l)
		}
		r.tg.Break(tgs.Fault{Method: "sendMessage", Times: 1, Status: 429, Body: "slow down"})
		if _, err = r.a.Post(r.ctx, chat.Post{Place: r.private(), Message: say("hello")}); !errors.As(err, &l) || l.After != fallbackWait {
			t.Errorf("%v", err)
		}
		if got := strings.Join(seen, ", "); got != "sendMessage limited, sendMessage limited" {
			t.Errorf("observed %s", got)
		}
	})
}

func TestNoConnectionIsTemporary(t *testing.T) {
	a, err := New(Config{Token: "1:" + secret, APIURL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Post(t.Context(), chat.Post{Place: chat.Place{ID: "5"}, Message: say("hello")})
	if !errors.Is(err, chat.ErrTemporary) || strings.Contains(err.Error(), secret) {
		t.Errorf("%v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Post(ended, chat.Post{Place: chat.Place{ID: "5"}, Message: say("hello")}); !errors.Is(err, chat.ErrTemporary) {
		t.Errorf("%v", err)
	}
}

type leaky struct{}

func (leaky) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("cannot reach %s", r.URL)
}

func TestNoErrorHoldsTheToken(t *testing.T) {
	a, err := New(Config{Token: "1:" + secret, HTTP: leaky{}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Check(t.Context())
	_, err2 := a.getUpdates(t.Context(), 0, 0)
	for _, err := range []error{err, err2} {
		if !errors.Is(err, chat.ErrLost) || strings.Contains(fmt.Sprintf("%+v", err), secret) {
			t.Errorf("%v", err)
		}
	}
	if s := fmt.Sprintf("%+v", a.api); strings.Contains(s, secret) {
		t.Error("the library knows the token")
	}
}

// What answers in Telegram's place may repeat what it was asked.
func TestNoRefusalHoldsASecret(t *testing.T) {
	const hook = "a-webhooks-secret"
	echo := roundTrip(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		said, err := json.Marshal(map[string]any{"ok": false, "error_code": 400, "description": strings.Repeat("x", 150) + r.URL.Path + string(body)})
		return &http.Response{StatusCode: 400, Body: io.NopCloser(bytes.NewReader(said)), Request: r}, err
	})
	a, err := New(Config{Token: "1:" + secret, WebhookURL: "https://bot.example/telegram/webhook", WebhookSecret: hook, HTTP: echo})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Check(t.Context())
	for _, err := range []error{err, a.setWebhook(t.Context())} {
		if !errors.Is(err, chat.ErrRejected) || strings.Contains(err.Error(), secret[:8]) || strings.Contains(err.Error(), hook) {
			t.Errorf("%v", err)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNewRefuses(t *testing.T) {
	for _, c := range []Config{
		{}, {Token: "nonsense" + secret}, {Token: "1:" + secret + "/x"}, {Token: "1:a b"},
		{Token: "1:" + secret, APIURL: "ftp://x"}, {Token: "1:" + secret, APIURL: "nonsense"},
		{Token: "1:" + secret, WebhookURL: "https://x"}, {Token: "1:" + secret, WebhookURL: "https://x", WebhookSecret: "two words"},
	} {
		if _, err := New(c); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// A body of no known length goes out in chunks, which not everything that stands in
// Telegram's place can read.
func TestAMethodWithoutArgumentsHasNoBody(t *testing.T) {
	a, err := New(Config{Token: "1:" + secret, HTTP: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.ContentLength != 0 || r.Body != http.NoBody {
			t.Errorf("%s has a body of %d bytes", r.URL.Path[len("/bot1:"+secret):], r.ContentLength)
		}
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{"ok":true,"result":{"id":1,"username":"b"}}`)), Request: r}, nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCheckSaysWhatToDo(t *testing.T) {
	for answer, want := range map[string]string{
		`{"ok":false,"error_code":401,"description":"Unauthorized"}`: "set TELEGRAM_TOKEN to",
		`<html>`: "check the network and TELEGRAM_API_URL",
	} {
		a, err := New(Config{Token: "1:" + secret, HTTP: roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Check(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

func TestCheck(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		if who, err := r.a.Check(r.ctx); err != nil || who != "@license_bot (id 7000000001)" {
			t.Errorf("%q %v", who, err)
		}
	})
}

func TestLinksAndPlaces(t *testing.T) {
	a, err := New(Config{Token: "1:" + secret})
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[chat.Ref]string{
		"telegram:-1001234567/89": "https://t.me/c/1234567/89", "telegram:-1234/5": "", "telegram:5/6": "", "slack:C/1": "",
	} {
		if got := a.Link(ref); got != want {
			t.Errorf("Link(%q) = %q, want %q", ref, got, want)
		}
	}
	if p := a.Direct("slack:T1/U1"); p != (chat.Place{}) {
		t.Errorf("%+v", p)
	}
	if p := a.Direct("telegram:5"); !a.Whispers(p) || a.Whispers(chat.Place{ID: "-5"}) {
		t.Errorf("%+v", p)
	}
	if a.Name() != "telegram" {
		t.Error(a.Name())
	}
}

func TestWebhookAnswers(t *testing.T) {
	sink := &memorySink{}
	a, err := New(Config{Token: "1:" + secret, WebhookURL: "https://bot.test", WebhookSecret: "right"})
	if err != nil {
		t.Fatal(err)
	}
	post := func(key, body string) int {
		req := httptest.NewRequest(http.MethodPost, "/telegram/webhook", strings.NewReader(body))
		req.Header.Set("X-Telegram-Bot-Api-Secret-Token", key)
		w := httptest.NewRecorder()
		a.Webhook(sink).ServeHTTP(w, req)
		return w.Code
	}
	good := `{"update_id":5,"message":{"message_id":1,"date":1,"chat":{"id":5,"type":"private"},"from":{"id":5},"text":"list"}}`
	huge := `{"update_id":5,"x":"` + strings.Repeat("x", 1<<20) + `"}`
	check := func(what string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	for _, wrong := range []string{"", "wrong", "r", "righ", "rightt", "Right", "right,right"} {
		check("the secret "+wrong, post(wrong, good), 401)
	}
	check("no secret, and too long", post("", huge), 413)
	check("too long", post("right", huge), 413)
	check("before Telegram told the name", post("right", good), 500)
	a.username.Store(new("my_bot"))
	check("no update", post("right", "hello"), 400)
	check("unreadable", post("right", `{"update_id":5,"message":[]}`), 200)
	sink.fail = 1
	check("a store that fails", post("right", good), 500)
	check("all well", post("right", good), 200)
	if len(sink.all()) != 1 {
		t.Errorf("%+v", sink.all())
	}
}

// What any message renders to is taken by the strict server, buttons and all.
func TestAnyMessageIsTaken(t *testing.T) {
	tg := tgs.New(tgs.Options{Token: "1:" + secret, NoLedger: true})
	web := httptest.NewServer(tg)
	defer web.Close()
	alice := tg.Person(tgs.Profile{Name: "Alice"})
	alice.Starts()
	a, err := New(Config{Token: tg.Token(), APIURL: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		m := anyMessage().Draw(t, "message")
		ref, err := a.Post(context.Background(), chat.Post{Place: chat.Place{ID: "100001"}, Message: m})
		if err != nil {
			t.Fatalf("%v\n%s", err, render(m))
		}
		if err := a.Edit(context.Background(), ref, say("new")); err != nil {
			t.Fatal(err)
		}
		if n := units(summary(m)); n == 0 || n > maxSummary {
			t.Fatalf("a summary of %d units: %q", n, summary(m))
		}
	})
}

func anyMessage() *rapid.Generator[chat.Message] {
	words := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[<>&"'/ab \n😀я]{0,40}`),
		rapid.SampledFrom([]string{"", " ", "\n", "\u200b", "\x00", "&lt;", "</b>", "\xff\xfe", "\u2028", "a\tb"}),
		rapid.Map(rapid.IntRange(0, 6000), func(n int) string { return strings.Repeat("я", n) }),
		rapid.Map(rapid.IntRange(0, 3000), func(n int) string { return strings.Repeat("😀", n) }),
		rapid.Map(rapid.IntRange(0, 5000), func(n int) string { return strings.Repeat(`"`, n) }),
	)
	span := rapid.Custom(func(t *rapid.T) chat.Span {
		return chat.Span{
			Kind:    chat.SpanKind(rapid.IntRange(0, 4).Draw(t, "kind")),
			Text:    words.Draw(t, "text"),
			Account: requests.Account(rapid.SampledFrom([]string{"", "telegram:5", "telegram:x", "slack:T1/U1", "telegram:\"<"}).Draw(t, "account")),
			URL:     rapid.SampledFrom([]string{"", "https://example.com/?a=1&b=\"2\"<", "javascript:alert(1)", "http://", "https://a b/", "::"}).Draw(t, "url"),
		}
	})
	text := rapid.Map(rapid.SliceOfN(span, 0, 4), func(s []chat.Span) chat.Text { return s })
	many := rapid.Custom(func(t *rapid.T) []chat.Text {
		line := text.Draw(t, "line")
		lines := rapid.SliceOfN(text, 1, 5).Draw(t, "lines")
		for range rapid.SampledFrom([]int{0, 0, 20, 900}).Draw(t, "copies") {
			lines = append(lines, line)
		}
		return lines
	})
	block := rapid.Custom(func(t *rapid.T) chat.Block {
		switch rapid.IntRange(0, 3).Draw(t, "block") {
		case 0:
			return chat.Block{Text: text.Draw(t, "text")}
		case 1:
			return chat.Block{Note: text.Draw(t, "note")}
		case 2:
			return chat.Block{Lines: many.Draw(t, "lines")}
		}
		return chat.Block{Facts: []chat.Fact{{Label: words.Draw(t, "label"), Value: text.Draw(t, "value")}}}
	})
	button := rapid.Custom(func(t *rapid.T) chat.Button {
		return chat.Button{
			Action: rapid.SampledFrom([]string{"confirm", "cancel", "renew"}).Draw(t, "action"),
			Value:  rapid.StringMatching(`[a-z0-9:]{0,32}`).Draw(t, "value"),
			Label:  words.Draw(t, "label"),
			Style:  rapid.SampledFrom([]chat.Style{chat.Neutral, chat.Primary, chat.Danger}).Draw(t, "style"),
		}
	})
	return rapid.Custom(func(t *rapid.T) chat.Message {
		return chat.Message{
			Icon:    rapid.SampledFrom([]string{"", "🔁", "⛔"}).Draw(t, "icon"),
			Head:    text.Draw(t, "head"),
			Blocks:  rapid.SliceOfN(block, 0, 6).Draw(t, "blocks"),
			Buttons: rapid.SliceOfN(button, 0, 22).Draw(t, "buttons"),
		}
	})
}

func TestListsAreCutAsWholeLines(t *testing.T) {
	m := say("Licences")
	block := chat.Block{}
	for i := range 500 {
		block.Lines = append(block.Lines, chat.Text{{Kind: chat.Code, Text: fmt.Sprint(1000 + i)}, {Text: " — ISPmanager 6 lite"}})
	}
	m.Blocks = []chat.Block{block, {Note: chat.Text{{Text: "the note stays"}}}}
	html := render(m)
	if !strings.HasSuffix(html, "<i>the note stays</i>") {
		t.Errorf("the note is gone: …%s", html[len(html)-80:])
	}
	shown := strings.Count(html, "lite\n")
	if want := fmt.Sprintf("\n… +%d\n", 500-shown); !strings.Contains(html, want) || shown < 100 {
		t.Errorf("%d lines are shown, and %q is not there", shown, want)
	}
}

func TestButtonsThatCannotBe(t *testing.T) {
	for _, b := range [][]chat.Button{
		{{Action: "", Value: "x", Label: "x"}},
		{{Action: "confirm", Value: strings.Repeat("x", 60), Label: "x"}},
		make([]chat.Button, maxButtons+1),
	} {
		if _, err := keyboard(b); !errors.Is(err, chat.ErrRejected) {
			t.Errorf("%d buttons: %v", len(b), err)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add("head", "a <b> & \"c\"", "https://example.com/?a=1&b=2")
	f.Add("", "\u200b", "tg://user?id=1")
	f.Add(strings.Repeat("&", 5000), strings.Repeat("😀", 3000), "x")
	f.Fuzz(func(t *testing.T, head, body, link string) {
		tg := tgs.New(tgs.Options{Token: "1:" + secret})
		tg.Person(tgs.Profile{Name: "Alice"}).Starts()
		m := say(head)
		m.Blocks = []chat.Block{{Text: chat.Text{{Text: body}, {Kind: chat.Link, Text: body, URL: link}}}, {Lines: []chat.Text{{{Kind: chat.Code, Text: body}}, {{Text: head}}}}}
		a, err := New(Config{Token: tg.Token(), HTTP: inProcess{tg}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Post(t.Context(), chat.Post{Place: chat.Place{ID: "100001"}, Message: m}); err != nil {
			t.Errorf("%v\n%s", err, render(m))
		}
	})
}

type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}
