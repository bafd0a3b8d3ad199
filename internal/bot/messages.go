package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// messageID names a message before a chat has given it a reference.
type messageID struct {
	Request requests.ID
	Key     string
}

// kind is what a message of a request is for.
type kind string

const (
	kindQuestion kind = "question" // where it was asked, with the buttons
	kindCard     kind = "card"     // the same, to an approver who can't see the question
	kindReport   kind = "report"   // an outcome, in the question's thread
	kindAdopted  kind = "adopted"  // a card that the bot had lost sight of
)

// keyQuestion is the key of a request's question; the other messages wait for it.
// keyCard begins that of a card; the account that it goes to follows.
const (
	keyQuestion = "question"
	keyCard     = "card/"
)

// posting is what the store keeps of a message.
type posting struct {
	Kind    kind             `json:"kind"`
	Place   chat.Place       `json:"place"`             // a report's: empty for the question's thread
	ReplyTo chat.Ref         `json:"replyTo,omitempty"` // a question's: the asker's own message
	To      requests.Account `json:"to,omitempty"`      // a card's: the approver
	Items   []requests.Item  `json:"items,omitempty"`   // a report's: the ends that it tells of, as they were

	Correction bool `json:"correction,omitempty"`
	Repeat     bool `json:"repeat,omitempty"` // may have been posted before a kill

	Shown  int       `json:"shown"`            // the request's version that it shows
	Hash   string    `json:"hash,omitempty"`   // of what it shows
	Closed string    `json:"closed,omitempty"` // why it can't be posted or edited any more
	Told   bool      `json:"told,omitempty"`   // a question's: the asker knows that the chat does not take it
	Moved  bool      `json:"moved,omitempty"`  // to its person directly, since its place is closed
	Moves  int       `json:"moves,omitempty"`  // a question's: how often its chat has become another
	Handle string    `json:"handle,omitempty"` // a question's, until it stands: the adapter's way to answer the asker; secret
	Since  time.Time `json:"since"`
}

// message is a message of a request, as the store has it, decoded.
type message struct {
	messageID
	ref chat.Ref
	posting
}

func (m message) stored() (store.Message, error) {
	if m.ref != "" || m.Closed != "" {
		m.Handle = ""
	}
	data, err := json.Marshal(m.posting)
	return store.Message{Request: m.Request, Key: m.Key, Ref: string(m.ref), Data: data}, err
}

// settled says that there is nothing to post or edit for the version.
func (m message) settled(version int) bool {
	return m.Closed != "" || m.ref != "" && m.Shown >= version
}

func putMessage(tx *store.Tx, m message) error {
	s, err := m.stored()
	if err != nil {
		return err
	}
	return tx.PutMessage(s)
}

func (b *Bot) messagesOf(tx *store.Tx, id requests.ID) ([]message, error) {
	stored, err := tx.Messages(id)
	if err != nil {
		return nil, err
	}
	all := make([]message, len(stored))
	for i, s := range stored {
		all[i] = message{messageID: messageID{s.Request, s.Key}, ref: chat.Ref(s.Ref)}
		if all[i].posting, err = b.memo.posting(all[i].messageID, s.Data); err != nil {
			return nil, fmt.Errorf("the message %s of request %s can't be read", s.Key, s.Request)
		}
	}
	return all, nil
}

func find(all []message, key string) (message, bool) {
	for _, m := range all {
		if m.Key == key {
			return m, true
		}
	}
	return message{}, false
}

// where is the place and message that a request was asked from. It stays with the
// request for ever, so it holds neither what was typed nor the way to answer it.
type where struct {
	In chat.Inbound `json:"in"`
}

func encodeWhere(in chat.Inbound) (string, error) {
	in.Delivery, in.Text, in.Handle = "", "", ""
	b, err := json.Marshal(where{In: in})
	return string(b), err
}

func whereOf(r requests.Request) chat.Inbound {
	var w where
	// What can't be read is the zero place: nothing is posted there, and the
	// asker is told directly.
	_ = json.Unmarshal([]byte(r.Where), &w)
	return w.In
}

// planQuestion records the question and the cards of those who can't see it.
func (b *Bot) planQuestion(tx *store.Tx, r requests.Request) error {
	in := whereOf(r)
	q := message{
		messageID: messageID{r.ID, keyQuestion},
		posting:   posting{Kind: kindQuestion, Place: in.Place, ReplyTo: in.Message, Since: b.Now()},
	}
	if err := putMessage(tx, q); err != nil {
		return err
	}
	if r.Need > 0 {
		if err := b.planCards(tx, r, in.Place); err != nil {
			return err
		}
	}
	if err := tx.SetLive(r.ID, true); err != nil {
		return err
	}
	tx.OnCommit(func() {
		b.await(r)
		b.sync(q.messageID)
	})
	return nil
}

