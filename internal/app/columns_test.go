package app_test

import (
	"strings"
	"testing"

	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
)

// Any column may be missing in a panel's lists. What a row does not show rules
// nothing out: a "not ordered" of it would have the same bought twice.
func TestALostAnswerWithColumnsMissing(t *testing.T) {
	for _, hidden := range []string{"licname", "ip", "licname ip", "pricelist", "licname ip pricelist"} {
		for command, as := range map[string]struct{ fn, was, wasNot string }{
			"order 546 ip=192.0.2.9":           {"softexternal.order.param", "was ordered: licence 1013", "was not ordered"},
			"order 546 ip=192.0.2.9 name=web9": {"softexternal.order.param", "was ordered: licence 1013", "was not ordered"},
			"order 250 ip=192.0.2.9":           {"parallelslic.order.param", "was ordered: licence 1013", "was not ordered"},
			"edit 1001 name=other":             {"softexternal.edit", "1001 was edited", "1001 was not edited"},
			"edit 1001 ip=192.0.2.9":           {"softexternal.edit", "1001 was edited", "1001 was not edited"},
		} {
			for _, done := range []bool{true, false} {
				t.Run(hidden+", "+command+map[bool]string{true: ", done", false: ", not done"}[done], func(t *testing.T) {
					played(t, func(r *rig) {
						r.allow()
						r.world.Panel.Inject(panelserver.Fault{
							Func: as.fn, Step: panelserver.Changing, Times: 1, After: done, Answer: panelserver.Nothing(),
						})
						card := r.asks(r.ops, "/license "+command, "?")
						r.presses(r.ops, card, "Confirm")
						r.reportsWithin(card, map[bool]string{true: as.was, false: as.wasNot}[done], 10*minute)
						r.called(as.fn, 1)
					}, ways(func(w *panelserver.Ways) { w.Hide = strings.Fields(hidden) }))
				})
			}
		}
	}
}

// A deleted licence lingers in the lists, and only its status says that it is one.
func TestALostTerminationWithoutStatus(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		r.world.Panel.Inject(panelserver.Fault{
			Func: "softexternal.delete", Step: panelserver.Changing, Times: 1, After: true, Answer: panelserver.Nothing(),
		})
		card := r.asks(r.ops, "/license terminate 1003", "?")
		r.presses(r.second, card, "Approve")
		r.reportsWithin(card, "It is not known whether 1003 was terminated", 10*minute)
		r.called("softexternal.delete", 1)
	}, ways(func(w *panelserver.Ways) { w.DeletedStays, w.Hide = true, []string{"status", "item_status"} }))
}

// forms counts the forms that the panel was asked for.
func (r *rig) forms(fn string) (n int) {
	for _, c := range r.world.Panel.Calls(fn) {
		if !c.Changing {
			n++
		}
	}
	return n
}

func TestAQuestionShowsWhatTheListLeavesOut(t *testing.T) {
	for _, hidden := range []string{"", "licname", "ip", "pricelist", "expiredate real_expiredate", "licname ip pricelist expiredate real_expiredate period"} {
		for command, as := range map[string]struct {
			button, shows, report string
			forms                 int // where nothing is hidden
		}{
			"renew 1001":           {"Confirm", "srv1 192.0.2.10 ISPmanager 6 Lite 2000-01-04 → 2000-02-04", "1001 was renewed", 0},
			"terminate 1001":       {"Approve", "srv1 192.0.2.10 ISPmanager 6 Lite 2000-01-04", "1001 was terminated", 0},
			"edit 1001 name=other": {"Confirm", "srv1 → other 192.0.2.10 ISPmanager 6 Lite 2000-01-04", "1001 was edited", 2},
		} {
			t.Run(hidden+", "+command, func(t *testing.T) {
				played(t, func(r *rig) {
					r.allow()
					card := r.asks(r.ops, "/license "+command, "?")
					r.lacks(card.Text, "not known")
					table := strings.Join(strings.Fields(card.Text), " ")
					for _, label := range []string{"Name", "Address", "Product", "Expires"} {
						table = strings.Replace(table, " "+label+" ", " ", 1)
					}
					if !strings.Contains(table, as.shows) {
						r.Errorf("the question does not show %s:\n%s", as.shows, card.Text)
					}
					r.presses(map[string]*slackserver.User{"Confirm": r.ops, "Approve": r.second}[as.button], card, as.button)
					r.reports(card, as.report)
					want := as.forms
					if hidden != "" {
						want = 2 // for the question, and before the call
					}
					if got := r.forms("softexternal.edit"); got != want {
						r.Errorf("the panel was asked for the form %d times, want %d", got, want)
					}
				}, ways(func(w *panelserver.Ways) { w.Hide = strings.Fields(hidden) }))
			})
		}
	}
}

