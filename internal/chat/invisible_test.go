package chat

import "testing"

func TestInvisible(t *testing.T) {
	for _, r := range "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\u3164\ufe00\ufeff\U000e0041" {
		if !invisible(r) {
			t.Errorf("%U is shown", r)
		}
	}
	for _, r := range "a \u00a0яЖ中é\u0301🛰\ufe0f…–“”`\n\x00" {
		if invisible(r) {
			t.Errorf("%U is left out", r)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain, as nearly all are":      "plain, as nearly all are",
		"two\nlines\tand a tab":         "two\nlines and a tab",
		"\x00\r\x1b[1mbell\a\x7f\u0085": "[1mbell",
		"web\u202e1\u200b":              "web1",
		"cut \xd0":                      "cut \uFFFD",
		"сервер ⚠️":                     "сервер ⚠️",
		"":                              "",
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
