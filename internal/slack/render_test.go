package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

// studio is a workspace without a network, to look at messages.
type studio struct {
	slack   *slackserver.Server
	channel *slackserver.Channel
	ops     *slackserver.User
	bot     *Adapter
}

func newStudio(t testing.TB) *studio {
	s := &studio{slack: slackserver.New(slackserver.Options{Scopes: Scopes(), Keep: 10})}
	t.Cleanup(s.slack.Close)
	s.slack.SetURL("http://slack.test")
	s.ops = s.slack.User("ops")
	s.channel = s.slack.Channel("licenses").Invite(s.ops)
	var err error
	s.bot, err = New(Config{BotToken: "xoxb-sandbox-bot", APIURL: "http://slack.test/api", HTTP: roundTrip(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		s.slack.ServeHTTP(w, r)
		return w.Result(), nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fataler is what *testing.T and *rapid.T share.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// show posts the message and gives it as a person sees it.
func (s *studio) show(t fataler, m chat.Message) slackserver.Message {
	t.Helper()
	ref, err := s.bot.Post(context.Background(), chat.Post{Place: place(s.channel), Message: m})
	if err != nil {
		sent := s.slack.Ledger()
		t.Fatalf("%v\n%s", err, sent[len(sent)-1].Args["blocks"])
	}
	_, ts, _ := splitRef(ref)
	shown, err := s.ops.Screen(s.channel.ID())
	if err != nil {
		t.Fatalf("%v", err)
	}
	last := shown[len(shown)-1]
	if last.TS != ts {
		t.Fatalf("the last message is %s, not %s", last.TS, ts)
	}
	if f := s.slack.Faults(); len(f) > 0 {
		t.Fatalf("%v", f)
	}
	return last
}

func TestACard(t *testing.T) {
	s := newStudio(t)
	ops := accountFor(s.ops.ID())
	m := s.show(t, chat.Message{
		Icon: "🔁",
		Head: chat.Text{{Text: "Renew "}, {Kind: chat.Code, Text: "1001"}, {Text: " for a month?"}},
		Blocks: []chat.Block{
			{Facts: []chat.Fact{{Label: "Name", Value: chat.Text{{Text: "web_01 *prod*"}}}, {Label: "Address", Value: chat.Text{{Text: "192.0.2.1"}}}}},
			{Text: chat.Text{{Text: "Asked by "}, {Kind: chat.Mention, Account: ops, Text: "ops"}, {Text: "; see "}, {Kind: chat.Link, Text: "the other", URL: "https://a.b/c?d=1&e=2"}, {Text: "."}}},
			{Lines: []chat.Text{{{Text: "one & two"}}, {{Kind: chat.Bold, Text: "three"}}}},
			{Note: chat.Text{{Text: "Request "}, {Kind: chat.Code, Text: "abc123"}, {Text: " · until 14:05:00"}}},
		},
		Buttons: []chat.Button{
			{Action: "confirm", Value: "abc123", Label: "Confirm", Style: chat.Primary},
			{Action: "cancel", Value: "abc123", Label: "Cancel", Style: chat.Danger},
		},
	})
	want := strings.Join([]string{
		"🔁 Renew 1001 for a month?", "Name\nweb_01 *prod*", "Address\n192.0.2.1", "Asked by @ops; see the other.",
		"• one & two\n• three", "Request abc123 · until 14:05:00",
	}, "\n")
	if m.Text != want {
		t.Errorf("shown:\n%s\nwant:\n%s", m.Text, want)
	}
	fallback := "🔁 Renew 1001 for a month?\nName: web_01 *prod*\nAddress: 192.0.2.1\nAsked by <@" + s.ops.ID() +
		">; see the other https://a.b/c?d=1&amp;e=2.\n• one &amp; two\n• three\nRequest abc123 · until 14:05:00"
	if m.Fallback != fallback {
		t.Errorf("fallback:\n%s\nwant:\n%s", m.Fallback, fallback)
	}
	if !slices.Equal(m.Pings, []string{s.ops.ID()}) {
		t.Errorf("pings %v", m.Pings)
	}
	markup := string(m.Blocks)
	for _, part := range []string{`"*Renew* ` + "`1001`" + ` *for a month?*"`, `"*Address*\n192.0.2.1"`, `"*three*"`, `"plain_text"`} {
		if !strings.Contains(unescapeJSON(markup), strings.Trim(part, `"`)) {
			t.Errorf("no %s in\n%s", part, markup)
		}
	}
	for i, want := range []slackserver.Button{{Label: "Confirm", ActionID: "confirm", Value: "abc123", Style: "primary"}, {Label: "Cancel", ActionID: "cancel", Value: "abc123", Style: "danger"}} {
		if got := m.Buttons()[i]; got.Label != want.Label || got.ActionID != want.ActionID || got.Value != want.Value || got.Style != want.Style {
			t.Errorf("%+v", got)
		}
	}
}

func unescapeJSON(s string) string { return strings.ReplaceAll(s, `\u003c`, "<") }

// The fallback is bounded in bytes, and the blocks are in characters.
func TestFallbackOfALongParagraph(t *testing.T) {
	s := newStudio(t)
	for _, letter := range []string{"ж", "😀", "&"} {
		said := s.show(t, chat.Message{
			Head:   chat.Text{{Text: "Not renewed"}},
			Blocks: []chat.Block{{Text: chat.Text{{Text: strings.Repeat(letter, maxText)}}}, {Note: chat.Text{{Text: "Request abc123"}}}},
		}).Fallback
		begins, ends := "Not renewed\n"+strings.Repeat(escape(letter), 300), "…\nRequest abc123"
		if !strings.HasPrefix(said, begins) || !strings.HasSuffix(said, ends) || len(said) > maxFallback {
			t.Errorf("%d bytes:\n%s", len(said), said)
		}
	}
	if said := s.show(t, chat.Message{Blocks: []chat.Block{{Text: chat.Text{{Text: strings.Repeat("😀", maxText)}}}}}).Fallback; said == "" {
		t.Error("a paragraph by itself is left out")
	}
}

func TestListsAreCutInWholeLines(t *testing.T) {
	s := newStudio(t)
	var lines []chat.Text
	for i := range 400 {
		lines = append(lines, chat.Text{{Text: fmt.Sprintf("licence %03d %s", i, strings.Repeat("x", 50))}})
	}
	m := s.show(t, chat.Message{
		Head: chat.Text{{Text: "All"}}, Blocks: []chat.Block{{Lines: lines}, {Note: chat.Text{{Text: "the note"}}}},
		Buttons: []chat.Button{{Action: "renew", Value: "1", Label: "Renew"}},
	})
	shown := strings.Split(m.Text, "\n")
	n := len(shown) - 3 // head, count, note
	for i, l := range shown[1 : n+1] {
		if l != "• "+lines[i][0].Text {
			t.Fatalf("line %d is %q", i, l)
		}
	}
	if want := fmt.Sprintf("… +%d", 400-n); n < 100 || shown[n+1] != want || shown[n+2] != "the note" || len(m.Buttons()) != 1 {
		t.Errorf("%d lines, then %q; want %q", n, shown[n+1:], want)
	}
}

func TestManyButtonsHaveIDsOfTheirOwn(t *testing.T) {
	s := newStudio(t)
	var buttons []chat.Button
	for i := range 30 {
		buttons = append(buttons, chat.Button{Action: "renew", Value: fmt.Sprint(1000 + i), Label: strings.Repeat("Renew & ", 20)})
	}
	m := s.show(t, chat.Message{Head: chat.Text{{Text: "Due"}}, Buttons: buttons})
	seen := map[string]bool{}
	for i, b := range m.Buttons() {
		if seen[b.ActionID] || !strings.HasPrefix(b.ActionID, "renew:") || b.Value != buttons[i].Value {
			t.Errorf("%+v", b)
		}
		seen[b.ActionID] = true
	}
	if len(seen) != 30 {
		t.Errorf("%d buttons", len(seen))
	}
}

func TestNothingToSay(t *testing.T) {
	s := newStudio(t)
	if m := s.show(t, chat.Message{Head: chat.Text{{Text: " \n"}}, Blocks: []chat.Block{{}, {Note: chat.Text{}}, {Lines: []chat.Text{{}}}}}); m.Text == "" {
		t.Error("nothing is shown")
	}
}

// words are text with all that Slack could trip over.
var words = rapid.OneOf(
	rapid.String(),
	rapid.StringMatching(`[a-z*_~`+"`"+`<>&|!@#: \n.-]{0,30}`),
	rapid.SampledFrom([]string{
		"", " ", "<!channel>", "<!here|x>", "<@U1>", "&lt;!channel&gt;", "*a*", "_a_", "web_01_prod", "`x`", "```", ":smile:", "> q", "a\n> q",
		"Ж", "🔁", "\u202ex", "\x00", "\xff", "https://a.b", strings.Repeat("Ж", 3000), strings.Repeat("&", 3000), strings.Repeat("😀", 1500),
	}),
)

var spans = rapid.Custom(func(t *rapid.T) chat.Span {
	return chat.Span{
		Kind:    chat.SpanKind(rapid.IntRange(0, 4).Draw(t, "kind")),
		Text:    words.Draw(t, "text"),
		Account: rapid.SampledFrom([]requests.Account{"", "slack:T1/U1", "slack:T1/!channel", "telegram:1"}).Draw(t, "account"),
		URL:     rapid.SampledFrom([]string{"", "https://a.b/c|d>e", "javascript:alert(1)", "http://x.y/" + strings.Repeat("z", 2000), "https://u:p@x/"}).Draw(t, "url"),
	}
})

var texts = rapid.Custom(func(t *rapid.T) chat.Text { return rapid.SliceOfN(spans, 0, 5).Draw(t, "spans") })

var messages = rapid.Custom(func(t *rapid.T) chat.Message {
	block := rapid.Custom(func(t *rapid.T) chat.Block {
		switch rapid.IntRange(0, 3).Draw(t, "part") {
		case 0:
			return chat.Block{Text: texts.Draw(t, "text")}
		case 1:
			fact := rapid.Custom(func(t *rapid.T) chat.Fact {
				return chat.Fact{Label: words.Draw(t, "label"), Value: texts.Draw(t, "value")}
			})
			return chat.Block{Facts: rapid.SliceOfN(fact, 0, 25).Draw(t, "facts")}
		case 2:
			return chat.Block{Lines: rapid.SliceOfN(texts, 0, 30).Draw(t, "lines")}
		}
		return chat.Block{Note: texts.Draw(t, "note")}
	})
	button := rapid.Custom(func(t *rapid.T) chat.Button {
		return chat.Button{
			Action: rapid.SampledFrom([]string{"confirm", "cancel", "approve", "deny", "recheck", "renew"}).Draw(t, "action"),
			Value:  rapid.StringMatching(`[a-z0-9]{0,30}`).Draw(t, "value"),
			Label:  words.Draw(t, "label"),
			Style:  rapid.SampledFrom([]chat.Style{chat.Neutral, chat.Primary, chat.Danger, "odd"}).Draw(t, "style"),
		}
	})
	return chat.Message{
		Icon:    rapid.SampledFrom([]string{"", "🔁", "<!channel>"}).Draw(t, "icon"),
		Head:    texts.Draw(t, "head"),
		Blocks:  rapid.SliceOfN(block, 0, 60).Draw(t, "blocks"),
		Buttons: rapid.SliceOfN(button, 0, 60).Draw(t, "buttons"),
	}
})

// Any message is taken by Slack, and mentions nobody but those it names.
func TestAnyMessageIsTaken(t *testing.T) {
	s := newStudio(t)
	rapid.Check(t, func(t *rapid.T) {
		m := messages.Draw(t, "message")
		shown := s.show(t, m)
		for _, who := range shown.Pings {
			if who != "U1" {
				t.Fatalf("%q is pinged", who)
			}
		}
		if len(shown.Buttons()) != len(m.Buttons) {
			t.Fatalf("%d buttons of %d", len(shown.Buttons()), len(m.Buttons))
		}
		var blocks []json.RawMessage
		if shown.Blocks != nil && (json.Unmarshal(shown.Blocks, &blocks) != nil || len(blocks) > maxBlocks) {
			t.Fatalf("%d blocks", len(blocks))
		}
	})
}

// What a licence is called is what is seen, wherever it stands.
func TestNamesAreShownAsTheyAre(t *testing.T) {
	s := newStudio(t)
	rapid.Check(t, func(t *rapid.T) {
		name := words.Filter(func(s string) bool { return len(s) < 200 }).Draw(t, "name")
		kind := rapid.SampledFrom([]chat.SpanKind{chat.Plain, chat.Bold, chat.Code}).Draw(t, "kind")
		before := rapid.SampledFrom([]string{"", "x", "x ", "(", "_"}).Draw(t, "before")
		after := rapid.SampledFrom([]string{"", "y", " y", ")", "*"}).Draw(t, "after")
		text := chat.Text{{Text: before}, {Kind: kind, Text: name}, {Text: after}}
		want := strings.TrimSpace(flat(before + name + after))
		if want == "" {
			return
		}
		for where, m := range map[string]chat.Message{
			"head": {Head: text},
			"text": {Blocks: []chat.Block{{Text: oneLine(text)}}},
			"fact": {Blocks: []chat.Block{{Facts: []chat.Fact{{Value: text}}}}},
			"line": {Blocks: []chat.Block{{Lines: []chat.Text{text}}}},
			"note": {Blocks: []chat.Block{{Note: text}}},
		} {
			got := strings.TrimSpace(s.show(t, m).Text)
			if where == "line" {
				got = strings.TrimSpace(strings.TrimPrefix(got, "•"))
			}
			if got != want {
				t.Fatalf("%s: shown %q, want %q\n%s", where, got, want, s.slack.Ledger()[0].Args["blocks"])
			}
		}
	})
}

// chat.update takes 4000 bytes of text, escaped, and fails beyond. What stands below a
// list that is too long is said all the same.
func TestLongFallbacks(t *testing.T) {
	for _, word := range []string{"srv", "сервер", "a&b<c>", "🛰🛰🛰"} {
		m := chat.Message{Head: chat.Text{{Text: "Renew 50 licences?"}}}
		for n := range 50 {
			m.Blocks = append(m.Blocks, chat.Block{Lines: []chat.Text{{{Text: strconv.Itoa(1001+n) + " " + strings.Repeat(word, 12) + " · 192.0.2.10 · 2025-02-10 → 2025-03-10"}}}})
		}
		m.Blocks = append(m.Blocks, chat.Block{Facts: []chat.Fact{{Label: "Balance", Value: chat.Text{{Text: "1 EUR"}}}}}, chat.Block{Note: chat.Text{{Text: "Request abcdef."}}})
		got := render(m).text
		lines := strings.Count(got, "192.0.2.10")
		if len(got) > 4000 || len(got) < 3600 || !utf8.ValidString(got) {
			t.Errorf("%s: %d bytes", word, len(got))
		}
		if want := fmt.Sprintf("\n… +%d\nBalance: 1 EUR\nRequest abcdef.", 50-lines); !strings.HasSuffix(got, want) {
			t.Errorf("%s: %d lines, then %q", word, lines, got[len(got)-60:])
		}
	}
}

func BenchmarkRender(b *testing.B) {
	m := chat.Message{
		Icon: "🔁", Head: chat.Text{{Text: "Renew "}, {Kind: chat.Code, Text: "1001"}},
		Blocks:  []chat.Block{{Facts: []chat.Fact{{Label: "Name", Value: chat.Text{{Text: "web01"}}}, {Label: "Address", Value: chat.Text{{Text: "192.0.2.1"}}}, {Label: "Product", Value: chat.Text{{Text: "ISPmanager Lite"}}}}}},
		Buttons: []chat.Button{{Action: "confirm", Value: "abc123", Label: "Confirm", Style: chat.Primary}, {Action: "cancel", Value: "abc123", Label: "Cancel"}},
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = render(m)
	}
}

func BenchmarkPost(b *testing.B) {
	s := newStudio(b)
	m := chat.Message{
		Head:    chat.Text{{Text: "Renew "}, {Kind: chat.Code, Text: "1001"}},
		Blocks:  []chat.Block{{Facts: []chat.Fact{{Label: "Name", Value: chat.Text{{Text: "web01"}}}, {Label: "Address", Value: chat.Text{{Text: "192.0.2.1"}}}}}},
		Buttons: []chat.Button{{Action: "confirm", Value: "abc123", Label: "Confirm", Style: chat.Primary}},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.bot.Post(context.Background(), chat.Post{Place: place(s.channel), Nonce: "n", Message: m}); err != nil {
			b.Fatal(err)
		}
	}
}
