package main

import (
	"context"
	"flag"
	"net/url"

	"github.com/isplicense/license-bot/internal/slack"
)

const manifestHelp = `The manifest goes to standard output, in YAML. At https://api.slack.com/apps choose
Create New App, From a manifest, and paste it there.

  --url URL  where Slack reaches the bot, such as https://bot.example.com;
             without it the manifest is for Socket Mode
`

func runManifest(_ context.Context, e env) int {
	var at given
	rest, err := options(e.args, func(f *flag.FlagSet) { f.Var(&at, "url", "") })
	if err != nil {
		return e.misused("%v; see bot manifest --help", err)
	}
	if code, ok := e.nothing("manifest", rest); !ok {
		return code
	}
	if at.set {
		// Slack takes request URLs over HTTPS only.
		u, err := url.Parse(at.value)
		if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return e.misused("--url: write where Slack reaches the bot, such as https://bot.example.com")
		}
	}
	if _, err := e.stdout.Write(slack.Manifest(at.value)); err != nil {
		return e.failed(err)
	}
	return exitOK
}
