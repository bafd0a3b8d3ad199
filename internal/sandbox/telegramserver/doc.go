// Package telegramserver is Telegram on loopback: a Bot API server as strict as the
// real one, and people who chat with the bot through it.
//
// It is written from Telegram's documentation (core.telegram.org/bots/api) and the
// texts of its open-source Bot API server (github.com/tdlib/telegram-bot-api), and
// shares no code with the bot or with a Telegram library, so that a
// misunderstanding on either side shows. It knows nothing of licences.
//
// rules.go, html.go, markup.go and updates.go hold what Telegram allows; http.go
// and methods.go hold the wire; people.go and rooms.go are for those who write
// tests:
//
//	tg := telegramserver.New(telegramserver.Options{})
//	alice := tg.Person(telegramserver.Profile{Name: "Alice"})
//	alice.Starts()
//	alice.Says(alice.Private(), "/renew 1001")
//	card, err := alice.Sees(ctx, alice.Private(), "Renew 1001")
//	answer, err := alice.Presses(ctx, card, "Confirm")
package telegramserver
