package slack

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	slackgo "github.com/slack-go/slack"

	"github.com/isplicense/license-bot/internal/chat"
)

// maxLink is the longest address that is made a link; Slack takes 3000.
const maxLink = 1000

// object is text as a text object: mrkdwn where nothing in it would be taken for
// formatting, else plain_text; nil where there is nothing to see. The text was
// clipped to what the object may hold.
func object(t chat.Text) *slackgo.TextBlockObject {
	if blank(t) {
		return nil
	}
	for i, s := range t {
		if formats(s, loose(t, i)) {
			return slackgo.NewTextBlockObject(slackgo.PlainTextType, plain(t, false), false, false)
		}
	}
	// Verbatim: Slack shall not look for names and addresses in it.
	return &slackgo.TextBlockObject{Type: slackgo.MarkdownType, Text: markup(t), Verbatim: true}
}

// blank says whether nothing in the text would be seen. Slack refuses objects of
// white space only.
func blank(t chat.Text) bool {
	return strings.TrimSpace(plain(t, true)) == ""
}

// Names between colons are emoji; digits alone are a time of day.
var emoji = regexp.MustCompile(`:[^\s:]*[^\s:0-9][^\s:]*:`)

// formats says whether mrkdwn would take something in the span's text for
// formatting: a backtick, another mark that is not inside a word, an emoji's name,
// or a quote's sign at the start of a line
// (docs.slack.dev/messaging/formatting-message-text). Code that is loose keeps
// what is in it.
func formats(s chat.Span, loose bool) bool {
	text := s.Text
	switch {
	case s.Kind == chat.Mention && userOf(s.Account) != "":
		return false // not shown
	case s.Kind == chat.Code && loose:
		return strings.ContainsAny(text, "`\n")
	case s.Kind == chat.Link && strings.ContainsAny(text, "|\n"):
		return true // would end the label
	case !strings.ContainsAny(text, "*_~`>:"):
		return false
	case strings.HasPrefix(strings.TrimLeft(text, " "), ">"), strings.Contains(text, "`"), emoji.MatchString(text):
		return true
	}
	prev := ' '
	for i, r := range text {
		switch r {
		case '*', '_', '~':
			next, _ := utf8.DecodeRuneInString(text[i+1:])
			if !word(prev) || !word(next) {
				return true
			}
		case '>':
			if prev == '\n' {
				return true
			}
		}
		if r != ' ' || prev != '\n' { // white space before a quote's sign does not count
			prev = r
		}
	}
	return false
}

