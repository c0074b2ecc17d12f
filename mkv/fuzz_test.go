package mkv_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// maxFuzzInput keeps the engine from wasting time on sizes that say nothing new.
const maxFuzzInput = 1 << 16

// heard is everything that one token says.
type heard struct {
	Token   mkv.Token
	Doc     int
	Cluster mkv.Cluster
	Info    mkv.Info
	Tracks  int
	At      int64

	Track         uint64
	PTS, Duration time.Duration
	Key, Laced    bool
	Offset        int64
	Size          int
	Data          string // with its prefix; the tags of TokenTags
}

// hear reads to the end and holds what is true of every token.
func hear(t *testing.T, r *mkv.Reader, size int64) (all []heard, err error) {
	t.Helper()
	at := int64(0)
	for {
		token, err := r.Read()
		if err != nil {
			if e, ok := errors.AsType[*mkv.Error](err); err != io.EOF && (!ok || e.Offset < 0 || e.Offset > size) {
				t.Fatalf("error %v, input of %d bytes", err, size)
			}
			return all, err
		}
		h := heard{Token: token, Doc: r.Document(), Cluster: r.Cluster(), Info: r.Info(), Tracks: len(r.Tracks()), At: r.Offset()}
		if h.At < at || h.At > size || h.Cluster.Offset > size {
			t.Fatalf("at %d after %d, input of %d bytes", h.At, at, size)
		}
		at = h.At
		switch token {
		case mkv.TokenTags:
			for _, tag := range r.Tags() {
				h.Data += tag.Name + "=" + tag.Value + "\n"
			}
		case mkv.TokenBlock:
			b := r.Block()
			if b.Offset < 0 || b.Size < 0 || b.Offset+int64(b.Size) > at || b.PTS < 0 || b.Duration < 0 || b.Size+len(b.Prefix) == 0 {
				t.Fatalf("%+v at %d", b, at)
			}
			h.Track, h.PTS, h.Duration, h.Key, h.Laced, h.Offset, h.Size = b.Track, b.PTS, b.Duration, b.Key, b.Laced, b.Offset, b.Size
			h.Data = string(b.Prefix) + string(r.Data(&b))
		}
		all = append(all, h)
	}
}

// drops is a stream that gives a byte at a time and can be sought in.
type drops struct{ *bytes.Reader }

func (d drops) Read(p []byte) (int, error) { return d.Reader.Read(p[:min(len(p), 1)]) }

// checkDoors reads data by two doors, which have to agree, and bounds the memory that it takes.
func checkDoors(t *testing.T, data []byte, resync bool) ([]heard, *mkv.Reader) {
	t.Helper()
	size := int64(len(data))
	opts := &mkv.Options{Resync: resync}
	r, one := mkv.NewBytesReader(data, opts), mkv.NewReader(drops{bytes.NewReader(data)}, opts)
	var before, behind runtime.MemStats
	runtime.ReadMemStats(&before)
	all, err := hear(t, r, size)
	again, err2 := hear(t, one, size)
	runtime.ReadMemStats(&behind)
	// A stream has two windows of 512 KiB at most. What hear itself keeps is some hundred bytes a token, of two bytes at least.
	if n := behind.TotalAlloc - before.TotalAlloc; n > 2<<20+4000*uint64(size) {
		t.Fatalf("%d bytes taken for %d", n, size)
	}
	if fmt.Sprint(err) != fmt.Sprint(err2) {
		t.Fatalf("from bytes %v, byte by byte %v", err, err2)
	}
	if !slices.Equal(all, again) {
		t.Fatalf("(-bytes +one byte):\n%s", cmp.Diff(all, again))
	}
	faults, n := r.Faults()
	_, n2 := one.Faults()
	if n != n2 || r.UnknownBlocks() != one.UnknownBlocks() {
		t.Fatalf("%d faults and %d, %d unknown blocks and %d", n, n2, r.UnknownBlocks(), one.UnknownBlocks())
	}
	if n > 0 && !resync {
		t.Fatalf("%d faults without Resync", n)
	}
	for _, f := range faults {
		if f.Skipped < 0 || f.Skipped > size || f.Err.Offset < 0 || f.Err.Offset > size {
			t.Fatalf("fault %+v in %d bytes", f, size)
		}
	}
	return all, r
}

