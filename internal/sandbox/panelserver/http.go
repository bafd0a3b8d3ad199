package panelserver

import (
	"crypto/subtle"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Path is where the panel answers.
const Path = "/manager/billmgr"

// maxBody is far more than any form of the panel.
const maxBody = 1 << 20

// ServeHTTP answers a call, by GET or POST as the vendor's panel does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != Path {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	// A form that can't be read is one without parameters: ParseForm leaves out
	// what is broken, and the login then refuses the call.
	if err := r.ParseForm(); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			http.Error(w, "Request Entity Too Large", http.StatusRequestEntityTooLarge)
			return
		}
	}
	s.answer(w, r)
}

// answer takes a call through its fault and its function.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	call, fault, claimed := s.receive(r)
	if claimed {
		defer s.release(call.Params.Get("elid"))
	}
	if fault != nil && !fault.After {
		if !fault.stall(r.Context()) {
			cut()
		}
		if fault.Answer.replaces() {
			s.replace(w, r, call, fault.Answer, nil)
			return
		}
	}
	if r.Form.Get("out") != "xml" {
		send(w, http.StatusOK, "text/html; charset=utf-8", []byte(interfacePage))
		return
	}
	body, charset := s.run(r, call, claimed)
	if fault != nil && fault.After {
		if !fault.stall(r.Context()) {
			cut()
		}
		if fault.Answer.replaces() {
			s.replace(w, r, call, fault.Answer, body)
			return
		}
	}
	send(w, http.StatusOK, "text/xml; charset="+charset, body)
}

// interfacePage is what the panel shows to those who did not ask for XML.
const interfacePage = "<!DOCTYPE html><html><head><title>BILLmanager</title></head><body><div id=app></div></body></html>\n"

// replace sends a fault's answer. The body is what the call would have been
// answered; nil where it was not executed.
func (s *Server) replace(w http.ResponseWriter, r *http.Request, call *Call, a Answer, body []byte) {
	switch a.kind {
	case page:
		maps.Copy(w.Header(), a.header)
		send(w, a.status, a.header.Get("Content-Type"), []byte(a.body))
	case refuse:
		body, charset := s.bare(r, call, &a.refusal)
		send(w, http.StatusOK, "text/xml; charset="+charset, body)
	case half:
		if body == nil {
			body, _ = s.bare(r, call, nil)
		}
		w.Header().Set("Content-Type", "text/xml; charset=UTF-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2])        // the client may have left
		_ = http.NewResponseController(w).Flush() // and this tells no more
		cut()
	default:
		cut()
	}
}

// cut closes the connection under the answer.
func cut() { panic(http.ErrAbortHandler) }

func send(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have left
}

// receive enters a call into the ledger and finds its fault. It claims the licence
// for a change that will take its time.
func (s *Server) receive(r *http.Request) (call *Call, fault *Injection, claimed bool) {
	user, _, _ := strings.Cut(r.Form.Get("authinfo"), ":")
	params := make(url.Values, len(r.Form))
	for name, values := range r.Form {
		if name != "authinfo" && name != "password" {
			params[name] = slices.Clone(values)
		}
	}
	fn := params.Get("func")
	s.mu.Lock()
	defer s.mu.Unlock()
	call = &Call{
		Time:      s.opts.Now(),
		Method:    r.Method,
		Func:      fn,
		Params:    params,
		User:      user,
		AuthInURL: r.URL.Query().Has("authinfo"),
		Changing:  s.funcs[fn].changing(params),
	}
	s.ledger.add(call)
	fault = s.meet(call)
	call.Faulty = fault != nil
	if elid := params.Get("elid"); fault != nil && fault.stalls() && call.Changing && elid != "" && !s.busy[elid] {
		s.busy[elid] = true
		claimed = true
	}
	s.wake()
	return call, fault, claimed
}

func (s *Server) release(elid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.busy, elid)
	s.wake()
}

// newRequest is a call as its function takes it.
func (s *Server) newRequest(r *http.Request, call *Call) *request {
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	lang := "en"
	if r.Form.Get("lang") == "ru" {
		lang = "ru"
	}
	return &request{
		account: s.account,
		fn:      call.Func,
		params:  r.Form,
		by:      actor{s.opts.User, ip},
		lang:    lang,
	}
}

// run does what a call asks for, and gives the answer.
func (s *Server) run(r *http.Request, call *Call, claimed bool) (body []byte, charset string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.newRequest(r, call)
	q.now = s.opts.Now()
	s.account.settle(q.now)
	refusal := s.authenticate(q)
	if refusal == nil {
		refusal = s.execute(q, call, claimed)
	}
	s.account.settle(q.now)
	s.ledger.finish(call, q, refusal)
	s.wake()
	return s.compose(q, refusal)
}

// bare is an answer to a call that was not executed.
func (s *Server) bare(r *http.Request, call *Call, refusal *Refusal) (body []byte, charset string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.compose(s.newRequest(r, call), refusal)
}

// authenticate looks at authinfo. Wrong ones in a row block the login, the right
// password included.
func (s *Server) authenticate(q *request) *Refusal {
	if q.now.Before(s.blockedUntil) {
		return &Refusal{Type: "auth", Object: "blocklogon"}
	}
	given := q.params.Get("authinfo")
	if given == "" {
		return &Refusal{Type: "auth", Object: "badpassword"}
	}
	if subtle.ConstantTimeCompare([]byte(given), []byte(s.opts.User+":"+s.password)) == 1 {
		s.failures = 0
		return nil
	}
	if s.failures++; s.failures >= s.opts.MaxFailures {
		s.failures = 0
		s.blockedUntil = q.now.Add(s.opts.BlockFor)
	}
	return &Refusal{Type: "auth", Object: "badpassword"}
}

// execute runs the function that a call names.
func (s *Server) execute(q *request, call *Call, claimed bool) *Refusal {
	f, known := s.funcs[q.fn]
	if !known {
		return &Refusal{Type: "missed", Object: "func", Value: q.fn}
	}
	if elid := q.params.Get("elid"); call.Changing && !claimed && s.busy[elid] {
		return running(elid)
	}
	return f.run(q)
}

// compose writes the answer around what a function wrote. The lock is held.
func (s *Server) compose(q *request, refusal *Refusal) (body []byte, charset string) {
	var d document
	d.open("doc", "lang", q.lang, "func", q.fn, "binary", "/billmgr", "host", s.host, "features", "0f0f", "notify", "")
	if refusal != nil {
		refusal.write(&d, q.lang, q.fn, q.by.user, &q.ways)
	} else {
		d.Write(q.body.Bytes())
		if q.done {
			switch q.ways.OK {
			case OKEmpty:
				d.leaf("ok", "")
			case OKForm:
				family, _, _ := strings.Cut(q.fn, ".")
				d.leaf("ok", "func="+family, "type", "form")
			}
		}
	}
	d.leaf("saved_filters", "")
	q.echo(&d)
	d.close("doc")
	return q.ways.Encoding.encode(d.Bytes())
}

// echo repeats the call's parameters, as the panel does. A name that is none in
// XML is left out.
func (q *request) echo(d *document) {
	d.open("tparams")
	for _, name := range slices.Sorted(maps.Keys(q.params)) {
		if plainName(name) && (name != "authinfo" || q.ways.EchoPassword) {
			d.leaf(name, q.params.Get(name))
		}
	}
	d.close("tparams")
}

func plainName(name string) bool {
	for i, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '.' && c != '-') {
			return false
		}
	}
	return name != ""
}
