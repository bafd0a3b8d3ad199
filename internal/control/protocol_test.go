package control

import (
	"strings"
	"testing"

	"github.com/isplicense/license-bot/internal/requests"
)

func TestIsShell(t *testing.T) {
	for by, want := range map[string]bool{
		"shell:root": true, "shell:Jürgen": true, "shell:" + strings.Repeat("я", 64): true, "shell:1:2": true,
		"shell:": false, "shell": false, "root": false, "bot": false, "telegram:1": false, "Shell:root": false,
		"shell:" + strings.Repeat("a", 65): false, "shell:a b": false, "shell:a\u00a0b": false, "shell:a\n": false,
		"shell:a\u202eb": false, "shell:a\u200db": false, "shell:\x00": false,
	} {
		if got := isShell(requests.Account(by)); got != want {
			t.Errorf("%q: %t", by, got)
		}
	}
}
