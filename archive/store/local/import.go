package local

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/pack"
)

var _ store.Importer = (*Store)(nil)

// ImportStream implements store.Importer.
func (s *Store) ImportStream(ctx context.Context, st *store.Stream, codecs []store.Codec, head *store.Head) error {
	if err := st.Check(); err != nil {
		return err
	}
	return s.do(ctx, 0, func(b *batch) error {
		had, err := b.stream(st.ID)
		switch {
		case errors.Is(err, store.ErrNotFound):
			if s.isDoomed(st.ID) {
				return fmt.Errorf("import stream %q, which was deleted here: %w", st.Name, store.ErrExists)
			}
			_, err := b.tx.Stream(background, st.Account, st.Name)
			if err == nil {
				return fmt.Errorf("import stream %q: %w", st.Name, store.ErrExists)
			}
			if !errors.Is(err, store.ErrNotFound) {
				return err
			}
		case err != nil:
			return err
		case had.stream.Account != st.Account || had.stream.Name != st.Name || !had.stream.Created.Equal(st.Created):
			return fmt.Errorf("import stream %q, whose ID %q has: %w", st.Name, had.stream.Name, store.ErrExists)
		case had.head.Seq > head.Seq:
			return fmt.Errorf("import stream %q, which has %d fragments there and %d here: %w", st.Name, had.head.Seq, head.Seq, store.ErrVersion)
		}
		if err := b.note(&pack.Entry{Kind: pack.StreamPut, Stream: *st}); err != nil {
			return err
		}
		for i := range codecs {
			if err := b.note(&pack.Entry{Kind: pack.CodecPut, Stream: store.Stream{ID: st.ID}, Codec: codecs[i]}); err != nil {
				return b.fail(err)
			}
		}
		if had == nil {
			b.tx.PutStream(st)
		} else {
			b.tx.UpdateStream(st)
		}
		for i := range codecs {
			b.tx.PutNewCodec(st.ID, &codecs[i])
			b.s.newest.codec = max(b.s.newest.codec, codecs[i].ID)
		}
		b.s.newest.stream = max(b.s.newest.stream, st.ID)
		b.tx.SetMeta(metaStream, b.s.newest.stream)
		b.tx.SetMeta(metaCodec, b.s.newest.codec)
		b.after(func() {
			s.known.forget(st.ID)
			for _, c := range codecs {
				c.Delay = slices.Clone(c.Delay)
				s.index.Remember(st.ID, c)
			}
		})
		return b.importHead(st.ID, head)
	})
}

// importHead gives a stream a head, in the journal too: those of its records are not the stream's own.
func (b *batch) importHead(stream int64, head *store.Head) error {
	delete(b.s.streams, stream)
	st, err := b.stream(stream)
	if err != nil {
		return err
	}
	if err := b.note(&pack.Entry{Kind: pack.HeadPut, Stream: store.Stream{ID: stream}, Head: *head}); err != nil {
		return b.fail(err)
	}
	st.head, st.pack = *head, 0
	b.changed(st)
	b.after(func() { delete(b.s.streams, stream) }) // what it knows of rows is from before
	return nil
}

// ImportRows implements store.Importer.
func (s *Store) ImportRows(ctx context.Context, stream int64, rows []store.Row, data [][]byte) error {
	bytes := int64(0)
	for i := range data {
		bytes += int64(len(data[i]))
	}
	return s.do(ctx, bytes, func(b *batch) error {
		st, err := b.stream(stream)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := b.take(int64(len(data[i])), b.s.o.Headroom); err != nil {
				return b.fail(err)
			}
			if err := b.importRow(st, rows[i], data[i]); err != nil {
				return b.fail(err)
			}
		}
		// A record says what the rows behind it were before, so the head comes last, with all that it has.
		return b.importHead(stream, new(st.head))
	})
}

func (b *batch) importRow(st *streamState, r store.Row, data []byte) error {
	taken, err := b.tx.HasCounter(background, r.Stream, r.Number.Counter)
	if err != nil || taken || b.has(func(o *store.Row) bool { return o.Stream == r.Stream && o.Number.Counter == r.Number.Counter }) {
		return err
	}
	w, err := b.writer(classOf(st.stream.Retention))
	if err != nil {
		return err
	}
	r.Blob = store.Blob{Sum: store.Checksum(data)}
	head := st.head
	head.Seq = r.Seq
	e := &pack.Entry{Kind: pack.Fragment, Sequence: b.s.next(), Batch: b.first, Stream: st.stream, Row: r, Head: head}
	if r.Blob.Offset, err = w.Add(e, data, r.Blob.Sum); err != nil {
		return err
	}
	r.Blob.Key = w.ID
	b.rows = append(b.rows, &r)
	p := b.pack(w.ID)
	p.Total += weight(r.Size)
	p.Live += weight(r.Size)
	p.LiveRows++
	return nil
}
