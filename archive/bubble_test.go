package archive_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed63bb8431/weir/archive"
)

// inBubble runs a test over an archive that goes by time.Now and its timers, in a bubble where both are the test's.
func inBubble(t *testing.T, hours int64, test func(t *testing.T, s *service, cam *camera)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, archive.Options{TempDir: dir})
		if _, err := s.DeleteStream(context.Background(), &archive.DeleteStreamInput{StreamARN: s.arn}); err != nil {
			t.Fatal(err)
		}
		s.create("cam", hours)
		test(t, s, newCamera(s, &clock{bubble: true}, "cam"))
	})
}

// TestExpiry has sessions last as long as they were asked for, whatever is done with them.
func TestExpiry(t *testing.T) {
	f := films(t, "sample.mkv")[0]
	inBubble(t, 24, func(t *testing.T, s *service, cam *camera) {
		cam.shoot(times(2, &f)...)
		for _, seconds := range []int64{300, 3600, 43_200} {
			began := time.Now()
			cam.at, cam.sound = time.Duration(began.UnixNano()), 0
			cam.shoot(times(2, &f)...)
			began = time.Now()
			p := s.hls(archive.GetHLSStreamingSessionURLInput{Expires: &seconds})
			link := p.lists()[0]
			end := began.Add(time.Duration(seconds) * time.Second)
			for time.Until(end) > time.Minute {
				time.Sleep(time.Minute / 2)
				p.must(link)
			}
			time.Sleep(time.Until(end) - time.Millisecond)
			if r, err := p.get(link); err != nil || !r.Until.Equal(end) && r.Fixed {
				t.Errorf("%d s, a millisecond before the end: %v", seconds, err)
			}
			time.Sleep(time.Millisecond)
			for _, link := range []string{"", link} {
				if _, err := p.get(link); typeOf(err) != archive.NotAuthorized {
					t.Errorf("%d s, at the end: %v", seconds, err)
				}
			}
		}
	})
}

// TestLiveEdge watches a live session while a camera uploads over a connection that stays open: each fragment is listed when it is
// stored, not before, the list stays as it is while the camera is silent, and goes on behind.
func TestLiveEdge(t *testing.T) {
	f := films(t, "sample.mkv")[0]
	inBubble(t, 24, func(t *testing.T, s *service, cam *camera) {
		cam.shoot(times(3, &f)...)
		p := s.hls(archive.GetHLSStreamingSessionURLInput{MaxMediaPlaylistFragmentResults: new(int64(3)), Expires: new(int64(3600))})
		link := p.lists()[0]
		began := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			cam.shoot(shot{film: &f}, shot{film: &f}, shot{film: &f, gap: 25 * time.Second}, shot{film: &f})
		}()
		// A fragment is whole when the next begins, or the body ends: the camera's is length long, and 25 s pass in between.
		whole := []time.Duration{f.length, 2*f.length + 25*time.Second, 3*f.length + 25*time.Second, 4*f.length + 25*time.Second}
		for elapsed := time.Duration(0); elapsed < whole[3]+time.Minute; elapsed += 250 * time.Millisecond {
			time.Sleep(time.Until(began.Add(elapsed + time.Millisecond)))
			synctest.Wait()
			want := int64(0)
			for _, at := range whole {
				if elapsed >= at {
					want++
				}
			}
			if l := p.list(link); l.Sequence != want || len(l.Segments) != 3 || l.End {
				t.Fatalf("after %v: media sequence %d of %d segments, want %d", elapsed, l.Sequence, len(l.Segments), want)
			}
		}
		<-done
	})
}

// TestReplayPace has a replay show a fragment when its length has passed since the one before, and a gap of ten minutes not hold it up.
func TestReplayPace(t *testing.T) {
	f := films(t, "sample.mkv")[0]
	inBubble(t, 24, func(t *testing.T, s *service, cam *camera) {
		from := time.Now().UnixMilli()
		cam.shoot(append(times(6, &f), shot{film: &f, gap: 10 * time.Minute}, shot{film: &f}, shot{film: &f})...)
		to := time.Now().UnixMilli() - 1
		time.Sleep(time.Hour)
		p := s.hls(archive.GetHLSStreamingSessionURLInput{PlaybackMode: "LIVE_REPLAY", HLSFragmentSelector: selector("SERVER", from, to), Expires: new(int64(3600)),
			MaxMediaPlaylistFragmentResults: new(int64(100))})
		link := p.lists()[0]
		for n := 3; n <= 9; n++ {
			if l := p.list(link); len(l.Segments) != n || l.End != (n == 9) {
				t.Errorf("%d fragments later: %d segments, ended %v", n-3, len(l.Segments), l.End)
			}
			time.Sleep(f.length - time.Millisecond)
			if l := p.list(link); len(l.Segments) != n {
				t.Errorf("a millisecond before the next: %d segments, want %d", len(l.Segments), n)
			}
			time.Sleep(time.Millisecond)
		}
	})
}

// TestRetentionShorter has a session outlive the retention of what it shows: lists stay as they are, and what has gone is not found.
func TestRetentionShorter(t *testing.T) {
	f := films(t, "sample.mkv")[0]
	inBubble(t, 1, func(t *testing.T, s *service, cam *camera) {
		from := time.Now().UnixMilli()
		cam.shoot(times(3, &f)...)
		in := archive.GetDASHStreamingSessionURLInput{PlaybackMode: "ON_DEMAND", DASHFragmentSelector: selector("SERVER", from, time.Now().UnixMilli()-1), Expires: new(int64(43_200))}
		p := s.dash(in)
		before := string(p.must(""))
		segment := p.manifest().Period[0].AdaptationSet[0].Representation.SegmentTemplate.segment(0)
		p.must(segment)
		for range 11 {
			time.Sleep(time.Hour)
			if _, err := s.store.Collect(context.Background(), time.Now(), 12*time.Hour+10*time.Minute); err != nil {
				t.Fatal(err)
			}
			if string(p.must("")) != before {
				t.Fatal("the manifest has changed")
			}
			if _, err := p.get(segment); typeOf(err) != archive.ResourceNotFound {
				t.Fatalf("a fragment that has expired: %v", err)
			}
		}
		in.StreamRef = ref("cam")
		if _, err := s.GetDASHStreamingSessionURL(context.Background(), &in, base); typeOf(err) != archive.InvalidArgument && typeOf(err) != archive.ResourceNotFound {
			t.Errorf("a new session of what has expired: %v", err)
		}
	})
}
