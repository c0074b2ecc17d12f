package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/pack"
	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

// Report says what Reindex found.
type Report struct {
	Packs      int   // that were read
	Unreadable int   // packs without a header; they are kept with ".bad" behind their names
	Streams    int   // in the index
	Recovered  int   // of them those that the journal did not know any more; their names and retentions are from their fragments
	Rows       int64 // in the index
	Damaged    int64 // of them those whose bytes are damaged
	Torn       int64 // records that were being written when a process ended, and were not whole
	Superseded int64 // records that were rolled back, and copies
	Orphans    int64 // records of streams that were deleted or that nothing is known of
	Lost       int64 // bytes in packs and journal that are no records
}

// Reindex makes the index of an archive anew from its packs and its journal, while nobody has it open. It reads everything. What a lost
// index alone knew is not there afterwards: rows whose bytes were removed already. Rows that were removed while their bytes were still
// there come back until the next Collect. opts may be nil.
func Reindex(ctx context.Context, dir string, opts *Options) (Report, error) {
	r := reindexer{o: opts.defaults(), streams: map[int64]*journaled{}, packs: map[int64]*sqlindex.Pack{}}
	if err := r.run(ctx, dir); err != nil {
		return r.report, fmt.Errorf("reindex %s: %w", dir, fullError(err))
	}
	return r.report, nil
}

const (
	scanFile = "scan.db" // in which what is found is sorted
	oldFile  = "index.db.old"
)

type reindexer struct {
	o       Options
	dir     *directory
	index   *sqlindex.Index // made in scanFile
	tx      *sqlindex.Tx
	pending int // statements in tx
	report  Report

	streams  map[int64]*journaled
	doubtful bool // the journal is not whole
	packs    map[int64]*sqlindex.Pack
	newest   struct{ stream, codec, epoch int64 }
}

// journaled is what the journal has of a stream.
type journaled struct {
	stream    *store.Stream // nil if it is not known
	deleted   bool
	codecs    []store.Codec
	reserved  int64
	recovered bool // stream is from a record
}

func (r *reindexer) run(ctx context.Context, path string) (err error) {
	if r.dir, err = openDirectory(path, &r.o, false); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.dir.close()) }()
	if err := r.dir.files.Mkdir(packDir); err != nil {
		return err
	}
	if err := r.removeSQLite(scanFile); err != nil {
		return err
	}
	if err := r.removeSQLite(indexFile + newSuffix); err != nil {
		return err
	}
	if r.index, err = openIndex(ctx, filepath.Join(r.dir.path, scanFile), 1, r.dir.indexHook()); err != nil {
		return err
	}
	err = r.build(ctx)
	if r.tx != nil {
		r.tx.Rollback()
	}
	if err = errors.Join(err, r.index.Close()); err != nil {
		return errors.Join(err, r.removeSQLite(scanFile))
	}
	if err := copyIndex(ctx, filepath.Join(r.dir.path, scanFile), filepath.Join(r.dir.path, indexFile+newSuffix)); err != nil {
		return err
	}
	return r.replace()
}

// build makes the index in scanFile, with a journal that belongs to it beside the old one.
func (r *reindexer) build(ctx context.Context) error {
	if err := r.step(ctx, func(tx *sqlindex.Tx) { tx.MakeScan() }); err != nil {
		return err
	}
	if err := r.readJournal(ctx); err != nil {
		return err
	}
	if err := r.readPacks(ctx); err != nil {
		return err
	}
	r.recover()
	if err := r.writeStreams(ctx); err != nil {
		return err
	}
	for _, p := range r.packs {
		if err := r.step(ctx, func(tx *sqlindex.Tx) { tx.PutPack(p) }); err != nil {
			return err
		}
	}
	if err := r.step(ctx, func(tx *sqlindex.Tx) {
		tx.DropScan()
		tx.SetMeta(metaStream, r.newest.stream)
		tx.SetMeta(metaCodec, r.newest.codec)
		tx.SetMeta(metaEpoch, r.newest.epoch)
	}); err != nil {
		return err
	}
	if err := r.commit(); err != nil {
		return err
	}
	if err := r.dir.files.Remove(journalFile + newSuffix); err != nil {
		return err
	}
	mark, size, err := writeJournal(ctx, r.dir.files, journalFile+newSuffix, r.index.Queries, (r.newest.epoch+1)<<epochSequences-1, r.o.Now().UnixNano())
	if err != nil {
		return err
	}
	if err := r.step(ctx, func(tx *sqlindex.Tx) { saveJournal(tx, mark, size, size) }); err != nil {
		return err
	}
	return r.commit()
}

