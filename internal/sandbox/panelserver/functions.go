package panelserver

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// function is one of the panel's.
type function struct {
	changes bool // submitted, it changes something
	order   bool // it is submitted by its button alone
	run     func(*request) *Refusal
}

// changing says whether a call with these params asks for a change, or only looks.
func (f function) changing(params url.Values) bool {
	return f.changes && submitted(params) && (!f.order || finished(params))
}

// request is one call on its way through a function. A function writes its answer
// to body, and says in the rest what it did.
type request struct {
	*account
	fn     string
	params url.Values
	now    time.Time
	by     actor
	lang   string

	body    document
	done    bool   // a form was submitted: the answer gets its ok
	license string // the code that the call was about
	effect  bool
	charged Cents
}

// functions are all that the panel offers, by name.
func functions() map[string]function {
	all := map[string]function{
		"soft":            {run: list(Soft)},
		"soft.edit":       {changes: true, run: editForm(Soft)},
		"service.prolong": {changes: true, run: prolong},
		"service.history": {run: history},
		"dashboard.info":  {run: dashboard},
		"expense":         {run: expenses},
		"whoami":          {run: whoami},
	}
	for _, f := range []Family{SoftExternal, Plesk, Module} {
		name := string(f)
		all[name] = function{run: list(f)}
		all[name+".edit"] = function{changes: true, run: editForm(f)}
		all[name+".order.param"] = function{changes: true, order: true, run: orderForm(f)}
		all[name+".delete"] = function{changes: true, run: onLicense(f, (*account).delete)}
		all[name+".suspend"] = function{changes: true, run: onLicense(f, func(a *account, now time.Time, by actor, r *record) *Refusal {
			return a.pause(now, by, r, true)
		})}
		all[name+".resume"] = function{changes: true, run: onLicense(f, func(a *account, now time.Time, by actor, r *record) *Refusal {
			return a.pause(now, by, r, false)
		})}
	}
	return all
}

// submitted says whether a form is sent, or only looked at.
func submitted(params url.Values) bool { return params.Get("sok") == "ok" }

// finished says whether a form of several steps is at its last.
func finished(params url.Values) bool { return params.Get("clicked_button") == "finish" }

// named finds the licence that elid names.
func (q *request) named(f Family) (*record, *Refusal) {
	r, refusal := q.find(f, q.params.Get("elid"))
	if refusal == nil {
		q.license = r.ID
	}
	return r, refusal
}

// changed notes that the call had its effect.
func (q *request) changed(id string, charged Cents) {
	q.done, q.effect, q.license, q.charged = true, true, id, charged
}

// onLicense makes a function of an operation that needs no more than the licence.
func onLicense(f Family, do func(*account, time.Time, actor, *record) *Refusal) func(*request) *Refusal {
	return func(q *request) *Refusal {
		r, refusal := q.named(f)
		if refusal != nil {
			return refusal
		}
		if !submitted(q.params) {
			q.body.leaf("elid", r.ID)
			return nil
		}
		if refusal := do(q.account, q.now, q.by, r); refusal != nil {
			return refusal
		}
		q.changed(r.ID, 0)
		return nil
	}
}

// readEdit takes the fields of an edit. Only soft.edit knows of nodes.
func readEdit(f Family, params url.Values) (edit, *Refusal) {
	ip := "ip"
	if f == Plesk && !params.Has("ip") {
		ip = "pa_ip"
	}
	e := edit{
		name:    params.Get("licname"),
		hasName: params.Has("licname"),
		ip:      params.Get(ip),
		hasIP:   params.Has(ip),
	}
	if f != Soft {
		return e, nil
	}
	var addons []string
	for name := range params {
		if strings.HasPrefix(name, "addon_") {
			addons = append(addons, name)
		}
	}
	slices.Sort(addons)
	for i, name := range addons {
		node, err := strconv.Atoi(strings.TrimPrefix(name, "addon_"))
		count, err2 := strconv.ParseUint(params.Get(name), 10, 16)
		if err != nil || err2 != nil || node < 1 || i > 0 {
			return e, &Refusal{Type: "value", Object: name, Value: params.Get(name)}
		}
		e.addon, e.nodes = node, int(count)
	}
	return e, nil
}

func editForm(f Family) func(*request) *Refusal {
	return func(q *request) *Refusal {
		r, refusal := q.named(f)
		if refusal != nil {
			return refusal
		}
		if !submitted(q.params) {
			q.showLicense(r)
			return nil
		}
		e, refusal := readEdit(f, q.params)
		if refusal == nil {
			refusal = q.edit(q.now, q.by, r, e)
		}
		if refusal != nil {
			return refusal
		}
		q.changed(r.ID, 0)
		return nil
	}
}

func orderForm(f Family) func(*request) *Refusal {
	return func(q *request) *Refusal {
		field := "ip"
		if f == Plesk {
			field = "pa_ip"
		}
		o := order{
			family:  f,
			product: q.params.Get("pricelist"),
			period:  q.params.Get("period"),
			ip:      q.params.Get(field),
			name:    q.params.Get("licname"),
			item:    q.params.Get("item"),
		}
		if !submitted(q.params) || !finished(q.params) {
			return q.showOrder(field, o)
		}
		if q.params.Get("skipbasket") != "on" {
			// The order waits in the basket for somebody to pay: nothing is bought.
			if _, _, _, refusal := q.quote(o); refusal != nil {
				return refusal
			}
			q.body.leaf("ok", "func=basket", "type", "form")
			return nil
		}
		got, refusal := q.order(q.now, q.by, o)
		if refusal != nil {
			return refusal
		}
		q.changed(got.id, got.charged)
		switch q.ways.OrderAnswer {
		case IDInDoc:
			q.body.leaf("id", got.id)
		case IDNested:
			q.body.open("doc")
			q.body.leaf("id", got.id)
			q.body.close("doc")
		}
		q.showBill(got)
		return nil
	}
}

func prolong(q *request) *Refusal {
	r, refusal := q.named(Soft)
	if refusal != nil {
		return refusal
	}
	period := q.params.Get("period")
	if !submitted(q.params) {
		return q.showRenewal(r, period)
	}
	got, refusal := q.renew(q.now, q.by, r, period)
	if refusal != nil {
		return refusal
	}
	q.changed(got.id, got.charged)
	if got.bill != "" {
		q.effect = false // nothing but an unpaid bill
		q.showBill(got)
		return nil
	}
	if !q.ways.FlatRenewal {
		q.body.open("doc")
		defer q.body.close("doc")
	}
	q.body.leaf("newexpiredate", got.expires)
	return nil
}

// showBill says that something is still to be paid.
func (q *request) showBill(got receipt) {
	switch {
	case got.bill == "":
	case q.ways.NoMoney == LeavePaymentID:
		q.body.leaf("payment_id", got.bill)
	default:
		q.body.leaf("billorder", got.bill)
	}
}

func dashboard(q *request) *Refusal {
	q.body.open("elem")
	q.body.leaf("project", "ISPlicense")
	q.body.leaf("balance", q.money(q.balance))
	q.body.close("elem")
	return nil
}

func whoami(q *request) *Refusal {
	q.body.leaf("user", "", "name", q.by.user, "level", "16")
	return nil
}
