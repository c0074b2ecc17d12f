package transfer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// Options for Archive. The zero value means the defaults named on each field.
type Options struct {
	// Passes is how often the archive is gone through at most, for what came meanwhile: default 3. The last that finds nothing ends it.
	Passes int
	// Now is the clock by which rows are expired: default time.Now.
	Now func() time.Time
	// Tick, which may be nil, is told of the bytes of each fragment that was copied.
	Tick func(bytes int64)
	// Damaged, which may be nil, is told of each fragment whose bytes cannot be had, with store.ErrDamaged or store.ErrGone.
	Damaged func(*store.Stream, *store.Row, error)
}

// Copied says what Archive did.
type Copied struct {
	Streams   int64 // that both have now
	Fragments int64 // that were copied
	Bytes     int64 // of them
	Expired   int64 // rows whose bytes are given back already: they stay behind
	Damaged   int64 // fragments whose bytes cannot be had: they stay behind
	Late      int64 // of Fragments those that came while others were copied
}

const (
	// pageRows and pageBytes bound what is copied at once.
	pageRows  = 200
	pageBytes = 32 << 20
)

// Archive copies what from has into to, which goes on from where an earlier call has ended. Both may be read meanwhile, and from written:
// what comes after the last pass began is left behind, for another call. Nothing is removed from to. Errors are those of ctx and of
// the stores; store.ErrExists and store.ErrVersion say that to is no copy of from.
func Archive(ctx context.Context, from store.Keeper, to store.Importer, o *Options) (done Copied, err error) {
	c := copier{from: from, to: to, next: map[int64]int64{}, Options: Options{Passes: 3, Now: time.Now}}
	if o != nil {
		c.Tick, c.Damaged = o.Tick, o.Damaged
		if o.Passes > 0 {
			c.Passes = o.Passes
		}
		if o.Now != nil {
			c.Now = o.Now
		}
	}
	for pass := range c.Passes {
		before := c.done.Fragments
		c.done.Streams = 0
		if err := c.pass(ctx); err != nil {
			return c.done, err
		}
		if pass > 0 {
			c.done.Late += c.done.Fragments - before
		}
		if c.done.Fragments == before {
			break
		}
	}
	return c.done, nil
}

type copier struct {
	Options
	from store.Keeper
	to   store.Importer
	done Copied
	next map[int64]int64 // by stream: the Seq to go on with

	rows []store.Row
	data [][]byte
}

func (c *copier) pass(ctx context.Context) error {
	for after := int64(0); ; {
		streams, err := c.from.StreamsFrom(ctx, after, 1000)
		if err != nil || len(streams) == 0 {
			return err
		}
		for i := range streams {
			after = streams[i].ID
			err := c.stream(ctx, &streams[i])
			if errors.Is(err, errDeleted) {
				continue
			}
			if err != nil {
				return fmt.Errorf("copy stream %q: %w", streams[i].Name, err)
			}
			c.done.Streams++
		}
	}
}

// errDeleted means that a stream was deleted meanwhile.
var errDeleted = errors.New("transfer: deleted meanwhile")

// stream copies what of a stream is not there yet: rows are taken over in the order of Seq, so that the last one tells where to go on.
func (c *copier) stream(ctx context.Context, st *store.Stream) error {
	head, err := c.from.Head(ctx, st.ID)
	if errors.Is(err, store.ErrNotFound) {
		return errDeleted
	}
	if err != nil {
		return err
	}
	codecs, err := c.from.Codecs(ctx, st.ID)
	if err != nil {
		return err
	}
	if err := c.to.ImportStream(ctx, st, codecs, &head); err != nil {
		return err
	}
	next, ok := c.next[st.ID]
	if !ok {
		last, err := c.to.Rows(ctx, nil, &store.Query{Stream: st.ID, By: store.BySeq, To: math.MaxInt64, Descending: true, Limit: 1})
		if err != nil {
			return err
		}
		if len(last) > 0 {
			next = last[0].Seq + 1
		}
	}
	q := store.Query{Stream: st.ID, By: store.BySeq, From: next, To: head.Seq, Limit: pageRows}
	var page []store.Row
	for {
		page, err = c.from.Rows(ctx, page[:0], &q)
		if errors.Is(err, store.ErrNotFound) {
			return errDeleted
		}
		if err != nil {
			return err
		}
		if len(page) == 0 {
			c.next[st.ID] = head.Seq + 1
			return nil
		}
		if err := c.page(ctx, st, page); err != nil {
			return err
		}
		q.From = page[len(page)-1].Seq + 1
	}
}

func (c *copier) page(ctx context.Context, st *store.Stream, page []store.Row) error {
	since := c.Now().Add(-st.Retention).UnixMicro()
	bytes := int64(0)
	flush := func() error {
		if len(c.rows) == 0 {
			return nil
		}
		if err := c.to.ImportRows(ctx, st.ID, c.rows, c.data); err != nil {
			return err
		}
		c.done.Fragments += int64(len(c.rows))
		c.done.Bytes += bytes
		if c.Tick != nil {
			c.Tick(bytes)
		}
		clear(c.data)
		c.rows, c.data, bytes = c.rows[:0], c.data[:0], 0
		return nil
	}
	for i := range page {
		r := &page[i]
		data, err := c.from.Read(ctx, nil, r)
		switch {
		case errors.Is(err, store.ErrGone) && r.Server < since:
			c.done.Expired++
			continue
		case errors.Is(err, store.ErrGone), errors.Is(err, store.ErrDamaged):
			c.done.Damaged++
			if c.Damaged != nil {
				c.Damaged(st, r, err)
			}
			continue
		case err != nil:
			return err
		}
		c.rows, c.data = append(c.rows, *r), append(c.data, data)
		if bytes += r.Size; bytes >= pageBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
