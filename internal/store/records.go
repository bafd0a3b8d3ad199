package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/isplicense/license-bot/internal/requests"
)

// number is the key of what is counted: it sorts as the number does.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// Value gives a small value that was kept under a name; the slice is the caller's.
func (tx *Tx) Value(name string) ([]byte, bool) {
	v := tx.get(inValues, []byte(name))
	return bytes.Clone(v), v != nil
}

// PutValue keeps a small value under a name.
func (tx *Tx) PutValue(name string, value []byte) error {
	if value == nil {
		value = []byte{}
	}
	return tx.put(inValues, []byte(name), bytes.Clone(value))
}

// A delivery is remembered in its day's bucket, for that day and two more: at
// least 48 hours. Forgetting is deleting a bucket.
const deliveryDays = 3

// Seen says whether the delivery was remembered within the last 48 hours; older
// ones may still be known.
func (tx *Tx) Seen(id string) bool {
	if id == "" {
		return false
	}
	// The newest day first: most repeats come within seconds.
	for _, d := range slices.Backward(tx.s.open.days) {
		if k, _ := d.bucket.Cursor().Seek([]byte(id)); string(k) == id {
			return true
		}
	}
	return false
}

// Remember makes the delivery known.
func (tx *Tx) Remember(id string) error {
	if id == "" {
		return errNoKey
	}
	if err := tx.writing(); err != nil {
		return err
	}
	return tx.do(opDelivery, inDeliveries, []byte(tx.s.o.Now().UTC().Format(time.DateOnly)), []byte(id))
}

// memberList is the allowlist as it was at one count of changes.
type memberList struct {
	changes uint64
	list    requests.Allowlist
}

// Members gives the allowlist, in order of person. It is shared: not to be changed.
func (tx *Tx) Members() (requests.Allowlist, error) {
	if tx.members != nil {
		return tx.members.list, nil
	}
	b := tx.bucket(inMembers)
	changes := b.Sequence()
	if !tx.membersDirty {
		if m := tx.s.members.Load(); m != nil && m.changes == changes {
			tx.members = m
			return m.list, nil
		}
	}
	m := &memberList{changes: changes}
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		var one requests.Member
		if json.Unmarshal(v, &one) != nil || one.Person != string(k) {
			return nil, unreadable(inMembers, k)
		}
		m.list = append(m.list, one)
	}
	m.list = slices.Clip(m.list)
	tx.members = m
	// What this transaction has changed may yet be undone, and the count of
	// changes used again for others.
	if !tx.membersDirty {
		tx.s.members.Store(m)
	}
	return m.list, nil
}

// PutMember adds the person or replaces what was known of them.
func (tx *Tx) PutMember(m requests.Member) error {
	if m.Person == "" || !utf8.ValidString(m.Person) {
		return errors.New("store: a member needs a name in UTF-8")
	}
	if err := tx.membersChange(); err != nil {
		return err
	}
	return tx.putJSON(inMembers, []byte(m.Person), m)
}

// DeleteMember removes the person; one who is not there is no error.
func (tx *Tx) DeleteMember(person string) error {
	if err := tx.membersChange(); err != nil {
		return err
	}
	return tx.delete(inMembers, []byte(person))
}

func (tx *Tx) membersChange() error {
	if err := tx.writing(); err != nil {
		return err
	}
	tx.members, tx.membersDirty = nil, true
	_, err := tx.next(inMembers)
	return err
}

// Request gives the request with the id, false if there is none. It is the caller's.
func (tx *Tx) Request(id requests.ID) (requests.Request, bool, error) {
	v := tx.get(inRequests, []byte(id))
	if v == nil {
		return requests.Request{}, false, nil
	}
	r, ok := tx.s.requests.read([]byte(id), v, decodeRequest)
	if !ok {
		return requests.Request{}, false, unreadable(inRequests, []byte(id))
	}
	return cloned(r), true, nil
}

// PutRequest keeps the request under its id.
func (tx *Tx) PutRequest(r requests.Request) error {
	if err := validID(r.ID); err != nil {
		return err
	}
	return tx.putJSON(inRequests, []byte(r.ID), r)
}

// SetLive says whether the request is one that EachOpen gives. The store does not
// judge it: a request that is through may have a report that is not delivered.
func (tx *Tx) SetLive(id requests.ID, live bool) error {
	if err := validID(id); err != nil {
		return err
	}
	if !live {
		return tx.delete(inLive, []byte(id))
	}
	return tx.put(inLive, []byte(id), nil)
}

