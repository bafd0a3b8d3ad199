package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
)

// output is what a process writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// TestNoSecretIsPrinted runs the binary as people do, with everything turned on and
// everybody failing, and reads all that it prints and all that ps shows of it.
func TestNoSecretIsPrinted(t *testing.T) {
	const (
		botToken, appToken = "xoxb-7351-bOtToKeNsEcReT-4f9a", "xapp-1-aPpLeVeLsEcReT-77d0"
		signing, telegram  = "8f742231b10e8888abcd99yyyzzz85a5", "7351735100:AAHqTeLeGrAmSeCrEt-x_9QwZr"
		user, password     = "panel-login-0815", `p4N3l &+%"<wOrD>/?=!`
	)
	w, err := sandbox.Start(sandbox.Options{
		Slack:    slackserver.Options{BotToken: botToken, AppToken: appToken, SigningSecret: signing},
		Telegram: telegramserver.Options{Token: telegram},
		Panel:    panelserver.Options{User: user, Password: password, Licenses: panelserver.Sample(time.Now())},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	boss := w.Slack.User("boss")
	room := w.Slack.Channel("licenses").Invite(boss)
	room.InviteBot()
	dir := t.TempDir()
	file := filepath.Join(dir, "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	vars := []string{
		"PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir, "LOG_LEVEL=debug", "HTTP_ADDR=127.0.0.1:0", "STORE=" + filepath.Join(dir, "bot.db"),
		"ISPLICENSE_URL=" + w.PanelURL, "ISPLICENSE_USER=" + user, "ISPLICENSE_PASSWORD_FILE=" + file,
		"SLACK_API_URL=" + w.SlackURL, "SLACK_BOT_TOKEN=" + botToken, "SLACK_APP_TOKEN=" + appToken, "SLACK_SIGNING_SECRET=" + signing,
		"TELEGRAM_API_URL=" + w.TelegramURL, "TELEGRAM_TOKEN=" + telegram, "ADMINS=slack:" + slackserver.TeamID + "/" + boss.ID(),
	}
	var seen output
	run := func(more []string, args ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c := exec.CommandContext(ctx, "bot", args...)
		c.Env, c.Stdout, c.Stderr = append(vars, more...), &seen, &seen
		_ = c.Run() // some are to fail
	}
	serve := exec.CommandContext(t.Context(), "bot", "serve")
	serve.Env, serve.Stdout, serve.Stderr = vars, &seen, &seen
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := w.Slack.Await(ctx, func() bool { return w.Slack.Sockets() > 0 }); err != nil {
		t.Fatal(err, seen.String())
	}
	if _, err := boss.Says("#licenses", "/license renew 1001"); err != nil {
		t.Fatal(err)
	}
	card, err := boss.Sees(ctx, "#licenses", "Renew 1001")
	if err != nil {
		t.Fatal(err, seen.String())
	}
	w.Panel.Inject(panelserver.Fault{Step: panelserver.Changing, After: true, Answer: panelserver.Half()})
	if _, err := boss.Presses(card, "Confirm"); err != nil {
		t.Fatal(err)
	}
	if _, err := boss.Sees(ctx, "#licenses", "1001 was renewed"); err != nil {
		t.Fatal(err, seen.String())
	}
	w.Slack.Break(slackserver.Break{Drop: true})
	w.Telegram.Break(telegramserver.Fault{Drop: true})
	if _, err := boss.Says("#licenses", "/license list"); err != nil {
		t.Fatal(err)
	}
	addr := regexp.MustCompile(`http=(127\.0\.0\.1:[0-9]+)`).FindStringSubmatch(seen.String())
	if addr == nil {
		t.Fatal("where it listens is not said: ", seen.String())
	}
	for _, path := range []string{"/readyz", "/metrics", "/slack/commands"} {
		resp, err := http.Get("http://" + addr[1] + path)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&seen, resp.Status, resp.Header)
		if _, err := io.Copy(&seen, resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	for _, args := range [][]string{{"check"}, {"audit", "export"}, {"audit", "verify"}, {"members", "list"}, {"version"}} {
		run(nil, args...)
	}
	for _, wrong := range []string{"SLACK_BOT_TOKEN=" + botToken + "\n", "SLACK_BOT_TOKEN=" + appToken, "TELEGRAM_TOKEN=" + botToken, "ISPLICENSE_PASSWORD=" + password, "HTTP_ADDR=" + telegram} {
		run([]string{wrong, "STORE=" + filepath.Join(dir, "other.db")}, "check")
	}
	ps, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", serve.Process.Pid))
	if err != nil || !strings.Contains(string(ps), "serve") {
		t.Fatalf("%q %v", ps, err)
	}
	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := serve.Wait(); err != nil {
		t.Error(err)
	}
	all := seen.String() + string(ps)
	if !strings.Contains(all, `"event":"settled"`) || !strings.Contains(all, "licensebot_") {
		t.Errorf("little was printed: %s", all)
	}
	if strings.Contains(all, "goroutine ") {
		t.Error("there is a stack trace in it")
	}
	for _, s := range []string{botToken, appToken, signing, telegram, password, user + ":"} {
		_, half, _ := strings.Cut(s, ":")
		for _, form := range []string{s, half, url.QueryEscape(s), url.PathEscape(s)} {
			if i := strings.Index(all, form); i >= 0 && form != "" {
				t.Errorf("%q is in it: …%s…", form, all[max(0, i-200):i+len(form)])
			}
		}
	}
}
