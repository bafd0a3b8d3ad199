package store_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/isplicense/license-bot/internal/store"
	"github.com/isplicense/license-bot/internal/store/storetest"
)

// fataler is a test's part of testing.TB or rapid.TB.
type fataler interface {
	Helper()
	Fatal(...any)
}

// killed gives what a process leaves that is killed now: the store's file and its log.
func killed(t fataler, path string) (file, log []byte) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	log, err = os.ReadFile(path + "-redo")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return file, log
}

// left writes the two; a log of nil is none.
func left(t testing.TB, file, log []byte) (path string) {
	t.Helper()
	return leftIn(t, t.TempDir(), file, log)
}

func leftIn(t fataler, dir string, file, log []byte) (path string) {
	t.Helper()
	path = filepath.Join(dir, "bot.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if log != nil {
		if err := os.WriteFile(path+"-redo", log, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// opens says what is in the values of a store, after it was opened.
func opens(t testing.TB, path string) (values []string) {
	t.Helper()
	s := storetest.Open(t, path, store.Options{})
	values = valuesOf(t, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path + "-redo"); !errors.Is(err, os.ErrNotExist) {
		t.Error("a closed store has a log")
	}
	return values
}

func valuesOf(t fataler, s *store.Store) (values []string) {
	t.Helper()
	if err := s.View(func(tx *store.Tx) error {
		for i := range 100 {
			if v, ok := tx.Value(fmt.Sprint("v", i)); ok {
				values = append(values, string(v))
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return values
}

func set(t testing.TB, s *store.Store, n int) {
	t.Helper()
	if err := s.Update(context.Background(), func(tx *store.Tx) error {
		return tx.PutValue(fmt.Sprint("v", n), fmt.Append(nil, n))
	}); err != nil {
		t.Fatal(err)
	}
}

// What is kept is in the log alone, until a checkpoint puts it into the store's file
// and the log begins anew.
func TestLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.db")
	s := storetest.Open(t, path, store.Options{Idle: time.Hour})
	for n := range 5 { // the first makes the log, and goes into the file
		set(t, s, n)
	}
	file, log := killed(t, path)
	if got := fmt.Sprint(opens(t, left(t, file, log))); got != "[0 1 2 3 4]" {
		t.Errorf("after a kill there is %s", got)
	}
	if info, err := os.Stat(path + "-redo"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the log's mode is %v, %v", info.Mode(), err)
	}
	if err := s.Backup(filepath.Join(t.TempDir(), "copy.db")); err != nil { // begins with a checkpoint
		t.Fatal(err)
	}
	later, sameLog := killed(t, path)
	if bytes.Equal(file, later) || !bytes.Equal(log, sameLog) {
		t.Error("a checkpoint has not written the file, or not left the log as it was")
	}
	if got := fmt.Sprint(opens(t, left(t, later, sameLog))); got != "[0 1 2 3 4]" {
		t.Errorf("after a checkpoint and a kill there is %s", got)
	}
	set(t, s, 5)
	later, log = killed(t, path)
	if got := fmt.Sprint(opens(t, left(t, later, log))); got != "[0 1 2 3 4 5]" {
		t.Errorf("with a log that was begun anew there is %s", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(opens(t, path)); got != "[0 1 2 3 4 5]" {
		t.Errorf("after closing there is %s", got)
	}
}

// A second kill, at any moment of the start after the first, changes nothing.
func TestKilledTwice(t *testing.T) {
	s := storetest.New(t, store.Options{Idle: time.Hour})
	for n := range 5 {
		set(t, s, n)
	}
	file, log := killed(t, s.Path())
	path := left(t, file, log)
	again := storetest.Open(t, path, store.Options{Idle: time.Hour})
	file, log = killed(t, path) // nothing was written since
	if got := fmt.Sprint(opens(t, left(t, file, log))); got != "[0 1 2 3 4]" {
		t.Errorf("killed after it was opened: %s", got)
	}
	set(t, again, 5)
	file, log = killed(t, path)
	if got := fmt.Sprint(opens(t, left(t, file, log))); got != "[0 1 2 3 4 5]" {
		t.Errorf("killed after it wrote again: %s", got)
	}
}

// A store that was not closed is not opened without the log that is its own: what it
// has forgotten could be done twice.
func TestLogMissing(t *testing.T) {
	s, other := storetest.New(t, store.Options{Idle: time.Hour}), storetest.New(t, store.Options{Idle: time.Hour})
	var files, logs [][]byte
	keep := func(s *store.Store) {
		file, log := killed(t, s.Path())
		files, logs = append(files, file), append(logs, log)
	}
	for n := range 3 {
		set(t, s, n)
		set(t, other, n)
	}
	keep(s)
	for range 2 {
		if err := s.Backup(filepath.Join(t.TempDir(), "copy.db")); err != nil {
			t.Fatal(err)
		}
		set(t, s, 4)
	}
	keep(s)
	keep(other)
	for _, test := range []struct {
		name      string
		file, log []byte
	}{
		{"none", files[0], nil},
		{"of no length", files[0], []byte{}},
		{"cut short", files[0], logs[0][:1000]},
		{"an earlier one", files[1], logs[0]},
		{"a later one", files[0], logs[1]},
		{"another store's", files[0], logs[2]},
	} {
		path := left(t, test.file, test.log)
		_, err := store.Open(path, store.Options{})
		if !errors.Is(err, store.ErrNoLog) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "bot.db-redo") || strings.Contains(err.Error(), "\n") {
			t.Errorf("with the log %s: %v", test.name, err)
		}
		if err := store.Check(path); !errors.Is(err, store.ErrNoLog) {
			t.Errorf("with the log %s, a check: %v", test.name, err)
		}
		if file, log := killed(t, path); !bytes.Equal(file, test.file) || !bytes.Equal(log, test.log) {
			t.Errorf("with the log %s: a file was touched", test.name)
		}
	}
}

// A backup goes by itself: it needs no log, and minds none that lies beside it.
func TestBackupNeedsNoLog(t *testing.T) {
	s := storetest.New(t, store.Options{Idle: time.Hour})
	for n := range 3 {
		set(t, s, n)
	}
	_, log := killed(t, s.Path())
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := s.Backup(copied); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	for _, log := range [][]byte{nil, log, []byte("something else")} {
		if got := fmt.Sprint(valuesOf(t, storetest.Open(t, left(t, file, log), store.Options{}))); got != "[0 1 2]" {
			t.Errorf("the copy has %s", got)
		}
		path := left(t, file, log)
		again := storetest.Open(t, path, store.Options{Idle: time.Hour})
		set(t, again, 3)
		set(t, again, 4)
		file, log := killed(t, path)
		if got := fmt.Sprint(opens(t, left(t, file, log))); got != "[0 1 2 3 4]" {
			t.Errorf("the copy, written to and killed, has %s", got)
		}
	}
}

// Of a log that is cut or changed, what is before that is taken if it may have been the
// last; if what was acknowledged comes after, the store is damaged and not opened.
func TestLogDamaged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bot.db")
	s := storetest.Open(t, path, store.Options{Idle: time.Hour})
	var ends []int // of the records
	for n := range 5 {
		set(t, s, n)
		_, log := killed(t, path)
		ends = append(ends, len(bytes.TrimRight(log, "\x00"))) // a record ends with its value, or with less than 8 zeros
	}
	file, log := killed(t, path)
	last := ends[len(ends)-1]
	for cut := 0; cut <= last; cut += 5 {
		whole := 1
		for whole < len(ends) && cut >= ends[whole] {
			whole++
		}
		if got := opens(t, left(t, file, append(log[:cut:cut], make([]byte, len(log)-cut)...))); len(got) != whole {
			t.Fatalf("with zeros after %d bytes there are %v, want %d", cut, got, whole)
		}
	}
	for at := 0; at < last; at += 3 {
		changed := bytes.Clone(log)
		changed[at] ^= 0x41
		path := left(t, file, changed)
		switch s, err := store.Open(path, store.Options{}); {
		case at >= (ends[len(ends)-2]+7)/8*8 || at/8*8 == 8 && errors.Is(err, store.ErrNoLog):
			// The last one may have been under way.
			if err == nil {
				if got := valuesOf(t, s); len(got) != 4 {
					t.Errorf("with byte %d of the last record changed there are %v", at, got)
				}
				_ = s.Close()
			}
		case !errors.Is(err, store.ErrDamaged):
			t.Errorf("with byte %d changed: %v", at, err)
		default:
			if f, l := killed(t, path); !bytes.Equal(f, file) || !bytes.Equal(l, changed) {
				t.Errorf("with byte %d changed: a file was touched", at)
			}
		}
	}
}

// What is read from a log, of whatever bytes, ends, and does no more than an error.
func FuzzLog(f *testing.F) {
	path := filepath.Join(f.TempDir(), "bot.db")
	s := storetest.Open(f, path, store.Options{Idle: time.Hour})
	for n := range int64(4) {
		if err := s.Update(context.Background(), func(tx *store.Tx) error { return step(tx, n) }); err != nil {
			f.Fatal(err)
		}
	}
	file, log := killed(f, path)
	log = bytes.TrimRight(log, "\x00")
	f.Add(log, false)
	f.Add(log[:len(log)/2], true)
	f.Add(append(log[:24:24], "\x01\x03\xff\xff\xff\xff\xff\xff\xff\xff\x7f"...), true)
	epoch, number := binary.BigEndian.Uint64(log[8:]), binary.BigEndian.Uint64(log[16:])
	f.Fuzz(func(t *testing.T, log []byte, sealed bool) {
		if sealed && len(log) >= 24 { // or nothing but the checksum would ever be tried
			store.SealRecord(log, epoch, number)
		}
		if n, err := store.ReadLog(log, epoch); n == 0 || err != nil {
			return // quick: no file need be made
		}
		log = append(log, make([]byte, 256<<10)...) // one that is shorter is refused
		s, err := store.Open(left(t, file, log), store.Options{})
		if err != nil {
			if line := err.Error(); strings.Contains(line, "\n") {
				t.Errorf("%q", line)
			}
			return
		}
		_ = readAll(s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Whatever is done, with failures and checkpoints in between: what a kill leaves is
// what was there.
func TestLogHoldsAll(t *testing.T) {
	t.Parallel()
	failed := errors.New("no")
	rapid.Check(t, func(rt *rapid.T) {
		now := time.Date(2026, 7, 26, 9, 30, 0, 0, time.UTC)
		s, err := store.Open(filepath.Join(t.TempDir(), "bot.db"), store.Options{Idle: time.Hour, Now: func() time.Time { return now }})
		if err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(rt, "hours")) * time.Hour)
			n := rapid.Int64Range(0, 20).Draw(rt, "n")
			fails := rapid.Bool().Draw(rt, "fails")
			err := s.Update(context.Background(), func(tx *store.Tx) error {
				if err := step(tx, n); err != nil || !fails {
					return err
				}
				return failed
			})
			if fails != errors.Is(err, failed) || !fails && err != nil {
				rt.Fatal(err)
			}
			if rapid.IntRange(0, 5).Draw(rt, "checkpoint") == 0 {
				if err := s.Checkpoint(); err != nil {
					rt.Fatal(err)
				}
			}
		}
		file, log := killed(t, s.Path())
		again, err := store.Open(left(t, file, log), store.Options{})
		if err != nil {
			rt.Fatal(err)
		}
		// Only a checkpoint forgets, and opening is none.
		if want, got := s.Dump(), again.Dump(); !maps.Equal(want, got) {
			rt.Errorf("a kill leaves %d records of %d\n%v\n%v", len(got), len(want), got, want)
		}
		if err := errors.Join(again.Close(), s.Close()); err != nil {
			rt.Fatal(err)
		}
	})
}

// A checkpoint comes by itself: when the log is full, and when nothing was written for
// a while.
func TestCheckpoints(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(path, store.Options{Idle: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		set(t, s, 0)
		set(t, s, 1)
		file, _ := killed(t, path)
		time.Sleep(time.Minute - 1)
		synctest.Wait()
		if now, _ := killed(t, path); !bytes.Equal(now, file) {
			t.Error("a checkpoint came too early")
		}
		set(t, s, 2)
		time.Sleep(time.Minute - 1)
		synctest.Wait()
		if now, _ := killed(t, path); !bytes.Equal(now, file) {
			t.Error("a checkpoint came though something was written meanwhile")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		now, _ := killed(t, path)
		if bytes.Equal(now, file) {
			t.Error("no checkpoint came")
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if later, _ := killed(t, path); !bytes.Equal(later, now) {
			t.Error("a checkpoint came with nothing to do")
		}
		set(t, s, 3)
		time.Sleep(time.Minute)
		synctest.Wait()
		if later, _ := killed(t, path); bytes.Equal(later, now) {
			t.Error("no checkpoint came after the first one")
		}
	})
	s := storetest.Open(t, path, store.Options{Idle: time.Hour})
	for range 40 {
		if err := s.Update(context.Background(), func(tx *store.Tx) error {
			return tx.PutValue("big", make([]byte, 1<<20))
		}); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path + "-redo"); err != nil || info.Size() > 6<<20 {
		t.Errorf("the log has %d bytes, %v", info.Size(), err)
	}
}

// Nobody reads what might yet be lost.
func TestViewWaitsForTheDisk(t *testing.T) {
	var commits atomic.Int64
	busy, goOn := make(chan bool), make(chan bool)
	s := storetest.New(t, store.Options{}.WithCommit(func(do func() error) error {
		if commits.Add(1) == 2 {
			busy <- true
			<-goOn
		}
		return do()
	}))
	set(t, s, 0)
	done := make(chan error)
	go func() {
		done <- s.Update(context.Background(), func(tx *store.Tx) error { return tx.PutValue("v1", []byte("1")) })
	}()
	<-busy
	var kept atomic.Bool
	read := make(chan string)
	go func() {
		values := fmt.Sprint(valuesOf(t, s))
		if !kept.Load() {
			values += " too early"
		}
		read <- values
	}()
	kept.Store(true)
	close(goOn)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := <-read; got != "[0 1]" {
		t.Errorf("read: %s", got)
	}
}

// yield lets other goroutines come as far as to wait.
func yield() {
	for range 1000 {
		runtime.Gosched()
	}
}

// Where the disk fails, those who waited to read are told, and get nothing of it.
func TestViewAfterTheDiskFailed(t *testing.T) {
	var commits atomic.Int64
	busy, goOn := make(chan bool), make(chan bool)
	s := storetest.New(t, store.Options{}.WithCommit(func(do func() error) error {
		if commits.Add(1) == 1 {
			return do()
		}
		busy <- true
		<-goOn
		return errors.New("input/output error")
	}))
	set(t, s, 0)
	done := make(chan error)
	go func() { done <- s.Update(context.Background(), put("v1")) }()
	<-busy
	const readers = 20
	views := make(chan error)
	for range readers {
		go func() {
			views <- s.View(func(tx *store.Tx) error {
				if _, ok := tx.Value("v1"); ok {
					return errors.New("read what was not kept")
				}
				return nil
			})
		}()
	}
	told := s.HoldFailure() // to let them come before it is told
	yield()
	close(goOn)
	yield()
	told()
	if err := <-done; !errors.Is(err, store.ErrBroken) {
		t.Error(err)
	}
	for range readers {
		if err := <-views; !errors.Is(err, store.ErrBroken) {
			t.Error("a view:", err)
		}
	}
}

// A power cut leaves of the log what was synced, be it more or not: what was
// acknowledged is among it.
func TestPowerCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.db")
	var synced []byte
	sync := func(f *os.File) error {
		var err error
		synced, err = os.ReadFile(f.Name())
		return err
	}
	s := storetest.Open(t, path, store.Options{Idle: time.Hour}.WithSync(sync))
	for n := range 12 {
		if n == 5 {
			if err := s.Checkpoint(); err != nil {
				t.Fatal(err)
			}
		}
		set(t, s, n)
		file, log := killed(t, path)
		if got := valuesOf(t, storetest.Open(t, left(t, file, synced), store.Options{})); len(got) != n+1 {
			t.Errorf("after %d steps and a power cut there is %v", n+1, got)
		}
		if len(synced) != len(log) {
			t.Errorf("the log has %d bytes, of which %d are synced", len(log), len(synced))
		}
	}
}

// A store of format 1 is what the version before the log has left.
func TestMigrateFromBeforeTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.db")
	makeBolt(t, path, store.Mark)
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *bolt.Tx) error {
		return errors.Join(store.Migrations()[0](tx), tx.Bucket([]byte("meta")).Put([]byte("format"), []byte("1")),
			tx.Bucket([]byte("values")).Put([]byte("v7"), []byte("7")))
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := store.Check(path); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(opens(t, path)); got != "[7]" {
		t.Errorf("after the migration there is %s", got)
	}
}

// A checkpoint that comes right after another one, as a backup's does that goes with
// the first write since, leaves nothing in the log that is taken for another store's.
func TestCheckpointsInARow(t *testing.T) {
	s := storetest.New(t, store.Options{Idle: time.Hour})
	set(t, s, 0)
	set(t, s, 1)
	if err := s.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	before, _ := killed(t, s.Path())
	if err := s.CheckpointWith(func(tx *store.Tx) error { return tx.PutValue("v2", []byte("2")) }); err != nil {
		t.Fatal(err)
	}
	file, log := killed(t, s.Path())
	if bytes.Equal(file, before) {
		t.Error("no checkpoint was made, and a backup would not have what was written")
	}
	if got := fmt.Sprint(opens(t, left(t, file, log))); got != "[0 1 2]" {
		t.Errorf("there is %s", got)
	}
}

// A sync that fails, at whatever moment, is no word that something is kept, and what
// was acknowledged before is there at the next opening.
func TestFailedSync(t *testing.T) {
	failed := errors.New("input/output error")
	for at := 1; ; at++ { // the first ones are of making the log
		path := filepath.Join(t.TempDir(), "bot.db")
		syncs, acknowledged := 0, 0
		s := storetest.Open(t, path, store.Options{Idle: time.Hour}.WithSync(func(*os.File) error {
			if syncs++; syncs == at {
				return failed
			}
			return nil
		}))
		var err error
		for acknowledged < 5 {
			if err = s.Update(context.Background(), func(tx *store.Tx) error {
				return errors.Join(tx.PutValue(fmt.Sprint("v", acknowledged), fmt.Append(nil, acknowledged)), tx.PutValue("big", make([]byte, 100<<10)))
			}); err != nil {
				break
			}
			acknowledged++
		}
		if syncs < at {
			break
		}
		if !errors.Is(err, store.ErrBroken) || !errors.Is(s.Cause(), failed) {
			t.Errorf("sync %d failed: %v, because of %v", at, err, s.Cause())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if got := valuesOf(t, storetest.Open(t, path, store.Options{})); len(got) < acknowledged {
			t.Errorf("sync %d failed: of %d that were acknowledged %v are there", at, acknowledged, got)
		}
	}
}

// The log is a file of the store's own, whatever lay in its place: what a link leads to
// is not written, and others don't read in it.
func TestLogIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte("another's"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, lay := range map[string]func(log string) error{
		"a link":                   func(log string) error { return os.Symlink(other, log) },
		"a second name":            func(log string) error { return os.Link(other, log) },
		"a file that all may read": func(log string) error { return os.WriteFile(log, nil, 0o644) },
	} {
		path := filepath.Join(t.TempDir(), "bot.db")
		if err := lay(path + "-redo"); err != nil {
			t.Fatal(err)
		}
		s := storetest.Open(t, path, store.Options{Idle: time.Hour})
		set(t, s, 0)
		if info, err := os.Lstat(path + "-redo"); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: the log's mode is %v, %v", name, info.Mode(), err)
		}
		if b, err := os.ReadFile(other); err != nil || string(b) != "another's" {
			t.Errorf("%s: what it leads to is %q, %v", name, b, err)
		}
	}
}

// A record whose checksum is right and that says what cannot be is damage; one that is
// not whole is none.
func TestLogRecords(t *testing.T) {
	const epoch = 7
	record := func(number uint64, body string) []byte {
		b := append(make([]byte, 24), body...)
		b = append(b, make([]byte, -len(b)&7)...)
		store.SealRecord(b, epoch, number)
		return b
	}
	const good = "\x01\x01\x01k\x01v"
	long := record(1, good)
	binary.BigEndian.PutUint32(long, uint32(len(long)-8)) // ends 16 bytes behind the file
	for _, test := range []struct {
		name    string
		log     []byte
		records uint64
		damaged bool
	}{
		{"one", record(1, good), 1, false},
		{"two", append(record(1, good), record(2, good+good)...), 2, false},
		{"the first twice", append(record(1, good), record(1, good)...), 1, false},
		{"in another order", slices.Concat(record(1, good), record(3, good), record(2, good)), 0, true},
		{"with a gap", append(append(record(1, good), make([]byte, 40)...), record(2, good)...), 0, true},
		{"longer than the file", long, 0, false},
		{"a part of a head", record(1, good)[:20], 0, false},
		{"no bucket", record(1, "\x01"), 0, true},
		{"the bucket that says what the file is", record(1, "\x01\x00\x01k\x01v"), 0, true},
		{"a bucket that there is not", record(1, "\x01\x0c\x01k\x01v"), 0, true},
		{"a key that is too long", record(1, "\x01\x01\x05key"+"\x00\x00"), 0, true},
		{"a value that is too long", record(1, "\x01\x01\x01k\x04v"), 0, true},
		{"a length that never ends", record(1, "\x01\x01\xff\xff\xff\xff\xff\xff"), 0, true},
	} {
		if n, err := store.ReadLog(test.log, epoch); n != test.records || errors.Is(err, store.ErrDamaged) != test.damaged || (err != nil) != test.damaged {
			t.Errorf("%s: %d records, %v", test.name, n, err)
		}
	}
}

// A delivery is known for 48 hours, whenever checkpoints come, and is forgotten after
// the day on which these end.
func TestCheckpointsForget(t *testing.T) {
	now := time.Date(2026, 7, 26, 23, 59, 59, 0, time.UTC)
	s := storetest.New(t, store.Options{Idle: time.Hour, Now: func() time.Time { return now }})
	remember := func(id string) {
		t.Helper()
		if err := s.Update(context.Background(), func(tx *store.Tx) error { return tx.Remember(id) }); err != nil {
			t.Fatal(err)
		}
	}
	seen := func(ids ...string) (known int) {
		t.Helper()
		if err := s.Checkpoint(); err != nil {
			t.Fatal(err)
		}
		if err := s.View(func(tx *store.Tx) error {
			for _, id := range ids {
				if tx.Seen(id) {
					known++
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return known
	}
	remember("first")
	for day := range 3 { // each has a delivery of its own
		if day > 0 {
			now = now.AddDate(0, 0, 1)
		}
		remember(fmt.Sprint(day))
		if n := seen("first", "0", fmt.Sprint(day)); n != 3 {
			t.Errorf("after %d days %d of 3 are known", day, n)
		}
	}
	now = now.Add(time.Second)
	remember("3")
	if seen("first", "0") != 0 || seen("1", "2", "3") != 3 {
		t.Error("on the fourth day others are known than those of the last three")
	}
}

// What a failed function wrote is undone with the log's help. Where that is not what it
// was, nobody goes on without what it had.
func TestUndoWithoutTheLog(t *testing.T) {
	for _, keeps := range []int{0, 1, 2} { // records
		path := filepath.Join(t.TempDir(), "bot.db")
		s, err := store.Open(path, store.Options{Idle: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		set(t, s, 0)
		length := 0
		for n := 1; n < 4; n++ {
			if n == keeps+1 {
				_, log := killed(t, path)
				length = len(bytes.TrimRight(log, "\x00")) + 8
			}
			set(t, s, n)
		}
		if err := os.Truncate(path+"-redo", int64(length)); err != nil {
			t.Fatal(err)
		}
		failed := errors.New("no")
		if err := s.Update(context.Background(), func(tx *store.Tx) error { return errors.Join(tx.PutValue("v5", nil), failed) }); !errors.Is(err, store.ErrBroken) {
			t.Errorf("with %d records of 3: %v", keeps, err)
		}
		if err := s.View(func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrBroken) {
			t.Errorf("with %d records of 3, a view: %v", keeps, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A link that leads to the store's file leads to its log too.
func TestLogOfALink(t *testing.T) {
	s := storetest.New(t, store.Options{Idle: time.Hour})
	for n := range 3 {
		set(t, s, n)
	}
	file, log := killed(t, s.Path())
	path := filepath.Join(t.TempDir(), "bot.db")
	if err := os.Symlink(left(t, file, log), path); err != nil {
		t.Fatal(err)
	}
	if err := store.Check(path); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(opens(t, path)); got != "[0 1 2]" {
		t.Errorf("there is %s", got)
	}
}

// A power cut may leave any of the sectors of the record that is under way, over those of
// an earlier epoch or of none: the record is there whole or not at all, and what was
// before it is.
func TestTornRecord(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s, err := store.Open(filepath.Join(t.TempDir(), "bot.db"), store.Options{Idle: time.Hour}.WithSync(func(*os.File) error { return nil }))
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		n := 0
		write := func(size int) {
			if err := s.Update(context.Background(), func(tx *store.Tx) error {
				return errors.Join(tx.PutValue(fmt.Sprint("v", n), fmt.Append(nil, n)), tx.PutValue("big", make([]byte, size)))
			}); err != nil {
				rt.Fatal(err)
			}
			n++
		}
		sizes := rapid.SliceOfN(rapid.IntRange(0, 9000), 1, 4)
		for _, size := range sizes.Draw(rt, "earlier") {
			write(size)
		}
		if err := s.Checkpoint(); err != nil {
			rt.Fatal(err)
		}
		if rapid.Bool().Draw(rt, "more") {
			for _, size := range sizes.Draw(rt, "before") {
				write(size)
			}
		}
		file, before := killed(rt, s.Path())
		write(rapid.IntRange(0, 20000).Draw(rt, "last"))
		_, log := killed(rt, s.Path())
		sector := rapid.SampledFrom([]int{512, 4096}).Draw(rt, "sector")
		want := n
		for at := 0; at < len(log); at += sector {
			if old := before[at : at+sector]; !bytes.Equal(log[at:at+sector], old) && rapid.Bool().Draw(rt, "lost") {
				copy(log[at:], old)
				want = n - 1
			}
		}
		again, err := store.Open(leftIn(rt, t.TempDir(), file, log), store.Options{})
		if err != nil {
			rt.Fatal(err)
		}
		defer again.Close()
		if got := len(valuesOf(rt, again)); got != want {
			rt.Errorf("there are %d, want %d", got, want)
		}
	})
}
