package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack/socketmode"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

// While no connection is up, slack-go queues twenty acknowledgements and then blocks
// whoever has one more. A bot that is stopped then must not wait for ever.
func TestAcknowledgementsWithoutAConnection(t *testing.T) {
	var log logBuffer
	synctest.Test(t, func(t *testing.T) {
		a, err := New(Config{BotToken: botToken, AppToken: appToken, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		s := &session{a: a, sink: newSink(), client: socketmode.New(a.api)}
		begun := time.Now()
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				s.take(t.Context(), delivery{
					kind: socketmode.RequestTypeSlashCommands, envelope: fmt.Sprint(i), at: begun,
					payload: fmt.Appendf(nil, "%s%d\"}", commandStart, i),
				})
			})
		}
		all.Wait()
		if took := time.Since(begun); took > ackTimeout {
			t.Errorf("it took %s", took)
		}
	})
	if n := strings.Count(log.String(), "was given up"); n != 100-20 {
		t.Errorf("%d acknowledgements were given up:\n%s", n, log.String())
	}
	log.check(t)
}

// slowDisk takes a second to record something.
type slowDisk struct{ taken atomic.Int64 }

func (d *slowDisk) Take(context.Context, []chat.Inbound) error {
	time.Sleep(time.Second)
	d.taken.Add(1)
	return nil
}

// Whoever takes deliveries one after the other, and does work meanwhile, reads no pings
// for longer than slack-go waits for one, and loses the connection and all that is on
// it.
func TestSlowConsumerKeepsTheConnection(t *testing.T) {
	const commands = 300
	acked := make(chan string, commands)
	s := &wire{serve: func(c *websocket.Conn) {
		send(c, helloMessage)
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Second):
					_ = c.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
				}
			}
		}()
		go func() {
			for i := range commands {
				send(c, commandEnvelope(fmt.Sprint(i)))
			}
		}()
		acks(c, acked)
	}}
	disk := &slowDisk{}
	bubbleWith(t, s, disk, func() error { return nil }, func(*Adapter, *logBuffer) {
		time.Sleep(5 * time.Minute)
		if n := s.opened.Load(); n != 1 {
			t.Errorf("%d connections were asked for", n)
		}
		if disk.taken.Load() != commands || len(acked) != commands {
			t.Errorf("%d of %d were recorded, %d acknowledged", disk.taken.Load(), commands, len(acked))
		}
	})
}

// Bodies as long as they may be, of nothing but depth or number.
func TestBodiesThatWeighMuch(t *testing.T) {
	many := strings.Repeat(`{"action_id":"confirm"},`, maxBody/40)
	for name, body := range map[string]string{
		"deep":  `{"type":"block_actions","message":` + strings.Repeat("[", maxBody-100),
		"deep2": strings.Repeat(`{"message":`, maxBody/12),
		"cut":   `{"type":"block_actions","actions":[` + many,
	} {
		if in, err := clicks([]byte(body), "", time.Now()); !errors.Is(err, errMalformed) {
			t.Errorf("%s: %d clicks, %v", name, len(in), err)
		}
		if _, err := readEvent([]byte(body)); !errors.Is(err, errMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	form := "command=%2Flicense&team_id=T1&user_id=U1&channel_id=C1&text=" + strings.Repeat("%3C%40U1%3E+", maxBody/13)
	in, err := commandForm([]byte(form), "1", time.Now())
	if err != nil || len(in.Text) > 2*maxBody {
		t.Errorf("%d bytes of text, %v", len(in.Text), err)
	}
}

func FuzzEnvelope(f *testing.F) {
	f.Add([]byte(commandEnvelope("1")))
	f.Add([]byte(`{"type":"interactive","envelope_id":"2","payload":{"type":"block_actions","trigger_id":"t","user":{"id":"U1","team_id":"T1"},"channel":{"id":"C1"},"actions":[{"action_id":"deny:x"}]}}`))
	f.Add([]byte(`{"type":"events_api","envelope_id":"3","payload":{"type":"event_callback","event":{"type":"app_uninstalled"}}}`))
	f.Add([]byte(`{"type":"disconnect","reason":"refresh_requested"}`))
	a, err := New(Config{BotToken: "x", AppToken: "y"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		d, ok := undecoded(message, time.Unix(1, 0))
		if !ok {
			return
		}
		if d.envelope == "" {
			t.Errorf("%s has no name to acknowledge it by", message)
		}
		all, err := a.readEnvelope(d)
		for _, in := range all {
			checkInbound(t, in, err)
		}
	})
}

// What is remembered of a delivery gives nobody a trigger_id.
func TestDeliveriesHoldNoTrigger(t *testing.T) {
	const trigger = "13345224609.738474920.8088930838d88f008e0"
	in, err := commandForm([]byte("command=%2Flicense&team_id=T1&user_id=U1&channel_id=C1&trigger_id="+trigger), "1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	all, err := clicks([]byte(`{"type":"block_actions","trigger_id":"`+trigger+`","user":{"id":"U1","team_id":"T1"},"actions":[{"action_id":"a"},{"action_id":"b"}]}`), "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, one := range append(all, in) {
		names[one.Delivery] = true
		if strings.Contains(one.Delivery, "738474920") {
			t.Error(one.Delivery)
		}
	}
	if len(names) != 3 {
		t.Errorf("the names are %v", names)
	}
}

// A redirect would carry the token on to somebody else.
func TestRedirectsAreNotFollowed(t *testing.T) {
	calls := 0
	w := newWorld(t, func(_ *slackserver.Options, c *Config) {
		c.HTTP = roundTrip(func(*http.Request) (*http.Response, error) {
			calls++
			return &http.Response{
				StatusCode: http.StatusTemporaryRedirect, Header: http.Header{"Location": {"https://elsewhere.example/"}}, Body: http.NoBody,
			}, nil
		})
	})
	post := chat.Post{Place: chat.Place{Transport: transport, ID: "C1"}, Message: plainMessage("x"), Nonce: "n"}
	if _, err := w.bot.Post(t.Context(), post); err == nil || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
	if _, _, err := w.bot.Find(t.Context(), post, time.Now()); err == nil || calls != 2 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

// A response_url is signed for, and still no reason to speak in the clear with anybody
// but the host that the API is at.
func TestResponseURLsInTheClearAreNotUsed(t *testing.T) {
	var hosts []string
	w := newWorld(t, func(_ *slackserver.Options, c *Config) {
		next := http.DefaultTransport
		c.HTTP = roundTrip(func(r *http.Request) (*http.Response, error) {
			hosts = append(hosts, r.URL.Host)
			if r.URL.Host == "elsewhere.example" {
				return nil, errors.New("unreachable")
			}
			return next.RoundTrip(r)
		})
	})
	in := chat.Inbound{
		Kind: chat.Command, Account: "slack:T1/U1", Place: chat.Place{Transport: transport, ID: "C1"}, At: time.Now(),
		Handle: handle{URL: "http://elsewhere.example/commands/1/2"}.String(),
	}
	_ = w.bot.Answer(t.Context(), in, plainMessage("x")) // whom it reaches does not matter here
	if len(hosts) == 0 || slices.Contains(hosts, "elsewhere.example") {
		t.Errorf("asked were %v", hosts)
	}
}
