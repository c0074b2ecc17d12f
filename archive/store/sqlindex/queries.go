package sqlindex

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// Queries are the questions that an Index answers from what is committed, and a Tx from its own changes too.
type Queries struct {
	from source
	x    *Index
}

// each calls scan for each row of a result. scan says whether to go on.
func (q Queries) each(ctx context.Context, text string, args []any, scan func(*sql.Rows) (bool, error)) error {
	rows, err := q.from.query(ctx, text, args)
	if err != nil {
		return q.failed(err)
	}
	for rows.Next() {
		more, err := scan(rows)
		if err != nil {
			_ = rows.Close()
			return q.failed(err)
		}
		if !more {
			return q.failed(rows.Close())
		}
	}
	return q.failed(errors.Join(rows.Err(), rows.Close()))
}

// failed wraps an error and, in a transaction, ends it.
func (q Queries) failed(err error) error {
	if err == nil {
		return nil
	}
	t, ok := q.from.(*Tx)
	if ok && t.err != nil {
		return t.err
	}
	err = q.x.wrap(err)
	if ok {
		t.err = err
	}
	return err
}

// one reads at most one row into dst and says whether there is one.
func (q Queries) one(ctx context.Context, text string, args []any, dst ...any) (found bool, err error) {
	err = q.each(ctx, text, args, func(rows *sql.Rows) (bool, error) {
		found = true
		return false, rows.Scan(dst...)
	})
	return found, err
}

// Meta returns a number by its name and whether there is one.
func (q Queries) Meta(ctx context.Context, name string) (value int64, ok bool, err error) {
	ok, err = q.one(ctx, `SELECT value FROM meta WHERE name = ?`, []any{name}, &value)
	return value, ok, err
}

const streamColumns = `id, account, name, device_name, media_type, kms_key_id, storage_tier, retention_ns, created_ms, version, tags`

func scanStream(rows *sql.Rows) (s store.Stream, err error) {
	var retention, created int64
	var tags []byte
	if err := rows.Scan(&s.ID, &s.Account, &s.Name, &s.DeviceName, &s.MediaType, &s.KMSKeyID, &s.StorageTier, &retention, &created, &s.Version, &tags); err != nil {
		return s, err
	}
	s.Retention, s.Created = time.Duration(retention), time.UnixMilli(created).UTC()
	return s, json.Unmarshal(tags, &s.Tags)
}

func (q Queries) streams(ctx context.Context, where string, args []any, visit func(store.Stream) bool) error {
	return q.each(ctx, `SELECT `+streamColumns+` FROM streams WHERE `+where, args, func(rows *sql.Rows) (bool, error) {
		s, err := scanStream(rows)
		return err == nil && visit(s), err
	})
}

// Stream returns a stream by its name, StreamByID by its ID. ErrNotFound means that there is none.
func (q Queries) Stream(ctx context.Context, account, name string) (store.Stream, error) {
	return q.stream(ctx, `account = ? AND name = ?`, account, name)
}

// StreamByID returns a stream by its ID. ErrNotFound means that there is none.
func (q Queries) StreamByID(ctx context.Context, id int64) (store.Stream, error) {
	return q.stream(ctx, `id = ?`, id)
}

func (q Queries) stream(ctx context.Context, where string, args ...any) (s store.Stream, err error) {
	found := false
	err = q.streams(ctx, where, args, func(have store.Stream) bool {
		s, found = have, true
		return false
	})
	if err == nil && !found {
		err = store.ErrNotFound
	}
	return s, err
}

// Streams returns streams as store.Store.Streams does.
func (q Queries) Streams(ctx context.Context, account, prefix, after string, limit int) ([]store.Stream, error) {
	var all []store.Stream
	// Names that begin with prefix stand together in the order of bytes, the prefix itself first.
	where, from := `account = ? AND name > ? ORDER BY name`+limited, after
	if prefix > after {
		where, from = `account = ? AND name >= ? ORDER BY name`+limited, prefix
	}
	err := q.streams(ctx, where, []any{account, from, limit}, func(s store.Stream) bool {
		if !strings.HasPrefix(s.Name, prefix) {
			return false
		}
		all = append(all, s)
		return true
	})
	return all, err
}

// StreamsFrom returns at most limit streams of all accounts with IDs above after, in the order of their IDs.
func (q Queries) StreamsFrom(ctx context.Context, after int64, limit int) ([]store.Stream, error) {
	var all []store.Stream
	err := q.streams(ctx, `id > ? ORDER BY id`+limited, []any{after, limit}, func(s store.Stream) bool {
		all = append(all, s)
		return true
	})
	return all, err
}

// Head returns a stream's head and the pack that has its newest row; zeros if nothing is stored.
func (q Queries) Head(ctx context.Context, stream int64) (h store.Head, pack int64, err error) {
	h, pack, _, err = q.head(ctx, stream, ``)
	return h, pack, err
}

// StoredHead returns a stream's head and whether it is stored: of a caller who stores one with each stream, whether there is the stream.
func (q Queries) StoredHead(ctx context.Context, stream int64) (h store.Head, ok bool, err error) {
	h, _, ok, err = q.head(ctx, stream, ``)
	return h, ok, err
}

