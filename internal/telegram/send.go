package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"github.com/isplicense/license-bot/internal/chat"
)

// Post sends a message. Its errors are those of package chat: [chat.ErrTemporary]
// where no connection was made, [chat.ErrLost] for everything after that, a 5xx of
// Telegram's included, since it may come after the message is in the chat.
// core.telegram.org/bots/api#sendmessage
func (a *Adapter) Post(ctx context.Context, p chat.Post) (chat.Ref, error) {
	params := &bot.SendMessageParams{
		ChatID: p.Place.ID, Text: render(p.Message), ParseMode: models.ParseModeHTML, LinkPreviewOptions: noPreview(),
	}
	if p.Place.Thread != "" {
		thread, err := strconv.Atoi(p.Place.Thread)
		if err != nil {
			return "", fmt.Errorf("%q is no Telegram topic: %w", p.Place.Thread, chat.ErrRejected)
		}
		// A link to the topic General names it, and so may a setting.
		if thread != general {
			params.MessageThreadID = thread
		}
	}
	// A reply is for the eye: where the message is in another chat, or has been
	// deleted, this one is sent all the same.
	if p.ReplyTo != "" {
		chatID, id, err := splitRef(p.ReplyTo)
		if err == nil && chatID == p.Place.ID {
			params.ReplyParameters = &models.ReplyParameters{MessageID: id, AllowSendingWithoutReply: true}
		}
	}
	markup, err := keyboard(p.Message.Buttons)
	if err != nil {
		return "", err
	}
	if markup != nil {
		params.ReplyMarkup = markup
	}
	result, err := a.call(ctx, "sendMessage", p.Place.ID, func(ctx context.Context) error {
		_, err := a.api.SendMessage(ctx, params)
		return err
	})
	if err != nil {
		return "", err
	}
	// The message stands where it was sent to; only its number is news.
	var sent struct {
		ID int `json:"message_id"`
	}
	if json.Unmarshal(result, &sent) != nil || sent.ID <= 0 {
		return "", fmt.Errorf("telegram sendMessage: %w: the answer names no message", chat.ErrLost)
	}
	return refOf(p.Place.ID, sent.ID), nil
}

// Edit replaces a message, buttons and all; it may be done again.
// core.telegram.org/bots/api#editmessagetext
func (a *Adapter) Edit(ctx context.Context, r chat.Ref, m chat.Message) error {
	chatID, id, err := splitRef(r)
	if err != nil {
		return err
	}
	markup, err := keyboard(m.Buttons)
	if err != nil {
		return err
	}
	params := &bot.EditMessageTextParams{
		ChatID: chatID, MessageID: id, Text: render(m), ParseMode: models.ParseModeHTML, LinkPreviewOptions: noPreview(),
	}
	if markup != nil {
		params.ReplyMarkup = markup
	}
	_, err = a.call(ctx, "editMessageText", chatID, func(ctx context.Context) error {
		_, err := a.api.EditMessageText(ctx, params)
		return err
	})
	var moved *chat.Moved
	switch {
	case errors.Is(err, errNotModified):
		return nil
	case errors.As(err, &moved):
		// The messages of a group stay behind when it becomes a supergroup.
		return fmt.Errorf("telegram editMessageText: %w: %w", chat.ErrGone, err)
	}
	return err
}

// Answer tells the asker how their command or click was taken. A command is
// answered by a reply; a click by a dialog with as much as 200 characters hold,
// which ends the client's waiting. [chat.ErrGone] is for a click that Telegram no
// longer lets anyone answer.
func (a *Adapter) Answer(ctx context.Context, in chat.Inbound, m chat.Message) error {
	if in.Kind == chat.Click {
		return a.answerQuery(ctx, in.Handle, summary(m))
	}
	_, err := a.Post(ctx, chat.Post{Place: in.Place, ReplyTo: in.Message, Message: m})
	return err
}

// Acknowledge ends the client's waiting for a click that was accepted.
func (a *Adapter) Acknowledge(ctx context.Context, in chat.Inbound) error {
	return a.answerQuery(ctx, in.Handle, "")
}

// answerQuery answers a click; with a text, in a dialog that stays until it is
// read: what is put in words was not done, and a notice that fades would be missed.
// core.telegram.org/bots/api#answercallbackquery
func (a *Adapter) answerQuery(ctx context.Context, id, text string) error {
	params := &bot.AnswerCallbackQueryParams{CallbackQueryID: id, Text: text, ShowAlert: text != ""}
	_, err := a.call(ctx, "answerCallbackQuery", "", func(ctx context.Context) error {
		_, err := a.api.AnswerCallbackQuery(ctx, params)
		return err
	})
	return err
}

func noPreview() *models.LinkPreviewOptions {
	disabled := true
	return &models.LinkPreviewOptions{IsDisabled: &disabled}
}
