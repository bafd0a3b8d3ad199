package panelserver

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// order is what somebody wants to buy.
type order struct {
	family  Family
	product string // as it was sent
	period  string
	ip      string
	name    string
	item    string
}

// receipt is what became of an operation.
type receipt struct {
	id      string
	expires string
	charged Cents
	bill    string // the number of the unpaid bill, "" where all is paid
}

// quote checks what a price depends on: the product, sold by this family's
// function, and the period, sold for the product.
func (a *account) quote(o order) (*Product, int, Cents, *Refusal) {
	code, err := strconv.Atoi(o.product)
	p := a.products[code]
	if err != nil || p == nil || p.Family != o.family {
		return nil, 0, 0, &Refusal{Type: "value", Object: "pricelist", Value: o.product}
	}
	period, price, refusal := a.term(p, o.period, 0)
	return p, period, price, refusal
}

// term reads a period and prices it.
func (a *account) term(p *Product, sent string, nodes int) (int, Cents, *Refusal) {
	period, err := strconv.Atoi(sent)
	if err == nil {
		if price, sold := p.price(period, nodes); sold {
			return period, price, nil
		}
	}
	return 0, 0, &Refusal{Type: "value", Object: "period", Value: sent}
}

// order buys a licence. Nothing keeps the same order from being executed again.
func (a *account) order(now time.Time, by actor, o order) (receipt, *Refusal) {
	p, period, price, refusal := a.quote(o)
	if refusal == nil {
		refusal = a.checkOrder(p, o)
	}
	if refusal != nil {
		return receipt{}, refusal
	}
	if a.balance < price && a.ways.NoMoney == RefuseUnpaid {
		return receipt{}, a.noMoney(price)
	}
	a.lastID++
	r := &record{product: p, License: License{
		ID:      strconv.Itoa(a.lastID),
		Product: p.Code,
		Name:    o.name,
		IP:      o.ip,
		Period:  period,
		Created: now.Format(day),
		Status:  Ordered,
		Item:    o.item,
	}}
	a.add(r)
	r.note(now, by, "Ordered: "+p.Name)
	if !a.pay(now, r.ID, "Order: "+p.Name, price) {
		return receipt{id: r.ID, bill: a.newBill()}, nil
	}
	a.open(r, now)
	return receipt{id: r.ID, charged: price}, nil
}

func (a *account) checkOrder(p *Product, o order) *Refusal {
	field := "ip"
	switch p.Family {
	case Plesk:
		field = "pa_ip"
	case Module:
		if _, r := a.find(Soft, o.item); r != nil && (o.item != "" || a.ways.NeedItem) {
			return &Refusal{Type: "value", Object: "item", Value: o.item}
		}
		return checkName(o.name)
	}
	if r := checkIP(field, o.ip); r != nil {
		return r
	}
	if a.ways.UniqueIP {
		for _, r := range a.lists[p.Family] {
			if r.Product == p.Code && r.IP == o.ip && r.Status != Deleted {
				return &Refusal{Type: "exists", Object: field, Value: o.ip}
			}
		}
	}
	return checkName(o.name)
}

// open takes a paid order from ordered over 5_open to active.
func (a *account) open(r *record, now time.Time) {
	delay := a.ways.Delays.Open
	active := now.Add(delay)
	gone := func() bool { return r.Status == Deleted || r.Processing == "delete" }
	a.later(now.Add(delay/2), func() {
		if !gone() {
			r.Status, r.Processing = Processing, "open"
		}
	})
	a.later(active, func() {
		if gone() {
			return
		}
		r.Status, r.Processing = Active, ""
		if r.Period != Lifetime {
			r.Expires = addMonths(active.Format(day), r.Period)
		}
	})
	a.later(active.Add(a.ways.Delays.Key), func() {
		r.Key = fmt.Sprintf("KEY-%s-%04X", r.ID, r.Product*7919%0x10000)
	})
	a.settle(now)
}

// edit is a change of a licence's fields. What is not named is cleared, unless the
// panel's ways keep it.
type edit struct {
	name, ip       string
	hasName, hasIP bool
	addon          int // the node code of an addon_NNN; 0 where none is named
	nodes          int
}

func (a *account) edit(now time.Time, by actor, r *record, e edit) *Refusal {
	if refusal := a.free(r); refusal != nil {
		return refusal
	}
	if e.addon != 0 && e.addon != r.product.Node {
		return &Refusal{Type: "value", Object: "addon_" + strconv.Itoa(e.addon), Value: strconv.Itoa(e.nodes)}
	}
	if e.ip != "" {
		if refusal := checkIP("ip", e.ip); refusal != nil {
			return refusal
		}
	}
	if refusal := checkName(e.name); refusal != nil {
		return refusal
	}
	ways := a.ways
	r.note(now, by, "Changed")
	a.work(r, now, "edit", ways.Delays.Edit, func() {
		if e.hasName || !ways.KeepMissing {
			r.Name = e.name
		}
		if (e.hasIP || !ways.KeepMissing) && r.product.Family != Module {
			r.IP = e.ip
		}
		switch {
		case e.addon != 0 && ways.NodesAdd:
			r.Nodes += e.nodes
		case e.addon != 0:
			r.Nodes = e.nodes
		}
	})
	return nil
}

