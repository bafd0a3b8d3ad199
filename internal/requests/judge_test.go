package requests

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/isplicense/license-bot/internal/license"
)

func codesOf(cs ...license.Code) []license.Code { return cs }

var (
	cannotTell = Finding{}
	unchanged  = Finding{Verdict: FoundUnchanged}
)

func TestJudgeRenewal(t *testing.T) {
	month := Item{Facts: Facts{Period: license.Month}, Before: Before{Expires: "2025-01-31"}}
	preview := Item{Facts: Facts{Period: license.Month, After: "2025-03-05"}, Before: Before{Expires: "2025-02-01"}}
	ours := func(expires license.Date) Seen { return Seen{Found: true, Expires: expires, Ours: 1, History: true} }
	yes := func(expires license.Date, doubt bool) Finding {
		return Finding{Verdict: FoundApplied, Expires: expires, Doubt: doubt}
	}
	for name, c := range map[string]struct {
		item Item
		seen Seen
		want Finding
	}{
		"as before":                         {month, Seen{Found: true, Expires: "2025-01-31"}, unchanged},
		"as before, and at work":            {month, Seen{Found: true, Expires: "2025-01-31", Processing: "prolong"}, cannotTell},
		"as before, and processing":         {month, Seen{Found: true, Expires: "2025-01-31", Status: license.StatusProcessing}, cannotTell},
		"not there":                         {month, Seen{Expires: "2025-02-28"}, cannotTell},
		"no expiry shown":                   {month, Seen{Found: true}, cannotTell},
		"no expiry known before":            {Item{}, ours("2025-02-28"), cannotTell},
		"moved back":                        {month, ours("2025-01-01"), cannotTell},
		"to the month's last day":           {month, ours("2025-02-28"), yes("2025-02-28", false)},
		"the month counted as days":         {month, ours("2025-03-03"), yes("2025-03-03", false)},
		"by more than a month":              {month, ours("2025-03-31"), yes("2025-03-31", true)},
		"as the preview said":               {preview, ours("2025-03-05"), yes("2025-03-05", false)},
		"not as the preview said":           {preview, ours("2025-03-01"), yes("2025-03-01", true)},
		"and no history":                    {month, Seen{Found: true, Expires: "2025-02-28"}, yes("2025-02-28", true)},
		"by the bot and others":             {month, Seen{Found: true, Expires: "2025-02-28", Ours: 1, Others: 1, History: true}, yes("2025-02-28", true)},
		"by the bot's account twice":        {month, Seen{Found: true, Expires: "2025-02-28", Ours: 2, History: true}, yes("2025-02-28", true)},
		"by others alone, as it seems":      {month, Seen{Found: true, Expires: "2025-02-28", Others: 1, History: true}, cannotTell},
		"at work, and renewed all the same": {month, Seen{Found: true, Expires: "2025-02-28", Ours: 1, History: true, Processing: "open"}, yes("2025-02-28", false)},
	} {
		if got := Judge(Request{Action: Renew}, c.item, c.seen); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestJudgeOrder(t *testing.T) {
	before := Before{Codes: codesOf("1", "2")}
	own := Item{Facts: Facts{Family: license.SoftExternal}, Before: before}
	plesk := Item{Facts: Facts{Family: license.Plesk}, Before: before}
	told := Item{Code: "7", Facts: own.Facts, Before: before}
	unpaid := Item{Reason: ReasonUnpaid, Facts: own.Facts, Before: before}
	yes := func(c license.Code, doubt bool) Finding { return Finding{Verdict: FoundApplied, Code: c, Doubt: doubt} }
	for name, c := range map[string]struct {
		item   Item
		params Params
		seen   Seen
		want   Finding
	}{
		"nothing new":                        {own, Params{}, Seen{Codes: codesOf("2", "1")}, unchanged},
		"one gone":                           {own, Params{}, Seen{Codes: codesOf("2")}, unchanged},
		"one new, by the bot's own name":     {own, Params{}, Seen{Codes: codesOf("1", "2", "3")}, yes("3", false)},
		"one new, by a name of people's":     {own, Params{Name: "srv"}, Seen{Codes: codesOf("3")}, yes("3", true)},
		"one new, of a family without names": {plesk, Params{}, Seen{Codes: codesOf("3")}, yes("3", true)},
		"two new":                            {own, Params{}, Seen{Codes: codesOf("3", "4")}, cannotTell},
		"the one that was named":             {told, Params{Name: "srv"}, Seen{Codes: codesOf("1", "7", "8")}, yes("7", false)},
		"another than was named":             {told, Params{}, Seen{Codes: codesOf("8")}, cannotTell},
		"not the one that was named":         {told, Params{}, Seen{Codes: codesOf("1")}, cannotTell},
		"left unpaid":                        {unpaid, Params{}, Seen{Codes: codesOf("3"), Status: license.StatusOrdered}, Finding{Verdict: FoundApplied, Code: "3", Unpaid: true}},
		"paid":                               {unpaid, Params{}, Seen{Codes: codesOf("3"), Status: license.StatusActive}, yes("3", false)},
		"ordered, not known to be unpaid":    {own, Params{}, Seen{Codes: codesOf("3"), Status: license.StatusOrdered}, yes("3", false)},
	} {
		if got := Judge(Request{Action: Order, Params: c.params}, c.item, c.seen); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestJudgeEdit(t *testing.T) {
	it := Item{Before: Before{Name: "old", Address: "192.0.2.1"}}
	both := Params{Name: "new", Address: "2001:db8::1"}
	yes := Finding{Verdict: FoundApplied}
	for name, c := range map[string]struct {
		params Params
		seen   Seen
		want   Finding
	}{
		"as before":                 {both, Seen{Found: true, Name: "old", Address: "192.0.2.1"}, unchanged},
		"as before, and at work":    {both, Seen{Found: true, Name: "old", Address: "192.0.2.1", Processing: "setparam"}, cannotTell},
		"both as wanted":            {both, Seen{Found: true, Name: "new", Address: "2001:DB8:0::1"}, yes},
		"one of the two":            {both, Seen{Found: true, Name: "new", Address: "192.0.2.1"}, cannotTell},
		"neither":                   {both, Seen{Found: true, Name: "x", Address: "192.0.2.9"}, cannotTell},
		"the name alone was wanted": {Params{Name: "new"}, Seen{Found: true, Name: "new", Address: "192.0.2.9"}, yes},
		"the address alone":         {Params{Address: "192.0.2.7"}, Seen{Found: true, Name: "x", Address: "192.0.2.7"}, yes},
		"wanted as it was":          {Params{Name: "old"}, Seen{Found: true, Name: "old", Address: "192.0.2.1"}, Finding{Verdict: FoundApplied, Doubt: true}},
		"not there":                 {both, Seen{Name: "new", Address: "2001:db8::1"}, cannotTell},
	} {
		if got := Judge(Request{Action: Edit, Params: c.params}, it, c.seen); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestJudgeNodes(t *testing.T) {
	it, p := Item{Before: Before{Nodes: 1}}, Params{Count: 3}
	for name, c := range map[string]struct {
		seen Seen
		want Finding
	}{
		"as before": {Seen{Found: true, Nodes: 1}, unchanged},
		"at work":   {Seen{Found: true, Nodes: 1, Status: license.StatusProcessing}, cannotTell},
		"as wanted": {Seen{Found: true, Nodes: 3}, Finding{Verdict: FoundApplied}},
		"something": {Seen{Found: true, Nodes: 2}, cannotTell},
		"no count":  {Seen{Found: true, Nodes: -1}, cannotTell},
		"not there": {Seen{Nodes: 3}, cannotTell},
	} {
		if got := Judge(Request{Action: Nodes, Params: p}, it, c.seen); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestJudgeTermination(t *testing.T) {
	for name, c := range map[string]struct {
		seen Seen
		want Finding
	}{
		"gone":                   {Seen{}, Finding{Verdict: FoundApplied}},
		"being deleted":          {Seen{Found: true, Processing: "delete", Status: license.StatusProcessing}, Finding{Verdict: FoundApplied}},
		"something else at work": {Seen{Found: true, Processing: "prolong"}, cannotTell},
		"at work on what?":       {Seen{Found: true, Status: license.StatusProcessing}, cannotTell},
		"there":                  {Seen{Found: true, Status: license.StatusActive}, unchanged},
	} {
		if got := Judge(Request{Action: Terminate}, Item{}, c.seen); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if got := Judge(Request{Action: "sell"}, Item{}, Seen{Found: true}); got != cannotTell {
		t.Errorf("of what is no action: %+v", got)
	}
}

// drawSeen draws a reading in which the licence is as it was, but for what the
// test then says about it.
func drawSeen(t *rapid.T, b Before) Seen {
	return Seen{
		Found: true, Status: license.StatusActive, Expires: b.Expires, Name: b.Name, Address: b.Address,
		Nodes: b.Nodes, Codes: slices.Clone(b.Codes),
		Ours: rapid.IntRange(0, 2).Draw(t, "ours"), Others: rapid.IntRange(0, 2).Draw(t, "others"), History: rapid.Bool().Draw(t, "history"),
	}
}

var someBefore = Before{Expires: "2025-01-31", Name: "old", Address: "192.0.2.1", Nodes: 1, Codes: codesOf("1", "2")}

func drawRequest(t *rapid.T) (Request, Item) {
	r := Request{Action: rapid.SampledFrom(Actions()).Draw(t, "action")}
	it := Item{
		Code: "1001", Before: someBefore,
		Facts:  Facts{Family: rapid.SampledFrom(license.Families()).Draw(t, "family"), Period: license.Month},
		Reason: rapid.SampledFrom([]Reason{ReasonTimeout, ReasonUnpaid, ReasonInProcess}).Draw(t, "reason"),
	}
	switch r.Action {
	case Order:
		it.Code = ""
	case Edit:
		r.Params = rapid.SampledFrom([]Params{{Name: "new"}, {Address: "192.0.2.7"}, {Name: "new", Address: "192.0.2.7"}}).Draw(t, "params")
	case Nodes:
		r.Params.Count = rapid.IntRange(2, 9).Draw(t, "count")
	case Renew, Terminate:
	}
	return r, it
}

// What is as it was never proves an effect, and proves its absence only where
// nothing is at work.
func TestJudgeUnchanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, it := drawRequest(t)
		s := drawSeen(t, it.Before)
		if got := Judge(r, it, s); got.Verdict != FoundUnchanged {
			t.Fatalf("as it was: %+v", got)
		}
		if r.Action == Order {
			return
		}
		s.Processing = rapid.SampledFrom([]string{"open", "prolong", "setparam"}).Draw(t, "processing")
		if got := Judge(r, it, s); got.Verdict != CannotTell {
			t.Fatalf("at work: %+v", got)
		}
	})
}

// An effect that is there in full is never called absent, and with the bot's own
// mark alone it is found without a doubt.
func TestJudgeApplied(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, it := drawRequest(t)
		s := drawSeen(t, it.Before)
		switch r.Action {
		case Renew:
			s.Expires = it.Before.Expires.AddMonths(rapid.IntRange(1, 12).Draw(t, "months"))
		case Order:
			s.Codes = append(s.Codes, "3")
		case Edit:
			if r.Params.Name != "" {
				s.Name = r.Params.Name
			}
			if r.Params.Address != "" {
				s.Address = r.Params.Address
			}
		case Nodes:
			s.Nodes = r.Params.Count
		case Terminate:
			s.Found = false
		}
		if got := Judge(r, it, s); got.Verdict == FoundUnchanged {
			t.Fatalf("there, and called absent: %+v", got)
		}
		s.Ours, s.Others, s.History = 1, 0, true
		if got := Judge(r, it, s); got.Verdict != FoundApplied {
			t.Fatalf("there, and not found: %+v", got)
		}
	})
}

// What nobody can know is never called known: a licence that is not there, or half
// an effect.
func TestJudgeOddities(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, it := drawRequest(t)
		s := drawSeen(t, it.Before)
		switch r.Action {
		case Order:
			s.Codes = append(s.Codes, "3", "4")
		case Terminate:
			s.Processing = "open"
		case Renew, Edit, Nodes:
			s.Found = false
		}
		if got := Judge(r, it, s); got != cannotTell {
			t.Fatalf("%+v", got)
		}
	})
}
