package slackserver

import (
	"io"
	"mime"
	"net/http"
	"time"
)

// A response URL's life (docs.slack.dev/interactivity/handling-user-interaction#message_responses).
const (
	responseUses = 5
	responseLife = 30 * time.Minute
)

type responseURL struct {
	channel  *channel
	user     string
	original *message // what a button was on; nil for a command
	at       time.Time
	uses     int
}

// newResponseURL makes one; kind is "commands" or "actions". The lock is held.
func (s *Server) newResponseURL(kind string, u responseURL) string {
	path := "/" + kind + "/" + TeamID + "/" + s.nextID("1") + "/" + s.secret()
	u.at = s.opts.Now()
	s.urls[path] = &u
	return s.url + path
}

// serveResponseURL takes a message by response URL. Every request counts as a use, a
// refused one too (a guess).
func (s *Server) serveResponseURL(r *http.Request) reply {
	a, bad := args{}, (*refusal)(nil)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	switch {
	case err != nil || r.Method != http.MethodPost || kind != "application/json":
		bad = &refusal{code: "invalid_payload", status: http.StatusBadRequest}
	default:
		if bad = readJSON(body, a); bad != nil {
			bad.status = http.StatusBadRequest
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if bad == nil {
		bad = s.respond(s.urls[r.URL.Path], a)
	}
	if bad != nil {
		s.record("response_url", a, bad.code)
		return s.refused(method{}, bad)
	}
	s.record("response_url", a, "")
	return s.answer(method{}, http.StatusOK, map[string]any{"ok": true})
}

// respond does what a post to a response URL says. The lock is held.
func (s *Server) respond(u *responseURL, a args) *refusal {
	gone := func(code string) *refusal { return &refusal{code: code, status: http.StatusNotFound} }
	switch {
	case u == nil:
		return gone("no_service")
	case s.opts.Now().Sub(u.at) > responseLife:
		return gone("expired_url")
	case u.uses >= responseUses:
		return gone("used_url")
	}
	u.uses++
	if bad := s.show(u, a); bad != nil {
		if bad.status == 0 {
			bad.status = http.StatusBadRequest
		}
		return bad
	}
	return nil
}

// show puts a response on the screen: in place of the original, or as a new message.
func (s *Server) show(u *responseURL, a args) *refusal {
	original := u.original
	if original != nil && (a.flag("delete_original") || a.flag("replace_original")) && original.deleted {
		return &refusal{code: "message_not_found", status: http.StatusNotFound}
	}
	if original != nil && a.flag("delete_original") {
		s.remove(original)
		return nil
	}
	said, bad := s.parseContent(a, "response_url")
	if bad != nil {
		return bad
	}
	if original != nil && a.flag("replace_original") {
		if said.metadata == nil {
			said.metadata = original.metadata
		}
		s.replace(original, said)
		return nil
	}
	m := &message{author: BotUserID, content: said}
	switch a["response_type"] {
	case "in_channel":
	case "ephemeral", "":
		m.ephemeral = u.user
	default:
		return refuse("invalid_response_type")
	}
	if m.thread, bad = u.channel.root(a["thread_ts"]); bad != nil {
		return bad
	}
	s.add(u.channel, m)
	return nil
}
