package shared

import (
	"context"
	"math"
	"time"

	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

// Swept says what Sweep saw.
type Swept struct {
	Objects int64 // all
	Strange int64 // whose names are none of fragments: they stay
	Young   int64 // that no row has, but not for long enough: they stay
	Orphans int64 // that no row has: they were removed
	Bytes   int64 // of orphans
}

// sweepRows is how many rows are looked up at once.
var sweepRows = 1000

// Sweep removes objects that no row has and that are older than Options.OrphanAge: what a server left that ended between the bytes of a
// fragment and its row. With keep they are counted and stay. Several servers may do it at once. Errors are those of ctx, of the index
// and of the objects' store.
func (s *Store) Sweep(ctx context.Context, now time.Time, keep bool) (done Swept, err error) {
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
	known := wants{s: s, from: 1}
	var orphans []string
	err = s.blobs.List(ctx, prefix, func(page []Object) error {
		orphans = orphans[:0]
		bytes := int64(0)
		for i := range page {
			o := &page[i]
			done.Objects++
			stream, counter, key, ok := parseName(o.Name)
			if !ok {
				done.Strange++
				continue
			}
			wanted, err := known.wanted(ctx, stream, counter, key)
			switch {
			case err != nil:
				return err
			case wanted:
			case o.Modified.After(now.Add(-s.o.OrphanAge)):
				done.Young++
			default:
				orphans = append(orphans, o.Name)
				bytes += o.Size
			}
		}
		if len(orphans) > 0 && !keep {
			if err := s.blobs.Delete(ctx, orphans); err != nil {
				return err
			}
		}
		done.Orphans += int64(len(orphans))
		done.Bytes += bytes
		return nil
	})
	return done, err
}

// wants says which objects rows have, for objects that come in the order of their names.
type wants struct {
	s        *Store
	stream   int64
	rows     []sqlindex.Stored // in the order of their counters
	from, to int64             // rows has all with these counters: none at first
}

func (w *wants) wanted(ctx context.Context, stream, counter, key int64) (bool, error) {
	if stream != w.stream || counter < w.from || counter > w.to {
		rows, err := w.s.index.From(ctx, stream, counter, sweepRows)
		if err != nil {
			return false, err
		}
		w.stream, w.rows, w.from, w.to = stream, rows, counter, math.MaxInt64
		if len(rows) == sweepRows {
			w.to = rows[len(rows)-1].Counter
		}
	}
	for len(w.rows) > 0 && w.rows[0].Counter < counter {
		w.rows, w.from = w.rows[1:], w.rows[0].Counter+1
	}
	return len(w.rows) > 0 && w.rows[0].Counter == counter && w.rows[0].Blob.Key == key, nil
}
