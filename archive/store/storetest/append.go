package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed63bb8431/weir/archive/store"
)

// testReserve asks from many goroutines for counters of two streams.
func testReserve(t *testing.T, s store.Store) {
	ids := []int64{create(t, s, "a").ID, create(t, s, "b").ID}
	var mu sync.Mutex
	seen := map[[2]int64]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 20 {
				id := ids[i%2]
				first, err := s.Reserve(t.Context(), id)
				if err != nil {
					t.Errorf("reserving: %v", err)
					return
				}
				mu.Lock()
				if seen[[2]int64{id, first}] {
					t.Errorf("counter %d was given out twice", first)
				}
				seen[[2]int64{id, first}] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		for i := range int64(80) {
			if first := i*store.CounterStep + 1; !seen[[2]int64{id, first}] {
				t.Errorf("counter %d was not given out", first)
			}
		}
		if d := diff(store.Head{Reserved: 80 * store.CounterStep}, head(t, s, id)); d != "" {
			t.Errorf("head: -want +got\n%s", d)
		}
	}
	add(t, s, fragment(ids[0], 123_456, codec(t, s, ids[0], 0)), 10)
	if first := reserve(t, s, ids[0]); first != 124_001 {
		t.Errorf("behind row 123456 the next reservation begins at %d", first)
	}
}

