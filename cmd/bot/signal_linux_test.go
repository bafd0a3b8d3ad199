package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

// Some supervisors ask twice to stop: the process and its group. A call under way is
// finished and reported all the same.
func TestASecondTermination(t *testing.T) {
	w, err := sandbox.Start(sandbox.Options{Panel: panelserver.Options{Licenses: panelserver.Sample(time.Now())}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	boss := w.Slack.User("boss")
	w.Slack.Channel("licenses").Invite(boss).InviteBot()
	user, password := w.Panel.User()
	var seen output
	serve := exec.CommandContext(t.Context(), "bot", "serve")
	serve.Stdout, serve.Stderr = &seen, &seen
	serve.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HTTP_ADDR=127.0.0.1:0", "STORE=" + filepath.Join(t.TempDir(), "bot.db"),
		"ISPLICENSE_URL=" + w.PanelURL, "ISPLICENSE_USER=" + user, "ISPLICENSE_PASSWORD=" + password,
		"SLACK_API_URL=" + w.SlackURL, "SLACK_BOT_TOKEN=xoxb-sandbox-bot", "SLACK_APP_TOKEN=xapp-sandbox-app",
		"ADMINS=slack:" + slackserver.TeamID + "/" + boss.ID(),
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	until := func(what string, is func() bool) {
		t.Helper()
		for !is() {
			if ctx.Err() != nil {
				t.Fatalf("%s: not within a minute\n%s", what, seen.String())
			}
			time.Sleep(time.Millisecond)
		}
	}
	until("a connection", func() bool { return w.Slack.Sockets() > 0 })
	if _, err := boss.Says("#licenses", "/license renew 1001"); err != nil {
		t.Fatal(err)
	}
	card, err := boss.Sees(ctx, "#licenses", "Renew 1001")
	if err != nil {
		t.Fatal(err, seen.String())
	}
	slow := w.Panel.Inject(panelserver.Fault{Step: panelserver.Changing, Delay: 2 * time.Second})
	if _, err := boss.Presses(card, "Confirm"); err != nil {
		t.Fatal(err)
	}
	until("the call", func() bool { return slow.Seen() > 0 })
	for range 2 {
		if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		until("the stop", func() bool { return strings.Contains(seen.String(), "the bot stops") })
	}
	if err := serve.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, seen.String())
	}
	if _, err := boss.Sees(ctx, "#licenses", "1001 was renewed"); err != nil {
		t.Error(err, seen.String())
	}
}
