package telegramserver

import (
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// method is one method of the Bot API: at runs with the lock held, waits without.
type method struct {
	name  string
	at    func(*Server, arguments) (any, *apiError)
	waits func(*Server, context.Context, arguments) (json.RawMessage, *apiError)
}

// methods are all that this server knows, by their names in small letters: Telegram
// takes them in any case.
var methods = map[string]method{
	"getme":                  {name: "getMe", at: getMe},
	"getupdates":             {name: "getUpdates", waits: getUpdates},
	"setwebhook":             {name: "setWebhook", at: setWebhook},
	"deletewebhook":          {name: "deleteWebhook", at: deleteWebhook},
	"getwebhookinfo":         {name: "getWebhookInfo", at: getWebhookInfo},
	"sendmessage":            {name: "sendMessage", at: sendMessage},
	"sendphoto":              {name: "sendPhoto", at: sendFile("photo")},
	"senddocument":           {name: "sendDocument", at: sendFile("document")},
	"editmessagetext":        {name: "editMessageText", at: editMessageText},
	"editmessagereplymarkup": {name: "editMessageReplyMarkup", at: editMessageReplyMarkup},
	"answercallbackquery":    {name: "answerCallbackQuery", at: answerCallbackQuery},
	"setmycommands":          {name: "setMyCommands", at: setMyCommands},
	"getmycommands":          {name: "getMyCommands", at: getMyCommands},
	"deletemycommands":       {name: "deleteMyCommands", at: deleteMyCommands},
	"getchat":                {name: "getChat", at: getChat},
	"getchatmember":          {name: "getChatMember", at: getChatMember},
}

func getMe(s *Server, _ arguments) (any, *apiError) {
	return struct {
		user
		CanJoinGroups           bool `json:"can_join_groups"`
		CanReadAllGroupMessages bool `json:"can_read_all_group_messages"`
		SupportsInlineQueries   bool `json:"supports_inline_queries"`
	}{s.me, true, s.opts.SeesAll, false}, nil
}

func getUpdates(s *Server, ctx context.Context, a arguments) (json.RawMessage, *apiError) {
	offset, _ := strconv.ParseInt(a.str("offset"), 10, 64)
	allowed, fail := allowedUpdates(a)
	if fail != nil {
		return nil, fail
	}
	batch, fail := s.getUpdates(ctx, offset, a.int("limit"), time.Duration(a.int("timeout"))*time.Second, allowed)
	if fail != nil {
		return nil, fail
	}
	b, err := json.Marshal(batch)
	if err != nil {
		return nil, &apiError{code: 500, text: "Internal Server Error"}
	}
	return b, nil
}

// allowedUpdates reads allowed_updates; nil leaves what was set before.
func allowedUpdates(a arguments) ([]string, *apiError) {
	src := a.str("allowed_updates")
	if src == "" {
		return nil, nil
	}
	kinds := []string{}
	if json.Unmarshal([]byte(src), &kinds) != nil {
		return nil, badRequest("can't parse allowed_updates: expected an Array of String")
	}
	return kinds, nil
}

// outgoingFrom reads what all the send methods have in common.
func outgoingFrom(a arguments) (outgoing, *apiError) {
	o := outgoing{chatID: a.str("chat_id"), threadID: a.int("message_thread_id")}
	var fail *apiError
	if o.markup, fail = parseMarkup(a.str("reply_markup")); fail != nil {
		return o, fail
	}
	if src := a.str("reply_parameters"); src != "" {
		var reply struct {
			ID    int  `json:"message_id"`
			Loose bool `json:"allow_sending_without_reply"`
		}
		if json.Unmarshal([]byte(src), &reply) != nil {
			return o, badRequest("can't parse reply parameters JSON object")
		}
		o.reply, o.replyLoose = reply.ID, reply.Loose
	}
	return o, nil
}

// visibleText is the text of a message after parsing, which may not be empty.
func visibleText(a arguments) (string, []Entity, *apiError) {
	if a.str("text") == "" {
		return "", nil, badRequest("message text is empty")
	}
	text, entities, fail := formatted(a.str("text"), a.str("parse_mode"), maxText)
	if fail == nil && text == "" {
		fail = badRequest("text must be non-empty")
	}
	return text, entities, fail
}

func sendMessage(s *Server, a arguments) (any, *apiError) {
	text, entities, fail := visibleText(a)
	if fail != nil {
		return nil, fail
	}
	o, fail := outgoingFrom(a)
	if fail != nil {
		return nil, fail
	}
	o.text, o.entities = text, entities
	m, fail := s.send(o)
	if fail != nil {
		return nil, fail
	}
	return m, nil
}

func sendFile(field string) func(*Server, arguments) (any, *apiError) {
	return func(s *Server, a arguments) (any, *apiError) {
		name := field
		if attached, ok := strings.CutPrefix(a.str(field), "attach://"); ok {
			name = attached
		}
		up := a.files[name]
		if up == nil {
			return nil, badRequest("there is no " + field + " in the request")
		}
		caption, entities, fail := formatted(a.str("caption"), a.str("parse_mode"), maxCaption)
		if fail != nil {
			return nil, fail
		}
		o, fail := outgoingFrom(a)
		if fail != nil {
			return nil, fail
		}
		o.text, o.entities = caption, entities
		if field == "photo" {
			o.photo = up
		} else {
			o.document = up
		}
		m, fail := s.send(o)
		if fail != nil {
			return nil, fail
		}
		return m, nil
	}
}

func editMessageText(s *Server, a arguments) (any, *apiError) {
	text, entities, fail := visibleText(a)
	if fail != nil {
		return nil, fail
	}
	mk, fail := parseMarkup(a.str("reply_markup"))
	if fail != nil {
		return nil, fail
	}
	m, fail := s.edit(a.str("chat_id"), a.int("message_id"), &text, entities, mk)
	if fail != nil {
		return nil, fail
	}
	return m, nil
}

func editMessageReplyMarkup(s *Server, a arguments) (any, *apiError) {
	mk, fail := parseMarkup(a.str("reply_markup"))
	if fail != nil {
		return nil, fail
	}
	m, fail := s.edit(a.str("chat_id"), a.int("message_id"), nil, nil, mk)
	if fail != nil {
		return nil, fail
	}
	return m, nil
}

func answerCallbackQuery(s *Server, a arguments) (any, *apiError) {
	if fail := s.answerQuery(a.str("callback_query_id"), a.str("text"), a.bool("show_alert")); fail != nil {
		return nil, fail
	}
	return true, nil
}

var secretForm = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func setWebhook(s *Server, a arguments) (any, *apiError) {
	to, secret := a.str("url"), a.str("secret_token")
	if u, err := url.Parse(to); to != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		return nil, badRequest("bad webhook: invalid webhook URL specified")
	}
	if secret != "" && (len(secret) > 256 || !secretForm.MatchString(secret)) {
		return nil, badRequest("secret token contains unallowed characters")
	}
	allowed, fail := allowedUpdates(a)
	if fail != nil {
		return nil, fail
	}
	if allowed != nil {
		s.updates.allow(allowed)
	}
	s.setWebhook(to, secret, a.int("max_connections"), a.bool("drop_pending_updates"))
	return true, nil
}

