package slackserver

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mrkdwn turns Slack's markup into what is shown and notes who is notified
// (docs.slack.dev/messaging/formatting-message-text).
func (r *renderer) mrkdwn(text string) string {
	var out strings.Builder
	plain := func(t string) { out.WriteString(unescape(t)) }
	text = stripEmphasis(text)
	for {
		start := strings.IndexByte(text, '<')
		if start < 0 {
			plain(text)
			return out.String()
		}
		end := strings.IndexAny(text[start+1:], "<>\n")
		if end < 0 || text[start+1+end] != '>' {
			plain(text[:start+1])
			text = text[start+1:]
			continue
		}
		plain(text[:start])
		plain(r.angle(text[start+1 : start+1+end]))
		text = text[start+end+2:]
	}
}

// angle is what <…> shows.
func (r *renderer) angle(body string) string {
	target, label, labelled := strings.Cut(body, "|")
	ping := func(who string) {
		if !slices.Contains(r.pings, who) {
			r.pings = append(r.pings, who)
		}
	}
	switch {
	case target == "":
		return "<" + body + ">"
	case target[0] == '@':
		id := target[1:]
		if u := r.s.users[id]; u != nil {
			ping(id)
			return "@" + u.name
		}
		return "@" + id
	case target[0] == '#':
		if c := r.s.channels[target[1:]]; c != nil {
			return "#" + c.name
		}
		return "#private"
	case target[0] == '!':
		what := strings.TrimPrefix(target, "!")
		switch {
		case what == "channel" || what == "here" || what == "everyone":
			ping(what)
			return "@" + what
		case strings.HasPrefix(what, "subteam^"):
			ping(strings.TrimPrefix(what, "subteam^"))
		}
		if labelled {
			return label
		}
		return "<" + what + ">"
	case labelled:
		return label
	case !strings.Contains(target, ":"): // no link
		return "<" + target + ">"
	}
	return strings.TrimPrefix(target, "mailto:")
}

// stripEmphasis takes the marks of bold, italic, struck and code away, where Slack
// takes them for such: at the edges of words, within a line. Code keeps what is in it.
func stripEmphasis(text string) string {
	if !strings.ContainsAny(text, "*_~`") {
		return text
	}
	text = strings.ReplaceAll(text, "```", "`")
	var out strings.Builder
	prev := ' '
	for i := 0; i < len(text); {
		ch, size := utf8.DecodeRuneInString(text[i:])
		if strings.ContainsRune("*_~`", ch) && !wordRune(prev) {
			if n := closing(text[i+1:], byte(ch)); n > 0 {
				inner := text[i+1 : i+1+n]
				if ch != '`' {
					inner = stripEmphasis(inner)
				}
				out.WriteString(inner)
				i += n + 2
				prev = ch
				continue
			}
		}
		out.WriteString(text[i : i+size])
		prev = ch
		i += size
	}
	return out.String()
}

// closing is where the mark ends that was opened just before text, or 0.
func closing(text string, mark byte) int {
	first, _ := utf8.DecodeRuneInString(text)
	if unicode.IsSpace(first) && mark != '`' {
		return 0
	}
	for i := 1; i < len(text); i++ {
		if text[i] == '\n' && mark != '`' {
			return 0
		}
		if text[i] != mark {
			continue
		}
		next, _ := utf8.DecodeRuneInString(text[i+1:])
		last, _ := utf8.DecodeLastRuneInString(text[:i])
		if (i+1 == len(text) || !wordRune(next)) && (mark == '`' || !unicode.IsSpace(last)) {
			return i
		}
	}
	return 0
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

var unescaper = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

func unescape(text string) string { return unescaper.Replace(text) }

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

var (
	wordPattern    = regexp.MustCompile(`[^\s=,;()"'“”]+`)
	urlPattern     = regexp.MustCompile(`^https?://\S+$`)
	mailPattern    = regexp.MustCompile(`^[\w.+-]+@[\w-]+(\.[\w-]+)*\.[a-zA-Z]{2,}$`)
	domainPattern  = regexp.MustCompile(`^([a-zA-Z0-9-]+\.)+[a-zA-Z]{2,}(/\S*)?$`)
	wholeURLInText = regexp.MustCompile(`https?://\S+`)
)

// escapeCommand is a typed command's text as the app gets it: with should_escape,
// mentions, channels and links become <…> forms
// (docs.slack.dev/interactivity/implementing-slash-commands#creating_your_command).
// The lock is held.
func (s *Server) escapeCommand(text string) string {
	text = escaper.Replace(text)
	if s.opts.PlainMentions {
		return text
	}
	var out strings.Builder
	for text != "" {
		loc := wholeURLInText.FindStringIndex(text)
		if loc == nil {
			out.WriteString(wordPattern.ReplaceAllStringFunc(text, s.escapeWord))
			break
		}
		out.WriteString(wordPattern.ReplaceAllStringFunc(text[:loc[0]], s.escapeWord))
		out.WriteString(s.escapeWord(text[loc[0]:loc[1]]))
		text = text[loc[1]:]
	}
	return out.String()
}

func (s *Server) escapeWord(word string) string {
	switch {
	case word[0] == '@':
		if u := s.names[word[1:]]; u != nil {
			return "<@" + u.id + "|" + u.name + ">"
		}
	case word[0] == '#':
		if c := s.byName[word[1:]]; c != nil {
			return "<#" + c.id + "|" + c.name + ">"
		}
	case urlPattern.MatchString(word):
		return "<" + word + ">"
	case mailPattern.MatchString(word):
		return "<mailto:" + word + "|" + word + ">"
	case domainPattern.MatchString(word):
		return "<http://" + word + "|" + word + ">"
	}
	return word
}

// escapeMessage is a typed message's text as the app gets it: mentions as <@id>. The
// lock is held.
func (s *Server) escapeMessage(text string) string {
	return wordPattern.ReplaceAllStringFunc(escaper.Replace(text), func(word string) string {
		if u := s.names[strings.TrimPrefix(word, "@")]; u != nil && word[0] == '@' {
			return "<@" + u.id + ">"
		}
		return word
	})
}
