// Package bot takes in what people do in the chats, lets package requests decide
// what follows, records it, and does it: the one way in and the one way round.
//
//	chat → Take → (one transaction: delivery, state, audit, what is to be said)
//	     → post, edit, read, call → the outcome as an event → …
//
// Only after the transaction is committed does Take return, and only then may an
// adapter acknowledge. What is to be done after a kill is not kept in a list of its
// own: it is what the store's requests, messages and tasks say. An item that is
// being checked is checked again, a call that had begun is looked up and never
// begun again, a message without a reference is posted, one that shows an old state
// is edited, a task is carried out.
//
// The package may know the nouns (license), the language (commands), the rules
// (requests), messages (chat), the store and the types of the panel's client. It
// knows no messenger: what differs between them is asked of the [Chat].
package bot
