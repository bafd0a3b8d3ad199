package settings

import "reflect"

// Row is one setting, for help and documentation.
type Row struct {
	Name     string // a secret X may be given as X_FILE instead
	Default  string // "" for none
	About    string // in English, without a full stop
	Secret   bool
	Required bool
}

// Table lists all settings, in the order of [Settings].
func Table() []Row {
	var rows []Row
	t := reflect.TypeFor[Settings]()
	for f := range t.Fields() {
		rows = append(rows, Row{
			Name:     f.Tag.Get("envconfig"),
			Default:  f.Tag.Get("default"),
			About:    f.Tag.Get("desc"),
			Secret:   f.Type == reflect.TypeFor[Secret](),
			Required: f.Tag.Get("required") == "true",
		})
	}
	return rows
}
