package telegram

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	tgs "github.com/isplicense/license-bot/internal/sandbox/telegramserver"
)

func TestPollingStoresBeforeItConfirms(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		stop := r.runs()
		r.sink.fail = 1
		r.alice.Starts()
		synctest.Wait()
		if r.tg.Pending() != 1 {
			t.Error("Telegram was told that an update had arrived that the store refused")
		}
		if ready, why := r.a.State(); ready || !strings.Contains(why, "store") {
			t.Errorf("State is %v, %q", ready, why)
		}
		time.Sleep(firstWait)
		r.wants("help")
		r.alice.Says(r.alice.Private(), "/renew 1001")
		r.wants("help", "renew 1001")
		stop()
		r.alice.Says(r.alice.Private(), "/list")
		r.wants("help", "renew 1001")
		r.runs()
		r.wants("help", "renew 1001", "list")
	})
}

func TestAnAnswerThatIsLostBringsTheSameUpdatesAgain(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.runs()
		r.tg.Break(tgs.Fault{Method: "getUpdates", Times: 1, After: true, Cut: true})
		time.Sleep(pollFor) // the poll that was under way
		r.alice.Says(r.alice.Private(), "/list")
		time.Sleep(time.Minute)
		r.wants("list")
	})
}

func TestPoisonIsLeftBehind(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.runs()
		for _, p := range []tgs.Poison{tgs.UnknownKind, tgs.UnknownEnum, tgs.WrongType, tgs.UnknownField, tgs.NotAnObject} {
			r.tg.Inject(p)
		}
		r.alice.Says(r.alice.Private(), "/list")
		r.wants("list")
		if n := strings.Count(r.logs.String(), "can't be read"); n != 2 {
			t.Errorf("%d updates were called unreadable, want the 2 of a wrong type:\n%s", n, r.logs)
		}
		r.alice.Says(r.alice.Private(), "/balance")
		r.wants("list", "balance")
		if r.tg.Pending() != 0 {
			t.Error("the offset did not move past the poison")
		}
	})
}

func TestUpdatesNumberedAnewAreConfirmed(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.runs()
		r.alice.Says(r.alice.Private(), "one")
		r.wants("one")
		time.Sleep(2 * pollFor)
		r.tg.Renumber(17)
		r.alice.Says(r.alice.Private(), "two")
		r.alice.Says(r.alice.Private(), "three")
		r.wants("one", "two", "three")
		if r.sink.offset > 20 {
			t.Errorf("the offset stays at %d", r.sink.offset)
		}
	})
}

func TestRedeliveryHasTheSameName(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.runs()
		said := r.alice.Says(r.alice.Private(), "one")
		r.alice.Says(r.alice.Private(), "two")
		r.wants("one", "two")
		r.tg.Redeliver(said.Update)
		r.wants("one", "two")
		if want := fmt.Sprintf("telegram:%d", said.Update); r.sink.all()[0].Delivery != want {
			t.Errorf("delivery %q, want %q", r.sink.all()[0].Delivery, want)
		}
	})
}

func TestPollingBacksOff(t *testing.T) {
	for name, c := range map[string]struct {
		fault tgs.Fault
		most  int // calls in a minute
		why   string
	}{
		"wrong token": {tgs.Fault{Status: 401}, 7, "token"},
		"conflict":    {tgs.Fault{Status: 409}, 7, "another process"},
		"retry_after": {tgs.Fault{RetryAfter: 40}, 3, "rate limited"},
		"broken":      {tgs.Fault{Drop: true}, 7, "can't be reached"},
		"a proxy":     {tgs.Fault{Status: 502, Body: "<html>Bad Gateway</html>"}, 7, "can't be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(r *rig) {
				c.fault.Method = "getUpdates"
				lift := r.tg.Break(c.fault)
				r.starts()
				time.Sleep(time.Minute)
				if n := len(r.tg.Calls("getUpdates")); n > c.most {
					t.Errorf("%d calls in a minute", n)
				}
				if ready, why := r.a.State(); ready || !strings.Contains(why, c.why) {
					t.Errorf("State is %v, %q; want %q", ready, why, c.why)
				}
				lift()
				time.Sleep(longestWait + time.Second)
				if ready, why := r.a.State(); !ready {
					t.Errorf("it did not recover: %q", why)
				}
			})
		})
	}
}

