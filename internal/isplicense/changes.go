package isplicense

import (
	"context"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/isplicense/license-bot/internal/license"
)

// OrderSpec is what to order.
type OrderSpec struct {
	Product license.Product
	Address string       // for families that take one
	Name    string       // by which the licence can be told apart afterwards
	For     license.Code // of a module: the licence that it is for, or ""
	Period  license.Period
}

// params are those of the order's form [documented: ip and licname, pa_ip for
// Plesk, no address for modules; item is required by the vendor's own panel]. The
// name is sent for every family, as the only sign to tell the licence apart by.
func (o OrderSpec) params() url.Values {
	p := url.Values{
		"pricelist": {strconv.Itoa(o.Product.Code)},
		"period":    {strconv.Itoa(int(o.Period))},
	}
	if o.Name != "" {
		p.Set("licname", o.Name)
	}
	switch o.Product.Family {
	case license.Plesk:
		p.Set("pa_ip", o.Address)
	case license.Module:
		if o.For != "" {
			p.Set("item", string(o.For))
		}
	default:
		p.Set("ip", o.Address)
	}
	return p
}

// Order buys a licence: X.order.param with clicked_button=finish [documented].
//
// It is applied only where the answer names the new licence: what a successful
// answer holds is not documented, and the list tells for certain.
func (c *Client) Order(ctx context.Context, o OrderSpec) Result {
	p := o.params()
	p.Set("clicked_button", "finish")
	p.Set("skipbasket", "on")
	return c.change(ctx, "", string(o.Product.Family)+".order.param", p)
}

// Edit gives a licence its name and address: X.edit of its own family [documented
// for softexternal]. Both are always sent: what is left out may be cleared.
//
// A Plesk licence's address goes as pa_ip, as in its order, and as ip, as in its
// list: which of the two its edit takes is not documented, and the panel ignores a
// field that a form does not have.
func (c *Client) Edit(ctx context.Context, lic license.License, name, address string) Result {
	p := editParams(lic, name, address)
	if lic.Family == license.Plesk {
		p.Set("pa_ip", address)
	}
	return c.change(ctx, lic.Code, string(lic.Family)+".edit", p)
}

// Nodes sets the count of nodes of a licence of that product: soft.edit with
// addon_NNN [documented]. Name and address are those that it has.
func (c *Client) Nodes(ctx context.Context, lic license.License, product license.Product, name, address string, count int) Result {
	if product.Node == 0 || count < 0 {
		return Refused{Reason: Rule, Object: "nodes"}.Result()
	}
	p := editParams(lic, name, address)
	p.Set(addonField(product), strconv.Itoa(count))
	return c.change(ctx, lic.Code, string(familySoft)+".edit", p)
}

func editParams(lic license.License, name, address string) url.Values {
	p := url.Values{"elid": {string(lic.Code)}, "licname": {name}}
	if lic.Family.TakesAddress() || address != "" {
		p.Set("ip", address)
	}
	return p
}

func addonField(p license.Product) string { return "addon_" + strconv.Itoa(p.Node) }

// Renew prolongs a licence by p: service.prolong [documented].
func (c *Client) Renew(ctx context.Context, code license.Code, p license.Period) Result {
	return c.change(ctx, code, "service.prolong", url.Values{
		"elid": {string(code)}, "period": {strconv.Itoa(int(p))},
	})
}

// Terminate deletes a licence: X.delete of its own family [documented for
// softexternal].
func (c *Client) Terminate(ctx context.Context, lic license.License) Result {
	return c.change(ctx, lic.Code, string(lic.Family)+".delete", url.Values{"elid": {string(lic.Code)}})
}

// change sends a change once: after others to the same licence (code "" is none),
// with sok=ok, which is what makes it one.
func (c *Client) change(ctx context.Context, code license.Code, fn string, params url.Values) Result {
	if code != "" {
		done, err := c.turns.pass(ctx, code)
		if err != nil {
			return Refused{Reason: NotSent}.Result()
		}
		defer done()
	}
	c.forget()
	defer c.forget()

	params.Set("sok", "ok")
	var doc *element
	f := c.call(ctx, query{fn: fn, params: params, limit: maxAnswer, change: true},
		func(body io.Reader, contentType string) (problem *element, err error) {
			if doc, err = document(body, contentType, strict); err != nil {
				return nil, err
			}
			return doc.failing(), nil
		})
	order := isOrder(fn)
	if f == nil {
		return c.conclude(doc, fn)
	}
	switch {
	case f.fate == kept:
		return Refused{Reason: f.reason, Message: f.about.message}.Result()
	case f.fate == lost:
		return Unknown{Reason: f.reason, Message: f.about.message, Code: newCode(doc, order)}.Result()
	case unpaid(doc):
		return Unknown{Reason: Unpaid, Message: f.about.message, Code: newCode(doc, order)}.Result()
	case newCode(doc, order) != "": // an error and a licence: which of the two?
		return Unknown{Reason: Garbled, Message: f.about.message, Code: newCode(doc, order)}.Result()
	}
	return Refused{Reason: f.reason, Type: f.about.kind, Object: f.about.object, Message: f.about.message, Sent: true}.Result()
}

// conclude is the result of a whole answer to fn without an error.
func (c *Client) conclude(doc *element, fn string) Result {
	order := isOrder(fn)
	words := c.words(doc.field("msg"))
	code := newCode(doc, order)
	expires, _ := license.ParseDate(doc.field("newexpiredate"))
	switch {
	case unpaid(doc):
		return Unknown{Reason: Unpaid, Message: words, Code: code}.Result()
	case shownAgain(doc), code == "" && expires == "" && elsewhere(doc, fn):
		return Unknown{Reason: Garbled, Message: words}.Result()
	case code == "" && expires == "" && saysInProcess(legible(doc.field("msg"))):
		return Unknown{Reason: InProcess, Message: words}.Result()
	case order && code == "":
		return Unknown{Reason: Unnamed, Message: words}.Result()
	}
	return Applied{Code: code, Expires: expires, Said: words}.Result()
}

func isOrder(fn string) bool { return strings.HasSuffix(fn, ".order.param") }

// elsewhere says whether an answer is by its own name that to another function, such
// as the form to log in, and nothing says that the call was taken.
func elsewhere(doc *element, fn string) bool {
	is := doc.attr("func")
	return is != "" && is != fn && len(doc.all("ok")) == 0
}

// newCode is the licence that an order's whole answer names.
func newCode(doc *element, order bool) license.Code {
	if doc == nil || !order {
		return ""
	}
	code, err := license.ParseCode(doc.field("id"))
	if err != nil {
		return ""
	}
	return code
}

// unpaid says whether an answer leaves something to be paid: it names a bill or a
// payment, or its <ok> leads on to one or to the basket [guess: a balance that does
// not suffice].
func unpaid(doc *element) bool {
	for _, name := range []string{"billorder", "payment_id"} {
		if v := doc.field(name); v != "" && v != "0" {
			return true
		}
	}
	next, err := url.ParseQuery(doc.field("ok"))
	if err != nil {
		return false
	}
	fn := next.Get("func")
	return next.Has("billorder") || next.Has("payment_id") ||
		strings.HasPrefix(fn, "payment") || strings.HasPrefix(fn, "basket") || strings.HasPrefix(fn, "billorder")
}

// shownAgain says whether the panel answered with the form that was to be
// submitted: it describes itself as one, and nothing says that it was taken.
func shownAgain(doc *element) bool {
	if len(doc.all("ok")) > 0 {
		return false
	}
	for _, m := range doc.all("metadata") {
		if m.attr("type") == "form" {
			return true
		}
	}
	return false
}
