package slackserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// User is a person at their screen.
type User struct {
	s        *Server
	id, name string
}

// User is the member of the home workspace of that name, made on first use.
func (s *Server) User(name string) *User { return s.person(user{name: name, team: TeamID}) }

// Guest is a guest of the home workspace, made on first use.
func (s *Server) Guest(name string) *User {
	return s.person(user{name: name, team: TeamID, guest: true})
}

// Foreigner is a person of another workspace, made on first use: someone who is met in
// channels shared by Slack Connect.
func (s *Server) Foreigner(name, teamID string) *User {
	return s.person(user{name: name, team: teamID})
}

func (s *Server) person(u user) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.names[u.name]
	if known == nil {
		u.id = s.nextID("U")
		known = s.addUser(&u)
	}
	return &User{s, known.id, known.name}
}

// ID is the user's id.
func (u *User) ID() string { return u.id }

// Name is the user's handle.
func (u *User) Name() string { return u.name }

// SetLocale sets the person's language, such as "ru-RU"; "en-US" until then.
func (u *User) SetLocale(locale string) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	u.s.users[u.id].locale = locale
}

// Deactivate ends the account.
func (u *User) Deactivate() {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	u.s.users[u.id].gone = true
}

// DM is the id of the person's conversation with the bot.
func (u *User) DM() string {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	return u.s.dmWith(u.s.users[u.id]).id
}

// at is the channel that the person types in; a public one is joined by that. The lock is held.
func (u *User) at(channel string) (*channel, error) {
	c, err := u.s.find(channel)
	switch {
	case err != nil:
		return nil, err
	case u.s.users[u.id].gone:
		return nil, fmt.Errorf("slackserver: %s's account is deactivated", u.name)
	case !u.s.sees(c, u.id):
		return nil, fmt.Errorf("slackserver: %s is not in %s", u.name, channel)
	}
	c.members[u.id] = true
	return c, nil
}

// Says types a line in a channel, given by name or id, or in the person's [User.DM]. A
// registered command goes to the bot and nobody sees it; anything else is a message,
// of which the bot hears by an event if it is subscribed to it; without one the
// delivery is nil. A foreigner's command is delivered with their own team's id.
func (u *User) Says(channel, text string) (*Delivery, error) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	c, err := u.at(channel)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(text, "/") {
		return u.command(c, text)
	}
	return u.message(c, nil, text)
}

// Replies says something in a message's thread. Slack takes no commands there.
func (u *User) Replies(to Message, text string) (*Delivery, error) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	c, err := u.at(to.Channel)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(text, "/") {
		return nil, errors.New("slackserver: commands are not supported in threads")
	}
	root := c.byTS[to.TS]
	if root != nil && root.thread != nil {
		root = root.thread
	}
	if root == nil || root.deleted {
		return nil, errors.New("slackserver: the message is gone")
	}
	return u.message(c, root, text)
}

// message posts what a person says. The lock is held.
func (u *User) message(c *channel, root *message, text string) (*Delivery, error) {
	if c.archived {
		return nil, errors.New("slackserver: the channel is archived")
	}
	m := u.s.add(c, &message{author: u.id, thread: root, content: content{text: u.s.escapeMessage(text)}})
	kind, inner := "", u.s.history(m, false)
	inner["channel"], inner["event_ts"] = c.id, m.ts
	switch {
	case c.dm != "" && u.s.events["message.im"]:
		kind, inner["channel_type"] = "message", "im"
	case c.dm == "" && u.s.events["app_mention"] && c.members[BotUserID] && strings.Contains(m.text, "<@"+BotUserID+">"):
		kind = "app_mention"
	default:
		return nil, nil
	}
	inner["type"] = kind
	return u.s.event(inner)
}

