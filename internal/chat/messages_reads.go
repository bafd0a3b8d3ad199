package chat

import (
	"slices"
	"strings"
	"time"

	"github.com/isplicense/license-bot/internal/commands"
	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
)

// Open is a request that waits for somebody or for the panel.
type Open struct {
	Request requests.Request
	Link    string // where its question is, ""
}

// SummaryView is what bare "/license" tells.
type SummaryView struct {
	Now     time.Time
	Waiting []Open            // what waits for the asker
	Yours   []Open            // what they asked for and others, or the panel, are at
	Due     []license.License // what expires soon
	Today   license.Date
	Unread  requests.Reason // why Due could not be read; "" where it was
	MayAsk  bool            // the asker may renew: there are buttons for it
}

// Summary says what waits for the asker and what expires soon.
func (s *Speaker) Summary(v SummaryView) Message {
	r := s.w.read
	m := Message{Head: r.summary.fill(nil)}
	if len(v.Waiting) == 0 {
		m.Blocks = paragraph(r.nothingWaits.fill(nil))
	} else {
		m.Blocks = append(paragraph(r.waiting.fill(s.w.tag, len(v.Waiting), nil)), Block{Lines: s.openLines(v.Waiting, v.Now, 10)})
	}
	if len(v.Yours) > 0 {
		m.Blocks = append(m.Blocks, paragraph(r.yours.fill(s.w.tag, len(v.Yours), nil))...)
		m.Blocks = append(m.Blocks, Block{Lines: s.openLines(v.Yours, v.Now, 10)})
	}
	switch {
	case v.Unread != "":
		m.Blocks = append(m.Blocks, paragraphs(s.w.answer.panelDown.fill(args{"because": s.because(v.Unread)}), s.reason(v.Unread).read.fill(nil))...)
	case len(v.Due) == 0:
		m.Blocks = append(m.Blocks, paragraph(r.nothingDue.fill(nil))...)
	default:
		lines, due := s.dueLines(v.Due, v.Today, 10)
		m.Blocks = append(m.Blocks, paragraph(r.due.fill(s.w.tag, len(v.Due), nil))...)
		m.Blocks = append(m.Blocks, Block{Lines: lines})
		if v.MayAsk {
			m.Buttons = s.renewButtons(due)
		}
	}
	m.Blocks = append(m.Blocks, note(s.w.help.more.fill(nil))...)
	return m
}

func (s *Speaker) renewButtons(due []license.License) []Button {
	var buttons []Button
	for _, l := range due {
		label := s.w.buttons.renew.fill(args{"code": code(l.Code)}).String()
		buttons = append(buttons, Button{requests.ButtonRenew, string(l.Code), label, Neutral})
	}
	return buttons
}

// dueLines are a line for each licence, the most urgent first, and the licences
// that have one.
func (s *Speaker) dueLines(due []license.License, today license.Date, most int) ([]Text, []license.License) {
	due = slices.Clone(due)
	slices.SortStableFunc(due, func(a, b license.License) int {
		return strings.Compare(string(a.Expires)+"/"+string(a.Code), string(b.Expires)+"/"+string(b.Code))
	})
	shown := due[:min(len(due), most)]
	var lines []Text
	for _, l := range shown {
		lines = append(lines, join(" · ", s.named(l), short(l.Product, 40), s.due(l.Expires, today)))
	}
	if more := len(due) - len(shown); more > 0 {
		lines = append(lines, s.more(more))
	}
	return lines, shown
}

// named is a licence's code, name and address.
func (s *Speaker) named(l license.License) Text {
	return join(" · ", join(" ", code(l.Code), short(l.Name, 40)), short(l.Address, 39))
}

// due is an expiry date with how far it is.
func (s *Speaker) due(d, today license.Date) Text {
	if d == "" {
		return plain(s.w.now.unknown)
	}
	if today == "" {
		return plain(string(d))
	}
	a := args{"date": plain(string(d))}
	switch n := today.Days(d); {
	case n == 0:
		return s.w.now.today.fill(a)
	case n > 0:
		return s.w.now.inDays.fill(s.w.tag, n, a)
	default:
		return s.w.now.ago.fill(s.w.tag, -n, a)
	}
}

