package demo

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// TestTour plays the whole tour: it fails with the first step that does not hold.
func TestTour(t *testing.T) {
	var out bytes.Buffer
	err := Run(t.Context(), Options{Once: true, Out: &out, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	t.Log("\n" + out.String())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("colours where none were asked for")
	}
}
