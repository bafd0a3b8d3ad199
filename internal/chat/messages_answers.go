package chat

import (
	"slices"
	"time"

	"github.com/isplicense/license-bot/internal/commands"
	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
)

// Answer is what whoever pressed a button or settled a request is told; has is
// their role now, and r the request after it.
func (s *Speaker) Answer(r requests.Request, a requests.Answer, has requests.Role) Message {
	switch a.Kind {
	case requests.Accepted:
		return s.accepted(r)
	case requests.AlreadyDecided:
		return s.AlreadyDecided(r)
	case requests.NotAllowed:
		return s.NotAllowed(a.Need, has)
	case requests.NotMember:
		return say(iconStopped, s.w.answer.stranger.fill(nil))
	case requests.NotYours:
		return s.NotYours(r)
	case requests.OwnRequest:
		return s.OwnRequest(r)
	case requests.AlreadyVoted:
		return s.AlreadyVoted(r)
	case requests.NothingUncertain:
		return s.NothingUncertain(r)
	case requests.Rechecking:
		return s.Rechecking(r)
	case requests.WrongButton:
	}
	return s.WrongButton()
}

// accepted says that a click or a word counts, and what follows from it.
func (s *Speaker) accepted(r requests.Request) Message {
	switch {
	case r.State == requests.Proposed:
		return say(iconDone, s.w.answer.voted.fill(nil), s.votes(r))
	case r.State == requests.Running && count(r.Items).open > 0:
		return say(iconRunning, s.runningHead(r))
	case r.State == requests.Running || r.State == requests.Done:
		return say(count(r.Items).icon(), s.outcome(r))
	}
	return say(iconDone, s.decision(r, time.Time{}), s.w.question.nothing.fill(nil))
}

// outcome is what a request has come to, in one sentence.
func (s *Speaker) outcome(r requests.Request) Text {
	if len(r.Items) == 1 {
		_, head := s.reportHead(r, first(r), false)
		return head
	}
	return s.w.question.titled.fill(args{"title": s.title(r), "rest": s.counts(r, count(r.Items))})
}

// AlreadyDecided answers a click on a question that has been decided: who decided
// what, when, and what has come of it.
func (s *Speaker) AlreadyDecided(r requests.Request) Message {
	return say(iconNone, s.w.answer.decided.fill(args{"how": s.decision(r, time.Time{})}), s.standing(r))
}

// standing is what has come of a request by now; nothing while it is a question.
func (s *Speaker) standing(r requests.Request) Text {
	switch r.State {
	case requests.Proposed:
		return s.w.answer.undecided.fill(nil)
	case requests.Cancelled, requests.Denied, requests.Expired:
		return s.w.question.nothing.fill(nil)
	case requests.Running, requests.Done:
	}
	if count(r.Items).open > 0 {
		return s.w.answer.underWay.fill(nil)
	}
	return s.outcome(r)
}

// Asked is an open request that stands in the way of another, with those of the
// codes that it is about.
type Asked struct {
	Request requests.Request
	Codes   []license.Code // none of an order
	Link    string         // where its question is, ""
}

// LeftOut names the licences for which the same is asked already; rest is how many
// others are asked for now.
func (s *Speaker) LeftOut(asked []Asked, rest int) Message {
	head := s.w.answer.asked.fill(nil)
	if rest > 0 {
		head = s.w.answer.leftOut.fill(s.w.tag, rest, nil)
	}
	var lines []Text
	for _, a := range asked[:min(len(asked), listMax)] {
		var codes []Text
		for _, c := range a.Codes {
			codes = append(codes, code(c))
		}
		about := args{
			"who": person(a.Request.By.Person, a.Request.By.Account), "id": code(a.Request.ID),
			"codes": join(", ", codes...), "when": s.time(a.Request.Asked, time.Time{}),
		}
		line := s.w.answer.askedOrder.fill(about)
		if len(codes) > 0 {
			line = s.w.answer.askedBy.fill(about)
		}
		if a.Link != "" {
			line = join(" ", line, link(a.Link, s.w.answer.there))
		}
		lines = append(lines, line)
	}
	if more := len(asked) - listMax; more > 0 {
		lines = append(lines, s.more(more))
	}
	m := say(iconNone, head)
	m.Blocks = append(m.Blocks, Block{Lines: lines})
	return m
}

