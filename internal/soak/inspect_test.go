package soak

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
	"github.com/isplicense/license-bot/internal/store"
)

// findings is what an inspection of a stopped world has found.
type findings struct {
	wrong   []string // each is a broken promise
	open    []string // what nobody knows
	figures figures
}

// figures are counts of one or many inspections.
type figures struct {
	requests, decided, started   int
	calls, effects               int // of the panel, changes alone
	twice                        int
	reported, unreported, untrue int
	applied, not, unknown        int
	found                        int // ends that only reading afterwards could tell
	corrections                  int
	entries                      int
	orphans                      int // questions on Telegram that a kill left without an owner
	repeated                     int // reports on Telegram that may repeat another
}

func (f *findings) bad(format string, args ...any) {
	f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
}

// kept is what the store holds of one request.
type kept struct {
	requests.Request
	entries  []requests.Entry
	messages []keptMessage
}

type keptMessage struct {
	key, ref string
	Kind     string `json:"kind"`
	Closed   string `json:"closed"`
	Repeat   bool   `json:"repeat"`
}

// inspect compares what the store holds with what the panel was asked to do and
// with what people can read. No bot may be running.
func (w *world) inspect() findings {
	w.t.Helper()
	var f findings
	all := w.readStore(&f)
	againstLedger(&f, all, w.Panel.Calls(""))
	f.look(all, w.shown())
	return f
}

// look compares what was kept with what people can read.
func (f *findings) look(all map[requests.ID]*kept, seen map[string]sight) {
	for _, id := range slices.Sorted(maps.Keys(all)) {
		r := all[id]
		f.figures.requests++
		checkTrail(f, r)
		checkReported(f, r, seen)
	}
	checkButtons(f, all, seen)
	checkTwice(f, all, seen)
}

