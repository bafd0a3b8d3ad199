package main

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"github.com/isplicense/license-bot/internal/demo"
	"github.com/isplicense/license-bot/internal/settings"
)

const demoHelp = `The real bot, with its real Slack and Telegram adapters and panel client, against
servers of its own on loopback. It plays a short tour and prints it, then serves the
transcript until Ctrl-C. It leaves nothing behind and needs no network.

  --addr ADDR   where the transcript is served; 127.0.0.1:8090 unless set
  --once        end after the tour: exit 0 only if every step of it held
  --verbose     show the bot's own log besides
`

func runDemo(ctx context.Context, e env) int {
	// Who closes the pipe has seen enough: the tour goes on to its end and tidies up, and
	// is not ended by the signal that a write into such a pipe is.
	signal.Ignore(syscall.SIGPIPE)
	o := demo.Options{Out: e.stdout, Color: colours(e.stdout)}
	var verbose bool
	rest, err := options(e.args, func(f *flag.FlagSet) {
		f.StringVar(&o.Addr, "addr", "127.0.0.1:8090", "")
		f.BoolVar(&o.Once, "once", false, "")
		f.BoolVar(&verbose, "verbose", false, "")
	})
	if err != nil {
		return e.misused("%v; see bot demo --help", err)
	}
	if code, ok := e.nothing("demo", rest); !ok {
		return code
	}
	var listen settings.Listen
	if err := listen.Decode(o.Addr); err != nil {
		return e.misused("--addr: %v", err)
	}
	o.Log = slog.New(slog.DiscardHandler)
	if verbose {
		o.Log = slog.New(slog.NewTextHandler(e.stderr, nil))
	}
	if err := demo.Run(ctx, o); err != nil {
		return e.failed(err)
	}
	return exitOK
}

// colours says whether a terminal is there to show them, and wants them
// (no-color.org).
func colours(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}