// RuledOut says of several licences asked for at once why some, or all, can't be; why
// are the heads of what would be said of each alone, rest is how many are asked for.
func (s *Speaker) RuledOut(why []Text, rest int) Message {
	head := s.w.answer.noneAsked.fill(nil)
	if rest > 0 {
		head = s.w.answer.ruledOut.fill(s.w.tag, rest, nil)
	}
	lines := slices.Clone(why[:min(len(why), listMax)])
	if more := len(why) - listMax; more > 0 {
		lines = append(lines, s.more(more))
	}
	m := say(iconNone, head)
	m.Blocks = append(m.Blocks, Block{Lines: lines})
	return m
}

// NotAllowed refuses for want of a role. It names no licence.
func (s *Speaker) NotAllowed(need, has requests.Role) Message {
	a := args{"need": plain(s.w.roles[need]), "has": plain(s.w.roles[has])}
	return say(iconStopped, s.w.answer.notAllowed.fill(a), s.w.answer.askAdmin.fill(nil))
}

// CouldNotCheck says that a right could not be looked up: neither yes nor no.
func (s *Speaker) CouldNotCheck() Message {
	return say(iconWarn, s.w.answer.couldNotCheck.fill(nil), s.w.answer.tryAgain.fill(nil))
}

// OwnRequest says that nobody approves or denies what they asked for themselves.
func (s *Speaker) OwnRequest(r requests.Request) Message {
	return say(iconStopped, s.w.answer.own.fill(nil), s.w.answer.ownNext.fill(nil))
}

// NotYours says whose request it is to confirm or cancel.
func (s *Speaker) NotYours(r requests.Request) Message {
	return say(iconStopped, s.w.answer.notYours.fill(args{"who": person(r.By.Person, r.By.Account)}), s.w.answer.notYoursNext.fill(nil))
}

// AlreadyVoted says that a person's approval counts once.
func (s *Speaker) AlreadyVoted(r requests.Request) Message {
	return say(iconNone, s.w.answer.alreadyVoted.fill(nil), s.votes(r))
}

// WrongButton says that the request is not decided by that button.
func (s *Speaker) WrongButton() Message {
	return say(iconNone, s.w.answer.wrongButton.fill(nil), s.w.answer.seePending.fill(nil))
}

// UnknownRequest says that there is no such request.
func (s *Speaker) UnknownRequest() Message {
	return say(iconNone, s.w.answer.noRequest.fill(nil), s.w.answer.seePending.fill(nil))
}

// NothingUncertain says that there is nothing to recheck or settle.
func (s *Speaker) NothingUncertain(r requests.Request) Message {
	return say(iconNone, s.w.answer.nothingUncertain.fill(args{"id": code(r.ID)}), s.decision(r, time.Time{}), s.standing(r))
}

// Rechecking says that the panel is looked into again.
func (s *Speaker) Rechecking(r requests.Request) Message {
	return say(iconRunning, s.w.answer.rechecking.fill(args{"id": code(r.ID)}), s.w.answer.inThread.fill(nil))
}

// Settled tells an admin that their word was taken.
func (s *Speaker) Settled(r requests.Request) Message {
	return say(iconDone, s.w.answer.settled.fill(args{"id": code(r.ID)}), s.outcome(r))
}

// Stranger tells somebody who is not on the allowlist no more than their own id
// and whom to ask.
func (s *Speaker) Stranger(a requests.Account, admins []requests.Member) Message {
	m := say(iconStopped, s.w.answer.stranger.fill(nil))
	m.Blocks = append(m.Blocks, Block{Facts: []Fact{{s.w.labels.account, code(a)}}})
	var names []Text
	for _, admin := range admins[:min(len(admins), mentionMax)] {
		names = append(names, namedIn(admin, a.Transport()))
	}
	if len(names) > 0 {
		m.Blocks = append(m.Blocks, paragraph(s.w.answer.askThese.fill(args{"who": join(", ", names...)}))...)
	}
	return m
}