func (w *world) readStore(f *findings) map[requests.ID]*kept {
	all := map[requests.ID]*kept{}
	w.inStore(func(s *store.Store) error {
		if err := store.Verify(s.Entries(1), ""); err != nil {
			f.bad("the audit trail: %v", err)
		}
		for e, err := range s.Entries(1) {
			if err != nil {
				return err
			}
			f.figures.entries++
			if e.Request == "" {
				continue
			}
			k := all[e.Request]
			if k == nil {
				k = &kept{}
				all[e.Request] = k
			}
			k.entries = append(k.entries, e)
		}
		return s.View(func(tx *store.Tx) error {
			if tasks, err := tx.Tasks(); err != nil || len(tasks) > 0 {
				f.bad("%d tasks were left undone, %v", len(tasks), err)
			}
			for id, k := range all {
				if err := k.read(tx, id); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return all
}

func (k *kept) read(tx *store.Tx, id requests.ID) error {
	r, ok, err := tx.Request(id)
	if err != nil || !ok {
		return fmt.Errorf("request %s is in the trail and not in the store: %v", id, err)
	}
	k.Request = r
	messages, err := tx.Messages(id)
	if err != nil {
		return err
	}
	for _, m := range messages {
		one := keptMessage{key: m.Key, ref: m.Ref}
		if err := json.Unmarshal(m.Data, &one); err != nil {
			return err
		}
		k.messages = append(k.messages, one)
	}
	return nil
}

// trail is the request's entries in a few words.
func (k *kept) trail() string {
	var b strings.Builder
	for _, e := range k.entries {
		fmt.Fprintf(&b, "\n%d %s %s by %s: %s %s %s", e.Seq, e.Time.Format(time.TimeOnly), e.Event, e.Person, e.Action, e.License, e.Detail)
	}
	return b.String()
}

// checkTrail follows a request through its entries: nothing begins before it was
// decided, nothing begins twice, every step has its entry and follows on the one
// before it.
func checkTrail(f *findings, r *kept) {
	var proposed, decided, started, ends int
	var last requests.Entry
	stood := map[string]requests.AuditEvent{} // by licence; of a single one by ""
	for _, e := range r.entries {
		about := ""
		if len(r.Items) > 1 {
			about = e.License
		}
		switch e.Event {
		case requests.EventProposed:
			proposed++
			continue
		case requests.EventConfirmed, requests.EventApproved:
			decided++
			continue
		case requests.EventStarted:
			started++
			if decided == 0 {
				f.bad("request %s was started before anybody confirmed or approved it", r.ID)
			}
			if started > len(r.Items) {
				f.bad("request %s has more starts than licences", r.ID)
			}
		case requests.EventSucceeded, requests.EventFailed, requests.EventSettled:
			ends++
			last = e
		case requests.EventUncertain:
		default:
			continue
		}
		if !slices.Contains(after[e.Event], stood[about]) {
			f.bad("request %s has %q after %q in its trail: %s", r.ID, e.Event, stood[about], r.trail())
		}
		stood[about] = e.Event
	}
	if proposed != 1 {
		f.bad("request %s was proposed %d times", r.ID, proposed)
	}
	if decided == 0 {
		return
	}
	f.figures.decided++
	f.figures.started += started
	switch r.State {
	case requests.Done:
	case requests.Cancelled, requests.Denied, requests.Expired:
		return
	default:
		f.bad("request %s was decided and is still %s", r.ID, r.State)
		return
	}
	if len(r.Items) != 1 {
		return
	}
	said := map[bool]requests.ItemState{true: requests.Applied, false: requests.Not}
	applied := last.Event == requests.EventSucceeded || last.Event == requests.EventSettled && strings.HasPrefix(last.Detail, "applied")
	if it := r.Items[0]; it.State == requests.Unknown && ends > 0 || it.State != requests.Unknown && (ends == 0 || it.State != said[applied]) {
		f.bad("request %s is %s and its trail ends with %q %q", r.ID, it.State, last.Event, last.Detail)
	}
}

// after is what each entry of a licence may follow on; "" is that nothing was begun.
var after = map[requests.AuditEvent][]requests.AuditEvent{
	requests.EventStarted:   {""},
	requests.EventSucceeded: {requests.EventStarted},
	requests.EventFailed:    {"", requests.EventStarted},
	requests.EventUncertain: {requests.EventStarted},
	requests.EventSettled:   {requests.EventUncertain, requests.EventSettled},
}

// begun says whether the request's trail has a call's beginning.
func (k *kept) begun() bool {
	return slices.ContainsFunc(k.entries, func(e requests.Entry) bool { return e.Event == requests.EventStarted })
}

// againstLedger gives every change that the panel was asked for its started entry,
// and every started entry its change or none, one by one.
func againstLedger(f *findings, all map[requests.ID]*kept, calls []panelserver.Call) {
	byKey := map[string][]*kept{}
	for _, r := range all {
		if len(r.Items) == 1 && r.begun() {
			k := keyOf(r.Request)
			byKey[k] = append(byKey[k], r)
		}
	}
	for _, rs := range byKey {
		slices.SortFunc(rs, func(a, b *kept) int { return a.Items[0].StartedAt.Compare(b.Items[0].StartedAt) })
	}
	called := map[*kept][]panelserver.Call{}
	for _, c := range calls {
		if !c.Changing {
			continue
		}
		f.figures.calls++
		var owner *kept
		for _, r := range byKey[keyOfCall(c)] {
			if !r.Items[0].StartedAt.After(c.Time) {
				owner = r
			}
		}
		if owner == nil {
			f.bad("the panel was asked for %s %s and no entry says that it was started", c.Func, keyOfCall(c))
			continue
		}
		called[owner] = append(called[owner], c)
	}
	for _, r := range all {
		if len(r.Items) == 1 {
			judge(f, r, called[r])
		}
	}
}

// judge compares the end of a request with the panel's own account of it.
func judge(f *findings, r *kept, calls []panelserver.Call) {
	it := r.Items[0]
	effects := 0
	for _, c := range calls {
		if c.Effect {
			effects++
		}
	}
	f.figures.effects += effects
	if len(calls) > 1 {
		f.figures.twice++
		f.bad("request %s was sent to the panel %d times", r.ID, len(calls))
	}
	switch it.State {
	case requests.Applied:
		f.figures.applied++
		if effects == 0 {
			f.figures.untrue++
			f.bad("request %s counts as applied, and the panel has done nothing: %s", r.ID, r.trail())
		}
	case requests.Not:
		f.figures.not++
		if effects > 0 {
			f.figures.untrue++
			f.bad("request %s counts as not applied, and the panel has done it: %s", r.ID, r.trail())
		}
	case requests.Unknown:
		f.figures.unknown++
		f.open = append(f.open, fmt.Sprintf("%s, of which the panel has done %d: %s", r.ID, effects, r.trail()))
	default:
		if effects > 0 {
			f.figures.untrue++
			f.bad("request %s is %s, and the panel has done it", r.ID, it.State)
		}
	}
	if it.Source == requests.FromLook {
		f.figures.found++
	}
}

// keyOf names what a request changes, and keyOfCall what a call of the panel does,
// so that they can be compared. Orders go by their name: each test gives another.
func keyOf(r requests.Request) string {
	it := r.Items[0]
	if r.Action == requests.Order {
		return "order " + r.Params.Name
	}
	return string(r.Action) + " " + string(it.Code)
}

func keyOfCall(c panelserver.Call) string {
	_, fn, _ := strings.Cut(c.Func, ".")
	switch fn {
	case "order.param":
		return "order " + c.Params.Get("licname")
	case "prolong":
		return "renew " + c.Params.Get("elid")
	case "delete":
		return "terminate " + c.Params.Get("elid")
	}
	return fn + " " + c.Params.Get("elid")
}

// shown is every message of the bot's that somebody can read, by its reference.
func (w *world) shown() map[string]sight {
	seen := map[string]sight{}
	for _, place := range w.slackPlaces() {
		for _, m := range place {
			if m.Author == slackserver.BotUserID && !m.Deleted && !m.Ephemeral() {
				seen["slack:"+m.Channel+"/"+m.TS] = sight{card: fromSlack(m), place: "slack:" + m.Channel + "/", on: true}
			}
		}
	}
	for _, p := range w.chatters {
		place := fmt.Sprintf("telegram:%d/", p.Private().Chat)
		for _, m := range w.Telegram.Messages(p.Private()) {
			if m.From != 0 && len(m.Text) > 0 {
				seen[place+fmt.Sprint(m.ID)] = sight{card: fromTelegram(m), place: place, values: values(m)}
			}
		}
	}
	return seen
}

// sight is a message in its place.
type sight struct {
	card
	place  string
	values []string // Telegram: what its buttons carry
	on     bool     // Slack, where a message can be found again
}

func values(m telegramserver.Message) []string {
	var all []string
	for _, row := range m.Keyboard {
		for _, b := range row {
			all = append(all, b.Data)
		}
	}
	return all
}

// request is the id that the message's buttons carry, "" where it has none of a
// question's.
func (s sight) request() requests.ID {
	for _, v := range s.values {
		if word, id, ok := strings.Cut(v, ":"); ok && word != "renew" {
			return requests.ID(id)
		}
	}
	if s.on {
		for _, b := range s.slack.Buttons() {
			if !strings.HasPrefix(b.ActionID, "renew") {
				return requests.ID(b.Value)
			}
		}
	}
	return ""
}

// checkReported looks for the outcome in the thread of the question, and whether
// its last word is true.
func checkReported(f *findings, r *kept, seen map[string]sight) {
	if r.State != requests.Done {
		return
	}
	var question string
	var reports []keptMessage
	for _, m := range r.messages {
		switch {
		case m.key == "question":
			question = m.ref
		case m.Kind == "report":
			reports = append(reports, m)
		}
	}
	var last sight
	said := 0
	for _, m := range reports {
		s, there := seen[m.ref]
		if !there {
			f.bad("request %s: the report %s is nowhere to be read (%s)", r.ID, m.key, m.Closed)
			continue
		}
		if m.Repeat {
			f.figures.repeated++
		}
		if _, id, _ := strings.Cut(question, "/"); s.thread != id {
			f.bad("request %s: the report %s does not answer its question", r.ID, m.key)
		}
		said++
		if last.id == "" || later(s.card, last.card) {
			last = s
		}
	}
	if said == 0 {
		f.figures.unreported++
		f.bad("request %s ended and was not reported", r.ID)
		return
	}
	f.figures.reported++
	if said > 1 {
		f.figures.corrections++
	}
	if len(r.Items) != 1 {
		return
	}
	want := map[requests.ItemState]word{requests.Applied: done, requests.Not: notDone, requests.Unknown: unknown}[r.Items[0].State]
	for _, m := range r.messages {
		if s, there := seen[m.ref]; there && m.Kind != "report" && m.Closed == "" && wordOf(string(r.Action), s.text) != want {
			f.bad("request %s is %s, and its %s shows: %s", r.ID, r.Items[0].State, m.key, s.text)
		}
	}
	if got := wordOf(string(r.Action), last.text); got != want {
		f.figures.untrue++
		f.bad("request %s is %s, and the last word on it is: %s", r.ID, r.Items[0].State, last.text)
	}
}

// later says which of two messages of a place came later.
func later(a, b card) bool {
	if len(a.id) != len(b.id) {
		return len(a.id) > len(b.id)
	}
	return a.id > b.id
}

// checkButtons looks for questions that are over and still offer a choice, or show
// work that has ended. On Telegram a kill between posting and recording leaves one
// that nothing can find again; a click tells it, see [world.pressOrphans].
func checkButtons(f *findings, all map[requests.ID]*kept, seen map[string]sight) {
	known := map[string]bool{}
	for _, r := range all {
		for _, m := range r.messages {
			known[m.ref] = true
		}
	}
	for ref, s := range seen {
		id := s.request()
		r, ok := all[id]
		switch {
		case id == "":
		case !ok:
			f.bad("%s asks about a request %q that nobody knows", ref, id)
		case r.State == requests.Proposed || r.State == requests.Done && s.has("Recheck"):
		case !s.on && !known[ref]:
			f.figures.orphans++
		default:
			f.bad("%s still asks about request %s, which is %s", ref, id, r.State)
		}
		for _, doing := range []string{"ordering", "editing", "renewing", "terminating"} {
			if strings.Contains(s.text, ": "+doing+",") {
				f.bad("%s still shows: %s", ref, s.text)
			}
		}
	}
}

// checkTwice looks for reports in Slack that the bot has lost sight of: there it can
// find what it had posted, and so has no reason to say it again, unless the search
// failed as well; then one of the two says that it may repeat the other.
func checkTwice(f *findings, all map[requests.ID]*kept, seen map[string]sight) {
	known := map[string]bool{}
	for _, r := range all {
		for _, m := range r.messages {
			known[m.ref] = true
		}
	}
	repeated := map[string]bool{} // threads
	for _, s := range seen {
		if strings.Contains(s.text, "may repeat an earlier message") {
			repeated[s.place+s.thread] = true
		}
	}
	for ref, s := range seen {
		if s.on && s.thread != "" && s.thread != s.id && !known[ref] && !repeated[s.place+s.thread] {
			f.bad("%s says again what the thread has already: %s", ref, s.text)
		}
	}
}