// fuzzSeeds are documents that between them have everything the reader knows.
func fuzzSeeds(f *testing.F) [][]byte {
	seeds := [][]byte{small, doc(tracks(), first, first), join(doc(tracks(), first), doc(tracks(entry(2)), first)),
		doc(el(idTracks, entry(1, el(idContentEncodings, encoding(3, "HEAD")))), cluster(0, simple(0, "a"))),
		doc(tracks(), first, []byte("junk, junk, junk, junk"), cluster(1, simple(0, "b"))), doc(first, tracks())}
	for _, name := range []string{"blockgroups.mkv", "unknown-size.mkv", "hdr.mkv", "header-stripped.mkv", "getmedia.mkv"} {
		data, err := os.ReadFile(filepath.Join("..", "testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		seeds = append(seeds, data[:min(len(data), 1500)])
	}
	return seeds
}

func FuzzReader(f *testing.F) {
	for _, data := range fuzzSeeds(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > maxFuzzInput {
			return
		}
		strict, _ := checkDoors(t, data, false)
		mended, r := checkDoors(t, data, true)
		if _, n := r.Faults(); n == 0 && !slices.Equal(strict, mended) {
			t.Fatalf("no damage (-without Resync +with it):\n%s", cmp.Diff(strict, mended))
		}
	})
}

// FuzzLacing reads a payload as a Block with each lacing, in all forms of a track: the frames lie in the payload in order, and where the
// sizes are fixed they fill it.
func FuzzLacing(f *testing.F) {
	for _, lacing := range []byte{0, xiph, fixed, laced} {
		f.Add([]byte(sizes(lacing, 1, 2, 3)+"abbccc"), lacing, uint64(20e6), uint64(0))
		f.Add([]byte(sizes(lacing, 300, 1, 300)+string(make([]byte, 601))), lacing, uint64(0), uint64(60))
		f.Add([]byte(sizes(lacing, 0, 0)), lacing, uint64(0), uint64(1<<60))
	}
	f.Fuzz(func(t *testing.T, payload []byte, flags byte, duration, blockDuration uint64) {
		if len(payload) > maxFuzzInput {
			return
		}
		group := el(idBlockGroup, el(idBlock, block(1, 0, flags, string(payload))), num(idBlockDuration, blockDuration))
		data := doc(el(idTracks, entry(1, num(idDefaultDuration, duration))), cluster(1000, el(idSimpleBlock, block(1, 0, flags, string(payload))), group))
		all, r := checkDoors(t, data, true)
		begin := int64(len(data) - len(group) - len(payload))
		var last heard
		frames, total := 0, 0
		for _, b := range all {
			if b.Token != mkv.TokenBlock || b.Offset > begin+int64(len(payload)) { // the second is the group's
				continue
			}
			if b.Offset < begin || b.Offset+int64(b.Size) > begin+int64(len(payload)) {
				t.Fatalf("%+v is not within the payload", b)
			}
			if frames > 0 && (b.Offset != last.Offset+int64(last.Size) || b.PTS < last.PTS) {
				t.Fatalf("%+v behind %+v", b, last)
			}
			last = b
			total += b.Size
			frames++
		}
		_, n := r.Faults()
		if frames > 256 || frames == 0 && n == 0 && total > 0 {
			t.Fatalf("%d frames, %d faults", frames, n)
		}
		if frames > 0 && last.Offset+int64(last.Size) > begin+int64(len(payload)) {
			t.Fatalf("the last frame ends behind the payload")
		}
		if flags&6 == fixed && len(payload) > 0 && (len(payload)-1)%(int(payload[0])+1) == 0 && total != len(payload)-1 {
			t.Fatalf("%d bytes in frames of %d", total, len(payload)-1)
		}
	})
}

// FuzzWriter reads back what is written: frames of any size, time and track.
func FuzzWriter(f *testing.F) {
	f.Add([]byte{1, 3, 0, 0, 0x81, 20, 0, 40, 2, 200, 0xFF, 0xF0}, uint64(5_000), uint32(1e6), "", "name")
	f.Add(bytes.Repeat([]byte{0x80, 127, 0, 1}, 40), uint64(1_700_000_000_000), uint32(1e6), "KEY", "value")
	f.Add([]byte{1, 0, 0, 0}, uint64(0), uint32(1), "", "")
	f.Fuzz(func(t *testing.T, script []byte, start uint64, scale uint32, name, value string) {
		tick := time.Duration(scale)
		if len(script) > 800 || tick <= 0 || tick > time.Second || start > 1<<62/uint64(tick) {
			return
		}
		config, err := codec.Parse("A_AAC", []byte{0x11, 0x90})
		if err != nil {
			t.Fatal(err)
		}
		const two = 300 // a number of two octets
		all := []*codec.Track{{Number: 1, Kind: codec.Audio, Config: config}, {Number: two, Kind: codec.Audio, Config: config}}
		var frames []codec.Frame
		for len(script) >= 4 {
			size, rel := int(script[1]), int16(binary.BigEndian.Uint16(script[2:]))
			fr := codec.Frame{Track: 1, PTS: time.Duration(start)*tick + time.Duration(rel)*tick, Key: script[0]&0x80 != 0, Data: bytes.Repeat(script[:1], 1+size*size/8)}
			if script[0]&1 == 0 {
				fr.Track = two
			}
			if script[0]&2 != 0 {
				fr.Duration = time.Duration(script[3]) * tick
			}
			if script = script[4:]; fr.PTS >= 0 && rel != -32768 {
				frames = append(frames, fr)
			}
		}
		out, err := mkv.AppendHeader([]byte("before"), all, tick, mkv.HeaderOptions{MuxingApp: name, WritingApp: value})
		if err != nil {
			t.Fatal(err)
		}
		out = mkv.AppendTags(out, []mkv.Tag{{Name: "N", Value: "v"}})
		if out, err = mkv.AppendCluster(out, time.Duration(start)*tick, tick, frames); err != nil {
			t.Fatal(err)
		}
		out, before := bytes.CutPrefix(out, []byte("before"))
		r := mkv.NewBytesReader(out, nil)
		var got []codec.Frame
		for fr, err := range r.Frames() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fr)
		}
		same := func(a, b codec.Frame) bool {
			return a.Track == b.Track && a.PTS == b.PTS && a.Duration == b.Duration && a.Key == b.Key && bytes.Equal(a.Data, b.Data)
		}
		if !slices.EqualFunc(frames, got, same) || !before {
			t.Fatalf("frames (-want +got):\n%s", cmp.Diff(frames, got))
		}
		if r.Info().TimestampScale != tick {
			t.Fatalf("TimestampScale %v, want %v", r.Info().TimestampScale, tick)
		}
	})
}
