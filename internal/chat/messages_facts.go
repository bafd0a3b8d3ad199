package chat

import (
	"slices"
	"unicode"

	"github.com/isplicense/license-bot/internal/commands"
	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
)

// facts is the table of one licence and what is done to it.
func (s *Speaker) facts(r requests.Request, i requests.Item) []Fact {
	l := s.w.labels
	var t table
	if i.Code != "" {
		t.add(l.licence, code(i.Code))
	}
	name, address := s.fact(i, license.FieldName, i.Facts.Name), s.fact(i, license.FieldAddress, i.Facts.Address)
	switch r.Action {
	case requests.Edit:
		t.add(l.name, s.edited(name, r.Params.Name, i, func(a, b string) bool { return a == b }))
		t.add(l.address, s.edited(address, r.Params.Address, i, license.SameAddress))
	case requests.Order:
		t.plain(l.name, cut(oneLine(orElse(name, r.OrderName(i.Facts.Family))), nameMax))
		t.plain(l.address, cut(oneLine(orElse(address, r.Params.Address)), addressMax))
	case requests.Nodes, requests.Renew, requests.Terminate:
		t.plain(l.name, cut(oneLine(name), nameMax))
		t.plain(l.address, cut(oneLine(address), addressMax))
	}
	t.plain(l.product, s.fact(i, license.FieldProduct, productName(r, i)))
	if r.Params.For != "" {
		t.add(l.forLicence, code(r.Params.For))
	}
	t.add(l.expires, s.expiry(r, i))
	switch r.Action {
	case requests.Order, requests.Renew:
		t.add(l.period, s.period(i.Facts.Period))
	case requests.Nodes:
		t.add(l.nodes, s.nodes(r, i))
	case requests.Edit, requests.Terminate:
	}
	return t
}

// fact is what the panel said, or that it did not.
func (s *Speaker) fact(i requests.Item, f license.Field, value string) string {
	if value == "" && slices.Contains(i.Facts.Unknown, f) {
		return s.w.now.unknown
	}
	return value
}

// table gathers facts and leaves out those that have no value.
type table []Fact

func (t *table) add(label string, value Text) {
	if len(value) > 0 {
		*t = append(*t, Fact{label, value})
	}
}

