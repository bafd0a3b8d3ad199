package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// Tx is what a transaction of any back end can do.
type Tx interface {
	OnCommit(fn func())

	Seen(id string) bool
	Remember(id string) error

	Members() (requests.Allowlist, error)
	PutMember(m requests.Member) error
	DeleteMember(person string) error

	Request(id requests.ID) (requests.Request, bool, error)
	PutRequest(r requests.Request) error
	SetLive(id requests.ID, live bool) error
	EachOpen(fn func(requests.Request) error) error
	NewRequestID() (requests.ID, error)

	Guard(key string) (requests.ID, bool)
	SetGuard(key string, id requests.ID) error
	ClearGuard(key string, id requests.ID) error

	PutMessage(m store.Message) error
	Messages(id requests.ID) ([]store.Message, error)
	MessageByRef(ref string) (store.Message, bool, error)

	AddTask(t store.Task) (uint64, error)
	PutTask(t store.Task) error
	DeleteTask(id uint64) error
	Tasks() ([]store.Task, error)

	Append(e requests.Entry) (requests.Entry, error)
	Head() (seq uint64, hash string, err error)
	Entries(from uint64, fn func(requests.Entry) error) error
	EntriesOf(license string) ([]requests.Entry, error)

	Value(name string) ([]byte, bool)
	PutValue(name string, value []byte) error
}

// Backend is a store of any kind.
type Backend interface {
	Update(ctx context.Context, fn func(Tx) error) error
	UpdateSoon(ctx context.Context, fn func(Tx) error) error
	View(fn func(Tx) error) error
	Entries(from uint64) iter.Seq2[requests.Entry, error]
	Close() error
}

// Opener opens the store at a path in a folder of the test's own, and makes it if
// it is not there.
type Opener func(t testing.TB, path string, o store.Options) Backend

// Run tests a back end.
func Run(t *testing.T, open Opener) {
	for _, test := range []struct {
		name string
		fn   func(*testing.T, Opener)
	}{
		{"Model", testModel},
		{"Deliveries", testDeliveries},
		{"Members", testMembers},
		{"RequestIDs", testRequestIDs},
		{"Audit", testAudit},
		{"Reopen", testReopen},
		{"Failing", testFailing},
		{"Concurrent", testConcurrent},
		{"Context", testContext},
		{"Hooks", testHooks},
	} {
		t.Run(test.name, func(t *testing.T) { test.fn(t, open) })
	}
}

// clock is a time that the test sets.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 7, 26, 9, 30, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func empty(t *testing.T, open Opener, o store.Options) Backend {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "bot.db"), o)
}

