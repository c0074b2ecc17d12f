package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
	"github.com/seed63bb8431/weir/archive/store/shared/sharedtest"
	"github.com/seed63bb8431/weir/archive/store/transfer"
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// opened opens an archive of a kind.
type opened func(t *testing.T) store.Importer

func inDirectory(dir string) opened {
	return func(t *testing.T) store.Importer {
		t.Helper()
		s, err := local.Open(dir, &local.Options{PackSize: 20_000, Warn: func(err error) { t.Errorf("warned: %v", err) }})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func inShared(dir string, o *sharedtest.Objects) opened {
	return func(t *testing.T) store.Importer {
		t.Helper()
		return sharedtest.Open(t, dir, o)
	}
}

// fill makes streams with late rows, twins, changes of codec and gaps, or goes on with those that are there.
func fill(t *testing.T, s store.Store, seed uint64, each int) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		name := fmt.Sprintf("cam-%d", i)
		st, err := s.Stream(ctx, "a", name)
		if errors.Is(err, store.ErrNotFound) {
			st = store.Stream{Account: "a", Name: name, DeviceName: "d", Version: "1", Retention: time.Duration(i+1) * 24 * time.Hour, Created: began,
				Tags: map[string]string{"place": name}}
			err = s.CreateStream(ctx, &st)
		}
		must(err)
		rnd := rand.New(rand.NewPCG(seed, uint64(i)))
		head, err := s.Head(ctx, st.ID)
		must(err)
		at := began.Add(time.Duration(head.Seq) * 2 * time.Second)
		for up := range 3 {
			first, err := s.Reserve(ctx, st.ID)
			must(err)
			c, err := s.Codec(ctx, st.ID, store.Codec{Hash: [32]byte{byte(rnd.IntN(3))}, Delay: []byte{byte(up)}})
			must(err)
			for k := range int64(each * i) { // the first has none
				at = at.Add(2 * time.Second)
				r := store.Row{Stream: st.ID, Number: store.Number{Counter: first + k, Millis: at.UnixMilli(), Random: rnd.Uint32N(1 << 28)}, Server: at.UnixMicro(),
					Producer: at.UnixMicro(), Start: at.UnixNano(), End: at.UnixNano() + 2e9, Length: 2e9, Codec: store.Codec{ID: c.ID}, Settled: []byte{1, 2, byte(k)}}
				switch rnd.IntN(8) {
				case 0:
					r.Number.Counter = first - 500 + k // late, when there was an upload before
				case 1:
					r.Producer -= 2_000_000 // a twin
				case 2:
					r.Flags |= store.FlagBreak
				}
				data := make([]byte, rnd.IntN(2000))
				for i := range data {
					data[i] = byte(rnd.Uint32())
				}
				if err := s.Append(ctx, &r, data); err != nil && r.Number.Counter > first {
					t.Fatal(err)
				}
			}
		}
	}
}

// contents is everything that an archive tells.
type contents struct {
	Stream store.Stream
	Codecs []store.Codec
	Head   store.Head
	Rows   map[store.Key][]store.Row
	Data   [][]byte
}

func read(t *testing.T, s store.Keeper) (all []contents) {
	t.Helper()
	ctx := t.Context()
	streams, err := s.StreamsFrom(ctx, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range streams {
		c := contents{Stream: st, Rows: map[store.Key][]store.Row{}}
		if c.Codecs, err = s.Codecs(ctx, st.ID); err != nil {
			t.Fatal(err)
		}
		if c.Head, err = s.Head(ctx, st.ID); err != nil {
			t.Fatal(err)
		}
		for by := store.ByCounter; by <= store.ByTime; by++ {
			if c.Rows[by], err = s.Rows(ctx, nil, &store.Query{Stream: st.ID, By: by, From: math.MinInt64, To: math.MaxInt64, Limit: 10_000}); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range c.Rows[store.BySeq] {
			data, err := s.Read(ctx, nil, &r)
			if err != nil && !errors.Is(err, store.ErrGone) {
				t.Fatal(err)
			}
			c.Data = append(c.Data, data)
		}
		all = append(all, c)
	}
	return all
}

// same compares archives but for where their bytes are.
func same(t *testing.T, what string, want, got []contents) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(store.Blob{}, "Key", "Offset"), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("%s: -want +got\n%s", what, d)
	}
}

