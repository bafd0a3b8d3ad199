//go:build linux

package bench

import (
	"context"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

// flow is a renewal from the command to the report, in the flow's own channel. It
// gives how long the command's and the click's acknowledgements took.
func (r *rig) flow(ctx context.Context, channel string) (command, click time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second) // far more than any takes
	defer cancel()
	code := <-r.codes
	defer func() { r.codes <- code }()
	mark := r.world.Slack.Mark()
	d, err := r.boss.Says(channel, "/license renew "+code)
	if err != nil {
		return 0, 0, err
	}
	said, err := d.Wait(ctx)
	if err != nil {
		return 0, 0, err
	}
	card, err := r.boss.SeesSince(ctx, mark, channel, "Renew "+code)
	if err != nil {
		return 0, 0, err
	}
	if d, err = r.boss.Presses(card, "Confirm"); err != nil {
		return 0, 0, err
	}
	pressed, err := d.Wait(ctx)
	if err != nil {
		return 0, 0, err
	}
	_, err = r.boss.SeesWhere(ctx, mark, channel, func(m slackserver.Message) bool { return m.ThreadTS == card.TS && m.TS != card.TS })
	return said.Latency, pressed.Latency, err
}

func (r *rig) channel(n int) string {
	name := "licenses-" + strconv.Itoa(n)
	r.world.Slack.Channel(name).Invite(r.boss)
	return "#" + name
}

// TestFlow keeps the benchmark working.
func TestFlow(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs the bot in a process of its own")
	}
	r := newRig(t)
	if _, _, err := r.flow(t.Context(), r.channel(0)); err != nil {
		t.Error(err)
	}
	if n := r.world.Panel.Count("service.prolong").Effects; n != 1 {
		t.Errorf("the panel has renewed %d times, want 1", n)
	}
	calls := map[string]int{}
	for _, c := range r.world.Slack.Ledger() {
		calls[c.Method]++
	}
	// Question and report; and the question at work and, perhaps not yet, decided.
	if calls["chat.postMessage"] != 2 || calls["chat.update"] > 2 {
		t.Errorf("a flow took the calls %v", calls)
	}
}

// BenchmarkFlows is how many flows a second go through with 32 at once, and what
// one of them takes of the processors: of the bot's process, and of this one, which
// is Slack, the panel and the people.
func BenchmarkFlows(b *testing.B) {
	const atOnce = 32
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // this process is not what is measured
	r := newRig(b)
	channels := make([]string, atOnce)
	for i := range channels {
		channels[i] = r.channel(i)
		if _, _, err := r.flow(b.Context(), channels[i]); err != nil { // warms connections and caches up
			b.Fatal(err)
		}
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	cpu, own := r.bot.cpu(b), ownCPU(b)
	b.ResetTimer()
	var wg sync.WaitGroup
	for _, channel := range channels {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if _, _, err := r.flow(b.Context(), channel); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "flows/s")
	perFlow := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(b.N) }
	b.ReportMetric(perFlow(r.bot.cpu(b)-cpu), "bot-cpu-ms/flow")
	b.ReportMetric(perFlow(ownCPU(b)-own), "sandbox-cpu-ms/flow")
	b.ReportMetric(r.bot.memory(b, "VmHWM"), "peak-MB")
}

// BenchmarkAcknowledgement is how long Slack waits for the bot's answer to a command
// or click while 100 flows a second begin, whatever has become of the earlier ones.
func BenchmarkAcknowledgement(b *testing.B) {
	const every = 10 * time.Millisecond
	const channels = 64
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	r := newRig(b)
	idle := make(chan string, channels)
	for i := range channels {
		idle <- r.channel(i)
	}
	warm := <-idle
	for range 20 {
		if _, _, err := r.flow(b.Context(), warm); err != nil {
			b.Fatal(err)
		}
	}
	idle <- warm
	cpu := r.bot.cpu(b)
	var mu sync.Mutex
	var waits []time.Duration
	b.ResetTimer()
	var wg sync.WaitGroup
	tick := time.NewTicker(every)
	defer tick.Stop()
	for range b.N {
		<-tick.C
		wg.Go(func() {
			channel := <-idle
			command, click, err := r.flow(b.Context(), channel)
			idle <- channel
			if err != nil {
				b.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			waits = append(waits, command, click)
		})
	}
	wg.Wait()
	b.StopTimer()
	if b.Failed() {
		return
	}
	slices.Sort(waits)
	ms := func(share float64) float64 { return waits[int(share*float64(len(waits)-1))].Seconds() * 1000 }
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "flows/s")
	b.ReportMetric(ms(.5), "ack-p50-ms")
	b.ReportMetric(ms(.99), "ack-p99-ms")
	b.ReportMetric((r.bot.cpu(b)-cpu).Seconds()*1000/float64(b.N), "bot-cpu-ms/flow")
}

// BenchmarkStart is how long the bot takes from its process's start to its being
// ready, with no store yet, and what memory it then holds.
func BenchmarkStart(b *testing.B) {
	r := newRig(b)
	var took, memory []float64
	for range b.N {
		r.bot.stop(b)
		settings := r.settings(b)
		begun := time.Now()
		r.bot = start(b, settings, r.world)
		took = append(took, time.Since(begun).Seconds()*1000)
		memory = append(memory, r.bot.memory(b, "VmRSS"))
	}
	slices.Sort(took)
	slices.Sort(memory)
	b.ReportMetric(took[len(took)/2], "ready-ms")
	b.ReportMetric(memory[len(memory)/2], "idle-MB")
}
