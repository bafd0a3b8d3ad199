// Package license holds the nouns of the trade: a licence, its code, product,
// period, dates and prices, and the catalogue of what ISPlicense sells.
//
// It knows nothing of the panel's wire format, of chats or of requests; every
// other package may use it.
package license

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Code is a licence's number in the panel ("1001"): one to eighteen decimal digits
// without leading zeros.
type Code string

// ParseCode reads a licence code; a leading "#" is forgiven.
func ParseCode(s string) (Code, error) {
	s = strings.TrimPrefix(s, "#")
	if s == "" || len(s) > 18 || s[0] == '0' {
		return "", errors.New("a licence code is a number such as 1001")
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return "", errors.New("a licence code is a number such as 1001")
		}
	}
	return Code(s), nil
}

// Family is the group of the panel's functions that a licence belongs to: the
// prefix of its list, edit and delete functions.
type Family string

// The families of the catalogue.
const (
	SoftExternal Family = "softexternal"
	Plesk        Family = "parallelslic"
	Module       Family = "addition"
)

// Families lists every family, in the order in which they are read.
func Families() []Family { return []Family{SoftExternal, Plesk, Module} }

// TakesAddress says whether an order of this family is for an IP address.
func (f Family) TakesAddress() bool { return f != Module }

// Period is a term in months; Lifetime is 0, as in the panel.
type Period int

// The periods that the panel sells.
const (
	Lifetime Period = 0
	Month    Period = 1
	Year     Period = 12
)

// ParsePeriod reads "month", "year" or "lifetime" in any case.
func ParsePeriod(s string) (Period, error) {
	switch strings.ToLower(s) {
	case "month":
		return Month, nil
	case "year":
		return Year, nil
	case "lifetime":
		return Lifetime, nil
	}
	return 0, errors.New("a period is month, year or lifetime")
}

// String gives the word of the command language, or the number of months.
func (p Period) String() string {
	switch p {
	case Month:
		return "month"
	case Year:
		return "year"
	case Lifetime:
		return "lifetime"
	}
	return strconv.Itoa(int(p)) + " months"
}

// Status is the panel's state of a licence (BILLmanager documentation).
type Status int

// The panel's states.
const (
	StatusUnknown    Status = 0
	StatusOrdered    Status = 1
	StatusActive     Status = 2
	StatusSuspended  Status = 3
	StatusDeleted    Status = 4
	StatusProcessing Status = 5
)

// String gives the state as an English word, for logs and details.
func (s Status) String() string {
	switch s {
	case StatusUnknown:
		return "unknown"
	case StatusOrdered:
		return "ordered"
	case StatusActive:
		return "active"
	case StatusSuspended:
		return "suspended"
	case StatusDeleted:
		return "deleted"
	case StatusProcessing:
		return "processing"
	}
	return "status " + strconv.Itoa(int(s))
}

// Field is something that tells a licence from others to people.
type Field string

// The fields that a list of the panel's may have no column for.
const (
	FieldName    Field = "name"
	FieldAddress Field = "address"
	FieldProduct Field = "product"
	FieldExpiry  Field = "expiry"
)

// License is one licence as the panel shows it. What the panel did not say is
// the zero value: an absent column is never guessed.
type License struct {
	Code        Code
	Family      Family
	Name        string
	Address     string // as the panel has it, "" for a module
	Product     string // the product's name as the panel has it
	ProductCode int    // 0 where only the name is known and it is not in the catalogue
	Period      Period
	HasPeriod   bool // Period is known: 0 months is a lifetime
	Created     Date
	Expires     Date
	Cost        string // as the panel says it: "4.50 EUR"
	AutoProlong string // as the panel says it: "on", "off"
	Status      Status
	Processing  string // the suffix of the state in item_status, such as "prolong" or "delete"

	// Missing is what the panel did not say at all, and so is empty without being
	// known to be.
	Missing []Field
}

// Live says whether the licence still is one: deleted ones linger in lists.
func (l License) Live() bool { return l.Status != StatusDeleted }

// ParseAddress reads an IPv4 or IPv6 address as people write it, and gives its
// canonical form. Zones, prefixes, ports and unspecified or multicast addresses
// are refused.
func ParseAddress(s string) (string, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return "", fmt.Errorf("%q is not an IP address", s)
	}
	a = a.Unmap()
	if a.IsUnspecified() || a.IsMulticast() {
		return "", fmt.Errorf("%q is not the address of a server", s)
	}
	return a.String(), nil
}

// SameAddress compares two addresses by what they mean, not how they are written.
func SameAddress(a, b string) bool {
	if a == b {
		return true
	}
	x, err1 := netip.ParseAddr(strings.TrimSpace(a))
	y, err2 := netip.ParseAddr(strings.TrimSpace(b))
	return err1 == nil && err2 == nil && x.Unmap() == y.Unmap()
}
