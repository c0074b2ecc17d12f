package mkv_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// writerInput reads the tracks of a file of testdata, with their configurations, and copies of its frames.
func writerInput(t *testing.T, name string) ([]*codec.Track, []codec.Frame) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return writerRead(t, data)
}

func writerRead(t *testing.T, data []byte) (tracks []*codec.Track, frames []codec.Frame) {
	t.Helper()
	r := mkv.NewBytesReader(data, nil)
	for f, err := range r.Frames() {
		if err != nil {
			t.Fatalf("frame %d: %v", len(frames), err)
		}
		f.Data = bytes.Clone(f.Data)
		frames = append(frames, f)
	}
	for _, e := range r.Tracks() {
		track := e.Track
		var err error
		if track.Config, err = codec.Parse(e.CodecID, e.CodecPrivate); err != nil {
			t.Fatalf("track %d: %v", e.Number, err)
		}
		tracks = append(tracks, &track)
	}
	return tracks, frames
}

// writerDocument writes tracks and frames as one document with a Cluster for every 25 frames.
func writerDocument(t *testing.T, tracks []*codec.Track, frames []codec.Frame, tags []mkv.Tag) []byte {
	t.Helper()
	const scale = time.Millisecond
	out, err := mkv.AppendHeader(nil, tracks, scale, mkv.HeaderOptions{MuxingApp: "weir", WritingApp: "writer_test"})
	if err != nil {
		t.Fatal(err)
	}
	if len(tags) > 0 {
		out = mkv.AppendTags(out, tags)
	}
	for len(frames) > 0 {
		n := min(25, len(frames))
		if out, err = mkv.AppendCluster(out, frames[0].PTS, scale, frames[:n]); err != nil {
			t.Fatal(err)
		}
		frames = frames[n:]
	}
	return out
}

func writerCompare(t *testing.T, want, got []codec.Frame) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d", len(got), len(want))
	}
	for i := range want {
		w, g := want[i], got[i]
		if !bytes.Equal(w.Data, g.Data) {
			t.Errorf("frame %d: other bytes than written (%d, want %d)", i, len(g.Data), len(w.Data))
		}
		w.Data, g.Data = nil, nil
		if diff := cmp.Diff(w, g); diff != "" {
			t.Errorf("frame %d (-want +got):\n%s", i, diff)
		}
	}
}

var writerFiles = []string{
	"sample.mkv", "h264-nob.mkv", "hevc-aac.mkv", "audio-only.mkv", "alaw.mkv", "hevc-alaw.mkv", "vfr.mkv", "epoch.mkv", "blockgroups.mkv",
	"two-audio.mkv", "rotated.mkv", "hdr.mkv", "interlaced.mkv",
}

func TestWriterReadBack(t *testing.T) {
	for _, name := range writerFiles {
		t.Run(name, func(t *testing.T) {
			tracks, frames := writerInput(t, name)
			want := []mkv.Tag{{Name: "FIRST", Value: "value"}, {Name: "ÄÖÜ", Value: ""}, {Name: "LONG", Value: strings.Repeat("x", 300)}}
			out := writerDocument(t, tracks, frames, want)

			gotTracks, gotFrames := writerRead(t, out)
			if len(gotTracks) != len(tracks) {
				t.Fatalf("%d tracks, want %d", len(gotTracks), len(tracks))
			}
			for i, want := range tracks {
				got, want := *gotTracks[i], *want
				if !bytes.Equal(got.Config.Private(), want.Config.Private()) {
					t.Errorf("track %d: configuration %x, want %x", want.Number, got.Config.Private(), want.Config.Private())
				}
				got.Config, want.Config = nil, nil
				want.TimestampUnit = time.Millisecond // the new document's
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("track %d (-want +got):\n%s", want.Number, diff)
				}
			}
			for i := range frames {
				// Times of frames out of a lace are finer than a tick, which the writer rounds them to.
				frames[i].PTS = frames[i].PTS.Round(time.Millisecond)
			}
			writerCompare(t, frames, gotFrames)

			r := mkv.NewBytesReader(out, nil)
			var tags []mkv.Tag
			for {
				token, err := r.Read()
				if err != nil {
					break
				}
				if token == mkv.TokenTags {
					tags = append(tags, r.Tags()...)
				}
			}
			if diff := cmp.Diff(want, tags); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
		})
	}
}

// writerTool runs a reader of another make, and skips the test where it is not installed (but not in CI).
func writerTool(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, out, &stderr)
	}
	if stderr.Len() > 0 {
		t.Errorf("%s says: %s", name, &stderr)
	}
	return out
}

