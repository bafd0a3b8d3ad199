package soak

import (
	"net/url"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
)

// tale is what a renewal in Slack has left behind.
type tale struct {
	r     *kept
	calls []panelserver.Call
	seen  map[string]sight
}

const (
	taleQuestion = "slack:C1/1"
	taleReport   = "slack:C1/2"
)

// taleOf is a renewal that went well.
func taleOf() tale {
	begun := time.Date(2025, 2, 1, 12, 0, 0, 0, time.UTC)
	r := &kept{Request: requests.Request{
		ID: "abc234", Action: requests.Renew, State: requests.Done,
		Items: []requests.Item{{Code: "1001", State: requests.Applied, Source: requests.FromPanel, StartedAt: begun}},
	}}
	r.messages = []keptMessage{
		{key: "question", ref: taleQuestion, Kind: "question"},
		{key: "report/1", ref: taleReport, Kind: "report"},
	}
	t := tale{r: r, seen: map[string]sight{}}
	t.writes(requests.EventProposed, requests.EventConfirmed, requests.EventStarted, requests.EventSucceeded)
	t.calls = []panelserver.Call{{
		Func: "service.prolong", Params: url.Values{"elid": {"1001"}}, Time: begun.Add(time.Second), Changing: true, Effect: true,
	}}
	t.shows(taleQuestion, "", "1001 was renewed until 2025-03-10")
	t.shows(taleReport, "1", "1001 was renewed until 2025-03-10")
	return t
}

func (t *tale) writes(events ...requests.AuditEvent) {
	t.r.entries = nil
	for i, e := range events {
		t.r.entries = append(t.r.entries, requests.Entry{Seq: uint64(i + 1), Event: e, Request: t.r.ID, License: "1001"})
	}
}

func (t *tale) shows(ref, thread, text string) {
	const place = "slack:C1/"
	t.seen[ref] = sight{card: card{id: ref[len(place):], thread: thread, text: text}, place: place, on: true}
}

func (t *tale) inspect() findings {
	var f findings
	all := map[requests.ID]*kept{t.r.ID: t.r}
	againstLedger(&f, all, t.calls)
	f.look(all, t.seen)
	return f
}

// TestInspection breaks each promise on paper: an inspection that does not notice
// would prove nothing.
func TestInspection(t *testing.T) {
	well := taleOf()
	if f := well.inspect(); len(f.wrong) > 0 {
		t.Fatalf("nothing is wrong, and it finds %q", f.wrong)
	}
	for name, broken := range map[string]func(t *tale){
		"called twice":               func(t *tale) { t.calls = append(t.calls, t.calls[0]) },
		"called before it was begun": func(t *tale) { t.calls[0].Time = t.r.Items[0].StartedAt.Add(-time.Second) },
		"called and nobody asked":    func(t *tale) { t.calls[0].Params.Set("elid", "1002") },
		"applied without an effect":  func(t *tale) { t.calls[0].Effect = false },
		"done and called not":        func(t *tale) { t.ends(requests.Not, "1001 was not renewed") },
		"not reported":               func(t *tale) { t.r.messages = t.r.messages[:1] },
		"reported nowhere":           func(t *tale) { delete(t.seen, taleReport) },
		"reported beside the thread": func(t *tale) { t.shows(taleReport, "", "1001 was renewed until 2025-03-10") },
		"told what is not so":        func(t *tale) { t.shows(taleReport, "1", "1001 was not renewed") },
		"told twice":                 func(t *tale) { t.shows("slack:C1/3", "1", "1001 was renewed until 2025-03-10") },
		"the question tells another": func(t *tale) { t.shows(taleQuestion, "", "1001 was not renewed") },
		"the question still works":   func(t *tale) { t.shows(taleQuestion, "", "Renew 1001: renewing, confirmed by @ops") },
		"still running":              func(t *tale) { t.r.State = requests.Running },
		"a question of nobody's": func(t *tale) {
			s := sight{card: card{id: "9", text: "Renew 1001", buttons: []string{"Cancel"}}, on: true}
			s.values = []string{"cancel:zzz999"}
			t.seen["slack:C1/9"] = s
		},
		"no proposal in the trail": func(t *tale) {
			t.writes(requests.EventConfirmed, requests.EventStarted, requests.EventSucceeded)
		},
		"no decision in the trail": func(t *tale) {
			t.writes(requests.EventProposed, requests.EventStarted, requests.EventSucceeded)
		},
		"no start in the trail": func(t *tale) {
			t.writes(requests.EventProposed, requests.EventConfirmed, requests.EventSucceeded)
		},
		"no end in the trail": func(t *tale) {
			t.writes(requests.EventProposed, requests.EventConfirmed, requests.EventStarted)
		},
		"another end in the trail": func(t *tale) {
			t.writes(requests.EventProposed, requests.EventConfirmed, requests.EventStarted, requests.EventFailed)
		},
		"two starts in the trail": func(t *tale) {
			t.writes(requests.EventProposed, requests.EventConfirmed, requests.EventStarted, requests.EventStarted, requests.EventSucceeded)
		},
		"two ends in the trail": func(t *tale) {
			t.writes(requests.EventProposed, requests.EventConfirmed, requests.EventStarted, requests.EventSucceeded, requests.EventSucceeded)
		},
		"settled and never uncertain": func(t *tale) {
			t.writes(requests.EventProposed, requests.EventConfirmed, requests.EventStarted, requests.EventSettled)
		},
	} {
		tale := taleOf()
		broken(&tale)
		if f := tale.inspect(); len(f.wrong) == 0 {
			t.Errorf("%s: not noticed", name)
		}
	}
}

// ends has the request end otherwise, with everything but the panel agreeing.
func (t *tale) ends(s requests.ItemState, text string) {
	t.r.Items[0].State = s
	t.writes(requests.EventProposed, requests.EventConfirmed, requests.EventStarted, requests.EventFailed)
	t.shows(taleQuestion, "", text)
	t.shows(taleReport, "1", text)
}
