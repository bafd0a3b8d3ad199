package store

import (
	"encoding/json"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// The buckets, and what is under which key in them.
const (
	inMeta       = iota // "app", "format": what the file is; "log": see redo.go
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
	s    *Store
	view bool

	wrote bool // by the function that runs now
	flush bool // a checkpoint is wanted
	hooks []func()

	// What was read or written before in this transaction.
	members      *memberList
	membersDirty bool
	head         *head
}

// OnCommit has fn run once the transaction is committed, in the order of these
// calls, before Update returns and before anything else is written. fn must be
// quick and must not use the store. It does not run if the transaction, or the
// function that asked for it, comes to nothing.
func (tx *Tx) OnCommit(fn func()) { tx.hooks = append(tx.hooks, fn) }

// bucket is for reading: what is written has to go into the log too.
func (tx *Tx) bucket(i int) *bolt.Bucket { return tx.s.open.buckets[i] }

// get gives a value; it is bbolt's memory and not to be kept or changed.
func (tx *Tx) get(in int, key []byte) []byte { return tx.bucket(in).Get(key) }

// put keeps value, which must not be changed afterwards.
func (tx *Tx) put(in int, key, value []byte) error {
	if err := tx.writing(); err != nil {
		return err
	}
	return tx.do(opPut, in, key, value)
}

func (tx *Tx) delete(in int, key []byte) error {
	if err := tx.writing(); err != nil {
		return err
	}
	return tx.do(opDelete, in, key, nil)
}

// next counts a bucket's sequence up.
func (tx *Tx) next(in int) (uint64, error) {
	if err := tx.writing(); err != nil {
		return 0, err
	}
	n := tx.bucket(in).Sequence() + 1
	return n, tx.do(opSequence, in, nil, number(n))
}

// do is the only way in which anything is written.
func (tx *Tx) do(kind opKind, in int, key, value []byte) error {
	if err := tx.s.open.apply(kind, in, key, value); err != nil {
		return fmt.Errorf("store: a record in %s cannot be written: %w", bucketNames[in], err)
	}
	tx.s.log.add(kind, in, key, value)
	return nil
}

// writing has to be called before anything is changed.
func (tx *Tx) writing() error {
	if tx.view {
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
