package slackserver_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

func TestTokens(t *testing.T) {
	s := newServer(t, slackserver.Options{})
	const form, asJSON = "application/x-www-form-urlencoded", "application/json; charset=utf-8"
	for _, c := range []struct {
		name, path, kind, bearer, body, want string
	}{
		{"none", "/api/auth.test", form, "", "", "not_authed"},
		{"in the form", "/api/auth.test", form, "", "token=" + botToken, ""},
		{"in the header", "/api/auth.test", form, botToken, "", ""},
		{"without a content type", "/api/auth.test", "", botToken, "", ""},
		{"in the query", "/api/auth.test?token=" + botToken, form, "", "", "not_authed"},
		{"in JSON", "/api/auth.test", asJSON, "", `{"token":"` + botToken + `"}`, "not_authed"},
		{"wrong", "/api/auth.test", form, "xoxb-other", "", "invalid_auth"},
		{"the app's", "/api/auth.test", form, appToken, "", "not_allowed_token_type"},
		{"the bot's", "/api/apps.connections.open", form, botToken, "", "not_allowed_token_type"},
		{"the app's for the socket", "/api/apps.connections.open", form, appToken, "", ""},
		{"unknown method", "/api/rtm.start", form, botToken, "", "unknown_method"},
		{"bad JSON", "/api/chat.postMessage", asJSON, botToken, "{", "invalid_json"},
		{"a JSON list", "/api/chat.postMessage", asJSON, botToken, "[]", "json_not_object"},
		{"XML", "/api/chat.postMessage", "text/xml", botToken, "<a/>", "invalid_post_type"},
		{"a bad form", "/api/chat.postMessage", form, botToken, "a=%zz", "invalid_form_data"},
		{"JSON where forms alone are taken", "/api/users.info", asJSON, botToken, `{"user":"` + slackserver.BotUserID + `"}`, "user_not_found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := decode(t, post(t, s, c.path, c.kind, c.bearer, c.body))
			if c.want == "" {
				if v["ok"] != true {
					t.Errorf("got %v", v)
				}
				return
			}
			wantError(t, v, c.want)
		})
	}
}

func TestScopes(t *testing.T) {
	s := newServer(t, slackserver.Options{Scopes: []string{"commands"}})
	c, private := s.Channel("licenses"), s.PrivateChannel("secret")
	dm := s.User("ops").DM()
	for _, test := range []struct{ method, channel, needed string }{
		{"chat.postMessage", c.ID(), "chat:write"},
		{"conversations.history", c.ID(), "channels:history"},
		{"conversations.history", private.ID(), "groups:history"},
		{"conversations.replies", dm, "im:history"},
		{"conversations.info", c.ID(), "channels:read"},
		{"conversations.open", c.ID(), "im:write"},
		{"users.info", c.ID(), "users:read"},
	} {
		v := call(t, s, test.method, "channel", test.channel)
		wantError(t, v, "missing_scope")
		if v["needed"] != test.needed || v["provided"] != "commands" {
			t.Errorf("%s: %v", test.method, v)
		}
	}
}

