package chat

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/commands"
	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
)

var update = flag.Bool("update", false, "write the golden transcripts anew")

var (
	noon  = time.Date(2025, 2, 5, 12, 0, 0, 0, time.UTC)
	alice = requests.Who{Account: "slack:T1/UALICE", Person: "alice"}
	bob   = requests.Who{Account: "slack:T1/UBOB", Person: "bob"}
	carol = requests.Who{Account: "telegram:33", Person: "carol"}
	view  = View{Now: noon, Here: "slack"}
)

func speaker() *Speaker { return NewSpeaker("en", time.UTC) }

// sample is an open request of the action for licence 1001.
func sample(a requests.Action) requests.Request {
	r := requests.Request{
		ID: "k3f9ab", Action: a, By: alice, State: requests.Proposed,
		Asked: noon, Deadline: noon.Add(15 * time.Minute), Balance: "12.50 EUR",
		Items: []requests.Item{{
			Code: "1001", State: requests.Waiting,
			Facts: requests.Facts{
				Name: "srv1", Address: "192.0.2.10", Product: "ISPmanager 6 Lite", ProductCode: 546,
				Expires: "2025-02-10", Period: license.Month, Price: "4.50 EUR", Nodes: 2,
			},
		}},
	}
	i := &r.Items[0]
	switch a {
	case requests.Order:
		r.Params = requests.Params{Product: 546, Address: "192.0.2.10", Name: "srv1", Period: license.Month}
		i.Code, i.Facts.Expires = "", ""
	case requests.Edit:
		r.Params = requests.Params{Name: "srv one"}
	case requests.Nodes:
		r.Params = requests.Params{Count: 3}
	case requests.Renew:
		i.Facts.After = "2025-03-10"
	case requests.Terminate:
		r.Need, r.Approvers = 1, []requests.Member{
			{Person: "bob", Accounts: []requests.Account{bob.Account}},
			{Person: "carol", Accounts: []requests.Account{carol.Account}},
		}
		r.Deadline = noon.Add(24 * time.Hour)
	}
	return r
}

// decided is the request after it was confirmed or approved.
func decided(r requests.Request) requests.Request {
	r.State, r.Decided = requests.Running, requests.Vote{Who: alice, At: noon}
	if r.Need > 0 {
		r.Votes = []requests.Vote{{Who: bob, At: noon}}
		r.Decided.Who = bob
	}
	return r
}

// ended is the request with its items in a state.
func ended(r requests.Request, st requests.ItemState, from requests.Source, why requests.Reason, said string) requests.Request {
	r = decided(r)
	r.State, r.Items = requests.Done, slices.Clone(r.Items)
	for n := range r.Items {
		i := &r.Items[n]
		i.State, i.Source, i.Reason, i.Said = st, from, why, said
		if st == requests.Looking {
			r.State, i.LookUntil = requests.Running, noon.Add(time.Minute)
		}
		if st == requests.Applied && r.Action == requests.Renew {
			i.Expires = "2025-03-10"
		}
		if st == requests.Applied && r.Action == requests.Order {
			i.Code, i.Expires = "1005", "2025-03-05"
		}
		if from == requests.FromPerson {
			i.SettledBy = bob.Account
		}
	}
	return r
}

// bulk is a renewal of n licences.
func bulk(n int) requests.Request {
	r := sample(requests.Renew)
	one := r.Items[0]
	r.Items = nil
	for i := range n {
		it := one
		it.Code = license.Code(fmt.Sprint(1001 + i))
		it.Facts.Name = fmt.Sprintf("srv%d", 1+i)
		it.Facts.Address = fmt.Sprintf("192.0.2.%d", 10+i)
		r.Items = append(r.Items, it)
	}
	return r
}

// transcript compares messages with testdata/NAME.txt; run with -update to write it.
func transcript(t *testing.T, name string, messages ...Message) {
	t.Helper()
	got := ""
	for i, m := range messages {
		if i > 0 {
			got += "--\n"
		}
		got += PlainText(m)
	}
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; look and run with -update:\n%s", path, got)
	}
}

