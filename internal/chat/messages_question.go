package chat

import (
	"time"

	"github.com/isplicense/license-bot/internal/requests"
)

// View is what a question must know beside its request.
type View struct {
	Now       time.Time
	Here      string            // the transport of the place: who has no account in it is named, not mentioned
	Approvers []requests.Member // those who may approve; five at the most are named
	Link      string            // of a copy: where the question stands; ""
	Twin      bool              // with Link: the copy is in the same place, and was the question once
}

// Question is the message of a request in whatever state it is: the question with
// its buttons, what is under way, or how it ended and who decided.
func (s *Speaker) Question(r requests.Request, v View) Message {
	switch r.State {
	case requests.Running, requests.Done:
		if len(r.Items) > 1 {
			return fit(func(w widths) Message { return s.decidedMany(r, v, w) })
		}
		return s.decided(r, v)
	case requests.Cancelled, requests.Denied, requests.Expired:
		return fit(func(w widths) Message { return s.ended(r, w, s.decision(r, v.Now), s.requestNote(r), s.elsewhere(v)) })
	case requests.Proposed:
	}
	return fit(func(w widths) Message { return s.proposed(r, v, w) })
}

// what is a request's object: the licence's code, or an order's product.
func what(r requests.Request, i requests.Item) Text {
	if r.Action == requests.Order {
		return plain(productName(r, i))
	}
	return code(i.Code)
}

// first is the request's only item, or the first of several.
func first(r requests.Request) requests.Item {
	if len(r.Items) == 0 {
		return requests.Item{}
	}
	return r.Items[0]
}

// title is "Renew 1001" or "Renew 3 licences".
func (s *Speaker) title(r requests.Request) Text {
	a := s.w.actions[r.Action]
	if len(r.Items) > 1 {
		return a.titleMany.fill(s.w.tag, len(r.Items), nil)
	}
	return a.title.fill(args{"what": what(r, first(r))})
}

func (s *Speaker) proposed(r requests.Request, v View, w widths) Message {
	a := s.w.actions[r.Action]
	head := a.ask.fill(args{"what": what(r, first(r))})
	if len(r.Items) > 1 {
		head = a.askMany.fill(s.w.tag, len(r.Items), nil)
	}
	if r.Need > 0 {
		head = s.w.question.needs.fill(s.w.tag, r.Need, args{"ask": head})
	}
	m := Message{Icon: iconAsk, Head: head}
	m.Blocks = s.subject(r, w, false)
	m.Blocks = append(m.Blocks, paragraph(s.tooLittle(r))...)
	if said := s.said(first(r).Said, saidMax); len(said) > 0 && len(r.Items) == 1 {
		m.Blocks = append(m.Blocks, paragraph(s.w.report.said.fill(args{"said": said}))...)
	}
	m.Blocks = append(m.Blocks, paragraph(a.next.fill(nil))...)
	m.Blocks = append(m.Blocks, paragraphs(join(" ", s.votes(r), s.asks(r, v)), s.stuck(r))...)
	m.Blocks = append(m.Blocks, note(s.mixedScripts(r))...)
	m.Blocks = append(m.Blocks, note(
		s.w.question.waits.fill(args{"until": s.time(r.Deadline, v.Now)}), s.requestNote(r), s.elsewhere(v))...)
	m.Buttons = s.choices(r)
	return m
}

// subject is what a question is about: the licences, what is done to them, what
// it costs while that is the question, and who asked.
func (s *Speaker) subject(r requests.Request, w widths, outcome bool) []Block {
	var blocks []Block
	var facts []Fact
	if len(r.Items) > 1 {
		blocks = s.many(r, r.Items, w, outcome)
	} else {
		facts = s.facts(r, first(r))
	}
	if r.State == requests.Proposed {
		facts = append(facts, s.moneyFacts(r)...)
	}
	return append(blocks, Block{Facts: append(facts, Fact{s.w.labels.by, who(r.By)})})
}

// choices are the buttons of an open question.
func (s *Speaker) choices(r requests.Request) []Button {
	id, b := string(r.ID), s.w.buttons
	yes := Primary
	if r.Action == requests.Terminate {
		yes = Danger
	}
	cancel := Button{requests.ButtonCancel, id, b.cancel, Neutral}
	if r.Need == 0 {
		return []Button{{requests.ButtonConfirm, id, b.confirm, yes}, cancel}
	}
	return []Button{{requests.ButtonApprove, id, b.approve, yes}, {requests.ButtonDeny, id, b.deny, Neutral}, cancel}
}

// votes counts the approvals, and names who gave them.
func (s *Speaker) votes(r requests.Request) Text {
	if r.Need == 0 {
		return nil
	}
	a := args{"have": number(len(r.Votes)), "missing": number(max(0, r.Need-len(r.Votes)))}
	if len(r.Votes) == 0 {
		return s.w.question.votes.fill(s.w.tag, r.Need, a)
	}
	a["who"] = s.voters(r)
	return s.w.question.votesBy.fill(s.w.tag, r.Need, a)
}

func (s *Speaker) voters(r requests.Request) Text {
	var names []Text
	for _, v := range r.Votes {
		names = append(names, who(v.Who))
	}
	return s.all(names)
}

// asks mentions those who may approve.
func (s *Speaker) asks(r requests.Request, v View) Text {
	if r.Need == 0 || len(v.Approvers) == 0 {
		return nil
	}
	shown := v.Approvers[:min(len(v.Approvers), mentionMax)]
	var names []Text
	for _, m := range shown {
		names = append(names, memberIn(m, v.Here))
	}
	if more := len(v.Approvers) - len(shown); more > 0 {
		return s.w.question.asksMore.fill(s.w.tag, more, args{"who": join(", ", names...)})
	}
	return s.w.question.asks.fill(args{"who": s.all(names)})
}

