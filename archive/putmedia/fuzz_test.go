package putmedia_test

import (
	"testing"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive/putmedia"
)

// FuzzMuxer has whatever a Source makes of damaged media keep the rules of the service, and be whole Matroska.
func FuzzMuxer(f *testing.F) {
	for _, name := range []string{"sample.mkv", "audio-gap.mkv", "clock-back.mkv", "change.mkv", "blockgroups.mkv", "getmedia-relative.mkv", "two-audio.mkv", "swapped.mkv", "audio-only.mkv"} {
		f.Add(testdata(f, name), false)
		f.Add(testdata(f, name), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, byCluster bool) {
		src, err := weir.NewBytesSource(data, putmedia.SourceOptions(&weir.Options{ByCluster: byCluster}))
		if err != nil {
			return
		}
		var all []*putmedia.Fragment
		m := putmedia.NewMuxer(&putmedia.MuxerOptions{Start: time.Unix(1_700_000_000, 0)})
		frames := 0
		for g, err := range m.Fragments(src) {
			if err != nil {
				break
			}
			frames += g.Frames
			all = append(all, g)
		}
		arrive := 0
		for _, g := range received(t, bodies(all, false), false) {
			arrive += len(g.frames)
		}
		if arrive != frames {
			t.Errorf("%d frames arrive of %d", arrive, frames)
		}
	})
}
