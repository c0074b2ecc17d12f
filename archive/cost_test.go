package archive_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/store"
)

// cost is what a request asks of a store.
type cost struct{ Calls, Rows, Reads int }

// metered counts what is asked of a store.
type metered struct {
	store.Store
	cost
}

func (m *metered) Rows(ctx context.Context, dst []store.Row, q *store.Query) ([]store.Row, error) {
	m.Calls++
	rows, err := m.Store.Rows(ctx, dst, q)
	m.cost.Rows += len(rows) - len(dst)
	return rows, err
}

func (m *metered) Read(ctx context.Context, dst []byte, r *store.Row) ([]byte, error) {
	m.Reads++
	return m.Store.Read(ctx, dst, r)
}

func (m *metered) Head(ctx context.Context, stream int64) (store.Head, error) {
	m.Calls++
	return m.Store.Head(ctx, stream)
}

func (m *metered) StreamByID(ctx context.Context, id int64) (store.Stream, error) {
	m.Calls++
	return m.Store.StreamByID(ctx, id)
}

// TestCost has every request of a session ask the store for as much in its twelfth hour as in its first minutes: no more rows than its
// window has, and a few.
func TestCost(t *testing.T) {
	const most = 5
	// few are the rows that a request looks at beside its window, left those before that of DASH, which the times of sound depend on, and
	// behind those of a replay with an end, which looks for the first that came later than its own.
	const few, left, behind = 4, 8, 100
	f := films(t, "sample.mkv")[0]
	c := newClock()
	s := serve(t, archive.Options{Now: c.now})
	m := &metered{Store: s.store}
	s.Archive, s.store = archive.New(m, &archive.Options{Now: c.now, TempDir: t.TempDir()}), m
	cam := newCamera(s, c, "cam")
	cam.shoot(times(10, &f)...)
	expires := new(int64(43_200))
	sel := selector("SERVER", begin, 0)
	past := selector("SERVER", begin, c.ms()-1)
	sessions := map[string]*player{
		"HLS LIVE": s.hls(archive.GetHLSStreamingSessionURLInput{Expires: expires}),
		"HLS LIVE TS": s.hls(archive.GetHLSStreamingSessionURLInput{Expires: expires, ContainerFormat: "MPEG_TS", DiscontinuityMode: "ON_DISCONTINUITY",
			HLSFragmentSelector: &archive.FragmentSelector{FragmentSelectorType: "PRODUCER_TIMESTAMP"}}),
		"HLS LIVE_REPLAY":       s.hls(archive.GetHLSStreamingSessionURLInput{Expires: expires, PlaybackMode: "LIVE_REPLAY", HLSFragmentSelector: sel}),
		"HLS LIVE_REPLAY ended": s.hls(archive.GetHLSStreamingSessionURLInput{Expires: expires, PlaybackMode: "LIVE_REPLAY", HLSFragmentSelector: past}),
		"HLS ON_DEMAND":         s.hls(archive.GetHLSStreamingSessionURLInput{Expires: expires, PlaybackMode: "ON_DEMAND", HLSFragmentSelector: past, MaxMediaPlaylistFragmentResults: new(int64(most))}),
		"DASH LIVE":             s.dash(archive.GetDASHStreamingSessionURLInput{Expires: expires}),
		"DASH LIVE_REPLAY":      s.dash(archive.GetDASHStreamingSessionURLInput{Expires: expires, PlaybackMode: "LIVE_REPLAY", DASHFragmentSelector: sel}),
		"DASH ON_DEMAND":        s.dash(archive.GetDASHStreamingSessionURLInput{Expires: expires, PlaybackMode: "ON_DEMAND", DASHFragmentSelector: past, MaxManifestFragmentResults: new(int64(most))}),
	}
	// costs are those of the session's requests, by kind.
	costs := func() map[string]cost {
		all := map[string]cost{}
		for name, p := range sessions {
			ask := func(kind, link string) {
				m.cost = cost{}
				p.must(link)
				all[name+" "+kind] = m.cost
			}
			ask("session", "")
			if name[0] == 'H' {
				for i, link := range p.lists() {
					l := p.list(link)
					ask(fmt.Sprint("list ", i), link)
					ask(fmt.Sprint("first of list ", i), l.Segments[0].Link)
					ask(fmt.Sprint("last of list ", i), l.Segments[len(l.Segments)-1].Link)
					if l.Segments[0].Map != "" {
						ask(fmt.Sprint("init of list ", i), l.Segments[0].Map)
					}
				}
				continue
			}
			for i, set := range p.manifest().Period[0].AdaptationSet {
				tmpl := set.Representation.SegmentTemplate
				ask(fmt.Sprint("init ", i), tmpl.Initialization)
				ask(fmt.Sprint("first ", i), tmpl.segment(0))
				ask(fmt.Sprint("last ", i), tmpl.segment(len(tmpl.S)-1))
			}
		}
		return all
	}
	cam.shoot(times(behind+10, &f)...)
	c.sleep(time.Minute) // the replays have come to the end of what there is, and their windows are full
	costs()              // and the ON_DEMAND lists are remembered
	first := costs()
	for name, c := range first {
		rows := most + few
		if strings.Contains(name, "ended") {
			rows += behind
		}
		if strings.HasPrefix(name, "DASH") {
			rows += left
		}
		if c.Rows > rows || c.Calls > 8 || c.Reads > 2 {
			t.Errorf("%s: %+v", name, c)
		}
	}
	for c.ms() < begin+42_000_000 {
		cam.at, cam.sound = time.Duration(c.now().UnixNano()), 0
		cam.shoot(times(5, &f)...)
		c.sleep(10 * time.Minute)
	}
	cam.at, cam.sound = time.Duration(c.now().UnixNano()), 0
	cam.shoot(times(10, &f)...)
	costs() // those that are remembered may have been forgotten
	if diff := cmp.Diff(first, costs()); diff != "" {
		t.Errorf("in the twelfth hour: -first minutes +twelfth hour\n%s", diff)
	}
}
