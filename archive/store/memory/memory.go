package memory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// Store is a store.Store in memory.
type Store struct {
	mu      sync.RWMutex
	closed  bool
	last    int64 // of the IDs and keys given out
	names   map[name]*stream
	streams map[int64]*stream
	blobs   map[int64][]byte
}

type name struct{ account, name string }

type stream struct {
	store.Stream
	head   store.Head
	codecs map[[sha256.Size]byte]store.Codec
	orders [store.ByTime + 1]order
}

var _ store.Store = (*Store)(nil)

// New returns an empty Store.
func New() *Store {
	return &Store{names: map[name]*stream{}, streams: map[int64]*stream{}, blobs: map[int64][]byte{}}
}

// Close ends the use of s and lets go of what it keeps.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.names, s.streams, s.blobs = nil, nil, nil
	return nil
}

// usable returns why a call cannot be served. The caller holds the lock.
func (s *Store) usable(ctx context.Context) error {
	if s.closed {
		return store.ErrClosed
	}
	return ctx.Err()
}

// stream returns the stream of an ID. The caller holds the lock.
func (s *Store) stream(ctx context.Context, id int64) (*stream, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	st := s.streams[id]
	if st == nil {
		return nil, store.ErrNotFound
	}
	return st, nil
}

// CreateStream implements store.Store.
func (s *Store) CreateStream(ctx context.Context, in *store.Stream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	n := name{in.Account, in.Name}
	if s.names[n] != nil {
		return store.ErrExists
	}
	s.last++
	in.ID = s.last
	st := &stream{Stream: cloneStream(*in), codecs: map[[sha256.Size]byte]store.Codec{}}
	for k := range st.orders {
		st.orders[k].by = store.Key(k)
	}
	s.names[n], s.streams[in.ID] = st, st
	return nil
}

// Stream implements store.Store.
func (s *Store) Stream(ctx context.Context, account, streamName string) (store.Stream, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return store.Stream{}, err
	}
	st := s.names[name{account, streamName}]
	if st == nil {
		return store.Stream{}, store.ErrNotFound
	}
	return cloneStream(st.Stream), nil
}

// StreamByID implements store.Store.
func (s *Store) StreamByID(ctx context.Context, id int64) (store.Stream, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return store.Stream{}, err
	}
	st := s.streams[id]
	if st == nil {
		return store.Stream{}, store.ErrNotFound
	}
	return cloneStream(st.Stream), nil
}

// Streams implements store.Store.
func (s *Store) Streams(ctx context.Context, account, prefix, after string, limit int) ([]store.Stream, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	var found []store.Stream
	for n, st := range s.names {
		if n.account == account && n.name > after && strings.HasPrefix(n.name, prefix) {
			found = append(found, cloneStream(st.Stream))
		}
	}
	slices.SortFunc(found, func(a, b store.Stream) int { return strings.Compare(a.Name, b.Name) })
	return found[:min(len(found), max(limit, 0))], nil
}

// UpdateStream implements store.Store.
func (s *Store) UpdateStream(ctx context.Context, in *store.Stream, version string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stream(ctx, in.ID)
	if err != nil {
		return err
	}
	if st.Version != version {
		return store.ErrVersion
	}
	before := st.Stream
	st.Stream = cloneStream(*in)
	st.Account, st.Name, st.Created = before.Account, before.Name, before.Created
	return nil
}

// DeleteStream implements store.Store.
func (s *Store) DeleteStream(ctx context.Context, id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stream(ctx, id)
	if err != nil {
		return err
	}
	for _, r := range st.orders[store.BySeq].rows {
		delete(s.blobs, r.Blob.Key)
	}
	delete(s.names, name{st.Account, st.Name})
	delete(s.streams, id)
	return nil
}

// Reserve implements store.Store.
func (s *Store) Reserve(ctx context.Context, id int64) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stream(ctx, id)
	if err != nil {
		return 0, err
	}
	return st.head.Reserve(), nil
}

