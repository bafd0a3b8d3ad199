package isplicense

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/isplicense/license-bot/internal/license"
)

// ends says which of the three a result is.
func ends(r Result) (end string) {
	end, _, _ = strings.Cut(text(r), " ")
	return end
}

// TestCutAnswersAreUnknown cuts every whole answer at every byte up to the end of
// its root: as a clean end, and as a connection that breaks.
func TestCutAnswersAreUnknown(t *testing.T) {
	for _, a := range answers {
		whole := file(t, a.file)
		if strings.HasPrefix(a.want, "unknown") {
			continue
		}
		last := bytes.LastIndexByte(whole, '>')
		var n int
		var after error
		c := newClient(t, tripper(func(*http.Request) (*http.Response, error) {
			return reply(200, "text/xml", io.MultiReader(bytes.NewReader(whole[:n]), failing{after})), nil
		}))
		for n = range last {
			for _, after = range []error{io.EOF, io.ErrUnexpectedEOF} {
				if got := ends(changes[a.change](t.Context(), c)); got != "unknown" {
					t.Fatalf("%s cut at %d of %d is %s", a.file, n, last, got)
				}
			}
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestAnyCutAnswerIsUnknown does the same with answers of any shape.
func TestAnyCutAnswerIsUnknown(t *testing.T) {
	field := rapid.Custom(func(t *rapid.T) string {
		name := rapid.SampledFrom([]string{"ok", "id", "newexpiredate", "doc", "msg", "error", "elem", "tparams"}).Draw(t, "name")
		value := rapid.SampledFrom([]string{"", "1005", "2025-03-10", "a &amp; b", "<id>7</id>", "<![CDATA[</doc>]]>", "<!-- </doc> -->", "Ошибка"}).Draw(t, "value")
		return "<" + name + ">" + value + "</" + name + ">"
	})
	rapid.Check(t, func(t *rapid.T) {
		whole := "<doc>" + strings.Join(rapid.SliceOfN(field, 0, 6).Draw(t, "fields"), "") + "</doc>"
		cut := whole[:rapid.IntRange(0, len(whole)-1).Draw(t, "cut")]
		name := rapid.SampledFrom([]string{"renew", "order", "edit", "delete"}).Draw(t, "change")
		if got := ends(changes[name](t.Context(), cheapClient(t, []byte(cut)))); got != "unknown" {
			t.Fatalf("%q is %s", cut, got)
		}
	})
}

// cheapClient is newClient for those that are no testing.TB.
func cheapClient(t interface{ Fatal(...any) }, body []byte) *Client {
	c, err := New(Config{URL: "https://panel.example/", User: testUser, Password: testPassword, HTTP: answering(body)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// FuzzAnswer gives changes any bytes as an answer.
func FuzzAnswer(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for name, change := range changes {
			change(t.Context(), cheapClient(t, body)).Match(
				func(a Applied) {
					if name == "order" {
						if _, err := license.ParseCode(string(a.Code)); err != nil {
							t.Errorf("an order without a code was applied: %q", body)
						}
					}
					fit(t, a.Said)
				},
				func(r Refused) {
					if !r.Sent {
						t.Errorf("%s: sent, and said not to be: %q", name, body)
					}
					fit(t, r.Message)
					fit(t, r.Type)
					fit(t, r.Object)
				},
				func(u Unknown) {
					if u.Reason == "" {
						t.Errorf("%s: unknown without a reason", name)
					}
					fit(t, u.Message)
				})
		}
	})
}

// FuzzList gives reads any bytes as an answer.
func FuzzList(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		c := cheapClient(t, body)
		if all, err := c.Licenses(t.Context()); err == nil {
			seen := map[license.Code]bool{}
			for _, l := range all {
				if _, err := license.ParseCode(string(l.Code)); err != nil || seen[l.Code] {
					t.Errorf("code %q, seen before: %t", l.Code, seen[l.Code])
				}
				seen[l.Code] = true
			}
		}
		if form, err := c.Form(t.Context(), lite); err == nil && form.Nodes < -1 {
			t.Errorf("%d nodes", form.Nodes)
		}
		if balance, err := c.Balance(t.Context()); err == nil {
			fit(t, balance)
		}
		if history, err := c.History(t.Context(), "1001"); err == nil {
			for _, h := range history {
				fit(t, h.What)
			}
		}
		_, _ = c.RenewPreview(t.Context(), lite, 1)
		_, _ = c.WhoAmI(t.Context())
	})
}

// fit checks that words may be shown.
func fit(t *testing.T, s string) {
	t.Helper()
	if len([]rune(s)) > maxWords || strings.ContainsAny(s, "\n\r\x00\u202e\u2066\u200b") || strings.Contains(s, testPassword) {
		t.Errorf("not fit to show: %q", s)
	}
}

func seed(f *testing.F) {
	names, err := filepath.Glob("testdata/*.xml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}
