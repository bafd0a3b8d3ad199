package chat

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
)

// How much of a text from outside is shown, in UTF-16 units, which is what
// messengers count. Whole names fit; a hostile one does no harm.
const (
	nameMax    = 100
	addressMax = 64
	productMax = 100
	priceMax   = 40
	personMax  = 40
	saidMax    = 300
)

// listMax is how many lines a list has at the most.
const listMax = 20

// mentionMax is how many people one question notifies at the most.
const mentionMax = 5

// The icons, one at the head of a message. The words say the same.
const (
	iconAsk     = "❓"
	iconRunning = "⏳"
	iconDone    = "✅"
	iconNot     = "❌"
	iconWarn    = "⚠️"
	iconExpired = "⌛"
	iconStopped = "🚫"
	iconNone    = ""
)

// Speaker makes the bot's messages in one language, with times in one zone. It is
// immutable and may be shared.
type Speaker struct {
	w   *words
	loc *time.Location
}

// NewSpeaker gives the speaker of a language as a chat names it ("en", "en-US").
// One that the catalogue does not have is spoken to in English; a nil zone is UTC.
func NewSpeaker(lang string, loc *time.Location) *Speaker {
	if loc == nil {
		loc = time.UTC
	}
	s := &Speaker{&english, loc}
	return s.In(lang)
}

// catalogue holds every language by its base code. It is never written to.
var catalogue = map[string]*words{"en": &english}

// In gives the speaker of another language, with the same zone; of one that the
// catalogue does not have, or none, it is s.
func (s *Speaker) In(lang string) *Speaker {
	base, _, _ := strings.Cut(strings.ToLower(lang), "-")
	if w, ok := catalogue[base]; ok {
		return &Speaker{w, s.loc}
	}
	return s
}

// time gives the time of day, with the date where it is not that of now. A zero
// now is another day.
func (s *Speaker) time(t, now time.Time) Text {
	t, now = t.In(s.loc), now.In(s.loc)
	a := args{
		"time":  plain(t.Format("15:04") + " " + zone(t)),
		"day":   number(t.Day()),
		"month": plain(s.w.months[t.Month()-1]),
		"year":  number(t.Year()),
	}
	switch {
	case now.IsZero():
		return s.w.now.day.fill(a)
	case t.Year() != now.Year():
		return s.w.now.year.fill(a)
	case t.YearDay() != now.YearDay():
		return s.w.now.day.fill(a)
	}
	return a["time"]
}

// zone is the name of t's zone, or its offset where it has no name.
func zone(t time.Time) string {
	name := t.Format("MST")
	if name[0] == '+' || name[0] == '-' {
		return "UTC" + name
	}
	return name
}

// period gives a term in words.
func (s *Speaker) period(p license.Period) Text {
	if p == license.Lifetime {
		return plain(s.w.now.lifetime)
	}
	return s.w.now.month.fill(s.w.tag, int(p), nil)
}

// change shows an old value and the new one.
func (s *Speaker) change(was, now string) Text {
	return s.w.now.change.fill(args{"was": plain(s.orUnknown(was)), "now": plain(s.orUnknown(now))})
}

func (s *Speaker) orUnknown(v string) string {
	if v == "" {
		return s.w.now.unknown
	}
	return v
}

// said quotes the panel, bounded; nothing for nothing.
func (s *Speaker) said(words string, most int) Text {
	if words = oneLine(words); words == "" {
		return nil
	}
	return s.w.now.quote.fill(args{"said": plain(cut(words, most))})
}

// who mentions a person by the account with which they acted. What the bot does
// by itself is not shown so.
func who(w requests.Who) Text {
	name := w.Person
	if name == "" {
		name = string(w.Account)
	}
	return Text{{Kind: Mention, Text: cut(oneLine(name), personMax), Account: w.Account}}
}

// person names somebody without notifying them. One who is called only as their
// account is would not be recognised by it, and is mentioned.
func person(name string, account requests.Account) Text {
	if account != "" && (name == "" || name == string(account)) {
		return Text{{Kind: Mention, Text: string(account), Account: account}}
	}
	return plain(cut(oneLine(name), personMax))
}

// all joins texts as a sentence does: "a, b and c".
func (s *Speaker) all(texts []Text) Text {
	switch len(texts) {
	case 0:
		return nil
	case 1:
		return texts[0]
	}
	last := len(texts) - 1
	return s.w.now.and.fill(args{"a": join(", ", texts[:last]...), "b": texts[last]})
}

// more is the last line of a list that was cut.
func (s *Speaker) more(n int) Text { return s.w.now.more.fill(s.w.tag, n, nil) }

// command is what to type, ready to copy.
func command(words string) Text {
	return Text{{Kind: Code, Text: strings.TrimSpace("/license " + words)}}
}

func plain(s string) Text { return Text{{Text: s}} }

func code[S ~string](s S) Text { return Text{{Kind: Code, Text: string(s)}} }

func number(n int) Text { return plain(strconv.Itoa(n)) }

func link(url, text string) Text { return Text{{Kind: Link, Text: text, URL: url}} }

// join puts the texts that are not empty together.
func join(sep string, texts ...Text) Text {
	var out Text
	for _, t := range texts {
		if len(t) == 0 {
			continue
		}
		if len(out) > 0 {
			out = append(out, Span{Text: sep})
		}
		out = append(out, t...)
	}
	return merge(out)
}

// paragraph makes a block of sentences, and no block of none.
func paragraph(sentences ...Text) []Block {
	if t := join(" ", sentences...); len(t) > 0 {
		return []Block{{Text: t}}
	}
	return nil
}

// paragraphs makes a block of each text that is not empty.
func paragraphs(texts ...Text) []Block {
	var blocks []Block
	for _, t := range texts {
		blocks = append(blocks, paragraph(t)...)
	}
	return blocks
}

// note makes a block in small print.
func note(sentences ...Text) []Block {
	if t := join(" ", sentences...); len(t) > 0 {
		return []Block{{Note: t}}
	}
	return nil
}

// units is the length of a text as messengers count it.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// cut shortens a text to at most n UTF-16 units, between runes, and shows that it
// did by a last "…".
func cut(s string, n int) string {
	if units(s) <= n {
		return s
	}
	left := n - 1
	for i, r := range s {
		left -= utf16.RuneLen(r)
		if left < 0 {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}

// oneLine makes every run of white space one blank.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
