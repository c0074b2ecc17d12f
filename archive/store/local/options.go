package local

import (
	"errors"
	"time"

	"github.com/seed63bb8431/weir/archive/store/pack"
)

// Options for Open, Reindex. The zero value means the defaults named on each field.
type Options struct {
	// PackSize is the size from which a pack is not written any more: default 1 GiB.
	PackSize int64
	// Headroom is how many bytes of the file system fragments must leave free, for the index and for moving fragments out of packs: default
	// 1 GiB; none if it is negative. With less Append returns ErrFull.
	Headroom int64
	// OpenPacks is how many packs stay open for reading: default 64.
	OpenPacks int
	// Readers is how many queries of the index run at a time: default 4.
	Readers int
	// Now is the clock by which packs are divided: default time.Now.
	Now func() time.Time
	// Warn is told what went wrong without a call that could return it: a file that is not written any more after a failed sync, what
	// was cut off after a crash, a damaged fragment in a pack that is to be cleared. It must not call the store. Default: nobody is told.
	Warn func(error)

	// For tests.

	// Hook is called before each operation on the storage, as pack.Hooked and storetest.Faults describe it; "index" is one SQL
	// statement or a commit.
	Hook func(op string, size int) (int, error)
	// Files returns the files to be used instead of those of the operating system.
	Files func(pack.FS) pack.FS
}

// ErrIndex means that the index is missing, damaged or older than the packs and the journal. Reindex makes it anew.
var ErrIndex = errors.New("local: the index is not that of the archive")

// defaults returns a copy of o in which what is not set has its default.
func (o *Options) defaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	if d.PackSize <= 0 {
		d.PackSize = 1 << 30
	}
	if d.Headroom == 0 {
		d.Headroom = 1 << 30
	}
	if d.OpenPacks <= 0 {
		d.OpenPacks = 64
	}
	if d.Readers <= 0 {
		d.Readers = 4
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Warn == nil {
		d.Warn = func(error) {}
	}
	if d.Files == nil {
		d.Files = func(files pack.FS) pack.FS { return files }
	}
	return d
}
