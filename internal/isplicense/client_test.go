package isplicense

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/license"
)

const (
	testUser     = "ops-account"
	testPassword = "s3cret&+pass"
)

// tripper is an http.RoundTripper of one function.
type tripper func(*http.Request) (*http.Response, error)

func (t tripper) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func reply(status int, contentType string, body io.Reader) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(body)}
}

// answering gives a transport that answers every call with body.
func answering(body []byte) tripper {
	return func(*http.Request) (*http.Response, error) {
		return reply(200, "text/xml", bytes.NewReader(body)), nil
	}
}

// params reads a call's form.
func params(t testing.TB, r *http.Request) map[string]string {
	t.Helper()
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for name := range r.PostForm {
		all[name] = r.PostForm.Get(name)
	}
	return all
}

func newClient(t testing.TB, transport http.RoundTripper, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{URL: "https://panel.example/manager/billmgr", User: testUser, Password: testPassword, HTTP: transport}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// text writes a result out, to be compared.
func text(r Result) (s string) {
	r.Match(
		func(a Applied) { s = fmt.Sprintf("applied code=%s expires=%s said=%q", a.Code, a.Expires, a.Said) },
		func(r Refused) {
			s = fmt.Sprintf("refused %s type=%s object=%s sent=%t %q", r.Reason, r.Type, r.Object, r.Sent, r.Message)
		},
		func(u Unknown) { s = fmt.Sprintf("unknown %s code=%s %q", u.Reason, u.Code, u.Message) })
	return s
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	lite     = license.License{Code: "1001", Family: license.SoftExternal, Name: "srv1", Address: "192.0.2.10", Period: 1, HasPeriod: true, Cost: "4.50 EUR"}
	business = license.Product{Code: 549, Family: license.SoftExternal, Node: 550}
)

// changes are the client's changes by name, for whole answers.
var changes = map[string]func(context.Context, *Client) Result{
	"renew": func(ctx context.Context, c *Client) Result { return c.Renew(ctx, "1001", license.Month) },
	"order": func(ctx context.Context, c *Client) Result {
		return c.Order(ctx, OrderSpec{Product: business, Address: "192.0.2.10", Name: "srv1", Period: 1})
	},
	"edit": func(ctx context.Context, c *Client) Result { return c.Edit(ctx, lite, "srv2", "192.0.2.11") },
	"nodes": func(ctx context.Context, c *Client) Result {
		return c.Nodes(ctx, lite, business, "srv1", "192.0.2.10", 2)
	},
	"delete": func(ctx context.Context, c *Client) Result { return c.Terminate(ctx, lite) },
}

var answers = []struct{ change, file, want string }{
	{"delete", "delete-ok", `applied code= expires= said=""`},
	{"edit", "edit-ok-form", `applied code= expires= said=""`},
	{"edit", "edit-ok-absent", `applied code= expires= said=""`},
	{"edit", "edit-shown-again", `unknown garbled code= ""`},
	{"delete", "logon", `unknown garbled code= ""`},
	{"renew", "logon", `unknown garbled code= ""`},
	{"order", "logon", `unknown garbled code= ""`},
	{"renew", "renew-nested", `applied code= expires=2025-03-10 said=""`},
	{"renew", "renew-flat", `applied code= expires=2025-03-10 said=""`},
	{"renew", "renew-phrase", `applied code= expires= said=""`},
	{"renew", "renew-unpaid-followup", `unknown unpaid code= ""`},
	{"renew", "renew-followup-basket", `unknown unpaid code= ""`},
	{"renew", "renew-followup-payment", `unknown unpaid code= ""`},
	{"renew", "renew-followup-billorder", `unknown unpaid code= ""`},
	{"renew", "renew-in-process", `unknown in-process code= "Request in process, please wait"`},
	{"order", "order-billorder-followup", `unknown unpaid code= ""`},
	{"order", "order-id", `applied code=1005 expires= said=""`},
	{"order", "order-id-nested", `applied code=1005 expires= said=""`},
	{"order", "order-no-id", `unknown unnamed code= ""`},
	{"order", "order-billorder", `unknown unpaid code=1005 ""`},
	{"order", "order-payment", `unknown unpaid code= ""`},
	{"order", "order-basket", `unknown unpaid code= ""`},
	{"order", "order-error-and-id", `unknown garbled code=1005 "The notice could not be sent"`},
	{"order", "order-error-and-bill", `unknown unpaid code=1005 "Insufficient funds"`},
	{"order", "order-cut-after-id", `unknown cut code=1005 ""`},
	{"renew", "order-cut-after-id", `unknown cut code= ""`},
	{"renew", "error-auth", `refused auth type=auth object=badpassword sent=true "Неверное имя пользователя или пароль"`},
	{"renew", "error-access", `refused forbidden type=access object= sent=true "Access denied"`},
	{"renew", "error-missed", `refused missing type=missed object=elid sent=true "Object elid \"1001\" does not exist, see __other__"`},
	{"edit", "error-exists", `refused refused type=exists object=ip sent=true "Already there"`},
	{"edit", "error-value", `refused refused type=value object=licname sent=true "Bad name"`},
	{"edit", "error-extraconfirm", `refused two-factor type=extraconfirm object= sent=true "Confirm by phone"`},
	{"delete", "error-min-term", `refused min-term type=pricelist_min_order object=pricelist sent=true "Too early"`},
	{"delete", "error-running", `refused busy type=operation object=runningoperation sent=true "Another operation is in progress"`},
	{"renew", "error-in-process-text", `unknown in-process code= "Request in process, please wait"`},
	{"renew", "error-in-process-type", `unknown in-process code= ""`},
	{"renew", "error-in-process-ru", `unknown in-process code= "Ваш запрос обрабатывается, подождите"`},
	{"renew", "error-renew-after", `refused refused type=prolong_date object= sent=true "The service can be renewed only after 2025-03-01"`},
	{"renew", "error-prolonged", `refused refused type=cannot_prolong object=prolong sent=true "Cannot renew this service: the service is being prolonged at the moment"`},
	{"renew", "error-money", `refused money type=no_money object=balance sent=true "Insufficient funds"`},
	{"renew", "error-old", `refused missing type=missed object=site sent=true ""`},
	{"renew", "error-old-auth", `refused auth type=auth object=auth sent=true ""`},
	{"renew", "error-empty", `refused refused type= object= sent=true ""`},
	{"renew", "error-nested", `refused refused type=value object=period sent=true "No such period"`},
	{"renew", "error-hostile", `refused refused type=value object=x sent=true "Line one two __b__ • • end"`},
	{"renew", "error-nbsp", `refused refused type=value object=x sent=true "a b"`},
	{"renew", "error-cp1251", `refused refused type=value object=ip sent=true "Неверный адрес"`},
	{"renew", "error-cp1251-undeclared", `refused refused type=value object=ip sent=true "Неверный адрес"`},
	{"renew", "error-cut", `unknown cut code= ""`},
	{"renew", "html-captcha", `unknown captcha code= ""`},
	{"renew", "html-maintenance", `unknown maintenance code= ""`},
	{"renew", "html-other", `unknown garbled code= ""`},
	{"renew", "foreign-root", `unknown garbled code= ""`},
	{"renew", "text", `unknown garbled code= ""`},
	{"renew", "empty", `unknown cut code= ""`},
	{"renew", "two-documents", `unknown garbled code= ""`},
	{"order", "misnested", `unknown garbled code= ""`},
}

func TestAnswersToChanges(t *testing.T) {
	for _, a := range answers {
		t.Run(a.change+"/"+a.file, func(t *testing.T) {
			c := newClient(t, answering(file(t, a.file)))
			if got := text(changes[a.change](t.Context(), c)); got != a.want {
				t.Errorf("got  %s\nwant %s", got, a.want)
			}
		})
	}
}

func TestZeroResultIsUnknown(t *testing.T) {
	if got, want := text(Result{}), `unknown timeout code= ""`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWhatIsSent(t *testing.T) {
	plesk := license.License{Code: "1002", Family: license.Plesk}
	module := license.License{Code: "1003", Family: license.Module}
	for _, test := range []struct {
		name string
		call func(context.Context, *Client)
		want string
	}{
		{"order", func(ctx context.Context, c *Client) { changes["order"](ctx, c) },
			"clicked_button=finish func=softexternal.order.param ip=192.0.2.10 licname=srv1 period=1 pricelist=549 skipbasket=on sok=ok"},
		{"order plesk", func(ctx context.Context, c *Client) {
			c.Order(ctx, OrderSpec{Product: license.Product{Code: 250, Family: license.Plesk}, Address: "192.0.2.10", Name: "p", Period: 12})
		}, "clicked_button=finish func=parallelslic.order.param licname=p pa_ip=192.0.2.10 period=12 pricelist=250 skipbasket=on sok=ok"},
		{"order module", func(ctx context.Context, c *Client) {
			c.Order(ctx, OrderSpec{Product: license.Product{Code: 369, Family: license.Module}, For: "1001", Period: 0})
		}, "clicked_button=finish func=addition.order.param item=1001 period=0 pricelist=369 skipbasket=on sok=ok"},
		{"order preview", func(ctx context.Context, c *Client) {
			_, _ = c.OrderPreview(ctx, OrderSpec{Product: business, Address: "192.0.2.10", Name: "srv1", Period: 1})
		}, "func=softexternal.order.param ip=192.0.2.10 licname=srv1 period=1 pricelist=549"},
		{"edit", func(ctx context.Context, c *Client) { changes["edit"](ctx, c) },
			"elid=1001 func=softexternal.edit ip=192.0.2.11 licname=srv2 sok=ok"},
		{"edit plesk", func(ctx context.Context, c *Client) { c.Edit(ctx, plesk, "p", "192.0.2.10") },
			"elid=1002 func=parallelslic.edit ip=192.0.2.10 licname=p pa_ip=192.0.2.10 sok=ok"},
		{"edit module", func(ctx context.Context, c *Client) { c.Edit(ctx, module, "m", "") },
			"elid=1003 func=addition.edit licname=m sok=ok"},
		{"nodes", func(ctx context.Context, c *Client) { changes["nodes"](ctx, c) },
			"addon_550=2 elid=1001 func=soft.edit ip=192.0.2.10 licname=srv1 sok=ok"},
		{"renew", func(ctx context.Context, c *Client) { changes["renew"](ctx, c) },
			"elid=1001 func=service.prolong period=1 sok=ok"},
		{"renew preview", func(ctx context.Context, c *Client) { _, _ = c.RenewPreview(ctx, lite, 12) },
			"elid=1001 func=service.prolong period=12"},
		{"delete", func(ctx context.Context, c *Client) { c.Terminate(ctx, module) },
			"elid=1003 func=addition.delete sok=ok"},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls := 0
			c := newClient(t, tripper(func(r *http.Request) (*http.Response, error) {
				calls++
				if r.Method != http.MethodPost || r.URL.RawQuery != "" {
					t.Errorf("%s %s: want a POST without a query", r.Method, r.URL)
				}
				sent := params(t, r)
				for name, want := range map[string]string{"out": "xml", "lang": "en", "authinfo": testUser + ":" + testPassword} {
					if sent[name] != want {
						t.Errorf("%s=%q", name, sent[name])
					}
					delete(sent, name)
				}
				if sent["sok"] == "ok" && r.GetBody != nil {
					t.Error("net/http could send this change again: it has GetBody")
				}
				var pairs []string
				for _, name := range slices.Sorted(maps.Keys(sent)) {
					pairs = append(pairs, name+"="+sent[name])
				}
				if got := strings.Join(pairs, " "); got != test.want {
					t.Errorf("got  %s\nwant %s", got, test.want)
				}
				return reply(200, "text/xml", strings.NewReader("<doc><ok/></doc>")), nil
			}))
			test.call(t.Context(), c)
			if calls != 1 {
				t.Errorf("%d calls", calls)
			}
		})
	}
}

