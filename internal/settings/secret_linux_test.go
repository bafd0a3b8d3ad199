package settings

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestASecretFromAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	const wait = 50 * time.Millisecond
	if s, err := readSecret(pipe, wait); err == nil || !strings.Contains(err.Error(), "did not come to its end within 50ms") {
		t.Errorf("a pipe that nobody writes to gives %q, %v", s.Reveal(), err)
	}
	// The reader that was given up holds it open.
	w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString("SECRET"); err != nil {
		t.Fatal(err)
	}
	if _, err := readSecret(pipe, wait); err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("a pipe that is not closed: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestASecretFromAPipeThatIsWritten(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() { _ = os.WriteFile(pipe, []byte("hunter2\n"), 0) }() // what is not written is not read
	if s, err := readSecret(pipe, secretWait); err != nil || s.Reveal() != "hunter2" {
		t.Errorf("%q, %v", s.Reveal(), err)
	}
}

func TestASecretFromADevice(t *testing.T) {
	for path, want := range map[string]string{"/dev/zero": "over 64 KB", "/dev/null": "is empty"} {
		if _, err := readSecret(path, secretWait); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
