package putmedia

import "time"

const (
	// tolerance is what passes for no gap and no overlap between fragments.
	tolerance = 50 * time.Millisecond
	// maxReorder is how far pictures may overlap where a fragment is cut between key frames; what goes back further is another clock.
	maxReorder = time.Second
	// maxAhead is the longest gap to the next source that is taken for one.
	maxAhead = 24 * time.Hour
)

// clock puts the times of the sources on one that goes on: a source, or a document in it, whose times begin again is placed at the end
// of what was before. It is the rule of weir.Timeline, and holds from one source to the next as well.
type clock struct {
	started bool
	fresh   bool          // the next fragment is the first of its source
	origin  time.Duration // what the times of the first source are moved by
	base    time.Duration // what the source's times are moved by while its clock does not go back
	shift   time.Duration // what they are moved by now
	end     time.Duration // of the fragment before, on the clock
	rawEnd  time.Duration // the largest end of the source so far, on its own clock
	last    time.Duration // the largest time of a frame so far, on the clock
	tracks  [MaxTracks]reach
}

// span is where a fragment lies on its source's clock.
type span struct {
	start, end  time.Duration // of the pictures, or of the sound where there are none; less CodecDelay
	first, last time.Duration // the smallest and the largest time that a frame is stored with
	tracks      [MaxTracks]reach
	keyless     bool
}

// reach is where the frames of one track lie, by the times that they are stored with.
type reach struct {
	any                bool
	first, last, after time.Duration // after is where further sound would be
}

// add takes a frame into account.
func (r *reach) add(t time.Duration, sound bool) {
	switch {
	case !r.any:
		*r = reach{any: true, first: t, last: t, after: t}
	case t > r.last && sound:
		r.last, r.after = t, t+min(t-r.last, tolerance)
	case t > r.last:
		r.last, r.after = t, t
	default:
		r.first = min(r.first, t)
	}
}

// source says that the next fragment is the first of another source.
func (c *clock) source() { c.fresh = true }

// place settles what the times of the next fragment are moved by. unit is the precision that they are written with.
func (c *clock) place(s span, unit time.Duration) time.Duration {
	switch {
	case !c.started:
		c.shift = 0
	case c.fresh:
		c.begin(s)
	default:
		c.follow(s)
	}
	if c.started {
		c.clear(s, unit)
		if part := c.shift % unit; part > 0 { // frames keep their distances in ticks
			c.shift += unit - part
		}
	}
	if c.fresh {
		c.base, c.rawEnd = c.shift, s.end
	}
	c.started, c.fresh = true, false
	c.end = s.end + c.shift
	c.rawEnd = max(c.rawEnd, s.end)
	c.last = max(c.last, s.last+c.shift)
	for i, r := range s.tracks {
		if r.any {
			c.tracks[i] = reach{any: true, last: r.last + c.shift, after: r.after + c.shift}
		}
	}
	return c.shift
}

// clear moves a fragment on where a track would have a frame that is not behind those before: the service refuses that.
func (c *clock) clear(s span, unit time.Duration) {
	for i, r := range s.tracks {
		if before := c.tracks[i]; r.any && before.any {
			c.shift = max(c.shift, before.last+unit-r.first)
		}
	}
}

// begin places the first fragment of a further source: by its own times where these go on, else at the end.
func (c *clock) begin(s span) {
	for _, shift := range []time.Duration{c.shift, c.origin} {
		if d := s.start + shift - c.end; d >= -tolerance && d <= maxAhead && (d <= tolerance || shift == c.origin) {
			c.shift = shift
			return
		}
	}
	c.append(s)
}

// follow places a further fragment of the same source.
func (c *clock) follow(s span) {
	switch d := s.start + c.shift - c.end; {
	case c.shift != c.base && d > tolerance && s.start >= c.rawEnd && s.start+c.base >= c.end-tolerance:
		c.shift = c.base // the clock is back where it was
	case d >= -tolerance:
	case s.keyless && d >= -maxReorder:
	default:
		c.append(s)
	}
}

// append places a fragment at the end of the one before, and each track's frames behind those that it had.
func (c *clock) append(s span) {
	c.shift = c.end - s.start
	for i, r := range s.tracks {
		if before := c.tracks[i]; r.any && before.any {
			c.shift = max(c.shift, before.after-r.first)
		}
	}
}

// move moves the whole clock, which has only begun.
func (c *clock) move(d time.Duration) {
	c.origin += d
	c.base += d
	c.shift += d
	c.end += d
	c.last += d
	for i := range c.tracks {
		c.tracks[i].last += d
		c.tracks[i].after += d
	}
}
