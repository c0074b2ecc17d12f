package shared

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

// Limits of a fragment.
const (
	maxSettled = 4 << 10
	maxData    = 1 << 30
)

// Names of numbers in the index.
const (
	metaStream = "stream" // the largest ID of a stream that was given out
	metaCodec  = "codec"  // that of a codec record
)

// Store is an archive that other processes use too. It implements store.Store.
type Store struct {
	o       Options
	index   *sqlindex.Index
	blobs   Blobs
	workers []*worker

	// life is held for reading by each call, so that Close waits for them.
	life sync.RWMutex
	dead bool

	// maintenance has a token that Collect and Sweep take in turn.
	maintenance chan struct{}
	dropped     map[int64]int64 // by stream: up to which Server time Collect has dropped the bytes

	closing sync.Once
	end     error
}

var _ interface {
	store.Store
	store.Remote
} = (*Store)(nil)

// New returns the archive over an index and a store of objects, which are the Store's then: it closes them. Whatever process opens the
// same two has the same archive.
func New(index *sqlindex.Index, blobs Blobs, o *Options) *Store {
	s := &Store{o: o.defaults(), index: index, blobs: blobs, maintenance: make(chan struct{}, 1), dropped: map[int64]int64{}}
	for range s.o.Workers {
		s.workers = append(s.workers, newWorker(s))
	}
	return s
}

// Remote implements store.Remote.
func (s *Store) Remote() bool { return true }

// using keeps Close waiting until the function that it returns is called.
func (s *Store) using(ctx context.Context) (func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.life.RLock()
	if s.dead {
		s.life.RUnlock()
		return nil, store.ErrClosed
	}
	return s.life.RUnlock, nil
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.life.Lock()
		s.dead = true
		s.life.Unlock()
		for _, w := range s.workers {
			w.end()
		}
		s.end = errors.Join(s.index.Close(), s.blobs.Close())
	})
	return s.end
}

// newID returns an ID that was never given out, in a transaction of its own: nobody else waits for the one that uses it.
func (s *Store) newID(name string) (id int64, err error) {
	err = s.insist(func() error {
		tx, err := s.index.Begin(background)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		id = tx.Add(name, 1)
		return tx.Commit()
	})
	return id, err
}

