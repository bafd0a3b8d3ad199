package slack

import "sync"

// state is what is known of the way to Slack. Two things can be wrong, and each is
// mended by its own news: the token (any call that works mends it) and the
// WebSocket (a hello mends it).
type state struct {
	socket bool // Socket Mode is wanted; set once

	mu        sync.Mutex
	token     string // why the token is not taken; "": it is, as far as known
	connected bool
	offline   string // why there is no connection
}

func (s *state) get() (bool, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.token != "":
		return false, s.token
	case s.socket && !s.connected && s.offline == "":
		return false, "not connected to Slack yet"
	case s.socket && !s.connected:
		return false, s.offline
	}
	return true, ""
}

// tokenRefused records why Slack does not take the token, tokenTaken that it does.
func (s *state) tokenRefused(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = why
}

func (s *state) tokenTaken() { s.tokenRefused("") }

func (s *state) online() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connected, s.offline = true, ""
}

// dropped keeps an earlier reason where none is given.
func (s *state) dropped(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connected = false
	if why != "" {
		s.offline = why
	}
}