// keepHandle keeps the way to answer the asker with the question: where that can't
// be put, there may be no other one.
func (b *Bot) keepHandle(tx *store.Tx, id requests.ID, handle string) error {
	all, err := b.messagesOf(tx, id)
	if err != nil || handle == "" {
		return err
	}
	q, _ := find(all, keyQuestion)
	q.Handle = handle
	return putMessage(tx, q)
}

// planCards records a card for every approver who has no account where the question
// is, and for all of them where it was asked in private. Who has one already, as after
// another allowlist, gets no other.
func (b *Bot) planCards(tx *store.Tx, r requests.Request, place chat.Place) error {
	all, err := b.messagesOf(tx, r.ID)
	if err != nil {
		return err
	}
	for _, m := range r.Approvers {
		a, seen := b.reach(m, place)
		had := slices.ContainsFunc(all, func(c message) bool { return slices.Contains(m.Accounts, c.To) })
		if seen || a == "" || had {
			continue
		}
		if err := putMessage(tx, b.cardFor(r.ID, a)); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bot) cardFor(id requests.ID, a requests.Account) message {
	return message{
		messageID: messageID{id, keyCard + string(a)},
		posting:   posting{Kind: kindCard, Place: b.chats[a.Transport()].Direct(a), To: a, Since: b.Now()},
	}
}

// planOtherCard records a card to another account of the person who could not be
// reached with this one; false where there is none left.
func (b *Bot) planOtherCard(tx *store.Tx, closed message) (bool, error) {
	members, err := tx.Members()
	if err != nil {
		return false, err
	}
	all, err := b.messagesOf(tx, closed.Request)
	if err != nil {
		return false, err
	}
	m, _ := members.Of(closed.To)
	for _, a := range m.Accounts {
		_, on := b.chats[a.Transport()]
		if _, tried := find(all, keyCard+string(a)); !on || tried {
			continue
		}
		card := b.cardFor(closed.Request, a)
		tx.OnCommit(func() { b.sync(card.messageID) })
		return true, putMessage(tx, card)
	}
	return false, nil
}

// reach gives the account by which a person is told of a question, and whether
// they see it where it is: mentioned there, or with their own account.
func (b *Bot) reach(m requests.Member, place chat.Place) (a requests.Account, seen bool) {
	for _, acc := range m.Accounts {
		if acc.Transport() == place.Transport {
			return acc, !place.Private
		}
		if _, on := b.chats[acc.Transport()]; on && a == "" {
			a = acc
		}
	}
	return a, false
}

// planReport records the message that tells how items ended, in the thread.
func (b *Bot) planReport(tx *store.Tx, r requests.Request, e requests.Effect) error {
	all, err := b.messagesOf(tx, r.ID)
	if err != nil {
		return err
	}
	m := message{
		messageID: messageID{r.ID, "report/" + strconv.Itoa(len(all))},
		posting: posting{
			Kind: kindReport, Correction: e.Correction, Since: b.Now(),
		},
	}
	for _, i := range e.Items {
		m.Items = append(m.Items, r.Items[i])
	}
	if err := putMessage(tx, m); err != nil {
		return err
	}
	tx.OnCommit(func() { b.sync(m.messageID) })
	return nil
}

// planSync has every message of the request brought to its state.
func (b *Bot) planSync(tx *store.Tx, r requests.Request) error {
	all, err := b.messagesOf(tx, r.ID)
	if err != nil {
		return err
	}
	if err := tx.SetLive(r.ID, true); err != nil {
		return err
	}
	tx.OnCommit(func() {
		for _, m := range all {
			if m.Closed == "" {
				b.sync(m.messageID)
			}
		}
	})
	return nil
}

// copyAt is a copy of a request's question, wherever it came from.
func copyAt(id requests.ID, ref chat.Ref, at chat.Place, since time.Time) message {
	return message{
		messageID: messageID{id, "adopted/" + string(ref)},
		ref:       ref,
		posting:   posting{Kind: kindAdopted, Place: at, Since: since},
	}
}

// adopt makes a message known that the bot had posted and lost sight of.
func (b *Bot) adopt(tx *store.Tx, r requests.Request, in chat.Inbound) error {
	if in.Message == "" {
		return nil
	}
	m := copyAt(r.ID, in.Message, in.Place, b.Now())
	if err := putMessage(tx, m); err != nil {
		return err
	}
	if err := tx.SetLive(r.ID, true); err != nil {
		return err
	}
	tx.OnCommit(func() { b.sync(m.messageID) })
	return nil
}

// sync brings a message to its request's state: posts it, or edits it where it
// shows another one. One that is on its way already is looked at again afterwards.
func (b *Bot) sync(id messageID) {
	b.mu.Lock()
	_, underWay := b.sending[id]
	b.sending[id] = underWay
	b.mu.Unlock()
	if !underWay {
		b.spawn(finishing, "message", id.Request, func(ctx context.Context) { b.send(ctx, id) })
	}
}

// send works on one message until it shows the newest state or has to wait.
func (b *Bot) send(ctx context.Context, id messageID) {
	for {
		wait, err := b.sendOnce(ctx, id)
		b.mu.Lock()
		again := b.sending[id]
		if err == nil && again && wait == 0 {
			b.sending[id] = false
			b.mu.Unlock()
			continue
		}
		delete(b.sending, id)
		if err == nil {
			delete(b.retries, id)
		}
		b.mu.Unlock()
		if err != nil {
			b.Log.Warn("message not delivered", "request", id.Request, "message", id.Key, "error", err, "again", wait)
		}
		if wait > 0 {
			b.later(wait, finishing, "message", id.Request, func(context.Context) { b.sync(id) })
		}
		return
	}
}

// sendOnce posts or edits the message as the store has it now. It gives the time
// after which to try again, 0 for not at all.
func (b *Bot) sendOnce(ctx context.Context, id messageID) (wait time.Duration, err error) {
	var r requests.Request
	var m, question message
	var members requests.Allowlist
	early := false
	err = b.Store.View(func(tx *store.Tx) error {
		var ok bool
		if r, ok, err = tx.Request(id.Request); err != nil || !ok {
			return errors.Join(err, errNoRequest)
		}
		all, err := b.messagesOf(tx, id.Request)
		if err != nil {
			return err
		}
		m, _ = find(all, id.Key)
		question, _ = find(all, keyQuestion)
		early = slices.ContainsFunc(all, func(o message) bool { return m.comesAfter(o) && o.ref == "" && o.Closed == "" })
		members, err = tx.Members()
		return err
	})
	if err != nil || m.settled(r.Version) {
		return 0, err
	}
	if early || id.Key != keyQuestion && question.ref == "" && question.Closed == "" {
		return 0, nil // the delivery of what it waits for leads to this one again
	}
	if tooLate(r, m) && !b.doubtful(id) {
		return 0, b.close(ctx, m, "decided before it was posted")
	}
	p, ok := b.compose(r, m, question, members)
	if !ok {
		return 0, b.close(ctx, m, "nowhere to go")
	}
	c := b.chats[p.Place.Transport]
	if m.ref == "" {
		return b.post(ctx, c, r, m, p)
	}
	return b.edit(ctx, c, r, m, p)
}

// comesAfter says whether both are reports and other is the earlier one: the last
// word in a thread has to come last.
func (m message) comesAfter(other message) bool {
	number := func(m message) int {
		_, n, _ := strings.Cut(m.Key, "/")
		i, _ := strconv.Atoi(n) // planReport has made the key of a number
		return i
	}
	return m.Kind == kindReport && other.Kind == kindReport && number(m) > number(other)
}

// tooLate says of a card that is not posted yet that it would ask what is decided.
func tooLate(r requests.Request, m message) bool {
	return m.Kind == kindCard && m.ref == "" && r.State != requests.Proposed
}

// compose makes the message and says where it goes.
func (b *Bot) compose(r requests.Request, m, question message, members requests.Allowlist) (chat.Post, bool) {
	p := chat.Post{Place: m.Place, ReplyTo: m.ReplyTo, Nonce: string(r.ID) + "/" + m.Key}
	if m.Kind == kindReport {
		p.Place, p.ReplyTo = question.Place, question.ref
		switch {
		case m.Moved || question.ref == "":
			direct, ok := b.direct(r.By, members)
			if !ok {
				return p, false
			}
			p.Place, p.ReplyTo = direct, ""
		case m.Place.ID != "":
			p.Place, p.ReplyTo = m.Place, ""
		}
	}
	if _, on := b.chats[p.Place.Transport]; !on {
		return p, false
	}
	switch m.Kind {
	case kindReport:
		p.Message = b.Speaker.Report(r, m.Items, chat.ReportOptions{Correction: m.Correction, Repeat: m.Repeat})
	case kindQuestion, kindCard, kindAdopted:
		p.Message = b.Speaker.Question(r, b.view(r, m, question))
	}
	return p, true
}

// view is what a question shows beside its request in the place where m is.
func (b *Bot) view(r requests.Request, m, question message) chat.View {
	v := chat.View{Now: r.Asked, Here: m.Place.Transport}
	if m.Kind == kindQuestion {
		v.Approvers = r.Approvers
	}
	if c, on := b.chats[question.Place.Transport]; on && m.Kind != kindQuestion && !question.Place.Private {
		v.Link, v.Twin = c.Link(question.ref), m.Place == question.Place
	}
	return v
}

// direct is where the person is told what can't be told where they asked.
func (b *Bot) direct(who requests.Who, members requests.Allowlist) (chat.Place, bool) {
	if c, on := b.chats[who.Account.Transport()]; on {
		return c.Direct(who.Account), true
	}
	m, _ := members.Of(who.Account)
	for _, a := range m.Accounts {
		if c, on := b.chats[a.Transport()]; on {
			return c.Direct(a), true
		}
	}
	return chat.Place{}, false
}

func digest(m chat.Message) string {
	h := fnv.New64a()
	_ = json.NewEncoder(h).Encode(m) // a hash takes everything
	return strconv.FormatUint(h.Sum64(), 36)
}