func TestNodesNeedsAProductWithNodes(t *testing.T) {
	c := newClient(t, tripper(func(*http.Request) (*http.Response, error) { panic("a call left") }))
	got := text(c.Nodes(t.Context(), lite, license.Product{Code: 229}, "srv1", "", 2))
	if want := `refused refused type= object=nodes sent=false ""`; got != want {
		t.Errorf("got %s", got)
	}
}

func TestListColumns(t *testing.T) {
	c := newClient(t, answering(file(t, "list")))
	p, fail := c.page(t.Context(), license.SoftExternal, 1)
	if fail != nil {
		t.Fatal(fail.detail)
	}
	want := []license.License{
		{Code: "1001", Family: license.SoftExternal, Name: "srv1", Address: "192.0.2.10", Product: "ISPmanager 6 Lite", ProductCode: 546,
			Period: 1, HasPeriod: true, Created: "2025-01-10", Expires: "2025-02-10", Cost: "4.50 EUR", AutoProlong: "off", Status: license.StatusActive},
		{Code: "1002", Family: license.SoftExternal, Name: "a <b> & c", Product: "ISPmanager 6 Business", ProductCode: 549,
			HasPeriod: true, Expires: "2025-02-12", Status: license.StatusProcessing, Processing: "prolong",
			Missing: []license.Field{license.FieldAddress}},
		{Code: "1003", Family: license.SoftExternal, Product: "Something new", Status: license.StatusDeleted, Processing: "x",
			Missing: []license.Field{license.FieldName, license.FieldAddress, license.FieldExpiry}},
	}
	if !reflect.DeepEqual(p.licenses, want) {
		t.Errorf("got  %+v\nwant %+v", p.licenses, want)
	}
	if p.rows != 4 || p.total != 4 || !p.listed {
		t.Errorf("rows %d, total %d, listed %t", p.rows, p.total, p.listed)
	}
}

