package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// The linker sets these where the build does not know them: -X main.version=v1.2.3.
var version, commit string

func runVersion(_ context.Context, e env) int {
	if code, ok := e.nothing("version", e.args); !ok {
		return code
	}
	v, c := built()
	fmt.Fprintf(e.stdout, "version: %s\ncommit: %s\ngo: %s %s/%s\n", v, c, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return exitOK
}

// built gives the version and commit that the binary was built from.
func built() (v, c string) {
	v, c = "devel", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" && info.Main.Version != "(devel)" {
			v = info.Main.Version
		}
		modified := ""
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				c = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				modified = " (modified)"
			}
		}
		c += modified
	}
	if version != "" {
		v = version
	}
	if commit != "" {
		c = commit
	}
	return v, c
}