// TestWriterOtherReaders has ffprobe and mkvmerge read what the writer made, and compares with the source.
func TestWriterOtherReaders(t *testing.T) {
	for _, name := range writerFiles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tracks, frames := writerInput(t, name)
			file := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(file, writerDocument(t, tracks, frames, []mkv.Tag{{Name: "KEY", Value: "value"}}), 0o666); err != nil {
				t.Fatal(err)
			}
			probe := func(file string) (streams []map[string]any) {
				var out struct{ Streams []map[string]any }
				raw := writerTool(t, "ffprobe", "-v", "error", "-count_packets", "-of", "json", "-show_entries",
					"stream=codec_name,profile,width,height,sample_rate,channels,nb_read_packets,color_transfer,color_primaries,color_range,extradata_size:stream_side_data", file)
				if err := json.Unmarshal(raw, &out); err != nil {
					t.Fatal(err)
				}
				return out.Streams
			}
			if diff := cmp.Diff(probe(filepath.Join("..", "testdata", name)), probe(file)); diff != "" {
				t.Errorf("ffprobe (-source +written):\n%s", diff)
			}

			var identified struct {
				Container struct{ Recognized, Supported bool }
				Tracks    []struct {
					Codec      string
					Properties struct {
						Number   uint64
						Language string
					}
				}
			}
			if err := json.Unmarshal(writerTool(t, "mkvmerge", "-J", file), &identified); err != nil {
				t.Fatal(err)
			}
			if !identified.Container.Supported || len(identified.Tracks) != len(tracks) {
				t.Errorf("mkvmerge sees %+v, want %d tracks", identified, len(tracks))
			}
			if info := writerTool(t, "mkvinfo", file); !bytes.Contains(info, []byte("KEY")) {
				t.Errorf("mkvinfo does not see the tag:\n%s", info)
			}
		})
	}
}

func TestWriterBlocks(t *testing.T) {
	tracks, _ := writerInput(t, "h264-nob.mkv")
	tracks[0].Number = 127 // the first that needs two octets
	var frames []codec.Frame
	add := func(size int, duration time.Duration, key bool) {
		frames = append(frames, codec.Frame{
			Track: 127, PTS: 5*time.Second + time.Duration(len(frames)*40)*time.Millisecond, Duration: duration, Key: key,
			Data: bytes.Repeat([]byte{byte(len(frames) + 1)}, size),
		})
	}
	for _, edge := range []int{1 << 7, 1 << 14, 1 << 21} { // where a size field grows by an octet
		for size := edge - 12; size < edge+4; size++ {
			add(size, 0, size%2 == 0)
			add(size, 40*time.Millisecond, size%2 == 0)
		}
	}
	out := writerDocument(t, tracks, frames, nil)
	_, got := writerRead(t, out)
	writerCompare(t, frames, got)
}

func TestWriterRange(t *testing.T) {
	for _, tt := range []struct {
		cluster, frame time.Duration
		scale          time.Duration
		ok             bool
	}{
		{0, 32767 * time.Millisecond, time.Millisecond, true},
		{0, 32768 * time.Millisecond, time.Millisecond, false},
		{time.Minute, time.Minute - 32767*time.Millisecond, time.Millisecond, true},
		{time.Minute, time.Minute - 32769*time.Millisecond, time.Millisecond, false},
		{0, 32768 * time.Millisecond, 2 * time.Millisecond, true},
		{1690000000 * time.Second, 1690000001 * time.Second, time.Millisecond, true},
	} {
		t.Run(fmt.Sprint(tt.cluster, tt.frame, tt.scale), func(t *testing.T) {
			before := []byte("before")
			got, err := mkv.AppendCluster(before, tt.cluster, tt.scale, []codec.Frame{{Track: 1, PTS: tt.frame, Data: []byte{1}}})
			if tt.ok != (err == nil) || !tt.ok && !errors.Is(err, mkv.ErrTimestampRange) {
				t.Errorf("error %v, want none: %v", err, tt.ok)
			}
			if err != nil && string(got) != "before" {
				t.Errorf("a Cluster that was refused left %q", got)
			}
		})
	}
}

