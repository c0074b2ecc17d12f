package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/sqlindex"
)

// question is something that a server asks an index.
type question struct {
	name  string
	times int
	ask   func(ctx context.Context, x *sqlindex.Index, s *set) error
}

// anyOf returns a stream and the number of one of its rows that is still there.
func (s *set) anyOf() (stream, n int64) {
	stream = 1 + s.places.Int64N(int64(len(s.streams)))
	low := int64(0)
	if stream == 1 {
		low = s.gone
	}
	return stream, low + 1 + s.places.Int64N(s.streams[stream-1].n-low)
}

// rowsOf asks for a page and wants it to have so many rows.
func rowsOf(ctx context.Context, x *sqlindex.Index, q *store.Query, want int64) error {
	rows, err := x.Rows(ctx, nil, q)
	if err == nil && int64(len(rows)) != want {
		err = fmt.Errorf("a page of stream %d by %d from %d has %d rows, want %d", q.Stream, q.By, q.From, len(rows), want)
	}
	return err
}

// edge asks for the newest n live rows, as a LIVE playlist does.
func edge(n int64) func(context.Context, *sqlindex.Index, *set) error {
	return func(ctx context.Context, x *sqlindex.Index, s *set) error {
		stream, _ := s.anyOf()
		last := s.streams[stream-1].head.Ord
		n := min(n, last)
		return rowsOf(ctx, x, &store.Query{Stream: stream, By: store.ByOrd, From: last - n + 1, To: last, Live: true, Limit: int(n)}, n)
	}
}

var questions = []question{
	{"lookup", 2000, func(ctx context.Context, x *sqlindex.Index, s *set) error {
		stream, n := s.anyOf()
		return rowsOf(ctx, x, &store.Query{Stream: stream, By: store.ByCounter, From: n, To: n, Limit: 1}, 1)
	}},
	{"head", 2000, func(ctx context.Context, x *sqlindex.Index, s *set) error {
		stream, _ := s.anyOf()
		_, ok, err := x.StoredHead(ctx, stream)
		if err == nil && !ok {
			err = store.ErrNotFound
		}
		return err
	}},
	{"page", 200, func(ctx context.Context, x *sqlindex.Index, s *set) error {
		// From anywhere in the middle fifth, as ListFragments with a time of the server does.
		stream, _ := s.anyOf()
		all := s.streams[stream-1].n
		n := all*2/5 + 1 + s.places.Int64N(all/5+1)
		return rowsOf(ctx, x, &store.Query{Stream: stream, By: store.ByServer, From: serverOf(stream, n), To: math.MaxInt64, Limit: 1000, Brief: true}, min(1000, all-n+1))
	}},
	{"live5", 1000, edge(5)},
	{"live1000", 200, edge(1000)},
}

// coldTimes is how often something is measured at places that are not in a cache.
const coldTimes = 20

// timed does something n times and returns how long each took.
func timed(ctx context.Context, n int, f func() error) ([]time.Duration, error) {
	all := make([]time.Duration, 0, n)
	for range n {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		at := time.Now()
		if err := f(); err != nil {
			return nil, err
		}
		all = append(all, time.Since(at))
	}
	return all, nil
}

// costOf sums up what took so long; each did per things.
func costOf(name string, all []time.Duration, per int) Cost {
	sorted := slices.Sorted(slices.Values(all))
	at := func(sorted []time.Duration, share float64) float64 {
		i := max(int(math.Ceil(share*float64(len(sorted))))-1, 0)
		us := float64(sorted[i].Nanoseconds()) / 1000 / float64(per)
		return math.Round(us*100) / 100
	}
	c := Cost{Name: name, N: len(all), Best: at(sorted, 0), P50: at(sorted, 0.5), P99: at(sorted, 0.99)}
	if tenth := len(all) / 10; tenth >= 2 {
		c.First = at(slices.Sorted(slices.Values(all[:tenth])), 0.5)
		c.Last = at(slices.Sorted(slices.Values(all[len(all)-tenth:])), 0.5)
	}
	return c
}

