package verify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// Verified says what Archive saw. Fragments are Whole, Damaged, Gone or Expired.
type Verified struct {
	Streams   int64
	Fragments int64 // rows
	Bytes     int64 // of those that are whole
	Whole     int64
	Damaged   int64 // bytes that are not those that were stored
	Gone      int64 // rows without bytes
	Expired   int64 // rows older than their stream's retention, whose bytes may be given back already
}

// Sound reports whether every fragment that has to be there is.
func (v *Verified) Sound() bool { return v.Damaged == 0 && v.Gone == 0 }

// pageRows is how many rows are looked up at once.
const pageRows = 500

// Archive reads the bytes of every fragment that the index has, and compares their checksums. It changes nothing, and may go on while the
// archive is used: what is stored meanwhile may be read or not. found, which may be nil, is told of each fragment that is damaged or
// gone, with store.ErrDamaged or store.ErrGone; tick, which may be nil, of the bytes of each that was read. Rows that are removed
// meanwhile are passed over. Errors are those of ctx and of the index.
func Archive(ctx context.Context, s store.Keeper, now time.Time, found func(*store.Stream, *store.Row, error), tick func(bytes int64)) (v Verified, err error) {
	w := walk{Keeper: s, now: now, found: found, tick: tick}
	for after := int64(0); ; {
		streams, err := s.StreamsFrom(ctx, after, 1000)
		if err != nil || len(streams) == 0 {
			return w.v, err
		}
		for i := range streams {
			after = streams[i].ID
			w.v.Streams++
			if err := w.stream(ctx, &streams[i]); err != nil {
				return w.v, fmt.Errorf("verify stream %q: %w", streams[i].Name, err)
			}
		}
	}
}

type walk struct {
	store.Keeper
	now   time.Time
	found func(*store.Stream, *store.Row, error)
	tick  func(int64)
	v     Verified
	buf   []byte
}

func (w *walk) stream(ctx context.Context, st *store.Stream) error {
	q := store.Query{Stream: st.ID, By: store.ByCounter, To: math.MaxInt64, Limit: pageRows}
	var rows []store.Row
	for {
		var err error
		rows, err = w.Rows(ctx, rows[:0], &q)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if err := w.row(ctx, st, &rows[i]); err != nil {
				return err
			}
		}
		q.From = rows[len(rows)-1].Number.Counter + 1
	}
}

func (w *walk) row(ctx context.Context, st *store.Stream, r *store.Row) (err error) {
	w.buf, err = w.Read(ctx, w.buf[:0], r)
	switch {
	case err == nil:
		w.v.Whole++
		w.v.Bytes += r.Size
		if w.tick != nil {
			w.tick(r.Size)
		}
	case errors.Is(err, store.ErrDamaged):
		w.v.Damaged++
	case !errors.Is(err, store.ErrGone):
		return err
	case r.Server < w.now.Add(-st.Retention).UnixMicro():
		w.v.Expired++
		err = nil
	default:
		removed, later := w.removed(ctx, r)
		if later != nil {
			return later
		}
		if removed {
			return nil
		}
		w.v.Gone++
	}
	w.v.Fragments++
	if err != nil && w.found != nil {
		w.found(st, r, err)
	}
	return nil
}

// removed says whether a row has been removed since it was looked up, by a new retention or with its stream.
func (w *walk) removed(ctx context.Context, r *store.Row) (bool, error) {
	rows, err := w.Rows(ctx, nil, &store.Query{Stream: r.Stream, By: store.ByCounter, From: r.Number.Counter, To: r.Number.Counter, Limit: 1})
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	return err == nil && (len(rows) == 0 || rows[0].Blob.Key == 0 && r.Blob.Key != 0), err
}
