package weir

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

const (
	// lookahead is how far the pictures may run ahead of the sound before a fragment is cut without waiting for it.
	lookahead      = time.Second
	lookaheadBytes = 8 << 20
	// jump is a hole in the pictures' times at which a fragment is cut though it is shorter than asked.
	jump = 500 * time.Millisecond
)

// pending is a frame that belongs to no fragment yet. Its bytes stay in the reader's window.
type pending struct {
	block    mkv.Block
	track    int // of Source.Tracks
	record   *record
	change   int // the Source's when it was read
	document int
	cluster  int
	time     time.Duration // presentation time less CodecDelay
	place    time.Duration // what decides on which side of a cut sound is: time, with Options.Stored the stored one
	info     codec.FrameInfo
	walked   bool // info is known
}

// cutter finds where a fragment ends in the Source's pending frames.
type cutter struct {
	scan  int // the frames before have been looked at
	count int // of the lead's frames seen
	bytes int

	begin   time.Duration // the smallest time so far
	most    time.Duration // the largest
	from    time.Duration // the lead's first time
	latest  time.Duration // the largest of the lead's times
	step    time.Duration // distance of the lead's last two times
	record  *record       // of the lead's first frame
	cluster int           // of the lead's last frame
	turn    int           // the first pending frame of the current Cluster
	within  int           // the Cluster of the last frame looked at

	// A cut that waits for the sound: pictures from index at on, and sound from time on, belong to the next fragment.
	waiting bool
	at      int
	time    time.Duration // where the next fragment begins: its smallest time so far
	before  time.Duration // the largest of the lead's times before it
	ahead   int
	passed  []bool          // by track: its sound has come to time
	sound   []time.Duration // by track, for emit: the last time of its sound

	// what emit takes
	bound  int  // no frame from here on
	sorted bool // sound is taken by time
}

func (c *cutter) reset() {
	*c = cutter{passed: c.passed[:0], sound: c.sound[:0], within: -1}
}

// look takes the next pending frame into account and reports whether a fragment is whole.
func (c *cutter) look(s *Source) bool {
	i := c.scan
	p := &s.pend[i]
	lead := p.track == s.lead
	if i == 0 {
		c.begin, c.most = p.time, p.time
	}
	if p.change != s.pend[0].change { // nothing of the document before belongs to this one
		return c.take(i, c.waiting)
	}
	if p.cluster != c.within {
		c.within, c.turn = p.cluster, i
		if s.opts.ByCluster && i > 0 {
			return c.take(i, false)
		}
	}
	if s.opts.ByCluster {
		if lead && c.record != nil && c.record != p.record || c.bytes >= s.opts.MaxFragment {
			return c.take(i, false)
		}
		if c.tooLong(s, i, lead) {
			return true
		}
		if lead {
			c.record = p.record
		}
		c.scan++
		c.bytes += p.block.Size
		if lead {
			c.count++
			c.latest = max(c.latest, p.time)
		}
		return false
	}
	c.scan++
	if c.waiting {
		return c.wait(s, i, p, lead)
	}
	c.bytes += p.block.Size
	if !lead {
		return c.tooLarge(s, i) || c.tooLong(s, i, false)
	}
	if c.count == 0 {
		c.from, c.latest, c.step, c.record = p.time, p.time, 0, p.record
	} else if s.starts(p) {
		switch {
		case p.time < c.latest-discontinuityTolerance:
			return c.take(c.hard(i), false)
		case c.gap(p), p.record != c.record, p.time-c.from >= s.opts.FragmentDuration-p.record.track.TimestampUnit-time.Millisecond:
			c.waiting, c.at, c.time, c.before, c.ahead = true, i, p.place, c.latest, 0
			for range s.records {
				c.passed = append(c.passed, false)
			}
			return c.wait(s, i, p, true)
		}
	}
	if c.tooLong(s, i, true) {
		return true
	}
	c.count++
	if d := p.time - c.latest; d > 0 {
		c.step = d
	}
	c.latest = max(c.latest, p.time)
	c.cluster = p.cluster
	return c.tooLarge(s, i)
}

// gap reports whether pictures are missing before p.
func (c *cutter) gap(p *pending) bool { return p.time-c.latest > jump+c.step*2 }

// hard is where a fragment ends whose successor's clock is another one: before the successor's Cluster, if that began since the lead's last frame.
func (c *cutter) hard(i int) int {
	if c.within != c.cluster && c.turn > 0 {
		return c.turn
	}
	return i
}

func (c *cutter) take(bound int, sorted bool) bool {
	c.bound, c.sorted = bound, sorted
	if !sorted {
		c.at = bound
	}
	return true
}

// tooLarge cuts without a key frame where the input has none for too long.
func (c *cutter) tooLarge(s *Source, i int) bool {
	if c.bytes < s.opts.MaxFragment || i == 0 {
		return false
	}
	return c.take(i, false)
}

