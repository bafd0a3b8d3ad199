package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The Decode methods of this file are called by envconfig. Their errors say what
// would be right and never what was there: a token may have been put into the
// wrong variable.

const maxDays = 3660

// Duration is a time span, more than none.
type Duration struct{ time.Duration }

// Decode reads what time.ParseDuration reads, or whole days ("14d").
func (d *Duration) Decode(v string) error {
	v = strings.TrimSpace(v)
	if n, ok := days(v); ok {
		d.Duration = time.Duration(n) * 24 * time.Hour
		return nil
	}
	span, err := time.ParseDuration(v)
	if err != nil || span <= 0 {
		return errors.New("write a time such as 30s, 15m, 24h or 14d")
	}
	d.Duration = span
	return nil
}

func days(v string) (int, bool) {
	digits, ok := strings.CutSuffix(v, "d")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n > 0 && n <= maxDays
}

// Endpoint is a URL with http or https and a host, without user, query or fragment.
type Endpoint string

// Decode reads a URL.
func (e *Endpoint) Decode(v string) error {
	v = strings.TrimSpace(v)
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		!isPort(u.Port()) || u.User != nil || strings.ContainsAny(v, "?#") {
		return errors.New("write a URL such as https://example.com/path, without user, ? or #")
	}
	*e = Endpoint(v)
	return nil
}

// isPort says whether a URL can have that port; url.Parse takes any digits.
func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// Listen is an address to listen on: "host:port", or ":port" for every interface.
type Listen string

// Decode reads host:port.
func (l *Listen) Decode(v string) error {
	v = strings.TrimSpace(v)
	_, port, err := net.SplitHostPort(v)
	if _, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil {
		return errors.New("write an address to listen on such as :8080 or 127.0.0.1:8080")
	}
	*l = Listen(v)
	return nil
}

// Path is where the store's file is.
type Path string

// Decode reads a file's path.
func (p *Path) Decode(v string) error {
	if strings.Contains(v, "://") {
		return errors.New("write a path: this version keeps its store in a file")
	}
	*p = Path(v)
	return nil
}

// Accounts are people's accounts: "slack:TEAM/USER", "telegram:ID".
type Accounts []string

// The lengths are those that accounts in chat may have.
var accountForm = regexp.MustCompile(`^(slack:[TE][A-Z0-9]{1,30}/[UW][A-Z0-9]{1,30}|telegram:[1-9][0-9]{0,18})$`)

// Decode reads accounts with commas between them.
func (a *Accounts) Decode(v string) error {
	*a = nil
	for n, item := range items(v) {
		if !accountForm.MatchString(item) {
			return fmt.Errorf("write people as slack:TEAM/USER,telegram:ID, by their ids; item %d is none", n+1)
		}
		if !slices.Contains(*a, item) {
			*a = append(*a, item)
		}
	}
	return nil
}

