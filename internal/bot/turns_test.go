package bot

import (
	"context"
	"testing"
	"testing/synctest"
)

func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns()
		if !turns.take(t.Context(), "1001") || !turns.take(t.Context(), "1002") {
			t.Fatal("a licence that nobody is at has to be waited for")
		}
		impatient, leave := context.WithCancel(t.Context())
		left := make(chan bool)
		go func() { left <- turns.take(impatient, "1001") }()
		synctest.Wait()
		came := make(chan int)
		for n := range 3 {
			go func() {
				turns.take(t.Context(), "1001")
				came <- n
			}()
			synctest.Wait()
		}
		leave()
		if <-left {
			t.Error("who left has a turn")
		}
		for n := range 3 {
			synctest.Wait()
			select {
			case m := <-came:
				t.Fatalf("%d came before the turn was given", m)
			default:
			}
			turns.give("1001")
			if m := <-came; m != n {
				t.Errorf("%d came as number %d", m, n)
			}
		}
		turns.give("1001")
		turns.give("1002")
		if len(turns.waiting) != 0 {
			t.Errorf("kept is %v", turns.waiting)
		}
		for range 2 { // orders have no licence
			if !turns.take(t.Context(), "") {
				t.Error("an order waits")
			}
		}
	})
}
