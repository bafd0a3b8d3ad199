package app_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// wires is a network in memory, for tests in a bubble of testing/synctest: there
// the clock moves on as soon as everybody waits, which a socket of the kernel's
// would keep it from.
type wires struct {
	mu        sync.Mutex
	ports     int
	listeners map[string]*wire
}

func newWires() *wires { return &wires{listeners: map[string]*wire{}} }

// Listen is net.Listen; every listener gets a port of its own unless one is asked for.
func (w *wires) Listen(_, addr string) (net.Listener, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if port == "0" {
		w.ports++
		addr = fmt.Sprintf("%s:%d", host, 10000+w.ports)
	}
	if w.listeners[addr] != nil {
		return nil, &net.OpError{Op: "listen", Net: "tcp", Err: syscall.EADDRINUSE}
	}
	l := &wire{on: w, addr: addr, calls: make(chan net.Conn), closed: make(chan struct{})}
	w.listeners[addr] = l
	return l, nil
}

// Dial is net.Dialer's DialContext.
func (w *wires) Dial(ctx context.Context, _, addr string) (net.Conn, error) {
	w.mu.Lock()
	l := w.listeners[addr]
	w.mu.Unlock()
	if l == nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	here, there := net.Pipe()
	select {
	case l.calls <- there:
		return here, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// transport carries HTTP over the wires.
func (w *wires) transport() *http.Transport {
	// Who sends lets a connection go before the one who serves does (after 2 minutes):
	// otherwise a wait of just that long sends into one that is being closed.
	return &http.Transport{DialContext: w.Dial, MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}
}

// wire is one listener.
type wire struct {
	on     *wires
	addr   string
	calls  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *wire) Accept() (net.Conn, error) {
	select {
	case c := <-l.calls:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *wire) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.on.mu.Lock()
		defer l.on.mu.Unlock()
		delete(l.on.listeners, l.addr)
	})
	return nil
}

func (l *wire) Addr() net.Addr { return wireAddr(l.addr) }

type wireAddr string

func (wireAddr) Network() string  { return "tcp" }
func (a wireAddr) String() string { return string(a) }