func update(t testing.TB, s Backend, fn func(Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, s Backend, fn func(Tx) error) {
	t.Helper()
	if err := s.View(fn); err != nil {
		t.Fatal(err)
	}
}

func testDeliveries(t *testing.T, open Opener) {
	c := newClock()
	path := filepath.Join(t.TempDir(), "bot.db")
	s := open(t, path, store.Options{Now: c.Now})
	remember := func(id string) { update(t, s, func(tx Tx) error { return tx.Remember(id) }) }
	seen := func(id string) (seen bool) {
		view(t, s, func(tx Tx) error { seen = tx.Seen(id); return nil })
		return seen
	}
	if seen("first") || seen("") {
		t.Error("an empty store has seen a delivery")
	}
	remember("first")
	remember("first")
	if !seen("first") || seen("firs") || seen("first ") {
		t.Error("not just what was remembered was seen")
	}
	for hour := 1; hour <= 48; hour++ {
		c.Advance(time.Hour)
		remember(fmt.Sprint("hour ", hour))
		if !seen("first") {
			t.Fatalf("forgotten after %d hours", hour)
		}
	}
	c.Advance(48 * time.Hour)
	remember("last")
	// It is at the latest when it is closed that a store forgets.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, store.Options{Now: c.Now})
	if seen("first") {
		t.Error("still remembered after four days")
	}
	if !seen("last") {
		t.Error("the last one is forgotten")
	}
	if err := s.Update(context.Background(), func(tx Tx) error { return tx.Remember("") }); err == nil {
		t.Error("a delivery without an id was remembered")
	}
}

func testMembers(t *testing.T, open Opener) {
	s := empty(t, open, store.Options{})
	roleOf := func(tx Tx, person string) requests.Role {
		l, err := tx.Members()
		if err != nil {
			t.Error(err)
		}
		for _, m := range l {
			if m.Person == person {
				return m.Role
			}
		}
		return requests.Nobody
	}
	member := func(r requests.Role) requests.Member {
		return requests.Member{Person: "kate", Role: r, Accounts: []requests.Account{"slack:T1/U1", "telegram:1"}}
	}
	update(t, s, func(tx Tx) error {
		if r := roleOf(tx, "kate"); r != requests.Nobody {
			t.Error("before:", r)
		}
		if err := tx.PutMember(member(requests.Viewer)); err != nil {
			return err
		}
		if r := roleOf(tx, "kate"); r != requests.Viewer {
			t.Error("within the transaction:", r)
		}
		return nil
	})
	// What was undone is not seen, also after as many changes as it would have had.
	undone := errors.New("undone")
	err := s.Update(context.Background(), func(tx Tx) error {
		if err := tx.PutMember(member(requests.Admin)); err != nil {
			return err
		}
		if r := roleOf(tx, "kate"); r != requests.Admin {
			t.Error("within the transaction:", r)
		}
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	view(t, s, func(tx Tx) error {
		if r := roleOf(tx, "kate"); r != requests.Viewer {
			t.Error("what was undone is seen:", r)
		}
		return nil
	})
	update(t, s, func(tx Tx) error { return tx.PutMember(member(requests.Operator)) })
	view(t, s, func(tx Tx) error {
		if r := roleOf(tx, "kate"); r != requests.Operator {
			t.Error("after:", r)
		}
		return nil
	})
	if err := s.Update(context.Background(), func(tx Tx) error { return tx.PutMember(requests.Member{}) }); err == nil {
		t.Error("a member without a name was kept")
	}
}

func testRequestIDs(t *testing.T, open Opener) {
	// The same six characters twice, then others.
	random := strings.NewReader(strings.Repeat("\x00", 32) + strings.Repeat("\x01", 16))
	s := empty(t, open, store.Options{Rand: random})
	var ids []requests.ID
	update(t, s, func(tx Tx) error {
		ids = nil
		for range 2 {
			id, err := tx.NewRequestID()
			if err != nil {
				return err
			}
			ids = append(ids, id)
			if err := tx.PutRequest(requests.Request{ID: id}); err != nil {
				return err
			}
		}
		return nil
	})
	if want := []requests.ID{"aaaaaa", "bbbbbb"}; !slices.Equal(ids, want) {
		t.Errorf("got %q, want %q", ids, want)
	}
	err := s.Update(context.Background(), func(tx Tx) error {
		_, err := tx.NewRequestID()
		return err
	})
	if err == nil {
		t.Error("an id without randomness")
	}
}

func testAudit(t *testing.T, open Opener) {
	c := newClock()
	s := empty(t, open, store.Options{Now: c.Now})
	const many = 1100 // more than are read in one piece
	update(t, s, func(tx Tx) error {
		for i := range many {
			e, err := tx.Append(requests.Entry{
				Seq: 99, Hash: "no", Event: requests.EventStarted, Actor: requests.Bot,
				License: []string{"1001", "1002", "1003,100"}[i%3], Detail: "<b> & \u2028\u0085 \"кавычки\" \x00\x1f\x7f\t\xff",
			})
			if err != nil {
				return err
			}
			if e.Seq != uint64(i+1) || !e.Time.Equal(c.Now()) {
				t.Errorf("entry %d has number %d and time %s", i+1, e.Seq, e.Time)
			}
		}
		return nil
	})
	var got []requests.Entry
	for e, err := range s.Entries(1) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if len(got) != many {
		t.Fatalf("%d entries of %d", len(got), many)
	}
	if d := got[0].Detail; d != "<b> &    \"кавычки\" \x00\x1f\x7f\t\uFFFD" {
		t.Errorf("kept as %q", d)
	}
	if err := store.Verify(s.Entries(1), got[700].Hash); err != nil {
		t.Error(err)
	}
	if err := store.Verify(s.Entries(1), strings.Repeat("1", 64)); !errors.Is(err, store.ErrNoAnchor) {
		t.Error("an anchor that is not there:", err)
	}
	view(t, s, func(tx Tx) error {
		seq, hash, err := tx.Head()
		if err != nil || seq != many || hash != got[many-1].Hash {
			t.Errorf("head is %d %s, %v", seq, hash, err)
		}
		of, err := tx.EntriesOf("1002")
		if err != nil || len(of) != many/3+1 || of[0].Seq != 2 || of[1].Seq != 5 {
			t.Errorf("%d entries of a licence, %v", len(of), err)
		}
		// What several licences were asked for at once is in the history of each.
		for _, license := range []string{"1003", "100"} {
			if of, err := tx.EntriesOf(license); err != nil || len(of) != many/3 || of[0].Seq != 3 || of[0].License != "1003,100" {
				t.Errorf("%d entries of %s, one of several, %v", len(of), license, err)
			}
		}
		return nil
	})
	for e := range s.Entries(many) {
		if e.Seq != many {
			t.Errorf("entries from %d begin with %d", many, e.Seq)
		}
	}
}

func testReopen(t *testing.T, open Opener) {
	path := filepath.Join(t.TempDir(), "bot.db")
	s := open(t, path, store.Options{})
	due := time.Date(2026, 7, 26, 9, 30, 0, 123456789, time.UTC)
	task := store.Task{Kind: "post", Request: "abcdef", Due: due, Tries: 2, Data: json.RawMessage(`{"a":[1,"<&>"]}`)}
	update(t, s, func(tx Tx) (err error) {
		if task.ID, err = tx.AddTask(task); err != nil {
			return err
		}
		return tx.PutValue("offset", []byte("17"))
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error("a second time:", err)
	}
	nothing := func(Tx) error { t.Error("ran in a closed store"); return nil }
	if err := s.Update(context.Background(), nothing); !errors.Is(err, store.ErrClosed) {
		t.Error("update of a closed store:", err)
	}
	if err := s.View(nothing); !errors.Is(err, store.ErrClosed) {
		t.Error("view of a closed store:", err)
	}

	s = open(t, path, store.Options{})
	view(t, s, func(tx Tx) error {
		tasks, err := tx.Tasks()
		if err != nil || len(tasks) != 1 || !tasks[0].Due.Equal(due) || !sameJSON(tasks[0].Data, task.Data) ||
			tasks[0].ID != task.ID || tasks[0].Tries != 2 || tasks[0].Kind != "post" || tasks[0].Request != "abcdef" {
			t.Errorf("tasks %+v, %v", tasks, err)
		}
		if v, ok := tx.Value("offset"); !ok || string(v) != "17" {
			t.Errorf("value %q", v)
		}
		return nil
	})
	update(t, s, func(tx Tx) error {
		if err := tx.DeleteTask(task.ID); err != nil {
			return err
		}
		id, err := tx.AddTask(task)
		if id == task.ID {
			t.Error("a task's number was given twice")
		}
		return err
	})
}

func testFailing(t *testing.T, open Opener) {
	s := empty(t, open, store.Options{})
	no := errors.New("no")
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			name := fmt.Sprint(i)
			switch i % 4 {
			case 0, 1: // good
				if err := s.Update(context.Background(), func(tx Tx) error { return tx.PutValue(name, nil) }); err != nil {
					t.Error(err)
				}
			case 2: // fails after it has written
				err := s.Update(context.Background(), func(tx Tx) error {
					return errors.Join(tx.PutValue(name, nil), no)
				})
				if !errors.Is(err, no) {
					t.Error("got", err)
				}
			case 3: // panics after it has written
				defer func() {
					if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "oh dear") {
						t.Error("the panic came back as", r)
					}
				}()
				_ = s.Update(context.Background(), func(tx Tx) error {
					_ = tx.PutValue(name, nil)
					panic("oh dear")
				})
				t.Error("a panic was lost")
			}
		})
	}
	wg.Wait()
	view(t, s, func(tx Tx) error {
		for i := range 60 {
			if _, ok := tx.Value(fmt.Sprint(i)); ok != (i%4 < 2) {
				t.Errorf("%d is there: %t", i, ok)
			}
		}
		return nil
	})
	err := s.View(func(tx Tx) error { return tx.PutValue("x", nil) })
	if !errors.Is(err, store.ErrReadOnly) {
		t.Error("writing in a view:", err)
	}
}

