package sqlindex

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"github.com/seed63bb8431/weir/archive/store"
)

// Tx is a transaction that writes. Its first error stays: nothing is written after it, and Commit returns it. It is for one goroutine.
type Tx struct {
	Queries
	x     *Index
	tx    *sql.Tx
	stmts map[string]*sql.Stmt
	err   error
}

// Begin begins a transaction, once the one before has ended.
func (x *Index) Begin(ctx context.Context) (*Tx, error) {
	if x.hook != nil {
		if err := x.hook(); err != nil {
			return nil, x.wrap(err)
		}
	}
	x.prepareWanted(ctx)
	tx, err := x.write.BeginTx(ctx, nil)
	if err != nil {
		return nil, x.wrap(err)
	}
	t := &Tx{x: x, tx: tx, stmts: map[string]*sql.Stmt{}}
	t.Queries = Queries{t, x}
	return t, nil
}

// Err returns the first error.
func (t *Tx) Err() error { return t.err }

// Rollback ends the transaction without its changes, if it has not ended.
func (t *Tx) Rollback() { _ = t.tx.Rollback() }

// Commit makes the changes durable and visible.
func (t *Tx) Commit() error {
	if t.err == nil && t.x.hook != nil {
		t.err = t.x.wrap(t.x.hook())
	}
	if t.err != nil {
		t.Rollback()
		return t.err
	}
	return t.x.wrap(t.tx.Commit())
}

func (t *Tx) stmt(ctx context.Context, text string) (*sql.Stmt, error) {
	if t.x.hook != nil {
		if err := t.x.hook(); err != nil {
			return nil, err
		}
	}
	if s := t.stmts[text]; s != nil {
		return s, nil
	}
	t.x.mu.Lock()
	s := t.x.prepared[statement{t.x.write, text}]
	if s == nil {
		t.x.wanted = append(t.x.wanted, text)
	}
	t.x.mu.Unlock()
	var err error
	if s != nil {
		s = t.tx.StmtContext(ctx, s)
	} else if s, err = t.tx.PrepareContext(ctx, t.x.d.statement(text)); err != nil {
		return nil, err
	}
	t.stmts[text] = s
	return s, nil
}

// prepareWanted prepares what the transactions before had to prepare for themselves: a statement of a transaction ends with it, and
// while it lasts it has the only connection. One that cannot be prepared any more, since its table is gone, is left to whom it may concern.
func (x *Index) prepareWanted(ctx context.Context) {
	x.mu.Lock()
	wanted := x.wanted
	x.wanted = nil
	x.mu.Unlock()
	for _, text := range wanted {
		_, _ = x.prepare(ctx, x.write, text)
	}
}

// run runs a statement once.
func (t *Tx) run(text string) {
	if t.err == nil && t.x.hook != nil {
		t.err = t.x.wrap(t.x.hook())
	}
	if t.err == nil {
		_, err := t.tx.ExecContext(context.Background(), text)
		t.err = t.x.wrap(err)
	}
}

func (t *Tx) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	if t.err != nil {
		return nil, t.err
	}
	s, err := t.stmt(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// Exec runs a statement with ? as placeholders and returns how many rows it changed.
func (t *Tx) Exec(text string, args ...any) int64 {
	if t.err != nil {
		return 0
	}
	s, err := t.stmt(context.Background(), text)
	if err != nil {
		t.err = t.x.wrap(err)
		return 0
	}
	// Without a context that can end: a driver may need a goroutine to watch that.
	result, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		t.err = t.x.wrap(err)
		return 0
	}
	n, err := result.RowsAffected()
	if err != nil {
		t.err = t.x.wrap(err)
	}
	return n
}

