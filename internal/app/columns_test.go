package app_test

import (
	"strings"
	"testing"

	"github.com/isplicense/license-bot/internal/sandbox/panelserver"
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
