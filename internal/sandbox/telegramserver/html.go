package telegramserver

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// htmlTags are the tags of parse_mode HTML with the entity that each makes
// (core.telegram.org/bots/api#html-style). "a", "span" and "code" have rules of
// their own below.
var htmlTags = map[string]string{
	"a": "text_link", "b": "bold", "strong": "bold", "i": "italic", "em": "italic",
	"s": "strikethrough", "strike": "strikethrough", "del": "strikethrough",
	"u": "underline", "ins": "underline", "tg-spoiler": "spoiler", "span": "spoiler",
	"tg-emoji": "custom_emoji", "pre": "pre", "code": "code", "blockquote": "blockquote",
}

// entityError is Telegram's own text, spelled and capitalised as it has it.
func entityError(format string, args ...any) error { return fmt.Errorf(format, args...) }

type openTag struct {
	name, argument string
	offset         int // in UTF-16 code units
	from           int // in bytes of the text
}

type htmlParser struct {
	src      string
	at       int
	text     strings.Builder
	units    int
	open     []openTag
	entities []Entity
}

// parseHTML reads text in parse_mode HTML as Telegram does: only its own tags, only
// four named references, and everything that was opened closed in order. The error
// is the part of Telegram's description that follows "can't parse entities: ".
func parseHTML(src string) (string, []Entity, error) {
	p := &htmlParser{src: src}
	for p.at < len(p.src) {
		switch c := p.src[p.at]; {
		case c == '&':
			if r, size := decodeReference(p.src[p.at:]); size > 0 {
				if r >= 0xd800 && r <= 0xdfff {
					return "", nil, entityError("Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units")
				}
				p.put(r)
				p.at += size
				continue
			}
			p.put('&')
			p.at++
		case c == '<':
			var err error
			if strings.HasPrefix(p.src[p.at:], "</") {
				err = p.endTag()
			} else {
				err = p.startTag()
			}
			if err != nil {
				return "", nil, err
			}
		default:
			r, size := utf8.DecodeRuneInString(p.src[p.at:])
			p.put(r)
			p.at += size
		}
	}
	if n := len(p.open); n > 0 {
		return "", nil, entityError("Can't find end tag corresponding to start tag %q", p.open[n-1].name)
	}
	slices.SortStableFunc(p.entities, func(a, b Entity) int {
		if a.Offset != b.Offset {
			return a.Offset - b.Offset
		}
		return b.Length - a.Length
	})
	return p.text.String(), p.entities, nil
}

func (p *htmlParser) put(r rune) {
	p.text.WriteRune(r)
	p.units += runeUnits(r)
}

// until gives what lies between the cursor and the first byte that ends it, and
// moves the cursor there.
func (p *htmlParser) until(end func(byte) bool) string {
	from := p.at
	for p.at < len(p.src) && !end(p.src[p.at]) {
		p.at++
	}
	return p.src[from:p.at]
}

func (p *htmlParser) skipSpace() {
	p.until(func(c byte) bool { return !isSpace(c) })
}

func (p *htmlParser) startTag() error {
	begin := p.at
	p.at++
	name := strings.ToLower(p.until(func(c byte) bool { return isSpace(c) || c == '>' }))
	if p.at == len(p.src) {
		return entityError("Unclosed start tag at byte offset %d", begin)
	}
	if htmlTags[name] == "" {
		return entityError("Unsupported start tag %q at byte offset %d", name, begin)
	}
	argument := ""
	for {
		p.skipSpace()
		if p.at == len(p.src) {
			return entityError("Unclosed start tag at byte offset %d", begin)
		}
		if p.src[p.at] == '>' {
			p.at++
			break
		}
		attribute, value, err := p.attribute(name, begin)
		if err != nil {
			return err
		}
		switch {
		case name == "a" && attribute == "href", name == "tg-emoji" && attribute == "emoji-id":
			argument = value
		case name == "span" && attribute == "class" && strings.HasPrefix(value, "tg-"):
			argument = value[len("tg-"):]
		}
	}
	if name == "span" && argument != "spoiler" {
		return entityError("Tag \"span\" must have class \"tg-spoiler\" at byte offset %d", begin)
	}
	p.open = append(p.open, openTag{name: name, argument: argument, offset: p.units, from: p.text.Len()})
	return nil
}

