package slack

import (
	"strings"
	"testing"
)

func TestManifest(t *testing.T) {
	socket, web := string(Manifest("")), string(Manifest("https://bot.example/"))
	for _, both := range []string{
		"- command: /license\n", "should_escape: true", "- chat:write ", "- commands ", "- app_uninstalled\n", "messages_tab_enabled: true",
		"interactivity:\n    is_enabled: true\n",
	} {
		if !strings.Contains(socket, both) || !strings.Contains(web, both) {
			t.Errorf("no %q", both)
		}
	}
	if !strings.Contains(socket, "socket_mode_enabled: true") || strings.Contains(socket, "url") {
		t.Errorf("Socket Mode:\n%s", socket)
	}
	for _, line := range []string{
		`url: "https://bot.example/slack/commands"`, `request_url: "https://bot.example/slack/events"`,
		`request_url: "https://bot.example/slack/interactions"`, "socket_mode_enabled: false",
	} {
		if !strings.Contains(web, line+"\n") {
			t.Errorf("no %s in\n%s", line, web)
		}
	}
	for _, s := range Scopes() {
		if !strings.Contains(socket, "      - "+s+" # ") {
			t.Errorf("no %s with a reason", s)
		}
	}
}
