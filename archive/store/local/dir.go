package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/pack"
)

// Format is the version of the directory that this package writes.
const Format = 1

// format is Format but in tests.
var format = Format

const (
	formatFile  = "FORMAT"
	lockFile    = "LOCK"
	indexFile   = "index.db"
	journalFile = "journal"
	packDir     = "packs"
	newSuffix   = ".new" // of a file that is being made to replace another
)

// upgrades has what makes a directory of the next version of one; the first is that of version 1.
var upgrades []func(*directory) error

// directory is an archive's directory while it is locked.
type directory struct {
	path  string // absolute
	root  *os.Root
	files pack.FS
	lock  *os.File
	hook  func(op string, size int) (int, error)
}

// openDirectory locks an archive's directory and sees to its format. A directory that is missing or empty becomes an archive if create
// is set.
func openDirectory(path string, o *Options, create bool) (*directory, error) {
	d, err := lockDirectory(path, o, create)
	if err != nil {
		return nil, err
	}
	if err := d.migrate(create); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// lockDirectory locks a directory, which it makes if create is set.
func lockDirectory(path string, o *Options, create bool) (d *directory, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	d = &directory{path: path, hook: o.Hook}
	defer func() {
		if err != nil {
			_ = d.close()
		}
	}()
	if create {
		if err := d.before("mkdir"); err != nil {
			return d, err
		}
		if err := os.MkdirAll(path, 0o700); err != nil {
			return d, err
		}
	}
	if d.root, err = os.OpenRoot(path); err != nil {
		return d, err
	}
	d.files = o.Files(pack.OS(d.root))
	if o.Hook != nil {
		d.files = pack.Hooked(d.files, o.Hook)
	}
	if err := d.before("open"); err != nil {
		return d, err
	}
	if d.lock, err = d.root.OpenFile(lockFile, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return d, err
	}
	return d, lock(d.lock)
}

// before asks the hook about an operation that is not one of the files.
func (d *directory) before(op string) error {
	if d.hook == nil {
		return nil
	}
	_, err := d.hook(op, 0)
	return err
}

func (d *directory) close() error {
	var err error
	if d.lock != nil {
		err = errors.Join(unlock(d.lock), d.lock.Close())
	}
	if d.root != nil {
		err = errors.Join(err, d.root.Close())
	}
	return err
}

// migrate reads FORMAT and brings the directory to the present one.
func (d *directory) migrate(create bool) error {
	names, err := d.files.List(".")
	if err != nil {
		return err
	}
	if !slices.Contains(names, formatFile) {
		if err := d.onlyKnown(); err != nil {
			return err
		}
		if !create {
			return fmt.Errorf("an empty directory: %w", store.ErrFormat)
		}
		return d.setFormat(format)
	}
	version, err := d.readFormat()
	switch {
	case err != nil:
		return err
	case version > format:
		return fmt.Errorf("the archive has format %d, this program knows %d: %w", version, format, store.ErrFormat)
	}
	for ; version < format; version++ {
		if err := upgrades[version-1](d); err != nil {
			return fmt.Errorf("make format %d of %d: %w", version+1, version, err)
		}
		if err := d.setFormat(version + 1); err != nil {
			return err
		}
	}
	return nil
}

// onlyKnown returns an error if the directory has more than an archive that is about to be made.
func (d *directory) onlyKnown() error {
	names, err := d.files.List(".")
	if err != nil {
		return err
	}
	for _, name := range names {
		if name != lockFile && name != formatFile+newSuffix && name != "lost+found" {
			return fmt.Errorf("a directory with %q and without %s: %w", name, formatFile, store.ErrFormat)
		}
	}
	return nil
}

const formatWords = "weir archive "

func (d *directory) readFormat() (int, error) {
	f, err := d.files.Open(formatFile)
	if err != nil {
		return 0, err
	}
	b := make([]byte, 64)
	n, err := f.ReadAt(b, 0)
	if err := f.Close(); err != nil {
		return 0, err
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	line, _, whole := bytes.Cut(b[:n], []byte("\n"))
	text, ours := strings.CutPrefix(string(line), formatWords)
	version, err := strconv.Atoi(text)
	if !whole || !ours || err != nil || version < 1 {
		return 0, fmt.Errorf("%s says %q: %w", formatFile, b[:n], store.ErrFormat)
	}
	return version, nil
}

func (d *directory) setFormat(version int) error {
	return replaceFile(d.files, formatFile, []byte(formatWords+strconv.Itoa(version)+"\n"))
}

// replaceFile makes a small file durable under its name, or leaves the one that was there.
func replaceFile(files pack.FS, name string, data []byte) error {
	if err := files.Remove(name + newSuffix); err != nil {
		return err
	}
	f, err := files.Create(name + newSuffix)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := files.Rename(name+newSuffix, name); err != nil {
		return err
	}
	return files.SyncDir(".")
}

// packName returns the name of a pack's file, packID the ID that a name has.
func packName(id int64) string { return packDir + "/" + fmt.Sprintf("%016x", id) + ".pack" }

func packID(name string) (int64, bool) {
	text, ok := strings.CutSuffix(name, ".pack")
	id, err := strconv.ParseInt(text, 16, 64)
	return id, ok && err == nil && id > 0 && packName(id) == packDir+"/"+name
}
