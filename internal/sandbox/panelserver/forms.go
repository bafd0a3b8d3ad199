package panelserver

import (
	"fmt"
	"strconv"
)

// showLicense is the form of a licence: its fields, and those that only a form has.
func (q *request) showLicense(r *record) {
	auto := "off"
	if r.AutoProlong {
		auto = "on"
	}
	q.body.leaf("elid", r.ID)
	q.body.leaf("id", r.ID)
	q.body.leaf("licname", r.Name)
	switch r.product.Family {
	case Plesk:
		q.body.leaf("pa_ip", r.IP)
		q.body.leaf("ip", r.IP)
	case Module:
		q.body.leaf("item", r.Item)
	default:
		q.body.leaf("ip", r.IP)
	}
	q.body.leaf("pricelist", strconv.Itoa(r.Product))
	q.body.leaf("period", strconv.Itoa(r.Period))
	q.body.leaf("createdate", r.Created)
	q.body.leaf("expiredate", q.expiry(r))
	q.body.leaf("real_expiredate", r.Expires)
	q.body.leaf("autoprolong", auto)
	q.body.leaf("cost", q.money(q.cost(r)))
	q.body.leaf("status", strconv.Itoa(r.Status))
	q.body.leaf("lickey", r.Key)
	if r.product.Node != 0 {
		q.body.leaf("addon_"+strconv.Itoa(r.product.Node), strconv.Itoa(r.Nodes))
	}
}

// showOrder is the preview of an order, with what it would cost.
func (q *request) showOrder(ipField string, o order) *Refusal {
	p, period, price, refusal := q.quote(o)
	if refusal != nil {
		return refusal
	}
	q.body.leaf("pricelist", o.product)
	q.body.leaf("period", strconv.Itoa(period))
	if p.Family != Module {
		q.body.leaf(ipField, o.ip)
	}
	q.body.leaf("licname", o.name)
	q.body.leaf("orderinfo", q.total(p, price))
	q.periods(p, 0)
	return nil
}

// showRenewal is the preview of a renewal, with the date to which it would last.
func (q *request) showRenewal(r *record, period string) *Refusal {
	if period == "" {
		period = strconv.Itoa(r.Period)
	}
	expires, months, price, refusal := q.quoteRenewal(r, period)
	if refusal != nil {
		return refusal
	}
	q.body.leaf("elid", r.ID)
	q.body.leaf("period", strconv.Itoa(months))
	q.body.leaf("expiredate", r.Expires)
	q.body.leaf("newexpiredate", expires)
	q.body.leaf("orderinfo", q.total(r.product, price))
	q.periods(r.product, r.Nodes)
	return nil
}

// total is the HTML in which the panel names a price.
func (q *request) total(p *Product, price Cents) string {
	word := phrase{"Total amount", "Общая сумма"}.in(q.lang)
	return fmt.Sprintf("<b>%s</b><br/>%s: %s", htmlEscape(p.Name), word, q.money(price))
}

// periods lists what can be chosen.
func (q *request) periods(p *Product, nodes int) {
	q.body.open("slist", "name", "period")
	for _, period := range p.periods() {
		price, _ := p.price(period, nodes)
		q.body.leaf("val", q.money(price), "key", strconv.Itoa(period))
	}
	q.body.close("slist")
}
