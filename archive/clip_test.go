package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
)

// packet is what ffmpeg says of a frame.
type packet struct {
	Stream int
	PTS    float64
	Hash   string
}

// packets has ffmpeg, which this test needs, decode the pictures of data and read its sound.
func packets(t *testing.T, data []byte) []packet {
	t.Helper()
	file := filepath.Join(t.TempDir(), "media")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ffmpeg", "-v", "error", "-copyts", "-i", file, "-enc_time_base", "-1", "-map", "0:v?", "-map", "0:a?", "-fps_mode", "passthrough", "-c:a", "copy", "-f", "framemd5", "-")
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("ffmpeg: %v\n%s", err, complaints.String())
	}
	var all []packet
	base := map[int]float64{}
	for line := range strings.Lines(string(out)) {
		var stream int
		var num, den float64
		if _, err := fmt.Sscanf(line, "#tb %d: %g/%g", &stream, &num, &den); err == nil {
			base[stream] = num / den
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, ",")
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		stream, _ = strconv.Atoi(f[0])
		pts, err := strconv.ParseFloat(f[2], 64)
		if err != nil || len(f) < 6 {
			t.Fatalf("ffmpeg: %q", line)
		}
		all = append(all, packet{stream, pts * base[stream], f[5]})
	}
	slices.SortStableFunc(all, func(a, b packet) int { return a.Stream - b.Stream })
	return all
}

// zeroed moves packets so that the first of the first stream is at 0.
func zeroed(all []packet) []packet {
	first := math.Inf(1)
	for _, p := range all {
		if p.Stream == 0 {
			first = min(first, p.PTS)
		}
	}
	for i := range all {
		all[i].PTS -= first
	}
	return all
}

func span(from, to int64) *archive.TimestampRange {
	return &archive.TimestampRange{StartTimestamp: new(archive.Timestamp(from)), EndTimestamp: new(archive.Timestamp(to))}
}

const begin = 1_600_000_000_000 // ms: what put has as the producer's start

func (s *service) clip(stream string, sel *archive.FragmentSelector) ([]byte, *archive.Clip, error) {
	s.t.Helper()
	c, err := s.GetClip(context.Background(), &archive.GetClipInput{StreamRef: ref(stream), ClipFragmentSelector: sel})
	if err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	if err := c.WriteTo(context.Background(), &b); err != nil {
		s.t.Fatal(err)
	}
	if int64(b.Len()) != c.Size {
		s.t.Errorf("a clip of %d bytes says that it has %d", b.Len(), c.Size)
	}
	return b.Bytes(), c, nil
}

func producer(from, to int64) *archive.FragmentSelector {
	return &archive.FragmentSelector{FragmentSelectorType: "PRODUCER_TIMESTAMP", TimestampRange: span(from, to)}
}

// TestClip has ffmpeg compare a clip of an upload with the upload: the same pictures and sound at the same times.
func TestClip(t *testing.T) {
	for _, file := range []string{"sample.mkv", "unknown-size.mkv", "h264-nob.mkv", "hevc-aac.mkv", "gap.mkv", "opengop.mkv", "vfr.mkv"} {
		t.Run(file, func(t *testing.T) {
			s := serve(t, archive.Options{})
			acks := s.upload("cam", file)
			var first int64 = math.MaxInt64
			for _, a := range acks {
				if a.Err != nil {
					t.Fatalf("%s", a.AppendJSON(nil))
				}
				first = min(first, a.Timecode)
			}
			clip, c, err := s.clip("cam", producer(begin, begin+int64(24*time.Hour/time.Millisecond)))
			if err != nil {
				t.Fatal(err)
			}
			if c.Truncated != "" {
				t.Errorf("truncated by %s", c.Truncated)
			}
			want, got := zeroed(packets(t, read(t, file))), zeroed(packets(t, clip))
			if len(want) != len(got) {
				t.Fatalf("%d packets, want %d", len(got), len(want))
			}
			for i := range want {
				tolerance := 0.0001
				if want[i].Stream == 1 { // sound lies on its sample grid; the file's milliseconds, less a CodecDelay of its own rounding, are beside it
					tolerance = 0.002
				}
				if want[i].Hash != got[i].Hash || math.Abs(want[i].PTS-got[i].PTS) > tolerance {
					t.Fatalf("packet %d: %v, want %v", i, got[i], want[i])
				}
			}
		})
	}
}