// TestArchive copies each kind of archive into each, in two steps, and goes on with the copy.
func TestArchive(t *testing.T) {
	for _, name := range []string{"local to local", "local to shared", "shared to local", "shared to shared"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it waits for the disk
			var from, to opened
			dir := filepath.Join(t.TempDir(), "to")
			from, to = inDirectory(t.TempDir()), inDirectory(dir)
			if name[:5] != "local" {
				from = inShared(t.TempDir(), sharedtest.NewObjects())
			}
			if name[len(name)-5:] != "local" {
				if err := os.Mkdir(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				to = inShared(dir, sharedtest.NewObjects())
			}
			a, b := from(t), to(t)
			defer func() { _ = errors.Join(a.Close(), b.Close()) }()
			o := &transfer.Options{Now: func() time.Time { return began }}
			ctx := t.Context()
			for seed := range uint64(2) {
				fill(t, a, seed, 4)
				want := read(t, a)
				done, err := transfer.Archive(ctx, a, b, o)
				if err != nil {
					t.Fatal(err)
				}
				if done.Streams != 3 || done.Fragments < 25 || done.Damaged+done.Expired+done.Late != 0 {
					t.Errorf("%+v", done)
				}
				same(t, "copied", want, read(t, b))
				done, err = transfer.Archive(ctx, a, b, o)
				if d := cmp.Diff(transfer.Copied{Streams: 3}, done); d != "" || err != nil {
					t.Errorf("once more: %v, -want +got\n%s", err, d)
				}
			}
			if s, ok := b.(*local.Store); ok {
				want := read(t, b)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if _, err := local.Reindex(ctx, dir, nil); err != nil {
					t.Fatal(err)
				}
				b = to(t)
				same(t, "made anew", want, read(t, b))
			}
			// Both go on alike, but for IDs that the copy has not given out.
			fill(t, a, 7, 5)
			fill(t, b, 7, 5)
			want, got := read(t, a), read(t, b)
			for i := range want {
				if d := cmp.Diff(want[i].Head, got[i].Head, cmpopts.IgnoreFields(store.Head{}, "Codec")); d != "" {
					t.Errorf("stream %d goes on in another way: -want +got\n%s", i, d)
				}
			}
			if _, err := transfer.Archive(ctx, a, b, o); err != nil {
				t.Errorf("as long as the copy has no more: %v", err)
			}
			fill(t, b, 8, 5)
			if _, err := transfer.Archive(ctx, a, b, o); !errors.Is(err, store.ErrVersion) {
				t.Errorf("a copy that has more: %v", err)
			}
		})
	}
}

// TestStranger copies into an archive that has other streams by the same IDs or names.
func TestStranger(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"cam-0", "another"} {
		for _, kind := range []string{"local", "shared"} {
			from, to := inDirectory(t.TempDir()), inDirectory(t.TempDir())
			if kind == "shared" {
				to = inShared(t.TempDir(), sharedtest.NewObjects())
			}
			a, b := from(t), to(t)
			fill(t, a, 1, 2)
			var extra int
			if name == "cam-0" {
				extra = 20 // so that the ID is another one
			}
			for i := range extra {
				if err := b.CreateStream(t.Context(), &store.Stream{Account: "a", Name: fmt.Sprint(i)}); err != nil {
					t.Fatal(err)
				}
				st, err := b.Stream(t.Context(), "a", fmt.Sprint(i))
				if err == nil {
					err = b.DeleteStream(t.Context(), st.ID)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if _, err := b.Collect(t.Context(), began, 0); err != nil {
				t.Fatal(err)
			}
			if err := b.CreateStream(t.Context(), &store.Stream{Account: "a", Name: name}); err != nil {
				t.Fatal(err)
			}
			before := read(t, b)
			if _, err := transfer.Archive(t.Context(), a, b, nil); !errors.Is(err, store.ErrExists) {
				t.Errorf("%s, %s: %v", kind, name, err)
			}
			same(t, kind+", "+name, before, read(t, b))
			if err := errors.Join(a.Close(), b.Close()); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestDamaged leaves behind what cannot be read, and what has expired.
func TestDamaged(t *testing.T) {
	t.Parallel()
	o := sharedtest.NewObjects()
	a, b := inShared(t.TempDir(), o)(t), inDirectory(t.TempDir())(t)
	defer func() { _ = errors.Join(a.Close(), b.Close()) }()
	fill(t, a, 1, 8)
	total := int64(0)
	for _, c := range read(t, a) {
		total += int64(len(c.Data))
	}
	var gone, turned string
	for name, object := range o.All {
		switch {
		case gone == "":
			gone = name
		case turned == "" && len(object.Data) > 0:
			turned = name
		}
	}
	delete(o.All, gone)
	o.All[turned].Data[0] ^= 1
	var told []error
	done, err := transfer.Archive(t.Context(), a, b, &transfer.Options{Now: func() time.Time { return began },
		Damaged: func(_ *store.Stream, _ *store.Row, err error) { told = append(told, err) }})
	if err != nil || done.Damaged != 2 || done.Fragments != total-2 || len(told) != 2 {
		t.Errorf("%+v of %d, %v, told %v", done, total, err, told)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := transfer.Archive(ctx, a, b, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	c := inDirectory(t.TempDir())(t)
	defer c.Close()
	if _, err := a.Collect(t.Context(), began.Add(49*time.Hour), 100*time.Hour); err != nil {
		t.Fatal(err)
	}
	done, err = transfer.Archive(t.Context(), a, c, &transfer.Options{Now: func() time.Time { return began.Add(49 * time.Hour) }})
	if err != nil || done.Expired == 0 || done.Expired+done.Fragments+done.Damaged != total {
		t.Errorf("%+v of %d, %v", done, total, err)
	}
}
