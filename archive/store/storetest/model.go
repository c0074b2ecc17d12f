package storetest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed63bb8431/weir/archive/store"
)

// began is when the producers of the suite begin.
var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const account = "111122223333"

// equal compares what a store returned with what it was given. Where the bytes are is the store's own.
var equal = []gocmp.Option{cmpopts.IgnoreFields(store.Row{}, "Blob"), cmpopts.EquateEmpty()}

func diff(want, got any) string { return gocmp.Diff(want, got, equal...) }

// diffRows is diff for many rows, which takes long to go through fields one by one.
func diffRows(want, got []store.Row) string {
	if slices.EqualFunc(want, got, func(a, b store.Row) bool { return reflect.DeepEqual(bare(a), bare(b)) }) {
		return ""
	}
	return cmp.Or(diff(want, got), "they differ, and not to go-cmp")
}

// bare returns r without what equal does not look at.
func bare(r store.Row) store.Row {
	r.Blob = store.Blob{}
	if len(r.Settled) == 0 {
		r.Settled = nil
	}
	if len(r.Codec.Delay) == 0 {
		r.Codec.Delay = nil
	}
	return r
}

// stream returns a description with something in every field.
func stream(name string) store.Stream {
	return store.Stream{Account: account, Name: name, DeviceName: "dévice '1' \"%_", MediaType: "video/h264,audio/aac", KMSKeyID: "alias/kms",
		StorageTier: "HOT", Retention: 26 * time.Hour, Created: began.Add(123 * time.Millisecond), Version: "v1",
		Tags: map[string]string{"site": "north", "": "empty key", "日本": "\U0001F3A5", "quote'": "", "a=b&c": "d=%20"}}
}

// create adds a stream and returns it with its ID.
func create(t *testing.T, s store.Store, name string) store.Stream {
	t.Helper()
	st := stream(name)
	if err := s.CreateStream(t.Context(), &st); err != nil {
		t.Fatalf("creating %s: %v", name, err)
	}
	return st
}

// codec returns the n-th codec record of a stream, adding it if need be.
func codec(t *testing.T, s store.Store, id int64, n int) store.Codec {
	t.Helper()
	c, err := s.Codec(t.Context(), id, store.Codec{Hash: sha256.Sum256([]byte{byte(n)}), Delay: []byte{byte(n), 0, 0xff}})
	if err != nil {
		t.Fatalf("codec record %d: %v", n, err)
	}
	return c
}

func reserve(t *testing.T, s store.Store, id int64) int64 {
	t.Helper()
	first, err := s.Reserve(t.Context(), id)
	if err != nil {
		t.Fatalf("reserving: %v", err)
	}
	return first
}

// fragment returns the row of a fragment that lasts 2 s and goes on from counter-1. What Append sets has other values, to be set.
func fragment(id, counter int64, c store.Codec) store.Row {
	at := began.Add(time.Duration(counter) * 2 * time.Second)
	return store.Row{Stream: id, Number: store.Number{Counter: counter, Millis: at.UnixMilli(), Random: uint32(counter*7919) & (1<<28 - 1)},
		Server: at.UnixMicro() + 137_001, Producer: at.UnixMicro(), Start: at.UnixNano(), End: at.UnixNano() + 2e9, Length: 2e9, Codec: c,
		Flags: store.FirstFlag << (counter % 3), Settled: binary.AppendVarint(nil, counter),
		Size: -1, ServerStart: -1, Seq: -1, Live: counter%2 == 0, Ord: -1, Break: 0xff, Gaps: -1, Codecs: -1, Time: -1}
}

// content returns size bytes that belong to a fragment and to no other.
func content(id, counter int64, size int) []byte {
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[:], uint64(id))
	binary.BigEndian.PutUint64(seed[8:], uint64(counter))
	data := make([]byte, max(size, 0))      // a Size that a store got wrong
	_, _ = rand.NewChaCha8(seed).Read(data) // never fails
	return data
}

// add appends a fragment with size bytes.
func add(t *testing.T, s store.Store, r store.Row, size int) store.Row {
	t.Helper()
	if err := s.Append(t.Context(), &r, content(r.Stream, r.Number.Counter, size)); err != nil {
		t.Fatalf("appending fragment %d: %v", r.Number.Counter, err)
	}
	return r
}

// every is a Query for all rows of a stream.
func every(id int64, by store.Key) *store.Query {
	return &store.Query{Stream: id, By: by, From: -1 << 63, To: 1<<63 - 1, Limit: 1 << 30}
}

func rows(t *testing.T, s store.Store, q *store.Query) []store.Row {
	t.Helper()
	got, err := s.Rows(t.Context(), nil, q)
	if err != nil {
		t.Fatalf("rows: %v", err)
	}
	return got
}

func head(t *testing.T, s store.Store, id int64) store.Head {
	t.Helper()
	h, err := s.Head(t.Context(), id)
	if err != nil {
		t.Fatalf("head: %v", err)
	}
	return h
}

// checkBytes reads a row's bytes and compares them with what add gave.
func checkBytes(t *testing.T, s store.Store, r *store.Row) {
	t.Helper()
	got, err := s.Read(t.Context(), nil, r)
	if err != nil {
		t.Errorf("reading fragment %d: %v", r.Number.Counter, err)
	} else if !bytes.Equal(got, content(r.Stream, r.Number.Counter, int(r.Size))) {
		t.Errorf("fragment %d has other bytes", r.Number.Counter)
	}
}

// replay settles rows anew, in the order of their Seq, and returns what differs. None of the stream's rows may be missing. The head's
// reservations are not looked at.
func replay(rows []store.Row, got store.Head) error {
	var h store.Head
	stored := map[int64]bool{} // producer times
	for _, r := range slices.SortedFunc(slices.Values(rows), func(a, b store.Row) int { return cmp.Compare(a.Seq, b.Seq) }) {
		want := r
		h.Admit(&want, stored[r.Producer])
		stored[r.Producer] = true
		if d := diffRows([]store.Row{want}, []store.Row{r}); d != "" {
			return fmt.Errorf("row %d of %d, counter %d: -want +got\n%s", want.Seq, len(rows), r.Number.Counter, d)
		}
	}
	h.Reserved = got.Reserved
	if d := diff(h, got); d != "" {
		return fmt.Errorf("head behind %d rows: -want +got\n%s", len(rows), d)
	}
	return nil
}

// ask answers q from all rows of its stream, by its definition.
func ask(all []store.Row, q *store.Query) []store.Row {
	compare := func(a, b store.Place) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Counter, b.Counter))
	}
	var found []store.Row
	for _, r := range all {
		p := q.By.Of(&r)
		liveOnly := q.Live || q.By == store.ByOrd || q.By == store.ByTime
		if p.Key < q.From || p.Key > q.To || liveOnly && !r.Live || q.MaxSeq != 0 && r.Seq > q.MaxSeq || r.Server < q.Since {
			continue
		}
		if q.After != nil {
			if d := compare(p, *q.After); d == 0 || d < 0 != q.Descending {
				continue
			}
		}
		found = append(found, r)
	}
	slices.SortFunc(found, func(a, b store.Row) int {
		d := compare(q.By.Of(&a), q.By.Of(&b))
		if q.Descending {
			return -d
		}
		return d
	})
	return found[:min(len(found), q.Limit)]
}
