package bot

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/isplicense/license-bot/internal/isplicense"
	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/store"
)

// check reads the licence again before the call, when no other request is at it. The
// call that it leads to ends the turn.
func (b *Bot) check(ctx context.Context, r requests.Request, item int) {
	code := r.Items[item].Code
	if !b.turns.take(ctx, code) {
		return
	}
	called := false
	defer func() {
		if !called {
			b.turns.give(code)
		}
	}()
	if b.stopping() {
		return // no call is begun any more: the next start checks again
	}
	ev := b.readAgain(ctx, r, item)
	if b.stopping() {
		return
	}
	next := b.happened(ctx, r.ID, ev)
	called = item < len(next.Items) && next.Items[item].State == requests.Started
}

// readAgain reads what the question showed, as it is now.
func (b *Bot) readAgain(ctx context.Context, r requests.Request, item int) requests.Checked {
	it := r.Items[item]
	ev := requests.Checked{Item: item}
	rd, err := b.read(ctx, r.Action, r.Params, it.Code)
	var impossible *notPossible
	switch {
	case errors.As(err, &impossible):
		ruledOut(&ev, impossible, rd)
	case err != nil:
		ev.Failed, ev.Said = readFailed(err)
	case rd.refused && it.Facts.Price != "":
		ev.Failed, ev.Said = requests.ReasonRefused, rd.note
	case rd.unread != nil && slices.ContainsFunc(requests.Differences(r.Action, it.Facts, rd.facts), rd.unknown):
		ev.Failed, ev.Said = readFailed(rd.unread)
	case rd.unpriced != nil && rd.facts.Price != it.Facts.Price:
		// No price is no change of the price.
		ev.Failed, ev.Said = readFailed(rd.unpriced)
	default:
		ev.Facts, ev.Before = rd.facts, rd.before
		if r.Action == requests.Order {
			all, err := b.Panel.Licenses(ctx)
			if err != nil {
				ev.Failed, ev.Said = readFailed(err)
			}
			ev.Before.Codes = codes(candidates(all, orderSpec(r)))
		}
	}
	return ev
}

// unknown says of a difference that it is none: the question showed what can't be
// read now.
func (rd reading) unknown(c requests.Change) bool {
	return slices.Contains(rd.facts.Unknown, license.Field(c.Field))
}

// ruledOut turns what has become impossible since the question into what the
// decision needs: the licence is gone, or the facts differ.
func ruledOut(ev *requests.Checked, e *notPossible, now reading) {
	switch e.why {
	case gone, deleted:
		ev.Gone = true
	case lifetime, noNodes, sameNodes, sameFields:
		ev.Facts, ev.Before = now.facts, now.before
	}
}

// readFailed gives the reason of a read that gave nothing.
func readFailed(err error) (requests.Reason, string) {
	if re, ok := errors.AsType[*isplicense.ReadError](err); ok {
		return requests.Reason(re.Reason), re.Message
	}
	return requests.ReasonTimeout, ""
}

// call calls the panel. It is begun only by the step that recorded the item as
// started, and whatever becomes of it is recorded as an event of its own. Its check
// has taken the licence's turn.
func (b *Bot) call(ctx context.Context, r requests.Request, item int) {
	it := r.Items[item]
	defer b.turns.give(it.Code)
	l := license.License{
		Code: it.Code, Family: it.Facts.Family, Name: it.Facts.Name, Address: it.Facts.Address,
		Product: it.Facts.Product, ProductCode: it.Facts.ProductCode,
	}
	heard := false
	defer func() {
		if !heard { // a panic: what became of the call is found out as after a kill
			b.happened(ctx, r.ID, requests.Killed{Item: item})
		}
	}()
	begun := b.Now()
	var result isplicense.Result
	switch r.Action {
	case requests.Order:
		result = b.Panel.Order(ctx, orderSpec(r))
	case requests.Edit:
		// What is to stay is sent as it was read just now: what is left out may be
		// cleared.
		result = b.Panel.Edit(ctx, l, orElse(r.Params.Name, it.Before.Name), orElse(r.Params.Address, it.Before.Address))
	case requests.Nodes:
		product, _ := license.ProductByCode(l.ProductCode)
		result = b.Panel.Nodes(ctx, l, product, it.Before.Name, it.Before.Address, r.Params.Count)
	case requests.Renew:
		result = b.Panel.Renew(ctx, it.Code, it.Facts.Period)
	case requests.Terminate:
		result = b.Panel.Terminate(ctx, l)
	}
	ev := answered(item, result)
	b.Log.Info("panel called", "request", r.ID, "action", r.Action, "license", it.Code, "took", b.Now().Sub(begun).Round(time.Millisecond), "ended", ended(ev))
	if ev.Applied != nil {
		b.complete(ctx, r, it, ev.Applied)
	}
	heard = true
	b.happened(ctx, r.ID, ev)
}