// tooLong takes frame i's time into account. It cuts without a key frame where the input has had none for MaxDuration, where only
// sound goes on, and where times go back so far.
func (c *cutter) tooLong(s *Source, i int, lead bool) bool {
	p := &s.pend[i]
	most := s.opts.MaxDuration
	ahead, back := p.time-c.begin, c.most-p.time
	c.begin, c.most = min(c.begin, p.time), max(c.most, p.time)
	switch {
	case most <= 0 || i == 0:
		return false
	case back >= most:
		return c.take(i, false)
	case ahead < most:
		return false
	case !lead:
		// sound may be stored a little ahead of the pictures that it goes with
		return (c.count == 0 || p.time-c.latest > lookahead) && c.take(i, false)
	}
	if p.record.track.Kind == codec.Audio {
		return c.take(i, false)
	}
	c.at, c.time = s.settledBefore(i), p.place
	for j := c.at; j < i; j++ {
		if q := &s.pend[j]; q.track == s.lead {
			c.time = min(c.time, q.place)
		}
	}
	return c.take(i+1, true)
}

// settledBefore returns the last place before frame i that no picture is presented across: none before it later than one behind
// it. Where pictures are out of order, enough have to stand behind the place that none which is still to come is one of them.
func (s *Source) settledBefore(i int) int {
	ordered, latest := true, time.Duration(math.MinInt64)
	for j := range i + 1 {
		if q := &s.pend[j]; q.track == s.lead {
			ordered = ordered && q.time > latest
			latest = max(latest, q.time)
		}
	}
	if ordered {
		return i
	}
	highest := make([]time.Duration, i+1) // of the pictures before
	latest = math.MinInt64
	for j := range highest {
		highest[j] = latest
		if q := &s.pend[j]; q.track == s.lead {
			latest = max(latest, q.time)
		}
	}
	behind, lowest := 0, time.Duration(math.MaxInt64)
	for j := i; j > 0; j-- {
		q := &s.pend[j]
		if q.track != s.lead {
			continue
		}
		behind, lowest = behind+1, min(lowest, q.time)
		if behind > maxReorder && highest[j] < lowest && highest[j] > math.MinInt64 {
			return j
		}
	}
	return i
}

// wait looks, behind the key frame of a cut, for sound that belongs before it.
func (c *cutter) wait(s *Source, i int, p *pending, lead bool) bool {
	c.ahead += p.block.Size
	if lead {
		if i > c.at && s.starts(p) && (p.time < c.latest-discontinuityTolerance || c.gap(p) || p.record != s.pend[c.at].record) {
			return c.take(c.hard(i), true)
		}
		c.latest = max(c.latest, p.time)
		c.cluster = p.cluster
		if p.time > c.before { // pictures may lead the key frame that they follow
			c.time = min(c.time, p.place)
		}
	} else if p.record.track.Kind == codec.Audio && p.place >= c.time {
		c.passed[p.track] = true
	}
	done := true
	for j := range s.records {
		if s.tracks[j].Kind == codec.Audio && !c.passed[j] {
			done = false
			// sound that came before the key frame may have passed already
			for k := i; k >= 0; k-- {
				if q := &s.pend[k]; q.track == j {
					c.passed[j] = q.place >= c.time
					done = c.passed[j]
					break
				}
			}
			if !done {
				break
			}
		}
	}
	if done || lead && p.place-c.time > lookahead || c.ahead > lookaheadBytes {
		return c.take(i+1, true)
	}
	return false
}

// rest takes all that is left at the end of the input.
func (c *cutter) rest(s *Source) {
	if c.waiting {
		c.take(len(s.pend), true)
		return
	}
	c.take(len(s.pend), false)
}

// starts reports whether a fragment may begin with p.
func (s *Source) starts(p *pending) bool {
	if p.record.track.Kind == codec.Audio {
		return true
	}
	return p.info.Access != codec.None && (p.block.Key || p.info.Access == codec.IDR)
}

