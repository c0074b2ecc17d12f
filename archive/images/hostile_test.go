package images_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/images"
	"github.com/seed63bb8431/weir/internal/mutate"
)

// cutNALU takes the second half off a frame's last NAL unit.
func cutNALU(data []byte) []byte {
	at := 0
	for at+4+int(binary.BigEndian.Uint32(data[at:])) < len(data) {
		at += 4 + int(binary.BigEndian.Uint32(data[at:]))
	}
	n := (len(data) - at - 4) / 2
	cut := bytes.Clone(data[:at+4+n])
	binary.BigEndian.PutUint32(cut[at:], uint32(n))
	return cut
}

// TestDamage has a picture cut in the middle: what comes out is right, and everything before it in its group and in the other groups is
// there.
func TestDamage(t *testing.T) {
	f := decoder(t, nil)
	for _, file := range []string{"h264-nob.mkv", "hevc-aac.mkv"} {
		t.Run(file, func(t *testing.T) {
			m := load(t, file)
			m.wantAll()
			want := reference(t, file)
			size := 4 * m.size.X * m.size.Y
			const group, damaged = 1, 10 // behind the pictures that are shown before the first
			frames := m.groups[group].Frames
			for i := range m.groups { // two of each group: one before the damage and the damaged one
				for j := range m.groups[i].Frames {
					m.groups[i].Frames[j].Wanted = j == 0 || j == damaged
				}
			}
			frames[damaged].Data = cutNALU(frames[damaged].Data)
			got := map[int]bool{}
			err := f.Decode(context.Background(), m.job(images.RGB), func(id int, img image.Image) error {
				got[id] = bytes.Equal(img.(*image.NRGBA).Pix, want[id*size:][:size])
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for i, g := range m.groups {
				for j, frame := range g.Frames {
					if frame.Wanted && got[frame.ID] != (i != group || j < damaged) {
						t.Errorf("group %d, frame %d: %v", i, j, got[frame.ID])
					}
				}
			}
		})
	}
	noChildren(t)
}

// TestPatience has children that get nothing to decode: they are ended, and what they did not give is missing.
func TestPatience(t *testing.T) {
	f := decoder(t, &images.Options{Patience: 2 * time.Second})
	m := load(t, "h264-nob.mkv")
	m.groups[0].Frames[0].Wanted = true
	job := m.job(images.RGB)
	give := job.Group
	job.Group = func(ctx context.Context, i int) (*images.Group, error) {
		for children() != "" && ctx.Err() == nil { // until it is over
			time.Sleep(10 * time.Millisecond)
		}
		return give(ctx, i)
	}
	job.Groups = 1
	if err := f.Decode(context.Background(), job, func(int, image.Image) error { return errors.New("a picture") }); err != nil {
		t.Error(err)
	}
	noChildren(t)
}

// TestCancel has the caller go away, and refuse a picture.
func TestCancel(t *testing.T) {
	f := decoder(t, nil)
	m := load(t, "sample.mkv")
	m.wantAll()
	ctx, cancel := context.WithCancel(context.Background())
	if err := f.Decode(ctx, m.job(images.YCbCr), func(int, image.Image) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	noChildren(t)
	refused := errors.New("refused")
	if err := f.Decode(context.Background(), m.job(images.YCbCr), func(int, image.Image) error { return refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	noChildren(t)
	job := m.job(images.RGB)
	job.Group = func(context.Context, int) (*images.Group, error) { return nil, refused }
	if err := f.Decode(context.Background(), job, nil); !errors.Is(err, refused) {
		t.Error(err)
	}
	noChildren(t)
	job.Width = 1 << 20
	if err := f.Decode(context.Background(), job, nil); !errors.Is(err, images.ErrLimit) {
		t.Error(err)
	}
}

// TestHostile decodes damaged key frames: as many as HOSTILE_IMAGES says, else a few. Nothing but pictures of the right size comes out.
func TestHostile(t *testing.T) {
	count := 16
	if testing.Short() {
		count = 8
	}
	if n, err := strconv.Atoi(os.Getenv("HOSTILE_IMAGES")); err == nil {
		count = n
	}
	f := decoder(t, nil)
	const perJob = 8
	files := []string{"sample.mkv", "hevc-aac.mkv", "interlaced.mkv", "hdr.mkv"}
	var all []*media
	var keys [][]byte
	for _, file := range files {
		m := load(t, file)
		all = append(all, m)
		keys = append(keys, m.groups[0].Frames[0].Data)
	}
	seed := uint64(time.Now().UnixNano())
	var given, tried atomic.Int64
	decode := func(random *rand.Rand, m *media) error {
		job := m.job(images.RGB)
		job.Groups = perJob
		var groups []*images.Group
		for i := range perJob {
			data := mutate.Mutate(random, m.groups[0].Frames[0].Data, keys)
			groups = append(groups, &images.Group{Frames: []images.Frame{{Data: data, Wanted: true, ID: i}}, Clean: true})
		}
		job.Group = func(_ context.Context, i int) (*images.Group, error) { return groups[i], nil }
		seen := map[int]bool{}
		return f.Decode(context.Background(), job, func(id int, img image.Image) error {
			if seen[id] || img.Bounds().Size() != m.size {
				t.Errorf("picture %d of %v", id, img.Bounds())
			}
			seen[id] = true
			given.Add(1)
			return nil
		})
	}
	var workers sync.WaitGroup
	jobs := make(chan int)
	for worker := range uint64(runtime.NumCPU()) {
		workers.Go(func() {
			random := rand.New(rand.NewPCG(seed, worker))
			for n := range jobs {
				if err := decode(random, all[n%len(all)]); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
				if n := tried.Add(perJob); n%200 == 0 {
					t.Logf("%d damaged key frames: %d pictures", n, given.Load())
				}
			}
		})
	}
	for n := range (count + perJob - 1) / perJob {
		jobs <- n
	}
	close(jobs)
	workers.Wait()
	t.Logf("%d damaged key frames, seed %d: %d pictures", count, seed, given.Load())
	noChildren(t)
}
