package local

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/pack"
	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

// saveJournal notes in the index which journal belongs to it, how much of that, and what size it had when it was made.
func saveJournal(tx *sqlindex.Tx, mark pack.Mark, size, renewed int64) {
	tx.SetMeta(metaMarkHigh, int64(binary.BigEndian.Uint64(mark[:8])))
	tx.SetMeta(metaMarkLow, int64(binary.BigEndian.Uint64(mark[8:])))
	tx.SetMeta(metaJournal, size)
	tx.SetMeta(metaRenewed, renewed)
}

// savedJournal returns what saveJournal noted.
func savedJournal(ctx context.Context, q sqlindex.Queries) (mark pack.Mark, size int64, err error) {
	high, _, err := q.Meta(ctx, metaMarkHigh)
	if err != nil {
		return mark, 0, err
	}
	low, _, err := q.Meta(ctx, metaMarkLow)
	if err != nil {
		return mark, 0, err
	}
	binary.BigEndian.PutUint64(mark[:8], uint64(high))
	binary.BigEndian.PutUint64(mark[8:], uint64(low))
	size, _, err = q.Meta(ctx, metaJournal)
	return mark, size, err
}

// writeJournal makes a journal that has what an index has. Its entries have the given sequence number.
func writeJournal(ctx context.Context, files pack.FS, name string, q sqlindex.Queries, sequence, made int64) (pack.Mark, int64, error) {
	w, err := pack.Create(files, name, pack.Info{Kind: pack.Journal, ID: 1, Made: made})
	if err != nil {
		return pack.Mark{}, 0, err
	}
	err = snapshot(ctx, q, sequence, func(e *pack.Entry) error {
		if w.Size() > flushJournal {
			if err := w.Flush(); err != nil {
				return err
			}
		}
		_, err := w.Add(e, nil, 0)
		return err
	})
	if err == nil {
		err = w.Flush()
	}
	mark, size := w.Mark, w.Size()
	return mark, size, errors.Join(err, w.Close())
}

// flushJournal is how much of a new journal is held in memory, more or less.
const flushJournal = 4 << 20

// snapshot has add take the entries from which Reindex makes the streams of an index.
func snapshot(ctx context.Context, q sqlindex.Queries, sequence int64, add func(*pack.Entry) error) error {
	var newest pack.Entry
	var err error
	if newest.Stream.ID, _, err = q.Meta(ctx, metaStream); err != nil {
		return err
	}
	if newest.Codec.ID, _, err = q.Meta(ctx, metaCodec); err != nil {
		return err
	}
	newest.Kind, newest.Sequence = pack.Counters, sequence
	if err := add(&newest); err != nil {
		return err
	}
	for after := int64(0); ; {
		streams, err := q.StreamsFrom(ctx, after, 1000)
		if err != nil || len(streams) == 0 {
			return err
		}
		for _, st := range streams {
			after = st.ID
			if err := snapshotStream(ctx, q, sequence, st, add); err != nil {
				return err
			}
		}
	}
}

func snapshotStream(ctx context.Context, q sqlindex.Queries, sequence int64, st store.Stream, add func(*pack.Entry) error) error {
	if err := add(&pack.Entry{Kind: pack.StreamPut, Sequence: sequence, Stream: st}); err != nil {
		return err
	}
	head, _, err := q.Head(ctx, st.ID)
	if err != nil {
		return err
	}
	if head != (store.Head{}) {
		if err := add(&pack.Entry{Kind: pack.HeadPut, Sequence: sequence, Stream: store.Stream{ID: st.ID}, Head: head}); err != nil {
			return err
		}
	}
	codecs, err := q.CodecsOf(ctx, st.ID)
	if err != nil {
		return err
	}
	for _, c := range codecs {
		if err := add(&pack.Entry{Kind: pack.CodecPut, Sequence: sequence, Stream: store.Stream{ID: st.ID}, Codec: c}); err != nil {
			return err
		}
	}
	return nil
}

// renewJournal replaces the journal by one that has what the index has.
func (s *Store) renewJournal(q sqlindex.Queries, sequence int64) error {
	files := s.dir.files
	if err := files.Remove(journalFile + newSuffix); err != nil {
		return err
	}
	_, size, err := writeJournal(background, files, journalFile+newSuffix, q, sequence, s.o.Now().UnixNano())
	if err != nil {
		return fmt.Errorf("make a journal: %w", err)
	}
	if s.journal != nil { // an open file cannot be replaced everywhere
		if err := s.journal.Close(); err != nil {
			s.o.Warn(fmt.Errorf("close the journal: %w", err))
		}
	}
	if err := files.Rename(journalFile+newSuffix, journalFile); err != nil {
		return fmt.Errorf("replace the journal: %w", err)
	}
	if err := files.SyncDir("."); err != nil {
		return fmt.Errorf("replace the journal: %w", err)
	}
	w, err := pack.Reopen(files, journalFile, size)
	if err != nil {
		return fmt.Errorf("open the journal: %w", err)
	}
	s.journal = w
	s.renewed = size
	return nil
}

// openJournal opens the journal for writing if it is the one that the index knows, and returns nil if it is another one, which
// is to be renewed. ErrIndex means that the journal was written to after the index, by another opening of the archive.
func (s *Store) openJournal(ctx context.Context) (*pack.Writer, error) {
	f, err := s.dir.files.Open(journalFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	have, err := f.Size()
	if err != nil {
		return nil, err
	}
	info, err := pack.ReadInfo(f)
	if err != nil {
		s.o.Warn(fmt.Errorf("journal: %w", err))
		return nil, nil
	}
	mark, size, err := savedJournal(ctx, s.index.Queries)
	if err != nil {
		return nil, err
	}
	if info.Mark == mark && have == size {
		return pack.Reopen(s.dir.files, journalFile, size)
	}
	scan := pack.NewScanner(f, info.Mark, pack.HeaderSize, have)
	for {
		r, err := scan.Next()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if e, err := pack.ParseEntry(r.Header); err == nil && e.Sequence>>epochSequences > s.epoch {
			return nil, fmt.Errorf("the journal has been written to since: %w", ErrIndex)
		}
	}
}
