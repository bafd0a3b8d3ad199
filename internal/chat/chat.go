// Package chat is a message, a button and a place as any messenger has them, and
// the designed messages with their words, per language.
//
// It may know licences, requests and the command language. It knows no messenger,
// no store and no panel: the adapters turn its values into Block Kit or Telegram's
// HTML and enforce their limits there, and text in it is always plain: adapters
// escape it.
package chat

import (
	"errors"
	"fmt"
	"time"

	"github.com/isplicense/license-bot/internal/requests"
)

// Place is somewhere a message can be put. ID and Thread are the adapter's own and
// opaque to all others.
type Place struct {
	Transport string `json:"transport"`         // the adapter's name
	ID        string `json:"id"`                // a channel, chat or person
	Thread    string `json:"thread,omitempty"`  // a topic within it
	Private   bool   `json:"private,omitempty"` // one person and the bot alone
}

// Ref names one message that was sent, across all messengers: the transport, a
// colon, and the adapter's own name for it. The empty Ref names none.
type Ref string

// Kind is what an inbound event is.
type Kind string

// The kinds of inbound events.
const (
	Command Kind = "command" // a typed command
	Click   Kind = "click"   // a button
	Move    Kind = "move"    // nobody's doing: the chat Place has become To, as a group a supergroup
)

// Inbound is one thing that happened in a chat, as an adapter hands it to the
// bot. It is kept in the store until it has been answered.
type Inbound struct {
	Delivery string           `json:"delivery"` // the same for every delivery of the same thing
	Kind     Kind             `json:"kind"`
	Account  requests.Account `json:"account"`
	Place    Place            `json:"place"`
	To       Place            `json:"to,omitzero"`       // move: what the place is now
	Message  Ref              `json:"message,omitempty"` // the person's own message, or the one whose button was clicked
	Text     string           `json:"text,omitempty"`    // command: what follows "/license"; mentions as accounts, entities undone
	Reply    requests.Account `json:"reply,omitempty"`   // command: whose message it replies to
	Action   string           `json:"action,omitempty"`  // click: confirm, cancel, approve, deny, recheck, renew
	Value    string           `json:"value,omitempty"`   // click: what the button carried; never trusted
	Lang     string           `json:"lang,omitempty"`    // the person's language where the chat tells it: "en", "ru"
	Handle   string           `json:"handle,omitempty"`  // the adapter's own way to answer (a response URL, a callback's id); secret
	At       time.Time        `json:"at"`
}

// SpanKind is how a piece of text is shown.
type SpanKind int

// The kinds of spans.
const (
	Plain   SpanKind = iota
	Bold             // emphasis
	Code             // an id, a command: copied as it is
	Mention          // a person: Account, notified where the chat is theirs; else Text, their name
	Link             // URL with Text
)

// Span is a piece of text in one style. Text is plain, never markup.
type Span struct {
	Kind    SpanKind
	Text    string
	Account requests.Account
	URL     string
}

// Text is a line or paragraph.
type Text []Span

// Fact is a label with its value, shown in a row or column.
type Fact struct {
	Label string
	Value Text
}

// Block is one part of a message: exactly one of the fields is set.
type Block struct {
	Text  Text   // a paragraph
	Facts []Fact // a table of two columns
	Lines []Text // a list, a line each; an adapter that must cut, cuts whole lines and counts them
	Note  Text   // small print
}

// Style is how loud a button is.
type Style string

// The styles of buttons.
const (
	Neutral Style = ""
	Primary Style = "primary"
	Danger  Style = "danger"
)

// Button is a choice. Action is one of the contract's words, Value the request's
// id or licence's code, at most 40 bytes together.
type Button struct {
	Action string
	Value  string
	Label  string
	Style  Style
}

// Message is what the bot says. Head is its first line and stands for the whole in
// a notification.
type Message struct {
	Icon    string // one emoji before the head, or ""
	Head    Text
	Blocks  []Block
	Buttons []Button
}

// Post is a message on its way to a place.
type Post struct {
	Place   Place
	ReplyTo Ref // the message that it answers: Slack's thread root, Telegram's reply; "" for none
	Message Message
	Nonce   string // opaque; lets a messenger that can find the message after a kill
}

// What can go wrong when something is sent. An error that is none of these is
// treated as [ErrLost].
var (
	// ErrLost: no whole answer came; the message may or may not be there.
	ErrLost = errors.New("no whole answer from the chat")
	// ErrTemporary: it certainly is not there, and may go through later.
	ErrTemporary = errors.New("the chat did not take it this time")
	// ErrRejected: it can never go through as it is (our own fault: a bug).
	ErrRejected = errors.New("the chat refuses it")
	// ErrGone: the message to edit or answer, or the time to answer, is gone.
	ErrGone = errors.New("nothing there to edit or answer any more")
	// ErrCannotLook: this chat can't be asked whether a message is there.
	ErrCannotLook = errors.New("the chat cannot be searched")
)

// Closed says that the bot may not post in a place.
type Closed struct {
	// not-in-channel, not-in-chat (two people's own), archived, topic-closed, gone,
	// blocked, not-started (a private chat that the person never opened)
	Why string
}

func (e *Closed) Error() string { return "the bot may not post there: " + e.Why }

// Limited says that the chat wants to be left alone for a while.
type Limited struct {
	After time.Duration
	Here  bool // in the place that it was sent to; else in all of them, with the same method
}

func (e *Limited) Error() string { return fmt.Sprintf("rate limited for %s", e.After) }

// Unavailable is what an adapter gets instead of having what came in recorded: nothing
// of it was and nothing will be done, and the message is for those who sent it.
type Unavailable struct{ Message Message }

func (e *Unavailable) Error() string { return "nothing can be recorded now" }

// Moved says that a place has a new id (a Telegram group that became a supergroup).
type Moved struct{ To Place }

func (e *Moved) Error() string { return "the chat has moved" }
