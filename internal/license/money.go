package license

import (
	"fmt"
	"strconv"
	"strings"
)

// Money is an amount in ten-thousandths of a unit, with its currency as the
// panel writes it ("EUR", "" where it says none). Amounts are bounded to ±1e12
// units.
type Money struct {
	Units    int64
	Currency string
}

// ParseMoney reads what the panel writes: "4.50 EUR", "EUR 4.50", "1 204,5 RUB",
// "-3.00". More than four decimals are refused rather than rounded.
func ParseMoney(s string) (Money, bool) {
	var digits, cur strings.Builder
	dot := -1
	neg := false
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits.WriteRune(r)
		case (r == '.' || r == ',') && dot < 0 && digits.Len() > 0:
			dot = digits.Len()
		case r == '-' && digits.Len() == 0 && !neg:
			neg = true
		case r == ' ' || r == '\u00a0' || r == '\u202f' || r == '+':
		case r == '.' || r == ',':
			// The dot of an abbreviated currency ("руб.") ends the text; a second
			// one within the digits is not an amount that we understand.
			if cur.Len() == 0 {
				return Money{}, false
			}
		default:
			cur.WriteRune(r)
		}
	}
	d := digits.String()
	frac := 0
	if dot >= 0 {
		frac = len(d) - dot
	}
	if d == "" || frac > 4 || len(d)-frac > 12 {
		return Money{}, false
	}
	n, err := strconv.ParseInt(d+strings.Repeat("0", 4-frac), 10, 64)
	if err != nil {
		return Money{}, false
	}
	if neg {
		n = -n
	}
	return Money{n, strings.ToUpper(cur.String())}, true
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
