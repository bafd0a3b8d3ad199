package telegramserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

const maxBody = 60 << 20

var tokenForm = regexp.MustCompile(`^[0-9]+:[A-Za-z0-9_-]+$`)

// arguments are a call's parameters, all as strings, and its files
// (core.telegram.org/bots/api#making-requests).
type arguments struct {
	values map[string]string
	files  map[string]*upload
}

func (a arguments) str(name string) string { return a.values[name] }

func (a arguments) int(name string) int {
	n, _ := strconv.Atoi(a.values[name])
	return n
}

func (a arguments) bool(name string) bool { return truth(a.values[name]) }

func truth(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "yes", "1":
		return true
	}
	return false
}

// ServeHTTP answers /bot<token>/<method>.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/bot")
	token, name, slash := strings.Cut(rest, "/")
	switch {
	case ok && slash && token == s.opts.Token:
	case ok && slash && tokenForm.MatchString(token):
		writeError(w, &apiError{code: 401, text: "Unauthorized"})
		return
	default:
		writeError(w, &apiError{code: 404, text: "Not Found"})
		return
	}
	call, known := methods[strings.ToLower(name)]
	if !known {
		writeError(w, &apiError{code: 404, text: "Not Found: method not found"})
		return
	}
	args, err := readArguments(r)
	if err != nil {
		writeError(w, badRequest(err.Error()))
		return
	}
	place := s.record(call.name, args.values)
	f := s.fault(call.name, args.str("chat_id"))
	if f != nil && !f.After {
		f.hold(r)
		if f.spoil(w, []byte(`{"ok":true,"result":{"message_id":0}}`)) {
			return
		}
	}
	result, fail := s.perform(r.Context(), call, args)
	status, body := encode(result, fail)
	s.answered(place, status)
	if f != nil && f.After {
		f.hold(r)
		if f.spoil(w, body) {
			return
		}
	}
	write(w, status, retryAfter(fail), body)
}

// perform makes a call. All methods but the one that waits hold the lock.
func (s *Server) perform(ctx context.Context, call method, args arguments) (json.RawMessage, *apiError) {
	if call.waits != nil {
		return call.waits(s, ctx, args)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	result, fail := call.at(s, args)
	if fail != nil {
		return nil, fail
	}
	b, err := json.Marshal(result)
	if err != nil {
		panic(err) // our own types
	}
	return b, nil
}

func readArguments(r *http.Request) (arguments, error) {
	a := arguments{values: map[string]string{}, files: map[string]*upload{}}
	for k, v := range r.URL.Query() {
		a.values[k] = v[0]
	}
	if r.Body == nil {
		return a, nil
	}
	body := http.MaxBytesReader(nil, r.Body, maxBody)
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		return a, a.readMultipart(multipart.NewReader(body, params["boundary"]))
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return a, errors.New("can't read the request")
	}
	switch kind {
	case "application/json":
		return a, a.readJSON(b)
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(b))
		if err != nil {
			return a, errors.New("can't parse parameters")
		}
		for k, v := range form {
			a.values[k] = v[0]
		}
	}
	return a, nil
}

func (a arguments) readJSON(b []byte) error {
	var fields map[string]json.RawMessage
	if len(b) == 0 {
		return nil
	}
	if err := json.Unmarshal(b, &fields); err != nil {
		return errors.New("can't parse request JSON object")
	}
	for k, raw := range fields {
		var str string
		switch {
		case json.Unmarshal(raw, &str) == nil && string(raw) != "null":
			a.values[k] = str
		case string(raw) != "null":
			a.values[k] = string(raw)
		}
	}
	return nil
}

func (a arguments) readMultipart(m *multipart.Reader) error {
	for {
		part, err := m.NextPart()
		// A call without parameters has no part, and go-telegram sends no closing
		// boundary then; Telegram takes the empty body.
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errors.New("can't parse multipart/form-data")
		}
		b, err := io.ReadAll(part)
		if err != nil {
			return errors.New("can't parse multipart/form-data")
		}
		if name := part.FileName(); name != "" {
			a.files[part.FormName()] = &upload{name: name, content: b}
			a.values[part.FormName()] = name
			continue
		}
		a.values[part.FormName()] = string(b)
	}
}

func encode(result json.RawMessage, fail *apiError) (int, []byte) {
	if fail == nil {
		return http.StatusOK, fmt.Appendf(nil, `{"ok":true,"result":%s}`, result)
	}
	answer := struct {
		OK          bool             `json:"ok"`
		Code        int              `json:"error_code"`
		Description string           `json:"description"`
		Parameters  map[string]int64 `json:"parameters,omitempty"`
	}{Code: fail.code, Description: fail.text}
	if fail.retryAfter > 0 {
		answer.Parameters = map[string]int64{"retry_after": int64(fail.retryAfter)}
	}
	if fail.migrateTo != 0 {
		answer.Parameters = map[string]int64{"migrate_to_chat_id": fail.migrateTo}
	}
	b, err := json.Marshal(answer)
	if err != nil {
		panic(err) // our own types
	}
	return fail.code, b
}

func retryAfter(fail *apiError) int {
	if fail == nil {
		return 0
	}
	return fail.retryAfter
}

func writeError(w http.ResponseWriter, fail *apiError) {
	status, body := encode(nil, fail)
	write(w, status, fail.retryAfter, body)
}

func write(w http.ResponseWriter, status, retryAfter int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
