package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

const (
	liveStream = "live"
	// liveRate is how much the live stream has, in bits a second.
	liveRate = 500_000
	// liveBefore is how much of it there is before anybody watches: a whole playlist.
	liveBefore = 6 * rig.ShotLength
	// liveAfter is how much longer it is uploaded than watched.
	liveAfter = 2 * rig.ShotLength
)

// live measures many viewers of one live stream: each with a session of its own, and all with the URL of one.
func (r *report) live(ctx context.Context) error {
	s, err := rig.Start(ctx, r.weir, filepath.Join(r.data, "live"))
	if err != nil {
		return err
	}
	defer s.Kill()
	c := rig.NewClient(s.URL)
	defer c.Close()
	for _, shared := range []bool{false, true} {
		if err := r.watched(ctx, s, c, shared); err != nil {
			return err
		}
	}
	return s.Stop(time.Minute)
}

// watched has a live stream watched.
func (r *report) watched(ctx context.Context, s *rig.Server, c *rig.Client, shared bool) error {
	stream, what := liveStream+"-each", fmt.Sprintf("%d viewers of one live stream of %d kbit/s for %v, a session each", r.watchers, liveRate/1000, r.watch)
	if shared {
		stream, what = liveStream+"-one", fmt.Sprintf("%d viewers of one live stream of %d kbit/s for %v, all of one session", r.watchers, liveRate/1000, r.watch)
	}
	r.say("live: %s", what)
	if err := c.CreateStream(ctx, stream, 24); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel(nil) // before the wait, whatever went wrong
	camera := &producer{
		stream: stream, time: time.Now().UnixMilli(), inFlight: 4, every: rig.ShotLength,
		fragment: (&rig.Shot{Pictures: fragmentPictures, Size: int(liveRate / 8 * rig.ShotLength / time.Second)}).Append(nil),
	}
	until := time.Now().Add(liveBefore + r.watch + liveAfter)
	group.Go(func() {
		if err := camera.run(ctx, s.URL, until); err != nil {
			cancel(err)
		}
	})
	if err := sleep(ctx, liveBefore); err != nil {
		return context.Cause(ctx)
	}
	open := func() (string, error) {
		var out struct{ HLSStreamingSessionURL string }
		err := c.Call(ctx, "/getHLSStreamingSessionURL", ask{"StreamName": stream, "PlaybackMode": "LIVE", "Expires": 43200}, &out)
		return out.HLSStreamingSessionURL, err
	}
	one, err := open()
	if err != nil {
		return err
	}
	t := newTally()
	cpu, watch := newMeter(s), watchUsage(s)
	end := time.Now().Add(r.watch)
	var viewers sync.WaitGroup
	for range r.watchers {
		begin := rand.N(min(rig.ShotLength, r.watch/2)) // they do not all begin at once
		viewers.Go(func() {
			if sleep(ctx, begin) != nil {
				return
			}
			url := one
			if !shared {
				var err error
				if url, err = open(); err != nil {
					t.fail(err)
					return
				}
			}
			v := newViewer(t)
			defer v.close()
			if err := v.watch(ctx, url, end); err != nil {
				t.fail(err)
			}
		})
	}
	viewers.Wait()
	cores, most := cpu.cores(), watch()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	r.add(what, "%d playlists, %d segments, %.0f MB; %s", t.playlists, len(t.segmentTook), float64(t.bytes)/1e6, cores)
	r.add("their playlists; their segments", "%s; %s", millis(t.playlistTook, 0.5, 0.99), millis(t.segmentTook, 0.5, 0.99))
	verdict := fmt.Sprintf("%d; %d; %d; %d", t.misses, t.failures, t.stalls, t.differ)
	if t.first != nil {
		verdict += fmt.Sprintf(" (%.200s)", t.first)
	}
	bad := t.misses + t.failures + t.stalls + t.differ
	r.promise("their segments that were missed; requests that failed; stalls; segments that were not the same to all", verdict, "0", bad == 0)
	r.missed += bad
	r.add("memory of the server with them", "%.0f MiB RSS at most, %d files", mib(most.Resident), most.Files)
	return nil
}