// Codec implements store.Store.
func (s *Store) Codec(ctx context.Context, id int64, c store.Codec) (store.Codec, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stream(ctx, id)
	if err != nil {
		return store.Codec{}, err
	}
	known, ok := st.codecs[c.Hash]
	if !ok {
		s.last++
		known = store.Codec{ID: s.last, Hash: c.Hash, Delay: bytes.Clone(c.Delay)}
		st.codecs[c.Hash] = known
	}
	known.Delay = bytes.Clone(known.Delay)
	return known, nil
}

// Head implements store.Store.
func (s *Store) Head(ctx context.Context, id int64) (store.Head, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st, err := s.stream(ctx, id)
	if err != nil {
		return store.Head{}, err
	}
	return st.head, nil
}

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, r *store.Row, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stream(ctx, r.Stream)
	if err != nil {
		return err
	}
	if st.orders[store.ByCounter].has(r.Number.Counter) {
		return fmt.Errorf("store: stream %d has a fragment %d already", r.Stream, r.Number.Counter)
	}
	s.last++
	s.blobs[s.last] = bytes.Clone(data)
	r.Size, r.Blob = int64(len(data)), store.Blob{Key: s.last, Sum: store.Checksum(data)}
	st.head.Admit(r, st.orders[store.ByProducer].has(r.Producer))
	kept := new(cloneRow(r))
	for k := range st.orders {
		if by := store.Key(k); r.Live || by != store.ByOrd && by != store.ByTime {
			st.orders[k].insert(kept)
		}
	}
	return nil
}

// Rows implements store.Store.
func (s *Store) Rows(ctx context.Context, dst []store.Row, q *store.Query) ([]store.Row, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	st, err := s.stream(ctx, q.Stream)
	if err != nil {
		return dst, err
	}
	if int(q.By) >= len(st.orders) {
		return dst, fmt.Errorf("store: unknown key %d", q.By)
	}
	rows := st.orders[q.By].between(q)
	for i, n := 0, 0; i < len(rows) && n < q.Limit; i++ {
		r := rows[i]
		if q.Descending {
			r = rows[len(rows)-1-i]
		}
		if q.Live && !r.Live || q.MaxSeq != 0 && r.Seq > q.MaxSeq || r.Server < q.Since {
			continue
		}
		dst = append(dst, cloneRow(r))
		n++
	}
	return dst, nil
}

// Read implements store.Store.
func (s *Store) Read(ctx context.Context, dst []byte, r *store.Row) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return dst, err
	}
	data, ok := s.blobs[r.Blob.Key]
	if !ok {
		return dst, store.ErrGone
	}
	return append(dst, data...), nil
}

// Collect implements store.Store.
func (s *Store) Collect(ctx context.Context, now time.Time, grace time.Duration) (store.Collected, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var done store.Collected
	if err := s.usable(ctx); err != nil {
		return done, err
	}
	for _, st := range s.streams {
		expiry := now.Add(-st.Retention)
		for _, r := range st.orders[store.ByServer].before(expiry.UnixMicro()) {
			done.Bytes += int64(len(s.blobs[r.Blob.Key]))
			delete(s.blobs, r.Blob.Key)
		}
		last := expiry.Add(-grace).UnixMicro()
		done.Rows += int64(len(st.orders[store.ByServer].before(last)))
		for k := range st.orders {
			st.orders[k].rows = slices.DeleteFunc(st.orders[k].rows, func(r *store.Row) bool { return r.Server < last })
		}
	}
	return done, nil
}

func cloneStream(s store.Stream) store.Stream {
	s.Tags = maps.Clone(s.Tags)
	return s
}

func cloneRow(r *store.Row) store.Row {
	c := *r
	c.Settled, c.Codec.Delay = bytes.Clone(r.Settled), bytes.Clone(r.Codec.Delay)
	return c
}
