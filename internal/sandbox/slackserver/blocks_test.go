package slackserver_test

import (
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

func repeat(n int, one func(i int) any) []any {
	all := make([]any, n)
	for i := range all {
		all[i] = one(i)
	}
	return all
}

func text(kind, t string) object { return object{"type": kind, "text": t} }

func button(more object) object {
	b := object{"type": "button", "text": text("plain_text", "Confirm")}
	maps.Copy(b, more)
	return b
}

func actions(elements ...any) object { return object{"type": "actions", "elements": elements} }

func TestBlockLimits(t *testing.T) {
	s := newServer(t, slackserver.Options{})
	channel := s.Channel("licenses").ID()
	long := func(n int) string { return strings.Repeat("ы", n) }
	option := object{"text": text("plain_text", "a"), "value": "a"}
	for _, c := range []struct {
		name   string
		blocks []any
		want   string // part of Slack's message; "" if it is taken
	}{
		{"50 blocks", repeat(50, func(int) any { return section("x") }), ""},
		{"51 blocks", repeat(51, func(int) any { return section("x") }), "no more than 50 items allowed [json-pointer:/blocks]"},
		{"a section of 3000", []any{section(long(3000))}, ""},
		{"a section of 3001", []any{section(long(3001))}, "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"},
		{"an empty section", []any{section("")}, "must be more than 0 characters"},
		{"a section of nothing", []any{object{"type": "section"}}, "missing required field: text"},
		{"10 fields", []any{object{"type": "section", "fields": repeat(10, func(int) any { return text("mrkdwn", "x") })}}, ""},
		{"11 fields", []any{object{"type": "section", "fields": repeat(11, func(int) any { return text("mrkdwn", "x") })}}, "no more than 10 items allowed"},
		{"a long field", []any{object{"type": "section", "fields": []any{text("mrkdwn", long(2001))}}}, "must be less than 2001 characters"},
		{"a header", []any{object{"type": "header", "text": text("plain_text", long(150))}}, ""},
		{"a long header", []any{object{"type": "header", "text": text("plain_text", long(151))}}, "must be less than 151 characters"},
		{"a mrkdwn header", []any{object{"type": "header", "text": text("mrkdwn", "x")}}, "unsupported type: mrkdwn"},
		{"a context of 10", []any{object{"type": "context", "elements": repeat(10, func(int) any { return text("mrkdwn", "x") })}}, ""},
		{"a context of 11", []any{object{"type": "context", "elements": repeat(11, func(int) any { return text("mrkdwn", "x") })}}, "no more than 10 items allowed"},
		{"a button in a context", []any{object{"type": "context", "elements": []any{button(nil)}}}, "unsupported type: button"},
		{"25 actions", []any{actions(repeat(25, func(i int) any { return button(object{"action_id": strconv.Itoa(i)}) })...)}, ""},
		{"26 actions", []any{actions(repeat(26, func(int) any { return button(nil) })...)}, "no more than 25 items allowed"},
		{"no actions", []any{actions()}, "must be an array"},
		{"a long label", []any{actions(button(object{"text": text("plain_text", long(76))}))}, "must be less than 76 characters"},
		{"a mrkdwn label", []any{actions(button(object{"text": text("mrkdwn", "x")}))}, "unsupported type: mrkdwn"},
		{"a long value", []any{actions(button(object{"value": long(2001)}))}, "must be less than 2001 characters"},
		{"a long action id", []any{actions(button(object{"action_id": long(256)}))}, "must be less than 256 characters"},
		{"a long url", []any{actions(button(object{"url": "https://" + strings.Repeat("x", 3000)}))}, "must be less than 3001 characters"},
		{"no url", []any{actions(button(object{"url": "panel"}))}, "invalid url"},
		{"a style", []any{actions(button(object{"style": "danger"}))}, ""},
		{"another style", []any{actions(button(object{"style": "default"}))}, "must be a valid enum value"},
		{"the same action twice", []any{actions(button(object{"action_id": "a"}), button(object{"action_id": "a"}))}, "already exists"},
		{"the same action in two blocks", []any{actions(button(object{"action_id": "a"})), actions(button(object{"action_id": "a"}))}, ""},
		{"the same block id twice", []any{object{"type": "divider", "block_id": "a"}, object{"type": "divider", "block_id": "a"}}, "already exists"},
		{"a long block id", []any{object{"type": "divider", "block_id": long(256)}}, "must be less than 256 characters"},
		{"an unknown block", []any{object{"type": "marquee"}}, "unsupported type: marquee"},
		{"no type", []any{object{}}, "unsupported type"},
		{"an unknown field", []any{object{"type": "divider", "color": "red"}}, "invalid additional property: color"},
		{"a field in the wrong text", []any{object{"type": "section", "text": object{"type": "mrkdwn", "text": "x", "emoji": true}}}, "invalid additional property: emoji"},
		{"a string for a text", []any{object{"type": "section", "text": "x"}}, "unsupported type"},
		{"a number for a string", []any{object{"type": "divider", "block_id": 1}}, "must be a string"},
		{"no block", []any{1}, "unsupported type"},
		{"a menu", []any{actions(object{"type": "static_select", "options": []any{option}})}, ""},
		{"a menu without options", []any{actions(object{"type": "static_select"})}, "missing required field: options"},
		{"101 options", []any{actions(object{"type": "static_select", "options": repeat(101, func(int) any { return option })})}, "no more than 100 items allowed"},
		{"an image", []any{object{"type": "image", "image_url": "https://x/y.png", "alt_text": "a chart"}}, ""},
		{"an image without words", []any{object{"type": "image", "image_url": "https://x/y.png"}}, "missing required field: alt_text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := call(t, s, "chat.postMessage", "channel", channel, "text", "x", "blocks", blocks(t, c.blocks...))
			if c.want == "" {
				if v["ok"] != true {
					t.Errorf("refused: %v", v)
				}
				return
			}
			wantError(t, v, "invalid_blocks")
			if !strings.Contains(toJSON(t, v["response_metadata"]), strings.ReplaceAll(c.want, `"`, `\"`)) {
				t.Errorf("got %v, want %q", v["response_metadata"], c.want)
			}
		})
	}
	t.Run("all text together", func(t *testing.T) {
		sections := func(n int) string { return blocks(t, repeat(n, func(int) any { return section(long(1000)) })...) }
		must(t, s, "chat.postMessage", "channel", channel, "text", "x", "blocks", sections(13))
		wantError(t, call(t, s, "chat.postMessage", "channel", channel, "text", "x", "blocks", sections(14)), "msg_blocks_too_long")
	})
}

