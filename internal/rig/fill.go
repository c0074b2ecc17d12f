package rig

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
)

// fillAtOnce is how many fragments of a Fill are under way at a time: they share syncs and transactions.
const fillAtOnce = 2048

// Filled says what Fill has added: fragment i has the server time First + i × ShotLength, and the same producer time.
type Filled struct {
	First time.Time
	Rows  int
}

// Fill adds a stream of tiny fragments, whose rows are as those of large ones, to the archive in a directory that no server has open.
// The newest is of now, and the stream keeps them for ten years. progress, if it is not nil, is told how many there are.
func Fill(ctx context.Context, dir, stream string, rows int, progress func(int)) (f Filled, err error) {
	f = Filled{First: time.Now().Add(-time.Duration(rows) * ShotLength).Truncate(time.Millisecond), Rows: rows}
	st, err := local.Open(dir, &local.Options{Headroom: -1})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	s := store.Stream{Account: "000000000000", Name: stream, Retention: 10 * 365 * 24 * time.Hour, Created: f.First.UTC(), Version: "1"}
	if err := st.CreateStream(ctx, &s); err != nil {
		return f, err
	}
	c, err := st.Codec(ctx, s.ID, store.Codec{Hash: sha256.Sum256([]byte("rig"))})
	if err != nil {
		return f, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan *store.Row)
	var group sync.WaitGroup
	for range min(fillAtOnce, rows) {
		group.Go(func() {
			for r := range queue {
				if err := st.Append(ctx, r, []byte{byte(r.Number.Random)}); err != nil {
					cancel(err)
				}
			}
		})
	}
	err = func() error {
		defer close(queue)
		var counter int64
		for i := range rows {
			if i%store.CounterStep == 0 {
				if progress != nil {
					progress(i)
				}
				if counter, err = st.Reserve(ctx, s.ID); err != nil {
					return err
				}
			}
			select {
			case queue <- f.row(s.ID, counter, i, c):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			counter++
		}
		return nil
	}()
	group.Wait()
	return f, errors.Join(err, context.Cause(ctx))
}

// row returns row i.
func (f *Filled) row(stream, counter int64, i int, c store.Codec) *store.Row {
	at := f.Time(i)
	return &store.Row{
		Stream: stream, Number: store.Number{Counter: counter, Millis: at.UnixMilli(), Random: uint32(i*7919) & (1<<28 - 1)},
		Server: at.UnixMicro(), Producer: at.UnixMicro(), Start: at.UnixNano(), End: at.Add(ShotLength).UnixNano(), Length: int64(ShotLength),
		Codec: c, Settled: make([]byte, 40),
	}
}

// Time returns the time of fragment i on both clocks.
func (f *Filled) Time(i int) time.Time { return f.First.Add(time.Duration(i) * ShotLength) }
