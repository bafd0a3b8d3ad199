package telegram

import (
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
	"github.com/isplicense/license-bot/internal/requests"
)

// People are their ids: a name can be changed, and taken by somebody else.
func TestNamesAreNobody(t *testing.T) {
	account := func(from string) string {
		t.Helper()
		r, err := read([]byte(`{"update_id":1,"message":{"message_id":1,"chat":{"id":-5,"type":"group"},"from":`+from+`,"text":"/license list"}}`), "my_bot", time.Unix(1, 0))
		if err != nil || !r.acts {
			t.Fatalf("%s: %+v, %v", from, r, err)
		}
		return string(r.in.Account)
	}
	before := account(`{"id":5,"first_name":"Ann","username":"ann"}`)
	if after := account(`{"id":5,"first_name":"Eve","username":"eve"}`); after != before {
		t.Errorf("with a new name %s is %s", before, after)
	}
	if other := account(`{"id":6,"first_name":"Ann","username":"ann"}`); other == before {
		t.Errorf("who takes the name of %s is the same", before)
	}
}

// A proxy or library in between may write what is not there as null.
func TestWhatIsNullIsNotThere(t *testing.T) {
	r, err := read([]byte(`{"update_id":1,"callback_query":null,"message":{"message_id":1,"chat":{"id":-5,"type":"group"},"from":{"id":5},
		"sender_chat":null,"forward_origin":null,"forward_date":null,"via_bot":null,"text":"/license allow viewer","entities":null,
		"reply_to_message":{"message_id":2,"from":{"id":6},"sender_chat":null,"forum_topic_created":null}}}`), "my_bot", time.Unix(1, 0))
	if err != nil || !r.acts || r.in.Reply != "telegram:6" {
		t.Errorf("%+v, %v", r, err)
	}
}

// A topic's opening message names nobody, even where it does not say what it is.
func TestATopicsOpeningMessageIsNobodys(t *testing.T) {
	for reply, want := range map[string]requests.Account{
		`{"message_id":77,"from":{"id":6},"forum_topic_created":{"name":"x"}}`: "",
		`{"message_id":77,"from":{"id":6}}`:                                    "",
		`{"message_id":78,"from":{"id":6}}`:                                    "telegram:6",
	} {
		r, err := read([]byte(`{"update_id":1,"message":{"message_id":90,"chat":{"id":-5,"type":"supergroup"},"from":{"id":5},
			"message_thread_id":77,"is_topic_message":true,"text":"/license allow viewer","reply_to_message":`+reply+`}}`), "my_bot", time.Unix(1, 0))
		if err != nil || !r.acts || r.in.Reply != want {
			t.Errorf("a reply to %s names %q, %v", reply, r.in.Reply, err)
		}
	}
}

// "message thread not found" is what sending to thread 1 is answered with.
func TestGeneralIsNoThread(t *testing.T) {
	for thread, want := range map[string]string{"1": "", "2": "2"} {
		r, err := read([]byte(`{"update_id":1,"message":{"message_id":90,"chat":{"id":-5,"type":"supergroup","is_forum":true},"from":{"id":5},
			"message_thread_id":`+thread+`,"is_topic_message":true,"text":"/license"}}`), "my_bot", time.Unix(1, 0))
		if err != nil || !r.acts || r.in.Place.Thread != want {
			t.Errorf("thread %s is %q, %v", thread, r.in.Place.Thread, err)
		}
	}
}

func TestAPersonsChatNeedsNoType(t *testing.T) {
	for room, want := range map[string]bool{`{"id":5}`: true, `{"id":-5}`: false, `{"id":5,"type":"channel"}`: false} {
		r, err := read([]byte(`{"update_id":1,"message":{"message_id":90,"chat":`+room+`,"from":{"id":5},"text":"list"}}`), "my_bot", time.Unix(1, 0))
		if err != nil || r.acts != want || r.in.Place.Private != want {
			t.Errorf("%s: %+v, %v", room, r, err)
		}
	}
}

