// Package control is how a shell's verbs reach the store. While no bot runs they
// open it themselves; bbolt lets one process in, so while one runs they ask it, over
// a socket beside the store that its owner alone can open. A verb does not see the
// difference: [Open] gives the one or the other.
//
// It knows the store and the routines of package bot that change the allowlist, so
// that a shell goes the same way as a chat. It decides nothing, and knows no chat and
// no panel.
//
// # The socket
//
// It stands at [SocketPath], mode 0600 before anybody can connect to it: it is made
// in a folder that only its owner can enter, and moved from there. What a killed bot
// has left is replaced; a socket that answers never is. On Linux the peer's user is
// asked of the kernel besides: the bot's own or root.
//
// # The protocol
//
// HTTP. The path begins with the protocol's version; a bot that does not know it
// answers 404. Bodies are JSON, the audit trail is sent as its lines, a backup as
// the file's bytes. An answer that ends early is cut, never ended well.
package control