// items cuts a list at its commas; a comma too many at the end is forgiven.
func items(v string) []string {
	list := strings.Split(strings.TrimSuffix(strings.TrimSpace(v), ","), ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

// Place is somewhere in a chat.
type Place struct {
	Transport string // "slack" or "telegram"
	ID        string // Slack's channel or Telegram's chat
	Topic     string // of a Telegram forum; "" for none
}

// Places are places, none of them twice.
type Places []Place

var placeForm = regexp.MustCompile(`^(?:(slack):([CDG][A-Z0-9]{1,30})|(telegram):(-?[1-9][0-9]{0,17})(?:/([1-9][0-9]{0,9}))?)$`)

// Decode reads places with commas between them.
func (p *Places) Decode(v string) error {
	*p = nil
	for n, item := range items(v) {
		m := placeForm.FindStringSubmatch(item)
		if m == nil {
			return fmt.Errorf("write places as slack:CHANNEL,telegram:CHAT or telegram:CHAT/TOPIC, by their ids; item %d is none", n+1)
		}
		place := Place{Transport: m[1] + m[3], ID: m[2] + m[4], Topic: m[5]}
		if !slices.Contains(*p, place) {
			*p = append(*p, place)
		}
	}
	return nil
}

// Approvals is how many others have to approve an action, by its verb; an action
// that is missing needs none.
type Approvals map[string]int

// Decode reads "action:N,action:N".
func (a *Approvals) Decode(v string) error {
	actions := []string{"order", "edit", "nodes", "renew", "terminate"}
	*a = Approvals{}
	for n, item := range items(v) {
		action, count, _ := strings.Cut(item, ":")
		action, count = strings.TrimSpace(action), strings.TrimSpace(count)
		_, twice := (*a)[action]
		switch {
		case !slices.Contains(actions, action):
			return fmt.Errorf("write action:N,action:N with actions of %s; item %d is none", strings.Join(actions, ", "), n+1)
		case twice:
			return fmt.Errorf("name each action once; %s is there twice", action)
		case len(count) != 1 || count < "1" || count > "9":
			return fmt.Errorf("write how many approvals %s needs, from 1 to 9; leave it out for none", action)
		}
		(*a)[action] = int(count[0] - '0')
	}
	return nil
}

// Stages are days before expiry, the most first; empty where reminders are off.
type Stages []int

// Decode reads "14d,7d", or "off".
func (s *Stages) Decode(v string) error {
	*s = nil
	if strings.EqualFold(strings.TrimSpace(v), "off") {
		return nil
	}
	for n, item := range items(v) {
		d, ok := days(item)
		if !ok {
			return fmt.Errorf("write whole days before expiry such as 14d,7d,3d,1d, or off; item %d is none", n+1)
		}
		*s = append(*s, d)
	}
	slices.Sort(*s)
	*s = slices.Compact(*s)
	slices.Reverse(*s)
	return nil
}

// TimeOfDay is a time on the clock, to the minute.
type TimeOfDay struct{ Hour, Minute int }

// Decode reads "09:00".
func (c *TimeOfDay) Decode(v string) error {
	t, err := time.Parse("15:04", strings.TrimSpace(v))
	if err != nil {
		return errors.New("write a time of day such as 09:00")
	}
	c.Hour, c.Minute = t.Hour(), t.Minute()
	return nil
}

// Zone is a time zone.
type Zone struct{ *time.Location }

// Decode reads a name of the IANA database.
func (z *Zone) Decode(v string) error {
	loc, err := time.LoadLocation(strings.TrimSpace(v))
	// "Local" would be whatever the machine is set to, and differ from the next one.
	if err != nil || loc == time.Local {
		return errors.New("write an IANA name such as Europe/Berlin or UTC")
	}
	z.Location = loc
	return nil
}

// Rate is how many in which time; Count 0 stands for no limit.
type Rate struct {
	Count int
	Per   time.Duration
}

const maxRate = 1_000_000

// Decode reads "60/1m", or "off".
func (r *Rate) Decode(v string) error {
	*r = Rate{}
	v = strings.TrimSpace(v)
	if strings.EqualFold(v, "off") {
		return nil
	}
	count, per, _ := strings.Cut(v, "/")
	n, err := strconv.Atoi(strings.TrimSpace(count))
	var d Duration
	if derr := d.Decode(per); err != nil || derr != nil || n < 1 || n > maxRate {
		return errors.New("write how many in which time, such as 60/1m, or off")
	}
	*r = Rate{n, d.Duration}
	return nil
}

// Locale is a language: "en" or "ru".
type Locale string

// Decode reads a language.
func (l *Locale) Decode(v string) error {
	w, err := choose(v, "en", "ru")
	*l = Locale(w)
	return err
}

// LogFormat is "text" or "json".
type LogFormat string

// Decode reads a format.
func (l *LogFormat) Decode(v string) error {
	w, err := choose(v, "text", "json")
	*l = LogFormat(w)
	return err
}

// LogLevel is the least level that is logged.
type LogLevel struct{ slog.Level }

// Decode reads a level.
func (l *LogLevel) Decode(v string) error {
	w, err := choose(v, "debug", "info", "warn", "error")
	if err != nil {
		return err
	}
	return l.UnmarshalText([]byte(w))
}

func choose(v string, words ...string) (string, error) {
	v = strings.ToLower(strings.TrimSpace(v))
	if !slices.Contains(words, v) {
		return "", fmt.Errorf("write one of %s", strings.Join(words, ", "))
	}
	return v, nil
}
