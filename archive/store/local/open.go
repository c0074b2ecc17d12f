package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/seed63bb8431/weir/archive/store/pack"
	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

// Sequence numbers and IDs of packs begin with the number of the opening in which they were given out, so that none is used twice
// though only that number is kept.
const (
	epochSequences = 40
	epochPacks     = 20
)

// Open opens the archive in a directory, which it makes if it is missing or empty. opts may be nil. Errors are store.ErrLocked,
// store.ErrFormat, ErrIndex, and those of the storage.
func Open(dir string, opts *Options) (*Store, error) {
	s := &Store{o: opts.defaults(), wake: make(chan struct{}, 1), done: make(chan struct{}), maintenance: make(chan struct{}, 1), doomed: map[int64]bool{}, dropped: map[int64]int64{}}
	s.streams, s.unsaved, s.packs = map[int64]*streamState{}, map[int64]bool{}, map[int64]*sqlindex.Pack{}
	if err := s.open(dir); err != nil {
		s.abandon()
		return nil, fmt.Errorf("open archive %s: %w", dir, fullError(err))
	}
	go s.run()
	return s, nil
}

// abandon closes what a failed open has opened.
func (s *Store) abandon() {
	if s.journal != nil {
		_ = s.journal.Close()
	}
	for _, w := range s.current {
		if w != nil {
			_ = w.Close()
		}
	}
	if s.index != nil {
		_ = s.index.Close()
	}
	if s.dir != nil {
		_ = s.dir.close()
	}
}

