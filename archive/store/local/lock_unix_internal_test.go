//go:build unix

package local

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed63bb8431/weir/archive/store"
)

// TestUnlock has an archive closed while a child that was just forked, here a second descriptor, still has its lock open.
func TestUnlock(t *testing.T) {
	dir := t.TempDir()
	o := (*Options)(nil).defaults()
	d, err := lockDirectory(dir, &o, true)
	if err != nil {
		t.Fatal(err)
	}
	child, err := unix.Dup(int(d.lock.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(child)
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := lock(f); !errors.Is(err, store.ErrLocked) {
		t.Errorf("while the archive is open: %v", err)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	if err := lock(f); err != nil {
		t.Errorf("after it was closed: %v", err)
	}
}
