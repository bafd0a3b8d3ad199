package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// model is what a store should hold, kept in the plainest way.
type model struct {
	values   map[string]string
	seen     map[string]bool
	members  map[string]requests.Member
	requests map[requests.ID]requests.Request
	live     map[requests.ID]bool
	guards   map[string]requests.ID
	messages map[string]store.Message // by request, a slash, key
	refs     map[string]string
	tasks    map[uint64]store.Task
	entries  []requests.Entry
}

func newModel() *model {
	return &model{
		map[string]string{}, map[string]bool{}, map[string]requests.Member{},
		map[requests.ID]requests.Request{}, map[requests.ID]bool{}, map[string]requests.ID{},
		map[string]store.Message{}, map[string]string{}, map[uint64]store.Task{}, nil,
	}
}

func (m *model) clone() *model {
	return &model{
		maps.Clone(m.values), maps.Clone(m.seen), maps.Clone(m.members), maps.Clone(m.requests),
		maps.Clone(m.live), maps.Clone(m.guards), maps.Clone(m.messages), maps.Clone(m.refs),
		maps.Clone(m.tasks), slices.Clone(m.entries),
	}
}

// op is one step; what its numbers choose depends on its kind.
type op struct{ Kind, A, B, C int }

var opGen = rapid.Custom(func(t *rapid.T) op {
	return op{
		rapid.IntRange(0, opKinds-1).Draw(t, "kind"),
		rapid.IntRange(0, 3).Draw(t, "a"), rapid.IntRange(0, 3).Draw(t, "b"), rapid.IntRange(0, 3).Draw(t, "c"),
	}
})

// batch is a transaction: what it does, and whether it then fails.
type batch struct {
	Ops  []op
	Fail bool
}

var batchGen = rapid.Custom(func(t *rapid.T) batch {
	return batch{rapid.SliceOfN(opGen, 1, 10).Draw(t, "ops"), rapid.IntRange(0, 4).Draw(t, "fail") == 0}
})

// testModel runs transactions at random and compares what the store says with the
// model within each and after it.
func testModel(t *testing.T, open Opener) {
	c := newClock()
	template := filepath.Join(t.TempDir(), "template.db")
	if err := open(t, template, store.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	start, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		path := filepath.Join(dir, fmt.Sprint(n))
		if err := os.WriteFile(path, start, 0o600); err != nil {
			rt.Fatal(err)
		}
		batches := rapid.SliceOfN(batchGen, 1, 5).Draw(rt, "batches")
		s := open(discard{t}, path, store.Options{Now: c.Now})
		defer os.Remove(path)
		defer s.Close()
		m := newModel()
		for i, b := range batches {
			next, err := run(s, m, b)
			if err != nil {
				rt.Fatalf("transaction %d: %v", i, err)
			}
			m = next
			if err := s.View(func(tx Tx) error { return m.compare(tx) }); err != nil {
				rt.Fatalf("after transaction %d: %v", i, err)
			}
		}
	})
}

// discard is a test without cleanups: a check of a thousand closes for itself.
type discard struct{ testing.TB }

func (discard) Cleanup(func()) {}

var errUndo = errors.New("undo")

func run(s Backend, m *model, b batch) (*model, error) {
	var next *model
	var wrong error
	err := s.Update(context.Background(), func(tx Tx) error {
		next, wrong = m.clone(), nil
		for _, o := range b.Ops {
			if wrong = next.apply(tx, o); wrong != nil {
				wrong = fmt.Errorf("%+v: %w", o, wrong)
				return nil
			}
		}
		if wrong = next.compare(tx); wrong == nil && b.Fail {
			return errUndo
		}
		return nil
	})
	switch {
	case wrong != nil:
		return nil, wrong
	case b.Fail && errors.Is(err, errUndo):
		return m, nil
	}
	return next, err
}

const opKinds = 13