func TestQuestions(t *testing.T) {
	s := speaker()
	for _, a := range requests.Actions() {
		r := sample(a)
		v := view
		v.Approvers = r.Approvers
		cancelled, denied, expired, stopped := decided(r), decided(r), r, decided(r)
		cancelled.State, denied.State, expired.State, stopped.State = requests.Cancelled, requests.Denied, requests.Expired, requests.Cancelled
		stopped.Decided.Who = requests.Who{Account: requests.Bot, Person: "bot"}
		refused := ended(r, requests.Not, requests.FromPanel, requests.ReasonMoney, "Not enough money")
		messages := []Message{
			s.Question(r, v),
			s.Question(decided(r), v),
			s.Question(ended(r, requests.Looking, "", requests.ReasonTimeout, ""), v),
			s.Question(ended(r, requests.Applied, requests.FromPanel, "", ""), v),
			s.Question(refused, v),
			s.Question(ended(r, requests.Unknown, requests.FromLook, requests.ReasonInProcess, "Request in process, please wait"), v),
			s.Question(cancelled, v), s.Question(denied, v), s.Question(expired, v), s.Question(stopped, v),
		}
		unknown := ended(r, requests.Unknown, requests.FromLook, requests.ReasonTimeout, "")
		unknown.Items[0].Rechecked = noon.Add(time.Hour)
		messages = append(messages, s.Question(unknown, v))
		if a != requests.Order {
			r.Items = slices.Clone(r.Items)
			f := &r.Items[0].Facts
			f.Name, f.Address, f.Product, f.ProductCode, f.Expires = "", "", "", 0, ""
			f.Unknown = []license.Field{license.FieldName, license.FieldAddress, license.FieldProduct, license.FieldExpiry}
			messages = append(messages, s.Question(r, v))
		}
		transcript(t, "question-"+string(a), messages...)
	}
}

// A question that there are too few people for says so, on every copy of it.
func TestQuestionsThatAreStuck(t *testing.T) {
	s := speaker()
	nobody, tooFew, enough := sample(requests.Terminate), sample(requests.Terminate), sample(requests.Terminate)
	nobody.Approvers = nil
	tooFew.Need, tooFew.Approvers = 2, tooFew.Approvers[1:]
	enough.Need, enough.Approvers, enough.Votes = 2, enough.Approvers[1:], []requests.Vote{{Who: bob, At: noon}}
	v := view
	v.Approvers = tooFew.Approvers
	transcript(t, "question-stuck", s.Question(nobody, view), s.Question(tooFew, v), s.Question(tooFew, view), s.Question(enough, v))
}

func TestQuestionsOfMany(t *testing.T) {
	s := speaker()
	poor := bulk(3)
	poor.Balance = "12.00 EUR"
	poor.Items[1].Facts.Name = "srv-рaypal" // its second word begins with a Cyrillic letter
	blind := bulk(2)
	blind.Items[1].Facts.Price, blind.Balance = "", ""
	blind.Items[1].Facts.Product = "ISPmanager 6 Pro"
	blind.Need, blind.Votes = 2, []requests.Vote{{Who: bob, At: noon}}
	blind.Approvers = sample(requests.Terminate).Approvers[1:]
	half := decided(bulk(3))
	half.Items[0].State, half.Items[0].Expires = requests.Applied, "2025-03-10"
	half.Items[1].State, half.Items[1].Reason, half.Items[1].Said = requests.Not, requests.ReasonMoney, "Not enough money"
	half.Items[2].State = requests.Started
	partly := half
	partly.Items = slices.Clone(half.Items)
	partly.State = requests.Done
	partly.Items[2].State, partly.Items[2].Reason, partly.Items[2].Rechecked = requests.Unknown, requests.ReasonTimeout, noon.Add(time.Hour)
	v := view
	v.Approvers = []requests.Member{{Person: "bob", Accounts: []requests.Account{bob.Account}}}
	for _, name := range []string{"dave", "erin", "frank", "grace", "heidi", "ivan", "judy"} {
		v.Approvers = append(v.Approvers, requests.Member{Person: name})
	}
	v.Link = "https://example.slack.com/archives/C1/p1"
	twin := view
	twin.Link, twin.Twin = v.Link, true
	transcript(t, "question-many", s.Question(poor, view), s.Question(blind, v), s.Question(half, view), s.Question(partly, twin))
}

