package chat

import (
	"maps"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"github.com/isplicense/license-bot/internal/commands"
	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
)

// The rules for everything that the bot says. Somebody reads it at three in the
// morning, on a phone, and money depends on it.
//
//   - The head says what is asked or what happened, and can stand alone in a
//     notification. Then the facts, then what happens next, with the command to
//     type where there is one.
//   - Calm and short: no exclamation marks, no blame, no jokes. One icon stands at
//     the head, and the words say the same without it.
//   - The outcome's words are fixed: renewed, not renewed, ordered, not ordered,
//     edited, not edited, terminated, not terminated. "Not" is said only where it
//     is certain; where it is not, "it is not known whether".
//   - "Could not check" never sounds like "not allowed".
//   - A refusal shows nothing of a licence but the code that was typed: in a group
//     others read it.
//   - What comes from outside (names, the panel's words) is bounded, stands where
//     it cannot be taken for the bot's own words, and is never read as markup.
//   - A sentence is whole in the catalogue and never glued together: a placeholder
//     stands for a name, a number, a date or a code, so that another language can
//     order and inflect as it needs. A number with a noun is a [counted]; each
//     action has all its own forms.
//   - Dates are 2025-02-10, times 14:32 UTC, with the day where it is not today.

// phrase is a sentence of the catalogue. {name} is filled in, and what stands
// between backquotes is an id or a command, to be copied.
type phrase string

// args are the values of a phrase's placeholders.
type args map[string]Text

// fill gives the phrase with its placeholders filled. One that has no value stays
// as it is, for a test to find.
func (p phrase) fill(a args) Text {
	var out Text
	for i, part := range strings.Split(string(p), "`") {
		kind := Plain
		if i%2 == 1 {
			kind = Code
		}
		for part != "" {
			before, rest, found := strings.Cut(part, "{")
			name, after, closed := strings.Cut(rest, "}")
			value, known := a[name]
			if !found || !closed || !known {
				out = append(out, Span{Kind: kind, Text: part})
				break
			}
			if before != "" {
				out = append(out, Span{Kind: kind, Text: before})
			}
			for _, s := range value {
				if kind == Code {
					s = Span{Kind: Code, Text: s.Text}
				}
				out = append(out, s)
			}
			part = after
		}
	}
	return merge(out)
}

// merge joins neighbours of one plain style, so that a command with a code in it
// is copied as one.
func merge(t Text) Text {
	var out Text
	for _, s := range t {
		if n := len(out); n > 0 && s.Kind == out[n-1].Kind && (s.Kind == Plain || s.Kind == Code) {
			out[n-1].Text += s.Text
			continue
		}
		out = append(out, s)
	}
	return out
}

// counted is a phrase with a number in it, {n}, in the forms that languages have;
// a form that a language lacks is empty and stands for Other.
type counted struct{ One, Few, Many, Other phrase }

func (c counted) fill(tag language.Tag, n int, a args) Text {
	p := c.Other
	form := plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0)
	for f, q := range map[plural.Form]phrase{plural.One: c.One, plural.Few: c.Few, plural.Many: c.Many} {
		if f == form && q != "" {
			p = q
		}
	}
	all := args{"n": number(n)}
	maps.Copy(all, a)
	return p.fill(all)
}

// words is the catalogue in one language. What a phrase may name in braces stands
// in the English table; every language uses the same names.
type words struct {
	tag        language.Tag
	months     [12]string // short, as in a date
	now        valueWords
	actions    map[requests.Action]actionWords
	reasons    map[requests.Reason]reasonWords
	noReason   reasonWords
	items      map[requests.ItemState]string // in a line of many or a count; the outcomes are the actions' own
	roles      map[requests.Role]string
	statuses   map[license.Status]string
	events     map[requests.AuditEvent]string
	closed     map[string]phrase // by [Closed].Why
	closedElse phrase
	labels     labelWords
	buttons    buttonWords
	question   questionWords
	report     reportWords
	answer     answerWords
	errors     errorWords
	read       readWords
	people     peopleWords
	help       helpWords
}

// valueWords are dates, numbers and values within sentences.
type valueWords struct {
	day, year      phrase // a time of another day, of another year
	lifetime       string
	unknown        string // of a value
	month          counted
	nodes          counted
	today          phrase
	inDays, ago    counted
	and            phrase
	quote          phrase
	change         phrase
	more, narrowed counted // the last line of a list that was cut
}

