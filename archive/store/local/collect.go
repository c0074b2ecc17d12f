package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/pack"
	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

// What Collect does in one batch, so that an Append waits for some milliseconds at most.
const (
	chunkRows  = 200
	chunkBytes = 4 << 20
)

// exclusive lets one of Collect and Backup go on. The function that it returns lets the next.
func (s *Store) exclusive(ctx context.Context) (func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-s.done:
		return nil, store.ErrClosed
	default:
	}
	select {
	case s.maintenance <- struct{}{}:
		return func() { <-s.maintenance }, nil
	case <-s.done:
		return nil, store.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Collect implements store.Store. Bytes are those of the packs that were removed, without what was moved out of them.
func (s *Store) Collect(ctx context.Context, now time.Time, grace time.Duration) (done store.Collected, err error) {
	end, err := s.exclusive(ctx)
	if err != nil {
		return done, err
	}
	defer end()
	for after := int64(0); ; {
		streams, err := s.index.StreamsFrom(ctx, after, 1000)
		if err != nil {
			return done, err
		}
		if len(streams) == 0 {
			break
		}
		for _, st := range streams {
			after = st.ID
			n, err := s.collectStream(ctx, st, now, grace)
			done.Rows += n
			if err != nil {
				return done, err
			}
		}
	}
	if err := s.collectDoomed(ctx); err != nil {
		return done, err
	}
	done.Bytes, err = s.collectPacks(ctx)
	if err != nil {
		return done, err
	}
	return done, s.do(ctx, 0, func(b *batch) error {
		if b.s.journal.Size() <= b.s.journalLimit() || b.noted {
			return nil
		}
		if err := b.s.renewJournal(b.tx.Queries, b.first); err != nil {
			return b.fail(err)
		}
		b.journal = b.s.journal.Size()
		return nil
	})
}

// collectStream removes the rows of a stream that nothing asks for, and drops the bytes of those that are expired.
func (s *Store) collectStream(ctx context.Context, st store.Stream, now time.Time, grace time.Duration) (removed int64, err error) {
	expiry := now.Add(-st.Retention)
	last := expiry.Add(-grace).UnixMicro()
	for {
		rows, err := s.index.Before(ctx, st.ID, math.MinInt64, last, false, chunkRows)
		if err != nil || len(rows) == 0 {
			if err != nil {
				return removed, err
			}
			break
		}
		if err := s.do(ctx, 0, func(b *batch) error { return b.remove(st.ID, rows) }); err != nil {
			return removed, err
		}
		removed += int64(len(rows))
	}
	from, ok := s.dropped[st.ID]
	if !ok {
		from = math.MinInt64
	}
	for to := expiry.UnixMicro(); from < to; {
		rows, err := s.index.Before(ctx, st.ID, from, to, true, chunkRows)
		if err != nil {
			return removed, err
		}
		if len(rows) == 0 {
			from = to
			break
		}
		if err := s.do(ctx, 0, func(b *batch) error { return b.drop(st.ID, rows) }); err != nil {
			return removed, err
		}
		from = rows[len(rows)-1].Server
	}
	s.dropped[st.ID] = from
	return removed, nil
}

// remove removes rows, drop their bytes.
func (b *batch) remove(stream int64, rows []sqlindex.Stored) error {
	b.tx.Delete(stream, rows)
	for _, r := range rows {
		b.unwant(r)
	}
	return b.tx.Err()
}

func (b *batch) drop(stream int64, rows []sqlindex.Stored) error {
	b.tx.Drop(stream, rows)
	for _, r := range rows {
		b.unwant(r)
	}
	return b.tx.Err()
}

// unwant counts a row's bytes as dead.
func (b *batch) unwant(r sqlindex.Stored) {
	if r.Blob.Key == 0 || b.s.packs[r.Blob.Key] == nil {
		return
	}
	p := b.pack(r.Blob.Key)
	p.Live -= weight(r.Size)
	p.LiveRows--
}

// collectDoomed removes the rows of deleted streams.
func (s *Store) collectDoomed(ctx context.Context) error {
	ids, err := s.index.Doomed(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		for {
			rows, err := s.index.Some(ctx, id, chunkRows)
			if err != nil {
				return err
			}
			err = s.do(ctx, 0, func(b *batch) error {
				if len(rows) > 0 {
					return b.remove(id, rows)
				}
				b.tx.Forget(id)
				b.after(func() {
					s.doomedMu.Lock()
					defer s.doomedMu.Unlock()
					delete(s.doomed, id)
				})
				return b.tx.Err()
			})
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				break
			}
		}
		delete(s.dropped, id)
	}
	return nil
}

