package storetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed63bb8431/weir/archive/store"
)

// keys are all keys of a Query.
var keys = []store.Key{store.ByCounter, store.ByServer, store.ByProducer, store.ByOrd, store.BySeq, store.ByTime}

// mixed appends n fragments to each of two streams that share no row but much else: late ones, twins, equal server times, changes of
// codec, fragments without length. It returns those of the first stream as Append settled them.
func mixed(t *testing.T, s store.Store, n int) []store.Row {
	t.Helper()
	ids := []int64{create(t, s, "mixed").ID, create(t, s, "beside").ID}
	codecs := map[int64][]store.Codec{}
	for _, id := range ids {
		codecs[id] = []store.Codec{codec(t, s, id, 0), codec(t, s, id, 1)}
	}
	rnd := rand.New(rand.NewPCG(3, 5))
	counters := make([]int64, n)
	for i := range counters {
		counters[i] = int64(i*3 + 1)
	}
	for i := range counters { // a little out of order
		j := min(n-1, i+rnd.IntN(4))
		counters[i], counters[j] = counters[j], counters[i]
	}
	var all []store.Row
	for _, counter := range counters {
		for _, id := range ids {
			r := fragment(id, counter, codecs[id][rnd.IntN(10)/9])
			r.Server -= r.Server % 20_000_000 // some have the same
			switch rnd.IntN(8) {
			case 0:
				r.Producer -= r.Producer % 60_000_000
			case 1:
				r.Length = 0
			case 2:
				r.Server, r.Producer = r.Server-50_000_000, -r.Producer
			}
			if r = add(t, s, r, rnd.IntN(100)); id == ids[0] {
				all = append(all, r)
			}
		}
	}
	return all
}

// some returns values of a key among which are the ends, those of rows and others.
func some(rnd *rand.Rand, all []store.Row, by store.Key) []int64 {
	one := func() int64 { return by.Of(&all[rnd.IntN(len(all))]).Key }
	return []int64{math.MinInt64, math.MaxInt64, 0, one(), one(), one() + 1, one() - 1}
}

// brief returns what rows have that were asked for with Brief.
func brief(rows []store.Row, by store.Key) []store.Row {
	var all []store.Row
	for i := range rows {
		r := &rows[i]
		b := store.Row{Stream: r.Stream, Number: r.Number, Server: r.Server, Producer: r.Producer, Length: r.Length, Size: r.Size}
		switch by {
		case store.ByOrd:
			b.Ord = r.Ord
		case store.BySeq:
			b.Seq = r.Seq
		case store.ByTime:
			b.Time = r.Time
		}
		all = append(all, b)
	}
	return all
}

func describe(q *store.Query) string {
	s := fmt.Sprintf("%+v", *q)
	if q.After != nil {
		s += fmt.Sprintf(" after %+v", *q.After)
	}
	return s
}

