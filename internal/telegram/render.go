package telegram

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/isplicense/license-bot/internal/chat"
)

// Limits of a message. What exceeds them is cut where the text is, before it
// becomes markup, so that no tag is ever cut.
const (
	maxUnits    = 4096      // UTF-16 code units after parsing (core.telegram.org/bots/api#sendmessage)
	maxSource   = 1<<15 - 1 // bytes before parsing (tdlib/telegram-bot-api, get_formatted_text)
	maxSummary  = 200       // of a click's answer (#answercallbackquery)
	maxData     = 64        // bytes of callback_data (#inlinekeyboardbutton)
	maxButtons  = 100
	maxLabel    = 64 // of a button, in units; longer ones can't be read on a telephone
	maxPaired   = 20 // a longer label has a row of its own
	countUnits  = 12 // "\n… +1234567", what is kept free for the count of what was cut
	cutMark     = "…"
	invisible   = cutMark // what is sent where there is nothing to be seen
	headPlain   = chat.Bold
	bodyPlain   = chat.Plain
	notePlain   = italic
	italic      = chat.SpanKind(-1) // small print; no span of a message has it
	paragraphs  = "\n\n"
	lineBreak   = "\n"
	joinedUnits = 2 // of the longest of these joints
)

// cost is what text takes of the limits.
type cost struct{ units, bytes int }

func (c cost) plus(d cost) cost { return cost{c.units + d.units, c.bytes + d.bytes} }

func (c cost) within(d cost) bool { return c.units <= d.units && c.bytes <= d.bytes }

func (c cost) less(d cost) cost { return cost{max(c.units-d.units, 0), max(c.bytes-d.bytes, 0)} }

func (c cost) half() cost { return cost{c.units / 2, c.bytes / 2} }

// piece is rendered text with its cost.
type piece struct {
	html string
	cost cost
}

// render makes a message of parse_mode HTML. It always gives something that
// Telegram takes: where it is too long, lists are cut first, as whole lines with a
// count, then paragraphs.
func render(m chat.Message) string {
	left := cost{maxUnits, maxSource}
	var b strings.Builder
	put := func(p piece, joint string) {
		if p.html == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteString(joint)
			left = left.less(cost{len(joint), len(joint)})
		}
		b.WriteString(p.html)
		left = left.less(p.cost)
	}
	after := reserves(m.Blocks)
	put(text(headOf(m), headPlain, atLeastHalf(left, after[0])), "")
	for i, block := range m.Blocks {
		joints := cost{joinedUnits, joinedUnits}
		put(renderBlock(block, atLeastHalf(left.less(joints), after[i+1])), paragraphs)
	}
	if !visible(b.String()) {
		return invisible
	}
	return b.String()
}

// atLeastHalf is what a part may take: all but what the parts after it need, and
// half of what there is where they need more than that.
func atLeastHalf(left, after cost) cost {
	free, half := left.less(after), left.half()
	return cost{max(free.units, half.units), max(free.bytes, half.bytes)}
}

// reserves says for every block, and for the head before them, what the blocks
// after it need at least: all of a paragraph, the count alone of a list.
func reserves(blocks []chat.Block) []cost {
	unlimited := cost{maxUnits, maxSource}
	after := make([]cost, len(blocks)+1)
	for i := len(blocks) - 1; i >= 0; i-- {
		need := cost{countUnits, 2 * countUnits}
		if blocks[i].Lines == nil {
			need = renderBlock(blocks[i], unlimited).cost
		}
		after[i] = after[i+1].plus(need).plus(cost{joinedUnits, joinedUnits})
	}
	return after
}

func renderBlock(b chat.Block, limit cost) piece {
	switch {
	case b.Lines != nil:
		return lines(b.Lines, limit)
	case b.Facts != nil:
		rows := make([]chat.Text, len(b.Facts))
		for i, f := range b.Facts {
			rows[i] = append(chat.Text{{Text: f.Label + ": "}}, f.Value...)
		}
		return lines(rows, limit)
	case b.Note != nil:
		return text(b.Note, notePlain, limit)
	}
	return text(b.Text, bodyPlain, limit)
}