// replace puts the new index and the new journal in the place of the old ones. At no time is there an index that does not belong to the
// journal: without one Open asks for another Reindex.
func (r *reindexer) replace() error {
	files := r.dir.files
	if err := syncFile(files, indexFile+newSuffix); err != nil {
		return err
	}
	if err := files.Remove(oldFile); err != nil {
		return err
	}
	if err := files.Rename(indexFile, oldFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := r.removeSQLite(indexFile); err != nil {
		return err
	}
	if err := files.SyncDir("."); err != nil {
		return err
	}
	if err := files.Rename(journalFile+newSuffix, journalFile); err != nil {
		return err
	}
	if err := files.Rename(indexFile+newSuffix, indexFile); err != nil {
		return err
	}
	if err := files.SyncDir("."); err != nil {
		return err
	}
	return errors.Join(files.Remove(oldFile), r.removeSQLite(scanFile))
}

func (r *reindexer) removeSQLite(name string) error {
	var failures []error
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		failures = append(failures, r.dir.files.Remove(name+suffix))
	}
	return errors.Join(failures...)
}

// step does a part of the work in a transaction that holds many.
func (r *reindexer) step(ctx context.Context, do func(tx *sqlindex.Tx)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.tx == nil {
		var err error
		if r.tx, err = r.index.Begin(background); err != nil {
			return err
		}
	}
	do(r.tx)
	if r.pending++; r.pending >= 10_000 || r.tx.Err() != nil {
		return r.commit()
	}
	return nil
}

func (r *reindexer) commit() error {
	tx := r.tx
	r.tx, r.pending = nil, 0
	if tx == nil {
		return nil
	}
	return tx.Commit()
}

// queries are those of the transaction, or of the index if there is none.
func (r *reindexer) queries() sqlindex.Queries {
	if r.tx != nil {
		return r.tx.Queries
	}
	return r.index.Queries
}

func (r *reindexer) stream(id int64) *journaled {
	j := r.streams[id]
	if j == nil {
		j = new(journaled)
		r.streams[id] = j
	}
	r.newest.stream = max(r.newest.stream, id)
	return j
}

// readJournal applies the journal's entries one after the other.
func (r *reindexer) readJournal(ctx context.Context) error {
	f, err := r.dir.files.Open(journalFile)
	if errors.Is(err, fs.ErrNotExist) {
		r.doubtful = true
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return err
	}
	info, err := pack.ReadInfo(f)
	if errors.Is(err, pack.ErrHeader) {
		r.doubtful, r.report.Lost = true, size
		return nil
	}
	if err != nil {
		return err
	}
	scan := pack.NewScanner(f, info.Mark, pack.HeaderSize, size)
	for {
		record, err := scan.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		e, err := pack.ParseEntry(record.Header)
		if err != nil {
			r.doubtful = true
			continue
		}
		if err := r.apply(ctx, e, record.Header); err != nil {
			return err
		}
	}
	if n := scan.Skipped(); n > 0 {
		r.doubtful = true
		r.report.Lost += n
	}
	return nil
}