func TestReports(t *testing.T) {
	s := speaker()
	for _, a := range requests.Actions() {
		r := sample(a)
		report := func(r requests.Request, o ReportOptions) Message { return s.Report(r, r.Items, o) }
		doubt := ended(r, requests.Applied, requests.FromLook, requests.ReasonCut, "")
		doubt.Items[0].Doubt = true
		changed := ended(r, requests.Not, requests.FromRules, requests.ReasonChanged, "")
		changed.Items[0].Changes = []requests.Change{{Field: "address", Was: "192.0.2.10", Now: "192.0.2.99"}}
		var more []Message
		switch a {
		case requests.Order: // in the panel, and not paid
			more = []Message{report(ended(r, requests.Applied, requests.FromLook, requests.ReasonUnpaid, ""), ReportOptions{})}
		case requests.Renew: // done, and not to be seen yet
			early := ended(r, requests.Applied, requests.FromPanel, "", "")
			early.Items[0].Expires = ""
			more = []Message{report(early, ReportOptions{})}
		case requests.Edit, requests.Nodes, requests.Terminate:
		}
		transcript(t, "report-"+string(a), append([]Message{
			report(ended(r, requests.Applied, requests.FromPanel, "", "Done"), ReportOptions{}),
			report(ended(r, requests.Not, requests.FromPanel, requests.ReasonMinTerm, "Not before 2025-03-01"), ReportOptions{}),
			report(ended(r, requests.Not, requests.FromLook, requests.ReasonTimeout, ""), ReportOptions{}),
			report(ended(r, requests.Applied, requests.FromLook, requests.ReasonTimeout, ""), ReportOptions{Correction: true}),
			report(ended(r, requests.Not, requests.FromPerson, requests.ReasonTimeout, ""), ReportOptions{}),
			report(ended(r, requests.Unknown, requests.FromLook, requests.ReasonInProcess, ""), ReportOptions{Repeat: true}),
			report(doubt, ReportOptions{}),
			report(changed, ReportOptions{}),
		}, more...)...)
	}
	many := decided(bulk(7))
	many.State = requests.Done
	many.Items[0].State, many.Items[0].Expires = requests.Applied, "2025-03-10"
	many.Items[1].State, many.Items[1].Reason, many.Items[1].Said = requests.Not, requests.ReasonMoney, "Not enough money"
	many.Items[2].State, many.Items[2].Reason = requests.Unknown, requests.ReasonTimeout
	many.Items[3].State, many.Items[3].Reason = requests.Not, requests.ReasonBusy
	for _, i := range []int{4, 5} {
		many.Items[i].State, many.Items[i].Source, many.Items[i].Reason = requests.Not, requests.FromLook, requests.ReasonTimeout
	}
	many.Items[6].State, many.Items[6].Source, many.Items[6].Reason = requests.Not, requests.FromRules, requests.ReasonChanged
	many.Items[6].Changes = []requests.Change{{Field: "address", Was: "192.0.2.10", Now: "192.0.2.99"}, {Field: "price", Was: "4.50 EUR", Now: "9.00 EUR"}}
	found := func(i requests.Item) []requests.Item {
		i.State, i.Source, i.Expires = requests.Applied, requests.FromLook, "2025-03-10"
		return []requests.Item{i}
	}
	transcript(t, "report-many", s.Report(many, nil, ReportOptions{}),
		s.Report(many, found(many.Items[2]), ReportOptions{}), s.Report(many, found(many.Items[4]), ReportOptions{Correction: true}))

	over := func(r requests.Request, to requests.State, by requests.Who) requests.Request {
		r.State, r.Decided = to, requests.Vote{Who: by, At: noon}
		return r
	}
	end := sample(requests.Terminate)
	end.Need = 1
	transcript(t, "report-of-nothing", s.Report(over(end, requests.Denied, bob), nil, ReportOptions{}),
		s.Report(over(end, requests.Expired, requests.Who{Account: requests.Bot, Person: "bot"}), nil, ReportOptions{}),
		s.Report(over(bulk(2), requests.Cancelled, bob), nil, ReportOptions{Repeat: true}))
}

