package telegramserver

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Profile is what Telegram tells of a person.
type Profile struct {
	ID       int64  // 0 for the next free one
	Name     string // the first name
	Username string // without @; may be ""
	Language string // language_code, such as "en", "ru", "pt-br"; may be ""
	Bot      bool   // another bot
}

// Person is someone who uses Telegram.
type Person struct {
	s    *Server
	user user
}

// Person makes someone new. The bot may not write to them before they have pressed
// Start.
func (s *Server) Person(p Profile) *Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.ID == 0 {
		s.lastPerson++
		p.ID = s.lastPerson
	}
	who := &Person{s: s, user: user{ID: p.ID, IsBot: p.Bot, FirstName: p.Name, Username: p.Username, LanguageCode: p.Language}}
	s.people[p.ID] = who
	r := s.open(chat{ID: p.ID, Type: "private", FirstName: p.Name, Username: p.Username}, []*Person{who})
	r.botPeer = p.Bot
	return who
}

// ID is the person's immutable id.
func (p *Person) ID() int64 { return p.user.ID }

// Private is the person's chat with the bot.
func (p *Person) Private() Room { return Room{Chat: p.user.ID} }

// Starts presses Start in the chat with the bot.
func (p *Person) Starts() Message { return p.Says(p.Private(), "/start") }

// Blocks stops the bot from writing to the person.
func (p *Person) Blocks() { p.block(true, "member", "kicked") }

// Unblocks lets it again.
func (p *Person) Unblocks() { p.block(false, "kicked", "member") }

func (p *Person) block(blocked bool, old, status string) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	r := p.s.rooms[p.user.ID]
	r.blocked = blocked
	p.s.pushStatus(r, p.user, old, status)
	p.s.touch()
}

// Message is a message as a person sees it.
type Message struct {
	ID       int
	Room     Room
	From     int64 // 0 for a channel's post
	Text     string
	Entities []Entity
	Caption  string
	Keyboard [][]Button
	ReplyTo  int // 0 for none; in a topic, its opening message where nothing else is
	Edited   bool
	Content  []byte // of a photo or document
	Update   int64  // of a person's own: the update that told the bot; 0 where it was not told
}

// Button gives the button with the label.
func (m Message) Button(label string) (Button, bool) {
	for _, row := range m.Keyboard {
		for _, b := range row {
			if b.Text == label {
				return b, true
			}
		}
	}
	return Button{}, false
}

func view(m *message) Message {
	v := Message{ID: m.ID, Room: Room{Chat: m.Chat.ID}, Text: m.Text, Entities: slices.Clone(m.Entities),
		Caption: m.Caption, Edited: m.EditDate != 0, Content: slices.Clone(m.content)}
	if m.IsTopicMessage {
		v.Room.Topic = m.ThreadID
	}
	if m.From != nil {
		v.From = m.From.ID
	}
	if m.ReplyTo != nil {
		v.ReplyTo = m.ReplyTo.ID
	}
	if m.ReplyMarkup != nil {
		for _, row := range m.ReplyMarkup.InlineKeyboard {
			v.Keyboard = append(v.Keyboard, slices.Clone(row))
		}
	}
	return v
}

// Manner is how something is said.
type Manner func(*saying)

type saying struct {
	message
	replyTo int
}

// ReplyTo makes it a reply.
func ReplyTo(m Message) Manner { return func(s *saying) { s.replyTo = m.ID } }

// Mentioning turns the person's name in the text into a mention by id, as a client
// does for somebody who has no username.
func Mentioning(p *Person) Manner {
	return func(s *saying) {
		before, _, found := strings.Cut(s.Text, p.user.FirstName)
		if found {
			s.Entities = append(s.Entities, Entity{Type: "text_mention", Offset: units(before), Length: units(p.user.FirstName), User: &p.user})
		}
	}
}

// Anonymously says it as an anonymous administrator of the group.
func Anonymously() Manner {
	return func(s *saying) {
		c := s.Chat
		s.From = &user{ID: anonymousAdminID, IsBot: true, FirstName: "Group", Username: "GroupAnonymousBot"}
		s.SenderChat = &c
	}
}