// actionWords are the forms of one action. {what} is the licence's code, or an
// order's product. Those in "More" can also name {date}, {code} or {nodes}.
type actionWords struct {
	title            phrase
	titleMany        counted
	ask              phrase
	askMany          counted
	doing, done, not phrase
	was, wasMore     phrase // with the outcome's word in it
	wasNot           phrase
	whether          phrase
	look             phrase
	correct          phrase // loud: "not" was said before
	next             phrase // what saying yes means
}

// reasonWords are what is said of one reason.
type reasonWords struct {
	because phrase // part of a sentence
	again   phrase // what to do where nothing took effect
	recheck phrase // what to do where it is not known
	read    phrase // what to do where reading failed so
}

type labelWords struct {
	licence, name, address, product, status, expires, period, nodes, price, total,
	balance, forLicence, by, autoprolong, created, role, accounts, account, person string
}

type buttonWords struct {
	confirm, cancel, approve, deny, recheck string
	renew                                   phrase
}

type questionWords struct {
	needs                                   counted // behind the question itself
	votes, votesBy                          counted
	asks                                    phrase
	asksMore                                counted
	nobody, tooFew                          phrase
	noPrice, noBalance, tooLittle           phrase
	waits, id, follows, elsewhere, twin     phrase
	elsewhereWord                           string
	mixed, changed, differs                 phrase
	titled                                  phrase // a title and how it stands
	running, runningVoted                   phrase
	cancelled, denied, expired, stopped     phrase
	wasConfirmed, wasApproved, wasCancelled phrase
	wasDenied, wasExpired, wasStopped       phrase
	wasExpiredNo                            counted
	nothing                                 phrase
}

type reportWords struct {
	many, corrected            counted
	count, until, line         phrase
	reasonLine                 phrase
	said                       phrase
	lookYes, lookNot, lookOnly phrase
	fromPerson                 phrase
	notSent, refused           phrase
	doubt, unpaid              phrase
	looking, lookUntil         phrase
	unknown, people            phrase
	askAgain, lookFirst, asked phrase
	rechecked, repeat          phrase
}

type answerWords struct {
	voted, decided, underWay                         phrase
	asked, askedBy, askedOrder                       phrase
	there                                            string
	leftOut, ruledOut                                counted
	notAllowed, askAdmin, couldNotCheck, tryAgain    phrase
	own, ownNext, notYours, notYoursNext             phrase
	alreadyVoted, wrongButton, noRequest, seePending phrase
	nothingUncertain, rechecking, inThread, settled  phrase
	undecided                                        phrase
	stranger, askThese                               phrase
	nobody, tooFew                                   counted
	nobodyNext                                       phrase
	rate                                             phrase
	broken, brokenNext                               phrase
	closedAsked, closedRefused                       phrase
	add, addNext, invite, inviteNext, elsewhere      phrase
	undelivered, undeliveredNext                     phrase
	private, privateFirst                            phrase
	panelDown, panelUntil                            phrase
	noLicence, seeList, noNodes, noChange, seeShow   phrase
	deleted, lifetime                                phrase // what the facts rule out
	noneAsked                                        phrase
	notReached, notReachedNext                       phrase
	notYet, notYetNext, notYetAdmin                  phrase
}

type errorWords struct {
	kinds         map[commands.Kind]phrase
	other         phrase
	near, allowed phrase
	who           phrase // what WHO can be
}

type readWords struct {
	summary, nothingWaits, nothingDue             phrase
	waiting, yours, due                           counted
	whoami                                        phrase
	noneAtAll, noneFound                          phrase
	licences, licencesOf                          counted
	licence                                       phrase
	noneExpires, expiring                         counted
	renewAll                                      phrase
	noProduct, seeProducts, orderHint, hasNodes   phrase
	products, pending                             counted
	nonePending, by, confirm, uncertain, underWay phrase
	votes                                         counted
	history, noHistory, balance, noBalance        phrase
}

type peopleWords struct {
	members                                          counted
	added, joined, joinedRole, roleChanged, asBefore phrase
	atOnce, revoked                                  phrase
	otherPerson, otherPersonNext                     phrase
	lastAdmin, lastAdminNext, noMember, seeMembers   phrase
	audit, auditOf, noAudit                          phrase
	older                                            counted
	anchor, anchorNext                               phrase
}

type helpWords struct {
	head, line, one, more, role phrase
	usage, example              string
	verbs                       map[string]string // none in English: the table's own are
}
