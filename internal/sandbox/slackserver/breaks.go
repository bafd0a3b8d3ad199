package slackserver

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// Break is something that goes wrong on demand with calls of the bot's.
type Break struct {
	// Method is what it befalls: a Web API method, "response_url", "upload" or
	// "socket" (the Socket Mode handshake); "" is everything.
	Method string
	// Times is how many of the next calls it befalls; 0: all until [Server.Mend].
	Times int
	// After lets the effect happen first, so that only the answer is lost or late.
	After bool

	Delay  time.Duration     // wait, then go on
	Hang   bool              // wait until Mend, then go on; or until the caller gives up
	Status int               // answer this, with Header and Body, instead of Slack's answer
	Header map[string]string // for Status
	Body   string            // for Status
	Cut    bool              // send half of the answer, then close the connection
	Drop   bool              // close the connection without an answer
}

// RateLimited is HTTP 429 for the next call of a method; without Retry-After if after is 0.
func RateLimited(method string, after int) Break {
	b := Break{Method: method, Times: 1, Status: http.StatusTooManyRequests, Body: `{"ok":false,"error":"ratelimited"}`}
	if after > 0 {
		b.Header = map[string]string{"Retry-After": strconv.Itoa(after)}
	}
	return b
}

type activeBreak struct {
	Break
	left   int
	mended chan struct{}
}

// Break makes calls fail. Of several that fit, the oldest befalls a call.
func (s *Server) Break(b Break) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.breaks = append(s.breaks, &activeBreak{b, b.Times, make(chan struct{})})
}

// Mend ends what [Server.Break] began for a method, "" for all, and lets hanging calls go on.
func (s *Server) Mend(method string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kept []*activeBreak
	for _, b := range s.breaks {
		if method != "" && b.Method != method {
			kept = append(kept, b)
			continue
		}
		close(b.mended)
	}
	s.breaks = kept
}

// broken is the break that befalls a call, if any.
func (s *Server) broken(method string) *activeBreak {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, b := range s.breaks {
		if b.Method != "" && b.Method != method {
			continue
		}
		if b.left--; b.left == 0 && !b.Hang { // one that hangs stays to be mended
			s.breaks = append(s.breaks[:i:i], s.breaks[i+1:]...)
		} else if b.Times > 0 && b.left < 0 {
			continue
		}
		return b
	}
	return nil
}

// serve answers a request by f, with what is broken.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, method string, f func() reply) {
	b := s.broken(method)
	if b == nil {
		f().send(w)
		return
	}
	// Only with its body read does net/http notice that the caller is gone.
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var answer reply
	if b.After {
		answer = f()
	}
	if !s.hold(r, b) {
		return
	}
	switch {
	case b.After:
	case b.Status != 0 || b.Cut || b.Drop:
		s.mu.Lock()
		s.record(method, nil, "not_handled")
		s.mu.Unlock()
		answer = reply{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, body: []byte(`{"ok":true}`)}
	default:
		answer = f()
	}
	if b.Status != 0 {
		answer = reply{status: b.Status, header: http.Header{}, body: []byte(b.Body)}
		for k, v := range b.Header {
			answer.header.Set(k, v)
		}
	}
	switch {
	case b.Drop:
		panic(http.ErrAbortHandler) // net/http's way to close the connection
	case b.Cut:
		answer.header.Set("Content-Length", strconv.Itoa(len(answer.body)))
		answer.body = answer.body[:len(answer.body)/2]
		answer.send(w)
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		panic(http.ErrAbortHandler)
	}
	answer.send(w)
}

// hold waits as a break wants it and says whether the caller is still there.
func (s *Server) hold(r *http.Request, b *activeBreak) bool {
	var late <-chan time.Time
	switch {
	case b.Delay > 0:
		t := time.NewTimer(b.Delay)
		defer t.Stop()
		late = t.C
	case !b.Hang:
		return true
	}
	select {
	case <-late:
		return true
	case <-b.mended:
		return true
	case <-r.Context().Done():
	case <-s.ctx.Done():
	}
	return false
}

func (a reply) send(w http.ResponseWriter) {
	h := w.Header()
	maps.Copy(h, a.header)
	w.WriteHeader(a.status)
	// A caller that is gone is no concern of the server's.
	_, _ = w.Write(a.body)
}
