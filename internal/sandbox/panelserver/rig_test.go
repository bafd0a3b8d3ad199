package panelserver_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
)

// clock is a panel's clock that a test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// node is any XML element.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Kids    []node     `xml:",any"`
}

func (n node) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// all gives the elements at a path under n.
func (n node) all(path string) []node {
	found := []node{n}
	for name := range strings.SplitSeq(path, "/") {
		var next []node
		for _, f := range found {
			for _, k := range f.Kids {
				if k.XMLName.Local == name {
					next = append(next, k)
				}
			}
		}
		found = next
	}
	return found
}

func (n node) at(path string) node {
	if found := n.all(path); len(found) > 0 {
		return found[0]
	}
	return node{}
}

func (n node) has(path string) bool { return len(n.all(path)) > 0 }

// rig is a panel on a real port with a client beside it.
type rig struct {
	*panelserver.Server
	t     *testing.T
	clock *clock
	url   string
	http  *http.Client
}

func start(t *testing.T, o panelserver.Options) *rig {
	t.Helper()
	c := &clock{t: time.Date(2025, 2, 7, 9, 0, 0, 0, time.UTC)}
	o.Now = c.now
	if o.Licenses == nil {
		o.Licenses = panelserver.Sample(c.t)
	}
	s := panelserver.New(o)
	srv := httptest.NewUnstartedServer(s)
	srv.Config.ConnState = s.ConnState
	srv.Start()
	t.Cleanup(srv.Close)
	t.Cleanup(s.Close)
	s.SetURL(srv.URL)
	return &rig{s, t, c, srv.URL + panelserver.Path, srv.Client()}
}

// form makes a call's parameters from "key=value&key=value".
func (r *rig) form(call string) url.Values {
	r.t.Helper()
	v, err := url.ParseQuery(call)
	if err != nil {
		r.t.Fatal(err)
	}
	user, password := r.User()
	for name, value := range map[string]string{"authinfo": user + ":" + password, "out": "xml"} {
		if !v.Has(name) {
			v.Set(name, value)
		}
	}
	return v
}

// raw posts a call and gives what came, whole or not.
func (r *rig) raw(call string) (*http.Response, []byte, error) {
	r.t.Helper()
	resp, err := r.http.PostForm(r.url, r.form(call))
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

// call posts a call and reads the answer as a document.
func (r *rig) call(call string) node {
	r.t.Helper()
	resp, body, err := r.raw(call)
	if err != nil {
		r.t.Fatalf("%s: %v", call, err)
	}
	if resp.StatusCode != http.StatusOK {
		r.t.Fatalf("%s: %s", call, resp.Status)
	}
	return r.parse(body)
}

func (r *rig) parse(body []byte) node {
	r.t.Helper()
	var doc node
	if err := xml.Unmarshal(body, &doc); err != nil {
		r.t.Fatalf("%v in %s", err, body)
	}
	return doc
}

// refused checks that a call is refused with type and object, and gives the error.
func (r *rig) refused(call, want string) node {
	r.t.Helper()
	e := r.call(call).at("error")
	got := e.attr("type") + "/" + e.attr("object")
	if strings.TrimSuffix(got, "/") != want {
		r.t.Fatalf("%s: error %q, want %q", call, got, want)
	}
	return e
}

// ok checks that a call succeeds.
func (r *rig) ok(call string) node {
	r.t.Helper()
	doc := r.call(call)
	if doc.has("error") {
		r.t.Fatalf("%s: %s", call, doc.at("error/msg").Text)
	}
	return doc
}

func (r *rig) text(call, path, want string) {
	r.t.Helper()
	if got := r.ok(call).at(path).Text; got != want {
		r.t.Errorf("%s: %s is %q, want %q", call, path, got, want)
	}
}

func (r *rig) charged(fn string, times int) {
	r.t.Helper()
	if err := r.Charged(fn, times); err != nil {
		r.t.Error(err)
	}
}

func (r *rig) license(id string) panelserver.License {
	r.t.Helper()
	l, ok := r.License(id)
	if !ok {
		r.t.Fatalf("no licence %s", id)
	}
	return l
}

const (
	renew1001 = "func=service.prolong&elid=1001&period=1&sok=ok"
	orderLite = "func=softexternal.order.param&clicked_button=finish&ip=192.0.2.99&licname=new&period=1&pricelist=546&sok=ok&skipbasket=on"
)