// command sends a slash command. The lock is held.
func (u *User) command(c *channel, line string) (*Delivery, error) {
	s := u.s
	name, text, _ := strings.Cut(line, " ")
	if !slices.Contains(s.opts.Commands, name) {
		s.botNotice(c, u.id, escaper.Replace(name)+" is not a valid command.")
		return nil, fmt.Errorf("slackserver: %s is not a valid command", name)
	}
	reply := responseURL{channel: c, user: u.id}
	fields := map[string]string{
		"token": verificationToken, "team_id": s.users[u.id].team, "team_domain": domain(s.users[u.id].team),
		"channel_id": c.id, "channel_name": c.shownName(), "user_id": u.id, "user_name": u.name,
		"command": name, "text": s.escapeCommand(strings.TrimSpace(text)), "api_app_id": AppID, "is_enterprise_install": "false",
		"response_url": s.newResponseURL("commands", reply), "trigger_id": s.newTrigger(u.id),
	}
	payload, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	values := url.Values{}
	for k, v := range fields {
		values.Set(k, v)
	}
	d := &Delivery{kind: slashCommand, payload: payload, body: []byte(values.Encode())}
	d.onAck = func(body []byte, failed string) {
		if failed != "" {
			s.botNotice(c, u.id, name+` failed with the error "`+failed+`"`)
			return
		}
		s.showAck(&reply, body)
	}
	return s.start(d)
}

// showAck shows what came with the acknowledgement of a command: JSON or plain text.
// The lock is held.
func (s *Server) showAck(u *responseURL, body []byte) {
	text := strings.TrimSpace(string(body))
	if text == "" || text == "null" || text == "{}" {
		return
	}
	a := args{}
	if text[0] != '{' || readJSON(body, a) != nil {
		a = args{"text": text}
	}
	if bad := s.show(u, a); bad != nil {
		s.faults = append(s.faults, "the answer to a command can't be shown: "+bad.code)
	}
}

func domain(team string) string {
	if team == TeamID {
		return TeamDomain
	}
	return strings.ToLower(team)
}

// watcher is a person who waits for a message.
type watcher struct {
	user  string
	match func(Message) bool
	found chan Message // of one
}

// offer hands a new or changed message to the person if it is what they wait for. The
// lock is held.
func (w *watcher) offer(s *Server, m *message) bool {
	if m.deleted || m.ephemeral != "" && m.ephemeral != w.user || !s.sees(m.ch, w.user) {
		return false
	}
	if v := s.snapshot(m); w.match(v) {
		w.found <- v
		return true
	}
	return false
}

// Sees waits for a message in a channel that the person can read and whose text has the
// substring; the newest if there are several already. Ephemeral messages are seen by
// whom they are for.
func (u *User) Sees(ctx context.Context, channel, substring string) (Message, error) {
	return u.SeesSince(ctx, 0, channel, substring)
}

// SeesSince is [User.Sees] for messages that are new or changed since a [Mark].
func (u *User) SeesSince(ctx context.Context, since Mark, channel, substring string) (Message, error) {
	m, err := u.SeesWhere(ctx, since, channel, func(m Message) bool { return strings.Contains(m.Text, substring) })
	if err != nil {
		return m, fmt.Errorf("slackserver: %s sees no %q in %s: %w%s", u.name, substring, channel, err, u.screen(channel))
	}
	return m, nil
}

// SeesWhere is [User.SeesSince] by a condition, which must be quick and must call
// nothing of the server's.
func (u *User) SeesWhere(ctx context.Context, since Mark, channel string, match func(Message) bool) (Message, error) {
	w := &watcher{u.id, match, make(chan Message, 1)}
	u.s.mu.Lock()
	c, err := u.s.find(channel)
	if err != nil {
		u.s.mu.Unlock()
		return Message{}, err
	}
	found := false
	for _, ch := range slices.Backward(c.changes) {
		if found || ch.seq <= int64(since) {
			break
		}
		found = ch.msg.seq == ch.seq && w.offer(u.s, ch.msg)
	}
	if !found {
		c.watchers[w] = true
	}
	u.s.mu.Unlock()
	select {
	case m := <-w.found:
		return m, nil
	case <-ctx.Done():
		u.s.mu.Lock()
		delete(c.watchers, w)
		u.s.mu.Unlock()
		return Message{}, context.Cause(ctx)
	}
}

// Screen is what the person can read in a channel, in order.
func (u *User) Screen(channel string) ([]Message, error) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	c, err := u.s.find(channel)
	if err != nil {
		return nil, err
	}
	var shown []Message
	for _, m := range c.messages {
		if !m.deleted && (m.ephemeral == "" || m.ephemeral == u.id) && u.s.sees(c, u.id) {
			shown = append(shown, u.s.snapshot(m))
		}
	}
	return shown, nil
}