// lines puts each on a line of its own. Those that do not fit are counted; of a
// first one that does not fit, what fits is shown.
func lines(all []chat.Text, limit cost) piece {
	var out piece
	for i, line := range all {
		room := limit.less(out.cost).less(cost{len(lineBreak), len(lineBreak)})
		if i < len(all)-1 {
			room = room.less(cost{countUnits, 2 * countUnits})
		}
		p := text(flat(line), bodyPlain, cost{maxUnits, maxSource})
		if !p.cost.within(room) {
			if i > 0 {
				counted := out.append(plain(cutMark+" +"+strconv.Itoa(len(all)-i)), lineBreak)
				if !counted.cost.within(limit) {
					return out
				}
				return counted
			}
			p = text(flat(line), bodyPlain, room)
		}
		out = out.append(p, lineBreak)
	}
	return out
}

func (p piece) append(q piece, joint string) piece {
	if p.html == "" {
		return q
	}
	joined := cost{len(joint), len(joint)}
	return piece{p.html + joint + q.html, p.cost.plus(joined).plus(q.cost)}
}

// headOf is the first line: the icon and the head.
func headOf(m chat.Message) chat.Text {
	head := flat(m.Head)
	if icon := strings.TrimSpace(m.Icon); icon != "" {
		head = append(flat(chat.Text{{Text: icon + " "}}), head...)
	}
	return head
}

// flat is the text on one line.
func flat(t chat.Text) chat.Text {
	out := make(chat.Text, len(t))
	for i, s := range t {
		s.Text = strings.ReplaceAll(s.Text, "\n", " ")
		out[i] = s
	}
	return out
}

// text renders spans within a limit; plain ones in the style that the part has.
func text(t chat.Text, style chat.SpanKind, limit cost) piece {
	var out piece
	for _, s := range t {
		open, content, end := markup(s, style)
		if content == "" {
			continue
		}
		p := span(open, content, end)
		if !out.cost.plus(p.cost).within(limit) {
			return out.append(cutSpan(open, content, end, limit.less(out.cost)), "")
		}
		out = out.append(p, "")
	}
	return out
}

// cutSpan keeps as much of a span as fits together with the mark of a cut; nothing
// where not even the mark does.
func cutSpan(open, content, end string, limit cost) piece {
	mark := plain(cutMark)
	room := limit.less(mark.cost).less(cost{0, len(open) + len(end)})
	kept, used := 0, cost{}
	for i, r := range content {
		used = used.plus(runeCost(r))
		if !used.within(room) {
			break
		}
		kept = i + len(string(r))
	}
	switch {
	case !mark.cost.within(limit):
		return piece{}
	case kept == 0:
		return mark
	}
	return span(open, strings.TrimRightFunc(content[:kept], unicode.IsSpace), end).append(mark, "")
}

func plain(s string) piece { return span("", s, "") }

// span escapes content and puts it between tags.
func span(open, content, end string) piece {
	if content == "" {
		return piece{}
	}
	var c cost
	for _, r := range content {
		c = c.plus(runeCost(r))
	}
	c.bytes += len(open) + len(end)
	return piece{open + escaper.Replace(content) + end, c}
}

// escaper makes text safe between tags and in attributes
// (core.telegram.org/bots/api#html-style).
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func runeCost(r rune) cost {
	switch {
	case r == '&':
		return cost{1, 5}
	case r == '<', r == '>':
		return cost{1, 4}
	case r == '"':
		return cost{1, 6}
	case r > 0xffff:
		return cost{2, 4}
	}
	return cost{1, len(string(r))}
}

// markup gives the tags around a span and the clean text between them.
func markup(s chat.Span, style chat.SpanKind) (open, content, end string) {
	content = chat.Clean(s.Text)
	kind := s.Kind
	if kind == chat.Plain {
		kind = style
	}
	switch kind {
	case chat.Bold:
		return "<b>", content, "</b>"
	case italic:
		return "<i>", content, "</i>"
	case chat.Code:
		return "<code>", content, "</code>"
	case chat.Link:
		if content == "" {
			content = chat.Clean(s.URL)
		}
		if target, ok := address(s.URL); ok {
			return `<a href="` + escaper.Replace(target) + `">`, content, "</a>"
		}
	case chat.Mention:
		id, ours := strings.CutPrefix(string(s.Account), transport+":")
		if content == "" {
			content = chat.Clean(string(s.Account))
		}
		if n, err := strconv.ParseInt(id, 10, 64); ours && err == nil && n > 0 {
			return `<a href="tg://user?id=` + strconv.FormatInt(n, 10) + `">`, content, "</a>"
		}
	}
	return "", content, ""
}

