package slack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/requests"
)

// What Slack sends is read with small types of the adapter's own. slack-go's
// decode the whole clicked message, and one block element that they do not know
// fails a click altogether.

// errMalformed: signed by Slack, yet not what its documentation says.
var errMalformed = errors.New("not what Slack sends")

// errCertificate: no command, but Slack trying the route's certificate, which it does
// now and then and wants a 200 for (docs.slack.dev/interactivity/implementing-slash-commands).
var errCertificate = errors.New("Slack tries the certificate")

// command is a slash command's form, or its JSON in Socket Mode
// (docs.slack.dev/interactivity/implementing-slash-commands).
type command struct {
	Command     string `json:"command"`
	Text        string `json:"text"`
	Team        string `json:"team_id"`
	User        string `json:"user_id"`
	Channel     string `json:"channel_id"`
	ChannelName string `json:"channel_name"`
	ResponseURL string `json:"response_url"`
	Trigger     string `json:"trigger_id"`
}

// commandForm reads the form. seed is what tells one delivery from another where
// Slack gives no trigger_id.
func commandForm(body []byte, seed string, now time.Time) (chat.Inbound, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return chat.Inbound{}, fmt.Errorf("%w: a command's form can't be read", errMalformed)
	}
	if form.Get("ssl_check") == "1" {
		return chat.Inbound{}, errCertificate
	}
	return command{
		Command:     form.Get("command"),
		Text:        form.Get("text"),
		Team:        form.Get("team_id"),
		User:        form.Get("user_id"),
		Channel:     form.Get("channel_id"),
		ChannelName: form.Get("channel_name"),
		ResponseURL: form.Get("response_url"),
		Trigger:     form.Get("trigger_id"),
	}.inbound(seed+string(body), now)
}

func commandJSON(payload []byte, seed string, now time.Time) (chat.Inbound, error) {
	var c command
	if err := json.Unmarshal(payload, &c); err != nil {
		return chat.Inbound{}, fmt.Errorf("%w: a command's JSON can't be read", errMalformed)
	}
	return c.inbound(seed+string(payload), now)
}

func (c command) inbound(seed string, now time.Time) (chat.Inbound, error) {
	if c.Command == "" || c.Channel == "" {
		return chat.Inbound{}, fmt.Errorf("%w: a command without its name or channel", errMalformed)
	}
	account, err := accountOf(c.Team, c.User)
	if err != nil {
		return chat.Inbound{}, err
	}
	id := seed
	if c.Trigger != "" {
		id = strings.Join([]string{c.Trigger, c.ResponseURL, c.User, c.Channel, c.Text}, "\x00")
	}
	return chat.Inbound{
		Delivery: deliveryID("command", id),
		Kind:     chat.Command,
		Account:  account,
		Place:    placeOf(c.Channel, c.ChannelName),
		Text:     plainText(c.Text, c.Team),
		Handle:   handle{URL: c.ResponseURL, Trigger: c.Trigger}.String(),
		At:       now,
	}, nil
}

// deliveryID names a delivery by a hash of what tells it from all others: it is
// remembered for days, and a trigger_id is a secret. What was asked is in it too, so
// that nothing is taken for a redelivery but the same again.
func deliveryID(kind, id string) string {
	sum := sha256.Sum256([]byte(id))
	return "slack:" + kind + ":" + hex.EncodeToString(sum[:16])
}

