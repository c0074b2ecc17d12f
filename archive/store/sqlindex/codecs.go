package sqlindex

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"

	"github.com/seed63bb8431/weir/archive/store"
)

// maxCodecs is how many codec records are remembered. A stream rarely has more than one or two.
const maxCodecs = 10_000

// codecs remembers codec records by their IDs: a row has the ID, and records never change.
type codecs struct {
	mu   sync.Mutex
	byID map[int64]codecOf
}

type codecOf struct {
	stream int64
	codec  store.Codec
}

func (c *codecs) get(id int64) (codecOf, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.byID[id]
	return k, ok
}

func (c *codecs) put(k codecOf) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil || len(c.byID) >= maxCodecs {
		c.byID = map[int64]codecOf{}
	}
	c.byID[k.codec.ID] = k
}

func (q Queries) codec(ctx context.Context, where string, args ...any) (k codecOf, ok bool, err error) {
	err = q.each(ctx, `SELECT id, stream, hash, delay FROM codecs WHERE `+where, args, func(rows *sql.Rows) (bool, error) {
		var hash []byte
		if err := rows.Scan(&k.codec.ID, &k.stream, &hash, &k.codec.Delay); err != nil {
			return false, err
		}
		if len(hash) != len(k.codec.Hash) {
			return false, fmt.Errorf("codec record %d has a hash of %d bytes", k.codec.ID, len(hash))
		}
		copy(k.codec.Hash[:], hash)
		ok = true
		return false, nil
	})
	return k, ok, err
}

// Codec returns the codec record of a stream that has a hash, and whether there is one.
func (q Queries) Codec(ctx context.Context, stream int64, hash []byte) (store.Codec, bool, error) {
	k, ok, err := q.codec(ctx, `stream = ? AND hash = ?`, stream, hash)
	return k.codec, ok, err
}

// CodecByID returns a codec record and its stream, and whether there is one.
func (q Queries) CodecByID(ctx context.Context, id int64) (c store.Codec, stream int64, ok bool, err error) {
	k, ok := q.x.codecs.get(id)
	if !ok {
		if k, ok, err = q.codec(ctx, `id = ?`, id); err != nil || !ok {
			return store.Codec{}, 0, false, err
		}
		if _, writes := q.from.(*Tx); !writes { // a transaction may yet be rolled back
			q.x.codecs.put(k)
		}
	}
	return k.codec, k.stream, true, nil
}

// Remember notes a codec record that is committed, so that CodecByID need not ask for it.
func (x *Index) Remember(stream int64, c store.Codec) { x.codecs.put(codecOf{stream, c}) }

// CodecsOf returns the codec records of a stream in the order of their IDs.
func (q Queries) CodecsOf(ctx context.Context, stream int64) ([]store.Codec, error) {
	ids, err := q.ints(ctx, `SELECT id FROM codecs WHERE stream = ?`, stream)
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	var all []store.Codec
	for _, id := range ids {
		c, _, ok, err := q.CodecByID(ctx, id)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, c)
		}
	}
	return all, nil
}

// fillCodecs puts the codec records into rows that have their IDs. Each row has its own Delay.
func (q Queries) fillCodecs(ctx context.Context, rows []store.Row) error {
	for i := range rows {
		c, _, ok, err := q.CodecByID(ctx, rows[i].Codec.ID)
		if err != nil {
			return err
		}
		if ok {
			c.Delay = slices.Clone(c.Delay)
			rows[i].Codec = c
		}
	}
	return nil
}
