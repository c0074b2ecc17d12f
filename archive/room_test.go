package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/store"
)

// slowStore takes a while to read and to append, on the bubble's clock.
type slowStore struct {
	store.Store
	read, append time.Duration
}

func (s *slowStore) Read(ctx context.Context, dst []byte, r *store.Row) ([]byte, error) {
	time.Sleep(s.read)
	return s.Store.Read(ctx, dst, r)
}

func (s *slowStore) Append(ctx context.Context, r *store.Row, data []byte) error {
	time.Sleep(s.append)
	return s.Store.Append(ctx, r, data)
}

// settledMemory fails the test when an archive has exceeded its memory, or has not got all of it back.
func settledMemory(t *testing.T, a *archive.Archive, most int64) (peak int64) {
	t.Helper()
	used, peak := a.Memory()
	if used != 0 || peak > most {
		t.Errorf("%d bytes are in use at the end, %d were at most, of %d", used, peak, most)
	}
	return peak
}

// bounded runs a test in a bubble over an archive with little memory and the streams cam and door, each with an upload of the sample.
func bounded(t *testing.T, memory int64, test func(t *testing.T, s *service)) {
	dir := t.TempDir()
	sample := read(t, "sample.mkv")
	ring, err := archive.ParseKeyring(archive.NewKeyringText())
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		opts := archive.Options{TempDir: dir, Keys: func() *archive.Keyring { return ring }}
		s := serve(t, opts)
		s.create("door", 24)
		for _, stream := range []string{"cam", "door"} {
			if _, err := s.put(stream, archive.PutMediaInput{}, bytes.NewReader(sample)); err != nil {
				t.Fatal(err)
			}
		}
		s.store = &slowStore{s.store, 10 * time.Millisecond, 10 * time.Millisecond}
		opts.Memory, opts.Decoder = memory, &painter{}
		s.Archive = archive.New(s.store, &opts)
		test(t, s)
		settledMemory(t, s.Archive, memory)
	})
}

// token opens an HLS session of a stream.
func (s *service) token(stream, container string) string {
	s.t.Helper()
	out, err := s.GetHLSStreamingSessionURL(context.Background(), &archive.GetHLSStreamingSessionURLInput{StreamRef: ref(stream), ContainerFormat: container}, base)
	if err != nil {
		s.t.Fatal(err)
	}
	return newPlayer(s.t, s.Archive, out.HLSStreamingSessionURL).url.Query().Get("SessionToken")
}

// TestMemoryFair has a hundred requests of one stream at once, and one of another in their midst: it need not wait for any of them.
func TestMemoryFair(t *testing.T) {
	bounded(t, 2<<20, func(t *testing.T, s *service) {
		greedy, modest := s.token("cam", ""), s.token("door", "")
		fragment := func(token, stream string) error {
			r, err := s.MediaFragment(context.Background(), false, token, s.numbers(stream)[0], "1")
			if err != nil {
				return err
			}
			time.Sleep(10 * time.Millisecond) // while it is sent
			r.Release()
			return nil
		}
		began := time.Now()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if err := fragment(greedy, "cam"); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(5 * time.Millisecond)
		if used, _ := s.Memory(); used == 0 || used > 1<<20 {
			t.Errorf("the greedy stream has %d bytes", used)
		}
		if err := fragment(modest, "door"); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 30*time.Millisecond {
			t.Errorf("the other stream was served after %v", took)
		}
		all.Wait()
		if took := time.Since(began); took < 100*time.Millisecond || took > 5*time.Second {
			t.Errorf("the greedy stream was served in %v", took)
		}
	})
}

func released(r *archive.Resource, err error) error {
	if err == nil {
		r.Release()
	}
	return err
}

