package shared

import (
	"context"
	"math"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

// chunkRows is how many rows are removed in one transaction, and their objects in one call.
const chunkRows = 500

// exclusive lets one of Collect and Sweep go on. The function that it returns lets the next.
func (s *Store) exclusive(ctx context.Context) (func(), error) {
	select {
	case s.maintenance <- struct{}{}:
		return func() { <-s.maintenance }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Collect implements store.Store. Several servers may do it at once: what one has removed the others do not find any more.
func (s *Store) Collect(ctx context.Context, now time.Time, grace time.Duration) (done store.Collected, err error) {
	end, err := s.using(ctx)
	if err != nil {
		return done, err
	}
	defer end()
	leave, err := s.exclusive(ctx)
	if err != nil {
		return done, err
	}
	defer leave()
	for after := int64(0); ; {
		streams, err := s.index.StreamsFrom(ctx, after, 1000)
		if err != nil {
			return done, err
		}
		if len(streams) == 0 {
			break
		}
		for i := range streams {
			after = streams[i].ID
			if err := s.collectStream(ctx, &streams[i], now, grace, &done); err != nil {
				return done, err
			}
		}
	}
	return done, s.collectDoomed(ctx, &done)
}

// collectStream removes the rows of a stream that nothing asks for, and the bytes of those that are expired.
func (s *Store) collectStream(ctx context.Context, st *store.Stream, now time.Time, grace time.Duration, done *store.Collected) error {
	expiry := now.Add(-st.Retention)
	// Each chunk is looked for behind the one before: what was removed stays in the database's index until that is vacuumed, and would be gone
	// through anew for each chunk.
	first := int64(math.MinInt64)
	for last := expiry.Add(-grace).UnixMicro(); ; {
		rows, err := s.index.Before(ctx, st.ID, first, last, false, chunkRows)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		if err := s.remove(ctx, st.ID, rows, done); err != nil {
			return err
		}
		first = rows[len(rows)-1].Server
	}
	from, ok := s.dropped[st.ID]
	if !ok {
		from = math.MinInt64
	}
	for to := expiry.UnixMicro(); from < to; {
		rows, err := s.index.Before(ctx, st.ID, from, to, true, chunkRows)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			from = to
			break
		}
		if err := s.removeBytes(ctx, st.ID, rows, done); err != nil {
			return err
		}
		err = s.do(ctx, st.ID, func(b *batch) error {
			b.tx.Drop(st.ID, rows)
			return b.tx.Err()
		})
		if err != nil {
			return err
		}
		from = rows[len(rows)-1].Server
	}
	s.dropped[st.ID] = from
	return nil
}

// remove removes rows and their bytes.
func (s *Store) remove(ctx context.Context, stream int64, rows []sqlindex.Stored, done *store.Collected) error {
	if err := s.removeBytes(ctx, stream, rows, done); err != nil {
		return err
	}
	var removed int64
	err := s.do(ctx, stream, func(b *batch) error {
		removed = b.tx.Delete(stream, rows)
		return b.tx.Err()
	})
	if err == nil {
		done.Rows += removed
	}
	return err
}

// removeBytes removes the bytes of rows, as long as these can still tell their names.
func (s *Store) removeBytes(ctx context.Context, stream int64, rows []sqlindex.Stored, done *store.Collected) error {
	names := make([]string, 0, len(rows))
	bytes := int64(0)
	for _, r := range rows {
		if r.Blob.Key != 0 {
			names = append(names, nameOf(stream, r.Counter, r.Blob.Key))
			bytes += r.Size
		}
	}
	if len(names) == 0 {
		return nil
	}
	if err := s.blobs.Delete(ctx, names); err != nil {
		return err
	}
	done.Bytes += bytes
	return nil
}

// collectDoomed removes what is left of deleted streams.
func (s *Store) collectDoomed(ctx context.Context, done *store.Collected) error {
	ids, err := s.index.Doomed(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		delete(s.dropped, id)
		var left store.Collected // rows of streams that are gone do not count
		for first := int64(math.MinInt64); ; {
			rows, err := s.index.From(ctx, id, first, chunkRows)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				break
			}
			if err := s.remove(ctx, id, rows, &left); err != nil {
				return err
			}
			first = rows[len(rows)-1].Counter
		}
		done.Bytes += left.Bytes
		err := s.do(ctx, id, func(b *batch) error {
			b.tx.Forget(id)
			return b.tx.Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}