// namedIn names a person, by an account of that chat where they have no name.
func namedIn(m requests.Member, transport string) Text {
	if _, err := requests.ParseAccount(m.Person); err == nil {
		return memberIn(m, transport)
	}
	return person(m.Person, "")
}

// NobodyCanApprove refuses what needs more approvals than there are others to give.
func (s *Speaker) NobodyCanApprove(action requests.Action, need, have int) Message {
	a := args{"have": number(have), "verb": code(action)}
	head := s.w.answer.nobody
	if have > 0 {
		head = s.w.answer.tooFew
	}
	return say(iconStopped, head.fill(s.w.tag, need, a), s.w.answer.nobodyNext.fill(nil))
}

// RateLimited says when somebody who is too fast may go on.
func (s *Speaker) RateLimited(until time.Time) Message {
	t := until.In(s.loc)
	if !t.Truncate(time.Second).Equal(t) {
		t = t.Add(time.Second)
	}
	return say(iconExpired, s.w.answer.rate.fill(args{"when": plain(t.Format("15:04:05") + " " + zone(t))}))
}

// Broken says that the bot's own store does not take anything now.
func (s *Speaker) Broken() Message {
	return say(iconWarn, s.w.answer.broken.fill(nil), s.w.answer.brokenNext.fill(nil))
}

// CannotPost says that the bot may not post where it was asked, by [Closed].Why,
// and what to do about it. The question went to the asker by direct message, or,
// where others would have to approve it, was refused. invite is the command that
// adds the bot to a channel of that chat, "" where there is none or it is not known.
func (s *Speaker) CannotPost(why, invite string, refused bool) Message {
	m := say(iconWarn, s.closed(why).fill(nil))
	w := s.w.answer
	asked, add, with := w.closedAsked, w.addNext, w.inviteNext
	if refused {
		m.Icon = iconStopped
		asked, add, with = w.closedRefused, w.add, w.invite
	}
	m.Blocks = append(m.Blocks, paragraph(asked.fill(nil))...)
	switch {
	case why == "not-in-channel" && invite != "":
		m.Blocks = append(m.Blocks, paragraph(with.fill(args{"command": code(invite)}))...)
	case why == "not-in-channel":
		m.Blocks = append(m.Blocks, paragraph(add.fill(nil))...)
	case refused:
		m.Blocks = append(m.Blocks, paragraph(w.elsewhere.fill(nil))...)
	}
	return m
}

func (s *Speaker) closed(why string) phrase {
	if p, ok := s.w.closed[why]; ok {
		return p
	}
	return s.w.closedElse
}

// Undelivered tells admins of a report that could not be delivered, why
// ([Closed].Why or "") and what it said.
func (s *Speaker) Undelivered(r requests.Request, why string) Message {
	return say(iconWarn, s.w.answer.undelivered.fill(args{"id": code(r.ID)}), s.closed(why).fill(nil),
		s.outcome(r), s.w.answer.undeliveredNext.fill(args{"who": person(r.By.Person, r.By.Account)}))
}

// AnsweredInPrivate says where the answer went.
func (s *Speaker) AnsweredInPrivate() Message {
	return say(iconNone, s.w.answer.private.fill(nil))
}

// PrivateFirst asks a person to open a private chat before they can be answered
// there.
func (s *Speaker) PrivateFirst() Message {
	return say(iconNone, s.w.answer.privateFirst.fill(nil))
}

// PanelDown says why nothing could be read from the panel, and when it is tried
// again where the bot waits with that by itself.
func (s *Speaker) PanelDown(why requests.Reason, until time.Time) Message {
	next := s.reason(why).read.fill(nil)
	m := say(iconWarn, s.w.answer.panelDown.fill(args{"because": s.because(why)}), next)
	if !until.IsZero() {
		m.Blocks = append(m.Blocks, paragraph(s.w.answer.panelUntil.fill(args{"when": s.time(until, time.Time{})}))...)
	}
	return m
}

// NoLicence says that the panel does not show a licence with the code.
func (s *Speaker) NoLicence(c license.Code) Message {
	return say(iconNone, s.w.answer.noLicence.fill(args{"code": code(c)}), s.w.answer.seeList.fill(nil))
}

