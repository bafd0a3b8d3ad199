package telegramserver

import "maps"

// Room is a place to talk: a chat, or a topic of a forum.
type Room struct {
	Chat  int64
	Topic int // 0: the chat itself, or a forum's General topic
}

type topic struct {
	opening         *message
	closed, deleted bool
}

type room struct {
	chat       chat
	members    map[int64]bool
	bot        string // the bot's status: member, administrator, left, kicked
	known      bool   // private: the bot has met the person
	started    bool   // private: the person has pressed Start
	blocked    bool   // private: the person has blocked the bot
	botPeer    bool   // private: the other is a bot
	migratedTo int64
	topics     map[int]*topic
	nextID     int
	messages   map[int]*message
	log        []*message // in order of sending and editing
	lastBot    int64      // the bot that spoke last
	changed    chan struct{}
}

// note appends a new or changed message to the room's log and wakes who looks at
// the room.
func (r *room) note(m *message) {
	r.log = append(r.log, m)
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

func (s *Server) open(c chat, members []*Person) *room {
	r := &room{chat: c, bot: "member", members: map[int64]bool{}, topics: map[int]*topic{}, messages: map[int]*message{}}
	for _, p := range members {
		r.members[p.user.ID] = true
	}
	s.rooms[c.ID] = r
	return r
}

func (s *Server) openShared(kind, title string, forum bool, members []*Person) Room {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastRoom++
	id := -s.lastRoom
	if kind != "group" {
		id = -1000000000000 - s.lastRoom
	}
	r := s.open(chat{ID: id, Type: kind, Title: title, IsForum: forum}, members)
	if kind == "supergroup" {
		r.nextID = 1 // the message that tells of its making, and General's thread
	}
	s.touch()
	return Room{Chat: id}
}

// Group opens a basic group with the bot and the members in it.
func (s *Server) Group(title string, members ...*Person) Room {
	return s.openShared("group", title, false, members)
}

// Supergroup opens a supergroup without topics.
func (s *Server) Supergroup(title string, members ...*Person) Room {
	return s.openShared("supergroup", title, false, members)
}

// Forum opens a supergroup with topics; the room is its General topic.
func (s *Server) Forum(title string, members ...*Person) Room {
	return s.openShared("supergroup", title, true, members)
}

// Channel opens a channel in which the bot is an administrator.
func (s *Server) Channel(title string, members ...*Person) Room {
	room := s.openShared("channel", title, false, members)
	s.SetBotStatus(room, "administrator")
	return room
}

// Topic opens a topic in a forum; by is who opens it.
func (s *Server) Topic(forum Room, name string, by *Person) Room {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[forum.Chat]
	m := &message{From: &by.user, ForumTopicCreated: &topicCreated{Name: name, IconColor: 7322096}}
	s.place(r, m, 0, nil)
	m.ThreadID, m.IsTopicMessage = m.ID, true
	r.topics[m.ID] = &topic{opening: m}
	s.push("message", r.chat.ID, m)
	return Room{Chat: forum.Chat, Topic: m.ID}
}

// CloseTopic closes a topic to all but administrators.
func (s *Server) CloseTopic(room Room) { s.onTopic(room, func(t *topic) { t.closed = true }) }

// DeleteTopic deletes a topic; its messages are gone.
func (s *Server) DeleteTopic(room Room) {
	s.onTopic(room, func(t *topic) { t.deleted = true })
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[room.Chat]
	maps.DeleteFunc(r.messages, func(_ int, m *message) bool { return m.ThreadID == room.Topic })
}

func (s *Server) onTopic(room Room, change func(*topic)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.rooms[room.Chat].topics[room.Topic]; t != nil {
		change(t)
		s.touch()
	}
}

// SetBotStatus makes the bot a member, an administrator (who is given all that is
// said), left or kicked in a room, and tells it so.
func (s *Server) SetBotStatus(room Room, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[room.Chat]
	old := r.bot
	r.bot = status
	s.pushStatus(r, user{ID: 1, FirstName: "Owner"}, old, status)
	s.touch()
}

func (s *Server) pushStatus(r *room, by user, old, status string) {
	member := func(status string) chatMember {
		m := chatMember{User: s.me, Status: status}
		if status == "kicked" {
			m.Until = new(int64)
		}
		return m
	}
	s.push("my_chat_member", r.chat.ID, chatMemberUpdated{Chat: r.chat, From: by, Date: s.now(), Old: member(old), New: member(status)})
}

// Migrate makes a basic group a supergroup with a new id, as Telegram does when it
// grows or topics are turned on, and gives the new room.
func (s *Server) Migrate(group Room) Room {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.rooms[group.Chat]
	s.lastRoom++
	id := -1000000000000 - s.lastRoom
	r := s.open(chat{ID: id, Type: "supergroup", Title: old.chat.Title}, nil)
	maps.Copy(r.members, old.members)
	r.bot = old.bot
	old.migratedTo = id
	out := &message{From: &user{ID: 1, FirstName: "Owner"}, MigrateToChatID: id}
	s.place(old, out, 0, nil)
	s.push("message", old.chat.ID, out)
	in := &message{From: &user{ID: anonymousAdminID, IsBot: true, FirstName: "Group", Username: "GroupAnonymousBot"},
		SenderChat: &r.chat, MigrateFromChatID: old.chat.ID}
	s.place(r, in, 0, nil)
	s.push("message", id, in)
	return Room{Chat: id}
}

// Delete deletes a message.
func (s *Server) Delete(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rooms[m.Room.Chat].messages, m.ID)
	s.touch()
}

// Fade makes a message inaccessible to the bot: a click on it tells only its chat
// and id (core.telegram.org/bots/api#inaccessiblemessage).
func (s *Server) Fade(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if it := s.rooms[m.Room.Chat].messages[m.ID]; it != nil {
		it.inaccessible = true
	}
}

// Messages is a copy of all that stands in a room, in order; of a forum's topic,
// what stands in that topic.
func (s *Server) Messages(room Room) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[room.Chat]
	var found []Message
	for id := 1; id <= r.nextID; id++ {
		if m := r.messages[id]; m != nil && inRoom(r, m, room) {
			found = append(found, view(m))
		}
	}
	return found
}

func inRoom(r *room, m *message, room Room) bool {
	return !r.chat.IsForum || m.ThreadID == room.Topic
}