// address is a link that Telegram shows as one. Others would lose it without a word.
func address(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || len(s) > 2048 {
		return "", false
	}
	return u.String(), true
}

// visible says whether anything remains when Telegram has trimmed a message.
func visible(html string) bool {
	inTag := false
	for _, r := range html {
		switch {
		case r == '<':
			inTag = true
		case r == '>':
			inTag = false
		case !inTag && unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.M, r):
			return true
		}
	}
	return false
}

// summary is a message in a click's answer: plain text, the head and as many whole
// paragraphs and lines as fit.
func summary(m chat.Message) string {
	all := []chat.Text{headOf(m)}
	for _, b := range m.Blocks {
		switch {
		case b.Text != nil:
			all = append(all, b.Text)
		case b.Lines != nil:
			all = append(all, b.Lines...)
		case b.Note != nil:
			all = append(all, b.Note)
		}
		for _, f := range b.Facts {
			all = append(all, append(chat.Text{{Text: f.Label + ": "}}, f.Value...))
		}
	}
	out, used := "", 0
	for _, t := range all {
		s := bare(t)
		n := units(s)
		switch {
		case s == "":
			continue
		case out == "":
			out = shorten(s, maxSummary)
			used = units(out)
			continue
		case used+n+1 > maxSummary:
			return out
		}
		out, used = out+lineBreak+s, used+n+1
	}
	if !visible(escaper.Replace(out)) {
		return invisible
	}
	return out
}

// bare is the text without any style.
func bare(t chat.Text) string {
	var b strings.Builder
	for _, s := range t {
		_, content, _ := markup(s, chat.Plain)
		b.WriteString(content)
	}
	return strings.TrimSpace(b.String())
}

func units(s string) int {
	n := 0
	for _, r := range s {
		n += runeCost(r).units
	}
	return n
}

// shorten cuts text to so many units.
func shorten(s string, most int) string {
	if units(s) <= most {
		return s
	}
	n := 1 // the mark
	for i, r := range s {
		if n += runeCost(r).units; n > most {
			return strings.TrimSpace(s[:i]) + cutMark
		}
	}
	return s
}

// The keyboard is of types of our own: the library's button has a copy_text that it
// sends empty with every button.
type inlineKeyboard struct {
	Rows [][]inlineButton `json:"inline_keyboard"`
}

type inlineButton struct {
	Text  string `json:"text"`
	Data  string `json:"callback_data"`
	Style string `json:"style,omitempty"` // since Bot API 9.4; older ones ignore it
}

// keyboard puts buttons under a message, two in a row where both labels are short;
// nil for none.
func keyboard(buttons []chat.Button) (*inlineKeyboard, error) {
	if len(buttons) == 0 {
		return nil, nil
	}
	if len(buttons) > maxButtons {
		return nil, fmt.Errorf("%d buttons, and Telegram takes %d: %w", len(buttons), maxButtons, chat.ErrRejected)
	}
	k := &inlineKeyboard{}
	open := false // the last row takes another one
	for _, b := range buttons {
		data := b.Action + ":" + b.Value
		if b.Action == "" || len(data) > maxData {
			return nil, fmt.Errorf("a button's action and value must be 1 to %d bytes long: %w", maxData-1, chat.ErrRejected)
		}
		label := strings.TrimSpace(shorten(strings.ReplaceAll(chat.Clean(b.Label), "\n", " "), maxLabel))
		if !visible(escaper.Replace(label)) {
			label = b.Action
		}
		button := inlineButton{Text: label, Data: data, Style: string(b.Style)}
		short := units(label) <= maxPaired
		if last := len(k.Rows) - 1; short && open {
			k.Rows[last] = append(k.Rows[last], button)
			open = false
			continue
		}
		k.Rows = append(k.Rows, []inlineButton{button})
		open = short
	}
	return k, nil
}
