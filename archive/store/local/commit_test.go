package local_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
	"github.com/seed63bb8431/weir/archive/store/pack"
)

// TestGroupCommit has many goroutines share syncs.
func TestGroupCommit(t *testing.T) {
	var syncs atomic.Int64
	s := open(t, t.TempDir(), local.Options{Hook: func(op string, size int) (int, error) {
		if op == "sync" {
			syncs.Add(1)
			time.Sleep(2 * time.Millisecond) // as a disk does, for the others to gather
		}
		return size, nil
	}})
	const producers, each = 16, 40
	var wg sync.WaitGroup
	var cams [producers]store.Row
	for i := range cams {
		id, c := camera(t, s, fmt.Sprint("cam", i))
		cams[i] = fragment(id, 0, c)
	}
	syncs.Store(0)
	for _, cam := range cams {
		wg.Go(func() {
			for n := range int64(each) {
				r := fragment(cam.Stream, n+1, cam.Codec)
				if err := s.Append(t.Context(), &r, content(cam.Stream, n+1, 2000)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := syncs.Load(); n > producers*each/5 {
		t.Errorf("%d appends took %d syncs", producers*each, n)
	}
	for _, cam := range cams {
		if n := len(rowsOf(t, s, cam.Stream)); n != each {
			t.Errorf("%d rows of %d", n, each)
		}
	}
}

// files are those of an archive of which a test says how much is free.
type files struct {
	pack.FS
	free atomic.Int64
}

func (f *files) Free() (int64, error) { return f.free.Load(), nil }

// TestFull fills the disk up to the headroom and frees some of it again.
func TestFull(t *testing.T) {
	f := new(files)
	f.free.Store(1 << 40)
	s := open(t, t.TempDir(), local.Options{Headroom: 1 << 20, Files: func(of pack.FS) pack.FS { f.FS = of; return f }})
	id, c := camera(t, s, "cam")
	kept := put(t, s, fragment(id, 1, c), 5000)
	for n, step := range []struct {
		free int64
		full bool
	}{{1<<20 + 20_000, false}, {1<<20 + 5000, true}, {1 << 20, true}, {0, true}, {1<<20 + 20_000, false}} {
		f.free.Store(step.free)
		r := fragment(id, int64(n)+2, c)
		err := s.Append(t.Context(), &r, content(id, int64(n)+2, 10_000))
		if errors.Is(err, store.ErrFull) != step.full || (err == nil) == step.full {
			t.Errorf("with %d bytes free: %v", step.free, err)
		}
		if data, err := s.Read(t.Context(), nil, &kept); err != nil || len(data) != 5000 {
			t.Errorf("reading: %v", err)
		}
		// What makes room goes on: a stream is made and deleted, and all is collected.
		gone, _ := camera(t, s, "gone")
		check(t, s.DeleteStream(t.Context(), gone))
		_, err = s.Collect(t.Context(), began, time.Hour)
		check(t, err)
	}
	if rows := rowsOf(t, s, id); len(rows) != 3 || rows[2].Seq != 3 {
		t.Errorf("%d rows", len(rows))
	}
}

// TestFullBatch lets a batch take no more than there is, each fragment by itself.
func TestFullBatch(t *testing.T) {
	f := new(files)
	f.free.Store(math.MaxInt64)
	hold := make(chan struct{})
	var held atomic.Bool
	s := open(t, t.TempDir(), local.Options{Headroom: -1, Files: func(of pack.FS) pack.FS { f.FS = of; return f },
		Hook: func(op string, size int) (int, error) {
			if op == "sync" && held.Load() {
				<-hold
			}
			return size, nil
		}})
	id, c := camera(t, s, "cam")
	held.Store(true)
	var wg sync.WaitGroup
	var full, stored atomic.Int64
	appendOne := func(n int64) {
		wg.Go(func() {
			r := fragment(id, n, c)
			switch err := s.Append(t.Context(), &r, content(id, n, 10_000)); {
			case err == nil:
				stored.Add(1)
			case errors.Is(err, store.ErrFull):
				full.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	appendOne(1)
	for n := range int64(20) {
		appendOne(n + 2)
	}
	f.free.Store(55_000)
	held.Store(false)
	close(hold)
	wg.Wait()
	if stored.Load() < 5 || stored.Load()+full.Load() != 21 || int64(len(rowsOf(t, s, id))) != stored.Load() {
		t.Errorf("%d were stored, %d were not", stored.Load(), full.Load())
	}
}

// TestSealed does not write to a pack again whose sync failed, and says so.
func TestSealed(t *testing.T) {
	var warned []error
	fail := false
	dir := t.TempDir()
	s := open(t, dir, local.Options{Warn: func(err error) { warned = append(warned, err) }, Hook: func(op string, size int) (int, error) {
		if op == "sync" && fail {
			fail = false
			return 0, syscall.EIO
		}
		return size, nil
	}})
	id, c := camera(t, s, "cam")
	one := put(t, s, fragment(id, 1, c), 1000)
	before := packs(t, dir)
	fail = true
	r := fragment(id, 2, c)
	if err := s.Append(t.Context(), &r, content(id, 2, 1000)); !errors.Is(err, syscall.EIO) {
		t.Fatalf("appending: %v", err)
	}
	if len(warned) != 1 || !errors.Is(warned[0], pack.ErrSealed) {
		t.Errorf("warned of %v", warned)
	}
	sealed := packs(t, dir)
	two := put(t, s, fragment(id, 2, c), 1000)
	after := packs(t, dir)
	if len(before) != 1 || len(after) != 2 || one.Blob.Key == two.Blob.Key || two.Seq != 2 {
		t.Errorf("packs were %v, are %v; row %+v", before, after, two)
	}
	for name, size := range sealed {
		if after[name] != size {
			t.Errorf("%s had %d bytes and has %d", name, size, after[name])
		}
	}
	closed(t, s)
	s = open(t, dir, local.Options{})
	if rows := rowsOf(t, s, id); len(rows) != 2 {
		t.Errorf("%d rows", len(rows))
	}
	three := put(t, s, fragment(id, 3, c), 1000)
	if three.Blob.Key != two.Blob.Key {
		t.Errorf("after Close and Open fragments go to pack %d, not on in %d", three.Blob.Key, two.Blob.Key)
	}
}

// TestBits turns single bits of stored fragments: each is damaged alone.
func TestBits(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, local.Options{})
	id, c := camera(t, s, "cam")
	for n := range int64(10) {
		put(t, s, fragment(id, n+1, c), 500)
	}
	rows := rowsOf(t, s, id)
	path := filepath.Join(dir, "packs", fmt.Sprintf("%016x.pack", rows[0].Blob.Key))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	check(t, err)
	defer f.Close()
	size := packs(t, dir)[filepath.Base(path)]
	for bit := int64(3); bit < size*8; bit += 101 {
		var b [1]byte
		_, err := f.ReadAt(b[:], bit/8)
		check(t, err)
		b[0] ^= 1 << (bit % 8)
		_, err = f.WriteAt(b[:], bit/8)
		check(t, err)
		for i := range rows {
			in := bit/8 >= rows[i].Blob.Offset && bit/8 < rows[i].Blob.Offset+rows[i].Size
			data, err := s.Read(t.Context(), nil, &rows[i])
			if in != errors.Is(err, store.ErrDamaged) || !in && (err != nil || len(data) != 500) {
				t.Fatalf("bit %d: fragment %d at %d: %v", bit, i, rows[i].Blob.Offset, err)
			}
		}
		b[0] ^= 1 << (bit % 8)
		_, err = f.WriteAt(b[:], bit/8)
		check(t, err)
	}
}

// TestRotation begins a new pack by size, by time and by retention.
func TestRotation(t *testing.T) {
	now := began
	s := open(t, t.TempDir(), local.Options{PackSize: 3000, Now: func() time.Time { return now }})
	id, c := camera(t, s, "cam")
	n := int64(0)
	next := func() int64 {
		n++
		return put(t, s, fragment(id, n, c), 1000).Blob.Key
	}
	retain := func(d time.Duration) {
		st, err := s.StreamByID(t.Context(), id)
		check(t, err)
		st.Retention = d
		check(t, s.UpdateStream(t.Context(), &st, st.Version))
	}
	first := next()
	if k := next(); k != first {
		t.Errorf("the second fragment is in pack %d, the first in %d", k, first)
	}
	next()
	second := next()
	if second == first {
		t.Error("a pack that is large enough is written to")
	}
	now = now.Add(3 * time.Hour)
	third := next()
	if third == second {
		t.Error("a pack is written to after its slot")
	}
	seen := map[int64]bool{first: true, second: true, third: true}
	for _, d := range []time.Duration{24*time.Hour + 1, 7*24*time.Hour + 1, 31*24*time.Hour + 1} {
		retain(d)
		k := next()
		if seen[k] {
			t.Errorf("with a retention of %v fragments go to a pack of others", d)
		}
		seen[k] = true
	}
	retain(24 * time.Hour)
	if k := next(); k != third {
		t.Errorf("with the retention from before: pack %d, not %d", k, third)
	}
}

// TestRefused has rows that an Append does not take, and leaves as they are.
func TestRefused(t *testing.T) {
	s := open(t, t.TempDir(), local.Options{})
	id, c := camera(t, s, "cam")
	_, foreign := camera(t, s, "other")
	for name, spoil := range map[string]func(r *store.Row){
		"no counter":      func(r *store.Row) { r.Number.Counter = 0 },
		"large random":    func(r *store.Row) { r.Number.Random = 1 << 28 },
		"negative millis": func(r *store.Row) { r.Number.Millis = -1 },
		"settled":         func(r *store.Row) { r.Settled = make([]byte, 4097) },
		"no codec":        func(r *store.Row) { r.Codec = store.Codec{} },
		"foreign codec":   func(r *store.Row) { r.Codec = foreign },
		"no stream":       func(r *store.Row) { r.Stream = 99 },
	} {
		r := fragment(id, 1, c)
		spoil(&r)
		before := r
		if err := s.Append(t.Context(), &r, []byte("data")); err == nil {
			t.Errorf("%s: taken", name)
		}
		if d := diff(before, r); d != "" {
			t.Errorf("%s: the row was changed: -before +after\n%s", name, d)
		}
	}
	for name, st := range map[string]store.Stream{
		"not UTF-8": {Account: account, Name: "a\xff"}, "NUL": {Account: account, Name: "a\x00"},
		"tag":      {Account: account, Name: "a", Tags: map[string]string{"k": "\xff"}},
		"too long": {Account: account, Name: "a", DeviceName: fmt.Sprintf("%300000d", 1)},
	} {
		if err := s.CreateStream(t.Context(), &st); err == nil || st.ID != 0 {
			t.Errorf("%s: made", name)
		}
	}
	put(t, s, fragment(id, 1, c), 10)
}