// apply does a step in both.
func (m *model) apply(tx Tx, o op) error {
	id := requests.ID(fmt.Sprint("req", o.A))
	switch o.Kind {
	case 0:
		name, value := fmt.Sprint("value", o.A), strings.Repeat("v", o.B)
		m.values[name] = value
		return tx.PutValue(name, []byte(value))
	case 1:
		m.seen[fmt.Sprint("d", o.A)] = true
		return tx.Remember(fmt.Sprint("d", o.A))
	case 2:
		one := requests.Member{
			Person: fmt.Sprint("person", o.A), Role: requests.Role(o.B + 1),
			Accounts: []requests.Account{requests.Account(fmt.Sprint("telegram:", o.C+1))},
		}
		m.members[one.Person] = one
		return tx.PutMember(one)
	case 3:
		delete(m.members, fmt.Sprint("person", o.A))
		return tx.DeleteMember(fmt.Sprint("person", o.A))
	case 4:
		r := requests.Request{
			ID: id, Action: requests.Renew, State: requests.Proposed, Need: o.B,
			Asked: time.Date(2026, 7, 26, 9, o.C, 0, o.C, time.UTC),
			Items: []requests.Item{{Code: "1001", State: requests.Waiting}},
		}
		m.requests[id] = r
		return tx.PutRequest(r)
	case 5:
		if _, ok := m.requests[id]; !ok {
			return nil
		}
		delete(m.live, id)
		if o.B > 0 {
			m.live[id] = true
		}
		return tx.SetLive(id, o.B > 0)
	case 6:
		m.guards[fmt.Sprint("g", o.B)] = id
		return tx.SetGuard(fmt.Sprint("g", o.B), id)
	case 7:
		if m.guards[fmt.Sprint("g", o.B)] == id {
			delete(m.guards, fmt.Sprint("g", o.B))
		}
		return tx.ClearGuard(fmt.Sprint("g", o.B), id)
	case 8:
		return m.putMessage(tx, store.Message{
			Request: id, Key: strings.Repeat("k", o.B), Ref: strings.Repeat("r", o.C),
			Data: json.RawMessage(fmt.Sprintf(`{"n":%d}`, o.A)),
		})
	}
	return m.applyTask(tx, o)
}

func (m *model) putMessage(tx Tx, msg store.Message) error {
	key := fmt.Sprintf("%s/%s", msg.Request, msg.Key)
	if old, ok := m.messages[key]; ok && old.Ref != msg.Ref && m.refs[old.Ref] == key {
		delete(m.refs, old.Ref)
	}
	if msg.Ref != "" {
		m.refs[msg.Ref] = key
	}
	m.messages[key] = msg
	return tx.PutMessage(msg)
}

func (m *model) applyTask(tx Tx, o op) error {
	task := store.Task{Kind: fmt.Sprint("kind", o.A), Tries: o.B, Due: time.Date(2026, 7, 26, o.C, 0, 0, 0, time.UTC)}
	task.ID = uint64(o.C + 1)
	switch o.Kind {
	case 9:
		id, err := tx.AddTask(task)
		if _, ok := m.tasks[id]; ok || id == 0 {
			return fmt.Errorf("task number %d was given", id)
		}
		task.ID = id
		m.tasks[id] = task
		return err
	case 10:
		err := tx.PutTask(task)
		if _, ok := m.tasks[task.ID]; ok != (err == nil) {
			return fmt.Errorf("task %d is there: %t, and was replaced with %v", task.ID, ok, err)
		}
		if err == nil {
			m.tasks[task.ID] = task
		}
		return nil
	case 11:
		delete(m.tasks, task.ID)
		return tx.DeleteTask(task.ID)
	default:
		e, err := tx.Append(requests.Entry{
			Event: requests.EventProposed, Actor: requests.Bot, License: strings.Repeat("1", o.B), Detail: fmt.Sprint(o.A),
		})
		m.entries = append(m.entries, e)
		return err
	}
}

