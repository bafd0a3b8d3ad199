package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/failpoint"
)

const (
	recorders    = 32               // so many deliveries are recorded at once; the store commits them together
	ackTimeout   = 2 * time.Second  // slack-go's queue of acknowledgements is full while there is no connection
	silence      = 2 * time.Minute  // Slack pings every few seconds
	lookEvery    = 15 * time.Second // how often the watchdog looks
	maxConnects  = 4                // one soon after the other; more is a server that closes at once
	steady       = 10 * time.Second // a connection that lived so long is none that was closed at once
	refusedPause = time.Minute
	stormPause   = 5 * time.Second // doubles up to maxStorm
	maxStorm     = 2 * time.Minute
)

// Why a session ended other than by its context.
var (
	errStorm  = errors.New("slack closes every connection at once")
	errSilent = errors.New("nothing was heard from slack for two minutes")
)

// Run receives by Socket Mode until ctx ends, if there is an app token, and asks
// for the workspace's address in any case. It returns nil when ctx has ended;
// whatever is wrong meanwhile is told by [Adapter.State] and tried again.
func (a *Adapter) Run(ctx context.Context, sink Sink) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { a.learn(ctx) })
	if a.cfg.AppToken == "" {
		<-ctx.Done()
		return nil
	}
	storm := stormPause
	for ctx.Err() == nil {
		began := a.cfg.Now()
		err := a.session(ctx, sink)
		if ctx.Err() != nil {
			break
		}
		if a.cfg.Now().Sub(began) > maxStorm {
			storm = stormPause
		}
		pause := refusedPause
		switch {
		case errors.Is(err, errStorm):
			pause = storm
			storm = min(2*storm, maxStorm)
		case errors.Is(err, errSilent):
			pause = time.Second
		}
		why := a.explain(err)
		a.state.dropped(why)
		a.cfg.Log.Error("slack: no connection", "why", why, "again_in", pause)
		sleep(ctx, pause+rand.N(pause/2))
	}
	a.state.dropped("stopped")
	return nil
}

// learn asks who we are until it is told.
func (a *Adapter) learn(ctx context.Context) {
	for pause := stormPause; ; pause = min(2*pause, 5*time.Minute) {
		_, err := a.authTest(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		a.cfg.Log.Warn("slack: auth.test", "error", err)
		sleep(ctx, pause)
	}
}

// session is one life of slack-go's client: it connects again by itself, and ends
// when the token is refused, when it connects too often, or when nothing is heard.
//
// The client must never wait for us: while its channel of events is full it reads
// no pings, and loses the connection with all that is on it. So one goroutine
// takes events in their order, and many record and acknowledge.
func (a *Adapter) session(ctx context.Context, sink Sink) error {
	ctx, end := context.WithCancelCause(ctx)
	s := &session{a: a, sink: sink, end: end, requests: make(chan delivery)}
	s.heard.Store(a.cfg.Now().UnixNano())
	s.client = socketmode.New(a.api,
		socketmode.OptionDialer(s.dialer()),
		socketmode.OptionReadLimit(maxBody),
		socketmode.OptionLog(a.libraryLog()),
	)
	var wg sync.WaitGroup
	wg.Go(func() { s.listen(ctx) })
	wg.Go(func() { s.watch(ctx) })
	for range recorders {
		wg.Go(func() { s.record(ctx) })
	}
	err := s.client.RunContext(ctx)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	end(nil)
	wg.Wait()
	return err
}

type session struct {
	a        *Adapter
	sink     Sink
	client   *socketmode.Client
	end      context.CancelCauseFunc
	requests chan delivery
	heard    atomic.Int64 // when a byte last came, Unix nanoseconds
	connects []time.Time  // one soon after the other; listen's alone
}

// delivery is one envelope to record and acknowledge.
type delivery struct {
	kind     string
	envelope string
	payload  []byte
	at       time.Time
}

// listen takes events in their order: those of the connection are dealt with here,
// deliveries go to the recorders.
func (s *session) listen(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-s.client.Events:
			if d, ok := s.look(e); ok {
				select {
				case s.requests <- d:
				case <-ctx.Done():
					return
				}
			}
		}
	}
}

// look deals with one event. It never prints an event's data: they hold the
// WebSocket's ticket, response_urls and tokens.
func (s *session) look(e socketmode.Event) (delivery, bool) {
	now := s.a.cfg.Now()
	switch e.Type {
	case socketmode.EventTypeConnecting:
		s.a.state.dropped("")
	case socketmode.EventTypeConnected:
		s.connected(now)
	case socketmode.EventTypeHello:
		s.a.state.online()
		s.a.cfg.Log.Info("slack: connected")
	case socketmode.EventTypeConnectionError:
		if failed, ok := e.Data.(*slackgo.ConnectionErrorEvent); ok {
			why := s.a.explain(failed.ErrorObj)
			s.a.state.dropped(why)
			s.a.cfg.Log.Warn("slack: can't connect", "why", why, "attempt", failed.Attempt)
		}
	case socketmode.EventTypeErrorBadMessage:
		if bad, ok := e.Data.(*socketmode.ErrorBadMessage); ok {
			return undecoded(bad.Message, now)
		}
	case socketmode.EventTypeErrorWriteFailed:
		s.a.cfg.Log.Warn("slack: an acknowledgement could not be written; Slack will send it again or tell the person")
	case socketmode.EventTypeEventsAPI, socketmode.EventTypeInteractive, socketmode.EventTypeSlashCommand:
		if e.Request != nil {
			return delivery{kind: e.Request.Type, envelope: e.Request.EnvelopeID, payload: e.Request.Payload, at: now}, true
		}
	}
	return delivery{}, false
}