func TestASecondPollerIsSeen(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.runs()
		other, err := New(Config{Token: r.tg.Token(), APIURL: "http://telegram.test", HTTP: r.a.cfg.HTTP})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.getUpdates(r.ctx, 0, 0); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if ready, why := r.a.State(); ready || !strings.Contains(why, "another process") {
			t.Errorf("State is %v, %q", ready, why)
		}
	})
}

func TestTheStartWaitsForTelegramAndSetsTheMenu(t *testing.T) {
	menu := func(c *Config) {
		c.Menu = map[string][]Command{"": {{"list", "All licences"}}, "ru": {{"list", "Все лицензии"}}}
	}
	inBubble(t, menu, func(r *rig) {
		r.tg.Break(tgs.Fault{Method: "getMe", Times: 3, Status: http.StatusBadGateway, Body: "busy"})
		r.runs()
		if en, ru := r.tg.Menu(""), r.tg.Menu("ru"); len(en) != 1 || len(ru) != 1 || ru[0].Description != "Все лицензии" {
			t.Errorf("menus %v, %v", en, ru)
		}
		if n := len(r.tg.Calls("getMe")); n != 4 {
			t.Errorf("%d calls of getMe, want 4", n)
		}
	})
}

func TestAMenuThatMustWaitStopsNothing(t *testing.T) {
	inBubble(t, func(c *Config) { c.Menu = map[string][]Command{"": {{"list", "Licences"}}} }, func(r *rig) {
		r.tg.Break(tgs.Fault{Method: "setMyCommands", Times: 1, RetryAfter: 600})
		began := time.Now()
		r.runs()
		r.alice.Says(r.alice.Private(), "/list")
		r.wants("list")
		if took := time.Since(began); took > time.Minute {
			t.Errorf("commands waited %s", took)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(r.tg.Menu("")) != 1 {
			t.Error("the menu was not set afterwards")
		}
	})
}

func TestAMenuThatIsRefusedStopsNothing(t *testing.T) {
	menu := func(c *Config) { c.Menu = map[string][]Command{"": {{"Bad Name", ""}}} }
	inBubble(t, menu, func(r *rig) {
		r.runs()
		r.alice.Says(r.alice.Private(), "/list")
		r.wants("list")
	})
}

func TestTheWebhook(t *testing.T) {
	hook := func(c *Config) { c.WebhookURL, c.WebhookSecret = "http://bot.test/telegram/webhook", "hook-secret" }
	inBubble(t, hook, func(r *rig) {
		r.runs()
		r.alice.Says(r.alice.Private(), "/renew 1001")
		r.wants("renew 1001")
		r.sink.fail = 2
		said := r.alice.Says(r.alice.Private(), "/list")
		time.Sleep(time.Minute)
		r.wants("renew 1001", "list")
		if r.sink.takes != 4 {
			t.Errorf("the sink was asked %d times, want 4", r.sink.takes)
		}
		r.tg.Redeliver(said.Update)
		r.tg.Inject(tgs.WrongType)
		r.alice.Says(r.alice.Private(), "/balance")
		time.Sleep(time.Minute)
		r.wants("renew 1001", "list", "balance")
		if r.sink.offset != 0 {
			t.Errorf("deliveries moved the offset to %d", r.sink.offset)
		}
		if r.tg.Pending() != 0 {
			t.Errorf("%d updates are still to be delivered", r.tg.Pending())
		}
	})
}

func TestPollingTakesTheWebhookAway(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.a.cfg.WebhookURL, r.a.cfg.WebhookSecret = "http://bot.test/", "x"
		if err := r.a.setWebhook(r.ctx); err != nil {
			t.Fatal(err)
		}
		r.a.cfg.WebhookURL = ""
		r.alice.Says(r.alice.Private(), "/list")
		r.runs()
		r.wants("list")
	})
}

func TestAServerWithoutWebhooksIsPolled(t *testing.T) {
	for name, fault := range map[string]tgs.Fault{
		"its word":     {Status: 404, Body: `{"ok":false,"error_code":404,"description":"Not Found: method not found"}`},
		"a bare 404":   {Status: 404, Body: "404 page not found"},
		"a bad method": {Status: 400, Body: `{"ok":false,"error_code":400,"description":"Bad Request: unknown method"}`},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(r *rig) {
				for _, method := range []string{"deleteWebhook", "setMyCommands"} {
					fault.Method = method
					r.tg.Break(fault)
				}
				r.alice.Says(r.alice.Private(), "/list")
				r.runs()
				r.wants("list")
			})
		})
	}
}

