package commands

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
)

// bare parses a verb that takes nothing.
func bare(c Command) func(*args) (Command, error) {
	return func(a *args) (Command, error) { return c, a.done() }
}

func parseHelp(a *args) (Command, error) {
	if len(a.words) == 0 {
		return Help{}, nil
	}
	w, err := a.next("VERB")
	if err != nil {
		return nil, err
	}
	spec, ok := SpecOf(w)
	if !ok {
		return nil, a.fail(UnknownVerb, w, nearest(w, verbs())...)
	}
	return Help{Of: spec.Verb}, a.done()
}

func parseList(a *args) (Command, error) { return List{Words: a.words}, nil }

func parseProducts(a *args) (Command, error) { return Products{Words: a.words}, nil }

func parseShow(a *args) (Command, error) {
	c, err := a.only()
	return Show{Code: c}, err
}

func parseHistory(a *args) (Command, error) {
	c, err := a.only()
	return History{Code: c}, err
}

func parseTerminate(a *args) (Command, error) {
	c, err := a.only()
	return Terminate{Code: c}, err
}

func parseAudit(a *args) (Command, error) {
	if len(a.words) == 0 {
		return Audit{}, nil
	}
	c, err := a.only()
	return Audit{Code: c}, err
}

// defaultDays is how far expiring looks unless it is said.
const defaultDays = 7

func parseExpiring(a *args) (Command, error) {
	if len(a.words) == 0 {
		return Expiring{Days: defaultDays}, nil
	}
	w, err := a.next("DAYS")
	if err != nil {
		return nil, err
	}
	days, ok := daysOf(w)
	if !ok {
		e := a.fail(BadDays, w)
		e.Limit = MaxDays
		return nil, e
	}
	return Expiring{Days: days}, a.done()
}

// daysOf reads "7", "7d" or "2w".
func daysOf(w string) (int, bool) {
	number, unit := strings.ToLower(w), 1
	if n, ok := strings.CutSuffix(number, "w"); ok {
		number, unit = n, 7
	} else {
		number = strings.TrimSuffix(number, "d")
	}
	n, ok := countOf(number, MaxDays/unit)
	return n * unit, ok
}

