package isplicense

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/charmap"
)

// What an answer may hold at most; none of the panel's comes near.
const (
	maxDepth    = 32        // elements within elements
	maxElements = 20_000    // and texts, in one child of the root, and in an answer that is kept whole
	maxToken    = 256 << 10 // bytes of one tag, text or comment
)

// dialect is how much an answer's structure is trusted. What is merely spelled
// oddly (encodings, HTML entities, control characters, invalid UTF-8) is read by
// both.
type dialect int

const (
	// strict is for changes: mended nesting could hide that an answer broke off.
	strict dialect = iota
	// tolerant is for reads: HTML inside, unclosed line breaks, bare attributes.
	tolerant
)

// Why an answer could not be read. An error of the connection or of a bound is
// given as it came.
var (
	errCut     = errors.New("the answer broke off")
	errForeign = errors.New("the answer is not the panel's")
	errGarbled = errors.New("the answer is no well-formed XML")
	errTooBig  = errors.New("the answer is larger than any of the panel's")
)

// element is an element of an answer, or, without a name, a piece of text. An
// element that holds one piece of text and nothing else has it in itself.
type element struct {
	name     string
	text     string
	attrs    []xml.Attr
	children []*element
}

// attr is the first attribute of that name, or "".
func (e *element) attr(name string) string {
	for _, a := range e.attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// value is the text that stands directly in the element, less space around it.
func (e *element) value() string {
	if len(e.children) == 0 {
		return strings.TrimSpace(e.text)
	}
	var b strings.Builder
	for _, c := range e.children {
		if c.name == "" {
			b.WriteString(c.text)
		}
	}
	return strings.TrimSpace(b.String())
}

// prose is all text in the element, as a browser would set it: what stands in
// different elements does not run together.
func (e *element) prose() string {
	if len(e.children) == 0 {
		return e.text
	}
	var b strings.Builder
	for _, c := range e.children {
		if c.name == "" {
			b.WriteString(c.text)
		} else {
			b.WriteString(" " + c.prose() + " ")
		}
	}
	return b.String()
}

// all is the element's children of that name.
func (e *element) all(name string) []*element {
	var found []*element
	for _, c := range e.children {
		if c.name == name {
			found = append(found, c)
		}
	}
	return found
}

// get is the first value among the children of these names that is not empty; an
// earlier name goes before a later one.
func (e *element) get(names ...string) string {
	for _, name := range names {
		for _, c := range e.children {
			if c.name != name {
				continue
			}
			if v := c.value(); v != "" {
				return v
			}
		}
	}
	return ""
}

// field is get on the answer itself and then on a submitted form within it,
// /doc/doc.
func (e *element) field(names ...string) string {
	if v := e.get(names...); v != "" {
		return v
	}
	for _, nested := range e.all("doc") {
		if v := nested.get(names...); v != "" {
			return v
		}
	}
	return ""
}

// has says whether the answer, or a submitted form within it, has a child of one of
// these names, be it empty.
func (e *element) has(names ...string) bool {
	return slices.ContainsFunc(e.children, func(c *element) bool {
		return slices.Contains(names, c.name) || c.name == "doc" && c.has(names...)
	})
}

// failing is the <error> of an answer or of a submitted form within it, or nil.
func (e *element) failing() *element {
	for _, where := range append([]*element{e}, e.all("doc")...) {
		if found := where.all("error"); len(found) > 0 {
			return found[0]
		}
	}
	return nil
}

// document reads a whole answer into its root. Where the answer broke off, it gives
// what had come whole until then beside the error.
func document(r io.Reader, contentType string, d dialect) (*element, error) {
	answer := &element{name: "doc"}
	size := 0
	root, err := decode(r, contentType, d, func(child *element) error {
		if size += child.size(); size > maxElements {
			return errTooBig
		}
		answer.children = append(answer.children, child)
		return nil
	})
	if errors.Is(err, errForeign) || errors.Is(err, errGarbled) || errors.Is(err, errTooBig) {
		return nil, err
	}
	if root != nil {
		answer.attrs = root.attrs
	}
	return answer, err
}

// size counts the element and all in it.
func (e *element) size() int {
	n := 1
	for _, c := range e.children {
		n += c.size()
	}
	return n
}

// decode reads an answer whose root is <doc>, gives each child element of the root
// to visit, and returns the root with its attributes alone. It fails unless the
// answer is whole: the root is closed and nothing follows it. A panic over an answer
// is an answer that can't be read: what was called may have happened all the same.
func decode(r io.Reader, contentType string, d dialect, visit func(child *element) error) (*element, error) {
	return new(recall).decode(r, contentType, d, visit)
}

// decode is [decode] for answers to the same question.
func (before *recall) decode(r io.Reader, contentType string, d dialect, visit func(child *element) error) (root *element, err error) {
	defer func() {
		if recover() != nil {
			root, err = nil, errGarbled
		}
	}()
	begin := buffers.Get().(*bytes.Buffer)
	defer func() {
		begin.Reset()
		buffers.Put(begin)
	}()
	_, err = begin.ReadFrom(io.LimitReader(r, maxSimple+1))
	if err != nil {
		r = &bounded{err: err}
	} else if begin.Len() <= maxSimple && encoding(begin.Bytes(), contentType) == "" {
		if root, rows, ok := simple(begin.Bytes(), before.last()); ok {
			before.keep(rows)
			for _, row := range rows {
				if err := visit(row.is); err != nil {
					return nil, err
				}
			}
			return root, nil
		}
	}
	return general(plain(io.MultiReader(begin, r), contentType), d, visit)
}

// buffers are for answers, one after the other: what is made of an answer shares
// nothing with it.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// general is decode for any XML, which has to be UTF-8 but for what meter mends.
func general(r io.Reader, d dialect, visit func(child *element) error) (*element, error) {
	m := &meter{r: bufio.NewReader(r)}
	dec := xml.NewDecoder(m)
	dec.Strict = d == strict
	dec.Entity = xml.HTMLEntity
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // done by plain
	if d == tolerant {
		dec.AutoClose = []string{"br", "hr", "img"} // not xml.HTMLAutoClose: its param is an element of the panel's own
	}
	p := &parser{dec: dec, meter: m}

	root, err := p.root()
	if err != nil {
		return nil, err
	}
	for {
		token, err := p.next()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			p.left = maxElements
			child, err := p.element(t, 1)
			if err != nil {
				return nil, err
			}
			if err := visit(child); err != nil {
				return nil, err
			}
		case xml.EndElement:
			return root, p.end()
		}
	}
}

