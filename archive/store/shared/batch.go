package shared

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

// batchCalls is how many calls a transaction has at most.
const batchCalls = 256

// background is the context of what is not given up once it has begun.
var background = context.Background()

// op is a call that waits for a worker.
type op struct {
	stream int64
	run    func(*batch) error // an error that is the call's alone leaves everything as it was
	err    error
	done   chan struct{}
	taken  bool
	// maybe says that an earlier attempt may have done it.
	maybe bool
}

// batch is a transaction and what it knows of the streams that it has locked.
type batch struct {
	s     *Store
	tx    *sqlindex.Tx
	heads map[int64]*headState
	// maybe says that an earlier attempt may have done what the present call is to do.
	maybe bool
	after []func() // to be called once it is committed
}

// headState is what an Append depends on.
type headState struct {
	store.Head
	asked    bool
	producer int64 // no row has a larger producer time
	rows     bool  // there are rows
	changed  bool
}

// worker runs transactions one after the other.
type worker struct {
	s *Store

	mu     sync.Mutex
	queue  []*op
	closed bool
	wake   chan struct{} // has something in it when queue or closed have changed
	done   chan struct{} // closed when it has ended
}

func newWorker(s *Store) *worker {
	w := &worker{s: s, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go w.run()
	return w
}

// do has a stream's worker run something as part of a transaction, and returns when that is durable. The error is that of ctx if it ends
// before the transaction begins.
func (s *Store) do(ctx context.Context, stream int64, run func(*batch) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := s.workers[uint64(stream)%uint64(len(s.workers))]
	o := &op{stream: stream, run: run, done: make(chan struct{})}
	w.mu.Lock()
	w.queue = append(w.queue, o)
	w.signal()
	w.mu.Unlock()
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
	}
	w.mu.Lock()
	if !o.taken {
		w.queue = slices.DeleteFunc(w.queue, func(q *op) bool { return q == o })
		w.mu.Unlock()
		return ctx.Err()
	}
	w.mu.Unlock()
	<-o.done
	return o.err
}

// signal wakes the worker.
func (w *worker) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// end has the worker end when nothing waits for it any more.
func (w *worker) end() {
	w.mu.Lock()
	w.closed = true
	w.signal()
	w.mu.Unlock()
	<-w.done
}

func (w *worker) run() {
	defer close(w.done)
	for range w.wake {
		for {
			w.mu.Lock()
			n := min(len(w.queue), batchCalls)
			ops := slices.Clone(w.queue[:n])
			w.queue = slices.Delete(w.queue, 0, n)
			for _, o := range ops {
				o.taken = true
			}
			closed := w.closed
			w.mu.Unlock()
			if n == 0 {
				if closed {
					return
				}
				break
			}
			w.commit(ops)
		}
	}
}

// commit does what some calls ask for and wakes them. Streams are locked in the order of their IDs, so that servers do not wait for each other
// in a circle.
func (w *worker) commit(ops []*op) {
	slices.SortStableFunc(ops, func(a, b *op) int { return int(min(max(a.stream-b.stream, -1), 1)) })
	err := w.s.insist(func() error { return w.s.attempt(ops) })
	if err != nil && len(ops) > 1 && !w.s.index.Retry(err) {
		// One of them cannot be done: the others need not go down with it.
		for _, o := range ops {
			w.commit([]*op{o})
		}
		return
	}
	for _, o := range ops {
		if o.err == nil {
			o.err = err
		}
		close(o.done)
	}
}

// firstPause is how long it is waited before something is tried again for the first time. Each further time takes twice as long, up to
// maxPause.
const (
	firstPause = 5 * time.Millisecond
	maxPause   = time.Second
)

// insist tries something that changes the index until it is done, has an error of its own, or Patience is over.
func (s *Store) insist(try func() error) error {
	began, pause := time.Now(), firstPause
	for {
		err := try()
		if err == nil || !s.index.Retry(err) || time.Since(began)+pause > s.o.Patience {
			return err
		}
		time.Sleep(pause)
		pause = min(2*pause, maxPause)
	}
}

