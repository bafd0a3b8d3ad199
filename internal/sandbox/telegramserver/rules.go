package telegramserver

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of the Bot API.
const (
	maxText        = 4096    // UTF-16 code units after entities are parsed (#sendmessage)
	maxCaption     = 1024    // likewise (#sendphoto)
	maxSource      = 1 << 15 // bytes of text before they are (telegram-bot-api, get_formatted_text)
	maxAnswer      = 200     // characters of a callback's answer (#answercallbackquery)
	maxPhoto       = 10 << 20
	maxDocument    = 50 << 20
	maxButtonData  = 64  // bytes (#inlinekeyboardbutton)
	maxButtonsRow  = 8   // further ones are dropped
	maxButtons     = 100 // "reply markup is too long"
	maxCommands    = 100
	maxCommandName = 32
	maxCommandText = 256
)

// outgoing is what the bot sends, before it is checked.
type outgoing struct {
	chatID     string
	threadID   int
	text       string // or caption
	entities   []Entity
	reply      int
	replyLoose bool // send even where the message to reply to is gone
	markup     *markup
	photo      *upload
	document   *upload
}

type upload struct {
	name    string
	content []byte
}

// formatted applies parse_mode and trims the text as Telegram does.
func formatted(text, mode string, limit int) (string, []Entity, *apiError) {
	if len(text) > maxSource {
		return "", nil, badRequest("text is too long")
	}
	var entities []Entity
	switch strings.ToLower(mode) {
	case "", "none":
	case "html":
		var err error
		if text, entities, err = parseHTML(text); err != nil {
			return "", nil, badRequest("can't parse entities: " + err.Error())
		}
	case "markdown", "markdownv2":
		return "", nil, badRequest("this server reads no Markdown: use HTML")
	default:
		return "", nil, badRequest("unsupported parse_mode")
	}
	text = strings.Map(cleanRune, text)
	lead := len(text) - len(strings.TrimLeft(text, " \n"))
	shift := units(text[:lead])
	text = strings.TrimRight(text[lead:], " \n")
	length := units(text)
	if length > limit {
		if limit == maxCaption {
			return "", nil, badRequest("message caption is too long")
		}
		return "", nil, badRequest("message is too long")
	}
	return text, fitEntities(entities, shift, length), nil
}

// fitEntities moves entities to where the text is after trimming and drops those
// that lie outside.
func fitEntities(entities []Entity, shift, length int) []Entity {
	kept := entities[:0]
	for _, e := range entities {
		end := min(e.Offset+e.Length-shift, length)
		e.Offset = max(e.Offset-shift, 0)
		if e.Length = end - e.Offset; e.Length > 0 {
			kept = append(kept, e)
		}
	}
	return kept
}

func cleanRune(r rune) rune {
	switch {
	case r == '\n':
		return r
	case r == '\r', r >= 0x2028 && r <= 0x202e:
		return -1
	case r < ' ':
		return ' '
	}
	return r
}

// room finds where the bot wants to act and whether it may.
func (s *Server) room(chatID string) (*room, *apiError) {
	if chatID == "" {
		return nil, badRequest("chat_id is empty")
	}
	id, err := strconv.ParseInt(chatID, 10, 64)
	if err != nil {
		return nil, badRequest("chat not found")
	}
	r := s.rooms[id]
	if r == nil || r.chat.Type == "private" && !r.known {
		return nil, badRequest("chat not found")
	}
	return r, nil
}

// writable is room for one that the bot means to write in.
func (s *Server) writable(chatID string) (*room, *apiError) {
	r, fail := s.room(chatID)
	if fail != nil {
		return nil, fail
	}
	kind := map[string]string{"group": "group", "supergroup": "supergroup", "channel": "channel"}[r.chat.Type]
	switch {
	case r.chat.Type == "private" && r.botPeer:
		return nil, forbidden("bot can't send messages to bots")
	case r.chat.Type == "private" && r.blocked:
		return nil, forbidden("bot was blocked by the user")
	case r.chat.Type == "private" && !r.started:
		return nil, forbidden("bot can't initiate conversation with a user")
	case r.migratedTo != 0:
		fail := badRequest("group chat was upgraded to a supergroup chat")
		fail.migrateTo = r.migratedTo
		return nil, fail
	case r.bot == "kicked":
		return nil, forbidden("bot was kicked from the " + kind + " chat")
	case r.bot == "left":
		return nil, forbidden("bot is not a member of the " + kind + " chat")
	case r.chat.Type == "channel" && r.bot != "administrator":
		return nil, badRequest("need administrator rights in the channel chat")
	}
	return r, nil
}

