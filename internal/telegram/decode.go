package telegram

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/requests"
)

// updateKinds are the updates that are asked for. Edited messages and channel posts
// are not: nobody acts by them.
var updateKinds = []string{"message", "callback_query"}

// The part of an update that is read (core.telegram.org/bots/api#update). Whatever
// else Telegram sends, today or later, can't fail to decode.
type update struct {
	ID       int64          `json:"update_id"`
	Message  *message       `json:"message"`
	Callback *callbackQuery `json:"callback_query"`
}

type message struct {
	ID            int        `json:"message_id"`
	Thread        int        `json:"message_thread_id"`
	InTopic       bool       `json:"is_topic_message"`
	From          *user      `json:"from"`
	SenderChat    presence   `json:"sender_chat"`
	Date          int64      `json:"date"`
	Chat          chatInfo   `json:"chat"`
	ForwardOrigin presence   `json:"forward_origin"`
	ForwardDate   presence   `json:"forward_date"` // from a Bot API server older than 7.0
	ViaBot        presence   `json:"via_bot"`
	Business      presence   `json:"business_connection_id"`
	Guest         presence   `json:"guest_query_id"`
	Text          string     `json:"text"`
	Entities      []entity   `json:"entities"`
	ReplyTo       *repliedTo `json:"reply_to_message"`
	MigrateTo     int64      `json:"migrate_to_chat_id"`
	MigrateFrom   int64      `json:"migrate_from_chat_id"`
}

// repliedTo is a message that another replies to.
type repliedTo struct {
	ID           int      `json:"message_id"`
	From         *user    `json:"from"`
	SenderChat   presence `json:"sender_chat"`
	TopicCreated presence `json:"forum_topic_created"`
}

// presence says that a field is there, whatever is in it. One that is null is not.
type presence bool

// UnmarshalJSON takes everything.
func (p *presence) UnmarshalJSON(b []byte) error {
	*p = string(b) != "null"
	return nil
}

type user struct {
	ID       int64  `json:"id"`
	IsBot    bool   `json:"is_bot"`
	Language string `json:"language_code"`
}

type chatInfo struct {
	ID   int64  `json:"id"`
	Type string `json:"type"`
}

// private says that it is the chat with one person. Only people have ids above 0, which
// tells where a server leaves out the type.
func (c chatInfo) private() bool { return c.Type == "private" || c.Type == "" && c.ID > 0 }

// entity counts in UTF-16 code units.
type entity struct {
	Type   string `json:"type"`
	Offset int    `json:"offset"`
	Length int    `json:"length"`
	User   *user  `json:"user"`
}

// callbackQuery is a click. Its message may be one that is "inaccessible": then it
// has a chat and an id, and nothing else.
type callbackQuery struct {
	ID      string   `json:"id"`
	From    *user    `json:"from"`
	Message *message `json:"message"`
	Data    string   `json:"data"`
}

// reading is what an update comes to: an inbound event, a click to be answered with
// nothing, or neither.
type reading struct {
	in     chat.Inbound
	acts   bool
	ignore string // the id of a click that nobody acts on, but somebody made
}

var errUnreadable = errors.New("unreadable update")

// read turns one update into an event. username is the bot's own, without the @.
// The error is errUnreadable and holds nothing of the update. A panic is that too: the
// update would be the first that Telegram gives to the next process, and so for ever.
func read(raw []byte, username string, now time.Time) (r reading, err error) {
	defer func() {
		if recover() != nil {
			r, err = reading{}, errUnreadable
		}
	}()
	var u update
	if err := json.Unmarshal(raw, &u); err != nil {
		return reading{}, errUnreadable
	}
	switch {
	case u.Callback != nil:
		r = readClick(u.Callback, now)
	case u.Message != nil:
		r = readMessage(u.Message, username)
	}
	r.in.Delivery = transport + ":" + strconv.FormatInt(u.ID, 10)
	return r, nil
}

func readMessage(m *message, username string) reading {
	if m.MigrateTo != 0 || m.MigrateFrom != 0 {
		return readMigration(m)
	}
	// A sender chat is an anonymous admin or a channel that speaks; a forward and
	// what comes by way of another bot are somebody else's words; what stands in a
	// business account's chat or where the bot is a guest was not said to it where it
	// could answer.
	who, ok := person(m.From)
	if !ok || bool(m.SenderChat || m.ForwardOrigin || m.ForwardDate || m.ViaBot || m.Business || m.Guest) {
		return reading{}
	}
	private := m.Chat.private()
	if !private && m.Chat.Type != "group" && m.Chat.Type != "supergroup" {
		return reading{}
	}
	text, ok := command(withMentions(m.Text, m.Entities), username, private)
	if !ok {
		return reading{}
	}
	place := placeOf(m)
	in := chat.Inbound{
		Kind: chat.Command, Account: who, Place: place, Message: refOf(place.ID, m.ID),
		Text: text, Lang: language(m.From), At: time.Unix(m.Date, 0).UTC(),
	}
	// In a topic every message that replies to nothing replies to the topic's
	// opening message, whose sender nobody meant. The topic is called by its id.
	if to := m.ReplyTo; to != nil && !bool(to.TopicCreated || to.SenderChat) && !(m.InTopic && to.ID == m.Thread) {
		in.Reply, _ = person(to.From)
	}
	return reading{in: in, acts: true}
}

