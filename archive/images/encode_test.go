package images_test

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/seed63bb8431/weir/archive/images"
)

// TestAppend encodes what it then reads back. Better JPEGs are larger, and nearer to the picture.
func TestAppend(t *testing.T) {
	m := load(t, "sample.mkv")
	m.groups[0].Frames[0].Wanted = true
	f := decoder(t, nil)
	for _, layout := range []images.Layout{images.RGB, images.YCbCr} {
		job := m.job(layout)
		job.Groups, job.Width, job.Height = 1, 81, 45 // with odd sides chroma is rounded up
		given := 0
		err := f.Decode(context.Background(), job, func(_ int, img image.Image) error {
			given++
			size := 0
			for _, quality := range []int{1, 50, 80, 100} {
				b, err := images.JPEG.Append([]byte("before"), img, quality)
				if err != nil || len(b) <= size || string(b[:6]) != "before" {
					t.Errorf("quality %d: %d bytes after %d, %v", quality, len(b), size, err)
				}
				size = len(b)
				if back, err := jpeg.Decode(bytes.NewReader(b[6:])); err != nil || back.Bounds() != img.Bounds() {
					t.Errorf("quality %d: %v", quality, err)
				}
			}
			b, err := images.PNG.Append(nil, img, 0)
			if err != nil {
				return err
			}
			back, err := png.Decode(bytes.NewReader(b))
			if err != nil {
				return err
			}
			for _, p := range []image.Point{{0, 0}, {80, 44}, {40, 20}} {
				r, g, b, a := img.At(p.X, p.Y).RGBA()
				if r2, g2, b2, a2 := back.At(p.X, p.Y).RGBA(); r>>8 != r2>>8 || g>>8 != g2>>8 || b>>8 != b2>>8 || a != a2 {
					t.Errorf("%v: %v %v", p, img.At(p.X, p.Y), back.At(p.X, p.Y))
				}
			}
			return nil
		})
		if err != nil || given != 1 {
			t.Errorf("layout %d: %d pictures, %v", layout, given, err)
		}
	}
}
