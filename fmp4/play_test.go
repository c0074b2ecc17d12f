package fmp4_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/fmp4"
)

// media is one encoded track of a source.
type media struct {
	track   *codec.Track
	samples []fmp4.Sample
	data    [][]byte
}

// encode has ffmpeg encode two seconds with the given arguments, and takes the frames out of its file with mp4ff.
func encode(tb testing.TB, args ...string) media {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "source.mp4")
	run(tb, "ffmpeg", append(append([]string{"-v", "error", "-f", "lavfi", "-i"}, args...), "-t", "2", path)...)
	src, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	f, err := mp4.DecodeFile(bytes.NewReader(src))
	if err != nil {
		tb.Fatal(err)
	}
	trak := f.Moov.Trak
	stsd := trak.Mdia.Minf.Stbl.Stsd
	var m media
	var c codec.Config
	switch {
	case stsd.AvcX != nil:
		c, err = codec.ParseAVC(find(tb, src, "moov/trak/mdia/minf/stbl/stsd/avc1/avcC").body)
	case stsd.HvcX != nil:
		c, err = codec.ParseHEVC(find(tb, src, "moov/trak/mdia/minf/stbl/stsd/hvc1/hvcC").body)
	case stsd.Mp4a != nil:
		c, err = codec.ParseAAC(stsd.Mp4a.Esds.DecConfigDescriptor.DecSpecificInfo.DecConfig)
	}
	if err != nil || c == nil {
		tb.Fatalf("configuration %v, error %v", c, err)
	}
	m.track = track(c)
	to := uint64(m.track.Timescale())
	from := uint64(trak.Mdia.Mdhd.Timescale)
	for i, r := range rows(tb, trak) {
		_, duration := trak.Mdia.Minf.Stbl.Stts.GetDecodeTime(uint32(i + 1))
		m.samples = append(m.samples, fmp4.Sample{
			Duration: uint32(uint64(duration) * to / from), Size: r.Size,
			CompositionOffset: int32(uint64(r.Offset) * to / from), Sync: r.Sync})
		m.data = append(m.data, src[r.At:][:r.Size])
	}
	return m
}

// video returns two seconds of H.264 with B pictures, 25 a second.
func video(tb testing.TB) media {
	return encode(tb, "testsrc=size=160x90:rate=25", "-c:v", "libx264", "-bf", "2", "-g", "25", "-pix_fmt", "yuv420p")
}

// packet is what ffprobe says of a packet.
type packet struct {
	Stream   int    `json:"stream_index"`
	PTS      string `json:"pts_time"`
	DTS      string `json:"dts_time"`
	Size     string `json:"size"`
	Flags    string `json:"flags"`
	Position string `json:"pos"`
}

// seconds returns a time of ffprobe.
func seconds(tb testing.TB, s string) float64 {
	tb.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// play writes b to a file, has ffmpeg decode all of it without a complaint, and returns the packets of each stream.
func play(t *testing.T, b []byte) map[int][]packet {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.mp4")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "ffmpeg", "-v", "warning", "-xerror", "-i", path, "-map", "0", "-f", "null", "-")
	var out struct{ Packets []packet }
	text := run(t, "ffprobe", "-v", "warning", "-show_packets", "-of", "json", path)
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	streams := map[int][]packet{}
	for _, p := range out.Packets {
		streams[p.Stream] = append(streams[p.Stream], p)
	}
	return streams
}

// firstPTS returns the smallest presentation time of a stream, in seconds.
func firstPTS(tb testing.TB, packets []packet) float64 {
	tb.Helper()
	first := math.Inf(1)
	for _, p := range packets {
		first = min(first, seconds(tb, p.PTS))
	}
	return first
}

// cut returns the part of m from sample a to b as a run of a clip, where the first sample of all decodes at the given time.
func (m media) cut(id uint32, first int64, a, b int) fmp4.ClipRun {
	for _, s := range m.samples[:a] {
		first += int64(s.Duration)
	}
	return fmp4.ClipRun{TrackID: id, FirstDecodeTime: first, Samples: m.samples[a:b]}
}

// TestPlayClip holds rule 74: ffmpeg finds the tracks as far apart as they were, to the millisecond.
func TestPlayClip(t *testing.T) {
	pictures := video(t)
	frames := encode(t, "sine=frequency=440:sample_rate=48000", "-c:a", "aac")
	tracks := []fmp4.TrackInit{{ID: 1, Track: pictures.track}, {ID: 2, Track: frames.track}}
	reorder := int64(pictures.samples[0].CompositionOffset)
	const epoch = 1_700_000_000
	tests := []struct {
		name         string
		video, audio float64 // when the first picture is seen and the first sound heard
	}{
		{"together", 1, 1},
		{"audio later", 1, 1.0213},
		{"video later", 1.5, 1.0007},
		{"audio much later", epoch + 1, epoch + 2.25},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			videoStart := int64(math.Round(tt.video*90_000)) - reorder
			audioStart := int64(math.Round(tt.audio * 48_000))
			n, k := len(pictures.samples), len(frames.samples)
			parts := []struct {
				m    media
				run  fmp4.ClipRun
				a, b int
			}{
				{pictures, pictures.cut(1, videoStart, 0, 25), 0, 25},
				{frames, frames.cut(2, audioStart, 0, 47), 0, 47},
				{pictures, pictures.cut(1, videoStart, 25, n), 25, n},
				{frames, frames.cut(2, audioStart, 47, k), 47, k},
			}
			c := newClip(t, tracks)
			for _, p := range parts {
				if err := c.Add(p.run); err != nil {
					t.Fatal(err)
				}
			}
			b := header(t, c)
			for _, p := range parts {
				b = append(b, bytes.Join(p.m.data[p.a:p.b], nil)...)
			}
			streams := play(t, b)
			if len(streams[0]) != n || len(streams[1]) != k {
				t.Fatalf("%d pictures, %d frames of sound, want %d, %d", len(streams[0]), len(streams[1]), n, k)
			}
			got, want := firstPTS(t, streams[1])-firstPTS(t, streams[0]), tt.audio-tt.video
			if math.Abs(got-want) > 0.001 {
				t.Errorf("sound comes %v s after the pictures, want %v s", got, want)
			}
			keys := 0
			for i, p := range streams[0] {
				if p.Size != strconv.Itoa(int(pictures.samples[i].Size)) {
					t.Errorf("picture %d has %s bytes", i, p.Size)
				}
				if strings.HasPrefix(p.Flags, "K") {
					keys++
				}
			}
			if keys != 2 {
				t.Errorf("%d key frames, want 2", keys)
			}
		})
	}
}