func TestAServerThatDoesNotHoldIsNotAskedWithoutEnd(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.runs()
		lift := r.tg.Break(tgs.Fault{Method: "getUpdates", Status: 200, Body: `{"ok":true,"result":[]}`})
		r.alice.Says(r.alice.Private(), "/list") // ends the call that is being held
		time.Sleep(time.Minute)
		before := len(r.tg.Calls("getUpdates"))
		time.Sleep(time.Minute)
		if n := len(r.tg.Calls("getUpdates")) - before; n < 60 || n > 320 {
			t.Errorf("%d calls in a minute", n)
		}
		lift()
		time.Sleep(time.Minute)
		r.wants("list")
	})
}

func TestPlaces(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.runs()
		bob := r.tg.Person(tgs.Profile{Name: "Bob", Language: "ru-RU"})
		forum := r.tg.Forum("ops", r.alice, bob)
		plainGroup := r.tg.Supergroup("dev", r.alice, bob)
		topic := r.tg.Topic(forum, "Licences", r.alice)
		bobSaid := bob.Says(topic, "/license")
		r.alice.Says(topic, "/license allow operator")
		r.alice.Says(topic, "/license allow viewer", tgs.ReplyTo(bobSaid))
		inPlain := bob.Says(plainGroup, "/license")
		r.alice.Says(plainGroup, "/license list", tgs.ReplyTo(inPlain))
		synctest.Wait()
		got := r.sink.all()
		if len(got) != 5 {
			t.Fatalf("%d events, want 5: %+v", len(got), got)
		}
		place := chat.Place{Transport: "telegram", ID: fmt.Sprint(topic.Chat), Thread: fmt.Sprint(topic.Topic)}
		if got[0].Place != place || got[0].Lang != "ru" || got[1].Lang != "en" {
			t.Errorf("%+v", got[0])
		}
		if got[1].Reply != "" {
			t.Errorf("a topic's opening message named %q", got[1].Reply)
		}
		if want := fmt.Sprintf("telegram:%d", bob.ID()); string(got[2].Reply) != want {
			t.Errorf("the reply named %q, want %q", got[2].Reply, want)
		}
		if got[4].Place.Thread != "" {
			t.Errorf("a reply in a group without topics has the thread %q", got[4].Place.Thread)
		}
		// Where a command came from, an answer goes.
		for _, in := range got {
			if err := r.a.Answer(r.ctx, in, chat.Message{Head: chat.Text{{Text: "answer to " + string(in.Message)}}}); err != nil {
				t.Errorf("%+v: %v", in.Place, err)
			}
		}
		if m, err := bob.Sees(r.ctx, topic, "answer to "+string(got[0].Message)); err != nil || m.ReplyTo != bobSaid.ID {
			t.Errorf("%v %+v", err, m)
		}
	})
}

func TestAGroupThatBecomesASupergroup(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.runs()
		old := r.tg.Group("ops", r.alice)
		grown := r.tg.Migrate(old)
		synctest.Wait()
		got := r.sink.all()
		if len(got) != 2 {
			t.Fatalf("came in: %+v", got)
		}
		for _, in := range got {
			if in.Kind != chat.Move || in.Place != group(old.Chat) || in.To != group(grown.Chat) || in.Delivery == "" {
				t.Errorf("%+v", in)
			}
		}
	})
}

