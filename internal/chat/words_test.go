package chat

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/isplicense/license-bot/internal/commands"
	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
)

// declared gives every string constant of a type, from the source of its package,
// so that one that is added there is missed here.
func declared[T ~string](t testing.TB, file string) []T {
	t.Helper()
	var zero T
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []T
	ast.Inspect(parsed, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		typ, named := v.Type.(*ast.Ident)
		lit, literal := v.Values[0].(*ast.BasicLit)
		if named && literal && typ.Name == reflect.TypeOf(zero).Name() {
			s, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, T(s))
		}
		return true
	})
	if len(all) == 0 {
		t.Fatalf("no constant of %T in %s", zero, file)
	}
	return all
}

const types = "../requests/types.go"

// missing gives the keys that a map of words lacks.
func missing[K comparable, V any](words map[K]V, keys []K) []K {
	return slices.DeleteFunc(slices.Clone(keys), func(k K) bool { _, ok := words[k]; return ok })
}

func TestCatalogueIsComplete(t *testing.T) {
	for lang, w := range catalogue {
		for _, gap := range []any{
			missing(w.actions, requests.Actions()),
			missing(w.reasons, declared[requests.Reason](t, types)),
			missing(w.items, declared[requests.ItemState](t, types)),
			missing(w.events, declared[requests.AuditEvent](t, types)),
			missing(w.errors.kinds, declared[commands.Kind](t, "../commands/errors.go")),
			missing(w.roles, []requests.Role{requests.Nobody, requests.Viewer, requests.Operator, requests.Approver, requests.Admin}),
			missing(w.statuses, []license.Status{0, 1, 2, 3, 4, 5}),
			missing(w.closed, []string{"not-in-channel", "not-in-chat", "archived", "gone", "blocked", "not-started"}),
		} {
			if reflect.ValueOf(gap).Len() > 0 {
				t.Errorf("%s has no words for %v", lang, gap)
			}
		}
		w := reflect.ValueOf(*w)
		model := reflect.ValueOf(english)
		for i := range w.NumField() {
			if f := w.Type().Field(i).Name; f != "tag" {
				compare(t, lang+"."+f, w.Field(i), model.Field(i))
			}
		}
	}
}

var placeholder = regexp.MustCompile(`\{[a-z]*\}`)

// compare walks through a language's words and the English ones: none may be
// empty, and a phrase may name nothing that the English one does not.
func compare(t *testing.T, path string, w, model reflect.Value) {
	switch w.Kind() {
	case reflect.String:
		if w.String() == "" {
			t.Errorf("%s is empty", path)
		}
		for _, name := range placeholder.FindAllString(w.String(), -1) {
			if !strings.Contains(model.String(), name) {
				t.Errorf("%s names %s, which nothing fills: %q", path, name, w.String())
			}
		}
		if strings.Contains(w.String(), "!") || strings.Count(w.String(), "`")%2 != 0 {
			t.Errorf("%s is against the rules: %q", path, w.String())
		}
	case reflect.Array:
		for i := range w.Len() {
			compare(t, fmt.Sprint(path, i), w.Index(i), model.Index(i))
		}
	case reflect.Map:
		for _, k := range w.MapKeys() {
			if m := model.MapIndex(k); m.IsValid() {
				compare(t, fmt.Sprint(path, "[", k, "]"), w.MapIndex(k), m)
			}
		}
	case reflect.Struct:
		for i := range w.NumField() {
			field, f := w.Type().Field(i).Name, w.Field(i)
			if w.Type() == reflect.TypeFor[counted]() && field != "Other" {
				if f.String() == "" {
					continue // a form that the language does not have
				}
				compare(t, path+"."+field, f, model.FieldByName("Other"))
				continue
			}
			compare(t, path+"."+field, f, model.Field(i))
		}
	default:
		t.Errorf("%s is a %s", path, w.Kind())
	}
}

func TestReasonsDiffer(t *testing.T) {
	seen := map[phrase]requests.Reason{}
	for why, w := range english.reasons {
		if other, ok := seen[w.because]; ok {
			t.Errorf("%s and %s are said alike: %s", why, other, w.because)
		}
		seen[w.because] = why
	}
}

