package pack_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/archive/store/pack"
)

// entries has an Entry of each kind with something in every field that the kind has.
func entries() []*pack.Entry {
	stream := store.Stream{ID: 7, Account: "111122223333", Name: "..", Retention: 26 * time.Hour}
	whole := stream
	whole.DeviceName, whole.MediaType, whole.KMSKeyID, whole.StorageTier = "dévice", "video/h264", "alias/k", "HOT"
	whole.Created, whole.Version = time.UnixMilli(1_600_000_000_123).UTC(), "v1"
	whole.Tags = map[string]string{"b": "2", "a": "1", "": "\x00\xff"}
	codec := store.Codec{ID: 12, Hash: sha256.Sum256([]byte("x")), Delay: []byte{0, 1, 255}}
	row := store.Row{Stream: 7, Number: store.Number{Counter: 1001, Millis: math.MaxInt64, Random: 1<<28 - 1}, Server: -1, Producer: math.MinInt64,
		Start: 5, End: 9, Length: 4, Size: 200_000, Codec: codec, Flags: math.MaxUint32, Settled: []byte("settled"), ServerStart: 6, Seq: 7, Live: true,
		Ord: 8, Break: 3, Gaps: 9, Codecs: 10, Time: 11}
	head := store.Head{Reserved: 2000, Largest: 1001, Seq: 7, Ord: 8, Gaps: 9, Codecs: 10, Time: 15, Start: 5, End: 9, ServerStart: 6, Codec: 12, Newest: -1}
	id := store.Stream{ID: 7}
	return []*pack.Entry{
		{Kind: pack.Fragment, Sequence: 1<<41 + 5, Batch: 1<<41 + 1, Stream: stream, Row: row, Head: head},
		{Kind: pack.Fragment, Stream: id, Row: store.Row{Stream: 7}},
		{Kind: pack.StreamPut, Sequence: 1, Stream: whole},
		{Kind: pack.StreamPut, Sequence: -1, Stream: store.Stream{Created: time.UnixMilli(0).UTC()}},
		{Kind: pack.StreamDelete, Sequence: 3, Stream: id},
		{Kind: pack.CodecPut, Sequence: 4, Stream: id, Codec: codec},
		{Kind: pack.HeadPut, Sequence: 5, Stream: id, Head: head},
		{Kind: pack.Counters, Sequence: 6, Stream: id, Codec: store.Codec{ID: 99}},
		{Kind: pack.Opened, Sequence: math.MaxInt64},
	}
}

func TestEntry(t *testing.T) {
	for i, want := range entries() {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			b, err := want.Append([]byte("before"))
			if err != nil {
				t.Fatal(err)
			}
			b = bytes.TrimPrefix(b, []byte("before"))
			got, err := pack.ParseEntry(b)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			for n := range b {
				if _, err := pack.ParseEntry(b[:n]); !errors.Is(err, pack.ErrEntry) {
					t.Errorf("the first %d bytes of %d: %v", n, len(b), err)
				}
			}
			if _, err := pack.ParseEntry(append(b, 0)); !errors.Is(err, pack.ErrEntry) {
				t.Errorf("a byte more: %v", err)
			}
		})
	}
}

func TestEntryLimits(t *testing.T) {
	tags := map[string]string{}
	for i := range 5000 {
		tags[fmt.Sprint(i)] = ""
	}
	for _, c := range []struct {
		name  string
		entry pack.Entry
		ok    bool
	}{
		{"settled", pack.Entry{Kind: pack.Fragment, Row: store.Row{Settled: make([]byte, pack.MaxSettled)}}, true},
		{"settled too long", pack.Entry{Kind: pack.Fragment, Row: store.Row{Settled: make([]byte, pack.MaxSettled+1)}}, false},
		{"delay", pack.Entry{Kind: pack.CodecPut, Codec: store.Codec{Delay: make([]byte, pack.MaxDelay)}}, true},
		{"delay too long", pack.Entry{Kind: pack.CodecPut, Codec: store.Codec{Delay: make([]byte, pack.MaxDelay+1)}}, false},
		{"delay of a fragment too long", pack.Entry{Kind: pack.Fragment, Row: store.Row{Codec: store.Codec{Delay: make([]byte, pack.MaxDelay+1)}}}, false},
		{"stream too long", pack.Entry{Kind: pack.StreamPut, Stream: store.Stream{DeviceName: strings.Repeat("x", pack.MaxEntry)}}, false},
		{"too many tags", pack.Entry{Kind: pack.StreamPut, Stream: store.Stream{Tags: tags}}, false},
	} {
		b, err := c.entry.Append([]byte("before"))
		if (err == nil) != c.ok || err != nil && (!errors.Is(err, pack.ErrLimit) || string(b) != "before") {
			t.Errorf("%s: %d bytes, %v", c.name, len(b), err)
		}
	}
}

// FuzzParseEntry reads entries from any bytes. What can be read is written as it was.
func FuzzParseEntry(f *testing.F) {
	for _, e := range entries() {
		b, err := e.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := pack.ParseEntry(b)
		if err != nil {
			return
		}
		written, err := e.Append(nil)
		if err != nil {
			t.Fatalf("read, but not written: %v", err)
		}
		again, err := pack.ParseEntry(written)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(e, again); d != "" {
			t.Errorf("-first +second\n%s", d)
		}
	})
}