// send is sendMessage, sendPhoto and sendDocument. The lock is held.
func (s *Server) send(o outgoing) (*message, *apiError) {
	r, fail := s.writable(o.chatID)
	if fail != nil {
		return nil, fail
	}
	if o.threadID != 0 {
		t := r.topics[o.threadID]
		switch {
		case t == nil || t.deleted:
			return nil, badRequest("message thread not found")
		case t.closed && r.bot != "administrator":
			return nil, badRequest("TOPIC_CLOSED")
		}
	}
	var replyTo *message
	if o.reply != 0 {
		if replyTo = r.messages[o.reply]; replyTo == nil && !o.replyLoose {
			return nil, badRequest("message to be replied not found")
		}
	}
	m := &message{From: &s.me, Text: o.text, Entities: o.entities, ReplyMarkup: o.markup}
	if o.photo != nil || o.document != nil {
		m.Text, m.Entities, m.Caption, m.CaptionEntities = "", nil, o.text, o.entities
		if fail := s.attach(m, o); fail != nil {
			return nil, fail
		}
	}
	thread := o.threadID
	if thread == 0 && replyTo != nil {
		thread = replyTo.ThreadID // a reply goes where the message is
	}
	s.place(r, m, thread, replyTo)
	r.lastBot = s.me.ID
	return m, nil
}

func (s *Server) attach(m *message, o outgoing) *apiError {
	up, limit := o.photo, maxPhoto
	if up == nil {
		up, limit = o.document, maxDocument
	}
	switch {
	case len(up.content) == 0:
		return badRequest("file must be non-empty")
	case len(up.content) > limit:
		return &apiError{code: 413, text: "Request Entity Too Large"}
	}
	s.lastFile++
	f := file{ID: "file" + strconv.FormatInt(s.lastFile, 10), UniqueID: strconv.FormatInt(s.lastFile, 36), Size: len(up.content)}
	m.content = bytes.Clone(up.content)
	if o.photo == nil {
		f.Name, f.MIME = up.name, http.DetectContentType(up.content)
		m.Document = &f
		return nil
	}
	if !strings.HasPrefix(http.DetectContentType(up.content), "image/") {
		return badRequest("IMAGE_PROCESS_FAILED")
	}
	f.Width, f.Height = 800, 600
	m.Photo = []file{f}
	return nil
}

// place gives a message its id and puts it into a room.
func (s *Server) place(r *room, m *message, thread int, replyTo *message) {
	r.nextID++
	m.ID, m.Chat, m.Date = r.nextID, r.chat, s.now()
	switch {
	case r.chat.IsForum:
		if t := r.topics[thread]; t != nil {
			m.ThreadID, m.IsTopicMessage = thread, true
			if replyTo == nil {
				replyTo = t.opening
			}
		}
	case r.chat.Type == "supergroup" && replyTo != nil:
		// The thread of replies, which is no topic.
		if m.ThreadID = replyTo.ThreadID; m.ThreadID == 0 {
			m.ThreadID = replyTo.ID
		}
	}
	if replyTo != nil {
		shallow := *replyTo
		shallow.ReplyTo = nil // replies are given one level deep
		m.ReplyTo = &shallow
	}
	r.messages[m.ID] = m
	r.note(m)
	s.touch()
}

// edit is editMessageText and editMessageReplyMarkup; without text the text stays.
// The lock is held.
func (s *Server) edit(chatID string, id int, text *string, entities []Entity, mk *markup) (*message, *apiError) {
	r, fail := s.room(chatID)
	// In a group that was upgraded it is writing alone that is refused
	// (telegram-bot-api, check_chat_access).
	if fail == nil && r.migratedTo == 0 && (r.bot == "kicked" || r.blocked) {
		_, fail = s.writable(chatID)
	}
	if fail != nil {
		return nil, fail
	}
	m := r.messages[id]
	switch {
	case id == 0:
		return nil, badRequest("message identifier is not specified")
	case m == nil || m.inaccessible:
		return nil, badRequest("message to edit not found")
	case m.From == nil || m.From.ID != s.me.ID:
		return nil, badRequest("message can't be edited")
	case text != nil && m.Text == "":
		return nil, badRequest("there is no text in the message to edit")
	}
	sameText := text == nil || *text == m.Text && sameJSON(entities, m.Entities)
	if sameText && sameJSON(mk, m.ReplyMarkup) {
		return nil, badRequest("message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message")
	}
	if text != nil {
		m.Text, m.Entities = *text, entities
	}
	m.ReplyMarkup, m.EditDate = mk, s.now()
	r.note(m)
	s.touch()
	return m, nil
}

func sameJSON(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y) || isEmptyJSON(x) && isEmptyJSON(y)
}

func isEmptyJSON(b []byte) bool {
	return slices.Contains([]string{"null", "[]", `{"inline_keyboard":[]}`}, string(b))
}

// query is a click that waits to be answered.
type query struct {
	at     time.Time
	done   chan struct{}
	answer Answer
}

// answerQuery is answerCallbackQuery. The lock is held.
func (s *Server) answerQuery(id, text string, alert bool) *apiError {
	q := s.queries[id]
	if q == nil || q.answer.Answered || s.opts.Now().Sub(q.at) > s.opts.QueryLife {
		return badRequest("query is too old and response timeout expired or query ID is invalid")
	}
	if units(text) > maxAnswer {
		return badRequest("MESSAGE_TOO_LONG")
	}
	q.answer = Answer{Answered: true, Text: text, Alert: alert}
	close(q.done)
	s.touch()
	return nil
}

func (s *Server) now() int64 { return s.opts.Now().Unix() }