// CreateStream implements store.Store.
func (s *Store) CreateStream(ctx context.Context, st *store.Stream) error {
	end, err := s.using(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := st.Check(); err != nil {
		return err
	}
	made := *st
	if made.ID, err = s.newID(metaStream); err != nil {
		return err
	}
	err = s.do(ctx, made.ID, func(b *batch) error {
		switch have, err := b.tx.Stream(background, made.Account, made.Name); {
		case err == nil && have.ID == made.ID: // by an attempt before
			return nil
		case err == nil:
			return fmt.Errorf("create stream %q: %w", made.Name, store.ErrExists)
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		b.tx.PutStream(&made)
		b.tx.PutHead(made.ID, &store.Head{}, 0)
		return b.tx.Err()
	})
	if err == nil {
		st.ID = made.ID
	}
	return err
}

// Stream implements store.Store.
func (s *Store) Stream(ctx context.Context, account, name string) (store.Stream, error) {
	return asked(ctx, s, func() (store.Stream, error) { return s.index.Stream(ctx, account, name) })
}

// StreamByID implements store.Store.
func (s *Store) StreamByID(ctx context.Context, id int64) (store.Stream, error) {
	return asked(ctx, s, func() (store.Stream, error) { return s.index.StreamByID(ctx, id) })
}

// Streams implements store.Store.
func (s *Store) Streams(ctx context.Context, account, prefix, after string, limit int) ([]store.Stream, error) {
	return asked(ctx, s, func() ([]store.Stream, error) { return s.index.Streams(ctx, account, prefix, after, limit) })
}

// UpdateStream implements store.Store.
func (s *Store) UpdateStream(ctx context.Context, st *store.Stream, version string) error {
	end, err := s.using(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := st.Check(); err != nil {
		return err
	}
	changed := *st
	return s.do(ctx, changed.ID, func(b *batch) error {
		if _, err := b.head(changed.ID); err != nil {
			return err
		}
		have, err := b.tx.StreamByID(background, changed.ID)
		if err != nil {
			return err
		}
		if b.maybe && have.Version == changed.Version {
			return nil
		}
		if have.Version != version {
			return fmt.Errorf("update stream %q: %w", have.Name, store.ErrVersion)
		}
		b.tx.UpdateStream(&changed)
		return b.tx.Err()
	})
}

// DeleteStream implements store.Store.
func (s *Store) DeleteStream(ctx context.Context, id int64) error {
	end, err := s.using(ctx)
	if err != nil {
		return err
	}
	defer end()
	return s.do(ctx, id, func(b *batch) error {
		switch _, err := b.head(id); {
		case b.maybe && errors.Is(err, store.ErrNotFound):
			return nil
		case err != nil:
			return err
		}
		b.tx.DeleteStream(id)
		delete(b.heads, id)
		return b.tx.Err()
	})
}

// Reserve implements store.Store.
func (s *Store) Reserve(ctx context.Context, stream int64) (first int64, err error) {
	end, err := s.using(ctx)
	if err != nil {
		return 0, err
	}
	defer end()
	err = s.do(ctx, stream, func(b *batch) error {
		h, err := b.head(stream)
		if err != nil {
			return err
		}
		first = h.Reserve()
		h.changed = true
		return nil
	})
	if err != nil {
		first = 0
	}
	return first, err
}

// Codec implements store.Store.
func (s *Store) Codec(ctx context.Context, stream int64, c store.Codec) (stored store.Codec, err error) {
	end, err := s.using(ctx)
	if err != nil {
		return store.Codec{}, err
	}
	defer end()
	have := false
	err = s.askFor(ctx, s.o.Patience, func() error { // an upload waits for it
		stored, have, err = s.index.Codec(ctx, stream, c.Hash[:])
		return err
	})
	if err == nil && !have {
		stored, err = s.addCodec(ctx, stream, c)
	}
	if err != nil {
		return store.Codec{}, err
	}
	stored.Delay = slices.Clone(stored.Delay) // the index remembers the other
	return stored, nil
}

func (s *Store) addCodec(ctx context.Context, stream int64, c store.Codec) (stored store.Codec, err error) {
	id, err := s.newID(metaCodec)
	if err != nil {
		return stored, err
	}
	err = s.do(ctx, stream, func(b *batch) error {
		if _, err := b.head(stream); err != nil {
			return err
		}
		have, ok, err := b.tx.Codec(background, stream, c.Hash[:])
		if err != nil {
			return err
		}
		if stored = have; !ok {
			stored = store.Codec{ID: id, Hash: c.Hash, Delay: slices.Clone(c.Delay)}
			b.tx.PutCodec(stream, &stored)
		}
		b.after = append(b.after, func() { s.index.Remember(stream, stored) })
		return b.tx.Err()
	})
	return stored, err
}

// Head implements store.Store.
func (s *Store) Head(ctx context.Context, stream int64) (store.Head, error) {
	return asked(ctx, s, func() (store.Head, error) {
		h, ok, err := s.index.StoredHead(ctx, stream)
		if err == nil && !ok {
			err = store.ErrNotFound
		}
		return h, err
	})
}

func errTaken(r *store.Row) error {
	return fmt.Errorf("store: stream %d has a fragment %d already", r.Stream, r.Number.Counter)
}

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, r *store.Row, data []byte) error {
	end, err := s.using(ctx)
	if err != nil {
		return err
	}
	defer end()
	if len(r.Settled) > maxSettled || len(data) > maxData {
		return fmt.Errorf("shared: fragment %d of stream %d has %d bytes and %d of its state: too many", r.Number.Counter, r.Stream, len(data), len(r.Settled))
	}
	if r.Number.Counter <= 0 || r.Number.Millis < 0 || r.Number.Random >= 1<<28 {
		return fmt.Errorf("shared: a fragment's number is %+v", r.Number)
	}
	stored := *r
	stored.Size, stored.Blob = int64(len(data)), store.Blob{Key: 1 + rand.Int64N(1<<62), Sum: store.Checksum(data)}
	if err := s.fitCodec(ctx, &stored); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // from here on something is left behind
	name := nameOfRow(&stored)
	if err := s.blobs.Put(ctx, name, data, stored.Blob.Sum); err != nil {
		return fmt.Errorf("append fragment %d of stream %d: %w", r.Number.Counter, r.Stream, err)
	}
	if err := s.do(ctx, stored.Stream, func(b *batch) error { return b.append(&stored) }); err != nil {
		if !s.index.Retry(err) { // else it may be there after all: Sweep will see
			if err := s.blobs.Delete(ctx, []string{name}); err != nil {
				s.o.Warn(fmt.Errorf("remove the bytes of a fragment without a row: %w", err))
			}
		}
		return err
	}
	*r = stored
	return nil
}

// fitCodec puts the codec record into a row that has its ID, and refuses a row whose stream has none of that ID, or is gone.
func (s *Store) fitCodec(ctx context.Context, r *store.Row) error {
	return s.askFor(ctx, s.o.Patience, func() error {
		c, of, ok, err := s.index.CodecByID(ctx, r.Codec.ID)
		if err != nil {
			return err
		}
		if ok && of == r.Stream {
			r.Codec.Hash, r.Codec.Delay = c.Hash, slices.Clone(c.Delay)
			return nil
		}
		_, living, err := s.index.StoredHead(ctx, r.Stream)
		if err == nil && !living {
			err = store.ErrNotFound
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("shared: stream %d has no codec record %d", r.Stream, r.Codec.ID)
	})
}

// Rows implements store.Store.
func (s *Store) Rows(ctx context.Context, dst []store.Row, q *store.Query) ([]store.Row, error) {
	rows, err := asked(ctx, s, func() ([]store.Row, error) { return s.index.Rows(ctx, dst, q) })
	if err != nil {
		return dst, err
	}
	return rows, nil
}

// Read implements store.Store.
func (s *Store) Read(ctx context.Context, dst []byte, r *store.Row) ([]byte, error) {
	end, err := s.using(ctx)
	if err != nil {
		return dst, err
	}
	defer end()
	at := len(dst)
	err = store.ErrGone
	if r.Blob.Key != 0 {
		dst, err = s.blobs.Get(ctx, dst, nameOfRow(r), r.Size)
	}
	if err == nil && (int64(len(dst)-at) != r.Size || store.Checksum(dst[at:]) != r.Blob.Sum) {
		err = store.ErrDamaged
	}
	if err != nil {
		return dst[:at], fmt.Errorf("fragment %d of stream %d: %w", r.Number.Counter, r.Stream, err)
	}
	return dst, nil
}
