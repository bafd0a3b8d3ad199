package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"iter"
	"regexp"
	"strings"

	"github.com/isplicense/license-bot/internal/control"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/settings"
	"github.com/isplicense/license-bot/internal/store"
)

const auditHelp = `  export                   the audit trail, an entry a line, in JSON
  verify [--anchor HASH]   check that no entry was changed or left out; with --anchor
                           also that the entry with that hash is still there

Each entry's hash is over the entry and the hash before it, so whoever has a later
hash (the bot posts one each day, see AUDIT_ANCHOR) can tell whether the trail was
rewritten or cut short. If it does not hold, the first broken entry's number is told
and the exit code is 1. Export to a file: while the trail is read without a bot running,
none can start.
`

var hashForm = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

func runAudit(ctx context.Context, e env) int {
	if len(e.args) == 0 {
		return e.misused("say what to do: export or verify; see bot audit --help")
	}
	switch e.args[0] {
	case "export":
		if code, ok := e.nothing("audit", e.args[1:]); !ok {
			return code
		}
		return e.withStore(func(s control.Store, _ settings.Settings) error { return e.exportAudit(ctx, s) })
	case "verify":
		var anchor given
		rest, err := options(e.args[1:], func(f *flag.FlagSet) { f.Var(&anchor, "anchor", "") })
		if err != nil {
			return e.misused("%v; see bot audit --help", err)
		}
		if code, ok := e.nothing("audit", rest); !ok {
			return code
		}
		if hash := strings.TrimSpace(anchor.value); anchor.set && !hashForm.MatchString(hash) {
			return e.misused("--anchor: write the hash of an entry, 64 characters 0-9 and a-f")
		}
		return e.withStore(func(s control.Store, _ settings.Settings) error {
			return e.verifyAudit(ctx, s, strings.TrimSpace(anchor.value))
		})
	}
	return e.misused("%s; see bot audit --help", unknown("command", e.args[0], []string{"export", "verify"}))
}

func (e env) exportAudit(ctx context.Context, s control.Store) error {
	out := bufio.NewWriter(e.stdout)
	for entry, err := range s.Entries(ctx) {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			_, err = out.Write(append(store.Line(entry), '\n'))
		}
		if err != nil {
			_ = out.Flush() // what came before it is good
			return err
		}
	}
	return out.Flush()
}

func (e env) verifyAudit(ctx context.Context, s control.Store, anchor string) error {
	var n int
	head := strings.Repeat("0", 64)
	counted := iter.Seq2[requests.Entry, error](func(yield func(requests.Entry, error) bool) {
		for entry, err := range s.Entries(ctx) {
			if err == nil {
				n, head = n+1, entry.Hash
			}
			if !yield(entry, err) {
				return
			}
		}
	})
	if err := store.Verify(counted, anchor); err != nil {
		return err
	}
	_, err := fmt.Fprintf(e.stdout, "ok: %d entries, head %s\n", n, head)
	return err
}
