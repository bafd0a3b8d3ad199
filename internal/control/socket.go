package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// maxSocketPath is how many bytes the path of a socket may have; the system's
// structure ends with a NUL.
const maxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// SocketPath is where the bot that has the store at path open listens: beside the
// file itself, whichever links lead to it.
func SocketPath(path string) string {
	if file, err := filepath.EvalSymlinks(path); err == nil {
		path = file
	}
	return path + ".sock"
}

// privateFolder is the folder, beside the store, that only its owner can enter.
func privateFolder(socket string) string {
	return filepath.Join(filepath.Dir(socket), "."+filepath.Base(socket)+".d")
}

// shortened gives a path to the same socket that is short enough for the system. It
// is good until release is called.
func shortened(path string) (short string, release func(), err error) {
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	tooLong := fmt.Errorf("%s: a socket's path may have %d bytes and this one has %d; give the store a shorter path", path, maxSocketPath, len(path))
	if runtime.GOOS != "linux" {
		return "", nil, tooLong
	}
	// Linux has another name for each folder that a process has open.
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	short = fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path))
	if len(short) > maxSocketPath {
		_ = dir.Close() // only read from
		return "", nil, tooLong
	}
	return short, func() { _ = dir.Close() }, nil
}

// ErrBotRuns means that another bot answers at the socket, which is left to it.
var ErrBotRuns = errors.New("another bot runs on this path; stop it first")

// listen makes the socket at path. It takes the place of one that nobody listens on.
func listen(path string) (*net.UnixListener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != os.ModeSocket {
		return nil, fmt.Errorf("%s is no socket; move it away", path)
	}
	switch conn, err := connect(path); {
	case err == nil:
		_ = conn.Close() // nothing was said
		return nil, ErrBotRuns
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED):
		return nil, err // somebody may listen
	}
	private := privateFolder(path)
	if err := os.RemoveAll(private); err != nil { // a killed bot's
		return nil, err
	}
	if err := os.Mkdir(private, 0o700); err != nil {
		return nil, err
	}
	l, err := bind(filepath.Join(private, "s"))
	if err != nil {
		return nil, err
	}
	err = os.Chmod(filepath.Join(private, "s"), 0o600)
	if err == nil {
		err = os.Rename(filepath.Join(private, "s"), path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func bind(path string) (*net.UnixListener, error) {
	short, release, err := shortened(path)
	if err != nil {
		return nil, err
	}
	defer release()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it will have another name by then
	return l, nil
}

func connect(path string) (net.Conn, error) {
	short, release, err := shortened(path)
	if err != nil {
		return nil, err
	}
	defer release()
	return net.DialUnix("unix", nil, &net.UnixAddr{Name: short, Net: "unix"})
}
