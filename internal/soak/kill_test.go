package soak

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
)

// scenario is a story with people that ends with a report, whatever happens to the
// bot on the way.
type scenario struct {
	name   string
	make   func(w *world) (play func(ctx context.Context) error)
	effect int // of the panel's, in the end
}

func scenarios() []scenario {
	renewal := func(w *world, s func() seat) func(context.Context) error {
		return func(ctx context.Context) error { return w.renews(ctx, s(), "1001") }
	}
	return []scenario{
		{"renewal in Slack by HTTP", func(w *world) func(context.Context) error {
			w.byHTTP()
			w.Slack.SetBotURL("http://" + w.addr)
			ops := w.onSlack("ops", requests.Operator)
			return renewal(w, func() seat { return w.slackSeat(ops, "#licenses") })
		}, 1},
		{"renewal in Slack by socket", func(w *world) func(context.Context) error {
			w.bySocket()
			ops := w.onSlack("ops", requests.Operator)
			return renewal(w, func() seat { return w.slackSeat(ops, "#licenses") })
		}, 1},
		{"order on Telegram", func(w *world) func(context.Context) error {
			w.byHTTP()
			dora := w.onTelegram("dora", requests.Operator)
			return func(ctx context.Context) error {
				return w.orders(ctx, w.telegramSeat(dora), "web7")
			}
		}, 1},
		{"termination across the chats", func(w *world) func(context.Context) error {
			w.byHTTP()
			w.Slack.SetBotURL("http://" + w.addr)
			ops := w.onSlack("ops", requests.Operator)
			tina := w.onTelegram("tina", requests.Approver)
			return func(ctx context.Context) error {
				return w.terminates(ctx, w.slackSeat(ops, "#licenses"), w.telegramSeat(tina), "1001")
			}
		}, 1},
		{"renewal whose answer is lost", func(w *world) func(context.Context) error {
			w.byHTTP()
			w.Slack.SetBotURL("http://" + w.addr)
			ops := w.onSlack("ops", requests.Operator)
			w.Panel.Inject(panelserver.Fault{
				Func: "service.prolong", Step: panelserver.Changing, Times: 1, After: true, Answer: panelserver.Nothing(),
			})
			return renewal(w, func() seat { return w.slackSeat(ops, "#licenses") })
		}, 1},
		{"renewal that is slow", func(w *world) func(context.Context) error {
			w.bySocket()
			ops := w.onSlack("ops", requests.Operator)
			w.Panel.Inject(panelserver.Fault{
				Func: "service.prolong", Step: panelserver.Changing, Times: 1, Delay: 300 * time.Millisecond,
			})
			return renewal(w, func() seat { return w.slackSeat(ops, "#licenses") })
		}, 1},
		{"renewal that came to nothing", func(w *world) func(context.Context) error {
			w.byHTTP()
			w.Slack.SetBotURL("http://" + w.addr)
			ops := w.onSlack("ops", requests.Operator)
			w.Panel.Inject(panelserver.Fault{
				Func: "service.prolong", Step: panelserver.Changing, Times: 1, Answer: panelserver.GatewayTimeout(),
			})
			return renewal(w, func() seat { return w.slackSeat(ops, "#licenses") })
		}, 0},
	}
}

// renews has a licence renewed and waits for the report.
func (w *world) renews(ctx context.Context, s seat, code string) error {
	q, err := w.asks(ctx, s, "renew "+code, question("renew", code))
	if err != nil {
		return err
	}
	if _, err := w.presses(ctx, s, q, "Confirm", decided(q)); err != nil {
		return err
	}
	_, err = s.sees(ctx, report(q, "renew", code))
	return err
}

// orders has a licence ordered under a name and waits for the report.
func (w *world) orders(ctx context.Context, s seat, name string) error {
	q, err := w.asks(ctx, s, "order 546 ip=192.0.2.77 name="+name, question("order", name))
	if err != nil {
		return err
	}
	if _, err := w.presses(ctx, s, q, "Confirm", decided(q)); err != nil {
		return err
	}
	_, err = s.sees(ctx, report(q, "order", name))
	return err
}

// terminates has a licence terminated with the approval of somebody who gets the
// question by direct message, and waits for the report.
func (w *world) terminates(ctx context.Context, s, approver seat, code string) error {
	approver.looksUp()
	q, err := w.asks(ctx, s, "terminate "+code, question("terminate", code))
	if err != nil {
		return err
	}
	copied, err := approver.sees(ctx, question("terminate", code))
	if err != nil {
		return fmt.Errorf("the approver's card: %w", err)
	}
	if _, err := w.presses(ctx, approver, copied, "Approve", decided(copied)); err != nil {
		return err
	}
	_, err = s.sees(ctx, report(q, "terminate", code))
	return err
}

// outside are the points where the test itself kills: what they are about is seen
// there alone.
const (
	onAcknowledged = "outside/acknowledged"   // the chat has told the person that it arrived
	onReceived     = "outside/panel-received" // the panel has the change and has not answered
)

// plot is where a bot is killed: the first process at the first point, the one
// after it at the second.
type plot []string

func (p plot) String() string { return strings.Join(p, ", then ") }

