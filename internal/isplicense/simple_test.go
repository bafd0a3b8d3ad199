package isplicense

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// agree says whether simple and general, in both dialects, make the same of an
// answer that simple takes.
func agree(t *testing.T, answer []byte) (taken bool) {
	t.Helper()
	root, children, ok := simple(answer, nil)
	if !ok {
		return false
	}
	for _, d := range []dialect{strict, tolerant} {
		var others []*element
		other, err := general(bytes.NewReader(answer), d, func(child *element) error {
			others = append(others, child)
			return nil
		})
		if err != nil {
			t.Fatalf("general (%d) fails with %v over %q", d, err, answer)
		}
		if !same(root, other) {
			t.Fatalf("the root of %q is %v, for general (%d) %v", answer, root, d, other)
		}
		if len(children) != len(others) {
			t.Fatalf("%q has %d children, for general (%d) %d", answer, len(children), d, len(others))
		}
		for i := range children {
			if !same(children[i].is, others[i]) {
				t.Fatalf("child %d of %q differs for general (%d)", i, answer, d)
			}
		}
	}
	return true
}

func same(a, b *element) bool {
	if a.name != b.name || a.text != b.text || len(a.attrs) != len(b.attrs) || len(a.children) != len(b.children) {
		return false
	}
	for i := range a.attrs {
		if !reflect.DeepEqual(a.attrs[i], b.attrs[i]) {
			return false
		}
	}
	for i := range a.children {
		if !same(a.children[i], b.children[i]) {
			return false
		}
	}
	return true
}

func TestSimple(t *testing.T) {
	for _, c := range []struct {
		answer string
		taken  bool
	}{
		{`<doc/>`, false}, // general judges an answer without anything in it
		{`<doc></doc>`, true},
		{"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc lang=\"en\" notify=\"\"><ok/></doc>\n", true},
		{`<?xml version="1.0"?><doc><a>1</a> <a b="2">3<c/>4</a></doc>`, true},
		{`<doc><a>1 &lt; 2 &amp;amp; "ü" ]] &quot;</a></doc>`, true},
		{`<?xml version="1.1"?><doc></doc>`, false},
		{`<doc><a>x</b></doc>`, false},
		{`<doc><a>x</a></doc><doc></doc>`, false},
		{`<doc><a>x</a>`, false},
		{`<doc><a b='1'/></doc>`, false},
		{`<doc><a b="1"c="2"/></doc>`, false},
		{`<doc><a b="<"/></doc>`, false},
		{`<doc><a>]]></a></doc>`, false},
		{`<doc><a>&nbsp;</a></doc>`, false},
		{`<doc>&</doc>`, false},
		{`<doc><br></doc>`, false},
		{`<doc><x:a>1</x:a></doc>`, false},
		{`<doc xmlns="urn:a"></doc>`, false},
		{"<doc>\xff</doc>", false},
		{"<doc>\ufeff</doc>", false},
		{"<doc>\r\n</doc>", false},
		{"<doc>\x00</doc>", false},
		{"<doc><!-- --></doc>", false},
		{"<html></html>", false},
		{"<doc>" + strings.Repeat("<a>", maxDepth) + strings.Repeat("</a>", maxDepth) + "</doc>", true},
		{"<doc>" + strings.Repeat("<a>", maxDepth+1) + strings.Repeat("</a>", maxDepth+1) + "</doc>", false},
		{"<doc><a>" + strings.Repeat("<b/>", maxElements) + "</a></doc>", false},
		{"<doc><a>" + strings.Repeat("x", maxToken+1) + "</a></doc>", false},
	} {
		if got := agree(t, []byte(c.answer)); got != c.taken {
			t.Errorf("%.60q was taken: %v", c.answer, got)
		}
	}
}

