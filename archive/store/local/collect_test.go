package local_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
)

const day = 24 * time.Hour

// mixedPack makes an archive with one pack that has n fragments each of a stream that expires after 10 days, and of one that does
// after 20; the sizes are those of their fragments.
func mixedPack(t *testing.T, o local.Options, n int64, short, long int) (s *local.Store, dir string, ids [2]int64) {
	t.Helper()
	dir = t.TempDir()
	s = open(t, dir, o)
	for i, retention := range []time.Duration{10 * day, 20 * day} {
		id, c := camera(t, s, fmt.Sprint("cam", i))
		st, err := s.StreamByID(t.Context(), id)
		check(t, err)
		st.Retention = retention
		check(t, s.UpdateStream(t.Context(), &st, st.Version))
		for k := range n {
			put(t, s, at(fragment(id, k+1, c), began), []int{short, long}[i])
		}
		ids[i] = id
	}
	if n := len(packs(t, dir)); n != 1 {
		t.Fatalf("there are %d packs", n)
	}
	return s, dir, ids
}

func packPath(dir string, r *store.Row) string {
	return filepath.Join(dir, "packs", fmt.Sprintf("%016x.pack", r.Blob.Key))
}

// TestClear moves what is wanted out of a pack that is mostly dead.
func TestClear(t *testing.T) {
	for _, c := range []struct {
		short, long int
		cleared     bool
	}{{5001, 5000, true}, {5000, 5000, false}, {5000, 5001, false}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			s, dir, ids := mixedPack(t, local.Options{}, 10, c.short, c.long)
			before := states(t, s)
			size := packs(t, dir)[filepath.Base(packPath(dir, &before[0].Rows[0]))]
			done, err := s.Collect(t.Context(), began.Add(15*day), 100*day)
			check(t, err)
			after := states(t, s)
			for i := range before[0].Sums {
				before[0].Sums[i] = 0 // gone
			}
			if d := diff(before, after); d != "" {
				t.Errorf("-before +after\n%s", d)
			}
			old, now := before[1].Rows[0].Blob, after[1].Rows[0].Blob
			want := store.Collected{}
			if c.cleared {
				want.Bytes = size - 10*int64(c.long)
			}
			if done != want || (old != now) != c.cleared || len(packs(t, dir)) != 1 {
				t.Errorf("%+v, want %+v; %+v was at %+v; packs %v", done, want, now, old, packs(t, dir))
			}
			for _, r := range before[1].Rows { // as a caller has them from before
				if data, err := s.Read(t.Context(), nil, &r); err != nil || string(data) != string(content(ids[1], r.Number.Counter, c.long)) {
					t.Errorf("reading fragment %d: %v", r.Number.Counter, err)
				}
			}
			if done, err := s.Collect(t.Context(), began.Add(15*day), 100*day); err != nil || done != (store.Collected{}) {
				t.Errorf("again: %+v, %v", done, err)
			}
			goOnAt(t, s, began.Add(15*day))
			after = states(t, s)
			closed(t, s)
			if s = open(t, dir, local.Options{}); diff(after, states(t, s)) != "" {
				t.Error("opened again it is another")
			}
			closed(t, s)
			loseIndex(t, dir)
			report, err := local.Reindex(t.Context(), dir, nil)
			check(t, err)
			s = open(t, dir, local.Options{})
			_, err = s.Collect(t.Context(), began.Add(15*day), 100*day)
			check(t, err)
			got := states(t, s)
			if c.cleared { // the rows without bytes are lost with the index
				after[0].Rows, after[0].Sums = after[0].Rows[10:], after[0].Sums[10:]
			}
			if d := diff(after, got); d != "" {
				t.Errorf("reindexed, %+v: -want +got\n%s", report, d)
			}
		})
	}
}

// TestClearDamaged leaves a damaged fragment where it is until it expires.
func TestClearDamaged(t *testing.T) {
	var warned []error
	s, dir, _ := mixedPack(t, local.Options{Warn: func(err error) { warned = append(warned, err) }}, 3, 5000, 4000)
	rows := states(t, s)[1].Rows
	f, err := os.OpenFile(packPath(dir, &rows[1]), os.O_RDWR, 0)
	check(t, err)
	_, err = f.WriteAt([]byte("damage"), rows[1].Blob.Offset+100)
	check(t, errors.Join(err, f.Close()))
	_, err = s.Collect(t.Context(), began.Add(15*day), 0)
	check(t, err)
	if len(warned) != 1 || !errors.Is(warned[0], store.ErrDamaged) || len(packs(t, dir)) != 2 {
		t.Errorf("warned of %v, packs %v", warned, packs(t, dir))
	}
	for i, r := range rowsOf(t, s, rows[0].Stream) {
		_, err := s.Read(t.Context(), nil, &r)
		if moved := r.Blob.Key != rows[i].Blob.Key; moved != (i != 1) || (err != nil) != (i == 1) || i == 1 && !errors.Is(err, store.ErrDamaged) {
			t.Errorf("fragment %d, moved: %v: %v", i, moved, err)
		}
	}
	done, err := s.Collect(t.Context(), began.Add(25*day), 0)
	if err != nil || done.Rows != 3 || len(packs(t, dir)) != 0 {
		t.Errorf("%+v, %v; packs %v", done, err, packs(t, dir))
	}
}