func TestVisibleText(t *testing.T) {
	s := newServer(t, slackserver.Options{})
	c, ops := s.Channel("licenses"), s.User("ops")
	for _, test := range []struct {
		markup, shown string
		pings         int
	}{
		{"plain", "plain", 0},
		{"a &lt;b&gt; &amp;amp;", "a <b> &amp;", 0},
		{"*bold* _italic_ ~struck~ `code`", "bold italic struck code", 0},
		{"*bold _and italic_*", "bold and italic", 0},
		{"2*3*4 snake_case_name", "2*3*4 snake_case_name", 0},
		{"`a_b *c*` * alone", "a_b *c* * alone", 0},
		{"```\na *b*\n```", "\na *b*\n", 0},
		{"<@" + ops.ID() + "> in <#" + c.ID() + ">", "@ops in #licenses", 1},
		{"<!channel> <!here> <!here>", "@channel @here @here", 2},
		{"<https://x.test/?a=1&amp;b=2|the panel>, <https://x.test>", "the panel, https://x.test", 0},
		{"<!date^1700000000^{date}|14 Nov>", "14 Nov", 0},
		{"1 < 2 > 0 <", "1 < 2 > 0 <", 0},
		{"&lt;!channel&gt;", "<!channel>", 0},
	} {
		must(t, s, "chat.postMessage", "channel", c.ID(), "text", test.markup)
		all := c.Messages()
		m := all[len(all)-1]
		if m.Text != test.shown || len(m.Pings) != test.pings {
			t.Errorf("%q is shown as %q with pings %q, want %q and %d", test.markup, m.Text, m.Pings, test.shown, test.pings)
		}
	}
	must(t, s, "chat.postMessage", "channel", c.ID(), "text", "fallback", "blocks", blocks(t,
		object{"type": "header", "text": text("plain_text", "A *head*")},
		object{"type": "section", "text": text("mrkdwn", "*para*"), "fields": []any{text("mrkdwn", "*Licence*\n1001"), text("plain_text", "x")}, "accessory": button(nil)},
		object{"type": "divider"},
		object{"type": "context", "elements": []any{text("mrkdwn", "small"), text("mrkdwn", "print")}},
		buttonRow("Yes"),
	))
	all := c.Messages()
	m := all[len(all)-1]
	if want := "A *head*\npara\nLicence\n1001\nx\nsmall print"; m.Text != want {
		t.Errorf("got %q, want %q", m.Text, want)
	}
	if b := m.Buttons(); len(b) != 2 || b[0].ActionID == "" || b[0].BlockID == "" || b[1].BlockID != "choice" {
		t.Errorf("got %+v", b)
	}
}
