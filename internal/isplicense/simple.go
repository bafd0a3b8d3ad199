package isplicense

import (
	"bytes"
	"encoding/xml"
	"strings"
	"sync"
	"unicode/utf8"
)

// Nearly every answer is XML of the simplest kind: tags, double-quoted attributes,
// text. This file reads that kind, and only that, several times as fast as
// encoding/xml: a bot reads lists of licences all day. Whatever else stands in an
// answer, right or wrong, makes simple give up, and encoding/xml judges the whole.

// maxSimple is the longest answer that is tried, in bytes; longer ones are read as
// they come.
const maxSimple = 1 << 20

// simple reads an answer like [decode], where it is of the simple kind. Both agree
// on every answer that simple takes, in either dialect; a fuzz test holds them to it.
// What an earlier answer to the same question had in the same bytes is taken from there.
func simple(answer []byte, earlier []row) (root *element, rows []row, ok bool) {
	if !utf8.Valid(answer) {
		return nil, nil, false
	}
	s := scanner{rest: answer, names: map[string]string{}}
	s.declaration()
	s.space()
	root = s.start()
	if root == nil || root.name != "doc" || s.closed {
		return nil, nil, false
	}
	rows = make([]row, 0, len(earlier))
	next := 0 // the row of earlier that most likely comes now
	for {
		if _, ok := s.text(); !ok {
			return nil, nil, false
		}
		if s.end("doc") {
			break
		}
		child, at := s.known(earlier, next)
		if child.is == nil {
			raw := s.rest
			s.left = maxElements
			e, ok := s.element(1)
			if !ok {
				return nil, nil, false
			}
			child = row{string(raw[:len(raw)-len(s.rest)]), e}
		}
		rows = append(rows, child)
		if child.is.name == "elem" {
			next = at + 1
		}
	}
	s.space()
	return root, rows, len(s.rest) == 0
}

// row is a child of the root, as read and as it was written. Nobody changes it.
type row struct {
	raw string
	is  *element
}

// known takes what is written as one of the earlier rows at or beside that number, and
// says which; where none is, the number given. An element ends where it ends whatever
// comes behind, so the same bytes are the same element.
func (s *scanner) known(earlier []row, at int) (row, int) {
	for _, i := range [...]int{at, at + 1, at - 1} { // one may have gone or come
		if i < 0 || i >= len(earlier) {
			continue
		}
		if n := len(earlier[i].raw); n <= len(s.rest) && string(s.rest[:n]) == earlier[i].raw {
			s.rest = s.rest[n:]
			return earlier[i], i
		}
	}
	return row{}, at
}

// recall has the rows of a list's page as they were read last: it is read again and
// again, and all but a row or two are as they were. The zero value has none.
type recall struct {
	mu   sync.Mutex
	rows []row
}

func (r *recall) last() []row {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rows
}

