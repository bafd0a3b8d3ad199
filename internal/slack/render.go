package slack

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"

	slackgo "github.com/slack-go/slack"

	"github.com/isplicense/license-bot/internal/chat"
)

// How messages look.
//
// Whatever holds text from outside (a licence's name, the panel's words) is shown
// in rich_text blocks. Their text elements are shown as they are: Slack looks for
// no *, _, ~, backtick, :emoji: or <!channel> in them, so nothing needs to be
// defused, and what is copied from the message is what the panel has. In mrkdwn
// there is no escape for the formatting characters but zero-width ones, which
// would be copied along. A label and its value stand on one line each, since
// section fields in two columns need mrkdwn for the bold label and break values
// in a narrow window. Small print has a look of its own only in context blocks,
// which know no rich text: it is mrkdwn where its text holds nothing that mrkdwn
// would take for formatting, else plain_text.
//
// Text is cut before it is rendered, never as markup.

// Limits, in UTF-16 code units (Slack does not say what it counts; no other count
// is greater). Those of blocks are Slack's (docs.slack.dev/reference/block-kit);
// the total is below the undocumented one of about 13 000 beyond which Slack says
// msg_blocks_too_long (github.com/slackapi/bolt-js/issues/2509).
const (
	maxBlocks    = 50
	maxButtons   = 25 // in an actions block
	maxLabel     = 75 // of a button
	maxTotal     = 9000
	maxText      = 2900 // a paragraph
	maxHead      = 300
	maxFactLabel = 100
	maxFact      = 900
	maxLine      = 600
	maxNote      = 500 // escaped, at most five times as long: below 3000
	maxLink      = 1000
	maxFallback  = 3500
	mentionCost  = 15
)

// rendered is a message as Slack takes it: blocks, and the same as plain text for
// notifications and screen readers.
type rendered struct {
	text   string
	blocks []slackgo.Block
}

func render(m chat.Message) rendered {
	c := canvas{left: maxTotal - reserved(m)}
	c.head(m)
	buttons := actions(m.Buttons)
	room := maxBlocks - len(c.blocks) - len(buttons) - 1 // one for the ellipsis
	for i, b := range m.Blocks {
		if i >= room {
			c.blocks = append(c.blocks, section(textElement("…", nil)))
			break
		}
		c.block(b)
	}
	c.blocks = append(c.blocks, buttons...)
	return rendered{text: fallback(m), blocks: c.blocks}
}

// reserved is what head, notes and buttons take at the most: long paragraphs and
// lists are cut for them, not the other way round.
func reserved(m chat.Message) int {
	n := min(size(m.Head), maxHead) + units(m.Icon)
	for _, b := range m.Blocks {
		n += min(size(b.Note), maxNote)
	}
	for _, b := range m.Buttons {
		n += maxLabel + len(b.Action) + len(b.Value)
	}
	return min(n, maxTotal)
}

// canvas takes the parts of a message one after the other.
type canvas struct {
	blocks []slackgo.Block
	left   int // what paragraphs, tables and lists may still take
}

func (c *canvas) head(m chat.Message) {
	elements, _ := spans(oneLine(m.Head), maxHead, true)
	if icon := cut(clean(m.Icon), 20); icon != "" {
		elements = append([]slackgo.RichTextSectionElement{textElement(icon+" ", nil)}, elements...)
	}
	c.add(elements)
}

func (c *canvas) add(elements []slackgo.RichTextSectionElement) {
	if len(elements) > 0 {
		c.blocks = append(c.blocks, section(elements...))
	}
}

func (c *canvas) block(b chat.Block) {
	switch {
	case b.Note != nil:
		if e := note(b.Note); e != nil {
			c.blocks = append(c.blocks, slackgo.NewContextBlock("", e))
		}
	case b.Facts != nil:
		c.facts(b.Facts)
	case b.Lines != nil:
		c.lines(b.Lines)
	default:
		elements, used := spans(b.Text, min(maxText, c.left), false)
		c.left -= used
		c.add(elements)
	}
}

func (c *canvas) facts(facts []chat.Fact) {
	var all []slackgo.RichTextSectionElement
	for _, f := range facts {
		label := cut(strings.TrimSpace(flat(f.Label)), maxFactLabel)
		value, used := spans(oneLine(f.Value), maxFact, false)
		if label == "" && len(value) == 0 {
			continue
		}
		if used += units(label) + len(":  \n"); used > c.left {
			all = append(all, textElement("\n…", nil))
			break
		}
		c.left -= used
		if len(all) > 0 {
			all = append(all, textElement("\n", nil))
		}
		if label != "" {
			all = append(all, textElement(label+":", bold()), textElement(" ", nil))
		}
		all = append(all, value...)
	}
	c.add(all)
}

