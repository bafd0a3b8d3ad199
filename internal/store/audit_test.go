package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
	"github.com/isplicense/license-bot/internal/store/storetest"
)

// The line and its hash are what deployments keep and check: they never change.
func TestLine(t *testing.T) {
	e := requests.Entry{
		Seq: 7, Time: time.Date(2026, 7, 26, 9, 30, 0, 0, time.UTC), Event: requests.EventApproved,
		Request: "k7m2pq", Actor: "slack:T1/U1", Person: "Катя", Action: "terminate", License: "1001",
		Detail: "<b>\"1 & 2\"</b> \\ \u2028\u007f\n\x01", Prev: strings.Repeat("0", 64),
	}
	e.Hash = store.Hash(e)
	const want = `{"seq":7,"time":"2026-07-26T09:30:00Z","event":"approved","request":"k7m2pq","actor":"slack:T1/U1",` +
		`"person":"Катя","action":"terminate","license":"1001","detail":"<b>\"1 & 2\"</b> \\ ` + "\u2028\u007f" + `\n\u0001",` +
		`"prev":"0000000000000000000000000000000000000000000000000000000000000000",` +
		`"hash":"HASH"}`
	if got := string(store.Line(e)); got != strings.Replace(want, "HASH", e.Hash, 1) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if back, err := store.ParseLine(store.Line(e)); err != nil || back != e {
		t.Errorf("read back %+v, %v", back, err)
	}

	if _, err := exec.LookPath("sha256sum"); err != nil {
		t.Skip("no sha256sum")
	}
	check := exec.Command("sh", "-c", `sed 's/,"hash":"[0-9a-f]*"}$/}/' | tr -d '\n' | sha256sum`)
	check.Stdin = bytes.NewReader(append(store.Line(e), '\n'))
	out, err := check.Output()
	if err != nil || !strings.HasPrefix(string(out), e.Hash+" ") {
		t.Errorf("sha256sum says %q, want %s (%v)", out, e.Hash, err)
	}
}

// Whatever is in the strings, the line is JSON that says it, and is read back.
func TestLineIsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := requests.Entry{
			Seq: rapid.Uint64().Draw(t, "seq"), Time: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "time"), 0).UTC(),
			Person: rapid.String().Draw(t, "person"), Detail: rapid.String().Draw(t, "detail"),
			License: rapid.StringOf(rapid.RuneFrom([]rune("\x00\x1f\"\\\u2028\u2029<>&/\u007f"))).Draw(t, "license"),
		}
		e.Hash = store.Hash(e)
		var plain requests.Entry
		if err := json.Unmarshal(store.Line(e), &plain); err != nil || plain != e {
			t.Fatalf("%s is read as %+v, %v", store.Line(e), plain, err)
		}
		if back, err := store.ParseLine(store.Line(e)); err != nil || back != e {
			t.Fatalf("%s is parsed as %+v, %v", store.Line(e), back, err)
		}
	})
}

