package shared_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/shared"
	"github.com/seed63bb8431/weir/archive/store/shared/sharedtest"
)

// TestSweep leaves objects behind in all places: between a stream's rows, behind them, of streams that are gone and of none.
func TestSweep(t *testing.T) {
	for _, page := range []int{1, 2, 5, 1000} {
		t.Run(fmt.Sprint(page), func(t *testing.T) {
			shared.SetSweepRows(t, page)
			o := sharedtest.NewObjects()
			s := sharedtest.Open(t, t.TempDir(), o)
			defer s.Close()
			now := time.Unix(1_700_000_000, 0)
			o.Now = func() time.Time { return now }
			ctx := t.Context()
			var ids []int64
			for i := range 3 {
				st := store.Stream{Account: "a", Name: fmt.Sprint(i)}
				if err := s.CreateStream(ctx, &st); err != nil {
					t.Fatal(err)
				}
				ids = append(ids, st.ID)
				c, err := s.Codec(ctx, st.ID, store.Codec{})
				if err != nil {
					t.Fatal(err)
				}
				for k := range int64(8 * (i % 2)) { // the second alone has rows
					r := store.Row{Stream: st.ID, Number: store.Number{Counter: 10 + 10*k}, Server: k, Producer: k, Codec: c}
					if err := s.Append(ctx, &r, []byte{1}); err != nil {
						t.Fatal(err)
					}
				}
			}
			rows := slices.Sorted(maps.Keys(o.All))
			if len(rows) != 8 {
				t.Fatalf("%d objects", len(rows))
			}
			var old int64
			for _, id := range []int64{ids[0], ids[1], ids[2], 77, math.MaxInt64} {
				for _, counter := range []int64{1, 10, 15, 80, 81, 5000, math.MaxInt64} {
					o.All[shared.NameOf(id, counter, 9)] = sharedtest.Object{Data: make([]byte, 3), Modified: now.Add(-time.Hour - time.Second)}
					o.All[shared.NameOf(id, counter, 10)] = sharedtest.Object{Data: make([]byte, 3), Modified: now.Add(-time.Hour + time.Second)}
					old++
				}
			}
			o.All["fragments/readme"] = sharedtest.Object{Data: nil, Modified: now.Add(-time.Hour * 1000)}
			o.All["other/thing"] = sharedtest.Object{Data: nil, Modified: now.Add(-time.Hour * 1000)}
			want := shared.Swept{Objects: 8 + 2*old + 1, Strange: 1, Young: old, Orphans: old, Bytes: 3 * old}
			for _, keep := range []bool{true, false} {
				got, err := s.Sweep(ctx, now, keep)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("keep %v: -want +got\n%s", keep, d)
				}
			}
			got, err := s.Sweep(ctx, now.Add(time.Hour), false)
			want = shared.Swept{Objects: 8 + old + 1, Strange: 1, Orphans: old, Bytes: 3 * old}
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Errorf("an hour later: %v -want +got\n%s", err, d)
			}
			if d := cmp.Diff(append(rows, "fragments/readme", "other/thing"), slices.Sorted(maps.Keys(o.All))); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// TestNoOrphan appends to a stream that is deleted once the bytes are put.
func TestNoOrphan(t *testing.T) {
	dir, o := t.TempDir(), sharedtest.NewObjects()
	s := sharedtest.Open(t, dir, o)
	defer s.Close()
	ctx := t.Context()
	st := store.Stream{Account: "a", Name: "door"}
	if err := s.CreateStream(ctx, &st); err != nil {
		t.Fatal(err)
	}
	c, err := s.Codec(ctx, st.ID, store.Codec{})
	if err != nil {
		t.Fatal(err)
	}
	x, err := sharedtest.Index(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	put := 0
	other := shared.New(x, o.With(func(op string, _ int) (int, error) {
		if op == "write" {
			put++
			return 0, s.DeleteStream(ctx, st.ID)
		}
		return 0, nil
	}), nil)
	defer other.Close()
	r := store.Row{Stream: st.ID, Number: store.Number{Counter: 1}, Codec: c}
	if err := other.Append(ctx, &r, []byte("bytes")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("appended: %v", err)
	}
	if put != 1 || len(o.All) != 0 {
		t.Errorf("%d puts, %d objects are left", put, len(o.All))
	}
}

func TestNames(t *testing.T) {
	for _, n := range [][3]int64{{1, 1, 1}, {math.MaxInt64, math.MaxInt64, math.MaxInt64}, {255, 1001, 1 << 61}} {
		name := shared.NameOf(n[0], n[1], n[2])
		stream, counter, key, ok := shared.ParseName(name)
		if got := [3]int64{stream, counter, key}; got != n || !ok {
			t.Errorf("%s is %v, %v", name, got, ok)
		}
	}
	good := shared.NameOf(255, 1001, 5)
	for _, name := range []string{"", "fragments/", good + "0", good[:len(good)-1], "x" + good, strings.ToUpper(good), strings.Replace(good, "-", "/", 1),
		strings.Replace(good, "ff", "-1", 1), strings.Replace(good, "00ff", "+0ff", 1), strings.Replace(good, "0000", "ffff", 1)} {
		if _, _, _, ok := shared.ParseName(name); ok {
			t.Errorf("%q is a name", name)
		}
	}
	if a, b := shared.NameOf(9, 1<<40, 1), shared.NameOf(10, 1, 1); a >= b {
		t.Errorf("%s comes behind %s", a, b)
	}
}
