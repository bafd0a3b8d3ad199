package slackserver

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxText is the longest text of a message (docs.slack.dev/reference/methods/chat.postMessage).
const maxText = 40000

// parseContent reads what a message is to say. method names the call in faults.
func (s *Server) parseContent(a args, method string) (content, *refusal) {
	var c content
	blocks, bad := s.parseBlocks(a["blocks"])
	if bad != nil {
		return c, bad
	}
	c.text = a["text"]
	if utf8.RuneCountInString(c.text) > maxText {
		return c, refuse("msg_too_long")
	}
	if len(blocks) > 0 {
		c.blocks = blocks
		if c.raw, bad = marshal(blocks); bad != nil {
			return c, bad
		}
	}
	if strings.TrimSpace(c.text) == "" {
		if len(blocks) == 0 {
			return c, refuse("no_text")
		}
		s.faults = append(s.faults, method+": blocks without the text that notifications and screen readers take")
	}
	c.metadata, bad = parseMetadata(a["metadata"])
	return c, bad
}

func marshal(v any) (json.RawMessage, *refusal) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, refuse("internal_error")
	}
	return b, nil
}

// parseMetadata reads a message's metadata (docs.slack.dev/messaging/message-metadata).
func parseMetadata(text string) (json.RawMessage, *refusal) {
	if text == "" || text == "{}" {
		return nil, nil
	}
	var m struct {
		Type    string          `json:"event_type"`
		Payload json.RawMessage `json:"event_payload"`
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return nil, refuse("invalid_metadata_format")
	}
	var object map[string]any
	isObject := json.Unmarshal(m.Payload, &object) == nil
	switch {
	case m.Type == "" && object == nil:
		return nil, nil // what libraries send for none
	case m.Type == "" || !isObject || object == nil:
		return nil, refuse("invalid_metadata_schema")
	}
	b, bad := marshal(m)
	return b, bad
}

// writable is a channel that the bot may post in. A person's id stands for the
// conversation with them.
func (s *Server) writable(id string) (*channel, *refusal) {
	if u := s.users[id]; u != nil && !u.bot && !u.gone {
		return s.dmWith(u), nil
	}
	c, bad := s.reachable(id)
	switch {
	case bad != nil:
		return nil, bad
	case c.archived:
		return nil, refuse("is_archived")
	case !c.members[BotUserID] && !s.scopes["chat:write.public"]:
		return nil, refuse("not_in_channel")
	}
	return c, nil
}

// root is the message that a thread_ts names. A reply under a deleted message falls out
// into the channel; under one that is a reply, or never was, it is refused (a guess:
// Slack's page says only that a parent's ts is to be given).
func (c *channel) root(ts string) (*message, *refusal) {
	if ts == "" {
		return nil, nil
	}
	m := c.byTS[ts]
	switch {
	case m == nil || m.ephemeral != "":
		return nil, refuse("invalid_thread_ts")
	case m.thread != nil:
		return nil, refuse("cannot_reply_to_message")
	case m.deleted:
		return nil, nil
	}
	return m, nil
}

func (s *Server) postMessage(a args) (result, *refusal) {
	c, bad := s.writable(a["channel"])
	if bad != nil {
		return nil, bad
	}
	if wait := s.postedAt[c.id].Add(s.opts.PostInterval).Sub(s.opts.Now()); s.opts.PostInterval > 0 && wait > 0 {
		return nil, tooSoon(wait)
	}
	root, bad := c.root(a["thread_ts"])
	if bad != nil {
		return nil, bad
	}
	said, bad := s.parseContent(a, "chat.postMessage")
	if bad != nil {
		return nil, bad
	}
	if s.opts.PostInterval > 0 {
		s.postedAt[c.id] = s.opts.Now()
	}
	m := s.add(c, &message{author: BotUserID, thread: root, broadcast: a.flag("reply_broadcast"), content: said})
	return result{"channel": c.id, "ts": m.ts, "message": s.history(m, false)}, nil
}

func (s *Server) postEphemeral(a args) (result, *refusal) {
	c, bad := s.reachable(a["channel"])
	u := s.users[a["user"]]
	switch {
	case bad != nil:
		return nil, bad
	case c.archived:
		return nil, refuse("is_archived")
	case !c.members[BotUserID]:
		return nil, refuse("not_in_channel")
	case u == nil || u.gone || !c.members[u.id]:
		return nil, refuse("user_not_in_channel")
	}
	root, bad := c.root(a["thread_ts"])
	if bad != nil {
		return nil, bad
	}
	said, bad := s.parseContent(a, "chat.postEphemeral")
	if bad != nil {
		return nil, bad
	}
	m := s.add(c, &message{author: BotUserID, ephemeral: u.id, thread: root, content: said})
	return result{"message_ts": m.ts}, nil
}

// own is one of the bot's messages, for a change of it.
func (s *Server) own(a args, notMine string) (*message, *refusal) {
	c, bad := s.reachable(a["channel"])
	if bad != nil {
		return nil, bad
	}
	m := c.byTS[a["ts"]]
	switch {
	case m == nil || m.deleted || m.ephemeral != "":
		return nil, refuse("message_not_found")
	case m.author != BotUserID:
		return nil, refuse(notMine)
	case c.archived:
		return nil, refuse("is_archived")
	case !c.members[BotUserID]:
		return nil, refuse(notMine)
	}
	return m, nil
}

func (s *Server) updateMessage(a args) (result, *refusal) {
	m, bad := s.own(a, "cant_update_message")
	if bad != nil {
		return nil, bad
	}
	if s.opts.EditWindow > 0 && s.opts.Now().Sub(m.at) > s.opts.EditWindow {
		return nil, refuse("edit_window_closed")
	}
	_, text := a["text"]
	_, blocks := a["blocks"]
	_, metadata := a["metadata"]
	if !text && !blocks && metadata { // what is not given stays
		a = args{"text": m.text, "blocks": string(m.raw), "metadata": a["metadata"]}
	}
	said, bad := s.parseContent(a, "chat.update")
	if bad != nil {
		return nil, bad
	}
	if !metadata {
		said.metadata = m.metadata
	}
	s.replace(m, said)
	return result{"channel": m.ch.id, "ts": m.ts, "text": m.text, "message": s.history(m, false)}, nil
}

// replace gives a message new content and keeps the old text. The lock is held.
func (s *Server) replace(m *message, c content) {
	m.edits = append(slices.Clip(m.edits), s.snapshot(m).Text)
	m.content = c
	s.touch(m)
}

func (s *Server) deleteMessage(a args) (result, *refusal) {
	m, bad := s.own(a, "cant_delete_message")
	if bad != nil {
		return nil, bad
	}
	s.remove(m)
	return result{"channel": m.ch.id, "ts": m.ts}, nil
}

func (s *Server) remove(m *message) {
	m.deleted = true
	s.touch(m)
}

func (s *Server) getPermalink(a args) (result, *refusal) {
	c, bad := s.reachable(a["channel"])
	if bad != nil {
		return nil, bad
	}
	m := c.byTS[a["message_ts"]]
	if m == nil || m.deleted || m.ephemeral != "" {
		return nil, refuse("message_not_found")
	}
	link := "https://" + TeamDomain + ".slack.com/archives/" + c.id + "/p" + strings.Replace(m.ts, ".", "", 1)
	if m.thread != nil {
		link += "?thread_ts=" + m.thread.ts + "&cid=" + c.id
	}
	return result{"channel": c.id, "permalink": link}, nil
}
