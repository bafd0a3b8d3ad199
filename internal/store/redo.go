package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// The redo log is a file beside the store's. What a transaction wrote goes into it as
// one record and is kept once that record is synced, which is one sync of the disk
// where bbolt's own commit takes two and writes many pages. bbolt's transaction stays
// open meanwhile and is committed at a checkpoint, after which the log is written from
// its start again. Whatever is killed in between, the store's file is as the last
// checkpoint left it, and Open does again what the log has.
//
// Each checkpoint begins a new epoch. A record has its epoch and its number, so that
// nothing which an earlier epoch left in the file can be taken for one. The first epoch
// of a log is a random number, so that another store's log, or one of another time, is
// found out too. A store that was closed has no log.
//
// A record: length of the body (4 bytes, big-endian), CRC-32C of all that follows (4),
// epoch (8), number (8), body, zeros up to a multiple of 8. The body is a sequence of
// operations: kind (1), bucket (1), key, value; each of these two with its length before
// it as a uvarint.

const (
	recordHead  = 24
	recordAlign = 8
	// logChunk is by how much the log grows at once. It is filled with zeros, since
	// a sync of what lies within a file is twice as fast as one that makes it longer.
	logChunk = 256 << 10
	// logFull is the length at which a checkpoint is due. It bounds how long one takes, and
	// how long it takes to do again what the log has after a failed function.
	logFull = 1 << 20
	// maxLog is far more than a log and the largest record can have.
	maxLog = 256 << 20
)

type opKind byte

