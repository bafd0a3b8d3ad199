package isplicense

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// weigh tells by how many MiB the heap is larger after f.
func weigh(f func()) int {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int((int64(after.HeapAlloc) - int64(before.HeapAlloc)) >> 20)
}

// endless is a list without an end, in one answer.
type endless struct {
	n, given int
	rest     string
}

func (e *endless) Read(p []byte) (int, error) {
	if e.rest == "" {
		e.n++
		e.rest = fmt.Sprintf("<elem><id>%d</id><name>%s</name></elem>", e.n, strings.Repeat("x", 1000))
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	e.given += n
	return n, nil
}

// A hundred thousand licences are read, in memory that they fill themselves; a list
// without an end is refused before it fills all there is.
func TestAHundredThousandLicences(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 20 MB of XML")
	}
	var b strings.Builder
	b.WriteString("<doc>")
	for n := range maxLicenses {
		fmt.Fprintf(&b, "<elem><id>%d</id><name>server %d</name><ip>192.0.2.1</ip></elem>", n+1, n+1)
	}
	b.WriteString("</doc>")
	list := func(body io.Reader) tripper {
		return func(r *http.Request) (*http.Response, error) {
			if sent := params(t, r); sent["func"] == "softexternal" && sent["p_num"] == "1" {
				return reply(200, "text/xml", body), nil
			}
			return reply(200, "text/xml", strings.NewReader("<doc></doc>")), nil
		}
	}
	c := newClient(t, list(strings.NewReader(b.String())))
	n := 0
	heap := weigh(func() {
		all, err := c.Licenses(t.Context())
		if n = len(all); err != nil {
			t.Error(err)
		}
	})
	if n != maxLicenses || heap > 100 {
		t.Errorf("%d licences are kept in %d MiB", n, heap)
	}

	forever := &endless{rest: "<doc>"}
	c = newClient(t, list(forever))
	heap = weigh(func() {
		all, err := c.Licenses(t.Context())
		var failed *ReadError
		if !errors.As(err, &failed) || len(all) > 0 {
			t.Errorf("%d licences, %v", len(all), err)
		}
	})
	if forever.given > 40<<20 || heap > 20 {
		t.Errorf("%d bytes were read of a list without an end; %d MiB are kept", forever.given, heap)
	}
}

// A panic over an answer is an answer that can't be read: of a change it is not known
// whether it happened.
func TestAPanicOverAnAnswer(t *testing.T) {
	c := newClient(t, tripper(func(*http.Request) (*http.Response, error) {
		return reply(200, "text/xml", panicking{}), nil
	}))
	if got, want := text(c.Renew(t.Context(), "1001", 1)), `unknown garbled code= ""`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := c.Licenses(t.Context()); err == nil {
		t.Error("a list was read")
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("index out of range: " + testPassword) }
