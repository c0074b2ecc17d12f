//go:build unix

package reload

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

// TestPipe has a pipe in the place of the file, which nobody writes to.
func TestPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(join, File{Path: path, MaxSize: 10}); !errors.Is(err, ErrNotRegular) {
		t.Errorf("error %v", err)
	}
}
