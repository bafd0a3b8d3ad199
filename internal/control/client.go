package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"

	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// client asks the bot that has the store open.
type client struct{ http http.Client }

// dial gives a client, if a bot listens at the socket.
func dial(socket string) (*client, error) {
	conn, err := connect(socket)
	if err != nil {
		return nil, err
	}
	if err := conn.Close(); err != nil {
		return nil, err
	}
	return &client{http.Client{Transport: &http.Transport{
		DisableCompression: true,
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return connect(socket) },
	}}}, nil
}

// ask sends a question. Only an answer that is good is given, and its body is the
// caller's to close.
func (c *client) ask(ctx context.Context, method, path string, question any) (*http.Response, error) {
	var body io.Reader
	if question != nil {
		b, err := json.Marshal(question)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://bot"+path, body)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the running bot does not answer; try again: %w", err)
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }() // only read from
	var no refusal
	if res.StatusCode == http.StatusNotFound || json.NewDecoder(io.LimitReader(res.Body, maxBody)).Decode(&no) != nil {
		return nil, errors.New("the running bot is of another version; restart it with this one")
	}
	return nil, no.err()
}

// get asks, and reads an answer in JSON.
func (c *client) get(ctx context.Context, method, path string, question, into any) error {
	res, err := c.ask(ctx, method, path, question)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // only read from
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		return fmt.Errorf("the running bot's answer can't be read; look whether it was done: %w", err)
	}
	return nil
}

func (c *client) Members(ctx context.Context) (all requests.Allowlist, err error) {
	err = c.get(ctx, http.MethodGet, pathMembers, nil, &all)
	return all, err
}

func (c *client) Allow(ctx context.Context, g requests.Grant, by requests.Account) (done requests.Granted, err error) {
	err = c.get(ctx, http.MethodPost, pathAllow, change{Account: g.Account, Role: g.Role, As: g.As, By: by}, &done)
	return done, err
}

func (c *client) Revoke(ctx context.Context, a, by requests.Account) (gone requests.Member, err error) {
	err = c.get(ctx, http.MethodPost, pathRevoke, change{Account: a, By: by}, &gone)
	return gone, err
}

func (c *client) Entries(ctx context.Context) iter.Seq2[requests.Entry, error] {
	return func(yield func(requests.Entry, error) bool) {
		res, err := c.ask(ctx, http.MethodGet, pathAudit, nil)
		if err != nil {
			yield(requests.Entry{}, err)
			return
		}
		defer func() { _ = res.Body.Close() }() // only read from
		for e, err := range store.Lines(res.Body) {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = errors.New("the running bot has stopped in the middle of the audit trail; try again")
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func (c *client) Backup(ctx context.Context, path string) error {
	if err := c.backup(ctx, path); err != nil {
		return fmt.Errorf("backup %s: %w", path, err)
	}
	return nil
}

// backup takes the copy under another name and gives it its own when it was checked.
func (c *client) backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return errTaken
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".part-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already if all went well
	if err := errors.Join(c.take(ctx, f), f.Close()); err != nil {
		return err
	}
	if err := store.Check(f.Name()); err != nil {
		return err
	}
	return name(f.Name(), path)
}

func (c *client) take(ctx context.Context, f *os.File) error {
	res, err := c.ask(ctx, http.MethodGet, pathBackup, nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // only read from
	if _, err := io.Copy(f, res.Body); err != nil {
		return err
	}
	return f.Sync()
}

var errTaken = fmt.Errorf("%w; name another file", fs.ErrExist)

// name gives a synced file its name, unless that is taken.
func name(from, to string) error {
	err := os.Link(from, to)
	if errors.Is(err, fs.ErrExist) {
		return errTaken
	}
	if err != nil {
		// A file system without hard links. Between looking and renaming somebody
		// else could take the name.
		if _, err := os.Lstat(to); err == nil {
			return errTaken
		}
		err = os.Rename(from, to)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // only synced
	// Some file systems have nothing to sync a folder with.
	if err := dir.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

func (c *client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}
