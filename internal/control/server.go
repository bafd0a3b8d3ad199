package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// How long a stop lets what was asked finish.
const stopWait = 2 * time.Second

// Serve answers the shell's verbs for the store at path, which this process has open.
// changed is called in the transaction that changes the allowlist; nil: nobody has to
// follow it. It returns when it listens. stop ends it, within two seconds, and takes
// the socket away; it has to be called before the store is closed. An error that is
// [ErrBotRuns] means that another bot has that path; any other one means that the
// verbs have to wait until the bot is stopped.
func Serve(s *store.Store, changed func(*store.Tx) error, path string, log *slog.Logger) (stop func(), err error) {
	socket := SocketPath(path)
	l, err := listen(socket)
	if err != nil {
		return nil, fmt.Errorf("store %s: no socket for the shell's verbs: %w", path, err)
	}
	own, err := os.Lstat(socket)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	srv := &server{store: direct{s, changed}, log: log, private: privateFolder(socket)}
	hs := &http.Server{
		Handler:           srv.routes(),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := hs.Serve(peers{l, log}); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the shell's verbs can't be answered any more; restart the bot for them", "error", err)
		}
	}()
	var once sync.Once
	return func() {
		once.Do(func() {
			// Another bot's socket that took the place of ours is left alone.
			if now, err := os.Lstat(socket); err == nil && os.SameFile(own, now) {
				if err := os.Remove(socket); err != nil {
					log.Warn("the socket of the shell's verbs can't be removed", "error", err)
				}
			}
			ctx, cancel := context.WithTimeout(context.Background(), stopWait)
			defer cancel()
			if hs.Shutdown(ctx) != nil {
				_ = hs.Close() // who still reads is cut off
			}
			<-ended
			if err := os.RemoveAll(srv.private); err != nil {
				log.Warn("a folder of the shell's verbs can't be removed", "error", err)
			}
		})
	}, nil
}

// peers lets in the bot's own user and root.
type peers struct {
	*net.UnixListener
	log *slog.Logger
}

func (p peers) Accept() (net.Conn, error) {
	for {
		conn, err := p.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if trusted(conn) {
			return conn, nil
		}
		p.log.Warn("another user tried to use the socket of the shell's verbs and was refused")
		_ = conn.Close() // nothing was said
	}
}

type server struct {
	store   direct
	log     *slog.Logger
	private string
}

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathMembers, s.members)
	mux.HandleFunc("POST "+pathAllow, s.allow)
	mux.HandleFunc("POST "+pathRevoke, s.revoke)
	mux.HandleFunc("GET "+pathAudit, s.audit)
	mux.HandleFunc("GET "+pathBackup, s.backup)
	return mux
}

// answer writes what was done, or why it was not.
func (s *server) answer(w http.ResponseWriter, done any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		if _, ok := errors.AsType[*requests.MembersError](err); ok {
			w.WriteHeader(http.StatusConflict)
		} else {
			s.log.Warn("a verb of the shell was not carried out", "error", err)
			w.WriteHeader(http.StatusInternalServerError)
		}
		done = refuse(err)
	}
	_ = json.NewEncoder(w).Encode(done) // who has gone is told nothing
}

// question reads a change; false: it was answered.
func (s *server) question(w http.ResponseWriter, r *http.Request, allow bool) (change, bool) {
	var c change
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&c)
	if err == nil {
		err = c.check(allow)
	}
	if err != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(refuse(err)) // who has gone is told nothing
		return c, false
	}
	return c, true
}

func (s *server) members(w http.ResponseWriter, r *http.Request) {
	all, err := s.store.Members(r.Context())
	s.answer(w, all, err)
}

func (s *server) allow(w http.ResponseWriter, r *http.Request) {
	c, ok := s.question(w, r, true)
	if !ok {
		return
	}
	done, err := s.store.Allow(r.Context(), requests.Grant{Account: c.Account, Role: c.Role, As: c.As}, c.By)
	if err == nil {
		s.log.Info("allowed from a shell", "account", c.Account, "role", c.Role, "by", c.By)
	}
	s.answer(w, done, err)
}

func (s *server) revoke(w http.ResponseWriter, r *http.Request) {
	c, ok := s.question(w, r, false)
	if !ok {
		return
	}
	gone, err := s.store.Revoke(r.Context(), c.Account, c.By)
	if err == nil {
		s.log.Info("revoked from a shell", "account", c.Account, "by", c.By)
	}
	s.answer(w, gone, err)
}

func (s *server) audit(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	for e, err := range s.store.Entries(r.Context()) {
		line := append(store.Line(e), '\n')
		if err != nil {
			if _, ok := errors.AsType[*store.RecordError](err); !ok {
				s.log.Warn("the audit trail can't be given to a shell", "error", err)
				panic(http.ErrAbortHandler) // so that the answer is seen to be cut
			}
			line = []byte(unreadable)
		}
		if _, err := w.Write(line); err != nil {
			return // the reader has gone
		}
	}
}

// backup makes the copy and then sends it: a reader may be slow, a transaction not.
func (s *server) backup(w http.ResponseWriter, r *http.Request) {
	f, size, err := s.copy(r.Context())
	if err != nil {
		s.answer(w, nil, err)
		return
	}
	defer func() { _ = f.Close() }() // only read from
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	if _, err := io.Copy(w, f); err != nil {
		s.log.Warn("a backup was not taken to its end", "error", err)
	}
}

// copy gives a copy of the store that has no name any more, so that nothing is left
// of it however this ends.
func (s *server) copy(ctx context.Context) (f *os.File, size int64, err error) {
	dir, err := os.MkdirTemp(s.private, "backup-")
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the next start takes what is left
	path := filepath.Join(dir, "copy")
	if err := s.store.Backup(ctx, path); err != nil {
		return nil, 0, err
	}
	if f, err = os.Open(path); err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}
