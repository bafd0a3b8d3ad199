package requests

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestParseAccount(t *testing.T) {
	for _, s := range []string{"slack:T1/U2", "slack:E0123456789/W9", "telegram:1", "telegram:9223372036854775807"} {
		if a, err := ParseAccount(s); err != nil || string(a) != s {
			t.Errorf("%s: %s, %v", s, a, err)
		}
	}
	for _, s := range []string{
		"", "telegram:", "telegram:0", "telegram:-100", "telegram:01", "telegram:1 ", "Telegram:1", "slack:U1", "slack:T1/B1",
		"slack:t1/u1", "slack:T1/U1/U2", "bot", "shell:root", "telegram:12345678901234567890",
		"telegram:1087968824", "telegram:136817688", "telegram:777000",
	} {
		if a, err := ParseAccount(s); err == nil {
			t.Errorf("%q is taken for %s", s, a)
		}
	}
}

func TestRoles(t *testing.T) {
	for r, name := range map[Role]string{Viewer: "viewer", Operator: "OPERATOR", Approver: "Approver", Admin: "admin"} {
		if got, err := ParseRole(name); got != r || err != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	for _, s := range []string{"nobody", "", "root", "admins"} {
		if r, err := ParseRole(s); err == nil {
			t.Errorf("%q is %s", s, r)
		}
	}
	for _, r := range []Role{Nobody, Viewer, Operator, Approver, Admin} {
		text, _ := r.MarshalText()
		var back Role
		if err := back.UnmarshalText(text); err != nil || back != r {
			t.Errorf("%s: %s, %v", r, back, err)
		}
	}
	if got := Role(9).String() + Role(-1).String(); got != "nobodynobody" {
		t.Error(got)
	}
	if got := everybody.AtLeast(Approver); len(got) != 3 {
		t.Errorf("approvers and admins: %v", got)
	}
	if everybody.Role(s1) != Nobody || everybody.Role(d1) != Admin {
		t.Error("roles of accounts")
	}
}

func TestAllow(t *testing.T) {
	const n1, n2 Account = "telegram:81", "slack:T1/U1"
	l := people(ann, dan, Member{string(n2), Viewer, []Account{v1}})
	for name, c := range map[string]struct {
		grant Grant
		want  Granted
		no    MembersErrorKind
	}{
		"somebody new":                           {Grant{n1, Viewer, ""}, Granted{Member: Member{string(n1), Viewer, []Account{n1}}, New: true, Changed: true}, ""},
		"by a name":                              {Grant{n1, Operator, "Nina"}, Granted{Member: Member{"Nina", Operator, []Account{n1}}, New: true, Changed: true}, ""},
		"another account":                        {Grant{n1, Approver, "Ann"}, Granted{Member: Member{"Ann", Approver, []Account{a1, n1}}, Joined: true, Before: Approver, Changed: true}, ""},
		"in another spelling":                    {Grant{n1, Viewer, "ANN"}, Granted{Member: Member{"Ann", Viewer, []Account{a1, n1}}, Joined: true, Before: Approver, Changed: true}, ""},
		"another role":                           {Grant{a1, Admin, ""}, Granted{Member: Member{"Ann", Admin, []Account{a1}}, Before: Approver, Changed: true}, ""},
		"as they are":                            {Grant{a1, Approver, "ann"}, Granted{Member: ann, Before: Approver}, ""},
		"an account that is another's":           {Grant{a1, Approver, "Dan"}, Granted{}, OtherPerson},
		"an account that has a name":             {Grant{a1, Approver, "Anna"}, Granted{}, OtherPerson},
		"a name that another has":                {Grant{n2, Viewer, ""}, Granted{}, OtherPerson},
		"another account of an account's person": {Grant{n1, Approver, string(a1)}, Granted{Member: Member{"Ann", Approver, []Account{a1, n1}}, Joined: true, Before: Approver, Changed: true}, ""},
		"by its own account":                     {Grant{n1, Viewer, string(n1)}, Granted{Member: Member{string(n1), Viewer, []Account{n1}}, New: true, Changed: true}, ""},
		"by a stranger's account":                {Grant{n1, Viewer, string(s1)}, Granted{}, NoMember},
		"its own account is another's name":      {Grant{n2, Viewer, string(n2)}, Granted{}, OtherPerson},
		"as another person's account":            {Grant{a1, Approver, string(d1)}, Granted{}, OtherPerson},
		"the last admin lowered":                 {Grant{d1, Approver, ""}, Granted{}, LastAdmin},
		"the last admin lowered by joining them": {Grant{n1, Viewer, "dan"}, Granted{}, LastAdmin},
		"the last admin joined as one":           {Grant{n1, Admin, "dan"}, Granted{Member: Member{"Dan", Admin, []Account{d1, n1}}, Joined: true, Before: Admin, Changed: true}, ""},
	} {
		got, err := Allow(l, c.grant)
		var no *MembersError
		switch {
		case errors.As(err, &no):
			if no.Kind != c.no || no.Person == "" && no.Account == "" || no.Error() == "" {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || c.no != "" || !reflect.DeepEqual(got, c.want):
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
	if len(ann.Accounts) != 1 {
		t.Error("the list that was given has changed")
	}
}

func TestRevoke(t *testing.T) {
	if m, err := Revoke(everybody, r2); err != nil || m.Person != "Rita" {
		t.Errorf("%+v, %v", m, err)
	}
	var no *MembersError
	if _, err := Revoke(everybody, d1); !errors.As(err, &no) || no.Kind != LastAdmin || no.Person != "Dan" {
		t.Errorf("the last admin: %v", err)
	}
	if _, err := Revoke(everybody, s1); !errors.As(err, &no) || no.Kind != NoMember {
		t.Errorf("a stranger: %v", err)
	}
	if m, err := Revoke(append(slices.Clone(everybody), Member{"Eve", Admin, []Account{s1}}), d1); err != nil || m.Person != "Dan" {
		t.Errorf("one admin of two: %+v, %v", m, err)
	}
}

// However grants and revocations follow each other: an account is one person's, a
// name is one person's in any case, and there is an admin.
func TestAllowlistStaysSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := people(dan)
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			a := rapid.SampledFrom(accounts).Draw(t, "account")
			if rapid.Bool().Draw(t, "revoke") {
				if m, err := Revoke(l, a); err == nil {
					l = slices.DeleteFunc(slices.Clone(l), func(o Member) bool { return o.Person == m.Person })
				}
			} else {
				g := Grant{a, Role(rapid.IntRange(1, 4).Draw(t, "role")), rapid.SampledFrom([]string{"", "Dan", "DAN", "ann", "Ann", string(a1)}).Draw(t, "as")}
				done, err := Allow(l, g)
				if err != nil {
					continue
				}
				l = slices.DeleteFunc(slices.Clone(l), func(o Member) bool { return o.Person == done.Member.Person })
				l = append(l, done.Member)
			}
			owners := map[Account]int{}
			for _, m := range l {
				for _, a := range m.Accounts {
					owners[a]++
				}
				if called, _ := l.called(m.Person); called.Person != m.Person {
					t.Fatalf("%q and %q", called.Person, m.Person)
				}
			}
			for a, n := range owners {
				if n > 1 {
					t.Fatalf("%s is of %d", a, n)
				}
			}
			if len(l.AtLeast(Admin)) == 0 {
				t.Fatal("no admin is left")
			}
		}
	})
}
