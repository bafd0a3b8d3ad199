package bot

import (
	"testing"

	"github.com/isplicense/license-bot/internal/requests"
)

// What the summary calls waiting for somebody is what their click would decide, under
// whatever name they are on the allowlist by now.
func TestWaitsFor(t *testing.T) {
	r := requests.Request{State: requests.Proposed, By: requests.Who{Account: "slack:T1/U1", Person: "alice"}}
	for name, c := range map[string]struct {
		member requests.Member
		waits  bool
	}{
		"who asked":                    {requests.Member{Person: "alice", Accounts: []requests.Account{"slack:T1/U1"}}, true},
		"who asked, called anew":       {requests.Member{Person: "Alice B.", Accounts: []requests.Account{"telegram:1", "slack:T1/U1"}}, true},
		"somebody else":                {requests.Member{Person: "bob", Accounts: []requests.Account{"slack:T1/U2"}}, false},
		"somebody of that name by now": {requests.Member{Person: "alice", Accounts: []requests.Account{"slack:T1/U2"}}, false},
	} {
		if got := waitsFor(r, c.member); got != c.waits {
			t.Errorf("%s: %v", name, got)
		}
	}
	lost := r
	lost.State = requests.Done
	lost.Items = []requests.Item{{State: requests.Unknown}}
	if renamed := (requests.Member{Person: "Alice B.", Accounts: []requests.Account{"slack:T1/U1"}}); !waitsFor(lost, renamed) {
		t.Error("an uncertain request does not wait for who asked")
	}
}
