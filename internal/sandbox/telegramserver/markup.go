package telegramserver

import (
	"encoding/json"
	"strings"
)

// parseMarkup reads reply_markup. Only inline keyboards are known here: the other
// kinds are no part of a bot that lives by buttons under its messages.
func parseMarkup(src string) (*markup, *apiError) {
	if src == "" {
		return nil, nil
	}
	var raw struct {
		Rows *[]json.RawMessage `json:"inline_keyboard"`
	}
	if err := json.Unmarshal([]byte(src), &raw); err != nil {
		return nil, badRequest("can't parse reply keyboard markup JSON object")
	}
	if raw.Rows == nil {
		return nil, badRequest("object expected as reply markup")
	}
	mk := &markup{}
	total := 0
	for _, rawRow := range *raw.Rows {
		var cells []json.RawMessage
		if json.Unmarshal(rawRow, &cells) != nil {
			return nil, badRequest(`field "inline_keyboard" must be an Array of Arrays`)
		}
		var row []Button
		for _, cell := range cells {
			b, fail := parseButton(cell)
			if fail != nil {
				return nil, fail
			}
			if len(row) < maxButtonsRow {
				row = append(row, b)
				total++
			}
		}
		if len(row) > 0 {
			mk.InlineKeyboard = append(mk.InlineKeyboard, row)
		}
	}
	if total > maxButtons {
		return nil, badRequest("reply markup is too long")
	}
	if total == 0 {
		return nil, nil
	}
	return mk, nil
}

func parseButton(src []byte) (Button, *apiError) {
	var b Button
	if json.Unmarshal(src, &b) != nil {
		return b, badRequest("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
	}
	b.Text = strings.TrimSpace(strings.Map(cleanRune, b.Text))
	switch {
	case b.Text == "":
		return b, badRequest("can't parse inline keyboard button: Text buttons must have a text")
	case b.Style != "" && b.Style != "primary" && b.Style != "danger" && b.Style != "success":
		return b, badRequest("can't parse inline keyboard button: invalid button style specified")
	case b.URL != "" && !linkEntity(&Entity{}, b.URL):
		return b, badRequest("inline keyboard button URL '" + b.URL + "' is invalid: Wrong HTTP URL")
	case b.URL != "":
		b.Data = ""
	case b.Data == "":
		return b, badRequest("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
	case len(b.Data) > maxButtonData:
		return b, badRequest("BUTTON_DATA_INVALID")
	}
	return b, nil
}
