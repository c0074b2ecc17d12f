//go:build unix

package local

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/seed63bb8431/weir/archive/store"
)

// lock locks a file until it is closed.
func lock(f *os.File) error {
	for {
		switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
		case nil:
			return nil
		case unix.EINTR:
		case unix.EWOULDBLOCK:
			return store.ErrLocked
		default:
			return os.NewSyscallError("flock", err)
		}
	}
}
