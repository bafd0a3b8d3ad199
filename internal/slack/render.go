package slack

import (
	"strconv"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/isplicense/license-bot/internal/chat"
)

// How messages look: the head in bold; tables as section fields, label over value,
// which Slack puts in two columns and, in a narrow window, below each other; lists
// as lines of a section; small print as context; buttons at the end.
//
// A part whose text holds something that mrkdwn would take for formatting is shown
// as plain_text instead, without bold and links, so that a licence's name is seen
// and copied as it is: mrkdwn has no escape but zero-width characters, and those
// would be copied along. (A rich_text block would be exact as well. It has no small
// print and no columns, and Slack documents no limit for it.)
//
// Slack's limits (docs.slack.dev/reference/block-kit), counted in UTF-16 code units
// of escaped text: Slack does not say what it counts, and no other count is
// greater. Text is cut to them before it is rendered, never as markup. The total
// stays below the undocumented 13 000 or so beyond which Slack says
// msg_blocks_too_long (github.com/slackapi/bolt-js/issues/2509).
const (
	maxBlocks    = 50
	maxButtons   = 25 // in an actions block
	maxFields    = 10 // in a section
	maxLabel     = 75 // of a button
	maxTotal     = 9500
	maxText      = 2900 // of 3000, for a section
	maxHead      = 600
	maxFactLabel = 100
	maxFact      = 1500 // of 2000, label and value
	maxLine      = 600
	maxNote      = 900
	maxFallback  = 4000 // bytes: chat.update takes no more text
	countOfRest  = 12   // "\n… +1234"
	bullet       = "• "
)

// rendered is a message as Slack takes it: blocks, and the same as text for
// notifications and screen readers.
type rendered struct {
	text   string
	blocks []slackgo.Block
}

func render(m chat.Message) rendered {
	head := headOf(m)
	buttons := actions(m.Buttons)
	c := canvas{room: maxBlocks - len(buttons), left: maxTotal - reserved(head, m)}
	c.section(head, maxHead)
	for _, b := range m.Blocks {
		c.block(b)
	}
	return rendered{text: fallback(head, m), blocks: append(c.blocks, buttons...)}
}

// headOf is the head on one line, in bold, after its icon.
func headOf(m chat.Message) chat.Text {
	var head chat.Text
	if icon := strings.TrimSpace(flat(m.Icon)); icon != "" {
		head = append(head, chat.Span{Text: cut(icon, 20) + " "})
	}
	for i, s := range oneLine(m.Head) {
		if s.Kind == chat.Plain {
			s.Kind = chat.Bold
		}
		if last := len(head) - 1; i > 0 && s.Kind == chat.Bold && head[last].Kind == chat.Bold {
			head[last].Text += s.Text // two bold pieces side by side would not be bold
			continue
		}
		head = append(head, s)
	}
	return head
}

// reserved is what head, notes and buttons take at the most: paragraphs and lists
// are cut for them, not the other way round.
func reserved(head chat.Text, m chat.Message) int {
	_, n := clip(head, maxHead)
	for _, b := range m.Blocks {
		_, note := clip(b.Note, maxNote)
		n += note
	}
	return min(n+len(m.Buttons)*maxLabel, maxTotal)
}

// canvas takes the parts of a message one after the other.
type canvas struct {
	blocks []slackgo.Block
	room   int // blocks that may still be added
	left   int // units that paragraphs, tables and lists may still take
}

func (c *canvas) add(b slackgo.Block) {
	if c.room > 0 {
		c.room--
		c.blocks = append(c.blocks, b)
	}
}

// section adds a paragraph and says what it took.
func (c *canvas) section(t chat.Text, limit int) int {
	t, used := clip(t, limit)
	if o := object(t); o != nil {
		c.add(slackgo.NewSectionBlock(o, nil, nil))
	}
	return used
}

func (c *canvas) block(b chat.Block) {
	switch {
	case b.Note != nil:
		note, _ := clip(oneLine(b.Note), maxNote)
		if o := object(note); o != nil {
			c.add(slackgo.NewContextBlock("", o))
		}
	case b.Facts != nil:
		c.facts(b.Facts)
	case b.Lines != nil:
		c.lines(b.Lines)
	default:
		c.left -= c.section(b.Text, min(maxText, c.left))
	}
}

