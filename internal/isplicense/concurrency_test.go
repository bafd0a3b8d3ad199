package isplicense

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/isplicense/license-bot/internal/license"
)

// slowPanel answers each call after a second with what answer gives for its
// function, and counts calls and how many were under way at once.
type slowPanel struct {
	t      *testing.T
	answer func(fn string) string

	mu    sync.Mutex
	calls map[string]int
	now   map[string]int // under way, by function; "" for all
	most  map[string]int
}

func newSlowPanel(t *testing.T, answer func(fn string) string) *slowPanel {
	return &slowPanel{t: t, answer: answer, calls: map[string]int{}, now: map[string]int{}, most: map[string]int{}}
}

func (p *slowPanel) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := params(p.t, r)
	fn := sent["func"]
	keys := []string{"", fn, "elid=" + sent["elid"]}
	p.mu.Lock()
	p.calls[fn]++
	for _, k := range keys {
		p.now[k]++
		p.most[k] = max(p.most[k], p.now[k])
	}
	body := p.answer(fn) // as the panel is when the call comes in
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, k := range keys {
			p.now[k]--
		}
	}()
	select {
	case <-time.After(time.Second):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	return reply(200, "text/xml", strings.NewReader(body)), nil
}

func (p *slowPanel) count(fn string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[fn]
}

