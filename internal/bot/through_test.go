package bot

import (
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
)

type named struct{ Chat }

func (named) Name() string { return "slack" }

// Slack limits the channel behind a person's id, not the id that the message went to:
// that is the one place all the same.
func TestALimitOfOnePlaceHoldsNoOther(t *testing.T) {
	_, b := idle(t)
	send := func(place string, err error) time.Duration {
		t.Helper()
		_, wait, _ := b.through(named{}, "post", chat.Place{ID: place}, func() (chat.Ref, error) { return "", err })
		return wait
	}
	if wait := send("U1", &chat.Limited{After: time.Minute, Here: true}); wait != time.Minute {
		t.Fatalf("waits %s", wait)
	}
	if wait := send("U1", nil); wait == 0 {
		t.Error("the place does not wait")
	}
	if wait := send("C1", nil); wait != 0 {
		t.Errorf("another place waits %s", wait)
	}
	if wait := send("C1", &chat.Limited{After: time.Minute}); wait != time.Minute {
		t.Fatalf("waits %s", wait)
	}
	if wait := send("C2", nil); wait == 0 {
		t.Error("a limit of the method does not hold all places")
	}
}
