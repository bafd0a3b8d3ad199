package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/settings"
)

// TestCheckTellsALineForEachThatIsWrong has two mistakes in Slack alone.
func TestCheckTellsALineForEachThatIsWrong(t *testing.T) {
	w, err := sandbox.Start(sandbox.Options{
		Slack: slackserver.Options{Scopes: []string{"commands", "chat:write", "im:write"}}, Panel: panelserver.Options{User: "someone", Password: "something"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, r := range settings.Table() {
		t.Setenv(r.Name, "")
		t.Setenv(r.Name+"_FILE", "")
	}
	for name, v := range map[string]string{
		"ISPLICENSE_URL": w.PanelURL, "ISPLICENSE_USER": "someone", "ISPLICENSE_PASSWORD": "something",
		"SLACK_API_URL": w.SlackURL, "SLACK_BOT_TOKEN": "xoxb-sandbox-bot", "SLACK_APP_TOKEN": "xapp-another",
		"STORE": filepath.Join(t.TempDir(), "bot.db"), "ADMINS": "telegram:1",
	} {
		t.Setenv(name, v)
	}
	var out, failed strings.Builder
	code := run(t.Context(), env{args: []string{"check"}, stdout: &out, stderr: &failed})
	lines := strings.Split(out.String(), "\n")
	want := []string{"ok     store: ", "ok     panel: ", "wrong  slack: the app lacks channels:history", "wrong  slack: SLACK_APP_TOKEN: ", ""}
	if code != exitFailed || len(lines) != len(want) {
		t.Fatalf("%d\n%s%s", code, out.String(), failed.String())
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("%q, want %q", lines[i], want[i])
		}
	}
}