func TestAnswers(t *testing.T) {
	s := speaker()
	r := sample(requests.Renew)
	lost := sample(requests.Terminate)
	voted := lost
	voted.Need, voted.Votes = 2, []requests.Vote{{Who: bob, At: noon}}
	admins := []requests.Member{{Person: "bob", Accounts: []requests.Account{bob.Account}}, {Person: "slack:T1/U9", Accounts: []requests.Account{"slack:T1/U9"}}}
	accepted := requests.Answer{Kind: requests.Accepted}
	transcript(t, "answers",
		s.Answer(decided(r), accepted, requests.Operator),
		s.Answer(voted, accepted, requests.Approver),
		s.AlreadyDecided(decided(r)),
		s.AlreadyDecided(ended(r, requests.Applied, requests.FromPanel, "", "")),
		s.LeftOut([]Asked{{Request: r, Codes: []license.Code{"1001"}, Link: "https://example.slack.com/archives/C1/p1"}}, 0),
		s.LeftOut([]Asked{{Request: sample(requests.Order)}}, 0),
		s.LeftOut([]Asked{{Request: r, Codes: []license.Code{"1001", "1002"}}}, 3),
		s.RuledOut([]Text{s.NoLicence("1001").Head, s.Lifetime("1002").Head}, 3), s.RuledOut([]Text{s.NoLicence("1001").Head, s.Deleted("1002").Head}, 0),
		s.NotAllowed(requests.Operator, requests.Viewer), s.CouldNotCheck(), s.OwnRequest(lost), s.NotYours(r),
		s.AlreadyVoted(voted), s.WrongButton(), s.UnknownRequest(), s.NothingUncertain(decided(r)), s.NothingUncertain(r), s.Rechecking(r),
		s.Settled(ended(r, requests.Applied, requests.FromPerson, requests.ReasonTimeout, "")),
		s.Stranger("slack:T1/U5", admins), s.NobodyCanApprove(requests.Terminate, 1, 0), s.NobodyCanApprove(requests.Terminate, 3, 2),
		s.RateLimited(noon.Add(12*time.Second)), s.Broken(),
		s.CannotPost("not-in-channel", "/invite @licensebot", false), s.CannotPost("not-in-channel", "/invite @licensebot", true),
		s.CannotPost("not-in-channel", "", false), s.CannotPost("not-in-channel", "", true),
		s.CannotPost("archived", "/invite @licensebot", false), s.CannotPost("archived", "", true),
		s.CannotPost("not-in-chat", "", false), s.CannotPost("not-in-chat", "", true),
		s.NotYet(r, noon),
		s.Undelivered(ended(r, requests.Applied, requests.FromPanel, "", ""), "archived"),
		s.AnsweredInPrivate(), s.PrivateFirst(),
		s.PanelDown(requests.ReasonMaintenance, time.Time{}), s.PanelDown(requests.ReasonAuth, noon.Add(time.Hour)),
		s.NoLicence("1009"), s.NoneAsked("1009"), s.NoNodes("1001"), s.NothingToChange("1001"),
	)
}