func word(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// loose says whether marks around the span's text would be taken for such: Slack
// knows them only tight around text on one line, and not next to a letter or
// another mark.
func loose(t chat.Text, i int) bool {
	inner := strings.TrimSpace(t[i].Text)
	if inner == "" || strings.Contains(inner, "\n") {
		return false
	}
	before, after := t[:i], t[i+1:]
	return (t[i].Text[0] == ' ' || !tight(last(before))) &&
		(strings.HasSuffix(t[i].Text, " ") || !tight(first(after)))
}

// tight says whether a mark beside the rune would not be one.
func tight(r rune) bool { return word(r) || strings.ContainsRune("*_~`", r) }

// last is the rune that the spans are seen to end with, a space for none.
func last(t chat.Text) rune {
	for _, s := range slices.Backward(t) {

		if s.Kind == chat.Mention || s.Kind == chat.Link {
			return ' '
		}
		if r, n := utf8.DecodeLastRuneInString(s.Text); n > 0 {
			return edge(s, r)
		}
	}
	return ' '
}

// first is the rune that the spans are seen to begin with, a space for none.
func first(t chat.Text) rune {
	for _, s := range t {
		if s.Kind == chat.Mention || s.Kind == chat.Link {
			return ' '
		}
		if r, n := utf8.DecodeRuneInString(s.Text); n > 0 {
			return edge(s, r)
		}
	}
	return ' '
}

// edge is the rune at a span's end, or the mark that may come to stand there.
func edge(s chat.Span, r rune) rune {
	if s.Kind != chat.Plain && !unicode.IsSpace(r) {
		return '*'
	}
	return r
}

// markup is the text as mrkdwn. No span of it may hold formatting.
func markup(t chat.Text) string {
	var b strings.Builder
	for i, s := range t {
		link := href(s)
		user := userOf(s.Account)
		mark := ""
		switch {
		case s.Kind == chat.Mention && user != "":
			b.WriteString("<@" + user + ">")
			continue
		case link != "":
			b.WriteString("<" + escape(link) + "|" + escape(label(s, link)) + ">")
			continue
		case s.Kind == chat.Bold:
			mark = "*"
		case s.Kind == chat.Code:
			mark = "`"
		}
		if mark == "" || !loose(t, i) {
			b.WriteString(escape(s.Text))
			continue
		}
		// The white space stays outside of the marks.
		inner := strings.TrimSpace(s.Text)
		before, after, _ := strings.Cut(s.Text, inner)
		b.WriteString(before + mark + escape(inner) + mark + after)
	}
	return b.String()
}

// plain is the text without style, escaped; an address stands behind its label.
// With mentions, people are mentioned, else named.
func plain(t chat.Text, mentions bool) string {
	var b strings.Builder
	for _, s := range t {
		user := userOf(s.Account)
		link := href(s)
		switch {
		case s.Kind == chat.Mention && user != "" && mentions:
			b.WriteString("<@" + user + ">")
		case s.Kind == chat.Mention && user != "" && s.Text == "":
			b.WriteString("@" + user)
		case link != "":
			b.WriteString(escape(label(s, link)))
			if label(s, link) != link {
				b.WriteString(" " + escape(link))
			}
		default:
			b.WriteString(escape(s.Text))
		}
	}
	return b.String()
}

// href is a link's address if a browser may be sent there, else "": then its text
// alone is shown.
func href(s chat.Span) string {
	if s.Kind != chat.Link || len(s.URL) > maxLink {
		return ""
	}
	u, err := url.Parse(s.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return strings.NewReplacer("|", "%7C", "<", "%3C", ">", "%3E", " ", "%20", "`", "%60").Replace(u.String())
}

func label(s chat.Span, link string) string {
	if strings.TrimSpace(s.Text) == "" {
		return link
	}
	return s.Text
}

// clip cleans the text and shortens it to at most limit units as rendered, and says
// how many it takes.
func clip(t chat.Text, limit int) (clipped chat.Text, used int) {
	clipped = make(chat.Text, 0, len(t))
	for _, s := range t {
		s.Text = chat.Clean(s.Text)
		extra := overhead(s)
		if left := limit - used - extra; units(s.Text) > left {
			if s.Kind == chat.Mention || s.Kind == chat.Link || left < 1 {
				s = chat.Span{}
				extra, left = 0, limit-used
			}
			if s.Text = cut(s.Text+"…", left); s.Text != "" {
				clipped = append(clipped, s)
				used += extra + units(s.Text)
			}
			return clipped, used
		}
		clipped = append(clipped, s)
		used += extra + units(s.Text)
	}
	return clipped, used
}

// overhead is what a span takes beside its text, in either way to render it.
func overhead(s chat.Span) int {
	switch s.Kind {
	case chat.Bold, chat.Code:
		return len("**")
	case chat.Mention:
		return len("<@>") + len(userOf(s.Account))
	case chat.Link:
		return len("<|>") + 2*units(href(s)) // it is the label too where there is none
	case chat.Plain:
	}
	return 0
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape is Slack's escaping of the three signs that mean something in any text
// object (docs.slack.dev/messaging/formatting-message-text#escaping).
func escape(s string) string { return escaper.Replace(s) }

// flat is clean text on one line.
func flat(s string) string { return strings.ReplaceAll(chat.Clean(s), "\n", " ") }

// oneLine puts the text on one line.
func oneLine(t chat.Text) chat.Text {
	for i := range t {
		if strings.Contains(t[i].Text, "\n") {
			line := make(chat.Text, len(t))
			for j, s := range t {
				s.Text = strings.ReplaceAll(s.Text, "\n", " ")
				line[j] = s
			}
			return line
		}
	}
	return t
}

// units is how long the text is, escaped, in UTF-16 code units.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += width(r)
	}
	return n
}

func width(r rune) int {
	switch r {
	case '&':
		return len("&amp;")
	case '<', '>':
		return len("&lt;")
	}
	return max(utf16.RuneLen(r), 1)
}

// cut shortens text to at most limit units, whole runes, and shows that it did.
func cut(s string, limit int) string {
	if units(s) <= limit {
		return s
	}
	n := 0
	for i, r := range s {
		if n += width(r); n > limit-1 {
			if limit < 1 {
				return ""
			}
			return s[:i] + "…"
		}
	}
	return s
}
