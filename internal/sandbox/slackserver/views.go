package slackserver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// triggerLife is how long a trigger opens a modal, once.
const triggerLife = 3 * time.Second

type view struct {
	id, hash string
	user     string
	body     map[string]any
	open     bool
	errors   map[string]string
	seq      int64
}

// View is a modal or a Home tab on the screen.
type View struct {
	ID              string
	Hash            string
	CallbackID      string
	PrivateMetadata string
	Title           string
	Submit          string // the button's label; "" without one
	Text            string // what is shown, without inputs
	Inputs          []Input
	Errors          map[string]string // by block id: what the bot said to the last submission
	Open            bool

	buttons []Button
}

// Input is a field of a modal.
type Input struct {
	BlockID, ActionID string
	Type              string
	Label             string
	Options           []string // a menu's, as shown
	Initial           string
	Optional          bool
}

// Buttons are the view's buttons in order.
func (v View) Buttons() []Button { return append([]Button(nil), v.buttons...) }

// show renders a view. The lock is held.
func (s *Server) showView(v *view) View {
	r := renderer{s: s}
	out := View{
		ID: v.id, Hash: v.hash, CallbackID: str(v.body["callback_id"]), PrivateMetadata: str(v.body["private_metadata"]),
		Title: r.text(v.body["title"]), Submit: r.text(v.body["submit"]), Open: v.open, Errors: map[string]string{},
	}
	maps.Copy(out.Errors, v.errors)
	for _, b := range list(v.body["blocks"]) {
		block, _ := b.(map[string]any)
		if str(block["type"]) != "input" {
			r.blocks([]any{b})
			continue
		}
		e, _ := block["element"].(map[string]any)
		in := Input{
			BlockID: str(block["block_id"]), ActionID: str(e["action_id"]), Type: str(e["type"]), Label: r.text(block["label"]),
			Initial: cmp.Or(str(e["initial_value"]), str(e["initial_user"]), str(e["initial_date"])), Optional: block["optional"] == true,
		}
		for _, o := range menu(e) {
			in.Options = append(in.Options, r.text(o["text"]))
		}
		if o, ok := e["initial_option"].(map[string]any); ok {
			in.Initial = r.text(o["text"])
		}
		out.Inputs = append(out.Inputs, in)
	}
	out.Text, out.buttons = strings.Join(r.lines, "\n"), r.buttons
	return out
}

// menu is a select's options, those in groups too.
func menu(e map[string]any) []map[string]any {
	var out []map[string]any
	take := func(options any) {
		for _, o := range list(options) {
			if o, ok := o.(map[string]any); ok {
				out = append(out, o)
			}
		}
	}
	take(e["options"])
	for _, g := range list(e["option_groups"]) {
		g, _ := g.(map[string]any)
		take(g["options"])
	}
	return out
}

// viewJSON is a view as the API and payloads carry it. The lock is held.
func (s *Server) viewJSON(v *view, state map[string]any) map[string]any {
	out := map[string]any{
		"id": v.id, "hash": v.hash, "team_id": TeamID, "app_id": AppID, "bot_id": BotID, "root_view_id": v.id, "previous_view_id": nil,
		"private_metadata": "", "callback_id": "", "external_id": "", "clear_on_close": false, "notify_on_close": false,
		"state": map[string]any{"values": state},
	}
	maps.Copy(out, v.body)
	return out
}

// setView gives a view its content. The lock is held.
func (s *Server) setView(v *view, body map[string]any) result {
	s.seq++
	v.body, v.seq, v.errors = body, s.seq, nil
	v.hash = formatTS(s.opts.Now().UnixMicro()) + "." + s.secret()[:8]
	s.wake()
	return result{"view": s.viewJSON(v, map[string]any{})}
}

func (s *Server) viewsOpen(a args) (result, *refusal) {
	t := s.triggers[a["trigger_id"]]
	switch {
	case t == nil:
		return nil, refuse("invalid_trigger_id")
	case s.opts.Now().Sub(t.at) > triggerLife:
		return nil, refuse("expired_trigger_id")
	case t.used:
		return nil, refuse("exchanged_trigger_id")
	}
	body, bad := s.parseView(a["view"], "modal")
	if bad != nil {
		return nil, bad
	}
	t.used = true
	v := &view{id: s.nextID("V"), user: t.user, open: true}
	s.views[v.id] = v
	return s.setView(v, body), nil
}