type parser struct {
	dec   *xml.Decoder
	meter *meter
	left  int // elements that may still come in this child of the root
}

// next is the next token; a parse error is errCut or errGarbled, any other (also
// io.EOF between elements) as it came.
func (p *parser) next() (xml.Token, error) {
	p.meter.left = maxToken
	token, err := p.dec.Token()
	var syntax *xml.SyntaxError
	switch {
	case !errors.As(err, &syntax):
		return token, err
	case syntax.Msg == "unexpected EOF":
		return nil, errCut
	default:
		return nil, errGarbled
	}
}

// root reads up to the answer's first element, which must be <doc>.
func (p *parser) root() (*element, error) {
	for {
		token, err := p.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, errCut
		case errors.Is(err, errGarbled):
			return nil, errForeign
		case err != nil:
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local != "doc" {
				return nil, errForeign
			}
			return &element{name: "doc", attrs: t.Copy().Attr}, nil
		case xml.CharData:
			if len(strings.TrimSpace(string(t))) > 0 {
				return nil, errForeign
			}
		}
	}
}

// element reads what start began, to its end.
func (p *parser) element(start xml.StartElement, depth int) (*element, error) {
	p.left--
	if depth > maxDepth || p.left < 0 {
		return nil, errTooBig
	}
	e := &element{name: start.Name.Local, attrs: start.Copy().Attr}
	for {
		token, err := p.next()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			child, err := p.element(t, depth+1)
			if err != nil {
				return nil, err
			}
			e.children = append(e.children, child)
		case xml.EndElement:
			if len(e.children) == 1 && e.children[0].name == "" {
				e.text, e.children = e.children[0].text, nil
			}
			return e, nil
		case xml.CharData:
			if p.left--; p.left < 0 {
				return nil, errTooBig
			}
			e.children = append(e.children, &element{text: string(t)})
		}
	}
}

