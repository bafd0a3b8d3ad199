package chat

import "strings"

// PlainText writes a message without any markup, as logs, the demo and golden
// files show it: head, blocks, and the buttons in brackets.
func PlainText(m Message) string {
	var b strings.Builder
	if m.Icon != "" {
		b.WriteString(m.Icon + " ")
	}
	b.WriteString(m.Head.String() + "\n")
	for _, block := range m.Blocks {
		for _, f := range block.Facts {
			b.WriteString(f.Label + ": " + f.Value.String() + "\n")
		}
		for _, l := range block.Lines {
			b.WriteString(l.String() + "\n")
		}
		for _, t := range []Text{block.Text, block.Note} {
			if len(t) > 0 {
				b.WriteString(t.String() + "\n")
			}
		}
	}
	for i, button := range m.Buttons {
		if i > 0 {
			b.WriteString(" ")
		}
		b.WriteString("[" + button.Label + "]")
	}
	if len(m.Buttons) > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

// String gives the text without its styles: a person as "@name", or by the account
// alone where that is the name, a link with its address behind it.
func (t Text) String() string {
	var b strings.Builder
	for _, s := range t {
		switch s.Kind {
		case Mention:
			if s.Text != string(s.Account) {
				b.WriteString("@")
			}
			b.WriteString(s.Text)
		case Link:
			b.WriteString(s.Text + " (" + s.URL + ")")
		case Plain, Bold, Code:
			b.WriteString(s.Text)
		}
	}
	return b.String()
}