func TestRefusals(t *testing.T) {
	now := newClock()
	s := newServer(t, slackserver.Options{Now: now.now, EditWindow: time.Hour})
	open := s.Channel("licenses").ID()
	outside := s.Channel("elsewhere")
	outside.RemoveBot()
	hidden := s.PrivateChannel("hidden")
	hidden.RemoveBot()
	old := s.Channel("old")
	oldTS := must(t, s, "chat.postMessage", "channel", old.ID(), "text", "x")["ts"].(string)
	old.Archive()
	ops := s.User("ops")
	if _, err := ops.Says("licenses", "hello"); err != nil {
		t.Fatal(err)
	}
	theirs := s.Channel("licenses").Messages()[0].TS
	root := must(t, s, "chat.postMessage", "channel", open, "text", "root")["ts"].(string)
	reply := must(t, s, "chat.postMessage", "channel", open, "text", "reply", "thread_ts", root)["ts"].(string)
	whisper := must(t, s, "chat.postEphemeral", "channel", open, "user", ops.ID(), "text", "psst")["message_ts"].(string)
	ancient := must(t, s, "chat.postMessage", "channel", open, "text", "early")["ts"].(string)
	now.pass(2 * time.Hour)
	former := s.User("former")
	former.Deactivate()
	long := strings.Repeat("x", 40001)

	for _, c := range []struct {
		want, method string
		args         []string
	}{
		{"channel_not_found", "chat.postMessage", []string{"channel", "C404", "text", "x"}},
		{"channel_not_found", "chat.postMessage", []string{"channel", hidden.ID(), "text", "x"}},
		{"channel_not_found", "chat.postMessage", []string{"channel", former.ID(), "text", "x"}},
		{"not_in_channel", "chat.postMessage", []string{"channel", outside.ID(), "text", "x"}},
		{"is_archived", "chat.postMessage", []string{"channel", old.ID(), "text", "x"}},
		{"no_text", "chat.postMessage", []string{"channel", open}},
		{"no_text", "chat.postMessage", []string{"channel", open, "text", " ", "blocks", "[]"}},
		{"msg_too_long", "chat.postMessage", []string{"channel", open, "text", long}},
		{"invalid_blocks_format", "chat.postMessage", []string{"channel", open, "blocks", "{"}},
		{"invalid_thread_ts", "chat.postMessage", []string{"channel", open, "text", "x", "thread_ts", "1"}},
		{"invalid_thread_ts", "chat.postMessage", []string{"channel", open, "text", "x", "thread_ts", whisper}},
		{"cannot_reply_to_message", "chat.postMessage", []string{"channel", open, "text", "x", "thread_ts", reply}},
		{"invalid_metadata_format", "chat.postMessage", []string{"channel", open, "text", "x", "metadata", "["}},
		{"invalid_metadata_schema", "chat.postMessage", []string{"channel", open, "text", "x", "metadata", `{"event_type":"a"}`}},
		{"user_not_in_channel", "chat.postEphemeral", []string{"channel", open, "user", former.ID(), "text", "x"}},
		{"not_in_channel", "chat.postEphemeral", []string{"channel", outside.ID(), "user", ops.ID(), "text", "x"}},
		{"is_archived", "chat.postEphemeral", []string{"channel", old.ID(), "user", ops.ID(), "text", "x"}},
		{"channel_not_found", "chat.update", []string{"channel", ops.ID(), "ts", root, "text", "x"}},
		{"message_not_found", "chat.update", []string{"channel", open, "ts", "1.000001", "text", "x"}},
		{"message_not_found", "chat.update", []string{"channel", open, "ts", whisper, "text", "x"}},
		{"cant_update_message", "chat.update", []string{"channel", open, "ts", theirs, "text", "x"}},
		{"edit_window_closed", "chat.update", []string{"channel", open, "ts", ancient, "text", "x"}},
		{"is_archived", "chat.update", []string{"channel", old.ID(), "ts", oldTS, "text", "x"}},
		{"cant_delete_message", "chat.delete", []string{"channel", open, "ts", theirs}},
		{"message_not_found", "chat.delete", []string{"channel", open, "ts", "1.000001"}},
		{"message_not_found", "chat.getPermalink", []string{"channel", open, "message_ts", "1.000001"}},
		{"channel_not_found", "conversations.history", []string{"channel", hidden.ID()}},
		{"not_in_channel", "conversations.history", []string{"channel", outside.ID()}},
		{"invalid_limit", "conversations.history", []string{"channel", open, "limit", "1000"}},
		{"invalid_cursor", "conversations.history", []string{"channel", open, "cursor", "x"}},
		{"invalid_ts_oldest", "conversations.history", []string{"channel", open, "oldest", "x"}},
		{"thread_not_found", "conversations.replies", []string{"channel", open, "ts", "1.000001"}},
		{"users_list_not_supplied", "conversations.open", nil},
		{"user_not_found", "conversations.open", []string{"users", "U404"}},
		{"user_disabled", "conversations.open", []string{"users", former.ID()}},
		{"user_not_found", "users.info", []string{"user", "U404"}},
		{"invalid_trigger_id", "views.open", []string{"trigger_id", "1", "view", "{}"}},
		{"not_found", "views.update", []string{"view_id", "V404", "view", "{}"}},
		{"user_not_found", "views.publish", []string{"user_id", "U404", "view", "{}"}},
		{"invalid_arguments", "views.publish", []string{"user_id", ops.ID(), "view", "{}"}},
		{"invalid_arguments", "files.getUploadURLExternal", []string{"filename", "a.png"}},
		{"file_not_found", "files.completeUploadExternal", []string{"files", `[{"id":"F404"}]`}},
	} {
		v := call(t, s, c.method, c.args...)
		if v["error"] != c.want {
			t.Errorf("%s %.80q: got %v, want %s", c.method, c.args, v, c.want)
		}
	}
}

