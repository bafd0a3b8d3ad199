package commands

import (
	"errors"
	"fmt"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, s := range Specs() {
		f.Add(s.Example, false)
		f.Add(s.Usage, true)
	}
	for _, text := range []string{
		"", "'", `\`, `order “ISPmanager 6 Lite” —ip=[2001:db8::1] name='x y'`, "renew 1001,1002\n1003 year",
		"allow <@U123|bob> viewer", "show 10\u202e01", "edit 1001 name=\"a\tb\"", "list \xff\xfe \u200b", "order 383 =",
		"show \"\\\u0000\"", "--help", "= = =", "order ISPmanager 5", "r\u0301enew", "\u212aelp", "ſhow 1001",
	} {
		f.Add(text, false)
	}
	f.Fuzz(func(t *testing.T, text string, reply bool) {
		c, err := Parse(text, Options{Reply: reply})
		if (c == nil) == (err == nil) {
			t.Fatalf("%q: %v and %v", text, c, err)
		}
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%q: %T", text, err)
			}
			shown(t, text, fmt.Sprintf("%+v %s", *e, e.Error()))
			return
		}
		if r, ok := c.(Renew); ok && (len(r.Codes) == 0 || len(r.Codes) > MaxCodes) {
			t.Fatalf("%q: %d codes", text, len(r.Codes))
		}
		shown(t, text, fmt.Sprintf("%+v", c))
	})
}

// shown checks that a person sees all that is there.
func shown(t *testing.T, text, out string) {
	t.Helper()
	for _, r := range out {
		if forbidden(r) {
			t.Fatalf("%q lets %U through: %q", text, r, out)
		}
	}
}
