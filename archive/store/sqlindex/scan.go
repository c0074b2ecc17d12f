package sqlindex

import (
	"context"
	"database/sql"
)

// Found is a record of a pack or of a journal, on the way to an index that is made anew.
type Found struct {
	Stream, Sequence int64 // together unique
	Seq              int64 // that the stream's head has behind it
	Damaged          bool  // its data
	Pack             int64 // 0: the head alone
	Offset           int64 // of its data
	Sum              uint32
	Entry            []byte // the record's header
}

// MakeScan makes the table that sorts what is found. A database in which it was made is no index to go on with: copy it.
func (t *Tx) MakeScan() {
	t.run(t.x.d.schema(`CREATE TABLE scan (stream INT64 NOT NULL, sequence INT64 NOT NULL, seq INT64 NOT NULL, damaged INT64 NOT NULL,
		pack INT64 NOT NULL, data_offset INT64 NOT NULL, data_sum INT64 NOT NULL, entry BYTES NOT NULL, PRIMARY KEY (stream, sequence)) CLUSTERED`))
}

// DropScan removes the table.
func (t *Tx) DropScan() { t.run(`DROP TABLE scan`) }

// AddFound adds a record. Of two copies one that is not damaged stays.
func (t *Tx) AddFound(f *Found) {
	damaged := int64(0)
	if f.Damaged {
		damaged = 1
	}
	t.Exec(`INSERT INTO scan (stream, sequence, seq, damaged, pack, data_offset, data_sum, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (stream, sequence) DO UPDATE SET damaged = excluded.damaged, pack = excluded.pack, data_offset = excluded.data_offset,
		data_sum = excluded.data_sum WHERE excluded.damaged < scan.damaged`,
		f.Stream, f.Sequence, f.Seq, damaged, f.Pack, f.Offset, int64(f.Sum), f.Entry)
}

// NextFound returns the first stream behind another of which something was found.
func (q Queries) NextFound(ctx context.Context, after int64) (stream int64, ok bool, err error) {
	ok, err = q.one(ctx, `SELECT stream FROM scan WHERE stream > ? ORDER BY stream LIMIT 1`, []any{after}, &stream)
	return stream, ok, err
}

// FoundBefore returns at most limit records of a stream below a sequence number, the last one first.
func (q Queries) FoundBefore(ctx context.Context, stream, sequence int64, limit int) ([]Found, error) {
	var all []Found
	err := q.each(ctx, `SELECT stream, sequence, seq, damaged, pack, data_offset, data_sum, entry FROM scan
		WHERE stream = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?`, []any{stream, sequence, limit}, func(rows *sql.Rows) (bool, error) {
		var f Found
		var damaged, sum int64
		err := rows.Scan(&f.Stream, &f.Sequence, &f.Seq, &damaged, &f.Pack, &f.Offset, &sum, &f.Entry)
		f.Damaged, f.Sum = damaged != 0, uint32(sum)
		all = append(all, f)
		return true, err
	})
	return all, err
}
