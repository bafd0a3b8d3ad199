package isplicense

import (
	"context"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/isplicense/license-bot/internal/license"
)

const (
	pageRows    = 1000 // asked for in a page; a panel may give fewer
	maxLicenses = 100_000
	cacheFor    = 15 * time.Second
	// familySoft is the list that may hold what the others hold too. It is the
	// family only of a licence that is in none of these.
	familySoft license.Family = "soft"
)

func families() []license.Family { return append(license.Families(), familySoft) }

// listing is one family's list.
type listing struct{ licenses []license.License }

// inventory is the whole list, kept for a while.
type inventory struct {
	licenses []license.License
	at       time.Time // when its read began; zero: there is none
	changes  int       // changes begun or ended so far: a read that one of them overlaps is neither kept nor joined
	reading  int       // changes when the last read began
}

// Inventory is every licence of the account, at most 15 s old, and not from before
// a change of ours. It is for answers that only show. The error is a [*ReadError].
func (c *Client) Inventory(ctx context.Context) ([]license.License, error) {
	c.mu.Lock()
	if at := c.cache.at; !at.IsZero() && c.cfg.Now().Sub(at) < cacheFor {
		defer c.mu.Unlock()
		return copied(c.cache.licenses), nil
	}
	read := c.whole.fresh
	if c.cache.reading == c.cache.changes {
		read = c.whole.join
	}
	c.mu.Unlock()
	all, err := read(ctx)
	return copied(all), readFailure("softexternal", err)
}

// Licenses is every licence of the account, read after this call began. The error
// is a [*ReadError].
func (c *Client) Licenses(ctx context.Context) ([]license.License, error) {
	all, err := c.whole.fresh(ctx)
	return copied(all), readFailure("softexternal", err)
}

// License is one licence, from a read of its list that began after this call.
// Callers that come while one is under way share the next. The error is a
// [*ReadError], or [ErrNotFound] where every list was read and none has it.
func (c *Client) License(ctx context.Context, code license.Code) (license.License, error) {
	for _, f := range c.searchOrder(code) {
		l, err := c.lists[f].fresh(ctx)
		if err != nil {
			return license.License{}, readFailure(string(f), err)
		}
		for _, found := range l.licenses {
			if found.Code == code {
				c.settleIn(found)
				return found, nil
			}
		}
	}
	return license.License{}, ErrNotFound
}

// searchOrder is all families, the one that has had the licence first.
func (c *Client) searchOrder(code license.Code) []license.Family {
	c.mu.Lock()
	defer c.mu.Unlock()
	home, known := c.homes[code]
	if !known {
		return families()
	}
	order := []license.Family{home}
	for _, f := range families() {
		if f != home {
			order = append(order, f)
		}
	}
	return order
}

// settleIn remembers the families of licences, for as long as there is room.
func (c *Client) settleIn(found ...license.License) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range found {
		if _, known := c.homes[l.Code]; known || len(c.homes) < maxLicenses {
			c.homes[l.Code] = l.Family
		}
	}
}

// forget drops the kept inventory, and any that is being read: something changes.
func (c *Client) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cache = inventory{changes: c.cache.changes + 1, reading: c.cache.reading}
}