// countOf reads a number from 1 to most, digits only.
func countOf(w string, most int) (int, bool) {
	if strings.Trim(w, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(w)
	return n, err == nil && n >= 1 && n <= most
}

func parseOrder(a *args) (Command, error) {
	if len(a.words) == 0 && len(a.options) == 0 {
		return nil, a.fail(Incomplete, "")
	}
	product, err := a.product()
	if err != nil {
		return nil, err
	}
	c := Order{Product: product, Period: license.Month}
	ip, hasIP, err := a.address()
	if err != nil {
		return nil, err
	}
	c.Address = ip
	if c.Name, _, err = a.licenseName(); err != nil {
		return nil, err
	}
	if p, has, err := a.period(license.Month, license.Year, license.Lifetime); err != nil {
		return nil, err
	} else if has {
		c.Period, c.HasPeriod = p, true
	}
	item, hasFor := a.options["for"]
	takes := product.Family.TakesAddress()
	switch {
	case takes && hasFor:
		return nil, a.fail(ForOnlyModules, product.Name)
	case takes && !hasIP:
		return nil, a.fail(NeedsAddress, product.Name)
	case !takes && hasIP:
		return nil, a.fail(AddressNotTaken, product.Name)
	case hasFor:
		if c.For, err = a.codeOf(item); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// product reads all the words as one product: a pricelist code, a name, or a part
// that fits one name alone.
func (a *args) product() (license.Product, error) {
	words := strings.Fields(strings.Join(a.words, " "))
	if len(words) == 0 {
		return license.Product{}, a.fail(MissingArgument, "PRODUCT")
	}
	if n, err := strconv.Atoi(words[0]); err == nil && len(words) == 1 {
		if p, ok := license.ProductByCode(n); ok {
			return p, nil
		}
	}
	typed := strings.Join(words, " ")
	found := license.MeantProducts(words...)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		for _, w := range words {
			if err := a.keyless(w); err != nil {
				return license.Product{}, err
			}
		}
		return license.Product{}, a.fail(UnknownProduct, typed, nearestProducts(words)...)
	}
	e := a.fail(AmbiguousProduct, typed)
	for _, p := range found {
		e.Allowed = append(e.Allowed, p.Name)
	}
	return license.Product{}, e
}

func parseEdit(a *args) (Command, error) {
	code, err := a.only()
	if err != nil {
		return nil, err
	}
	c := Edit{Code: code}
	if c.Address, c.HasAddress, err = a.address(); err != nil {
		return nil, err
	}
	if c.Name, c.HasName, err = a.licenseName(); err != nil {
		return nil, err
	}
	if !c.HasAddress && !c.HasName {
		return nil, a.fail(Incomplete, string(code))
	}
	return c, nil
}

func parseNodes(a *args) (Command, error) {
	code, err := a.code()
	if err != nil {
		return nil, err
	}
	w, err := a.next("COUNT")
	if err != nil {
		return nil, err
	}
	n, ok := countOf(w, MaxNodes)
	if !ok {
		e := a.fail(BadCount, w)
		e.Limit = MaxNodes
		return nil, e
	}
	return Nodes{Code: code, Count: n}, a.done()
}

// parseRenew forgives commas between the codes and a period without its key.
func parseRenew(a *args) (Command, error) {
	var c Renew
	for _, w := range strings.FieldsFunc(strings.Join(a.words, " "), func(r rune) bool { return r == ' ' || r == ',' }) {
		if _, err := license.ParsePeriod(w); err == nil {
			if _, twice := a.options["period"]; twice {
				return nil, a.fail(DuplicateOption, "period")
			}
			a.options["period"] = w
			continue
		}
		code, err := license.ParseCode(w)
		if err != nil {
			return nil, a.fail(BadCode, w, nearest(w, []string{license.Month.String(), license.Year.String()})...)
		}
		if !slices.Contains(c.Codes, code) {
			c.Codes = append(c.Codes, code)
		}
	}
	if len(c.Codes) == 0 {
		return nil, a.fail(MissingArgument, "CODE")
	}
	if len(c.Codes) > MaxCodes {
		e := a.fail(TooManyCodes, "")
		e.Limit = MaxCodes
		return nil, e
	}
	var err error
	c.Period, c.HasPeriod, err = a.period(license.Month, license.Year)
	return c, err
}

// who reads WHO. In a reply it may be left out; whether it was, the word that is
// there tells: an account is never a role, nor the other way round.
func (a *args) who() (who requests.Account, reply bool, err error) {
	if len(a.words) == 0 || a.spec.Verb == "allow" && isOneOf(a.words[0], roles()) {
		if a.reply {
			return "", true, nil
		}
		return "", false, a.fail(MissingArgument, "WHO")
	}
	w, err := a.next("WHO")
	if err != nil {
		return "", false, err
	}
	if who, err = requests.ParseAccount(w); err != nil {
		return "", false, a.fail(BadAccount, w)
	}
	return who, false, nil
}

func roles() []string {
	var all []string
	for r := requests.Viewer; r <= requests.Admin; r++ {
		all = append(all, r.String())
	}
	return all
}

func parseAllow(a *args) (Command, error) {
	var c Allow
	var err error
	if c.Who, c.Reply, err = a.who(); err != nil {
		return nil, err
	}
	role, err := a.next("ROLE")
	if err != nil {
		return nil, err
	}
	if c.Grant, err = requests.ParseRole(role); err != nil {
		e := a.fail(BadRole, role, nearest(role, roles())...)
		e.Allowed = roles()
		return nil, e
	}
	if len(a.words) > 0 && strings.EqualFold(a.words[0], "as") {
		a.words = a.words[1:]
		if c.As, err = a.person(); err != nil {
			return nil, err
		}
	}
	return c, a.done()
}

// accountLike is what could be taken for an account where people's names are shown.
// A whole account is a name all the same: that of the person whose it is.
var accountLike = regexp.MustCompile(`(?i)^(slack:|telegram:|shell:|bot$|@|<)`)

func (a *args) person() (string, error) {
	w, err := a.next("NAME")
	if err != nil {
		return "", err
	}
	if w, err = a.name(w); err != nil {
		return "", err
	}
	if _, err := requests.ParseAccount(w); err != nil && accountLike.MatchString(w) {
		return "", a.fail(NameIsAccount, w)
	}
	return w, nil
}

func parseRevoke(a *args) (Command, error) {
	who, reply, err := a.who()
	if err != nil {
		return nil, err
	}
	return Revoke{Who: who, Reply: reply}, a.done()
}

// requestForm is the form of a [requests.ID].
var requestForm = regexp.MustCompile(`^[a-z0-9]{6}$`)

func parseSettle(a *args) (Command, error) {
	w, err := a.next("REQUEST")
	if err != nil {
		return nil, err
	}
	id := strings.ToLower(strings.TrimPrefix(w, "#"))
	if !requestForm.MatchString(id) {
		return nil, a.fail(BadRequest, w)
	}
	outcome, err := a.next("applied|not")
	if err != nil {
		return nil, err
	}
	outcomes := []string{"applied", "not"}
	if !isOneOf(outcome, outcomes) {
		e := a.fail(BadOutcome, outcome, nearest(outcome, outcomes)...)
		e.Allowed = outcomes
		return nil, e
	}
	return Settle{Request: requests.ID(id), Applied: strings.EqualFold(outcome, "applied")}, a.done()
}