func (s *Server) viewsPublish(a args) (result, *refusal) {
	u := s.users[a["user_id"]]
	if u == nil || u.bot || u.gone {
		return nil, refuse("user_not_found")
	}
	body, bad := s.parseView(a["view"], "home")
	if bad != nil {
		return nil, bad
	}
	v := s.homes[u.id]
	if v == nil {
		v = &view{id: s.nextID("V"), user: u.id, open: true}
		s.homes[u.id], s.views[v.id] = v, v
	} else if a["hash"] != "" && a["hash"] != v.hash {
		return nil, refuse("hash_conflict")
	}
	return s.setView(v, body), nil
}

func (s *Server) viewsUpdate(a args) (result, *refusal) {
	v := s.views[a["view_id"]]
	if id := a["external_id"]; v == nil && id != "" {
		for _, other := range s.views {
			if str(other.body["external_id"]) == id {
				v = other
			}
		}
	}
	if v == nil || !v.open {
		return nil, refuse("not_found")
	}
	if a["hash"] != "" && a["hash"] != v.hash {
		return nil, refuse("hash_conflict")
	}
	body, bad := s.parseView(a["view"], str(v.body["type"]))
	if bad != nil {
		return nil, bad
	}
	return s.setView(v, body), nil
}

// Modal waits for an open modal of the person's whose title or text has the substring;
// the newest if there are several.
func (u *User) Modal(ctx context.Context, substring string) (View, error) {
	return u.waitView(ctx, substring, func() []*view {
		var open []*view
		for _, v := range u.s.views {
			if v.user == u.id && v.open && str(v.body["type"]) == "modal" {
				open = append(open, v)
			}
		}
		slices.SortFunc(open, func(a, b *view) int { return cmp.Compare(b.seq, a.seq) })
		return open
	})
}

// Home waits until the person's Home tab has the substring.
func (u *User) Home(ctx context.Context, substring string) (View, error) {
	return u.waitView(ctx, substring, func() []*view {
		if v := u.s.homes[u.id]; v != nil {
			return []*view{v}
		}
		return nil
	})
}

func (u *User) waitView(ctx context.Context, substring string, candidates func() []*view) (View, error) {
	var found View
	err := u.s.Await(ctx, func() bool {
		u.s.mu.Lock()
		defer u.s.mu.Unlock()
		for _, v := range candidates() {
			found = u.s.showView(v)
			if strings.Contains(found.Title+"\n"+found.Text, substring) {
				return true
			}
		}
		return false
	})
	if err != nil {
		return View{}, fmt.Errorf("slackserver: %s sees no view with %q: %w", u.name, substring, err)
	}
	return found, nil
}

// OpensHome opens the app's Home tab, of which the bot hears if it is subscribed to
// app_home_opened; without that the delivery is nil.
func (u *User) OpensHome() (*Delivery, error) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	if !u.s.events["app_home_opened"] {
		return nil, nil
	}
	inner := map[string]any{
		"type": "app_home_opened", "user": u.id, "channel": u.s.dmWith(u.s.users[u.id]).id, "tab": "home",
		"event_ts": formatTS(u.s.opts.Now().UnixMicro()),
	}
	if v := u.s.homes[u.id]; v != nil {
		inner["view"] = u.s.viewJSON(v, map[string]any{})
	}
	return u.s.event(inner)
}

// PressesIn clicks a button of a view, named as for [User.Presses].
func (u *User) PressesIn(on View, name string) (*Delivery, error) {
	b, err := pick(on.buttons, name)
	if err != nil {
		return nil, err
	}
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	v, err := u.theirs(on)
	if err != nil {
		return nil, err
	}
	return u.blockActions(b, map[string]any{
		"container": map[string]any{"type": "view", "view_id": v.id}, "view": u.s.viewJSON(v, map[string]any{}),
	})
}

// theirs is a view that the person has open. The lock is held.
func (u *User) theirs(on View) (*view, error) {
	v := u.s.views[on.ID]
	if v == nil || !v.open || v.user != u.id {
		return nil, fmt.Errorf("slackserver: %s does not have that view open", u.name)
	}
	return v, nil
}