// keep leaves out what is no row, such as the request that the panel echoes with the
// login in it.
func (r *recall) keep(answer []row) {
	rows := make([]row, 0, len(answer))
	for _, one := range answer {
		if one.is.name == "elem" {
			rows = append(rows, one)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = rows
}

// scanner takes an answer apart. What it does not know it does not take.
type scanner struct {
	rest   []byte
	left   int  // elements and texts that may still come in this child of the root
	closed bool // the tag that start took was an empty element's
	names  map[string]string
	slab   []element // not in use yet
	piece  int       // how many the last slab held
}

// declaration takes the XML declaration, if one is there.
func (s *scanner) declaration() {
	const begin, end = `<?xml version="1.0"`, "?>"
	rest, found := bytes.CutPrefix(s.rest, []byte(begin))
	if !found {
		return
	}
	inside, rest, found := bytes.Cut(rest, []byte(end))
	for _, encoding := range []string{"", ` encoding="UTF-8"`, ` encoding="utf-8"`} {
		if found && string(inside) == encoding {
			s.rest = rest
		}
	}
}

func (s *scanner) space() { s.rest = bytes.TrimLeft(s.rest, " \t\n") }

// element takes a whole element.
func (s *scanner) element(depth int) (*element, bool) {
	e := s.start()
	if s.left--; e == nil || depth > maxDepth || s.left < 0 {
		return nil, false
	}
	if s.closed {
		return e, true
	}
	for {
		text, ok := s.text()
		if !ok {
			return nil, false
		}
		closed := s.end(e.name)
		if text != "" {
			if s.left--; s.left < 0 {
				return nil, false
			}
			if closed && len(e.children) == 0 {
				e.text = text
				return e, true
			}
			t := s.new()
			t.text = text
			e.children = append(e.children, t)
		}
		if closed {
			return e, true
		}
		child, ok := s.element(depth + 1)
		if !ok {
			return nil, false
		}
		if e.children == nil {
			e.children = make([]*element, 0, 16) // a list's row has as many columns, about
		}
		e.children = append(e.children, child)
	}
}

// new gives an element out of a piece that holds several: few at first, for most
// answers are short.
func (s *scanner) new() *element {
	if len(s.slab) == 0 {
		s.piece = min(max(16, 2*s.piece), 256)
		s.slab = make([]element, s.piece)
	}
	e := &s.slab[0]
	s.slab = s.slab[1:]
	return e
}

// start takes a start tag; nil if none is there.
func (s *scanner) start() *element {
	if len(s.rest) == 0 || s.rest[0] != '<' {
		return nil
	}
	before := len(s.rest)
	s.rest = s.rest[1:]
	name := s.name()
	switch strings.ToLower(name) {
	case "", "br", "hr", "img": // the dialects differ over these
		return nil
	}
	e := s.new()
	e.name = name
	for {
		had := len(s.rest)
		s.space()
		spaced := len(s.rest) < had
		switch {
		case before-len(s.rest) > maxToken:
			return nil
		case bytes.HasPrefix(s.rest, []byte(">")):
			s.rest, s.closed = s.rest[1:], false
			return e
		case bytes.HasPrefix(s.rest, []byte("/>")):
			s.rest, s.closed = s.rest[2:], true
			return e
		}
		attr, ok := s.attribute()
		if !ok || !spaced {
			return nil
		}
		e.attrs = append(e.attrs, attr)
	}
}

// attribute takes name="value".
func (s *scanner) attribute() (a xml.Attr, ok bool) {
	a.Name.Local = s.name()
	rest, found := bytes.CutPrefix(s.rest, []byte(`="`))
	if !found || a.Name.Local == "" || a.Name.Local == "xmlns" {
		return a, false
	}
	value, rest, found := bytes.Cut(rest, []byte(`"`))
	if !found {
		return a, false
	}
	s.rest = rest
	a.Value, ok = plainText(value)
	return a, ok
}

// name takes a name without a namespace; "" if none is there. The same name is the
// same string.
func (s *scanner) name() string {
	n := 0
	for n < len(s.rest) {
		c := s.rest[n]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (n == 0 || (c < '0' || c > '9') && c != '-' && c != '.') {
			break
		}
		n++
	}
	raw := s.rest[:n]
	s.rest = s.rest[n:]
	name, known := s.names[string(raw)]
	if !known {
		name = string(raw)
		s.names[name] = name
	}
	return name
}

// end takes the end tag of that name, if it is there.
func (s *scanner) end(name string) bool {
	n := len("</") + len(name)
	if len(s.rest) <= n || s.rest[0] != '<' || s.rest[1] != '/' || string(s.rest[2:n]) != name || s.rest[n] != '>' {
		return false
	}
	s.rest = s.rest[n+1:]
	return true
}

// text takes what stands before the next tag, which must come.
func (s *scanner) text() (string, bool) {
	n := bytes.IndexByte(s.rest, '<')
	if n < 0 || n > maxToken {
		return "", false
	}
	raw := s.rest[:n]
	s.rest = s.rest[n:]
	return plainText(raw)
}

var entities = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'")

// plainText is the text with its entities resolved, if it holds nothing but
// characters that stand for themselves and the entities of XML itself.
func plainText(raw []byte) (string, bool) {
	special := false
	for i, c := range raw {
		switch {
		case c >= ' ' && c <= '~' && c != '&' && c != '<' && c != ']', c == '\n', c == '\t':
		case c == '&':
			special = true
		case c >= utf8.RuneSelf && c != 0xef: // 0xEF begins the byte order mark and what is no character
		case c == ']' && !bytes.HasPrefix(raw[i:], []byte("]]>")):
		default:
			return "", false
		}
	}
	text := string(raw)
	if !special {
		return text, true
	}
	text = entities.Replace(text)
	// Each & must have begun one of the entities.
	return text, bytes.Count(raw, []byte("&")) == known(raw)
}

// known counts the entities that plainText resolves.
func known(raw []byte) int {
	n := 0
	for _, e := range []string{"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"} {
		n += bytes.Count(raw, []byte(e))
	}
	return n
}
