package store

import (
	"bytes"
	"context"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
)

// WithOpenFile has the store's file opened by open.
func (o Options) WithOpenFile(open func(string, int, os.FileMode) (*os.File, error)) Options {
	o.openFile = open
	return o
}

// WithSync has the log synced by sync.
func (o Options) WithSync(sync func(*os.File) error) Options {
	o.sync = sync
	return o
}

// SyncData makes what was written to a file outlive a power cut.
func SyncData(f *os.File) error { return syncData(f) }

// WithCommit has transactions committed by commit.
func (o Options) WithCommit(commit func(func() error) error) Options {
	o.commit = commit
	return o
}

// Migrate runs steps on a database as Open does its own.
func Migrate(db *bolt.DB, steps []func(*bolt.Tx) error) (int, error) { return migrate(db, steps) }

// Mark makes an empty database a store of format 0.
func Mark(tx *bolt.Tx) error { return mark(tx) }

// Migrations are the steps of this version.
func Migrations() []func(*bolt.Tx) error { return migrations() }

// Path is the store's file.
func (s *Store) Path() string { return s.path }

// Checkpoint makes one.
func (s *Store) Checkpoint() error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.rw.Lock()
	defer s.rw.Unlock()
	if s.log.at == 0 {
		return nil
	}
	return s.checkpoint(true)
}

// CheckpointWith is an Update that shares its transaction with a backup.
func (s *Store) CheckpointWith(fn func(*Tx) error) error {
	return s.Update(context.Background(), func(tx *Tx) error {
		tx.flush = true
		return fn(tx)
	})
}

// HoldFailure has no failure be told until what it gives is called.
func (s *Store) HoldFailure() (told func()) {
	s.mu.Lock()
	return s.mu.Unlock
}

// Dump gives all that is in the store but what it says of its log.
func (s *Store) Dump() map[string]string {
	all := map[string]string{}
	var walk func(b *bolt.Bucket, name string)
	walk = func(b *bolt.Bucket, name string) {
		all[name] = fmt.Sprint(b.Sequence())
		_ = b.ForEach(func(k, v []byte) error {
			if name == "/deliveries" {
				walk(b.Bucket(k), name+"/"+string(k))
			} else if name != "/meta" || string(k) != "log" {
				all[name+"/"+string(k)] = string(v)
			}
			return nil
		})
	}
	s.rw.Lock()
	defer s.rw.Unlock()
	for i, b := range s.open.buckets {
		walk(b, "/"+bucketNames[i])
	}
	return all
}

// SealRecord fills in the head of a record of the log.
func SealRecord(record []byte, epoch, number uint64) { sealRecord(record, epoch, number) }

// ReadLog gives the number of records in a log.
func ReadLog(log []byte, epoch uint64) (uint64, error) {
	return readLog(bytes.NewReader(log), int64(len(log)), epoch, func(body []byte) error {
		return eachOp(body, func(opKind, int, []byte, []byte) error { return nil })
	})
}
