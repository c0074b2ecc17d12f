package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/pack"
	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

// A batch is as large as this at most, beside its last call.
const (
	batchBytes = 32 << 20
	batchCalls = 1024
)

// background is the context of what is not given up once it has begun.
var background = context.Background()

// Names of numbers in the index.
const (
	metaStream   = "stream"   // the largest ID of a stream that was given out
	metaCodec    = "codec"    // that of a codec record
	metaEpoch    = "epoch"    // how many times the archive was opened
	metaClean    = "clean"    // 1 after Close
	metaJournal  = "journal"  // the size of the journal with all that is committed
	metaRenewed  = "renewed"  // its size when it was made
	metaMarkHigh = "markhigh" // which journal that is
	metaMarkLow  = "marklow"
)

// committer is the state of the goroutine that writes. Nobody else touches it.
type committer struct {
	sequence int64 // the last one that was used
	epoch    int64
	newest   struct{ stream, codec int64 }
	streams  map[int64]*streamState
	journal  *pack.Writer
	renewed  int64     // its size when it was made
	marked   pack.Mark // the journal that the index knows of

	packs   map[int64]*sqlindex.Pack
	current [len(classes)]*packWriter
	unsaved map[int64]bool // packs whose state the index does not have
	files   int64          // packs made since the archive was opened

	last int           // calls of the last batch
	took time.Duration // the last batch
}

// streamState is what an Append depends on.
type streamState struct {
	stream   store.Stream
	head     store.Head
	pack     int64 // that has the newest row
	producer int64 // no row has a larger producer time
	rows     bool  // there are rows, or were
}

// batch is what is stored together.
type batch struct {
	s        *Store
	tx       *sqlindex.Tx
	first    int64 // a sequence number below those of the batch
	err      error // that ends the batch
	rows     []*store.Row
	heads    map[*streamState]bool
	packs    map[int64]*sqlindex.Pack // as they will be
	writers  []*packWriter            // that have something to be written
	retired  []*packWriter            // to be closed afterwards
	noted    bool                     // the journal has something to be written
	journal  int64                    // its size before
	room     int64                    // that fragments may take, once asked
	asked    bool
	finished []func()
}

// after has something done once the batch is stored.
func (b *batch) after(f func()) { b.finished = append(b.finished, f) }

func (s *Store) next() int64 {
	s.sequence++
	return s.sequence
}

// run is the committer.
func (s *Store) run() {
	defer close(s.done)
	for {
		ops, more := s.gather()
		if len(ops) > 0 {
			began := time.Now()
			s.commit(ops)
			s.last, s.took = len(ops), time.Since(began)
		} else if !more {
			return
		}
	}
}

// gather waits for calls and returns those of a batch. It says whether there may be more when there are none.
//
// Those whose calls have just returned are likely to call again at once. Where the last batch had several, some are waited for, so that the
// first to come does not have a batch for itself while the others wait for the next: for an eighth of the time that the last batch took.
func (s *Store) gather() (ops []*op, more bool) {
	var patience <-chan time.Time
	late := false
	for {
		s.mu.Lock()
		n := len(s.queue)
		if s.closed || n > 0 && (late || n >= s.last) {
			ops, more = s.takeQueue(), !s.closed
			s.mu.Unlock()
			return ops, more
		}
		s.mu.Unlock()
		if n > 0 && patience == nil {
			timer := time.NewTimer(min(s.took/8, maxPatience))
			defer timer.Stop()
			patience = timer.C
		}
		select {
		case <-s.wake:
		case <-patience:
			late = true
		}
	}
}

// maxPatience is how long a batch waits for more calls at most.
const maxPatience = 2 * time.Millisecond

// takeQueue takes as many calls as make a batch. mu is held.
func (s *Store) takeQueue() []*op {
	n, bytes := 0, int64(0)
	for n < len(s.queue) && n < batchCalls && bytes < batchBytes {
		s.queue[n].taken = true
		bytes += s.queue[n].bytes
		n++
	}
	ops := slices.Clone(s.queue[:n])
	s.queue = slices.Delete(s.queue, 0, n)
	return ops
}

// commit stores what some calls ask for and wakes them.
func (s *Store) commit(ops []*op) {
	b, err := s.begin()
	if err == nil {
		for _, o := range ops {
			o.err = o.run(b)
			if b.failed() != nil {
				break
			}
		}
		err = b.finish()
	}
	if err != nil {
		s.reset()
	}
	for _, o := range ops {
		if o.err == nil {
			o.err = err
		}
		o.err = fullError(o.err)
		close(o.done)
	}
}

func (s *Store) begin() (*batch, error) {
	tx, err := s.index.Begin(background)
	if err != nil {
		return nil, err
	}
	return &batch{s: s, tx: tx, first: s.next(), heads: map[*streamState]bool{}, packs: map[int64]*sqlindex.Pack{}, journal: s.journal.Size()}, nil
}

// reset forgets what is not as the index has it.
func (s *Store) reset() {
	clear(s.streams)
	s.known.clear()
}

