package local

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"

	"github.com/seed63bb8431/weir/archive/store"
)

// lock locks a file until it is closed.
func lock(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return store.ErrLocked
	}
	return os.NewSyscallError("LockFileEx", err)
}

// unlock is left to closing the file: no child has it open.
func unlock(*os.File) error { return nil }
