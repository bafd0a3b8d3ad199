package store

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/isplicense/license-bot/internal/requests"
)

// noHash is the prev of the first entry and the head of an empty trail.
var noHash = strings.Repeat("0", 2*sha256.Size)

// head is the last entry of the trail.
type head struct {
	seq  uint64
	hash string
}

// Append adds an entry to the audit trail and gives it as it was kept, with its
// number, time (in whole seconds), prev and hash, whatever these were before. Bytes
// that are not UTF-8 are replaced by U+FFFD, Unicode's line ends by blanks: an entry is
// never refused for the words in it.
func (tx *Tx) Append(e requests.Entry) (requests.Entry, error) {
	if err := tx.writing(); err != nil {
		return requests.Entry{}, err
	}
	last, err := tx.last()
	if err != nil {
		return requests.Entry{}, err
	}
	e.Seq = last.seq + 1
	e.Time = tx.s.o.Now().UTC().Truncate(time.Second)
	e.Prev = last.hash
	clean(&e)
	e.Hash = Hash(e)
	if err := tx.put(inAudit, number(e.Seq), Line(e)); err != nil {
		return requests.Entry{}, err
	}
	for _, license := range licensesOf(e) {
		if err := tx.put(inHistory, historyKey(license, e.Seq), nil); err != nil {
			return requests.Entry{}, err
		}
	}
	tx.head = &head{e.Seq, e.Hash}
	return e, nil
}

func clean(e *requests.Entry) {
	e.Event = requests.AuditEvent(cleaned(string(e.Event)))
	e.Request = requests.ID(cleaned(string(e.Request)))
	e.Actor = requests.Account(cleaned(string(e.Actor)))
	e.Person = cleaned(e.Person)
	e.Action = cleaned(e.Action)
	e.License = cleaned(e.License)
	e.Detail = cleaned(e.Detail)
}

// What the panel says may hold the line ends of Unicode. Some tools split lines at
// them, and some JSON encoders escape them: neither should hold a trail for broken.
var lineEnds = strings.NewReplacer("\u0085", " ", "\u2028", " ", "\u2029", " ")

func cleaned(s string) string { return lineEnds.Replace(strings.ToValidUTF8(s, "\uFFFD")) }

// licensesOf are the licences that an entry is about: who asked for several at once and
// who confirmed it is one entry, which belongs to the history of each.
func licensesOf(e requests.Entry) []string {
	return slices.DeleteFunc(strings.Split(e.License, ","), func(l string) bool { return l == "" })
}

func historyKey(license string, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte(license), 0), seq)
}

func (tx *Tx) last() (*head, error) {
	if tx.head != nil {
		return tx.head, nil
	}
	h := &head{0, noHash}
	if k, v := tx.bucket(inAudit).Cursor().Last(); k != nil {
		e, err := readEntry(k, v)
		if err != nil {
			return nil, err
		}
		h = &head{e.Seq, e.Hash}
	}
	tx.head = h
	return h, nil
}

func readEntry(k, v []byte) (requests.Entry, error) {
	e, err := ParseLine(v)
	if err != nil || !bytes.Equal(k, number(e.Seq)) {
		return requests.Entry{}, unreadable(inAudit, k)
	}
	return e, nil
}

// Head gives the number and the hash of the last entry; of an empty trail 0 and 64
// zeros.
func (tx *Tx) Head() (seq uint64, hash string, err error) {
	h, err := tx.last()
	if err != nil {
		return 0, "", err
	}
	return h.seq, h.hash, nil
}

// Entries calls fn with the entries from a number on, in order, until fn gives an
// error, which it returns. For more than a few, [Store.Entries] does not hold a
// transaction open.
func (tx *Tx) Entries(from uint64, fn func(requests.Entry) error) error {
	c := tx.bucket(inAudit).Cursor()
	for k, v := c.Seek(number(from)); k != nil; k, v = c.Next() {
		e, err := readEntry(k, v)
		if err != nil {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}

// EntriesOf gives the entries of a licence, in order, those of several at once too.
func (tx *Tx) EntriesOf(license string) ([]requests.Entry, error) {
	var found []requests.Entry
	prefix := append([]byte(license), 0)
	c := tx.bucket(inHistory).Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		key := k[len(prefix):]
		if len(key) != 8 {
			continue // of a licence whose name goes on after a NUL
		}
		v := tx.get(inAudit, key)
		if v == nil {
			return nil, unreadable(inHistory, k)
		}
		e, err := readEntry(key, v)
		if err != nil {
			return nil, err
		}
		if slices.Contains(licensesOf(e), license) {
			found = append(found, e)
		}
	}
	return found, nil
}

// Entries gives the audit trail from a number on. It reads in pieces, each in a
// transaction of its own, so that whoever takes the entries may be slow; what is
// appended meanwhile comes too. An error ends it.
func (s *Store) Entries(from uint64) iter.Seq2[requests.Entry, error] {
	const piece = 128
	full := errors.New("piece full")
	return func(yield func(requests.Entry, error) bool) {
		for {
			var entries []requests.Entry
			err := s.View(func(tx *Tx) error {
				return tx.Entries(from, func(e requests.Entry) error {
					entries = append(entries, e)
					if len(entries) == piece {
						return full
					}
					return nil
				})
			})
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
				from = e.Seq + 1
			}
			if err == nil {
				return
			}
			if !errors.Is(err, full) {
				yield(requests.Entry{}, err)
				return
			}
		}
	}
}