// emit makes a fragment of the frames that the cutter chose and keeps the others.
func (s *Source) emit() (*Fragment, error) {
	c := &s.cut
	f := &s.fragment
	for i := range s.frames {
		s.frames[i] = s.frames[i][:0]
		f.Runs[i].Samples, f.Runs[i].Bytes = f.Runs[i].Samples[:0], 0
	}
	f.Blocks = f.Blocks[:0]
	s.arena = s.arena[:0]
	first, cluster := -1, -1
	for range s.records {
		c.sound = append(c.sound, math.MaxInt64-jump)
	}
	kept := s.spare[:0]
	for i := range s.pend {
		p := &s.pend[i]
		in := i < c.at
		if c.sorted && p.track != s.lead && p.record.track.Kind == codec.Audio && i < c.bound {
			// Sound behind a gap of its own belongs to what comes after the gap, though it begins before the pictures.
			in = p.place < c.time && p.place <= c.sound[p.track]+jump
			if in {
				c.sound[p.track] = p.place
			} else {
				c.sound[p.track] = math.MinInt64
			}
		}
		if !in {
			kept = append(kept, *p)
			continue
		}
		if first < 0 {
			first = i
		}
		cluster = max(cluster, p.cluster)
		if err := s.frame(p); err != nil {
			return nil, err
		}
	}
	if first >= 0 {
		f.Document, f.Offset = s.pend[first].document, s.pend[first].block.Offset
	}
	s.spare, s.pend = s.pend[:0], kept
	c.reset()
	if first < 0 {
		return nil, nil
	}
	if s.started {
		f.Index++
	}
	s.started = true
	if err := s.timeline.settle(f, s.frames); err != nil {
		return nil, err
	}
	if f.CodecChange && s.opts.Strict {
		return nil, s.codecChange(f)
	}
	if f.CodecChange {
		s.putSets(f)
	}
	for i := range f.Runs {
		r := &f.Runs[i]
		for j := range r.Samples {
			r.Bytes += int64(len(r.Samples[j].Data))
		}
	}
	s.stamp(f, cluster)
	return f, nil
}

// frame gives p its bytes as the outputs have them, and its place among the fragment's frames.
func (s *Source) frame(p *pending) error {
	in := p.record
	data := s.whole(&p.block, &s.arena)
	t := timed{pts: p.time, duration: p.block.Duration}
	if s.opts.Stored {
		s.fragment.Blocks = append(s.fragment.Blocks, Block{Run: p.track, PTS: p.block.PTS, Duration: p.block.Duration, Key: p.block.Key, Data: data})
	}
	if in.track.Kind == codec.Video {
		if !p.walked {
			return at(in.track, p.block.Offset, in.cause)
		}
		if p.info.Rewrite {
			from := len(s.arena)
			var err error
			if s.arena, err = in.video.AppendFrame(s.arena, data); err != nil {
				return at(in.track, p.block.Offset, err)
			}
			data = s.arena[from:len(s.arena):len(s.arena)]
		}
		t.sample.Access = p.info.Access
		t.sample.Sync = p.info.Access != codec.None && (p.block.Key || p.info.Access == codec.IDR)
	}
	t.sample.Data = data
	if len(s.frames[p.track]) == 0 {
		s.fragment.Runs[p.track].use(p.record)
	}
	s.frames[p.track] = append(s.frames[p.track], t)
	return nil
}

// putSets puts the parameter sets into the first picture of a new codec record: common readers of Matroska and of fragmented MP4
// stay with the header that came first.
func (s *Source) putSets(f *Fragment) {
	for i := range f.Runs {
		r := &f.Runs[i]
		video, ok := r.Track.Config.(codec.VideoConfig)
		if !ok || len(r.Samples) == 0 || !s.timeline.state.Tracks[i].Changed {
			continue
		}
		from := len(s.arena)
		for _, set := range video.ParameterSets() {
			s.arena = binary.BigEndian.AppendUint32(s.arena, uint32(len(set)))
			s.arena = append(s.arena, set...)
		}
		s.arena = append(s.arena, r.Samples[0].Data...)
		r.Samples[0].Data = s.arena[from:len(s.arena):len(s.arena)]
	}
}

// at gives a codec error its track and its place in the input.
func at(track *codec.Track, offset int64, err error) error {
	e := &codec.Error{Track: track.Number, CodecID: track.CodecID, Offset: offset, Err: err}
	if in, ok := errors.AsType[*codec.Error](err); ok && error(in) == err { // which knows neither
		e.Err, e.Detail = in.Err, in.Detail
		if in.Offset >= 0 && in.Detail != "" {
			e.Detail = fmt.Sprintf("%s, %d bytes in", in.Detail, in.Offset)
		}
	}
	return e
}

// stamp gives f its tags, its number and its wall-clock time.
func (s *Source) stamp(f *Fragment, cluster int) {
	f.Tags = f.Tags[:0]
	rest := s.tags[:0]
	s.number++
	f.Number = strconv.Itoa(s.number)
	raw := f.Start - f.Moved
	numbered, dated := false, false
	for _, t := range s.tags {
		if t.before > cluster {
			rest = append(rest, t)
			continue
		}
		f.Tags = append(f.Tags, t.Tag)
		switch t.Name {
		case tagFragmentNumber:
			if !numbered {
				f.Number, numbered = t.Value, true
			}
		case tagProducerTimestamp:
			if at, ok := parseEpoch(t.Value); ok && !dated {
				s.anchor, dated = at.Add(-raw), true
			}
		}
	}
	s.tags = rest
	if s.anchor.IsZero() {
		s.anchor = s.r.Info().Date
	}
	if s.anchor.IsZero() {
		s.anchor = time.Unix(0, 0).UTC()
	}
	f.Time = s.anchor.Add(raw)
}
