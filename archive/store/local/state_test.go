package local_test

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/local"
)

const account = "111122223333"

// state is all that can be seen of a stream.
type state struct {
	Stream store.Stream
	Head   store.Head
	Rows   []store.Row
	Sums   []uint32 // of the bytes as they are read, 0 for those that are gone
}

func states(t testing.TB, s *local.Store) []state {
	t.Helper()
	streams, err := s.Streams(t.Context(), account, "", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	var all []state
	for _, st := range streams {
		one := state{Stream: st, Rows: rowsOf(t, s, st.ID)}
		if one.Head, err = s.Head(t.Context(), st.ID); err != nil {
			t.Fatal(err)
		}
		for i := range one.Rows {
			data, err := s.Read(t.Context(), nil, &one.Rows[i])
			if err != nil && !errors.Is(err, store.ErrGone) {
				t.Errorf("reading fragment %d of %s: %v", one.Rows[i].Number.Counter, st.Name, err)
			}
			one.Sums = append(one.Sums, store.Checksum(data))
		}
		all = append(all, one)
	}
	return all
}

func rowsOf(t testing.TB, s *local.Store, id int64) []store.Row {
	t.Helper()
	rows, err := s.Rows(t.Context(), nil, &store.Query{Stream: id, By: store.BySeq, From: math.MinInt64, To: math.MaxInt64, Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func diff(want, got any) string {
	return cmp.Diff(want, got, cmpopts.IgnoreFields(store.Row{}, "Blob"), cmpopts.EquateEmpty())
}

// content is what fragment n of a stream has.
func content(id, n int64, size int) []byte {
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[:], uint64(id))
	binary.BigEndian.PutUint64(seed[8:], uint64(n))
	data := make([]byte, size)
	_, _ = rand.NewChaCha8(seed).Read(data) // never fails
	return data
}

// put appends a row with size bytes.
func put(t testing.TB, s *local.Store, r store.Row, size int) store.Row {
	t.Helper()
	if err := s.Append(t.Context(), &r, content(r.Stream, r.Number.Counter, size)); err != nil {
		t.Fatalf("appending fragment %d: %v", r.Number.Counter, err)
	}
	return r
}

// at returns the row with another time of arrival.
func at(r store.Row, server time.Time) store.Row {
	r.Server = server.UnixMicro()
	return r
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// closed closes an archive before its test ends.
func closed(t testing.TB, s *local.Store) {
	t.Helper()
	check(t, s.Close())
}

// packs returns the sizes of an archive's packs by their names.
func packs(t testing.TB, dir string) map[string]int64 {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "packs"))
	check(t, err)
	sizes := map[string]int64{}
	for _, e := range entries {
		info, err := e.Info()
		check(t, err)
		sizes[e.Name()] = info.Size()
	}
	return sizes
}

// loseIndex removes the index of an archive that is closed.
func loseIndex(t testing.TB, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	check(t, err)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "index.db") {
			check(t, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
}
