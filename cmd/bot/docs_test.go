package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/isplicense/license-bot/internal/settings"
)

// same compares a file with what it has to hold, or writes it with -update.
func same(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s is not what the code says (%v); run go test ./cmd/bot -update", path, err)
	}
}

// TestSettingsAreDocumented holds docs/settings.md to the table of settings.
func TestSettingsAreDocumented(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Settings

They are read from the environment, at the start and all at once; what is wrong is told in a line each, with what would
be right. A variable that is set but empty counts as not set. Each secret ` + "`X`" + ` may instead be given as ` + "`X_FILE`" + `, the path of
a file that holds it (a pipe such as ` + "`<(pass bot)`" + ` too, if it ends within 10 s); white space around it does not
count, and both at once is an error. A time is written as ` + "`30s`, `15m`, `24h` or `14d`" + `.

A chat whose token is not set is off. With neither Slack nor Telegram set, the bot does not start.

| setting | default | meaning |
| --- | --- | --- |
`)
	for _, r := range settings.Table() {
		value := ""
		switch {
		case r.Required:
			value = "required"
		case r.Default != "":
			value = "`" + r.Default + "`"
		}
		about := strings.ReplaceAll(r.About, "|", `\|`)
		if r.Secret {
			about += "; secret"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Name, value, about)
	}
	same(t, "../../docs/settings.md", b.String())
}

// TestSettingsFile holds deploy/settings.env to the table of settings.
func TestSettingsFile(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Every setting with its default, read by deploy/compose.yaml and deploy/license-bot.service.
# Take the "#" before a setting away to change it. Secrets are better kept in files of their
# own, as those two do: X_FILE=path in place of X. docs/settings.md has the forms.
`)
	for _, r := range settings.Table() {
		if r.Secret {
			fmt.Fprintf(&b, "\n# %s (secret)\n#%s_FILE=\n", r.About, r.Name)
			continue
		}
		fmt.Fprintf(&b, "\n# %s\n#%s=%s\n", r.About, r.Name, r.Default)
	}
	same(t, "../../deploy/settings.env", b.String())
}

// TestMapOfPackages compares docs/architecture.md with the packages that there are.
func TestMapOfPackages(t *testing.T) {
	const module = "github.com/isplicense/license-bot/"
	out, err := exec.CommandContext(t.Context(), "go", "list", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for p := range strings.FieldsSeq(string(out)) {
		there = append(there, strings.TrimPrefix(p, module))
	}
	doc, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	var drawn []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\|").FindAllStringSubmatch(string(doc), -1) {
		drawn = append(drawn, m[1])
	}
	slices.Sort(there)
	slices.Sort(drawn)
	if !slices.Equal(there, drawn) {
		t.Errorf("docs/architecture.md has\n%q, there are\n%q", drawn, there)
	}
}
