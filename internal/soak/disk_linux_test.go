package soak

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
)

// TestFullDisk fills the disk under a running bot. Commands are refused with a clear
// word, /readyz says why, and when there is room again it goes on by itself with
// what it had.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, binary(t), freePort(t), sandbox.Options{
		Panel: panelserver.Options{Licenses: []panelserver.License{licence("1001"), licence("1002")}},
	})
	disk := filepath.Dir(w.store)
	if err := syscall.Mount("soak", disk, "tmpfs", 0, "size=24m"); err != nil {
		t.Skip("a small file system can't be mounted here: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	w.byHTTP()
	w.Slack.SetBotURL("http://" + w.addr)
	ops := w.onSlack("ops", requests.Operator)
	w.admit()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b := w.launch()
	defer b.kill()
	if err := w.up(ctx, b); err != nil {
		t.Fatal(err)
	}
	s := w.slackSeat(ops, "#licenses")
	q, err := w.asks(ctx, s, "renew 1001", question("renew", "1001"))
	if err != nil {
		t.Fatal(err)
	}

	full := filepath.Join(disk, "full")
	if err := fill(full); err != nil {
		t.Fatal(err)
	}
	const word = "cannot record anything now"
	turnedAway := func(c card) bool { return c.alone && strings.Contains(c.text, word) }
	refused := false
	var taken []string // names of orders that were acknowledged and could not be asked about any more
	for n := 0; !refused && ctx.Err() == nil; n++ {
		name := fmt.Sprintf("%s%d", strings.Repeat("x", 50), n)
		s.looksUp()
		if !s.says(ctx, "order 546 ip=192.0.2.7 name="+name) {
			continue
		}
		looking, cancel := context.WithTimeout(ctx, glance)
		c, err := s.sees(looking, func(c card) bool { return c.alone || c.has("Cancel") })
		cancel()
		if err != nil {
			taken = append(taken, name)
		}
		refused = err == nil && turnedAway(c)
	}
	if !refused {
		t.Fatalf("with a full disk nothing is refused\n%s", w.log)
	}
	if status, body, err := w.get(ctx, "/readyz"); err != nil || status != http.StatusServiceUnavailable || !strings.Contains(body, "no space left on device") {
		t.Errorf("/readyz: %d %s %v", status, body, err)
	}
	s.looksUp()
	if !s.presses(ctx, q, "Confirm") {
		t.Error("a click failed, and nobody is told why")
	}
	if _, err := s.sees(ctx, turnedAway); err != nil {
		t.Errorf("a click is not answered: %v", err)
	}

	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	if err := w.up(ctx, b); err != nil {
		t.Fatalf("with room again: %v\n%s", err, w.log)
	}
	s.since = 0
	for _, name := range taken {
		if _, err := s.sees(ctx, question("order", name)); err != nil {
			t.Errorf("an order that was acknowledged was never asked about: %v", err)
		}
	}
	if n := len(w.Panel.Effects("")); n != 0 {
		t.Errorf("the panel has done %d things that nobody could confirm", n)
	}
	s.looksUp()
	if _, err := w.presses(ctx, s, q, "Confirm", decided(q)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.sees(ctx, report(q, "renew", "1001")); err != nil {
		t.Fatal(err)
	}
	if err := b.stop(); err != nil {
		t.Error(err)
	}
	for _, wrong := range w.inspect().wrong {
		t.Error(wrong)
	}
}

// fill writes until there is no room.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		_, err := f.Write(make([]byte, size))
		switch {
		case err == nil:
		case errors.Is(err, syscall.ENOSPC):
			size /= 2
		default:
			return err
		}
	}
	return nil
}
