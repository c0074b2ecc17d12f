package reload

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
)

var (
	// ErrMode means a file that has permission bits which it must not have.
	ErrMode = errors.New("permissions too wide")
	// ErrSize means a file that is larger than it may be.
	ErrSize = errors.New("file too large")
	// ErrNotRegular means a directory, a pipe or a device in the place of a file.
	ErrNotRegular = errors.New("not a regular file")
)

// A File is one to be read.
type File struct {
	Path    string
	MaxSize int64       // bytes
	Forbid  fs.FileMode // permission bits that it must not have; Windows has none that mean something
}

// read returns what is in the file.
func (f File) read() ([]byte, error) {
	// A pipe without a writer would hold up what opens it.
	info, err := os.Stat(f.Path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w", f.Path, ErrNotRegular)
	}
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err = file.Stat()
	if err != nil {
		return nil, err
	}
	mode := info.Mode()
	switch {
	case !mode.IsRegular():
		return nil, fmt.Errorf("%s: %w", f.Path, ErrNotRegular)
	case mode.Perm()&f.Forbid != 0 && runtime.GOOS != "windows":
		return nil, fmt.Errorf("%s: %w: mode %03o, run: chmod %03o %s", f.Path, ErrMode, mode.Perm(), mode.Perm()&^f.Forbid, f.Path)
	}
	data, err := io.ReadAll(io.LimitReader(file, f.MaxSize+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > f.MaxSize {
		return nil, fmt.Errorf("%s: %w: more than %d bytes", f.Path, ErrSize, f.MaxSize)
	}
	return data, nil
}
