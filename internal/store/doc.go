// Package store keeps what has to outlive a kill: requests and their messages,
// the allowlist, the outbox, which deliveries were taken in, and the audit trail.
//
// It speaks in the terms of the domain and knows package requests, and through it
// the nouns of package license; it knows nothing of chats, of the panel, or of what
// a task or a message means. It decides nothing: it holds what it is given, all of
// one transaction or nothing of it.
//
// # Transactions
//
// [Store.Update] returns nil only after what its function wrote is on the disk. What
// has arrived together is written together by one of the callers, so that many share
// one sync. A function may therefore run in another goroutine, and again, see
// [Store.Update].
//
// No transaction may be begun within another one, and nothing slow (a network, a
// disk, a channel) may be waited for within one.
//
// # After an error
//
// An error from a commit does not say whether the commit took place: the disk may
// have it or not. The store then stops for good ([ErrBroken], [Store.Broken]), and has
// to be opened anew, which reads what is there. Writing again because it failed could
// do a thing twice.
//
// A file that cannot be read, is not ours, is empty, or was made by a newer version
// is refused and left as it is. Only a missing file is created, and that is said
// loudly, since a store that has forgotten what was done may do it again.
//
// # The file
//
// It is a bbolt database; buckets and keys are listed in tx.go, the steps between
// versions in migrate.go. Values are JSON. Whatever else opens it (the bbolt tool,
// say) has to wait until this process has closed it.
//
// While it is open, and after a kill, it has a log beside it: what was written since
// the last checkpoint is in there alone, see redo.go. The two go together; a closed
// store and a [Store.Backup] have none.
package store
