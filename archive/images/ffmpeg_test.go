package images_test

import (
	"bytes"
	"context"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive/images"
	"github.com/seed63bb8431/weir/codec"
)

// decoder is the one of this machine.
func decoder(t testing.TB, o *images.Options) *images.FFmpeg {
	t.Helper()
	f, err := images.NewFFmpeg(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Probe(context.Background()); err != nil {
		t.Fatal(err)
	}
	return f
}

// media is a file of testdata: its groups, each from one frame that decoding can start at to the next.
type media struct {
	track  *codec.Track
	groups []images.Group
	size   image.Point
}

func load(t testing.TB, file string) *media {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	src, err := weir.NewBytesSource(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &media{}
	for {
		f, err := src.Next()
		if err == io.EOF {
			return m
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range f.Runs {
			if r.Track.Kind != codec.Video {
				continue
			}
			m.track = r.Track
			p := r.Track.Config.(codec.VideoConfig).PictureInfo()
			m.size = image.Pt(int(p.Width), int(p.Height))
			for _, s := range r.Samples {
				if s.Sync {
					m.groups = append(m.groups, images.Group{Clean: s.Access == codec.IDR || s.Access == codec.CRA})
				}
				g := &m.groups[len(m.groups)-1]
				g.Frames = append(g.Frames, images.Frame{PTS: r.Time(s.PTS), Data: bytes.Clone(s.Data)})
			}
		}
	}
}

// wantAll numbers the pictures in the order in which they are shown, from 0, and wants all that the groups have alone.
func (m *media) wantAll() (all, wanted int) {
	for i := range m.groups {
		for j := range m.groups[i].Frames {
			f := &m.groups[i].Frames[j]
			f.ID, f.Wanted = 0, f.PTS >= m.groups[i].Frames[0].PTS
			for k := range m.groups {
				for _, other := range m.groups[k].Frames {
					if other.PTS < f.PTS {
						f.ID++
					}
				}
			}
			all++
			if f.Wanted {
				wanted++
			}
		}
	}
	return all, wanted
}

func (m *media) job(layout images.Layout) *images.Job {
	return &images.Job{Track: m.track, Width: m.size.X, Height: m.size.Y, Layout: layout, Groups: len(m.groups),
		Group: func(_ context.Context, i int) (*images.Group, error) { return &m.groups[i], nil }}
}

// reference has ffmpeg decode a file of testdata in one go: RGBA, one picture behind the other.
func reference(t testing.TB, file string) []byte {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", filepath.Join("..", "..", "testdata", file), "-map", "0:v", "-fps_mode", "passthrough",
		"-pix_fmt", "rgba", "-f", "rawvideo", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestDecode decodes every picture of files, and has the same as ffmpeg has on its own.
func TestDecode(t *testing.T) {
	f := decoder(t, nil)
	t.Log(f.Version(), "with", f.Confined())
	files := []string{"sample.mkv", "opengop.mkv", "hevc-aac.mkv", "interlaced.mkv", "vfr.mkv", "annexb-noprivate.mkv"}
	if testing.Short() {
		files = files[:2]
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			m := load(t, file)
			all, wanted := m.wantAll()
			want := reference(t, file)
			size := 4 * m.size.X * m.size.Y
			if len(want) != all*size {
				t.Fatalf("%d bytes of %d pictures by %d", len(want), all, size)
			}
			got := map[int]bool{}
			err := f.Decode(context.Background(), m.job(images.RGB), func(id int, img image.Image) error {
				if got[id] {
					t.Errorf("picture %d twice", id)
				}
				got[id] = true
				if !bytes.Equal(img.(*image.NRGBA).Pix, want[id*size:][:size]) {
					t.Errorf("picture %d is another", id)
				}
				return nil
			})
			if err != nil || len(got) != wanted {
				t.Errorf("%d pictures of %d, %v", len(got), wanted, err)
			}
		})
	}
}
