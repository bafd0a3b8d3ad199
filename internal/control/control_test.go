package control

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/isplicense/license-bot/internal/bot"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
	"github.com/isplicense/license-bot/internal/store/storetest"
)

var silent = slog.New(slog.DiscardHandler)

const (
	alice = requests.Account("telegram:1")
	bob   = requests.Account("slack:T1/U2")
	shell = requests.Account("shell:root")
)

// madeAt makes a store with one admin, and closes it.
func madeAt(t testing.TB, path string) {
	t.Helper()
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(tx *store.Tx) error {
		_, err := bot.Admit(tx, []requests.Account{alice})
		return err
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}

// running has a bot's store open at path and answers for it until the test ends.
func running(t testing.TB, path string) (s *store.Store, stop func()) {
	t.Helper()
	s = storetest.Open(t, path, store.Options{})
	stop, err := Serve(s, nil, path, silent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return s, stop
}

func opened(t testing.TB, path string) Store {
	t.Helper()
	s, err := Open(path, silent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestVerbs holds both ways to the store to the same.
func TestVerbs(t *testing.T) {
	t.Parallel()
	t.Run("direct", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "bot.db")
		madeAt(t, path)
		s := opened(t, path)
		if _, ok := s.(direct); !ok {
			t.Fatalf("%T", s)
		}
		verbs(t, s)
	})
	t.Run("while the bot runs", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "bot.db")
		madeAt(t, path)
		running(t, path)
		s := opened(t, path)
		if _, ok := s.(*client); !ok {
			t.Fatalf("%T", s)
		}
		verbs(t, s)
	})
}