// measure measures a set that has so many rows.
func measure(ctx context.Context, o *options, s *set, rows int64) (*Size, error) {
	size := &Size{Engine: s.engine.name(), Streams: int64(len(s.streams)), Rows: rows, Load: s.loaded}
	s.places = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	var err error
	if size.Bytes, err = s.engine.size(ctx); err != nil {
		return nil, err
	}
	o.log("%s, %d streams: %d rows, %d bytes a row, loaded with %.0f a second", size.Engine, size.Streams, rows, size.Bytes/max(rows-s.gone, 1), size.Load)
	times := func(n int) int { return max(int(float64(n)*o.effort), 3) }
	add := func(c Cost) {
		size.Costs = append(size.Costs, c)
		temper := "warm"
		if c.Cold {
			temper = "cold"
		}
		o.log("  %-9s %s: p50 %.1f µs, p99 %.1f µs, best %.1f µs, of %d", c.Name, temper, c.P50, c.P99, c.Best, c.N)
	}
	if o.cold != "" {
		if err := s.measureCold(ctx, o, times, add); err != nil {
			return nil, err
		}
	}
	all, err := timed(ctx, times(20), func() error {
		x, err := s.engine.open(ctx)
		if err != nil {
			return err
		}
		return x.Close()
	})
	if err != nil {
		return nil, err
	}
	c := costOf("open", all, 1)
	c.First, c.Last = 0, 0
	add(c)
	x, err := s.engine.open(ctx)
	if err != nil {
		return nil, err
	}
	err = s.measureWarm(ctx, x, size, times, add)
	return size, errors.Join(err, x.Close())
}

func (s *set) measureCold(ctx context.Context, o *options, times func(int) int, add func(Cost)) (err error) {
	if err := chill(ctx, o.cold); err != nil {
		return err
	}
	at := time.Now()
	x, err := s.engine.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	c := costOf("open", []time.Duration{time.Since(at)}, 1)
	c.Cold = true
	add(c)
	for _, q := range questions {
		all, err := timed(ctx, times(coldTimes), func() error { return q.ask(ctx, x, s) })
		if err != nil {
			return err
		}
		c := costOf(q.name, all, 1)
		c.Cold, c.First, c.Last = true, 0, 0
		add(c)
	}
	return nil
}

func (s *set) measureWarm(ctx context.Context, x *sqlindex.Index, size *Size, times func(int) int, add func(Cost)) error {
	for _, q := range questions {
		// Some places are asked for again and again: the first time does not count.
		n := times(q.times)
		places, i := (n+3)/4, 0
		all, err := timed(ctx, places+n, func() error {
			s.places = rand.New(rand.NewPCG(1, uint64(i%places)))
			i++
			return q.ask(ctx, x, s)
		})
		if err != nil {
			return err
		}
		c := costOf(q.name, all[places:], 1)
		c.First, c.Last = 0, 0
		add(c)
	}
	for _, n := range []int{1, 64} {
		all, err := timed(ctx, times(400/n+50), func() error { return s.append(ctx, x, n) })
		if err != nil {
			return err
		}
		c := costOf(fmt.Sprintf("append%d", n), all, 1)
		c.First, c.Last = 0, 0
		add(c)
	}
	if len(s.streams) > 1 {
		size.Rates = map[string]float64{}
		for _, n := range []int{1, 64} {
			rate, err := s.rate(ctx, x, n, times(2000/n+50))
			if err != nil {
				return err
			}
			size.Rates[fmt.Sprint(n)] = math.Round(rate)
		}
	}
	if len(s.streams) == 1 {
		return s.measureRetention(ctx, x, add)
	}
	idle, err := timed(ctx, times(10), func() error { return s.collect(ctx, x) })
	if err != nil {
		return err
	}
	c := costOf("idle", idle, len(s.streams))
	c.First, c.Last = 0, 0
	add(c)
	return nil
}

// append stores n fragments in one transaction, over as many streams as there are, as the workers of archive/store/shared do.
func (s *set) append(ctx context.Context, x *sqlindex.Index, n int) error {
	per := map[int64]int{}
	first := rand.Int64N(int64(len(s.streams)))
	for i := range int64(n) {
		per[1+(first+i)%int64(len(s.streams))]++
	}
	var rows []store.Row
	for stream, n := range per {
		for range n {
			rows = append(rows, s.next(stream))
		}
	}
	slices.SortStableFunc(rows, func(a, b store.Row) int { return int(a.Stream - b.Stream) })
	heads, err := appendRows(ctx, x, rows)
	for stream, h := range heads {
		s.streams[stream-1].head = *h
	}
	return err
}

