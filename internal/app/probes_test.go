package app_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
	"github.com/isplicense/license-bot/internal/settings"
)

func TestProbes(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		if status, body := r.get("GET", "/healthz"); status != 200 || body != "ok\n" {
			r.Errorf("/healthz: %d %q", status, body)
		}
		status, body := r.get("GET", "/readyz")
		for _, line := range []string{"ready\n", "store: ok", "slack: ok", "telegram: ok", "panel: no refusal"} {
			if status != 200 || !strings.Contains(body, line) {
				r.Errorf("/readyz: %d, without %q: %s", status, line, body)
			}
		}
		for path, method := range map[string]string{
			"/healthz": "POST", "/readyz": "PUT", "/metrics": "DELETE", "/slack/commands": "GET", "/slack/interactions": "PUT", "/slack/events": "GET",
		} {
			if status, _ := r.get(method, path); status != http.StatusMethodNotAllowed {
				r.Errorf("%s %s: %d", method, path, status)
			}
		}
		for _, path := range []string{"/", "/slack", "/slack/other", "/telegram/webhook", "/debug/pprof/", "/healthz/x"} {
			if status, _ := r.get("POST", path); status != http.StatusNotFound {
				r.Errorf("%s: %d", path, status)
			}
		}
	})
}

func TestMetrics(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.onTelegram(r.dora, "viewer as dora")
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		r.asks(r.ops, "/license renew 1008", "Renew 1008")
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "1001 was renewed")
		r.ends(card, "Confirmed")
		r.presses(r.ops, r.asks(r.ops, "/license renew 1012", "Renew 1012"), "Cancel")
		time.Sleep(time.Second)
		_, body := r.get("GET", "/metrics")
		for _, line := range []string{
			`licensebot_requests_total{action="renew",outcome="applied"} 1`,
			`licensebot_requests_total{action="renew",outcome="cancelled"} 1`,
			`licensebot_isplicense_calls_total{func="service.prolong",result="ok"}`,
			`licensebot_isplicense_call_duration_seconds_count{func="service.prolong"}`,
			`licensebot_chat_calls_total{method="chat.postMessage",result="ok",transport="slack"} 4`,
			`licensebot_chat_calls_total{method="sendMessage",result="ok",transport="telegram"} 1`,
			`licensebot_acknowledgement_seconds_count{transport="slack"}`,
			`licensebot_acknowledgement_seconds_count{transport="telegram"} 1`,
			"licensebot_open_requests 1\n", "licensebot_undelivered_reports 0\n", "go_goroutines", "process_cpu_seconds_total",
		} {
			if !strings.Contains(body, line) {
				r.Errorf("/metrics has no %s", line)
			}
		}
		r.lacks(body, "1001", "srv1", r.ops.ID(), "licenses", "xoxb", "secret")
	})
}

func TestAChatThatIsOffIsNotThere(t *testing.T) {
	played(t, func(r *rig) {
		for _, path := range []string{"/slack/commands", "/slack/interactions", "/slack/events"} {
			if status, _ := r.get("POST", path); status != http.StatusNotFound {
				r.Errorf("%s: %d by Socket Mode alone", path, status)
			}
		}
	}, bySocket)
	t.Run("Telegram", func(t *testing.T) {
		played(t, func(r *rig) {
			r.allow()
			if status, _ := r.get("POST", "/telegram/webhook"); status != http.StatusNotFound {
				r.Errorf("%d", status)
			}
			_, body := r.get("GET", "/readyz")
			r.lacks(body, "telegram")
			r.bossAllows("telegram:12345 approver as tess")
			card := r.asks(r.ops, "/license terminate 1003", "Terminate 1003")
			r.presses(r.second, card, "Approve")
			r.reports(card, "1003 was terminated")
		}, func(s *settings.Settings, _ *sandbox.Options) { s.TelegramToken = settings.Secret{} })
	})
}