// stuck says that there are too few people who can still approve it.
func (s *Speaker) stuck(r requests.Request) Text {
	switch {
	case !r.Stuck():
		return nil
	case len(r.Approvers) == 0:
		return s.w.question.nobody.fill(nil)
	}
	return s.w.question.tooFew.fill(nil)
}

// memberIn mentions a person by their account in a chat, or names one who has
// none there.
func memberIn(m requests.Member, transport string) Text {
	for _, a := range m.Accounts {
		if a.Transport() == transport {
			return who(requests.Who{Account: a, Person: m.Person})
		}
	}
	return plain(cut(oneLine(m.Person), personMax))
}

// decided shows a single licence's request from the decision on.
func (s *Speaker) decided(r requests.Request, v View) Message {
	i := first(r)
	m := Message{Icon: iconRunning, Head: s.runningHead(r)}
	if i.Ended() {
		m.Icon, m.Head = s.reportHead(r, i, false)
	}
	m.Blocks = append(s.howKnown(r, i, v.Now), s.changes(i)...)
	m.Blocks = append(m.Blocks, s.subject(r, widths{}, true)...)
	m.Blocks = append(m.Blocks, note(s.decision(r, v.Now), s.requestNote(r), s.elsewhere(v))...)
	m.Buttons = s.recheck(r)
	return m
}

// decidedMany shows a request for several licences from the decision on.
func (s *Speaker) decidedMany(r requests.Request, v View, w widths) Message {
	m := Message{Icon: iconRunning, Head: s.runningHead(r)}
	c := count(r.Items)
	if c.open == 0 {
		m.Icon = c.icon()
		m.Head = s.w.question.titled.fill(args{"title": s.title(r), "rest": s.counts(r, c)})
	} else {
		m.Blocks = paragraph(s.counts(r, c))
	}
	m.Blocks = append(m.Blocks, s.subject(r, w, true)...)
	if c.unknown > 0 {
		m.Blocks = append(m.Blocks, paragraph(s.rechecked(r.Items, v.Now), s.peopleDecide(r))...)
	}
	m.Blocks = append(m.Blocks, note(s.decision(r, v.Now), s.requestNote(r), s.elsewhere(v))...)
	m.Buttons = s.recheck(r)
	return m
}

// runningHead is "Renew 1001: renewing, confirmed by alice".
func (s *Speaker) runningHead(r requests.Request) Text {
	a := args{"title": s.title(r), "doing": s.w.actions[r.Action].doing.fill(nil)}
	if r.Need > 0 {
		a["who"] = s.voters(r)
		return s.w.question.runningVoted.fill(a)
	}
	a["who"] = who(r.Decided.Who)
	return s.w.question.running.fill(a)
}

// ended shows a request that came to nothing, with notes below.
func (s *Speaker) ended(r requests.Request, w widths, notes ...Text) Message {
	q := s.w.question
	a := args{"title": s.title(r), "who": who(r.Decided.Who)}
	m := Message{Icon: iconStopped}
	switch {
	case r.State == requests.Expired:
		m.Icon, m.Head = iconExpired, q.expired.fill(a)
	case r.State == requests.Denied:
		m.Head = q.denied.fill(a)
	case r.Decided.Account == requests.Bot || r.Decided.Account == "":
		m.Head = q.stopped.fill(a)
	default:
		m.Head = q.cancelled.fill(a)
	}
	m.Blocks = paragraph(q.nothing.fill(nil))
	m.Blocks = append(m.Blocks, s.subject(r, w, false)...)
	m.Blocks = append(m.Blocks, note(notes...)...)
	return m
}

// decision is the sentence of who ended the question, how and when; nothing while
// it is open.
func (s *Speaker) decision(r requests.Request, now time.Time) Text {
	q := s.w.question
	a := args{"when": s.time(r.Decided.At, now), "who": who(r.Decided.Who)}
	switch r.State {
	case requests.Proposed:
		return nil
	case requests.Running, requests.Done:
		if r.Need > 0 {
			a["who"] = s.voters(r)
			return q.wasApproved.fill(a)
		}
		return q.wasConfirmed.fill(a)
	case requests.Denied:
		return q.wasDenied.fill(a)
	case requests.Expired:
		a["when"] = s.time(r.Deadline, now)
		if r.Need > 0 {
			a["have"] = number(len(r.Votes))
			return q.wasExpiredNo.fill(s.w.tag, r.Need, a)
		}
		return q.wasExpired.fill(a)
	case requests.Cancelled:
	}
	if r.Decided.Account == requests.Bot || r.Decided.Account == "" {
		return q.wasStopped.fill(a)
	}
	return q.wasCancelled.fill(a)
}

// recheck is the button of a request with something uncertain in it.
func (s *Speaker) recheck(r requests.Request) []Button {
	if count(r.Items).unknown == 0 {
		return nil
	}
	return []Button{{requests.ButtonRecheck, string(r.ID), s.w.buttons.recheck, Primary}}
}

// requestNote names the request, and the one that it was asked anew for.
func (s *Speaker) requestNote(r requests.Request) Text {
	id := s.w.question.id.fill(args{"id": code(r.ID)})
	if r.Follows == "" {
		return id
	}
	return join(" ", id, s.w.question.follows.fill(args{"old": code(r.Follows)}))
}

func (s *Speaker) elsewhere(v View) Text {
	if v.Link == "" {
		return nil
	}
	phrase := s.w.question.elsewhere
	if v.Twin {
		phrase = s.w.question.twin
	}
	return phrase.fill(args{"link": link(v.Link, s.w.question.elsewhereWord)})
}
