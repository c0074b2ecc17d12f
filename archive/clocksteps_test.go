package archive_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
)

// putForward is a reader of nothing that has a clock make a step.
type putForward struct {
	clock *clock
	by    time.Duration
}

func (p putForward) Read([]byte) (int, error) {
	p.clock.step.Add(int64(p.by))
	return 0, io.EOF
}

// uptime is how long the clock has gone, whatever steps it has made.
func (c *clock) uptime() time.Duration { return time.Duration(c.ns.Load()) }

// TestClockSteps has the server's clock make steps in the middle of an upload and between two: numbers increase nevertheless, everything is
// listed, live lists go on, and sessions last as long as they were to, by time that passes.
func TestClockSteps(t *testing.T) {
	f := films(t, "sample.mkv")[0]
	steps := map[string]time.Duration{"an hour back": -time.Hour, "an hour forward": time.Hour, "a leap second": -time.Second}
	fragments, sessions, failed := 0, 0, 0
	for name, step := range steps {
		if !t.Run(name, func(t *testing.T) {
			c := newClock()
			s := serve(t, archive.Options{Now: c.now})
			s.SetUptime(c.uptime)
			cam := newCamera(s, c, "cam")
			from := cam.at.Milliseconds()
			numbers := cam.shoot(times(3, &f)...)

			const seconds = 600
			end := c.uptime() + seconds*time.Second
			players := map[string]*player{
				"LIVE": s.hls(archive.GetHLSStreamingSessionURLInput{Expires: new(int64(seconds)), MaxMediaPlaylistFragmentResults: new(int64(3))}),
				"LIVE_REPLAY": s.hls(archive.GetHLSStreamingSessionURLInput{PlaybackMode: "LIVE_REPLAY", Expires: new(int64(seconds)),
					HLSFragmentSelector: selector("PRODUCER", from, from+3_600_000)}),
				"ON_DEMAND": s.hls(archive.GetHLSStreamingSessionURLInput{PlaybackMode: "ON_DEMAND", Expires: new(int64(seconds)),
					HLSFragmentSelector: selector("PRODUCER", from, from+3_600_000)}),
			}
			links, before := map[string]string{}, map[string]playlist{}
			for mode, p := range players {
				links[mode] = p.lists()[0]
				before[mode] = p.list(links[mode])
			}

			numbers = append(numbers, cam.shoot(shot{film: &f}, shot{film: &f, step: step}, shot{film: &f})...)
			if d := cmp.Diff(before["ON_DEMAND"], players["ON_DEMAND"].list(links["ON_DEMAND"])); d != "" {
				t.Errorf("ON_DEMAND: -before +after\n%s", d)
			}
			if l := players["LIVE"].list(links["LIVE"]); l.Sequence != before["LIVE"].Sequence+3 || l.End {
				t.Errorf("LIVE: media sequence %d, before %d", l.Sequence, before["LIVE"].Sequence)
			}
			replay := players["LIVE_REPLAY"].list(links["LIVE_REPLAY"])
			if n, want := len(replay.Segments), len(before["LIVE_REPLAY"].Segments)+3; n+int(replay.Sequence) != want || replay.End {
				t.Errorf("LIVE_REPLAY: %d segments from %d on, ended %v, want %d", n, replay.Sequence, replay.End, want)
			}
			c.step.Add(-int64(step)) // and back
			numbers = append(numbers, cam.shoot(times(2, &f)...)...)

			var listed []string
			for _, fragment := range s.list(archive.ListFragmentsInput{StreamRef: ref("cam")}) {
				listed = append(listed, fragment.FragmentNumber)
			}
			if d := cmp.Diff(numbers, listed); d != "" {
				t.Errorf("-acknowledged +listed\n%s", d)
			}
			if !slices.IsSorted(numbers) || len(slices.Compact(slices.Clone(numbers))) < len(numbers) {
				t.Errorf("the numbers do not increase: %v", numbers)
			}
			fragments += len(numbers)

			c.step.Add(int64(step))
			c.sleep(end - c.uptime() - time.Millisecond)
			for mode, p := range players {
				if _, err := p.get(links[mode]); err != nil {
					t.Errorf("%s, a millisecond before the end: %v", mode, err)
				}
			}
			c.sleep(time.Millisecond)
			for mode, p := range players {
				sessions++
				if _, err := p.get(links[mode]); typeOf(err) != archive.NotAuthorized {
					t.Errorf("%s, at the end: %v", mode, err)
				}
			}
		}) {
			failed++
		}
	}
	t.Logf("reliability: clock steps=%d fragments=%d sessions=%d failed=%d", len(steps), fragments, sessions, failed)
}

// TestClockStepsElsewhere has a session go by the clock at a server that has not made it.
func TestClockStepsElsewhere(t *testing.T) {
	f := films(t, "sample.mkv")[0]
	c := newClock()
	ring, err := archive.ParseKeyring(archive.NewKeyringText())
	if err != nil {
		t.Fatal(err)
	}
	keys := func() *archive.Keyring { return ring }
	s := serve(t, archive.Options{Now: c.now, Keys: keys})
	s.SetUptime(c.uptime)
	newCamera(s, c, "cam").shoot(times(2, &f)...)
	p := s.hls(archive.GetHLSStreamingSessionURLInput{Expires: new(int64(300))})
	token := p.url.Query().Get("SessionToken")
	other := archive.New(s.store, &archive.Options{Now: c.now, Keys: keys})
	ask := func(a *archive.Archive) error {
		_, err := a.HLSMasterPlaylist(context.Background(), token)
		return err
	}
	c.step.Add(int64(300 * time.Second))
	if err := ask(s.Archive); err != nil {
		t.Errorf("its own, after a step of the clock: %v", err)
	}
	if err := ask(other); typeOf(err) != archive.NotAuthorized {
		t.Errorf("another, after a step of the clock: %v", err)
	}
	c.step.Add(-int64(300 * time.Second))
	for _, a := range []*archive.Archive{s.Archive, other} {
		if err := ask(a); err != nil {
			t.Errorf("after a step back: %v", err)
		}
	}
}