// testRows asks for rows by every key within every kind of bounds.
func testRows(t *testing.T, s store.Store) {
	all := mixed(t, s, 120)
	if err := replay(all, head(t, s, all[0].Stream)); err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(7, 11))
	pick := func() *store.Row { return &all[rnd.IntN(len(all))] }
	asked, found := 0, 0
	for _, by := range keys {
		for _, descending := range []bool{false, true} {
			for _, live := range []bool{false, true} {
				for range 150 {
					bounds := some(rnd, all, by)
					q := &store.Query{Stream: all[0].Stream, By: by, Descending: descending, Live: live, From: math.MinInt64, To: math.MaxInt64,
						Limit: []int{1, 2, 7, 1000}[rnd.IntN(4)]}
					if rnd.IntN(2) == 0 {
						q.From = bounds[rnd.IntN(len(bounds))]
					}
					if rnd.IntN(2) == 0 {
						q.To = bounds[rnd.IntN(len(bounds))]
					}
					if rnd.IntN(8) == 0 {
						q.To = q.From
					}
					switch rnd.IntN(4) {
					case 0:
						q.After = new(by.Of(pick()))
					case 1:
						q.After = &store.Place{Key: bounds[rnd.IntN(len(bounds))], Counter: []int64{math.MinInt64, 0, math.MaxInt64, pick().Number.Counter}[rnd.IntN(4)]}
					}
					if rnd.IntN(3) == 0 {
						q.MaxSeq = pick().Seq
					}
					if rnd.IntN(3) == 0 {
						q.Since = pick().Server + rnd.Int64N(2)
					}
					want, given := ask(all, q), *q
					got, err := s.Rows(t.Context(), nil, q)
					if err != nil {
						t.Fatalf("%s: %v", describe(q), err)
					}
					if d := diffRows(want, got); d != "" {
						t.Fatalf("%s: -want +got\n%s", describe(q), d)
					}
					q.Brief = true
					short, err := s.Rows(t.Context(), nil, q)
					if err != nil {
						t.Fatalf("%s: %v", describe(q), err)
					}
					if d := diffRows(brief(want, by), brief(short, by)); d != "" {
						t.Fatalf("%s: -want +got\n%s", describe(q), d)
					}
					q.Brief = false
					if d := diff(given, *q); d != "" {
						t.Fatalf("the query was changed: -before +after\n%s", d)
					}
					asked++
					if len(got) > 0 {
						found++
					}
				}
			}
		}
	}
	if found < asked/4 {
		t.Errorf("only %d of %d queries found a row", found, asked)
	}
	before := []store.Row{{Stream: 5}}
	got, err := s.Rows(t.Context(), slices.Clone(before), every(all[0].Stream, store.ByCounter))
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(append(before, ask(all, every(all[0].Stream, store.ByCounter))...), got); d != "" {
		t.Errorf("appended to a row: -want +got\n%s", d)
	}
}

// testPages goes through all rows page by page.
func testPages(t *testing.T, s store.Store) {
	all := mixed(t, s, 100)
	for _, by := range keys {
		for _, descending := range []bool{false, true} {
			for _, limit := range []int{1, 7, 100, 1000} {
				q := every(all[0].Stream, by)
				q.Descending = descending
				want := ask(all, q)
				q.Limit = limit
				var got []store.Row
				for {
					n := len(got)
					var err error
					if got, err = s.Rows(t.Context(), got, q); err != nil {
						t.Fatal(err)
					}
					if len(got) == n {
						break
					}
					if len(got) > len(all) {
						t.Fatalf("%s: more rows than there are", describe(q))
					}
					q.After = new(by.Of(&got[len(got)-1]))
				}
				if d := diffRows(want, got); d != "" {
					t.Errorf("%s: -want +got\n%s", describe(q), d)
				}
			}
		}
	}
}

func testRead(t *testing.T, s store.Store) {
	cam := create(t, s, "cam")
	c := codec(t, s, cam.ID, 0)
	one, two := add(t, s, fragment(cam.ID, 1, c), 3000), add(t, s, fragment(cam.ID, 2, c), 5000)
	dst, err := s.Read(t.Context(), []byte("before"), &two)
	if err != nil {
		t.Fatal(err)
	}
	if dst, err = s.Read(t.Context(), dst, &one); err != nil {
		t.Fatal(err)
	}
	if want := slices.Concat([]byte("before"), content(cam.ID, 2, 5000), content(cam.ID, 1, 3000)); !slices.Equal(dst, want) {
		t.Error("the bytes appended are others")
	}
	for i := range dst {
		dst[i] = 0 // the caller's, not the store's
	}
	roomy := make([]byte, 0, 10000)
	got, err := s.Read(t.Context(), roomy, &one)
	if err != nil || !slices.Equal(got, content(cam.ID, 1, 3000)) {
		t.Errorf("read again: %v", err)
	}
	checkBytes(t, s, &two)
}
