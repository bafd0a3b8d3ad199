package panelserver

import (
	"bytes"
	"encoding/xml"
	"fmt"
)

// document is XML under way. Names and attributes' names are this package's own
// and are written as they are; texts and values are escaped.
type document struct{ bytes.Buffer }

func (d *document) open(name string, attrs ...string) {
	d.start(name, attrs)
	d.WriteByte('>')
}

func (d *document) close(name string) {
	d.WriteString("</")
	d.WriteString(name)
	d.WriteByte('>')
}

// leaf writes an element with text; <name/> where there is none.
func (d *document) leaf(name, text string, attrs ...string) {
	d.start(name, attrs)
	if text == "" {
		d.WriteString("/>")
		return
	}
	d.WriteByte('>')
	d.text(text)
	d.close(name)
}

// start writes a tag without its end; attrs are names and values by turns.
func (d *document) start(name string, attrs []string) {
	d.WriteByte('<')
	d.WriteString(name)
	for i := 0; i+1 < len(attrs); i += 2 {
		d.WriteByte(' ')
		d.WriteString(attrs[i])
		d.WriteString(`="`)
		d.text(attrs[i+1])
		d.WriteByte('"')
	}
}

func (d *document) text(s string) {
	_ = xml.EscapeText(&d.Buffer, []byte(s)) // a buffer takes everything
}

// encode turns a document's inside into the bytes and the charset of the answer.
func (e Encoding) encode(root []byte) (body []byte, charset string) {
	const head = `<?xml version="1.0" encoding="%s"?>` + "\n"
	charset = "UTF-8"
	if e == Windows1251 {
		charset = "windows-1251"
	}
	out := fmt.Appendf(nil, head, charset)
	switch e {
	case Windows1251, Undeclared1251:
		for _, r := range string(root) {
			out = append1251(out, r)
		}
	case Mojibake:
		for _, b := range root {
			out = append(out, string(rune(b))...)
		}
	default:
		out = append(out, root...)
	}
	return out, charset
}

// append1251 writes a rune as windows-1251, as a character reference where that
// has none.
func append1251(out []byte, r rune) []byte {
	switch {
	case r < 0x80:
		return append(out, byte(r))
	case r >= 'А' && r <= 'я':
		return append(out, byte(r-'А'+0xC0))
	case r == 'Ё':
		return append(out, 0xA8)
	case r == 'ё':
		return append(out, 0xB8)
	}
	return fmt.Appendf(out, "&#%d;", r)
}
