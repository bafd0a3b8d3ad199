package app

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/settings"
)

// Telegram's offset moves with what it is the offset of, or not at all.
func TestTheOffsetIsKeptWithItsUpdates(t *testing.T) {
	var token, user settings.Secret
	for s, v := range map[*settings.Secret]string{&token: "7:token", &user: "user"} {
		if err := s.Decode(v); err != nil {
			t.Fatal(err)
		}
	}
	a, err := New(settings.Settings{
		PanelURL: "http://127.0.0.1:1/", PanelUser: user, PanelPassword: user, PanelTimeout: settings.Duration{Duration: time.Second},
		TelegramToken: token, Locale: "en", TimeZone: settings.Zone{Location: time.UTC},
		Store: settings.Path(filepath.Join(t.TempDir(), "bot.db")), Admins: settings.Accounts{"telegram:1"},
	}, World{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.startCore(); err != nil {
		t.Fatal(err)
	}
	defer a.Stop(context.Background())
	sink := a.sinkTelegram()
	in := chat.Inbound{Kind: chat.Command, Account: "telegram:1", Place: chat.Place{Transport: "telegram", ID: "1", Private: true}, Text: "whoami"}
	for _, step := range []struct {
		delivery string // without one nothing can be taken
		next     int64
		offset   int64
	}{{"", 7, 0}, {"telegram:6", 7, 7}, {"", 8, 7}, {"telegram:6", 0, 7}} {
		in.Delivery = step.delivery
		if err := sink.Take(t.Context(), []chat.Inbound{in}, step.next); (err == nil) != (step.delivery != "") {
			t.Errorf("%+v: %v", step, err)
		}
		if offset, err := sink.Offset(t.Context()); err != nil || offset != step.offset {
			t.Errorf("%+v: the offset is %d, %v", step, offset, err)
		}
	}
}
