package slack

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// The tables that the adapter and its manifest share: what is in the one is in the
// other.

// Paths of the routes.
const (
	pathCommands     = "/slack/commands"
	pathInteractions = "/slack/interactions"
	pathEvents       = "/slack/events"
)

// commands are the slash commands.
var commands = []struct{ name, what, hint string }{
	{"/license", "Licences: list, order, renew, change, terminate", "help"},
}

// scopes are the bot token's, each with what would not work without it.
var scopes = []struct{ name, why string }{
	{"commands", "the slash command"},
	{"chat:write", "questions, reports and reminders, and bringing them up to date"},
	{"im:write", "finding the direct message that a lost answer was about"},
	{"channels:history", "finding out whether a message arrived whose answer was lost"},
	{"groups:history", "the same in private channels"},
	{"im:history", "the same in direct messages"},
	{"mpim:history", "the same in group messages"},
}

// Scopes are the names of the bot token's scopes.
func Scopes() []string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = s.name
	}
	return names
}

// events are what the app is told of, and what each means for the bot.
var events = []struct{ name, means string }{
	{"app_uninstalled", "the app was uninstalled from the workspace: install it again"},
	{"tokens_revoked", "the bot's token was revoked: install the app again"},
}

// Manifest is the app's manifest in YAML, for api.slack.com/apps → Create New App →
// From a manifest: for Socket Mode, or for HTTP where the bot is reached at url
// (docs.slack.dev/reference/app-manifest).
func Manifest(url string) []byte {
	url = strings.TrimRight(url, "/")
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	at := func(indent, key, path string) {
		if url != "" {
			line("%s%s: %s", indent, key, strconv.Quote(url+path))
		}
	}
	line("display_information:")
	line("  name: License bot")
	line("  description: Software licences, ordered, renewed and terminated from the chat")
	line("features:")
	line("  app_home:")
	line("    home_tab_enabled: false")
	line("    messages_tab_enabled: true # approvals come by direct message")
	line("    messages_tab_read_only_enabled: false")
	line("  bot_user:")
	line("    display_name: license")
	line("    always_online: true")
	line("  slash_commands:")
	for _, c := range commands {
		line("    - command: %s", c.name)
		at("      ", "url", pathCommands)
		line("      description: %s", strconv.Quote(c.what))
		line("      usage_hint: %s", strconv.Quote(c.hint))
		line("      should_escape: true # mentions arrive as ids")
	}
	line("oauth_config:")
	line("  scopes:")
	line("    bot:")
	for _, s := range scopes {
		line("      - %s # %s", s.name, s.why)
	}
	line("settings:")
	line("  event_subscriptions:")
	at("    ", "request_url", pathEvents)
	line("    bot_events:")
	for _, e := range events {
		line("      - %s", e.name)
	}
	line("  interactivity:")
	line("    is_enabled: true")
	at("    ", "request_url", pathInteractions)
	line("  org_deploy_enabled: false")
	line("  socket_mode_enabled: %t", url == "")
	line("  token_rotation_enabled: false")
	return b.Bytes()
}
