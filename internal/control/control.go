package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// Store is a store as the shell's verbs need it.
type Store interface {
	// Members gives the allowlist, in order of person.
	Members(ctx context.Context) (requests.Allowlist, error)
	// Allow and Revoke change the allowlist and record it as by's doing, "shell:USER".
	// What is not possible gives a [*requests.MembersError] and changes nothing.
	Allow(ctx context.Context, g requests.Grant, by requests.Account) (requests.Granted, error)
	Revoke(ctx context.Context, a, by requests.Account) (requests.Member, error)
	// Entries gives the audit trail from its beginning. An error ends it; an entry
	// that cannot be read is a [*store.RecordError].
	Entries(ctx context.Context) iter.Seq2[requests.Entry, error]
	// Backup writes a consistent copy of the store to a new file, mode 0600, and
	// checks it. An existing file is never replaced: that is [fs.ErrExist].
	Backup(ctx context.Context, path string) error
	// Close ends the access.
	Close() error
}

// Open gives the store at path, from the bot that runs on it or from the file. It
// makes no store. Its errors are lines for people.
func Open(path string, log *slog.Logger) (Store, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("store %s: there is no such file; set STORE to the bot's store, or start the bot, which makes one", path)
	}
	socket := SocketPath(path)
	bot, err := dial(socket)
	if err == nil {
		return bot, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("store %s: the bot that runs on it is another user's; run this as that user", path)
	}
	s, err := store.Open(path, store.Options{Log: log})
	if err == nil {
		return direct{s: s}, nil
	}
	if !errors.Is(err, store.ErrInUse) {
		return nil, err
	}
	// A bot that was just starting has its socket by now.
	if bot, err := dial(socket); err == nil {
		return bot, nil
	}
	return nil, fmt.Errorf("store %s: %w and no bot answers at %s; stop that process, or try again if a bot is just starting", path, store.ErrInUse, socket)
}
