package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// TestDurable closes a store and opens it again. Open opens the archive at dir, which is an empty directory at first; an implementation
// that keeps nothing in directories takes dir as a name. Only one store at a time is open there.
func TestDurable(t *testing.T, open func(t *testing.T, dir string) (store.Store, error)) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, reopen func() store.Store)
	}{
		{"all of it", durableAll},
		{"empty", durableEmpty},
		{"IDs", durableIDs},
		{"collected", durableCollected},
		{"deleted", durableDeleted},
		{"workloads at once", durableWorkloads},
		{"closed under way", durableClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			var s store.Store
			t.Cleanup(func() {
				if s != nil {
					_ = s.Close() // a second time, if nothing failed
				}
			})
			c.test(t, func() store.Store {
				t.Helper()
				if s != nil {
					if err := s.Close(); err != nil {
						t.Fatalf("closing: %v", err)
					}
				}
				var err error
				if s, err = open(t, dir); err != nil {
					s = nil
					t.Fatalf("opening: %v", err)
				}
				return s
			})
		})
	}
}

// picture is all that can be seen of a stream.
type picture struct {
	Stream store.Stream
	Head   store.Head
	Rows   []store.Row
	Sums   []uint32 // of the bytes as they are read, 0 for those that are gone
}

func pictures(t *testing.T, s store.Store) []picture {
	t.Helper()
	streams, err := s.Streams(t.Context(), account, "", "", 1000)
	if err != nil {
		t.Fatalf("streams: %v", err)
	}
	var all []picture
	for _, st := range streams {
		p := picture{Stream: st, Head: head(t, s, st.ID), Rows: rows(t, s, every(st.ID, store.BySeq))}
		for i := range p.Rows {
			data, err := s.Read(t.Context(), nil, &p.Rows[i])
			if err != nil && !errors.Is(err, store.ErrGone) {
				t.Errorf("reading fragment %d: %v", p.Rows[i].Number.Counter, err)
			}
			p.Sums = append(p.Sums, store.Checksum(data))
		}
		all = append(all, p)
	}
	return all
}

func durableAll(t *testing.T, reopen func() store.Store) {
	s := reopen()
	for _, name := range names {
		create(t, s, name)
	}
	cam := create(t, s, "camera")
	mixed(t, s, 60)
	cam.Version, cam.DeviceName, cam.Tags, cam.Retention = "v2", "changed", map[string]string{"new": "tag"}, 90*time.Minute
	if err := s.UpdateStream(t.Context(), &cam, "v1"); err != nil {
		t.Fatal(err)
	}
	reserve(t, s, cam.ID)
	c := codec(t, s, cam.ID, 3)
	for i, size := range []int{0, 1, 3 << 20, 100_000} {
		add(t, s, fragment(cam.ID, int64(i+1), c), size)
	}
	before := pictures(t, s)
	for range 3 {
		s = reopen()
		if d := diff(before, pictures(t, s)); d != "" {
			t.Fatalf("-before +after\n%s", d)
		}
	}
	if d := diff(c, codec(t, s, cam.ID, 3)); d != "" {
		t.Errorf("codec record: -before +after\n%s", d)
	}
	if other := codec(t, s, cam.ID, 4); other.ID == c.ID {
		t.Errorf("the codec record %d is used twice", c.ID)
	}
	if err := s.CreateStream(t.Context(), new(stream("camera"))); !errors.Is(err, store.ErrExists) {
		t.Errorf("the same name again: %v", err)
	}
	if err := s.UpdateStream(t.Context(), &cam, "v1"); !errors.Is(err, store.ErrVersion) {
		t.Errorf("an update of the first version: %v", err)
	}
	again := fragment(cam.ID, 1, c)
	if err := s.Append(t.Context(), &again, nil); err == nil {
		t.Error("the same counter again is taken")
	}
	twin := fragment(cam.ID, 1, c)
	twin.Number.Counter = 100
	if twin = add(t, s, twin, 10); twin.Live || twin.Seq != 5 {
		t.Errorf("the twin of a fragment stored before: %+v", twin)
	}
	if first := reserve(t, s, cam.ID); first != 1001 {
		t.Errorf("the counters go on with %d", first)
	}
	if err := replay(rows(t, s, every(cam.ID, store.BySeq)), head(t, s, cam.ID)); err != nil {
		t.Error(err)
	}
}

func durableEmpty(t *testing.T, reopen func() store.Store) {
	for range 3 {
		if got := pictures(t, reopen()); len(got) != 0 {
			t.Fatalf("an empty archive has %d streams", len(got))
		}
	}
	s := reopen()
	cam := create(t, s, "cam")
	r := add(t, s, fragment(cam.ID, 1, codec(t, s, cam.ID, 0)), 100)
	checkBytes(t, reopen(), &r)
}

