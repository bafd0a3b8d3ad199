package slackserver

import (
	"encoding/json"
	"strings"
)

// Message is what a person has on the screen, at one moment.
type Message struct {
	Channel  string   // id
	TS       string   // id within the channel
	ThreadTS string   // the root's, of the root itself too; "" outside threads
	Author   string   // user id
	To       string   // the only person who sees it; "" if all do
	Text     string   // what is shown: entities undone, markup gone, mentions as @name; no button labels
	Fallback string   // what a notification says: the text as it was sent
	Pings    []string // who is notified by it: "channel", "here", "everyone" or user ids
	Edits    []string // earlier texts, the oldest first
	Deleted  bool
	Replies  int             // in its thread
	Files    []File          // shared with it
	Blocks   json.RawMessage // as stored; nil without
	Metadata json.RawMessage // event_type and event_payload; nil without

	buttons []Button
}

// Ephemeral says whether one person alone sees the message.
func (m Message) Ephemeral() bool { return m.To != "" }

// Buttons are the message's buttons in order.
func (m Message) Buttons() []Button { return append([]Button(nil), m.buttons...) }

// Button is a button on the screen.
type Button struct {
	Label    string
	ActionID string
	BlockID  string
	Value    string
	Style    string // "", "primary" or "danger"
	URL      string
}

// Mark is a moment in the workspace, to look for what came after it.
type Mark int64

// Mark is now.
func (s *Server) Mark() Mark {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Mark(s.seq)
}

// snapshot renders a message, once for each change of it. The lock is held; what it
// answers shares nothing that is written again.
func (s *Server) snapshot(m *message) Message {
	if m.snap == nil {
		v := Message{
			Channel: m.ch.id, TS: m.ts, Author: m.author, To: m.ephemeral, Fallback: m.text, Edits: m.edits,
			Deleted: m.deleted, Blocks: m.raw, Metadata: m.metadata,
		}
		if m.thread != nil {
			v.ThreadTS = m.thread.ts
		}
		for _, f := range m.files {
			v.Files = append(v.Files, f.view())
		}
		r := renderer{s: s}
		if len(m.blocks) > 0 {
			r.blocks(m.blocks)
			v.Text, v.buttons = strings.Join(r.lines, "\n"), r.buttons
			r.mrkdwn(m.text) // what the fallback pings, it pings
		} else {
			v.Text = r.mrkdwn(m.text)
		}
		v.Pings = r.pings
		m.snap = &v
	}
	v := *m.snap
	if v.Replies = len(m.replies); v.Replies > 0 {
		v.ThreadTS = m.ts
	}
	return v
}

// renderer turns blocks into what is on the screen.
type renderer struct {
	s       *Server
	lines   []string
	buttons []Button
	pings   []string
}

func (r *renderer) line(text string) {
	if text != "" {
		r.lines = append(r.lines, text)
	}
}

func (r *renderer) blocks(blocks []any) {
	for _, b := range blocks {
		block, _ := b.(map[string]any)
		id := str(block["block_id"])
		r.line(r.text(block["title"]))
		r.line(r.text(block["text"]))
		r.line(r.text(block["label"]))
		for _, f := range list(block["fields"]) {
			r.line(r.text(f))
		}
		var row []string
		for _, e := range list(block["elements"]) {
			element, _ := e.(map[string]any)
			switch str(block["type"]) {
			case "context":
				if t := r.text(element); t != "" {
					row = append(row, t)
				}
			default:
				r.element(id, element)
			}
		}
		r.line(strings.Join(row, " "))
		if accessory, ok := block["accessory"].(map[string]any); ok {
			r.element(id, accessory)
		}
	}
}

// element notes what can be clicked.
func (r *renderer) element(blockID string, e map[string]any) {
	switch str(e["type"]) {
	case "button":
		r.buttons = append(r.buttons, Button{
			Label: r.text(e["text"]), ActionID: str(e["action_id"]), BlockID: blockID,
			Value: str(e["value"]), Style: str(e["style"]), URL: str(e["url"]),
		})
	case "image":
		r.line(str(e["alt_text"]))
	}
}

// text is the visible text of a text object, an image or a markdown block's string.
func (r *renderer) text(v any) string {
	switch t := v.(type) {
	case string:
		return t
	case map[string]any:
		switch str(t["type"]) {
		case "mrkdwn":
			return r.mrkdwn(str(t["text"]))
		case "plain_text":
			return unescape(str(t["text"]))
		case "image":
			return str(t["alt_text"])
		}
	}
	return ""
}

func str(v any) string {
	t, _ := v.(string)
	return t
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// history is the message as the Web API tells it. The lock is held.
func (s *Server) history(m *message, metadata bool) map[string]any {
	if m.deleted {
		return map[string]any{"type": "message", "subtype": "tombstone", "user": slackbotID, "text": "This message was deleted.", "ts": m.ts, "hidden": true, "thread_ts": m.ts}
	}
	v := map[string]any{"type": "message", "user": m.author, "text": m.text, "ts": m.ts, "team": s.users[m.author].team}
	if m.author == BotUserID {
		v["bot_id"], v["app_id"] = BotID, AppID
	}
	if m.raw != nil {
		v["blocks"] = m.raw
	}
	if m.thread != nil {
		v["thread_ts"], v["parent_user_id"] = m.thread.ts, m.thread.author
	} else if len(m.replies) > 0 {
		v["thread_ts"], v["reply_count"], v["latest_reply"] = m.ts, len(m.replies), m.replies[len(m.replies)-1].ts
	}
	if len(m.edits) > 0 {
		v["edited"] = map[string]any{"user": m.author, "ts": m.ts}
	}
	if len(m.files) > 0 {
		list := make([]map[string]any, len(m.files))
		for i, f := range m.files {
			list[i] = f.json()
		}
		v["files"] = list
	}
	if m.metadata != nil {
		if metadata {
			v["metadata"] = m.metadata
		} else {
			var short struct {
				Type string `json:"event_type"`
			}
			if json.Unmarshal(m.metadata, &short) == nil {
				v["metadata"] = map[string]any{"event_type": short.Type}
			}
		}
	}
	return v
}
