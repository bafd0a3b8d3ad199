package panelserver_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
)

func TestFaultPages(t *testing.T) {
	r := start(t, panelserver.Options{})
	for _, c := range []struct {
		name   string
		answer panelserver.Answer
		status int
		body   string
	}{
		{"maintenance", panelserver.Maintenance(), 503, "Maintenance"},
		{"captcha", panelserver.Captcha(), 200, "robot"},
		{"gateway", panelserver.GatewayTimeout(), 504, "504"},
		{"too many", panelserver.TooMany(7 * time.Second), 429, "429"},
		{"document", panelserver.Document("<doc><odd/></doc>"), 200, "<odd/>"},
	} {
		r.Inject(panelserver.Fault{Func: "service.prolong", Times: 1, Answer: c.answer})
		resp, body, err := r.raw(renew1001)
		if err != nil || resp.StatusCode != c.status || !strings.Contains(string(body), c.body) {
			t.Errorf("%s: %v %s", c.name, err, body)
		}
		if c.status == 429 && resp.Header.Get("Retry-After") != "7" {
			t.Errorf("%s: %v", c.name, resp.Header)
		}
	}
	r.charged("service.prolong", 0)
}

func TestFaultBeforeAndAfter(t *testing.T) {
	r := start(t, panelserver.Options{})
	lost := func(a panelserver.Answer, after bool) {
		t.Helper()
		in := r.Inject(panelserver.Fault{Step: panelserver.Changing, Times: 1, After: after, Answer: a})
		r.ok("func=service.prolong&elid=1001&period=1") // only looks: not met
		resp, body, err := r.raw(renew1001)
		if err == nil {
			t.Errorf("an answer came: %s %s", resp.Status, body)
		}
		if in.Seen() != 1 {
			t.Errorf("met %d calls", in.Seen())
		}
	}
	lost(panelserver.Nothing(), false)
	lost(panelserver.Half(), false)
	r.charged("service.prolong", 0)
	lost(panelserver.Nothing(), true)
	lost(panelserver.Half(), true)
	r.charged("service.prolong", 2)
	if l := r.license("1001"); l.Expires != "2025-04-10" {
		t.Errorf("expires %s", l.Expires)
	}
	for _, c := range r.Calls("service.prolong") {
		if c.Faulty != c.Changing {
			t.Errorf("call %+v", c)
		}
	}
}

func TestHalfIsHalf(t *testing.T) {
	r := start(t, panelserver.Options{})
	r.Inject(panelserver.Fault{Func: "soft", Answer: panelserver.Half()})
	resp, body, err := r.raw("func=soft")
	if err == nil || resp == nil || len(body) == 0 || int64(len(body)) >= resp.ContentLength {
		t.Errorf("%d of %v: %v", len(body), resp, err)
	}
}

func TestRefusalsOnDemand(t *testing.T) {
	r := start(t, panelserver.Options{})
	in := r.Inject(panelserver.Fault{Elid: "1001", Answer: panelserver.Refuse(panelserver.Refusal{Type: "auth", Object: "badip"})})
	r.refused("func=softexternal.edit&elid=1001", "auth/badip")
	r.ok("func=softexternal.edit&elid=1002")
	in.Clear()
	in.Clear()
	r.ok("func=softexternal.edit&elid=1001")
	for _, refusal := range []panelserver.Refusal{{Type: "access"}, {Type: "extraconfirm"}, {Type: "odd", Object: "thing"}} {
		r.Inject(panelserver.Fault{Times: 1, Answer: panelserver.Refuse(refusal)})
		e := r.refused("func=whoami", refusal.String())
		if e.at("msg").Text == "" {
			t.Errorf("%v has no words", refusal)
		}
	}
	r.Inject(panelserver.Fault{Step: panelserver.Changing, Times: 1, After: true, Answer: panelserver.InProcess()})
	e := r.refused(renew1001, "process")
	if e.at("msg").Text != "Request in process, please wait" {
		t.Errorf("msg %q", e.at("msg").Text)
	}
	r.charged("service.prolong", 1)
}

func TestOneOperationAtATime(t *testing.T) {
	r := start(t, panelserver.Options{})
	for _, after := range []bool{false, true} {
		in := r.Inject(panelserver.Fault{Func: "service.prolong", Times: 1, After: after, Answer: panelserver.Hang()})
		done := make(chan error)
		go func() {
			_, _, err := r.raw(renew1001)
			done <- err
		}()
		if err := r.Await(t.Context(), func() bool { return in.Seen() == 1 }); err != nil {
			t.Fatal(err)
		}
		r.refused(renew1001, "operation/runningoperation")
		if r.RenewByHand("1001", 1, "boss") == nil {
			t.Error("renewed by hand beside a running operation")
		}
		r.ok("func=softexternal.edit&elid=1001") // looking is allowed
		r.ok("func=service.prolong&elid=1003&period=1&sok=ok")
		in.Clear()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	r.charged("service.prolong", 4)
}

func TestClientLeavesHangingCall(t *testing.T) {
	r := start(t, panelserver.Options{})
	in := r.Inject(panelserver.Fault{Func: "service.prolong", Answer: panelserver.Hang()})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		req, _ := http.NewRequestWithContext(ctx, "POST", r.url, strings.NewReader(r.form(renew1001).Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		_, err := r.http.Do(req)
		done <- err
	}()
	if err := r.Await(t.Context(), func() bool { return in.Seen() == 1 }); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("an answer came")
	}
	// The panel notices, lets the licence go, and has done nothing.
	in.Clear()
	r.charged("service.prolong", 0)
}

func TestDelayGoesOnWithoutClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := panelserver.New(panelserver.Options{Licenses: panelserver.Sample(time.Now())})
		defer s.Close()
		s.Inject(panelserver.Fault{Delay: time.Minute})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		begin := time.Now()
		serve(s, ctx, "POST", "", "authinfo=client:secret&out=xml&"+renew1001)
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("took %v", took)
		}
		if err := s.Charged("service.prolong", 1); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseEndsStalls(t *testing.T) {
	r := start(t, panelserver.Options{})
	in := r.Inject(panelserver.Fault{Delay: time.Hour})
	done := make(chan error)
	go func() {
		_, _, err := r.raw(renew1001)
		done <- err
	}()
	if err := r.Await(t.Context(), func() bool { return in.Seen() == 1 }); err != nil {
		t.Fatal(err)
	}
	r.Close()
	r.Close()
	if err := <-done; err == nil {
		t.Error("an answer came")
	}
	r.charged("service.prolong", 0)
}

func TestIdleConnectionsAreCut(t *testing.T) {
	r := start(t, panelserver.Options{})
	r.ok("func=whoami")
	cut := 0
	if err := r.Await(t.Context(), func() bool { cut += r.CutIdle(); return cut > 0 }); err != nil {
		t.Fatal(err)
	}
	// A POST is not repeated by net/http once it was written, so either outcome of
	// the race is the real one: the next call fails, or goes over a new connection.
	_, _, _ = r.raw("func=whoami")
	r.ok("func=whoami")
}
