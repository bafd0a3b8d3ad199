package license

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseCode(t *testing.T) {
	for in, want := range map[string]Code{"1001": "1001", "#1001": "1001", "1": "1", "123456789012345678": "123456789012345678"} {
		if got, err := ParseCode(in); got != want || err != nil {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "#", "0", "01", "-1", "1.5", "1 2", "##1", "١٢", "1234567890123456789", "abc", "1\n"} {
		if got, err := ParseCode(in); err == nil {
			t.Errorf("%q is taken for %q", in, got)
		}
	}
}

func TestPeriod(t *testing.T) {
	for in, want := range map[string]Period{"month": Month, "YEAR": Year, "Lifetime": Lifetime} {
		got, err := ParsePeriod(in)
		if got != want || err != nil || !strings.EqualFold(got.String(), in) {
			t.Errorf("%q: %s, %v", in, got, err)
		}
	}
	if got, err := ParsePeriod("1"); err == nil {
		t.Errorf("a number is %s", got)
	}
	if got := Period(3).String(); got != "3 months" {
		t.Error(got)
	}
}

func TestStatus(t *testing.T) {
	seen := map[string]bool{}
	for s := StatusUnknown; s <= 6; s++ {
		seen[s.String()] = true
		if live := (License{Status: s}).Live(); live == (s == StatusDeleted) {
			t.Errorf("%s: live %v", s, live)
		}
	}
	if len(seen) != 7 || !seen["status 6"] || !seen["deleted"] {
		t.Errorf("%v", seen)
	}
}

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "2001:DB8:0:0::1": "2001:db8::1", "::ffff:192.0.2.1": "192.0.2.1", "10.10.10.10": "10.10.10.10",
	} {
		if got, err := ParseAddress(in); got != want || err != nil {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{
		"", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1:80", "192.0.2.0/24", "[::1]", "fe80::1%eth0", "0.0.0.0", "::",
		"224.0.0.1", "ff02::1", "host", " 192.0.2.1",
	} {
		if got, err := ParseAddress(in); err == nil {
			t.Errorf("%q is taken for %q", in, got)
		}
	}
}

func TestSameAddress(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"192.0.2.1", "192.0.2.1", true}, {"192.0.2.1", " ::ffff:192.0.2.1", true}, {"2001:db8::1", "2001:DB8:0:0::1", true},
		{"", "", true}, {"server", "server", true},
		{"192.0.2.1", "192.0.2.2", false}, {"192.0.2.1", "", false}, {"192.0.2.1", "192.0.2.1, 192.0.2.2", false},
	} {
		if SameAddress(c.a, c.b) != c.want || SameAddress(c.b, c.a) != c.want {
			t.Errorf("%q and %q: want %v", c.a, c.b, c.want)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "::1", "::ffff:1.2.3.4", "fe80::1%0", "1.2.3.4.5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			return
		}
		if again, err := ParseAddress(a); again != a || err != nil || !SameAddress(a, s) {
			t.Errorf("%q: %q, then %q, %v", s, a, again, err)
		}
	})
}

func TestParseDate(t *testing.T) {
	for _, s := range []string{"2025-02-10", "1990-01-01", "2024-02-29", "9999-12-31"} {
		if d, ok := ParseDate(s); !ok || string(d) != s {
			t.Errorf("%q: %q", s, d)
		}
	}
	for _, s := range []string{"", "0000-00-00", "1970-01-01", "2025-02-29", "2025-2-1", "2025-02-10 00:00", "daily", "10.02.2025", "２025-02-10"} {
		if d, ok := ParseDate(s); ok || d != "" {
			t.Errorf("%q is taken for %q", s, d)
		}
	}
}

func TestAddMonths(t *testing.T) {
	for _, c := range []struct {
		from Date
		n    int
		want Date
	}{
		{"2025-01-10", 1, "2025-02-10"}, {"2025-01-31", 1, "2025-02-28"}, {"2024-01-31", 1, "2024-02-29"},
		{"2025-03-31", 1, "2025-04-30"}, {"2025-12-31", 1, "2026-01-31"}, {"2024-02-29", 12, "2025-02-28"},
		{"2025-02-28", 1, "2025-03-28"}, {"2025-02-10", 0, "2025-02-10"}, {"2025-03-31", -1, "2025-02-28"},
		{"2025-08-31", 18, "2027-02-28"}, {"9999-12-31", 1, ""}, {"", 1, ""}, {"never", 1, ""},
	} {
		if got := c.from.AddMonths(c.n); got != c.want {
			t.Errorf("%s and %d months: %s, want %s", c.from, c.n, got, c.want)
		}
	}
}

