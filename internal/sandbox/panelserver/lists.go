package panelserver

import (
	"fmt"
	"strconv"
	"time"
)

// page gives the bounds of the rows that the call asks for, and writes the counts.
func (q *request) page(rows int) (from, to int) {
	count, err := strconv.Atoi(q.params.Get("p_cnt"))
	if err != nil || count < 1 {
		count = q.ways.PageSize
	}
	if count < 1 {
		count = 100
	}
	num, err := strconv.Atoi(q.params.Get("p_num"))
	if err != nil || num < 1 {
		num = 1
	}
	q.body.leaf("p_cnt", strconv.Itoa(count))
	q.body.leaf("p_elems", strconv.Itoa(rows))
	q.body.leaf("p_num", strconv.Itoa(num))
	if num-1 > rows/count {
		return rows, rows
	}
	from = min((num-1)*count, rows)
	return from, from + min(count, rows-from)
}

func (q *request) metadata(name, key string) {
	q.body.leaf("metadata", "", "name", name, "type", "list", "key", key)
}

func list(f Family) func(*request) *Refusal {
	return func(q *request) *Refusal {
		rows := q.lists[f]
		if q.ways.Filter != "" {
			rows = nil
			for _, r := range q.lists[f] {
				if q.ways.listed(r) {
					rows = append(rows, r)
				}
			}
		}
		q.metadata(string(f), "id")
		from, to := q.page(len(rows))
		for _, r := range rows[from:to] {
			q.row(r)
		}
		return nil
	}
}

func (q *request) row(r *record) {
	column := func(name, text string, attrs ...string) {
		if !q.ways.hidden(name) {
			q.body.leaf(name, text, attrs...)
		}
	}
	auto := "off"
	if r.AutoProlong {
		auto = "on"
	}
	q.body.open("elem")
	column("id", r.ID)
	column("licname", r.Name)
	if r.product.Family != Module {
		column("ip", r.IP)
	}
	column("pricelist", r.product.Name)
	column("period", strconv.Itoa(r.Period))
	column("createdate", r.Created)
	column("expiredate", q.expiry(r))
	column("real_expiredate", r.Expires)
	column("autoprolong", auto)
	column("cost", q.money(q.cost(r)))
	column("status", strconv.Itoa(r.Status))
	column("item_status", statusPhrase(r.Status).in(q.lang), "orig", r.state())
	q.body.close("elem")
}

// expiry is the date, or the phrase that daily billing has in its place.
func (q *request) expiry(r *record) string {
	t, err := time.ParseInLocation(day, r.Expires, q.now.Location())
	if !q.ways.DailyPhrase || err != nil {
		return r.Expires
	}
	days := int(t.Sub(q.now).Hours() / 24)
	return fmt.Sprintf(phrase{"in %d day(s)", "через %d дн."}.in(q.lang), days)
}

func history(q *request) *Refusal {
	r, refusal := q.named(Soft)
	if refusal != nil {
		return refusal
	}
	q.metadata("service.history", "id")
	from, to := q.page(len(r.history))
	for i, h := range r.history[from:to] {
		q.body.open("elem")
		q.body.leaf("id", strconv.Itoa(from+i+1))
		q.body.leaf("changedate", h.Time.Format(time.DateTime))
		q.body.leaf("desc", h.Desc)
		q.body.leaf("user", h.User)
		q.body.leaf("ip", h.IP)
		q.body.close("elem")
	}
	return nil
}

func expenses(q *request) *Refusal {
	q.metadata("expense", "id")
	from, to := q.page(len(q.expenses))
	for i, e := range q.expenses[from:to] {
		q.body.open("elem")
		q.body.leaf("id", strconv.Itoa(from+i+1))
		q.body.leaf("item", e.License)
		q.body.leaf("name", e.Desc)
		q.body.leaf("realdate", e.Time.Format(day))
		q.body.leaf("amount", q.money(e.Amount))
		q.body.close("elem")
	}
	return nil
}
