package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed63bb8431/weir/archive/store/pack"
	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

// Backup copies the archive as it is at one moment into a directory, which must be missing or empty, while it is in use. The copy is
// an archive that Open opens; it is one only when Backup has returned without an error. Packs that are not written any more are shared
// with the archive by hard links where the file system can: damage to such a file is damage to both.
func (s *Store) Backup(ctx context.Context, dir string) error {
	end, err := s.exclusive(ctx) // no pack goes away meanwhile
	if err != nil {
		return err
	}
	defer end()
	leave, err := s.reading()
	if err != nil {
		return err
	}
	defer leave()
	if err := s.backup(ctx, dir); err != nil {
		return fmt.Errorf("back up into %s: %w", dir, fullError(err))
	}
	return nil
}

func (s *Store) backup(ctx context.Context, dir string) (err error) {
	o := (*Options)(nil).defaults()
	to, err := lockDirectory(dir, &o, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	if err := to.onlyKnown(); err != nil {
		return err
	}
	if err := to.files.Mkdir(packDir); err != nil {
		return err
	}
	path := filepath.Join(to.path, indexFile)
	if err := copyIndex(ctx, filepath.Join(s.dir.path, indexFile), path); err != nil {
		return err
	}
	index, err := openIndex(ctx, path, 1, nil)
	if err != nil {
		return err
	}
	err = s.backupFiles(ctx, to, index)
	if err = errors.Join(err, index.Close()); err != nil {
		return err
	}
	if err := syncFile(to.files, indexFile); err != nil {
		return err
	}
	if err := to.files.SyncDir("."); err != nil {
		return err
	}
	return to.setFormat(format)
}

// backupFiles copies the packs of an index, and makes a journal of it.
func (s *Store) backupFiles(ctx context.Context, to *directory, index *sqlindex.Index) error {
	packs, err := index.Packs(ctx)
	if err != nil {
		return err
	}
	for _, p := range packs {
		name := filepath.FromSlash(packName(p.ID))
		if p.Sealed && os.Link(filepath.Join(s.dir.path, name), filepath.Join(to.path, name)) == nil {
			continue
		}
		// A pack that is still written to has more by now than the index knows, and that is not wanted.
		err := copyFile(ctx, s.dir.files, to.files, packName(p.ID), p.Size)
		if errors.Is(err, fs.ErrNotExist) {
			s.o.Warn(fmt.Errorf("back up pack %d: %w", p.ID, err)) // what it had is lost here and there
			continue
		}
		if err != nil {
			return err
		}
	}
	if err := to.files.SyncDir(packDir); err != nil {
		return err
	}
	epoch, _, err := index.Meta(ctx, metaEpoch)
	if err != nil {
		return err
	}
	// The last number of the opening: the heads are those behind all records, of which none comes any more.
	mark, size, err := writeJournal(ctx, to.files, journalFile, index.Queries, (epoch+1)<<epochSequences-1, s.o.Now().UnixNano())
	if err != nil {
		return err
	}
	tx, err := index.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	tx.SetMeta(metaClean, 0)
	saveJournal(tx, mark, size, size)
	return tx.Commit()
}

// copyFile copies the first bytes of a file.
func copyFile(ctx context.Context, from, to pack.FS, name string, size int64) (err error) {
	src, err := from.Open(name)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := to.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	buf := make([]byte, 1<<20)
	for at := int64(0); at < size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := buf[:min(int64(len(buf)), size-at)]
		if n, err := src.ReadAt(b, at); n < len(b) {
			return fmt.Errorf("copy %s: %w", name, err)
		}
		if _, err := dst.WriteAt(b, at); err != nil {
			return err
		}
		at += int64(len(b))
	}
	return dst.Sync()
}

func syncFile(files pack.FS, name string) error {
	f, err := files.OpenWrite(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