func deleteWebhook(s *Server, a arguments) (any, *apiError) {
	s.setWebhook("", "", 0, a.bool("drop_pending_updates"))
	return true, nil
}

func getWebhookInfo(s *Server, _ arguments) (any, *apiError) {
	info := map[string]any{"url": "", "has_custom_certificate": false}
	pending := 0
	for _, u := range s.updates.pending {
		if !u.gone {
			pending++
		}
	}
	info["pending_update_count"] = pending
	if h := s.updates.hook; h != nil {
		info["url"], info["max_connections"] = h.url, len(h.lanes)
	}
	if s.updates.lastErr != "" {
		info["last_error_message"], info["last_error_date"] = s.updates.lastErr, s.updates.errAt
	}
	return info, nil
}

var commandForm = regexp.MustCompile(`^[a-z0-9_]+$`)

func setMyCommands(s *Server, a arguments) (any, *apiError) {
	key, fail := menuKey(a)
	if fail != nil {
		return nil, fail
	}
	var commands []BotCommand
	if json.Unmarshal([]byte(a.str("commands")), &commands) != nil {
		return nil, badRequest("can't parse commands JSON object")
	}
	if len(commands) > maxCommands {
		return nil, badRequest("BOT_COMMANDS_TOO_MUCH")
	}
	for _, c := range commands {
		if len(c.Command) > maxCommandName || !commandForm.MatchString(c.Command) {
			return nil, badRequest("BOT_COMMAND_INVALID")
		}
		if n := units(c.Description); n < 1 || n > maxCommandText {
			return nil, badRequest("BOT_COMMAND_DESCRIPTION_INVALID")
		}
	}
	s.commands[key] = commands
	s.touch()
	return true, nil
}

func getMyCommands(s *Server, a arguments) (any, *apiError) {
	key, fail := menuKey(a)
	if fail != nil {
		return nil, fail
	}
	if s.commands[key] == nil {
		return []BotCommand{}, nil
	}
	return s.commands[key], nil
}

func deleteMyCommands(s *Server, a arguments) (any, *apiError) {
	key, fail := menuKey(a)
	if fail != nil {
		return nil, fail
	}
	delete(s.commands, key)
	return true, nil
}

// menuKey names a menu by its scope and language.
func menuKey(a arguments) (string, *apiError) {
	scope := struct {
		Type   string `json:"type"`
		ChatID any    `json:"chat_id"`
		UserID int64  `json:"user_id"`
	}{Type: "default"}
	if src := a.str("scope"); src != "" && json.Unmarshal([]byte(src), &scope) != nil {
		return "", badRequest("can't parse BotCommandScope JSON object")
	}
	known := []string{"default", "all_private_chats", "all_group_chats", "all_chat_administrators", "chat", "chat_administrators", "chat_member"}
	if !slices.Contains(known, scope.Type) {
		return "", badRequest("can't parse BotCommandScope: Unsupported type specified")
	}
	lang := a.str("language_code")
	if lang != "" && (len(lang) != 2 || lang != strings.ToLower(lang)) {
		return "", badRequest("invalid language code specified")
	}
	b, _ := json.Marshal(scope)
	return string(b) + lang, nil
}

// Menu is the bot's menu in every chat, in a language; "" for the others.
func (s *Server) Menu(lang string) []BotCommand {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, _ := menuKey(arguments{values: map[string]string{"language_code": lang}})
	return slices.Clone(s.commands[key])
}

func getChat(s *Server, a arguments) (any, *apiError) {
	r, fail := s.room(a.str("chat_id"))
	if fail != nil {
		return nil, fail
	}
	return r.chat, nil
}

func getChatMember(s *Server, a arguments) (any, *apiError) {
	r, fail := s.room(a.str("chat_id"))
	if fail != nil {
		return nil, fail
	}
	id, _ := strconv.ParseInt(a.str("user_id"), 10, 64)
	if id == s.me.ID {
		return chatMember{User: s.me, Status: r.bot}, nil
	}
	p := s.people[id]
	if p == nil {
		return nil, badRequest("user not found")
	}
	status := "left"
	if r.members[id] {
		status = "member"
	}
	return chatMember{User: p.user, Status: status}, nil
}
