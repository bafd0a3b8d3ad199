package commands

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
)

func product(t *testing.T, code int) license.Product {
	t.Helper()
	p, ok := license.ProductByCode(code)
	if !ok {
		t.Fatalf("no product %d", code)
	}
	return p
}

func TestParse(t *testing.T) {
	lite, virus := product(t, 546), product(t, 383)
	for text, want := range map[string]Command{
		"":                            Summary{},
		" \t\u00a0\n":                 Summary{},
		"help":                        Help{},
		"HELP Renew":                  Help{Of: "renew"},
		"renew 1001 --help":           Help{Of: "renew"},
		"order —help":                 Help{Of: "order"},
		"WhoAmI":                      WhoAmI{},
		"list":                        List{},
		`list web "a b" x=y --z`:      List{Words: []string{"web", "a b", "x=y", "--z"}},
		"show #1001":                  Show{Code: "1001"},
		"expiring":                    Expiring{Days: 7},
		"expiring 14":                 Expiring{Days: 14},
		"expiring 14D":                Expiring{Days: 14},
		"expiring 2w":                 Expiring{Days: 14},
		"products isp 6":              Products{Words: []string{"isp", "6"}},
		"pending":                     Pending{},
		"history 1001":                History{Code: "1001"},
		"balance":                     Balance{},
		"edit 1001 ip=203.0.113.11":   Edit{Code: "1001", Address: "203.0.113.11", HasAddress: true},
		"edit ip=[2001:DB8::1] 1001":  Edit{Code: "1001", Address: "2001:db8::1", HasAddress: true},
		`edit 1001 NAME=“web 1”`:      Edit{Code: "1001", Name: "web 1", HasName: true},
		`edit 1001 name='a=b ip=x'`:   Edit{Code: "1001", Name: "a=b ip=x", HasName: true},
		"edit 1001 name=O’Brien":      Edit{Code: "1001", Name: "O’Brien", HasName: true},
		"edit 1001 name=’web’":        Edit{Code: "1001", Name: "web", HasName: true},
		"edit 1001 --name=«сервер 1»": Edit{Code: "1001", Name: "сервер 1", HasName: true},
		"nodes 1001 3":                Nodes{Code: "1001", Count: 3},
		"renew 1001":                  Renew{Codes: []license.Code{"1001"}},
		"renew 1001\n1002 1001":       Renew{Codes: []license.Code{"1001", "1002"}},
		"renew 1001 1002,1003, 1004":  Renew{Codes: []license.Code{"1001", "1002", "1003", "1004"}},
		"renew period=YEAR 1001":      Renew{Codes: []license.Code{"1001"}, Period: license.Year, HasPeriod: true},
		"renew 1001 year":             Renew{Codes: []license.Code{"1001"}, Period: license.Year, HasPeriod: true},
		"renew 1001 —period=month":    Renew{Codes: []license.Code{"1001"}, Period: license.Month, HasPeriod: true},
		"terminate 1001":              Terminate{Code: "1001"},
		"members":                     Members{},
		"allow telegram:42 viewer":    Allow{Who: "telegram:42", Grant: requests.Viewer},
		"revoke slack:T1/U2":          Revoke{Who: "slack:T1/U2"},
		"audit":                       Audit{},
		"audit 1001":                  Audit{Code: "1001"},
		"settle K3X9P2 Not":           Settle{Request: "k3x9p2"},
		"settle #k3x9p2 applied":      Settle{Request: "k3x9p2", Applied: true},

		"allow telegram:1 admin as slack:T1/U2": Allow{Who: "telegram:1", Grant: requests.Admin, As: "slack:T1/U2"},
		`allow slack:T1/U2 ADMIN as "Алиса К."`: Allow{Who: "slack:T1/U2", Grant: requests.Admin, As: "Алиса К."},
		"order ispMANAGER 6 lite IP=203.0.113.10 --name=web1": Order{
			Product: lite, Address: "203.0.113.10", Name: "web1", Period: license.Month,
		},
		`order ip=::1 "ISPmanager  6  Lite" period=lifetime`: Order{
			Product: lite, Address: "::1", Period: license.Lifetime, HasPeriod: true,
		},
		`order 546 ip=" 203.0.113.10"`: Order{Product: lite, Address: "203.0.113.10", Period: license.Month},
		"order 546 ip=203.0.113.10":    Order{Product: lite, Address: "203.0.113.10", Period: license.Month},
		"order ddos for=1001":          Order{Product: virus, For: "1001", Period: license.Month},
		"order DDoS-GUARD for='1001'":  Order{Product: virus, For: "1001", Period: license.Month},
	} {
		got, err := Parse(text, Options{})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %#v, %v; want %#v", text, got, err, want)
		}
	}
}

