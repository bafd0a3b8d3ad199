// Package slackserver is Slack on loopback: one workspace with people in it, the Web
// API, response URLs, Socket Mode and signed deliveries by HTTP, for tests, the demo
// and the benchmark.
//
// It is written from the vendor's documentation (docs.slack.dev) and refuses what
// Slack refuses, with Slack's words for it; where the documentation is silent, a
// comment says that the behaviour is a guess, and the guess is the harder one to live
// with. It knows no code of the bot's and no Slack library, so that a library's
// misunderstanding shows. The bot can't tell it from the real one except by its address.
//
// A [Server] is an [net/http.Handler]: serve it on any listener and tell it its own
// address with [Server.SetURL]. People are handles that read like people:
//
//	slack := slackserver.New(slackserver.Options{BotURL: "http://127.0.0.1:8080"})
//	defer slack.Close()
//	web := httptest.NewServer(slack)
//	slack.SetURL(web.URL) // the bot's SLACK_API_URL is web.URL + "/api/"
//
//	licenses := slack.Channel("licenses")
//	ops := slack.User("ops")
//	_, err := ops.Says("#licenses", "/license renew 1001")
//	question, err := ops.Sees(ctx, "#licenses", "Renew 1001")
//	_, err = ops.Presses(question, "Confirm")
//	_, err = ops.Sees(ctx, "#licenses", "renewed")
//
// With [Options.BotURL] things are delivered to the bot as signed HTTP requests, else
// over the Socket Mode connections that the bot has open.
//
// Nothing in it calls testing.T and nothing panics on a bot's mistake: methods return
// errors, and mistakes that Slack tolerates but people suffer from are in
// [Server.Faults].
package slackserver
