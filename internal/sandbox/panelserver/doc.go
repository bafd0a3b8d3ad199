// Package panelserver is a licence panel for tests, the demo and the benchmark:
// it answers as ISPlicense's BILLmanager does for a client account, over HTTP at
// [Path], and is as strict.
//
// It sells its own copy of the catalogue, keeps licences and a balance, and works
// without idempotency, as the real one does: an order or a renewal that arrives
// twice is executed and charged twice. What the vendor leaves open, or what panels
// differ in, is a setting in [Ways] and [Delays]; what goes wrong on the way is a
// [Fault]. Licences change only by calls, by the methods that end in ByHand (a
// person on the panel's web page) and by the time that Options.Now tells.
//
// It knows nothing of who calls it, and uses none of the bot's code, so that a
// misreading of the panel's API is not made twice.
//
//	panel := panelserver.New(panelserver.Options{
//		Licenses: []panelserver.License{
//			{ID: "1001", Product: 546, Name: "srv1", IP: "192.0.2.10", Period: 1, Expires: "2025-02-10"},
//		},
//	})
//	srv := httptest.NewServer(panel)
//	// The client under test calls srv.URL + panelserver.Path as panel.User().
//
//	// The renewal happens, and its answer gets lost:
//	panel.Inject(panelserver.Fault{
//		Func: "service.prolong", Step: panelserver.Changing, Times: 1,
//		After: true, Answer: panelserver.Nothing(),
//	})
//	...
//	err := panel.Charged("service.prolong", 1)  // nil: charged once
//	l, _ := panel.License("1001")               // l.Expires == "2025-03-10"
//
// The rules are in account.go, operations.go and catalogue.go, and know nothing of
// HTTP; functions.go, lists.go and forms.go turn parameters into operations and
// these into XML; http.go takes requests in. All methods may be called at the
// same time.
package panelserver
