package requests

import (
	"reflect"
	"slices"
	"testing"

	"github.com/isplicense/license-bot/internal/license"
)

func TestMayAsk(t *testing.T) {
	l := people(Member{"Rita", Approver, []Account{r1, r2}}, ann, olga, vic)
	for _, c := range []struct {
		by   Account
		need int
		want Refusal
	}{
		{s1, 0, Refusal{Kind: RefusedStranger}},
		{v1, 0, Refusal{Kind: RefusedRole, Need: Operator, Has: Viewer}},
		{o1, 0, Refusal{}},
		{o1, 2, Refusal{}},
		{o1, 3, Refusal{Kind: RefusedNobody, Approvals: 3, Approvers: 2}},
		{r1, 1, Refusal{}},
		{r2, 2, Refusal{Kind: RefusedNobody, Approvals: 2, Approvers: 1}},
		{v1, 9, Refusal{Kind: RefusedRole, Need: Operator, Has: Viewer}},
	} {
		k := Known{Now: asked, Members: l, Rules: Rules{Approvals: map[Action]int{Edit: c.need}}}
		if got := MayAsk(c.by, Edit, k); got != c.want {
			t.Errorf("%s, %d approvals: %+v, want %+v", c.by, c.need, got, c.want)
		}
		s, got := Propose(Draft{ID: "abc234", Action: Edit, By: c.by, Items: []Item{{Code: "1001"}}}, k)
		if got != c.want {
			t.Errorf("Propose by %s: %+v, want %+v", c.by, got, c.want)
		}
		if refused := got.Kind != ""; refused != (len(s.Effects) == 0) || len(s.Entries) != 1 ||
			refused != (s.Entries[0].Event == EventRefused) || refused && s.Entries[0].Detail == "" {
			t.Errorf("by %s: effects %v, entries %+v", c.by, s.Effects, s.Entries)
		}
		if e := RefusedEntry(c.by, "edit", "1001", c.want, k); c.want.Kind != "" && e.Detail != s.Entries[0].Detail {
			t.Errorf("two details: %q and %q", e.Detail, s.Entries[0].Detail)
		}
	}
}

func TestPropose(t *testing.T) {
	items := []Item{{Code: "1001", Facts: Facts{Period: 1, Price: "4 EUR"}}, {Code: "1002", Facts: Facts{Period: 12}}}
	d := Draft{ID: "abc234", Action: Renew, Items: items, By: r2, Balance: "9 EUR", Where: "w", Follows: "old222"}
	s, _ := Propose(d, Known{Now: asked, Members: everybody, Rules: testRules})
	want := Request{
		ID: "abc234", Action: Renew, By: Who{r2, "Rita"}, State: Proposed, Asked: asked, Deadline: asked.Add(testRules.ConfirmTTL),
		Balance: "9 EUR", Where: "w", Follows: "old222", Items: slices.Clone(items),
	}
	for i := range want.Items {
		want.Items[i].State = Waiting
	}
	if !reflect.DeepEqual(s.Request, want) {
		t.Errorf("%+v, want %+v", s.Request, want)
	}
	if items[0].State != "" {
		t.Error("the draft was changed")
	}
	entry := Entry{
		Event: EventProposed, Request: "abc234", Actor: r2, Person: "Rita", Action: "renew", License: "1001,1002",
		Detail: "1001: for a month, price 4 EUR; 1002: for a year",
	}
	if len(s.Entries) != 1 || s.Entries[0] != entry || len(s.Effects) != 1 || s.Effects[0].Do != DoAsk || !s.Changed {
		t.Errorf("step %+v", s)
	}
}

func TestDescribe(t *testing.T) {
	f := Facts{Product: "P", Name: "srv", Address: "192.0.2.1", Expires: "2025-02-10", Period: 12, Price: "4 EUR"}
	for want, r := range map[string]Request{
		"for a year, expires 2025-02-10, price 4 EUR":                               {Action: Renew},
		"product 546 P, for a lifetime, ip ::1, name n, for licence 7, price 4 EUR": {Action: Order, Params: Params{Product: 546, Address: "::1", Name: "n", For: "7"}},
		"ip ::1, name n, price 4 EUR":                                               {Action: Edit, Params: Params{Address: "::1", Name: "n"}},
		"nodes 0, price 4 EUR":                                                      {Action: Nodes},
		"name srv, ip 192.0.2.1, price 4 EUR":                                       {Action: Terminate},
	} {
		r.Items = []Item{{Facts: f}}
		if got := r.describeAll(); got != want {
			t.Errorf("%s: %q, want %q", r.Action, got, want)
		}
	}
}