// Line is the entry as one line of JSON, without the newline: compact, UTF-8, the
// fields in the order of [requests.Entry], the time as 2026-07-26T09:30:00Z. In
// strings only the quote, the backslash and the control characters below U+0020 are
// escaped (\b \t \n \f \r, else \u001f), and nothing for HTML or JavaScript's sake.
// That is what jq -c and JavaScript's JSON.stringify write.
//
// What is hashed is this line without the field hash, so that a line can be
// checked with
//
//	sed 's/,"hash":"[0-9a-f]*"}$/}/' | tr -d '\n' | sha256sum
func Line(e requests.Entry) []byte {
	b := hashed(e)
	b = append(b[:len(b)-1], `,"hash":"`...)
	b = append(b, e.Hash...)
	return append(b, `"}`...)
}

// Hash is the entry's hash, from all its other fields.
func Hash(e requests.Entry) string {
	sum := sha256.Sum256(hashed(e))
	return hex.EncodeToString(sum[:])
}

func hashed(e requests.Entry) []byte {
	b := make([]byte, 0, 512)
	b = append(b, `{"seq":`...)
	b = strconv.AppendUint(b, e.Seq, 10)
	b = append(b, `,"time":"`...)
	b = e.Time.UTC().AppendFormat(b, time.RFC3339)
	b = append(b, '"')
	for _, f := range [...]struct{ name, value string }{
		{"event", string(e.Event)},
		{"request", string(e.Request)},
		{"actor", string(e.Actor)},
		{"person", e.Person},
		{"action", e.Action},
		{"license", e.License},
		{"detail", e.Detail},
		{"prev", e.Prev},
	} {
		b = append(b, ',', '"')
		b = append(b, f.name...)
		b = append(b, '"', ':')
		b = appendString(b, f.value)
	}
	return append(b, '}')
}

// appendString writes valid UTF-8 as a JSON string with no more escapes than JSON
// demands; encoding/json writes U+2028 and U+2029 as escapes, which other tools
// don't.
func appendString(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= 0x20:
			b = append(b, c)
		case c == '\b':
			b = append(b, `\b`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\f':
			b = append(b, `\f`...)
		case c == '\r':
			b = append(b, `\r`...)
		default:
			b = append(b, `\u00`...)
			b = append(b, digits[c>>4], digits[c&15])
		}
	}
	return append(b, '"')
}

// ParseLine reads a line that Line has written, and nothing that differs from one
// by a byte.
func ParseLine(line []byte) (requests.Entry, error) {
	var e requests.Entry
	if json.Unmarshal(line, &e) != nil || !bytes.Equal(Line(e), line) {
		return requests.Entry{}, errors.New("the line is not an entry of an audit trail")
	}
	e.Time = e.Time.UTC()
	return e, nil
}

// Lines reads an exported trail. A line that is no entry ends it with a
// [*RecordError], anything else is an error of r.
func Lines(r io.Reader) iter.Seq2[requests.Entry, error] {
	return func(yield func(requests.Entry, error) bool) {
		in := bufio.NewReader(r)
		for n := 1; ; n++ {
			line, err := in.ReadBytes('\n')
			if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
				if !errors.Is(err, io.EOF) {
					yield(requests.Entry{}, err)
				}
				return
			}
			e, err := ParseLine(bytes.TrimSuffix(line, []byte("\n")))
			if err != nil {
				yield(requests.Entry{}, &RecordError{Bucket: "the exported trail", Key: "line " + strconv.Itoa(n)})
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// ChainError names the first entry that breaks the audit trail.
type ChainError struct {
	Seq uint64
	Why string
}

func (e *ChainError) Error() string {
	return fmt.Sprintf("the audit trail is broken at entry %d: %s", e.Seq, e.Why)
}

// ErrNoAnchor means that the chain holds but does not have the hash that it should:
// its end is missing, or all of it was written anew.
var ErrNoAnchor = errors.New("no entry of the audit trail has that hash: its end is missing or it was rewritten")

// Verify checks a whole trail: numbers from 1 without a gap, each entry's hash
// right, each prev the hash before it. If anchor is not empty, it must be the hash
// of one of the entries; 64 zeros are that of an empty trail alone. A trail that does not hold is a [*ChainError]
// or [ErrNoAnchor]; anything else is an error of entries.
func Verify(entries iter.Seq2[requests.Entry, error], anchor string) error {
	anchor = strings.ToLower(strings.TrimSpace(anchor))
	last := head{0, noHash}
	found := anchor == ""
	for e, err := range entries {
		broken := &ChainError{Seq: last.seq + 1}
		var unreadable *RecordError
		switch {
		case errors.As(err, &unreadable):
			broken.Why = "it cannot be read"
		case err != nil:
			return err
		case e.Seq != broken.Seq:
			broken.Why = fmt.Sprintf("entry %d stands in its place", e.Seq)
		case e.Hash != Hash(e):
			broken.Why = "its hash does not fit what it says"
		case e.Prev != last.hash:
			broken.Why = "it does not follow the one before it"
		default:
			last = head{e.Seq, e.Hash}
			found = found || e.Hash == anchor
			continue
		}
		return broken
	}
	if !found && last.hash != anchor {
		return ErrNoAnchor
	}
	return nil
}