// testCodec adds the same records from many goroutines, each with delays of its own: the first ones stay.
func testCodec(t *testing.T, s store.Store) {
	ids := []int64{create(t, s, "a").ID, create(t, s, "b").ID}
	var mu sync.Mutex
	type key struct {
		stream int64
		hash   [sha256.Size]byte
	}
	known := map[key]store.Codec{}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 20 {
				id := ids[i%2]
				in := store.Codec{ID: 99, Hash: sha256.Sum256([]byte{byte(i / 4)}), Delay: bytes.Repeat([]byte{byte(g)}, g*128)}
				got, err := s.Codec(t.Context(), id, in)
				if err != nil {
					t.Errorf("codec record: %v", err)
					return
				}
				mu.Lock()
				first, ok := known[key{id, in.Hash}]
				if !ok {
					known[key{id, in.Hash}] = got
				} else if d := diff(first, got); d != "" {
					t.Errorf("a record changed: -first +now\n%s", d)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(known) != 10 {
		t.Errorf("there are %d records", len(known))
	}
	used := map[int64]bool{0: true}
	for k, c := range known {
		if used[c.ID] || c.Hash != k.hash {
			t.Errorf("record %d is used twice, or not of this hash", c.ID)
		}
		used[c.ID] = true
	}
}

func testAppend(t *testing.T, s store.Store) {
	a, b := create(t, s, "a"), create(t, s, "b")
	c0, c1 := codec(t, s, a.ID, 0), codec(t, s, a.ID, 1)
	first := reserve(t, s, a.ID)
	second := reserve(t, s, a.ID)
	var want []store.Row
	for i, in := range []struct {
		counter int64
		change  func(r *store.Row)
		live    bool
	}{
		{first, func(*store.Row) {}, true},
		{first + 1, func(*store.Row) {}, true},
		{second, func(r *store.Row) { r.Flags |= store.FlagUpload }, true},
		{first + 2, func(*store.Row) {}, false}, // late
		{second + 1, func(r *store.Row) { r.Codec = c1 }, true},
		{second + 2, func(r *store.Row) { r.Producer = want[0].Producer }, false}, // twin
		{second + 3, func(r *store.Row) { r.Flags |= store.FlagBreak; r.Settled = bytes.Repeat([]byte{0, 0xff}, 2048) }, true},
		{second + 4, func(r *store.Row) { r.Producer = want[3].Producer }, false},                 // twin of a late one
		{second + 5, func(r *store.Row) { r.Producer, r.Start, r.Server = -1, -1000, 0 }, true},   // before 1970
		{second + 6, func(r *store.Row) { r.Length, r.Settled, r.Flags = 0, nil, 1<<32-1 }, true}, // all flags
	} {
		r := fragment(a.ID, in.counter, c0)
		in.change(&r)
		r = add(t, s, r, 100+i)
		want = append(want, r)
		if r.Live != in.live || r.Size != int64(100+i) || r.Seq != int64(i+1) || r.Blob.Sum != store.Checksum(content(a.ID, in.counter, 100+i)) {
			t.Errorf("row %d: %+v", i, r)
		}
		got := rows(t, s, every(a.ID, store.BySeq))
		if d := diffRows(want, got); d != "" {
			t.Fatalf("after row %d: -want +got\n%s", i, d)
		}
		if err := replay(got, head(t, s, a.ID)); err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if got[i].Blob != want[i].Blob {
				t.Errorf("row %d is at %+v, Append said %+v", i, got[i].Blob, want[i].Blob)
			}
			checkBytes(t, s, &got[i])
		}
	}
	if got := rows(t, s, every(b.ID, store.BySeq)); len(got) != 0 {
		t.Errorf("another stream has %d rows", len(got))
	}
	if d := diff(store.Head{}, head(t, s, b.ID)); d != "" {
		t.Errorf("head of another stream: -want +got\n%s", d)
	}
}

// testSizes stores fragments of all sizes from one buffer, which is overwritten at once.
func testSizes(t *testing.T, s store.Store) {
	cam := create(t, s, "cam")
	c := codec(t, s, cam.ID, 0)
	buf := make([]byte, 5<<20)
	var all []store.Row
	for i, size := range []int{0, 1, 1 << 20, 5 << 20, 0, 4095, 4096, 4097, 65535, 65536} {
		r := fragment(cam.ID, int64(i+1), c)
		copy(buf, content(cam.ID, int64(i+1), size))
		if err := s.Append(t.Context(), &r, buf[:size]); err != nil {
			t.Fatal(err)
		}
		for i := range buf[:size] {
			buf[i] = 0xee
		}
		all = append(all, r)
		if r.Size != int64(size) {
			t.Errorf("%d bytes are %d", size, r.Size)
		}
	}
	for _, r := range all {
		checkBytes(t, s, &r)
	}
}

// testSameCounter appends a fragment whose counter another one has. The one that is there stays, and those beside it are not harmed.
func testSameCounter(t *testing.T, s store.Store) {
	cam := create(t, s, "cam")
	c := codec(t, s, cam.ID, 0)
	add(t, s, fragment(cam.ID, 1, c), 100)
	var refused atomic.Int64
	var wg sync.WaitGroup
	for g := range int64(4) {
		wg.Go(func() {
			for i := range int64(10) {
				again := fragment(cam.ID, 1, c)
				again.Producer += g*10 + i + 1
				if err := s.Append(t.Context(), &again, []byte("another")); err != nil {
					refused.Add(1)
				}
				r := fragment(cam.ID, 2+g*10+i, c)
				if err := s.Append(t.Context(), &r, content(cam.ID, r.Number.Counter, 50)); err != nil {
					t.Errorf("beside it: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if n := refused.Load(); n != 40 {
		t.Errorf("%d of 40 were refused", n)
	}
	all := rows(t, s, every(cam.ID, store.ByCounter))
	if len(all) != 41 {
		t.Errorf("there are %d rows", len(all))
	}
	for i := range all {
		checkBytes(t, s, &all[i])
	}
	if err := replay(all, head(t, s, cam.ID)); err != nil {
		t.Error(err)
	}
}

// testAppendAtOnce appends from 8 goroutines to 4 streams. Two share a stream, so that there are late rows, twins and changes of codec.
func testAppendAtOnce(t *testing.T, s store.Store) {
	const each = 60
	var ids [4]int64
	var codecs [4][2]store.Codec
	for i := range ids {
		ids[i] = create(t, s, string(rune('a'+i))).ID
		codecs[i] = [2]store.Codec{codec(t, s, ids[i], 0), codec(t, s, ids[i], 1)}
	}
	type call struct {
		began, ended int64
		row          store.Row
	}
	var clock atomic.Int64
	var mu sync.Mutex
	calls := map[int64][]call{}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			id := ids[g%4]
			rnd := rand.New(rand.NewPCG(1, uint64(g)))
			buf := make([]byte, 1<<16)
			var counter, end int64
			for i := range each {
				if counter == end {
					first, err := s.Reserve(t.Context(), id)
					if err != nil {
						t.Errorf("reserving: %v", err)
						return
					}
					counter, end = first, first+20 // some uploads
				}
				r := fragment(id, int64(i), codecs[g%4][rnd.IntN(20)/19])
				r.Number.Counter = counter
				counter++
				data := buf[:copy(buf, content(id, r.Number.Counter, rnd.IntN(len(buf))))]
				c := call{began: clock.Add(1)}
				err := s.Append(t.Context(), &r, data)
				c.ended, c.row = clock.Add(1), r
				for i := range data {
					data[i] = 0xee
				}
				if err != nil {
					t.Errorf("appending: %v", err)
					return
				}
				got, err := s.Rows(t.Context(), nil, &store.Query{Stream: id, From: r.Number.Counter, To: r.Number.Counter, Limit: 2})
				if d := diffRows([]store.Row{r}, got); err != nil || d != "" {
					t.Errorf("not visible as it was settled: %v\n-want +got\n%s", err, d)
					return
				}
				mu.Lock()
				calls[id] = append(calls[id], c)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		all := rows(t, s, every(id, store.BySeq))
		if len(all) != 2*each {
			t.Errorf("there are %d rows of %d", len(all), 2*each)
		}
		if err := replay(all, head(t, s, id)); err != nil {
			t.Error(err)
		}
		for i := range all {
			checkBytes(t, s, &all[i])
		}
		for _, a := range calls[id] {
			for _, b := range calls[id] {
				if a.ended < b.began && a.row.Seq > b.row.Seq {
					t.Fatalf("row %d became visible before row %d was asked for", a.row.Seq, b.row.Seq)
				}
			}
		}
	}
}

// testAppendCancel takes back the contexts of some appends at any time: an error of the context means that nothing is there.
func testAppendCancel(t *testing.T, s store.Store) {
	cam := create(t, s, "cam")
	c := codec(t, s, cam.ID, 0)
	var mu sync.Mutex
	stored := map[int64]bool{}
	var wg sync.WaitGroup
	for g := range int64(4) {
		wg.Go(func() {
			for i := range int64(50) {
				r := fragment(cam.ID, g*50+i+1, c)
				ctx, cancel := context.WithCancel(t.Context())
				var ended sync.WaitGroup
				if i%2 == 0 {
					ended.Go(cancel)
				}
				err := s.Append(ctx, &r, content(cam.ID, r.Number.Counter, 2000))
				ended.Wait()
				cancel()
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("appending: %v", err)
				}
				mu.Lock()
				stored[r.Number.Counter] = err == nil
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	all := rows(t, s, every(cam.ID, store.BySeq))
	n := 0
	for _, ok := range stored {
		if ok {
			n++
		}
	}
	if len(all) != n {
		t.Errorf("%d appends were acknowledged, there are %d rows", n, len(all))
	}
	for i := range all {
		if !stored[all[i].Number.Counter] {
			t.Errorf("row %d is there, though its Append was cancelled", all[i].Number.Counter)
		}
		checkBytes(t, s, &all[i])
	}
	if err := replay(all, head(t, s, cam.ID)); err != nil {
		t.Error(err)
	}
}