func (p *htmlParser) attribute(tag string, begin int) (name, value string, err error) {
	name = p.until(func(c byte) bool { return isSpace(c) || c == '=' || c == '>' })
	if name == "" {
		return "", "", entityError("Empty attribute name in the tag %q at byte offset %d", tag, begin)
	}
	p.skipSpace()
	if p.at == len(p.src) {
		return "", "", entityError("Unclosed start tag %q at byte offset %d", tag, begin)
	}
	if p.src[p.at] != '=' {
		if tag == "blockquote" && name == "expandable" {
			return name, "", nil
		}
		return "", "", entityError("Expected equal sign in declaration of an attribute of the tag %q at byte offset %d", tag, begin)
	}
	p.at++
	p.skipSpace()
	if p.at == len(p.src) {
		return "", "", entityError("Unclosed start tag %q at byte offset %d", tag, begin)
	}
	quote := p.src[p.at]
	if quote != '"' && quote != '\'' {
		from := p.at
		token := p.until(func(c byte) bool { return !isNameByte(c) })
		if p.at < len(p.src) && !isSpace(p.src[p.at]) && p.src[p.at] != '>' {
			return "", "", entityError("Unexpected end of name token at byte offset %d", from)
		}
		return name, strings.ToLower(token), nil
	}
	p.at++
	var b strings.Builder
	for p.at < len(p.src) && p.src[p.at] != quote {
		if r, size := decodeReference(p.src[p.at:]); size > 0 {
			b.WriteRune(r)
			p.at += size
			continue
		}
		b.WriteByte(p.src[p.at])
		p.at++
	}
	if p.at == len(p.src) {
		return "", "", entityError("Unclosed start tag at byte offset %d", begin)
	}
	p.at++
	return name, b.String(), nil
}

func (p *htmlParser) endTag() error {
	begin := p.at
	if len(p.open) == 0 {
		return entityError("Unexpected end tag at byte offset %d", begin)
	}
	p.at += 2
	name := strings.ToLower(p.until(func(c byte) bool { return isSpace(c) || c == '>' }))
	p.skipSpace()
	if p.at == len(p.src) || p.src[p.at] != '>' {
		return entityError("Unclosed end tag at byte offset %d", begin)
	}
	p.at++
	tag := p.open[len(p.open)-1]
	if name != "" && name != tag.name {
		return entityError("Unmatched end tag at byte offset %d, expected \"</%s>\", found \"</%s>\"", begin, tag.name, name)
	}
	p.open = p.open[:len(p.open)-1]
	if p.units == tag.offset {
		return nil // an empty element styles nothing
	}
	e := Entity{Type: htmlTags[tag.name], Offset: tag.offset, Length: p.units - tag.offset}
	switch tag.name {
	case "a":
		target := tag.argument
		if target == "" {
			target = p.text.String()[tag.from:]
		}
		if !linkEntity(&e, target) {
			return nil
		}
	case "tg-emoji":
		if n, err := strconv.ParseInt(tag.argument, 10, 64); err != nil || n == 0 {
			return entityError("Invalid custom emoji identifier specified")
		}
	}
	p.entities = append(p.entities, e)
	return nil
}

// linkEntity makes e a mention of a user by id, or a link. An address that is none
// is dropped without a word, and the text stays, as Telegram does.
func linkEntity(e *Entity, target string) bool {
	if id, ok := strings.CutPrefix(target, "tg://user?id="); ok {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil || n <= 0 {
			return false
		}
		e.Type, e.User = "text_mention", &user{ID: n}
		return true
	}
	rest, ok := strings.CutPrefix(target, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(target, "http://")
	}
	if !ok {
		rest, ok = strings.CutPrefix(target, "tg://")
	}
	if !ok || rest == "" || strings.ContainsAny(rest, " \n") {
		return false
	}
	e.URL = target
	return true
}

// decodeReference reads a character reference at the start of s; size is 0 where
// there is none and the ampersand stands for itself.
func decodeReference(s string) (r rune, size int) {
	if len(s) < 2 || s[0] != '&' {
		return 0, 0
	}
	end := 1
	if s[1] == '#' {
		end = 2
		base := 10
		if len(s) > 2 && s[2] == 'x' {
			end, base = 3, 16
		}
		from := end
		for end < len(s) && isDigit(s[end], base) {
			end++
		}
		n, err := strconv.ParseInt(s[from:end], base, 32)
		if err != nil || n == 0 || n >= 0x10ffff || end >= 10 {
			return 0, 0
		}
		r = rune(n)
	} else {
		for end < len(s) && (s[end]|0x20 >= 'a' && s[end]|0x20 <= 'z') {
			end++
		}
		switch s[1:end] {
		case "lt":
			r = '<'
		case "gt":
			r = '>'
		case "amp":
			r = '&'
		case "quot":
			r = '"'
		default:
			return 0, 0
		}
	}
	if end < len(s) && s[end] == ';' {
		end++
	}
	return r, end
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == 0
}

func isNameByte(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '.' || c == '-'
}

func isDigit(c byte, base int) bool {
	return c >= '0' && c <= '9' || base == 16 && c|0x20 >= 'a' && c|0x20 <= 'f'
}

// units is the length of s in UTF-16 code units, in which Telegram counts.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += runeUnits(r)
	}
	return n
}

func runeUnits(r rune) int {
	if r > 0xffff {
		return 2
	}
	return 1
}
