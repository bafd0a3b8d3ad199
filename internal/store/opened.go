package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

// opened is bbolt's write transaction, open from one checkpoint to the next: what all
// writing goes into and all reading looks at. The buckets are looked up once, since
// that is what changes something within bbolt while others read.
type opened struct {
	tx      *bolt.Tx
	buckets [buckets]*bolt.Bucket
	days    []day // of deliveries, in order
}

type day struct {
	name   string
	bucket *bolt.Bucket
}

func openTx(tx *bolt.Tx) (opened, error) {
	o := opened{tx: tx}
	for i, name := range bucketNames {
		if o.buckets[i] = tx.Bucket([]byte(name)); o.buckets[i] == nil {
			return opened{}, damaged("it has no bucket %s", name)
		}
	}
	o.buckets[inAudit].FillPercent = 1 // entries are only added at the end
	all := o.buckets[inDeliveries]
	err := all.ForEachBucket(func(name []byte) error {
		o.days = append(o.days, day{string(name), all.Bucket(name)})
		return nil
	})
	return o, err
}

// apply does an operation.
func (o *opened) apply(kind opKind, in int, key, value []byte) error {
	b := o.buckets[in]
	if value == nil {
		value = []byte{} // a value of nil would read as none until the next checkpoint
	}
	switch kind {
	case opPut:
		return b.Put(key, value)
	case opDelete:
		return b.Delete(key)
	case opSequence:
		if len(value) != 8 {
			return errors.New("a sequence has 8 bytes")
		}
		return b.SetSequence(binary.BigEndian.Uint64(value))
	case opDelivery:
		d, err := o.day(string(key))
		if err != nil {
			return err
		}
		return d.Put(value, []byte{})
	}
	return fmt.Errorf("an operation of kind %d is not known", kind)
}

func (o *opened) day(name string) (*bolt.Bucket, error) {
	i, found := slices.BinarySearchFunc(o.days, name, func(d day, name string) int { return strings.Compare(d.name, name) })
	if found {
		return o.days[i].bucket, nil
	}
	b, err := o.buckets[inDeliveries].CreateBucket([]byte(name))
	if err == nil {
		o.days = slices.Insert(o.days, i, day{name, b})
	}
	return b, err
}

// forget deletes the days of deliveries that are over. It is done by a checkpoint
// alone, so that no log has to have it.
func (o *opened) forget(now time.Time) error {
	first := now.UTC().AddDate(0, 0, 1-deliveryDays).Format(time.DateOnly)
	for len(o.days) > 0 && o.days[0].name < first {
		if err := o.buckets[inDeliveries].DeleteBucket([]byte(o.days[0].name)); err != nil {
			return err
		}
		o.days = o.days[1:]
	}
	return nil
}

// logState is what the store says of its log, under "log" in the bucket meta: the epoch
// that it is of, or "closed".
type logState struct {
	epoch uint64
	inUse bool
}

var logKey = []byte("log")

const logClosed = "closed"

func (l logState) put(tx *bolt.Tx) error {
	state := logClosed
	if l.inUse {
		state = strconv.FormatUint(l.epoch, 10)
	}
	return tx.Bucket([]byte(bucketNames[inMeta])).Put(logKey, []byte(state))
}

func readLogState(tx *bolt.Tx) (logState, error) {
	state := string(tx.Bucket([]byte(bucketNames[inMeta])).Get(logKey))
	if state == logClosed {
		return logState{}, nil
	}
	epoch, err := strconv.ParseUint(state, 10, 64)
	if err != nil {
		return logState{}, damaged("what it says of its log is not known")
	}
	return logState{epoch, true}, nil
}

// recoverLog does again what is in the log that a kill has left, and has the store be
// closed after it: the log is of no use any more then.
func recoverLog(db *bolt.DB, path string, o Options) (records uint64, err error) {
	var state logState
	if err := db.View(func(tx *bolt.Tx) error {
		state, err = readLogState(tx)
		return err
	}); err != nil || !state.inUse {
		return 0, err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		open, err := openTx(tx)
		if err != nil {
			return err
		}
		if records, err = readLogFile(path, state.epoch, o.openFile, open.apply); err != nil {
			return err
		}
		return logState{}.put(tx)
	})
	if err == nil {
		_ = os.Remove(path) // it would be removed before the next is made
	}
	return records, err
}
