package app_test

import "testing"

func TestARenewalInSlack(t *testing.T) {
	r := newRig(t)
	r.allow()
	r.says(r.ops, "/license renew 1001")
	card := r.sees(r.ops, "Renew 1001")
	t.Log(card.Text)
	r.presses(r.ops, card, "Confirm")
	report := r.sees(r.ops, "renewed")
	t.Log(report.Text)
	if err := r.world.Panel.Charged("service.prolong", 1); err != nil {
		t.Error(err)
	}
}