// WhoAmI tells an account whose it is.
func (s *Speaker) WhoAmI(a requests.Account, m requests.Member, known bool) Message {
	l := s.w.labels
	facts := []Fact{{l.account, code(a)}}
	if !known {
		return Message{Head: s.w.answer.stranger.fill(nil), Blocks: []Block{{Facts: facts}}}
	}
	facts = append(facts, Fact{l.person, person(m.Person, "")}, Fact{l.role, plain(s.w.roles[m.Role])})
	if len(m.Accounts) > 1 {
		var all []Text
		for _, b := range m.Accounts {
			all = append(all, code(b))
		}
		facts = append(facts, Fact{l.accounts, join(", ", all...)})
	}
	return Message{Head: s.w.read.whoami.fill(args{"role": plain(s.w.roles[m.Role])}), Blocks: []Block{{Facts: facts}}}
}

// List shows the licences that were found by the words.
func (s *Speaker) List(all []license.License, words []string) Message {
	about := plain(cut(oneLine(strings.Join(words, " ")), nameMax))
	if len(all) == 0 {
		if len(words) == 0 {
			return say(iconNone, s.w.read.noneAtAll.fill(nil))
		}
		return say(iconNone, s.w.read.noneFound.fill(args{"words": about}), s.w.answer.seeList.fill(nil))
	}
	shown := all[:min(len(all), listMax)]
	m := Message{Head: s.w.read.licences.fill(s.w.tag, len(all), nil)}
	if len(words) > 0 {
		m.Head = s.w.read.licencesOf.fill(s.w.tag, len(all), args{"words": about})
	}
	var lines []Text
	for _, l := range shown {
		lines = append(lines, join(" · ", s.named(l), short(l.Product, 40), short(string(l.Expires), 10), s.unusual(l.Status)))
	}
	if more := len(all) - len(shown); more > 0 {
		lines = append(lines, s.w.now.narrowed.fill(s.w.tag, more, args{"command": command("list WORDS")}))
	}
	m.Blocks = []Block{{Lines: lines}}
	return m
}

// unusual names a status that is not the ordinary one.
func (s *Speaker) unusual(st license.Status) Text {
	if st == license.StatusActive || st == license.StatusUnknown {
		return nil
	}
	return plain(s.status(st))
}

func (s *Speaker) status(st license.Status) string { return orElse(s.w.statuses[st], st.String()) }

// Show is one licence in full. nodes is its count of nodes, negative where it has
// none or it is not known.
func (s *Speaker) Show(l license.License, nodes int) Message {
	w := s.w.labels
	var t table
	t.plain(w.name, cut(oneLine(l.Name), nameMax))
	t.plain(w.address, cut(oneLine(l.Address), addressMax))
	t.plain(w.product, cut(oneLine(l.Product), productMax))
	t.plain(w.status, s.status(l.Status))
	t.plain(w.expires, string(l.Expires))
	if l.HasPeriod {
		t.add(w.period, s.period(l.Period))
	}
	if nodes >= 0 {
		t.add(w.nodes, number(nodes))
	}
	t.plain(w.price, cut(oneLine(l.Cost), priceMax))
	t.plain(w.autoprolong, cut(oneLine(l.AutoProlong), priceMax))
	t.plain(w.created, string(l.Created))
	m := Message{Head: s.w.read.licence.fill(args{"code": code(l.Code)}), Blocks: []Block{{Facts: t}}}
	if l.Live() {
		m.Blocks = append(m.Blocks, note(command("renew "+string(l.Code)), plain("·"), command("history "+string(l.Code)))...)
	}
	return m
}

// Expiring shows what expires within so many days.
func (s *Speaker) Expiring(due []license.License, days int, today license.Date) Message {
	if len(due) == 0 {
		return say(iconNone, s.w.read.noneExpires.fill(s.w.tag, days, nil))
	}
	lines, shown := s.dueLines(due, today, listMax)
	m := Message{Head: s.w.read.expiring.fill(s.w.tag, days, args{"count": number(len(due))}), Blocks: []Block{{Lines: lines}}}
	var all []string
	for _, l := range shown {
		all = append(all, string(l.Code))
	}
	m.Blocks = append(m.Blocks, note(s.w.read.renewAll.fill(args{"command": command("renew " + strings.Join(all, " "))}))...)
	return m
}

// Products shows the rows of the pricelist that were found by the words.
func (s *Speaker) Products(all []license.Product, words []string) Message {
	if len(all) == 0 {
		about := plain(cut(oneLine(strings.Join(words, " ")), nameMax))
		return say(iconNone, s.w.read.noProduct.fill(args{"words": about}), s.w.read.seeProducts.fill(nil))
	}
	var lines []Text
	for _, p := range all {
		lines = append(lines, join(" · ", join(" ", code(number(p.Code).String()), plain(p.Name)), s.nodesOf(p)))
	}
	m := Message{Head: s.w.read.products.fill(s.w.tag, len(all), nil), Blocks: []Block{{Lines: lines}}}
	m.Blocks = append(m.Blocks, note(s.w.read.orderHint.fill(nil))...)
	return m
}

