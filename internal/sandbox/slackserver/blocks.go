package slackserver

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The shapes of blocks, elements and views with Slack's limits, from
// docs.slack.dev/reference/block-kit. Kinds of blocks that are not here are refused,
// those that Slack has and this server has not among them.

// rule checks one value; path is its JSON pointer.
type rule func(v *validator, path string, value any)

// shape is an object's fields; a name with "!" at its end must be there.
type shape map[string]rule

// maxBlockText is how many characters all text of a message's blocks may have
// together; undocumented (slackapi/bolt-js#2509).
const maxBlockText = 13000

// validator collects what is wrong with blocks.
type validator struct {
	problems []string
	chars    int
}

func (v *validator) fail(path, format string, a ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, a...)+" [json-pointer:"+path+"]")
}

func (s shape) check(v *validator, path string, value any) {
	object, ok := value.(map[string]any)
	if !ok {
		v.fail(path, "must be an object")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if name == "type" {
			continue
		}
		r := s[name]
		if r == nil {
			r = s[name+"!"]
		}
		if r == nil {
			v.fail(path, "invalid additional property: %s", name)
			continue
		}
		r(v, path+"/"+name, object[name])
	}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if field, need := strings.CutSuffix(name, "!"); need {
			if _, there := object[field]; !there {
				v.fail(path, "missing required field: %s", field)
			}
		}
	}
}

// oneOf checks an object by the shape that its "type" names.
func oneOf(kinds map[string]shape) rule {
	return func(v *validator, path string, value any) {
		object, _ := value.(map[string]any)
		s, ok := kinds[str(object["type"])]
		if !ok {
			v.fail(path+"/type", "unsupported type: %s", str(object["type"]))
			return
		}
		s.check(v, path, value)
	}
}

// chars is a string of so many characters.
func chars(low, high int) rule {
	return func(v *validator, path string, value any) {
		text, ok := value.(string)
		n := utf8.RuneCountInString(text)
		switch {
		case !ok:
			v.fail(path, "must be a string")
		case n > high:
			v.fail(path, "must be less than %d characters", high+1)
		case n < low:
			v.fail(path, "must be more than %d characters", low-1)
		}
	}
}

// webURL is an http or https address.
func webURL(v *validator, path string, value any) {
	chars(1, 3000)(v, path, value)
	if u := str(value); !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://") {
		v.fail(path, "invalid url")
	}
}

func boolean(v *validator, path string, value any) {
	if _, ok := value.(bool); !ok {
		v.fail(path, "must be a boolean")
	}
}

func integer(v *validator, path string, value any) {
	if n, ok := value.(float64); !ok || n != float64(int64(n)) {
		v.fail(path, "must be an integer")
	}
}

func among(words ...string) rule {
	return func(v *validator, path string, value any) {
		if !slices.Contains(words, str(value)) {
			v.fail(path, "must be a valid enum value")
		}
	}
}

// items is a list of so many, each as the rule says.
func items(low, high int, each rule) rule {
	return func(v *validator, path string, value any) {
		list, ok := value.([]any)
		switch {
		case !ok:
			v.fail(path, "must be an array")
			return
		case len(list) > high:
			v.fail(path, "no more than %d items allowed", high)
			return
		case len(list) < low:
			v.fail(path, "no fewer than %d items allowed", low)
		}
		ids := map[string]bool{}
		for i, item := range list {
			at := path + "/" + strconv.Itoa(i)
			each(v, at, item)
			if object, _ := item.(map[string]any); object != nil {
				if id := str(object["action_id"]); id != "" {
					if ids[id] {
						v.fail(at+"/action_id", "`action_id` %q already exists", id)
					}
					ids[id] = true
				}
			}
		}
	}
}

// plain and rich are text objects: plain_text alone, or mrkdwn as well.
func plain(high int) rule {
	return oneOf(map[string]shape{"plain_text": {"text!": counted(high), "emoji": boolean}})
}

func rich(high int) rule {
	return oneOf(map[string]shape{
		"plain_text": {"text!": counted(high), "emoji": boolean},
		"mrkdwn":     {"text!": counted(high), "verbatim": boolean},
	})
}

