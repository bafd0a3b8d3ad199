package store

import (
	"encoding/json"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// The buckets, and what is under which key in them.
const (
	inMeta       = iota // "app", "format": what the file is
	inValues            // name → bytes
	inDeliveries        // a bucket for each day (2026-07-26, UTC): delivery id → nothing
	inMembers           // person → Member; its sequence counts the changes
	inRequests          // id → Request
	inLive              // id → nothing: requests that are not through
	inGuards            // key → request id
	inMessages          // request id, NUL, key → Message
	inRefs              // ref → key in messages
	inTasks             // number, 8 bytes big-endian → Task; its sequence is the last number
	inAudit             // number, 8 bytes big-endian → the entry's line
	inHistory           // licence, NUL, number → nothing: the entries of a licence
	buckets
)

var bucketNames = [buckets]string{
	"meta", "values", "deliveries", "members", "requests", "live", "guards",
	"messages", "refs", "tasks", "audit", "history",
}

// Tx is a transaction. It is valid until the function that it was given to returns,
// and for one goroutine.
type Tx struct {
	s       *Store
	b       *bolt.Tx
	handles [buckets]*bolt.Bucket

	wrote bool // by the function that runs now
	hooks []func()

	// What was read or written before in this transaction.
	members      *memberList
	membersDirty bool
	head         *head
	today        *day
}

func newTx(s *Store, b *bolt.Tx) *Tx { return &Tx{s: s, b: b} }

// OnCommit has fn run once the transaction is committed, in the order of these
// calls, before Update returns and before anything else is written. fn must be
// quick and must not use the store. It does not run if the transaction, or the
// function that asked for it, comes to nothing.
func (tx *Tx) OnCommit(fn func()) { tx.hooks = append(tx.hooks, fn) }

func (tx *Tx) bucket(i int) *bolt.Bucket {
	b := tx.handles[i]
	if b == nil {
		b = tx.b.Bucket([]byte(bucketNames[i]))
		tx.handles[i] = b
	}
	return b
}

// get gives a value; it is bbolt's memory and not to be kept or changed.
func (tx *Tx) get(in int, key []byte) []byte { return tx.bucket(in).Get(key) }

// put keeps value, which must not be changed afterwards.
func (tx *Tx) put(in int, key, value []byte) error {
	if err := tx.writing(); err != nil {
		return err
	}
	if err := tx.bucket(in).Put(key, value); err != nil {
		return fmt.Errorf("store: a record in %s cannot be kept: %w", bucketNames[in], err)
	}
	return nil
}

func (tx *Tx) delete(in int, key []byte) error {
	if err := tx.writing(); err != nil {
		return err
	}
	if err := tx.bucket(in).Delete(key); err != nil {
		return fmt.Errorf("store: a record in %s cannot be deleted: %w", bucketNames[in], err)
	}
	return nil
}

// writing has to be called before anything is changed.
func (tx *Tx) writing() error {
	if !tx.b.Writable() {
		return ErrReadOnly
	}
	tx.wrote = true
	return nil
}

// putJSON keeps v as JSON.
func (tx *Tx) putJSON(in int, key []byte, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		// The error of a Marshal may quote what it was given.
		return fmt.Errorf("store: a record for %s cannot be written as JSON", bucketNames[in])
	}
	return tx.put(in, key, b)
}

// RecordError is a record that cannot be read. It names the place, never the
// content.
type RecordError struct {
	Bucket string
	Key    string
}

func (e *RecordError) Error() string {
	return fmt.Sprintf("store: the record %q in %s cannot be read; restore a backup", e.Key, e.Bucket)
}

func unreadable(in int, key []byte) error {
	return &RecordError{Bucket: bucketNames[in], Key: string(key)}
}

var errNoKey = errors.New("store: a record needs a key")
