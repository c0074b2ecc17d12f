package local_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
)

// benchDir is a directory on the file system that BENCH_DIR names, where syncing is to be measured.
func benchDir(b *testing.B) string {
	base := os.Getenv("BENCH_DIR")
	if base == "" {
		return b.TempDir()
	}
	dir, err := os.MkdirTemp(base, "weir-bench-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	return dir
}

// camera makes a stream with a codec record.
func camera(tb testing.TB, s *local.Store, name string) (int64, store.Codec) {
	tb.Helper()
	st := store.Stream{Account: "111122223333", Name: name, Retention: 24 * time.Hour, Created: time.Unix(1_600_000_000, 0).UTC(), Version: "1"}
	if err := s.CreateStream(tb.Context(), &st); err != nil {
		tb.Fatal(err)
	}
	c, err := s.Codec(tb.Context(), st.ID, store.Codec{Hash: sha256.Sum256([]byte("codec")), Delay: []byte{1, 2}})
	if err != nil {
		tb.Fatal(err)
	}
	return st.ID, c
}

// fragment is the n-th fragment of a camera, from 1.
func fragment(id, n int64, c store.Codec) store.Row {
	at := time.Unix(1_600_000_000, 0).Add(time.Duration(n) * 2 * time.Second)
	return store.Row{Stream: id, Number: store.Number{Counter: n, Millis: at.UnixMilli(), Random: uint32(n)}, Server: at.UnixMicro(),
		Producer: at.UnixMicro(), Start: at.UnixNano(), Length: 2e9, Codec: c, Settled: make([]byte, 100)}
}

// BenchmarkAppend200KB stores fragments of 200 KB, each goroutine into a stream of its own, and says how many are durable in a second.
func BenchmarkAppend200KB(b *testing.B) {
	for _, producers := range []int{1, 16, 64} {
		b.Run(strconv.Itoa(producers), func(b *testing.B) {
			local.SetSynchronous(b, "FULL")
			var syncs atomic.Int64
			s := open(b, benchDir(b), local.Options{Hook: func(op string, size int) (int, error) {
				if op == "sync" {
					syncs.Add(1)
				}
				return size, nil
			}})
			data := make([]byte, 200<<10)
			for i := range data {
				data[i] = byte(rand.Uint32())
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			rows := make([]store.Row, producers)
			for i := range rows {
				id, c := camera(b, s, fmt.Sprint("cam", i))
				rows[i] = fragment(id, 0, c)
			}
			syncs.Store(0)
			b.SetBytes(int64(len(data)))
			b.ResetTimer()
			var wg sync.WaitGroup
			for _, r := range rows {
				wg.Go(func() {
					for n := int64(1); left.Add(-1) >= 0; n++ {
						next := fragment(r.Stream, n, r.Codec)
						if err := s.Append(b.Context(), &next, data); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "fragments/s")
			b.ReportMetric(float64(b.N)/float64(syncs.Load()), "fragments/sync")
		})
	}
}

// BenchmarkRows asks for a page of 1,000 rows out of the middle of a stream of ROWS (100,000).
func BenchmarkRows(b *testing.B) {
	n := 100_000
	if text := os.Getenv("ROWS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	s := open(b, benchDir(b), local.Options{})
	id, c := camera(b, s, "cam")
	const writers = 64
	var wg sync.WaitGroup
	for w := range int64(writers) {
		wg.Go(func() {
			for i := w + 1; i <= int64(n); i += writers {
				r := fragment(id, i, c)
				if err := s.Append(b.Context(), &r, nil); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	for name, by := range map[string]store.Key{"counter": store.ByCounter, "server": store.ByServer, "ord": store.ByOrd} {
		for _, part := range []int64{10, 2} {
			b.Run(fmt.Sprintf("%s/1of%d", name, part), func(b *testing.B) {
				r := fragment(id, int64(n)/part, c)
				var page []store.Row
				b.ReportAllocs()
				for b.Loop() {
					q := store.Query{Stream: id, By: by, From: by.Of(&r).Key, To: 1<<63 - 1, Limit: 1000}
					if by == store.ByOrd {
						q.From = int64(n) / part / 2
					}
					var err error
					if page, err = s.Rows(b.Context(), page[:0], &q); err != nil || len(page) == 0 {
						b.Fatal(len(page), err)
					}
				}
			})
		}
	}
}
