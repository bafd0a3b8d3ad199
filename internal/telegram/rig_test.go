package telegram

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	tgs "github.com/isplicense/license-bot/internal/sandbox/telegramserver"
)

// rig is an adapter that talks to the sandbox over pipes in memory, so that it can
// live in a bubble of synctest, where time passes as soon as nobody has anything
// to do.
type rig struct {
	*testing.T
	tg    *tgs.Server
	a     *Adapter
	sink  *memorySink
	ctx   context.Context
	logs  *syncBuffer
	alice *tgs.Person
}

const secret = "AAsecret-part-of-the-token-0123456789"

// inBubble runs a test with a rig.
func inBubble(t *testing.T, change func(*Config), test func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		r := &rig{T: t, ctx: ctx, sink: &memorySink{}, logs: &syncBuffer{}}
		hookLine, apiLine := newPipes(), newPipes()
		r.tg = tgs.New(tgs.Options{Token: "7000000001:" + secret, Transport: hookLine.transport()})
		api := &http.Server{Handler: r.tg, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
		var running sync.WaitGroup
		running.Go(func() { _ = api.Serve(apiLine) })
		line := apiLine.transport()
		cfg := Config{Token: " " + r.tg.Token() + "\n", APIURL: "http://telegram.test/", HTTP: line,
			Log: slog.New(slog.NewTextHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))}
		if change != nil {
			change(&cfg)
		}
		var err error
		if r.a, err = New(cfg); err != nil {
			t.Fatal(err)
		}
		hook := &http.Server{Handler: r.a.Webhook(r.sink)}
		running.Go(func() { _ = hook.Serve(hookLine) })
		r.alice = r.tg.Person(tgs.Profile{Name: "Alice", Username: "alice", Language: "en"})
		test(r)
		cancel()
		r.tg.Close()
		_ = hook.Close()
		_ = api.Close()
		line.CloseIdleConnections()
		running.Wait()
		if strings.Contains(r.logs.String(), secret) {
			t.Errorf("the token is in the log:\n%s", r.logs.String())
		}
	})
}

// runs starts the adapter, which ends with the test, and waits until it receives
// updates.
func (r *rig) runs() (stop func()) {
	r.Helper()
	stop = r.starts()
	for ready, _ := r.a.State(); !ready; ready, _ = r.a.State() {
		time.Sleep(time.Millisecond)
	}
	synctest.Wait()
	return stop
}

func (r *rig) starts() (stop func()) {
	ctx, cancel := context.WithCancel(r.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.a.Run(ctx, r.sink); err != nil {
			r.Error(err)
		}
	}()
	stop = func() { cancel(); <-done }
	r.Cleanup(cancel)
	return stop
}

// clean fails where an error tells what it must not.
func (r *rig) clean(err error) {
	r.Helper()
	if err != nil && strings.Contains(err.Error(), secret) {
		r.Errorf("the token is in the error %q", err)
	}
}

// memorySink is a Sink as the store is one: it leaves out what it has.
type memorySink struct {
	mu     sync.Mutex
	offset int64
	got    []chat.Inbound
	takes  int
	fail   int // so many times
}

func (s *memorySink) Offset(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.offset, nil
}

func (s *memorySink) Take(_ context.Context, batch []chat.Inbound, next int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takes++
	if s.fail > 0 {
		s.fail--
		return errors.New("disk full")
	}
	for _, in := range batch {
		if !slices.ContainsFunc(s.got, func(g chat.Inbound) bool { return g.Delivery == in.Delivery }) {
			s.got = append(s.got, in)
		}
	}
	if next != 0 {
		s.offset = next
	}
	return nil
}

func (s *memorySink) all() []chat.Inbound {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// texts are the commands' texts so far, once all is quiet.
func (r *rig) texts() []string {
	synctest.Wait()
	var texts []string
	for _, in := range r.sink.all() {
		texts = append(texts, in.Text)
	}
	return texts
}

func (r *rig) wants(texts ...string) {
	r.Helper()
	if got := r.texts(); !slices.Equal(got, texts) {
		r.Errorf("commands %q, want %q", got, texts)
	}
}

// pipes is a listener and its dialer, in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }

func (p *pipes) transport() *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		near, far := net.Pipe()
		select {
		case p.conns <- far:
			return near, nil
		case <-p.closed:
			return nil, &net.OpError{Op: "dial", Net: "pipe", Err: errors.New("connection refused")}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

var _ io.Writer = (*syncBuffer)(nil)
