package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// Together returns a store whose calls go to one after the other of several stores over the same archive: what one of them has done
// the next has to know of.
func Together(stores ...store.Store) store.Store { return &together{all: stores} }

type together struct {
	all  []store.Store
	turn atomic.Uint64
}

func (t *together) next() store.Store { return t.all[t.turn.Add(1)%uint64(len(t.all))] }

func (t *together) CreateStream(ctx context.Context, s *store.Stream) error {
	return t.next().CreateStream(ctx, s)
}

func (t *together) Stream(ctx context.Context, account, name string) (store.Stream, error) {
	return t.next().Stream(ctx, account, name)
}

func (t *together) StreamByID(ctx context.Context, id int64) (store.Stream, error) {
	return t.next().StreamByID(ctx, id)
}

func (t *together) Streams(ctx context.Context, account, prefix, after string, limit int) ([]store.Stream, error) {
	return t.next().Streams(ctx, account, prefix, after, limit)
}

func (t *together) UpdateStream(ctx context.Context, s *store.Stream, version string) error {
	return t.next().UpdateStream(ctx, s, version)
}

func (t *together) DeleteStream(ctx context.Context, id int64) error {
	return t.next().DeleteStream(ctx, id)
}

func (t *together) Reserve(ctx context.Context, stream int64) (int64, error) {
	return t.next().Reserve(ctx, stream)
}

func (t *together) Codec(ctx context.Context, stream int64, c store.Codec) (store.Codec, error) {
	return t.next().Codec(ctx, stream, c)
}

func (t *together) Head(ctx context.Context, stream int64) (store.Head, error) {
	return t.next().Head(ctx, stream)
}

func (t *together) Append(ctx context.Context, r *store.Row, data []byte) error {
	return t.next().Append(ctx, r, data)
}

func (t *together) Rows(ctx context.Context, dst []store.Row, q *store.Query) ([]store.Row, error) {
	return t.next().Rows(ctx, dst, q)
}

func (t *together) Read(ctx context.Context, dst []byte, r *store.Row) ([]byte, error) {
	return t.next().Read(ctx, dst, r)
}

func (t *together) Collect(ctx context.Context, now time.Time, grace time.Duration) (store.Collected, error) {
	return t.next().Collect(ctx, now, grace)
}

func (t *together) Close() error {
	var failures []error
	for _, s := range t.all {
		failures = append(failures, s.Close())
	}
	return errors.Join(failures...)
}
