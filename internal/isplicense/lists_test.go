package isplicense

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/isplicense/license-bot/internal/license"
)

// paged answers softexternal from pages by number, every other list as empty.
func paged(t *testing.T, calls *int, answer func(num int) string) tripper {
	return func(r *http.Request) (*http.Response, error) {
		sent := params(t, r)
		body := rows(sent["func"])
		if sent["func"] == "softexternal" {
			*calls++
			num, err := strconv.Atoi(sent["p_num"])
			if err != nil {
				t.Error(err)
			}
			body = answer(num)
		}
		return reply(200, "text/xml", strings.NewReader(body)), nil
	}
}

// pageOf is rows first to last of a list that says it has total; -1: it does not say.
func pageOf(first, last, total int) string {
	var b strings.Builder
	b.WriteString("<doc>")
	for n := first; n <= last; n++ {
		fmt.Fprintf(&b, "<elem><id>%d</id></elem>", n)
	}
	if total >= 0 {
		fmt.Fprintf(&b, "<p_elems>%d</p_elems>", total)
	}
	return b.String() + "</doc>"
}

func TestPaging(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(num int) string
		want   string // how many licences, in how many calls; or why not
	}{
		{"one page", func(int) string { return pageOf(1, 3, 3) }, "3 in 1"},
		{"empty", func(int) string { return pageOf(1, 0, 0) }, "0 in 1"},
		{"three pages", func(num int) string { return pageOf(10*num-9, min(10*num, 25), 25) }, "25 in 3"},
		{"p_num ignored", func(int) string { return pageOf(1, 10, 25) }, "the list is shorter than it says in 2"},
		{"p_num ignored, all there", func(int) string { return pageOf(1, 25, 25) }, "25 in 1"},
		{"no count", func(num int) string { return pageOf(10*num-9, min(10*num, 25), -1) }, "25 in 4"},
		{"no count, p_num ignored", func(int) string { return pageOf(1, 25, -1) }, "25 in 2"},
		{"says more than there are", func(num int) string { return pageOf(10*num-9, min(10*num, 25), 30) }, "the list is shorter than it says in 4"},
		{"grows for ever", func(num int) string { return pageOf(num, num, num+5) }, "the list changed while it was read in 6"},
		{"too long", func(int) string { return "<doc>" + strings.Repeat("<elem/>", maxLicenses+1) + "</doc>" }, "the list has more licences than can be handled in 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls := 0
			all, err := newClient(t, paged(t, &calls, test.answer)).Licenses(t.Context())
			got := fmt.Sprintf("%d in %d", len(all), calls)
			if read, ok := errors.AsType[*ReadError](err); ok {
				got = fmt.Sprintf("%s in %d", read.Detail, calls)
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// TestListThatMovedIsReadAgain deletes a licence between two pages: its successor
// slips onto the page that was read already.
func TestListThatMovedIsReadAgain(t *testing.T) {
	calls := 0
	all, err := newClient(t, paged(t, &calls, func(num int) string {
		switch {
		case calls == 1:
			return pageOf(1, 5, 8)
		case num == 1:
			return pageOf(2, 6, 7)
		default:
			return pageOf(7, 8, 7)
		}
	})).Licenses(t.Context())
	if err != nil || len(all) != 7 || all[0].Code != "2" {
		t.Errorf("got %v, %v", all, err)
	}
}

func TestListsThatAnAccountDoesNotHave(t *testing.T) {
	for _, test := range []struct {
		name, bad, answer string
		ok                bool
	}{
		{"no such function", "addition", `<doc><error type="missed" object="func"/></doc>`, true},
		{"not permitted", "parallelslic", `<doc><error type="access"/></doc>`, true},
		{"nothing in it", "soft", `<doc/>`, true},
		{"the main list refused", "softexternal", `<doc><error type="access"/></doc>`, false},
		{"a rule", "addition", `<doc><error type="other"/></doc>`, false},
		{"a login refused", "addition", `<doc><error type="auth"/></doc>`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			bad := true
			c := newClient(t, tripper(func(r *http.Request) (*http.Response, error) {
				fn := params(t, r)["func"]
				body := families3(fn)
				if bad && fn == test.bad {
					body = test.answer
				}
				return reply(200, "text/xml", strings.NewReader(body)), nil
			}))
			if _, err := c.Licenses(t.Context()); (err == nil) != test.ok {
				t.Errorf("got %v", err)
			}
			// Once it was there, its absence is a failure: or all in it were gone.
			if !test.ok {
				return
			}
			bad = false
			if _, err := c.Licenses(t.Context()); err != nil {
				t.Fatal(err)
			}
			bad = true
			if _, err := c.Licenses(t.Context()); err == nil {
				t.Error("a list that was there before counts as empty")
			}
			if _, err := c.License(t.Context(), "9"); err == nil || errors.Is(err, ErrNotFound) {
				t.Errorf("not found, though a list could not be read: %v", err)
			}
		})
	}
}

func TestLicenseOfAFailingPanel(t *testing.T) {
	c := newClient(t, answering([]byte("<html>maintenance</html>")))
	_, err := c.License(t.Context(), license.Code("1001"))
	var read *ReadError
	if !errors.As(err, &read) || read.Reason != Maintenance || errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