func TestWhatARowDoesNotSay(t *testing.T) {
	for row, want := range map[string]string{
		`<licname/><ip/><pricelist>P</pricelist><expiredate/>`:                                  "[]",
		`<licname/><ip/><pricelist>P</pricelist><period>0</period>`:                             "[]",
		`<licname/><ip/><pricelist>P</pricelist><expiredate>in 5 days</expiredate>`:             "[expiry]",
		`<licname/><ip/><pricelist>P</pricelist><real_expiredate>2025-02-10</real_expiredate>`:  "[]",
		`<licname/><pa_ip>192.0.2.1</pa_ip><pricelist>999</pricelist><expiredate></expiredate>`: "[product]",
		`<name>srv1</name><pricelist>229</pricelist><expiredate>2025-02-10</expiredate><ipv6/>`: "[name address]",
	} {
		c := newClient(t, tripper(func(*http.Request) (*http.Response, error) {
			return reply(200, "text/xml", strings.NewReader("<doc><elem><id>1001</id>"+row+"</elem></doc>")), nil
		}))
		p, fail := c.page(t.Context(), license.SoftExternal, 1)
		if fail != nil || len(p.licenses) != 1 {
			t.Fatal(fail, p.licenses)
		}
		if got := fmt.Sprint(p.licenses[0].Missing); got != want {
			t.Errorf("%s: %s, want %s", row, got, want)
		}
	}
	module, _ := licenseOf(&element{children: []*element{{name: "id", text: "1005"}, {name: "licname"}, {name: "pricelist", text: "P"}, {name: "expiredate"}}}, license.Module)
	if len(module.Missing) > 0 {
		t.Errorf("a module has no address: %s", module.Missing)
	}
}

