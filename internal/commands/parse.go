package commands

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/isplicense/license-bot/internal/license"
)

// The limits of the language.
const (
	MaxText  = 4000 // bytes of a text
	MaxCodes = 50   // licences in one command
	MaxNodes = 9999
	MaxDays  = 3660 // ahead
	MaxName  = 64   // characters
)

// Options say what is known of a text beside its words.
type Options struct {
	Reply bool // it replies to somebody's message: WHO may be left out and is they
}

// Parse reads what was typed after "/license". Its error is always an [*Error].
func Parse(text string, o Options) (Command, error) {
	if len(text) > MaxText {
		return nil, &Error{Kind: TooLong, Limit: MaxText}
	}
	words, err := split(text)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return Summary{}, nil
	}
	spec, ok := SpecOf(words[0].text)
	if !ok {
		return nil, &Error{Kind: UnknownVerb, Word: clip(words[0].text), Near: nearest(words[0].text, verbs())}
	}
	a := &args{spec: spec, reply: o.Reply, options: map[string]string{}}
	for _, w := range words[1:] {
		if err := a.take(w); err != nil {
			return nil, err
		}
	}
	if a.help {
		return Help{Of: spec.Verb}, nil
	}
	c, err := spec.parse(a)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// args are a command's words and options after the verb.
type args struct {
	spec    Spec
	reply   bool
	words   []string
	options map[string]string
	help    bool // --help was among the words: nothing else counts
}

// fail makes an error of this command.
func (a *args) fail(k Kind, typed string, near ...string) *Error {
	return &Error{Kind: k, Verb: a.spec.Verb, Word: clip(typed), Near: near}
}

// undashed takes off what people put before an option in a shell, also where a
// phone has made one dash of two.
func undashed(w string) string { return strings.TrimLeft(w, "-–—") }

// take sorts a word to the options or to the words.
func (a *args) take(w word) error {
	if a.spec.freeWords {
		a.words = append(a.words, w.text)
		return nil
	}
	key, value, dashed := w.text, "", false
	if w.eq >= 0 {
		key, value = w.text[:w.eq], w.text[w.eq+1:]
	} else {
		dashed = !w.quoted && (strings.HasPrefix(key, "--") || strings.HasPrefix(key, "–") || strings.HasPrefix(key, "—"))
		if !dashed {
			a.words = append(a.words, w.text)
			return nil
		}
	}
	key = strings.ToLower(undashed(key))
	known := slices.Contains(a.spec.Options, key)
	switch {
	case dashed && key == "help":
		a.help = true
		return nil
	case key == "" || known && (dashed || value == "" && !w.quoted):
		return a.fail(SpacedOption, w.text)
	case !known:
		e := a.fail(UnknownOption, key, nearest(key, a.spec.Options)...)
		e.Allowed = a.spec.Options
		return e
	}
	if _, twice := a.options[key]; twice {
		return a.fail(DuplicateOption, key)
	}
	a.options[key] = value
	return nil
}

// next takes the next word, which the usage calls by that name.
func (a *args) next(called string) (string, error) {
	if len(a.words) == 0 {
		return "", a.fail(MissingArgument, called)
	}
	w := a.words[0]
	a.words = a.words[1:]
	return w, nil
}

// done refuses what is left over.
func (a *args) done() error {
	if len(a.words) == 0 {
		return nil
	}
	if e := a.keyless(a.words[0]); e != nil {
		return e
	}
	return a.fail(SurplusArgument, a.words[0])
}

// keyless finds the word that was meant as an option: an address or a period
// without its key. It is asked of words that stand where none of the kind belongs.
func (a *args) keyless(w string) error {
	if _, err := address(w); err == nil && slices.Contains(a.spec.Options, "ip") {
		return a.fail(NeedsKey, w, "ip="+w)
	}
	if _, err := license.ParsePeriod(w); err == nil && slices.Contains(a.spec.Options, "period") {
		return a.fail(NeedsKey, w, "period="+strings.ToLower(w))
	}
	return nil
}

func (a *args) code() (license.Code, error) {
	w, err := a.next("CODE")
	if err != nil {
		return "", err
	}
	return a.codeOf(w)
}

func (a *args) codeOf(w string) (license.Code, error) {
	c, err := license.ParseCode(w)
	if err != nil {
		return "", a.fail(BadCode, w)
	}
	return c, nil
}

// only is for commands whose one word is a code.
func (a *args) only() (license.Code, error) {
	c, err := a.code()
	if err != nil {
		return "", err
	}
	return c, a.done()
}

// address reads the ip= option.
func (a *args) address() (ip string, has bool, err error) {
	v, has := a.options["ip"]
	if !has {
		return "", false, nil
	}
	ip, err = address(strings.TrimSpace(v))
	if err != nil {
		return "", true, a.fail(BadAddress, v)
	}
	return ip, true, nil
}

// address reads an IP address; the brackets of an IPv6 one are forgiven.
func address(s string) (string, error) {
	if inner, ok := strings.CutPrefix(s, "["); ok && strings.Contains(inner, ":") {
		s = strings.TrimSuffix(inner, "]")
	}
	return license.ParseAddress(s)
}

// licenseName reads the name= option.
func (a *args) licenseName() (name string, has bool, err error) {
	v, has := a.options["name"]
	if !has {
		return "", false, nil
	}
	name, err = a.name(v)
	return name, true, err
}

func (a *args) name(v string) (string, error) {
	v = strings.TrimSpace(v)
	if v == "" {
		return "", a.fail(EmptyName, "")
	}
	if utf8.RuneCountInString(v) > MaxName {
		e := a.fail(LongName, v)
		e.Limit = MaxName
		return "", e
	}
	return v, nil
}

// period reads the period= option, one of those allowed.
func (a *args) period(allowed ...license.Period) (p license.Period, has bool, err error) {
	v, has := a.options["period"]
	if !has {
		return 0, false, nil
	}
	p, err = license.ParsePeriod(v)
	if err == nil && slices.Contains(allowed, p) {
		return p, true, nil
	}
	var words []string
	for _, p := range allowed {
		words = append(words, p.String())
	}
	e := a.fail(BadPeriod, v, nearest(v, words)...)
	e.Allowed = words
	return 0, true, e
}
