package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/isplicense"
	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// Panel is what the bot needs of the licence panel's client.
type Panel interface {
	Inventory(ctx context.Context) ([]license.License, error)
	Licenses(ctx context.Context) ([]license.License, error)
	License(ctx context.Context, code license.Code) (license.License, error)
	RenewPreview(ctx context.Context, l license.License, p license.Period) (isplicense.Preview, error)
	OrderPreview(ctx context.Context, o isplicense.OrderSpec) (isplicense.Preview, error)
	Form(ctx context.Context, l license.License) (isplicense.Form, error)
	Balance(ctx context.Context) (string, error)
	History(ctx context.Context, code license.Code) ([]isplicense.HistoryEntry, error)
	WhoAmI(ctx context.Context) (string, error)

	State() isplicense.State

	Order(ctx context.Context, o isplicense.OrderSpec) isplicense.Result
	Edit(ctx context.Context, l license.License, name, address string) isplicense.Result
	Nodes(ctx context.Context, l license.License, p license.Product, name, address string, count int) isplicense.Result
	Renew(ctx context.Context, code license.Code, p license.Period) isplicense.Result
	Terminate(ctx context.Context, l license.License) isplicense.Result
}

// Chat is what the bot needs of a messenger's adapter. Errors are those of package
// chat.
type Chat interface {
	Name() string
	Post(ctx context.Context, p chat.Post) (chat.Ref, error)
	Edit(ctx context.Context, ref chat.Ref, m chat.Message) error
	Answer(ctx context.Context, in chat.Inbound, m chat.Message) error
	Acknowledge(ctx context.Context, in chat.Inbound) error
	Find(ctx context.Context, p chat.Post, since time.Time) (chat.Ref, bool, error)
	Direct(a requests.Account) chat.Place
	Whispers(p chat.Place) bool
	Link(ref chat.Ref) string
}

// Config is what a Bot is made of. Required are all fields up to Speaker, Now and Log;
// without the others there is none of what they are for.
type Config struct {
	Store    *store.Store
	Panel    Panel
	Account  string // the panel account's name, to tell its history entries from others'
	Chats    []Chat
	Rules    requests.Rules
	Zone     *time.Location
	Speaker  *chat.Speaker            // in the language of places and of people whose own is not known
	Speakers map[string]*chat.Speaker // by language
	Limit    Limit
	Anchors  []chat.Place            // where each day's last hash of the audit trail is published
	Named    map[string][]chat.Place // by setting: places whose ids people have to keep right
	Now      func() time.Time
	Log      *slog.Logger
	Observer Observer
}

// Observer hears what happens, for metrics. Its methods must be quick.
type Observer interface {
	// Outcome is called once for each item of a request that has ended, and for
	// each request that ended without a call.
	Outcome(action requests.Action, outcome string)
}

// Bot is the engine. Its methods may be called from many goroutines.
type Bot struct {
	Config
	chats  map[string]Chat
	agenda *agenda
	lanes  *lanes
	turns  *turns
	limits *limiter
	memo   memo

	work   context.Context // ends when the time to finish is over
	cancel context.CancelFunc
	busy   sync.WaitGroup

	mu        sync.Mutex
	closing   bool
	inFlight  int
	landed    sync.Cond // inFlight is zero
	deadlines map[requests.ID]func()
	sending   map[messageID]bool // a message on its way; true: its state has changed meanwhile
	retries   map[messageID]int
	recovered map[messageID]bool // found without a reference at the start: it may have been posted
	told      map[string]bool    // chats that have become others, by their old ids
}

// New makes a bot; nothing runs before Start.
func New(c Config) *Bot {
	b := &Bot{
		Config:    c,
		chats:     map[string]Chat{},
		agenda:    newAgenda(c.Now),
		lanes:     newLanes(),
		turns:     newTurns(),
		limits:    newLimiter(c.Limit),
		deadlines: map[requests.ID]func(){},
		sending:   map[messageID]bool{},
		retries:   map[messageID]int{},
		recovered: map[messageID]bool{},
		told:      map[string]bool{},
	}
	for _, ch := range c.Chats {
		b.chats[ch.Name()] = ch
	}
	b.landed.L = &b.mu
	b.work, b.cancel = context.WithCancel(context.Background())
	return b
}

