package archive_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/mkv"
)

// rows returns all rows of a stream in the order of becoming visible.
func (s *service) rows(stream string) []store.Row {
	s.t.Helper()
	in, err := s.store.Stream(context.Background(), "000000000000", stream)
	if err != nil {
		s.t.Fatal(err)
	}
	rows, err := s.store.Rows(context.Background(), nil, &store.Query{Stream: in.ID, By: store.BySeq, From: 0, To: 1 << 62, Limit: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	return rows
}

// TestSettled compares the rows of an upload with what a remux of the same file settles.
func TestSettled(t *testing.T) {
	for _, file := range []string{"sample.mkv", "hevc-aac.mkv", "opengop.mkv", "vfr.mkv", "gap.mkv", "inband-change.mkv"} {
		t.Run(file, func(t *testing.T) {
			s := serve(t, archive.Options{})
			s.upload("cam", file)
			src, err := weir.NewBytesSource(read(t, file), &weir.Options{ByCluster: true})
			if err != nil {
				t.Fatal(err)
			}
			codecs := int64(1)
			for i, r := range s.rows("cam") {
				f, err := src.Next()
				if err != nil {
					t.Fatal(err)
				}
				at := begin * int64(time.Millisecond)
				if f.CodecChange {
					codecs++
				}
				want := []int64{int64(f.Start) + at, int64(f.End) + at, int64(f.Length), codecs - 1}
				if d := cmp.Diff(want, []int64{r.Start, r.End, r.Length, r.Codecs}); d != "" {
					t.Errorf("row %d: start, end, length, codec changes: -remux +upload\n%s", i, d)
				}
				if broken := r.Break&store.BreakTime != 0; broken != f.Discontinuity && i > 0 && f.Discontinuity {
					t.Errorf("row %d: broken %v, discontinuity %v", i, broken, f.Discontinuity)
				}
			}
			if _, err := src.Next(); err != io.EOF {
				t.Errorf("the file has more fragments than the stream: %v", err)
			}
		})
	}
}

// TestSettledByteByByte has how a body arrives change nothing.
func TestSettledByteByByte(t *testing.T) {
	settled := func(wrap func(io.Reader) io.Reader) []store.Row {
		now := time.UnixMilli(begin)
		s := serve(t, archive.Options{Now: func() time.Time { return now }})
		if _, err := s.put("cam", archive.PutMediaInput{}, wrap(bytes.NewReader(read(t, "sample.mkv")))); err != nil {
			t.Fatal(err)
		}
		return s.rows("cam")
	}
	whole := settled(func(r io.Reader) io.Reader { return r })
	if d := cmp.Diff(whole, settled(iotest.OneByteReader), cmpopts.IgnoreFields(store.Number{}, "Random")); d != "" {
		t.Error(d)
	}
}

// TestUploadGoesOn has a second upload go on where the first ended: no break, the same codec record, and its clip as of one.
func TestUploadGoesOn(t *testing.T) {
	c := newClock()
	s := serve(t, archive.Options{Now: c.now})
	upload := func(start string) {
		if _, err := s.put("cam", archive.PutMediaInput{FragmentTimecodeType: "RELATIVE", ProducerStartTimestamp: start}, live(t, "h264-nob.mkv", c)); err != nil {
			t.Fatal(err)
		}
	}
	upload("1600000000")
	one := s.rows("cam")
	length := time.Duration(one[len(one)-1].End - one[0].Start)
	upload("1600000004")
	if length != 4*time.Second {
		t.Fatalf("the file lasts %v", length)
	}
	c.sleep(time.Hour)
	upload("1600003602.1")
	rows := s.rows("cam")
	n := len(one)
	if len(rows) != 3*n {
		t.Fatalf("%d rows of three uploads of %d", len(rows), n)
	}
	var ids []int64
	for _, i := range []int{0, n, 2 * n} {
		ids = append(ids, rows[i].Codec.ID)
		if rows[i].Flags&store.FlagUpload == 0 || rows[i].Number.Counter%store.CounterStep != 1 {
			t.Errorf("row %d does not begin an upload: %+v", i, rows[i])
		}
	}
	if ids[0] != ids[1] || ids[0] != ids[2] {
		t.Errorf("codec records %v of the same file", ids)
	}
	if rows[n].Break != 0 || rows[2*n].Break != store.BreakTime {
		t.Errorf("an upload that goes on breaks off as %d, one that leaves a gap as %d", rows[n].Break, rows[2*n].Break)
	}
	clip, _, err := s.clip("cam", producer(begin, begin+3_600_000))
	if err != nil {
		t.Fatal(err)
	}
	got := zeroed(packets(t, clip))
	want := packets(t, read(t, "h264-nob.mkv"))
	if len(got) != 2*len(want) {
		t.Fatalf("%d pictures of two uploads of %d", len(got), len(want))
	}
	for i, p := range got {
		w := want[i%len(want)]
		if at := w.PTS + 4*float64(i/len(want)); p.Hash != w.Hash || p.PTS < at-0.0001 || p.PTS > at+0.0001 {
			t.Fatalf("picture %d at %f, want %f", i, p.PTS, at)
		}
	}
}

// live gives a file of Clusters of a second as a camera would: a Cluster each second of a clock.
func live(t *testing.T, file string, c *clock) io.Reader {
	t.Helper()
	data := read(t, file)
	r := mkv.NewBytesReader(data, nil)
	var parts []io.Reader
	from := int64(0)
	for {
		token, err := r.Read()
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		if to := r.Cluster().Offset; token == mkv.TokenCluster && r.Cluster().Index > 0 || err == io.EOF {
			if err == io.EOF {
				to = int64(len(data))
			}
			parts = append(parts, bytes.NewReader(data[from:to]), pause{c, time.Second})
			from = to
		}
		if err == io.EOF {
			return io.MultiReader(parts...)
		}
	}
}

// TestClipBytes has a clip be the same bytes each time, also from an archive that was made anew over the same store.
func TestClipBytes(t *testing.T) {
	s := serve(t, archive.Options{})
	s.upload("cam", "hevc-aac.mkv")
	first, _, err := s.clip("cam", producer(begin, begin+60_000))
	if err != nil {
		t.Fatal(err)
	}
	again := &service{Archive: archive.New(s.store, nil), t: t, store: s.store}
	for range 3 {
		b, _, err := again.clip("cam", producer(begin, begin+60_000))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, b) {
			t.Fatal("another clip of the same fragments has other bytes")
		}
	}
}