// rows writes a list of these codes.
func rows(fn string, codes ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<doc func="%s">`, fn)
	for _, c := range codes {
		fmt.Fprintf(&b, "<elem><id>%s</id><licname>srv%s</licname><status>2</status></elem>", c, c)
	}
	fmt.Fprintf(&b, "<p_elems>%d</p_elems></doc>", len(codes))
	return b.String()
}

// families3 is an account with one licence of each family; soft has them all, and
// one of its own.
func families3(fn string) string {
	switch fn {
	case "softexternal":
		return rows(fn, "1001")
	case "parallelslic":
		return rows(fn, "1002")
	case "addition":
		return rows(fn, "1003")
	case "soft":
		return rows(fn, "1001", "1002", "1003", "1004")
	}
	return "<doc><ok/></doc>"
}

func TestLicenseIsNeverOlderThanItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var version atomic.Int64
		panel := newSlowPanel(t, func(fn string) string {
			return fmt.Sprintf(`<doc func="%s"><elem><id>1001</id><licname>%d</licname></elem><p_elems>1</p_elems></doc>`, fn, version.Load())
		})
		c := newClient(t, panel)
		var wg sync.WaitGroup
		for i := range 50 {
			version.Store(int64(i))
			wg.Go(func() {
				l, err := c.License(t.Context(), "1001")
				var seen int
				if _, scan := fmt.Sscan(l.Name, &seen); err != nil || scan != nil || seen < i {
					t.Errorf("call %d got version %q, %v", i, l.Name, err)
				}
			})
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
		}
		wg.Wait()
		if n := panel.count("softexternal"); n > 8 {
			t.Errorf("%d reads for 50 calls within 5 s of 1 s each", n)
		}
		if panel.most["softexternal"] != 1 {
			t.Errorf("%d reads of one list at once", panel.most["softexternal"])
		}
	})
}

func TestLicenseLooksWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		panel := newSlowPanel(t, families3)
		c := newClient(t, panel)
		for _, test := range []struct {
			code   license.Code
			family license.Family
			calls  int
		}{
			{"1003", license.Module, 3}, {"1003", license.Module, 1}, {"1001", license.SoftExternal, 1}, {"1004", familySoft, 4}, {"1004", familySoft, 1},
		} {
			before := listCalls(panel)
			l, err := c.License(t.Context(), test.code)
			if err != nil || l.Family != test.family || listCalls(panel)-before != test.calls {
				t.Errorf("%s: %q, %v in %d calls, want %+v", test.code, l.Family, err, listCalls(panel)-before, test)
			}
		}
		if _, err := c.License(t.Context(), "9"); !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func listCalls(p *slowPanel) (n int) {
	for _, fn := range []string{"softexternal", "parallelslic", "addition", "soft"} {
		n += p.count(fn)
	}
	return n
}

func TestInventoryIsSharedAndKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		panel := newSlowPanel(t, families3)
		c := newClient(t, panel)
		want := "1001/softexternal 1002/parallelslic 1003/addition 1004/soft"
		read := func() {
			all, err := c.Inventory(t.Context())
			var got []string
			for i, l := range all {
				got = append(got, string(l.Code)+"/"+string(l.Family))
				all[i].Code = "spoilt" // the slice is the caller's own
			}
			if strings.Join(got, " ") != want || err != nil {
				t.Errorf("got %v, %v", got, err)
			}
		}
		_, _ = c.WhoAmI(t.Context()) // the first call of all goes ahead alone
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(read)
		}
		wg.Wait()
		time.Sleep(13 * time.Second)
		read()
		if n := listCalls(panel); n > 8 { // the first and, for who came between, one more
			t.Errorf("%d calls", n)
		}
		before := listCalls(panel)
		time.Sleep(3 * time.Second)
		read()
		if n := listCalls(panel) - before; n != 4 {
			t.Errorf("%d calls after 16 s", n)
		}
		c.Renew(t.Context(), "1001", 1)
		before = listCalls(panel)
		read()
		if n := listCalls(panel) - before; n != 4 {
			t.Errorf("%d calls after a change", n)
		}
	})
}

func TestOneChangeAtATimeToALicence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		panel := newSlowPanel(t, func(string) string { return "<doc><ok/></doc>" })
		c := newClient(t, panel, func(cfg *Config) { cfg.Parallel = 3 })
		var wg sync.WaitGroup
		for i := range 20 {
			code := license.Code(fmt.Sprint(1001 + i%5))
			wg.Go(func() {
				if got := ends(c.Renew(t.Context(), code, 1)); got != "applied" {
					t.Errorf("got %s", got)
				}
			})
		}
		wg.Wait()
		for key, most := range panel.most {
			if strings.HasPrefix(key, "elid=") && most != 1 {
				t.Errorf("%s: %d changes at once", key, most)
			}
		}
		if panel.most[""] != 3 || panel.count("service.prolong") != 20 {
			t.Errorf("%d at once, %d in all", panel.most[""], panel.count("service.prolong"))
		}
		if len(c.turns.lanes) != 0 {
			t.Errorf("%d lanes are left", len(c.turns.lanes))
		}
	})
}

func TestCancelledBeforeAndDuring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		panel := newSlowPanel(t, func(string) string { return "<doc><ok/></doc>" })
		c := newClient(t, panel)
		ctx, cancel := context.WithCancel(t.Context())
		var during, waiting, behind string
		var read error
		var wg sync.WaitGroup
		wg.Go(func() { during = text(c.Renew(ctx, "1001", 1)) })
		synctest.Wait()
		wg.Go(func() { waiting = text(c.Renew(ctx, "1001", 1)) })
		// Nothing is known of the login yet: these wait for the first call to end.
		wg.Go(func() { behind = text(c.Renew(ctx, "1002", 1)) })
		wg.Go(func() { _, read = c.WhoAmI(ctx) })
		synctest.Wait()
		cancel()
		wg.Wait()
		if want := `unknown timeout code= ""`; during != want {
			t.Errorf("during: %s", during)
		}
		if want := `refused not-sent type= object= sent=false ""`; waiting != want {
			t.Errorf("waiting: %s", waiting)
		}
		if want := `refused not-sent type= object= sent=false ""`; behind != want {
			t.Errorf("behind the first: %s", behind)
		}
		if failed, ok := errors.AsType[*ReadError](read); !ok || failed.Reason != NotSent || !errors.Is(read, context.Canceled) {
			t.Errorf("a read behind the first: %v", read)
		}
		if got, want := text(c.Order(ctx, OrderSpec{Product: business})), `refused not-sent type= object= sent=false ""`; got != want {
			t.Errorf("before: %s", got)
		}
		if n := panel.count("service.prolong"); n != 1 {
			t.Errorf("%d calls", n)
		}
		if _, err := c.License(ctx, "1001"); !errors.Is(err, context.Canceled) {
			t.Errorf("a read gave %v", err)
		}
	})
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		panel := newSlowPanel(t, func(string) string { return "<doc><ok/></doc>" })
		c := newClient(t, panel, func(cfg *Config) { cfg.Timeout = 500 * time.Millisecond })
		if got, want := text(c.Renew(t.Context(), "1001", 1)), `unknown timeout code= ""`; got != want {
			t.Errorf("got %s", got)
		}
	})
}

func TestRefusedLoginHoldsCallsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := true
		panel := newSlowPanel(t, func(fn string) string {
			if refused {
				return `<doc><error type="auth" object="badpassword"><msg>Invalid password</msg></error></doc>`
			}
			return "<doc><ok/></doc>"
		})
		c := newClient(t, panel)
		if s := c.State(); !s.OK {
			t.Errorf("at first: %+v", s)
		}
		// Those under way together count once.
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { _, _ = c.WhoAmI(t.Context()) })
		}
		wg.Wait()
		for _, pause := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
			pause *= time.Minute
			s := c.State()
			if s.OK || s.Reason != Auth || s.Message != "Invalid password" || s.Until.Sub(time.Now()) != pause {
				t.Fatalf("want a pause of %v: %+v, %v", pause, s, s.Until.Sub(time.Now()))
			}
			before := panel.count("service.prolong") + panel.count("whoami")
			time.Sleep(pause - time.Second)
			if got, want := text(c.Renew(t.Context(), "1001", 1)), `refused auth type= object= sent=false "Invalid password"`; got != want {
				t.Errorf("got %s", got)
			}
			var read *ReadError
			if _, err := c.WhoAmI(t.Context()); !errors.As(err, &read) || read.Reason != Auth {
				t.Errorf("got %v", err)
			}
			time.Sleep(time.Second)
			// One goes ahead, the others are still held back.
			for i := range 3 {
				wg.Go(func() { c.Renew(t.Context(), license.Code(fmt.Sprint(1001+i)), 1) })
			}
			wg.Wait()
			if n := panel.count("service.prolong") + panel.count("whoami") - before; n != 1 {
				t.Errorf("%d calls left", n)
			}
		}
		refused = false
		time.Sleep(30 * time.Minute)
		if got := ends(c.Renew(t.Context(), "1001", 1)); got != "applied" || !c.State().OK {
			t.Errorf("got %s, %+v", got, c.State())
		}
		refused = true
		_, _ = c.WhoAmI(t.Context())
		if s := c.State(); s.Until.Sub(time.Now()) != time.Minute {
			t.Errorf("the pause begins anew: %+v", s)
		}
	})
}

func TestSecondFactorIsTold(t *testing.T) {
	c := newClient(t, answering(file(t, "error-extraconfirm")))
	_, _ = c.WhoAmI(t.Context())
	if s := c.State(); s.OK || s.Reason != TwoFactor || !s.Until.IsZero() {
		t.Errorf("%+v", s)
	}
}

func TestSharedReadEndsWithItsLastCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		panel := newSlowPanel(t, families3)
		c := newClient(t, panel, func(cfg *Config) { cfg.Parallel = 1 })
		one, cancelOne := context.WithCancel(t.Context())
		two, cancelTwo := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = c.License(one, "1001") })
		synctest.Wait()
		for _, ctx := range []context.Context{one, two} {
			wg.Go(func() { _, _ = c.License(ctx, "1001") })
		}
		synctest.Wait()
		cancelOne() // the running read has no caller any more, the queued one still has
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		if n := panel.count("softexternal"); n != 2 {
			t.Errorf("%d reads begun", n)
		}
		cancelTwo()
		wg.Wait()
		synctest.Wait()
		if panel.now[""] != 0 {
			t.Error("a read goes on that nobody waits for")
		}
	})
}

func TestBalanceIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		panel := newSlowPanel(t, func(string) string { return "<doc><elem><balance>12.50 EUR</balance></elem></doc>" })
		c := newClient(t, panel)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if got, err := c.Balance(t.Context()); got != "12.50 EUR" || err != nil {
					t.Errorf("got %q, %v", got, err)
				}
			})
		}
		wg.Wait()
		if n := panel.count(balanceFunc); n > 2 { // the first and, for who came during it, one more
			t.Errorf("%d calls", n)
		}
	})
}

// TestFirstCallGoesAheadAlone counts the failed logins of a start with a wrong
// password: several at once would get the account blocked.
func TestFirstCallGoesAheadAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		panel := newSlowPanel(t, func(string) string {
			return `<doc><error type="auth" object="badpassword"><msg>no</msg></error></doc>`
		})
		c := newClient(t, panel)
		if _, err := c.Inventory(t.Context()); err == nil {
			t.Fatal("a refused login gave a list")
		}
		if n := listCalls(panel); n != 1 {
			t.Errorf("%d logins failed, want 1", n)
		}
	})
}