// TestClipRange has which fragments a clip is of, by what it says when they are none or too many.
func TestClipRange(t *testing.T) {
	now := time.UnixMilli(begin + 500).Add(time.Hour)
	s := serve(t, archive.Options{Now: func() time.Time { return now }, Limits: archive.Limits{ClipFragments: 3}})
	s.create("none", 0)
	s.create("empty", 1)
	s.create("two", 24)
	key := func(at uint64) []byte { return fragment(at, block(1, 0, 9), block(1, 1960, 9)) }
	if _, err := s.put("two", archive.PutMediaInput{}, bytes.NewReader(join(front(1), key(0)))); err != nil {
		t.Fatal(err)
	}
	s.upload("cam", "h264-nob.mkv")
	n := len(s.list(archive.ListFragmentsInput{StreamRef: ref("cam")}))
	if n <= 1 {
		t.Fatalf("%d fragments", n)
	}
	at := now.UnixMilli()
	server := func(from, to int64) *archive.FragmentSelector {
		return &archive.FragmentSelector{FragmentSelectorType: "SERVER_TIMESTAMP", TimestampRange: span(from, to)}
	}
	day := int64(24 * time.Hour / time.Millisecond)
	for _, tt := range []struct {
		name, stream string
		sel          *archive.FragmentSelector
		want         string
	}{
		{"no selector", "cam", nil, archive.InvalidArgument},
		{"no such clock", "cam", &archive.FragmentSelector{FragmentSelectorType: "WALL", TimestampRange: span(0, 1)}, archive.InvalidArgument},
		{"no range", "cam", &archive.FragmentSelector{FragmentSelectorType: "SERVER_TIMESTAMP"}, archive.InvalidArgument},
		{"no end", "cam", &archive.FragmentSelector{FragmentSelectorType: "SERVER_TIMESTAMP", TimestampRange: &archive.TimestampRange{StartTimestamp: new(archive.Timestamp(1))}}, archive.InvalidArgument},
		{"backwards", "cam", producer(begin+1, begin), archive.InvalidArgument},
		{"empty range", "cam", producer(begin, begin), archive.InvalidArgument},
		{"a day and a millisecond", "cam", producer(begin, begin+day+1), archive.InvalidArgument},
		{"a day", "cam", producer(begin, begin+day), ""},
		{"nothing there", "cam", producer(begin+day, begin+2*day), archive.ResourceNotFound},
		{"both ends are inclusive: the first", "cam", producer(begin, begin+1), ""},
		{"behind the first", "cam", producer(begin+1, begin+2), archive.ResourceNotFound},
		{"server time in the future", "cam", server(at-1, at+1), archive.InvalidArgument},
		{"server time", "cam", server(at-1, at), ""},
		{"server time long ago", "cam", server(at-3*day, at-2*day), archive.InvalidArgument},
		{"server time before the oldest", "cam", server(at-5000, at), archive.InvalidArgument},
		{"no retention", "none", producer(begin, begin+day), archive.NoDataRetention},
		{"no fragment", "empty", producer(begin, begin+day), archive.ResourceNotFound},
		{"no stream", "other", producer(begin, begin+day), archive.ResourceNotFound},
		{"no codec private data", "two", producer(begin, begin+day), archive.MissingCodecPrivateData},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, err := s.clip(tt.stream, tt.sel); typeOf(err) != tt.want {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// TestClipCap cuts a clip off behind the last whole fragment that fits.
func TestClipCap(t *testing.T) {
	size := func(limits archive.Limits) (int, string) {
		s := serve(t, archive.Options{Limits: limits})
		s.upload("cam", "getmedia.mkv")
		clip, c, err := s.clip("cam", producer(begin, begin+3_600_000))
		if err != nil {
			t.Fatal(err)
		}
		return len(clip), c.Truncated
	}
	whole, cut := size(archive.Limits{ClipFragments: -1, ClipBytes: -1})
	if cut != "" {
		t.Errorf("without limits: cut by %s", cut)
	}
	two, cut := size(archive.Limits{ClipFragments: 2})
	if cut != "fragments" || two >= whole {
		t.Errorf("two fragments: %d of %d bytes, cut by %q", two, whole, cut)
	}
	if same, cut := size(archive.Limits{ClipBytes: int64(two) + 20<<10}); cut != "bytes" || same > two+20<<10 {
		t.Errorf("%d bytes allowed: %d, cut by %q", two+20<<10, same, cut)
	}
}

// TestClipChanges has what becomes of codec private data and tracks that change within a range.
func TestClipChanges(t *testing.T) {
	for _, tt := range []struct {
		strict bool
		want   string
	}{{false, ""}, {true, archive.InvalidCodecPrivateData}} {
		s := serve(t, archive.Options{})
		st := archive.New(s.store, &archive.Options{Strict: tt.strict})
		s.upload("cam", "change.mkv")
		_, err := st.GetClip(context.Background(), &archive.GetClipInput{StreamRef: ref("cam"), ClipFragmentSelector: producer(begin, begin+3_600_000)})
		if typeOf(err) != tt.want {
			t.Errorf("strict %v: %v, want %q", tt.strict, err, tt.want)
		}
	}
	for _, tt := range []struct{ name, first, second, want string }{
		{"pictures, then sound alone", "h264-nob.mkv", "audio-only.mkv", archive.UnsupportedStreamMedia},
		{"pictures alone, then with sound", "h264-nob.mkv", "sample.mkv", archive.UnsupportedStreamMedia},
		{"H.264, then H.265", "h264-nob.mkv", "opengop.mkv", archive.UnsupportedStreamMedia},
		{"AAC, then G.711", "hevc-aac.mkv", "hevc-alaw.mkv", archive.UnsupportedStreamMedia},
		{"A-law, then mu-law", "alaw.mkv", "ulaw.mkv", archive.UnsupportedStreamMedia},
		{"H.264 twice", "h264-nob.mkv", "interlaced.mkv", ""},
	} {
		s := serve(t, archive.Options{})
		s.upload("cam", tt.first)
		if _, err := s.put("cam", archive.PutMediaInput{FragmentTimecodeType: "RELATIVE", ProducerStartTimestamp: "1600000100"}, bytes.NewReader(read(t, tt.second))); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.clip("cam", producer(begin, begin+3_600_000)); typeOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestClipCollections has rule 124: of a period that was uploaded twice, the first collection; of equal producer times the newest fragment.
func TestClipCollections(t *testing.T) {
	now := time.UnixMilli(begin)
	s := serve(t, archive.Options{Now: func() time.Time { return now }})
	clip := func() string {
		b, _, err := s.clip("cam", producer(begin, begin+60_000))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(len(packets(t, b)))
	}
	s.upload("cam", "h264-nob.mkv")
	once := clip()
	now = now.Add(time.Hour)
	s.upload("cam", "h264-nob.mkv") // the same producer times: each replaces its twin
	if got := clip(); got != once {
		t.Errorf("%s packets after a second upload of the same, %s before", got, once)
	}
	put := func(start string) {
		if _, err := s.put("cam", archive.PutMediaInput{FragmentTimecodeType: "RELATIVE", ProducerStartTimestamp: start}, bytes.NewReader(read(t, "h264-nob.mkv"))); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(5 * time.Minute)
	put("1600000000.7") // overlaps what is there
	if got := clip(); got == once {
		t.Errorf("%s packets though another upload of the period came right after", got)
	}
	both := clip()
	now = now.Add(21 * time.Hour)
	n := len(s.list(archive.ListFragmentsInput{StreamRef: ref("cam")}))
	if _, err := s.UpdateDataRetention(context.Background(), &archive.UpdateDataRetentionInput{StreamRef: ref("cam"), CurrentVersion: s.version("cam"),
		Operation: "INCREASE_DATA_RETENTION", DataRetentionChangeInHours: new(int64(100))}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(4 * time.Hour)
	put("1600000000.3")
	if got := clip(); got != both {
		t.Errorf("%s packets after an upload of the period 25 hours later, %s before", got, both)
	}
	if more := len(s.list(archive.ListFragmentsInput{StreamRef: ref("cam")})); more <= n {
		t.Errorf("%d fragments are listed after another upload, %d before", more, n)
	}
}

func (s *service) version(stream string) string {
	s.t.Helper()
	out, err := s.DescribeStream(context.Background(), &archive.DescribeStreamInput{StreamRef: ref(stream)})
	if err != nil {
		s.t.Fatal(err)
	}
	return out.StreamInfo.Version
}

// TestList has pages, ranges and tokens.
func TestList(t *testing.T) {
	s := serve(t, archive.Options{})
	s.upload("cam", "getmedia.mkv")
	s.create("cam2", 24)
	all := s.list(archive.ListFragmentsInput{StreamRef: ref("cam")})
	var total int64
	for _, f := range all {
		total += f.FragmentLengthInMilliseconds
		if f.FragmentSizeInBytes < 100 || f.ProducerTimestamp < begin || f.ServerTimestamp < begin {
			t.Errorf("%+v", f)
		}
	}
	if total < 3900 || total > 4100 {
		t.Errorf("fragments of %d ms in all, want those of the file's 4 s", total)
	}
	between := func(from, to int64) int {
		return len(s.list(archive.ListFragmentsInput{StreamRef: ref("cam"), MaxResults: new(int64(1)), FragmentSelector: producer(from, to)}))
	}
	first, last := int64(all[0].ProducerTimestamp), int64(all[len(all)-1].ProducerTimestamp)
	for _, tt := range []struct {
		from, to int64
		want     int
	}{{first, last, len(all)}, {first, first, 1}, {first + 1, last, len(all) - 1}, {first, last - 1, len(all) - 1}, {last + 1, last + 9, 0}, {0, first - 1, 0}} {
		if got := between(tt.from, tt.to); got != tt.want {
			t.Errorf("%d to %d: %d fragments, want %d", tt.from, tt.to, got, tt.want)
		}
	}
	page, err := s.ListFragments(context.Background(), &archive.ListFragmentsInput{StreamRef: ref("cam"), MaxResults: new(int64(1)), FragmentSelector: producer(first, last)})
	if err != nil || page.NextToken == "" {
		t.Fatal(page, err)
	}
	for name, in := range map[string]archive.ListFragmentsInput{
		"another stream":    {StreamRef: ref("cam2"), FragmentSelector: producer(first, last)},
		"another range":     {StreamRef: ref("cam"), FragmentSelector: producer(first, last+1)},
		"no selector":       {StreamRef: ref("cam")},
		"a damaged token":   {StreamRef: ref("cam"), NextToken: page.NextToken[1:]},
		"no token":          {StreamRef: ref("cam"), NextToken: "QUJD"},
		"MaxResults 0":      {StreamRef: ref("cam"), MaxResults: new(int64(0)), NextToken: "-"},
		"MaxResults 1001":   {StreamRef: ref("cam"), MaxResults: new(int64(1001)), NextToken: "-"},
		"start behind end":  {StreamRef: ref("cam"), FragmentSelector: producer(last, first), NextToken: "-"},
		"no such selector":  {StreamRef: ref("cam"), FragmentSelector: &archive.FragmentSelector{}, NextToken: "-"},
		"neither name, ARN": {NextToken: "-"},
	} {
		switch in.NextToken {
		case "":
			in.NextToken = page.NextToken
		case "-":
			in.NextToken = ""
		}
		if _, err := s.ListFragments(context.Background(), &in); typeOf(err) != archive.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	if out, err := s.ListFragments(context.Background(), &archive.ListFragmentsInput{StreamRef: ref("cam2")}); err != nil || out.Fragments == nil || len(out.Fragments) != 0 {
		t.Errorf("an empty stream: %v, %v", out, err)
	}
	if d := cmp.Diff(all[1:], s.list(archive.ListFragmentsInput{StreamRef: ref("cam"), FragmentSelector: producer(first, last), NextToken: page.NextToken})); d != "" {
		t.Error(d)
	}
}