// Start finds what a stop or kill left and goes on with it.
func (b *Bot) Start() error {
	if err := b.resume(); err != nil {
		return err
	}
	b.busy.Go(func() { b.agenda.loop(b.work) })
	b.anchorAtMidnight()
	return nil
}

// Stop begins nothing new, lets what is under way finish until ctx ends, and
// returns when all has stopped. What was not finished is found at the next start.
func (b *Bot) Stop(ctx context.Context) {
	b.mu.Lock()
	b.closing = true
	b.mu.Unlock()
	stop := context.AfterFunc(ctx, b.cutShort)
	defer stop()
	b.mu.Lock()
	for b.inFlight > 0 && b.work.Err() == nil {
		b.landed.Wait()
	}
	b.mu.Unlock()
	b.cutShort()
	b.busy.Wait()
}

func (b *Bot) stopping() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closing
}

// cutShort ends everything that is still under way.
func (b *Bot) cutShort() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cancel()
	b.landed.Broadcast()
}

// duty is how a piece of work is treated by a stop.
type duty bool

const (
	finishing duty = true  // part of what is under way: a stop waits for it
	beginning duty = false // not begun any more once the bot stops
)

// spawn does a piece of work in the background. A panic in it ends neither the
// process nor the request: its state is in the store and the next start goes on.
func (b *Bot) spawn(d duty, name string, id requests.ID, work func(ctx context.Context)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing && d == beginning || b.work.Err() != nil {
		return
	}
	b.inFlight++
	b.busy.Go(func() {
		defer b.land()
		defer b.contain(name, id)
		work(b.work)
	})
}

// contain ends a panic of the function that defers it. The log tells where it was,
// and what only if that are the runtime's own words: a panic may quote what it was
// about.
func (b *Bot) contain(name string, id requests.ID) {
	p := recover()
	if p == nil {
		return
	}
	what := fmt.Sprintf("%T", p)
	if e, ok := p.(runtime.Error); ok {
		what = e.Error()
	}
	b.Log.Error("panic", "in", name, "request", id, "panic", what, "stack", string(debug.Stack()))
}

func (b *Bot) land() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight--
	if b.inFlight == 0 {
		b.landed.Broadcast()
	}
}

// later does a piece of work when its time has come.
func (b *Bot) later(after time.Duration, d duty, name string, id requests.ID, work func(ctx context.Context)) {
	if after <= 0 {
		b.spawn(d, name, id, work)
		return
	}
	b.agenda.add(b.Now().Add(after), func() { b.spawn(d, name, id, work) })
}

// Take records what people did in one transaction, together with what the adapter
// wants to be recorded with it (also may be nil), and returns once it is committed.
// What was taken before is left out, however often it is delivered.
func (b *Bot) Take(ctx context.Context, ins []chat.Inbound, also func(*store.Tx) error) error {
	if b.stopping() {
		return errors.New("the bot is stopping")
	}
	return b.Store.Update(ctx, func(tx *store.Tx) error {
		now := b.Now()
		for _, in := range ins {
			if tx.Seen(in.Delivery) {
				continue
			}
			if err := tx.Remember(in.Delivery); err != nil {
				return err
			}
			if err := b.takeOne(tx, in, now); err != nil {
				return err
			}
		}
		if also != nil {
			return also(tx)
		}
		return nil
	})
}

func (b *Bot) takeOne(tx *store.Tx, in chat.Inbound, now time.Time) error {
	if in.Kind == chat.Move {
		return b.relocate(tx, in.Place, in.To)
	}
	person := string(in.Account)
	members, err := tx.Members()
	if err != nil {
		return err
	}
	if m, ok := members.Of(in.Account); ok {
		person = m.Person
	}
	if until, ok := b.limits.allow(person, now); !ok {
		c, on := b.chats[in.Place.Transport]
		if in.Kind == chat.Command && on && !c.Whispers(in.Place) && !b.limits.tell(person) {
			return nil // everybody would read it as often as this one person types
		}
		return b.whisper(tx, in, b.speaker(in).RateLimited(until))
	}
	switch {
	case in.Kind == chat.Click && in.Action == requests.ButtonRenew:
		return b.clickRenew(tx, in)
	case in.Kind == chat.Click:
		return b.click(tx, in, members, now)
	}
	return b.task(tx, taskCommand, command{In: in})
}

