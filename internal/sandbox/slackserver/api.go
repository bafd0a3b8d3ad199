package slackserver

import (
	"encoding/json"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// args are a call's arguments; those that are lists or objects are JSON text.
type args map[string]string

func (a args) flag(name string) bool { return a[name] == "true" || a[name] == "1" }

// refusal is an answer with "ok": false.
type refusal struct {
	code   string
	more   map[string]any
	status int // 200 if 0
	retry  int // seconds
}

func refuse(code string) *refusal { return &refusal{code: code} }

// invalid is a refusal with what is wrong, in Slack's two places.
func invalid(code string, problems []string) *refusal {
	messages := make([]string, len(problems))
	for i, p := range problems {
		messages[i] = "[ERROR] " + p
	}
	return &refusal{code: code, more: map[string]any{"errors": problems, "response_metadata": map[string]any{"messages": messages}}}
}

// result is an answer with "ok": true.
type result map[string]any

// method is one of the Web API. Its function runs with the lock held.
type method struct {
	scope string // what the token must have; "" if it depends or needs none
	json  bool   // whether it takes JSON bodies (docs.slack.dev/apis/web-api, "Content types")
	app   bool   // takes the app-level token
	call  func(s *Server, a args) (result, *refusal)
}

var methods = map[string]method{
	"auth.test":                    {json: true, call: (*Server).authTest},
	"apps.connections.open":        {json: true, app: true, call: (*Server).connectionsOpen},
	"chat.postMessage":             {scope: "chat:write", json: true, call: (*Server).postMessage},
	"chat.postEphemeral":           {scope: "chat:write", json: true, call: (*Server).postEphemeral},
	"chat.update":                  {scope: "chat:write", json: true, call: (*Server).updateMessage},
	"chat.delete":                  {scope: "chat:write", json: true, call: (*Server).deleteMessage},
	"chat.getPermalink":            {call: (*Server).getPermalink},
	"conversations.history":        {call: (*Server).conversationsHistory},
	"conversations.replies":        {call: (*Server).conversationsReplies},
	"conversations.info":           {call: (*Server).conversationsInfo},
	"conversations.open":           {scope: "im:write", json: true, call: (*Server).conversationsOpen},
	"users.info":                   {scope: "users:read", call: (*Server).usersInfo},
	"views.open":                   {json: true, call: (*Server).viewsOpen},
	"views.publish":                {json: true, call: (*Server).viewsPublish},
	"views.update":                 {json: true, call: (*Server).viewsUpdate},
	"files.getUploadURLExternal":   {scope: "files:write", call: (*Server).uploadURL},
	"files.completeUploadExternal": {scope: "files:write", json: true, call: (*Server).completeUpload},
}

// maxBody is how much of a request is read; uploads too.
const maxBody = 8 << 20

// reply is an answer on its way.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// ServeHTTP is all of Slack's addresses: /api/, response URLs, uploads and the Socket
// Mode connections.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.url == "" {
		s.url = "http://" + r.Host
	}
	s.mu.Unlock()
	path := r.URL.Path
	switch {
	case path == "/link" || path == "/link/":
		s.serveSocket(w, r)
	case strings.HasPrefix(path, "/api/"):
		name := strings.TrimPrefix(path, "/api/")
		s.serve(w, r, name, func() reply { return s.serveAPI(r, name) })
	case strings.HasPrefix(path, "/commands/") || strings.HasPrefix(path, "/actions/"):
		s.serve(w, r, "response_url", func() reply { return s.serveResponseURL(r) })
	case strings.HasPrefix(path, "/upload/"):
		s.serve(w, r, "upload", func() reply { return s.serveUpload(r) })
	default:
		http.NotFound(w, r)
	}
}

// serveAPI runs one Web API call.
func (s *Server) serveAPI(r *http.Request, name string) reply {
	m, known := methods[name]
	a, bad := readArgs(r, m.json)
	token := a["token"]
	delete(a, "token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token = bearer
	}
	ok, bad := s.run(name, m, known, token, a, bad)
	if bad != nil {
		return s.refused(m, bad)
	}
	ok["ok"] = true
	return s.answer(m, http.StatusOK, ok)
}

// run does what a call wants, if its arguments could be read, and records it.
func (s *Server) run(name string, m method, known bool, token string, a args, bad *refusal) (result, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ok result
	if !known {
		bad = refuse("unknown_method")
	}
	if bad == nil {
		bad = s.authorize(m, token)
	}
	if bad == nil {
		ok, bad = m.call(s, a)
	}
	code := ""
	if bad != nil {
		code = bad.code
	}
	s.record(name, a, code)
	return ok, bad
}

func (s *Server) refused(m method, bad *refusal) reply {
	body := map[string]any{"ok": false, "error": bad.code}
	maps.Copy(body, bad.more)
	if bad.status == 0 {
		bad.status = http.StatusOK
	}
	a := s.answer(m, bad.status, body)
	if bad.retry > 0 {
		a.header.Set("Retry-After", strconv.Itoa(bad.retry))
	}
	return a
}

