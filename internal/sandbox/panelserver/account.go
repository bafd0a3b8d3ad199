package panelserver

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const day = "2006-01-02"

// account is the client's account: what it has, what it owes, and what the panel
// is still busy with. The server's lock guards it.
type account struct {
	ways     Ways
	currency string
	balance  Cents
	products map[int]*Product
	byID     map[string]*record
	lists    map[Family][]*record // by age; Soft has all
	expenses []Expense
	due      []event // what the panel will do, by time
	lastID   int
	lastBill int
}

// record is a licence with its history.
type record struct {
	License
	product *Product
	history []HistoryEntry
}

// event is something that the panel does later.
type event struct {
	at time.Time
	do func()
}

// HistoryEntry is a line of a licence's history.
type HistoryEntry struct {
	Time time.Time
	Desc string
	User string
	IP   string
}

// Expense is money that went off the balance.
type Expense struct {
	Time    time.Time
	License string
	Desc    string
	Amount  Cents
}

// actor is who does something, as the history shows it.
type actor struct{ user, ip string }

func newAccount(o Options) *account {
	a := &account{
		ways:     o.Ways,
		currency: o.Currency,
		balance:  o.Balance,
		products: map[int]*Product{},
		byID:     map[string]*record{},
		lists:    map[Family][]*record{},
		lastID:   1000,
		lastBill: 7000,
	}
	for _, p := range catalogue() {
		a.products[p.Code] = &p
	}
	for _, l := range o.Licenses {
		a.seed(l, o.Now())
	}
	return a
}

// seed puts a licence in that was there before. A seed that no panel could hold is
// a mistake in the test, and panics.
func (a *account) seed(l License, now time.Time) {
	p := a.products[l.Product]
	if p == nil {
		panic(fmt.Sprintf("panelserver: licence %q has the unknown product %d", l.ID, l.Product))
	}
	if l.ID == "" {
		l.ID = strconv.Itoa(a.lastID + 1)
	}
	id, err := strconv.Atoi(l.ID)
	if err != nil || id < 1 || a.byID[l.ID] != nil {
		panic(fmt.Sprintf("panelserver: licence %q: the code must be a number of its own", l.ID))
	}
	a.lastID = max(a.lastID, id)
	if l.Created == "" {
		l.Created = now.Format(day)
	}
	if l.Status == 0 {
		l.Status = Active
	}
	if l.Expires == "" && l.Period > 0 && l.Status != Ordered {
		l.Expires = addMonths(l.Created, l.Period)
	}
	a.add(&record{License: l, product: p})
}

func (a *account) add(r *record) {
	a.byID[r.ID] = r
	a.lists[Soft] = append(a.lists[Soft], r)
	a.lists[r.product.Family] = append(a.lists[r.product.Family], r)
}

func (a *account) remove(r *record) {
	delete(a.byID, r.ID)
	for _, f := range []Family{Soft, r.product.Family} {
		a.lists[f] = slices.DeleteFunc(a.lists[f], func(x *record) bool { return x == r })
	}
}

// find gives a licence that the family's functions may name.
func (a *account) find(f Family, id string) (*record, *Refusal) {
	r := a.byID[id]
	if r == nil || f != Soft && r.product.Family != f {
		return nil, &Refusal{Type: "missed", Object: "elid", Value: id}
	}
	return r, nil
}

// later has the panel do something at a time; settle does it.
func (a *account) later(at time.Time, do func()) {
	i, _ := slices.BinarySearchFunc(a.due, at, func(e event, at time.Time) int {
		if e.at.After(at) {
			return 1
		}
		return -1 // after all of the same time, so that these keep their order
	})
	a.due = slices.Insert(a.due, i, event{at, do})
}

// settle does what has become due.
func (a *account) settle(now time.Time) {
	for len(a.due) > 0 && !a.due[0].at.After(now) {
		e := a.due[0]
		a.due = a.due[1:]
		e.do()
	}
}

// work changes a licence after a delay, during which its status says so.
func (a *account) work(r *record, now time.Time, what string, delay time.Duration, done func()) {
	if delay <= 0 {
		done()
		return
	}
	before := r.Status
	r.Status, r.Processing = Processing, what
	a.later(now.Add(delay), func() {
		if r.Processing == what { // else the order has been opened meanwhile
			r.Status, r.Processing = before, ""
		}
		done()
	})
}

// pay takes money, or says that there is not enough.
func (a *account) pay(now time.Time, id, desc string, amount Cents) bool {
	if a.balance < amount {
		return false
	}
	a.balance -= amount
	a.expenses = append(a.expenses, Expense{Time: now, License: id, Desc: desc, Amount: amount})
	return true
}

func (a *account) money(c Cents) string { return c.String() + " " + a.currency }

// cost is what the licence's own period costs.
func (a *account) cost(r *record) Cents {
	c, _ := r.product.price(r.Period, r.Nodes)
	return c
}

func (r *record) note(now time.Time, by actor, desc string) {
	r.history = append(r.history, HistoryEntry{Time: now, Desc: desc, User: by.user, IP: by.ip})
}

// state is the status with what is being done: "2", "5_open".
func (r *record) state() string {
	if r.Processing != "" {
		return strconv.Itoa(r.Status) + "_" + r.Processing
	}
	return strconv.Itoa(r.Status)
}

// addMonths moves a day by months; where a month is too short, to its last day.
func addMonths(date string, months int) string {
	t, err := time.Parse(day, date)
	if err != nil {
		return ""
	}
	moved := t.AddDate(0, months, 0)
	if moved.Day() != t.Day() {
		moved = moved.AddDate(0, 0, -moved.Day())
	}
	return moved.Format(day)
}

// hidden says whether a column is left out of lists.
func (w *Ways) hidden(column string) bool { return slices.Contains(w.Hide, column) }

// listed says whether a person's filter lets the row through.
func (w *Ways) listed(r *record) bool { return strings.Contains(r.Name, w.Filter) }