// compare reads everything from the transaction.
func (m *model) compare(tx Tx) error {
	for i := range 4 {
		name := fmt.Sprint("value", i)
		want, has := m.values[name]
		if v, ok := tx.Value(name); ok != has || string(v) != want {
			return fmt.Errorf("%s is %q, want %q", name, v, want)
		}
		if id := fmt.Sprint("d", i); tx.Seen(id) != m.seen[id] {
			return fmt.Errorf("delivery %s is seen: %t", id, !m.seen[id])
		}
		guard := fmt.Sprint("g", i)
		if id, ok := tx.Guard(guard); id != m.guards[guard] || ok != (m.guards[guard] != "") {
			return fmt.Errorf("guard %s is %q, want %q", guard, id, m.guards[guard])
		}
	}
	return errors.Join(m.compareMembers(tx), m.compareRequests(tx), m.compareMessages(tx), m.compareTasks(tx), m.compareAudit(tx))
}

func (m *model) compareMembers(tx Tx) error {
	var want requests.Allowlist
	for _, person := range slices.Sorted(maps.Keys(m.members)) {
		want = append(want, m.members[person])
	}
	got, err := tx.Members()
	if err != nil || !reflect.DeepEqual(got, want) {
		return fmt.Errorf("members are %v, want %v (%v)", got, want, err)
	}
	return nil
}

func (m *model) compareRequests(tx Tx) error {
	for i := range 4 {
		id := requests.ID(fmt.Sprint("req", i))
		want, has := m.requests[id]
		if got, ok, err := tx.Request(id); err != nil || ok != has || !reflect.DeepEqual(got, want) {
			return fmt.Errorf("request %s is %v, want %v (%v)", id, got, want, err)
		}
	}
	var got []requests.ID
	err := tx.EachOpen(func(r requests.Request) error {
		got = append(got, r.ID)
		return nil
	})
	if want := slices.Sorted(maps.Keys(m.live)); err != nil || !slices.Equal(got, want) {
		return fmt.Errorf("live are %v, want %v (%v)", got, want, err)
	}
	return nil
}

func (m *model) compareMessages(tx Tx) error {
	for i := range 4 {
		id := requests.ID(fmt.Sprint("req", i))
		got, err := tx.Messages(id)
		if err != nil {
			return err
		}
		var want []store.Message
		for _, key := range slices.Sorted(maps.Keys(m.messages)) {
			if msg := m.messages[key]; msg.Request == id {
				want = append(want, msg)
			}
		}
		if !reflect.DeepEqual(got, want) {
			return fmt.Errorf("messages of %s are %v, want %v", id, got, want)
		}
		ref := strings.Repeat("r", i)
		msg, ok, err := tx.MessageByRef(ref)
		if key, has := m.refs[ref]; err != nil || ok != has || !reflect.DeepEqual(msg, m.messages[key]) {
			return fmt.Errorf("message by %q is %v (%v)", ref, msg, err)
		}
	}
	return nil
}

func (m *model) compareTasks(tx Tx) error {
	var want []store.Task
	for _, id := range slices.Sorted(maps.Keys(m.tasks)) {
		want = append(want, m.tasks[id])
	}
	got, err := tx.Tasks()
	if err != nil || !reflect.DeepEqual(got, want) {
		return fmt.Errorf("tasks are %v, want %v (%v)", got, want, err)
	}
	return nil
}

func (m *model) compareAudit(tx Tx) error {
	var got []requests.Entry
	err := tx.Entries(1, func(e requests.Entry) error {
		got = append(got, e)
		return nil
	})
	if err != nil || !reflect.DeepEqual(got, m.entries) {
		return fmt.Errorf("entries are %v, want %v (%v)", got, m.entries, err)
	}
	for i := range 3 {
		license := strings.Repeat("1", i+1)
		var want []requests.Entry
		for _, e := range m.entries {
			if e.License == license {
				want = append(want, e)
			}
		}
		if of, err := tx.EntriesOf(license); err != nil || !reflect.DeepEqual(of, want) {
			return fmt.Errorf("entries of %s are %v, want %v (%v)", license, of, want, err)
		}
	}
	return nil
}