func (s *Server) answer(m method, status int, body map[string]any) reply {
	b, err := json.Marshal(body)
	if err != nil {
		return reply{status: http.StatusInternalServerError, header: http.Header{}, body: []byte(err.Error())}
	}
	h := http.Header{"Content-Type": {"application/json; charset=utf-8"}, "X-Oauth-Scopes": {strings.Join(s.opts.Scopes, ",")}}
	if m.scope != "" {
		h.Set("X-Accepted-Oauth-Scopes", m.scope)
	}
	return reply{status, h, b}
}

// authorize checks the token. A token in the query is not looked at, as for all apps
// since 2021 (docs.slack.dev/authentication).
func (s *Server) authorize(m method, token string) *refusal {
	switch {
	case token == "":
		return refuse("not_authed")
	case m.app && token == s.opts.BotToken, !m.app && token == s.opts.AppToken:
		return refuse("not_allowed_token_type")
	case m.app && token == s.opts.AppToken, !m.app && token == s.opts.BotToken:
		return s.need(m.scope)
	}
	return refuse("invalid_auth")
}

// need checks a scope.
func (s *Server) need(scope string) *refusal {
	if scope == "" || s.scopes[scope] {
		return nil
	}
	return &refusal{code: "missing_scope", more: map[string]any{"needed": scope, "provided": strings.Join(s.opts.Scopes, ",")}}
}

// readArgs reads a call's arguments: the query, then a form or, where the method takes
// it, JSON.
func readArgs(r *http.Request, jsonAllowed bool) (args, *refusal) {
	a := args{}
	take := func(values url.Values) {
		for k, v := range values {
			a[k] = v[0]
		}
	}
	take(r.URL.Query())
	delete(a, "token")
	if r.Method != http.MethodPost {
		return a, nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Header.Get("Content-Type") == "":
		return a, nil
	case err != nil:
		return a, refuse("invalid_post_type")
	}
	if kind == "multipart/form-data" {
		if err := r.ParseMultipartForm(maxBody); err != nil {
			return a, refuse("invalid_form_data")
		}
		take(r.MultipartForm.Value)
		return a, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return a, refuse("request_timeout")
	}
	switch {
	case kind == "application/x-www-form-urlencoded":
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return a, refuse("invalid_form_data")
		}
		take(values)
	case kind == "application/json" && jsonAllowed:
		return a, readJSON(body, a)
	case kind != "application/json":
		return a, refuse("invalid_post_type")
	}
	return a, nil
}

// readJSON adds an object's fields to the arguments. Slack takes no token from JSON.
func readJSON(body []byte, a args) *refusal {
	if len(strings.TrimSpace(string(body))) == 0 {
		return nil
	}
	if !json.Valid(body) {
		return refuse("invalid_json")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return refuse("json_not_object")
	}
	for k, v := range fields {
		var text string
		switch {
		case k == "token" || string(v) == "null":
		case json.Unmarshal(v, &text) == nil:
			a[k] = text
		default:
			a[k] = string(v)
		}
	}
	return nil
}

func (s *Server) authTest(args) (result, *refusal) {
	return result{
		"url": "https://" + TeamDomain + ".slack.com/", "team": TeamDomain, "team_id": TeamID,
		"user": s.users[BotUserID].name, "user_id": BotUserID, "bot_id": BotID, "is_enterprise_install": false,
	}, nil
}

func (s *Server) usersInfo(a args) (result, *refusal) {
	u := s.users[a["user"]]
	if u == nil {
		return nil, refuse("user_not_found")
	}
	profile := map[string]any{"real_name": u.name, "display_name": u.name, "team": u.team}
	v := map[string]any{
		"id": u.id, "team_id": u.team, "name": u.name, "real_name": u.name, "deleted": u.gone, "profile": profile,
		"is_bot": u.bot, "is_restricted": u.guest, "is_ultra_restricted": false, "is_stranger": u.team != TeamID, "tz": "Etc/UTC", "tz_offset": 0,
	}
	if a.flag("include_locale") {
		v["locale"] = u.locale
	}
	return result{"user": v}, nil
}

// reachable is a channel that the bot may read or write in.
func (s *Server) reachable(id string) (*channel, *refusal) {
	c := s.channels[id]
	if c == nil || (c.private || c.dm != "") && !c.members[BotUserID] {
		return nil, refuse("channel_not_found")
	}
	return c, nil
}

// scopeFor is the scope of a kind, such as "history", for a channel.
func (c *channel) scopeFor(kind string) string {
	switch {
	case c.dm != "":
		return "im:" + kind
	case c.private:
		return "groups:" + kind
	}
	return "channels:" + kind
}

func (s *Server) conversationsInfo(a args) (result, *refusal) {
	c, bad := s.reachable(a["channel"])
	if bad != nil {
		return nil, bad
	}
	if bad := s.need(c.scopeFor("read")); bad != nil {
		return nil, bad
	}
	v := map[string]any{
		"id": c.id, "is_im": c.dm != "", "is_channel": c.dm == "" && !c.private, "is_group": c.private, "is_private": c.private || c.dm != "",
		"is_archived": c.archived, "is_ext_shared": c.shared, "is_shared": c.shared, "is_member": c.members[BotUserID],
	}
	if c.dm != "" {
		v["user"] = c.dm
	} else {
		v["name"], v["context_team_id"] = c.name, TeamID
	}
	return result{"channel": v}, nil
}