func (r *reindexer) apply(ctx context.Context, e *pack.Entry, header []byte) error {
	r.newest.epoch = max(r.newest.epoch, e.Sequence>>epochSequences)
	switch e.Kind {
	case pack.Counters:
		r.newest.stream = max(r.newest.stream, e.Stream.ID)
		r.newest.codec = max(r.newest.codec, e.Codec.ID)
	case pack.StreamPut:
		r.stream(e.Stream.ID).stream = &e.Stream
	case pack.StreamDelete:
		r.stream(e.Stream.ID).deleted = true
	case pack.CodecPut:
		j := r.stream(e.Stream.ID)
		j.codecs = append(j.codecs, e.Codec)
		r.newest.codec = max(r.newest.codec, e.Codec.ID)
	case pack.HeadPut:
		j := r.stream(e.Stream.ID)
		j.reserved = max(j.reserved, e.Head.Reserved)
		return r.step(ctx, func(tx *sqlindex.Tx) {
			tx.AddFound(&sqlindex.Found{Stream: e.Stream.ID, Sequence: e.Sequence, Seq: e.Head.Seq, Entry: header})
		})
	}
	return nil
}

// readPacks finds the records of all packs.
func (r *reindexer) readPacks(ctx context.Context) error {
	names, err := r.dir.files.List(packDir)
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		id, ok := packID(name)
		if !ok {
			continue
		}
		err := r.readPack(ctx, id)
		if errors.Is(err, pack.ErrHeader) {
			r.report.Unreadable++
			err = r.dir.files.Rename(packDir+"/"+name, packDir+"/"+name+".bad")
		}
		if err != nil {
			return fmt.Errorf("pack %d: %w", id, err)
		}
	}
	return nil
}

func (r *reindexer) readPack(ctx context.Context, id int64) error {
	f, err := r.dir.files.Open(packName(id))
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return err
	}
	info, err := pack.ReadInfo(f)
	if err != nil {
		return err
	}
	last, err := lastBatch(f, info.Mark, size)
	if err != nil {
		return err
	}
	r.report.Packs++
	r.newest.epoch = max(r.newest.epoch, id>>epochPacks)
	p := &sqlindex.Pack{ID: id, Class: int64(info.Class), Size: size, Sealed: true}
	r.packs[id] = p
	scan := pack.NewScanner(f, info.Mark, pack.HeaderSize, size)
	for {
		record, err := scan.Next()
		if errors.Is(err, io.EOF) {
			r.report.Lost += scan.Skipped()
			return nil
		}
		if err != nil {
			return err
		}
		e, err := pack.ParseEntry(record.Header)
		if err != nil || e.Kind != pack.Fragment {
			r.report.Lost += record.End() - record.Offset
			continue
		}
		header := slices.Clone(record.Header)
		whole, err := scan.Check(&record)
		if err != nil {
			return err
		}
		p.Total += weight(record.Size)
		if !whole && e.Batch == last {
			r.report.Torn++ // nothing says that it was ever whole
			continue
		}
		if err := r.found(ctx, e, &sqlindex.Found{Stream: e.Stream.ID, Sequence: e.Sequence, Seq: e.Row.Seq, Damaged: !whole, Pack: id,
			Offset: record.Data, Sum: record.Sum, Entry: header}); err != nil {
			return err
		}
	}
}

func (r *reindexer) found(ctx context.Context, e *pack.Entry, f *sqlindex.Found) error {
	j := r.stream(f.Stream)
	j.reserved = max(j.reserved, e.Head.Reserved)
	r.newest.codec = max(r.newest.codec, e.Row.Codec.ID)
	r.newest.epoch = max(r.newest.epoch, e.Sequence>>epochSequences)
	if !f.Damaged && r.doubtful && j.stream == nil && !j.deleted {
		st := e.Stream
		st.Created, st.Version = time.UnixMicro(e.Row.Server).UTC().Truncate(time.Millisecond), "recovered"
		j.stream, j.recovered = &st, true
	}
	return r.step(ctx, func(tx *sqlindex.Tx) { tx.AddFound(f) })
}

// lastBatch returns the batch of a pack's last record. Those before it were synced, or the pack would not have been written any more.
func lastBatch(f pack.File, mark pack.Mark, size int64) (int64, error) {
	last := int64(math.MinInt64)
	scan := pack.NewScanner(f, mark, pack.HeaderSize, size)
	for {
		record, err := scan.Next()
		if errors.Is(err, io.EOF) {
			return last, nil
		}
		if err != nil {
			return 0, err
		}
		if e, err := pack.ParseEntry(record.Header); err == nil {
			last = e.Batch
		}
	}
}

