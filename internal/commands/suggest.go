package commands

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"

	"github.com/isplicense/license-bot/internal/license"
)

const (
	maxNear   = 5 // suggestions in one answer
	tooFar    = 1 << 16
	minPrefix = 3 // letters from which a beginning counts as the word
	minStem   = 5 // letters from which a common beginning makes two words alike
)

// distance counts the slips between what was typed and what may have been meant:
// letters wrong, missing, too many, or two swapped. More than two, or more than one
// in a word of up to three letters, is tooFar. Case does not count.
func distance(typed, meant string) int {
	a, b := strings.ToLower(typed), strings.ToLower(meant)
	short := min(utf8.RuneCountInString(a), utf8.RuneCountInString(b))
	limit := 2
	if short <= 3 {
		limit = 1
	}
	if short == 0 || len(a) > 4*len(b)+8 {
		return tooFar
	}
	d := levenshtein.ComputeDistance(a, b)
	if d == 2 && swapped([]rune(a), []rune(b)) {
		d = 1
	}
	if d > limit {
		return tooFar
	}
	return d
}

// swapped says whether a is b with two neighbours in each other's place; it is
// asked of words that differ in two letters.
func swapped(a, b []rune) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i]
		}
	}
	return false
}

// nearest gives those of the words that are closest to what was typed, in their
// order; none where none is close. A beginning of three letters is close, and so is
// another form of the word.
func nearest(typed string, words []string) []string {
	var found []string
	best := tooFar
	for _, w := range words {
		d := distance(typed, w)
		if d > 1 && len(typed) >= minPrefix && len(w) > len(typed) && strings.EqualFold(w[:len(typed)], typed) {
			d = 1
		}
		if n := minStem; d == tooFar && len(typed) >= n && len(w) >= n && strings.EqualFold(w[:n], typed[:n]) {
			d = tooFar - 1
		}
		if d < best {
			best, found = d, nil
		}
		if d == best && d < tooFar {
			found = append(found, w)
		}
	}
	return found[:min(len(found), maxNear)]
}

// nearestProducts gives the names of the products that each typed word is part of
// or close to, those with the fewest slips in all.
func nearestProducts(typed []string) []string {
	var found []string
	best := tooFar
	for _, p := range license.Products() {
		total := 0
		for _, w := range typed {
			total = min(total+slips(w, p), tooFar)
		}
		if total < best {
			best, found = total, nil
		}
		if total == best && total < tooFar {
			found = append(found, p.Name)
		}
	}
	if len(found) == 0 {
		found = nearlySpelled(strings.Join(typed, ""))
	}
	return found[:min(len(found), maxNear)]
}

// nearlySpelled gives the names of the products that are what was typed but for
// blanks and signs, or but for a slip or two.
func nearlySpelled(typed string) []string {
	typed = squeezed(typed)
	var names, held []string
	for _, p := range license.Products() {
		names = append(names, squeezed(p.Name))
		if len(typed) >= minStem && strings.Contains(squeezed(p.Name), typed) {
			held = append(held, p.Name)
		}
	}
	if held != nil {
		return held
	}
	for _, near := range nearest(typed, names) {
		held = append(held, license.Products()[slices.Index(names, near)].Name)
	}
	return held
}

// squeezed is a text's letters and digits alone, in lower case.
func squeezed(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// slips is the distance from a typed word to the nearest word of a product.
func slips(typed string, p license.Product) int {
	if strings.Contains(strings.ToLower(p.Name), strings.ToLower(typed)) {
		return 0
	}
	parts := strings.FieldsFunc(p.Name, func(r rune) bool { return r == ' ' || r == '/' })
	best := distance(typed, strconv.Itoa(p.Code))
	for _, part := range parts {
		best = min(best, distance(typed, part))
	}
	return best
}

// isOneOf says whether w is one of the words, in any case.
func isOneOf(w string, words []string) bool {
	return slices.ContainsFunc(words, func(o string) bool { return strings.EqualFold(o, w) })
}
