package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/dash"
	"github.com/seed63bb8431/weir/hls"
)

// engineRuns is how often a text is written; the quickest counts, for nothing but others makes one slower.
const engineRuns = 200

// engine measures what the text of a playlist and of an MPD costs by itself: the least that an answer with it can cost.
func (r *report) engine(context.Context) error {
	r.say("engine: playlist and MPD")
	token := strings.Repeat("t", 150)
	p := &hls.MediaPlaylist{Version: 7, PlaylistType: hls.VOD, EndList: true, Map: "init", Segments: make([]hls.Segment, longFragments),
		AppendURI: func(dst []byte, i int) []byte {
			dst = append(dst, "getMP4MediaFragment.mp4?FragmentNumber=91343852333181432392682062607743920146"...)
			dst = strconv.AppendInt(dst, int64(100_000_000+i), 10)
			return append(append(append(dst, "&SessionToken="...), token...), "&TrackNumber=1"...)
		}}
	for i := range p.Segments {
		p.Segments[i].Duration = 1999 * time.Millisecond
	}
	took := quickest(p.Append)
	r.promise(fmt.Sprintf("text of a media playlist of %d, by itself (wall time)", longFragments), exact(took), "≤ 0.35 ms", took <= 350*time.Microsecond)

	timeline := make([]dash.S, shortList)
	for i := range timeline {
		timeline[i] = dash.S{T: uint64(i) * 180_000, D: 179_910 + uint64(i%3)*90}
	}
	m := &dash.MPD{Type: dash.Static, MediaPresentationDuration: time.Hour, MinBufferTime: 2 * time.Second, Periods: []dash.Period{{ID: "p1",
		AdaptationSets: []dash.AdaptationSet{{ContentType: "video", MimeType: "video/mp4", Representations: []dash.Representation{{ID: "video",
			Bandwidth: 500_000, Codecs: "avc1.64000b", SegmentTemplate: dash.SegmentTemplate{Timescale: 90_000, StartNumber: 1, Timeline: timeline,
				Initialization: "init", Media: "media?FragmentNumber=$Number$&SessionToken=" + token}}}}}}}}
	took = quickest(m.Append)
	r.promise(fmt.Sprintf("text of an MPD of %d, by itself (wall time)", shortList), exact(took), "≤ 0.06 ms", took <= 60*time.Microsecond)
	return nil
}

// quickest returns the least time that appending takes, to a buffer that is large enough.
func quickest(text func([]byte) []byte) time.Duration {
	buf := text(nil)
	least := time.Hour
	for range engineRuns {
		began := time.Now()
		buf = text(buf[:0])
		least = min(least, time.Since(began))
	}
	return least
}

func exact(d time.Duration) string { return fmt.Sprintf("%.3f ms", d.Seconds()*1000) }