// undecoded is an envelope that slack-go's types could not decode. Ours read less of
// it, and may well; if not, it is acknowledged all the same, since it would only
// come again.
func undecoded(message []byte, now time.Time) (delivery, bool) {
	var envelope struct {
		Type    string          `json:"type"`
		ID      string          `json:"envelope_id"`
		Payload json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(message, &envelope); err != nil || envelope.ID == "" {
		return delivery{}, false
	}
	return delivery{kind: envelope.Type, envelope: envelope.ID, payload: envelope.Payload, at: now}, true
}

// connected counts: slack-go connects again at once after each connection that it
// got, so a server that takes and closes them would be asked thousands of times a
// second. A network that fails every now and then is no such server.
func (s *session) connected(now time.Time) {
	if n := len(s.connects); n > 0 && now.Sub(s.connects[n-1]) >= steady {
		s.connects = s.connects[:0]
	}
	if s.connects = append(s.connects, now); len(s.connects) > maxConnects {
		s.end(errStorm)
	}
}

// record drains deliveries: durably recorded, then acknowledged, nothing else.
func (s *session) record(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-s.requests:
			s.take(ctx, d)
		}
	}
}

func (s *session) take(ctx context.Context, d delivery) {
	a := s.a
	defer func() {
		if p := recover(); p != nil {
			a.cfg.Log.Error("slack: a delivery panicked", "kind", d.kind, "stack", string(debug.Stack()))
		}
	}()
	in, err := a.readEnvelope(d)
	switch {
	case err != nil:
		a.cfg.Log.Warn("slack: a delivery was not understood", "kind", d.kind, "error", err)
	case a.take(ctx, s.sink, in) != nil:
		return // not acknowledged: Slack tells the person that it failed
	}
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	if err := s.client.AckCtx(ctx, d.envelope, nil); err != nil {
		a.cfg.Log.Warn("slack: an acknowledgement was given up", "kind", d.kind)
	}
	failpoint.Here("slack/after-acknowledge")
}

func (a *Adapter) readEnvelope(d delivery) ([]chat.Inbound, error) {
	switch d.kind {
	case socketmode.RequestTypeSlashCommands:
		in, err := commandJSON(d.payload, d.envelope, d.at)
		return []chat.Inbound{in}, err
	case socketmode.RequestTypeInteractive:
		return clicks(d.payload, d.envelope, d.at)
	case socketmode.RequestTypeEventsAPI:
		e, err := readEvent(d.payload)
		if err == nil {
			a.happened(e)
		}
		return nil, err
	}
	return nil, fmt.Errorf("%w: an unknown kind of envelope", errMalformed)
}

// watch ends a session that hears nothing, not even pings: slack-go may wait up to
// five minutes between tries, and can be stuck where its own check does not look.
func (s *session) watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if s.a.cfg.Now().Sub(time.Unix(0, s.heard.Load())) > silence {
				s.end(errSilent)
				return
			}
		}
	}
}

// dialer is slack-go's own default but for the connection: it tells when a byte
// came, pings too, which slack-go keeps to itself. The write buffer holds a whole
// acknowledgement in one frame.
func (s *session) dialer() *websocket.Dialer {
	return &websocket.Dialer{
		Proxy:            http.ProxyFromEnvironment,
		HandshakeTimeout: callTimeout,
		WriteBufferSize:  32 << 10,
		NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := s.a.cfg.Dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &heardConn{conn, s}, nil
		},
	}
}

type heardConn struct {
	net.Conn
	s *session
}

func (c *heardConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.s.heard.Store(c.s.a.cfg.Now().UnixNano())
	}
	return n, err
}

// explain puts a failure to connect into words for whoever runs the bot.
func (a *Adapter) explain(err error) string {
	code := ""
	if e, ok := errors.AsType[slackgo.SlackErrorResponse](err); ok {
		code = cleanCode(e.Err)
	}
	switch why := refusal(methodConnect, code); {
	case err == nil:
		return "the connection ended"
	case why != "":
		return why + " (" + code + "): check SLACK_APP_TOKEN, an app-level token with the scope connections:write"
	case code != "":
		return "Slack says " + code
	case errors.Is(err, errStorm), errors.Is(err, errSilent):
		return err.Error()
	}
	if e, ok := errors.AsType[slackgo.StatusCodeError](err); ok {
		return fmt.Sprintf("Slack answers HTTP %d to %s", e.Code, methodConnect)
	}
	return a.scrub.text(err.Error())
}

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