const (
	opPut      opKind = iota + 1 // key and value
	opDelete                     // key
	opSequence                   // the value is the bucket's sequence, 8 bytes
	opDelivery                   // the key is the day, the value the delivery's id
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// redoLog is the open log.
type redoLog struct {
	path   string
	f      *os.File // nil: not made yet
	sync   func(*os.File) error
	size   int64     // of the file
	at     int64     // where the next record goes; 0: the store's file has all
	last   time.Time // when the last record was written
	epoch  uint64
	number uint64 // of the last record
	record []byte // what the transaction that runs has written; its head is filled in last
}

// logPath is the log's name. It goes by where the store's file is, not by a link that
// leads there.
func logPath(store string) string {
	if real, err := filepath.EvalSymlinks(store); err == nil {
		store = real
	}
	return store + "-redo"
}

// begin empties the record.
func (l *redoLog) begin() {
	if cap(l.record) > logChunk {
		l.record = nil
	}
	l.record = append(l.record[:0], make([]byte, recordHead)...)
}

func (l *redoLog) add(kind opKind, in int, key, value []byte) {
	l.record = append(l.record, byte(kind), byte(in))
	l.record = binary.AppendUvarint(l.record, uint64(len(key)))
	l.record = append(l.record, key...)
	l.record = binary.AppendUvarint(l.record, uint64(len(value)))
	l.record = append(l.record, value...)
}

// open makes the log. One that is there is of no use any more: it was read when the
// store was opened, or it is another's.
func (l *redoLog) open(o Options) error {
	if err := os.Remove(l.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := o.openFile(l.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	l.f, l.size = f, 0
	l.restart(rand.Uint64() >> 1)
	if err := l.room(1); err != nil {
		return err
	}
	return syncDir(filepath.Dir(l.path))
}

// write keeps the record.
func (l *redoLog) write() error {
	l.number++
	for len(l.record)%recordAlign != 0 {
		l.record = append(l.record, 0)
	}
	sealRecord(l.record, l.epoch, l.number)
	if err := l.room(int64(len(l.record))); err != nil {
		return err
	}
	if _, err := l.f.WriteAt(l.record, l.at); err != nil {
		return err
	}
	if err := l.sync(l.f); err != nil {
		return err
	}
	l.at += int64(len(l.record))
	l.last = time.Now()
	return nil
}

func sealRecord(record []byte, epoch, number uint64) {
	binary.BigEndian.PutUint32(record, uint32(len(record)-recordHead))
	binary.BigEndian.PutUint64(record[8:], epoch)
	binary.BigEndian.PutUint64(record[16:], number)
	binary.BigEndian.PutUint32(record[4:], crc32.Checksum(record[8:], castagnoli))
}

// room makes the file long enough for n more bytes.
func (l *redoLog) room(n int64) error {
	if l.at+n <= l.size {
		return nil
	}
	zeros := make([]byte, (l.at+n-l.size+logChunk-1)/logChunk*logChunk)
	if _, err := l.f.WriteAt(zeros, l.size); err != nil {
		return err
	}
	l.size += int64(len(zeros))
	return l.sync(l.f)
}

// restart begins an epoch at the start of the file.
func (l *redoLog) restart(epoch uint64) { l.epoch, l.number, l.at = epoch, 0, 0 }

func (l *redoLog) close() error {
	if l.f == nil {
		return nil
	}
	f := l.f
	l.f = nil
	return f.Close()
}

// readLog gives the bodies of an epoch's records in order. What is after the last one
// is either of the epoch before or a record whose sync nobody was told of; a whole
// record of this epoch behind something that is none means that the file is damaged.
func readLog(f io.ReaderAt, size int64, epoch uint64, each func(body []byte) error) (records uint64, err error) {
	if size > maxLog {
		return 0, damaged("its log has %d bytes", size)
	}
	all := make([]byte, size)
	if _, err := f.ReadAt(all, 0); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	at := 0
	for {
		body, ok := readRecord(all[at:], epoch, records+1)
		if !ok {
			break
		}
		if err := each(body); err != nil {
			return 0, err
		}
		records++
		at += recordHead + len(body)
	}
	if len(all) >= recordHead && records == 0 {
		of, n := binary.BigEndian.Uint64(all[8:]), binary.BigEndian.Uint64(all[16:])
		if _, ok := readRecord(all, of, n); ok && of != epoch-1 {
			return 0, fmt.Errorf("%w: the one beside it is of another store, or of another time", ErrNoLog)
		}
	}
	for ; at+recordHead <= len(all); at += recordAlign {
		n := binary.BigEndian.Uint64(all[at+16:])
		if n <= records {
			continue
		}
		if _, ok := readRecord(all[at:], epoch, n); ok {
			return 0, damaged("in its log, record %d of %d is not whole", records+1, n)
		}
	}
	return records, nil
}

func readRecord(b []byte, epoch, number uint64) (body []byte, ok bool) {
	if len(b) < recordHead {
		return nil, false
	}
	n := int64(binary.BigEndian.Uint32(b))
	if n > int64(len(b)-recordHead) || binary.BigEndian.Uint64(b[8:]) != epoch || binary.BigEndian.Uint64(b[16:]) != number {
		return nil, false
	}
	whole := b[:recordHead+n]
	if crc32.Checksum(whole[8:], castagnoli) != binary.BigEndian.Uint32(b[4:]) {
		return nil, false
	}
	return whole[recordHead:], true
}

// eachOp gives the operations of a record's body.
func eachOp(body []byte, do func(kind opKind, in int, key, value []byte) error) error {
	bad := damaged("a record of its log cannot be read")
	for len(body) > 0 && body[0] != 0 {
		if len(body) < 2 {
			return bad
		}
		kind, in := opKind(body[0]), int(body[1])
		body = body[2:]
		var parts [2][]byte
		for i := range parts {
			n, used := binary.Uvarint(body)
			if used <= 0 || n > uint64(len(body)-used) {
				return bad
			}
			parts[i], body = body[used:used+int(n)], body[used+int(n):]
		}
		if in <= inMeta || in >= buckets {
			return bad
		}
		if err := do(kind, in, parts[0], parts[1]); err != nil {
			return err
		}
	}
	return nil
}

// readLogFile does with each operation of the log at path, if it has any of that
// epoch, what do says.
func readLogFile(path string, epoch uint64, open func(string, int, os.FileMode) (*os.File, error), do func(kind opKind, in int, key, value []byte) error) (records uint64, err error) {
	f, err := open(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would be waited for
	if errors.Is(err, fs.ErrNotExist) {
		return 0, ErrNoLog
	}
	if err != nil {
		return 0, notWritable(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, damaged("its log is no regular file")
	}
	if info.Size() < logChunk { // what open made was longer before the store spoke of it
		return 0, fmt.Errorf("%w: the one beside it is cut short", ErrNoLog)
	}
	return readLog(f, info.Size(), epoch, func(body []byte) error { return eachOp(body, do) })
}