// recover sees to it that names are unique: of two streams with one name the later holds, and one that the journal knows before one
// that it does not.
func (r *reindexer) recover() {
	type name struct{ account, name string }
	taken := map[name]*journaled{}
	for _, id := range slices.Sorted(maps.Keys(r.streams)) {
		j := r.streams[id]
		if j.stream == nil || j.deleted {
			continue
		}
		n := name{j.stream.Account, j.stream.Name}
		if other := taken[n]; other != nil {
			leave := other
			if j.recovered && !other.recovered {
				leave = j
			}
			leave.stream = nil
			if leave == j {
				continue
			}
		}
		taken[n] = j
	}
}

// writeStreams writes the streams and their rows.
func (r *reindexer) writeStreams(ctx context.Context) error {
	for id, j := range r.streams {
		if j.stream == nil || j.deleted {
			continue
		}
		r.report.Streams++
		if j.recovered {
			r.report.Recovered++
		}
		j.stream.ID = id
		if err := r.step(ctx, func(tx *sqlindex.Tx) { tx.PutStream(j.stream) }); err != nil {
			return err
		}
	}
	for after := int64(math.MinInt64); ; {
		id, ok, err := r.queries().NextFound(ctx, after)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if err := r.writeRows(ctx, id, r.stream(id)); err != nil {
			return err
		}
		after = id
	}
	for id, j := range r.streams {
		if j.stream == nil || j.deleted {
			continue
		}
		for _, c := range j.codecs { // those that no row has
			if err := r.step(ctx, func(tx *sqlindex.Tx) { tx.PutNewCodec(id, &c) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeRows writes the rows of a stream, the last that was written first. A record says that those before it with the same Seq or a
// larger one were rolled back; a head that those with a larger one were.
func (r *reindexer) writeRows(ctx context.Context, stream int64, j *journaled) error {
	known := j.stream != nil && !j.deleted
	codecs := map[int64]bool{}
	var head *store.Head
	below := int64(math.MaxInt64)
	for before := int64(math.MaxInt64); ; {
		page, err := r.queries().FoundBefore(ctx, stream, before, 500)
		if err != nil {
			return err
		}
		for i := range page {
			f := &page[i]
			before = f.Sequence
			if !known {
				if f.Pack != 0 {
					r.report.Orphans++
				}
				continue
			}
			e, err := pack.ParseEntry(f.Entry)
			if err != nil {
				return err
			}
			if head == nil {
				head = &e.Head
			}
			if f.Pack == 0 {
				below = min(below, f.Seq+1)
				continue
			}
			if f.Seq >= below {
				r.report.Superseded++
				continue
			}
			below = f.Seq
			if !codecs[e.Row.Codec.ID] {
				codecs[e.Row.Codec.ID] = true
				if err := r.step(ctx, func(tx *sqlindex.Tx) { tx.PutNewCodec(stream, &e.Row.Codec) }); err != nil {
					return err
				}
			}
			if err := r.step(ctx, func(tx *sqlindex.Tx) { r.writeRow(tx, e, f) }); err != nil {
				return err
			}
		}
		if len(page) == 0 {
			break
		}
	}
	if head == nil {
		return nil
	}
	head.Reserved = max(head.Reserved, j.reserved)
	return r.step(ctx, func(tx *sqlindex.Tx) { tx.PutHead(stream, head, 0) }) // the new journal has it
}

func (r *reindexer) writeRow(tx *sqlindex.Tx, e *pack.Entry, f *sqlindex.Found) {
	e.Row.Blob = store.Blob{Key: f.Pack, Offset: f.Offset, Sum: f.Sum}
	if !tx.InsertNew(&e.Row) {
		r.report.Superseded++ // its counter was used again after the row was collected
		return
	}
	r.report.Rows++
	if f.Damaged {
		r.report.Damaged++
	}
	p := r.packs[f.Pack]
	p.Live += weight(e.Row.Size)
	p.LiveRows++
}