func drawDate(t *rapid.T) Date {
	first := time.Date(1995, 1, 1, 0, 0, 0, 0, time.UTC)
	return DateOf(first.AddDate(0, 0, rapid.IntRange(0, 40000).Draw(t, "day")))
}

// Months go forward by the calendar, strings compare as dates do, and days count
// both ways.
func TestDateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, n := drawDate(t), rapid.IntRange(0, 120).Draw(t, "months")
		e := d.AddMonths(n)
		from, to := d.Time(time.UTC), e.Time(time.UTC)
		if months := (to.Year()-from.Year())*12 + int(to.Month()-from.Month()); months != n || to.Day() > from.Day() {
			t.Fatalf("%s and %d months is %s", d, n, e)
		}
		other := drawDate(t)
		if (d < other) != (d.Days(other) > 0) || d.Days(other) != -other.Days(d) {
			t.Fatalf("%s to %s: %d days", d, other, d.Days(other))
		}
		if parsed, ok := ParseDate(string(e)); !ok || parsed != e {
			t.Fatalf("%s is not read", e)
		}
	})
}

func TestDateTime(t *testing.T) {
	zone := time.FixedZone("east", 5*3600)
	if got := Date("2025-02-10").Time(zone); !got.Equal(time.Date(2025, 2, 9, 19, 0, 0, 0, time.UTC)) {
		t.Error(got)
	}
	if got := DateOf(time.Date(2025, 2, 9, 20, 0, 0, 0, time.UTC).In(zone)); got != "2025-02-10" {
		t.Error(got)
	}
	if !Date("soon").Time(zone).IsZero() {
		t.Error("a phrase has a time")
	}
}

func TestProducts(t *testing.T) {
	all := Products()
	all[0].Name = "changed"
	codes := map[int]bool{}
	for _, p := range Products() {
		if p.Name == "changed" {
			t.Error("the catalogue can be changed from outside")
		}
		if codes[p.Code] {
			t.Errorf("%d is there twice", p.Code)
		}
		codes[p.Code] = true
		if got, ok := ProductByCode(p.Code); !ok || got != p {
			t.Errorf("%d: %+v", p.Code, got)
		}
		for _, name := range []string{p.Name, strings.ToUpper(p.Name), " " + p.Name + " "} {
			if got, ok := ProductByName(name); !ok || got != p {
				t.Errorf("%q: %+v", name, got)
			}
		}
		if got := MeantProducts(strings.Fields(p.Name)...); len(got) != 1 || got[0] != p {
			t.Errorf("%q means %v", p.Name, got)
		}
		if !slices.Contains(Families(), p.Family) || p.Family.TakesAddress() == (p.Family == Module) {
			t.Errorf("%+v", p)
		}
	}
	for code, node := range map[int]int{273: 274, 549: 550, 170: 172, 195: 197, 229: 0, 250: 0} {
		if p, _ := ProductByCode(code); p.Node != node {
			t.Errorf("%d has the node code %d, want %d", code, p.Node, node)
		}
	}
	if _, ok := ProductByCode(1); ok {
		t.Error("there is a product 1")
	}
	if _, ok := ProductByName("ISPmanager"); ok {
		t.Error("a part of a name is a name")
	}
}

func TestFindProducts(t *testing.T) {
	for words, want := range map[string][]int{
		"6 lite":      {546},
		"LITE 6":      {546},
		"plesk pro":   {322, 264},
		"billmanager": {276, 277},
		"546":         {546},
		"isp 546":     {546},
		"54":          nil,
		"nothing":     nil,
	} {
		var got []int
		for _, p := range FindProducts(strings.Fields(words)...) {
			got = append(got, p.Code)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q finds %v, want %v", words, got, want)
		}
	}
	if got := FindProducts(); len(got) != len(Products()) {
		t.Errorf("no words find %d", len(got))
	}
}

func TestMeantProducts(t *testing.T) {
	for words, want := range map[string][]int{
		"billmanager":     {276},
		"bill":            {276, 277},
		"ISPmanager 6 p":  {547}, // every ISPmanager has a "p"; one has "6 p"
		"manager 5 b":     {273, 367},
		"isp 6 business":  {549},
		"for ispmanager":  {369, 354, 367, 356, 371},
		"web pro edition": {322, 264},
		"edition vps":     {322, 243},
		"nothing":         nil,
	} {
		var got []int
		for _, p := range MeantProducts(strings.Fields(words)...) {
			got = append(got, p.Code)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q means %v, want %v", words, got, want)
		}
	}
}