func trail(t *testing.T, n int64) []requests.Entry {
	t.Helper()
	s := storetest.New(t, store.Options{})
	var entries []requests.Entry
	if err := s.Update(context.Background(), func(tx *store.Tx) error {
		entries = nil
		for i := range n {
			e, err := tx.Append(sampleEntry(i))
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return entries
}

func all(entries []requests.Entry) iter.Seq2[requests.Entry, error] {
	return func(yield func(requests.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestVerify(t *testing.T) {
	good := trail(t, 10)
	rehash := func(e *requests.Entry) { e.Hash = store.Hash(*e) }
	for _, test := range []struct {
		name   string
		change func([]requests.Entry) []requests.Entry
		broken uint64
	}{
		{"nothing", func(e []requests.Entry) []requests.Entry { return e }, 0},
		{"all gone", func([]requests.Entry) []requests.Entry { return nil }, 0},
		{"cut at the end", func(e []requests.Entry) []requests.Entry { return e[:5] }, 0},
		{"first gone", func(e []requests.Entry) []requests.Entry { return e[1:] }, 1},
		{"one gone", func(e []requests.Entry) []requests.Entry { return slices.Delete(e, 3, 4) }, 4},
		{"two swapped", func(e []requests.Entry) []requests.Entry { e[4], e[5] = e[5], e[4]; return e }, 5},
		{"changed", func(e []requests.Entry) []requests.Entry { e[6].Detail += "!"; return e }, 7},
		{"changed and hashed anew", func(e []requests.Entry) []requests.Entry { e[6].Detail += "!"; rehash(&e[6]); return e }, 8},
		{"hash changed", func(e []requests.Entry) []requests.Entry { e[9].Hash = e[8].Hash; return e }, 10},
		{"numbered with a gap, and all hashed anew", func(e []requests.Entry) []requests.Entry {
			for i := 4; i < len(e); i++ {
				e[i].Seq++
				e[i].Prev = e[i-1].Hash
				rehash(&e[i])
			}
			return e
		}, 5},
		{"another time", func(e []requests.Entry) []requests.Entry { e[2].Time = e[2].Time.Add(time.Second); return e }, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := store.Verify(all(test.change(slices.Clone(good))), "")
			var broken *store.ChainError
			if test.broken == 0 && err != nil || test.broken > 0 && (!errors.As(err, &broken) || broken.Seq != test.broken) {
				t.Errorf("got %v, want entry %d", err, test.broken)
			}
		})
	}
	for _, e := range good {
		if err := store.Verify(all(good), " "+strings.ToUpper(e.Hash)); err != nil {
			t.Error(err)
		}
	}
	if err := store.Verify(all(good[:9]), good[9].Hash); !errors.Is(err, store.ErrNoAnchor) {
		t.Error("a trail without its end:", err)
	}
	if err := store.Verify(all(nil), strings.Repeat("0", 64)); err != nil {
		t.Error("an empty trail with the anchor of one:", err)
	}
	if err := store.Verify(all(good), strings.Repeat("0", 64)); !errors.Is(err, store.ErrNoAnchor) {
		t.Error("a trail with entries and the anchor of an empty one:", err)
	}
	reading := errors.New("reading failed")
	if err := store.Verify(func(yield func(requests.Entry, error) bool) { yield(requests.Entry{}, reading) }, ""); !errors.Is(err, reading) {
		t.Error("an error of reading:", err)
	}
}

func TestVerifyLines(t *testing.T) {
	var out bytes.Buffer
	for _, e := range trail(t, 5) {
		out.Write(append(store.Line(e), '\n'))
	}
	export := out.String()
	if err := store.Verify(store.Lines(strings.NewReader(export)), ""); err != nil {
		t.Error(err)
	}
	if err := store.Verify(store.Lines(strings.NewReader(strings.TrimSuffix(export, "\n"))), ""); err != nil {
		t.Error("without the last newline:", err)
	}
	lines := strings.SplitAfter(export, "\n")
	for i, replace := range [][2]string{{"kate", "Kate"}, {`"seq"`, `"Seq"`}, {`:"proposed"`, `: "proposed"`}, {"{", "["}, {"Z", "+00:00"}} {
		changed := slices.Clone(lines)
		changed[i] = strings.Replace(changed[i], replace[0], replace[1], 1)
		var broken *store.ChainError
		err := store.Verify(store.Lines(strings.NewReader(strings.Join(changed, ""))), "")
		if !errors.As(err, &broken) || broken.Seq != uint64(i+1) {
			t.Errorf("line %d with %q: %v", i+1, replace[1], err)
		}
	}
}

// Somebody with the bbolt tool changes an entry in the file.
func TestVerifyStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bot.db")
	makeStore(t, path)
	makeBolt(t, path, func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("audit"))
		k := []byte{0, 0, 0, 0, 0, 0, 0, 5}
		return b.Put(k, bytes.Replace(b.Get(k), []byte("kate"), []byte("pete"), 1))
	})
	s := storetest.Open(t, path, store.Options{})
	var broken *store.ChainError
	if err := store.Verify(s.Entries(1), ""); !errors.As(err, &broken) || broken.Seq != 5 {
		t.Error(err)
	}
}

// Records that cannot be read name the place and not what is in it.
func FuzzRecords(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, "bot.db")
	s, err := store.Open(path, store.Options{})
	if err != nil {
		f.Fatal(err)
	}
	if err := s.Close(); err != nil {
		f.Fatal(err)
	}
	clean, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		"", "null", "{}", "[]", `{"id":"k"}`, `{"id":5}`, `{"person":"k","role":"king"}`, `{"due":"s3cr3t"}`,
		`{"person":"k","role":"admin","accounts":["telegram:1"]}`, `{"ref":1}`, `{"seq":1}`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		path := filepath.Join(t.TempDir(), "bot.db")
		if err := os.WriteFile(path, clean, 0o600); err != nil {
			t.Fatal(err)
		}
		makeBolt(t, path, func(tx *bolt.Tx) error {
			eight := "\x00\x00\x00\x00\x00\x00\x00\x01"
			for _, in := range [][2]string{
				{"members", "k"}, {"requests", "k"}, {"messages", "k\x00k"}, {"refs", "C1/1"}, {"tasks", eight}, {"audit", eight}, {"live", "k"},
			} {
				if err := tx.Bucket([]byte(in[0])).Put([]byte(in[1]), record); err != nil {
					return err
				}
			}
			return nil
		})
		s := storetest.Open(t, path, store.Options{})
		err := s.View(func(tx *store.Tx) error {
			_, err1 := tx.Members()
			_, _, err2 := tx.Request("k")
			_, err3 := tx.Messages("k")
			_, _, err4 := tx.MessageByRef("C1/1")
			_, err5 := tx.Tasks()
			_, _, err6 := tx.Head()
			err7 := tx.EachOpen(func(requests.Request) error { return nil })
			return errors.Join(err1, err2, err3, err4, err5, err6, err7)
		})
		if err != nil && (strings.Contains(err.Error(), "s3cr3t") || len(record) > 20 && strings.Contains(err.Error(), string(record))) {
			t.Errorf("the error quotes the record: %v", err)
		}
	})
}

func FuzzLines(f *testing.F) {
	for _, e := range []requests.Entry{{}, sampleEntry(1)} {
		e.Hash = store.Hash(e)
		f.Add(store.Line(e))
	}
	f.Add([]byte("{}\n\n{"))
	f.Fuzz(func(t *testing.T, in []byte) {
		for e, err := range store.Lines(bytes.NewReader(in)) {
			if err == nil && !bytes.Contains(in, store.Line(e)) {
				t.Errorf("%q was read as %s", in, store.Line(e))
			}
		}
		_ = store.Verify(store.Lines(bytes.NewReader(in)), "")
	})
}