// Submits fills a modal's fields and sends it. A field is named by its label, block id
// or action id; a menu's value is an option as it is shown, or its value; a person is a
// user id. What the bot answers is acted on: the modal closes, changes, or shows errors.
func (u *User) Submits(on View, values map[string]string) (*Delivery, error) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	v, err := u.theirs(on)
	if err != nil {
		return nil, err
	}
	if v.body["submit"] == nil {
		return nil, errors.New("slackserver: the modal has no submit button")
	}
	state, err := u.s.fill(v, values)
	if err != nil {
		return nil, err
	}
	v.errors = nil
	more := map[string]any{"view": u.s.viewJSON(v, state), "trigger_id": u.s.newTrigger(u.id), "response_urls": []any{}}
	return u.interact("view_submission", more, func(body []byte, failed string) {
		if failed == "" {
			u.s.submitted(v, body)
		}
	})
}

// fill makes the state of a modal's fields. The lock is held.
func (s *Server) fill(v *view, values map[string]string) (map[string]any, error) {
	state := map[string]any{}
	used := 0
	for _, in := range s.showView(v).Inputs {
		value := in.Initial
		for _, name := range []string{in.Label, in.BlockID, in.ActionID} {
			if given, ok := values[name]; ok {
				value = given
				used++
				break
			}
		}
		if value == "" && !in.Optional {
			return nil, fmt.Errorf("slackserver: the field %q must be filled in", in.Label)
		}
		answer, err := s.answerTo(v, in, value)
		if err != nil {
			return nil, err
		}
		state[in.BlockID] = map[string]any{in.ActionID: answer}
	}
	if used < len(values) {
		return nil, errors.New("slackserver: the modal has no such field")
	}
	return state, nil
}

// answerTo is one field's state. The lock is held.
func (s *Server) answerTo(v *view, in Input, value string) (map[string]any, error) {
	answer := map[string]any{"type": in.Type}
	var text any
	if value != "" {
		text = value
	}
	switch in.Type {
	case "plain_text_input", "number_input":
		answer["value"] = text
	case "users_select":
		answer["selected_user"] = text
	case "datepicker":
		answer["selected_date"] = text
	default:
		var chosen any
		for _, b := range list(v.body["blocks"]) {
			block, _ := b.(map[string]any)
			if e, _ := block["element"].(map[string]any); str(block["block_id"]) == in.BlockID {
				for _, o := range menu(e) {
					if r := (renderer{s: s}); value != "" && (r.text(o["text"]) == value || str(o["value"]) == value) {
						chosen = o
					}
				}
			}
		}
		if chosen == nil && value != "" {
			return nil, fmt.Errorf("slackserver: %q is no option of %q, only %q", value, in.Label, in.Options)
		}
		if in.Type == "checkboxes" {
			chosenOnes := []any{}
			if chosen != nil {
				chosenOnes = append(chosenOnes, chosen)
			}
			answer["selected_options"] = chosenOnes
		} else {
			answer["selected_option"] = chosen
		}
	}
	return answer, nil
}

// submitted acts on the answer to a submission
// (docs.slack.dev/surfaces/modals#handling_submissions). The lock is held.
func (s *Server) submitted(v *view, body []byte) {
	var answer struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	if len(body) > 0 && string(body) != "null" && json.Unmarshal(body, &answer) != nil {
		s.faults = append(s.faults, "the answer to a submission is no JSON")
		return
	}
	switch answer.Action {
	case "", "clear":
		v.open = false
	case "errors":
		inputs := map[string]bool{}
		for _, in := range s.showView(v).Inputs {
			inputs[in.BlockID] = true
		}
		for id := range answer.Errors {
			if !inputs[id] {
				s.faults = append(s.faults, "an error for the block "+id+", which is no input of the modal")
			}
		}
		v.errors = answer.Errors
	case "update":
		next, bad := s.parseView(string(answer.View), "modal")
		if bad != nil {
			s.faults = append(s.faults, "the answer to a submission can't be shown: "+bad.code)
			return
		}
		s.setView(v, next)
	default:
		s.faults = append(s.faults, "unknown response_action "+answer.Action)
	}
}

// Closes closes a modal; the bot hears of it if the modal asked for that, else the
// delivery is nil.
func (u *User) Closes(on View) (*Delivery, error) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	v, err := u.theirs(on)
	if err != nil {
		return nil, err
	}
	v.open = false
	if v.body["notify_on_close"] != true {
		return nil, nil
	}
	return u.interact("view_closed", map[string]any{"view": u.s.viewJSON(v, map[string]any{}), "is_cleared": false}, nil)
}
