package slackserver_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

// A bot that asks one question, and a person who answers it.
func Example() {
	slack := slackserver.New(slackserver.Options{})
	defer slack.Close()
	web := httptest.NewServer(slack)
	defer web.Close()
	slack.SetURL(web.URL)
	licenses := slack.Channel("licenses")

	bot := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		say := url.Values{"token": {"xoxb-sandbox-bot"}, "channel": {licenses.ID()}, "text": {"Renewed."}}
		if r.URL.Path == "/slack/commands" {
			say.Set("text", "Renew 1001?")
			say.Set("blocks", `[{"type":"section","text":{"type":"mrkdwn","text":"Renew *1001*?"}},
				{"type":"actions","elements":[{"type":"button","action_id":"confirm","text":{"type":"plain_text","text":"Confirm"}}]}]`)
		}
		answer, err := http.PostForm(slack.APIURL()+"chat.postMessage", say)
		if err == nil {
			answer.Body.Close()
		}
	}))
	defer bot.Close()
	slack.SetBotURL(bot.URL)

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ops := slack.User("ops")
	if _, err := ops.Says("#licenses", "/license renew 1001"); err != nil {
		fmt.Println(err)
	}
	question, err := ops.Sees(ctx, "#licenses", "Renew 1001?")
	fmt.Println(question.Text, question.Buttons()[0].Label, err)
	if _, err := ops.Presses(question, "Confirm"); err != nil {
		fmt.Println(err)
	}
	done, err := ops.Sees(ctx, "#licenses", "Renewed")
	fmt.Println(done.Text, err)
	// Output:
	// Renew 1001? Confirm <nil>
	// Renewed. <nil>
}
