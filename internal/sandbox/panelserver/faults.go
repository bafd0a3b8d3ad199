package panelserver

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// Step is whether a call asks for a change, or looks.
type Step int

// The steps. A preview (service.prolong without sok) is Reading.
const (
	AnyStep Step = iota
	Reading
	Changing
)

// Fault is what goes wrong with calls.
type Fault struct {
	Func  string // "" for every function
	Elid  string // "" for every licence
	Step  Step
	Times int  // so many calls; 0: until it is cleared
	After bool // the effect happens, and then the fault; else no effect with an Answer
	// Delay is how long the panel takes. It goes on when the client has left, as the
	// real one does. Meanwhile a call that changes a licence is in progress on it.
	Delay  time.Duration
	Answer Answer // what is answered; the zero Answer is the truth
}

// Answer is what is answered in place of the truth.
type Answer struct {
	kind    answerKind
	status  int
	header  http.Header
	body    string
	refusal Refusal
}

// replaces says whether it stands in place of the true answer.
func (a Answer) replaces() bool { return a.kind != truth && a.kind != hang }

type answerKind int

const (
	truth answerKind = iota
	page             // status, header and body
	refuse
	half
	nothing
	hang
)

// HTTP answers with a status and body of any kind.
func HTTP(status int, contentType, body string) Answer {
	return Answer{kind: page, status: status, header: http.Header{"Content-Type": {contentType}}, body: body}
}

// TooMany is a 429 that says when to come back.
func TooMany(after time.Duration) Answer {
	a := HTTP(http.StatusTooManyRequests, "text/html", "<html><body><h1>429 Too Many Requests</h1></body></html>\n")
	a.header.Set("Retry-After", strconv.Itoa(int(after.Round(time.Second).Seconds())))
	return a
}

// Maintenance is the page of a panel under maintenance, with status 503.
func Maintenance() Answer {
	return HTTP(http.StatusServiceUnavailable, "text/html; charset=utf-8",
		"<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>Maintenance in progress</h1><p>Please come back later.<br></body></html>\n")
}

// Captcha is the page of a firewall that takes the client for a robot. Its status
// is 200.
func Captcha() Answer {
	return HTTP(http.StatusOK, "text/html; charset=utf-8",
		"<!DOCTYPE html><html><head><title>Are you a robot?</title></head><body><form method=post action=/captcha><img src=/captcha.png><input name=answer></form></body></html>\n")
}

// GatewayTimeout is the 504 of a proxy before the panel.
func GatewayTimeout() Answer {
	return HTTP(http.StatusGatewayTimeout, "text/html",
		"<html><head><title>504 Gateway Time-out</title></head><body><center><h1>504 Gateway Time-out</h1></center><hr><center>nginx</center></body></html>\n")
}

// Document is a body of the caller's own, as XML with status 200.
func Document(xml string) Answer { return HTTP(http.StatusOK, "text/xml; charset=UTF-8", xml) }

// Refuse answers with an error.
func Refuse(r Refusal) Answer { return Answer{kind: refuse, refusal: r} }

// InProcess is the panel's answer that leaves open what became of the call. It has
// been seen as this text; its type is our guess.
func InProcess() Answer {
	return Refuse(Refusal{Type: "process", Msg: "Request in process, please wait"})
}

// Half sends the first half of the document that would be sent, and cuts.
func Half() Answer { return Answer{kind: half} }

// Nothing closes the connection without an answer.
func Nothing() Answer { return Answer{kind: nothing} }

// Hang waits until the fault is cleared and then goes on as if nothing had been, or
// until the client leaves: then, without After, there is no effect.
func Hang() Answer { return Answer{kind: hang} }

// Injection is a fault that is on.
type Injection struct {
	Fault
	server   *Server
	left     int
	seen     int
	released chan struct{} // closed by Clear
}

// Inject turns a fault on. Of several that fit a call, the first injected meets it.
func (s *Server) Inject(f Fault) *Injection {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := &Injection{Fault: f, server: s, left: f.Times, released: make(chan struct{})}
	s.faults = append(s.faults, in)
	return in
}

// Seen is how many calls the fault has met.
func (in *Injection) Seen() int {
	in.server.mu.Lock()
	defer in.server.mu.Unlock()
	return in.seen
}

// Clear turns the fault off and lets what hangs on it go on.
func (in *Injection) Clear() {
	s := in.server
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f == in {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			break
		}
	}
	select {
	case <-in.released:
	default:
		close(in.released)
	}
	s.wake()
}

// meet finds the fault for a call and counts it. The lock is held.
func (s *Server) meet(c *Call) *Injection {
	for _, in := range s.faults {
		switch {
		case in.Func != "" && in.Func != c.Func,
			in.Elid != "" && in.Elid != c.Params.Get("elid"),
			in.Step == Reading && c.Changing,
			in.Step == Changing && !c.Changing,
			in.Times > 0 && in.left == 0:
			continue
		}
		in.left--
		in.seen++
		return in
	}
	return nil
}

// stalls says whether the fault takes time.
func (in *Injection) stalls() bool { return in.Delay > 0 || in.Answer.kind == hang }

// stall takes the fault's time; false if the call ends there.
func (in *Injection) stall(ctx context.Context) bool {
	if in.Delay > 0 {
		t := time.NewTimer(in.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-in.server.closed:
			return false
		}
	}
	if in.Answer.kind != hang {
		return true
	}
	select {
	case <-in.released:
		return true
	case <-ctx.Done():
	case <-in.server.closed:
	}
	return false
}
