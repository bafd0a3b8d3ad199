package store

import (
	"fmt"
	"strconv"

	bolt "go.etcd.io/bbolt"
)

// What a store of ours has in its bucket meta.
var (
	appKey    = []byte("app")
	appName   = []byte("license-bot")
	formatKey = []byte("format")
)

// migrations lead from each format to the next: the first from format 0, which is
// nothing but the mark, to format 1. A new store is one of format 0 that is then
// brought up, so that both go the same way. A step that was released is never
// changed.
func migrations() []func(*bolt.Tx) error {
	return []func(*bolt.Tx) error{makeBuckets, beginLog}
}

// beginLog: from this format on there may be a log beside the store, which an older
// version would not read.
func beginLog(tx *bolt.Tx) error { return logState{}.put(tx) }

func makeBuckets(tx *bolt.Tx) error {
	for _, name := range [...]string{
		"values", "deliveries", "members", "requests", "live", "guards",
		"messages", "refs", "tasks", "audit", "history",
	} {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	return nil
}

// mark makes an empty database a store of format 0.
func mark(tx *bolt.Tx) error {
	b, err := tx.CreateBucket([]byte(bucketNames[inMeta]))
	if err != nil {
		return err
	}
	if err := b.Put(appKey, appName); err != nil {
		return err
	}
	return b.Put(formatKey, []byte("0"))
}

// format tells what the database is: its format, or why it is none for a version
// whose newest one is given.
func format(tx *bolt.Tx, newest int) (int, error) {
	b := tx.Bucket([]byte(bucketNames[inMeta]))
	if b == nil || string(b.Get(appKey)) != string(appName) {
		return 0, ErrForeign
	}
	n, err := strconv.Atoi(string(b.Get(formatKey)))
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: its format is not known", ErrDamaged)
	}
	if n > newest {
		return 0, fmt.Errorf("%w (format %d, this one knows up to %d)", ErrNewer, n, newest)
	}
	return n, nil
}

// migrate brings the store to the newest format, all steps in one transaction, and
// gives the format that it had.
func migrate(db *bolt.DB, steps []func(*bolt.Tx) error) (from int, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		from, err = format(tx, len(steps))
		return err
	})
	if err != nil || from == len(steps) {
		return from, err
	}
	return from, db.Update(func(tx *bolt.Tx) error { return upgrade(tx, from, steps) })
}

func upgrade(tx *bolt.Tx, from int, steps []func(*bolt.Tx) error) error {
	for n := from; n < len(steps); n++ {
		if err := steps[n](tx); err != nil {
			return fmt.Errorf("from format %d to %d: %w", n, n+1, err)
		}
	}
	if _, err := openTx(tx); err != nil { // it was not whole
		return err
	}
	return tx.Bucket([]byte(bucketNames[inMeta])).Put(formatKey, []byte(strconv.Itoa(len(steps))))
}