func (t *table) plain(label, value string) {
	if value != "" {
		t.add(label, plain(value))
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// edited shows a field of an edit: what it is, and what it is to become.
func (s *Speaker) edited(now, asked string, i requests.Item, same func(a, b string) bool) Text {
	now, asked = cut(oneLine(now), nameMax), cut(oneLine(asked), nameMax)
	switch {
	case asked == "" || same(now, asked) || i.State == requests.Not || i.State == requests.Dropped:
		if now == "" {
			return nil
		}
		return plain(now)
	}
	return s.change(now, asked)
}

// nodes shows the count of nodes and what it is to become.
func (s *Speaker) nodes(r requests.Request, i requests.Item) Text {
	was := s.w.now.unknown
	if i.Facts.Nodes >= 0 {
		was = number(i.Facts.Nodes).String()
	}
	if i.State == requests.Not || i.State == requests.Dropped {
		return plain(was)
	}
	return s.change(was, number(r.Params.Count).String())
}

// expiry shows the expiry date and what it becomes, or has become, by a renewal.
func (s *Speaker) expiry(r requests.Request, i requests.Item) Text {
	was, after := s.fact(i, license.FieldExpiry, string(i.Facts.Expires)), string(i.Facts.After)
	switch {
	case i.State == requests.Applied && r.Action == requests.Renew && i.Expires == "":
		return nil // it has another by now, which was not seen
	case i.State == requests.Applied:
		after = string(i.Expires)
	case i.State == requests.Not || i.State == requests.Dropped || r.Action != requests.Renew:
		after = ""
	}
	switch {
	case after == "" && was == "":
		return nil
	case after == "" || after == was:
		return plain(was)
	case was == "":
		return plain(after)
	}
	return s.change(was, after)
}

// productName is the product as the panel has it, or as the catalogue does.
func productName(r requests.Request, i requests.Item) string {
	name := i.Facts.Product
	if name == "" {
		for _, c := range []int{i.Facts.ProductCode, r.Params.Product} {
			if p, ok := license.ProductByCode(c); ok && name == "" {
				name = p.Name
			}
		}
	}
	return cut(oneLine(name), productMax)
}

// costs says whether an action is paid for.
func costs(a requests.Action) bool {
	switch a {
	case requests.Order, requests.Renew, requests.Nodes:
		return true
	case requests.Edit, requests.Terminate:
	}
	return false
}

// moneyFacts are the price and the balance that it is paid from, and that they
// could not be read.
func (s *Speaker) moneyFacts(r requests.Request) []Fact {
	if !costs(r.Action) {
		return nil
	}
	l, q := s.w.labels, s.w.question
	label, price := l.price, plain(cut(oneLine(first(r).Facts.Price), priceMax))
	if len(r.Items) > 1 {
		label = l.total
		price = nil
		if sum, ok := license.Sum(prices(r)...); ok {
			price = plain(sum.String())
		}
	}
	if price.String() == "" {
		price = q.noPrice.fill(nil)
	}
	balance := plain(cut(oneLine(r.Balance), priceMax))
	if balance.String() == "" {
		balance = q.noBalance.fill(nil)
	}
	return []Fact{{label, price}, {l.balance, balance}}
}

func prices(r requests.Request) []string {
	var all []string
	for _, i := range r.Items {
		all = append(all, i.Facts.Price)
	}
	return all
}

// tooLittle says that the balance does not suffice, where both can be compared.
func (s *Speaker) tooLittle(r requests.Request) Text {
	price, ok := license.Sum(prices(r)...)
	balance, known := license.ParseMoney(r.Balance)
	comparable := price.Currency == balance.Currency || price.Currency == "" || balance.Currency == ""
	if !costs(r.Action) || !ok || !known || !comparable || balance.Units >= price.Units {
		return nil
	}
	return s.w.question.tooLittle.fill(args{"balance": plain(balance.String()), "price": plain(price.String())})
}

// mixedScripts warns of a name or word that looks like another one because it
// mixes alphabets.
func (s *Speaker) mixedScripts(r requests.Request) Text {
	names := []string{r.Params.Name}
	for _, i := range r.Items {
		names = append(names, i.Facts.Name)
	}
	for _, n := range names {
		if mixes(n) {
			return s.w.question.mixed.fill(args{"name": plain(cut(oneLine(n), nameMax))})
		}
	}
	return nil
}

// mixes says whether Latin and Cyrillic letters stand in one word. Words of either
// alphabet beside each other ("сервер web1") are how people write.
func mixes(s string) bool {
	words := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }
	var latin, cyrillic bool
	for _, r := range s + " " {
		switch {
		case words(r):
			latin, cyrillic = false, false
		case unicode.Is(unicode.Latin, r):
			latin = true
		case unicode.Is(unicode.Cyrillic, r):
			cyrillic = true
		}
		if latin && cyrillic {
			return true
		}
	}
	return false
}

// changes lists what is not as the question showed it.
func (s *Speaker) changes(i requests.Item) []Block {
	lines := s.changed(i)
	if len(lines) == 0 {
		return nil
	}
	return append(paragraph(s.w.question.differs.fill(nil)), Block{Lines: lines})
}

// changed is a line for each thing that is not as the question showed it.
func (s *Speaker) changed(i requests.Item) []Text {
	l := s.w.labels
	labels := map[string]string{
		"name": l.name, "address": l.address, "product": l.product, "expiry": l.expires, "price": l.price, "nodes": l.nodes,
	}
	var lines []Text
	for _, c := range i.Changes {
		label := orElse(labels[c.Field], c.Field)
		was, now := cut(oneLine(c.Was), nameMax), cut(oneLine(c.Now), nameMax)
		lines = append(lines, s.w.question.changed.fill(args{"field": plain(label), "change": s.change(was, now)}))
	}
	return lines
}

// counts of a request's items by how they stand.
type counts struct {
	applied, not, unknown, looking, open, dropped int // open: looking, and those still to be begun or answered
}

func count(items []requests.Item) counts {
	var c counts
	for _, i := range items {
		switch i.State {
		case requests.Applied:
			c.applied++
		case requests.Not:
			c.not++
		case requests.Unknown:
			c.unknown++
		case requests.Dropped:
			c.dropped++
		case requests.Looking:
			c.looking++
			c.open++
		case requests.Waiting, requests.Checking, requests.Started:
			c.open++
		}
	}
	return c
}

// icon is that of an outcome: good only where all of it is.
func (c counts) icon() string {
	switch {
	case c.open > 0:
		return iconRunning
	case c.unknown > 0 || c.applied > 0 && c.not+c.dropped > 0:
		return iconWarn
	case c.not+c.dropped > 0:
		return iconNot
	}
	return iconDone
}

// counts says how many licences came to what: "48 renewed, 1 not renewed".
func (s *Speaker) counts(r requests.Request, c counts) Text {
	a := s.w.actions[r.Action]
	var parts []Text
	for _, p := range []struct {
		n    int
		word Text
	}{
		{c.applied, a.done.fill(nil)},
		{c.not, a.not.fill(nil)},
		{c.unknown, plain(s.w.items[requests.Unknown])},
		{c.looking, plain(s.w.items[requests.Looking])},
		{c.open - c.looking, plain(s.w.items[requests.Waiting])},
		{c.dropped, plain(s.w.items[requests.Dropped])},
	} {
		if p.n > 0 {
			parts = append(parts, s.w.report.count.fill(args{"n": number(p.n), "outcome": p.word}))
		}
	}
	return join(", ", parts...)
}

// widths say how much of each field a line of many shows.
type widths struct{ name, address, product, price, after, said, reasons int }

// The widths from roomy to tight. With the last, fifty lines of the longest values
// still fit a message.
var lineWidths = [...]widths{
	{20, 39, 24, 12, 10, 120, 10},
	{20, 39, 20, 0, 10, 40, 6},
	{16, 21, 14, 0, 0, 24, 4},
	{6, 18, 8, 0, 0, 0, 2},
}

// messageMax is what a message of many lines may have in UTF-16 units: Telegram
// takes 4096 (core.telegram.org/bots/api#sendmessage), and adapters add little.
const messageMax = 3800

// fit makes the message as roomy as it may be.
func fit(build func(widths) Message) Message {
	var m Message
	for _, w := range lineWidths {
		if m = build(w); units(PlainText(m)) <= messageMax {
			break
		}
	}
	return m
}

// many is a request for several licences: what they have in common, and a line
// each, with the outcomes or as the question shows them.
func (s *Speaker) many(r requests.Request, items []requests.Item, w widths, outcome bool) []Block {
	differs := func(field func(requests.Facts) any) bool {
		return slices.ContainsFunc(items, func(i requests.Item) bool { return field(i.Facts) != field(items[0].Facts) })
	}
	same := !differs(func(f requests.Facts) any { return f.Product })
	var common table
	if same {
		common.plain(s.w.labels.product, productName(r, items[0]))
	}
	if !differs(func(f requests.Facts) any { return f.Period }) {
		common.add(s.w.labels.period, s.period(items[0].Facts.Period))
	}
	var lines []Text
	for _, i := range items[:min(len(items), commands.MaxCodes)] {
		fields := []Text{join(" ", code(i.Code), short(i.Facts.Name, w.name)), short(i.Facts.Address, w.address)}
		if !same {
			fields = append(fields, short(productName(r, i), w.product))
		}
		if outcome {
			fields = append(fields, s.lineOutcome(r, i, w))
		} else {
			fields = append(fields, s.lineExpiry(i, w), short(i.Facts.Price, w.price))
		}
		lines = append(lines, join(" · ", fields...))
	}
	if more := len(items) - commands.MaxCodes; more > 0 {
		lines = append(lines, s.more(more))
	}
	if len(common) == 0 {
		return []Block{{Lines: lines}}
	}
	return []Block{{Facts: common}, {Lines: lines}}
}

// short is one field of a line; nothing where there is no room for it.
func short(v string, n int) Text {
	if v = oneLine(v); v == "" || n == 0 {
		return nil
	}
	return plain(cut(v, n))
}

func (s *Speaker) lineExpiry(i requests.Item, w widths) Text {
	if i.Facts.After == "" || w.after == 0 {
		return short(string(i.Facts.Expires), 10)
	}
	return s.change(string(i.Facts.Expires), string(i.Facts.After))
}
