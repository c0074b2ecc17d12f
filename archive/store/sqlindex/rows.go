package sqlindex

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/seed63bb8431/weir/archive/store"
)

const columns = `stream, counter, millis, random, server_us, producer_us, start_ns, end_ns, length_ns, size, codec, flags, settled, server_start_ns,
	seq, live, ord, brk, gaps, codecs, ctime_ns, codec_ctime_ns, blob_key, blob_offset, blob_sum`

// briefColumns are what a Query has that is Brief, beside its key.
const briefColumns = `stream, counter, millis, random, server_us, producer_us, length_ns, size`

var placeholders = strings.Repeat(`?, `, strings.Count(columns, `,`)) + `?`

func scanRow(rows *sql.Rows, r *store.Row) error {
	var random, flags, live, brk, sum int64
	err := rows.Scan(&r.Stream, &r.Number.Counter, &r.Number.Millis, &random, &r.Server, &r.Producer, &r.Start, &r.End, &r.Length, &r.Size, &r.Codec.ID,
		&flags, &r.Settled, &r.ServerStart, &r.Seq, &live, &r.Ord, &brk, &r.Gaps, &r.Codecs, &r.Time, &r.CodecTime, &r.Blob.Key, &r.Blob.Offset, &sum)
	r.Number.Random, r.Flags, r.Live, r.Break, r.Blob.Sum = uint32(random), store.Flags(flags), live != 0, store.Break(brk), uint32(sum)
	return err
}

// scanBrief reads briefColumns and the key.
func scanBrief(rows *sql.Rows, r *store.Row, by store.Key) error {
	var random, key int64
	err := rows.Scan(&r.Stream, &r.Number.Counter, &r.Number.Millis, &random, &r.Server, &r.Producer, &r.Length, &r.Size, &key)
	r.Number.Random = uint32(random)
	switch by {
	case store.ByOrd:
		r.Ord = key
	case store.BySeq:
		r.Seq = key
	case store.ByTime:
		r.Time = key
	}
	return err
}

// limited bounds a result. SQLite looks at the value of a parameter that stands alone in a LIMIT, and for that makes the statement anew
// whenever it is given one.
const limited = ` LIMIT ? + 0`

var errQuery = errors.New("sqlindex: a query without a limit or by an unknown key")

// keyColumns has the column of each key.
var keyColumns = [...]string{store.ByCounter: "counter", store.ByServer: "server_us", store.ByProducer: "producer_us", store.ByOrd: "ord",
	store.BySeq: "seq", store.ByTime: "ctime_ns"}

// Rows appends the rows that q asks for to dst.
func (q Queries) Rows(ctx context.Context, dst []store.Row, query *store.Query) ([]store.Row, error) {
	text, args, err := pageOf(query, q.x.d.Shared)
	if err != nil || text == "" {
		return dst, err
	}
	at := len(dst)
	err = q.each(ctx, text, args, func(rows *sql.Rows) (bool, error) {
		dst = append(dst, store.Row{})
		r := &dst[len(dst)-1]
		if query.Brief {
			return true, scanBrief(rows, r, query.By)
		}
		return true, scanRow(rows, r)
	})
	if err == nil && !query.Brief {
		err = q.fillCodecs(ctx, dst[at:])
	}
	if err != nil {
		return dst[:at], err
	}
	return dst, nil
}

// pageOf returns the statement that q is. Its range has one lower and one upper bound, so that the index need not choose; what the
// range does not say is kept from the choice by a plus. With living the stream has to be there still. It is empty if nothing can be found.
func pageOf(q *store.Query, living bool) (text string, args []any, err error) {
	if q.Limit <= 0 || int(q.By) >= len(keyColumns) {
		return "", nil, errQuery
	}
	from, to, key := q.From, q.To, keyColumns[q.By]
	if q.By == store.ByServer {
		from = max(from, q.Since)
	}
	if q.By == store.BySeq && q.MaxSeq != 0 {
		to = min(to, q.MaxSeq)
	}
	var b strings.Builder
	b.WriteString(`SELECT `)
	if q.Brief {
		b.WriteString(briefColumns + `, ` + key)
	} else {
		b.WriteString(columns)
	}
	b.WriteString(` FROM fragments WHERE stream = ?`)
	args = append(args, q.Stream)
	bound := func(op string, value int64) {
		b.WriteString(` AND ` + key + op + ` ?`)
		args = append(args, value)
	}
	place := func(op string, p *store.Place) {
		if q.By == store.ByCounter {
			if !q.Descending && p.Counter < p.Key || q.Descending && p.Counter > p.Key {
				op += `=`
			}
			bound(op, p.Key)
			return
		}
		b.WriteString(` AND (` + key + `, counter)` + op + ` (?, ?)`)
		args = append(args, p.Key, p.Counter)
	}
	// A place on the far side of a bound changes nothing.
	after := q.After
	switch {
	case after == nil || !q.Descending && after.Key < from || q.Descending && after.Key > to:
		bound(` >=`, from)
		bound(` <=`, to)
	case q.Descending:
		bound(` >=`, from)
		place(` <`, after)
		to = after.Key
	default:
		place(` >`, after)
		bound(` <=`, to)
		from = after.Key
	}
	if from > to {
		return "", nil, nil
	}
	if q.Live || q.By == store.ByOrd || q.By == store.ByTime {
		b.WriteString(` AND live = 1`)
	}
	if q.MaxSeq != 0 && q.By != store.BySeq {
		b.WriteString(` AND +seq <= ?`)
		args = append(args, q.MaxSeq)
	}
	if q.By != store.ByServer {
		b.WriteString(` AND +server_us >= ?`)
		args = append(args, q.Since)
	}
	if living {
		b.WriteString(` AND EXISTS (SELECT 1 FROM heads WHERE stream = ?)`)
		args = append(args, q.Stream)
	}
	// Live rows with equal times are in the order of ord and of counter alike; ord is unique among them, as seq and counter are among all.
	order := key
	if q.By == store.ByServer || q.By == store.ByProducer || q.By == store.ByTime {
		order += `, counter`
	}
	if q.Descending {
		order = strings.ReplaceAll(order, `,`, ` DESC,`) + ` DESC`
	}
	b.WriteString(` ORDER BY ` + order + limited)
	return b.String(), append(args, q.Limit), nil
}
