package bot

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Whatever the wall clock does meanwhile, what is planned runs once, not before its
// time, and no later after it than the clock is looked at; what was taken off does not.
func TestAgenda(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) { playAgenda(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func playAgenda(t *testing.T, random *rand.Rand) {
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	a := newAgenda(now)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.loop(ctx)
	}()
	begun := now()
	latest := begun // that the clock has shown
	type plan struct {
		at  time.Time
		ran atomic.Int32
		off bool
	}
	var plans []*plan
	for range 10 {
		p := &plan{at: begun.Add(time.Duration(random.IntN(120)-5) * time.Minute)}
		plans = append(plans, p)
		takeOff := a.add(p.at, func() {
			p.ran.Add(1)
			if now().Before(p.at) {
				t.Errorf("run %s before its time", p.at.Sub(now()))
			}
		})
		if random.IntN(4) == 0 && p.at.After(begun) {
			p.off = true
			takeOff()
			takeOff()
		}
	}
	for range 20 {
		time.Sleep(time.Duration(random.IntN(600)) * time.Second)
		if random.IntN(3) == 0 {
			ahead.Add(int64(time.Duration(random.IntN(180)-90) * time.Minute))
		}
		time.Sleep(glance + time.Second)
		synctest.Wait()
		if n := now(); n.After(latest) {
			latest = n
		}
		for _, p := range plans {
			switch {
			case p.off && p.ran.Load() > 0:
				t.Error("what was taken off was run")
			case !p.off && p.ran.Load() == 0 && p.at.Before(latest.Add(-glance-time.Second)) && p.at.Before(now()):
				t.Errorf("%s late and not run", now().Sub(p.at))
			case p.ran.Load() > 1:
				t.Errorf("run %d times", p.ran.Load())
			}
		}
	}
	cancel()
	<-done
}
