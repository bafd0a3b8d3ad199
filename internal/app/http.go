package app

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// telegramRoute is where Telegram's deliveries are taken.
const telegramRoute = "/telegram/webhook"

// routes are all that the bot answers over HTTP. What a chat's setting does not
// turn on is 404 like everything else that is not named here.
func (a *App) routes() http.Handler {
	mux := http.NewServeMux()
	if a.slack != nil && a.slackHTTP {
		mux.Handle("/slack/{route}", a.slack.Routes(a.sinkSlack()))
	}
	if a.telegram != nil && a.settings.TelegramWebhookURL != "" {
		mux.Handle("POST "+telegramRoute, a.telegram.Webhook(a.sinkTelegram()))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", a.metrics.handler())
	return heardOut(a.contained(mux))
}

// drained is how much of a body that nobody wanted is read all the same, in bytes.
const drained = 16 << 20

// heardOut lets a client that is still sending hear the answer. A connection that is
// closed on it is reset, and a 413 or 401 would be lost on whoever sends first and reads
// then. (Who asks first, by Expect, has sent nothing.)
func heardOut(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := r.Body
		h.ServeHTTP(w, r)
		if r.Header.Get("Expect") == "" {
			_, _ = io.CopyN(io.Discard, body, drained) // the answer is the same whatever comes
		}
	})
}

// contained answers a request over which something panicked with a 500. net/http would
// log what the panic says, and that may quote what it was about.
func (a *App) contained(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				a.log.Error("a request panicked", "path", r.URL.Path, "stack", string(debug.Stack()))
				w.WriteHeader(http.StatusInternalServerError)
			}
		}()
		h.ServeHTTP(w, r)
	})
}

// unspoken is the connections on which nothing was asked yet. A shutdown would wait
// five seconds for them (net/http, Server.Shutdown), of the ten that there are.
type unspoken struct {
	mu    sync.Mutex
	over  bool
	conns map[net.Conn]struct{}
}

func (u *unspoken) note(c net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(u.conns, c)
	case u.over:
		_ = c.Close() // nobody has heard of it
	default:
		u.conns[c] = struct{}{}
	}
}

func (u *unspoken) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
	for c := range u.conns {
		_ = c.Close() // nobody has heard of it
	}
}

// part is a line of /readyz.
type part struct {
	name  string
	state string
}

// ready is 200 while commands can be taken: the store takes writes and one chat at
// least is connected. The panel's state is told and decides nothing: reading what
// waits, confirming and cancelling work without it.
func (a *App) ready(w http.ResponseWriter, _ *http.Request) {
	parts, ok := a.parts()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	var b strings.Builder
	if ok {
		b.WriteString("ready\n")
	} else {
		b.WriteString("not ready\n")
	}
	for _, p := range parts {
		fmt.Fprintf(&b, "%s: %s\n", p.name, p.state)
	}
	_, _ = w.Write([]byte(b.String())) // a probe that hung up needs no answer
}

func (a *App) parts() (parts []part, ready bool) {
	store := part{"store", "ok"}
	c, down := a.now()
	if c == nil {
		store.state = "broken: " + down + "; it is tried again until it takes writes"
	}
	parts = append(parts, store)
	chats := false
	add := func(name string, ok bool, why string) {
		p := part{name, "ok"}
		switch {
		case !ok:
			p.state = why
		case why != "":
			p.state = "takes commands over HTTP, but " + why
		}
		chats = chats || ok
		parts = append(parts, p)
	}
	if a.slack != nil {
		ok, why := a.slack.State()
		add("slack", ok || a.slackHTTP, why)
	}
	if a.telegram != nil {
		ok, why := a.telegram.State()
		add("telegram", ok, why)
	}
	panel := part{"panel", "no refusal"}
	if s := a.panel.State(); !s.OK {
		panel.state = "refuses the bot: " + string(s.Reason)
		if s.Message != "" {
			panel.state += " (" + s.Message + ")"
		}
		if !s.Until.IsZero() {
			panel.state += ", tried again after " + s.Until.UTC().Format(time.RFC3339)
		}
	}
	parts = append(parts, panel)
	select {
	case <-a.stopping:
		return append(parts, part{"bot", "stopping"}), false
	default:
	}
	return parts, c != nil && chats
}