// durableIDs makes and deletes things and opens the archive again between any two of them.
func durableIDs(t *testing.T, reopen func() store.Store) {
	streams, codecs := map[int64]bool{}, map[int64]bool{}
	for range 4 {
		cam := create(t, reopen(), "cam")
		c := codec(t, reopen(), cam.ID, 0)
		if streams[cam.ID] || codecs[c.ID] {
			t.Errorf("stream %d or codec record %d is used twice", cam.ID, c.ID)
		}
		streams[cam.ID], codecs[c.ID] = true, true
		for _, want := range []int64{1, 1001, 2001} {
			if first := reserve(t, reopen(), cam.ID); first != want {
				t.Errorf("counters from %d, not %d", first, want)
			}
		}
		if err := reopen().DeleteStream(t.Context(), cam.ID); err != nil {
			t.Fatal(err)
		}
	}
}

func durableCollected(t *testing.T, reopen func() store.Store) {
	s := reopen()
	cam, kept := create(t, s, "cam"), stream("kept")
	kept.Retention = 1000 * time.Hour
	if err := s.CreateStream(t.Context(), &kept); err != nil {
		t.Fatal(err)
	}
	reserve(t, s, cam.ID)
	reserve(t, s, cam.ID)
	all, others := spaced(t, s, cam, 20), spaced(t, s, kept, 20)
	before := head(t, s, cam.ID)
	c := codec(t, s, cam.ID, 0)
	collect(t, s, began.Add(10*time.Hour+cam.Retention+grace))
	s = reopen()
	checkLeft(t, s, all, began.Add(10*time.Hour), began.Add(10*time.Hour+grace))
	collect(t, s, began.Add(100*time.Hour+cam.Retention+grace))
	s = reopen()
	if got := rows(t, s, every(cam.ID, store.BySeq)); len(got) != 0 {
		t.Errorf("%d rows are left", len(got))
	}
	if d := diff(before, head(t, s, cam.ID)); d != "" {
		t.Errorf("head: -before +after\n%s", d)
	}
	if d := diff(c, codec(t, s, cam.ID, 0)); d != "" {
		t.Errorf("codec record: -before +after\n%s", d)
	}
	checkLeft(t, s, others, began, began)
	if first := reserve(t, s, cam.ID); first != 2001 {
		t.Errorf("the counters go on with %d", first)
	}
	r := add(t, s, fragment(cam.ID, 21, c), 100)
	want := r
	before.Admit(&want, false)
	if d := diff(want, r); d != "" {
		t.Errorf("the stream goes on: -want +got\n%s", d)
	}
	checkBytes(t, reopen(), &r)
}

func durableDeleted(t *testing.T, reopen func() store.Store) {
	s := reopen()
	cam, kept := create(t, s, "cam"), create(t, s, "kept")
	spaced(t, s, cam, 5)
	others := spaced(t, s, kept, 5)
	if err := s.DeleteStream(t.Context(), cam.ID); err != nil {
		t.Fatal(err)
	}
	s = reopen()
	if _, err := s.Stream(t.Context(), account, "cam"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a deleted stream: %v", err)
	}
	if _, err := s.Head(t.Context(), cam.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("its head: %v", err)
	}
	again := create(t, s, "cam")
	collect(t, s, began)
	s = reopen()
	if d := diff(store.Head{}, head(t, s, again.ID)); d != "" {
		t.Errorf("head of the stream made again: -want +got\n%s", d)
	}
	if got := rows(t, s, every(again.ID, store.BySeq)); len(got) != 0 {
		t.Errorf("it has %d rows", len(got))
	}
	checkLeft(t, s, others, began, began)
}

func durableWorkloads(t *testing.T, reopen func() store.Store) {
	var all []*Workload
	for seed := range uint64(4) {
		all = append(all, NewWorkload(seed))
	}
	for range 3 {
		s := reopen()
		var wg sync.WaitGroup
		for _, w := range all {
			wg.Go(func() {
				for _, f := range w.Run(t.Context(), s, 60) {
					t.Error(f)
				}
			})
		}
		wg.Wait()
		s = reopen()
		for _, w := range all {
			if err := w.Check(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func durableClosed(t *testing.T, reopen func() store.Store) {
	var all []*Workload
	for seed := range uint64(4) {
		all = append(all, NewWorkload(seed))
	}
	for range 3 {
		s := reopen()
		var begun, ended sync.WaitGroup
		for _, w := range all {
			begun.Add(1)
			ended.Go(func() {
				fails := w.Run(t.Context(), s, 5)
				begun.Done()
				fails = append(fails, w.Run(t.Context(), s, 200)...)
				for _, f := range fails {
					if !errors.Is(f.Err, store.ErrClosed) {
						t.Error(f)
					}
				}
			})
		}
		begun.Wait()
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
		ended.Wait()
		s = reopen()
		for _, w := range all {
			if err := w.Check(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
}
