package local

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// Verified says what Verify saw. Fragments are Whole, Damaged, Gone or Expired.
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

// verifyRows is how many rows are looked up at once.
const verifyRows = 500

// Verify reads the bytes of every fragment that the index has, and compares their checksums. It changes nothing, and may go on while the
// archive is used: what is stored meanwhile may be read or not. found, which may be nil, is told of each fragment that is damaged or
// gone, with store.ErrDamaged or store.ErrGone; tick, which may be nil, of the bytes of each that was read. Rows of streams that are
// deleted meanwhile are passed over. Errors are those of ctx and of the index.
func (s *Store) Verify(ctx context.Context, now time.Time, found func(*store.Stream, *store.Row, error), tick func(bytes int64)) (v Verified, err error) {
	for after := int64(0); ; {
		streams, err := s.index.StreamsFrom(ctx, after, 1000)
		if err != nil {
			return v, fullError(err)
		}
		if len(streams) == 0 {
			return v, nil
		}
		for i := range streams {
			after = streams[i].ID
			v.Streams++
			if err := s.verifyStream(ctx, &streams[i], now, &v, found, tick); err != nil {
				return v, fmt.Errorf("verify stream %q: %w", streams[i].Name, fullError(err))
			}
		}
	}
}

func (s *Store) verifyStream(ctx context.Context, st *store.Stream, now time.Time, v *Verified, found func(*store.Stream, *store.Row, error), tick func(int64)) error {
	q := store.Query{Stream: st.ID, By: store.ByCounter, To: math.MaxInt64, Limit: verifyRows}
	since := now.Add(-st.Retention).UnixMicro()
	var rows []store.Row
	var buf []byte
	page := func() error {
		// Collect may not take bytes away between a look at a row and one at its bytes.
		end, err := s.exclusive(ctx)
		if err != nil {
			return err
		}
		defer end()
		if rows, err = s.Rows(ctx, rows[:0], &q); err != nil {
			return err
		}
		for i := range rows {
			r := &rows[i]
			buf, err = s.Read(ctx, buf[:0], r)
			gone, damaged := errors.Is(err, store.ErrGone), errors.Is(err, store.ErrDamaged)
			if err != nil && s.isDoomed(st.ID) {
				continue
			}
			switch {
			case err == nil:
				v.Whole++
				v.Bytes += r.Size
				if tick != nil {
					tick(r.Size)
				}
			case gone && r.Server < since:
				v.Expired++
				err = nil
			case gone:
				v.Gone++
			case damaged:
				v.Damaged++
			default:
				return err
			}
			v.Fragments++
			if err != nil && found != nil {
				found(st, r, err)
			}
		}
		return nil
	}
	for {
		if err := page(); err != nil || len(rows) == 0 {
			return err
		}
		q.From = rows[len(rows)-1].Number.Counter + 1
	}
}
