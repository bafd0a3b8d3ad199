package slackserver

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

type user struct {
	id, name, team, locale string
	guest, bot, gone       bool
}

type channel struct {
	id, name string
	private  bool
	archived bool
	shared   bool
	dm       string // the person it is with
	members  map[string]bool

	messages []*message // in order, ephemeral ones too
	byTS     map[string]*message
	changes  []change
	watchers map[*watcher]bool
}

// change is one entry of a channel's log: what a person who looks since then sees anew.
type change struct {
	seq int64
	msg *message
}

// Channel is a handle on a channel.
type Channel struct {
	s  *Server
	id string
}

// Channel is the public channel of that name, with the bot in it; it is made on first use.
func (s *Server) Channel(name string) *Channel { return s.channelNamed(name, false) }

// PrivateChannel is the private channel of that name, with the bot in it; it is made
// on first use.
func (s *Server) PrivateChannel(name string) *Channel { return s.channelNamed(name, true) }

func (s *Server) channelNamed(name string, private bool) *Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	name = strings.TrimPrefix(name, "#")
	c := s.byName[name]
	if c == nil {
		c = s.newChannel("C", name)
		c.private = private
		c.members[BotUserID] = true
		s.byName[name] = c
	}
	return &Channel{s, c.id}
}

// newChannel makes a channel with nobody in it. The lock is held.
func (s *Server) newChannel(kind, name string) *channel {
	c := &channel{id: s.nextID(kind), name: name, members: map[string]bool{}, byTS: map[string]*message{}, watchers: map[*watcher]bool{}}
	s.channels[c.id] = c
	return c
}

// dmWith is the conversation of a person and the bot. The lock is held.
func (s *Server) dmWith(u *user) *channel {
	c := s.dms[u.id]
	if c == nil {
		c = s.newChannel("D", "")
		c.dm = u.id
		c.members[u.id], c.members[BotUserID] = true, true
		s.dms[u.id] = c
	}
	return c
}

// ID is the channel's id.
func (c *Channel) ID() string { return c.id }

func (c *Channel) do(f func(*channel)) *Channel {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	f(c.s.channels[c.id])
	c.s.wake()
	return c
}

// Invite puts people into the channel. A person of another workspace makes it a shared one.
func (c *Channel) Invite(people ...*User) *Channel {
	return c.do(func(ch *channel) {
		for _, p := range people {
			ch.members[p.id] = true
			ch.shared = ch.shared || c.s.users[p.id].team != TeamID
		}
	})
}

// Remove takes people out of the channel.
func (c *Channel) Remove(people ...*User) *Channel {
	return c.do(func(ch *channel) {
		for _, p := range people {
			delete(ch.members, p.id)
		}
	})
}

// Archive closes the channel for good.
func (c *Channel) Archive() { c.do(func(ch *channel) { ch.archived = true }) }

// InviteBot puts the bot into the channel.
func (c *Channel) InviteBot() { c.do(func(ch *channel) { ch.members[BotUserID] = true }) }

// RemoveBot takes the bot out of the channel.
func (c *Channel) RemoveBot() { c.do(func(ch *channel) { delete(ch.members, BotUserID) }) }

// Messages are all messages of the channel in order, ephemeral and deleted ones too.
func (c *Channel) Messages() []Message {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	ch := c.s.channels[c.id]
	list := make([]Message, 0, len(ch.messages))
	for _, m := range ch.messages {
		list = append(list, c.s.snapshot(m))
	}
	return list
}

// find is the channel of an id or a name. The lock is held.
func (s *Server) find(ref string) (*channel, error) {
	if c := s.channels[ref]; c != nil {
		return c, nil
	}
	if c := s.byName[strings.TrimPrefix(ref, "#")]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("slackserver: there is no channel %q", ref)
}

// shownName is the channel's name as payloads carry it.
func (c *channel) shownName() string {
	switch {
	case c.dm != "":
		return "directmessage"
	case c.private:
		return "privategroup"
	}
	return c.name
}

// sees says whether a person can read the channel: the members, and of a public one
// all of the home workspace but its guests. The lock is held.
func (s *Server) sees(c *channel, userID string) bool {
	u := s.users[userID]
	return c.members[userID] || c.dm == "" && !c.private && u.team == TeamID && !u.guest
}

func (s *Server) addUser(u *user) *user {
	if u.locale == "" {
		u.locale = "en-US"
	}
	s.users[u.id], s.names[u.name] = u, u
	return u
}

// nextTS is the id of a new message: the time, and unique. The lock is held.
func (s *Server) nextTS() string {
	t := s.opts.Now().UnixMicro()
	if t <= s.lastTS {
		t = s.lastTS + 1
	}
	s.lastTS = t
	return formatTS(t)
}

func formatTS(micros int64) string { return fmt.Sprintf("%d.%06d", micros/1e6, micros%1e6) }

// parseTS reads a message id as microseconds.
func parseTS(ts string) (int64, bool) {
	sec, frac, ok := strings.Cut(ts, ".")
	if !ok || len(sec) == 0 || len(sec) > 12 || len(frac) != 6 {
		return 0, false
	}
	var n int64
	for _, r := range sec + frac {
		if r < '0' || r > '9' {
			return 0, false
		}
		n = n*10 + int64(r-'0')
	}
	return n, true
}

// add puts a message at a channel's end. The lock is held.
func (s *Server) add(c *channel, m *message) *message {
	m.ch, m.ts, m.at = c, s.nextTS(), s.opts.Now()
	if m.thread != nil && m.ephemeral == "" { // an ephemeral reply is shown in the thread but counts for nothing
		m.thread.replies = append(m.thread.replies, m)
	}
	c.messages = append(c.messages, m)
	c.byTS[m.ts] = m
	s.touch(m)
	return m
}

// touch renders a message that is new or changed and shows it to those who wait for
// it. The lock is held.
func (s *Server) touch(m *message) {
	s.seq++
	m.seq, m.snap = s.seq, nil
	m.ch.changes = append(m.ch.changes, change{s.seq, m})
	for w := range m.ch.watchers {
		if w.offer(s, m) {
			delete(m.ch.watchers, w)
		}
	}
	s.wake()
}

// botNotice is an ephemeral message of Slack's own. The lock is held.
func (s *Server) botNotice(c *channel, userID, text string) {
	s.add(c, &message{author: slackbotID, ephemeral: userID, content: content{text: text}})
}

// content is what a message says.
type content struct {
	text     string
	blocks   []any           // as validated, with block ids
	raw      json.RawMessage // the same as JSON; nil without blocks
	metadata json.RawMessage
}

type message struct {
	ch        *channel
	ts        string
	at        time.Time
	seq       int64
	author    string
	ephemeral string // the only person who sees it
	thread    *message
	broadcast bool
	replies   []*message
	deleted   bool
	edits     []string // earlier visible texts
	files     []*file
	content
	snap *Message
}
