package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/pack"
	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

// Store is an archive in a directory. It implements store.Store.
type Store struct {
	o     Options
	dir   *directory
	index *sqlindex.Index
	cache *pack.Cache
	known known
	committer

	// life is held for reading by what reads, so that Close does not take the files away.
	life sync.RWMutex
	dead bool

	// mu guards what the callers and the committer share.
	mu     sync.Mutex
	queue  []*op
	closed bool
	wake   chan struct{} // has something in it when queue or closed have changed
	done   chan struct{} // closed when the committer has ended

	// doomed has the streams whose rows are still in the index though they were deleted.
	doomedMu sync.RWMutex
	doomed   map[int64]bool

	// maintenance has a token that Collect and Backup take in turn.
	maintenance chan struct{}
	dropped     map[int64]int64 // by stream: up to which Server time Collect has dropped the bytes

	closing sync.Once
	end     error
}

var _ store.Store = (*Store)(nil)

// op is a call that waits for the committer.
type op struct {
	run   func(*batch) error // in the committer; an error that is the call's alone leaves everything as it was
	bytes int64              // that it will write
	err   error
	done  chan struct{}
	taken bool
}

// do has the committer run something as part of a batch, and returns when that is durable. The error is that of ctx if it ends before
// the batch begins.
func (s *Store) do(ctx context.Context, bytes int64, run func(*batch) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o := &op{run: run, bytes: bytes, done: make(chan struct{})}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return store.ErrClosed
	}
	s.queue = append(s.queue, o)
	s.signal()
	s.mu.Unlock()
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
	}
	s.mu.Lock()
	if !o.taken {
		s.queue = slices.DeleteFunc(s.queue, func(q *op) bool { return q == o })
		s.mu.Unlock()
		return ctx.Err()
	}
	s.mu.Unlock()
	<-o.done
	return o.err
}

// signal wakes the committer.
func (s *Store) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// reading keeps Close away until the function that it returns is called.
func (s *Store) reading() (func(), error) {
	s.life.RLock()
	if s.dead {
		s.life.RUnlock()
		return nil, store.ErrClosed
	}
	return s.life.RUnlock, nil
}