func TestWriterRefusesTracks(t *testing.T) {
	tracks, _ := writerInput(t, "audio-only.mkv")
	noConfig, noNumber := *tracks[0], *tracks[0]
	noConfig.Config, noNumber.Number = nil, 0
	for i, track := range []*codec.Track{nil, &noConfig, &noNumber} {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			if _, err := mkv.AppendHeader(nil, []*codec.Track{track}, time.Millisecond, mkv.HeaderOptions{}); err == nil {
				t.Error("no error")
			}
		})
	}
	for _, scale := range []time.Duration{0, -1, time.Second + 1} {
		if _, err := mkv.AppendHeader(nil, tracks, scale, mkv.HeaderOptions{}); !errors.Is(err, mkv.ErrLimit) {
			t.Errorf("TimestampScale %v: error %v, want ErrLimit", scale, err)
		}
	}
}

// TestWriterDocuments writes two documents one after the other, as a camera service sends fragments.
func TestWriterDocuments(t *testing.T) {
	tracks, frames := writerInput(t, "sample.mkv")
	one := writerDocument(t, tracks, frames, nil)
	r := mkv.NewBytesReader(append(bytes.Clone(one), one...), nil)
	n := 0
	for _, err := range r.Frames() {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 2*len(frames) || r.Document() != 1 {
		t.Errorf("%d frames up to document %d, want %d up to 1", n, r.Document(), 2*len(frames))
	}
}

// TestWriterLive writes Clusters of unknown size with Tags between them, as a live producer does.
func TestWriterLive(t *testing.T) {
	for _, name := range []string{"sample.mkv", "blockgroups.mkv", "audio-only.mkv"} {
		t.Run(name, func(t *testing.T) {
			tracks, frames := writerInput(t, name)
			const scale = time.Millisecond
			out, err := mkv.AppendHeader(nil, tracks, scale, mkv.HeaderOptions{})
			if err != nil {
				t.Fatal(err)
			}
			clusters := 0
			for i := range frames {
				if i%25 == 0 {
					if i > 0 {
						out = mkv.AppendTags(out, []mkv.Tag{{Name: "END"}})
					}
					out = mkv.AppendClusterStart(out, frames[i].PTS, scale)
					clusters++
				}
				if out, err = mkv.AppendBlock(out, frames[i/25*25].PTS, scale, &frames[i]); err != nil {
					t.Fatal(err)
				}
				frames[i].PTS = frames[i].PTS.Round(scale)
			}
			_, got := writerRead(t, out)
			writerCompare(t, frames, got)
			r, seen, tags := mkv.NewBytesReader(out, nil), 0, 0
			for {
				token, err := r.Read()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				switch token {
				case mkv.TokenCluster:
					seen++
				case mkv.TokenTags:
					tags += len(r.Tags())
				}
			}
			if seen != clusters || tags != clusters-1 {
				t.Errorf("%d Clusters and %d tags, want %d and %d", seen, tags, clusters, clusters-1)
			}
			file := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(file, out, 0o666); err != nil {
				t.Fatal(err)
			}
			if packets := strings.Fields(string(writerTool(t, "ffprobe", "-v", "error", "-show_entries", "packet=size", "-of", "csv=p=0", file))); len(packets) != len(frames) {
				t.Errorf("ffprobe sees %d packets, want %d", len(packets), len(frames))
			}
		})
	}
}

// TestWriterCodecPrivate writes what it is given in place of the configuration's own.
func TestWriterCodecPrivate(t *testing.T) {
	tracks, _ := writerInput(t, "sample.mkv")
	given := []byte{0, 0, 0, 1, 0x67, 1, 2, 3}
	for i, private := range [][][]byte{nil, {given}, {nil, given}, {given, given, given}} {
		out, err := mkv.AppendHeader(nil, tracks, time.Millisecond, mkv.HeaderOptions{CodecPrivate: private})
		if err != nil {
			t.Fatal(err)
		}
		r := mkv.NewBytesReader(out, nil)
		for {
			if token, err := r.Read(); token == mkv.TokenTracks {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		for j, e := range r.Tracks() {
			want := tracks[j].Config.Private()
			if j < len(private) && private[j] != nil {
				want = given
			}
			if !bytes.Equal(e.CodecPrivate, want) {
				t.Errorf("case %d, track %d: % x, want % x", i, j, e.CodecPrivate, want)
			}
		}
	}
}

func BenchmarkAppendCluster(b *testing.B) {
	frames := make([]codec.Frame, 60)
	for i := range frames {
		frames[i] = codec.Frame{Track: 1, PTS: time.Duration(i) * 33 * time.Millisecond, Data: make([]byte, 8_000)}
	}
	b.SetBytes(60 * 8_000)
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		var err error
		if buf, err = mkv.AppendCluster(buf[:0], 0, time.Millisecond, frames); err != nil {
			b.Fatal(err)
		}
	}
}
