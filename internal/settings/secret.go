package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"
)

// Secret is a value that is never printed, whichever way it is tried; [Secret.Reveal]
// is the one way to it. The zero value is not set.
type Secret struct {
	// A pointer, since fmt looks into unexported fields of foreign structs without
	// asking for their methods: it then finds an address.
	value *string
}

const hidden = "[secret]"

// Reveal gives the value itself, "" where none is set.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsSet says whether there is a value.
func (s Secret) IsSet() bool { return s.value != nil }

// Decode takes the value from the environment.
func (s *Secret) Decode(v string) error {
	s.value = &v
	return nil
}

// String hides the value.
func (s Secret) String() string { return hidden }

// GoString hides the value.
func (s Secret) GoString() string { return hidden }

// Format hides the value from every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalJSON hides the value.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(hidden) }

// MarshalText hides the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue hides the value.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// What a secret's file may be. Not only a regular file is one: people give a shell's
// <(command) and /dev/stdin. But a pipe that nobody writes to never ends.
const (
	maxSecret  = 64 << 10         // bytes; more is certainly a mistake
	secretWait = 10 * time.Second // for all of it
)

// readSecret is readFile for as long as wait. Nothing can end a read that waits for
// ever: its goroutine ends with the process, which does not start.
func readSecret(path string, wait time.Duration) (Secret, error) {
	type result struct {
		Secret
		error
	}
	read := make(chan result, 1)
	go func() {
		s, err := readFile(path)
		read <- result{s, err}
	}()
	select {
	case r := <-read:
		return r.Secret, r.error
	case <-time.After(wait):
		return Secret{}, fmt.Errorf("name a file that can be read: this one did not come to its end within %s", wait)
	}
}

// readFile reads a secret from a file, less the white space around it. Its error
// is what would be right, and holds nothing of the content.
func readFile(path string) (Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return Secret{}, fmt.Errorf("name a file that can be read: %w", err)
	}
	defer func() { _ = f.Close() }() // only read from
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return Secret{}, fmt.Errorf("name a file that can be read: %w", err)
	}
	if len(b) > maxSecret {
		return Secret{}, errors.New("name a file that holds the secret alone: this one is over 64 KB")
	}
	// Some editors begin a file with a mark of its byte order.
	v := strings.TrimSpace(strings.TrimPrefix(string(b), "\uFEFF"))
	if v == "" {
		return Secret{}, errors.New("name a file that holds the secret: this one is empty")
	}
	return Secret{&v}, nil
}
