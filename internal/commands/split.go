package commands

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// word is one word of a text after its quotes are undone.
type word struct {
	text   string
	eq     int  // where in text the first "=" stands that was not quoted; -1: none
	quoted bool // some of it was quoted
}

// closers gives what ends a quotation that r begins. Phones replace straight
// quotes by the typographic ones of whichever language they are set to, not always
// in pairs, so those of a kind end each other. A straight quote is ended by its
// like alone: that is what [Quote] relies on.
func closers(r rune) string {
	switch r {
	case '"':
		return `"`
	case '\'':
		return `'`
	case '“', '”', '„', '‟':
		return `”“"`
	case '‘', '’', '‚', '‛':
		return `’‘'`
	case '«':
		return `»`
	}
	return ""
}

// splitter is the state of split between two characters.
type splitter struct {
	words   []word
	text    strings.Builder
	cur     word
	within  bool // a word has begun, be it empty
	ends    string
	opened  int // where the open quote stands
	escaped bool
}

// split cuts a text as a shell does: at blanks, with '…', "…" (in which \ escapes
// " and \ only) and \. Typographic quotes quote as well, and any space of Unicode
// is a blank, as are tabs and line ends. Nothing else is special: no globs, no
// comments, no operators. Errors are [UnclosedQuote] and [ControlCharacter].
func split(text string) ([]word, error) {
	s := splitter{cur: word{eq: -1}}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		isBlank := s.ends == "" && !s.escaped && blank(r)
		if !isBlank && (forbidden(r) || r == utf8.RuneError && size == 1) {
			return nil, &Error{Kind: ControlCharacter, Word: nameOf(text[i : i+size]), Upto: upto(text[:i], unseen)}
		}
		s.next(r, i)
		i += size
	}
	if s.ends != "" {
		quote, _ := utf8.DecodeRuneInString(text[s.opened:])
		return nil, &Error{Kind: UnclosedQuote, Upto: upto(text[:s.opened], string(quote))}
	}
	if s.escaped {
		s.text.WriteByte('\\')
	}
	s.flush()
	return s.words, nil
}

func (s *splitter) next(r rune, at int) {
	switch {
	case s.escaped:
		if s.ends != "" && r != '\\' && !strings.ContainsRune(s.ends, r) {
			s.text.WriteByte('\\')
		}
		s.text.WriteRune(r)
		s.escaped = false
	case s.ends != "" && strings.ContainsRune(s.ends, r):
		s.ends = ""
	case r == '\\' && (s.ends == "" || strings.Contains(s.ends, `"`)):
		s.escaped, s.within, s.cur.quoted = true, true, true
	case s.ends != "":
		s.text.WriteRune(r)
	case blank(r):
		s.flush()
	case closers(r) != "" && !s.apostrophe(r):
		s.ends, s.opened, s.within, s.cur.quoted = closers(r), at, true, true
	default:
		if r == '=' && s.cur.eq < 0 {
			s.cur.eq = s.text.Len()
		}
		s.text.WriteRune(r)
		s.within = true
	}
}

// apostrophe tells the ’ of a name (O’Brien) from a quote: it stands within a word.
func (s *splitter) apostrophe(r rune) bool {
	return r == '’' && s.within && s.cur.eq != s.text.Len()-1
}

func (s *splitter) flush() {
	if s.within {
		s.cur.text = s.text.String()
		s.words = append(s.words, s.cur)
	}
	s.text.Reset()
	s.cur, s.within = word{eq: -1}, false
}

// Quote writes a word so that a command reads it back as that word, quoted only
// where it must be. The word may hold no control characters.
func Quote(w string) string {
	plain := w != ""
	for i, r := range w {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r)
		plain = plain && (letter || i > 0 && strings.ContainsRune("-_./:,#@+", r))
	}
	if plain {
		return w
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(w) + `"`
}