// lines shows as many whole lines as there is room for and counts the rest. The
// count is a sign and a number: words are not the adapter's.
func (c *canvas) lines(lines []chat.Text) {
	const rest = 12 // for the count
	var items []slackgo.RichTextElement
	for i, l := range lines {
		elements, used := spans(oneLine(l), maxLine, false)
		if len(elements) == 0 {
			continue
		}
		if used+1+rest > c.left {
			more := textElement("… +"+strconv.Itoa(len(lines)-i), nil)
			items = append(items, slackgo.NewRichTextSection(more))
			break
		}
		c.left -= used + 1
		items = append(items, slackgo.NewRichTextSection(elements...))
	}
	if len(items) > 0 {
		list := slackgo.NewRichTextList(slackgo.RTEListBullet, 0, items...)
		c.blocks = append(c.blocks, slackgo.NewRichTextBlock("", list))
	}
}

func section(elements ...slackgo.RichTextSectionElement) slackgo.Block {
	return slackgo.NewRichTextBlock("", slackgo.NewRichTextSection(elements...))
}

func textElement(s string, style *slackgo.RichTextSectionTextStyle) slackgo.RichTextSectionElement {
	return slackgo.NewRichTextSectionTextElement(s, style)
}

func bold() *slackgo.RichTextSectionTextStyle { return &slackgo.RichTextSectionTextStyle{Bold: true} }

// spans renders text in at most limit units and says how many it took.
func spans(t chat.Text, limit int, loud bool) (elements []slackgo.RichTextSectionElement, used int) {
	for _, s := range t {
		left := limit - used
		if left <= 0 {
			break
		}
		var style *slackgo.RichTextSectionTextStyle
		if loud || s.Kind == chat.Bold || s.Kind == chat.Code {
			style = &slackgo.RichTextSectionTextStyle{Bold: loud || s.Kind == chat.Bold, Code: s.Kind == chat.Code}
		}
		text := cut(clean(s.Text), left)
		if user := userOf(s.Account); s.Kind == chat.Mention && user != "" {
			elements = append(elements, slackgo.NewRichTextSectionUserElement(user, style))
			used += mentionCost
			continue
		}
		if link := href(s.URL); s.Kind == chat.Link && link != "" && units(link) <= left {
			if text == "" {
				text = link
			}
			elements = append(elements, slackgo.NewRichTextSectionLinkElement(link, text, style))
			used += units(link) + units(text)
			continue
		}
		if text != "" {
			elements = append(elements, textElement(text, style))
			used += units(text)
		}
	}
	return elements, used
}

// actions are the message's buttons. An action_id must be unique in its message,
// and begins with the action's word.
func actions(buttons []chat.Button) []slackgo.Block {
	seen := make(map[string]int, len(buttons))
	for _, b := range buttons {
		seen[b.Action]++
	}
	var blocks []slackgo.Block
	var row []slackgo.BlockElement
	for i, b := range buttons {
		id := b.Action
		if seen[id] > 1 {
			id += ":" + strconv.Itoa(i+1)
		}
		label := cut(strings.TrimSpace(flat(b.Label)), maxLabel)
		if label == "" {
			label = b.Action
		}
		button := slackgo.NewButtonBlockElement(id, b.Value, slackgo.NewTextBlockObject(slackgo.PlainTextType, label, false, false))
		switch b.Style {
		case chat.Primary:
			button.Style = slackgo.StylePrimary
		case chat.Danger:
			button.Style = slackgo.StyleDanger
		case chat.Neutral:
		}
		if row = append(row, button); len(row) == maxButtons || i == len(buttons)-1 {
			blocks = append(blocks, slackgo.NewActionBlock("", row...))
			row = nil
		}
	}
	return blocks
}

// formatting is what mrkdwn takes for markup: paired signs, a quote's sign (also
// escaped) and emoji names.
var formatting = regexp.MustCompile("[*_~`>]|:[^\\s:]+:")