// sound checks what holds for every message.
func sound(t rapid.TB, m Message) string {
	t.Helper()
	text := PlainText(m)
	if len(m.Head) == 0 || strings.TrimSpace(m.Head.String()) == "" {
		t.Fatalf("no head:\n%s", text)
	}
	if strings.Contains(m.Head.String(), "\n") || placeholder.MatchString(text) {
		t.Fatalf("a broken head or a placeholder left:\n%s", text)
	}
	for _, b := range m.Blocks {
		set := 0
		for _, n := range []int{len(b.Text), len(b.Facts), len(b.Lines), len(b.Note)} {
			if n > 0 {
				set++
			}
		}
		if set != 1 {
			t.Fatalf("a block has %d of its fields:\n%s", set, text)
		}
		for _, f := range b.Facts {
			if f.Label == "" || f.Value.String() == "" {
				t.Fatalf("an empty fact %q:\n%s", f.Label, text)
			}
		}
		for _, l := range b.Lines {
			if strings.TrimSpace(l.String()) == "" {
				t.Fatalf("an empty line:\n%s", text)
			}
		}
	}
	for _, b := range m.Buttons {
		if b.Label == "" || units(b.Label) > 75 || len(b.Action)+len(b.Value) > 40 {
			t.Fatalf("a button against the rules: %+v", b)
		}
	}
	if !utf8.ValidString(text) || units(text) > 4096 {
		t.Fatalf("too long (%d) or broken:\n%s", units(text), text)
	}
	return text
}

// outcomes are the contract's words for what an action came to.
var outcomes = map[requests.Action][2]string{
	requests.Order: {"ordered", "not ordered"}, requests.Edit: {"edited", "not edited"}, requests.Nodes: {"edited", "not edited"},
	requests.Renew: {"renewed", "not renewed"}, requests.Terminate: {"terminated", "not terminated"},
}

// saysOutcome checks that a text has the word of the state, and not its opposite.
func saysOutcome(t *testing.T, a requests.Action, st requests.ItemState, text string) {
	t.Helper()
	yes, no := outcomes[a][0], outcomes[a][1]
	switch st {
	case requests.Applied:
		if !strings.Contains(text, yes) || strings.Contains(text, no) {
			t.Errorf("%s took effect, and this does not say so:\n%s", a, text)
		}
	case requests.Not:
		if !strings.Contains(text, no) || strings.Count(text, yes) != strings.Count(text, no) {
			t.Errorf("%s did not take effect, and this does not say so:\n%s", a, text)
		}
	case requests.Unknown:
		if !strings.Contains(text, "It is not known whether") || strings.Contains(text, no) {
			t.Errorf("%s is not known, and this does not say so:\n%s", a, text)
		}
	case requests.Waiting, requests.Checking, requests.Started, requests.Looking, requests.Dropped:
		if strings.Contains(text, no) {
			t.Errorf("%s is %s, and this speaks of an outcome:\n%s", a, st, text)
		}
	}
}

func TestEveryReport(t *testing.T) {
	s := speaker()
	for _, a := range requests.Actions() {
		for _, st := range declared[requests.ItemState](t, types) {
			for _, why := range append(declared[requests.Reason](t, types), "", "unheard-of") {
				for _, from := range append(declared[requests.Source](t, types), "") {
					r := ended(sample(a), st, from, why, "")
					for _, o := range []ReportOptions{{}, {Correction: true, Repeat: true}} {
						saysOutcome(t, a, st, sound(t, s.Report(r, r.Items, o)))
					}
				}
			}
		}
	}
}

