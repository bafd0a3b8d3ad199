package main

import (
	"io"
	"log"
	"os"
	"testing"
)

// A server that answers unasked must not get its words into what the bot prints.
func TestLibrariesPrintNothing(t *testing.T) {
	args, out, printed := os.Args, os.Stdout, log.Writer()
	defer func() {
		os.Args, os.Stdout = args, out
		log.SetOutput(printed)
	}()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	os.Args, os.Stdout = []string{"bot", "version"}, null
	if code := start(); code != 0 || log.Writer() != io.Discard {
		t.Errorf("code %d, and libraries print to %T", code, log.Writer())
	}
}