// CreateStream implements store.Store.
func (s *Store) CreateStream(ctx context.Context, st *store.Stream) error {
	if err := st.Check(); err != nil {
		return err
	}
	made := *st
	err := s.do(ctx, 0, func(b *batch) error {
		switch _, err := b.tx.Stream(background, made.Account, made.Name); {
		case err == nil:
			return fmt.Errorf("create stream %q: %w", made.Name, store.ErrExists)
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		made.ID = b.s.newest.stream + 1
		if err := b.note(&pack.Entry{Kind: pack.StreamPut, Stream: made}); err != nil {
			return err
		}
		b.s.newest.stream = made.ID
		b.tx.SetMeta(metaStream, made.ID)
		b.tx.PutStream(&made)
		return nil
	})
	if err == nil {
		st.ID = made.ID
	}
	return err
}

// Stream implements store.Store.
func (s *Store) Stream(ctx context.Context, account, name string) (store.Stream, error) {
	end, err := s.reading()
	if err != nil {
		return store.Stream{}, err
	}
	defer end()
	return s.index.Stream(ctx, account, name)
}

// StreamByID implements store.Store.
func (s *Store) StreamByID(ctx context.Context, id int64) (store.Stream, error) {
	end, err := s.reading()
	if err != nil {
		return store.Stream{}, err
	}
	defer end()
	return s.streamByID(ctx, id)
}

// Streams implements store.Store.
func (s *Store) Streams(ctx context.Context, account, prefix, after string, limit int) ([]store.Stream, error) {
	end, err := s.reading()
	if err != nil {
		return nil, err
	}
	defer end()
	return s.index.Streams(ctx, account, prefix, after, limit)
}

// UpdateStream implements store.Store.
func (s *Store) UpdateStream(ctx context.Context, st *store.Stream, version string) error {
	if err := st.Check(); err != nil {
		return err
	}
	changed := *st
	return s.do(ctx, 0, func(b *batch) error {
		have, err := b.tx.StreamByID(background, changed.ID)
		if err != nil {
			return err
		}
		if have.Version != version {
			return fmt.Errorf("update stream %q: %w", have.Name, store.ErrVersion)
		}
		changed.Account, changed.Name, changed.Created = have.Account, have.Name, have.Created
		if err := b.note(&pack.Entry{Kind: pack.StreamPut, Stream: changed}); err != nil {
			return err
		}
		b.tx.UpdateStream(&changed)
		b.after(func() { s.known.forget(changed.ID) })
		if st := b.s.streams[changed.ID]; st != nil {
			st.stream.Retention = changed.Retention
		}
		return nil
	})
}

// DeleteStream implements store.Store.
func (s *Store) DeleteStream(ctx context.Context, id int64) error {
	return s.do(ctx, 0, func(b *batch) error {
		if _, err := b.tx.StreamByID(background, id); err != nil {
			return err
		}
		if err := b.note(&pack.Entry{Kind: pack.StreamDelete, Stream: store.Stream{ID: id}}); err != nil {
			return err
		}
		b.tx.DeleteStream(id)
		delete(b.s.streams, id)
		b.after(func() {
			s.known.forget(id)
			s.doomedMu.Lock()
			defer s.doomedMu.Unlock()
			s.doomed[id] = true
		})
		return nil
	})
}

// isDoomed says whether a stream was deleted, though it may have rows.
func (s *Store) isDoomed(stream int64) bool {
	s.doomedMu.RLock()
	defer s.doomedMu.RUnlock()
	return s.doomed[stream]
}

// Reserve implements store.Store.
func (s *Store) Reserve(ctx context.Context, stream int64) (first int64, err error) {
	err = s.do(ctx, 0, func(b *batch) error {
		st, err := b.stream(stream)
		if err != nil {
			return err
		}
		head := st.head
		first = head.Reserve()
		if err := b.note(&pack.Entry{Kind: pack.HeadPut, Stream: store.Stream{ID: stream}, Head: head}); err != nil {
			return err
		}
		st.head = head
		b.changed(st)
		return nil
	})
	if err != nil {
		first = 0
	}
	return first, err
}

// Codec implements store.Store.
func (s *Store) Codec(ctx context.Context, stream int64, c store.Codec) (store.Codec, error) {
	var stored store.Codec
	err := s.do(ctx, 0, func(b *batch) error {
		if _, err := b.stream(stream); err != nil {
			return err
		}
		have, ok, err := b.tx.Codec(background, stream, c.Hash[:])
		if err != nil {
			return err
		}
		if ok {
			stored = have
			return nil
		}
		stored = store.Codec{ID: b.s.newest.codec + 1, Hash: c.Hash, Delay: slices.Clone(c.Delay)}
		if err := b.note(&pack.Entry{Kind: pack.CodecPut, Stream: store.Stream{ID: stream}, Codec: stored}); err != nil {
			return err
		}
		b.s.newest.codec = stored.ID
		b.tx.SetMeta(metaCodec, stored.ID)
		b.tx.PutCodec(stream, &stored)
		b.after(func() { s.index.Remember(stream, stored) })
		return nil
	})
	if err != nil {
		return store.Codec{}, err
	}
	stored.Delay = slices.Clone(stored.Delay) // the index remembers the other
	return stored, nil
}

// Head implements store.Store.
func (s *Store) Head(ctx context.Context, stream int64) (store.Head, error) {
	end, err := s.reading()
	if err != nil {
		return store.Head{}, err
	}
	defer end()
	if _, err := s.streamByID(ctx, stream); err != nil {
		return store.Head{}, err
	}
	h, _, err := s.index.Head(ctx, stream)
	return h, err
}

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, r *store.Row, data []byte) error {
	if len(r.Settled) > pack.MaxSettled || len(data) > pack.MaxData {
		return fmt.Errorf("append fragment %d of stream %d: %w", r.Number.Counter, r.Stream, pack.ErrLimit)
	}
	if r.Number.Counter <= 0 || r.Number.Millis < 0 || r.Number.Random >= 1<<28 {
		return fmt.Errorf("local: a fragment's number is %+v", r.Number)
	}
	stored := *r
	stored.Size, stored.Blob = int64(len(data)), store.Blob{Sum: store.Checksum(data)}
	err := s.do(ctx, stored.Size, func(b *batch) error { return b.append(&stored, data) })
	if err == nil {
		*r = stored
	}
	return err
}

// Rows implements store.Store.
func (s *Store) Rows(ctx context.Context, dst []store.Row, q *store.Query) ([]store.Row, error) {
	end, err := s.reading()
	if err != nil {
		return dst, err
	}
	defer end()
	if s.isDoomed(q.Stream) {
		return dst, nil
	}
	return s.index.Rows(ctx, dst, q)
}

// Read implements store.Store.
func (s *Store) Read(ctx context.Context, dst []byte, r *store.Row) ([]byte, error) {
	end, err := s.reading()
	if err != nil {
		return dst, err
	}
	defer end()
	if err := ctx.Err(); err != nil {
		return dst, err
	}
	// The caller's row may be from before the bytes were moved; while this goes on they may be moved again.
	blob := r.Blob
	for range 4 {
		got, err := s.cache.Read(dst, blob.Key, blob.Offset, r.Size, blob.Sum)
		if !errors.Is(err, store.ErrGone) {
			return got, err
		}
		now, ok, err := s.index.Blob(ctx, r.Stream, r.Number.Counter)
		if err != nil {
			return dst, err
		}
		if !ok || now.Key == 0 || now.Key == blob.Key || s.isDoomed(r.Stream) {
			break
		}
		blob = now
	}
	return dst, fmt.Errorf("fragment %d of stream %d: %w", r.Number.Counter, r.Stream, store.ErrGone)
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.closing.Do(func() { s.end = s.close() })
	return s.end
}

func (s *Store) close() error {
	s.mu.Lock()
	s.closed = true
	s.signal()
	s.mu.Unlock()
	<-s.done
	s.maintenance <- struct{}{} // wait for what fails now
	s.life.Lock()
	s.dead = true
	s.life.Unlock()
	s.cache.Close()
	return errors.Join(s.closePacks(), s.index.Close(), s.dir.close())
}
