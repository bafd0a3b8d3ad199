package telegram

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"

	"github.com/isplicense/license-bot/internal/chat"
)

// maxUpdate bounds the body of a delivery, in bytes.
const maxUpdate = 1 << 20

// Webhook takes updates that Telegram delivers. It answers 200 once the sink has
// them, or where there is nothing in them to act on; 413 to a body over 1 MiB,
// whoever sends it; 401 to a wrong secret, before the body is read; 400 to one that
// is no update; and 500 where Telegram is to deliver again.
// core.telegram.org/bots/api#setwebhook
func (a *Adapter) Webhook(sink Sink) http.Handler {
	// Sums have one length and tell nothing by the time that comparing takes.
	want := sha256.Sum256([]byte(a.cfg.WebhookSecret))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > maxUpdate {
			http.Error(w, "too long", http.StatusRequestEntityTooLarge)
			return
		}
		got := sha256.Sum256([]byte(r.Header.Get("X-Telegram-Bot-Api-Secret-Token")))
		if a.cfg.WebhookSecret == "" || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
			http.Error(w, "wrong secret", http.StatusUnauthorized)
			return
		}
		if r.Method != http.MethodPost {
			http.Error(w, "use POST", http.StatusMethodNotAllowed)
			return
		}
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxUpdate))
		var tooLong *http.MaxBytesError
		switch {
		case errors.As(err, &tooLong):
			http.Error(w, "too long", http.StatusRequestEntityTooLarge)
			return
		case err != nil:
			http.Error(w, "incomplete", http.StatusBadRequest)
			return
		}
		a.deliver(w, r, sink, raw)
	})
}

func (a *Adapter) deliver(w http.ResponseWriter, r *http.Request, sink Sink, raw []byte) {
	id, ok := updateID(raw)
	if !ok {
		http.Error(w, "no update", http.StatusBadRequest)
		return
	}
	username := a.username.Load()
	if username == nil {
		// Whose /renew@name this is can't be told yet; Telegram comes again.
		http.Error(w, "starting", http.StatusInternalServerError)
		return
	}
	got, err := read(raw, *username, a.cfg.Now())
	if err != nil {
		// Anything but 200 would bring it again for a day.
		a.log.Error("telegram: an update that can't be read was skipped", "update_id", id, "kind", kindOf(raw))
		return
	}
	if got.acts {
		// Deliveries overtake each other, so they say nothing about the offset that
		// polling would go on from.
		if err := a.take(r.Context(), sink, []chat.Inbound{got.in}, 0); err != nil {
			a.log.Error("telegram: an update was not stored; Telegram will deliver it again", "update_id", id, "error", err)
			http.Error(w, "not stored", http.StatusInternalServerError)
			return
		}
	}
	if got.ignore != "" {
		a.dismiss(r.Context(), []string{got.ignore})
	}
}
