package settings

import (
	"regexp"
	"strings"
)

// Only what every token of the kind has, so that those of tests and proxies pass.
var (
	slackBotToken = regexp.MustCompile(`^xoxb-[!-~]+$`)
	slackAppToken = regexp.MustCompile(`^xapp-[!-~]+$`)
	// It is part of a URL's path, so anything else would be another path.
	telegramToken = regexp.MustCompile(`^[0-9]+:[A-Za-z0-9_-]+$`)
	// https://core.telegram.org/bots/api#setwebhook, secret_token
	webhookSecret = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	visible       = regexp.MustCompile(`^[!-~]+$`)
)

// form checks a secret that is set.
func (l *loader) form(name string, s Secret, form *regexp.Regexp, right string) {
	if s.IsSet() && !form.MatchString(s.Reveal()) {
		l.problem(name, "%s", right)
	}
}

func (l *loader) slack() {
	s := &l.settings
	l.form("SLACK_BOT_TOKEN", s.SlackBotToken, slackBotToken, "write the bot token, which begins with xoxb-")
	l.form("SLACK_APP_TOKEN", s.SlackAppToken, slackAppToken, "write the app-level token, which begins with xapp-")
	l.form("SLACK_SIGNING_SECRET", s.SlackSigningSecret, visible, "write the signing secret, which has no blanks")
	if l.given["SLACK_BOT_TOKEN"] && !l.given["SLACK_APP_TOKEN"] && !l.given["SLACK_SIGNING_SECRET"] {
		l.problem("SLACK_APP_TOKEN", "set it for Socket Mode, or SLACK_SIGNING_SECRET for HTTP: with Slack on, one of the two is needed")
	}
	if s.SlackAPIURL != "" { // methods' names are put behind it as they are
		s.SlackAPIURL = trimSlash(s.SlackAPIURL) + "/"
	}
}

func (l *loader) telegram() {
	s := &l.settings
	l.form("TELEGRAM_TOKEN", s.TelegramToken, telegramToken, "write the bot's token, which is a number, a colon and letters")
	const secret = "write 1 to 256 of the characters A-Z a-z 0-9 _ -"
	if len(s.TelegramWebhookSecret.Reveal()) > 256 {
		l.problem("TELEGRAM_WEBHOOK_SECRET", secret)
	} else {
		l.form("TELEGRAM_WEBHOOK_SECRET", s.TelegramWebhookSecret, webhookSecret, secret)
	}
	if l.given["TELEGRAM_WEBHOOK_URL"] && !l.given["TELEGRAM_WEBHOOK_SECRET"] {
		l.problem("TELEGRAM_WEBHOOK_SECRET", "set it: it is required with TELEGRAM_WEBHOOK_URL")
	}
	s.TelegramAPIURL = trimSlash(s.TelegramAPIURL)
}

// transports checks that there is a chat, and that places are in one that is on.
func (l *loader) transports() {
	if !l.given["SLACK_BOT_TOKEN"] && !l.given["TELEGRAM_TOKEN"] {
		l.problem("SLACK_BOT_TOKEN", "set it or TELEGRAM_TOKEN: the bot needs Slack, Telegram or both")
		return
	}
	turnsOn := map[string]string{"slack": "SLACK_BOT_TOKEN", "telegram": "TELEGRAM_TOKEN"}
	l.placesOn("NOTIFY", l.settings.Notify, turnsOn)
	l.placesOn("AUDIT_ANCHOR", l.settings.AuditAnchor, turnsOn)
}

func (l *loader) placesOn(name string, places Places, turnsOn map[string]string) {
	told := map[string]bool{}
	for _, p := range places {
		if token := turnsOn[p.Transport]; !l.given[token] && !told[token] {
			told[token] = true
			l.problem(name, "set %s, or leave out the places in %s: it is off", token, p.Transport)
		}
	}
}

func trimSlash(e Endpoint) Endpoint { return Endpoint(strings.TrimRight(string(e), "/")) }
