package store

import (
	"os"

	bolt "go.etcd.io/bbolt"
)

// WithOpenFile has the store's file opened by open.
func (o Options) WithOpenFile(open func(string, int, os.FileMode) (*os.File, error)) Options {
	o.openFile = open
	return o
}

// WithCommit has transactions committed by commit.
func (o Options) WithCommit(commit func(*bolt.Tx) error) Options {
	o.commit = commit
	return o
}

// Migrate runs steps on a database as Open does its own.
func Migrate(db *bolt.DB, steps []func(*bolt.Tx) error) (int, error) { return migrate(db, steps) }

// Mark makes an empty database a store of format 0.
func Mark(tx *bolt.Tx) error { return mark(tx) }

// Migrations are the steps of this version.
func Migrations() []func(*bolt.Tx) error { return migrations() }