func TestForm(t *testing.T) {
	c := newClient(t, answering(file(t, "form")))
	f, err := c.Form(t.Context(), lite)
	if err != nil {
		t.Fatal(err)
	}
	want := Form{Name: "srv1", Address: "192.0.2.10", Product: "ISPmanager 6 Business", ProductCode: 549, Nodes: 3,
		Missing: []license.Field{license.FieldExpiry}, Fields: map[string]string{
			"elid": "1001", "licname": "srv1", "ip": "192.0.2.10", "pricelist": "549", "addon_550": "3", "lickey": "KEY-1",
		}}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("got  %+v\nwant %+v", f, want)
	}
}

func TestFormAsksSoftEditForNodes(t *testing.T) {
	c := newClient(t, tripper(func(r *http.Request) (*http.Response, error) {
		body := "<doc><licname>srv1</licname><pricelist>549</pricelist></doc>"
		if params(t, r)["func"] == "soft.edit" {
			body = "<doc><addon_550>4</addon_550></doc>"
		}
		return reply(200, "text/xml", strings.NewReader(body)), nil
	}))
	f, err := c.Form(t.Context(), lite)
	if err != nil || f.Nodes != 4 || f.Name != "srv1" {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestPrice(t *testing.T) {
	for info, want := range map[string]string{
		"Total amount: 4.50 EUR":                                            "4.50 EUR",
		"<b>ISPmanager 6 Lite</b><br/>Total amount: 4.50 EUR":               "4.50 EUR",
		"&lt;b&gt;Total&lt;/b&gt;: &lt;i&gt;1&nbsp;204.50 RUB&lt;/i&gt;":    "1 204.50 RUB",
		"Общая сумма: 310 руб.":                                             "310 руб.",
		"Licence 4.00 EUR<br>VAT 0.50 EUR<br>Total amount: <b>4.50 EUR</b>": "4.50 EUR",
		"Subtotal: 4.00 EUR, Total: 4.50 EUR":                               "4.50 EUR",
		"€4.50":                                                             "€4.50",
		"Licence 4.00 EUR, VAT 0.50 EUR":                                    "",
		"Total: 4.50 EUR, total in roubles: 450.00 RUB":                     "",
		"Total amount: 1,204.50 EUR":                                        "1,204.50 EUR",
		"Total amount: EUR 1.204,50, VAT 3.00 EUR":                          "EUR 1.204,50",
		"Licence 1,204.50 EUR, VAT 3.00 EUR":                                "",
		"for 12 months":                                                     "",
		"":                                                                  "",
	} {
		if got := priceOf(info); got != want {
			t.Errorf("%q: got %q, want %q", info, got, want)
		}
	}
}

func TestPreviews(t *testing.T) {
	body := `<doc><doc><newexpiredate>2025-03-10</newexpiredate></doc><orderinfo><b>srv1</b><br>Total amount: <i>4.60 EUR</i></orderinfo></doc>`
	c := newClient(t, answering([]byte(body)))
	if p, err := c.RenewPreview(t.Context(), lite, 1); err != nil || p != (Preview{"2025-03-10", "4.60 EUR"}) {
		t.Errorf("%+v, %v", p, err)
	}
	c = newClient(t, answering([]byte(`<doc><newexpiredate>2025-03-10</newexpiredate></doc>`)))
	if p, err := c.RenewPreview(t.Context(), lite, 1); err != nil || p != (Preview{"2025-03-10", "4.50 EUR"}) {
		t.Errorf("its own period: %+v, %v", p, err)
	}
	if p, err := c.RenewPreview(t.Context(), lite, 12); err != nil || p.Price != "" {
		t.Errorf("another period: %+v, %v", p, err)
	}
}

func TestReadErrors(t *testing.T) {
	for name, want := range map[string]Reason{
		"error-auth": Auth, "error-access": Forbidden, "error-missed": Missing, "html-captcha": Captcha,
		"html-maintenance": Maintenance, "error-cut": Cut, "empty": Cut, "two-documents": Garbled, "html-other": Garbled,
	} {
		_, err := newClient(t, answering(file(t, name))).Balance(t.Context())
		var read *ReadError
		if !errors.As(err, &read) || read.Reason != want || read.Func != "dashboard.info" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStatuses(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		want   Reason
	}{
		{302, "", Status}, {307, "<doc><ok/></doc>", Status}, {204, "", Status}, {403, "Forbidden", Status},
		{403, "<html>Please solve the CAPTCHA</html>", Captcha}, {503, "Down for maintenance", Maintenance},
		{500, "<doc><error type='value'/></doc>", Status}, {504, strings.Repeat("x", 2*maxHead), Status},
	} {
		calls := 0
		c := newClient(t, tripper(func(r *http.Request) (*http.Response, error) {
			calls++
			res := reply(test.status, "text/html", strings.NewReader(test.body))
			res.Header.Set("Location", "https://elsewhere.example/")
			return res, nil
		}))
		want := fmt.Sprintf(`unknown %s code= ""`, test.want)
		if got := text(c.Renew(t.Context(), "1001", 1)); got != want || calls != 1 {
			t.Errorf("HTTP %d %.20q: got %s in %d calls, want %s", test.status, test.body, got, calls, want)
		}
	}
}

func TestBounds(t *testing.T) {
	deep := "<doc>" + strings.Repeat("<a>", maxDepth+1) + strings.Repeat("</a>", maxDepth+1) + "</doc>"
	many := "<doc>" + strings.Repeat("<a/>", maxElements+1) + "</doc>"
	long := "<doc><a " + strings.Repeat("x='' ", maxToken/5+1) + "/></doc>"
	large := "<doc>" + strings.Repeat("<!-- "+strings.Repeat("x", 1000)+" -->", maxAnswer/1000) + "</doc>"
	bomb := `<!DOCTYPE doc [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><doc><msg>&b;</msg></doc>`
	for name, body := range map[string]string{"deep": deep, "many": many, "long": long, "large": large, "bomb": bomb} {
		c := newClient(t, answering([]byte(body)))
		if got, want := text(c.Renew(t.Context(), "1001", 1)), `unknown garbled code= ""`; got != want {
			t.Errorf("%s: got %s", name, got)
		}
		if name == "large" {
			continue // the bound is the same, and this takes its time
		}
		if _, err := c.Balance(t.Context()); err == nil {
			t.Errorf("%s: a read took it", name)
		}
	}
	// A row of a list is one child of the root, and a page may be longer.
	row := "<doc><elem>" + strings.Repeat("<a/>", 1<<20) + "</elem></doc>"
	var lists, read atomic.Int64
	c := newClient(t, tripper(func(*http.Request) (*http.Response, error) {
		lists.Add(1)
		return reply(200, "text/xml", io.TeeReader(strings.NewReader(row), counter{&read})), nil
	}))
	if _, err := c.Licenses(t.Context()); err == nil {
		t.Error("a list took a row of a million elements")
	}
	if n := read.Load() / lists.Load(); n > int64(len(row)/4) {
		t.Errorf("%d of %d bytes of it were read", n, len(row))
	}
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

func TestNewChecksItsConfig(t *testing.T) {
	for _, cfg := range []Config{
		{User: "u", Password: "p"},
		{URL: "ftp://panel.example/", User: "u", Password: "p"},
		{URL: "https://u:p@panel.example/", User: "u", Password: "p"},
		{URL: "https://panel.example/?a=b", User: "u", Password: "p"},
		{URL: "https://panel.example/", User: "u"},
		{URL: "https://panel.example/", User: "u:v", Password: "p"},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v was taken", cfg)
		}
	}
}

// TestSecretsStayInside looks for the login in all that the client gives away,
// whatever comes back and whatever breaks.
func TestSecretsStayInside(t *testing.T) {
	var log bytes.Buffer
	var shown strings.Builder
	var mu sync.Mutex // of what Observe writes: lists are read side by side
	check := func(transport http.RoundTripper) {
		c := newClient(t, transport, func(cfg *Config) {
			cfg.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			cfg.Observe = func(fn, result string, _ time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				fmt.Fprintln(&shown, fn, result)
			}
		})
		for _, name := range slices.Sorted(maps.Keys(changes)) {
			fmt.Fprintln(&shown, text(changes[name](t.Context(), c)))
		}
		_, err := c.Licenses(t.Context())
		fmt.Fprintln(&shown, err)
		_, err = c.License(t.Context(), "1001")
		fmt.Fprintln(&shown, err)
		f, err := c.Form(t.Context(), lite)
		fmt.Fprintf(&shown, "%+v %v %+v\n", f, err, err)
		_, err = c.Balance(t.Context())
		fmt.Fprintf(&shown, "%v %+v %+v\n", err, err, c.State())
	}
	names, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(names) == 0 {
		t.Fatal("no testdata")
	}
	for _, name := range names {
		check(answering(file(t, strings.TrimSuffix(filepath.Base(name), ".xml"))))
	}
	leaky := fmt.Errorf("Post %q: boom", "https://x/?authinfo="+testUser+":"+testPassword)
	check(tripper(func(*http.Request) (*http.Response, error) { return nil, leaky }))
	echo := tripper(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		return reply(502, "text/html", bytes.NewReader(body)), nil
	})
	check(echo)
	for _, secret := range []string{testUser, testPassword, "s3cret", "authinfo"} {
		for what, where := range map[string]string{"results": shown.String(), "log": log.String()} {
			if i := strings.Index(where, secret); i >= 0 {
				t.Errorf("%s hold %q: …%s…", what, secret, where[max(0, i-60):min(len(where), i+60)])
			}
		}
	}
}

// What an answer means does not hang on which of its words the password is part of.
func TestAnyPasswordMeansTheSame(t *testing.T) {
	process := []byte(`<doc><error type="other"><msg>Request in process, please wait</msg></error></doc>`)
	taken := []byte(`<doc><msg>Request in process, please wait</msg></doc>`)
	login := []byte(`<doc><error type="auth" object="badpassword"><msg>Wrong password</msg></error></doc>`)
	entry := []byte(`<doc><elem><changedate>2025-01-10</changedate><desc>Opened</desc><user>in</user></elem></doc>`)
	for _, password := range []string{"p", "process", "auth", "in", "word"} {
		with := func(body []byte) *Client {
			return newClient(t, answering(body), func(cfg *Config) { cfg.User, cfg.Password = "in", password })
		}
		for _, body := range [][]byte{process, taken} {
			if got := text(with(body).Renew(t.Context(), "1001", license.Month)); !strings.HasPrefix(got, "unknown in-process") || strings.Contains(got, "please") && password == "p" {
				t.Errorf("%s: %s", password, got)
			}
		}
		if got := text(with(login).Renew(t.Context(), "1001", license.Month)); !strings.HasPrefix(got, "refused auth") {
			t.Errorf("%s: %s", password, got)
		}
		if all, err := with(entry).History(t.Context(), "1001"); err != nil || len(all) != 1 || all[0].Who != "in" {
			t.Errorf("%s: %+v, %v", password, all, err)
		}
	}
}

// The form to log in holds no list. That no licence is in it proves nothing.
func TestTheFormToLogInIsNoList(t *testing.T) {
	c := newClient(t, answering(file(t, "logon")))
	var read *ReadError
	if all, err := c.Licenses(t.Context()); !errors.As(err, &read) || read.Reason != Garbled {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := c.License(t.Context(), "1001"); !errors.As(err, &read) || read.Reason != Garbled {
		t.Error(err)
	}
}