func orElse[S ~string](s, other S) S {
	if s != "" {
		return s
	}
	return other
}

func answered(item int, result isplicense.Result) requests.Answered {
	ev := requests.Answered{Item: item}
	result.Match(
		func(a isplicense.Applied) {
			ev.Applied = &requests.AppliedAnswer{Code: a.Code, Expires: a.Expires, Said: a.Said}
		},
		func(r isplicense.Refused) {
			detail := r.Type
			if r.Object != "" {
				detail += "/" + r.Object
			}
			ev.Refused = &requests.RefusedAnswer{Reason: requests.Reason(r.Reason), Detail: detail, Said: r.Message}
		},
		func(u isplicense.Unknown) {
			ev.Unknown = &requests.UnknownAnswer{Reason: requests.Reason(u.Reason), Said: u.Message, Code: u.Code}
		},
	)
	return ev
}

func ended(ev requests.Answered) string {
	switch {
	case ev.Applied != nil:
		return "applied"
	case ev.Refused != nil:
		return "refused: " + string(ev.Refused.Reason)
	}
	return "unknown: " + string(ev.Unknown.Reason)
}

// completing is how long is read for what an answer that said "done" left out. It
// is a courtesy: the report is right without it.
const completing = 5 * time.Second

// complete reads what the panel's answer left out.
func (b *Bot) complete(ctx context.Context, r requests.Request, it requests.Item, a *requests.AppliedAnswer) {
	ctx, cancel := context.WithTimeout(ctx, completing)
	defer cancel()
	switch {
	case r.Action == requests.Order && a.Code == "":
		if seen, err := b.seeOrder(ctx, r, it); err == nil {
			if f := requests.Judge(r, it, seen); f.Verdict == requests.FoundApplied {
				a.Code = f.Code
			}
		}
	case r.Action == requests.Renew && a.Expires == "":
		// A panel may show the date of before for a while yet.
		if l, err := b.Panel.License(ctx, it.Code); err == nil && l.Expires > it.Before.Expires {
			a.Expires = l.Expires
		}
	}
}

// look reads the licence to find out what became of an uncertain call.
func (b *Bot) look(ctx context.Context, r requests.Request, item int, asked bool) {
	ev := requests.Looked{Item: item, Forced: asked}
	seen, err := b.see(ctx, r, item)
	if ctx.Err() != nil {
		return // the bot stops: the next start looks again
	}
	if err != nil {
		why, _ := readFailed(err)
		b.Log.Warn("could not look what became of a call", "request", r.ID, "license", r.Items[item].Code, "why", why)
		ev.Failed = true
	}
	ev.Seen = seen
	b.happened(ctx, r.ID, ev)
}

func (b *Bot) see(ctx context.Context, r requests.Request, item int) (requests.Seen, error) {
	it := r.Items[item]
	if r.Action == requests.Order {
		return b.seeOrder(ctx, r, it)
	}
	l, err := b.Panel.License(ctx, it.Code)
	if errors.Is(err, isplicense.ErrNotFound) {
		return requests.Seen{}, nil
	}
	if err != nil {
		return requests.Seen{}, err
	}
	s := requests.Seen{
		Found: l.Live(), Status: l.Status, Processing: l.Processing, Expires: l.Expires,
		Name: l.Name, Address: l.Address, Nodes: -1,
	}
	switch r.Action {
	case requests.Renew:
		if slices.Contains(l.Missing, license.FieldExpiry) {
			// The date of before is the form's then.
			form, err := b.Panel.Form(ctx, l)
			if _, no := panelSaysNo(err); err != nil && !no {
				return s, err
			}
			s.Expires = form.Expires
		}
		if s.Expires != it.Before.Expires {
			s.Ours, s.Others, s.History = b.hands(ctx, it)
		}
	case requests.Edit, requests.Nodes:
		if !s.Found {
			break
		}
		form, err := b.form(ctx, l)
		if err != nil {
			return s, err
		}
		s.Nodes = form.Nodes
		s.Name, s.Address = orElse(form.Name, s.Name), orElse(form.Address, s.Address)
	case requests.Order, requests.Terminate:
	}
	return s, nil
}

