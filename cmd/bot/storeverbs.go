package main

import (
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/isplicense/license-bot/internal/control"
	"github.com/isplicense/license-bot/internal/settings"
)

// load reads the settings that are needed; false: what is wrong was told. What more
// finds is told besides, of settings whose form is right.
func (e env) load(need settings.Need, more ...func(settings.Settings) []settings.Problem) (settings.Settings, bool) {
	s, problems := settings.Load(need)
	for _, find := range more {
		for _, p := range find(s) {
			if !slices.ContainsFunc(problems, func(told settings.Problem) bool { return told.Setting == p.Setting }) {
				problems = append(problems, p)
			}
		}
	}
	for _, p := range problems {
		fmt.Fprintf(e.stderr, "bot: %v\n", p)
	}
	return s, len(problems) == 0
}

// logger writes to w as LOG_LEVEL and LOG_FORMAT say.
func logger(w io.Writer, s settings.Settings) *slog.Logger {
	o := &slog.HandlerOptions{Level: s.LogLevel.Level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// withStore runs work on the store that the settings name, or on the bot that has
// it open.
func (e env) withStore(work func(control.Store, settings.Settings) error) int {
	s, ok := e.load(settings.StoreOnly)
	if !ok {
		return exitUsage
	}
	st, err := control.Open(string(s.Store), logger(e.stderr, s))
	if err != nil {
		return e.failed(err)
	}
	err = work(st, s)
	if closed := st.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return e.failed(err)
	}
	return exitOK
}