func TestParseReply(t *testing.T) {
	for text, want := range map[string]Command{
		"allow operator":         Allow{Reply: true, Grant: requests.Operator},
		"allow operator as Bob":  Allow{Reply: true, Grant: requests.Operator, As: "Bob"},
		"allow telegram:7 admin": Allow{Who: "telegram:7", Grant: requests.Admin},
		"revoke":                 Revoke{Reply: true},
		"revoke telegram:7":      Revoke{Who: "telegram:7"},
	} {
		got, err := Parse(text, Options{Reply: true})
		if err != nil || got != want {
			t.Errorf("%q: %#v, %v; want %#v", text, got, err, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	periods := []string{"month", "year"}
	many := strings.Repeat("1", 17)
	for text, want := range map[string]Error{
		"rnew 1001":         {Kind: UnknownVerb, Word: "rnew", Near: []string{"renew"}},
		"renwe 1001":        {Kind: UnknownVerb, Word: "renwe", Near: []string{"renew"}},
		"Term 1001":         {Kind: UnknownVerb, Word: "Term", Near: []string{"terminate"}},
		"frobnicate":        {Kind: UnknownVerb, Word: "frobnicate"},
		"forecast":          {Kind: UnknownVerb, Word: "forecast"},
		"help shwo":         {Kind: UnknownVerb, Verb: "help", Word: "shwo", Near: []string{"show"}},
		"help renew order":  {Kind: SurplusArgument, Verb: "help", Word: "order"},
		"whoami x":          {Kind: SurplusArgument, Verb: "whoami", Word: "x"},
		"pending a=b":       {Kind: UnknownOption, Verb: "pending", Word: "a"},
		"show":              {Kind: MissingArgument, Verb: "show", Word: "CODE"},
		"show 01":           {Kind: BadCode, Verb: "show", Word: "01"},
		"show 1001 1002":    {Kind: SurplusArgument, Verb: "show", Word: "1002"},
		"expiring soon":     {Kind: BadDays, Verb: "expiring", Word: "soon", Limit: MaxDays},
		"expiring 0":        {Kind: BadDays, Verb: "expiring", Word: "0", Limit: MaxDays},
		"expiring 523w":     {Kind: BadDays, Verb: "expiring", Word: "523w", Limit: MaxDays},
		"expiring -7":       {Kind: BadDays, Verb: "expiring", Word: "-7", Limit: MaxDays},
		"order":             {Kind: Incomplete, Verb: "order"},
		"order ip=10.0.0.1": {Kind: MissingArgument, Verb: "order", Word: "PRODUCT"},
		"order frobs":       {Kind: UnknownProduct, Verb: "order", Word: "frobs"},
		"order ispmanger 6 lite ip=10.0.0.1": {
			Kind: UnknownProduct, Verb: "order", Word: "ispmanger 6 lite", Near: []string{"ISPmanager 6 Lite"},
		},
		"order 5477 ip=10.0.0.1": {
			Kind: UnknownProduct, Verb: "order", Word: "5477", Near: []string{"ISPmanager 6 Pro"},
		},
		"expires":       {Kind: UnknownVerb, Word: "expires", Near: []string{"expiring"}},
		"Terminating 1": {Kind: UnknownVerb, Word: "Terminating", Near: []string{"terminate"}},
		"order ispmanager-6-lite": {
			Kind: UnknownProduct, Verb: "order", Word: "ispmanager-6-lite", Near: []string{"ISPmanager 6 Lite"},
		},
		"order ISPmanager6Bussiness": {
			Kind: UnknownProduct, Verb: "order", Word: "ISPmanager6Bussiness", Near: []string{"ISPmanager 6 Business"},
		},
		"order virusdie": {
			Kind: AmbiguousProduct, Verb: "order", Word: "virusdie",
			Allowed: []string{"VirusDie for ISPmanager 5 Lite", "VirusDie for ISPmanager 5 Business"},
		},
		"order DDoS-GUARD fro=1": {
			Kind: UnknownOption, Verb: "order", Word: "fro", Near: []string{"for"},
			Allowed: []string{"ip", "name", "for", "period"},
		},
		"order 546 ip=::1 ip=::1":      {Kind: DuplicateOption, Verb: "order", Word: "ip"},
		"order 546 ip= 10.0.0.1":       {Kind: SpacedOption, Verb: "order", Word: "ip="},
		"order 546 ip =10.0.0.1":       {Kind: SpacedOption, Verb: "order", Word: "=10.0.0.1"},
		"order 546 --ip 10.0.0.1":      {Kind: SpacedOption, Verb: "order", Word: "--ip"},
		"order 546 10.0.0.1":           {Kind: NeedsKey, Verb: "order", Word: "10.0.0.1", Near: []string{"ip=10.0.0.1"}},
		"order 546 Year ip=10.0.0.1":   {Kind: NeedsKey, Verb: "order", Word: "Year", Near: []string{"period=year"}},
		"order 546 ip=10.0.0.300":      {Kind: BadAddress, Verb: "order", Word: "10.0.0.300"},
		"order 546":                    {Kind: NeedsAddress, Verb: "order", Word: "ISPmanager 6 Lite"},
		"order 383 ip=10.0.0.1":        {Kind: AddressNotTaken, Verb: "order", Word: "DDoS-GUARD"},
		"order 546 ip=10.0.0.1 for=1":  {Kind: ForOnlyModules, Verb: "order", Word: "ISPmanager 6 Lite"},
		"order 383 for=x":              {Kind: BadCode, Verb: "order", Word: "x"},
		`order 383 name=""`:            {Kind: EmptyName, Verb: "order"},
		"edit":                         {Kind: MissingArgument, Verb: "edit", Word: "CODE"},
		"edit 1001":                    {Kind: Incomplete, Verb: "edit", Word: "1001"},
		"edit 1001 10.0.0.1":           {Kind: NeedsKey, Verb: "edit", Word: "10.0.0.1", Near: []string{"ip=10.0.0.1"}},
		"nodes 1001":                   {Kind: MissingArgument, Verb: "nodes", Word: "COUNT"},
		"nodes 1001 0":                 {Kind: BadCount, Verb: "nodes", Word: "0", Limit: MaxNodes},
		"nodes 1001 10000":             {Kind: BadCount, Verb: "nodes", Word: "10000", Limit: MaxNodes},
		"nodes 1001 +3":                {Kind: BadCount, Verb: "nodes", Word: "+3", Limit: MaxNodes},
		"renew":                        {Kind: MissingArgument, Verb: "renew", Word: "CODE"},
		"renew year":                   {Kind: MissingArgument, Verb: "renew", Word: "CODE"},
		"renew 1001 yaer":              {Kind: BadCode, Verb: "renew", Word: "yaer", Near: []string{"year"}},
		"renew 1001 lifetime":          {Kind: BadPeriod, Verb: "renew", Word: "lifetime", Allowed: periods},
		"renew 1 period=yearly":        {Kind: BadPeriod, Verb: "renew", Word: "yearly", Near: []string{"year"}, Allowed: periods},
		"renew 1001 year month":        {Kind: DuplicateOption, Verb: "renew", Word: "period"},
		"allow":                        {Kind: MissingArgument, Verb: "allow", Word: "WHO"},
		"allow viewer":                 {Kind: MissingArgument, Verb: "allow", Word: "WHO"},
		"allow <@U1|bob> viewer":       {Kind: BadAccount, Verb: "allow", Word: "<@U1|bob>"},
		"allow telegram:1":             {Kind: MissingArgument, Verb: "allow", Word: "ROLE"},
		"allow telegram:1 as Bob":      {Kind: BadRole, Verb: "allow", Word: "as", Allowed: roles()},
		"allow telegram:1 aprover":     {Kind: BadRole, Verb: "allow", Word: "aprover", Near: []string{"approver"}, Allowed: roles()},
		"allow telegram:1 admin as":    {Kind: MissingArgument, Verb: "allow", Word: "NAME"},
		"allow telegram:1 admin as ''": {Kind: EmptyName, Verb: "allow"},
		"allow telegram:1 admin as Bot": {
			Kind: NameIsAccount, Verb: "allow", Word: "Bot",
		},
		"allow telegram:1 admin as telegram:x": {Kind: NameIsAccount, Verb: "allow", Word: "telegram:x"},
		"allow telegram:1 admin as Bob Roe":    {Kind: SurplusArgument, Verb: "allow", Word: "Roe"},
		"allow telegram:1 admin Bob":           {Kind: SurplusArgument, Verb: "allow", Word: "Bob"},
		"revoke":                               {Kind: MissingArgument, Verb: "revoke", Word: "WHO"},
		"revoke bob":                           {Kind: BadAccount, Verb: "revoke", Word: "bob"},
		"settle":                               {Kind: MissingArgument, Verb: "settle", Word: "REQUEST"},
		"settle k3x9p":                         {Kind: BadRequest, Verb: "settle", Word: "k3x9p"},
		"settle k3x9p2":                        {Kind: MissingArgument, Verb: "settle", Word: "applied|not"},
		"settle k3x9p2 aplied": {
			Kind: BadOutcome, Verb: "settle", Word: "aplied", Near: []string{"applied"}, Allowed: []string{"applied", "not"},
		},
		`edit 1001 name="web`: {Kind: UnclosedQuote, Upto: `edit 1001 name="`},
		"list it's":           {Kind: UnclosedQuote, Upto: "list it'"},
		"show 10\u202e01":     {Kind: ControlCharacter, Word: "U+202E RIGHT-TO-LEFT OVERRIDE", Upto: "show 10\ufffd"},
		"list 'a\nb'":         {Kind: ControlCharacter, Word: "U+000A LINE FEED", Upto: "list 'a\ufffd"},
		"list \x01":           {Kind: ControlCharacter, Word: "U+0001 (a control character)", Upto: "list \ufffd"},
		"list \U000e0041":     {Kind: ControlCharacter, Word: "U+E0041 (a format character)", Upto: "list \ufffd"},
		"list \u3164":         {Kind: ControlCharacter, Word: "U+3164 (an invisible character)", Upto: "list \ufffd"},
		"list ж\xff":          {Kind: ControlCharacter, Word: "byte 0xFF, which is not UTF-8", Upto: "list ж\ufffd"},
		"\x00":                {Kind: ControlCharacter, Word: "U+0000 NULL", Upto: "\ufffd"},
		"edit 1001\n\tname=" + strings.Repeat("ы", 10) + "\u200b": {
			Kind: ControlCharacter, Word: "U+200B ZERO WIDTH SPACE", Upto: "…t 1001  name=" + strings.Repeat("ы", 10) + "\ufffd",
		},
		strings.Repeat("ы", 2001):    {Kind: TooLong, Limit: MaxText},
		"show " + many + "12":        {Kind: BadCode, Verb: "show", Word: many + "12"},
		strings.Repeat("ы", 81):      {Kind: UnknownVerb, Word: strings.Repeat("ы", 80) + "…"},
		"renew " + codes(MaxCodes+1): {Kind: TooManyCodes, Verb: "renew", Limit: MaxCodes},
		"edit 1001 name=" + strings.Repeat("ы", MaxName+1): {
			Kind: LongName, Verb: "edit", Word: strings.Repeat("ы", MaxName+1), Limit: MaxName,
		},
	} {
		_, err := Parse(text, Options{})
		var got *Error
		if !errors.As(err, &got) {
			t.Errorf("%q: %v; want %s", text, err, want.Kind)
			continue
		}
		if len(got.Near) == 0 {
			got.Near = nil
		}
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("%q:\n got %#v\nwant %#v", text, *got, want)
		}
		if s := got.Error(); s == string(got.Kind) || s == "" || strings.Contains(s, "%!") {
			t.Errorf("%q: no sentence: %q", text, s)
		}
	}
}

func codes(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(string(rune('1'+i/10)) + string(rune('0'+i%10)) + " ")
	}
	return b.String()
}

func TestParseTakesAsManyCodesAsAreSaid(t *testing.T) {
	c, err := Parse("renew "+codes(MaxCodes)+codes(MaxCodes), Options{})
	if err != nil || len(c.(Renew).Codes) != MaxCodes {
		t.Errorf("%v, %v", c, err)
	}
}

// The contract's table, row by row.
var contract = []struct {
	usage string
	role  requests.Role
}{
	{"help [VERB]", requests.Nobody},
	{"whoami", requests.Nobody},
	{"list [WORDS]", requests.Viewer},
	{"show CODE", requests.Viewer},
	{"expiring [7d]", requests.Viewer},
	{"products [WORDS]", requests.Viewer},
	{"pending", requests.Viewer},
	{"history CODE", requests.Viewer},
	{"balance", requests.Viewer},
	{"order PRODUCT [ip=IP] [name=NAME] [for=CODE] [period=month|year|lifetime]", requests.Operator},
	{"edit CODE [ip=IP] [name=NAME]", requests.Operator},
	{"nodes CODE COUNT", requests.Operator},
	{"renew CODE… [period=month|year]", requests.Operator},
	{"terminate CODE", requests.Operator},
	{"members", requests.Admin},
	{"allow WHO ROLE [as NAME]", requests.Admin},
	{"revoke WHO", requests.Admin},
	{"audit [CODE]", requests.Admin},
	{"settle REQUEST applied|not", requests.Admin},
}

func TestSpecsAreTheContracts(t *testing.T) {
	specs := Specs()
	if len(specs) != len(contract) {
		t.Fatalf("%d verbs, want %d", len(specs), len(contract))
	}
	option := regexp.MustCompile(`(\w+)=`)
	for i, s := range specs {
		if s.Usage != contract[i].usage || s.Role != contract[i].role {
			t.Errorf("row %d: %q for %v; want %q for %v", i, s.Usage, s.Role, contract[i].usage, contract[i].role)
		}
		verb, _, _ := strings.Cut(s.Usage, " ")
		var options []string
		for _, m := range option.FindAllStringSubmatch(s.Usage, -1) {
			options = append(options, m[1])
		}
		if verb != s.Verb || !slices.Equal(options, s.Options) {
			t.Errorf("%s: the usage %q does not match the options %q", s.Verb, s.Usage, s.Options)
		}
		if s.About == "" || len(s.About) > 80 || strings.HasSuffix(s.About, ".") {
			t.Errorf("%s: about %q", s.Verb, s.About)
		}
	}
}

func TestExamplesParseToTheirOwnType(t *testing.T) {
	parsed := map[string]bool{"Summary": true}
	for _, s := range Specs() {
		c, err := Parse(s.Example, Options{})
		if err != nil {
			t.Errorf("%q: %v", s.Example, err)
			continue
		}
		if c.Verb() != s.Verb || c.Role() != s.Role {
			t.Errorf("%q is %s for %v; want %s for %v", s.Example, c.Verb(), c.Role(), s.Verb, s.Role)
		}
		parsed[reflect.TypeOf(c).Name()] = true
	}
	for _, name := range commandTypes(t) {
		if !parsed[name] {
			t.Errorf("no verb of the table gives a %s", name)
		}
	}
}

// commandTypes lists every type of the package that has a Verb.
func commandTypes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "types.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "Verb" {
			names = append(names, f.Recv.List[0].Type.(*ast.Ident).Name)
		}
	}
	if len(names) == 0 {
		t.Fatal("no types found")
	}
	return names
}
