package panelserver

import (
	"encoding/xml"
	"strings"
)

// Param is a named value of an error, for the __name__ in its message.
type Param struct{ Name, Value string }

// Refusal is an error as the panel answers it. A client decides by Type and
// Object alone.
type Refusal struct {
	Type   string // auth, access, missed, exists, value, extraconfirm …
	Object string // the field, or what the type is about
	Value  string // what was wrong
	Params []Param
	Msg    string // in place of the panel's own words; may hold __placeholders__
}

// String gives type and object: "value/ip".
func (r Refusal) String() string {
	if r.Object == "" {
		return r.Type
	}
	return r.Type + "/" + r.Object
}

// phrase is a text in the panel's languages.
type phrase struct{ en, ru string }

func (p phrase) in(lang string) string {
	if lang == "ru" {
		return p.ru
	}
	return p.en
}

// refusalPhrase finds the panel's words for an error, by type and object and then
// by type.
func refusalPhrase(r Refusal) phrase {
	switch r.String() {
	case "auth/badpassword":
		return phrase{"Invalid username or password", "Неверное имя пользователя или пароль"}
	case "auth/badip":
		return phrase{"Access from this IP address is denied", "Доступ с этого IP-адреса запрещён"}
	case "auth/blocked_ip", "auth/blocklogon":
		return phrase{"Too many failed attempts, try again later", "Слишком много неудачных попыток, повторите позже"}
	case "missed/func":
		return phrase{"Function '__value__' is not found", "Функция «__value__» не найдена"}
	case "cannot_prolong/prolong":
		return phrase{"Cannot renew this service: the service is being prolonged at the moment", "Невозможно продлить услугу: услуга продлевается в данный момент"}
	case "cannot_prolong/delete":
		return phrase{"Cannot renew this service: the service is being deleted at the moment", "Невозможно продлить услугу: услуга удаляется в данный момент"}
	case "operation/runningoperation":
		return phrase{"Another operation is running on service __value__", "С услугой __value__ уже выполняется другая операция"}
	}
	switch r.Type {
	case "access":
		return phrase{"Access denied", "Доступ запрещён"}
	case "missed":
		return phrase{"Object '__value__' does not exist", "Объект «__value__» не существует"}
	case "exists":
		return phrase{"'__value__' already exists", "«__value__» уже существует"}
	case "value":
		return phrase{"Field '__object__' has an invalid value: '__value__'", "Поле «__object__» имеет недопустимое значение: «__value__»"}
	case "extraconfirm":
		return phrase{"Additional confirmation is required", "Требуется дополнительное подтверждение"}
	case "pricelist_min_order":
		return phrase{"The service cannot be deleted before __date__", "Услугу нельзя удалить до __date__"}
	case "prolong_date":
		return phrase{"The service can be renewed only after __date__", "Услугу можно продлить только после __date__"}
	case "no_money":
		return phrase{"Insufficient funds: __price__ needed, __balance__ on the account", "Недостаточно средств: нужно __price__, на счёте __balance__"}
	}
	return phrase{"The operation failed", "Операция не выполнена"}
}

// message words a refusal. Raw, its placeholders stay and a space follows, as has
// been seen of real panels.
func (r Refusal) message(lang string, raw bool) string {
	msg := r.Msg
	if msg == "" {
		msg = refusalPhrase(r).in(lang)
	}
	if raw {
		return msg + " "
	}
	pairs := []string{"__object__", r.Object, "__value__", r.Value}
	for _, p := range r.Params {
		pairs = append(pairs, "__"+p.Name+"__", p.Value)
	}
	return strings.NewReplacer(pairs...).Replace(msg)
}

// write puts the error element into d.
func (r Refusal) write(d *document, lang, fn, user string, w *Ways) {
	if w.OldErrors {
		d.leaf("error", "", "code", r.oldCode(), "obj", r.Object)
		return
	}
	level := "16"
	if r.Type == "auth" {
		level, user, fn = "0", "", "auth"
	}
	d.open("error", "type", r.Type, "object", r.Object, "lang", lang, "code", "1")
	d.leaf("param", r.Object, "name", "object", "type", "msg")
	d.leaf("param", r.Value, "name", "value")
	for _, p := range r.Params {
		d.leaf("param", p.Value, "name", p.Name)
	}
	d.open("stack")
	d.leaf("action", fn, "level", level, "user", user)
	d.close("stack")
	msg := r.message(lang, w.RawMessages)
	d.leaf("detail", msg)
	d.leaf("msg", msg)
	d.close("error")
}

// oldCode is the number that panels of the fourth generation gave.
func (r Refusal) oldCode() string {
	switch r.Type {
	case "auth":
		return "100"
	case "access":
		return "6"
	case "missed":
		return "3"
	case "exists":
		return "2"
	case "value":
		return "4"
	}
	return "1"
}

// statusPhrase is the word for a licence's status.
func statusPhrase(status int) phrase {
	switch status {
	case Ordered:
		return phrase{"Ordered", "Заказан"}
	case Active:
		return phrase{"Active", "Активен"}
	case Suspended:
		return phrase{"Suspended", "Остановлен"}
	case Deleted:
		return phrase{"Deleted", "Удалён"}
	}
	return phrase{"Processing", "Обрабатывается"}
}

// htmlEscape makes text safe inside the HTML that orderinfo holds.
func htmlEscape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a builder takes everything
	return b.String()
}
