// Command bot is the licence bot: what it does is said by "bot help".
//
// This package is flags, signals and exit codes, a file a verb, and has no rules of
// its own.
//
// Data goes to standard output, logs and errors to standard error, an error in one
// line: what is wrong, and what would be right. The exit code is 0 if all went well,
// 1 if the work failed, 2 for a wrong usage or setting.
package main

import (
	"context"
	"fmt"
	"io"
	"log" //nolint:depguard // only to silence it
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	_ "time/tzdata" // TIMEZONE has to work in a container without zone files
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the work failed
	exitUsage  = 2 // usage or settings
)

func main() { os.Exit(start()) }

// start runs the verb that the process was started with. A second Ctrl-C ends the
// process at once; a second SIGTERM doesn't, since supervisors send it to a process and
// to its group, and a call may be under way.
func start() (code int) {
	// net/http prints there what a server sends unasked: no line of ours, and it may
	// repeat what a request held.
	log.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { signal.Reset(syscall.SIGINT) })
	return run(ctx, env{args: os.Args[1:], stdout: os.Stdout, stderr: os.Stderr})
}

// env is what a verb has around it.
type env struct {
	args   []string // behind the verb
	stdout io.Writer
	stderr io.Writer
}

// run finds the verb and runs it.
func run(ctx context.Context, e env) (code int) {
	defer func() {
		if r := recover(); r != nil {
			what := fmt.Sprintf("%T", r) // its words may quote anything
			if known, ok := r.(runtime.Error); ok {
				what = known.Error()
			}
			code = e.failed(fmt.Errorf("internal error, please report it: %s", what))
		}
	}()
	if len(e.args) == 0 {
		fmt.Fprint(e.stderr, usage())
		return exitUsage
	}
	name := e.args[0]
	e.args = e.args[1:]
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "-version", "--version":
		name = "version"
	}
	for _, v := range verbs() {
		if v.name != name {
			continue
		}
		if asksHelp(e.args) {
			fmt.Fprint(e.stdout, v.help())
			return exitOK
		}
		return v.run(ctx, e)
	}
	return e.misused("%s", unknownVerb(name))
}

// asksHelp says whether --help is among the arguments.
func asksHelp(args []string) bool {
	for _, a := range args {
		switch a {
		case "-h", "-help", "--help":
			return true
		case "--":
			return false
		}
	}
	return false
}

// failed tells of work that failed, in one line even where several errors were joined or
// one quotes a message.
func (e env) failed(err error) int {
	fmt.Fprintf(e.stderr, "bot: %s\n", strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' }), "; "))
	return exitFailed
}

// misused tells of a usage that is wrong.
func (e env) misused(format string, args ...any) int {
	fmt.Fprintf(e.stderr, "bot: "+format+"\n", args...)
	return exitUsage
}
