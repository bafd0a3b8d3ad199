package telegramserver

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Fault spoils calls. Delay and Hang hold the answer back; of Status, RetryAfter,
// Cut and Drop at most one is set and says what comes instead of it. With none of
// them the true answer comes, late.
type Fault struct {
	Method string // the method that it spoils, spelled as in the documentation; "" for all
	Chat   int64  // only calls with this chat_id; 0 for all
	Times  int    // for how many calls; 0 until it is lifted
	After  bool   // the call takes effect, and only its answer is spoilt

	Delay      time.Duration
	Hang       <-chan struct{} // until it is closed, or the caller is gone
	Status     int             // this status with Body; an empty Body is Telegram's own form
	Body       string
	RetryAfter int  // 429, and the seconds to wait
	Cut        bool // half of an answer, then the connection breaks
	Drop       bool // the connection breaks
}

// Break sets a fault and gives the way to lift it. Of several that fit a call, the
// first one set spoils it.
func (s *Server) Break(f Fault) (lift func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := &f
	s.faults = append(s.faults, set)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.faults = slices.DeleteFunc(s.faults, func(g *Fault) bool { return g == set })
	}
}

// fault takes the fault that a call meets, nil for none.
func (s *Server) fault(method, chatID string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Method != "" && f.Method != method || f.Chat != 0 && strconv.FormatInt(f.Chat, 10) != chatID {
			continue
		}
		met := *f
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		return &met
	}
	return nil
}

// hold waits as the fault says.
func (f *Fault) hold(r *http.Request) {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
	}
	if f.Hang != nil {
		select {
		case <-f.Hang:
		case <-r.Context().Done():
		}
	}
}

// spoil answers instead of the true answer, which is body; false where the true one
// is to be given.
func (f *Fault) spoil(w http.ResponseWriter, body []byte) bool {
	switch {
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Cut:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case f.RetryAfter > 0:
		writeError(w, &apiError{code: 429, text: fmt.Sprintf("Too Many Requests: retry after %d", f.RetryAfter), retryAfter: f.RetryAfter})
	case f.Status != 0 && f.Body != "":
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Body))
	case f.Status != 0:
		writeError(w, &apiError{code: f.Status, text: http.StatusText(f.Status)})
	default:
		return false
	}
	return true
}
