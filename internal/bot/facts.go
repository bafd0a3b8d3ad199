package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/isplicense/license-bot/internal/isplicense"
	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
)

// reading is what the panel showed of one licence before a question or a call.
type reading struct {
	license license.License // zero for an order
	facts   requests.Facts
	before  requests.Before
	note    string // the panel's words of a preview that it refused
	refused bool   // an order's preview was refused

	// unread is why the licence's form could not be read for what its list leaves out.
	unread error
	form   isplicense.Form // without fields where it was not needed, or not read

	// unpriced is why the preview could not be read: the rest was, and the price is
	// what the licence's own row says, if anything.
	unpriced error
}

// notPossible is a request that the facts rule out before anybody is asked.
type notPossible struct {
	why     impossible
	license license.License
}

func (e *notPossible) Error() string { return string(e.why) }

// impossible is why the facts rule a request out.
type impossible string

const (
	gone       impossible = "gone"     // there is no such licence
	deleted    impossible = "deleted"  // it is terminated already
	lifetime   impossible = "lifetime" // it never expires
	noNodes    impossible = "no-nodes" // its product has no count of nodes
	sameNodes  impossible = "same-nodes"
	sameFields impossible = "same-fields"
)

// read reads what a question shows of an action on one licence, afresh. The same
// reading is made again before the call, so that like is compared with like.
func (b *Bot) read(ctx context.Context, a requests.Action, p requests.Params, code license.Code) (reading, error) {
	if a == requests.Order {
		return b.readOrder(ctx, p)
	}
	l, err := b.Panel.License(ctx, code)
	if errors.Is(err, isplicense.ErrNotFound) {
		return reading{}, &notPossible{why: gone, license: license.License{Code: code}}
	}
	if err != nil {
		return reading{}, err
	}
	if !l.Live() {
		return reading{}, &notPossible{why: deleted, license: l}
	}
	rd := reading{license: l}
	switch {
	case a == requests.Edit || a == requests.Nodes:
		if rd.form, err = b.form(ctx, l); err != nil {
			return rd, err
		}
	case len(l.Missing) > 0:
		rd.form, err = b.Panel.Form(ctx, l)
		if err != nil && !worthAsking(err) {
			return rd, err
		}
		rd.unread = err
	}
	if rd.form.Fields != nil {
		rd.license = filledIn(l, rd.form)
	}
	l = rd.license
	rd.facts = requests.Facts{
		Family: l.Family, Name: l.Name, Address: l.Address, Product: l.Product, ProductCode: l.ProductCode,
		Expires: l.Expires, Status: l.Status, Nodes: -1, Unknown: l.Missing,
	}
	rd.before = requests.Before{Expires: l.Expires, Name: l.Name, Address: l.Address, Nodes: -1}
	switch a {
	case requests.Renew:
		return b.readRenewal(ctx, p, rd)
	case requests.Edit, requests.Nodes:
		return readForm(a, p, rd)
	case requests.Terminate, requests.Order:
	}
	return rd, nil
}

// filledIn is the licence with what its list does not say as its form has it.
func filledIn(l license.License, f isplicense.Form) license.License {
	l.Name, l.Address = orElse(l.Name, f.Name), orElse(l.Address, f.Address)
	l.Product, l.Expires = orElse(l.Product, f.Product), orElse(l.Expires, f.Expires)
	if l.ProductCode == 0 {
		l.ProductCode = f.ProductCode
	}
	l.Missing = slices.DeleteFunc(slices.Clone(l.Missing), func(m license.Field) bool { return !slices.Contains(f.Missing, m) })
	return l
}

func (b *Bot) readRenewal(ctx context.Context, p requests.Params, rd reading) (reading, error) {
	l := rd.license
	period := l.Period
	switch {
	case p.HasPeriod:
		period = p.Period
	case !l.HasPeriod:
		period = b.ownPeriod(ctx, rd)
	}
	if period == license.Lifetime || l.HasPeriod && l.Period == license.Lifetime && l.Expires == "" {
		return rd, &notPossible{why: lifetime, license: l}
	}
	rd.facts.Period = period
	if l.HasPeriod && period == l.Period {
		rd.facts.Price = l.Cost
	}
	preview, err := b.Panel.RenewPreview(ctx, l, period)
	switch said, no := panelSaysNo(err); {
	case no:
		// The call itself will tell; the question shows what the panel says now.
		rd.note = said
	case err != nil && !worthAsking(err):
		return rd, err
	default:
		rd.unpriced = err
	}
	if preview.Price != "" {
		rd.facts.Price = preview.Price
	}
	rd.facts.After = preview.Expires
	if rd.facts.After == "" && l.Expires != "" {
		rd.facts.After = l.Expires.AddMonths(int(period))
	}
	return rd, nil
}

