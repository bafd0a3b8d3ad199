package license

import (
	"testing"

	"pgregory.net/rapid"
)

func TestParseMoney(t *testing.T) {
	for in, want := range map[string]Money{
		"4.50 EUR":               {45000, "EUR"},
		"EUR 4.50":               {45000, "EUR"},
		"eur4.5":                 {45000, "EUR"},
		"€ 4,50":                 {45000, "€"},
		"1 204,5 RUB":            {12045000, "RUB"},
		"1\u00a0204.50\u202fRUB": {12045000, "RUB"},
		"120 руб.":               {1200000, "РУБ"},
		"4.50 руб.":              {45000, "РУБ"},
		"-3.00":                  {-30000, ""},
		"-3.00 EUR":              {-30000, "EUR"},
		"EUR -3":                 {-30000, "EUR"},
		"-$3":                    {-30000, "$"},
		"+7":                     {70000, ""},
		"$1,204.50":              {12045000, "$"},
		"1,204,000.5 RUB":        {12040005000, "RUB"},
		"1.204,50 EUR":           {12045000, "EUR"},
		"-1.204.000,50 EUR":      {-12040005000, "EUR"},
		"0":                      {0, ""},
		"0.0001 EUR":             {1, "EUR"},
		"1.204 EUR":              {12040, "EUR"},
		"999999999999.9999":      {9999999999999999, ""},
	} {
		if got, ok := ParseMoney(in); !ok || got != want {
			t.Errorf("%q: %+v, %v; want %+v", in, got, ok, want)
		}
	}
	for _, in := range []string{
		"", "EUR", "free", ".", "4..5", "4 \xff", "1,204 EUR", "1,204,000 EUR", "1204,000.50 EUR", "12,04.50 EUR", "1,204.500,50 EUR", "1.204,500 EUR", "4.50001 EUR", "1000000000000",
		"4.50 EUR 7", "4a5 EUR", "1-2", "--3", "3-", "4.50 EUR / 30 days",
	} {
		if got, ok := ParseMoney(in); ok {
			t.Errorf("%q is taken for %s", in, got)
		}
	}
}

func TestMoneyString(t *testing.T) {
	for want, m := range map[string]Money{
		"4.50 EUR": {45000, "EUR"}, "4.505": {45050, ""}, "0.0001 RUB": {1, "RUB"}, "-3.00 EUR": {-30000, "EUR"},
		"-0.50": {-5000, ""}, "0.00": {}, "100.00": {1000000, ""},
	} {
		if got := m.String(); got != want {
			t.Errorf("%+v: %q, want %q", m, got, want)
		}
	}
}

func TestMoneyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Money{rapid.Int64Range(-9999999999999999, 9999999999999999).Draw(t, "units"), rapid.SampledFrom([]string{"", "EUR", "РУБ"}).Draw(t, "currency")}
		if got, ok := ParseMoney(m.String()); !ok || got != m {
			t.Fatalf("%+v is written %q and read as %+v", m, m, got)
		}
	})
}

func FuzzParseMoney(f *testing.F) {
	for _, s := range []string{"4.50 EUR", "1 204,5 RUB", "-3.00", "1.2.3", "120 руб.", "4,5\u00a0€", "4\xc2\u00a0\xa0€"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, ok := ParseMoney(s)
		if !ok {
			return
		}
		if m.Units > 1e16 || m.Units < -1e16 {
			t.Errorf("%q: %d", s, m.Units)
		}
		if again, ok := ParseMoney(m.String()); !ok || again != m {
			t.Errorf("%q: %+v is written %q and read as %+v", s, m, m, again)
		}
	})
}

func TestSum(t *testing.T) {
	for _, c := range []struct {
		prices []string
		want   string // "" : not known
	}{
		{[]string{"4.50 EUR"}, "4.50 EUR"},
		{[]string{"4.50 EUR", "EUR 0.5", "1 EUR"}, "6.00 EUR"},
		{[]string{"4.50", "1"}, "5.50"},
		{[]string{"4.50 EUR", "4.50 USD"}, ""},
		{[]string{"4.50 EUR", "4.50"}, ""},
		{[]string{"4.50 EUR", ""}, ""},
		{nil, ""},
	} {
		got, ok := Sum(c.prices...)
		if ok != (c.want != "") || ok && got.String() != c.want {
			t.Errorf("%v: %s, %v; want %q", c.prices, got, ok, c.want)
		}
	}
}

func TestSamePrice(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"4.50 EUR", "EUR 4,5", true},
		{"4.50 EUR", "4.50 USD", false},
		{"4.50 EUR", "4.51 EUR", false},
		{"4.50 EUR", "4.50", false},
		{"free", "free", false},
		{"", "", false},
	} {
		if got := SamePrice(c.a, c.b); got != c.same || SamePrice(c.b, c.a) != got {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
}