// TestMemoryRefused has callers told after five seconds that there is no memory, in a way that they try again, and served when there is some.
func TestMemoryRefused(t *testing.T) {
	bounded(t, 1<<20, func(t *testing.T, s *service) {
		hls, chunks := s.token("cam", ""), s.token("cam", "MPEG_TS")
		other := s.token("door", "")
		var held []*archive.Resource
		for len(held) < 100 {
			r, err := s.MediaFragment(context.Background(), false, hls, s.numbers("cam")[0], "1")
			if err != nil {
				break
			}
			held = append(held, r)
		}
		if len(held) == 100 || len(held) < 2 {
			t.Fatalf("%d fragments fit", len(held))
		}
		ctx := context.Background()
		sel := selector("PRODUCER", 1_600_000_000_000, 1_600_000_060_000)
		asked := map[string]func() error{
			"GetMP4MediaFragment": func() error {
				return released(s.MediaFragment(ctx, false, hls, s.numbers("cam")[0], "1"))
			},
			"GetTSFragment": func() error {
				return released(s.TSFragment(ctx, chunks, s.numbers("cam")[0]))
			},
			"GetMP4InitFragment": func() error {
				return released(s.InitFragment(ctx, false, hls, "1", ""))
			},
			"GetClip": func() error {
				_, err := s.GetClip(ctx, &archive.GetClipInput{StreamRef: ref("cam"), ClipFragmentSelector: sel})
				return err
			},
		}
		for name, ask := range asked {
			began := time.Now()
			err := ask()
			if took := time.Since(began); typeOf(err) != archive.ServiceUnavailable || took < 5*time.Second || took > 6*time.Second {
				t.Errorf("%s: %v after %v", name, err, took)
			}
		}
		if r, err := s.MediaFragment(ctx, false, other, s.numbers("door")[0], "1"); err != nil {
			t.Errorf("another stream: %v", err)
		} else {
			r.Forget()
		}
		// A fragment that is under way in media is waited for.
		done := make(chan error)
		m, err := s.GetMediaForFragmentList(ctx, &archive.GetMediaForFragmentListInput{StreamRef: ref("cam"), Fragments: slices.Repeat(s.numbers("cam"), 10)})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		go func() { done <- m.WriteTo(ctx, io.Discard, func() error { return nil }) }()
		time.Sleep(time.Second)
		for _, r := range held {
			r.Release()
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		for name, ask := range asked {
			began := time.Now()
			if err := ask(); err != nil || time.Since(began) > time.Second {
				t.Errorf("%s, when there is memory: %v", name, err)
			}
		}
	})
}

// spilled is a size of a fragment that goes to a file.
const spilled = 1_050_000

// TestMemoryUploads uploads to many streams at once, which have fragments of all sizes and retentions: all that is acknowledged otherwise is so
// with little memory, which is not exceeded, and small fragments go to files early.
func TestMemoryUploads(t *testing.T) {
	sizes := []int{100, 300_000, spilled, 50}
	var body []byte
	for i, size := range sizes {
		body = append(body, fragment(uint64(i)*1000, block(1, 0, size), block(1, 500, 9))...)
	}
	body = slices.Concat(front(1), body)
	const streams = 2
	const memory = 2 << 20
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, archive.Options{TempDir: dir})
		s.store = &slowStore{s.store, 0, 10 * time.Millisecond}
		s.Archive = archive.New(s.store, &archive.Options{TempDir: dir, Memory: memory})
		var all sync.WaitGroup
		for i := range streams {
			name, hours := fmt.Sprint("cam-", i), int64(24)
			if i%2 == 0 {
				hours = 0
			}
			s.create(name, hours)
			for range 2 { // two connections
				all.Go(func() {
					acks, err := s.put(name, archive.PutMediaInput{}, bytes.NewReader(body))
					if err != nil {
						t.Error(err)
					}
					for event, want := range map[string]int{archive.Received: len(sizes), archive.Persisted: len(sizes) * int(hours) / 24, archive.Failed: 0} {
						n := 0
						for _, a := range acks {
							if a.Event == event {
								n++
							}
						}
						if n != want {
							t.Errorf("%s: %d %s, want %d", name, n, event, want)
						}
					}
				})
			}
		}
		all.Wait()
		for i := range streams {
			name := fmt.Sprint("cam-", i)
			if i%2 == 0 {
				continue
			}
			m, err := s.GetMediaForFragmentList(context.Background(), &archive.GetMediaForFragmentListInput{StreamRef: ref(name), Fragments: s.numbers(name)})
			total := 0
			for _, f := range frames(t, media(t, m, err)) {
				total += len(f.Data)
			}
			want := 0
			for _, size := range sizes {
				want += 2 * (size + 9)
			}
			if total != want {
				t.Errorf("%s has %d bytes of frames, want %d", name, total, want)
			}
		}
		// What is kept without retention goes after five minutes.
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		if settledMemory(t, s.Archive, memory) == 0 {
			t.Error("nothing was counted")
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) > 0 {
			t.Errorf("left in the directory: %v, %v", left, err)
		}
	})
}

