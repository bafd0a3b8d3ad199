package commands

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// blank says whether r parts words.
func blank(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || unicode.Is(unicode.Zs, r)
}

// forbidden says whether r is a character that does something, or shows nothing,
// where a person reads it: controls, bidi marks, zero-width characters, line ends.
// What is approved must be what is seen.
func forbidden(r rune) bool {
	const emoji = 0xFE0F // asks for the coloured form of the sign before it
	return r != emoji && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// nameOf names one forbidden character, as in "U+202E RIGHT-TO-LEFT OVERRIDE".
func nameOf(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size <= 1 {
		return fmt.Sprintf("byte 0x%X, which is not UTF-8", s)
	}
	if name := names[r]; name != "" {
		return fmt.Sprintf("%U %s", r, name)
	}
	switch {
	case unicode.Is(unicode.Cc, r):
		return fmt.Sprintf("%U (a control character)", r)
	case unicode.Is(unicode.Cf, r):
		return fmt.Sprintf("%U (a format character)", r)
	}
	return fmt.Sprintf("%U (an invisible character)", r)
}

// names are the characters that come along most often when text is copied, by
// their names in Unicode (controls: by their aliases).
var names = map[rune]string{
	0x0000: "NULL",
	0x0008: "BACKSPACE",
	0x0009: "TAB",
	0x000A: "LINE FEED",
	0x000B: "LINE TABULATION",
	0x000C: "FORM FEED",
	0x000D: "CARRIAGE RETURN",
	0x001B: "ESCAPE",
	0x007F: "DELETE",
	0x0085: "NEXT LINE",
	0x00AD: "SOFT HYPHEN",
	0x061C: "ARABIC LETTER MARK",
	0x200B: "ZERO WIDTH SPACE",
	0x200C: "ZERO WIDTH NON-JOINER",
	0x200D: "ZERO WIDTH JOINER",
	0x200E: "LEFT-TO-RIGHT MARK",
	0x200F: "RIGHT-TO-LEFT MARK",
	0x2028: "LINE SEPARATOR",
	0x2029: "PARAGRAPH SEPARATOR",
	0x202A: "LEFT-TO-RIGHT EMBEDDING",
	0x202B: "RIGHT-TO-LEFT EMBEDDING",
	0x202C: "POP DIRECTIONAL FORMATTING",
	0x202D: "LEFT-TO-RIGHT OVERRIDE",
	0x202E: "RIGHT-TO-LEFT OVERRIDE",
	0x2060: "WORD JOINER",
	0x2066: "LEFT-TO-RIGHT ISOLATE",
	0x2067: "RIGHT-TO-LEFT ISOLATE",
	0x2068: "FIRST STRONG ISOLATE",
	0x2069: "POP DIRECTIONAL ISOLATE",
	0xFEFF: "ZERO WIDTH NO-BREAK SPACE",
}
