package isplicense

import (
	"bufio"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
)

// TestNotSent has connections that never come about: nothing can have left.
func TestNotSent(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	untrusted := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a call arrived") }))
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0) // it is told of the handshake
	untrusted.StartTLS()
	defer untrusted.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a call arrived") }))
	defer plain.Close()
	mute, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never says a word of TLS
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mute.Close() }()

	for name, url := range map[string]string{
		"refused":         "http://" + closed.Addr().String(),
		"no such name":    "http://panel.invalid",
		"not trusted":     untrusted.URL,
		"no TLS":          strings.Replace(plain.URL, "http:", "https:", 1),
		"no TLS, timeout": "https://" + mute.Addr().String(),
	} {
		c := newClient(t, nil, func(cfg *Config) { cfg.URL, cfg.Timeout = url, 200*time.Millisecond })
		if got, want := text(c.Renew(t.Context(), "1001", 1)), `refused not-sent type= object= sent=false ""`; got != want {
			t.Errorf("%s: %s", name, got)
		}
		_, err := c.Balance(t.Context())
		var read *ReadError
		if !errors.As(err, &read) || read.Reason != NotSent || read.Detail == "" {
			t.Errorf("%s: %v", name, err)
		}
	}

	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}
	c := newClient(t, tripper(func(*http.Request) (*http.Response, error) { return nil, dial }))
	if got := ends(c.Renew(t.Context(), "1001", 1)); got != "refused" {
		t.Errorf("a transport that is not net/http's: %s", got)
	}
	reset := &net.OpError{Op: "read", Net: "tcp", Err: errors.New("reset")}
	c = newClient(t, tripper(func(*http.Request) (*http.Response, error) { return nil, reset }))
	if got, want := text(c.Renew(t.Context(), "1001", 1)), `unknown cut code= ""`; got != want {
		t.Errorf("a reset: %s", got)
	}
}

// TestChangeHasItsOwnConnection closes pooled connections under the client. Reads
// get over it; a change must neither fail for it nor be sent twice.
func TestChangeHasItsOwnConnection(t *testing.T) {
	panel, c := sandbox(t, panelserver.Ways{})
	for i := range 20 {
		_ = mustRead(t, c, "1001")
		panel.CutIdle()
		if got := ends(c.Renew(t.Context(), "1001", 1)); got != "applied" {
			t.Fatalf("renewal %d: %s", i, got)
		}
	}
	if err := panel.Charged("service.prolong", 20); err != nil {
		t.Error(err)
	}
}

// TestChangeIsNotReplayed reads the whole request and closes: net/http must not
// try again, on the client's transports and on one that reuses connections.
func TestChangeIsNotReplayed(t *testing.T) {
	for name, transport := range map[string]http.RoundTripper{"own": nil, "reusing": &http.Transport{}} {
		var changes atomic.Int64
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go serveReads(conn, &changes)
			}
		}()
		c := newClient(t, transport, func(cfg *Config) { cfg.URL = "http://" + l.Addr().String() })
		for i := range 10 {
			if _, err := c.WhoAmI(t.Context()); err != nil { // leaves a connection to be reused
				t.Error(err)
			}
			if got, want := text(c.Renew(t.Context(), "1001", 1)), `unknown cut code= ""`; got != want {
				t.Errorf("%s: %s", name, got)
			}
			if n := changes.Load(); n != int64(i+1) {
				t.Fatalf("%s: %d changes arrived for %d", name, n, i+1)
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// serveReads answers the reads on a connection, and closes it under a change.
func serveReads(conn net.Conn, changes *atomic.Int64) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		if strings.Contains(string(body), "sok=ok") {
			changes.Add(1)
			return
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n<doc></doc>"); err != nil {
			return
		}
	}
}

// BenchmarkConnection measures what a connection of its own costs a change, over
// TLS on loopback.
func BenchmarkConnection(b *testing.B) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<doc><ok/></doc>")
	}))
	defer srv.Close()
	reads, own := transports(1)
	reads.TLSClientConfig = srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	own.TLSClientConfig = reads.TLSClientConfig.Clone()
	for name, transport := range map[string]*http.Transport{"reused": reads, "own": own} {
		b.Run(name, func(b *testing.B) {
			c := newClient(b, transport, func(cfg *Config) { cfg.URL = srv.URL })
			for b.Loop() {
				if got := ends(c.Renew(b.Context(), "1001", 1)); got != "applied" {
					b.Fatal(got)
				}
			}
		})
	}
}