// end makes sure that nothing but white space and comments follows the root. In
// the tolerant dialect a stray end tag closes too much: this is where it shows.
func (p *parser) end() error {
	for {
		token, err := p.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.CharData:
			if len(strings.TrimSpace(string(t))) > 0 {
				return errGarbled
			}
		case xml.StartElement, xml.EndElement:
			return errGarbled
		}
	}
}

// meter gives the decoder an answer's text byte by byte: without the characters
// that XML forbids, with the bytes that are no UTF-8 read as windows-1251 (panels
// have been seen to declare the one and send the other), and no more for one token
// than the decoder may keep in memory.
type meter struct {
	r       *bufio.Reader
	left    int    // bytes that the token may still take
	pending []byte // of the character under way
	room    [utf8.UTFMax]byte
}

func (m *meter) ReadByte() (byte, error) {
	for len(m.pending) == 0 {
		b, err := m.r.ReadByte()
		if err != nil {
			return 0, err
		}
		if m.left--; m.left < 0 {
			return 0, errTooBig
		}
		if b < utf8.RuneSelf {
			if forbidden(rune(b)) {
				continue
			}
			return b, nil
		}
		if err := m.character(b); err != nil {
			return 0, err
		}
	}
	b := m.pending[0]
	m.pending = m.pending[1:]
	return b, nil
}

// character makes pending the character that begins with first, which was read.
func (m *meter) character(first byte) error {
	if err := m.r.UnreadByte(); err != nil {
		return err
	}
	r, size, err := m.r.ReadRune()
	if err != nil {
		return err
	}
	m.left -= size - 1
	if r == utf8.RuneError && size == 1 {
		r = charmap.Windows1251.DecodeByte(first)
	}
	if !forbidden(r) {
		m.pending = utf8.AppendRune(m.room[:0], r)
	}
	return nil
}

// Read makes the meter the io.Reader that [xml.NewDecoder] asks for; the decoder
// takes the bytes one by one where it can.
func (m *meter) Read(p []byte) (int, error) {
	for i := range p {
		b, err := m.ReadByte()
		if err != nil {
			return i, err
		}
		p[i] = b
	}
	return len(p), nil
}

// forbidden are the characters that no XML document may hold, and byte order
// marks, which the decoder would take for text.
func forbidden(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfeff || r == 0xfffe || r == 0xffff
}

// bounded gives errTooBig after so many bytes, and every error for good: what is
// peeked at must not swallow one.
type bounded struct {
	r    io.Reader
	left int64
	err  error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	var n int
	n, b.err = b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		b.err = errTooBig
	}
	return n, b.err
}

var declaredEncoding = regexp.MustCompile(`(?i)^[\s\x{feff}]*<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)`)

// encoding is that of the XML declaration, else of the Content-Type; "" for UTF-8
// and where neither names one.
func encoding(answer []byte, contentType string) string {
	if bytes.HasPrefix(answer, []byte(`<?xml version="1.0" encoding="UTF-8"?>`)) {
		return ""
	}
	label := ""
	if found := declaredEncoding.FindSubmatch(answer[:min(len(answer), declaration)]); found != nil {
		label = string(found[1])
	} else if _, params, err := mime.ParseMediaType(contentType); err == nil {
		label = params["charset"]
	}
	if strings.EqualFold(label, "utf-8") {
		return ""
	}
	return label
}

// declaration is within how many bytes an XML declaration is looked for.
const declaration = 256

// plain is r as UTF-8.
func plain(r io.Reader, contentType string) io.Reader {
	buffered := bufio.NewReaderSize(r, 4096)
	head, _ := buffered.Peek(declaration) // an error comes again from the next read
	label := encoding(head, contentType)
	if label == "" {
		return buffered
	}
	decoded, err := charset.NewReaderLabel(label, buffered)
	if err != nil {
		return buffered
	}
	return decoded
}
