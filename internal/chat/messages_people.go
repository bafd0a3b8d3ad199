package chat

import (
	"strconv"
	"time"

	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
)

// Members shows the allowlist.
func (s *Speaker) Members(all []requests.Member) Message {
	return fit(func(w widths) Message {
		shown := all[:min(len(all), listMax)]
		var lines []Text
		for _, m := range shown {
			lines = append(lines, s.member(m, w))
		}
		if more := len(all) - len(shown); more > 0 {
			lines = append(lines, s.more(more))
		}
		return Message{Head: s.w.people.members.fill(s.w.tag, len(all), nil), Blocks: []Block{{Lines: lines}}}
	})
}

// member is a person's role and accounts, as many as there is room for.
func (s *Speaker) member(m requests.Member, w widths) Text {
	var accounts []Text
	for _, a := range m.Accounts[:min(len(m.Accounts), w.reasons)] {
		accounts = append(accounts, code(a))
	}
	name := person(m.Person, "")
	if len(m.Accounts) == 1 && m.Person == string(m.Accounts[0]) {
		name = person("", m.Accounts[0])
	}
	return join(" · ", name, plain(s.w.roles[m.Role]), join(", ", accounts...))
}

// Allowed says what an admin's "allow" did.
func (s *Speaker) Allowed(g requests.Granted, account requests.Account) Message {
	p := s.w.people
	a := args{
		"who": person(g.Member.Person, account), "role": plain(s.w.roles[g.Member.Role]),
		"before": plain(s.w.roles[g.Before]), "account": code(account),
	}
	m := Message{Icon: iconDone}
	changed := g.Before != g.Member.Role
	switch {
	case !g.Changed:
		m.Icon, m.Head = iconNone, p.asBefore.fill(a)
	case g.New:
		m.Head = p.added.fill(a)
	case g.Joined && changed:
		m.Head, m.Blocks = p.joined.fill(a), paragraph(p.joinedRole.fill(a))
	case g.Joined:
		m.Head = p.joined.fill(a)
	default:
		m.Head = p.roleChanged.fill(a)
	}
	m.Blocks = append(m.Blocks, Block{Lines: []Text{s.member(g.Member, lineWidths[0])}})
	if g.Changed {
		m.Blocks = append(m.Blocks, note(p.atOnce.fill(nil))...)
	}
	return m
}

// Revoked says who was taken from the allowlist.
func (s *Speaker) Revoked(m requests.Member) Message {
	out := Message{Icon: iconDone, Head: s.w.people.revoked.fill(args{"who": person(m.Person, "")})}
	out.Blocks = []Block{{Lines: []Text{s.member(m, lineWidths[0])}}}
	out.Blocks = append(out.Blocks, note(s.w.people.atOnce.fill(nil))...)
	return out
}

// MembersRefused says why the allowlist was not changed.
func (s *Speaker) MembersRefused(err *requests.MembersError) Message {
	p := s.w.people
	a := args{"who": person(err.Person, ""), "account": code(err.Account), "command": command("revoke " + string(err.Account))}
	switch err.Kind {
	case requests.OtherPerson:
		return say(iconStopped, p.otherPerson.fill(a), p.otherPersonNext.fill(a))
	case requests.LastAdmin:
		return say(iconStopped, p.lastAdmin.fill(a), p.lastAdminNext.fill(nil))
	case requests.NoMember:
	}
	return say(iconStopped, p.noMember.fill(a), p.seeMembers.fill(nil))
}

// AuditLines shows entries of the audit trail, the newest last; more is how many
// there are besides them.
func (s *Speaker) AuditLines(entries []requests.Entry, c license.Code, more int) Message {
	a := args{"code": code(c)}
	head := s.w.people.audit.fill(nil)
	if c != "" {
		head = s.w.people.auditOf.fill(a)
	}
	if len(entries) == 0 {
		return say(iconNone, head, s.w.people.noAudit.fill(nil))
	}
	shown := entries[max(0, len(entries)-listMax):]
	more += len(entries) - len(shown)
	return fit(func(w widths) Message {
		var lines []Text
		for _, e := range shown {
			lines = append(lines, s.entry(e, w))
		}
		m := Message{Head: head, Blocks: []Block{{Lines: lines}}}
		if more > 0 {
			m.Blocks = append(m.Blocks, note(s.w.people.older.fill(s.w.tag, more, nil))...)
		}
		return m
	})
}

func (s *Speaker) entry(e requests.Entry, w widths) Text {
	actor := person(e.Person, e.Actor)
	if e.Actor == requests.Bot || e.Actor.Transport() == "shell" {
		actor = plain(string(e.Actor))
	}
	event := plain(orElse(s.w.events[e.Event], string(e.Event)))
	var about Text
	if e.Action != "" {
		about = join(" ", plain(e.Action), short(e.License, w.name))
	}
	at := s.time(e.Time, time.Unix(0, 0)) // with its year: a trail goes back
	head := join(" ", plain("#"+strconv.FormatUint(e.Seq, 10)), at, event)
	return join(" · ", head, about, actor, short(e.Detail, w.said))
}

// Anchor publishes a day's last hash of the audit trail.
func (s *Speaker) Anchor(day license.Date, seq uint64, hash string) Message {
	m := say(iconNone, s.w.people.anchor.fill(args{"date": plain(string(day)), "seq": plain(strconv.FormatUint(seq, 10))}))
	m.Blocks = append(m.Blocks, Block{Text: code(hash)})
	m.Blocks = append(m.Blocks, note(s.w.people.anchorNext.fill(args{"hash": plain(hash)}))...)
	return m
}
