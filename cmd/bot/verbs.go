package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/agnivade/levenshtein"
)

// verb is one thing that the binary does.
type verb struct {
	name  string
	usage string // behind "bot "
	about string // one line, without a full stop
	needs string // what has to be set: "nothing", "store" or "settings"
	more  string // the rest of its help; "" for none
	run   func(context.Context, env) int
}

// verbs is the table of all verbs, in the order in which help shows them.
func verbs() []verb {
	return []verb{
		{
			name: "demo", usage: "demo [--addr ADDR] [--once] [--verbose]", needs: "nothing",
			about: "the main job with nothing to set up, as a tour", more: demoHelp, run: runDemo,
		},
		{
			name: "serve", usage: "serve", needs: "settings",
			about: "the bot", run: runServe,
		},
		{
			name: "check", usage: "check", needs: "settings",
			about: "asks panel, Slack and Telegram who we are, opens the store", more: checkHelp, run: runCheck,
		},
		{
			name: "members", usage: "members list|allow WHO ROLE [as NAME]|revoke WHO", needs: "store",
			about: "the allowlist from a shell, in the same words as in chat", more: membersHelp, run: runMembers,
		},
		{
			name: "audit", usage: "audit export|verify [--anchor HASH]", needs: "store",
			about: "the audit trail as JSON lines; checks its hash chain", more: auditHelp, run: runAudit,
		},
		{
			name: "backup", usage: "backup FILE", needs: "store",
			about: "a consistent copy of the store; refuses to overwrite", more: backupHelp, run: runBackup,
		},
		{
			name: "manifest", usage: "manifest [--url URL]", needs: "nothing",
			about: "the Slack app manifest, for Socket Mode or for HTTP at URL", more: manifestHelp, run: runManifest,
		},
		{
			name: "version", usage: "version", needs: "nothing",
			about: "version, commit and Go version", run: runVersion,
		},
		{
			name: "help", usage: "help [VERB]", needs: "nothing",
			about: "the verbs, or how one of them is used", run: runHelp,
		},
	}
}

// usage lists the verbs.
func usage() string {
	var b strings.Builder
	b.WriteString("Licences at ISPlicense, handled from Slack and Telegram.\n\nUsage: bot VERB …\n\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %s\t%s\n", v.name, v.about)
	}
	_ = w.Flush() // a Builder takes everything
	b.WriteString("\nbot VERB --help tells more of one. bot demo is the place to begin: it needs nothing set up.\n")
	return b.String()
}

// help is the verb's own help.
func (v verb) help() string {
	needs := map[string]string{
		"nothing":  "Needs no settings.",
		"store":    "Needs the setting STORE (bot.db unless it is set), and works while the bot runs too.",
		"settings": "Needs the bot's settings, from the environment.",
	}[v.needs]
	s := fmt.Sprintf("Usage: bot %s\n\n%s%s.\n%s\n", v.usage, strings.ToUpper(v.about[:1]), v.about[1:], needs)
	if v.more != "" {
		s += "\n" + v.more
	}
	return s
}

func runHelp(_ context.Context, e env) int {
	switch len(e.args) {
	case 0:
		fmt.Fprint(e.stdout, usage())
		return exitOK
	case 1:
		for _, v := range verbs() {
			if v.name == e.args[0] {
				fmt.Fprint(e.stdout, v.help())
				return exitOK
			}
		}
		return e.misused("%s", unknownVerb(e.args[0]))
	}
	return e.misused("%q is too much; help takes one verb at most", e.args[1])
}

// unknownVerb says that there is no such verb, and which may have been meant.
func unknownVerb(name string) string {
	var names []string
	for _, v := range verbs() {
		names = append(names, v.name)
	}
	return unknown("verb", name, names) + "; bot help lists them"
}

// unknown says that a word is none of the right ones, and which is the nearest.
func unknown(kind, word string, right []string) string {
	said := fmt.Sprintf("there is no %s %q", kind, word)
	near, best := "", 3
	for _, r := range right {
		if d := levenshtein.ComputeDistance(strings.ToLower(word), r); d < best && d < len(r) {
			near, best = r, d
		}
	}
	if near != "" {
		said += fmt.Sprintf(", did you mean %s?", near)
	}
	return said
}

// options reads a verb's flags and gives the arguments behind them. The error is for
// the one who typed them.
func options(args []string, declare func(*flag.FlagSet)) ([]string, error) {
	set := flag.NewFlagSet("", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	declare(set)
	if err := set.Parse(args); err != nil {
		return nil, err
	}
	return set.Args(), nil
}

// nothing refuses arguments where none are taken.
func (e env) nothing(verb string, args []string) (code int, ok bool) {
	if len(args) == 0 {
		return exitOK, true
	}
	return e.misused("%q is too much; see bot %s --help", args[0], verb), false
}

// given is a flag's value that may not be empty where the flag is there: a script whose
// variable has nothing in it did not mean to leave the flag out.
type given struct {
	value string
	set   bool
}

// Set is called by package flag.
func (g *given) Set(v string) error {
	g.value, g.set = v, true
	return nil
}

// String is called by package flag.
func (g *given) String() string { return g.value }