// Fail makes err the transaction's error if it has none, unless err is nil.
func (t *Tx) Fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// SetMeta stores a number by name.
func (t *Tx) SetMeta(name string, value int64) {
	t.Exec(`INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
}

// Add adds n to a number by name, which is 0 at first, and returns the sum.
func (t *Tx) Add(name string, n int64) (sum int64) {
	_, err := t.one(context.Background(), `INSERT INTO meta (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = meta.value + excluded.value RETURNING value`, []any{name, n}, &sum)
	t.Fail(err)
	return sum
}

// Raise makes a number by name at least as large as value.
func (t *Tx) Raise(name string, value int64) {
	t.Exec(`INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name)
		DO UPDATE SET value = CASE WHEN meta.value < excluded.value THEN excluded.value ELSE meta.value END`, name, value)
}

// LockHead returns a stream's head, and whether it is stored. Nobody else changes it until the transaction ends.
func (t *Tx) LockHead(stream int64) (h store.Head, ok bool, err error) {
	h, _, ok, err = t.head(context.Background(), stream, t.x.d.Lock)
	return h, ok, err
}

// PutStream adds a stream with its ID.
func (t *Tx) PutStream(s *store.Stream) {
	tags, err := json.Marshal(s.Tags)
	t.Fail(err)
	t.Exec(`INSERT INTO streams (id, account, name, device_name, media_type, kms_key_id, storage_tier, retention_ns, created_ms, version, tags)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		s.ID, s.Account, s.Name, s.DeviceName, s.MediaType, s.KMSKeyID, s.StorageTier, int64(s.Retention), s.Created.UnixMilli(), s.Version, string(tags))
}

// UpdateStream changes a stream, all but its account, name and creation.
func (t *Tx) UpdateStream(s *store.Stream) {
	tags, err := json.Marshal(s.Tags)
	t.Fail(err)
	t.Exec(`UPDATE streams SET device_name = ?, media_type = ?, kms_key_id = ?, storage_tier = ?, retention_ns = ?, version = ?, tags = ? WHERE id = ?`,
		s.DeviceName, s.MediaType, s.KMSKeyID, s.StorageTier, int64(s.Retention), s.Version, string(tags), s.ID)
}

// DeleteStream removes a stream, its head and its codec records, and remembers it as doomed: its rows are still there.
func (t *Tx) DeleteStream(id int64) {
	t.Exec(`DELETE FROM streams WHERE id = ?`, id)
	t.Exec(`DELETE FROM heads WHERE stream = ?`, id)
	t.Exec(`DELETE FROM codecs WHERE stream = ?`, id)
	t.Exec(`INSERT INTO doomed (stream) VALUES (?)`, id)
}

// Forget ends what is remembered of a deleted stream.
func (t *Tx) Forget(id int64) { t.Exec(`DELETE FROM doomed WHERE stream = ?`, id) }

// PutCodec adds a codec record with its ID.
func (t *Tx) PutCodec(stream int64, c *store.Codec) {
	t.Exec(`INSERT INTO codecs (id, stream, hash, delay) VALUES (?, ?, ?, ?)`, c.ID, stream, c.Hash[:], bytesOf(c.Delay))
}

// PutNewCodec adds a codec record unless its ID or its hash is there already.
func (t *Tx) PutNewCodec(stream int64, c *store.Codec) {
	t.Exec(`INSERT INTO codecs (id, stream, hash, delay) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`, c.ID, stream, c.Hash[:], bytesOf(c.Delay))
}

func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// PutHead stores a stream's head, and which pack has the newest of its rows.
func (t *Tx) PutHead(stream int64, h *store.Head, pack int64) {
	t.Exec(`INSERT INTO heads (stream, reserved, largest, seq, ord, gaps, codecs, ctime_ns, codec_ctime_ns, start_ns, end_ns, server_start_ns, codec, newest_us, pack)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stream) DO UPDATE SET reserved = excluded.reserved,
		largest = excluded.largest, seq = excluded.seq, ord = excluded.ord, gaps = excluded.gaps, codecs = excluded.codecs,
		ctime_ns = excluded.ctime_ns, codec_ctime_ns = excluded.codec_ctime_ns, start_ns = excluded.start_ns, end_ns = excluded.end_ns, server_start_ns = excluded.server_start_ns,
		codec = excluded.codec, newest_us = excluded.newest_us, pack = excluded.pack`,
		stream, h.Reserved, h.Largest, h.Seq, h.Ord, h.Gaps, h.Codecs, h.Time, h.CodecTime, h.Start, h.End, h.ServerStart, h.Codec, h.Newest, pack)
}