// collectPacks removes the packs of which nothing is wanted, after it has moved out what is wanted of those that are mostly dead.
func (s *Store) collectPacks(ctx context.Context) (bytes int64, err error) {
	var sparse, all []int64
	err = s.do(ctx, 0, func(b *batch) error {
		sparse, all = nil, nil
		for class, w := range b.s.current {
			if w == nil {
				continue
			}
			if p := b.known(w.ID); w.Err() != nil || w.slot != b.s.slot(class) || p.deserted() {
				b.retire(class)
			}
		}
		for id := range b.s.packs {
			switch p := b.known(id); {
			case !p.Sealed:
			case p.LiveRows == 0:
				all = append(all, id)
			case p.deserted():
				sparse = append(sparse, id)
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	var failures []error
	for _, id := range sparse {
		moved, err := s.clearPack(ctx, id)
		bytes -= moved
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, store.ErrClosed) {
				return bytes, err
			}
			if err = fmt.Errorf("clear pack %d: %w", id, err); errors.Is(err, fs.ErrNotExist) || errors.Is(err, pack.ErrHeader) {
				s.o.Warn(err) // nothing can be done for its fragments
			} else {
				failures = append(failures, err)
			}
			continue
		}
		all = append(all, id)
	}
	for _, id := range all {
		freed, err := s.removePack(ctx, id)
		bytes += freed
		if err != nil {
			failures = append(failures, fmt.Errorf("remove pack %d: %w", id, err))
		}
	}
	return bytes, errors.Join(failures...)
}

type packView struct{ *sqlindex.Pack }

// known returns what is known of a pack, not to be changed.
func (b *batch) known(id int64) packView {
	if p := b.packs[id]; p != nil {
		return packView{p}
	}
	return packView{b.s.packs[id]}
}

// deserted says whether most of what was written into a pack is not wanted any more.
func (p packView) deserted() bool { return p.Live < p.Total-p.Live }

// moving is a fragment that is to be moved.
type moving struct {
	entry *pack.Entry
	from  store.Blob
	data  []byte
}

// clearPack moves the fragments that are wanted out of a pack, and returns how many bytes it moved. Damaged ones stay.
func (s *Store) clearPack(ctx context.Context, id int64) (moved int64, err error) {
	f, err := s.dir.files.Open(packName(id))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return 0, err
	}
	info, err := pack.ReadInfo(f)
	if err != nil {
		return 0, err
	}
	var chunk []moving
	var bytes int64
	flush := func() error {
		if len(chunk) == 0 {
			return nil
		}
		err := s.do(ctx, bytes, func(b *batch) error { return b.move(chunk) })
		if err == nil {
			moved += bytes
		}
		chunk, bytes = nil, 0
		return err
	}
	scan := pack.NewScanner(f, info.Mark, pack.HeaderSize, size)
	for {
		r, err := scan.Next()
		if errors.Is(err, io.EOF) {
			return moved, flush()
		}
		if err != nil {
			return moved, err
		}
		m, err := s.wanted(ctx, id, &r)
		if err != nil {
			return moved, err
		}
		if m == nil {
			continue
		}
		chunk = append(chunk, *m)
		if bytes += r.Size; len(chunk) >= chunkRows/2 || bytes >= chunkBytes {
			if err := flush(); err != nil {
				return moved, err
			}
		}
	}
}

// wanted returns the fragment that a record of a pack has, nil if the index does not want it from there.
func (s *Store) wanted(ctx context.Context, id int64, r *pack.Record) (*moving, error) {
	e, err := pack.ParseEntry(r.Header)
	if err != nil || e.Kind != pack.Fragment || s.isDoomed(e.Stream.ID) {
		return nil, nil
	}
	blob, ok, err := s.index.Blob(ctx, e.Stream.ID, e.Row.Number.Counter)
	if err != nil {
		return nil, err
	}
	if !ok || blob.Key != id || blob.Offset != r.Data {
		return nil, nil
	}
	data, err := s.cache.Read(nil, id, r.Data, r.Size, blob.Sum)
	if errors.Is(err, store.ErrDamaged) {
		s.o.Warn(fmt.Errorf("clear pack %d: fragment %d of stream %d: %w", id, e.Row.Number.Counter, e.Stream.ID, err))
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &moving{e, blob, data}, nil
}

// move stores fragments anew and changes where the index has them.
func (b *batch) move(all []moving) error {
	for _, m := range all {
		// Half of the headroom is for this, so that what a full disk needs can still be done.
		if err := b.take(int64(len(m.data)), b.s.o.Headroom/2); err != nil {
			return err
		}
	}
	for _, m := range all {
		row := &m.entry.Row
		st, err := b.stream(row.Stream)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		w, err := b.writer(classOf(st.stream.Retention))
		if err != nil {
			return b.fail(err)
		}
		m.entry.Batch = b.first
		to := store.Blob{Key: w.ID}
		if to.Offset, err = w.Add(m.entry, m.data, m.from.Sum); err != nil {
			return b.fail(err)
		}
		if !b.tx.Move(row.Stream, row.Number.Counter, m.from, to) {
			continue
		}
		old, now := b.pack(m.from.Key), b.pack(to.Key)
		old.Live -= weight(row.Size)
		old.LiveRows--
		now.Total += weight(row.Size)
		now.Live += weight(row.Size)
		now.LiveRows++
		if st.pack == m.from.Key && st.head.Seq == row.Seq {
			st.pack = to.Key
			b.changed(st)
		}
	}
	return b.tx.Err()
}

// removePack removes a pack of which nothing is wanted. The heads of streams whose newest row is in it go into the journal first: it was
// what Reindex would have had them from.
func (s *Store) removePack(ctx context.Context, id int64) (freed int64, err error) {
	wanted := false
	err = s.do(ctx, 0, func(b *batch) error {
		p := b.known(id)
		if wanted = p.LiveRows != 0; wanted {
			return nil
		}
		freed = p.Size
		streams, err := b.tx.HeadsIn(background, id)
		if err != nil {
			return err
		}
		for _, stream := range streams {
			st, err := b.stream(stream)
			if err != nil {
				return err
			}
			if st.pack != id {
				continue
			}
			if err := b.note(&pack.Entry{Kind: pack.HeadPut, Stream: store.Stream{ID: stream}, Head: st.head}); err != nil {
				return b.fail(err)
			}
			st.pack = 0
			b.changed(st)
		}
		return nil
	})
	if err != nil || wanted {
		return 0, err
	}
	s.cache.Forget(id)
	if err := s.dir.files.Remove(packName(id)); err != nil {
		return 0, err
	}
	if err := s.dir.files.SyncDir(packDir); err != nil {
		return 0, err
	}
	return freed, s.do(ctx, 0, func(b *batch) error {
		b.tx.DeletePack(id)
		delete(b.packs, id)
		delete(b.s.unsaved, id)
		b.after(func() { delete(b.s.packs, id) })
		return b.tx.Err()
	})
}