func TestEveryQuestion(t *testing.T) {
	s := speaker()
	kinds := declared[requests.AnswerKind](t, "../requests/events.go")
	for _, a := range requests.Actions() {
		for _, st := range declared[requests.ItemState](t, types) {
			// Reasons have their words in reports; here it matters that there is one.
			for _, why := range []requests.Reason{requests.ReasonMoney, requests.ReasonTimeout} {
				for _, state := range declared[requests.State](t, types) {
					r := ended(sample(a), st, requests.FromPanel, why, "")
					r.State = state
					card := s.Question(r, view)
					text := sound(t, card)
					if state == requests.Done {
						saysOutcome(t, a, st, text)
					}
					ran := state == requests.Running || state == requests.Done
					if want := state == requests.Proposed || ran && st == requests.Unknown; want != (len(card.Buttons) > 0) {
						t.Fatalf("%s, %s: buttons %v", state, st, card.Buttons)
					}
					if why != requests.ReasonMoney {
						continue // the answers do not speak of reasons
					}
					for _, kind := range kinds {
						sound(t, s.Answer(r, requests.Answer{Kind: kind, Need: requests.Approver}, requests.Viewer))
					}
				}
			}
		}
	}
}

func TestRunningWords(t *testing.T) {
	s := speaker()
	for a, doing := range map[requests.Action]string{
		requests.Order: "ordering", requests.Edit: "editing", requests.Nodes: "editing",
		requests.Renew: "renewing", requests.Terminate: "terminating",
	} {
		r := sample(a)
		r.Need = 0
		if got := s.Question(decided(r), view).Head.String(); !strings.Contains(got, doing+", confirmed by @alice") {
			t.Errorf("confirmed: %s", got)
		}
		r.Need = 1
		if got := s.Question(decided(r), view).Head.String(); !strings.Contains(got, doing+", approved by @bob") {
			t.Errorf("approved: %s", got)
		}
	}
}

func TestEveryError(t *testing.T) {
	s := speaker()
	verbs := []string{""}
	for _, spec := range commands.Specs() {
		verbs = append(verbs, spec.Verb)
	}
	for _, kind := range append(declared[commands.Kind](t, "../commands/errors.go"), "unheard-of") {
		for _, verb := range verbs {
			for _, near := range [][]string{nil, {"renew"}} {
				sound(t, s.SayError(&commands.Error{Kind: kind, Verb: verb, Word: "w", Near: near, Allowed: []string{"a", "b"}}))
			}
		}
	}
	for _, verb := range verbs {
		for _, role := range []requests.Role{requests.Nobody, requests.Viewer, requests.Operator, requests.Approver, requests.Admin} {
			sound(t, s.Help(commands.Specs(), role, verb))
		}
	}
}

// A refusal is read by others in a group: it shows nothing of a licence.
func TestRefusalsShowNoLicence(t *testing.T) {
	s := speaker()
	for _, a := range requests.Actions() {
		r := sample(a)
		r.Need, r.Votes = 1, []requests.Vote{{Who: bob, At: noon}}
		for _, m := range []Message{
			s.NotAllowed(requests.Operator, requests.Viewer), s.OwnRequest(r), s.NotYours(r), s.AlreadyVoted(r), s.WrongButton(),
			s.UnknownRequest(), s.CouldNotCheck(), s.NothingUncertain(r), s.LeftOut([]Asked{{Request: r, Codes: []license.Code{first(r).Code}}}, 0),
			s.NobodyCanApprove(a, 1, 0), s.NotReached(r), s.NotYet(r, noon), s.CannotPost("not-in-channel", "/invite @bot", true),
			s.Stranger("telegram:5", []requests.Member{{Person: "bob"}}),
		} {
			text := sound(t, m)
			for _, secret := range []string{"srv1", "192.0.2.10", "ISPmanager", "2025-02-10", "EUR"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s shows %s:\n%s", a, secret, text)
				}
			}
		}
	}
}

// anyText is what a panel or person may have written, with long and wide runes, but
// nothing that [sound] would take for a placeholder of ours.
func anyText(most int) *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.Map(rapid.StringN(0, most, -1), func(s string) string { return strings.ReplaceAll(s, "{", "[") }),
		rapid.StringOfN(rapid.RuneFrom([]rune{'W', 'Ж', '🛰', '中', '"', '`', '*', '<', '\n'}), 0, most, -1),
	)
}