func (s *Server) conversationsOpen(a args) (result, *refusal) {
	if id := a["channel"]; id != "" {
		c, bad := s.reachable(id)
		if bad != nil || c.dm == "" {
			return nil, refuse("channel_not_found")
		}
		return result{"channel": map[string]any{"id": c.id}, "no_op": true, "already_open": true}, nil
	}
	ids := strings.Split(a["users"], ",")
	if a["users"] == "" {
		return nil, refuse("users_list_not_supplied")
	}
	if len(ids) > 1 {
		return nil, refuse("method_not_supported_for_channel_type")
	}
	u := s.users[strings.TrimSpace(ids[0])]
	switch {
	case u == nil:
		return nil, refuse("user_not_found")
	case u.gone:
		return nil, refuse("user_disabled")
	case u.bot:
		return nil, refuse("cannot_dm_bot")
	}
	open := s.dms[u.id] != nil
	return result{"channel": map[string]any{"id": s.dmWith(u).id}, "no_op": open, "already_open": open}, nil
}

// page is a slice of messages as a history answers it.
func (s *Server) page(messages []*message, a args) (result, *refusal) {
	limit := 100
	if a["limit"] != "" {
		n, err := strconv.Atoi(a["limit"])
		if err != nil || n < 1 || n > 999 {
			return nil, refuse("invalid_limit")
		}
		limit = n
	}
	start := 0
	if cursor := a["cursor"]; cursor != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(cursor, "next:"))
		if err != nil || n < 0 || n > len(messages) {
			return nil, refuse("invalid_cursor")
		}
		start = n
	}
	end := min(start+limit, len(messages))
	shown := make([]map[string]any, 0, end-start)
	for _, m := range messages[start:end] {
		shown = append(shown, s.history(m, a.flag("include_all_metadata")))
	}
	r := result{"messages": shown, "has_more": end < len(messages)}
	if end < len(messages) {
		r["response_metadata"] = map[string]any{"next_cursor": "next:" + strconv.Itoa(end)}
	}
	return r, nil
}

// window is the check of oldest, latest and inclusive.
func window(a args) (func(*message) bool, *refusal) {
	bound := func(name string, otherwise int64) (int64, bool) {
		if a[name] == "" || a[name] == "0" {
			return otherwise, true
		}
		if n, ok := parseTS(a[name]); ok {
			return n, true
		}
		f, err := strconv.ParseFloat(a[name], 64)
		return int64(f * 1e6), err == nil
	}
	oldest, ok := bound("oldest", 0)
	if !ok {
		return nil, refuse("invalid_ts_oldest")
	}
	latest, ok := bound("latest", 1<<62)
	if !ok {
		return nil, refuse("invalid_ts_latest")
	}
	inclusive := a.flag("inclusive")
	return func(m *message) bool {
		t, _ := parseTS(m.ts)
		return t > oldest && t < latest || inclusive && (t == oldest || t == latest)
	}, nil
}

func (s *Server) readable(a args) (*channel, func(*message) bool, *refusal) {
	c, bad := s.reachable(a["channel"])
	if bad != nil {
		return nil, nil, bad
	}
	if bad := s.need(c.scopeFor("history")); bad != nil {
		return nil, nil, bad
	}
	if !c.members[BotUserID] {
		return nil, nil, refuse("not_in_channel")
	}
	within, bad := window(a)
	return c, within, bad
}

func (s *Server) conversationsHistory(a args) (result, *refusal) {
	c, within, bad := s.readable(a)
	if bad != nil {
		return nil, bad
	}
	var found []*message
	for _, m := range slices.Backward(c.messages) {
		if m.ephemeral == "" && (m.thread == nil || m.broadcast) && (!m.deleted || len(m.replies) > 0) && within(m) {
			found = append(found, m)
		}
	}
	return s.page(found, a)
}

func (s *Server) conversationsReplies(a args) (result, *refusal) {
	c, within, bad := s.readable(a)
	if bad != nil {
		return nil, bad
	}
	root := c.byTS[a["ts"]]
	if root == nil || root.ephemeral != "" || root.deleted && len(root.replies) == 0 {
		return nil, refuse("thread_not_found")
	}
	if root.thread != nil {
		root = root.thread
	}
	found := []*message{root} // the root is there whatever the bounds
	for _, m := range root.replies {
		if m.ephemeral == "" && !m.deleted && within(m) {
			found = append(found, m)
		}
	}
	return s.page(found, a)
}

// tooSoon is the refusal of a call that comes before its time.
func tooSoon(wait time.Duration) *refusal {
	return &refusal{code: "ratelimited", status: http.StatusTooManyRequests, retry: int((wait + time.Second - 1) / time.Second)}
}
