// Package deploy has the files to run the bot with; what there is of Go in it holds
// them to the code.
package deploy

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/isplicense/license-bot/internal/settings"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// instructions gives a Dockerfile's, continued lines joined, comments left out.
func instructions(t *testing.T) [][2]string {
	t.Helper()
	var found [][2]string
	var line string
	for in := bufio.NewScanner(strings.NewReader(read(t, "../Dockerfile"))); in.Scan(); {
		text := strings.TrimSpace(in.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if part, more := strings.CutSuffix(text, `\`); more {
			line += part
			continue
		}
		name, rest, _ := strings.Cut(line+text, " ")
		found, line = append(found, [2]string{name, strings.TrimSpace(rest)}), ""
	}
	return found
}

func TestDockerfile(t *testing.T) {
	goVersion := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))[1]
	all := instructions(t)
	if want := [2]string{"FROM", "golang:" + goVersion + " AS build"}; all[0] != want {
		t.Errorf("the first stage is %v, want %v, as in go.mod", all[0], want)
	}
	last := 0
	for i, in := range all {
		if in[0] == "FROM" {
			last = i
		}
		if !slices.Contains([]string{"FROM", "WORKDIR", "COPY", "RUN", "ARG", "USER", "ENV", "VOLUME", "EXPOSE", "ENTRYPOINT", "CMD"}, in[0]) {
			t.Errorf("%s is no instruction that we use", in[0])
		}
	}
	image := map[string]string{}
	for _, in := range all[last:] {
		image[in[0]] = in[1]
	}
	for name, want := range map[string]string{
		"FROM": "scratch", "USER": "65532:65532", "VOLUME": `["/data"]`, "ENV": "STORE=/data/bot.db", "EXPOSE": "8080",
		// As lists, or a shell would be needed, and would get the signals.
		"ENTRYPOINT": `["/bot"]`, "CMD": `["serve"]`,
	} {
		if image[name] != want {
			t.Errorf("%s %s, want %s", name, image[name], want)
		}
	}
}

// TestSettingsAreKnown: every variable that a file here sets is a setting.
func TestSettingsAreKnown(t *testing.T) {
	known := map[string]bool{}
	for _, r := range settings.Table() {
		known[r.Name] = true
		if r.Secret {
			known[r.Name+"_FILE"] = true
		}
	}
	for file, form := range map[string]string{
		"compose.yaml":        `(?m)^      ([A-Z][A-Z_]+):`,
		"license-bot.service": `(?m)^Environment=([A-Z_]+)=`,
		"settings.env":        `(?m)^#?([A-Z][A-Z_]+)=`,
	} {
		found := regexp.MustCompile(form).FindAllStringSubmatch(read(t, file), -1)
		if len(found) < 4 {
			t.Errorf("%s: only %d settings found", file, len(found))
		}
		for _, m := range found {
			if !known[m[1]] {
				t.Errorf("%s: %s is no setting", file, m[1])
			}
		}
	}
}

// TestUnit has systemd read the unit, where it is installed.
func TestUnit(t *testing.T) {
	unit := read(t, "license-bot.service")
	for _, line := range []string{"TimeoutStopSec=15", "RestartPreventExitStatus=2", "ExecStart=/usr/local/bin/bot serve"} {
		if !strings.Contains(unit, "\n"+line+"\n") {
			t.Errorf("%s is missing", line)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	// It wants a program that is there.
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "license-bot.service")
	if err := os.WriteFile(path, []byte(strings.Replace(unit, "ExecStart=/usr/local/bin/bot", "ExecStart="+program, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), analyze, "verify", path).CombinedOutput()
	if err != nil || strings.Contains(string(said), filepath.Base(path)) {
		t.Errorf("%v: %s", err, said)
	}
}
