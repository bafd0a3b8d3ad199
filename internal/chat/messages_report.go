package chat

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/isplicense/license-bot/internal/commands"
	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
)

// ReportOptions say on what occasion a report is made.
type ReportOptions struct {
	Correction bool // "not" was said before
	Repeat     bool // it may have been said already: the bot was stopped in between
}

// Report is the reply that says how licences of a request ended: all of them, or
// those that have come to another end since. None stand for all. Of a question that came
// to nothing it says that.
func (s *Speaker) Report(r requests.Request, items []requests.Item, o ReportOptions) Message {
	if r.State == requests.Cancelled || r.State == requests.Denied || r.State == requests.Expired {
		return fit(func(w widths) Message { return s.ended(r, w, s.occasion(o), s.requestNote(r)) })
	}
	if len(items) == 0 {
		items = r.Items
	}
	if len(items) > 1 {
		return fit(func(w widths) Message { return s.reportMany(r, items, o, w) })
	}
	i := requests.Item{}
	if len(items) == 1 {
		i = items[0]
	}
	m := s.reportOne(r, i, o)
	m.Blocks = append(m.Blocks, note(s.occasion(o), s.w.report.asked.fill(args{"who": who(r.By)}), s.requestNote(r))...)
	return m
}

func (s *Speaker) reportOne(r requests.Request, i requests.Item, o ReportOptions) Message {
	icon, head := s.reportHead(r, i, o.Correction)
	m := Message{Icon: icon, Head: head}
	m.Blocks = append(s.howKnown(r, i, time.Time{}), s.changes(i)...)
	m.Blocks = append(m.Blocks, Block{Facts: s.facts(r, i)})
	return m
}

// reportHead is the icon and the sentence with the outcome's word.
func (s *Speaker) reportHead(r requests.Request, i requests.Item, correction bool) (string, Text) {
	words := s.w.actions[r.Action]
	a, more := s.outcomeArgs(r, i)
	switch i.State {
	case requests.Applied:
		icon := iconDone
		if correction || unpaid(i) {
			icon = iconWarn
		}
		switch {
		case correction:
			return icon, words.correct.fill(a)
		case more:
			return icon, words.wasMore.fill(a)
		}
		return icon, words.was.fill(a)
	case requests.Not:
		return iconNot, words.wasNot.fill(a)
	case requests.Unknown:
		return iconWarn, words.whether.fill(a)
	case requests.Waiting, requests.Checking, requests.Started, requests.Looking, requests.Dropped:
	}
	rest := plain(s.w.items[i.State])
	return iconRunning, s.w.question.titled.fill(args{"title": words.title.fill(a), "rest": rest})
}

// outcomeArgs are the values of an outcome's phrases, and whether the one that
// says more (until when, under which code, how many) can be filled.
func (s *Speaker) outcomeArgs(r requests.Request, i requests.Item) (args, bool) {
	a := args{"what": what(r, i), "date": plain(string(i.Expires)), "code": code(i.Code)}
	switch r.Action {
	case requests.Renew:
		return a, i.Expires != ""
	case requests.Order:
		return a, i.Code != ""
	case requests.Nodes:
		a["nodes"] = s.w.now.nodes.fill(s.w.tag, r.Params.Count, nil)
		return a, true
	case requests.Edit, requests.Terminate:
	}
	return a, false
}

// howKnown says how an outcome is known, in the panel's words too, and what to do
// next.
func (s *Speaker) howKnown(r requests.Request, i requests.Item, now time.Time) []Block {
	p := s.w.report
	a := args{"because": s.because(i.Reason)}
	said := s.said(i.Said, saidMax)
	if len(said) > 0 {
		said = p.said.fill(args{"said": said})
	}
	switch i.State {
	case requests.Applied:
		var doubt, pay Text
		if i.Doubt {
			doubt = p.doubt.fill(nil)
		}
		if unpaid(i) {
			pay = p.unpaid.fill(nil)
		}
		return paragraphs(join(" ", s.source(r, i, p.lookYes, a), said), pay, doubt)
	case requests.Not:
		return paragraphs(append([]Text{join(" ", s.source(r, i, p.lookNot, a), said)}, s.again(r, i)...)...)
	case requests.Looking:
		var until Text
		if !i.LookUntil.IsZero() {
			until = p.lookUntil.fill(args{"when": s.time(i.LookUntil, now)})
		}
		look := s.w.actions[r.Action].look.fill(args{"what": what(r, i)})
		return paragraphs(join(" ", p.looking.fill(a), said), join(" ", look, until))
	case requests.Unknown:
		next := s.reason(i.Reason).recheck.fill(nil)
		return paragraphs(join(" ", p.unknown.fill(a), said), s.rechecked([]requests.Item{i}, now), next, s.peopleDecide(r))
	case requests.Waiting, requests.Checking, requests.Started, requests.Dropped:
	}
	return nil
}

