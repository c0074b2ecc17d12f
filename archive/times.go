package archive

import (
	"time"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// times is what a fragment's blocks say of its time, before anything is known of their contents.
type times struct {
	any   bool
	first time.Duration // the smallest presentation time of all tracks
	last  time.Duration // the largest
	video span
	other span
}

type span struct {
	count       int
	first, last time.Duration
	duration    time.Duration // of the last, 0 when its block does not say
}

// add takes a block of a track into account.
func (t *times) add(b *mkv.Block, kind codec.Kind) {
	if !t.any || b.PTS < t.first {
		t.first = b.PTS
	}
	if !t.any || b.PTS > t.last {
		t.last = b.PTS
	}
	t.any = true
	s := &t.other
	if kind == codec.Video {
		s = &t.video
	}
	if s.count == 0 || b.PTS < s.first {
		s.first = b.PTS
	}
	if s.count == 0 || b.PTS >= s.last {
		s.last, s.duration = b.PTS, b.Duration
	}
	s.count++
}

// span returns the start and the end of the fragment: of its pictures if it has any. assumed is how long a lone frame lasts.
func (t *times) span(assumed time.Duration) (start, end time.Duration) {
	s := &t.video
	if s.count == 0 {
		s = &t.other
	}
	d := s.duration
	if d <= 0 && s.count > 1 {
		d = (s.last - s.first) / time.Duration(s.count-1)
	}
	if d <= 0 {
		d = max(assumed, 40*time.Millisecond)
	}
	return s.first, s.last + d
}
