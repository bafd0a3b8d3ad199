package chat

import (
	"strings"
	"unicode"
)

// Clean is a text without what no message needs and some chats or their clients stumble
// over: broken UTF-8, control characters and what is invisible. Line ends stay, and a
// tab becomes a blank.
func Clean(s string) string {
	if plainASCII(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), invisible(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// plainASCII says of a text that it is clean as it is, as nearly all are.
func plainASCII(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '\n' && c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// invisible says of a character that nobody sees it, or that it turns the direction in
// which the others are read: with such, one name can be made to look like another.
// Adapters leave them out of what they show.
func invisible(r rune) bool {
	const coloured = 0xFE0F // asks for the coloured form of the sign before it
	return r > unicode.MaxASCII && r != coloured && unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