func FuzzSimple(f *testing.F) {
	seed(f)
	for _, s := range []string{`<doc a="b"><c>d</c>&amp;<e/></doc>`, "<doc><a>1 ]]&gt; &apos;</a>\n</doc>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, answer []byte) { agree(t, answer) })
}

// alike says whether an answer is read the same with the rows of another at hand.
func alike(t *testing.T, earlier, answer []byte) {
	t.Helper()
	_, rows, ok := simple(earlier, nil)
	if !ok {
		return
	}
	root, want, ok := simple(answer, nil)
	again, got, okAgain := simple(answer, rows)
	if ok != okAgain {
		t.Fatalf("%q is taken: %v; after %q: %v", answer, ok, earlier, okAgain)
	}
	if !ok {
		return
	}
	if !same(root, again) || len(got) != len(want) {
		t.Fatalf("after %q, the root of %q and its %d children are %v and %d", earlier, answer, len(want), again, len(got))
	}
	for i := range want {
		if want[i].raw != got[i].raw || !same(want[i].is, got[i].is) {
			t.Fatalf("after %q, child %d of %q differs", earlier, i, answer)
		}
	}
}

func TestRecall(t *testing.T) {
	list := func(rows ...string) []byte {
		return []byte(`<doc func="softexternal"><metadata type="list"/>` + strings.Join(rows, "\n") + "<p_elems>3</p_elems></doc>")
	}
	row := func(id int, expires string) string {
		return fmt.Sprintf("<elem><id>%d</id><expiredate>%s</expiredate></elem>", id, expires)
	}
	a, b, c := row(1, "2027-01-01"), row(2, "2027-01-02"), row(3, "2027-01-03")
	earlier := list(a, b, c)
	_, rows, ok := simple(earlier, nil)
	if !ok {
		t.Fatal("not taken")
	}
	var r recall
	r.keep(rows)
	for _, now := range []struct {
		rows  []string
		known int
	}{
		{[]string{a, b, c}, 3},
		{[]string{a, row(2, "2027-02-02"), c}, 2},
		{[]string{b, c}, 2},
		{[]string{a, c}, 2},
		{[]string{row(4, ""), a, b, c}, 3},
		{[]string{a, row(4, ""), b, c}, 3},
		{[]string{a, b, c, row(4, "")}, 3},
		{[]string{a[:len(a)-len("</elem>")] + "<x/></elem>", b, c}, 2},
		{nil, 0},
	} {
		answer := list(now.rows...)
		alike(t, earlier, answer)
		_, got, ok := simple(answer, r.last())
		if !ok {
			t.Fatalf("%q is not taken", answer)
		}
		known := 0
		for _, g := range got {
			for _, w := range rows {
				if g.is == w.is {
					known++
				}
			}
		}
		if known != now.known {
			t.Errorf("%d rows of %q are known, want %d", known, answer, now.known)
		}
	}
	for _, kept := range r.last() {
		if kept.is.name != "elem" {
			t.Errorf("<%s> is kept", kept.is.name)
		}
	}
}

func FuzzRecall(f *testing.F) {
	f.Add([]byte("<doc><a>1</a><b/></doc>"), []byte("<doc><c/><a>1</a><b/>2</doc>"))
	f.Add([]byte("<doc><a><a/></a><a/></doc>"), []byte("<doc><a/><a><a/></a></doc>"))
	f.Fuzz(alike)
}

// BenchmarkDecode reads a list of a hundred licences.
func BenchmarkDecode(b *testing.B) {
	var list strings.Builder
	list.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<doc lang=\"en\" func=\"softexternal\"><metadata type=\"list\"/>")
	for i := range 100 {
		fmt.Fprintf(&list, `<elem><id>%d</id><pricelist>ISPmanager 6 Lite</pricelist><licname>srv%d</licname><ip>192.0.2.%d</ip>`+
			`<period>1</period><createdate>2026-01-10</createdate><expiredate>2026-12-10</expiredate><cost>4.90 EUR</cost>`+
			`<status>2</status><item_status orig="2">Active</item_status></elem>`, 1001+i, i, i)
	}
	list.WriteString("<p_elems>100</p_elems></doc>")
	answer := list.String()
	for _, way := range []struct {
		name   string
		answer string
	}{{"simple", answer}, {"again", answer}, {"general", strings.Replace(answer, "<doc ", "<!-- --><doc ", 1)}} {
		b.Run(way.name, func(b *testing.B) {
			b.SetBytes(int64(len(way.answer)))
			b.ReportAllocs()
			before := new(recall)
			for b.Loop() {
				if way.name != "again" {
					before = new(recall)
				}
				if _, err := before.decode(strings.NewReader(way.answer), "text/xml", tolerant, func(*element) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
