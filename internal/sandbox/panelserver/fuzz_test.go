package panelserver_test

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
)

// serve has a panel answer one request without a network.
func serve(s *panelserver.Server, ctx context.Context, method, query, body string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, panelserver.Path, strings.NewReader(body)).WithContext(ctx)
	req.URL.RawQuery = query
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, req)
	return rec
}

// Whatever arrives, the panel answers a whole document in UTF-8, charges for
// nothing but orders and renewals, and its money adds up.
func FuzzRequest(f *testing.F) {
	for _, body := range []string{
		renew1001, orderLite, "func=soft", "func=softexternal&p_num=2&p_cnt=3", "func=softexternal.edit&elid=1001",
		"func=soft.edit&elid=1002&addon_550=4&ip=192.0.2.1&licname=%D1%8F&sok=ok", "func=softexternal.delete&elid=1001&sok=ok",
		"func=parallelslic.order.param&clicked_button=finish&pa_ip=::1&period=12&pricelist=250&sok=ok&skipbasket=on",
		"func=addition.order.param&pricelist=356&period=1", "func=service.history&elid=1001", "func=dashboard.info&lang=ru",
		"func=expense", "func=whoami", "func=%zz;&<a>=b&1=2&x%00=%ff", "func=no%00such&out=json",
	} {
		f.Add("", body)
		f.Add(body, "")
	}
	f.Fuzz(func(t *testing.T, query, body string) {
		now := time.Date(2025, 2, 7, 9, 0, 0, 0, time.UTC)
		s := panelserver.New(panelserver.Options{
			Now: func() time.Time { return now }, Licenses: panelserver.Sample(now),
		})
		rec := serve(s, t.Context(), "POST", query, "authinfo=client:secret&out=xml&"+body)
		if _, err := url.ParseQuery(body); err == nil && rec.Code != 200 {
			t.Fatalf("status %d", rec.Code)
		}
		if strings.HasPrefix(rec.Header().Get("Content-Type"), "text/xml") {
			if !utf8.Valid(rec.Body.Bytes()) {
				t.Fatal("not UTF-8")
			}
			d := xml.NewDecoder(rec.Body)
			for {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("not XML: %v", err)
				}
			}
		}
		var spent panelserver.Cents
		for _, e := range s.Expenses() {
			spent += e.Amount
		}
		if s.Balance()+spent != 1000_00 {
			t.Errorf("balance %v after %v", s.Balance(), spent)
		}
		for _, c := range s.Calls("") {
			if c.Charged > 0 != (len(s.Expenses()) == 1) || c.Charged > 0 && !c.Effect || c.Effect && !c.Changing {
				t.Errorf("call %+v", c)
			}
		}
	})
}

// BenchmarkCalls is what the panel's own work costs in the benchmark of the bot.
func BenchmarkCalls(b *testing.B) {
	for name, body := range map[string]string{"renew": renew1001, "list": "func=soft"} {
		b.Run(name, func(b *testing.B) {
			s := panelserver.New(panelserver.Options{
				Licenses: panelserver.Sample(time.Now()), Balance: 1 << 50, Ledger: 1000,
			})
			b.ReportAllocs()
			for b.Loop() {
				serve(s, b.Context(), "POST", "", "authinfo=client:secret&out=xml&"+body)
			}
		})
	}
}
