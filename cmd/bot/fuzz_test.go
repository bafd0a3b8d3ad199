package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzArguments gives the binary any arguments, parted by NUL, where there is no
// store and nothing is set.
func FuzzArguments(f *testing.F) {
	for _, v := range verbs() {
		f.Add(v.name)
		f.Add(v.name + "\x00--help")
		f.Add("help\x00" + v.name)
	}
	for _, args := range []string{
		"", "-h", "--version", "helo", "audit\x00verify\x00--anchor\x00abc", "audit\x00export\x00x", "manifest\x00--url\x00https://bot.example.com",
		"members\x00allow\x00telegram:1\x00admin\x00as\x00the boss", "members\x00revoke\x00slack:T1/U1", "backup\x00-", "members\x00list\x00--",
	} {
		f.Add(args)
	}
	dir := f.TempDir()
	f.Setenv("STORE", filepath.Join(dir, "none", "bot.db"))
	f.Fuzz(func(t *testing.T, text string) {
		args := strings.Split(text, "\x00")
		switch args[0] {
		case "demo", "serve", "check":
			return // they speak to a network
		}
		var out, errs bytes.Buffer
		code := run(t.Context(), env{args: args, stdout: &out, stderr: &errs})
		switch {
		case code < exitOK || code > exitUsage:
			t.Errorf("%q: exit code %d", args, code)
		case strings.Contains(errs.String(), "internal error"):
			t.Errorf("%q: %s", args, errs.String())
		case code != exitOK && !strings.HasPrefix(errs.String(), "bot: ") && text != "":
			t.Errorf("%q: %s", args, errs.String())
		}
		if made, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(made) > 0 {
			t.Errorf("%q made %v, %v", args, made, err)
		}
	})
}