// EachOpen calls fn with every request that is live, in order of id, until fn gives
// an error, which it returns. fn must not write.
func (tx *Tx) EachOpen(fn func(requests.Request) error) error {
	c := tx.bucket(inLive).Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		r, ok, err := tx.Request(requests.ID(k))
		if err != nil {
			return err
		}
		if !ok {
			return unreadable(inLive, k)
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

// Request ids leave out what is misread (i, l, o, 0, 1). They begin with a letter,
// so that none can be taken for a licence's code.
const (
	idLetters = "abcdefghjkmnpqrstuvwxyz"
	idChars   = idLetters + "23456789"
	idLength  = 6
)

// NewRequestID gives an id that no request has. Two calls in one transaction may
// give the same unless the first one's request is put between them.
func (tx *Tx) NewRequestID() (requests.ID, error) {
	for range 100 {
		id, err := randomID(tx.s.o.Rand)
		if err != nil {
			return "", fmt.Errorf("store: no randomness for a request's id: %w", err)
		}
		if tx.get(inRequests, []byte(id)) == nil {
			return id, nil
		}
	}
	return "", errors.New("store: no free request id was found")
}

func randomID(random io.Reader) (requests.ID, error) {
	var id []byte
	var buf [16]byte
	for {
		if _, err := io.ReadFull(random, buf[:]); err != nil {
			return "", err
		}
		for _, b := range buf {
			chars := idChars
			if len(id) == 0 {
				chars = idLetters
			}
			// A remainder would favour the first characters; what is over is left out.
			if n := int(b & 31); n < len(chars) {
				id = append(id, chars[n])
			}
			if len(id) == idLength {
				return requests.ID(id), nil
			}
		}
	}
}

// Messages are found by their request's id up to a NUL.
func validID(id requests.ID) error {
	if id == "" || strings.IndexByte(string(id), 0) >= 0 {
		return errors.New("store: a request needs an id without a NUL")
	}
	return nil
}

// Guard gives the request that holds the key.
func (tx *Tx) Guard(key string) (requests.ID, bool) {
	v := tx.get(inGuards, []byte(key))
	return requests.ID(v), v != nil
}

// SetGuard has the request hold the key, whoever held it before.
func (tx *Tx) SetGuard(key string, id requests.ID) error {
	return tx.put(inGuards, []byte(key), []byte(id))
}

// ClearGuard frees the key if it is that request's.
func (tx *Tx) ClearGuard(key string, id requests.ID) error {
	if held, ok := tx.Guard(key); !ok || held != id {
		return nil
	}
	return tx.delete(inGuards, []byte(key))
}

// Message is one message of a request, wherever it was posted. The Data of one that
// was read is shared and not to be changed.
type Message struct {
	Request requests.ID     // whose it is
	Key     string          // which of the request's; opaque here
	Ref     string          // by which a click finds it; "" : not known yet
	Data    json.RawMessage // opaque JSON; white space in it is not kept
}

type messageRecord struct {
	Ref  string          `json:"ref,omitempty"`
	Data json.RawMessage `json:"data,omitempty"`
}

func messageKey(id requests.ID, key string) []byte {
	return append(append([]byte(id), 0), key...)
}

func (tx *Tx) readMessage(k, v []byte) (Message, error) {
	m, ok := tx.s.messages.read(k, v, decodeMessage)
	if !ok {
		return Message{}, unreadable(inMessages, k)
	}
	return m, nil
}

func decodeMessage(k, v []byte) (Message, bool) {
	id, key, ok := bytes.Cut(k, []byte{0})
	var r messageRecord
	if !ok || json.Unmarshal(v, &r) != nil {
		return Message{}, false
	}
	return Message{requests.ID(id), string(key), r.Ref, r.Data}, true
}

// PutMessage keeps the message, in place of the request's with that key. A Ref is
// the message's that was last put with it.
func (tx *Tx) PutMessage(m Message) error {
	if err := validID(m.Request); err != nil {
		return err
	}
	key := messageKey(m.Request, m.Key)
	if old := tx.get(inMessages, key); old != nil {
		was, err := tx.readMessage(key, old)
		if err != nil {
			return err
		}
		if was.Ref != "" && was.Ref != m.Ref && bytes.Equal(tx.get(inRefs, []byte(was.Ref)), key) {
			if err := tx.delete(inRefs, []byte(was.Ref)); err != nil {
				return err
			}
		}
	}
	if m.Ref != "" {
		if err := tx.put(inRefs, []byte(m.Ref), key); err != nil {
			return err
		}
	}
	return tx.putJSON(inMessages, key, messageRecord{m.Ref, m.Data})
}

// Messages gives the request's messages, in order of key.
func (tx *Tx) Messages(id requests.ID) ([]Message, error) {
	var found []Message
	prefix := messageKey(id, "")
	c := tx.bucket(inMessages).Cursor()
	for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
		m, err := tx.readMessage(k, v)
		if err != nil {
			return nil, err
		}
		found = append(found, m)
	}
	return found, nil
}

// MessageByRef gives the message that was last put with the ref and still has it.
func (tx *Tx) MessageByRef(ref string) (Message, bool, error) {
	key := tx.get(inRefs, []byte(ref))
	if key == nil {
		return Message{}, false, nil
	}
	v := tx.get(inMessages, key)
	if v == nil {
		return Message{}, false, unreadable(inRefs, []byte(ref))
	}
	m, err := tx.readMessage(key, v)
	return m, err == nil, err
}

// Task is something to be done: an effect that was recorded and not done yet.
type Task struct {
	ID      uint64          `json:"-"` // given by AddTask, from 1, never twice
	Kind    string          `json:"kind"`
	Request requests.ID     `json:"request,omitempty"`
	Due     time.Time       `json:"due,omitzero"`
	Tries   int             `json:"tries,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"` // opaque JSON; white space in it is not kept
}

// AddTask keeps a task under a new number, which it gives.
func (tx *Tx) AddTask(t Task) (uint64, error) {
	id, err := tx.next(inTasks)
	if err != nil {
		return 0, err
	}
	return id, tx.putJSON(inTasks, number(id), t)
}

// PutTask replaces a task. One that was deleted is not brought back: that is an
// error.
func (tx *Tx) PutTask(t Task) error {
	if tx.get(inTasks, number(t.ID)) == nil {
		return fmt.Errorf("store: there is no task %d", t.ID)
	}
	return tx.putJSON(inTasks, number(t.ID), t)
}

// DeleteTask removes a task; one that is not there is no error.
func (tx *Tx) DeleteTask(id uint64) error { return tx.delete(inTasks, number(id)) }

// Tasks gives every task, in the order in which they were added.
func (tx *Tx) Tasks() ([]Task, error) {
	var found []Task
	c := tx.bucket(inTasks).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		var t Task
		if len(k) != 8 || json.Unmarshal(v, &t) != nil {
			return nil, unreadable(inTasks, k)
		}
		t.ID = binary.BigEndian.Uint64(k)
		found = append(found, t)
	}
	return found, nil
}