func TestGuardKeys(t *testing.T) {
	p := Params{Product: 546, Address: "192.0.2.1", Name: "a/b", For: "7", Period: 1}
	for want, got := range map[string][]string{
		`order/546/192.0.2.1/"a/b"/7`: GuardKeys(Order, p, nil),
		"renew/1001":                  GuardKeys(Renew, p, codesOf("1001")),
		"terminate/7":                 GuardKeys(Terminate, Params{}, codesOf("7")),
	} {
		if !slices.Equal(got, []string{want}) {
			t.Errorf("%v, want %s", got, want)
		}
	}
	another := p
	another.Period = 12
	if !slices.Equal(GuardKeys(Order, p, nil), GuardKeys(Order, another, nil)) {
		t.Error("an order for another term is another order")
	}
	for _, another := range []Params{
		{Product: 547, Address: p.Address, Name: p.Name, For: p.For}, {Product: 546, Name: p.Name, For: p.For},
		{Product: 546, Address: p.Address, For: p.For}, {Product: 546, Address: p.Address, Name: p.Name},
		{Product: 546, Address: p.Address, Name: `a"/7`}, {Product: 546, Address: p.Address, Name: "A/b", For: p.For},
	} {
		if slices.Equal(GuardKeys(Order, p, nil), GuardKeys(Order, another, nil)) {
			t.Errorf("%+v is taken for the same order", another)
		}
	}
}

func TestOpenGuards(t *testing.T) {
	r := Request{Action: Renew}
	var want []string
	for i, s := range []ItemState{Waiting, Checking, Started, Looking, Unknown, Applied, Not, Dropped} {
		c := license.Code(rune('1' + i))
		r.Items = append(r.Items, Item{Code: c, State: s})
		if i < 5 {
			want = append(want, "renew/"+string(c))
		}
		if order := (Request{Action: Order, Items: []Item{{State: s}}}); (len(order.OpenGuards()) == 1) != (i < 5) {
			t.Errorf("an order that is %s: %v", s, order.OpenGuards())
		}
	}
	if got := r.OpenGuards(); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestDifferences(t *testing.T) {
	shown := Facts{Name: "srv", Address: "192.0.2.1", Product: "P", Expires: "2025-02-10", Price: "4.50 EUR", Nodes: 1, After: "2025-03-10"}
	for name, c := range map[string]struct {
		action Action
		change func(*Facts)
		want   []Change
	}{
		"none":                        {Renew, func(*Facts) {}, nil},
		"name":                        {Renew, func(f *Facts) { f.Name = "web" }, []Change{{"name", "srv", "web"}}},
		"name cleared":                {Renew, func(f *Facts) { f.Name = "" }, []Change{{"name", "srv", ""}}},
		"address":                     {Edit, func(f *Facts) { f.Address = "192.0.2.2" }, []Change{{"address", "192.0.2.1", "192.0.2.2"}}},
		"address, another way":        {Edit, func(f *Facts) { f.Address = "::ffff:192.0.2.1" }, nil},
		"product":                     {Terminate, func(f *Facts) { f.Product = "Q" }, []Change{{"product", "P", "Q"}}},
		"expiry":                      {Renew, func(f *Facts) { f.Expires = "2025-03-10" }, []Change{{"expiry", "2025-02-10", "2025-03-10"}}},
		"price":                       {Renew, func(f *Facts) { f.Price = "4.51 EUR" }, []Change{{"price", "4.50 EUR", "4.51 EUR"}}},
		"price in another currency":   {Renew, func(f *Facts) { f.Price = "4.50 USD" }, []Change{{"price", "4.50 EUR", "4.50 USD"}}},
		"price, another way":          {Renew, func(f *Facts) { f.Price = "EUR 4.5" }, nil},
		"price not read":              {Renew, func(f *Facts) { f.Price = "" }, []Change{{"price", "4.50 EUR", ""}}},
		"nodes":                       {Nodes, func(f *Facts) { f.Nodes = 2 }, []Change{{"nodes", "1", "2"}}},
		"nodes not read":              {Nodes, func(f *Facts) { f.Nodes = -1 }, []Change{{"nodes", "1", ""}}},
		"nodes of no account":         {Renew, func(f *Facts) { f.Nodes = 2 }, nil},
		"what is not shown as a fact": {Renew, func(f *Facts) { f.Status, f.After = 3, "" }, nil},
		"several": {Renew, func(f *Facts) { f.Name, f.Price = "web", "5 EUR" },
			[]Change{{"name", "srv", "web"}, {"price", "4.50 EUR", "5 EUR"}}},
	} {
		now := shown
		c.change(&now)
		if got := Differences(c.action, shown, now); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if got := Differences(Nodes, Facts{Nodes: -1}, shown); len(got) > 0 {
		t.Errorf("what could not be shown is compared: %v", got)
	}
}