func anyItem(t *rapid.T, states []requests.ItemState, reasons []requests.Reason, sources []requests.Source) requests.Item {
	ipv6 := "2001:0db8:1111:2222:3333:4444:5555:6666"
	return requests.Item{
		Code: license.Code(rapid.SampledFrom([]string{"1001", "999999999999999999"}).Draw(t, "code")),
		Facts: requests.Facts{
			Name: anyText(60).Draw(t, "name"), Address: rapid.SampledFrom([]string{"", "192.0.2.10", ipv6}).Draw(t, "address"),
			Product: anyText(80).Draw(t, "product"), Expires: "2025-02-10", After: "2025-03-10",
			Price: rapid.SampledFrom([]string{"", "4.50 EUR", "999999999.50 EUR"}).Draw(t, "price"), Period: license.Month,
		},
		State: rapid.SampledFrom(states).Draw(t, "state"), Reason: rapid.SampledFrom(reasons).Draw(t, "reason"),
		Source: rapid.SampledFrom(sources).Draw(t, "source"), Said: anyText(400).Draw(t, "said"),
		Expires: "2025-03-10", Doubt: rapid.Bool().Draw(t, "doubt"), LookUntil: noon, Rechecked: noon,
	}
}

// Whatever the panel says, a question and a report fit one message, with every
// licence of the request in them.
func TestMessagesFit(t *testing.T) {
	s := speaker()
	states, reasons, sources := declared[requests.ItemState](t, types), declared[requests.Reason](t, types), declared[requests.Source](t, types)
	all := declared[requests.State](t, types)
	person := requests.Who{Account: alice.Account, Person: strings.Repeat("Ж", 60)}
	rapid.Check(t, func(t *rapid.T) {
		r := sample(rapid.SampledFrom(requests.Actions()).Draw(t, "action"))
		r.Items = nil
		for range rapid.SampledFrom([]int{1, 2, 50}).Draw(t, "items") {
			r.Items = append(r.Items, anyItem(t, states, reasons, sources))
		}
		r.State = rapid.SampledFrom(all).Draw(t, "state")
		r.Need = rapid.IntRange(0, 9).Draw(t, "need")
		r.By, r.Decided.Who, r.Balance, r.Follows = person, person, anyText(60).Draw(t, "balance"), "abcdef"
		r.Params.Name = anyText(60).Draw(t, "new name")
		for range r.Need {
			r.Votes = append(r.Votes, requests.Vote{Who: person, At: noon})
		}
		v := View{Now: noon, Here: "slack", Link: "https://example.slack.com/archives/C1/p1"}
		for range 9 {
			v.Approvers = append(v.Approvers, requests.Member{Person: person.Person, Accounts: []requests.Account{person.Account}})
		}
		q, report := s.Question(r, v), s.Report(r, nil, ReportOptions{Repeat: true})
		for _, m := range []Message{q, report} {
			text := sound(t, m)
			if r.Action != requests.Order && strings.Count(text, string(r.Items[0].Code)) < 1 {
				t.Fatalf("a licence is missing:\n%s", text)
			}
			lines := 0
			for _, b := range m.Blocks {
				lines = max(lines, len(b.Lines))
			}
			if len(r.Items) > 1 && lines < len(r.Items) {
				t.Fatalf("%d licences, %d lines", len(r.Items), lines)
			}
		}
	})
}

