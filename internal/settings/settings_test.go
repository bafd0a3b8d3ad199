package settings

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // as in the binary
)

// setenv makes these the only settings there are.
func setenv(t *testing.T, env map[string]string) {
	t.Helper()
	for _, r := range Table() {
		for _, name := range []string{r.Name, r.Name + "_FILE"} {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, v := range env {
		t.Setenv(name, v)
	}
}

// with gives the least that serves, and these on top.
func with(env map[string]string) map[string]string {
	all := map[string]string{
		"ISPLICENSE_USER":     "someone",
		"ISPLICENSE_PASSWORD": "hunter2",
		"TELEGRAM_TOKEN":      "123:abc",
	}
	maps.Copy(all, env)
	return all
}

func wrong(problems []Problem) []string {
	var names []string
	for _, p := range problems {
		names = append(names, p.Setting)
	}
	return names
}

func TestDefaults(t *testing.T) {
	setenv(t, with(map[string]string{"HTTP_ADDR": "", "APPROVALS": "", "SLACK_BOT_TOKEN": ""}))
	s, problems := Load(All)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := Settings{
		PanelURL:       "https://my.isplicense.com/manager/billmgr",
		PanelUser:      s.PanelUser,
		PanelPassword:  s.PanelPassword,
		PanelTimeout:   Duration{30 * time.Second},
		PanelSettle:    Duration{time.Minute},
		SlackAPIURL:    "https://slack.com/api/",
		TelegramToken:  s.TelegramToken,
		TelegramAPIURL: "https://api.telegram.org",
		HTTPAddr:       ":8080",
		Store:          "bot.db",
		ConfirmTTL:     Duration{15 * time.Minute},
		ApprovalTTL:    Duration{24 * time.Hour},
		Approvals:      Approvals{"terminate": 1},
		Remind:         Stages{14, 7, 3, 1},
		RemindAt:       TimeOfDay{9, 0},
		TimeZone:       Zone{time.UTC},
		RateLimit:      Rate{60, time.Minute},
		Locale:         "en",
		LogLevel:       LogLevel{slog.LevelInfo},
		LogFormat:      "text",
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
	if s.PanelUser.Reveal() != "someone" || s.PanelPassword.Reveal() != "hunter2" || s.SlackBotToken.IsSet() {
		t.Error("secrets are not as they were set")
	}
}

func TestEverySettingIsRead(t *testing.T) {
	setenv(t, with(map[string]string{
		"ISPLICENSE_URL": "http://127.0.0.1:1/billmgr", "ISPLICENSE_TIMEOUT": "5s", "ISPLICENSE_SETTLE": "2m",
		"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_SIGNING_SECRET": "sig",
		"SLACK_API_URL": "http://127.0.0.1:2/api", "TELEGRAM_API_URL": "http://127.0.0.1:3/",
		"TELEGRAM_WEBHOOK_URL": "https://bot.example.com/telegram/webhook", "TELEGRAM_WEBHOOK_SECRET": "a_B-9",
		"HTTP_ADDR": "127.0.0.1:0", "STORE": "/var/lib/bot/bot.db", "ADMINS": "slack:T1/U2, telegram:42,slack:T1/U2,",
		"CONFIRM_TTL": "1m30s", "APPROVAL_TTL": "2d", "APPROVALS": "terminate:2, order:1",
		"NOTIFY": "slack:C1,telegram:-1001/7, telegram:-1001", "REMIND": "1d,30d,1d", "REMIND_AT": "18:30",
		"TIMEZONE": "Europe/Moscow", "RATE_LIMIT": "10/30s", "AUDIT_ANCHOR": "telegram:5", "LOCALE": "RU",
		"LOG_LEVEL": "DEBUG", "LOG_FORMAT": "json",
	}))
	s, problems := Load(All)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	moscow, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ got, want any }{
		{s.PanelURL, Endpoint("http://127.0.0.1:1/billmgr")},
		{s.PanelTimeout.Duration, 5 * time.Second},
		{s.PanelSettle.Duration, 2 * time.Minute},
		{s.SlackBotToken.Reveal() + s.SlackAppToken.Reveal() + s.SlackSigningSecret.Reveal(), "xoxb-1xapp-1sig"},
		{s.SlackAPIURL, Endpoint("http://127.0.0.1:2/api/")},
		{s.TelegramAPIURL, Endpoint("http://127.0.0.1:3")},
		{s.TelegramWebhookURL, Endpoint("https://bot.example.com/telegram/webhook")},
		{s.TelegramWebhookSecret.Reveal(), "a_B-9"},
		{s.HTTPAddr, Listen("127.0.0.1:0")},
		{s.Store, Path("/var/lib/bot/bot.db")},
		{s.Admins, Accounts{"slack:T1/U2", "telegram:42"}},
		{s.ConfirmTTL.Duration, 90 * time.Second},
		{s.ApprovalTTL.Duration, 48 * time.Hour},
		{s.Approvals, Approvals{"terminate": 2, "order": 1}},
		{s.Notify, Places{{"slack", "C1", ""}, {"telegram", "-1001", "7"}, {"telegram", "-1001", ""}}},
		{s.Remind, Stages{30, 1}},
		{s.RemindAt, TimeOfDay{18, 30}},
		{s.TimeZone.String(), moscow.String()},
		{s.RateLimit, Rate{10, 30 * time.Second}},
		{s.AuditAnchor, Places{{"telegram", "5", ""}}},
		{s.Locale, Locale("ru")},
		{s.LogLevel.Level, slog.LevelDebug},
		{s.LogFormat, LogFormat("json")},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
}

func TestOff(t *testing.T) {
	setenv(t, with(map[string]string{"REMIND": "off", "RATE_LIMIT": "OFF"}))
	s, problems := Load(All)
	if len(problems) > 0 || len(s.Remind) > 0 || s.RateLimit != (Rate{}) {
		t.Errorf("%v, %v, %v", s.Remind, s.RateLimit, problems)
	}
}

func TestWrongValues(t *testing.T) {
	for name, values := range map[string][]string{
		"TELEGRAM_WEBHOOK_SECRET": {"a b", "WRONG.", strings.Repeat("a", 257), strings.Repeat("a ", 200)},
		"ISPLICENSE_URL":          {"my.isplicense.com", "ftp://x/", "https://", "https://u:WRONGpw@host/", "https://h/?a=b", "https://h/#x", "https://h:x/", "https://h:0/", "https://h:65536/"},
		"ISPLICENSE_TIMEOUT":      {"0", "30", "-1s", "0d", "9999999d", "soon"},
		"TELEGRAM_TOKEN":          {"WRONG", "1:a/b", "1:", "bot1:abc", "1:abc\n"},
		"TELEGRAM_WEBHOOK_URL":    {"/telegram/webhook"},
		"HTTP_ADDR":               {"8080", ":http", ":70000", "localhost"},
		"STORE":                   {"etcd://a:2379/bot"},
		"ADMINS":                  {"WRONG", "slack:T1", "slack:T1/U1,,telegram:1", "telegram:-100", "telegram:@bob", ",", "telegram:12345678901234567890"},
		"APPROVALS":               {"WRONG:1", "terminate", "terminate:0", "terminate:10", "order:1,order:2", "order:+1", ","},
		"NOTIFY":                  {"WRONG", "slack:#ops", "slack:U1", "telegram:0", "telegram:1/0", "telegram:1/2/3", "telegram:-1001234567890123456"},
		"REMIND":                  {"WRONG", "12h", "0d", "7", "7d,,1d"},
		"REMIND_AT":               {"WRONG", "24:00", "9", "09:00:00"},
		"TIMEZONE":                {"WRONG", "Local", "../UTC"},
		"RATE_LIMIT":              {"WRONG", "60", "0/1m", "60/0s", "-1/1m", "2000000/1m"},
		"LOCALE":                  {"WRONG"},
		"LOG_LEVEL":               {"WRONG", "info+1"},
		"LOG_FORMAT":              {"WRONG"},
	} {
		for _, v := range values {
			env := map[string]string{"TELEGRAM_WEBHOOK_SECRET": "x"}
			env[name] = v
			setenv(t, with(env))
			_, problems := Load(All)
			if !slices.Equal(wrong(problems), []string{name}) {
				t.Errorf("%s=%q: %v", name, v, problems)
				continue
			}
			if said := problems[0].String(); strings.Contains(said, "WRONG") || strings.Contains(said, "\n") {
				t.Errorf("%s=%q: %s", name, v, said)
			}
		}
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	setenv(t, map[string]string{
		"SLACK_BOT_TOKEN": "xoxp-hunter2", "TELEGRAM_WEBHOOK_URL": "https://h/x", "AUDIT_ANCHOR": "telegram:1,telegram:2",
		"LOCALE": "de", "LOG_LEVEL": "loud",
	})
	_, problems := Load(All)
	want := []string{
		"ISPLICENSE_USER", "ISPLICENSE_PASSWORD", "LOCALE", "LOG_LEVEL",
		"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "TELEGRAM_WEBHOOK_SECRET", "AUDIT_ANCHOR",
	}
	if !slices.Equal(wrong(problems), want) {
		t.Errorf("got %v, want %v", problems, want)
	}
	if strings.Contains(fmt.Sprint(problems), "hunter2") {
		t.Errorf("a secret is told: %v", problems)
	}
}

func TestATransportIsNeeded(t *testing.T) {
	setenv(t, map[string]string{"ISPLICENSE_USER": "u", "ISPLICENSE_PASSWORD": "p", "NOTIFY": "slack:C1"})
	if _, problems := Load(All); !slices.Equal(wrong(problems), []string{"SLACK_BOT_TOKEN"}) {
		t.Error(problems)
	}
}

func TestStoreVerbsNeedLess(t *testing.T) {
	setenv(t, map[string]string{"STORE": "x.db", "ADMINS": "telegram:1", "LOCALE": "de", "TIMEZONE": "Asia/Tokyo"})
	s, problems := Load(StoreOnly)
	if len(problems) > 0 || s.Store != "x.db" || len(s.Admins) != 1 || s.TimeZone.String() != "Asia/Tokyo" || s.LogFormat != "text" {
		t.Errorf("%+v, %v", s, problems)
	}
	t.Setenv("LOG_LEVEL", "loud")
	if _, problems := Load(StoreOnly); !slices.Equal(wrong(problems), []string{"LOG_LEVEL"}) {
		t.Error(problems)
	}
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSecretsFromFiles(t *testing.T) {
	env := with(map[string]string{"ISPLICENSE_PASSWORD": "", "TELEGRAM_TOKEN": "", "ISPLICENSE_USER_FILE": ""})
	env["ISPLICENSE_PASSWORD_FILE"] = file(t, "\n pass word \r\n")
	env["TELEGRAM_TOKEN_FILE"] = file(t, "\uFEFF1:a\n")
	setenv(t, env)
	s, problems := Load(All)
	if len(problems) > 0 || s.PanelPassword.Reveal() != "pass word" || s.TelegramToken.Reveal() != "1:a" {
		t.Errorf("%q, %v", s.PanelPassword.Reveal(), problems)
	}
}

func TestWrongSecretFiles(t *testing.T) {
	good, dir := file(t, "SECRET"), t.TempDir()
	for _, c := range []struct {
		name, path, other string
		wrong             string
	}{
		{"both", good, "hunter2", "ISPLICENSE_PASSWORD"},
		{"missing", filepath.Join(dir, "none"), "", "ISPLICENSE_PASSWORD_FILE"},
		{"a folder", dir, "", "ISPLICENSE_PASSWORD_FILE"},
		{"empty", file(t, " \n"), "", "ISPLICENSE_PASSWORD_FILE"},
		{"huge", file(t, strings.Repeat("SECRET", 11000)), "", "ISPLICENSE_PASSWORD_FILE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			setenv(t, with(map[string]string{"ISPLICENSE_PASSWORD": c.other, "ISPLICENSE_PASSWORD_FILE": c.path}))
			_, problems := Load(All)
			if !slices.Equal(wrong(problems), []string{c.wrong}) {
				t.Fatal(problems)
			}
			if said := problems[0].String(); strings.Contains(said, "SECRET") || strings.Contains(said, "hunter2") {
				t.Error(said)
			}
		})
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	var s Secret
	if err := s.Decode("hunter2"); err != nil {
		t.Fatal(err)
	}
	type holder struct {
		Open   Secret
		hidden Secret
		list   []Secret
	}
	h := holder{s, s, []Secret{s}}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%p"} {
		fmt.Fprintf(&out, verb+verb+verb+verb+"\n", s, &s, h, &h)
	}
	fmt.Fprintln(&out, s, s.String(), s.GoString(), fmt.Errorf("a: %v", s), []Secret{s}, map[string]Secret{"a": s})
	if err := json.NewEncoder(&out).Encode(map[string]any{"a": s, "b": &s, "c": h}); err != nil {
		t.Fatal(err)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("x", "a", s, "b", &s, "c", h, "d", []any{s})
	}
	for _, leak := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), fmt.Sprintf("%X", "hunter2")} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("it is printed as %s:\n%s", leak, out.String())
		}
	}
	if s.Reveal() != "hunter2" {
		t.Error("it can't be revealed")
	}
}