// AsChannel says it in the name of a channel.
func AsChannel(channel Room) Manner {
	return func(s *saying) {
		s.From = &user{ID: channelBotID, IsBot: true, FirstName: "Channel", Username: "Channel_Bot"}
		s.SenderChat = &chat{ID: channel.Chat, Type: "channel", Title: "Channel"}
	}
}

// ForwardedFrom makes it a forward of what somebody else has said.
func ForwardedFrom(p *Person) Manner {
	return func(s *saying) {
		s.ForwardOrigin = &origin{Type: "user", Date: 1, SenderUser: &p.user}
	}
}

// Via says it by way of another bot's inline mode.
func Via(bot *Person) Manner { return func(s *saying) { s.ViaBot = &bot.user } }

// Says sends a message. In a channel it is the channel's post.
func (p *Person) Says(room Room, text string, manners ...Manner) Message {
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[room.Chat]
	said := &saying{message: message{From: &p.user, Chat: r.chat, Text: text}}
	said.Entities = commandEntities(text)
	for _, manner := range manners {
		manner(said)
	}
	m := said.message
	kind := "message"
	if r.chat.Type == "channel" {
		c := r.chat
		m.From, m.SenderChat, kind = nil, &c, "channel_post"
	}
	s.place(r, &m, room.Topic, r.messages[said.replyTo])
	if r.chat.Type == "private" {
		r.known, r.started = true, true
	}
	v := view(&m)
	if s.isTold(r, &m) {
		s.meet(&p.user)
		v.Update = s.push(kind, r.chat.ID, &m)
	}
	if p.user.IsBot {
		r.lastBot = p.user.ID
	}
	return v
}

// meet notes that the bot knows a person from now on.
func (s *Server) meet(u *user) {
	if r := s.rooms[u.ID]; r != nil {
		r.known = true
	}
}

// isTold is privacy mode (core.telegram.org/bots/features#privacy-mode): in a group
// the bot is given commands for it, replies to it, and other commands while no
// other bot spoke last; everything where it is an administrator.
func (s *Server) isTold(r *room, m *message) bool {
	switch {
	case r.chat.Type == "private":
		return true
	case r.bot == "kicked" || r.bot == "left":
		return false
	case s.opts.SeesAll || r.bot == "administrator":
		return true
	case m.ReplyTo != nil && m.ReplyTo.From != nil && m.ReplyTo.From.ID == s.me.ID:
		return true
	case m.ViaBot != nil && m.ViaBot.ID == s.me.ID:
		return true
	case !strings.HasPrefix(m.Text, "/"):
		return false
	}
	word, _, _ := strings.Cut(m.Text, " ")
	_, name, addressed := strings.Cut(word, "@")
	if addressed {
		return strings.EqualFold(name, s.me.Username)
	}
	return r.lastBot == 0 || r.lastBot == s.me.ID
}

// commandEntities marks a command at the start of the text.
func commandEntities(text string) []Entity {
	end := 1
	for end < len(text) && (isNameByte(text[end]) && text[end] != '.' && text[end] != '-' || text[end] == '_' || text[end] == '@') {
		end++
	}
	if !strings.HasPrefix(text, "/") || end == 1 {
		return nil
	}
	return []Entity{{Type: "bot_command", Offset: 0, Length: end}}
}

// Edits changes a message of the person's own.
func (p *Person) Edits(m Message, text string) Message {
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[m.Room.Chat]
	it := r.messages[m.ID]
	it.Text, it.Entities, it.EditDate = text, commandEntities(text), s.now()
	r.note(it)
	kind := "edited_message"
	if r.chat.Type == "channel" {
		kind = "edited_channel_post"
	}
	v := view(it)
	if s.isTold(r, it) {
		v.Update = s.push(kind, r.chat.ID, it)
	}
	s.touch()
	return v
}

// Sees waits for a message of the bot in the room whose text or caption has the
// substring, and gives the newest such.
func (p *Person) Sees(ctx context.Context, room Room, substring string) (Message, error) {
	return p.s.await(ctx, room, substring, func(m *message) bool {
		return m.From != nil && m.From.ID == p.s.me.ID &&
			(strings.Contains(m.Text, substring) || strings.Contains(m.Caption, substring))
	})
}

// SeesWhere waits for a message of the bot in the room by a condition, and gives
// the newest such. The condition must be quick and must call nothing of the server's.
func (p *Person) SeesWhere(ctx context.Context, room Room, match func(Message) bool) (Message, error) {
	return p.SeesAfter(ctx, room, 0, match)
}

