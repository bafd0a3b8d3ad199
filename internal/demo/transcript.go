package demo

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// line is one thing that happened: where, who and what. More are the lines that
// belong to it, such as a card's facts.
type line struct {
	Where, Who, What string
	More             []string
	Buttons          []string
	Kind             kind
}

// kind is how a line is shown.
type kind string

const (
	scene  kind = "scene"  // a heading: Where is its number, What its text
	person kind = "person" // somebody typed or pressed
	bot    kind = "bot"    // the bot said
	panel  kind = "panel"  // the panel did, or failed to
	check  kind = "check"  // what was checked and held
)

// transcript prints the tour while it happens and keeps it for the page.
type transcript struct {
	out   io.Writer
	color bool

	mu    sync.Mutex
	lines []line
}

// The widths of the columns, in characters.
const (
	whereWidth = 20
	whoWidth   = 7
	textWidth  = 76
)

const (
	reset  = "\x1b[0m"
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	cyan   = "\x1b[36m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
)

func (t *transcript) paint(style, s string) string {
	if !t.color || s == "" {
		return s
	}
	return style + s + reset
}

func (t *transcript) add(l line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, l)
	_, _ = io.WriteString(t.out, t.format(l)) // whoever closed the pipe has seen enough
}

func (t *transcript) all() []line {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]line(nil), t.lines...)
}

// format makes a line's text: three columns, what is too long for the third goes on
// below it.
func (t *transcript) format(l line) string {
	var b strings.Builder
	switch l.Kind {
	case scene:
		fmt.Fprintf(&b, "\n%s\n\n", t.paint(bold, l.Where+"  "+l.What))
		return b.String()
	case check:
		fmt.Fprintf(&b, "  %s %s\n", t.paint(green, "✓"), l.What)
		return b.String()
	}
	style := map[kind]string{person: cyan, bot: bold, panel: yellow}[l.Kind]
	rows := wrap(l.What, textWidth)
	for _, m := range l.More {
		rows = append(rows, wrap(m, textWidth)...)
	}
	for i, row := range rows {
		where, who := "", ""
		if i == 0 {
			where, who = l.Where, l.Who
		}
		text := row
		if i > 0 {
			text = t.paint(dim, row)
		}
		fmt.Fprintf(&b, "  %s %s %s\n", t.paint(dim, pad(where, whereWidth)), t.paint(style, pad(who, whoWidth)), text)
	}
	if len(l.Buttons) > 0 {
		fmt.Fprintf(&b, "  %s %s %s\n", pad("", whereWidth), pad("", whoWidth), t.paint(cyan, "["+strings.Join(l.Buttons, "]  [")+"]"))
	}
	return b.String()
}

func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

// wrap breaks a text at blanks into rows of at most n characters.
func wrap(s string, n int) []string {
	var rows []string
	row := ""
	for word := range strings.FieldsSeq(s) {
		if row != "" && utf8.RuneCountInString(row)+1+utf8.RuneCountInString(word) > n {
			rows = append(rows, row)
			row = ""
		}
		if row != "" {
			row += " "
		}
		row += word
	}
	return append(rows, row)
}