// unpaid says whether an order is in the panel and waits there for its payment.
func unpaid(i requests.Item) bool {
	return i.State == requests.Applied && i.Source == requests.FromLook && i.Reason == requests.ReasonUnpaid
}

// source says where an end is known from.
func (s *Speaker) source(r requests.Request, i requests.Item, look phrase, a args) Text {
	p := s.w.report
	switch i.Source {
	case requests.FromLook:
		if i.Reason == "" || unpaid(i) { // the bill is paid by now, or that it is not is said by itself
			return p.lookOnly.fill(a)
		}
		return look.fill(a)
	case requests.FromPerson:
		return p.fromPerson.fill(args{"who": who(known(r, i.SettledBy))})
	case requests.FromRules:
		return p.notSent.fill(a)
	case requests.FromPanel:
	}
	if i.State == requests.Applied {
		return nil
	}
	return p.refused.fill(a)
}

// known names an account by the person that the request knows it as.
func known(r requests.Request, a requests.Account) requests.Who {
	for _, w := range []requests.Who{r.By, r.Decided.Who} {
		if w.Account == a {
			return w
		}
	}
	for _, v := range r.Votes {
		if v.Account == a {
			return v.Who
		}
	}
	return requests.Who{Account: a}
}

// again says what can be done where nothing took effect. What was sent and is not
// found may still turn up: then it is looked for once more before it is paid twice.
func (s *Speaker) again(r requests.Request, i requests.Item) []Text {
	p := s.w.report
	if i.Source == requests.FromLook {
		look := "show " + string(i.Code)
		if r.Action == requests.Order {
			look = "list " + commands.Quote(orElse(orElse(i.Facts.Name, r.OrderName(i.Facts.Family)), orElse(r.Params.Address, productName(r, i))))
		}
		return []Text{p.lookFirst.fill(args{"command": command(look)})}
	}
	var next, retype Text
	if i.Source != requests.FromPerson {
		next = s.reason(i.Reason).again.fill(nil)
	}
	if retry(i.Reason) {
		retype = p.askAgain.fill(args{"command": command(retyped(r, []requests.Item{i}))})
	}
	return []Text{next, retype}
}

// retry says whether asking the same again can help.
func retry(why requests.Reason) bool {
	switch why {
	case requests.ReasonChanged, requests.ReasonGone, requests.ReasonMissing, requests.ReasonRoleLost:
		return false
	}
	return true
}

// rechecked says when somebody last had it looked again in vain.
func (s *Speaker) rechecked(items []requests.Item, now time.Time) Text {
	var last time.Time
	for _, i := range items {
		if i.State == requests.Unknown && i.Rechecked.After(last) {
			last = i.Rechecked
		}
	}
	if last.IsZero() {
		return nil
	}
	return s.w.report.rechecked.fill(args{"when": s.time(last, now)})
}

// peopleDecide says how people end what reading could not.
func (s *Speaker) peopleDecide(r requests.Request) Text {
	id := string(r.ID)
	return s.w.report.people.fill(args{
		"applied": command("settle " + id + " applied"),
		"not":     command("settle " + id + " not"),
	})
}

// reason gives the words of a reason; of one that is not in the catalogue those of
// a refusal without a reason.
func (s *Speaker) reason(why requests.Reason) reasonWords {
	if w, ok := s.w.reasons[why]; ok {
		return w
	}
	return s.w.noReason
}

func (s *Speaker) because(why requests.Reason) Text { return s.reason(why).because.fill(nil) }

// occasion is the small print of why a report comes now.
func (s *Speaker) occasion(o ReportOptions) Text {
	if !o.Repeat {
		return nil
	}
	return s.w.report.repeat.fill(nil)
}