// ownPeriod is the period of a licence whose list does not say it: the form's, else
// the least that is sold. The question shows it either way.
func (b *Bot) ownPeriod(ctx context.Context, rd reading) license.Period {
	form := rd.form
	if form.Fields == nil && rd.unread == nil {
		form, _ = b.Panel.Form(ctx, rd.license)
	}
	if n, err := strconv.Atoi(form.Fields["period"]); err == nil && n > 0 {
		return license.Period(n)
	}
	return license.Month
}

// panelSaysNo tells a read that the panel refused by one of its rules from one that
// failed.
func panelSaysNo(err error) (said string, no bool) {
	var re *isplicense.ReadError
	if !errors.As(err, &re) {
		return "", false
	}
	switch re.Reason {
	case isplicense.Rule, isplicense.Busy, isplicense.MinTerm, isplicense.Money, isplicense.Missing:
		return re.Message, true
	}
	return "", false
}

// readForm takes from the form what only that has: the count of nodes, and the name
// and address that an edit sends along unchanged.
func readForm(a requests.Action, p requests.Params, rd reading) (reading, error) {
	l, form, f := rd.license, rd.form, &rd.facts
	f.Nodes = form.Nodes
	// Of both, the form's is what an edit changes and what tells afterwards.
	rd.before = requests.Before{
		Expires: l.Expires, Name: orElse(form.Name, f.Name), Address: orElse(form.Address, f.Address), Nodes: form.Nodes,
	}
	product, known := license.ProductByCode(f.ProductCode)
	switch {
	case a == requests.Nodes && (!known || product.Node == 0):
		return rd, &notPossible{why: noNodes, license: l}
	case a == requests.Nodes && form.Nodes == p.Count:
		return rd, &notPossible{why: sameNodes, license: l}
	case a == requests.Edit && (p.Name == "" || p.Name == f.Name) && (p.Address == "" || license.SameAddress(p.Address, f.Address)):
		return rd, &notPossible{why: sameFields, license: l}
	}
	return rd, nil
}

// form is the licence's form, or of a panel without one what the list has, where
// that is all that is sent along unchanged. The count of nodes is not known then.
func (b *Bot) form(ctx context.Context, l license.License) (isplicense.Form, error) {
	form, err := b.Panel.Form(ctx, l)
	if _, no := panelSaysNo(err); no && l.Name != "" && l.Address != "" {
		return isplicense.Form{Name: l.Name, Address: l.Address, Nodes: -1}, nil
	}
	return form, err
}

func (b *Bot) readOrder(ctx context.Context, p requests.Params) (reading, error) {
	product, ok := license.ProductByCode(p.Product)
	if !ok {
		return reading{}, fmt.Errorf("product %d is not in the catalogue", p.Product)
	}
	rd := reading{facts: requests.Facts{
		Family: product.Family, Product: product.Name, ProductCode: product.Code, Period: p.Period,
		Name: p.Name, Address: p.Address, Nodes: -1,
	}}
	preview, err := b.Panel.OrderPreview(ctx, isplicense.OrderSpec{
		Product: product, Address: p.Address, Name: p.Name, For: p.For, Period: p.Period,
	})
	switch said, no := panelSaysNo(err); {
	case no:
		// As for a renewal: the question is put without a price, and shows what the
		// panel says.
		rd.note, rd.refused = said, true
	case err != nil && !worthAsking(err):
		return rd, err
	default:
		rd.unpriced = err
	}
	rd.facts.Price = preview.Price
	return rd, nil
}

// worthAsking says of a form or preview that can't be read that the question can be
// put without it: the price is then said to be unknown, and an account may renew what
// it may not edit. With a refused login it can't.
func worthAsking(err error) bool {
	var re *isplicense.ReadError
	if !errors.As(err, &re) {
		return false
	}
	switch re.Reason {
	case isplicense.Auth, isplicense.TwoFactor, isplicense.NotSent:
		return false
	}
	return true
}

// orderSpec is the order that a request stands for.
func orderSpec(r requests.Request) isplicense.OrderSpec {
	product, _ := license.ProductByCode(r.Params.Product)
	return isplicense.OrderSpec{
		Product: product, Address: r.Params.Address, Name: r.OrderName(product.Family), For: r.Params.For, Period: r.Params.Period,
	}
}

// candidates are the licences that could be the one ordered. Columns can be missing
// in a list: what a row does not show rules nothing out.
func candidates(all []license.License, o isplicense.OrderSpec) []license.License {
	return slices.DeleteFunc(slices.Clone(all), func(l license.License) bool {
		switch {
		case !l.Live(), l.Family != o.Product.Family:
			return true
		case l.ProductCode != 0 && l.ProductCode != o.Product.Code:
			return true
		case o.Address != "" && l.Address != "" && !license.SameAddress(l.Address, o.Address):
			return true
		}
		return o.Name != "" && l.Name != "" && l.Name != o.Name && requests.NamesOrders(o.Product.Family)
	})
}

func codes(ls []license.License) []license.Code {
	cs := make([]license.Code, len(ls))
	for i, l := range ls {
		cs[i] = l.Code
	}
	return cs
}