func TestWhoDoesNotAct(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.runs()
		bob := r.tg.Person(tgs.Profile{Name: "Bob"})
		beep := r.tg.Person(tgs.Profile{Name: "Beep", Username: "beep_bot", Bot: true})
		ops := r.tg.Supergroup("ops", r.alice, bob)
		r.tg.SetBotStatus(ops, "administrator")
		channel := r.tg.Channel("news", r.alice)
		said := r.alice.Says(ops, "/license list")
		r.wants("list")
		r.alice.Edits(said, "/license terminate 1001")
		r.alice.Says(channel, "/license list")
		r.alice.Says(ops, "/license list", tgs.Anonymously())
		r.alice.Says(ops, "/license list", tgs.AsChannel(channel))
		r.alice.Says(ops, "/license list", tgs.ForwardedFrom(bob))
		r.alice.Says(ops, "/license list", tgs.Via(beep))
		beep.Says(ops, "/license list")
		r.alice.Says(ops, "/list")
		r.alice.Says(ops, "/license@beep_bot list")
		r.alice.Says(ops, "renew 1001")
		r.wants("list")
		r.alice.Says(ops, "/RENEW@License_Bot 1001")
		r.alice.Says(ops, "/license allow Bob viewer", tgs.Mentioning(bob))
		r.wants("list", "renew 1001", fmt.Sprintf("allow telegram:%d viewer", bob.ID()))
		anonymous := r.alice.Says(ops, "hello", tgs.Anonymously())
		bob.Says(ops, "/license allow viewer", tgs.ReplyTo(anonymous))
		synctest.Wait()
		if got := r.sink.all(); got[len(got)-1].Reply != "" {
			t.Errorf("an anonymous admin is %q", got[len(got)-1].Reply)
		}
	})
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		text    string
		private bool
		want    string
		ours    bool
	}{
		{"/license", false, "", true},
		{"/license renew 1001", false, "renew 1001", true},
		{"/License@My_Bot  renew\n1001 ", false, "renew\n1001", true},
		{"/license@other list", false, "", false},
		{"/renew 1001", false, "", false},
		{"/renew 1001", true, "renew 1001", true},
		{"/renew@my_bot 1001", false, "renew 1001", true},
		{"/renew@other 1001", true, "", false},
		{"/start abc", true, "help", true},
		{"/start", false, "", false},
		{"/renwe 1", true, "renwe 1", true},
		{"продли 1001", true, "продли 1001", true},
		{"renew 1001", false, "", false},
		{" ", true, "", false},
		{"/", true, "", false},
		{"/licenses", false, "", false},
	} {
		got, ours := command(c.text, "my_bot", c.private)
		if ours != c.ours || ours && got != c.want {
			t.Errorf("%q (private %v) is %q, %v; want %q, %v", c.text, c.private, got, ours, c.want, c.ours)
		}
	}
}

func TestMentionsCountInUTF16(t *testing.T) {
	text := "/license allow 😀Ёж viewer и Ёж"
	got := withMentions(text, []entity{
		{Type: "text_mention", Offset: 30, Length: 9, User: &user{ID: 3}}, // beyond the end
		{Type: "text_mention", Offset: 29, Length: 2, User: &user{ID: 2}},
		{Type: "text_mention", Offset: 17, Length: 2, User: &user{ID: 1}},
		{Type: "text_mention", Offset: 18, Length: 2, User: &user{ID: 4}}, // overlaps
		{Type: "text_mention", Offset: -1, Length: 2, User: &user{ID: 5}},
		{Type: "bold", Offset: 0, Length: 5},
	})
	if want := "/license allow 😀telegram:1 viewer и telegram:2"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"update_id":1,"message":{"message_id":1,"date":1,"chat":{"id":-100,"type":"supergroup"},"from":{"id":5,"language_code":"ru"},"text":"/license allow Ёж","entities":[{"type":"text_mention","offset":15,"length":2,"user":{"id":7}}]}}`))
	f.Add([]byte(`{"update_id":2,"callback_query":{"id":"9","from":{"id":5},"message":{"message_id":1,"date":0,"chat":{"id":5,"type":"private"}},"data":"confirm:r1"}}`))
	f.Add([]byte(`{"update_id":3,"message":{"text":["x"]}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		id, ok := updateID(raw)
		_ = kindOf(raw)
		got, err := read(raw, "my_bot", time.Unix(1, 0))
		if err != nil || !ok || !got.acts {
			return
		}
		in := got.in
		if in.Delivery != fmt.Sprintf("telegram:%d", id) || !strings.HasPrefix(string(in.Account), "telegram:") || in.Place.ID == "" {
			t.Errorf("%s became %+v", raw, in)
		}
		if !slices.Contains([]chat.Kind{chat.Command, chat.Click}, in.Kind) || in.Lang != "en" && in.Lang != "ru" {
			t.Errorf("%s became %+v", raw, in)
		}
		if in.Account == "telegram:1087968824" || in.Reply == "telegram:1087968824" {
			t.Errorf("an anonymous admin acts: %s", raw)
		}
	})
}