// counted is a text that counts for the limit of a whole message.
func counted(high int) rule {
	check := chars(1, high)
	return func(v *validator, path string, value any) {
		v.chars += utf8.RuneCountInString(str(value))
		check(v, path, value)
	}
}

var (
	identifier = chars(1, 255)
	style      = among("primary", "danger")
	confirm    = shape{"title!": plain(100), "text!": rich(300), "confirm!": plain(30), "deny!": plain(30), "style": style}.check
	option     = shape{"text!": rich(75), "value!": chars(1, 150), "description": rich(75), "url": webURL}.check
	group      = shape{"label!": plain(75), "options!": items(1, 100, option)}.check

	image = shape{"image_url": webURL, "slack_file": func(*validator, string, any) {}, "alt_text!": chars(1, 2000)}

	button = shape{
		"text!": plain(75), "action_id": identifier, "url": webURL, "value": chars(0, 2000),
		"style": style, "confirm": confirm, "accessibility_label": chars(1, 75),
	}
	dispatch = shape{"trigger_actions_on": items(1, 2, among("on_enter_pressed", "on_character_entered"))}.check

	elements = map[string]shape{
		"button": button,
		"static_select": {
			"action_id": identifier, "placeholder": plain(150), "options": items(1, 100, option), "option_groups": items(1, 100, group),
			"initial_option": option, "confirm": confirm, "focus_on_load": boolean,
		},
		"users_select":  {"action_id": identifier, "placeholder": plain(150), "initial_user": chars(1, 30), "confirm": confirm, "focus_on_load": boolean},
		"overflow":      {"action_id": identifier, "options!": items(1, 5, option), "confirm": confirm},
		"datepicker":    {"action_id": identifier, "placeholder": plain(150), "initial_date": chars(10, 10), "confirm": confirm, "focus_on_load": boolean},
		"radio_buttons": {"action_id": identifier, "options!": items(1, 10, option), "initial_option": option, "confirm": confirm, "focus_on_load": boolean},
		"checkboxes":    {"action_id": identifier, "options!": items(1, 10, option), "initial_options": items(1, 10, option), "confirm": confirm, "focus_on_load": boolean},
	}
	inputs = with(without(elements, "button", "overflow"), map[string]shape{
		"plain_text_input": {
			"action_id": identifier, "placeholder": plain(150), "initial_value": chars(0, 3000), "multiline": boolean,
			"min_length": integer, "max_length": integer, "dispatch_action_config": dispatch, "focus_on_load": boolean,
		},
		"number_input": {
			"action_id": identifier, "placeholder": plain(150), "initial_value": chars(1, 100), "is_decimal_allowed!": boolean,
			"min_value": chars(1, 100), "max_value": chars(1, 100), "dispatch_action_config": dispatch, "focus_on_load": boolean,
		},
	})

	block = oneOf(map[string]shape{
		"section": {
			"block_id": identifier, "text": rich(3000), "fields": items(1, 10, rich(2000)), "expand": boolean,
			"accessory": oneOf(with(elements, map[string]shape{"image": image})),
		},
		"divider": {"block_id": identifier},
		"header":  {"block_id": identifier, "text!": plain(150)},
		"context": {"block_id": identifier, "elements!": items(1, 10, oneOf(map[string]shape{
			"image":      image,
			"plain_text": {"text!": counted(3000), "emoji": boolean},
			"mrkdwn":     {"text!": counted(3000), "verbatim": boolean},
		}))},
		"actions": {"block_id": identifier, "elements!": items(1, 25, oneOf(elements))},
		"image": {
			"block_id": identifier, "image_url": webURL, "slack_file": func(*validator, string, any) {},
			"alt_text!": chars(1, 2000), "title": plain(2000),
		},
		"input": {
			"block_id": identifier, "label!": plain(2000), "element!": oneOf(inputs), "hint": plain(2000),
			"optional": boolean, "dispatch_action": boolean,
		},
		"markdown": {"block_id": identifier, "text!": counted(12000)},
	})

	modal = shape{
		"title!": plain(24), "blocks!": items(0, 100, block), "submit": plain(24), "close": plain(24),
		"private_metadata": chars(0, 3000), "callback_id": chars(0, 255), "clear_on_close": boolean,
		"notify_on_close": boolean, "external_id": chars(0, 255), "submit_disabled": boolean,
	}
	home = shape{
		"blocks!": items(0, 100, block), "private_metadata": chars(0, 3000), "callback_id": chars(0, 255), "external_id": chars(0, 255),
	}
)