func TestMessages(t *testing.T) {
	s := newServer(t, slackserver.Options{})
	c, ops := s.Channel("licenses"), s.User("ops")
	c.Invite(ops)
	first := must(t, s, "chat.postMessage", "channel", c.ID(), "text", "Renew?", "blocks", blocks(t, section("Renew *1001* for <@"+ops.ID()+">?"), buttonRow("Confirm", "Cancel")),
		"metadata", `{"event_type":"question","event_payload":{"op":"q1"}}`)
	ts := first["ts"].(string)

	m, err := ops.Sees(t.Context(), "#licenses", "Renew 1001 for @ops?")
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Buttons()) != 2 || m.Buttons()[0].Label != "Confirm" || m.Fallback != "Renew?" || len(m.Pings) != 1 || m.Pings[0] != ops.ID() || m.Author != slackserver.BotUserID {
		t.Errorf("got %+v", m)
	}

	t.Run("metadata is told on demand alone", func(t *testing.T) {
		short := must(t, s, "conversations.history", "channel", c.ID())["messages"].([]any)[0].(object)["metadata"].(object)
		long := must(t, s, "conversations.history", "channel", c.ID(), "include_all_metadata", "true")["messages"].([]any)[0].(object)["metadata"].(object)
		if short["event_payload"] != nil || long["event_payload"].(object)["op"] != "q1" {
			t.Errorf("short %v, long %v", short, long)
		}
	})
	t.Run("a text alone takes the blocks away", func(t *testing.T) {
		must(t, s, "chat.update", "channel", c.ID(), "ts", ts, "text", "renewed &amp; done")
		m, err := ops.Sees(t.Context(), "#licenses", "renewed & done")
		if err != nil || len(m.Buttons()) != 0 || len(m.Edits) != 1 || m.Metadata == nil {
			t.Errorf("got %+v, %v", m, err)
		}
	})
	t.Run("threads", func(t *testing.T) {
		for _, text := range []string{"one", "two"} {
			must(t, s, "chat.postMessage", "channel", c.ID(), "text", text, "thread_ts", ts)
		}
		root, _ := ops.Sees(t.Context(), "#licenses", "renewed")
		if replies, err := ops.Thread(root); err != nil || len(replies) != 2 || replies[1].Text != "two" {
			t.Errorf("got %v, %v", replies, err)
		}
		page := must(t, s, "conversations.replies", "channel", c.ID(), "ts", ts, "limit", "2")
		if len(page["messages"].([]any)) != 2 || page["has_more"] != true {
			t.Errorf("got %v", page)
		}
		next := page["response_metadata"].(object)["next_cursor"].(string)
		rest := must(t, s, "conversations.replies", "channel", c.ID(), "ts", ts, "limit", "2", "cursor", next)
		if len(rest["messages"].([]any)) != 1 || rest["has_more"] != false {
			t.Errorf("got %v", rest)
		}
		if n := len(must(t, s, "conversations.history", "channel", c.ID())["messages"].([]any)); n != 1 {
			t.Errorf("%d messages in the channel, want the root alone", n)
		}
	})
	t.Run("a reply falls out of a deleted thread", func(t *testing.T) {
		must(t, s, "chat.delete", "channel", c.ID(), "ts", ts)
		v := must(t, s, "chat.postMessage", "channel", c.ID(), "text", "late", "thread_ts", ts)
		if v["message"].(object)["thread_ts"] != nil {
			t.Errorf("got %v", v)
		}
	})
	t.Run("a person's id is their conversation", func(t *testing.T) {
		v := must(t, s, "chat.postMessage", "channel", ops.ID(), "text", "for you")
		if v["channel"] != ops.DM() || !strings.HasPrefix(ops.DM(), "D") {
			t.Errorf("got %v", v)
		}
		open := must(t, s, "conversations.open", "users", ops.ID())
		if open["channel"].(object)["id"] != ops.DM() {
			t.Errorf("got %v", open)
		}
	})
}

