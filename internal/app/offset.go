package app

import (
	"fmt"
	"strconv"

	"github.com/isplicense/license-bot/internal/store"
)

// readOffset gives the update that Telegram is asked for next, 0 in a new store.
func readOffset(s *store.Store, name string) (offset int64, err error) {
	err = s.View(func(tx *store.Tx) error {
		v, ok := tx.Value(name)
		if !ok {
			return nil
		}
		if offset, err = strconv.ParseInt(string(v), 10, 64); err != nil {
			return fmt.Errorf("the store's value %s can't be read", name)
		}
		return nil
	})
	return offset, err
}

// writeOffset moves the offset. It is written only where it changes: a webhook's
// updates come without one.
func writeOffset(tx *store.Tx, name string, next int64) error {
	value := strconv.FormatInt(next, 10)
	if old, ok := tx.Value(name); next == 0 || ok && string(old) == value {
		return nil
	}
	return tx.PutValue(name, []byte(value))
}
