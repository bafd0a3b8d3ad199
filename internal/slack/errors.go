package slack

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/isplicense/license-bot/internal/chat"
)

// What Slack's error codes mean for whoever wanted to post. The words are those of
// the methods' pages (docs.slack.dev/reference/methods/chat.postMessage and so on).

// closedCodes: the bot may not post in that place, and why.
var closedCodes = map[string]string{
	"not_in_channel":                           "not-in-channel",
	"channel_not_found":                        "not-in-channel", // what a private channel says to those outside
	"user_not_in_channel":                      "not-in-channel", // chat.postEphemeral: the reader is not there
	"is_archived":                              "archived",
	"user_disabled":                            "gone",
	"user_not_found":                           "gone",
	"users_not_found":                          "gone",
	"user_not_visible":                         "gone",
	"cannot_dm_bot":                            "blocked",
	"messages_tab_disabled":                    "blocked",
	"restricted_action":                        "blocked",
	"restricted_action_read_only_channel":      "blocked",
	"restricted_action_thread_only_channel":    "blocked",
	"restricted_action_non_threadable_channel": "blocked",
	"restricted_action_thread_locked":          "blocked",
	"posting_to_general_channel_denied":        "blocked",
	"method_not_supported_for_channel_type":    "blocked",
	"ekm_access_denied":                        "blocked",
}

// goneCodes: what was to be edited or answered is not there, or can't be any more.
var goneCodes = map[string]bool{
	"message_not_found":       true,
	"cant_update_message":     true,
	"edit_window_closed":      true,
	"used_url":                true,
	"expired_url":             true,
	"thread_not_found":        true,
	"invalid_thread_ts":       true,
	"no_service":              true, // a response_url that Slack does not know (any more)
	"cannot_reply_to_message": true,
}

// tokenCodes: Slack refused the token before it looked at the call, and will take
// the same call once the app is mended; the words are for whoever runs the bot.
// account_inactive is, by Slack's words, about the token's own account and not the
// reader's: what waits is delivered when the app is installed again.
var tokenCodes = map[string]string{
	"invalid_auth":           "Slack does not know the token",
	"not_authed":             "Slack was given no token",
	"account_inactive":       "the token belongs to a bot or workspace that is deleted",
	"token_revoked":          "the token was revoked",
	"token_expired":          "the token has expired",
	"not_allowed_token_type": "the token is of the wrong kind",
}

// refusal says why Slack does not take the token for that method, "" for any other
// code. A bot's token that lacks a scope works for all else; an app's has only one.
func refusal(method, code string) string {
	if method == methodConnect && code == "missing_scope" {
		return "the token lacks its scope"
	}
	return tokenCodes[code]
}

// tokenError is a token that Slack does not take. Nothing was done.
type tokenError struct{ why, code string }

func (e *tokenError) Error() string { return e.why + " (" + e.code + ")" }
func (e *tokenError) Unwrap() error { return chat.ErrTemporary }

// lostCodes: by Slack's own words some part may have succeeded. That of
// service_unavailable says nothing either way, so it counts as well.
var lostCodes = map[string]bool{
	"fatal_error":         true,
	"internal_error":      true,
	"service_unavailable": true,
}

// limitedCodes: a 429 in the clothes of an answer.
var limitedCodes = map[string]bool{
	"ratelimited":            true,
	"rate_limited":           true,
	"message_limit_exceeded": true,
}

// againCodes: refused before anything was done, and not for good: an admin of the
// workspace can mend most of them.
var againCodes = map[string]bool{
	"request_timeout":            true, // the form arrived cut
	"external_channel_migrating": true,
	"team_added_to_org":          true,
	"org_login_required":         true,
	"missing_scope":              true,
	"no_permission":              true,
	"access_denied":              true,
	"accesslimited":              true, // not from this network
	"team_access_not_granted":    true,
	"two_factor_setup_required":  true,
}