func TestWhispersAndFaults(t *testing.T) {
	s := newServer(t, slackserver.Options{})
	c, ops := s.Channel("licenses"), s.User("ops")
	c.Invite(ops)
	t.Run("ephemeral", func(t *testing.T) {
		must(t, s, "chat.postEphemeral", "channel", c.ID(), "user", ops.ID(), "text", "no licence 7")
		if m, err := ops.Sees(t.Context(), "licenses", "no licence 7"); err != nil || !m.Ephemeral() {
			t.Errorf("got %+v, %v", m, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if m, err := s.User("other").Sees(ctx, "licenses", "no licence 7"); err == nil {
			t.Errorf("another person sees %+v", m)
		}
		if n := len(must(t, s, "conversations.history", "channel", c.ID())["messages"].([]any)); n != 0 {
			t.Errorf("%d messages in the history, want none", n)
		}
	})
	t.Run("text is missed", func(t *testing.T) {
		if f := s.Faults(); len(f) != 0 {
			t.Errorf("faults %q", f)
		}
		must(t, s, "chat.postMessage", "channel", c.ID(), "blocks", blocks(t, section("x")))
		if f := s.Faults(); len(f) != 1 {
			t.Errorf("faults %q", f)
		}
	})
}

func TestRateLimit(t *testing.T) {
	now := newClock()
	s := newServer(t, slackserver.Options{Now: now.now, PostInterval: 2 * time.Second})
	a, b := s.Channel("a").ID(), s.Channel("b").ID()
	body := func(channel string) string {
		return url.Values{"token": {botToken}, "channel": {channel}, "text": {"x"}}.Encode()
	}
	send := func(channel string) *httptest.ResponseRecorder {
		return post(t, s, "/api/chat.postMessage", "application/x-www-form-urlencoded", "", body(channel))
	}
	if w := send(a); w.Code != http.StatusOK {
		t.Fatal(w)
	}
	if w := send(a); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "2" {
		t.Errorf("got %d, %v", w.Code, w.Header())
	}
	if w := send(b); w.Code != http.StatusOK {
		t.Errorf("another channel: %d", w.Code)
	}
	now.pass(2 * time.Second)
	if w := send(a); w.Code != http.StatusOK {
		t.Errorf("after the wait: %d", w.Code)
	}
	s.Break(slackserver.RateLimited("chat.postMessage", 0))
	now.pass(2 * time.Second)
	if w := send(a); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "" {
		t.Errorf("on demand: %d, %v", w.Code, w.Header())
	}
}

func TestBreaks(t *testing.T) {
	s := newServer(t, slackserver.Options{})
	c := s.Channel("licenses")
	web := httptest.NewServer(s)
	defer web.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	send := func(ctx context.Context) (string, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, web.URL+"/api/chat.postMessage",
			strings.NewReader(url.Values{"token": {botToken}, "channel": {c.ID()}, "text": {"x"}}.Encode()))
		if err != nil {
			return "", err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := client.Do(r)
		if err != nil {
			return "", err
		}
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		return string(b), err
	}
	for _, test := range []struct {
		name  string
		b     slackserver.Break
		fails bool
		want  string
		posts int
	}{
		{"dropped", slackserver.Break{Drop: true}, true, "", 0},
		{"dropped after the effect", slackserver.Break{Drop: true, After: true}, true, "", 1},
		{"cut after the effect", slackserver.Break{Cut: true, After: true}, true, "", 1},
		{"cut", slackserver.Break{Cut: true}, true, "", 0},
		{"a page", slackserver.Break{Status: 502, Body: "<html>"}, false, "<html>", 0},
		{"a page after the effect", slackserver.Break{Status: 502, Body: "<html>", After: true}, false, "<html>", 1},
		{"slow", slackserver.Break{Delay: time.Millisecond}, false, `"ok":true`, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := len(c.Messages())
			test.b.Method, test.b.Times = "chat.postMessage", 1
			s.Break(test.b)
			answer, err := send(t.Context())
			if (err != nil) != test.fails || err == nil && !strings.Contains(answer, test.want) {
				t.Errorf("got %q, %v", answer, err)
			}
			if n := len(c.Messages()) - before; n != test.posts {
				t.Errorf("%d messages, want %d", n, test.posts)
			}
			if answer, err := send(t.Context()); err != nil || !strings.Contains(answer, `"ok":true`) {
				t.Errorf("the call after it: %q, %v", answer, err)
			}
		})
	}
	t.Run("hanging until mended", func(t *testing.T) {
		before := len(c.Messages())
		s.Break(slackserver.Break{Method: "chat.postMessage", Hang: true, After: true})
		answered := make(chan error, 1)
		go func() { _, err := send(t.Context()); answered <- err }()
		if err := s.Await(t.Context(), func() bool { return len(c.Messages()) > before }); err != nil {
			t.Fatal(err)
		}
		s.Mend("chat.postMessage")
		if err := <-answered; err != nil {
			t.Error(err)
		}
	})
	t.Run("hanging until the caller gives up", func(t *testing.T) {
		before := len(c.Messages())
		s.Break(slackserver.Break{Method: "chat.postMessage", Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := send(ctx); err == nil {
			t.Error("it was answered")
		}
		s.Mend("")
		if n := len(c.Messages()) - before; n != 0 {
			t.Errorf("%d messages", n)
		}
	})
}

func TestLedger(t *testing.T) {
	s := newServer(t, slackserver.Options{})
	c := s.Channel("licenses")
	must(t, s, "chat.postMessage", "channel", c.ID(), "text", "x")
	call(t, s, "chat.postMessage", "channel", "C404", "text", "y")
	l := s.Ledger()
	if len(l) != 2 || l[0].Method != "chat.postMessage" || l[0].Args["text"] != "x" || l[0].Error != "" || l[1].Error != "channel_not_found" {
		t.Errorf("got %+v", l)
	}
	if _, there := l[0].Args["token"]; there {
		t.Error("the token is in the ledger")
	}
}

func TestFiles(t *testing.T) {
	s := newServer(t, slackserver.Options{})
	c := s.Channel("licenses")
	root := must(t, s, "chat.postMessage", "channel", c.ID(), "text", "forecast")["ts"].(string)
	up := must(t, s, "files.getUploadURLExternal", "filename", "forecast.png", "length", "5")
	id := up["file_id"].(string)
	path := strings.TrimPrefix(up["upload_url"].(string), "http://slack.test")
	wantError(t, call(t, s, "files.completeUploadExternal", "files", toJSON(t, []object{{"id": id}}), "channel_id", c.ID()), "file_not_found")
	if w := post(t, s, path, "", "", "shor"); w.Code != http.StatusBadRequest {
		t.Errorf("a wrong length: %d", w.Code)
	}
	form := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nimage\r\n--b--\r\n"
	if w := post(t, s, path, "multipart/form-data; boundary=b", "", form); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for range 2 { // the last step can be said again
		must(t, s, "files.completeUploadExternal", "files", toJSON(t, []object{{"id": id, "title": "Forecast"}}), "channel_id", c.ID(), "thread_ts", root)
	}
	m, err := s.User("ops").SeesWhere(t.Context(), 0, "licenses", func(m slackserver.Message) bool { return len(m.Files) > 0 })
	if err != nil || string(m.Files[0].Data) != "image" || m.Files[0].Title != "Forecast" || m.ThreadTS != root {
		t.Errorf("got %+v, %v", m, err)
	}
	if n := len(c.Messages()); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
}

func FuzzWebAPI(f *testing.F) {
	f.Add("chat.postMessage", "application/json", `{"channel":"licenses","text":"x"}`)
	f.Add("chat.postMessage", "application/x-www-form-urlencoded", `channel=C&blocks=[{"type":"section","text":{"type":"mrkdwn","text":"<@U|x> *a*"}}]`)
	f.Add("chat.update", "application/json", `{"channel":"C","ts":"1.000001","blocks":[{"type":"actions","elements":[{}]}]}`)
	f.Add("views.publish", "application/json", `{"user_id":"U","view":{"type":"home","blocks":[{"type":"input"}]}}`)
	f.Add("conversations.history", "application/x-www-form-urlencoded", `channel=C&oldest=99999999999999.999999&limit=-1&cursor=next:9`)
	f.Add("files.completeUploadExternal", "multipart/form-data; boundary=b", "--b\r\n\r\n\r\n--b--")
	f.Fuzz(func(t *testing.T, method, kind, body string) {
		s := newServer(t, slackserver.Options{})
		c, ops := s.Channel("licenses"), s.User("ops")
		body = strings.NewReplacer(`"C"`, `"`+c.ID()+`"`, "channel=C", "channel="+c.ID(), `"U"`, `"`+ops.ID()+`"`).Replace(body)
		r := httptest.NewRequest(http.MethodPost, "/api/", strings.NewReader(body))
		r.URL.Path = "/api/" + method
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", "Bearer "+botToken)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		v := decode(t, w)
		if v["ok"] != true && v["error"] == nil {
			t.Errorf("neither yes nor no: %v", v)
		}
		if v["error"] == "internal_error" {
			t.Errorf("got %v", v)
		}
		c.Messages()
	})
}