// TestPlayFragments has ffmpeg play an initialization segment and fragments; one of them is empty (rule 91).
func TestPlayFragments(t *testing.T) {
	sine := func(rate, channels string) media {
		return encode(t, "sine=frequency=440:sample_rate="+rate, "-c:a", "aac", "-ac", channels)
	}
	tests := []struct {
		name  string
		media func() media
	}{
		{"avc", func() media { return video(t) }},
		{"hevc", func() media {
			return encode(t, "testsrc=size=160x90:rate=25", "-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1", "-pix_fmt", "yuv420p")
		}},
		{"aac-48000", func() media { return sine("48000", "2") }},
		{"aac-96000", func() media { return sine("96000", "1") }},
		{"aac-8000", func() media { return sine("8000", "1") }},
		{"alaw", func() media { return noise(track(g711(t, 6))) }},
		{"ulaw", func() media { return noise(track(g711(t, 7))) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := tt.media()
			b := appendInit(t, created, fmp4.TrackInit{ID: 1, Track: m.track})
			n := len(m.samples)
			at := uint64(1) << 33
			first := at
			for i, cut := range [][2]int{{0, n / 2}, {n / 2, n / 2}, {n / 2, n}} {
				samples := m.samples[cut[0]:cut[1]]
				b = fmp4.AppendSegmentType(b)
				var err error
				run := fmp4.Run{TrackID: 1, BaseMediaDecodeTime: at, Samples: samples, Video: m.track.Kind == codec.Video}
				if b, err = fmp4.AppendFragmentHeader(b, uint32(i+1), []fmp4.Run{run}); err != nil {
					t.Fatal(err)
				}
				b = append(b, bytes.Join(m.data[cut[0]:cut[1]], nil)...)
				for _, s := range samples {
					at += uint64(s.Duration)
				}
			}
			packets := play(t, b)[0]
			if len(packets) != n {
				t.Fatalf("%d packets, want %d", len(packets), n)
			}
			scale := float64(m.track.Timescale())
			dts := first
			for i, p := range packets {
				wantDTS, wantPTS := float64(dts)/scale, (float64(dts)+float64(m.samples[i].CompositionOffset))/scale
				if math.Abs(seconds(t, p.DTS)-wantDTS) > 1e-5 || math.Abs(seconds(t, p.PTS)-wantPTS) > 1e-5 {
					t.Fatalf("packet %d: dts %s, pts %s, want %f, %f", i, p.DTS, p.PTS, wantDTS, wantPTS)
				}
				dts += uint64(m.samples[i].Duration)
			}
			checkStream(t, b, m.track)
		})
	}
}

// checkStream compares what ffprobe takes from the sample entry.
func checkStream(t *testing.T, b []byte, tr *codec.Track) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.mp4")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	got := run(t, "ffprobe", "-v", "warning", "-show_entries", "stream=codec_name,codec_tag_string,sample_rate,channels,width,height", "-of", "csv=p=0", path)
	var want string
	switch c := tr.Config.(type) {
	case *codec.AVC:
		want = "h264,avc1,160,90\n"
	case *codec.HEVC:
		want = "hevc,hvc1,160,90\n"
	case *codec.AAC:
		want = "aac,mp4a," + strconv.Itoa(int(c.SampleRate)) + "," + strconv.Itoa(int(c.Channels)) + "\n"
	case *codec.G711:
		want = "pcm_" + c.CodecString() + "," + c.CodecString() + ",8000,1\n"
		want = strings.Replace(want, "ulaw", "mulaw", 1)
	}
	if got != want {
		t.Errorf("stream %q, want %q", got, want)
	}
}

// noise returns two seconds of G.711 in frames of 20 ms.
func noise(tr *codec.Track) media {
	m := media{track: tr}
	for i := range 100 {
		data := make([]byte, 160)
		for j := range data {
			data[j] = byte(i*j) | 1
		}
		m.samples = append(m.samples, fmp4.Sample{Duration: 160, Size: 160})
		m.data = append(m.data, data)
	}
	return m
}