// interaction is what is read of an interaction's payload
// (docs.slack.dev/reference/interaction-payloads/block_actions-payload).
type interaction struct {
	Type string `json:"type"`
	User struct {
		ID   string `json:"id"`
		Team string `json:"team_id"`
	} `json:"user"`
	Team struct {
		ID string `json:"id"`
	} `json:"team"`
	Channel struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"channel"`
	Container struct {
		Type      string `json:"type"`
		TS        string `json:"message_ts"`
		Channel   string `json:"channel_id"`
		Thread    string `json:"thread_ts"`
		Ephemeral bool   `json:"is_ephemeral"`
	} `json:"container"`
	Message struct {
		TS     string `json:"ts"`
		Thread string `json:"thread_ts"`
	} `json:"message"`
	Actions []struct {
		ID    string `json:"action_id"`
		Value string `json:"value"`
		TS    string `json:"action_ts"`
	} `json:"actions"`
	ResponseURL string `json:"response_url"`
	Trigger     string `json:"trigger_id"`
}

// interactionForm reads the form that holds the payload in HTTP mode. seed is as for
// a command.
func interactionForm(body []byte, seed string, now time.Time) ([]chat.Inbound, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("%w: an interaction's form can't be read", errMalformed)
	}
	return clicks([]byte(form.Get("payload")), seed, now)
}

// clicks reads the payload: each button that was pressed is one Inbound. What is
// no click of a button is none.
func clicks(payload []byte, seed string, now time.Time) ([]chat.Inbound, error) {
	var p interaction
	if err := json.Unmarshal(payload, &p); err != nil {
		return nil, fmt.Errorf("%w: an interaction's JSON can't be read", errMalformed)
	}
	switch {
	case p.Type == "":
		return nil, fmt.Errorf("%w: an interaction without a type", errMalformed)
	case p.Type != "block_actions":
		return nil, nil
	case len(p.Actions) == 0:
		return nil, fmt.Errorf("%w: a click on nothing", errMalformed)
	}
	account, err := accountOf(p.team(), p.User.ID)
	if err != nil {
		return nil, err
	}
	one := chat.Inbound{
		Kind:    chat.Click,
		Account: account,
		Place:   p.place(),
		Message: p.ref(),
		Handle:  handle{URL: p.ResponseURL, Trigger: p.Trigger, Thread: p.thread()}.String(),
		At:      now,
	}
	in := make([]chat.Inbound, 0, len(p.Actions))
	for i, act := range p.Actions {
		when := p.Trigger + act.TS
		if when == "" {
			when = seed
		}
		id := strings.Join([]string{when, p.ResponseURL, p.User.ID, p.channel(), string(p.ref()), act.ID, act.Value}, "\x00")
		if i > 0 {
			id += "#" + strconv.Itoa(i)
		}
		one.Delivery = deliveryID("action", id)
		one.Action, _, _ = strings.Cut(act.ID, ":")
		one.Value = act.Value
		if one.Action == "" {
			return nil, fmt.Errorf("%w: a click on a button without an action", errMalformed)
		}
		in = append(in, one)
	}
	return in, nil
}

// team is the workspace of the account. It must be the same for a person's
// commands and clicks, or nobody could confirm their own request. A command tells
// the workspace where it was typed. A click tells the user's own, except on
// Enterprise Grid, where user.team_id is the organisation ("E…", by the payload's
// documentation): there the workspace of the click is what agrees.
func (p *interaction) team() string {
	if p.User.Team == "" || strings.HasPrefix(p.User.Team, "E") && p.Team.ID != "" {
		return p.Team.ID
	}
	return p.User.Team
}

func (p *interaction) channel() string {
	if p.Channel.ID != "" {
		return p.Channel.ID
	}
	return p.Container.Channel
}

// place is where the click was; a click on the Home tab is in no channel, and is
// answered to the person.
func (p *interaction) place() chat.Place {
	if id := p.channel(); id != "" {
		return placeOf(id, p.Channel.Name)
	}
	return chat.Place{Transport: transport, ID: p.User.ID, Private: true}
}

// ref names the clicked message. An ephemeral one can't be edited by its ts.
func (p *interaction) ref() chat.Ref {
	ts := p.Container.TS
	if ts == "" {
		ts = p.Message.TS
	}
	if p.Container.Ephemeral || ts == "" || p.channel() == "" {
		return ""
	}
	return makeRef(p.channel(), ts)
}

func (p *interaction) thread() string {
	if p.Container.Thread != "" {
		return p.Container.Thread
	}
	return p.Message.Thread
}

// event is what is read of an Events API body
// (docs.slack.dev/apis/events-api).
type event struct {
	Type      string `json:"type"`
	Challenge string `json:"challenge"`
	Event     struct {
		Type   string `json:"type"`
		Tokens struct {
			Bot []string `json:"bot"`
		} `json:"tokens"`
	} `json:"event"`
}

func readEvent(body []byte) (event, error) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil || e.Type == "" {
		return event{}, fmt.Errorf("%w: an event's JSON can't be read", errMalformed)
	}
	return e, nil
}

// accountOf is "slack:TEAM/USER".
func accountOf(team, user string) (requests.Account, error) {
	account, err := requests.ParseAccount(transport + ":" + team + "/" + user)
	if err != nil {
		return "", fmt.Errorf("%w: no account", errMalformed)
	}
	return account, nil
}

func placeOf(channel, name string) chat.Place {
	return chat.Place{
		Transport: transport,
		ID:        channel,
		Private:   strings.HasPrefix(channel, "D") || name == "directmessage",
	}
}

var unescaper = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// plainText undoes Slack's escaping of what a person typed: mentions become
// accounts of the team, links their text, entities their signs
// (docs.slack.dev/messaging/formatting-message-text).
func plainText(s, team string) string {
	if !strings.ContainsAny(s, "<&") {
		return s
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "<")
		b.WriteString(unescaper.Replace(before))
		if !found {
			return b.String()
		}
		inner, after, closed := strings.Cut(rest, ">")
		if !closed {
			b.WriteString("<" + unescaper.Replace(rest))
			return b.String()
		}
		b.WriteString(angle(inner, team))
		s = after
	}
}

// angle reads what stands between < and >.
func angle(inner, team string) string {
	id, label, _ := strings.Cut(inner, "|")
	label = unescaper.Replace(label)
	switch {
	case strings.HasPrefix(id, "@"):
		if account, err := accountOf(team, id[1:]); err == nil {
			return string(account)
		}
	case strings.HasPrefix(id, "#") && label != "":
		return "#" + label
	}
	if label != "" {
		return label
	}
	return unescaper.Replace(strings.TrimPrefix(id, "!"))
}
