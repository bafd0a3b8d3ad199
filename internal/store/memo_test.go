package store

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
)

// TestMemo reads records over and over and spoils what it was given.
func TestMemo(t *testing.T) {
	var m memo[requests.Request]
	request := func(id requests.ID, record []byte) (requests.Request, bool) {
		r, ok := m.read([]byte(id), record, decodeRequest)
		return cloned(r), ok
	}
	for n := range 3 * memoSize {
		id := requests.ID(fmt.Sprintf("r%d", n%(memoSize+10)))
		want := requests.Request{
			ID: id, Version: n / 2,
			Items: []requests.Item{{
				Code:    "1001",
				Facts:   requests.Facts{Unknown: []license.Field{license.FieldName}},
				Changes: []requests.Change{{Field: "price", Was: "1", Now: "2"}},
				Before:  requests.Before{Codes: []license.Code{"1", "2"}},
			}},
			Votes:     []requests.Vote{{Who: requests.Who{Person: "kate"}}},
			Approvers: []requests.Member{{Person: "liam", Role: requests.Approver, Accounts: []requests.Account{"telegram:1"}}},
		}
		record, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			got, ok := request(id, record)
			if !ok || !reflect.DeepEqual(got, want) {
				t.Fatalf("got %+v, %v; want %+v", got, ok, want)
			}
			got.Votes[0].Person = "spoilt"
			got.Approvers[0].Accounts[0] = "spoilt"
			got.Items[0].Before.Codes[0] = "spoilt"
			got.Items[0].Facts.Unknown[0] = "spoilt"
			got.Items[0].Changes[0].Now = "spoilt"
			got.Items[0].Code = "spoilt"
		}
		record[0] = '-'
		if got, ok := request(id, record); ok {
			t.Fatalf("a damaged record gives %+v", got)
		}
	}
}

// TestCloned finds a field of requests that cloned has not heard of.
func TestCloned(t *testing.T) {
	known := map[string]bool{
		"Items": true, "Votes": true, "Items.Changes": true, "Items.Before.Codes": true, "Items.Facts.Unknown": true,
		"Approvers": true, "Approvers.Accounts": true,
	}
	var look func(name string, of reflect.Type)
	look = func(name string, of reflect.Type) {
		switch of.Kind() {
		case reflect.Struct:
			if of.PkgPath() == "time" {
				return
			}
			for field := range of.Fields() {
				inner := field.Name
				if name != "" {
					inner = name + "." + inner
				}
				look(inner, field.Type)
			}
		case reflect.Slice:
			if !known[name] {
				t.Errorf("%s is shared", name)
			}
			look(name, of.Elem())
		case reflect.Map, reflect.Pointer, reflect.Chan, reflect.Func, reflect.Interface, reflect.Array:
			t.Errorf("%s is a %s", name, of)
		}
	}
	look("", reflect.TypeFor[requests.Request]())
}