func TestReads(t *testing.T) {
	s := speaker()
	all := []license.License{
		{Code: "1002", Name: "mail", Address: "192.0.2.11", Product: "ISPmanager 6 Pro", Expires: "2025-02-06", Status: license.StatusSuspended},
		{Code: "1001", Name: "srv1", Address: "192.0.2.10", Product: "ISPmanager 6 Lite", Expires: "2025-02-05", Status: license.StatusActive,
			Period: license.Month, HasPeriod: true, Created: "2025-01-10", Cost: "4.50 EUR", AutoProlong: "off"},
		{Code: "1003", Product: "DDoS-GUARD", Expires: "2025-02-03", Status: license.StatusActive},
	}
	r, lost := sample(requests.Renew), sample(requests.Terminate)
	unknown := ended(r, requests.Unknown, requests.FromLook, requests.ReasonTimeout, "")
	open := []Open{{Request: r, Link: "https://example.slack.com/archives/C1/p1"}, {Request: lost}, {Request: unknown}, {Request: decided(bulk(3))}}
	today := license.Date("2025-02-05")
	member := requests.Member{Person: "alice", Role: requests.Operator, Accounts: []requests.Account{alice.Account, "telegram:11"}}
	transcript(t, "reads",
		s.Summary(SummaryView{Now: noon, Waiting: open[:3], Yours: open[3:], Due: all, Today: today, MayAsk: true}),
		s.Summary(SummaryView{Now: noon, Unread: requests.ReasonTimeout}),
		s.WhoAmI("slack:T1/U5", requests.Member{}, false), s.WhoAmI(alice.Account, member, true),
		s.List(all, nil), s.List(slices.Repeat(all, 9), []string{"srv"}), s.List(nil, []string{"nope"}),
		s.Show(all[1], 2), s.Expiring(all, 7, today), s.Expiring(nil, 1, today),
		s.Products(license.FindProducts("VMmanager"), nil), s.Products(nil, []string{"cpanel"}),
		s.Pending(open, noon), s.Pending(nil, noon),
		s.History("1001", []Operation{{"2025-01-10", "Prolonged for 1 month", "client"}}), s.History("1001", nil),
		s.Balance("12.50 EUR"), s.Balance(""),
		s.Help(commands.Specs(), requests.Viewer, ""), s.Help(commands.Specs(), requests.Viewer, "renew"),
		s.SayError(&commands.Error{Kind: commands.UnknownVerb, Word: "renwe", Near: []string{"renew"}}),
		s.SayError(&commands.Error{Kind: commands.UnclosedQuote, Upto: "list it'"}),
		s.SayError(&commands.Error{Kind: commands.BadAccount, Verb: "revoke", Word: "@bob"}),
		s.SayError(&commands.Error{Kind: commands.BadPeriod, Verb: "renew", Word: "week", Allowed: []string{"month", "year"}}),
	)
}

func TestPeople(t *testing.T) {
	s := speaker()
	member := requests.Member{Person: "alice", Role: requests.Operator, Accounts: []requests.Account{alice.Account, "telegram:11"}}
	unnamed := requests.Member{Person: "telegram:44", Role: requests.Viewer, Accounts: []requests.Account{"telegram:44"}}
	entries := []requests.Entry{
		{Seq: 11, Time: noon, Event: requests.EventProposed, Request: "k3f9ab", Actor: alice.Account, Person: "alice", Action: "renew", License: "1001", Detail: "for a month"},
		{Seq: 12, Time: noon, Event: requests.EventExpired, Request: "k3f9ab", Actor: requests.Bot, Person: "bot", Action: "renew", License: "1001"},
	}
	transcript(t, "people",
		s.Members([]requests.Member{member, unnamed}),
		s.Allowed(requests.Granted{Member: member, New: true, Changed: true}, alice.Account),
		s.Allowed(requests.Granted{Member: member, Joined: true, Before: requests.Viewer, Changed: true}, "telegram:11"),
		s.Allowed(requests.Granted{Member: member, Joined: true, Before: requests.Operator, Changed: true}, "telegram:11"),
		s.Allowed(requests.Granted{Member: member, Before: requests.Viewer, Changed: true}, alice.Account),
		s.Allowed(requests.Granted{Member: member, Before: requests.Operator}, alice.Account),
		s.Revoked(member),
		s.MembersRefused(&requests.MembersError{Kind: requests.OtherPerson, Account: "telegram:12", Person: "bob"}),
		s.MembersRefused(&requests.MembersError{Kind: requests.LastAdmin, Person: "bob"}),
		s.MembersRefused(&requests.MembersError{Kind: requests.NoMember, Account: "telegram:13"}),
		s.AuditLines(entries, "", 10), s.AuditLines(nil, "1001", 0),
		s.Anchor("2025-02-04", 12, "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"),
	)
}
