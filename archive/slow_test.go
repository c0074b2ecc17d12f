package archive_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed63bb8431/weir/archive"
)

// took runs something in a bubble over an archive with quotas, which has a stream with an upload of the sample, and returns how long it takes.
func took(t *testing.T, q archive.Quotas, do func(t *testing.T, s *service) (bytes int)) (time.Duration, int) {
	t.Helper()
	dir := t.TempDir()
	sample := read(t, "sample.mkv")
	var passed time.Duration
	moved := 0
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, archive.Options{TempDir: dir})
		if _, err := s.put("cam", archive.PutMediaInput{}, bytes.NewReader(sample)); err != nil {
			t.Fatal(err)
		}
		s.Archive = archive.New(s.store, &archive.Options{TempDir: dir, Quotas: q})
		s.create("door", 24)
		began := time.Now()
		moved = do(t, s)
		passed = time.Since(began)
	})
	return passed, moved
}

// TestSlowed has reading and writing slowed to the quotas: what a bucket holds is moved at once, the rest as it flows in.
func TestSlowed(t *testing.T) {
	sample := read(t, "sample.mkv")
	fragments := float64(len(films(t, "sample.mkv")))
	upload := func(t *testing.T, s *service) int {
		if _, err := s.put("door", archive.PutMediaInput{}, bytes.NewReader(sample)); err != nil {
			t.Fatal(err)
		}
		return len(sample)
	}
	follow := func(t *testing.T, s *service) int {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		m, err := s.GetMedia(ctx, &archive.GetMediaInput{StreamRef: ref("cam"), StartSelector: &archive.StartSelector{StartSelectorType: "EARLIEST"}})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		w, flushed := &bytes.Buffer{}, 0
		err = m.WriteTo(ctx, w, func() error {
			if flushed++; flushed == int(fragments) {
				cancel()
			}
			return nil
		})
		if ctx.Err() == nil {
			t.Fatal(err)
		}
		return w.Len()
	}
	list := func(t *testing.T, s *service) int {
		m, err := s.GetMediaForFragmentList(context.Background(), &archive.GetMediaForFragmentListInput{StreamRef: ref("cam"), Fragments: s.numbers("cam")})
		return len(media(t, m, err))
	}
	for _, tt := range []struct {
		name  string
		quota string
		rate  float64
		count float64 // what counts; 0: the bytes
		do    func(*testing.T, *service) int
	}{
		{"PutMedia, bytes", "put-media-bytes", 10_000, 0, upload},
		{"PutMedia, a few bytes", "put-media-bytes", 500, 0, upload},
		{"PutMedia, fragments", "put-media-fragments", 0.5, fragments, upload},
		{"GetMedia, bytes", "get-media-bytes", 10_000, 0, follow},
		{"GetMedia, fragments", "get-media-fragments", 0.5, fragments, follow},
		{"GetMediaForFragmentList, bytes", "fragment-list-bytes", 10_000, 0, list},
	} {
		t.Run(tt.name, func(t *testing.T) {
			passed, moved := took(t, archive.Quotas{tt.quota: tt.rate}, tt.do)
			count := tt.count
			if count == 0 {
				count = float64(moved)
			}
			want := time.Duration((count/tt.rate - 1) * float64(time.Second))
			if passed < want-time.Millisecond || passed > want+time.Millisecond {
				t.Errorf("%v of %v a second took %v, want %v", count, tt.rate, passed, want)
			}
			if passed, _ := took(t, nil, tt.do); passed != 0 {
				t.Errorf("without the quota it took %v", passed)
			}
			if passed, _ := took(t, archive.StrictQuotas(), tt.do); passed != 0 {
				t.Errorf("with the service's quotas it took %v", passed)
			}
		})
	}
}

// TestSlowedTogether has two uploads of one stream share its quota, and one of another stream not wait for them.
func TestSlowedTogether(t *testing.T) {
	sample := read(t, "sample.mkv")
	const rate = 20_000
	passed, _ := took(t, archive.Quotas{"put-media-bytes": rate}, func(t *testing.T, s *service) int {
		done := make(chan struct{}, 3)
		put := func(stream string) {
			if _, err := s.put(stream, archive.PutMediaInput{}, bytes.NewReader(sample)); err != nil {
				t.Error(err)
			}
			done <- struct{}{}
		}
		began := time.Now()
		go put("door")
		go put("door")
		go put("cam")
		<-done // that of the stream alone
		if alone, want := time.Since(began), time.Duration((float64(len(sample))/rate-1)*float64(time.Second)); alone < want-time.Millisecond || alone > want+time.Millisecond {
			t.Errorf("alone: %v, want %v", alone, want)
		}
		<-done
		<-done
		return 0
	})
	if want := time.Duration((2*float64(len(sample))/rate - 1) * float64(time.Second)); passed < want-time.Millisecond || passed > want+time.Millisecond {
		t.Errorf("both: %v, want %v", passed, want)
	}
}

// TestSlowedEnds has what is slowed end with its caller, and an upload with its own failure.
func TestSlowedEnds(t *testing.T) {
	took, _ := took(t, archive.Quotas{"fragment-list-bytes": 1, "put-media-bytes": 1}, func(t *testing.T, s *service) int {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		m, err := s.GetMediaForFragmentList(ctx, &archive.GetMediaForFragmentListInput{StreamRef: ref("cam"), Fragments: s.numbers("cam")})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if err := m.WriteTo(ctx, io.Discard, func() error { return nil }); err != context.DeadlineExceeded {
			t.Error(err)
		}
		return 0
	})
	if took != 10*time.Second {
		t.Errorf("it ended after %v", took)
	}
}

// TestUploadOverlap lets a producer open its next connection before it ends the last, and ends the newer one where the older stays.
func TestUploadOverlap(t *testing.T) {
	f := films(t, "sample.mkv")[0]
	for _, tt := range []struct {
		name   string
		first  int // how many fragments the first connection has
		second int
		want   string
	}{
		{"the first ends", 8, 30, ""},
		{"the first stays", 60, 30, "MAX_CONNECTION_DURATION_REACHED"},
		{"the second is short", 60, 3, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, archive.Options{TempDir: dir, Limits: archive.Limits{UploadsPerStream: 1, UploadOverlap: 10 * time.Second}})
				c := &clock{bubble: true}
				first, second := newCamera(s, c, "cam"), newCamera(s, c, "cam")
				ended := make(chan []archive.Ack, 2)
				upload := func(cam *camera, n int) {
					acks, _ := s.put("cam", archive.PutMediaInput{FragmentTimecodeType: "ABSOLUTE"}, cam.tape(times(n, &f)...))
					ended <- acks
				}
				go upload(first, tt.first)
				time.Sleep(5 * f.length)
				second.at = time.Duration(time.Now().UnixNano())
				go upload(second, tt.second)
				time.Sleep(f.length / 2)
				if _, err := s.PutMedia(context.Background(), &archive.PutMediaInput{StreamRef: ref("cam"), FragmentTimecodeType: "ABSOLUTE"}); typeOf(err) != archive.ConnectionLimitExceeded {
					t.Errorf("a third connection: %v", err)
				}
				began := time.Now()
				got := ""
				for range 2 {
					for _, a := range <-ended {
						if a.Err == nil {
							continue
						}
						if got = a.Err.Code; time.Since(began) > 12*time.Second {
							t.Errorf("ended after %v", time.Since(began))
						}
					}
				}
				if got != tt.want {
					t.Errorf("%q, want %q", got, tt.want)
				}
			})
		})
	}
}
