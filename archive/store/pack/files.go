package pack

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
)

// FS is a directory tree with the few operations that an archive needs. A test has one that fails, or that loses what was not synced.
// Names are relative and have slashes.
type FS interface {
	// Create makes a file for reading and writing. It is an error that wraps fs.ErrExist if there is one.
	Create(name string) (File, error)
	// Open opens a file for reading, OpenWrite for writing too. A missing one is an error that wraps fs.ErrNotExist.
	Open(name string) (File, error)
	OpenWrite(name string) (File, error)
	// Mkdir makes a directory. It is no error if there is one.
	Mkdir(name string) error
	// List returns the names of what is in a directory.
	List(name string) ([]string, error)
	Rename(from, to string) error
	// Remove removes a file. It is no error if there is none.
	Remove(name string) error
	// SyncDir makes durable which files a directory has.
	SyncDir(name string) error
	// Free returns how many bytes a program may still write, math.MaxInt64 where nothing tells.
	Free() (int64, error)
}

// File is an open file of an FS.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	Truncate(size int64) error
	Sync() error
}

// OS returns the FS below a directory. Nothing leads out of it: no "..", no symbolic link.
func OS(root *os.Root) FS { return osFS{root} }

type osFS struct{ root *os.Root }

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (o osFS) open(name string, flag int) (File, error) {
	f, err := o.root.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (o osFS) Create(name string) (File, error) {
	return o.open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func (o osFS) Open(name string) (File, error) { return o.open(name, os.O_RDONLY) }

func (o osFS) OpenWrite(name string) (File, error) { return o.open(name, os.O_RDWR) }

func (o osFS) Mkdir(name string) error {
	if err := o.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func (o osFS) List(name string) ([]string, error) {
	dir, err := o.root.Open(name)
	if err != nil {
		return nil, err
	}
	names, err := dir.Readdirnames(-1)
	return names, errors.Join(err, dir.Close())
}

func (o osFS) Rename(from, to string) error { return o.root.Rename(from, to) }

func (o osFS) Remove(name string) error {
	if err := o.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// SyncDir does nothing on Windows, where a directory cannot be synced and NTFS journals its entries.
func (o osFS) SyncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := o.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (o osFS) Free() (int64, error) { return free(o.root.Name()) }

// Hooked returns files whose operations ask hook first: by name ("open", "mkdir", "read", "write", "sync", "truncate", "rename",
// "remove"), with the size of a write. The hook returns how many bytes of a write to let pass and what the operation returns then; an
// operation that is no write is done only if that is nil. It is for tests.
func Hooked(files FS, hook func(op string, size int) (int, error)) FS { return hookedFS{files, hook} }

type hookedFS struct {
	FS
	hook func(op string, size int) (int, error)
}

type hookedFile struct {
	File
	hook func(op string, size int) (int, error)
}

func (h hookedFS) before(op string) error {
	_, err := h.hook(op, 0)
	return err
}

func (h hookedFS) file(open func(string) (File, error), name string) (File, error) {
	if err := h.before("open"); err != nil {
		return nil, err
	}
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	return hookedFile{f, h.hook}, nil
}

func (h hookedFS) Create(name string) (File, error)    { return h.file(h.FS.Create, name) }
func (h hookedFS) Open(name string) (File, error)      { return h.file(h.FS.Open, name) }
func (h hookedFS) OpenWrite(name string) (File, error) { return h.file(h.FS.OpenWrite, name) }

func (h hookedFS) Mkdir(name string) error {
	if err := h.before("mkdir"); err != nil {
		return err
	}
	return h.FS.Mkdir(name)
}

func (h hookedFS) Rename(from, to string) error {
	if err := h.before("rename"); err != nil {
		return err
	}
	return h.FS.Rename(from, to)
}

func (h hookedFS) Remove(name string) error {
	if err := h.before("remove"); err != nil {
		return err
	}
	return h.FS.Remove(name)
}

func (h hookedFS) SyncDir(name string) error {
	if err := h.before("sync"); err != nil {
		return err
	}
	return h.FS.SyncDir(name)
}

func (f hookedFile) ReadAt(p []byte, off int64) (int, error) {
	if _, err := f.hook("read", 0); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

func (f hookedFile) WriteAt(p []byte, off int64) (int, error) {
	n, failure := f.hook("write", len(p))
	n = min(n, len(p))
	if n > 0 {
		var err error
		if n, err = f.File.WriteAt(p[:n], off); err != nil {
			return n, err
		}
	}
	return n, failure
}

func (f hookedFile) Truncate(size int64) error {
	if _, err := f.hook("truncate", 0); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f hookedFile) Sync() error {
	if _, err := f.hook("sync", 0); err != nil {
		return err
	}
	return f.File.Sync()
}
