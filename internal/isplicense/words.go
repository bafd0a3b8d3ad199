package isplicense

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/isplicense/license-bot/internal/license"
)

// maxWords bounds what is shown of the panel's words, in characters.
const maxWords = 300

var (
	tag         = regexp.MustCompile(`</?[a-zA-Z!][^<>]*>`)
	placeholder = regexp.MustCompile(`__[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*__`)
)

// words makes text of the panel fit to show: one line, no markup, no control or
// bidirectional characters, none of the account's credentials, bounded.
func (c *Client) words(s string) string {
	s = strings.Join(strings.Fields(c.secrets.Replace(legible(s))), " ")
	if utf8.RuneCountInString(s) > maxWords {
		s = strings.TrimSpace(string([]rune(s)[:maxWords-1])) + "…"
	}
	return s
}

// legible is text of the panel in one line without markup and invisible characters,
// whole and with whatever it holds: to decide by, not to show.
func legible(s string) string {
	s = tag.ReplaceAllString(s, " ")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == utf8.RuneError:
			return -1
		}
		return r
	}, html.UnescapeString(s))
	return strings.Join(strings.Fields(s), " ")
}

// complaint is the panel's <error>.
type complaint struct {
	kind, object, message string
}

// oldTypes are the error codes of old panels, which name no type [guess].
var oldTypes = map[string]string{"2": "exists", "3": "missed", "4": "value", "6": "access", "100": "auth"}

// complaintOf reads an <error>, of old panels too: <error code="3" obj="site"/>.
// The message may hold placeholders such as __value__, to be filled from the
// params [seen in public clients of such panels]. It is as the panel gave it: what
// it means must not hang on which words the password happens to be part of.
func complaintOf(e *element) complaint {
	message := e.get("msg", "detail")
	message = placeholder.ReplaceAllStringFunc(message, func(found string) string {
		named, value := false, ""
		for _, p := range e.all("param") {
			if p.attr("name") == strings.Trim(found, "_") && value == "" {
				named, value = true, p.value()
			}
		}
		if !named {
			return found
		}
		return value
	})
	object := e.attr("object")
	if object == "" {
		object = e.attr("obj")
	}
	kind := e.attr("type")
	if kind == "" {
		kind = oldTypes[e.attr("code")]
	}
	return complaint{legible(kind), legible(object), legible(message)}
}

// shown is the complaint fit to show.
func (c *Client) shown(x complaint) complaint {
	return complaint{c.words(x.kind), c.words(x.object), c.words(x.message)}
}

// reason classifies by type and object, which are not localised. The message
// decides only where they are not known to us and it says that the panel is still
// at it: then the outcome is open.
func (x complaint) reason() Reason {
	is := func(name string) bool { return strings.EqualFold(x.kind, name) || strings.EqualFold(x.object, name) }
	named := strings.ToLower(x.kind + " " + x.object)
	squeezed := strings.NewReplacer("_", "", "-", "", ".", "").Replace(named)
	switch {
	case is("extraconfirm"):
		return TwoFactor
	case strings.EqualFold(x.kind, "auth"), is("badpassword"), is("badip"), is("blocked_ip"), is("blocklogon"):
		return Auth
	case strings.EqualFold(x.kind, "access"):
		return Forbidden
	case is("runningoperation"):
		return Busy
	case is("pricelist_min_order"):
		return MinTerm
	case strings.Contains(squeezed, "inprocess"), strings.Contains(squeezed, "inprogress"), saysInProcess(x.message):
		return InProcess
	case strings.Contains(squeezed, "money"), strings.Contains(squeezed, "balance"):
		return Money
	case strings.EqualFold(x.kind, "missed"):
		return Missing
	}
	return Rule
}

// saysInProcess recognises "Request in process, please wait" in the languages that
// we ask for.
func saysInProcess(message string) bool {
	message = strings.ToLower(message)
	for _, sign := range []string{"in process", "in progress", "being processed", "в процессе", "в обработке", "обрабатывается", "запрос выполняется"} {
		if strings.Contains(message, sign) {
			return true
		}
	}
	return false
}

// pageReason tells what stands before the panel, by an HTTP status and the
// beginning of a page that is not the panel's.
func pageReason(status int, page string) Reason {
	page = strings.ToLower(page)
	has := func(signs ...string) bool {
		for _, s := range signs {
			if strings.Contains(page, s) {
				return true
			}
		}
		return false
	}
	switch {
	case has("captcha", "cloudflare", "ddos-guard", "checking your browser", "firewall", "are you human", "капч", "не робот"):
		return Captcha
	case has("maintenance", "temporarily unavailable", "технические работы", "технических работ", "профилактические работы", "техническое обслуживание", "временно недоступ"):
		return Maintenance
	case status != 200:
		return Status
	}
	return Garbled
}

var (
	// A number is taken whole, readable or not: the end of "1,204.50 EUR" is a price too.
	price = regexp.MustCompile(`(?:\d{1,3}(?: \d{3})+|\d+)(?:[.,]\d+)*\s*(?:[A-Z]{3}\b|€|\$|₽|руб\.?)|(?:[A-Z]{3}\b|€|\$|₽|руб\.?)\s*(?:\d{1,3}(?: \d{3})+|\d+)(?:[.,]\d+)*`)
	total = regexp.MustCompile(`(?i)\btotal|итого|к оплате|сумма`)
)

// priceOf finds what an order costs in its HTML ("Total amount: <b>4.50 EUR</b>"):
// the amount after the word for a total, else the one amount that there is. Where
// several would do, it takes none.
func priceOf(info string) string {
	// Twice: the HTML may have been escaped once more on its way.
	text := html.UnescapeString(tag.ReplaceAllString(html.UnescapeString(info), " "))
	text = strings.Join(strings.Fields(text), " ")
	var found []string
	for _, at := range total.FindAllStringIndex(text, -1) {
		if p := price.FindString(text[at[1]:]); p != "" {
			found = append(found, p)
		}
	}
	if found == nil {
		found = price.FindAllString(text, -1)
	}
	only := ""
	for _, p := range found {
		if only != "" && p != only && !license.SamePrice(p, only) {
			return ""
		}
		only = p
	}
	return only
}