// The contract's names and defaults.
func TestTableIsTheContracts(t *testing.T) {
	want := map[string]string{
		"ISPLICENSE_URL":  "https://my.isplicense.com/manager/billmgr",
		"ISPLICENSE_USER": "", "ISPLICENSE_PASSWORD": "", "ISPLICENSE_TIMEOUT": "30s", "ISPLICENSE_SETTLE": "1m",
		"SLACK_BOT_TOKEN": "", "SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "", "SLACK_API_URL": "https://slack.com/api/",
		"TELEGRAM_TOKEN": "", "TELEGRAM_API_URL": "https://api.telegram.org", "TELEGRAM_WEBHOOK_URL": "", "TELEGRAM_WEBHOOK_SECRET": "",
		"HTTP_ADDR": ":8080", "STORE": "bot.db", "ADMINS": "", "CONFIRM_TTL": "15m", "APPROVAL_TTL": "24h",
		"APPROVALS": "terminate:1", "NOTIFY": "", "REMIND": "14d,7d,3d,1d", "REMIND_AT": "09:00", "TIMEZONE": "UTC",
		"RATE_LIMIT": "60/1m", "AUDIT_ANCHOR": "", "LOCALE": "en", "LOG_LEVEL": "info", "LOG_FORMAT": "text",
	}
	secrets := []string{
		"ISPLICENSE_USER", "ISPLICENSE_PASSWORD", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET",
		"TELEGRAM_TOKEN", "TELEGRAM_WEBHOOK_SECRET",
	}
	rows := Table()
	if len(rows) != len(want) {
		t.Errorf("%d settings, want %d", len(rows), len(want))
	}
	for _, r := range rows {
		if d, ok := want[r.Name]; !ok || d != r.Default || r.About == "" {
			t.Errorf("%+v; want the default %q", r, d)
		}
		if r.Secret != slices.Contains(secrets, r.Name) {
			t.Errorf("%s: secret is %v", r.Name, r.Secret)
		}
	}
}

func FuzzValues(f *testing.F) {
	for _, r := range Table() {
		f.Add(r.Default)
	}
	for _, v := range []string{"slack:T1/U1,telegram:2", "telegram:-100/5", "off", ",", "\x00", "99999999999999999999d", "1e9/1m"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		for field := range reflect.TypeFor[Settings]().Fields() {
			into := reflect.New(field.Type).Interface()
			d, ok := into.(interface{ Decode(string) error })
			if !ok {
				t.Fatalf("%T can't be read", into)
			}
			_ = d.Decode(v) // it must not panic; what is right is told above
			if span, ok := into.(*Duration); ok && span.Duration < 0 {
				t.Fatalf("%q is %v", v, span)
			}
		}
	})
}
