package slackserver_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

// BenchmarkFlow is a command, a question, a click and an edit, without a network and
// with a bot that does nothing.
func BenchmarkFlow(b *testing.B) {
	s := newServer(b, slackserver.Options{BotURL: "http://bot.test", Transport: bot(func(http.ResponseWriter, *http.Request) {})})
	c, ops := s.Channel("licenses"), s.User("ops")
	row := blocks(b, section("Renew?"), buttonRow("Confirm", "Cancel"))
	for i := 0; b.Loop(); i++ {
		mark, name := s.Mark(), "question "+strconv.Itoa(i)
		d, err := ops.Says("licenses", "/license renew 1001")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := d.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
		ts := must(b, s, "chat.postMessage", "channel", c.ID(), "text", name, "blocks", row)["ts"].(string)
		m, err := ops.SeesSince(b.Context(), mark, "licenses", "Renew?")
		if err != nil {
			b.Fatal(err)
		}
		if d, err = ops.Presses(m, "Confirm"); err != nil {
			b.Fatal(err)
		}
		if _, err := d.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
		must(b, s, "chat.update", "channel", c.ID(), "ts", ts, "text", name+" done")
	}
}
