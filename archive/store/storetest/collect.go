package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

const grace = 12*time.Hour + 10*time.Minute

func collect(t *testing.T, s store.Store, now time.Time) store.Collected {
	t.Helper()
	done, err := s.Collect(t.Context(), now, grace)
	if err != nil {
		t.Fatalf("collecting: %v", err)
	}
	return done
}

// checkLeft looks at a stream after it was collected: rows older than last are gone, bytes of those older than expiry may be.
func checkLeft(t *testing.T, s store.Store, before []store.Row, last, expiry time.Time) {
	t.Helper()
	want := slices.DeleteFunc(slices.Clone(before), func(r store.Row) bool { return r.Server < last.UnixMicro() })
	got := rows(t, s, every(before[0].Stream, store.BySeq))
	if d := diffRows(want, got); d != "" {
		t.Errorf("rows: -want +got\n%s", d)
	}
	for _, r := range slices.Concat(before, got) {
		data, err := s.Read(t.Context(), nil, &r)
		switch expired := r.Server < expiry.UnixMicro(); {
		case errors.Is(err, store.ErrGone) && expired:
		case err != nil:
			t.Errorf("fragment %d, expired: %v: %v", r.Number.Counter, expired, err)
		case !slices.Equal(data, content(r.Stream, r.Number.Counter, int(r.Size))):
			t.Errorf("fragment %d has other bytes", r.Number.Counter)
		}
	}
}

// spaced appends n fragments an hour apart, the first at began.
func spaced(t *testing.T, s store.Store, st store.Stream, n int) []store.Row {
	t.Helper()
	c := codec(t, s, st.ID, 0)
	var all []store.Row
	for i := range n {
		r := fragment(st.ID, int64(i+1), c)
		r.Server = began.Add(time.Duration(i) * time.Hour).UnixMicro()
		all = append(all, add(t, s, r, 5000+i))
	}
	return all
}

// testCollect lets an archive of three days grow old by the hour.
func testCollect(t *testing.T, s store.Store) {
	cam, short, none := create(t, s, "cam"), stream("short"), stream("none")
	short.Retention, none.Retention = time.Hour, 0
	for _, st := range []*store.Stream{&short, &none} {
		if err := s.CreateStream(t.Context(), st); err != nil {
			t.Fatal(err)
		}
	}
	all := map[int64][]store.Row{}
	var heads []store.Head
	streams := []store.Stream{cam, short, none}
	for _, st := range streams {
		reserve(t, s, st.ID)
		all[st.ID] = spaced(t, s, st, 72)
		heads = append(heads, head(t, s, st.ID))
	}
	var removed int64
	for hour := 0; hour <= 120; hour += 5 {
		now := began.Add(time.Duration(hour) * time.Hour)
		removed += collect(t, s, now).Rows
		for i, st := range streams {
			expiry := now.Add(-st.Retention)
			checkLeft(t, s, all[st.ID], expiry.Add(-grace), expiry)
			if d := diff(heads[i], head(t, s, st.ID)); d != "" {
				t.Errorf("head after collecting: -before +after\n%s", d)
			}
		}
		if t.Failed() {
			t.Fatalf("at hour %d", hour)
		}
	}
	if removed != 3*72 {
		t.Errorf("%d rows were removed of %d", removed, 3*72)
	}
	r := fragment(cam.ID, 1000, codec(t, s, cam.ID, 0))
	r.Producer = all[cam.ID][0].Producer // its twin is gone
	if r = add(t, s, r, 700); r.Seq != 73 || r.Ord != 73 || !r.Live || r.Time != all[cam.ID][71].Time+2e9 {
		t.Errorf("the stream goes on with %+v", r)
	}
	if first := reserve(t, s, cam.ID); first != 1001 {
		t.Errorf("the counters go on with %d", first)
	}
	checkBytes(t, s, &r)
}