func without(m map[string]shape, names ...string) map[string]shape {
	m = maps.Clone(m)
	for _, n := range names {
		delete(m, n)
	}
	return m
}

func with(m, more map[string]shape) map[string]shape {
	m = maps.Clone(m)
	maps.Copy(m, more)
	return m
}

// blockIDs checks that they differ and says what no single field can say.
func blockIDs(v *validator, path string, blocks []any) {
	ids := map[string]bool{}
	for i, b := range blocks {
		object, _ := b.(map[string]any)
		at := path + "/" + strconv.Itoa(i)
		if id := str(object["block_id"]); id != "" {
			if ids[id] {
				v.fail(at+"/block_id", "`block_id` %q already exists", id)
			}
			ids[id] = true
		}
		if str(object["type"]) == "section" && object["text"] == nil && object["fields"] == nil {
			v.fail(at, "missing required field: text")
		}
		for _, e := range list(object["elements"]) {
			selectOptions(v, at+"/elements", e)
		}
		selectOptions(v, at+"/accessory", object["accessory"])
		selectOptions(v, at+"/element", object["element"])
	}
}

// selectOptions checks that a menu has options, of one kind.
func selectOptions(v *validator, path string, e any) {
	object, _ := e.(map[string]any)
	if str(object["type"]) == "static_select" && (object["options"] == nil) == (object["option_groups"] == nil) {
		v.fail(path, "missing required field: options")
	}
}

// parseBlocks reads and checks a message's blocks, as Slack does it, and gives each a
// block id. No blocks at all are nil.
func (s *Server) parseBlocks(text string) ([]any, *refusal) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var blocks []any
	if err := json.Unmarshal([]byte(text), &blocks); err != nil {
		return nil, refuse("invalid_blocks_format")
	}
	var v validator
	items(0, 50, block)(&v, "/blocks", any(blocks))
	blockIDs(&v, "/blocks", blocks)
	if len(v.problems) > 0 {
		return nil, invalid("invalid_blocks", v.problems)
	}
	if v.chars > maxBlockText {
		return nil, refuse("msg_blocks_too_long")
	}
	s.nameBlocks(blocks)
	return blocks, nil
}

// nameBlocks gives ids to blocks and actions that have none, as Slack does.
func (s *Server) nameBlocks(blocks []any) {
	name := func(object map[string]any, field string) {
		if str(object[field]) == "" {
			s.seq++
			object[field] = strconv.FormatInt(s.seq, 36)
		}
	}
	for _, b := range blocks {
		object, ok := b.(map[string]any)
		if !ok {
			continue
		}
		name(object, "block_id")
		parts := list(object["elements"])
		if object["accessory"] != nil {
			parts = append(slices.Clip(parts), object["accessory"])
		}
		if object["element"] != nil {
			parts = append(slices.Clip(parts), object["element"])
		}
		for _, e := range parts {
			part, _ := e.(map[string]any)
			if _, known := inputs[str(part["type"])]; known || elements[str(part["type"])] != nil {
				name(part, "action_id")
			}
		}
	}
}

// parseView checks a view of the kind that is wanted and gives its blocks ids.
func (s *Server) parseView(text, kind string) (map[string]any, *refusal) {
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
		return nil, invalid("invalid_arguments", []string{"invalid `view` [json-pointer:/view]"})
	}
	var v validator
	oneOf(map[string]map[string]shape{"modal": {"modal": modal}, "home": {"home": home}}[kind])(&v, "/view", object)
	blocks := list(object["blocks"])
	blockIDs(&v, "/view/blocks", blocks)
	for _, b := range blocks {
		if b, _ := b.(map[string]any); kind == "modal" && str(b["type"]) == "input" && object["submit"] == nil {
			v.fail("/view", "missing required field: submit")
			break
		}
	}
	if len(v.problems) > 0 {
		return nil, invalid("invalid_arguments", v.problems)
	}
	s.nameBlocks(blocks)
	return object, nil
}
