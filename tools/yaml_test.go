// Package tools has the linters' module, and tests that need a library which the bot
// itself does not.
package tools

import (
	"os"
	"os/exec"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestComposeFile reads the file as Compose does, as YAML without unknown keys.
func TestComposeFile(t *testing.T) {
	f, err := os.Open("../deploy/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var file struct {
		Services map[string]struct {
			Image       string
			Build       string
			Restart     string
			Grace       string   `yaml:"stop_grace_period"`
			ReadOnly    bool     `yaml:"read_only"`
			CapDrop     []string `yaml:"cap_drop"`
			SecurityOpt []string `yaml:"security_opt"`
			EnvFile     string   `yaml:"env_file"`
			Environment map[string]string
			Secrets     []string
			Volumes     []string
			Ports       []string
			Logging     map[string]any
		}
		Volumes map[string]struct{}
		Secrets map[string]struct{ File string }
	}
	in := yaml.NewDecoder(f)
	in.KnownFields(true)
	if err := in.Decode(&file); err != nil {
		t.Fatal(err)
	}
	bot, ok := file.Services["bot"]
	if !ok || !bot.ReadOnly || bot.Grace != "15s" || len(bot.CapDrop) != 1 || bot.CapDrop[0] != "ALL" ||
		len(bot.SecurityOpt) != 1 || bot.SecurityOpt[0] != "no-new-privileges:true" {
		t.Errorf("%+v", bot)
	}
	given := map[string]bool{}
	for _, path := range bot.Environment {
		given[path] = true
	}
	for _, name := range bot.Secrets {
		if file.Secrets[name].File == "" || !given["/run/secrets/"+name] {
			t.Errorf("the secret %s has no file, or no setting reads it", name)
		}
	}
	if len(file.Secrets) != len(bot.Secrets) {
		t.Errorf("%d secrets, %d used", len(file.Secrets), len(bot.Secrets))
	}
}

// TestManifestIsYAML reads what the binary writes, in both of its forms.
func TestManifestIsYAML(t *testing.T) {
	for _, url := range []string{"", "https://bot.example.com"} {
		args := []string{"run", "./cmd/bot", "manifest"}
		if url != "" {
			args = append(args, "--url", url)
		}
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = ".."
		cmd.Stderr = t.Output()
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var manifest struct {
			Features struct {
				Commands []struct {
					URL    string
					Escape bool `yaml:"should_escape"`
				} `yaml:"slash_commands"`
			}
			Settings struct {
				Socket        bool `yaml:"socket_mode_enabled"`
				Interactivity struct {
					URL string `yaml:"request_url"`
				}
			}
		}
		if err := yaml.Unmarshal(out, &manifest); err != nil {
			t.Fatal(err)
		}
		if len(manifest.Features.Commands) == 0 {
			t.Fatalf("no commands in\n%s", out)
		}
		for _, c := range manifest.Features.Commands {
			if !c.Escape || (c.URL == "") != (url == "") {
				t.Errorf("%+v", c)
			}
		}
		if s := manifest.Settings; s.Socket != (url == "") || (s.Interactivity.URL == "") != (url == "") {
			t.Errorf("%+v", s)
		}
	}
}
