package check

import (
	"math"
	"time"
)

// Bounds of a watch: how often is polled, and how long is watched when nobody says.
const (
	minPoll      = 200 * time.Millisecond
	maxPoll      = time.Second
	defaultWatch = time.Minute
)

// feed is a live playlist or MPD that is polled.
type feed interface {
	// pace is how often a new segment has to come, in seconds.
	pace() float64
	// poll reads it again, and judges what has changed.
	poll()
	// over tells that nothing more is to come.
	over() bool
	// finish judges what the whole watch has shown.
	finish(watched time.Duration)
}

// watch polls feeds until time is up, the context ends, or all are over.
func (c *checker) watch(feeds []feed) {
	if len(feeds) == 0 || c.opts.Live < 0 || c.ctx.Err() != nil {
		return
	}
	slowest, fastest := 0.0, math.Inf(1)
	for _, f := range feeds {
		slowest, fastest = max(slowest, f.pace()), min(fastest, f.pace())
	}
	whole := c.opts.Live
	if whole == 0 {
		whole = min(toDuration(3*slowest), defaultWatch)
	}
	interval := min(max(toDuration(fastest/4), minPoll), maxPoll)
	begin := time.Now()
	for left := len(feeds); left > 0; {
		watched := time.Since(begin)
		if c.opts.Progress != nil {
			c.opts.Progress(watched, whole, c.report.Arrived)
		}
		if watched >= whole || !c.sleep(min(interval, whole-watched)) {
			break
		}
		left = 0
		for _, f := range feeds {
			if f.over() {
				continue
			}
			f.poll()
			left++
		}
	}
	watched := time.Since(begin)
	c.report.Watched = watched.Seconds()
	if c.ctx.Err() != nil {
		return
	}
	for _, f := range feeds {
		f.finish(watched)
	}
}

// sleep waits, and tells whether the context still goes on.
func (c *checker) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-c.ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// toDuration turns seconds that anyone may have written into a time of an hour at most.
func toDuration(s float64) time.Duration {
	return time.Duration(min(max(s, 0), 3600) * float64(time.Second))
}
