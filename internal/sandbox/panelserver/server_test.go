package panelserver_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
)

func TestLists(t *testing.T) {
	r := start(t, panelserver.Options{})
	for family, want := range map[string]string{"softexternal": "8", "parallelslic": "2", "addition": "2", "soft": "12"} {
		r.text("func="+family, "p_elems", want)
	}
	if n := len(r.Licenses()); n != 12 {
		t.Errorf("%d licences", n)
	}
	doc := r.ok("func=softexternal")
	row := doc.at("elem")
	for column, want := range map[string]string{
		"id": "1001", "licname": "srv1", "ip": "192.0.2.10", "pricelist": "ISPmanager 6 Lite", "period": "1",
		"createdate": "2025-01-11", "expiredate": "2025-02-10", "real_expiredate": "2025-02-10",
		"autoprolong": "off", "cost": "4.90 EUR", "status": "2", "item_status": "Active",
	} {
		if got := row.at(column).Text; got != want {
			t.Errorf("%s is %q, want %q", column, got, want)
		}
	}
	if orig := row.at("item_status").attr("orig"); orig != "2" {
		t.Errorf("orig is %q", orig)
	}
	if m := doc.at("metadata"); m.attr("key") != "id" || m.attr("type") != "list" {
		t.Errorf("metadata %v", m)
	}
	if r.ok("func=addition").at("elem").has("ip") {
		t.Error("a module has an address")
	}
	if got := r.ok("func=softexternal&lang=ru").at("elem/item_status").Text; got != "Активен" {
		t.Errorf("in Russian: %q", got)
	}
}

func TestPaging(t *testing.T) {
	r := start(t, panelserver.Options{Ways: panelserver.Ways{PageSize: 10}})
	ids := func(call string) (ids []string) {
		for _, e := range r.ok(call).all("elem") {
			ids = append(ids, e.at("id").Text)
		}
		return ids
	}
	if got := ids("func=soft"); len(got) != 10 {
		t.Errorf("without p_cnt: %v", got)
	}
	if got := ids("func=soft&p_cnt=5&p_num=3"); !slices.Equal(got, []string{"1011", "1012"}) {
		t.Errorf("third page: %v", got)
	}
	if got := ids("func=soft&p_cnt=9223372036854775807&p_num=9223372036854775807"); got != nil {
		t.Errorf("far out: %v", got)
	}
	r.text("func=soft&p_cnt=5&p_num=3", "p_elems", "12")
}

func TestListWays(t *testing.T) {
	r := start(t, panelserver.Options{Ways: panelserver.Ways{Hide: []string{"status", "expiredate"}, Filter: "plesk"}})
	row := r.ok("func=parallelslic").at("elem")
	if row.has("status") || row.has("expiredate") || !row.has("real_expiredate") {
		t.Error("columns are not hidden")
	}
	r.text("func=softexternal", "p_elems", "0")
	r.Adjust(func(w *panelserver.Ways) { *w = panelserver.Ways{DailyPhrase: true} })
	r.text("func=softexternal", "elem/expiredate", "in 2 day(s)")
	r.text("func=softexternal", "elem/real_expiredate", "2025-02-10")
}