func verbs(t *testing.T, s Store) {
	ctx := t.Context()
	done, err := s.Allow(ctx, requests.Grant{Account: bob, Role: requests.Operator, As: "Bob «B»"}, shell)
	want := requests.Member{Person: "Bob «B»", Role: requests.Operator, Accounts: []requests.Account{bob}}
	if err != nil || !done.New || !done.Changed || done.Before != requests.Nobody || done.Member.Person != want.Person || done.Member.Role != want.Role {
		t.Fatalf("%+v, %v", done, err)
	}
	all, err := s.Members(ctx)
	if err != nil || len(all) != 2 || all[0].Person != want.Person || !slices.Equal(all[0].Accounts, want.Accounts) {
		t.Fatalf("%+v, %v", all, err)
	}

	var no *requests.MembersError
	if _, err := s.Allow(ctx, requests.Grant{Account: bob, Role: requests.Admin, As: string(alice)}, shell); !errors.As(err, &no) ||
		no.Kind != requests.OtherPerson || no.Person != want.Person {
		t.Errorf("another's account: %v", err)
	}
	if _, err := s.Revoke(ctx, alice, shell); !errors.As(err, &no) || no.Kind != requests.LastAdmin {
		t.Errorf("the last admin: %v", err)
	}
	gone, err := s.Revoke(ctx, bob, shell)
	if err != nil || gone.Person != want.Person || gone.Role != requests.Operator {
		t.Errorf("%+v, %v", gone, err)
	}

	var events []string
	for e, err := range s.Entries(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, string(e.Actor)+" "+string(e.Event))
	}
	if !slices.Equal(events, []string{"bot allowed", "shell:root allowed", "shell:root revoked"}) {
		t.Errorf("%q", events)
	}
	if err := store.Verify(s.Entries(ctx), ""); err != nil {
		t.Error(err)
	}

	to := filepath.Join(t.TempDir(), "copy.db")
	if err := s.Backup(ctx, to); err != nil {
		t.Fatal(err)
	}
	if err := store.Check(to); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	before, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(ctx, to); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), to) {
		t.Errorf("over another file: %v", err)
	}
	if after, err := os.ReadFile(to); err != nil || !slices.Equal(before, after) {
		t.Errorf("the file was touched: %v", err)
	}
	if err := s.Backup(ctx, filepath.Join(t.TempDir(), "none", "copy.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(to))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What the running bot makes of another allowlist is recorded with it, or neither is.
func TestTheBotFollowsInTheSameTransaction(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bot.db")
	madeAt(t, path)
	s := storetest.Open(t, path, store.Options{})
	var seen []int
	var fails error
	stop, err := Serve(s, func(tx *store.Tx) error {
		all, err := tx.Members()
		seen = append(seen, len(all))
		return errors.Join(err, fails)
	}, path, silent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	shellOf := opened(t, path)
	if _, err := shellOf.Allow(t.Context(), requests.Grant{Account: bob, Role: requests.Approver}, shell); err != nil {
		t.Error(err)
	}
	fails = errors.New("not now")
	if _, err := shellOf.Revoke(t.Context(), bob, shell); err == nil {
		t.Error("revoked although the bot could not follow")
	}
	all, err := shellOf.Members(t.Context())
	if err != nil || len(all) != 2 {
		t.Errorf("%v, %v", all, err)
	}
	fails = nil
	if _, err := shellOf.Revoke(t.Context(), bob, shell); err != nil {
		t.Error(err)
	}
	if !slices.Equal(seen, []int{2, 1, 1}) {
		t.Errorf("the bot saw %v members", seen)
	}
}

func TestMissingStoreIsNotMade(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bot.db")
	if _, err := Open(path, silent); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v", err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func TestInUseAndNobodyAnswers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bot.db")
	madeAt(t, path)
	storetest.Open(t, path, store.Options{})
	_, err := Open(path, silent)
	if !errors.Is(err, store.ErrInUse) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}

func TestSocketIsTheOwnersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bot.db")
	_, stop := running(t, path)
	info, err := os.Lstat(SocketPath(path))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Type() != os.ModeSocket || info.Mode().Perm() != 0o600 {
		t.Errorf("%v", info.Mode())
	}
	private, err := os.Stat(privateFolder(SocketPath(path)))
	if err != nil || private.Mode().Perm() != 0o700 {
		t.Errorf("the folder beside it: %v, %v", private, err)
	}
	stop()
	stop()
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestKilledBotsSocketIsReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bot.db")
	madeAt(t, path)
	// What a kill leaves: a socket that nobody listens on, and a half-made copy.
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: SocketPath(path), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(privateFolder(SocketPath(path)), "backup-1"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, silent)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.(direct); !ok {
		t.Error("the dead socket was asked")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	running(t, path)
	if _, ok := opened(t, path).(*client); !ok {
		t.Error("the bot was not asked")
	}
	left, err := os.ReadDir(privateFolder(SocketPath(path)))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestLiveSocketIsLeftAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bot.db")
	running(t, path)
	// The store was moved away under the bot and another one put in its place.
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Serve(s, nil, path, silent); !errors.Is(err, ErrBotRuns) {
		t.Errorf("%v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, ok := opened(t, path).(*client); !ok {
		t.Error("the first bot does not answer any more")
	}
	if err := os.Rename(path+".old", path); err != nil { // for the check at the end
		t.Fatal(err)
	}
}

func TestAnotherFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bot.db")
	s := storetest.Open(t, path, store.Options{})
	if err := os.WriteFile(SocketPath(path), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Serve(s, nil, path, silent); err == nil {
		t.Error("it was replaced")
	}
}

func TestLongPath(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has other names for open folders")
	}
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "bot.db")
	running(t, path)
	if _, ok := opened(t, path).(*client); !ok {
		t.Error("the bot was not asked")
	}
}

func TestNameThatIsTooLong(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), strings.Repeat("b", 120)+".db")
	s := storetest.Open(t, path, store.Options{})
	_, err := Serve(s, nil, path, silent)
	if err == nil || !strings.Contains(err.Error(), "give the store a shorter path") {
		t.Errorf("%v", err)
	}
}

func TestLinkLeadsToTheSameSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bot.db")
	madeAt(t, path)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	running(t, link)
	if _, ok := opened(t, path).(*client); !ok {
		t.Error("the bot was not asked")
	}
}