// screen is the end of the screen, for an error.
func (u *User) screen(channel string) string {
	shown, err := u.Screen(channel)
	if err != nil || len(shown) == 0 {
		return "; nothing is there"
	}
	var out strings.Builder
	out.WriteString("; the last there:")
	for _, m := range shown[max(0, len(shown)-5):] {
		fmt.Fprintf(&out, "\n- %s", m.Text)
	}
	return out.String()
}

// Thread is the replies to a message that the person can read, in order.
func (u *User) Thread(root Message) ([]Message, error) {
	shown, err := u.Screen(root.Channel)
	return slices.DeleteFunc(shown, func(m Message) bool { return m.ThreadTS != root.TS || m.TS == root.TS }), err
}

// Presses clicks a button of a message, named by its label or the beginning of its
// action id. The message may have changed since it was looked at: then the click was on
// its way while it did.
func (u *User) Presses(on Message, name string) (*Delivery, error) {
	b, err := pick(on.buttons, name)
	if err != nil {
		return nil, err
	}
	return u.PressesForged(on, b)
}

// pick finds a button.
func pick(buttons []Button, name string) (Button, error) {
	for _, b := range buttons {
		if b.Label == name {
			return b, nil
		}
	}
	var there []string
	for _, b := range buttons {
		if name != "" && strings.HasPrefix(b.ActionID, name) {
			return b, nil
		}
		there = append(there, b.Label)
	}
	return Button{}, fmt.Errorf("slackserver: there is no button %q, only %q", name, there)
}

// PressesForged clicks a button that need not be there: any action id and value, on any
// message. It is what a crafted request from a person in the workspace could carry.
func (u *User) PressesForged(on Message, b Button) (*Delivery, error) {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	c, err := u.at(on.Channel)
	if err != nil {
		return nil, err
	}
	m := c.byTS[on.TS]
	if m == nil {
		return nil, fmt.Errorf("slackserver: there is no message %s", on.TS)
	}
	if m.ephemeral != "" && m.ephemeral != u.id {
		return nil, fmt.Errorf("slackserver: %s does not see that message", u.name)
	}
	container := map[string]any{"type": "message", "message_ts": m.ts, "channel_id": c.id, "is_ephemeral": m.ephemeral != ""}
	if m.thread != nil {
		container["thread_ts"] = m.thread.ts
	}
	more := map[string]any{
		"container": container, "channel": map[string]any{"id": c.id, "name": c.shownName()},
		"response_url": u.s.newResponseURL("actions", responseURL{channel: c, user: u.id, original: m}),
	}
	if m.ephemeral == "" { // Slack sends no ephemeral message back
		more["message"] = u.s.history(m, false)
	}
	return u.blockActions(b, more)
}

// blockActions sends a click (docs.slack.dev/reference/interaction-payloads/block_actions-payload).
// The lock is held.
func (u *User) blockActions(b Button, more map[string]any) (*Delivery, error) {
	action := map[string]any{
		"action_id": b.ActionID, "block_id": b.BlockID, "type": "button", "action_ts": formatTS(u.s.opts.Now().UnixMicro()),
		"text": map[string]any{"type": "plain_text", "text": b.Label, "emoji": true},
	}
	if b.Value != "" {
		action["value"] = b.Value
	}
	if b.Style != "" {
		action["style"] = b.Style
	}
	more["actions"] = []any{action}
	more["state"] = map[string]any{"values": map[string]any{}}
	more["trigger_id"] = u.s.newTrigger(u.id)
	return u.interact("block_actions", more, nil)
}

// interact sends an interaction's payload. The lock is held.
func (u *User) interact(kind string, p map[string]any, onAck func([]byte, string)) (*Delivery, error) {
	team := u.s.users[u.id].team
	p["type"], p["token"], p["api_app_id"] = kind, verificationToken, AppID
	p["user"] = map[string]any{"id": u.id, "username": u.name, "name": u.name, "team_id": team}
	p["team"] = map[string]any{"id": TeamID, "domain": TeamDomain}
	p["enterprise"], p["is_enterprise_install"] = nil, false
	payload, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return u.s.start(&Delivery{kind: interactive, payload: payload, body: form(payload), onAck: onAck})
}

// trigger is the leave to open a modal.
type trigger struct {
	user string
	at   time.Time
	used bool
}

// newTrigger makes a trigger's id. The lock is held.
func (s *Server) newTrigger(userID string) string {
	id := s.nextID("1") + "." + s.secret()
	s.triggers[id] = &trigger{user: userID, at: s.opts.Now()}
	return id
}