// clickRenew proposes as if the clicker had typed it. Who may not is told so in answer
// to the click: a message would stand in the place for all to read, and say to nobody
// whom it means.
func (b *Bot) clickRenew(tx *store.Tx, click chat.Inbound) error {
	k, err := b.known(tx)
	if err != nil {
		return err
	}
	if no := requests.MayAsk(click.Account, requests.Renew, k); no.Kind != "" {
		w := wish{in: click, action: requests.Renew}
		if code, err := license.ParseCode(click.Value); err == nil {
			w.codes = []license.Code{code}
		}
		return b.sayNo(tx, w, no, k)
	}
	tx.OnCommit(func() { b.acknowledge(click) })
	return b.task(tx, taskCommand, command{In: asTyped(click)})
}

// asTyped makes of a reminder's button what its clicker would have typed. The code
// that the button carries is read like any other text.
func asTyped(in chat.Inbound) chat.Inbound {
	in.Text = "renew " + in.Value
	in.Action, in.Value = "", ""
	in.Kind = chat.Command
	in.Message, in.Reply = "", "" // the question stands by itself, not below the button's message
	return in
}

// speaker speaks the person's language where the chat told it and the bot knows it.
func (b *Bot) speaker(in chat.Inbound) *chat.Speaker {
	if s, ok := b.Speakers[in.Lang]; ok {
		return s
	}
	return b.Speaker
}

// The kinds of tasks in the store.
const (
	taskCommand = "command" // a typed command that was not carried out yet
	taskWhisper = "whisper" // an answer to one person
	taskReask   = "reask"   // a fresh question, since facts have changed
	taskNotice  = "notice"  // what the bot says by itself in a place
)

type command struct {
	In chat.Inbound `json:"in"`
}

type whisper struct {
	In      chat.Inbound `json:"in"`
	Message chat.Message `json:"message"`
	Direct  bool         `json:"direct,omitempty"`  // by a message to the person, who is told of it where they asked
	Instead bool         `json:"instead,omitempty"` // with Direct: where they asked they can't be told anything
	Since   time.Time    `json:"since"`
}

type reask struct {
	Request requests.ID `json:"request"`
	Item    int         `json:"item"`
}

// task records a task and begins it after the commit.
func (b *Bot) task(tx *store.Tx, kind string, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return err
	}
	t := store.Task{Kind: kind, Due: b.Now(), Data: raw}
	if t.ID, err = tx.AddTask(t); err != nil {
		return err
	}
	tx.OnCommit(func() { b.runTask(t, false) })
	return nil
}

// whisper records an answer to one person.
func (b *Bot) whisper(tx *store.Tx, in chat.Inbound, m chat.Message) error {
	return b.task(tx, taskWhisper, whisper{In: in, Message: m, Since: b.Now()})
}

// runTask begins a task that is in the store; one that a start has found there may
// have been begun before. What it leads to deletes it.
func (b *Bot) runTask(t store.Task, recovered bool) {
	switch t.Kind {
	case taskCommand:
		var c command
		if b.decode(t, &c) {
			b.spawn(beginning, t.Kind, "", func(ctx context.Context) { b.runCommand(ctx, t, c.In) })
		}
	case taskWhisper:
		var w whisper
		if b.decode(t, &w) {
			b.spawn(finishing, t.Kind, "", func(ctx context.Context) { b.deliver(ctx, t, w) })
		}
	case taskReask:
		var r reask
		if b.decode(t, &r) {
			b.spawn(beginning, t.Kind, r.Request, func(ctx context.Context) { b.reask(ctx, t, r) })
		}
	case taskNotice:
		var n notice
		if b.decode(t, &n) {
			b.spawn(finishing, t.Kind, "", func(ctx context.Context) { b.notify(ctx, t, n, recovered) })
		}
	default:
		b.Log.Error("a task of an unknown kind stays in the store", "kind", t.Kind, "task", t.ID)
	}
}

func (b *Bot) decode(t store.Task, into any) bool {
	if err := json.Unmarshal(t.Data, into); err != nil {
		b.Log.Error("a task that can't be read stays in the store", "kind", t.Kind, "task", t.ID)
		return false
	}
	return true
}

// failed logs that a step could not be recorded. The store says itself why, and
// whether anything will ever be recorded again.
func (b *Bot) failed(what string, id requests.ID, err error) {
	b.Log.Error("not recorded", "what", what, "request", id, "error", err)
}
