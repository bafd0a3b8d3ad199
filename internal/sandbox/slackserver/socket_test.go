package slackserver_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

// withSocket runs a test in a bubble, with a server on in-memory connections.
func withSocket(t *testing.T, o slackserver.Options, f func(*testing.T, *slackserver.Server, *pipes)) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, o)
		f(t, s, serve(t, s))
	})
}

func TestSocketCommand(t *testing.T) {
	withSocket(t, slackserver.Options{}, func(t *testing.T, s *slackserver.Server, p *pipes) {
		c := connect(t, s, p)
		hello := c.next("hello")
		if hello["num_connections"] != 1.0 || hello["connection_info"].(object)["app_id"] != slackserver.AppID {
			t.Errorf("got %v", hello)
		}
		s.Channel("licenses")
		ops := s.User("ops")
		d, err := ops.Says("licenses", "/license renew 1001")
		if err != nil {
			t.Fatal(err)
		}
		e := c.next("slash_commands")
		payload := e["payload"].(object)
		if payload["text"] != "renew 1001" || payload["user_id"] != ops.ID() || e["accepts_response_payload"] != true || e["retry_attempt"] != nil {
			t.Errorf("got %v", e)
		}
		time.Sleep(time.Second)
		c.ack(e, object{"text": "working on it"})
		if a, err := d.Wait(t.Context()); err != nil || a.Latency != time.Second {
			t.Errorf("got %+v, %v", a, err)
		}
		if _, err := ops.Sees(t.Context(), "licenses", "working on it"); err != nil {
			t.Error(err)
		}

		go func() {
			again := c.next("slash_commands")
			if again["envelope_id"] != e["envelope_id"] || toJSON(t, again["payload"]) != toJSON(t, payload) {
				t.Errorf("got %v, want %v", again, e)
			}
			c.ack(again, nil)
		}()
		if err := d.Again(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestSocketCommandLost(t *testing.T) {
	withSocket(t, slackserver.Options{}, func(t *testing.T, s *slackserver.Server, p *pipes) {
		s.Channel("licenses")
		ops := s.User("ops")
		d, err := ops.Says("licenses", "/license one")
		if err != nil {
			t.Fatal(err)
		}
		if a, err := d.Wait(t.Context()); err == nil || a.Failed != "dispatch_failed" {
			t.Errorf("nobody there: %+v, %v", a, err)
		}
		c := connect(t, s, p)
		c.next("hello")
		if d, err = ops.Says("licenses", "/license two"); err != nil {
			t.Fatal(err)
		}
		c.next("slash_commands")
		if a, err := d.Wait(t.Context()); err == nil || a.Failed != "operation_timeout" || a.Latency != slackserver.AckDeadline {
			t.Errorf("not acknowledged: %+v, %v", a, err)
		}
		for _, word := range []string{"dispatch_failed", "operation_timeout"} {
			if _, err := ops.Sees(t.Context(), "licenses", word); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestSocketRedeliversEvents(t *testing.T) {
	withSocket(t, slackserver.Options{}, func(t *testing.T, s *slackserver.Server, p *pipes) {
		c := connect(t, s, p)
		c.ws.SetPingHandler(func(string) error { return nil })
		c.next("hello")
		d, err := s.SendEvent(object{"type": "app_uninstalled"})
		if err != nil {
			t.Fatal(err)
		}
		ids := map[any]bool{}
		var payload string
		for attempt := range 3 {
			e := c.next("events_api")
			if e["retry_attempt"] != float64(attempt) || (e["retry_reason"] == "timeout") != (attempt > 0) || e["accepts_response_payload"] != false {
				t.Errorf("got %v", e)
			}
			ids[e["envelope_id"]] = true
			if payload == "" {
				payload = toJSON(t, e["payload"])
			} else if payload != toJSON(t, e["payload"]) {
				t.Errorf("another payload: %v", e)
			}
			if attempt == 2 {
				c.ack(e, nil)
			}
		}
		if _, err := d.Wait(t.Context()); err != nil || len(ids) != 3 || len(d.Attempts()) != 3 {
			t.Errorf("%d envelopes, %+v, %v", len(ids), d.Attempts(), err)
		}
	})
}

func TestSocketAckOnAnotherConnection(t *testing.T) {
	withSocket(t, slackserver.Options{}, func(t *testing.T, s *slackserver.Server, p *pipes) {
		s.Channel("licenses")
		first := connect(t, s, p)
		first.next("hello")
		d, err := s.User("ops").Says("licenses", "/license")
		if err != nil {
			t.Fatal(err)
		}
		e := first.next("slash_commands")
		first.ws.Close()
		second := connect(t, s, p)
		second.next("hello")
		second.ack(e, nil)
		if _, err := d.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestSocketOnePayloadOneConnection(t *testing.T) {
	withSocket(t, slackserver.Options{}, func(t *testing.T, s *slackserver.Server, p *pipes) {
		s.Channel("licenses")
		ops := s.User("ops")
		const conns, commands = 3, 30
		got := make(chan string)
		for range conns {
			c := connect(t, s, p)
			c.next("hello")
			go func() {
				for {
					var e object
					if c.ws.ReadJSON(&e) != nil {
						return
					}
					got <- e["payload"].(object)["trigger_id"].(string)
					c.ack(e, nil)
				}
			}()
		}
		for range commands {
			if _, err := ops.Says("licenses", "/license"); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[string]bool{}
		for range commands {
			seen[<-got] = true
		}
		if len(seen) != commands {
			t.Errorf("%d commands arrived, want %d", len(seen), commands)
		}
		for _, d := range s.Deliveries() {
			if _, err := d.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestSocketLimit(t *testing.T) {
	withSocket(t, slackserver.Options{}, func(t *testing.T, s *slackserver.Server, p *pipes) {
		for range 10 {
			connect(t, s, p).next("hello")
		}
		if v := connect(t, s, p).next("disconnect"); v["reason"] != "too_many_websockets" {
			t.Errorf("got %v", v)
		}
		if n := s.Sockets(); n != 10 {
			t.Errorf("%d connections", n)
		}
	})
}

func TestSocketTickets(t *testing.T) {
	withSocket(t, slackserver.Options{}, func(t *testing.T, s *slackserver.Server, p *pipes) {
		address := must(t, s, "apps.connections.open")["url"].(string)
		if !strings.HasPrefix(address, "ws://slack.test/link/?ticket=") {
			t.Errorf("got %s", address)
		}
		dialSocket(t, p, address).next("hello")
		refused := func(what, address string) {
			d := websocket.Dialer{NetDialContext: p.dial}
			if _, answer, err := d.Dial(address, nil); err == nil || answer == nil || answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s ticket: %v, %v", what, answer, err)
			}
		}
		refused("a used", address)
		refused("a made-up", "ws://slack.test/link/?ticket=x")
		late := must(t, s, "apps.connections.open")["url"].(string)
		time.Sleep(time.Minute)
		refused("an old", late)
	})
}

func TestSocketDisconnects(t *testing.T) {
	withSocket(t, slackserver.Options{}, func(t *testing.T, s *slackserver.Server, p *pipes) {
		for _, reason := range []string{"refresh_requested", "link_disabled"} {
			c := connect(t, s, p)
			c.next("hello")
			go s.Disconnect("warning")
			if v := c.next("disconnect"); v["reason"] != "warning" || s.Sockets() != 1 {
				t.Errorf("got %v, %d connections", v, s.Sockets())
			}
			go s.Disconnect(reason)
			if v := c.next("disconnect"); v["reason"] != reason {
				t.Errorf("got %v", v)
			}
			if _, _, err := c.ws.ReadMessage(); err == nil {
				t.Error("the connection is still there")
			}
		}
		c := connect(t, s, p)
		c.next("hello")
		s.DropSockets()
		if _, _, err := c.ws.ReadMessage(); err == nil || s.Sockets() != 0 {
			t.Errorf("%v, %d connections", err, s.Sockets())
		}
	})
}

func TestSocketPings(t *testing.T) {
	withSocket(t, slackserver.Options{}, func(t *testing.T, s *slackserver.Server, p *pipes) {
		c := connect(t, s, p)
		c.next("hello")
		pings := make(chan time.Time)
		c.ws.SetPingHandler(func(string) error { pings <- time.Now(); return nil })
		go func() {
			for {
				if _, _, err := c.ws.ReadMessage(); err != nil {
					return
				}
			}
		}()
		start := time.Now()
		for range 3 {
			<-pings
		}
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("three pings in %s", took)
		}
	})
}

func TestSocketBreaks(t *testing.T) {
	withSocket(t, slackserver.Options{}, func(t *testing.T, s *slackserver.Server, p *pipes) {
		s.Break(slackserver.Break{Method: "socket", Times: 1, Status: http.StatusNotFound})
		address := must(t, s, "apps.connections.open")["url"].(string)
		d := websocket.Dialer{NetDialContext: p.dial}
		if _, answer, err := d.Dial(address, nil); err == nil || answer.StatusCode != http.StatusNotFound {
			t.Errorf("got %v, %v", answer, err)
		}
		dialSocket(t, p, address).next("hello") // the ticket was not looked at
	})
}

func TestModal(t *testing.T) {
	withSocket(t, slackserver.Options{}, func(t *testing.T, s *slackserver.Server, p *pipes) {
		c := connect(t, s, p)
		c.next("hello")
		s.Channel("licenses")
		ops := s.User("ops")
		if _, err := ops.Says("licenses", "/license order"); err != nil {
			t.Fatal(err)
		}
		e := c.next("slash_commands")
		trigger := e["payload"].(object)["trigger_id"].(string)
		c.ack(e, nil)
		view := toJSON(t, object{
			"type": "modal", "callback_id": "order", "private_metadata": "m", "title": text("plain_text", "Order"), "submit": text("plain_text", "Propose"),
			"blocks": []any{
				section("Fill in *all*"),
				object{"type": "input", "block_id": "product", "label": text("plain_text", "Product"), "element": object{
					"type": "static_select", "action_id": "v",
					"options": []any{object{"text": text("plain_text", "ISPmanager Lite"), "value": "41"}, object{"text": text("plain_text", "Other"), "value": "42"}},
				}},
				object{"type": "input", "block_id": "ip", "label": text("plain_text", "Address"), "element": object{"type": "plain_text_input", "action_id": "v"}},
				object{"type": "input", "block_id": "name", "optional": true, "label": text("plain_text", "Name"), "element": object{"type": "plain_text_input", "action_id": "v"}},
			},
		})
		must(t, s, "views.open", "trigger_id", trigger, "view", view)
		wantError(t, call(t, s, "views.open", "trigger_id", trigger, "view", view), "exchanged_trigger_id")
		modal, err := ops.Modal(t.Context(), "Order")
		if err != nil || modal.Text != "Fill in all" || modal.CallbackID != "order" || len(modal.Inputs) != 3 || modal.Inputs[0].Options[0] != "ISPmanager Lite" {
			t.Fatalf("got %+v, %v", modal, err)
		}

		for _, values := range []map[string]string{{"Product": "41"}, {"Product": "nothing", "Address": "x"}, {"Colour": "red", "Product": "41", "Address": "x"}} {
			if _, err := ops.Submits(modal, values); err == nil {
				t.Errorf("%v was sent", values)
			}
		}
		submit := func(answer any) {
			t.Helper()
			d, err := ops.Submits(modal, map[string]string{"Product": "ISPmanager Lite", "ip": "10.0.0.1"})
			if err != nil {
				t.Fatal(err)
			}
			e := c.next("interactive")
			values := toJSON(t, e["payload"].(object)["view"].(object)["state"].(object)["values"])
			for _, want := range []string{`"value":"41"`, `"value":"10.0.0.1"`, `"value":null`} {
				if !strings.Contains(values, want) {
					t.Errorf("no %s in %s", want, values)
				}
			}
			c.ack(e, answer)
			if _, err := d.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		}
		submit(object{"response_action": "errors", "errors": object{"ip": "is taken"}})
		if modal, err = ops.Modal(t.Context(), "Order"); err != nil || modal.Errors["ip"] != "is taken" {
			t.Errorf("got %+v, %v", modal, err)
		}
		wantError(t, call(t, s, "views.update", "view_id", modal.ID, "hash", "old", "view", view), "hash_conflict")
		must(t, s, "views.update", "view_id", modal.ID, "hash", modal.Hash, "view", view)
		submit(nil)
		if _, err := ops.Submits(modal, nil); err == nil {
			t.Error("a closed modal was sent")
		}
		if f := s.Faults(); len(f) != 0 {
			t.Errorf("faults %q", f)
		}
	})
}

func TestTriggerExpires(t *testing.T) {
	withSocket(t, slackserver.Options{}, func(t *testing.T, s *slackserver.Server, _ *pipes) {
		s.Channel("licenses")
		d, err := s.User("ops").Says("licenses", "/license order")
		if err != nil {
			t.Fatal(err)
		}
		var payload struct {
			Trigger string `json:"trigger_id"`
		}
		if err := json.Unmarshal(d.Payload(), &payload); err != nil {
			t.Fatal(err)
		}
		time.Sleep(slackserver.AckDeadline + time.Millisecond)
		wantError(t, call(t, s, "views.open", "trigger_id", payload.Trigger, "view", "{}"), "expired_trigger_id")
	})
}

func TestHome(t *testing.T) {
	s, in := withBot(t, slackserver.Options{})
	ops := s.User("ops")
	wait(t)(ops.OpensHome())
	if !strings.Contains(in.all()[0].body, "app_home_opened") {
		t.Errorf("got %+v", in.all()[0])
	}
	home := func(text string) string {
		return toJSON(t, object{"type": "home", "blocks": []any{section(text), buttonRow("Renew")}})
	}
	hash := must(t, s, "views.publish", "user_id", ops.ID(), "view", home("nothing waits"))["view"].(object)["hash"].(string)
	v, err := ops.Home(t.Context(), "nothing waits")
	if err != nil {
		t.Fatal(err)
	}
	wait(t)(ops.PressesIn(v, "Renew"))
	p := in.all()[1].payload(t)
	if p["container"].(object)["type"] != "view" || p["view"].(object)["id"] != v.ID || p["actions"].([]any)[0].(object)["action_id"] != "renew:q1" {
		t.Errorf("got %v", p)
	}
	must(t, s, "views.publish", "user_id", ops.ID(), "view", home("one waits"), "hash", hash)
	wantError(t, call(t, s, "views.publish", "user_id", ops.ID(), "view", home("x"), "hash", hash), "hash_conflict")
}
