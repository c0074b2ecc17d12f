package shared

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/seed63bb8431/weir/archive/store"
)

var _ store.Importer = (*Store)(nil)

// importPuts is how many objects are put at a time.
const importPuts = 16

// StreamsFrom implements store.Keeper.
func (s *Store) StreamsFrom(ctx context.Context, after int64, limit int) ([]store.Stream, error) {
	return asked(ctx, s, func() ([]store.Stream, error) { return s.index.StreamsFrom(ctx, after, limit) })
}

// Codecs implements store.Keeper.
func (s *Store) Codecs(ctx context.Context, stream int64) ([]store.Codec, error) {
	all, err := asked(ctx, s, func() ([]store.Codec, error) { return s.index.CodecsOf(ctx, stream) })
	for i := range all {
		all[i].Delay = slices.Clone(all[i].Delay)
	}
	return all, err
}

// ImportStream implements store.Importer.
func (s *Store) ImportStream(ctx context.Context, st *store.Stream, codecs []store.Codec, head *store.Head) error {
	end, err := s.using(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := st.Check(); err != nil {
		return err
	}
	return s.do(ctx, st.ID, func(b *batch) error {
		h, err := b.head(st.ID)
		switch {
		case errors.Is(err, store.ErrNotFound):
			_, err := b.tx.Stream(background, st.Account, st.Name)
			if err == nil {
				return fmt.Errorf("import stream %q: %w", st.Name, store.ErrExists)
			}
			if !errors.Is(err, store.ErrNotFound) {
				return err
			}
			b.tx.PutStream(st)
			h = new(headState)
			b.heads[st.ID] = h
		case err != nil:
			return err
		default:
			have, err := b.tx.StreamByID(background, st.ID)
			if err != nil {
				return err
			}
			if have.Account != st.Account || have.Name != st.Name || !have.Created.Equal(st.Created) {
				return fmt.Errorf("import stream %q, whose ID %q has: %w", st.Name, have.Name, store.ErrExists)
			}
			if h.Seq > head.Seq {
				return fmt.Errorf("import stream %q, which has %d fragments there and %d here: %w", st.Name, h.Seq, head.Seq, store.ErrVersion)
			}
			b.tx.UpdateStream(st)
		}
		h.Head, h.changed = *head, true
		largest := int64(0)
		for i := range codecs {
			b.tx.PutNewCodec(st.ID, &codecs[i])
			largest = max(largest, codecs[i].ID)
		}
		b.after = append(b.after, func() {
			for _, c := range codecs {
				c.Delay = slices.Clone(c.Delay)
				s.index.Remember(st.ID, c)
			}
		})
		b.tx.Raise(metaStream, st.ID)
		b.tx.Raise(metaCodec, largest)
		return b.tx.Err()
	})
}

// ImportRows implements store.Importer.
func (s *Store) ImportRows(ctx context.Context, stream int64, rows []store.Row, data [][]byte) error {
	end, err := s.using(ctx)
	if err != nil {
		return err
	}
	defer end()
	stored := slices.Clone(rows)
	puts, putting := errgroup.WithContext(ctx)
	puts.SetLimit(importPuts)
	for i := range stored {
		r := &stored[i]
		r.Blob = store.Blob{Key: 1 + rand.Int64N(1<<62), Sum: store.Checksum(data[i])}
		puts.Go(func() error { return s.blobs.Put(putting, nameOfRow(r), data[i], r.Blob.Sum) })
	}
	if err := puts.Wait(); err != nil {
		return err // Sweep removes what was put
	}
	var unused []string
	err = s.do(ctx, stream, func(b *batch) error {
		if _, err := b.head(stream); err != nil {
			return err
		}
		unused = unused[:0]
		for i := range stored {
			r := &stored[i]
			if b.tx.InsertNew(r) {
				continue
			}
			have, ok, err := b.tx.Blob(background, stream, r.Number.Counter)
			if err != nil {
				return err
			}
			if !ok {
				return fmt.Errorf("shared: fragment %d of stream %d is at the place of another", r.Number.Counter, stream)
			}
			if have.Key != r.Blob.Key {
				unused = append(unused, nameOfRow(r))
			}
		}
		return b.tx.Err()
	})
	if err == nil && len(unused) > 0 {
		err = s.blobs.Delete(ctx, unused)
	}
	return err
}