// testCollectAll collects when nothing is left to keep: all bytes are given back, though some rows stay.
func testCollectAll(t *testing.T, s store.Store) {
	cam, gone := create(t, s, "cam"), create(t, s, "gone")
	kept, deleted := spaced(t, s, cam, 10), spaced(t, s, gone, 10)
	if err := s.DeleteStream(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	now := began.Add(10*time.Hour + cam.Retention)
	done := collect(t, s, now)
	checkLeft(t, s, kept, began, now)
	if done.Rows != 0 || done.Bytes < 10*5000 {
		t.Errorf("collected: %+v", done)
	}
	for _, r := range slices.Concat(kept, deleted) {
		if _, err := s.Read(t.Context(), nil, &r); !errors.Is(err, store.ErrGone) {
			t.Errorf("reading fragment %d: %v", r.Number.Counter, err)
		}
	}
	if done := collect(t, s, now.Add(10*time.Hour+grace)); done.Rows != 10 {
		t.Errorf("%d rows were removed of 10", done.Rows)
	}
	if done := collect(t, s, now.Add(1000*time.Hour)); done != (store.Collected{}) {
		t.Errorf("collected of nothing: %+v", done)
	}
	r := add(t, s, fragment(cam.ID, 11, codec(t, s, cam.ID, 0)), 700)
	checkBytes(t, s, &r)
}

// testCollectBorders looks at a row a microsecond to either side.
func testCollectBorders(t *testing.T, s store.Store) {
	cam := create(t, s, "cam")
	c := codec(t, s, cam.ID, 0)
	var all []store.Row
	for i := range int64(5) {
		r := fragment(cam.ID, i+1, c)
		r.Server = began.UnixMicro() + i
		all = append(all, add(t, s, r, 100))
	}
	for i := range 6 {
		expiry := began.Add(time.Duration(i) * time.Microsecond)
		collect(t, s, expiry.Add(cam.Retention))
		checkLeft(t, s, all, began, expiry)
	}
	for i := range 6 {
		last := began.Add(time.Duration(i) * time.Microsecond)
		done := collect(t, s, last.Add(cam.Retention+grace))
		if want := min(int64(i), 1); done.Rows != want {
			t.Errorf("after %d µs %d rows were removed, not %d", i, done.Rows, want)
		}
		checkLeft(t, s, all, last, last.Add(grace))
	}
}

// testCollectRetention changes a stream's retention: it counts as it is when rows are collected.
func testCollectRetention(t *testing.T, s store.Store) {
	cam := create(t, s, "cam")
	all := spaced(t, s, cam, 48)
	now := began.Add(48 * time.Hour)
	change := func(retention time.Duration, from, to string) {
		t.Helper()
		cam.Retention, cam.Version = retention, to
		if err := s.UpdateStream(t.Context(), &cam, from); err != nil {
			t.Fatal(err)
		}
	}
	change(1000*time.Hour, "v1", "v2")
	collect(t, s, now)
	checkLeft(t, s, all, began, began)
	change(24*time.Hour, "v2", "v3")
	collect(t, s, now)
	checkLeft(t, s, all, now.Add(-24*time.Hour-grace), now.Add(-24*time.Hour))
	// What is gone does not come back, what is there stays.
	change(1000*time.Hour, "v3", "v4")
	collect(t, s, now)
	checkLeft(t, s, all, now.Add(-24*time.Hour-grace), now.Add(-24*time.Hour))
}

// testEverything does all at once, so that the race detector has something to look at.
func testEverything(t *testing.T, s store.Store) {
	const each = 40
	streams := []store.Stream{create(t, s, "a"), create(t, s, "b")}
	c := map[int64]store.Codec{}
	for _, st := range streams {
		c[st.ID] = codec(t, s, st.ID, 0)
		old := fragment(st.ID, 1, c[st.ID])
		old.Server = 0
		add(t, s, old, 1000)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var writers, others sync.WaitGroup
	for g := range 4 {
		st := streams[g%2]
		writers.Go(func() {
			for i := range int64(each) {
				r := fragment(st.ID, 1000*int64(g+1)+i, c[st.ID])
				if err := s.Append(t.Context(), &r, content(st.ID, r.Number.Counter, 3000)); err != nil {
					t.Errorf("appending: %v", err)
				}
			}
		})
	}
	repeat := func(what string, do func() error) {
		others.Go(func() {
			for ctx.Err() == nil {
				if err := do(); err != nil {
					t.Errorf("%s: %v", what, err)
					return
				}
			}
		})
	}
	repeat("reading", func() error {
		q := every(streams[0].ID, store.ByServer)
		q.Descending, q.Limit, q.Since = true, 5, began.UnixMicro()
		got, err := s.Rows(t.Context(), nil, q)
		for i := range got {
			data, e := s.Read(t.Context(), nil, &got[i])
			if e == nil && !slices.Equal(data, content(got[i].Stream, got[i].Number.Counter, 3000)) {
				e = errors.New("other bytes")
			}
			err = errors.Join(err, e)
		}
		return err
	})
	repeat("collecting", func() error {
		_, err := s.Collect(t.Context(), began, grace)
		return err
	})
	repeat("reserving", func() error {
		_, err := s.Reserve(t.Context(), streams[1].ID)
		return err
	})
	repeat("making and deleting", func() error {
		st := stream("short-lived")
		if err := s.CreateStream(t.Context(), &st); err != nil {
			return err
		}
		record, err := s.Codec(t.Context(), st.ID, store.Codec{})
		r := fragment(st.ID, 1, record)
		if err == nil {
			err = s.Append(t.Context(), &r, []byte("short-lived"))
		}
		return errors.Join(err, s.DeleteStream(t.Context(), st.ID))
	})
	repeat("listing", func() error {
		_, err := s.Streams(t.Context(), account, "", "", 10)
		return err
	})
	writers.Wait()
	cancel()
	others.Wait()
	for _, st := range streams {
		all := rows(t, s, every(st.ID, store.BySeq))
		if len(all) != 2*each {
			t.Errorf("there are %d rows of %d", len(all), 2*each)
		}
		for i := range all {
			if all[i].Seq != int64(i+2) {
				t.Errorf("row %d has Seq %d", i, all[i].Seq)
			}
			checkBytes(t, s, &all[i])
		}
	}
}