func appendRows(ctx context.Context, x *sqlindex.Index, rows []store.Row) (map[int64]*store.Head, error) {
	tx, err := x.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	heads := map[int64]*store.Head{}
	for i := range rows {
		r := &rows[i]
		h := heads[r.Stream]
		if h == nil {
			head, ok, err := tx.LockHead(r.Stream)
			if err != nil {
				return nil, err
			}
			if !ok {
				return nil, store.ErrNotFound
			}
			if _, _, err := tx.NewestProducer(ctx, r.Stream); err != nil {
				return nil, err
			}
			h = &head
			heads[r.Stream] = h
		}
		h.Admit(r, false)
		tx.Insert(r)
	}
	for stream, h := range heads {
		tx.PutHead(stream, h, 0)
	}
	return heads, tx.Commit()
}

// rate returns how many rows a second are stored by as many workers as a server has, each with streams of its own.
func (s *set) rate(ctx context.Context, x *sqlindex.Index, n, times int) (float64, error) {
	workers := min(s.engine.writers(), len(s.streams))
	work := make([][][]store.Row, workers)
	for w := range work {
		for range times {
			var rows []store.Row
			for i := range n {
				stream := int64(w + workers*(i%(len(s.streams)/workers)))
				rows = append(rows, s.next(stream+1))
			}
			slices.SortStableFunc(rows, func(a, b store.Row) int { return int(a.Stream - b.Stream) })
			work[w] = append(work[w], rows)
		}
	}
	failures := make([]error, workers)
	var mu sync.Mutex
	var wg sync.WaitGroup
	at := time.Now()
	for w, batches := range work {
		wg.Go(func() {
			for _, rows := range batches {
				heads, err := appendRows(ctx, x, rows)
				if err != nil {
					failures[w] = err
					return
				}
				mu.Lock()
				for stream, h := range heads {
					s.streams[stream-1].head = *h
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	took := time.Since(at)
	return float64(workers*times*n) / took.Seconds(), errors.Join(failures...)
}

// retained is how many rows are dropped, and then removed.
func (s *set) retained() int64 { return min(max(s.streams[0].n/10, 10), 100_000) }

// measureRetention drops the bytes of the oldest rows of a set of one stream, as when they expire, and removes the rows of those, as when grace
// is over, chunk by chunk as Collect does.
func (s *set) measureRetention(ctx context.Context, x *sqlindex.Index, add func(Cost)) error {
	chunk := int64(s.engine.chunk())
	n := s.retained()
	if n < 2*chunk {
		chunk = max(n/2, 1)
	}
	chunks := int(n / chunk)
	for _, work := range []struct {
		name string
		do   func(tx *sqlindex.Tx, rows []sqlindex.Stored)
		kept bool
	}{
		{"drop", func(tx *sqlindex.Tx, rows []sqlindex.Stored) { tx.Drop(1, rows) }, true},
		{"remove", func(tx *sqlindex.Tx, rows []sqlindex.Stored) { tx.Delete(1, rows) }, false},
	} {
		from := int64(math.MinInt64)
		to := serverOf(1, s.gone+int64(chunks)*chunk+1)
		all, err := timed(ctx, chunks, func() error {
			rows, err := x.Before(ctx, 1, from, to, work.kept, int(chunk))
			if err != nil {
				return err
			}
			if int64(len(rows)) != chunk {
				return fmt.Errorf("%s: %d rows, want %d", work.name, len(rows), chunk)
			}
			if work.kept || s.engine.goesOn() {
				from = rows[chunk-1].Server
			}
			tx, err := x.Begin(ctx)
			if err != nil {
				return err
			}
			defer tx.Rollback()
			work.do(tx, rows)
			return tx.Commit()
		})
		if err != nil {
			return err
		}
		add(costOf(work.name, all, int(chunk)))
	}
	s.gone += int64(chunks) * chunk
	return nil
}

// collect asks of every stream what Collect asks where nothing has expired.
func (s *set) collect(ctx context.Context, x *sqlindex.Index) error {
	for after := int64(0); ; {
		streams, err := x.StreamsFrom(ctx, after, 1000)
		if err != nil || len(streams) == 0 {
			return err
		}
		for i := range streams {
			after = streams[i].ID
			for _, kept := range []bool{false, true} {
				rows, err := x.Before(ctx, after, math.MinInt64, epoch*1e6, kept, s.engine.chunk())
				if err == nil && len(rows) > 0 {
					err = errors.New("something has expired")
				}
				if err != nil {
					return err
				}
			}
		}
	}
}