func (q Queries) head(ctx context.Context, stream int64, tail string) (h store.Head, pack int64, ok bool, err error) {
	ok, err = q.one(ctx, `SELECT reserved, largest, seq, ord, gaps, codecs, ctime_ns, codec_ctime_ns, start_ns, end_ns, server_start_ns, codec, newest_us, pack
		FROM heads WHERE stream = ?`+tail, []any{stream},
		&h.Reserved, &h.Largest, &h.Seq, &h.Ord, &h.Gaps, &h.Codecs, &h.Time, &h.CodecTime, &h.Start, &h.End, &h.ServerStart, &h.Codec, &h.Newest, &pack)
	return h, pack, ok, err
}

// HeadsIn returns the streams whose newest row is in a pack.
func (q Queries) HeadsIn(ctx context.Context, pack int64) ([]int64, error) {
	return q.ints(ctx, `SELECT stream FROM heads WHERE pack = ? ORDER BY stream`, pack)
}

// Doomed returns the streams that were deleted and may have rows.
func (q Queries) Doomed(ctx context.Context) ([]int64, error) {
	return q.ints(ctx, `SELECT stream FROM doomed ORDER BY stream`)
}

func (q Queries) ints(ctx context.Context, text string, args ...any) ([]int64, error) {
	var all []int64
	err := q.each(ctx, text, args, func(rows *sql.Rows) (bool, error) {
		var v int64
		err := rows.Scan(&v)
		all = append(all, v)
		return true, err
	})
	return all, err
}

// Packs returns what is known of all pack files in the order of their IDs.
func (q Queries) Packs(ctx context.Context) ([]Pack, error) {
	var all []Pack
	err := q.each(ctx, `SELECT id, class, slot, size, total, live, live_rows, sealed FROM packs ORDER BY id`, nil, func(rows *sql.Rows) (bool, error) {
		var p Pack
		var sealed int64
		err := rows.Scan(&p.ID, &p.Class, &p.Slot, &p.Size, &p.Total, &p.Live, &p.LiveRows, &sealed)
		p.Sealed = sealed != 0
		all = append(all, p)
		return true, err
	})
	return all, err
}

// NewestProducer returns the largest producer time of a stream's rows and whether there is a row.
func (q Queries) NewestProducer(ctx context.Context, stream int64) (producer int64, ok bool, err error) {
	ok, err = q.one(ctx, `SELECT producer_us FROM fragments WHERE stream = ? ORDER BY producer_us DESC, counter DESC LIMIT 1`, []any{stream}, &producer)
	return producer, ok, err
}

// HasProducer says whether a row has a producer time.
func (q Queries) HasProducer(ctx context.Context, stream, producer int64) (bool, error) {
	var one int64
	return q.one(ctx, `SELECT 1 FROM fragments WHERE stream = ? AND producer_us = ? LIMIT 1`, []any{stream, producer}, &one)
}

// HasCounter says whether a row has a counter.
func (q Queries) HasCounter(ctx context.Context, stream, counter int64) (bool, error) {
	var one int64
	return q.one(ctx, `SELECT 1 FROM fragments WHERE stream = ? AND counter = ?`, []any{stream, counter}, &one)
}

// Stored is where the bytes of a row are.
type Stored struct {
	Counter, Server, Size int64
	Blob                  store.Blob
}

// Blob returns where a row's bytes are and whether there is such a row.
func (q Queries) Blob(ctx context.Context, stream, counter int64) (b store.Blob, ok bool, err error) {
	var sum int64
	ok, err = q.one(ctx, `SELECT blob_key, blob_offset, blob_sum FROM fragments WHERE stream = ? AND counter = ?`, []any{stream, counter},
		&b.Key, &b.Offset, &sum)
	b.Sum = uint32(sum)
	return b, ok, err
}

// Before returns at most limit rows of a stream with Server times of at least from and below to, in their order. With kept those whose
// bytes were dropped are left out.
func (q Queries) Before(ctx context.Context, stream, from, to int64, kept bool, limit int) ([]Stored, error) {
	where := ``
	if kept {
		where = ` AND +blob_key <> 0`
	}
	return q.stored(ctx, `stream = ? AND server_us >= ? AND server_us < ?`+where+` ORDER BY server_us, counter`+limited, stream, from, to, limit)
}

// From returns at most limit rows of a stream whose counters are at least first, in the order of those.
func (q Queries) From(ctx context.Context, stream, first int64, limit int) ([]Stored, error) {
	return q.stored(ctx, `stream = ? AND counter >= ? ORDER BY counter`+limited, stream, first, limit)
}

// Some returns at most limit rows of a stream.
func (q Queries) Some(ctx context.Context, stream int64, limit int) ([]Stored, error) {
	return q.stored(ctx, `stream = ? ORDER BY counter`+limited, stream, limit)
}

func (q Queries) stored(ctx context.Context, where string, args ...any) ([]Stored, error) {
	var all []Stored
	err := q.each(ctx, `SELECT counter, server_us, size, blob_key, blob_offset, blob_sum FROM fragments WHERE `+where, args,
		func(rows *sql.Rows) (bool, error) {
			var s Stored
			var sum int64
			err := rows.Scan(&s.Counter, &s.Server, &s.Size, &s.Blob.Key, &s.Blob.Offset, &sum)
			s.Blob.Sum = uint32(sum)
			all = append(all, s)
			return true, err
		})
	return all, err
}
