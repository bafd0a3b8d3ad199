package isplicense

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
)

// sandbox serves a panel and gives it with a client of its account, on the
// client's own transports.
func sandbox(t *testing.T, ways panelserver.Ways, change ...func(*Config)) (*panelserver.Server, *Client) {
	t.Helper()
	panel := panelserver.New(panelserver.Options{
		Ways: ways,
		Licenses: []panelserver.License{
			{ID: "1001", Product: 546, Name: "srv1", IP: "192.0.2.10", Period: 1, Created: "2025-01-10", Expires: "2025-02-10"},
			{ID: "1002", Product: 549, Name: "сервер 2", IP: "192.0.2.11", Period: 12, Created: "2025-01-10", Expires: "2026-01-10", Nodes: 3, Key: "KEY"},
			{ID: "1003", Product: 250, Name: "plesk", IP: "192.0.2.12", Period: 1, Created: "2025-01-10", Expires: "2025-02-10"},
			{ID: "1004", Product: 369, Name: "cl", Period: 1, Created: "2025-01-10", Expires: "2025-02-10", Item: "1001"},
		},
	})
	srv := httptest.NewUnstartedServer(panel)
	srv.Config.ConnState = panel.ConnState
	srv.Start()
	t.Cleanup(srv.Close)
	t.Cleanup(panel.Close)
	user, password := panel.User()
	cfg := Config{URL: srv.URL + panelserver.Path, User: user, Password: password}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return panel, c
}

func mustRead(t *testing.T, c *Client, code license.Code) license.License {
	t.Helper()
	l, err := c.License(t.Context(), code)
	if err != nil {
		t.Fatalf("%s: %v", code, err)
	}
	return l
}

// TestSandboxThroughout does every call once on every shape of answer that the
// panel may have.
func TestSandboxThroughout(t *testing.T) {
	for name, ways := range map[string]panelserver.Ways{
		"as documented": {},
		"nested":        {OrderAnswer: panelserver.IDNested, OK: panelserver.OKForm, EchoPassword: true},
		"flat":          {FlatRenewal: true, OK: panelserver.OKAbsent, DailyPhrase: true, PageSize: 2},
		"windows-1251":  {Encoding: panelserver.Windows1251},
		"undeclared":    {Encoding: panelserver.Undeclared1251},
	} {
		t.Run(name, func(t *testing.T) {
			panel, c := sandbox(t, ways)
			ctx := t.Context()
			all, err := c.Inventory(ctx)
			if err != nil || len(all) != 4 {
				t.Fatalf("%d licences, %v", len(all), err)
			}
			for i, want := range []license.Family{license.SoftExternal, license.SoftExternal, license.Plesk, license.Module} {
				if all[i].Family != want || all[i].Expires == "" || all[i].ProductCode == 0 || !all[i].HasPeriod || all[i].Status != license.StatusActive {
					t.Errorf("%+v", all[i])
				}
			}
			if all[1].Name != "сервер 2" {
				t.Errorf("name %q", all[1].Name)
			}

			p, err := c.RenewPreview(ctx, all[0], license.Month)
			if err != nil || p.Expires != "2025-03-10" || p.Price == "" {
				t.Errorf("preview %+v, %v", p, err)
			}
			if got, want := text(c.Renew(ctx, "1001", license.Month)), `applied code= expires=2025-03-10 said=""`; got != want {
				t.Errorf("renew: %s", got)
			}
			if l := mustRead(t, c, "1001"); l.Expires != "2025-03-10" {
				t.Errorf("expires %s", l.Expires)
			}

			spec := OrderSpec{Product: business, Address: "192.0.2.20", Name: "new one", Period: license.Year}
			if p, err := c.OrderPreview(ctx, spec); err != nil || p.Price == "" {
				t.Errorf("preview %+v, %v", p, err)
			}
			if got, want := text(c.Order(ctx, spec)), `applied code=1005 expires= said=""`; got != want {
				t.Errorf("order: %s", got)
			}
			if l := mustRead(t, c, "1005"); l.Name != "new one" || l.Address != "192.0.2.20" || l.ProductCode != 549 {
				t.Errorf("%+v", l)
			}

			for i, l := range all {
				address := ""
				if l.Family.TakesAddress() {
					address = "192.0.2." + strconv.Itoa(30+i)
				}
				if got := ends(c.Edit(ctx, l, "другое имя", address)); got != "applied" {
					t.Errorf("edit %s: %s", l.Code, got)
				}
				if f, err := c.Form(ctx, l); err != nil || f.Name != "другое имя" || f.Address != address || f.ProductCode != l.ProductCode {
					t.Errorf("form %s: %+v, %v", l.Code, f, err)
				}
			}
			if got := ends(c.Nodes(ctx, all[1], business, "n", "192.0.2.11", 5)); got != "applied" {
				t.Errorf("nodes: %s", got)
			}
			if f, err := c.Form(ctx, all[1]); err != nil || f.Nodes != 5 || f.Fields["lickey"] != "KEY" || f.Name != "n" {
				t.Errorf("form: %+v, %v", f, err)
			}
			for _, l := range all {
				if got := ends(c.Terminate(ctx, l)); got != "applied" {
					t.Errorf("terminate %s: %s", l.Code, got)
				}
				if _, err := c.License(ctx, l.Code); !errors.Is(err, ErrNotFound) {
					t.Errorf("%s is still there: %v", l.Code, err)
				}
			}
			if balance, err := c.Balance(ctx); err != nil || balance == "" {
				t.Errorf("balance %q, %v", balance, err)
			}
			if h, err := c.History(ctx, "1005"); err != nil || len(h) == 0 || h[0].Who != "client" {
				t.Errorf("history %+v, %v", h, err)
			}
			if _, err := c.History(ctx, "9999"); !errors.Is(err, ErrNotFound) {
				t.Errorf("history of no licence: %v", err)
			}
			if who, err := c.WhoAmI(ctx); err != nil || who != "client" {
				t.Errorf("whoami %q, %v", who, err)
			}
			for _, call := range panel.Calls("") {
				if call.Method != http.MethodPost || call.AuthInURL {
					t.Errorf("%s of %s, login in the URL: %t", call.Method, call.Func, call.AuthInURL)
				}
			}
		})
	}
}

