// Package sandbox brings up Slack, Telegram and the licence panel on loopback, for
// tests, the demo and the benchmark. The bot can't tell them from the real ones but
// by their addresses.
//
// It and its servers use no code of the bot's own: what they refuse, they refuse by
// the vendors' documentation, not by the bot's idea of it.
package sandbox

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/sandbox/telegramserver"
)

// Options is what the servers are made with; the zero value is good.
type Options struct {
	Slack    slackserver.Options
	Telegram telegramserver.Options
	Panel    panelserver.Options
	Now      func() time.Time                                 // of all three; nil: time.Now
	Listen   func(network, addr string) (net.Listener, error) // nil: net.Listen
}

// World is the three servers, listening.
type World struct {
	Slack    *slackserver.Server
	Telegram *telegramserver.Server
	Panel    *panelserver.Server

	SlackURL    string // of the Web API, with a slash at the end
	TelegramURL string
	PanelURL    string

	servers []*http.Server
	done    sync.WaitGroup
}

// Start makes the servers and listens on loopback.
func Start(o Options) (*World, error) {
	if o.Now != nil {
		o.Slack.Now, o.Telegram.Now, o.Panel.Now = o.Now, o.Now, o.Now
	}
	if o.Listen == nil {
		o.Listen = net.Listen
	}
	w := &World{
		Slack:    slackserver.New(o.Slack),
		Telegram: telegramserver.New(o.Telegram),
		Panel:    panelserver.New(o.Panel),
	}
	slack, err1 := w.serve(o, w.Slack, nil)
	telegram, err2 := w.serve(o, w.Telegram, nil)
	panel, err3 := w.serve(o, w.Panel, w.Panel.ConnState)
	if err := errors.Join(err1, err2, err3); err != nil {
		w.Close()
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	w.Slack.SetURL(slack)
	w.Panel.SetURL(panel)
	w.SlackURL, w.TelegramURL, w.PanelURL = slack+"/api/", telegram, panel+panelserver.Path
	return w, nil
}

func (w *World) serve(o Options, h http.Handler, state func(net.Conn, http.ConnState)) (string, error) {
	l, err := o.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s := &http.Server{Handler: h, ConnState: state, ReadHeaderTimeout: 10 * time.Second}
	w.servers = append(w.servers, s)
	w.done.Go(func() { _ = s.Serve(l) }) // it ends with Close
	return "http://" + l.Addr().String(), nil
}

// Close ends all three.
func (w *World) Close() {
	w.Slack.Close()
	w.Telegram.Close()
	w.Panel.Close()
	for _, s := range w.servers {
		_ = s.Close() // nothing is left to be told to anybody
	}
	w.done.Wait()
}
