package commands

import (
	"fmt"
	"strings"
)

// Kind says what was wrong with a text. Sentences are chosen by it.
type Kind string

// What can be wrong. Behind each: which fields of the [Error] are set besides Verb,
// which is set wherever the verb was understood.
const (
	UnknownVerb      Kind = "unknown-verb"      // Word, Near
	UnknownProduct   Kind = "unknown-product"   // Word, Near
	AmbiguousProduct Kind = "ambiguous-product" // Word, Allowed: all that fit
	UnknownOption    Kind = "unknown-option"    // Word: the key, Near, Allowed
	DuplicateOption  Kind = "duplicate-option"  // Word: the key
	SpacedOption     Kind = "spaced-option"     // Word; blanks around "=", or a key without "="
	NeedsKey         Kind = "needs-key"         // Word, Near: the option to write instead
	MissingArgument  Kind = "missing-argument"  // Word: CODE, COUNT … as in the usage
	SurplusArgument  Kind = "surplus-argument"  // Word: the first that is too many
	Incomplete       Kind = "incomplete"        // order alone, or edit CODE alone (Word: the code)
	BadCode          Kind = "bad-code"          // Word, Near
	BadAddress       Kind = "bad-address"       // Word
	NeedsAddress     Kind = "needs-address"     // Word: the product
	AddressNotTaken  Kind = "address-not-taken" // Word: the product, a module
	ForOnlyModules   Kind = "for-only-modules"  // Word: the product, no module
	BadPeriod        Kind = "bad-period"        // Word, Near, Allowed
	BadDays          Kind = "bad-days"          // Word, Limit
	BadCount         Kind = "bad-count"         // Word, Limit
	BadRole          Kind = "bad-role"          // Word, Near, Allowed
	BadAccount       Kind = "bad-account"       // Word
	BadRequest       Kind = "bad-request"       // Word
	BadOutcome       Kind = "bad-outcome"       // Word, Near, Allowed
	TooManyCodes     Kind = "too-many-codes"    // Limit
	EmptyName        Kind = "empty-name"        //
	LongName         Kind = "long-name"         // Word, Limit: characters
	NameIsAccount    Kind = "name-is-account"   // Word
	UnclosedQuote    Kind = "unclosed-quote"    // Upto: the quote that is not closed
	ControlCharacter Kind = "control-character" // Word: its name, Upto
	TooLong          Kind = "too-long"          // Limit: bytes
)

// Error says why a text is no command. None of its fields holds a control
// character; Word is cut where it is long.
type Error struct {
	Kind    Kind
	Verb    string   // the table's verb; "" where none was understood
	Word    string   // what was typed and is wrong
	Near    []string // what may have been meant, nearest first; often empty
	Allowed []string // all that would be right, where that is a short list
	Upto    string   // the end of what was typed up to where it is wrong
	Limit   int      // the most that is allowed
}

// maxWord is how many characters of a wrong word are said back.
const maxWord = 80

func clip(w string) string {
	if r := []rune(w); len(r) > maxWord {
		return string(r[:maxWord]) + "…"
	}
	return w
}

// unseen stands for a character that can't be seen.
const unseen = "\uFFFD"

// maxUpto is how many characters are said back to show a place in the text.
const maxUpto = 24

// upto shows a place by the text before it: what an adapter hands over begins
// elsewhere than what the person typed, so to count characters would mislead them.
func upto(before, at string) string {
	shown := []rune(strings.Map(func(r rune) rune {
		if blank(r) {
			return ' '
		}
		return r
	}, before) + at)
	if cut := len(shown) - maxUpto; cut > 0 {
		return "…" + string(shown[cut:])
	}
	return string(shown)
}

// Error is an English sentence with what to do next.
func (e *Error) Error() string {
	s := e.sentence()
	switch {
	case len(e.Near) > 0 && e.Kind != NeedsKey:
		s += "; did you mean " + strings.Join(e.Near, " or ") + "?"
	case len(e.Allowed) > 0:
		s += "; write one of: " + strings.Join(e.Allowed, ", ")
	}
	return s
}