// run plays a scenario to its end with a bot that is killed by the plot, and says
// how many of its kills took place.
func (sc scenario) run(t *testing.T, bin, addr string, p plot, trace string) (killed int) {
	t.Helper()
	w := newWorld(t, bin, addr, sandbox.Options{Panel: panelserver.Options{Licenses: []panelserver.License{licence("1001")}}})
	play := sc.make(w)
	w.admit()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()

	var acks atomic.Int32
	var running atomic.Pointer[process]
	if len(p) > 0 && strings.HasPrefix(p[0], onAcknowledged) {
		w.acknowledged = func() {
			if fmt.Sprintf("%s:%d", onAcknowledged, acks.Add(1)) == p[0] {
				_ = running.Load().cmd.Process.Kill() // the loop below waits for it
			}
		}
	}
	if len(p) > 0 && strings.HasPrefix(p[0], onReceived) {
		go func() {
			err := w.Panel.Await(ctx, func() bool {
				return slices.ContainsFunc(w.Panel.Calls(""), func(c panelserver.Call) bool { return c.Changing })
			})
			if err == nil {
				_ = running.Load().cmd.Process.Kill() // as above
			}
		}()
	}
	launch := func(n int) *process {
		var more []string
		if n < len(p) && !strings.HasPrefix(p[n], "outside/") {
			more = append(more, "FAILPOINT="+p[n])
		}
		if trace != "" {
			more = append(more, "FAILPOINT_TRACE="+trace)
		}
		b := w.launch(more...)
		running.Store(b)
		return b
	}
	b := launch(0)
	defer func() { b.kill() }()

	played := make(chan error, 1)
	go func() { played <- play(ctx) }()
	for over := false; !over; {
		select {
		case <-b.ended:
			if !b.killed() {
				t.Fatalf("the bot ended by itself: %v\n%s", b.err, w.log)
			}
			killed++
			b = launch(killed)
		case err := <-played:
			if over = true; err != nil {
				t.Errorf("%v\n%s", err, w.log)
			}
		}
	}
	// A kill that came after the report: the next start still has to tidy up.
	w.quiet(ctx, &b, func() *process { killed++; return launch(killed) })
	for err := b.stop(); err != nil; err = b.stop() {
		if !b.killed() {
			t.Errorf("stopping: %v\n%s", err, w.log)
			break
		}
		killed++
		b = launch(killed)
		w.quiet(ctx, &b, func() *process { killed++; return launch(killed) })
	}
	f := w.inspect()
	for _, wrong := range f.wrong {
		t.Error(wrong)
	}
	// A kill between recording the start and the call leaves no effect, truly said.
	if f.figures.effects > sc.effect || len(p) == 0 && f.figures.effects != sc.effect || f.figures.reported != 1 {
		t.Errorf("%d effects, want %d; %d reported, want 1", f.figures.effects, sc.effect, f.figures.reported)
	}
	if t.Failed() {
		t.Log(w.log)
		for ref, s := range w.shown() {
			t.Logf("%s, answers %s, %v\n%s", ref, s.thread, s.buttons, s.text)
		}
	}
	return killed
}

// quiet waits until the bot has nothing left to do. Whatever kills it meanwhile,
// another is started.
func (w *world) quiet(ctx context.Context, b **process, again func() *process) {
	for !w.rests(ctx, *b, closed) {
		if ctx.Err() != nil {
			w.t.Errorf("the bot does not come to rest\n%s", w.log)
			return
		}
		*b = again()
	}
}

// What a bot at rest says of itself.
var (
	delivered = []string{"\nlicensebot_undelivered_reports 0\n"}
	closed    = []string{"\nlicensebot_undelivered_reports 0\n", "\nlicensebot_open_requests 0\n"}
)

// rests waits until the bot says all of that; false: it has ended, or the time is
// over.
func (w *world) rests(ctx context.Context, b *process, says []string) bool {
	for {
		_, body, err := w.get(ctx, "/metrics")
		missing := func(line string) bool { return !strings.Contains(body, line) }
		if err == nil && !slices.ContainsFunc(says, missing) {
			return true
		}
		select {
		case <-b.ended:
			return false
		case <-ctx.Done():
			return false
		case <-time.After(10 * time.Millisecond): // between two questions to another process
		}
	}
}

// passings plays the scenario undisturbed and counts how often each point is passed.
func (sc scenario) passings(t *testing.T, bin, addr string) map[string]int {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "passed")
	sc.run(t, bin, addr, nil, trace)
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	count := map[string]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		count[lines.Text()]++
	}
	count[onReceived] = 1
	count[onAcknowledged] = 2
	return count
}

// plots are all the ways to kill a bot in a scenario: at each passing of each point,
// and, after a kill behind each commit, once more where the next start goes on.
func plots(passed map[string]int) []plot {
	var all []plot
	for _, point := range slices.Sorted(maps.Keys(passed)) {
		for n := range passed[point] {
			all = append(all, plot{fmt.Sprintf("%s:%d", point, n+1)})
		}
	}
	for n := range passed["store/after-commit"] {
		first := fmt.Sprintf("store/after-commit:%d", n+1)
		for _, second := range []string{"start/before-request:1", "start/before-task:1", "store/before-commit:1", "store/after-commit:1", "panel/before-change:1"} {
			all = append(all, plot{first, second})
		}
	}
	return all
}

// TestKill kills the bot at every passing of every point in every scenario. What
// each kill leaves must come to the same end: the panel has done it once, the thread
// says so, the trail tells it.
func TestKill(t *testing.T) {
	bin := binary(t)
	for i, sc := range scenarios() {
		if !*whole && i > 3 {
			break
		}
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			addr := freePort(t)
			all := plots(sc.passings(t, bin, addr))
			every := 1
			if !*whole {
				every = 37
			}
			tried, killed := 0, 0
			for n, p := range all {
				if (n+i)%every != 0 {
					continue
				}
				tried++
				t.Run(p.String(), func(t *testing.T) { killed += min(1, sc.run(t, bin, addr, p, "")) })
			}
			t.Logf("%d of %d plots tried; in %d the bot was killed", tried, len(all), killed)
			if tried < len(all) {
				t.Log("the others run with -soak or SOAK=1")
			}
		})
	}
}