// fail ends the batch.
func (b *batch) fail(err error) error {
	if b.err == nil {
		b.err = err
	}
	return err
}

func (b *batch) failed() error {
	if b.err == nil {
		b.err = b.tx.Err()
	}
	return b.err
}

// stream returns the state of a stream. ErrNotFound means that there is none.
func (b *batch) stream(id int64) (*streamState, error) {
	if st := b.s.streams[id]; st != nil {
		return st, nil
	}
	st := new(streamState)
	var err error
	if st.stream, err = b.tx.StreamByID(background, id); err != nil {
		return nil, err
	}
	if st.head, st.pack, err = b.tx.Head(background, id); err != nil {
		return nil, err
	}
	if st.producer, st.rows, err = b.tx.NewestProducer(background, id); err != nil {
		return nil, err
	}
	if len(b.s.streams) >= maxStreams && len(b.heads) == 0 {
		clear(b.s.streams)
	}
	b.s.streams[id] = st
	return st, nil
}

// maxStreams is how many streams' states are remembered.
const maxStreams = 1 << 16

// changed has a stream's head stored.
func (b *batch) changed(st *streamState) { b.heads[st] = true }

// note adds an entry to the journal. It comes before what it notes is changed in the index.
func (b *batch) note(e *pack.Entry) error {
	if b.s.journal.Err() != nil {
		if err := b.s.renewJournal(b.tx.Queries, b.first); err != nil {
			return b.fail(err)
		}
		b.journal = b.s.journal.Size()
	}
	e.Sequence = b.s.next()
	if _, err := b.s.journal.Add(e, nil, 0); err != nil {
		return err
	}
	b.noted = true
	return nil
}

// append settles a row and has it stored with its bytes.
func (b *batch) append(r *store.Row, data []byte) error {
	st, err := b.stream(r.Stream)
	if err != nil {
		return err
	}
	c, of, ok, err := b.s.index.CodecByID(background, r.Codec.ID)
	if err != nil {
		return b.fail(err)
	}
	if !ok || of != r.Stream {
		return fmt.Errorf("local: stream %d has no codec record %d", r.Stream, r.Codec.ID)
	}
	r.Codec.Hash, r.Codec.Delay = c.Hash, slices.Clone(c.Delay)
	if r.Number.Counter <= st.head.Largest {
		taken, err := b.tx.HasCounter(background, r.Stream, r.Number.Counter)
		if err != nil {
			return err
		}
		if taken || b.has(func(other *store.Row) bool {
			return other.Stream == r.Stream && other.Number.Counter == r.Number.Counter
		}) {
			return fmt.Errorf("store: stream %d has a fragment %d already", r.Stream, r.Number.Counter)
		}
	}
	twin := false
	if st.rows && r.Producer <= st.producer {
		if twin, err = b.tx.HasProducer(background, r.Stream, r.Producer); err != nil {
			return err
		}
		twin = twin || b.has(func(other *store.Row) bool { return other.Stream == r.Stream && other.Producer == r.Producer })
	}
	if err := b.take(int64(len(data)), b.s.o.Headroom); err != nil {
		return err
	}
	head := st.head
	head.Admit(r, twin)
	w, err := b.writer(classOf(st.stream.Retention))
	if err != nil {
		return b.fail(err)
	}
	e := &pack.Entry{Kind: pack.Fragment, Sequence: b.s.next(), Batch: b.first, Stream: st.stream, Row: *r, Head: head}
	if r.Blob.Offset, err = w.Add(e, data, r.Blob.Sum); err != nil {
		return err
	}
	r.Blob.Key = w.ID
	if !st.rows || r.Producer > st.producer {
		st.producer, st.rows = r.Producer, true
	}
	st.head, st.pack = head, w.ID
	b.changed(st)
	b.rows = append(b.rows, r)
	p := b.pack(w.ID)
	p.Total += weight(r.Size)
	p.Live += weight(r.Size)
	p.LiveRows++
	return nil
}

// has says whether a row of the batch is as asked for.
func (b *batch) has(is func(*store.Row) bool) bool {
	return slices.ContainsFunc(b.rows, is)
}

// take takes room for a fragment, so that the file system has reserve bytes left. ErrFull means that there is none.
func (b *batch) take(size, reserve int64) error {
	if !b.asked {
		b.asked = true
		room, err := b.s.dir.files.Free()
		if err != nil {
			return b.fail(err)
		}
		b.room = room
	}
	size = weight(size)
	if reserve = max(reserve, 0); b.room-size < reserve {
		return fmt.Errorf("%d bytes are free, %d are to stay so: %w", b.room, reserve, store.ErrFull)
	}
	b.room -= size
	return nil
}

// finish stores the batch.
func (b *batch) finish() error {
	err := b.failed()
	if err == nil {
		err = b.store()
	}
	if err != nil {
		b.tx.Rollback()
		b.undo()
	}
	for _, w := range b.retired {
		if err := w.Close(); err != nil {
			b.s.o.Warn(fmt.Errorf("close pack %d: %w", w.ID, err))
		}
	}
	if err != nil {
		return err
	}
	maps.Copy(b.s.packs, b.packs)
	clear(b.s.unsaved)
	b.s.marked = b.s.journal.Mark
	for _, f := range b.finished {
		f()
	}
	return nil
}

