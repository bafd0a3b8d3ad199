package commands

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSplit(t *testing.T) {
	for text, want := range map[string][]string{
		"":                        nil,
		"a b":                     {"a", "b"},
		" a\u00a0\u2003b\r\n":     {"a", "b"},
		`'a b'c "d e"f`:           {"a bc", "d ef"},
		`''`:                      {""},
		`a\ b \' \`:               {"a b", "'", `\`},
		`"a\b\"c\\" '\'`:          {`a\b"c\`, `\`},
		`“a b” ”c d” „e f“`:       {"a b", "c d", "e f"},
		`‘a b’ ’c d’ «e "f»`:      {"a b", "c d", `e "f`},
		`it’s "“"`:                {"it’s", "“"},
		`a;b|c&d<e>(f)#g $h *`:    {"a;b|c&d<e>(f)#g", "$h", "*"},
		`k="a b" k=“a b” k=’x y’`: {"k=a b", "k=a b", "k=x y"},
	} {
		words, err := split(text)
		var got []string
		for _, w := range words {
			got = append(got, w.text)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestSplitFindsTheEqualsSign(t *testing.T) {
	for text, want := range map[string]int{
		"a=b": 1, "=": 0, "a": -1, `"a=b"`: -1, `a\=b`: -1, `"a"=b=c`: 1, `'='=`: 1,
	} {
		words, err := split(text)
		if err != nil || len(words) != 1 || words[0].eq != want {
			t.Errorf("%q: %+v, %v; want %d", text, words, err, want)
		}
	}
}

func TestQuotedWordsComeBack(t *testing.T) {
	allowed := rapid.OneOf(
		rapid.RuneFrom([]rune("a1 \u00a0=\\\"'“”‘’«»„-–—#,é🙂")),
		rapid.Rune().Filter(func(r rune) bool { return !forbidden(r) }),
	)
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.StringOf(allowed)).Draw(t, "words")
		text := ""
		for _, w := range words {
			text += Quote(w) + " "
		}
		got, err := split(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if len(got) != len(words) {
			t.Fatalf("%q: %d words", text, len(got))
		}
		for i, w := range got {
			if w.text != words[i] || w.eq >= 0 {
				t.Fatalf("%q: %+v, want %q", text, w, words[i])
			}
		}
	})
}

func TestQuoteLeavesPlainWordsAlone(t *testing.T) {
	for w, want := range map[string]string{
		"web-1.example.com": "web-1.example.com", "1001": "1001", "": `""`,
		"a b": `"a b"`, "--ip": `"--ip"`, "a=b": `"a=b"`, `"`: `"\""`,
	} {
		if got := Quote(w); got != want {
			t.Errorf("%q: %s, want %s", w, got, want)
		}
	}
}