// quoteRenewal says until when a renewal would last and what it would cost.
func (a *account) quoteRenewal(r *record, period string) (string, int, Cents, *Refusal) {
	months, price, refusal := a.term(r.product, period, r.Nodes)
	if refusal != nil || months == Lifetime || r.Period == Lifetime {
		return "", 0, 0, &Refusal{Type: "value", Object: "period", Value: period}
	}
	return addMonths(r.Expires, months), months, price, nil
}

// renew moves the expiry by a period. Nothing keeps the same renewal from being
// executed again.
func (a *account) renew(now time.Time, by actor, r *record, period string) (receipt, *Refusal) {
	expires, months, price, refusal := a.quoteRenewal(r, period)
	if refusal == nil {
		refusal = a.renewable(r, now)
	}
	if refusal != nil {
		return receipt{}, refusal
	}
	if !a.pay(now, r.ID, "Renewal: "+r.product.Name, price) {
		if a.ways.NoMoney == RefuseUnpaid {
			return receipt{}, a.noMoney(price)
		}
		return receipt{id: r.ID, bill: a.newBill()}, nil
	}
	r.note(now, by, fmt.Sprintf("Renewed for %d month(s)", months))
	a.work(r, now, "prolong", a.ways.Delays.Renew, func() {
		r.Expires = expires
		if r.Status == Suspended && expires >= now.Format(day) {
			r.Status = Active
		}
	})
	return receipt{id: r.ID, expires: expires, charged: price}, nil
}

func (a *account) renewable(r *record, now time.Time) *Refusal {
	switch {
	case r.Processing == "prolong" || r.Processing == "delete":
		return &Refusal{Type: "cannot_prolong", Object: r.Processing, Value: r.ID}
	case r.Status == Processing:
		return a.free(r)
	case r.Status == Ordered || r.Status == Deleted:
		return &Refusal{Type: "cannot_prolong", Object: "status", Value: r.ID}
	}
	if a.ways.RenewWithin > 0 {
		expires, err := time.ParseInLocation(day, r.Expires, now.Location())
		if from := expires.Add(-a.ways.RenewWithin); err == nil && now.Before(from) {
			return &Refusal{Type: "prolong_date", Params: []Param{{"date", from.Format(day)}}}
		}
	}
	return nil
}

func (a *account) delete(now time.Time, by actor, r *record) *Refusal {
	if refusal := a.free(r); refusal != nil {
		return refusal
	}
	created, err := time.ParseInLocation(day, r.Created, now.Location())
	if until := created.Add(a.ways.MinTerm); err == nil && now.Before(until) {
		return &Refusal{Type: "pricelist_min_order", Object: "pricelist", Value: r.ID, Params: []Param{{"date", until.Format(day)}}}
	}
	stays := a.ways.DeletedStays
	r.note(now, by, "Deleted")
	a.work(r, now, "delete", a.ways.Delays.Delete, func() {
		r.Status = Deleted
		if !stays {
			a.remove(r)
		}
	})
	return nil
}

// pause suspends a licence or lets it go on.
func (a *account) pause(now time.Time, by actor, r *record, on bool) *Refusal {
	if refusal := a.free(r); refusal != nil {
		return refusal
	}
	switch {
	case on && r.Status == Active:
		r.Status = Suspended
		r.note(now, by, "Suspended")
	case !on && r.Status == Suspended:
		r.Status = Active
		r.note(now, by, "Resumed")
	default:
		return &Refusal{Type: "value", Object: "status", Value: r.state()}
	}
	return nil
}

// free says whether a licence may be changed now.
func (a *account) free(r *record) *Refusal {
	switch r.Status {
	case Processing:
		return running(r.ID)
	case Deleted:
		return &Refusal{Type: "missed", Object: "elid", Value: r.ID}
	}
	return nil
}

func running(id string) *Refusal {
	return &Refusal{Type: "operation", Object: "runningoperation", Value: id}
}

func (a *account) noMoney(price Cents) *Refusal {
	return &Refusal{Type: "no_money", Object: "balance", Params: []Param{
		{"price", a.money(price)}, {"balance", a.money(a.balance)},
	}}
}

func (a *account) newBill() string {
	a.lastBill++
	return strconv.Itoa(a.lastBill)
}

func checkIP(field, ip string) *Refusal {
	if addr, err := netip.ParseAddr(ip); err != nil || addr.Zone() != "" {
		return &Refusal{Type: "value", Object: field, Value: ip}
	}
	return nil
}

func checkName(name string) *Refusal {
	if len(name) > 255 {
		return &Refusal{Type: "value", Object: "licname", Value: name}
	}
	return nil
}