// fullError makes ErrFull of the system's word for it.
func fullError(err error) error {
	if errors.Is(err, syscall.ENOSPC) && !errors.Is(err, store.ErrFull) {
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	return err
}

// store writes and syncs files while the rows are inserted; when both are done the transaction is committed.
func (b *batch) store() error {
	for _, w := range b.writers {
		b.pack(w.ID).Size = w.Size()
	}
	journal := b.s.journal.Size()
	var group sync.WaitGroup
	failures := make([]error, len(b.writers)+1)
	for i, w := range b.writers {
		group.Go(func() { failures[i] = w.Flush() })
	}
	if b.noted {
		group.Go(func() { failures[len(b.writers)] = b.s.journal.Flush() })
	}
	b.insert(journal)
	group.Wait()
	for i, w := range b.writers {
		if err := w.Err(); failures[i] != nil && err != nil {
			b.s.o.Warn(fmt.Errorf("pack %d: %w", w.ID, err))
		}
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return b.tx.Commit()
}

// insert does the batch's part in the index, with the size that the journal will have.
func (b *batch) insert(journal int64) {
	for _, r := range b.rows {
		b.tx.Insert(r)
	}
	for st := range b.heads {
		if b.s.streams[st.stream.ID] == st { // it was not deleted since
			b.tx.PutHead(st.stream.ID, &st.head, st.pack)
		}
	}
	for id := range b.s.unsaved {
		b.pack(id)
	}
	for _, p := range b.packs {
		b.tx.PutPack(p)
	}
	if b.noted || b.s.marked != b.s.journal.Mark {
		saveJournal(b.tx, b.s.journal.Mark, journal, b.s.renewed)
	}
}

// undo brings the files to where the index is.
func (b *batch) undo() {
	for _, w := range b.writers {
		w.Discard()
	}
	b.s.journal.Discard()
	if b.s.journal.Err() == nil && b.s.journal.Size() > b.journal {
		if err := b.s.journal.Cut(b.journal); err != nil {
			b.s.o.Warn(fmt.Errorf("journal: %w", err))
		}
	}
}

// classes are the classes of retention, with the time for which a pack of each is written to.
var classes = [...]struct{ upTo, slot time.Duration }{
	{24 * time.Hour, 3 * time.Hour},
	{7 * 24 * time.Hour, 21 * time.Hour},
	{31 * 24 * time.Hour, 93 * time.Hour},
	{1<<63 - 1, 30 * 24 * time.Hour},
}

func classOf(retention time.Duration) int {
	class := 0
	for retention > classes[class].upTo {
		class++
	}
	return class
}

// weight is what a fragment of a size takes in a pack, more or less.
func weight(size int64) int64 { return size + 512 }

// packWriter is a pack that is written to.
type packWriter struct {
	*pack.Writer
	slot   int64
	queued *batch // that it has something to be written for
}

// writer returns the pack for a class, with room in it.
func (b *batch) writer(class int) (*packWriter, error) {
	slot := b.s.slot(class)
	w := b.s.current[class]
	if w != nil && (w.Err() != nil || w.slot != slot || w.Size() >= b.s.o.PackSize) {
		b.retire(class)
		w = nil
	}
	if w == nil {
		id := b.s.epoch<<epochPacks + b.s.files + 1
		made, err := pack.Create(b.s.dir.files, packName(id), pack.Info{Kind: pack.Pack, ID: id, Made: b.s.o.Now().UnixNano(), Class: class})
		if err == nil || errors.Is(err, fs.ErrExist) {
			b.s.files++
		}
		if err != nil {
			return nil, fmt.Errorf("make pack %d: %w", id, err)
		}
		w = &packWriter{Writer: made, slot: slot}
		b.s.current[class] = w
		b.s.packs[id] = &sqlindex.Pack{ID: id, Class: int64(class), Slot: slot}
	}
	if w.queued != b {
		w.queued = b
		b.writers = append(b.writers, w)
	}
	return w, nil
}

// slot returns the number of the present slot of a class.
func (s *Store) slot(class int) int64 {
	return s.o.Now().UnixNano() / int64(classes[class].slot)
}

// retire ends writing to the pack of a class. What waits for it in the batch is still written.
func (b *batch) retire(class int) {
	w := b.s.current[class]
	b.s.current[class] = nil
	b.s.packs[w.ID].Sealed = true
	b.s.unsaved[w.ID] = true
	if p := b.packs[w.ID]; p != nil {
		p.Sealed = true
	}
	b.retired = append(b.retired, w)
}

// pack returns what is known of a pack, to be changed.
func (b *batch) pack(id int64) *sqlindex.Pack {
	p := b.packs[id]
	if p == nil {
		p = new(*b.s.packs[id])
		b.packs[id] = p
	}
	return p
}