// readMigration reads what Telegram itself says in a group that has become a
// supergroup, and again in the supergroup.
func readMigration(m *message) reading {
	from, to := m.Chat.ID, m.MigrateTo
	if m.MigrateFrom != 0 {
		from, to = m.MigrateFrom, m.Chat.ID
	}
	return reading{acts: true, in: chat.Inbound{Kind: chat.Move, Place: group(from), To: group(to), At: time.Unix(m.Date, 0).UTC()}}
}

func group(id int64) chat.Place {
	return chat.Place{Transport: transport, ID: strconv.FormatInt(id, 10)}
}

func readClick(q *callbackQuery, now time.Time) reading {
	who, ok := person(q.From)
	if !ok || q.Message == nil || q.Data == "" {
		return reading{ignore: q.ID}
	}
	action, value, _ := strings.Cut(q.Data, ":")
	place := placeOf(q.Message)
	return reading{acts: true, in: chat.Inbound{
		Kind: chat.Click, Account: who, Place: place, Message: refOf(place.ID, q.Message.ID),
		Action: action, Value: value, Lang: language(q.From), Handle: q.ID, At: now,
	}}
}

// person is the account of somebody who is a person: no bot, and not the one id of
// all anonymous admins.
func person(u *user) (requests.Account, bool) {
	if u == nil || u.IsBot {
		return "", false
	}
	who, err := requests.ParseAccount(transport + ":" + strconv.FormatInt(u.ID, 10))
	return who, err == nil
}

// general is the topic that every forum has.
const general = 1

// placeOf is where a message stands. In groups without topics message_thread_id is
// set for mere replies, and sending there fails: it counts with is_topic_message
// alone. The topic General is called 1 where it is called anything, and is written to
// without a thread.
func placeOf(m *message) chat.Place {
	p := chat.Place{Transport: transport, ID: strconv.FormatInt(m.Chat.ID, 10), Private: m.Chat.private()}
	if m.InTopic && m.Thread > general {
		p.Thread = strconv.Itoa(m.Thread)
	}
	return p
}

// language is one that the bot speaks: "ru" for the Russian ones, else "en".
func language(u *user) string {
	if u != nil && strings.HasPrefix(strings.ToLower(u.Language), "ru") {
		return "ru"
	}
	return "en"
}

// command gives what would follow "/license"; false where the text is not for this
// bot. In a group only /license and what names the bot is, since other bots have a
// /list too. In private everything is.
func command(text, username string, private bool) (string, bool) {
	text = strings.TrimSpace(text)
	slashed, isCommand := strings.CutPrefix(text, "/")
	if !isCommand {
		return text, private && text != ""
	}
	word, rest := slashed, ""
	if i := strings.IndexFunc(slashed, unicode.IsSpace); i >= 0 {
		word, rest = slashed[:i], strings.TrimSpace(slashed[i:])
	}
	name, to, addressed := strings.Cut(word, "@")
	if addressed && !strings.EqualFold(to, username) {
		return "", false
	}
	name = strings.ToLower(name)
	ours := private || addressed
	switch {
	case name == "license":
		return rest, true
	case !ours:
		return "", false
	case name == "start":
		// Start may carry a parameter of a link; the bot hands none out.
		return "help", true
	}
	// A verb, or a mistyped one, which is answered with the nearest right one.
	return strings.TrimSpace(name + " " + rest), name != ""
}

// withMentions puts the account in the place of a mention by id. (A mention by
// @username stays: the Bot API does not tell whose it is.)
func withMentions(text string, entities []entity) string {
	if !slices.ContainsFunc(entities, func(e entity) bool { return e.Type == "text_mention" }) {
		return text
	}
	code := utf16.Encode([]rune(text))
	entities = slices.Clone(entities)
	slices.SortStableFunc(entities, func(a, b entity) int { return a.Offset - b.Offset })
	var b strings.Builder
	done := 0
	for _, e := range entities {
		who, ok := person(e.User)
		if e.Type != "text_mention" || !ok || e.Offset < done || e.Length <= 0 || e.Length > len(code)-e.Offset {
			continue
		}
		b.WriteString(string(utf16.Decode(code[done:e.Offset])))
		b.WriteString(string(who))
		done = e.Offset + e.Length
	}
	b.WriteString(string(utf16.Decode(code[done:])))
	return b.String()
}