// SeesAfter is [Person.SeesWhere] for messages that came after the one with that id.
func (p *Person) SeesAfter(ctx context.Context, room Room, id int, match func(Message) bool) (Message, error) {
	return p.s.await(ctx, room, "what is waited for", func(m *message) bool {
		return m.ID > id && m.From != nil && m.From.ID == p.s.me.ID && match(view(m))
	})
}

// SeesBecome waits until a message's text has the substring.
func (p *Person) SeesBecome(ctx context.Context, m Message, substring string) (Message, error) {
	return p.s.await(ctx, m.Room, substring, func(it *message) bool {
		return it.ID == m.ID && strings.Contains(it.Text, substring)
	})
}

// await looks through the room's log, newest first, and then only at what is added.
func (s *Server) await(ctx context.Context, room Room, what string, match func(*message) bool) (Message, error) {
	seen := 0
	for {
		s.mu.Lock()
		r := s.rooms[room.Chat]
		for i := len(r.log) - 1; i >= seen; i-- {
			m := r.log[i]
			if inRoom(r, m, room) && match(m) && r.messages[m.ID] == m {
				v := view(m)
				s.mu.Unlock()
				return v, nil
			}
		}
		seen = len(r.log)
		if r.changed == nil {
			r.changed = make(chan struct{})
		}
		changed := r.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return Message{}, fmt.Errorf("no message with %q in chat %d: %w", what, room.Chat, ctx.Err())
		}
	}
}

// Answer is what came back for a click.
type Answer struct {
	Answered bool
	Text     string
	Alert    bool // shown as a dialog, not as a notice that fades
}

// Click is a press of a button, on its way.
type Click struct {
	s      *Server
	q      *query
	ID     string // the callback query's id
	Update int64
}

// Answer waits for the bot's answer. It gives the context's error, and an Answer
// that is not answered, when that ends first.
func (c Click) Answer(ctx context.Context) (Answer, error) {
	select {
	case <-c.q.done:
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		return c.q.answer, nil
	case <-ctx.Done():
		return Answer{}, fmt.Errorf("the click was not answered: %w", ctx.Err())
	}
}

// Clicks presses a button of the message as it stands now, and does not wait.
func (p *Person) Clicks(m Message, label string) (Click, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	it := p.s.rooms[m.Room.Chat].messages[m.ID]
	if it == nil {
		return Click{}, fmt.Errorf("message %d is gone", m.ID)
	}
	b, ok := view(it).Button(label)
	if !ok {
		return Click{}, fmt.Errorf("message %d has no button %q", m.ID, label)
	}
	return p.click(it, b.Data), nil
}

// Presses presses a button of the message as it stands now and waits for the
// answer.
func (p *Person) Presses(ctx context.Context, m Message, label string) (Answer, error) {
	c, err := p.Clicks(m, label)
	if err != nil {
		return Answer{}, err
	}
	return c.Answer(ctx)
}

// Forges sends a click with whatever data, as a modified client can for a message
// that it sees, and waits for the answer.
func (p *Person) Forges(ctx context.Context, m Message, data string) (Answer, error) {
	p.s.mu.Lock()
	it := p.s.rooms[m.Room.Chat].messages[m.ID]
	if it == nil {
		p.s.mu.Unlock()
		return Answer{}, fmt.Errorf("message %d is gone", m.ID)
	}
	c := p.click(it, data)
	p.s.mu.Unlock()
	return c.Answer(ctx)
}

// click queues a callback query. The lock is held.
func (p *Person) click(it *message, data string) Click {
	s := p.s
	s.lastQuery++
	q := &query{at: s.opts.Now(), done: make(chan struct{})}
	id := strconv.FormatInt(s.lastQuery, 10)
	s.queries[id] = q
	cq := callbackQuery{ID: id, From: p.user, Message: it, ChatInstance: strconv.FormatInt(-it.Chat.ID, 10), Data: data}
	if it.inaccessible {
		cq.Message = inaccessibleMessage{Chat: it.Chat, ID: it.ID}
	}
	s.meet(&p.user)
	return Click{s: s, q: q, ID: id, Update: s.push("callback_query", it.Chat.ID, cq)}
}