// ask asks the index something, again if it is away, until ctx ends or a third of Patience is over.
func (s *Store) ask(ctx context.Context, question func() error) error {
	return s.askFor(ctx, s.o.Patience/3, question)
}

// asked returns what the index answers to a question, as ask has it, for a caller who has not said that the store is in use.
func asked[T any](ctx context.Context, s *Store, question func() (T, error)) (answer T, err error) {
	end, err := s.using(ctx)
	if err != nil {
		return answer, err
	}
	defer end()
	err = s.ask(ctx, func() error {
		answer, err = question()
		return err
	})
	return answer, err
}

// askFor is ask with a patience of its own. It asks twice at the least: the first time may have been spent on a connection that was dead, and
// after it there may be a new one.
func (s *Store) askFor(ctx context.Context, patience time.Duration, question func() error) error {
	began, pause := time.Now(), firstPause
	for n := 1; ; n++ {
		err := question()
		if err == nil || ctx.Err() != nil || !s.index.Retry(err) || n > 1 && time.Since(began)+pause > patience {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
		pause = min(2*pause, maxPause)
	}
}

// attempt runs calls in one transaction.
func (s *Store) attempt(ops []*op) error {
	tx, err := s.index.Begin(background)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	b := &batch{s: s, tx: tx, heads: map[int64]*headState{}}
	for _, o := range ops {
		b.maybe = o.maybe
		o.err = o.run(b)
		if tx.Err() != nil {
			return tx.Err()
		}
	}
	for id, h := range b.heads {
		if h.changed {
			tx.PutHead(id, &h.Head, 0)
		}
	}
	if tx.Err() != nil {
		return tx.Err()
	}
	if err := tx.Commit(); err != nil {
		for _, o := range ops {
			o.maybe = o.maybe || o.err == nil
		}
		return err
	}
	for _, f := range b.after {
		f()
	}
	return nil
}

// head locks a stream and returns its head. ErrNotFound means that there is no such stream.
func (b *batch) head(stream int64) (*headState, error) {
	if h := b.heads[stream]; h != nil {
		return h, nil
	}
	head, ok, err := b.tx.LockHead(stream)
	if err == nil && !ok {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	h := &headState{Head: head}
	b.heads[stream] = h
	return h, nil
}

// append settles a row and inserts it.
func (b *batch) append(r *store.Row) error {
	h, err := b.head(r.Stream)
	if err != nil {
		return err
	}
	if r.Number.Counter <= h.Largest {
		blob, taken, err := b.tx.Blob(background, r.Stream, r.Number.Counter)
		if err != nil {
			return err
		}
		if taken && blob.Key == r.Blob.Key { // by the attempt before, whose end nobody has seen
			return b.found(r)
		}
		if taken {
			return errTaken(r)
		}
	}
	if !h.asked {
		if h.producer, h.rows, err = b.tx.NewestProducer(background, r.Stream); err != nil {
			return err
		}
		h.asked = true
	}
	twin := false
	if h.rows && r.Producer <= h.producer {
		if twin, err = b.tx.HasProducer(background, r.Stream, r.Producer); err != nil {
			return err
		}
	}
	h.Admit(r, twin)
	h.changed = true
	if !h.rows || r.Producer > h.producer {
		h.producer, h.rows = r.Producer, true
	}
	b.tx.Insert(r)
	return b.tx.Err()
}

// found gives a row what was settled of it.
func (b *batch) found(r *store.Row) error {
	rows, err := b.tx.Rows(background, nil, &store.Query{Stream: r.Stream, From: r.Number.Counter, To: r.Number.Counter, Limit: 1})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return errors.New("shared: a row is gone while its stream is locked")
	}
	*r = rows[0]
	return nil
}
