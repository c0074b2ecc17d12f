package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/images"
	"github.com/seed63bb8431/weir/mkv"
)

// painter is a decoder that looks at what it is to decode, and paints. Its picture of a frame has the frame's presentation time, in
// milliseconds of its second, as red.
type painter struct {
	jobs   []string      // what it was asked for: size, layout and the frames of each group
	first  time.Duration // of the frames of the last group
	fail   error
	broken func(pts time.Duration) bool // frames that cannot be decoded
	size   int                          // side of the pictures; 0: as asked for
	asked  atomic.Int64
}

func (p *painter) Decode(ctx context.Context, job *images.Job, picture func(int, image.Image) error) error {
	p.asked.Add(1)
	if p.fail != nil {
		return p.fail
	}
	var text strings.Builder
	text.WriteString(fmt.Sprintf("%dx%d", job.Width, job.Height))
	for i := range job.Groups {
		g, err := job.Group(ctx, i)
		if err != nil {
			return err
		}
		text.WriteString(fmt.Sprintf(" %d", len(g.Frames)))
		if g.Clean {
			text.WriteString("c")
		}
		if len(g.Frames) > 0 {
			p.first = g.Frames[0].PTS
		}
		for _, f := range g.Frames {
			if !f.Wanted || p.broken != nil && p.broken(f.PTS) {
				continue
			}
			w, h := job.Width, job.Height
			if p.size > 0 {
				w, h = p.size, p.size
			}
			img := image.NewNRGBA(image.Rect(0, 0, w, h))
			img.Set(0, 0, color.NRGBA{R: byte(f.PTS / (10 * time.Millisecond) % 256), A: 255})
			_, _ = rand.NewChaCha8([32]byte{}).Read(img.Pix[4:]) // which PNG does not make small
			if err := picture(f.ID, img); err != nil {
				return err
			}
		}
	}
	p.jobs = append(p.jobs, text.String())
	return nil
}

// seen tells of images: the error, or the time of the picture in hundredths of a second, as far as a byte has it.
func seen(t *testing.T, all []archive.Image) (told []string) {
	t.Helper()
	for _, img := range all {
		if img.Error != "" {
			told = append(told, img.Error)
			continue
		}
		told = append(told, fmt.Sprint(rgba(t, img.ImageContent)[0]))
	}
	return told
}

// at is what seen tells of the picture at a time, in milliseconds behind the start of put's uploads.
func at(millis ...int64) (told []string) {
	for _, m := range millis {
		told = append(told, fmt.Sprint(byte((1_600_000_000_000+m)/10)))
	}
	return told
}

