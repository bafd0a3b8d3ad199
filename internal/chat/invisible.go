package chat

import "unicode"

// Invisible says of a character that nobody sees it, or that it turns the direction in
// which the others are read: with such, one name can be made to look like another.
// Adapters leave them out of what they show; control characters are theirs to judge.
func Invisible(r rune) bool {
	const coloured = 0xFE0F // asks for the coloured form of the sign before it
	return r > unicode.MaxASCII && r != coloured && unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