// Updates as long as they may be, of nothing but depth or number.
func TestUpdatesThatWeighMuch(t *testing.T) {
	for name, text := range map[string]string{
		"deep":     `{"update_id":1,"message":` + strings.Repeat(`{"reply_to_message":`, maxUpdate/20),
		"deep too": `{"update_id":1,"message":{"sender_chat":` + strings.Repeat("[", maxUpdate-100) + strings.Repeat("]", maxUpdate-100) + "}}",
	} {
		if r, err := read([]byte(text), "my_bot", time.Unix(1, 0)); !errors.Is(err, errUnreadable) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	mention := `{"type":"text_mention","offset":0,"length":1,"user":{"id":7}},`
	update := `{"update_id":1,"message":{"message_id":1,"chat":{"id":5,"type":"private"},"from":{"id":5},"text":"` + strings.Repeat("я", 4000) +
		`","entities":[` + strings.Repeat(mention, 10000) + `{}]}}`
	r, err := read([]byte(update), "my_bot", time.Unix(1, 0))
	if err != nil || !r.acts || len(r.in.Text) > 10000 {
		t.Errorf("%d bytes of text, %v", len(r.in.Text), err)
	}
}

// However long an answer says to wait, the bot asks again.
func TestNobodySilencesTheBot(t *testing.T) {
	for seconds, want := range map[int]time.Duration{
		-1: fallbackWait, 0: fallbackWait, 1: time.Second, 3600: time.Hour, 3601: time.Hour, 1 << 40: time.Hour, math.MaxInt: time.Hour, math.MinInt: fallbackWait,
	} {
		var l *chat.Limited
		if err := limited("5", seconds); !errors.As(err, &l) || l.After != want {
			t.Errorf("%d seconds: %v", seconds, err)
		}
	}
}

// Each sign by itself that a message is not its sender's own word is enough.
func TestOneSignIsEnough(t *testing.T) {
	acts := func(what string) bool {
		t.Helper()
		r, err := read([]byte(`{"update_id":1,`+what+`}`), "my_bot", time.Unix(1, 0))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return r.acts
	}
	const (
		start = `{"message_id":1,"date":1,`
		from  = `"from":{"id":5,"is_bot":false,"first_name":"Ann"},`
		group = `"chat":{"id":-5,"type":"supergroup"},`
		text  = `"text":"/license renew 1001"}`
	)
	if !acts(`"message":` + start + from + group + text) {
		t.Fatal("without any, it does not act")
	}
	for _, sign := range []string{
		`"sender_chat":{"id":-5,"type":"supergroup"},`, `"forward_date":1,`, `"via_bot":{"id":9,"is_bot":true},`,
		`"forward_origin":{"type":"hidden_user","date":1,"sender_user_name":"Ann"},`,
		`"business_connection_id":"b1",`, `"guest_query_id":"g1",`,
	} {
		if acts(`"message":` + start + sign + from + group + text) {
			t.Errorf("it acts with %s", sign)
		}
	}
	for _, who := range []string{
		"", `"from":{"id":5,"is_bot":true},`, `"from":{"id":1087968824},`, `"from":{"id":136817688},`, `"from":{"id":777000},`, `"from":{"id":0},`, `"from":{"id":-5},`,
	} {
		if acts(`"message":`+start+who+group+text) || acts(`"callback_query":{"id":"1",`+who+`"message":`+start+group+text+`,"data":"confirm:abc234"}`) {
			t.Errorf("it acts from %s", who)
		}
	}
	for _, kind := range []string{"edited_message", "channel_post", "edited_channel_post", "business_message", "edited_business_message"} {
		if acts(`"` + kind + `":` + start + from + group + text) {
			t.Errorf("it acts by %s", kind)
		}
	}
	if acts(`"message":` + start + from + `"chat":{"id":-5,"type":"channel"},` + text) {
		t.Error("it acts in a channel")
	}
	for to, want := range map[string]requests.Account{
		`"from":{"id":7}`:                                         "telegram:7",
		`"from":{"id":7},"sender_chat":{"id":-5}`:                 "",
		`"from":{"id":7},"forum_topic_created":{"name":"orders"}`: "",
		`"from":{"id":7,"is_bot":true}`:                           "",
		`"from":{"id":777000}`:                                    "",
		`"text":"hello"`:                                          "",
	} {
		r, err := read([]byte(`{"update_id":1,"message":`+start+from+group+`"reply_to_message":{`+to+`},`+text+`}`), "my_bot", time.Unix(1, 0))
		if err != nil || !r.acts || r.in.Reply != want {
			t.Errorf("a reply to %s is one to %q, %v", to, r.in.Reply, err)
		}
	}
}

// A redirect would carry what is sent on to somebody else.
func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		calls := 0
		a, err := New(Config{Token: "1:" + secret, HTTP: roundTrip(func(*http.Request) (*http.Response, error) {
			calls++
			return &http.Response{StatusCode: status, Header: http.Header{"Location": {"https://elsewhere.example/"}}, Body: http.NoBody}, nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Post(t.Context(), chat.Post{Place: chat.Place{ID: "5"}, Message: say("hello")})
		if err == nil || calls != 1 {
			t.Errorf("%d: %d calls, %v", status, calls, err)
		}
	}
}