func (s *Speaker) nodesOf(p license.Product) Text {
	if p.Node == 0 {
		return nil
	}
	return s.w.read.hasNodes.fill(nil)
}

// Pending shows the open requests.
func (s *Speaker) Pending(all []Open, now time.Time) Message {
	if len(all) == 0 {
		return say(iconNone, s.w.read.nonePending.fill(nil))
	}
	return Message{
		Head:   s.w.read.pending.fill(s.w.tag, len(all), nil),
		Blocks: []Block{{Lines: s.openLines(all, now, listMax)}},
	}
}

func (s *Speaker) openLines(all []Open, now time.Time, most int) []Text {
	var lines []Text
	for _, o := range all[:min(len(all), most)] {
		title := s.title(o.Request)
		if o.Link != "" {
			title = link(o.Link, title.String())
		}
		by := s.w.read.by.fill(args{"who": person(o.Request.By.Person, o.Request.By.Account)})
		lines = append(lines, join(" · ", join(" ", code(o.Request.ID), title), by, s.stands(o.Request, now)))
	}
	if more := len(all) - most; more > 0 {
		lines = append(lines, s.more(more))
	}
	return lines
}

// stands says what an open request waits for.
func (s *Speaker) stands(r requests.Request, now time.Time) Text {
	c := count(r.Items)
	until := args{"until": s.time(r.Deadline, now), "have": number(len(r.Votes))}
	switch {
	case r.State == requests.Proposed && r.Need > 0:
		return s.w.read.votes.fill(s.w.tag, r.Need, until)
	case r.State == requests.Proposed:
		return s.w.read.confirm.fill(until)
	case c.unknown > 0:
		return s.w.read.uncertain.fill(args{"command": command("settle " + string(r.ID) + " applied|not")})
	case c.looking > 0:
		return plain(s.w.items[requests.Looking])
	}
	return s.w.read.underWay.fill(nil)
}

// Operation is one entry of the panel's history of a licence, as it gives it.
type Operation struct{ When, What, Who string }

// History shows what the panel says was done with a licence.
func (s *Speaker) History(c license.Code, ops []Operation) Message {
	a := args{"code": code(c)}
	if len(ops) == 0 {
		return say(iconNone, s.w.read.noHistory.fill(a))
	}
	shown := ops[:min(len(ops), listMax)]
	var lines []Text
	for _, o := range shown {
		lines = append(lines, join(" · ", short(o.When, 20), short(s.orUnknown(oneLine(o.What)), 100), short(o.Who, 40)))
	}
	if more := len(ops) - len(shown); more > 0 {
		lines = append(lines, s.more(more))
	}
	return Message{Head: s.w.read.history.fill(a), Blocks: []Block{{Lines: lines}}}
}

// Balance says what is in the account, as the panel says it.
func (s *Speaker) Balance(balance string) Message {
	if balance = cut(oneLine(balance), priceMax); balance == "" {
		return say(iconWarn, s.w.read.noBalance.fill(nil), s.w.noReason.read.fill(nil))
	}
	return say(iconNone, s.w.read.balance.fill(args{"balance": plain(balance)}))
}

// Help lists what somebody of the role may type, or tells of one verb.
func (s *Speaker) Help(specs []commands.Spec, role requests.Role, verb string) Message {
	for _, spec := range specs {
		if verb != "" && strings.EqualFold(spec.Verb, verb) {
			m := say(iconNone, s.about(spec))
			m.Blocks = append(m.Blocks, s.usage(spec)...)
			if spec.Role > requests.Nobody {
				m.Blocks = append(m.Blocks, note(s.w.help.role.fill(args{"role": plain(s.w.roles[spec.Role])}))...)
			}
			return m
		}
	}
	var lines []Text
	for _, spec := range specs {
		if spec.Role <= role {
			lines = append(lines, s.w.help.line.fill(args{"usage": command(spec.Usage), "about": s.about(spec)}))
		}
	}
	m := Message{Head: s.w.help.head.fill(nil), Blocks: []Block{{Lines: lines}}}
	m.Blocks = append(m.Blocks, note(s.w.help.one.fill(nil))...)
	return m
}

// about says what a verb does; the table's own words are English.
func (s *Speaker) about(spec commands.Spec) Text {
	return plain(orElse(s.w.help.verbs[spec.Verb], spec.About))
}

func (s *Speaker) usage(spec commands.Spec) []Block {
	return []Block{{Facts: []Fact{
		{s.w.help.usage, command(spec.Usage)},
		{s.w.help.example, command(spec.Example)},
	}}}
}