// NoneAsked says that the panel does not show a licence that something was asked for,
// and that therefore none of it was.
func (s *Speaker) NoneAsked(c license.Code) Message {
	return say(iconNone, s.w.answer.noLicence.fill(args{"code": code(c)}), s.w.answer.noneAsked.fill(nil), s.w.answer.seeList.fill(nil))
}

// NoNodes says that the licence's product has no count of nodes.
func (s *Speaker) NoNodes(c license.Code) Message {
	return say(iconStopped, s.w.answer.noNodes.fill(args{"code": code(c)}), s.w.answer.noneAsked.fill(nil), s.w.answer.seeShow.fill(args{"command": command("show " + string(c))}))
}

// NothingToChange says that the licence is as it was asked to become.
func (s *Speaker) NothingToChange(c license.Code) Message {
	return say(iconNone, s.w.answer.noChange.fill(args{"code": code(c)}), s.w.answer.noneAsked.fill(nil), s.w.answer.seeShow.fill(args{"command": command("show " + string(c))}))
}

// Deleted says that the licence is terminated already.
func (s *Speaker) Deleted(c license.Code) Message {
	return say(iconNone, s.w.answer.deleted.fill(args{"code": code(c)}), s.w.answer.noneAsked.fill(nil), s.w.answer.seeList.fill(nil))
}

// Lifetime says that the licence does not expire.
func (s *Speaker) Lifetime(c license.Code) Message {
	return say(iconNone, s.w.answer.lifetime.fill(args{"code": code(c)}), s.w.answer.noneAsked.fill(nil), s.w.answer.seeShow.fill(args{"command": command("show " + string(c))}))
}

// NotReached says that a request was withdrawn since no approver could be told.
func (s *Speaker) NotReached(r requests.Request) Message {
	return say(iconStopped, s.w.answer.notReached.fill(args{"id": code(r.ID)}), s.w.answer.notReachedNext.fill(nil))
}

// NotYet says that the chat does not take the question, which is tried again.
func (s *Speaker) NotYet(r requests.Request, now time.Time) Message {
	return say(iconWarn, s.w.answer.notYet.fill(args{"id": code(r.ID)}),
		s.w.answer.notYetNext.fill(args{"until": s.time(r.Deadline, now)}), s.w.answer.notYetAdmin.fill(nil))
}

// SayError says what was wrong with a command, the nearest right one, and how it
// is used.
func (s *Speaker) SayError(err *commands.Error) Message {
	e := s.w.errors
	spec, known := commands.SpecOf(err.Verb)
	near := codes(err.Near)
	if err.Kind == commands.UnknownVerb {
		for n, verb := range err.Near[:len(near)] {
			near[n] = command(verb)
		}
	}
	a := args{
		"word": plain(err.Word), "verb": code(err.Verb), "limit": number(err.Limit), "upto": plain(err.Upto),
		"near": join(", ", near...), "allowed": join(", ", codes(err.Allowed)...),
	}
	sentence, ok := e.kinds[err.Kind]
	if !ok {
		sentence = e.other
	}
	m := say(iconNone, sentence.fill(a))
	switch {
	case len(err.Near) > 0 && err.Kind != commands.NeedsKey:
		m.Blocks = append(m.Blocks, paragraph(e.near.fill(a))...)
	case len(err.Allowed) > 0:
		m.Blocks = append(m.Blocks, paragraph(e.allowed.fill(a))...)
	}
	if err.Kind == commands.BadAccount || err.Kind == commands.MissingArgument && err.Word == "WHO" {
		m.Blocks = append(m.Blocks, paragraph(e.who.fill(nil))...)
	}
	if known {
		m.Blocks = append(m.Blocks, s.usage(spec)...)
	} else {
		m.Blocks = append(m.Blocks, paragraph(s.w.help.more.fill(nil))...)
	}
	return m
}

func codes(words []string) []Text {
	var out []Text
	for _, w := range words[:min(len(words), listMax)] {
		out = append(out, code(w))
	}
	return out
}

// say is a message of a head and a few paragraphs.
func say(icon string, head Text, texts ...Text) Message {
	return Message{Icon: icon, Head: head, Blocks: paragraphs(texts...)}
}