// TestClearNext collects, appends and reads at once, with an archive of small packs.
func TestClearNext(t *testing.T) {
	s := open(t, t.TempDir(), local.Options{PackSize: 40_000})
	var cams []store.Row
	for i, retention := range []time.Duration{2 * day, 5 * day} {
		id, c := camera(t, s, fmt.Sprint("cam", i))
		st, err := s.StreamByID(t.Context(), id)
		check(t, err)
		st.Retention = retention
		check(t, s.UpdateStream(t.Context(), &st, st.Version))
		cams = append(cams, fragment(id, 0, c))
	}
	const each = 60
	var writers, others sync.WaitGroup
	var mu sync.Mutex
	var kept []store.Row // of the stream that does not expire meanwhile
	stop := make(chan struct{})
	for i, cam := range cams {
		writers.Go(func() {
			for n := range int64(each) {
				r := at(fragment(cam.Stream, n+1, cam.Codec), began)
				if err := s.Append(t.Context(), &r, content(cam.Stream, n+1, 3000)); err != nil {
					t.Error(err)
					return
				}
				if i == 1 {
					mu.Lock()
					kept = append(kept, r)
					mu.Unlock()
				}
			}
		})
	}
	others.Go(func() {
		for {
			if _, err := s.Collect(t.Context(), began.Add(3*day), 0); err != nil {
				t.Error(err)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	for range 2 {
		others.Go(func() {
			for n := 0; ; n++ {
				mu.Lock()
				some := append([]store.Row(nil), kept...)
				mu.Unlock()
				if len(some) > 0 {
					r := &some[n%len(some)]
					if data, err := s.Read(t.Context(), nil, r); err != nil || string(data) != string(content(r.Stream, r.Number.Counter, 3000)) {
						t.Errorf("reading fragment %d: %v", r.Number.Counter, err)
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	others.Wait()
	_, err := s.Collect(t.Context(), began.Add(3*day), 0)
	check(t, err)
	all := states(t, s)
	if len(all[0].Rows) != 0 || len(all[1].Rows) != each || all[0].Head.Seq != each {
		t.Errorf("%d and %d rows are left", len(all[0].Rows), len(all[1].Rows))
	}
	for _, r := range all[1].Rows {
		if data, err := s.Read(t.Context(), nil, &r); err != nil || len(data) != 3000 {
			t.Errorf("reading fragment %d: %v", r.Number.Counter, err)
		}
	}
}

// TestPackMissing loses a pack: its fragments are gone, and that is all.
func TestPackMissing(t *testing.T) {
	var warned []error
	dir := t.TempDir()
	s := open(t, dir, local.Options{PackSize: 1, Warn: func(err error) { warned = append(warned, err) }})
	id, c := camera(t, s, "cam")
	var rows []store.Row
	for n := range int64(2) {
		rows = append(rows, put(t, s, at(fragment(id, n+1, c), began.Add(time.Duration(n)*10*day)), 1000))
	}
	if rows[0].Blob.Key == rows[1].Blob.Key {
		t.Fatal("two fragments share a pack")
	}
	check(t, os.Remove(packPath(dir, &rows[1])))
	if _, err := s.Read(t.Context(), nil, &rows[1]); !errors.Is(err, store.ErrGone) {
		t.Errorf("a fragment whose pack is missing: %v", err)
	}
	if _, err := s.Read(t.Context(), nil, &rows[0]); err != nil {
		t.Errorf("another: %v", err)
	}
	copied := t.TempDir()
	check(t, s.Backup(t.Context(), copied))
	if len(warned) != 1 || len(packs(t, copied)) != 1 {
		t.Errorf("backed up into %v, warned of %v", packs(t, copied), warned)
	}
	for n, want := range []store.Collected{{Rows: 1, Bytes: rows[0].Size}, {Rows: 1, Bytes: rows[1].Size}} {
		done, err := s.Collect(t.Context(), began.Add(time.Duration(n)*10*day+2*day), 0)
		if err != nil || done.Rows != want.Rows || done.Bytes < want.Bytes || len(packs(t, dir)) != 0 {
			t.Errorf("%+v, %v, packs %v", done, err, packs(t, dir))
		}
	}
}

// TestIdle has packs end though nothing is appended any more.
func TestIdle(t *testing.T) {
	now := began
	dir := t.TempDir()
	s := open(t, dir, local.Options{Now: func() time.Time { return now }})
	id, c := camera(t, s, "cam")
	put(t, s, at(fragment(id, 1, c), began), 1000)
	put(t, s, at(fragment(id, 2, c), began.Add(time.Hour)), 1000)
	closed(t, s)
	s = open(t, dir, local.Options{Now: func() time.Time { return now }})
	for _, step := range []struct {
		after time.Duration
		packs int
	}{{0, 1}, {day + time.Minute, 1}, {day + time.Hour + time.Minute, 0}} {
		now = began.Add(step.after)
		_, err := s.Collect(t.Context(), now, day)
		check(t, err)
		if n := len(packs(t, dir)); n != step.packs {
			t.Errorf("after %v there are %d packs", step.after, n)
		}
	}
	if r := put(t, s, at(fragment(id, 3, c), now), 1000); r.Seq != 3 {
		t.Errorf("%+v", r)
	}
}
