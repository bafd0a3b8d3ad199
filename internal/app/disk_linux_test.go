package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

// spoil has nothing more written to the store: in the place of its files' descriptors
// come ones that can only be read.
func (r *rig) spoil() {
	r.Helper()
	time.Sleep(50 * time.Millisecond) // what could wait is written, and does not find it out first
	path := string(r.settings.Store)
	open, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		r.Fatal(err)
	}
	spoilt := 0
	for _, link := range open {
		to, err := os.Readlink(link)
		if err != nil || to != path && to != path+"-redo" {
			continue
		}
		fd := 0
		for _, digit := range filepath.Base(link) {
			fd = 10*fd + int(digit-'0')
		}
		reading, err := syscall.Open(to, os.O_RDONLY, 0)
		if err != nil {
			r.Fatal(err)
		}
		if err := syscall.Dup3(reading, fd, syscall.O_CLOEXEC); err != nil {
			r.Fatal(err)
		}
		if err := syscall.Close(reading); err != nil {
			r.Fatal(err)
		}
		spoilt++
	}
	if spoilt != 2 {
		r.Fatalf("%d of the store's two files are open", spoilt)
	}
}

// A commit that fails may have happened: the bot takes nothing more in and calls
// nobody until it has opened the store again and seen what the disk has. Then it goes
// on by itself.
func TestACommitThatFailsStopsTheBot(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		r.spoil()
		pressed := r.presses(r.ops, card, "Confirm")
		if a, err := pressed.Wait(r.ctx()); err == nil || a.Status != 500 {
			r.Errorf("a click that may have been recorded or not was answered: %+v, %v", a, err)
		}
		synctest.Wait()
		if status, body := r.get("GET", "/readyz"); status != 503 || !strings.Contains(body, "store: broken: ") {
			r.Errorf("%d %s", status, body)
		}
		r.turnedAway(card)
		time.Sleep(2 * time.Second)
		if status, body := r.get("GET", "/readyz"); status != 200 {
			r.Errorf("after the next opening: %d %s", status, body)
		}
		r.charged("service.prolong", 0)
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "1001 was renewed")
		r.charged("service.prolong", 1)
		r.audited("proposed by ops", "confirmed by ops", "started by bot", "succeeded by bot")
	})
}

// turnedAway says that commands and clicks, in both chats, are answered with what is
// the matter.
func (r *rig) turnedAway(card slackserver.Message) {
	r.Helper()
	const word = "cannot record anything now"
	mark := r.world.Slack.Mark()
	if _, err := r.says(r.ops, "/license renew 1002").Wait(r.ctx()); err != nil {
		r.Errorf("a command: %v", err)
	}
	if _, err := r.ops.SeesSince(r.ctx(), mark, "#licenses", word); err != nil {
		r.Errorf("a command is not answered: %v", err)
	}
	mark = r.world.Slack.Mark()
	if _, err := r.presses(r.ops, card, "Confirm").Wait(r.ctx()); err != nil {
		r.Errorf("a click: %v", err)
	}
	if _, err := r.ops.SeesSince(r.ctx(), mark, "#licenses", word); err != nil {
		r.Errorf("a click is not answered: %v", err)
	}
	r.dora.Starts()
	if _, err := r.dora.Sees(r.ctx(), r.dora.Private(), word); err != nil {
		r.Errorf("on Telegram: %v", err)
	}
}

// Where the disk stays full the bot goes on trying, ever less often, and makes no new
// store in the place of one that is not there.
func TestAStoreThatIsGoneForAWhile(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		path := string(r.settings.Store)
		r.spoil()
		if err := os.Rename(path, path+".away"); err != nil {
			r.Fatal(err)
		}
		if _, err := r.says(r.ops, "/license renew 1002").Wait(r.ctx()); err == nil {
			r.Error("it was acknowledged")
		}
		time.Sleep(10 * time.Minute)
		if _, err := os.Stat(path); err == nil {
			r.Error("a new store was made")
		}
		if status, body := r.get("GET", "/readyz"); status != 503 || !strings.Contains(body, "not to be found") {
			r.Errorf("%d %s", status, body)
		}
		r.turnedAway(card)
		if err := os.Rename(path+".away", path); err != nil {
			r.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "1001 was renewed")
		r.charged("service.prolong", 1)
	})
}
