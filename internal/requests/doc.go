// Package requests is the life of a request: who may ask, confirm, approve and
// stop it, when the panel may be called, and what is concluded from what the
// panel answered or did not.
//
// It is pure: [Decide] takes a request, an event and what is known at that moment
// and gives the next request, the effects to carry out, the entries for the audit
// trail and the answer to whoever clicked. There is no I/O, no clock and no chat
// in it; it may know the nouns of package license and nothing else.
//
// A request has one or more items, one for each licence code. Its way is
//
//	proposed → running → done
//	         ↘ cancelled | denied | expired
//
// and an item's
//
//	waiting → checking → started → applied | not
//	                             ↘ looking → applied | not | unknown
//
// What reading could not tell is settled by people or by a later reading, and a
// "not" that was said because nothing was found is corrected by what turns up.
// docs/requests.md has every step.
//
// An item is started once in its life: the step that records "started" is the only
// one that gives the effect [DoCall], and nothing leads back before it.
package requests
