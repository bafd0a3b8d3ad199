// Package settings reads the bot's settings from the environment, all at once, and
// says of each that is wrong what would be right, never what was there.
//
// It checks forms, and what settings ask of each other; whether a token is good or
// a folder exists is found out by those who use it. It knows nothing of the bot.
package settings

import (
	"errors"
	"fmt"
	"os"
	"reflect"

	"github.com/kelseyhightower/envconfig"
)

// Settings is all that can be set. A field's tags are its row in [Table]: the
// variable's name, the default, what it means, and with need:"store" that the
// verbs which work on the store alone read it too.
type Settings struct {
	PanelURL      Endpoint `envconfig:"ISPLICENSE_URL" default:"https://my.isplicense.com/manager/billmgr" desc:"the panel (BILLmanager); one host for all calls"`
	PanelUser     Secret   `envconfig:"ISPLICENSE_USER" required:"true" desc:"the panel's account"`
	PanelPassword Secret   `envconfig:"ISPLICENSE_PASSWORD" required:"true" desc:"its password"`
	PanelTimeout  Duration `envconfig:"ISPLICENSE_TIMEOUT" default:"30s" desc:"for one call to the panel"`
	PanelSettle   Duration `envconfig:"ISPLICENSE_SETTLE" default:"1m" desc:"how long an uncertain call is looked for in the panel before \"not\" is said"`

	SlackBotToken      Secret   `envconfig:"SLACK_BOT_TOKEN" desc:"xoxb-…; turns Slack on"`
	SlackAppToken      Secret   `envconfig:"SLACK_APP_TOKEN" desc:"xapp-…: Socket Mode; this or the signing secret is needed with Slack on"`
	SlackSigningSecret Secret   `envconfig:"SLACK_SIGNING_SECRET" desc:"HTTP mode"`
	SlackAPIURL        Endpoint `envconfig:"SLACK_API_URL" default:"https://slack.com/api/" desc:"for tests and proxies"`

	TelegramToken         Secret   `envconfig:"TELEGRAM_TOKEN" desc:"turns Telegram on"`
	TelegramAPIURL        Endpoint `envconfig:"TELEGRAM_API_URL" default:"https://api.telegram.org" desc:"for tests, proxies and a local Bot API server"`
	TelegramWebhookURL    Endpoint `envconfig:"TELEGRAM_WEBHOOK_URL" desc:"webhook instead of long polling: the whole URL, as Telegram is told it; it has to lead to /telegram/webhook here"`
	TelegramWebhookSecret Secret   `envconfig:"TELEGRAM_WEBHOOK_SECRET" desc:"what Telegram says with each webhook call; required with the URL"`

	HTTPAddr Listen   `envconfig:"HTTP_ADDR" default:":8080" desc:"listens for webhooks, health checks and metrics"`
	Store    Path     `envconfig:"STORE" default:"bot.db" need:"store" desc:"the store's file, in a folder that exists"`
	Admins   Accounts `envconfig:"ADMINS" need:"store" desc:"first admins: slack:TEAM/USER,telegram:ID; read only while the store has no admin"`

	ConfirmTTL  Duration  `envconfig:"CONFIRM_TTL" default:"15m" desc:"how long a confirmation waits"`
	ApprovalTTL Duration  `envconfig:"APPROVAL_TTL" default:"24h" desc:"how long an approval waits"`
	Approvals   Approvals `envconfig:"APPROVALS" default:"terminate:1" desc:"approvals by others that an action needs: action:N,…, N 1 to 9"`

	Notify      Places    `envconfig:"NOTIFY" desc:"where reminders go: slack:CHANNEL,telegram:CHAT[/TOPIC]"`
	Remind      Stages    `envconfig:"REMIND" default:"14d,7d,3d,1d" desc:"how long before expiry; off: no reminders"`
	RemindAt    TimeOfDay `envconfig:"REMIND_AT" default:"09:00" desc:"when in the day"`
	TimeZone    Zone      `envconfig:"TIMEZONE" default:"UTC" need:"store" desc:"IANA name; of dates and times in messages and of REMIND_AT"`
	RateLimit   Rate      `envconfig:"RATE_LIMIT" default:"60/1m" desc:"commands and clicks of one person; off: no limit"`
	AuditAnchor Places    `envconfig:"AUDIT_ANCHOR" desc:"where each day's last hash of the audit trail is posted, in the form of NOTIFY"`
	Locale      Locale    `envconfig:"LOCALE" default:"en" desc:"en or ru: language where a person's own is not known"`
	LogLevel    LogLevel  `envconfig:"LOG_LEVEL" default:"info" need:"store" desc:"debug, info, warn or error"`
	LogFormat   LogFormat `envconfig:"LOG_FORMAT" default:"text" need:"store" desc:"text or json"`
}

// Need is which settings a verb needs. The others are not read: what is wrong with
// them is no problem of its, and their fields stay zero.
type Need int

// What is needed.
const (
	All       Need = iota // to run the bot
	StoreOnly             // to work on the store
)

// Problem is one setting that is wrong.
type Problem struct {
	Setting string // the variable's name
	Right   string // what would be right
}

// String is a line for people.
func (p Problem) String() string { return p.Setting + ": " + p.Right }

// Load reads the process's environment and the files that it names. It unsets
// those of the settings' variables that are set but empty, so that they count as
// not set. Without problems, the settings hold and can be used as they are.
func Load(need Need) (Settings, []Problem) {
	l := loader{given: map[string]bool{}}
	v := reflect.ValueOf(&l.settings).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if need == All || f.Tag.Get("need") == "store" {
			l.field(f, v.Field(i))
		}
	}
	if need == All {
		l.slack()
		l.telegram()
		l.transports()
	}
	return l.settings, l.problems
}

type loader struct {
	settings Settings
	given    map[string]bool // by name: it is set, be it wrongly
	problems []Problem
}

func (l *loader) problem(setting, format string, args ...any) {
	l.problems = append(l.problems, Problem{setting, fmt.Sprintf(format, args...)})
}

// field reads one setting. envconfig stops at the first error, so it is given one
// field at a time, each in a struct of its own.
func (l *loader) field(f reflect.StructField, into reflect.Value) {
	name := f.Tag.Get("envconfig")
	l.given[name] = set(name)
	if secret, ok := reflect.TypeAssert[*Secret](into.Addr()); ok && set(name+"_FILE") {
		both := l.given[name]
		l.given[name] = true
		if both {
			l.problem(name, "set it or %s_FILE, not both", name)
			return
		}
		s, err := readSecret(os.Getenv(name+"_FILE"), secretWait)
		if err != nil {
			l.problem(name+"_FILE", "%v", err)
			return
		}
		*secret = s
		return
	}
	one := reflect.New(reflect.StructOf([]reflect.StructField{f}))
	if err := envconfig.Process("", one.Interface()); err != nil {
		// The error's own text holds the value.
		if wrong, ok := errors.AsType[*envconfig.ParseError](err); ok {
			l.problem(name, "%v", wrong.Err)
			return
		}
		l.problem(name, "set it, or %s_FILE: it is required", name) // all that are required are secrets
		return
	}
	into.Set(one.Elem().Field(0))
}

// set says whether a variable is set; an empty one is unset here for good, since
// envconfig would take it for a value.
func set(name string) bool {
	v, ok := os.LookupEnv(name)
	if ok && v == "" {
		// It fails for names that can't be set in the first place.
		_ = os.Unsetenv(name)
	}
	return v != ""
}
