package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// set is the rows of one database.
type set struct {
	engine  engine
	streams []camera // their IDs are 1 and up
	rows    int64    // loaded or appended so far, those that were removed among them
	gone    int64    // removed, of the first stream
	loaded  float64  // rows a second, the last time
	places  *rand.Rand
}

// camera is a stream to which fragments come.
type camera struct {
	head store.Head
	n    int64
}

const (
	epoch  = 1_700_000_000 // the first fragment of all, in seconds since 1970
	length = 2             // of each, in seconds
	weight = 200_000       // its bytes
)

// begin makes the streams.
func (s *set) begin(ctx context.Context) (err error) {
	x, err := s.engine.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	tx, err := x.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for i := range s.streams {
		id := int64(i + 1)
		tx.PutStream(&store.Stream{ID: id, Account: "111122223333", Name: fmt.Sprintf("camera%06d", id), Retention: 24 * time.Hour, Created: time.Unix(epoch, 0), Version: "1"})
		tx.PutCodec(id, &store.Codec{ID: id})
		tx.PutHead(id, &store.Head{}, 0)
	}
	return tx.Commit()
}

// serverOf is the Server time of the n-th fragment of a stream, from 1. Cameras do not send all at the same moment.
func serverOf(stream, n int64) int64 {
	return (epoch+length*n)*1e6 + stream*1999%(length*1e6)
}

// next returns the next fragment of a stream as its upload has it.
func (s *set) next(stream int64) store.Row {
	c := &s.streams[stream-1]
	c.n++
	s.rows++
	server := serverOf(stream, c.n)
	start := (epoch + length*c.n) * int64(time.Second)
	settled := make([]byte, 100)
	for i := 0; i+8 <= len(settled); i += 8 {
		settled[i] = byte(rand.Uint32())
	}
	return store.Row{Stream: stream, Number: store.Number{Counter: c.n, Millis: server / 1000, Random: rand.Uint32N(1 << 28)}, Server: server,
		Producer: start / 1000, Start: start, End: start + length*int64(time.Second), Length: length * int64(time.Second), Size: weight,
		Codec: store.Codec{ID: stream}, Settled: settled, Blob: store.Blob{Key: 1 + rand.Int64N(1<<62), Sum: rand.Uint32()}}
}

// admitted returns the next fragment of a stream as it is stored. Each thousandth is not live.
func (s *set) admitted(stream int64) store.Row {
	r := s.next(stream)
	h := &s.streams[stream-1].head
	h.Admit(&r, r.Number.Counter%1000 == 0)
	return r
}

// load adds rows until there are so many, to each stream in turn. What comes to one stream comes in the order of every index, so that these may
// as well be made afterwards; not so what comes to many.
func (s *set) load(ctx context.Context, rows int64) error {
	before, began := s.rows, time.Now()
	err := s.engine.load(ctx, len(s.streams) == 1, func() (*store.Row, bool) {
		if s.rows >= rows {
			return nil, false
		}
		r := s.admitted(1 + s.rows%int64(len(s.streams)))
		return &r, true
	})
	if err != nil {
		return err
	}
	x, err := s.engine.open(ctx)
	if err != nil {
		return err
	}
	tx, err := x.Begin(ctx)
	if err == nil {
		defer tx.Rollback()
		for i := range s.streams {
			tx.PutHead(int64(i+1), &s.streams[i].head, 0)
		}
		err = tx.Commit()
	}
	if err := errors.Join(err, x.Close(), s.engine.settle(ctx)); err != nil {
		return err
	}
	s.loaded = math.Round(float64(s.rows-before) / time.Since(began).Seconds())
	return nil
}