// note is small print, nil where there is none.
func note(t chat.Text) slackgo.MixedElement {
	t = oneLine(t)
	exact := plain(t, maxNote, false)
	if strings.TrimSpace(exact) == "" {
		return nil
	}
	if formatting.MatchString(text(t)) || units(exact) >= maxNote {
		return slackgo.NewTextBlockObject(slackgo.PlainTextType, exact, false, false)
	}
	var b strings.Builder
	for _, s := range t {
		body := escape(clean(s.Text))
		switch link := href(s.URL); {
		case s.Kind == chat.Mention && userOf(s.Account) != "":
			b.WriteString("<@" + userOf(s.Account) + ">")
		case s.Kind == chat.Link && link != "" && units(link) < maxNote && !strings.Contains(body, "|"):
			b.WriteString("<" + escape(link) + "|" + body + ">")
		case s.Kind == chat.Bold && strings.TrimSpace(body) == body && body != "":
			b.WriteString("*" + body + "*")
		case s.Kind == chat.Code && strings.TrimSpace(body) == body && body != "":
			b.WriteString("`" + body + "`")
		default:
			b.WriteString(body)
		}
	}
	// Verbatim: Slack shall not look for names and addresses in it.
	return &slackgo.TextBlockObject{Type: slackgo.MarkdownType, Text: b.String(), Verbatim: true}
}

// fallback is the message without blocks, for notifications and screen readers. It
// is parsed for <…> alone, which is escaped.
func fallback(m chat.Message) string {
	var b strings.Builder
	left := maxFallback
	line := func(t chat.Text, limit int, prefix string) {
		s := prefix + strings.TrimSpace(plain(t, limit, true))
		if s == prefix || left <= 0 {
			return
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		if left -= units(s) + 1; left <= 0 {
			s = "…"
		}
		b.WriteString(s)
	}
	icon := ""
	if m.Icon != "" {
		icon = escape(cut(clean(m.Icon), 20)) + " "
	}
	line(oneLine(m.Head), maxHead, icon)
	for _, k := range m.Blocks {
		line(k.Text, maxText, "")
		for _, f := range k.Facts {
			line(oneLine(f.Value), maxFact, escape(cut(flat(f.Label), maxFactLabel))+": ")
		}
		for _, l := range k.Lines {
			line(oneLine(l), maxLine, "• ")
		}
		line(oneLine(k.Note), maxNote, "")
	}
	if b.Len() == 0 {
		return "…"
	}
	return b.String()
}

// plain is text without style, in at most limit units; with markup, mentions and
// links are Slack's and all else is escaped.
func plain(t chat.Text, limit int, markup bool) string {
	var b strings.Builder
	for _, s := range t {
		text := cut(clean(s.Text), limit)
		limit -= units(text)
		switch user := userOf(s.Account); {
		case !markup:
			b.WriteString(text)
		case s.Kind == chat.Mention && user != "":
			b.WriteString("<@" + user + ">")
		default:
			b.WriteString(escape(text))
		}
		if link := href(s.URL); s.Kind == chat.Link && link != "" && units(link) < limit {
			limit -= units(link)
			if markup {
				link = escape(link)
			}
			b.WriteString(" " + link)
		}
	}
	return b.String()
}

// text is all that was written by others, for looking at.
func text(t chat.Text) string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(s.Text)
	}
	return b.String()
}

// size is how long the text is at the most.
func size(t chat.Text) int {
	n := 0
	for _, s := range t {
		n += len(s.Text) + len(s.URL) + mentionCost
	}
	return n
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape is Slack's own escaping of the three signs that mean something in text
// (docs.slack.dev/messaging/formatting-message-text).
func escape(s string) string { return escaper.Replace(s) }

// href is the address if a browser may be sent there, else "".
func href(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || len(s) > maxLink {
		return ""
	}
	return strings.NewReplacer("|", "%7C", "<", "%3C", ">", "%3E", " ", "%20").Replace(u.String())
}

// clean takes out what no message needs and some clients stumble over: broken
// UTF-8, control characters, and the marks that turn the direction of what
// follows, with which one name can be made to look like another.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case r < ' ', r == 0x7f, r >= 0x80 && r < 0xa0,
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// flat is clean text on one line.
func flat(s string) string { return strings.ReplaceAll(clean(s), "\n", " ") }

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

// units is the text's length in UTF-16 code units.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// cut shortens text to at most limit units, whole runes, and shows that it did.
func cut(s string, limit int) string {
	if len(s) <= limit || units(s) <= limit {
		return s
	}
	if limit < 1 {
		return ""
	}
	n := 0
	for i, r := range s {
		if n += max(utf16.RuneLen(r), 1); n > limit-1 {
			return s[:i] + "…"
		}
	}
	return s
}