func (b *Bot) seeOrder(ctx context.Context, r requests.Request, it requests.Item) (requests.Seen, error) {
	all, err := b.Panel.Licenses(ctx)
	if err != nil {
		return requests.Seen{}, err
	}
	spec := orderSpec(r)
	s := requests.Seen{}
	for _, l := range candidates(all, spec) {
		if l.Code == it.Code || it.Code == "" && !slices.Contains(it.Before.Codes, l.Code) {
			if theirs, err := b.anothers(r.ID, l.Code); err != nil {
				return requests.Seen{}, err
			} else if theirs {
				continue
			}
			is, vague, err := b.isOrdered(ctx, l, spec)
			if err != nil {
				return requests.Seen{}, err
			}
			if !is {
				continue
			}
			s.Vague = s.Vague || vague
			s.Found, s.Status, s.Processing, s.Expires = true, l.Status, l.Processing, l.Expires
		}
		s.Codes = append(s.Codes, l.Code)
	}
	return s, nil
}

// anothers says whether the panel named the licence in its answer to the order of
// another request.
func (b *Bot) anothers(id requests.ID, code license.Code) (theirs bool, err error) {
	err = b.Store.View(func(tx *store.Tx) error {
		entries, err := tx.EntriesOf(string(code))
		theirs = slices.ContainsFunc(entries, func(e requests.Entry) bool {
			return e.Event == requests.EventSucceeded && e.Action == string(requests.Order) && e.Request != id
		})
		return err
	})
	return theirs, err
}

// isOrdered says whether a new candidate can be the licence ordered. What its row
// leaves out, its form is asked for; vague says that not even that tells all.
func (b *Bot) isOrdered(ctx context.Context, l license.License, o isplicense.OrderSpec) (is, vague bool, err error) {
	nameless := o.Name != "" && l.Name == "" && requests.NamesOrders(o.Product.Family)
	if !nameless && (o.Address == "" || l.Address != "") {
		return true, false, nil
	}
	form, err := b.Panel.Form(ctx, l)
	if _, no := panelSaysNo(err); no {
		return true, true, nil
	}
	if err != nil {
		return false, false, err
	}
	if _, shown := form.Fields["licname"]; nameless && shown && form.Name == "" {
		return false, false, nil // it has no name; ours has
	}
	l.Name, l.Address = orElse(l.Name, form.Name), orElse(l.Address, form.Address)
	if l.ProductCode == 0 {
		l.ProductCode = form.ProductCode
	}
	vague = nameless && l.Name == "" || o.Address != "" && l.Address == ""
	return len(candidates([]license.License{l}, o)) > 0, vague, nil
}

// hands counts whose operations on the licence the panel's history has since the
// call began. The panel writes its own local time without a zone, so a day counts
// from a day before: an operation of the same evening by somebody else makes the
// report say that it can't be told apart, which is the safe side.
func (b *Bot) hands(ctx context.Context, it requests.Item) (ours, others int, known bool) {
	entries, err := b.Panel.History(ctx, it.Code)
	if err != nil {
		return 0, 0, false
	}
	since := license.DateOf(it.StartedAt.UTC().AddDate(0, 0, -1))
	by := map[string]int{}
	for _, e := range entries {
		day, ok := license.ParseDate(firstTen(e.When))
		switch {
		case !ok || e.Who == "":
			return 0, 0, false
		case day >= since:
			by[e.Who]++
			others++
		}
	}
	ours = by[b.Account]
	if ours == 0 && others > 0 {
		// The login may be spelled otherwise than the account is called.
		if name, err := b.Panel.WhoAmI(ctx); err == nil {
			ours = by[name]
		}
	}
	return ours, others - ours, others > 0
}

func firstTen(s string) string { return s[:min(len(s), 10)] }
