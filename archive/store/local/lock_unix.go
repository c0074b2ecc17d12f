//go:build unix

package local

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/seed63bb8431/weir/archive/store"
)

// lock locks a file until it is unlocked, or closed by all that have it open.
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

// unlock unlocks a file. To close it is not enough: a child that was forked a moment ago has it open until it runs its program.
func unlock(f *os.File) error {
	return os.NewSyscallError("flock", unix.Flock(int(f.Fd()), unix.LOCK_UN))
}
