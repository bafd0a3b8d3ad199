package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/isplicense/license-bot/internal/bot"
	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// core is what lives as long as one opening of the store: the store, the bot that
// works on it, the shell's way in. A commit that fails ends it, since nobody can say
// whether the disk has it; the next one reads what is there. What needs no store
// (HTTP, the chats' connections) goes on meanwhile.
type core struct {
	store *store.Store
	bot   *bot.Bot
	stops []func(context.Context) // in the order in which the parts have started
}

func (c *core) stop(ctx context.Context) {
	for _, stop := range slices.Backward(c.stops) {
		stop(ctx)
	}
}

// How the store is opened again after a failed write: after a second, then after
// twice as long each time, up to a minute. One that held for a minute begins anew.
const (
	firstReopen = time.Second
	lastReopen  = time.Minute
	unwinding   = 10 * time.Second // for what is under way when the store fails
)

// now is the core, or why there is none.
func (a *App) now() (*core, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.core, a.down
}

func (a *App) set(c *core, down string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.core, a.down = c, down
}

// startCore opens the store for the first time, and sees to it from then on.
func (a *App) startCore() error {
	if _, err := os.Lstat(string(a.settings.Store)); errors.Is(err, fs.ErrNotExist) && len(a.settings.Admins) == 0 {
		return ErrNoAdmin // before a store is made that nobody could use
	}
	c, err := a.open()
	if err != nil {
		return err
	}
	a.set(c, "")
	ctx, cancel := context.WithCancel(context.Background())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		a.mind(ctx, c)
	}()
	a.stops = append(a.stops, func(stopping context.Context) {
		cancel()
		<-watched
		if c, _ := a.now(); c != nil {
			c.stop(stopping)
		}
	})
	return nil
}

// open makes a core. What it leaves behind when it fails is closed again.
func (a *App) open() (*core, error) {
	c := &core{}
	err := a.openStore(c)
	if err == nil {
		// Before the bot goes on with anything: one that can't be reached should not begin.
		err = a.listen()
	}
	if err == nil {
		err = a.startBot(c)
	}
	if err != nil {
		ctx, cancel := context.WithTimeout(context.Background(), unwinding)
		defer cancel()
		c.stop(ctx)
		return nil, err
	}
	return c, nil
}

// mind waits for a core to break and puts another one in its place, as soon as the
// disk lets it.
func (a *App) mind(ctx context.Context, c *core) {
	wait := firstReopen
	for since := a.world.Now(); ; since = a.world.Now() {
		select {
		case <-ctx.Done():
			return
		case <-c.store.Broken():
		}
		if a.world.Now().Sub(since) > lastReopen {
			wait = firstReopen
		}
		a.set(nil, sentence(c.store.Cause()))
		unwind, cancel := context.WithTimeout(ctx, unwinding)
		c.stop(unwind)
		cancel()
		if c = a.reopen(ctx, &wait); c == nil {
			return
		}
		a.set(c, "")
		a.log.Info("the store takes writes again")
	}
}

// reopen tries until there is a core again; nil: the bot stops, or only a person can
// help, and then [App.Broken] is closed.
func (a *App) reopen(ctx context.Context, wait *time.Duration) *core {
	for {
		timer := time.NewTimer(*wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		*wait = min(2**wait, lastReopen)
		c, err := a.openAgain()
		if err == nil {
			return c
		}
		a.set(nil, sentence(err))
		for _, final := range []error{store.ErrInUse, store.ErrDamaged, store.ErrNewer, store.ErrForeign} {
			if errors.Is(err, final) {
				a.log.Error("the store can't be opened again", "error", err)
				close(a.broken)
				return nil
			}
		}
		a.log.Error("the store can't be written yet", "error", err, "again", *wait)
	}
}

// openAgain is open for a store that was there: one in its place that knows nothing
// of what was done, because a volume is not mounted for one, could do it again.
func (a *App) openAgain() (*core, error) {
	if _, err := os.Stat(string(a.settings.Store)); err != nil {
		return nil, fmt.Errorf("its file is not to be found: %w", err)
	}
	return a.open()
}

// probeSize is what is written to see whether a disk takes it. The pages are free
// afterwards and the file keeps them: the next transactions find room there.
const probeSize = 64 << 10

// openStore opens the store and writes to it, so that a disk that is full or was
// made read-only shows now.
func (a *App) openStore(c *core) error {
	s, err := store.Open(string(a.settings.Store), store.Options{
		Now: a.world.Now, Rand: a.world.Rand, Log: a.log.With("part", "store"),
	})
	if err != nil {
		return err
	}
	c.store = s
	c.stops = append(c.stops, func(context.Context) {
		if err := s.Close(); err != nil {
			a.log.Error("the store did not close well", "error", err)
		}
	})
	admins := 0
	err = s.Update(context.Background(), func(tx *store.Tx) error {
		var first []requests.Account
		for _, s := range a.settings.Admins {
			account, err := requests.ParseAccount(s)
			if err != nil {
				return fmt.Errorf("ADMINS: %w", err)
			}
			first = append(first, account)
		}
		if admins, err = bot.Admit(tx, first); err != nil {
			return err
		}
		return tx.PutValue(probe, make([]byte, probeSize))
	})
	switch {
	case err == nil && admins == 0:
		return ErrNoAdmin
	case err == nil:
		err = s.Update(context.Background(), func(tx *store.Tx) error { return tx.PutValue(probe, nil) })
	}
	if errors.Is(err, store.ErrBroken) {
		return fmt.Errorf("store %s: %w; let the bot's user write the file and its folder, and see that the disk has room", string(a.settings.Store), s.Cause())
	}
	return err
}

const probe = "app/probe"

// sentence is an error for /readyz: one line.
func sentence(err error) string {
	if err == nil {
		return "it takes no more writes"
	}
	return err.Error()
}

// take gives the bot what a chat brought. While there is no store nothing is
// recorded and nothing will be done, and that is what people are told.
func (a *App) take(ctx context.Context, in []chat.Inbound, also func(*store.Tx) error) error {
	c, _ := a.now()
	if c == nil {
		return &chat.Unavailable{Message: a.speaker.Broken()}
	}
	return c.bot.Take(ctx, in, also)
}

// Audit gives the running bot's store to somebody who checks its trail.
func (a *App) Audit(look func(*store.Store) error) error {
	c, down := a.now()
	if c == nil {
		return errors.New(down)
	}
	return look(c.store)
}
