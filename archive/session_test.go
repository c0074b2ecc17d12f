package archive_test

import (
	"context"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
	"github.com/seed63bb8431/weir/archive/store/memory"
)

// TestTwelveHours watches a live window for twelve hours on a stream that keeps one: the sequences that playlists are made of
// (timeline.md, 6 and 7) never go back and count every mark that has left the window, and the session's first row stays until its end.
func TestTwelveHours(t *testing.T) {
	stores := map[string]func(*testing.T) store.Store{
		"memory": func(*testing.T) store.Store { return memory.New() },
		"local": func(t *testing.T) store.Store {
			st, err := local.Open(t.TempDir(), &local.Options{Headroom: -1})
			if err != nil {
				t.Fatal(err)
			}
			return st
		},
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			st := open(t)
			defer st.Close()
			watch(t, st, time.Minute)
		})
	}
}

// watch fills a stream with fragments of a length for twelve hours and looks at the newest five after each.
func watch(t *testing.T, st store.Store, length time.Duration) {
	const window = 5
	ctx := context.Background()
	began := time.UnixMilli(begin)
	s := store.Stream{Account: "1", Name: "cam", Retention: time.Hour, Created: began, Version: "v"}
	if err := st.CreateStream(ctx, &s); err != nil {
		t.Fatal(err)
	}
	counter, left := int64(0), int64(0)
	var all []store.Row // what was live, in the order of becoming visible
	var media, marks int64
	at := began
	codecs := [2]store.Codec{}
	for i := range codecs {
		c, err := st.Codec(ctx, s.ID, store.Codec{Hash: [32]byte{byte(i)}})
		if err != nil {
			t.Fatal(err)
		}
		codecs[i] = c
	}
	for n := 0; at.Before(began.Add(12 * time.Hour)); n++ {
		if left == 0 {
			first, err := st.Reserve(ctx, s.ID)
			if err != nil {
				t.Fatal(err)
			}
			counter, left = first, store.CounterStep
		}
		if n%17 == 16 {
			at = at.Add(17 * time.Second) // something is missing
		}
		r := store.Row{Stream: s.ID, Number: store.Number{Counter: counter, Millis: at.UnixMilli()}, Server: at.UnixMicro(), Producer: at.UnixMicro(),
			Start: at.UnixNano(), End: at.Add(length).UnixNano(), Length: int64(length), Codec: codecs[n/31%2]}
		counter, left = counter+1, left-1
		if err := st.Append(ctx, &r, []byte{byte(n)}); err != nil {
			t.Fatal(err)
		}
		at = at.Add(length)
		all = append(all, r)
		if n%10 == 9 {
			if _, err := st.Collect(ctx, at, 12*time.Hour+10*time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		rows, err := st.Rows(ctx, nil, &store.Query{Stream: s.ID, By: store.ByOrd, From: r.Ord - window + 1, To: r.Ord, Live: true, Limit: window})
		if err != nil {
			t.Fatal(err)
		}
		first, w := &all[0], &rows[0]
		sequence := w.Ord - first.Ord
		own := int64(0)
		if w.Break != 0 {
			own = 1
		}
		discontinuities := int64(0)
		if w.Seq != first.Seq {
			discontinuities = w.Gaps - own - first.Gaps
		}
		left := int64(0) // counted one by one: the marks before the window, but that of the session's first row
		for i := 1; i < len(all)-len(rows); i++ {
			if all[i].Break != 0 {
				left++
			}
		}
		if sequence < media || discontinuities < marks || discontinuities != left || sequence != int64(len(all)-len(rows)) {
			t.Fatalf("fragment %d: media sequence %d after %d, discontinuity sequence %d after %d, %d marks have left", n, sequence, media, discontinuities, marks, left)
		}
		media, marks = sequence, discontinuities
	}
	rows, err := st.Rows(ctx, nil, &store.Query{Stream: s.ID, By: store.BySeq, From: all[0].Seq, To: all[0].Seq, Limit: 1})
	if err != nil || len(rows) != 1 || rows[0].Number != all[0].Number {
		t.Errorf("the first row is gone after twelve hours: %v, %v", rows, err)
	}
	if marks < 40 {
		t.Errorf("%d marks have left the window in all; the test has hardly any", marks)
	}
	if removed, err := st.Collect(ctx, at.Add(time.Hour+11*time.Minute), 12*time.Hour+10*time.Minute); err != nil || removed.Rows == 0 {
		t.Errorf("more than thirteen hours later: %+v, %v", removed, err)
	}
	if head, err := st.Head(ctx, s.ID); err != nil || head.Ord != int64(len(all)) {
		t.Errorf("the head: %+v, %v; %d rows were stored", head, err, len(all))
	}
}