// knownCode tells one of Slack's codes from a word of a proxy's.
func knownCode(code string) bool {
	return closedCodes[code] != "" || goneCodes[code] || tokenCodes[code] != "" || lostCodes[code] || limitedCodes[code] || againCodes[code]
}

// mapped turns any error of a call into chat's. The text names the method and what
// happened, and holds no secret.
func (a *Adapter) mapped(method, channel string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[slackgo.SlackErrorResponse](err); ok {
		return a.byCode(method, channel, e.Err, e.Needed)
	}
	if e, ok := errors.AsType[*slackgo.RateLimitedError](err); ok {
		return limited(method, channel, e.RetryAfter)
	}
	if e, ok := errors.AsType[slackgo.StatusCodeError](err); ok {
		return byStatus(method, e.Code)
	}
	kind := chat.ErrLost
	if e, ok := errors.AsType[*sendError](err); ok && e.nothing {
		kind = chat.ErrTemporary
	}
	return fmt.Errorf("%s: %s: %w", method, a.scrub.text(err.Error()), kind)
}

func (a *Adapter) byCode(method, channel, code, needed string) error {
	code = cleanCode(code)
	if limitedCodes[code] {
		return limited(method, channel, defaultPause)
	}
	if why, ok := closedCodes[code]; ok {
		switch {
		case code != "channel_not_found" || isChannel(channel):
		case strings.HasPrefix(channel, "D"):
			why = "not-in-chat"
		default:
			why = "gone"
		}
		return fmt.Errorf("%s: %s: %w", method, code, &chat.Closed{Why: why})
	}
	if why := refusal(method, code); why != "" {
		return fmt.Errorf("%s: %w", method, &tokenError{why: why, code: code})
	}
	kind := chat.ErrRejected
	switch {
	case goneCodes[code]:
		kind = chat.ErrGone
	case lostCodes[code]:
		kind = chat.ErrLost
	case againCodes[code]:
		kind = chat.ErrTemporary
	}
	if needed != "" {
		code += " (needs " + a.scrub.text(needed) + ")"
	}
	return fmt.Errorf("%s: %s: %w", method, code, kind)
}

// byStatus judges an answer that is not Slack's own: Slack says no with a 200. A
// 4xx comes from before Slack's application; a 5xx from before, within or after.
func byStatus(method string, status int) error {
	kind := chat.ErrTemporary
	switch {
	case status == http.StatusTooManyRequests:
		return limited(method, "", defaultPause)
	case status == http.StatusRequestEntityTooLarge:
		kind = chat.ErrRejected
	case status == http.StatusRequestTimeout, status >= http.StatusInternalServerError:
		kind = chat.ErrLost
	}
	return fmt.Errorf("%s: HTTP %d: %w", method, status, kind)
}

// limited names what must wait: Slack counts chat.postMessage by channel and all
// else by method (docs.slack.dev/apis/web-api/rate-limits).
func limited(method, channel string, after time.Duration) error {
	return &chat.Limited{After: after, Here: method == methodPost && channel != ""}
}

// outcome is the error's word for [Config.Observe].
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	if _, ok := errors.AsType[*chat.Limited](err); ok {
		return "limited"
	}
	if _, ok := errors.AsType[*chat.Closed](err); ok {
		return "closed"
	}
	switch {
	case errors.Is(err, chat.ErrGone):
		return "gone"
	case errors.Is(err, chat.ErrRejected):
		return "rejected"
	case errors.Is(err, chat.ErrTemporary):
		return "temporary"
	}
	return "lost"
}

// cleanCode keeps a code that looks like one: it goes into errors and logs.
func cleanCode(code string) string {
	if len(code) > 64 || strings.ContainsFunc(code, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' && r != '-'
	}) {
		return "unreadable_error_code"
	}
	return code
}

// isChannel says whether the id is a channel's, which one can be invited to, and
// not a person's or a direct message's.
func isChannel(id string) bool {
	return strings.HasPrefix(id, "C") || strings.HasPrefix(id, "G")
}
