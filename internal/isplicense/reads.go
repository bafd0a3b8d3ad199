package isplicense

import (
	"context"
	"errors"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/isplicense/license-bot/internal/license"
)

// Preview is what the panel says before anything is bought; what it did not say
// is empty.
type Preview struct {
	Expires license.Date // of a renewal: the expiry afterwards
	Price   string       // as the panel says it: "4.50 EUR"
}

// Form is a licence's own form in the panel.
type Form struct {
	Name        string
	Address     string
	Product     string            // the product's name
	ProductCode int               // 0 where the form names none
	Expires     license.Date      // "" for a lifetime too
	Missing     []license.Field   // what the form does not say, as a licence's
	Nodes       int               // -1 where it is not known
	Fields      map[string]string // every plain field of the form, by the panel's names
}

// HistoryEntry is one line of a licence's history, as the panel says it.
type HistoryEntry struct {
	When, What, Who string
}

// RenewPreview is what a renewal would bring and cost: the form of
// service.prolong, which is free. A form without a price leaves the licence's own
// cost, where the renewal is for its own period.
func (c *Client) RenewPreview(ctx context.Context, lic license.License, p license.Period) (Preview, error) {
	doc, err := c.read(ctx, "service.prolong", url.Values{"elid": {string(lic.Code)}, "period": {strconv.Itoa(int(p))}})
	if err != nil {
		return Preview{}, err
	}
	preview := Preview{Price: priceIn(doc)}
	preview.Expires, _ = license.ParseDate(doc.field("newexpiredate"))
	if preview.Price == "" && lic.HasPeriod && lic.Period == p {
		preview.Price = lic.Cost
	}
	return preview, nil
}

// OrderPreview is what an order would cost: its form, which is free.
func (c *Client) OrderPreview(ctx context.Context, o OrderSpec) (Preview, error) {
	doc, err := c.read(ctx, string(o.Product.Family)+".order.param", o.params())
	if err != nil {
		return Preview{}, err
	}
	return Preview{Price: priceIn(doc)}, nil
}

// priceIn finds a form's price. The field is HTML, escaped or not.
func priceIn(doc *element) string {
	for _, where := range append([]*element{doc}, doc.all("doc")...) {
		for _, info := range where.all("orderinfo") {
			if p := priceOf(info.prose()); p != "" {
				return p
			}
		}
	}
	return ""
}

// Form reads a licence's form. Where its family's form does not tell the count of
// nodes, that of soft.edit is asked, which is the one that sets it.
func (c *Client) Form(ctx context.Context, lic license.License) (Form, error) {
	elid := url.Values{"elid": {string(lic.Code)}}
	doc, err := c.read(ctx, string(lic.Family)+".edit", elid)
	if err != nil {
		return Form{}, err
	}
	l := described(doc, lic.Family)
	f := Form{
		Name: l.Name, Address: l.Address, Product: l.Product, ProductCode: l.ProductCode, Expires: l.Expires, Missing: l.Missing,
		Nodes: -1, Fields: fields(doc),
	}
	code := f.ProductCode
	if code == 0 {
		code = lic.ProductCode
	}
	product, known := license.ProductByCode(code)
	if !known || product.Node == 0 {
		return f, nil
	}
	count := doc.field(addonField(product))
	if count == "" && lic.Family != familySoft {
		doc, err := c.read(ctx, string(familySoft)+".edit", elid)
		if err != nil {
			return f, nil //nolint:nilerr // the count is then not known, which is an answer
		}
		count = doc.field(addonField(product))
	}
	if n, err := strconv.Atoi(count); err == nil && n >= 0 {
		f.Nodes = n
	}
	return f, nil
}

// fields are the children of a form that hold text alone. What belongs to the call
// rather than to the licence is left out.
func fields(doc *element) map[string]string {
	all := map[string]string{}
	for _, where := range append([]*element{doc}, doc.all("doc")...) {
		for _, e := range where.children {
			if e.name == "" || slices.ContainsFunc(e.children, func(c *element) bool { return c.name != "" }) {
				continue
			}
			switch e.name {
			case "ok", "error", "saved_filters", "tparams", "authinfo", "auth", "password", "metadata":
				continue
			}
			if all[e.name] == "" {
				all[e.name] = e.value()
			}
		}
	}
	return all
}

// Balance is the account's balance as the panel says it, "12.50 EUR", from a read
// that began after this call, shared with others that wait for one. The error is a
// [*ReadError].
func (c *Client) Balance(ctx context.Context) (string, error) {
	balance, err := c.balance.fresh(ctx)
	return balance, readFailure(balanceFunc, err)
}

const balanceFunc = "dashboard.info"

func (c *Client) readBalance(ctx context.Context) (string, error) {
	doc, err := c.read(ctx, balanceFunc, nil)
	if err != nil {
		return "", err
	}
	for _, e := range doc.all("elem") {
		if balance := c.words(e.get("balance")); balance != "" {
			return balance, nil
		}
	}
	return "", &ReadError{Reason: Garbled, Func: balanceFunc, Detail: "the answer holds no balance"}
}

// History is what happened to a licence, in the panel's order. The error is a
// [*ReadError], or [ErrNotFound] where the panel does not know the licence.
func (c *Client) History(ctx context.Context, code license.Code) ([]HistoryEntry, error) {
	doc, err := c.read(ctx, "service.history", url.Values{"elid": {string(code)}})
	if re, ok := errors.AsType[*ReadError](err); ok && re.Reason == Missing && strings.EqualFold(re.Object, "elid") {
		return nil, ErrNotFound // an object other than elid may be the function itself
	}
	if err != nil {
		return nil, err
	}
	var entries []HistoryEntry
	for _, e := range doc.all("elem") {
		entries = append(entries, HistoryEntry{
			When: c.words(e.get("changedate")),
			What: c.words(e.get("desc")),
			Who:  c.name(e.get("user")),
		})
	}
	return entries, nil
}

// name is an account's name fit to show. The client's own is no secret, and told from
// others by it, be it the same as the password.
func (c *Client) name(s string) string {
	if legible(s) == c.cfg.User {
		return c.cfg.User
	}
	return c.words(s)
}

// WhoAmI checks the login and gives the account's name as the panel has it, "" if
// its answer names none [guess: <user name="…"/>, or the name as text].
func (c *Client) WhoAmI(ctx context.Context) (string, error) {
	doc, err := c.read(ctx, "whoami", nil)
	if err != nil {
		return "", err
	}
	for _, u := range doc.all("user") {
		if name := c.name(u.attr("name")); name != "" {
			return name, nil
		}
	}
	return c.name(doc.field("user", "name")), nil
}

// read asks for something that is kept whole.
func (c *Client) read(ctx context.Context, fn string, params url.Values) (*element, error) {
	var doc *element
	f := c.call(ctx, query{fn: fn, params: params, limit: maxAnswer},
		func(body io.Reader, contentType string) (problem *element, err error) {
			if doc, err = document(body, contentType, tolerant); err != nil {
				return nil, err
			}
			return doc.failing(), nil
		})
	if f != nil {
		return nil, f.readError(fn)
	}
	return doc, nil
}

// readFailure makes err, of a shared read, a [*ReadError]: what is none yet is the
// waiting caller's context that ended.
func readFailure(fn string, err error) error {
	var already *ReadError
	if err == nil || errors.As(err, &already) {
		return err
	}
	return &ReadError{Reason: Timeout, Func: fn, Detail: "cancelled while it was waited for", cause: err}
}

// copied is the caller's own; the original is shared.
func copied(all []license.License) []license.License { return slices.Clone(all) }