func TestListsFit(t *testing.T) {
	s := speaker()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{1, 20, 21, 200}).Draw(t, "n")
		name, product := anyText(80).Draw(t, "name"), anyText(80).Draw(t, "product")
		var ls []license.License
		var open []Open
		var asked []Asked
		var ops []Operation
		var entries []requests.Entry
		var members []requests.Member
		r := sample(rapid.SampledFrom(requests.Actions()).Draw(t, "action"))
		r.Items[0].Facts.Product, r.By.Person = product, name
		r.Items[0].State = rapid.SampledFrom([]requests.ItemState{requests.Waiting, requests.Unknown}).Draw(t, "state")
		r.State = rapid.SampledFrom([]requests.State{requests.Proposed, requests.Running}).Draw(t, "request")
		for i := range n {
			c := license.Code(fmt.Sprint(999999999999999000 + i))
			ls = append(ls, license.License{Code: c, Name: name, Product: product, Address: "2001:0db8:1111:2222:3333:4444:5555:6666", Expires: "2025-02-10", Status: license.StatusProcessing})
			open = append(open, Open{Request: r})
			asked = append(asked, Asked{Request: r, Codes: []license.Code{c}})
			ops = append(ops, Operation{When: name, What: product, Who: name})
			entries = append(entries, requests.Entry{Seq: uint64(i), Time: noon, Event: requests.EventProposed, Action: "renew", License: product, Actor: "telegram:1", Person: name, Detail: product})
			members = append(members, requests.Member{Person: name, Role: requests.Viewer, Accounts: []requests.Account{"telegram:999999999999999999", "slack:T123456789/U123456789"}})
		}
		for _, m := range []Message{
			s.List(ls, []string{name}), s.Expiring(ls, 7, "2025-02-05"), s.Show(ls[0], 5),
			s.Summary(SummaryView{Now: noon, Waiting: open, Due: ls, Today: "2025-02-05", MayAsk: true}),
			s.Pending(open, noon), s.LeftOut(asked, 1), s.History("1001", ops), s.AuditLines(entries, "1001", 5), s.Members(members),
		} {
			sound(t, m)
			if len(m.Buttons) > listMax {
				t.Fatalf("%d buttons", len(m.Buttons))
			}
		}
	})
}

func TestMixedScripts(t *testing.T) {
	for name, want := range map[string]bool{
		"srv1": false, "сервер": false, "сервер web1": false, "web-сервер": false, "": false,
		"рaypal": true, "srvа1": true, "x1Ж": true, "mail (wеb)": true,
	} {
		if got := mixes(name); got != want {
			t.Errorf("mixes(%q) = %v", name, got)
		}
	}
}

func TestTimes(t *testing.T) {
	moscow, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Skip("no time zones here: ", err)
	}
	at := time.Date(2025, 11, 24, 14, 32, 0, 0, time.UTC)
	for _, c := range []struct {
		zone *time.Location
		now  time.Time
		want string
	}{
		{time.UTC, at.Add(time.Hour), "14:32 UTC"},
		{nil, at.Add(24 * time.Hour), "24 Nov 14:32 UTC"},
		{time.UTC, at.AddDate(1, 0, 0), "24 Nov 2025 14:32 UTC"},
		{time.UTC, time.Time{}, "24 Nov 14:32 UTC"},
		{moscow, at, "17:32 MSK"},
		{time.FixedZone("", 5*3600), at, "19:32 UTC+0500"},
	} {
		if got := NewSpeaker("en", c.zone).time(at, c.now).String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestLanguages(t *testing.T) {
	s := NewSpeaker("xx", time.UTC)
	if s.w != &english || s.In("").w != &english || NewSpeaker("EN-us", nil).w != &english {
		t.Error("a language that there is not is English")
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		s    string
		n    int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"Жук и", 4, "Жук…"}, {"🛰🛰", 3, "🛰…"}, {"🛰🛰", 2, "…"}} {
		if got := cut(c.s, c.n); got != c.want || units(got) > c.n {
			t.Errorf("cut(%q, %d) = %q", c.s, c.n, got)
		}
	}
}

// What a report says to type to ask again is understood, and asks the same.
func TestRetyped(t *testing.T) {
	for _, a := range requests.Actions() {
		r := sample(a)
		r.Params.Name = `a "b" c\d`
		if a == requests.Order || a == requests.Renew {
			r.Params.Period, r.Params.HasPeriod = license.Year, true
		}
		got, err := commands.Parse(retyped(r, r.Items), commands.Options{})
		if err != nil {
			t.Errorf("%s: %v", retyped(r, r.Items), err)
			continue
		}
		if got.Verb() != string(a) {
			t.Errorf("%s is a %s", a, got.Verb())
		}
		if o, ok := got.(commands.Order); ok && (o.Name != r.Params.Name || o.Period != license.Year || o.Product.Code != 546) {
			t.Errorf("%+v", o)
		}
	}
}