// SetHeadPack notes which pack has the newest row of a stream.
func (t *Tx) SetHeadPack(stream, pack int64) {
	t.Exec(`UPDATE heads SET pack = ? WHERE stream = ?`, pack, stream)
}

// Insert adds a row. Its codec record is that of its ID.
func (t *Tx) Insert(r *store.Row) { t.insert(r, ``) }

// InsertNew adds a row unless something of it is there already, and says whether it did.
func (t *Tx) InsertNew(r *store.Row) bool { return t.insert(r, ` ON CONFLICT DO NOTHING`) == 1 }

func (t *Tx) insert(r *store.Row, tail string) int64 {
	live := int64(0)
	if r.Live {
		live = 1
	}
	var settled any
	if len(r.Settled) > 0 {
		settled = r.Settled
	}
	return t.Exec(`INSERT INTO fragments (`+columns+`) VALUES (`+placeholders+`)`+tail,
		r.Stream, r.Number.Counter, r.Number.Millis, int64(r.Number.Random), r.Server, r.Producer, r.Start, r.End, r.Length, r.Size, r.Codec.ID,
		int64(r.Flags), settled, r.ServerStart, r.Seq, live, r.Ord, int64(r.Break), r.Gaps, r.Codecs, r.Time, r.CodecTime,
		r.Blob.Key, r.Blob.Offset, int64(r.Blob.Sum))
}

// Move changes where a row's bytes are, if they are at from. It says whether they were.
func (t *Tx) Move(stream, counter int64, from, to store.Blob) bool {
	return t.Exec(`UPDATE fragments SET blob_key = ?, blob_offset = ? WHERE stream = ? AND counter = ? AND blob_key = ? AND blob_offset = ?`,
		to.Key, to.Offset, stream, counter, from.Key, from.Offset) == 1
}

// listed is how many rows one statement drops or removes: what takes longest of one row is to ask the database for it.
const listed = 100

// The bounds of a list are said too: else PostgreSQL goes through the whole stream while it has no statistics of a new archive.
var (
	inList       = ` WHERE stream = ? AND counter >= ? AND counter <= ? AND counter IN (?` + strings.Repeat(`, ?`, listed-1) + `)`
	dropListed   = `UPDATE fragments SET blob_key = 0` + inList
	deleteListed = `DELETE FROM fragments` + inList
)

// Drop notes that the bytes of rows of a stream are not wanted any more: their Blob.Key is 0.
func (t *Tx) Drop(stream int64, rows []Stored) { t.eachListed(dropListed, stream, rows) }

// Delete removes rows of a stream and returns how many of them there were.
func (t *Tx) Delete(stream int64, rows []Stored) int64 {
	return t.eachListed(deleteListed, stream, rows)
}

// eachListed runs a statement for rows, and fills its last list up with the row at its end.
func (t *Tx) eachListed(text string, stream int64, rows []Stored) (changed int64) {
	args := make([]any, 3+listed)
	for part := range slices.Chunk(rows, listed) {
		low, high := part[0].Counter, part[0].Counter
		for i := range listed {
			counter := part[min(i, len(part)-1)].Counter
			low, high, args[3+i] = min(low, counter), max(high, counter), counter
		}
		args[0], args[1], args[2] = stream, low, high
		changed += t.Exec(text, args...)
	}
	return changed
}

// Pack is what is known of a pack file.
type Pack struct {
	ID, Class, Slot int64
	Size            int64 // of the file
	Total, Live     int64 // weight of all rows that were written into it, and of those whose bytes are still wanted
	LiveRows        int64
	Sealed          bool // not written any more
}

// PutPack stores what is known of a pack file.
func (t *Tx) PutPack(p *Pack) {
	sealed := int64(0)
	if p.Sealed {
		sealed = 1
	}
	t.Exec(`INSERT INTO packs (id, class, slot, size, total, live, live_rows, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET size = excluded.size, total = excluded.total, live = excluded.live, live_rows = excluded.live_rows,
		sealed = excluded.sealed`, p.ID, p.Class, p.Slot, p.Size, p.Total, p.Live, p.LiveRows, sealed)
}

// DeletePack forgets a pack file.
func (t *Tx) DeletePack(id int64) { t.Exec(`DELETE FROM packs WHERE id = ?`, id) }
