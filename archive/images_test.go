package archive_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/images"
)

// decoding returns options with the decoder of this machine, which has to have one.
func decoding(t *testing.T) archive.Options {
	t.Helper()
	d, err := images.NewFFmpeg(nil)
	if err != nil {
		t.Fatal(err)
	}
	return archive.Options{Decoder: d}
}

// getImages gets all pages of images.
func (s *service) getImages(in archive.GetImagesInput) []archive.Image {
	s.t.Helper()
	var all []archive.Image
	for {
		out, err := s.GetImages(context.Background(), &in)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, out.Images...)
		if in.NextToken = out.NextToken; in.NextToken == "" {
			return all
		}
	}
}

// between returns an input of the producer's clock, in milliseconds behind the start of put's uploads.
func between(stream string, from, to, interval int64) archive.GetImagesInput {
	const start = 1_600_000_000_000
	return archive.GetImagesInput{StreamRef: ref(stream), ImageSelectorType: "PRODUCER_TIMESTAMP", StartTimestamp: new(archive.Timestamp(start + from)),
		EndTimestamp: new(archive.Timestamp(start + to)), SamplingInterval: &interval, Format: "PNG"}
}

// pictures has ffmpeg decode a file of testdata in one go: RGBA.
func pictures(t *testing.T, file string, size image.Point) [][]byte {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", filepath.Join("..", "testdata", file), "-map", "0:v", "-fps_mode", "passthrough",
		"-pix_fmt", "rgba", "-f", "rawvideo", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for n := 4 * size.X * size.Y; len(out) >= n; out = out[n:] {
		all = append(all, out[:n])
	}
	return all
}

// rgba returns the pixels of a PNG file.
func rgba(t *testing.T, content []byte) []byte {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	out := image.NewNRGBA(img.Bounds())
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			out.Set(x, y, img.At(x, y))
		}
	}
	return out.Pix
}

// TestImages gets every picture of files by its time, and in the middle of it: each is the one that ffmpeg decodes there from the file
// that was uploaded, and none of its neighbours.
func TestImages(t *testing.T) {
	opts := decoding(t)
	files := []string{"opengop.mkv", "sample.mkv", "h264-nob.mkv", "hevc-aac.mkv"}
	if testing.Short() {
		files = files[:1]
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			s := serve(t, opts)
			s.upload("cam", file)
			want := pictures(t, file, image.Pt(160, 90))
			got := s.getImages(between("cam", 0, int64(40*len(want)-1), 360))
			for i, img := range got {
				n := 360 * i / 40
				if img.Error != "" {
					t.Fatalf("picture %d: %s", n, img.Error)
				}
				have := rgba(t, img.ImageContent)
				if !bytes.Equal(have, want[n]) {
					t.Errorf("picture %d is another", n)
				}
				for _, other := range []int{n - 1, n + 1} {
					if other >= 0 && other < len(want) && bytes.Equal(have, want[other]) {
						t.Errorf("pictures %d and %d are the same", n, other)
					}
				}
			}
			if len(got) != (40*len(want)-1)/360+1 {
				t.Errorf("%d images", len(got))
			}
		})
	}
}
