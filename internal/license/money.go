package license

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Money is an amount in ten-thousandths of a unit, with its currency as the
// panel writes it ("EUR", "" where it says none). Amounts are bounded to ±1e12
// units.
type Money struct {
	Units    int64
	Currency string
}

// amount is a currency on either side of a number, whose thousands may stand apart.
var amount = regexp.MustCompile(`^([^\d.,+-]*)([+-]?)([^\d.,+-]*)(\d+(?: \d+)*)(?:([.,])(\d{1,4}))?([^\d+-]*)$`)

// grouped is a number whose thousands are set apart by the one mark and its decimals by
// the other, so that neither is taken for the other.
var grouped = regexp.MustCompile(`^(\D*\d{1,3})((?:,\d{3})+)(\.\d{1,4}\D*)$|^(\D*\d{1,3})((?:\.\d{3})+)(,\d{1,2}\D*)$`)

// ParseMoney reads what the panel writes: "4.50 EUR", "EUR 4.50", "1 204,5 RUB",
// "$1,204.50", "-3.00". More than four decimals are refused rather than rounded, and so is
// "1,204": it may be a thousand or one and a bit.
func ParseMoney(s string) (Money, bool) {
	// First: taking a space out may make one sign of two broken ones.
	if !utf8.ValidString(s) {
		return Money{}, false
	}
	s = strings.TrimSpace(strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(s))
	if g := grouped.FindStringSubmatch(s); g != nil {
		s = g[1] + strings.ReplaceAll(g[2], ",", "") + g[3] + g[4] + strings.ReplaceAll(g[5], ".", "") + g[6]
	}
	m := amount.FindStringSubmatch(s)
	if m == nil {
		return Money{}, false
	}
	whole, fraction := strings.ReplaceAll(m[4], " ", ""), m[6]
	if len(whole) > 12 || m[5] == "," && len(fraction) == 3 {
		return Money{}, false
	}
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", 4-len(fraction)), 10, 64)
	if err != nil {
		return Money{}, false
	}
	if m[2] == "-" {
		n = -n
	}
	currency := strings.TrimSuffix(strings.Join(strings.Fields(m[1]+m[3]+m[7]), ""), ".")
	if strings.ContainsAny(currency, ".,") {
		return Money{}, false
	}
	return Money{n, strings.ToUpper(currency)}, true
}

// String writes the amount with at least two decimals: "4.50 EUR".
func (m Money) String() string {
	u, sign := m.Units, ""
	if u < 0 {
		u, sign = -u, "-"
	}
	s := fmt.Sprintf("%s%d.%04d", sign, u/10000, u%10000)
	s = strings.TrimSuffix(strings.TrimSuffix(s, "0"), "0")
	if m.Currency != "" {
		s += " " + m.Currency
	}
	return s
}

// SamePrice compares two prices by what they mean, not how they are written. One that
// can't be read is like no other.
func SamePrice(a, b string) bool {
	x, ok1 := ParseMoney(a)
	y, ok2 := ParseMoney(b)
	return ok1 && ok2 && x == y
}

// Sum adds prices as the panel wrote them. It is known only where each can be
// read and all are in one currency.
func Sum(prices ...string) (Money, bool) {
	var total Money
	for i, p := range prices {
		m, ok := ParseMoney(p)
		if !ok || i > 0 && m.Currency != total.Currency {
			return Money{}, false
		}
		total.Currency = m.Currency
		total.Units += m.Units
	}
	return total, len(prices) > 0
}
