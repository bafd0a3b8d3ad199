package demo

import (
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// page serves the transcript: as a page, and as the text that was printed.
func page(t *transcript) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_ = pageTemplate.Execute(w, t.all()) // a reader that hung up needs no answer
	})
	mux.HandleFunc("GET /transcript.txt", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		plain := &transcript{}
		for _, l := range t.all() {
			_, _ = w.Write([]byte(plain.format(l))) // as above
		}
	})
	return mux
}