// reportMany is one report on several licences, a line each, with each reason and
// what to do about it once.
func (s *Speaker) reportMany(r requests.Request, items []requests.Item, o ReportOptions, w widths) Message {
	c := count(items)
	m := Message{Icon: c.icon()}
	a := args{"counts": s.counts(r, c)}
	switch {
	case o.Correction:
		m.Icon, m.Head = iconWarn, s.w.report.corrected.fill(s.w.tag, len(items), a)
	default:
		m.Head = s.w.report.many.fill(s.w.tag, len(items), a)
	}
	m.Blocks = s.many(r, items, w, true)
	m.Blocks = append(m.Blocks, s.reasons(r, items, w)...)
	if c.unknown > 0 {
		m.Blocks = append(m.Blocks, paragraph(s.peopleDecide(r))...)
	}
	if slices.ContainsFunc(items, func(i requests.Item) bool { return i.Doubt }) {
		m.Blocks = append(m.Blocks, paragraph(s.w.report.doubt.fill(nil))...)
	}
	m.Blocks = append(m.Blocks, note(s.occasion(o), s.w.report.asked.fill(args{"who": who(r.By)}), s.requestNote(r))...)
	return m
}

// reasons says of each reason among the items once what it is and what to do.
func (s *Speaker) reasons(r requests.Request, items []requests.Item, w widths) []Block {
	type end struct {
		why    requests.Reason
		state  requests.ItemState
		looked bool
	}
	var seen []end
	var lines []Text
	for _, i := range items {
		e := end{i.Reason, i.State, i.State == requests.Not && i.Source == requests.FromLook}
		if i.Reason == "" || i.State != requests.Not && i.State != requests.Unknown || slices.Contains(seen, e) {
			continue
		}
		seen = append(seen, e)
		if len(seen) > w.reasons {
			continue
		}
		words := s.reason(i.Reason)
		next := words.again.fill(nil)
		switch {
		case i.State == requests.Unknown:
			next = words.recheck.fill(nil)
		case e.looked: // it may turn up yet
			next = s.w.report.lookFirst.fill(args{"command": command("list")})
		}
		lines = append(lines, s.w.report.reasonLine.fill(args{"because": words.because.fill(nil), "next": next}))
	}
	var again []requests.Item
	for _, i := range items {
		if i.State == requests.Not && i.Source != requests.FromLook && retry(i.Reason) {
			again = append(again, i)
		}
	}
	var blocks []Block
	if len(lines) > 0 {
		blocks = []Block{{Lines: lines}}
	}
	if len(again) > 0 && len(again) <= w.reasons {
		blocks = append(blocks, paragraph(s.w.report.askAgain.fill(args{"command": command(retyped(r, again))}))...)
	}
	return blocks
}

// lineOutcome is the end of a line of many: how it stands with this licence.
func (s *Speaker) lineOutcome(r requests.Request, i requests.Item, w widths) Text {
	words := s.w.actions[r.Action]
	var word Text
	switch {
	case i.State == requests.Applied && i.Expires != "" && r.Action == requests.Renew:
		word = s.w.report.until.fill(args{"outcome": words.done.fill(nil), "date": plain(string(i.Expires))})
	case i.State == requests.Applied:
		word = words.done.fill(nil)
	case i.State == requests.Not:
		word = words.not.fill(nil)
	default:
		word = plain(s.w.items[i.State])
	}
	if i.State == requests.Not || i.State == requests.Unknown {
		switch said := s.said(i.Said, w.said); {
		case w.said == 0:
		case len(said) > 0:
			return s.w.report.line.fill(args{"outcome": word, "why": said})
		case len(i.Changes) > 0: // what that means is said below the lines
			return s.w.report.line.fill(args{"outcome": word, "why": join("; ", s.changed(i)...)})
		case i.Reason != "":
			return s.w.report.line.fill(args{"outcome": word, "why": s.because(i.Reason)})
		}
	}
	return word
}

// retyped is the command, less "/license", that asks for the items' change again;
// "" where it can't be typed.
func retyped(r requests.Request, items []requests.Item) string {
	p := r.Params
	words := []string{string(r.Action)}
	if r.Action == requests.Order {
		words = append(words, strconv.Itoa(p.Product))
	}
	for _, i := range items {
		if r.Action != requests.Order {
			words = append(words, string(i.Code))
		}
	}
	option := func(key, value string) {
		if value != "" {
			words = append(words, key+"="+commands.Quote(value))
		}
	}
	switch r.Action {
	case requests.Order, requests.Edit:
		option("ip", p.Address)
		option("name", p.Name)
		option("for", string(p.For))
	case requests.Nodes:
		words = append(words, strconv.Itoa(p.Count))
	case requests.Renew, requests.Terminate:
	}
	if p.HasPeriod && (p.Period == license.Lifetime || p.Period == license.Month || p.Period == license.Year) {
		option("period", p.Period.String())
	}
	return strings.Join(words, " ")
}