// What was shown is what runs, also where only the form shows it.
func TestWhatOnlyTheFormShowsHasChanged(t *testing.T) {
	played(t, func(r *rig) {
		r.allow()
		card := r.asks(r.ops, "/license renew 1001", "srv1")
		if err := r.world.Panel.EditByHand("1001", "192.0.2.10", "other", "somebody"); err != nil {
			r.Fatal(err)
		}
		r.presses(r.ops, card, "Confirm")
		r.reports(card, "srv1 → other")
		if _, err := r.ops.Sees(r.ctx(), channel, "Asked anew"); err != nil {
			r.Fatal(err)
		}
		r.called("service.prolong", 0)
	}, ways(func(w *panelserver.Ways) { w.Hide = []string{"licname"} }))
}

func TestAFormThatCannotBeRead(t *testing.T) {
	hide := ways(func(w *panelserver.Ways) { w.Hide = []string{"licname", "expiredate", "real_expiredate"} })
	for name, a := range map[string]panelserver.Answer{
		"not allowed": panelserver.Refuse(panelserver.Refusal{Type: "access"}),
		"busy":        panelserver.Refuse(panelserver.Refusal{Type: "operation", Object: "runningoperation"}),
		"maintenance": panelserver.Maintenance(),
	} {
		form := panelserver.Fault{Func: "softexternal.edit", Step: panelserver.Reading, Answer: a}
		t.Run(name+", for the question", func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				r.world.Panel.Inject(form)
				card := r.asks(r.ops, "/license renew 1001", "Renew 1001")
				if shown := strings.Join(strings.Fields(card.Text), " "); !strings.Contains(shown, "Name not known Address 192.0.2.10") ||
					!strings.Contains(shown, "Expires not known → 2000-02-04") {
					r.Errorf("the question shows\n%s", card.Text)
				}
				r.presses(r.ops, card, "Confirm")
				r.reports(card, "1001 was renewed")
			}, hide)
		})
		t.Run(name+", before the call", func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				card := r.asks(r.ops, "/license renew 1001", "srv1")
				fault := r.world.Panel.Inject(form)
				r.presses(r.ops, card, "Confirm")
				if name == "not allowed" {
					r.reports(card, "1001 was not renewed")
					r.called("service.prolong", 0)
					return
				}
				if err := r.world.Panel.Await(r.ctx(), func() bool { return fault.Seen() > 0 }); err != nil {
					r.Fatal(err)
				}
				fault.Clear()
				r.reports(card, "1001 was renewed")
			}, hide)
		})
	}
}

// An edit and a count of nodes need nothing of a form that the list does not have.
// What the form alone would tell of a call without an answer is left to people.
func TestAPanelWithoutForms(t *testing.T) {
	maintenance := &panelserver.Fault{Func: "soft.edit", Step: panelserver.Changing, Answer: panelserver.Maintenance()}
	for name, lost := range map[string]*panelserver.Fault{"answered": nil, "lost": maintenance} {
		t.Run(name, func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				for _, fn := range []string{"softexternal.edit", "soft.edit"} {
					r.world.Panel.Inject(panelserver.Fault{
						Func: fn, Step: panelserver.Reading, Answer: panelserver.Refuse(panelserver.Refusal{Type: "missed"}),
					})
				}
				edit := r.asks(r.ops, "/license edit 1001 name=other", "Edit 1001")
				r.presses(r.ops, edit, "Confirm")
				r.reports(edit, "1001 was edited")
				if lost != nil {
					r.world.Panel.Inject(*lost)
				}
				nodes := r.asks(r.ops, "/license nodes 1002 7", "not known → 7")
				r.presses(r.ops, nodes, "Confirm")
				if lost != nil {
					r.reportsWithin(nodes, "It is not known whether 1002 was edited", 5*minute)
				} else {
					r.reports(nodes, "1002 was edited")
				}
				r.called("soft.edit", 1)
			})
		})
	}
}

// The date of before is the form's where the list has none, and so is that of after.
func TestALostRenewalWithoutAColumnForTheExpiry(t *testing.T) {
	for _, done := range []bool{true, false} {
		t.Run(map[bool]string{true: "done", false: "not done"}[done], func(t *testing.T) {
			played(t, func(r *rig) {
				r.allow()
				r.world.Panel.Inject(panelserver.Fault{
					Func: "service.prolong", Step: panelserver.Changing, Times: 1, After: done, Answer: panelserver.Nothing(),
				})
				card := r.asks(r.ops, "/license renew 1001", "2000-01-04 → 2000-02-04")
				r.presses(r.ops, card, "Confirm")
				r.reportsWithin(card, map[bool]string{true: "1001 was renewed until 2000-02-04", false: "1001 was not renewed"}[done], 10*minute)
				r.called("service.prolong", 1)
			}, ways(func(w *panelserver.Ways) { w.Hide = []string{"expiredate", "real_expiredate"} }))
		})
	}
}