// readAll reads every family's list, and keeps the whole for Inventory.
func (c *Client) readAll(ctx context.Context) ([]license.License, error) {
	c.mu.Lock()
	at, changes := c.cfg.Now(), c.cache.changes
	c.cache.reading = changes
	c.mu.Unlock()

	type part struct {
		listing
		err error
	}
	parts := make([]part, len(families()))
	var wg sync.WaitGroup
	for i, f := range families() {
		wg.Go(func() { parts[i].listing, parts[i].err = c.lists[f].fresh(ctx) })
	}
	wg.Wait()

	seen := map[license.Code]bool{}
	var all []license.License
	for _, p := range parts { // soft comes last: what it shares with others is theirs
		if p.err != nil {
			return nil, p.err
		}
		for _, l := range p.licenses {
			if !seen[l.Code] {
				seen[l.Code] = true
				all = append(all, l)
			}
		}
	}
	c.settleIn(all...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cache.changes == changes {
		c.cache.licenses, c.cache.at = all, at
	}
	return all, nil
}

// list reads one family's list, from its first page again if it changed meanwhile.
//
// An account may not have every function. A list that the panel refuses as unknown
// or not permitted, or that does not look like one, counts as empty: but never
// that of softexternal when it is refused, and none that was a list before, or
// licences would be taken for deleted.
func (c *Client) list(ctx context.Context, f license.Family) (listing, error) {
	for range 3 {
		l, listed, fail := c.pages(ctx, f)
		c.mu.Lock()
		proper := c.proper[f]
		if listed {
			c.proper[f] = true
		}
		c.mu.Unlock()
		switch {
		case fail == nil && (listed || !proper):
			return l, nil
		case fail == nil:
			fail = &failure{reason: Garbled, detail: "the answer is not a list"}
		case fail == errMoved:
			continue
		case fail.fate == said && (fail.reason == Missing || fail.reason == Forbidden) && f != license.SoftExternal && !proper:
			return listing{}, nil
		}
		return listing{}, fail.readError(string(f))
	}
	return listing{}, errMoved.readError(string(f))
}

// errMoved is of a list that became longer or shorter between two pages: a row may
// have slipped from the one to the other.
var errMoved = &failure{reason: Garbled, detail: "the list changed while it was read"}

// pages reads a list page by page. listed says whether it looked like a list.
func (c *Client) pages(ctx context.Context, f license.Family) (l listing, listed bool, fail *failure) {
	seen := map[license.Code]bool{}
	total, rows := -1, 0
	for num := 1; ; num++ {
		p, fail := c.page(ctx, f, num)
		if fail != nil {
			return listing{}, false, fail
		}
		if num > 1 && p.total != total {
			return listing{}, false, errMoved
		}
		total, rows, listed = p.total, rows+p.rows, listed || p.listed
		found := slices.DeleteFunc(p.licenses, func(one license.License) bool {
			known := seen[one.Code]
			seen[one.Code] = true
			return known
		})
		anew := len(found) > 0
		if l.licenses == nil {
			l.licenses = found
		} else {
			l.licenses = append(l.licenses, found...)
		}
		switch {
		case rows > maxLicenses:
			return listing{}, false, &failure{reason: Garbled, detail: "the list has more licences than can be handled"}
		case total >= 0 && rows >= total && (anew || num == 1):
			return l, listed, nil
		case !anew && total > 0:
			// The panel gives the same page again, or fewer than it says.
			return listing{}, false, &failure{reason: Garbled, detail: "the list is shorter than it says"}
		case !anew:
			return l, listed, nil // the panel counts nothing: this was behind the last page
		}
	}
}

// page is one page of a list.
type page struct {
	licenses []license.License
	rows     int
	total    int  // of rows in the whole list, -1 unknown
	listed   bool // something in it is as in a list
}

func (c *Client) page(ctx context.Context, f license.Family, num int) (page, *failure) {
	p := page{total: -1}
	q := query{fn: string(f), limit: maxPage, params: url.Values{
		"p_num": {strconv.Itoa(num)}, "p_cnt": {strconv.Itoa(pageRows)},
	}}
	before := new(recall)
	if num == 1 {
		before = c.recalls[f]
	}
	fail := c.call(ctx, q, func(body io.Reader, contentType string) (problem *element, err error) {
		root, err := before.decode(body, contentType, tolerant, func(e *element) error {
			switch e.name {
			case "error":
				problem = e
			case "elem":
				p.rows++
				p.listed = true
				if l, ok := licenseOf(e, f); ok {
					p.licenses = append(p.licenses, l)
				}
			case "p_elems":
				if n, err := strconv.Atoi(e.value()); err == nil && n >= 0 {
					p.total, p.listed = n, true
				}
			case "metadata":
				p.listed = p.listed || e.attr("type") == "list"
			}
			return nil
		})
		if err == nil {
			is := root.attr("func")
			p.listed = p.listed || is == string(f)
			if f == license.SoftExternal && !p.listed && problem == nil && is != "" {
				return nil, errForeign // such as the form to log in: it says nothing of licences
			}
		}
		return problem, err
	})
	return p, fail
}

// licenseOf reads a row; false for one without a licence's code. The columns are
// those of the vendor's documentation; any may be missing.
func licenseOf(e *element, f license.Family) (license.License, bool) {
	code, err := license.ParseCode(e.get("id"))
	if err != nil {
		return license.License{}, false
	}
	l := described(e, f)
	l.Code, l.Cost, l.AutoProlong = code, e.get("cost"), e.get("autoprolong")
	if n, err := strconv.Atoi(e.get("period")); err == nil && n >= 0 {
		l.Period, l.HasPeriod = license.Period(n), true
	}
	l.Created, _ = license.ParseDate(e.get("createdate"))
	state := e.get("status")
	for _, s := range e.all("item_status") {
		if orig := s.attr("orig"); orig != "" {
			state = orig
			break
		}
	}
	l.Status, l.Processing = statusOf(state)
	return l, true
}

// described is what tells a licence from others, in its row or its form. What has no
// column, or one that can't be read, is named as missing.
func described(e *element, f license.Family) license.License {
	l := license.License{Family: f, Name: e.field("licname"), Address: e.field("ip", "pa_ip")}
	l.Product, l.ProductCode = productOf(e.field("pricelist"))
	var dated bool
	if l.Expires, dated = license.ParseDate(e.field("expiredate")); !dated {
		l.Expires, dated = license.ParseDate(e.field("real_expiredate")) // daily billing has a phrase in expiredate
	}
	dateless := e.field("period") == "0" || // a lifetime
		e.has("expiredate", "real_expiredate") && e.field("expiredate", "real_expiredate") == ""
	missing := func(field license.Field, is bool) {
		if is {
			l.Missing = append(l.Missing, field)
		}
	}
	missing(license.FieldName, !e.has("licname"))
	missing(license.FieldAddress, f.TakesAddress() && !e.has("ip", "pa_ip"))
	missing(license.FieldProduct, l.Product == "")
	missing(license.FieldExpiry, !dated && !dateless)
	return l
}

// productOf reads a pricelist column: the product's name, or its number.
func productOf(column string) (name string, code int) {
	if n, err := strconv.Atoi(column); err == nil && n > 0 {
		p, _ := license.ProductByCode(n)
		return p.Name, n
	}
	p, _ := license.ProductByName(column)
	return column, p.Code
}

// statusOf reads "2" or "5_prolong".
func statusOf(s string) (status license.Status, processing string) {
	digits, suffix, _ := strings.Cut(s, "_")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 {
		return license.StatusUnknown, ""
	}
	return license.Status(n), suffix
}