// testConcurrent has a counter that everybody raises: nobody's step may be lost.
func testConcurrent(t *testing.T, open Opener) {
	s := empty(t, open, store.Options{})
	const callers, steps = 16, 20
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for range steps {
				do := s.Update
				if i%2 == 0 {
					do = s.UpdateSoon
				}
				err := do(context.Background(), func(tx Tx) error {
					v, _ := tx.Value("n")
					return tx.PutValue("n", append(v, '.'))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	view(t, s, func(tx Tx) error {
		if v, _ := tx.Value("n"); len(v) != callers*steps {
			t.Errorf("%d steps of %d", len(v), callers*steps)
		}
		return nil
	})
}

func testContext(t *testing.T, open Opener) {
	s := empty(t, open, store.Options{Linger: time.Minute})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	never := func(Tx) error { t.Error("ran after its context had ended"); return nil }
	if err := s.Update(ctx, never); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// One whose context ends while it waits has not been begun, nor is it later.
	ctx, cancel = context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if err := s.UpdateSoon(ctx, never); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	update(t, s, func(tx Tx) error { return tx.PutValue("x", nil) })
}

func testHooks(t *testing.T, open Opener) {
	s := empty(t, open, store.Options{})
	var ran []string
	hook := func(name string) func() { return func() { ran = append(ran, name) } }
	update(t, s, func(tx Tx) error {
		tx.OnCommit(hook("one"))
		tx.OnCommit(hook("two"))
		return tx.PutValue("x", nil)
	})
	_ = s.Update(context.Background(), func(tx Tx) error {
		tx.OnCommit(hook("of a failed one"))
		return errors.Join(tx.PutValue("x", nil), errors.New("no"))
	})
	update(t, s, func(tx Tx) error {
		tx.OnCommit(hook("without writing"))
		return nil
	})
	if want := []string{"one", "two", "without writing"}; !slices.Equal(ran, want) {
		t.Errorf("ran %q, want %q", ran, want)
	}
}

func sameJSON(a, b json.RawMessage) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}