func TestForms(t *testing.T) {
	r := start(t, panelserver.Options{})
	form := r.ok("func=softexternal.edit&elid=1002")
	for field, want := range map[string]string{
		"ip": "192.0.2.20", "licname": "web-cluster", "pricelist": "549", "addon_550": "3", "lickey": "KEY-1002-0C41",
		"period": "12", "status": "2",
	} {
		if got := form.at(field).Text; got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	r.text("func=parallelslic.edit&elid=1004", "pa_ip", "192.0.2.40")
	r.text("func=addition.edit&elid=1005", "item", "1002")
	r.text("func=softexternal.order.param&pricelist=229&period=12", "orderinfo", "<b>ISPmanager 5 Lite</b><br/>Total amount: 45.00 EUR")
	r.text("func=service.prolong&elid=1001&period=12", "newexpiredate", "2026-02-10")
	r.text("func=service.prolong&elid=1002", "newexpiredate", "2026-04-13")
	// A form that is not submitted has no effect.
	for _, call := range []string{
		"func=softexternal.edit&elid=1001&ip=192.0.2.1&licname=x",
		"func=softexternal.delete&elid=1001",
		"func=softexternal.order.param&clicked_button=finish&ip=192.0.2.99&period=1&pricelist=546&skipbasket=on",
		"func=softexternal.order.param&ip=192.0.2.99&period=1&pricelist=546&sok=ok&skipbasket=on",
		"func=softexternal.order.param&clicked_button=finish&ip=192.0.2.99&period=1&pricelist=546&sok=ok",
	} {
		r.ok(call)
	}
	if got := r.Effects(""); len(got) != 0 {
		t.Errorf("effects: %v", got)
	}
}

func TestOrderOpensInTime(t *testing.T) {
	r := start(t, panelserver.Options{Ways: panelserver.Ways{
		Delays: panelserver.Delays{Open: 10 * time.Minute, Key: time.Minute},
	}})
	id := r.ok(orderLite).at("id").Text
	if id != "1013" {
		t.Fatalf("id %q", id)
	}
	state := func() string {
		for _, e := range r.ok("func=softexternal").all("elem") {
			if e.at("id").Text == id {
				return e.at("item_status").attr("orig")
			}
		}
		return "none"
	}
	for _, want := range []string{"1", "5_open", "2"} {
		if got := state(); got != want {
			t.Errorf("state %q, want %q", got, want)
		}
		r.clock.pass(5 * time.Minute)
	}
	r.text("func=softexternal.edit&elid="+id, "lickey", r.license(id).Key)
	if l := r.license(id); l.Key == "" || l.Expires != "2025-03-07" {
		t.Errorf("opened as %+v", l)
	}
	r.charged("softexternal.order.param", 1)
	if r.Balance() != 100000-490 || len(r.Expenses()) != 1 {
		t.Errorf("balance %v, expenses %v", r.Balance(), r.Expenses())
	}
}

func TestNothingIsIdempotent(t *testing.T) {
	r := start(t, panelserver.Options{})
	r.ok(orderLite)
	r.ok(orderLite)
	r.charged("softexternal.order.param", 2)
	r.text(renew1001, "doc/newexpiredate", "2025-03-10")
	r.text(renew1001, "doc/newexpiredate", "2025-04-10")
	r.charged("service.prolong", 2)
	if got := r.license("1001").Expires; got != "2025-04-10" {
		t.Errorf("expires %s", got)
	}
}

func TestOrderAnswers(t *testing.T) {
	r := start(t, panelserver.Options{})
	r.Adjust(func(w *panelserver.Ways) { w.OrderAnswer, w.OK = panelserver.IDNested, panelserver.OKForm })
	doc := r.ok(orderLite)
	if doc.at("doc/id").Text != "1013" || doc.at("ok").Text != "func=softexternal" || doc.at("ok").attr("type") != "form" {
		t.Errorf("nested: %v", doc)
	}
	r.Adjust(func(w *panelserver.Ways) { w.OrderAnswer, w.OK = panelserver.NoID, panelserver.OKAbsent })
	if doc := r.ok(orderLite); doc.has("id") || doc.has("doc") || doc.has("ok") {
		t.Errorf("bare: %v", doc)
	}
	r.Adjust(func(w *panelserver.Ways) { w.FlatRenewal = true })
	r.text(renew1001, "newexpiredate", "2025-03-10")
}

func TestOtherFamilies(t *testing.T) {
	r := start(t, panelserver.Options{})
	r.ok("func=parallelslic.order.param&clicked_button=finish&pa_ip=192.0.2.98&period=1&pricelist=250&sok=ok&skipbasket=on")
	r.ok("func=addition.order.param&clicked_button=finish&period=12&pricelist=356&sok=ok&skipbasket=on&item=1001")
	if p, m := r.license("1013"), r.license("1014"); p.IP != "192.0.2.98" || m.Item != "1001" || m.Expires != "2026-02-07" {
		t.Errorf("got %+v and %+v", p, m)
	}
	r.ok("func=parallelslic.edit&elid=1013&ip=192.0.2.97&licname=p&sok=ok")
	r.ok("func=addition.edit&elid=1014&licname=m&sok=ok")
	r.ok("func=parallelslic.delete&elid=1013&sok=ok")
	r.ok("func=addition.delete&elid=1014&sok=ok")
	r.refused("func=softexternal.delete&elid=1004&sok=ok", "missed/elid")
}

func TestEdits(t *testing.T) {
	r := start(t, panelserver.Options{})
	r.ok("func=softexternal.edit&elid=1001&licname=renamed&ip=2001:db8::1&sok=ok")
	if l := r.license("1001"); l.Name != "renamed" || l.IP != "2001:db8::1" {
		t.Errorf("edited: %+v", l)
	}
	r.ok("func=softexternal.edit&elid=1001&licname=x&sok=ok")
	if l := r.license("1001"); l.IP != "" {
		t.Errorf("what is left out stays: %+v", l)
	}
	r.ok("func=soft.edit&elid=1002&ip=192.0.2.20&licname=web-cluster&addon_550=5&sok=ok")
	if l := r.license("1002"); l.Nodes != 5 {
		t.Errorf("nodes: %+v", l)
	}
	r.refused("func=soft.edit&elid=1002&addon_274=5&sok=ok", "value/addon_274")
	r.refused("func=soft.edit&elid=1002&addon_550=-1&sok=ok", "value/addon_550")
	r.refused("func=soft.edit&elid=1002&addon_550=1&addon_551=1&sok=ok", "value/addon_551")
	r.Adjust(func(w *panelserver.Ways) { w.KeepMissing, w.NodesAdd = true, true })
	r.ok("func=soft.edit&elid=1002&addon_550=2&sok=ok")
	if l := r.license("1002"); l.Nodes != 7 || l.Name != "web-cluster" {
		t.Errorf("kept and added: %+v", l)
	}
}

func TestDeletes(t *testing.T) {
	r := start(t, panelserver.Options{})
	r.ok("func=softexternal.delete&elid=1001&sok=ok")
	if _, there := r.License("1001"); there {
		t.Error("1001 is still there")
	}
	r.refused("func=softexternal.delete&elid=1001&sok=ok", "missed/elid")
	r.Adjust(func(w *panelserver.Ways) { w.DeletedStays, w.Delays.Delete = true, time.Minute })
	r.ok("func=softexternal.delete&elid=1003&sok=ok")
	if l := r.license("1003"); l.Status != panelserver.Processing || l.Processing != "delete" {
		t.Errorf("deleting: %+v", l)
	}
	r.refused("func=softexternal.delete&elid=1003&sok=ok", "operation/runningoperation")
	e := r.refused("func=service.prolong&elid=1003&period=1&sok=ok", "cannot_prolong/delete")
	if !strings.Contains(e.at("msg").Text, "being deleted") {
		t.Errorf("msg %q", e.at("msg").Text)
	}
	r.clock.pass(time.Minute)
	if l := r.license("1003"); l.Status != panelserver.Deleted {
		t.Errorf("deleted: %+v", l)
	}
	r.Adjust(func(w *panelserver.Ways) { w.MinTerm = 30 * 24 * time.Hour })
	e = r.refused("func=softexternal.delete&elid=1012&sok=ok", "pricelist_min_order/pricelist")
	if got := e.at("msg").Text; got != "The service cannot be deleted before 2025-03-07" {
		t.Errorf("msg %q", got)
	}
}

// An order that is deleted before it opened stays deleted.
func TestDeleteBeforeOpen(t *testing.T) {
	r := start(t, panelserver.Options{Ways: panelserver.Ways{
		DeletedStays: true, Delays: panelserver.Delays{Open: time.Hour},
	}})
	id := r.ok(orderLite).at("id").Text
	r.ok("func=softexternal.delete&elid=" + id + "&sok=ok")
	r.clock.pass(2 * time.Hour)
	if l := r.license(id); l.Status != panelserver.Deleted {
		t.Errorf("got %+v", l)
	}
}

func TestRenewals(t *testing.T) {
	r := start(t, panelserver.Options{})
	r.refused("func=service.prolong&elid=1007&period=1&sok=ok", "value/period")
	r.refused("func=service.prolong&elid=1001&period=0&sok=ok", "value/period")
	r.refused("func=service.prolong&elid=1001&sok=ok", "value/period")
	r.ok("func=service.prolong&elid=1006&period=1&sok=ok")
	if l := r.license("1006"); l.Status != panelserver.Active {
		t.Errorf("a renewal does not wake a suspended licence: %+v", l)
	}
	r.Adjust(func(w *panelserver.Ways) { w.Delays.Renew = time.Minute })
	r.text(renew1001, "doc/newexpiredate", "2025-03-10")
	if l := r.license("1001"); l.Expires != "2025-02-10" || l.Processing != "prolong" {
		t.Errorf("at once: %+v", l)
	}
	r.refused(renew1001, "cannot_prolong/prolong")
	r.clock.pass(time.Minute)
	if l := r.license("1001"); l.Expires != "2025-03-10" || l.Status != panelserver.Active {
		t.Errorf("later: %+v", l)
	}
	r.Adjust(func(w *panelserver.Ways) { w.RenewWithin = 10 * 24 * time.Hour })
	e := r.refused("func=service.prolong&elid=1008&period=1&sok=ok", "prolong_date")
	if got := e.at("msg").Text; got != "The service can be renewed only after 2025-02-18" {
		t.Errorf("msg %q", got)
	}
}

func TestNoMoney(t *testing.T) {
	r := start(t, panelserver.Options{Balance: 1})
	e := r.refused(orderLite, "no_money/balance")
	if got := e.at("msg").Text; got != "Insufficient funds: 4.90 EUR needed, 0.01 EUR on the account" {
		t.Errorf("msg %q", got)
	}
	r.refused(renew1001, "no_money/balance")
	r.Adjust(func(w *panelserver.Ways) { w.NoMoney = panelserver.LeaveBillOrder })
	doc := r.ok(orderLite)
	if !doc.has("billorder") {
		t.Error("no billorder")
	}
	r.clock.pass(24 * time.Hour)
	if l := r.license(doc.at("id").Text); l.Status != panelserver.Ordered || l.Expires != "" {
		t.Errorf("unpaid: %+v", l)
	}
	r.Adjust(func(w *panelserver.Ways) { w.NoMoney = panelserver.LeavePaymentID })
	if doc := r.ok(renew1001); !doc.has("payment_id") || doc.has("doc/newexpiredate") {
		t.Errorf("unpaid renewal: %v", doc)
	}
	if l := r.license("1001"); l.Expires != "2025-02-10" {
		t.Errorf("renewed without money: %+v", l)
	}
	r.charged("softexternal.order.param", 0)
	r.charged("service.prolong", 0)
	if n := len(r.Effects("")); n != 1 {
		t.Errorf("%d effects", n)
	}
}

func TestRefusedValues(t *testing.T) {
	r := start(t, panelserver.Options{Ways: panelserver.Ways{NeedItem: true, UniqueIP: true}})
	finish := "&clicked_button=finish&sok=ok&skipbasket=on"
	for call, want := range map[string]string{
		"func=nonsense":                    "missed/func",
		"func=":                            "missed/func",
		"func=softexternal.edit&elid=9999": "missed/elid",
		"func=softexternal.edit&elid=1001&ip=300.1.1.1&licname=x&sok=ok":                            "value/ip",
		"func=softexternal.order.param&ip=host&period=1&pricelist=546" + finish:                     "value/ip",
		"func=softexternal.order.param&ip=192.0.2.10&period=1&pricelist=546" + finish:               "exists/ip",
		"func=softexternal.order.param&ip=192.0.2.99&period=2&pricelist=546" + finish:               "value/period",
		"func=softexternal.order.param&ip=192.0.2.99&period=1&pricelist=250" + finish:               "value/pricelist",
		"func=softexternal.order.param&ip=192.0.2.99&period=1&pricelist=1" + finish:                 "value/pricelist",
		"func=parallelslic.order.param&ip=192.0.2.99&period=1&pricelist=250" + finish:               "value/pa_ip",
		"func=parallelslic.order.param&pa_ip=192.0.2.99&period=0&pricelist=250" + finish:            "value/period",
		"func=addition.order.param&period=1&pricelist=356" + finish:                                 "value/item",
		"func=addition.order.param&period=1&pricelist=356&item=77" + finish:                         "value/item",
		"func=softexternal.edit&elid=1001&licname=" + strings.Repeat("x", 256) + "&ip=::1" + finish: "value/licname",
	} {
		r.refused(call, want)
	}
	if n := len(r.Effects("")); n != 0 {
		t.Errorf("%d effects", n)
	}
}

func TestOtherFunctions(t *testing.T) {
	r := start(t, panelserver.Options{Balance: 1250})
	r.text("func=dashboard.info", "elem/balance", "12.50 EUR")
	if u := r.ok("func=whoami").at("user"); u.attr("name") != "client" {
		t.Errorf("whoami: %v", u)
	}
	r.ok(renew1001)
	r.text("func=expense", "elem/amount", "4.90 EUR")
	r.text("func=service.history&elid=1001", "elem/desc", "Renewed for 1 month(s)")
	r.text("func=service.history&elid=1001", "elem/user", "client")
	r.ok("func=softexternal.suspend&elid=1001&sok=ok")
	if l := r.license("1001"); l.Status != panelserver.Suspended {
		t.Errorf("suspended: %+v", l)
	}
	r.ok("func=softexternal.resume&elid=1001&sok=ok")
	r.refused("func=softexternal.resume&elid=1001&sok=ok", "value/status")
}

func TestByHand(t *testing.T) {
	r := start(t, panelserver.Options{})
	if err := errors.Join(
		r.RenewByHand("1001", panelserver.Month, "boss"),
		r.EditByHand("1001", "192.0.2.77", "by-hand", "boss"),
		r.NodesByHand("1002", 9, "boss"),
		r.SuspendByHand("1003", "boss"),
		r.DeleteByHand("1004", "boss"),
	); err != nil {
		t.Fatal(err)
	}
	id, err := r.OrderByHand(546, "192.0.2.88", "own", panelserver.Month, "boss")
	if err != nil || r.license(id).Status != panelserver.Active {
		t.Errorf("ordered %q: %v", id, err)
	}
	if l := r.license("1001"); l.Expires != "2025-03-10" || l.Name != "by-hand" || l.IP != "192.0.2.77" {
		t.Errorf("1001: %+v", l)
	}
	if r.license("1002").Nodes != 9 {
		t.Error("1002 has no 9 nodes")
	}
	if h := r.History("1001"); len(h) != 2 || h[0].User != "boss" {
		t.Errorf("history %v", h)
	}
	r.charged("service.prolong", 0)
	if len(r.Calls("")) != 0 || len(r.Expenses()) != 2 {
		t.Errorf("calls %v, expenses %v", r.Calls(""), r.Expenses())
	}
	if r.DeleteByHand("1004", "boss") == nil || r.NodesByHand("1001", 1, "boss") == nil {
		t.Error("what can't be done was done")
	}
}

func TestLogin(t *testing.T) {
	r := start(t, panelserver.Options{MaxFailures: 3, BlockFor: time.Minute})
	r.refused("func=whoami&authinfo=", "auth/badpassword")
	for range 3 {
		r.refused("func=whoami&authinfo=client:wrong", "auth/badpassword")
	}
	r.refused("func=whoami", "auth/blocklogon")
	r.clock.pass(time.Minute)
	r.ok("func=whoami")
	for range 3 {
		r.refused("func=whoami&authinfo=client:wrong", "auth/badpassword")
	}
	r.Unblock()
	r.ok("func=whoami")
	r.SetPassword("a:b&c#d+e")
	r.ok("func=whoami")
	e := r.refused("func=whoami&lang=ru&authinfo=client:secret", "auth/badpassword")
	if e.at("msg").Text != "Неверное имя пользователя или пароль" || e.attr("lang") != "ru" || e.at("stack/action").Text != "auth" {
		t.Errorf("error %v", e)
	}
}

func TestLedgerHoldsNoPassword(t *testing.T) {
	r := start(t, panelserver.Options{})
	r.ok("func=whoami")
	resp, err := r.http.Get(r.url + "?" + r.form("func=whoami").Encode())
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	calls := r.Calls("whoami")
	if len(calls) != 2 || calls[0].AuthInURL || !calls[1].AuthInURL || calls[0].Method != "POST" || calls[1].Method != "GET" {
		t.Fatalf("calls %+v", calls)
	}
	for _, c := range calls {
		if c.Params.Has("authinfo") || c.User != "client" || c.Params.Get("out") != "xml" {
			t.Errorf("call %+v", c)
		}
	}
	if _, body, _ := r.raw("func=whoami"); strings.Contains(string(body), "secret") {
		t.Error("the password is echoed unasked")
	}
	r.Adjust(func(w *panelserver.Ways) { w.EchoPassword = true })
	r.text("func=whoami", "tparams/authinfo", "client:secret")
}

func TestLedgerLimit(t *testing.T) {
	r := start(t, panelserver.Options{Ledger: 3})
	for range 10 {
		r.ok(renew1001)
	}
	if n := len(r.Calls("")); n < 3 || n > 6 {
		t.Errorf("%d calls kept", n)
	}
	r.charged("service.prolong", 10)
	if r.Charged("service.prolong", 9) == nil {
		t.Error("10 charges pass for 9")
	}
}

func TestErrorForms(t *testing.T) {
	r := start(t, panelserver.Options{Ways: panelserver.Ways{RawMessages: true}})
	e := r.refused("func=soft.edit&elid=77", "missed/elid")
	if got := e.at("msg").Text; got != "Object '__value__' does not exist " {
		t.Errorf("msg %q", got)
	}
	r.Adjust(func(w *panelserver.Ways) { w.OldErrors = true })
	if e := r.call("func=soft.edit&elid=77").at("error"); e.attr("code") != "3" || e.attr("obj") != "elid" || e.has("msg") {
		t.Errorf("old: %v", e)
	}
}

func TestEncodings(t *testing.T) {
	r := start(t, panelserver.Options{})
	list := func(e panelserver.Encoding) (contentType, body string) {
		r.Adjust(func(w *panelserver.Ways) { w.Encoding = e })
		resp, b, err := r.raw("func=softexternal&lang=ru")
		if err != nil {
			t.Fatal(err)
		}
		return resp.Header.Get("Content-Type"), string(b)
	}
	const active1251 = "\xc0\xea\xf2\xe8\xe2\xe5\xed"
	if ct, b := list(panelserver.Windows1251); ct != "text/xml; charset=windows-1251" || !strings.Contains(b, active1251) || !strings.Contains(b, `encoding="windows-1251"`) {
		t.Errorf("windows-1251: %s %s", ct, b)
	}
	if ct, b := list(panelserver.Undeclared1251); ct != "text/xml; charset=UTF-8" || !strings.Contains(b, active1251) {
		t.Errorf("undeclared: %s %s", ct, b)
	}
	if _, b := list(panelserver.Mojibake); !strings.Contains(b, "Ð\u0090ÐºÑ\u0082Ð¸Ð²ÐµÐ½") {
		t.Errorf("mojibake: %s", b)
	}
}

func TestPrices(t *testing.T) {
	r := start(t, panelserver.Options{})
	r.SetPrice(546, panelserver.Month, 777)
	r.text("func=softexternal", "elem/cost", "7.77 EUR")
	r.text("func=service.prolong&elid=1003&period=1", "orderinfo", "<b>VMmanager KVM</b><br/>Total amount: 13.00 EUR")
	r.SetBalance(778)
	r.ok(renew1001)
	if r.Balance() != 1 {
		t.Errorf("balance %v", r.Balance())
	}
	if len(panelserver.Products()) != 23 {
		t.Error("the catalogue has 23 products")
	}
}

func TestNotThePanel(t *testing.T) {
	r := start(t, panelserver.Options{})
	for _, c := range []struct {
		method, url, body string
		status            int
	}{
		{"POST", strings.TrimSuffix(r.url, "mgr"), "", http.StatusNotFound},
		{"PUT", r.url, "", http.StatusMethodNotAllowed},
		{"POST", r.url, strings.Repeat("a=b&", 300_000), http.StatusRequestEntityTooLarge},
		{"POST", r.url, "func=whoami&authinfo=client:secret", http.StatusOK}, // without out=xml: a page
	} {
		req, _ := http.NewRequest(c.method, c.url, strings.NewReader(c.body))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := r.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != c.status || strings.Contains(resp.Header.Get("Content-Type"), "xml") {
			t.Errorf("%s %s: %s, %s", c.method, c.url, resp.Status, resp.Header.Get("Content-Type"))
		}
	}
}

func TestAwait(t *testing.T) {
	r := start(t, panelserver.Options{})
	done := make(chan error, 1)
	go func() {
		done <- r.Await(t.Context(), func() bool { return len(r.Calls("whoami")) == 1 })
	}()
	r.ok("func=whoami")
	if err := <-done; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Await(ctx, func() bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestSeedsOfNoPanel(t *testing.T) {
	for _, l := range []panelserver.License{{ID: "1", Product: 1}, {ID: "x", Product: 546}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v is taken", l)
				}
			}()
			panelserver.New(panelserver.Options{Licenses: []panelserver.License{l}})
		}()
	}
}