// TestImageTimes asks for pictures at, before and behind their times, in gaps, and behind everything.
func TestImageTimes(t *testing.T) {
	const none, bad = "NO_MEDIA", "MEDIA_ERROR"
	for _, tt := range []struct {
		file               string
		from, to, interval int64
		want               []string
	}{
		{"h264-nob.mkv", 0, 999, 200, at(0, 200, 400, 600, 800)},
		{"h264-nob.mkv", 39, 239, 200, at(0, 200)},
		{"h264-nob.mkv", 1500, 1500, 3000, at(1480)},
		{"h264-nob.mkv", 3959, 4200, 200, slices.Concat(at(3920), []string{none})},
		{"h264-nob.mkv", -1000, 1000, 1000, slices.Concat([]string{none}, at(0, 1000))},
		{"h264-nob.mkv", 100, 500, 86_400_000_000, at(80)},
		{"gap.mkv", 0, 4000, 1000, slices.Concat(at(0), []string{none, none}, at(3000), []string{none})},
		{"audio-only.mkv", 0, 0, 3000, []string{bad}},
		{"bad-avcc.mkv", 0, 1000, 1000, []string{bad, bad}},
		{"opus-only.mkv", 0, 0, 3000, []string{bad}},
	} {
		t.Run(fmt.Sprintf("%s from %d", tt.file, tt.from), func(t *testing.T) {
			p := &painter{}
			s := serve(t, archive.Options{Decoder: p})
			s.upload("cam", tt.file)
			got := s.getImages(between("cam", tt.from, tt.to, tt.interval))
			if d := cmp.Diff(tt.want, seen(t, got)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			for i, img := range got {
				if want := archive.Timestamp(1_600_000_000_000 + tt.from + int64(i)*tt.interval); img.TimeStamp != want {
					t.Errorf("image %d is of %d, want %d", i, img.TimeStamp, want)
				}
			}
		})
	}
}

// TestImageGroups looks at what is decoded for pictures.
func TestImageGroups(t *testing.T) {
	for _, tt := range []struct {
		file               string
		keys               bool
		from, to, interval int64
		want               []string
	}{
		{"h264-nob.mkv", false, 0, 0, 3000, []string{"160x90 1c"}},
		{"h264-nob.mkv", false, 480, 480, 3000, []string{"160x90 13c"}},
		{"h264-nob.mkv", false, 200, 2200, 1000, []string{"160x90 6c 6c 6c"}},
		{"h264-nob.mkv", false, 0, 800, 200, []string{"160x90 21c"}},
		{"h264-nob.mkv", true, 200, 2200, 1000, []string{"160x90 1c 1c 1c"}},
		{"inband-change.mkv", false, 0, 5000, 1000, []string{"160x90 1c 1c", "128x96 1c 1c", "160x90 1c 1c"}},
	} {
		t.Run(fmt.Sprintf("%s from %d to %d", tt.file, tt.from, tt.to), func(t *testing.T) {
			p := &painter{}
			s := serve(t, archive.Options{Decoder: p, ImageKeyFrames: tt.keys})
			s.upload("cam", tt.file)
			s.getImages(between("cam", tt.from, tt.to, tt.interval))
			if d := cmp.Diff(tt.want, p.jobs); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// TestOpenGroups decodes a picture that is shown before the key frame of its fragment from the fragment before.
func TestOpenGroups(t *testing.T) {
	p := &painter{}
	s := serve(t, archive.Options{Decoder: p})
	s.upload("cam", "opengop.mkv")
	second := s.list(archive.ListFragmentsInput{StreamRef: ref("cam")})[1].ProducerTimestamp
	longer := 0
	for n := range int64(50) {
		if got := seen(t, s.getImages(between("cam", 40*n, 40*n, 3000))); !slices.Equal(got, at(40*n)) {
			t.Errorf("picture %d: %v", n, got)
		}
		if begin := archive.Timestamp(p.first / time.Millisecond); 1_600_000_000_000+archive.Timestamp(40*n) >= second && begin < second {
			longer++
		}
	}
	if longer == 0 || longer > 10 {
		t.Errorf("%d pictures are decoded from the fragment before", longer)
	}
}

// TestImagePages goes through pages, by both clocks, and has tokens of others refused.
func TestImagePages(t *testing.T) {
	p := &painter{}
	s := serve(t, archive.Options{Decoder: p})
	s.upload("cam", "h264-nob.mkv")
	s.create("other", 24)
	in := between("cam", 0, 3960, 40*5)
	whole := s.getImages(in)
	in.MaxResults = new(int64(7))
	first, err := s.GetImages(context.Background(), &in)
	if err != nil || len(first.Images) != 7 || first.NextToken == "" {
		t.Fatal(first, err)
	}
	if d := cmp.Diff(whole, s.getImages(in)); d != "" {
		t.Errorf("pages give others: -whole +pages\n%.500s", d)
	}
	for name, change := range map[string]func(*archive.GetImagesInput){
		"another stream":    func(in *archive.GetImagesInput) { in.StreamRef = ref("other") },
		"another clock":     func(in *archive.GetImagesInput) { in.ImageSelectorType = "SERVER_TIMESTAMP" },
		"another start":     func(in *archive.GetImagesInput) { in.StartTimestamp = new(*in.StartTimestamp + 1) },
		"another end":       func(in *archive.GetImagesInput) { in.EndTimestamp = new(*in.EndTimestamp + 1) },
		"another interval":  func(in *archive.GetImagesInput) { in.SamplingInterval = new(int64(201)) },
		"no interval":       func(in *archive.GetImagesInput) { in.SamplingInterval = nil },
		"another format":    func(in *archive.GetImagesInput) { in.Format = "JPEG" },
		"another quality":   func(in *archive.GetImagesInput) { in.FormatConfig = map[string]string{"JPEGQuality": "81"} },
		"another size":      func(in *archive.GetImagesInput) { in.HeightPixels = new(int64(90)) },
		"a damaged token":   func(in *archive.GetImagesInput) { in.NextToken = "B" + in.NextToken[1:] },
		"a cut token":       func(in *archive.GetImagesInput) { in.NextToken = in.NextToken[:len(in.NextToken)-4] },
		"no token":          func(in *archive.GetImagesInput) { in.NextToken = "QUJD" },
		"one of another op": func(in *archive.GetImagesInput) { in.NextToken = strings.Repeat("AQAA", 20) },
	} {
		in := in
		in.NextToken = first.NextToken
		change(&in)
		if _, err := s.GetImages(context.Background(), &in); typeOf(err) != archive.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// arrivals is a camera whose Clusters arrive a second apart.
type arrivals struct {
	data  []byte
	begin []int // of each Cluster
	now   atomic.Int64
	at    int
}

func (a *arrivals) Read(p []byte) (int, error) {
	if a.at == len(a.data) {
		return 0, io.EOF
	}
	end := len(a.data)
	for i, b := range a.begin {
		if a.at == b {
			a.now.Store(int64(i) * 1000)
		}
		if b > a.at {
			end = b
			break
		}
	}
	n := copy(p, a.data[a.at:end])
	a.at += n
	return n, nil
}

// TestImagesByServer asks for the same pictures by both clocks.
func TestImagesByServer(t *testing.T) {
	a := &arrivals{data: read(t, "h264-nob.mkv")}
	r := mkv.NewBytesReader(a.data, nil)
	for token, err := r.Read(); err == nil; token, err = r.Read() {
		if token == mkv.TokenCluster {
			a.begin = append(a.begin, int(r.Cluster().Offset))
		}
	}
	const start = 1_700_000_000_250
	s := serve(t, archive.Options{Decoder: &painter{}, Now: func() time.Time { return time.UnixMilli(start + a.now.Load()) }})
	if _, err := s.put("cam", archive.PutMediaInput{}, a); err != nil {
		t.Fatal(err)
	}
	in := between("cam", 0, 3999, 200)
	want := seen(t, s.getImages(in))
	in.ImageSelectorType, in.StartTimestamp, in.EndTimestamp = "SERVER_TIMESTAMP", new(archive.Timestamp(start)), new(archive.Timestamp(start+3999))
	if d := cmp.Diff(want, seen(t, s.getImages(in))); d != "" || len(want) != 20 {
		t.Errorf("-producer +server\n%s", d)
	}
}

// TestImageBytes ends pages where they would have more bytes than allowed.
func TestImageBytes(t *testing.T) {
	const most = 200_000
	p := &painter{}
	s := serve(t, archive.Options{Decoder: p, Limits: archive.Limits{ImageBytes: most}})
	s.upload("cam", "h264-nob.mkv")
	in := between("cam", 0, 3999, 500)
	var pages []int
	for {
		out, err := s.GetImages(context.Background(), &in)
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		for _, img := range out.Images {
			total += (len(img.ImageContent) + 2) / 3 * 4
			if img.Error != "" {
				t.Errorf("%d: %s", img.TimeStamp, img.Error)
			}
		}
		if total > most {
			t.Errorf("a page of %d bytes", total)
		}
		pages = append(pages, len(out.Images))
		if in.NextToken = out.NextToken; in.NextToken == "" {
			break
		}
	}
	sum := 0
	for _, n := range pages {
		sum += n
	}
	if len(pages) < 2 || sum != 8 {
		t.Errorf("pages of %v images", pages)
	}
	p.size = 1300
	strict := serve(t, archive.Options{Decoder: p, Strict: true})
	strict.upload("cam", "h264-nob.mkv")
	if got := seen(t, strict.getImages(between("cam", 0, 0, 3000))); !slices.Equal(got, []string{"MEDIA_ERROR"}) {
		t.Errorf("strict, an image of more characters than the API has: %v", got)
	}
}

// TestImageErrors looks at every limit of the members.
func TestImageErrors(t *testing.T) {
	p := &painter{}
	loose, strict := serve(t, archive.Options{Decoder: p}), serve(t, archive.Options{Decoder: p, Strict: true})
	none := serve(t, archive.Options{})
	gone := serve(t, archive.Options{Decoder: &painter{fail: fmt.Errorf("probe: %w", images.ErrNoDecoder)}})
	gone.upload("cam", "h264-nob.mkv")
	loose.create("nothing", 0)
	const start = archive.Timestamp(1_600_000_000_000)
	for _, tt := range []struct {
		name   string
		on     *service
		change func(*archive.GetImagesInput)
		want   string
	}{
		{"as it is", loose, func(*archive.GetImagesInput) {}, ""},
		{"strict", strict, func(*archive.GetImagesInput) {}, ""},
		{"no stream", loose, func(in *archive.GetImagesInput) { in.StreamRef = ref("x") }, archive.ResourceNotFound},
		{"no name", loose, func(in *archive.GetImagesInput) { in.StreamRef = ref("") }, archive.InvalidArgument},
		{"no retention", loose, func(in *archive.GetImagesInput) { in.StreamRef = ref("nothing") }, archive.NoDataRetention},
		{"no decoder", none, func(*archive.GetImagesInput) {}, archive.ImageDecoderUnavailable},
		{"a decoder that does not work", gone, func(*archive.GetImagesInput) {}, archive.ImageDecoderUnavailable},
		{"selector", loose, func(in *archive.GetImagesInput) { in.ImageSelectorType = "" }, archive.InvalidArgument},
		{"no start", loose, func(in *archive.GetImagesInput) { in.StartTimestamp = nil }, archive.InvalidArgument},
		{"no end", loose, func(in *archive.GetImagesInput) { in.EndTimestamp = nil }, archive.InvalidArgument},
		{"end at start", loose, func(in *archive.GetImagesInput) { in.EndTimestamp = new(start) }, ""},
		{"end before start", loose, func(in *archive.GetImagesInput) { in.EndTimestamp = new(start - 1) }, archive.InvalidArgument},
		{"interval 199", loose, func(in *archive.GetImagesInput) { in.SamplingInterval = new(int64(199)) }, archive.InvalidArgument},
		{"interval 200", loose, func(in *archive.GetImagesInput) { in.SamplingInterval = new(int64(200)) }, ""},
		{"interval of all time", loose, func(in *archive.GetImagesInput) { in.SamplingInterval = new(int64(1<<63 - 1)) }, ""},
		{"no interval", loose, func(in *archive.GetImagesInput) { in.SamplingInterval = nil }, ""},
		{"interval 2999, strict", strict, func(in *archive.GetImagesInput) { in.SamplingInterval = new(int64(2999)) }, archive.InvalidArgument},
		{"no interval, strict", strict, func(in *archive.GetImagesInput) { in.SamplingInterval = nil }, archive.InvalidArgument},
		{"format", loose, func(in *archive.GetImagesInput) { in.Format = "png" }, archive.InvalidArgument},
		{"quality 100", loose, func(in *archive.GetImagesInput) { in.FormatConfig = map[string]string{"JPEGQuality": "100"} }, ""},
		{"quality 1", loose, func(in *archive.GetImagesInput) { in.FormatConfig = map[string]string{"JPEGQuality": "1"} }, ""},
		{"quality 0", loose, func(in *archive.GetImagesInput) { in.FormatConfig = map[string]string{"JPEGQuality": "0"} }, archive.InvalidArgument},
		{"quality 101", loose, func(in *archive.GetImagesInput) { in.FormatConfig = map[string]string{"JPEGQuality": "101"} }, archive.InvalidArgument},
		{"quality +5", loose, func(in *archive.GetImagesInput) { in.FormatConfig = map[string]string{"JPEGQuality": "+5"} }, archive.InvalidArgument},
		{"another key", loose, func(in *archive.GetImagesInput) { in.FormatConfig = map[string]string{"Quality": "5"} }, archive.InvalidArgument},
		{"two keys", loose, func(in *archive.GetImagesInput) { in.FormatConfig = map[string]string{"JPEGQuality": "5", "x": "y"} }, archive.InvalidArgument},
		{"width alone", loose, func(in *archive.GetImagesInput) { in.WidthPixels = new(int64(100)) }, archive.Validation},
		{"height alone", loose, func(in *archive.GetImagesInput) { in.HeightPixels = new(int64(2160)) }, ""},
		{"both", loose, func(in *archive.GetImagesInput) { in.WidthPixels, in.HeightPixels = new(int64(3840)), new(int64(2160)) }, ""},
		{"width 0", loose, func(in *archive.GetImagesInput) { in.WidthPixels, in.HeightPixels = new(int64(0)), new(int64(9)) }, archive.InvalidArgument},
		{"width 3841", loose, func(in *archive.GetImagesInput) { in.WidthPixels, in.HeightPixels = new(int64(3841)), new(int64(9)) }, archive.InvalidArgument},
		{"height 2161", loose, func(in *archive.GetImagesInput) { in.HeightPixels = new(int64(2161)) }, archive.InvalidArgument},
		{"results 0", loose, func(in *archive.GetImagesInput) { in.MaxResults = new(int64(0)) }, archive.InvalidArgument},
		{"results 100", loose, func(in *archive.GetImagesInput) { in.MaxResults = new(int64(100)) }, ""},
		{"results 101", loose, func(in *archive.GetImagesInput) { in.MaxResults = new(int64(101)) }, archive.InvalidArgument},
	} {
		in := between("cam", 0, 100, 3000)
		in.Format = "JPEG"
		tt.change(&in)
		_, err := tt.on.GetImages(context.Background(), &in)
		if got := typeOf(err); got != tt.want {
			t.Errorf("%s: %q, want %q (%v)", tt.name, got, tt.want, err)
		}
	}
}

// TestThumbnail has thumbnails remembered, and made once for all who ask at once.
func TestThumbnail(t *testing.T) {
	p := &painter{}
	s := serve(t, archive.Options{Decoder: p})
	s.upload("cam", "gap.mkv")
	get := func(millis int64, width int) ([]byte, error) {
		return s.Thumbnail(context.Background(), ref("cam"), "PRODUCER_TIMESTAMP", archive.Timestamp(1_600_000_000_000+millis), width)
	}
	type result struct {
		content []byte
		err     error
	}
	results := make(chan result)
	for range 8 {
		go func() {
			content, err := get(300, 80)
			results <- result{content, err}
		}()
	}
	var first []byte
	for range 8 {
		r := <-results
		if r.err != nil || first != nil && !bytes.Equal(first, r.content) {
			t.Fatal(r.err)
		}
		first = r.content
	}
	if n := p.asked.Load(); n != 1 || p.jobs[0] != "80x45 1c" {
		t.Errorf("%d decodings: %v", n, p.jobs)
	}
	if _, err := get(300, 160); err != nil || p.asked.Load() != 2 {
		t.Errorf("another width: %v", err)
	}
	for _, tt := range []struct {
		millis int64
		width  int
		want   string
	}{{2000, 80, archive.ResourceNotFound}, {0, 0, archive.InvalidArgument}, {0, 1025, archive.InvalidArgument}} {
		if _, err := get(tt.millis, tt.width); typeOf(err) != tt.want {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	p.broken = func(time.Duration) bool { return true }
	if _, err := get(3000, 80); typeOf(err) != archive.InvalidMediaFrame {
		t.Error(err)
	}
	p.broken = nil
	if _, err := get(3000, 80); err != nil {
		t.Errorf("what failed once is tried again: %v", err)
	}
}

// TestImageDamage tells a picture that the decoder does not give as MEDIA_ERROR, and bytes that the store cannot give as well.
func TestImageDamage(t *testing.T) {
	p := &painter{broken: func(pts time.Duration) bool { return pts%(2*time.Second) == time.Second }}
	s := serve(t, archive.Options{Decoder: p})
	s.upload("cam", "h264-nob.mkv")
	want := slices.Concat(at(0), []string{"MEDIA_ERROR"}, at(2000), []string{"MEDIA_ERROR"})
	if d := cmp.Diff(want, seen(t, s.getImages(between("cam", 0, 3000, 1000)))); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}
