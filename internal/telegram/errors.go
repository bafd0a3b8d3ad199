package telegram

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/isplicense/license-bot/internal/chat"
)

// errNotModified is Telegram's answer to an edit that changes nothing.
var errNotModified = errors.New("message is not modified")

// errToken, errConflict and errNoMethod tell the poller what to say and do; for a
// sender they are [chat.ErrTemporary].
var (
	errToken    = fmt.Errorf("%w: Telegram does not know the token", chat.ErrTemporary)
	errNoMethod = fmt.Errorf("%w: what stands at TELEGRAM_API_URL has no such method", chat.ErrTemporary)
	errConflict = fmt.Errorf("%w: another process receives this bot's updates", chat.ErrTemporary)
)

// fallbackWait is for a 429 that does not say how long; longestPause for one that would
// silence the bot: after it Telegram may say so again.
const (
	fallbackWait = 5 * time.Second
	longestPause = time.Hour
)

// refusal turns an answer that is not ok into the errors of package chat. The Bot
// API has no codes beside HTTP's, so its texts are read here, once; they are those
// of github.com/tdlib/telegram-bot-api, Client.cpp.
func refusal(method, chatID string, a apiAnswer) error {
	switch {
	case a.Code == http.StatusTooManyRequests:
		return limited(chatID, a.Parameters.RetryAfter)
	case a.Parameters.MigrateTo != 0:
		return &chat.Moved{To: group(a.Parameters.MigrateTo)}
	case a.Code == http.StatusNotFound && strings.Contains(strings.ToLower(a.Description), "method not found"):
		return fmt.Errorf("telegram %s: %w", method, errNoMethod)
	case a.Code == http.StatusUnauthorized, a.Code == http.StatusNotFound:
		return fmt.Errorf("telegram %s: %w", method, errToken)
	case a.Code == http.StatusConflict:
		return fmt.Errorf("telegram %s: %w", method, errConflict)
	case a.Code >= 500:
		// Telegram also answers 500 to a message that it had already put into the
		// chat ("sent message was immediately deleted"), so this proves nothing.
		return fmt.Errorf("telegram %s: %w: %s", method, chat.ErrLost, brief(a.Description))
	}
	text := strings.ToLower(a.Description)
	if strings.Contains(text, "message is not modified") {
		return errNotModified
	}
	if why := closedWhy(chatID, a.Code, text); why != "" {
		return &chat.Closed{Why: why}
	}
	if containsAny(text, "message to edit not found", "message can't be edited", "message_id_invalid",
		"there is no text in the message to edit", "message to be replied not found", "query is too old") {
		return fmt.Errorf("telegram %s: %w: %s", method, chat.ErrGone, brief(a.Description))
	}
	return fmt.Errorf("telegram %s: %w: %s", method, chat.ErrRejected, brief(a.Description))
}

// closedWhy is [chat.Closed]'s reason, "" where the refusal is about something
// else.
func closedWhy(chatID string, code int, text string) string {
	person := !strings.HasPrefix(chatID, "-")
	switch {
	case strings.Contains(text, "blocked by the user"):
		return "blocked"
	case strings.Contains(text, "can't initiate conversation"):
		return "not-started"
	case containsAny(text, "chat not found", "peer_id_invalid") && person:
		// Telegram does not tell a person that the bot has never met from nobody.
		return "not-started"
	case containsAny(text, "chat not found", "peer_id_invalid", "chat was deleted", "user is deactivated",
		"message thread not found", "topic_deleted", "send messages to bots"):
		return "gone"
	case strings.Contains(text, "topic_closed"):
		return "topic-closed"
	case code == http.StatusForbidden,
		containsAny(text, "not enough rights", "have no rights", "need administrator rights",
			// Names that Telegram itself gives, and the Bot API passes on.
			"chat_write_forbidden", "chat_restricted", "chat_send_plain_forbidden", "user_banned_in_channel", "channel_private"):
		return "not-in-channel"
	}
	return ""
}

func limited(chatID string, seconds int) error {
	after := time.Duration(min(seconds, int(longestPause.Seconds()))) * time.Second
	if after <= 0 {
		after = fallbackWait
	}
	return &chat.Limited{After: after, Here: chatID != ""}
}

// brief keeps what is Telegram's own sentence.
func brief(description string) string {
	const most = 200
	runes := []rune(description)
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return description
}

func containsAny(s string, substrings ...string) bool {
	for _, sub := range substrings {
		if strings.Contains(s, sub) {
			return true
		}
	}
	return false
}

// resultName is what became of a call, in a word for the metrics.
func resultName(err error) string {
	var limited *chat.Limited
	var closed *chat.Closed
	var moved *chat.Moved
	switch {
	case err == nil, errors.Is(err, errNotModified):
		return "ok"
	case errors.As(err, &limited):
		return "limited"
	case errors.As(err, &closed):
		return "closed"
	case errors.As(err, &moved):
		return "moved"
	case errors.Is(err, chat.ErrTemporary):
		return "temporary"
	case errors.Is(err, chat.ErrRejected):
		return "rejected"
	case errors.Is(err, chat.ErrGone):
		return "gone"
	}
	return "lost"
}
