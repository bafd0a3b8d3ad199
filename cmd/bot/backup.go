package main

import (
	"context"
	"flag"

	"github.com/isplicense/license-bot/internal/control"
	"github.com/isplicense/license-bot/internal/settings"
)

const backupHelp = `The copy is checked before it gets its name; an existing FILE is never replaced. To
restore one, stop the bot, put the copy where STORE says, and start the bot.
`

func runBackup(ctx context.Context, e env) int {
	rest, err := options(e.args, func(*flag.FlagSet) {})
	if err != nil {
		return e.misused("%v; see bot backup --help", err)
	}
	if len(rest) == 0 || rest[0] == "" {
		return e.misused("FILE is missing: bot backup FILE, for example: bot backup /var/backups/bot-2026-07-26.db")
	}
	if code, ok := e.nothing("backup", rest[1:]); !ok {
		return code
	}
	return e.withStore(func(s control.Store, _ settings.Settings) error { return s.Backup(ctx, rest[0]) })
}