func TestTheTelegramWebhook(t *testing.T) {
	played(t, func(r *rig) {
		r.onTelegram(r.dora, "operator as dora")
		r.dora.Says(r.dora.Private(), "/renew 1001")
		card := r.sees(r.dora, r.dora.Private(), "Renew 1001")
		r.taps(r.dora, card, "Confirm")
		r.sees(r.dora, r.dora.Private(), "1001 was renewed")
		post := func(secret string, body []byte) int {
			req, err := http.NewRequestWithContext(r.ctx(), "POST", "http://"+r.app.Addr().String()+"/telegram/webhook", bytes.NewReader(body))
			if err != nil {
				r.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			if secret != "" {
				req.Header.Set("X-Telegram-Bot-Api-Secret-Token", secret)
			}
			resp, err := r.carrier.RoundTrip(req)
			if err != nil {
				r.Fatal(err)
			}
			defer resp.Body.Close()
			return resp.StatusCode
		}
		update := []byte(`{"update_id":1,"message":{"message_id":1,"date":1,"from":{"id":1,"is_bot":false,"first_name":"x"},"chat":{"id":1,"type":"private"},"text":"/list"}}`)
		for secret, want := range map[string]int{
			"": 401, "another": 401, "webhook-secre": 401, "webhook-secret2": 401, "w": 401, "Webhook-secret": 401, "webhook-secret": 200,
		} {
			if got := post(secret, update); got != want {
				r.Errorf("secret %q: %d", secret, got)
			}
		}
		if got := post("webhook-secret", bytes.Repeat([]byte("x"), 1<<20+1)); got != 413 {
			r.Errorf("over 1 MiB: %d", got)
		}
		if status, _ := r.get("GET", "/telegram/webhook"); status != http.StatusMethodNotAllowed {
			r.Errorf("GET: %d", status)
		}
		r.charged("service.prolong", 1)
	}, func(s *settings.Settings, _ *sandbox.Options) {
		s.HTTPAddr = "127.0.0.1:8080"
		s.TelegramWebhookURL, s.TelegramWebhookSecret = "http://127.0.0.1:8080/telegram/webhook", secret("webhook-secret")
	})
}

// Many clients send the whole of a request and read only then.
func TestATooLongBodyHearsItsAnswer(t *testing.T) {
	r := newRig(t, func(s *settings.Settings, _ *sandbox.Options) {
		s.TelegramWebhookURL, s.TelegramWebhookSecret = "http://127.0.0.1:8080/telegram/webhook", secret("webhook-secret")
	})
	for _, path := range []string{"/telegram/webhook", "/slack/commands"} {
		conn, err := (&net.Dialer{}).DialContext(r.ctx(), "tcp", r.app.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		const long = 12 << 20 // more than the sockets in between hold
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: bot\r\nContent-Length: %d\r\n\r\n", path, long)
		if _, err := conn.Write(make([]byte, long)); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

func TestAWebhookThatTelegramRefuses(t *testing.T) {
	played(t, func(r *rig) {
		r.stop()
		heal := r.world.Telegram.Break(telegramserver.Fault{
			Method: "setWebhook", Status: http.StatusBadRequest,
			Body: `{"ok":false,"error_code":400,"description":"Bad Request: bad webhook: Failed to resolve host: Name or service not known"}`,
		})
		r.start()
		time.Sleep(time.Second)
		_, body := r.get("GET", "/readyz")
		if want := "telegram: telegram setWebhook: the chat refuses it: Bad Request: bad webhook: Failed to resolve host: " +
			"Name or service not known; check TELEGRAM_WEBHOOK_URL\n"; !strings.Contains(body, want) {
			r.Errorf("/readyz says %s, want %s", body, want)
		}
		heal()
		time.Sleep(time.Minute)
		if _, body := r.get("GET", "/readyz"); !strings.Contains(body, "telegram: ok") {
			r.Errorf("/readyz says %s", body)
		}
	}, func(s *settings.Settings, _ *sandbox.Options) {
		s.HTTPAddr, s.TelegramWebhookURL, s.TelegramWebhookSecret = "127.0.0.1:8080", "http://127.0.0.1:8080/telegram/webhook", secret("webhook-secret")
	})
}

func TestAStopDoesNotWaitForConnectionsThatAskNothing(t *testing.T) {
	r := newRig(t)
	c, err := (&net.Dialer{}).DialContext(r.ctx(), "tcp", r.app.Addr().String())
	if err != nil {
		r.Fatal(err)
	}
	defer c.Close()
	if status, _ := r.get("GET", "/healthz"); status != 200 { // accepted after the silent one
		r.Errorf("%d", status)
	}
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	began := time.Now()
	r.app.Stop(ctx)
	if took := time.Since(began); took > 2*time.Second {
		r.Errorf("the stop took %s", took)
	}
}

func TestAStopDoesNotWaitForARequestThatDoesNotEnd(t *testing.T) {
	r := newRig(t)
	c, err := (&net.Dialer{}).DialContext(r.ctx(), "tcp", r.app.Addr().String())
	if err != nil {
		r.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST /slack/commands HTTP/1.1\r\nHost: bot\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"); err != nil {
		r.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil { // it is being read
		r.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	began := time.Now()
	r.app.Stop(ctx)
	if took := time.Since(began); took > 5*time.Second {
		r.Errorf("the stop took %s", took)
	}
}

func TestTheSocketIsLost(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		r.world.Slack.DropSockets()
		if err := r.world.Slack.Await(r.within(minute), func() bool { return r.world.Slack.Sockets() > 0 }); err != nil {
			r.Fatal("no new socket: ", err)
		}
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "1001 was renewed")
		r.world.Slack.Disconnect("refresh_requested")
		if err := r.world.Slack.Await(r.within(minute), func() bool { return r.world.Slack.Sockets() > 0 }); err != nil {
			r.Fatal("no new socket: ", err)
		}
		time.Sleep(minute)
		r.tells(r.ops, "/license pending", "No request is open")
		if status, body := r.get("GET", "/readyz"); status != 200 || !strings.Contains(body, "slack: ok") {
			r.Errorf("%d %s", status, body)
		}
	}, bySocket)
}

func TestReadinessWithATokenThatSlackDoesNotTake(t *testing.T) {
	played(t, func(r *rig) {
		time.Sleep(minute)
		status, body := r.get("GET", "/readyz")
		if status != 200 || !strings.Contains(body, "slack: takes commands over HTTP, but Slack does not know the token") || strings.Contains(body, "slack: ok") {
			r.Errorf("%d %s", status, body)
		}
	}, func(s *settings.Settings, _ *sandbox.Options) { s.SlackBotToken = secret("xoxb-another") })
}

// A report is tried for a day, ever less often; then the admins are told, in the chats
// that take it, and it is not said any more by anybody else.
func TestAReportThatIsTriedForADay(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.onTelegram(r.dora, "admin as dora")
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		away := slackserver.Break{Method: "chat.postMessage", Status: http.StatusServiceUnavailable, Body: "away"}
		r.world.Slack.Break(away)
		tried := posts(r, "chat.postMessage")
		r.presses(r.ops, card, "Confirm")
		time.Sleep(23*time.Hour + 50*time.Minute)
		if n := posts(r, "chat.postMessage") - tried; n < 200 || n > 400 {
			r.Errorf("it was tried %d times in a day", n)
		}
		r.lacks(r.room(r.dora.Private()), "could not be delivered")
		if _, body := r.get("GET", "/metrics"); !strings.Contains(body, "licensebot_undelivered_reports 1\n") {
			r.Error("no undelivered report is counted")
		}
		time.Sleep(20 * time.Minute)
		told := r.sees(r.dora, r.dora.Private(), "could not be delivered")
		if !strings.Contains(told.Text, "1001 was renewed") || !strings.Contains(told.Text, r.idOf(card.Text)) {
			r.Errorf("the admins are told %s", told.Text)
		}
		r.world.Slack.Mend("")
		if _, err := r.boss.Sees(r.within(10*minute), r.boss.DM(), "could not be delivered"); err != nil {
			r.Error("the admin in Slack is not told when Slack is back: ", err)
		}
		time.Sleep(time.Hour)
		if n := r.replies(card, ""); n != 0 {
			r.Errorf("%d reports after it was given up", n)
		}
		if n := strings.Count(r.room(r.dora.Private()), "could not be delivered"); n != 1 {
			r.Errorf("told %d times", n)
		}
		r.ends(card, "1001 was renewed")
		r.charged("service.prolong", 1)
	})
}

// Where neither the place nor the person takes it, the admins are told at once.
func TestAReportThatNobodyCanBeTold(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.onTelegram(r.dora, "admin as dora")
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		r.presses(r.ops, card, "Confirm")
		r.licenses.Archive()
		r.ops.Deactivate()
		r.sees(r.dora, r.dora.Private(), "1001 was renewed")
		r.charged("service.prolong", 1)
	})
}
