package control

import (
	"net"
	"os"
	"syscall"
)

// trusted says whether the process at the other end runs as this one's user or as
// root (unix(7), SO_PEERCRED).
func trusted(conn *net.UnixConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	var peer *syscall.Ucred
	err = raw.Control(func(fd uintptr) {
		// A failure leaves peer nil, and nobody is trusted.
		peer, _ = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	return err == nil && peer != nil && trustedUser(int(peer.Uid), os.Geteuid())
}

func trustedUser(peer, own int) bool { return peer == own || peer == 0 }