// TestSandboxFaults has every change meet every fault, before and after its effect.
// The client must neither repeat it nor claim to know.
func TestSandboxFaults(t *testing.T) {
	for name, fault := range map[string]struct {
		answer panelserver.Answer
		reason Reason
	}{
		"half":        {panelserver.Half(), Cut},
		"nothing":     {panelserver.Nothing(), Cut},
		"hang":        {panelserver.Hang(), Timeout},
		"maintenance": {panelserver.Maintenance(), Maintenance},
		"captcha":     {panelserver.Captcha(), Captcha},
		"gateway":     {panelserver.GatewayTimeout(), Status},
		"too many":    {panelserver.TooMany(time.Minute), Status},
		"in process":  {panelserver.InProcess(), InProcess},
		"redirect":    {panelserver.HTTP(307, "text/html", ""), Status},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			panel, c := sandbox(t, panelserver.Ways{}, func(cfg *Config) { cfg.Timeout = 200 * time.Millisecond })
			_ = mustRead(t, c, "1001") // so that a pooled connection is there to be misused
			for _, after := range []bool{false, true} {
				for fn, change := range changes {
					in := panel.Inject(panelserver.Fault{Step: panelserver.Changing, After: after, Answer: fault.answer})
					change(t.Context(), c).Match(
						func(a Applied) { t.Errorf("%s: applied %+v", fn, a) },
						func(r Refused) { t.Errorf("%s: refused %+v", fn, r) },
						func(u Unknown) {
							if u.Reason != fault.reason {
								t.Errorf("%s: %s", fn, u.Reason)
							}
						})
					if in.Seen() != 1 {
						t.Errorf("%s left %d times", fn, in.Seen())
					}
					in.Clear()
				}
			}
		})
	}
}

func TestSandboxRefusals(t *testing.T) {
	panel, c := sandbox(t, panelserver.Ways{MinTerm: 100 * 365 * 24 * time.Hour})
	panel.SetBalance(0)
	for fn, want := range map[string]Reason{"renew": Money, "order": Money, "delete": MinTerm} {
		changes[fn](t.Context(), c).Match(
			func(a Applied) { t.Errorf("%s: applied %+v", fn, a) },
			func(r Refused) {
				if r.Reason != want || !r.Sent || r.Message == "" {
					t.Errorf("%s: %+v", fn, r)
				}
			},
			func(u Unknown) { t.Errorf("%s: unknown %+v", fn, u) })
	}
	panel.Adjust(func(w *panelserver.Ways) { w.NoMoney = panelserver.LeaveBillOrder })
	if got, want := text(changes["order"](t.Context(), c)), `unknown unpaid code=1005 ""`; got != want {
		t.Errorf("order: %s", got)
	}
	if got, want := text(changes["renew"](t.Context(), c)), `unknown unpaid code= ""`; got != want {
		t.Errorf("renew: %s", got)
	}
	panel.SetPassword("changed")
	if got := text(changes["edit"](t.Context(), c)); got != `refused auth type=auth object=badpassword sent=true "Invalid username or password"` {
		t.Errorf("edit: %s", got)
	}
	calls := len(panel.Calls(""))
	if _, err := c.Balance(t.Context()); err == nil || len(panel.Calls("")) != calls {
		t.Errorf("a call left after the login was refused: %v", err)
	}
}