// TestMemoryUploadEnds has an upload that waits for memory end with its failure, and everything come back.
func TestMemoryUploadEnds(t *testing.T) {
	bounded(t, 2<<20, func(t *testing.T, s *service) {
		// The quarter for what arrives has room for two: another stream's uploads hold it while their bodies wait.
		var all sync.WaitGroup
		ends := make(chan struct{})
		hold := func(stream string) {
			all.Go(func() {
				_, _ = s.put(stream, archive.PutMediaInput{}, io.MultiReader(bytes.NewReader(slices.Concat(front(1), fragment(0, block(1, 0, 9))[:20])), endless{ends}))
			})
		}
		hold("cam")
		hold("door")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		u, err := s.PutMedia(ctx, &archive.PutMediaInput{StreamRef: ref("cam"), FragmentTimecodeType: "ABSOLUTE"})
		if err != nil {
			t.Fatal(err)
		}
		defer u.Close()
		began := time.Now()
		err = u.Run(ctx, bytes.NewReader(slices.Concat(front(1), fragment(0, block(1, 0, 9), block(1, 1000, 9)))), func(archive.Ack) error { return nil })
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		close(ends)
		all.Wait()
	})
}

// endless is a body from which nothing comes until it ends.
type endless struct{ ends chan struct{} }

func (w endless) Read([]byte) (int, error) {
	<-w.ends
	return 0, io.EOF
}

// TestMemoryImages has images take from the memory as they come: a page ends where there is no more, and the next one goes on behind it.
func TestMemoryImages(t *testing.T) {
	bounded(t, 1<<20, func(t *testing.T, s *service) {
		in := archive.GetImagesInput{StreamRef: ref("cam"), ImageSelectorType: "PRODUCER_TIMESTAMP", Format: "PNG", SamplingInterval: new(int64(200)), HeightPixels: new(int64(100)),
			StartTimestamp: new(archive.Timestamp(1_600_000_000_000)), EndTimestamp: new(archive.Timestamp(1_600_000_001_900))}
		pages, count := 0, 0
		for {
			out, err := s.GetImages(context.Background(), &in)
			if err != nil {
				t.Fatal(err)
			}
			pages++
			for _, img := range out.Images {
				if count++; img.Error != "" || len(img.ImageContent) == 0 {
					t.Errorf("image %d: %q", count, img.Error)
				}
			}
			if used, _ := s.Memory(); used == 0 {
				t.Error("images take no memory")
			}
			out.Release()
			if used, _ := s.Memory(); used != 0 {
				t.Errorf("%d bytes are not given back", used)
			}
			if in.NextToken = out.NextToken; in.NextToken == "" {
				break
			}
		}
		if count != 10 || pages < 2 {
			t.Errorf("%d images on %d pages", count, pages)
		}
		if b, err := s.Thumbnail(context.Background(), ref("cam"), "PRODUCER_TIMESTAMP", 1_600_000_000_000, 64); err != nil || len(b) == 0 {
			t.Errorf("a thumbnail: %v", err)
		}
	})
}

// TestImagesFair has a hundred pages of images asked for one stream at once, and one for another, which waits for one turn at most.
func TestImagesFair(t *testing.T) {
	bounded(t, 0, func(t *testing.T, s *service) {
		s.Archive = archive.New(s.store, &archive.Options{Decoder: &painter{}, Limits: archive.Limits{ImagePages: 1}})
		get := func(stream string) {
			in := archive.GetImagesInput{StreamRef: ref(stream), ImageSelectorType: "PRODUCER_TIMESTAMP", Format: "JPEG", HeightPixels: new(int64(2)),
				StartTimestamp: new(archive.Timestamp(1_600_000_000_000)), EndTimestamp: new(archive.Timestamp(1_600_000_000_000))}
			if _, err := s.GetImages(context.Background(), &in); err != nil {
				t.Error(err)
			}
		}
		began := time.Now()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { get("cam") })
		}
		synctest.Wait()
		get("door")
		if took := time.Since(began); took > 70*time.Millisecond { // a page reads two or three times
			t.Errorf("the other stream was served after %v", took)
		}
		all.Wait()
	})
}