func (c *canvas) facts(facts []chat.Fact) {
	var fields []*slackgo.TextBlockObject
	for i, f := range facts {
		t, used := clip(fact(f, "\n"), min(maxFact, c.left))
		c.left -= used
		if o := object(t); o != nil {
			fields = append(fields, o)
		}
		if len(fields) == maxFields || i == len(facts)-1 && len(fields) > 0 {
			c.add(slackgo.NewSectionBlock(nil, fields, nil))
			fields = nil
		}
	}
}

// fact is a label and its value.
func fact(f chat.Fact, between string) chat.Text {
	t := make(chat.Text, 0, 2+len(f.Value))
	if label := cut(strings.TrimSpace(flat(f.Label)), maxFactLabel); label != "" {
		t = append(t, chat.Span{Kind: chat.Bold, Text: label}, chat.Span{Text: between})
	}
	return append(t, oneLine(f.Value)...)
}

// lines shows as many whole lines as there is room for and counts the rest. The
// count is a sign and a number, since words are not the adapter's.
func (c *canvas) lines(lines []chat.Text) {
	var part chat.Text
	size := 0
	flush := func() {
		c.section(part, maxText)
		part, size = nil, 0
	}
	for i, l := range lines {
		l, used := clip(oneLine(l), maxLine)
		used += len("\n• ") // more units than it has
		if used+countOfRest > c.left {
			part = append(part, chat.Span{Text: "\n… +" + strconv.Itoa(len(lines)-i)})
			c.left = 0
			break
		}
		if size+used > maxText-countOfRest {
			flush()
		}
		begin := "\n" + bullet
		if size == 0 {
			begin = bullet
		}
		part = append(append(part, chat.Span{Text: begin}), l...)
		c.left -= used
		size += used
	}
	if len(part) > 0 {
		flush()
	}
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
		label := strings.TrimSpace(flat(b.Label))
		if label == "" {
			label = b.Action
		}
		label = escape(cut(label, maxLabel))
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

// fallback says what the blocks say, for notifications and screen readers. Mentions
// are Slack's here too; else it is plain text, escaped. Where it gets too long, lists
// lose their bullets and then their last lines, then the longest of what is left is cut,
// so that what stands below them is said; what still is too much goes from the end.
func fallback(head chat.Text, m chat.Message) string {
	var parts []part
	size := countOfRest
	add := func(prefix string, most int, t chat.Text, line bool) {
		t, _ = clip(t, most)
		if s := strings.TrimSpace(plain(t, true)); s != "" {
			parts = append(parts, part{prefix + s, t, line})
			size += len(prefix) + len(s) + 1
		}
	}
	add("", maxHead, head, false)
	for _, k := range m.Blocks {
		add("", maxText, k.Text, false)
		for _, f := range k.Facts {
			add("", maxFact, fact(f, ": "), false)
		}
		for _, l := range k.Lines {
			add(bullet, maxLine, oneLine(l), true)
		}
		add("", maxNote, oneLine(k.Note), false)
	}
	if len(parts) == 0 {
		return "…"
	}
	long := size > maxFallback
	for i, p := range parts {
		if p.line && long {
			parts[i].text = strings.TrimPrefix(p.text, bullet)
			size -= len(p.text) - len(parts[i].text)
		}
	}
	left := 0
	for i := len(parts) - 1; i > 0 && size > maxFallback; i-- {
		if parts[i].line {
			size -= len(parts[i].text) + 1
			parts[i].text = ""
			left++
		}
	}
	for size > maxFallback {
		p := &parts[0]
		for i := range parts {
			if len(parts[i].text) > len(p.text) {
				p = &parts[i]
			}
		}
		if len(p.text) < maxFallback/20 {
			break
		}
		size -= p.shorten(size - maxFallback)
	}
	var b strings.Builder
	for _, p := range parts {
		switch {
		case p.text == "" && left > 0:
			b.WriteString("… +" + strconv.Itoa(left) + "\n")
			left = 0
		case p.text != "" && b.Len()+len(p.text) < maxFallback:
			b.WriteString(p.text + "\n")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// part is a line of the fallback, and whether it is one of a list.
type part struct {
	text string
	of   chat.Text
	line bool
}

// shorten takes some bytes off, half of all at the most, and says how many. It cuts
// what is to be said, not how that is written.
func (p *part) shorten(by int) int {
	was := len(p.text)
	aim := max(was-by, was/2)
	for limit := units(p.text); len(p.text) > aim && limit > 0; limit -= limit/8 + 1 {
		t, _ := clip(p.of, limit)
		p.text = strings.TrimSpace(plain(t, true))
	}
	return was - len(p.text)
}