func (s *Store) open(path string) error {
	ctx := background
	var err error
	if s.dir, err = openDirectory(path, &s.o, true); err != nil {
		return err
	}
	files := s.dir.files
	s.cache = pack.NewCache(files, packName, s.o.OpenPacks)
	if err := files.Mkdir(packDir); err != nil {
		return err
	}
	if err := s.openIndex(ctx); err != nil {
		return err
	}
	if s.epoch, _, err = s.index.Meta(ctx, metaEpoch); err != nil {
		return err
	}
	journal, err := s.openJournal(ctx)
	if err != nil {
		return err
	}
	s.journal = journal
	if s.renewed, _, err = s.index.Meta(ctx, metaRenewed); err != nil {
		return err
	}
	if s.newest.stream, _, err = s.index.Meta(ctx, metaStream); err != nil {
		return err
	}
	if s.newest.codec, _, err = s.index.Meta(ctx, metaCodec); err != nil {
		return err
	}
	doomed, err := s.index.Doomed(ctx)
	if err != nil {
		return err
	}
	for _, id := range doomed {
		s.doomed[id] = true
	}
	s.epoch++
	s.sequence = s.epoch << epochSequences
	if err := s.openPacks(ctx); err != nil {
		return err
	}
	// The index comes first: a journal of a later opening than the index's means that somebody brought back an old index.
	tx, err := s.index.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	tx.SetMeta(metaEpoch, s.epoch)
	tx.SetMeta(metaClean, 0)
	for id := range s.unsaved {
		tx.PutPack(s.packs[id])
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	clear(s.unsaved)
	if err := files.SyncDir("."); err != nil { // the index may be new
		return err
	}
	return s.beginJournal(ctx)
}

// openIndex opens the index if it can be that of the packs and the journal.
func (s *Store) openIndex(ctx context.Context) error {
	names, err := s.dir.files.List(".")
	if err != nil {
		return err
	}
	if !slices.Contains(names, indexFile) {
		packs, err := s.dir.files.List(packDir)
		if err != nil {
			return err
		}
		if len(packs) > 0 || slices.Contains(names, journalFile) {
			return fmt.Errorf("%s is missing: %w", indexFile, ErrIndex)
		}
	}
	s.index, err = openIndex(ctx, filepath.Join(s.dir.path, indexFile), s.o.Readers, s.dir.indexHook())
	if dialect.Damaged(err) {
		err = fmt.Errorf("%w: %w", ErrIndex, err)
	}
	return err
}

// indexHook returns what the index asks before its statements.
func (d *directory) indexHook() func() error {
	if d.hook == nil {
		return nil
	}
	return func() error { return d.before("index") }
}

// beginJournal notes the opening in the journal, which it makes if it is not the one that the index knows.
func (s *Store) beginJournal(ctx context.Context) error {
	if s.journal == nil || s.journal.Size() > s.journalLimit() {
		if err := s.renewJournal(s.index.Queries, s.next()); err != nil {
			return err
		}
	}
	if _, err := s.journal.Add(&pack.Entry{Kind: pack.Opened, Sequence: s.next()}, nil, 0); err != nil {
		return err
	}
	if err := s.journal.Flush(); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	tx, err := s.index.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	saveJournal(tx, s.journal.Mark, s.journal.Size(), s.renewed)
	s.marked = s.journal.Mark
	return tx.Commit()
}

// openPacks learns what packs there are. Those that were written to when the archive was closed are written to again; those that were
// when the process ended otherwise are not, for it may have been a failed sync that ended it: what is behind their last whole
// record is cut off. Packs that the index does not know have nothing that was acknowledged.
func (s *Store) openPacks(ctx context.Context) error {
	files := s.dir.files
	all, err := s.index.Packs(ctx)
	if err != nil {
		return err
	}
	clean, _, err := s.index.Meta(ctx, metaClean)
	if err != nil {
		return err
	}
	for i := range all {
		p := &all[i]
		s.packs[p.ID] = p
		if p.Sealed {
			continue
		}
		class := int(p.Class)
		if clean != 0 && class >= 0 && class < len(classes) && s.current[class] == nil {
			w, err := pack.Reopen(files, packName(p.ID), p.Size)
			if err == nil {
				s.current[class] = &packWriter{Writer: w, slot: p.Slot}
				continue
			}
			s.o.Warn(fmt.Errorf("go on with pack %d: %w", p.ID, err))
		}
		p.Sealed = true
		s.unsaved[p.ID] = true
		if size, err := cutTail(files, p); err != nil {
			s.o.Warn(fmt.Errorf("cut the end of pack %d: %w", p.ID, err))
		} else {
			p.Size = size
		}
	}
	names, err := files.List(packDir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if id, ok := packID(name); ok && s.packs[id] == nil {
			if id>>epochPacks >= s.epoch {
				return fmt.Errorf("pack %d was made after the index: %w", id, ErrIndex)
			}
			if err := files.Remove(packDir + "/" + name); err != nil {
				return err
			}
		}
	}
	return nil
}

// cutTail cuts a pack behind its last whole record and returns its size. What the index knows is not looked at.
func cutTail(files pack.FS, p *sqlindex.Pack) (size int64, err error) {
	f, err := files.OpenWrite(packName(p.ID))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	have, err := f.Size()
	if err != nil {
		return 0, err
	}
	if have <= p.Size {
		return have, nil
	}
	info, err := pack.ReadInfo(f)
	if err != nil {
		return 0, err
	}
	scan := pack.NewScanner(f, info.Mark, p.Size, have)
	scan.Strict()
	size = p.Size
	for {
		r, err := scan.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		whole, err := scan.Check(&r)
		if err != nil {
			return 0, err
		}
		if !whole {
			break
		}
		size = r.End()
	}
	if size == have {
		return size, nil
	}
	if err := f.Truncate(size); err != nil {
		return 0, err
	}
	return size, f.Sync()
}

// closePacks stores how the last batch left packs and journal, and closes them.
func (s *Store) closePacks() error {
	tx, err := s.index.Begin(background)
	if err == nil {
		for _, w := range s.current {
			if w == nil {
				continue
			}
			p := s.packs[w.ID]
			p.Size = w.Size()
			if w.Err() != nil {
				p.Sealed = true
			}
			tx.PutPack(p)
		}
		for id := range s.unsaved {
			tx.PutPack(s.packs[id])
		}
		if s.journal.Err() == nil {
			saveJournal(tx, s.journal.Mark, s.journal.Size(), s.renewed)
		}
		tx.SetMeta(metaClean, 1)
		err = tx.Commit()
	}
	failures := []error{err, s.journal.Close()}
	for _, w := range s.current {
		if w != nil {
			failures = append(failures, w.Close())
		}
	}
	return errors.Join(failures...)
}

// journalLimit is the size from which the journal is made anew.
func (s *Store) journalLimit() int64 { return max(minJournal, 4*s.renewed) }

// minJournal is the size up to which a journal is not worth the trouble.
var minJournal int64 = 4 << 20