func (e *Error) sentence() string {
	switch e.Kind {
	case UnknownVerb:
		return fmt.Sprintf("no command is called %q, help lists them", e.Word)
	case UnknownProduct:
		return fmt.Sprintf("no product is called %q, products lists them", e.Word)
	case AmbiguousProduct:
		return fmt.Sprintf("%q fits several products", e.Word)
	case UnknownOption:
		return fmt.Sprintf("%s has no option %q", e.Verb, e.Word)
	case DuplicateOption:
		return fmt.Sprintf("%s= is said twice, say it once", e.Word)
	case SpacedOption:
		return fmt.Sprintf("write options as key=value without blanks around \"=\", not %q", e.Word)
	case NeedsKey:
		return fmt.Sprintf("write %s instead of %q", strings.Join(e.Near, " or "), e.Word)
	case MissingArgument, Incomplete:
		return e.missing()
	case SurplusArgument:
		return fmt.Sprintf("%q is too much for %s; put quotes around what belongs together", e.Word, e.Verb)
	case TooManyCodes:
		return fmt.Sprintf("at most %d licences at once, ask for the others afterwards", e.Limit)
	case UnclosedQuote:
		return fmt.Sprintf("the quote at the end of “%s” is not closed, close it or write a backslash before it", e.Upto)
	case ControlCharacter:
		return fmt.Sprintf("what stands at the end of “%s” is %s, which can't be seen; type the command again without it", e.Upto, e.Word)
	case TooLong:
		return fmt.Sprintf("the command is longer than %d bytes, make it shorter", e.Limit)
	default:
		return e.wrongValue()
	}
}

func (e *Error) missing() string {
	s, _ := SpecOf(e.Verb)
	if e.Kind == Incomplete {
		return fmt.Sprintf("%s needs more: %s, for example: %s", e.Verb, s.Usage, s.Example)
	}
	return fmt.Sprintf("%s is missing: %s, for example: %s", e.Word, s.Usage, s.Example)
}

// wrongValue is the sentence for an argument or option that can't be read or does
// not go with the others.
func (e *Error) wrongValue() string {
	switch e.Kind {
	case BadCode:
		return fmt.Sprintf("%q is no licence code, a code is a number such as 1001", e.Word)
	case BadAddress:
		return fmt.Sprintf("%q is not the IP address of a server, write one such as 203.0.113.10", e.Word)
	case NeedsAddress:
		return fmt.Sprintf("%s is for a server, add its address: ip=203.0.113.10", e.Word)
	case AddressNotTaken:
		return fmt.Sprintf("%s takes no address, leave ip= out; for=CODE names the licence that it is for", e.Word)
	case ForOnlyModules:
		return fmt.Sprintf("%s is no module, leave for= out", e.Word)
	case BadPeriod:
		return fmt.Sprintf("%q is no period here", e.Word)
	case BadDays:
		return fmt.Sprintf("%q is no time ahead, write days or weeks up to %d days, such as 7d or 2w", e.Word, e.Limit)
	case BadCount:
		return fmt.Sprintf("%q is no count of nodes, write a number from 1 to %d", e.Word, e.Limit)
	case BadRole:
		return fmt.Sprintf("%q is no role", e.Word)
	case BadAccount:
		return fmt.Sprintf("%q is nobody's account, write slack:TEAM/USER or telegram:ID as whoami shows it", e.Word)
	case BadRequest:
		return fmt.Sprintf("%q is no request, write the six characters that pending shows", e.Word)
	case BadOutcome:
		return fmt.Sprintf("%q is no outcome", e.Word)
	case EmptyName:
		return "the name is empty, write one or leave it out"
	case LongName:
		return fmt.Sprintf("the name %q is too long, write at most %d characters", e.Word, e.Limit)
	case NameIsAccount:
		return fmt.Sprintf("%q looks like an account, write a person's name", e.Word)
	default:
		return string(e.Kind)
	}
}