// spoiled writes over an entry of the audit trail.
func spoiled(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("audit"))
		k, _ := b.Cursor().Last()
		return b.Put(slices.Clone(k), []byte("{}"))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestUnreadableEntry(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bot.db")
	madeAt(t, path)
	spoiled(t, path)
	running(t, path)
	s := opened(t, path)
	var broken *store.ChainError
	if err := store.Verify(s.Entries(t.Context()), ""); !errors.As(err, &broken) || broken.Seq != 1 {
		t.Errorf("%v", err)
	}
}

func TestCutAnswerIsAnError(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bot.db")
	l, err := listen(SocketPath(path))
	if err != nil {
		t.Fatal(err)
	}
	hs := httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == pathBackup {
			w.Header().Set("Content-Length", "4096")
		}
		_, _ = w.Write([]byte("{}")[:1])
		panic(http.ErrAbortHandler)
	})}}
	hs.Start()
	defer hs.Close()
	c, err := dial(SocketPath(path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Members(t.Context()); err == nil {
		t.Error("members")
	}
	if _, err := collect(c.Entries(t.Context())); err == nil {
		t.Error("entries")
	}
	to := filepath.Join(t.TempDir(), "copy.db")
	if err := c.Backup(t.Context(), to); err == nil {
		t.Error("backup")
	}
	left, err := os.ReadDir(filepath.Dir(to))
	if err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

func collect(entries iter.Seq2[requests.Entry, error]) (all []requests.Entry, err error) {
	for e, err := range entries {
		if err != nil {
			return all, err
		}
		all = append(all, e)
	}
	return all, nil
}

func TestOtherVersion(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bot.db")
	l, err := listen(SocketPath(path))
	if err != nil {
		t.Fatal(err)
	}
	hs := httptest.Server{Listener: l, Config: &http.Server{Handler: http.NotFoundHandler()}}
	hs.Start()
	defer hs.Close()
	c, err := dial(SocketPath(path))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Members(t.Context()); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Errorf("%v", err)
	}
}

// TestSlowReaderDoesNotHoldTheStop has a reader that takes nothing of a long trail.
func TestSlowReaderDoesNotHoldTheStop(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bot.db")
	s, stop := running(t, path)
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		for range 4000 {
			if _, err := tx.Append(requests.Entry{Event: requests.EventAllowed, Detail: strings.Repeat("d", 1000)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := dial(SocketPath(path))
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.ask(t.Context(), http.MethodGet, pathAudit, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	began := time.Now()
	stop()
	if took := time.Since(began); took > 2*stopWait {
		t.Errorf("it took %v", took)
	}
	if _, err := collect(store.Lines(res.Body)); err == nil {
		t.Error("the cut trail looks whole")
	}
}

func TestWhoIsTrusted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		peer, own int
		want      bool
	}{{1000, 1000, true}, {0, 1000, true}, {1001, 1000, false}, {1000, 0, false}, {0, 0, true}} {
		if got := trustedUser(c.peer, c.own); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}

// FuzzQuestion: what is no grant by a shell changes nothing.
func FuzzQuestion(f *testing.F) {
	for _, seed := range []string{
		`{"account":"telegram:2","role":"operator","by":"shell:root"}`,
		`{"account":"telegram:2","role":"operator","as":"Bob","by":"bot"}`,
		`{"account":"x","role":"admin","by":"shell:root"}`,
		`{"account":"telegram:2","role":"nobody","by":"shell:a b"}`,
		`[]`, ``, `{`, `{"role":9}`,
	} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "bot.db")
	madeAt(f, path)
	s := storetest.Open(f, path, store.Options{})
	handler := (&server{store: direct{s: s}, log: silent}).routes()
	f.Fuzz(func(t *testing.T, body []byte) {
		ctx := context.Background()
		before, err := direct{s: s}.Members(ctx)
		if err != nil {
			t.Fatal(err)
		}
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, http.MethodPost, pathAllow, strings.NewReader(string(body))))
		after, err := direct{s: s}.Members(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if rec.Code != http.StatusOK && len(after) != len(before) || rec.Code >= http.StatusInternalServerError {
			t.Errorf("%d: %s", rec.Code, rec.Body)
		}
	})
}
