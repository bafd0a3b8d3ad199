package telegramserver

// The wire types of the Bot API, as far as this server speaks it
// (core.telegram.org/bots/api#available-types).

type user struct {
	ID           int64  `json:"id"`
	IsBot        bool   `json:"is_bot"`
	FirstName    string `json:"first_name"`
	Username     string `json:"username,omitempty"`
	LanguageCode string `json:"language_code,omitempty"`
}

type chat struct {
	ID        int64  `json:"id"`
	Type      string `json:"type"`
	Title     string `json:"title,omitempty"`
	Username  string `json:"username,omitempty"`
	FirstName string `json:"first_name,omitempty"`
	IsForum   bool   `json:"is_forum,omitempty"`
}

// Entity is a styled piece of a message's text; Offset and Length count UTF-16 code
// units.
type Entity struct {
	Type   string `json:"type"`
	Offset int    `json:"offset"`
	Length int    `json:"length"`
	URL    string `json:"url,omitempty"`
	User   *user  `json:"user,omitempty"`
}

// Button is one button under a message.
type Button struct {
	Text  string `json:"text"`
	Data  string `json:"callback_data,omitempty"`
	URL   string `json:"url,omitempty"`
	Style string `json:"style,omitempty"`
}

type markup struct {
	InlineKeyboard [][]Button `json:"inline_keyboard"`
}

type origin struct {
	Type       string `json:"type"`
	Date       int64  `json:"date"`
	SenderUser *user  `json:"sender_user,omitempty"`
}

type topicCreated struct {
	Name      string `json:"name"`
	IconColor int    `json:"icon_color"`
}

type file struct {
	ID       string `json:"file_id"`
	UniqueID string `json:"file_unique_id"`
	Size     int    `json:"file_size"`
	Width    int    `json:"width,omitempty"`
	Height   int    `json:"height,omitempty"`
	Name     string `json:"file_name,omitempty"`
	MIME     string `json:"mime_type,omitempty"`
}

type message struct {
	ID                int           `json:"message_id"`
	ThreadID          int           `json:"message_thread_id,omitempty"`
	From              *user         `json:"from,omitempty"`
	SenderChat        *chat         `json:"sender_chat,omitempty"`
	Date              int64         `json:"date"`
	EditDate          int64         `json:"edit_date,omitempty"`
	Chat              chat          `json:"chat"`
	ForwardOrigin     *origin       `json:"forward_origin,omitempty"`
	IsTopicMessage    bool          `json:"is_topic_message,omitempty"`
	ReplyTo           *message      `json:"reply_to_message,omitempty"`
	ViaBot            *user         `json:"via_bot,omitempty"`
	Text              string        `json:"text,omitempty"`
	Entities          []Entity      `json:"entities,omitempty"`
	Photo             []file        `json:"photo,omitempty"`
	Document          *file         `json:"document,omitempty"`
	Caption           string        `json:"caption,omitempty"`
	CaptionEntities   []Entity      `json:"caption_entities,omitempty"`
	ForumTopicCreated *topicCreated `json:"forum_topic_created,omitempty"`
	MigrateToChatID   int64         `json:"migrate_to_chat_id,omitempty"`
	MigrateFromChatID int64         `json:"migrate_from_chat_id,omitempty"`
	ReplyMarkup       *markup       `json:"reply_markup,omitempty"`

	inaccessible bool
	content      []byte // of a photo or document
}

type inaccessibleMessage struct {
	Chat chat `json:"chat"`
	ID   int  `json:"message_id"`
	Date int  `json:"date"` // always 0
}

type callbackQuery struct {
	ID           string `json:"id"`
	From         user   `json:"from"`
	Message      any    `json:"message,omitempty"`
	ChatInstance string `json:"chat_instance"`
	Data         string `json:"data,omitempty"`
}

type chatMember struct {
	User   user   `json:"user"`
	Status string `json:"status"`
	Until  *int64 `json:"until_date,omitempty"` // with "kicked" alone
}

type chatMemberUpdated struct {
	Chat chat       `json:"chat"`
	From user       `json:"from"`
	Date int64      `json:"date"`
	Old  chatMember `json:"old_chat_member"`
	New  chatMember `json:"new_chat_member"`
}

// BotCommand is a line of the bot's menu.
type BotCommand struct {
	Command     string `json:"command"`
	Description string `json:"description"`
}

// apiError is an answer that is not ok.
type apiError struct {
	code       int
	text       string
	retryAfter int
	migrateTo  int64
}

func badRequest(text string) *apiError {
	return &apiError{code: 400, text: "Bad Request: " + text}
}

func forbidden(text string) *apiError {
	return &apiError{code: 403, text: "Forbidden: " + text}
}

func conflict(text string) *apiError {
	return &apiError{code: 409, text: "Conflict: " + text}
}
