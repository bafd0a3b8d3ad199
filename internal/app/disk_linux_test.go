package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// spoil has nothing more written to the store: in the place of the file's descriptor
// comes one that can only be read.
func (r *rig) spoil() {
	r.Helper()
	path := string(r.settings.Store)
	open, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		r.Fatal(err)
	}
	for _, link := range open {
		if to, err := os.Readlink(link); err != nil || to != path {
			continue
		}
		fd := 0
		for _, digit := range filepath.Base(link) {
			fd = 10*fd + int(digit-'0')
		}
		reading, err := syscall.Open(path, os.O_RDONLY, 0)
		if err != nil {
			r.Fatal(err)
		}
		if err := syscall.Dup3(reading, fd, syscall.O_CLOEXEC); err != nil {
			r.Fatal(err)
		}
		if err := syscall.Close(reading); err != nil {
			r.Fatal(err)
		}
		return
	}
	r.Fatal("the store's file is not open")
}

// A commit that fails may have happened: the bot takes nothing more in, calls nobody,
// and asks to be started again. The next one goes on from what the disk has.
func TestACommitThatFailsStopsTheBot(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
		r.spoil()
		pressed := r.presses(r.ops, card, "Confirm")
		if a, err := pressed.Wait(r.ctx()); err == nil || a.Status != 500 {
			r.Errorf("a click that was not recorded was acknowledged: %+v, %v", a, err)
		}
		select {
		case <-r.app.Broken():
		case <-r.ctx().Done():
			r.Fatal("the bot does not say that it must end")
		}
		if a, err := r.says(r.ops, "/license whoami").Wait(r.ctx()); err == nil || a.Status != 500 {
			r.Errorf("a command was acknowledged: %+v, %v", a, err)
		}
		if status, body := r.get("GET", "/readyz"); status != 503 || !strings.Contains(body, "broken") {
			r.Errorf("%d %s", status, body)
		}
		time.Sleep(time.Minute)
		r.called("service.prolong", 0)
		r.stop()
		r.start()
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "1001 was renewed")
		r.charged("service.prolong", 1)
		r.audited("proposed by ops", "confirmed by ops", "started by bot", "succeeded by bot")
	})
}
