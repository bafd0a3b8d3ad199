package chat

import "testing"

func TestInvisible(t *testing.T) {
	for _, r := range "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\u3164\ufe00\ufeff\U000e0041" {
		if !Invisible(r) {
			t.Errorf("%U is shown", r)
		}
	}
	for _, r := range "a \u00a0яЖ中é\u0301🛰\ufe0f…–“”`\n\x00" {
		if Invisible(r) {
			t.Errorf("%U is left out", r)
		}
	}
}
