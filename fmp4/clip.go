package fmp4

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/seed63bb8431/weir/codec"
)

// ClipRun is what one track has in a fragment of a clip. It becomes a chunk.
type ClipRun struct {
	TrackID uint32
	// FirstDecodeTime is the decoding time of the first sample in the track's timescale, on the clock that all tracks
	// of the clip share.
	FirstDecodeTime int64
	// Description is what AddDescription returned; 0 and 1 are the track as it was given to NewClip.
	Description uint32
	// Samples are in decoding order; the duration of the last is its own.
	Samples []Sample
}

// Clip collects the tables of a progressive file. Its header comes first in the file and can be written when all
// runs are known; the payload follows in the order of Add.
//
// A Clip is not safe for use by several goroutines at once.
type Clip struct {
	tracks   []*clipTrack
	creation time.Time
	payload  uint64
	fixed    uint64 // no less than the bytes of the header without samples
}

// clipTrack is one track of a Clip.
type clipTrack struct {
	TrackInit
	sampleTables
	timescale uint32
	entries   [][]byte       // of stsd
	start     *time.Duration // set by SetStart
}

// NewClip returns an empty clip. creation is written as the time at which the clip was made, and may be zero.
func NewClip(tracks []TrackInit, creation time.Time) (*Clip, error) {
	if err := checkTracks(tracks); err != nil {
		return nil, err
	}
	c := &Clip{creation: creation}
	for _, t := range tracks {
		entries, err := sampleEntries(t)
		if err != nil {
			return nil, err
		}
		ct := &clipTrack{TrackInit: t, timescale: t.Track.Timescale(), entries: entries}
		ct.audio = t.Track.Config.Kind() == codec.Audio
		c.tracks = append(c.tracks, ct)
	}
	c.measure()
	return c, nil
}

// measure sets the bound of the header: what it is without samples, and for each track room for an edit list, ctts,
// stss, a last entry of stts and 64-bit times.
func (c *Clip) measure() {
	const perMovie, perTrack = 32, 160
	empty := c.appendMovie(nil, c.tracks, layout{})
	c.fixed = uint64(len(empty) + perMovie + perTrack*len(c.tracks))
}

// track returns the track of the given number.
func (c *Clip) track(id uint32) (*clipTrack, error) {
	for _, t := range c.tracks {
		if t.ID == id {
			return t, nil
		}
	}
	return nil, fmt.Errorf("%w: no track %d", ErrInvalid, id)
}

// AddDescription adds a further description of the samples of a track, for example when the parameter sets change,
// and returns its number for ClipRun.Description. A description that is there already gives the number it has. Times of
// the runs that it describes are in the timescale of the track as it was given to NewClip, whatever its own is.
func (c *Clip) AddDescription(trackID uint32, t *codec.Track) (uint32, error) {
	ct, err := c.track(trackID)
	if err != nil {
		return 0, err
	}
	if err := checkFurther(ct.TrackInit, t); err != nil {
		return 0, err
	}
	entry, err := appendSampleEntry(nil, t)
	if err != nil {
		return 0, fmt.Errorf("track %d: %w", trackID, err)
	}
	for i, e := range ct.entries {
		if bytes.Equal(e, entry) {
			return uint32(i + 1), nil
		}
	}
	ct.entries = append(ct.entries, entry)
	c.fixed += uint64(len(entry))
	return uint32(len(ct.entries)), nil
}

// SetStart sets the smallest presentation time of a track where it is known better than in ticks of the track. Without
// it, the position of a track is that of its first presented sample.
func (c *Clip) SetStart(trackID uint32, start time.Duration) error {
	t, err := c.track(trackID)
	if err != nil {
		return err
	}
	t.start = &start
	return nil
}

// Add adds the tables of a run, whose payload is the next in the file. A gap to the run before makes the last sample
// before it last longer, an overlap makes it shorter. Add fails, and changes nothing, with ErrInvalid when the run does
// not begin after the beginning of that sample, and with ErrLimit when the gap is too long for 32 bits. A run without
// samples is left out.
func (c *Clip) Add(run ClipRun) error {
	t, err := c.track(run.TrackID)
	if err != nil {
		return err
	}
	if len(run.Samples) == 0 {
		return nil
	}
	run.Description = max(run.Description, 1)
	size, err := t.check(&run)
	if err != nil {
		return fmt.Errorf("track %d: %w", t.ID, err)
	}
	if c.payload+size > math.MaxInt64 {
		return fmt.Errorf("%w: payload of %d bytes", ErrLimit, c.payload+size)
	}
	if t.sizes.count == 0 {
		t.firstDTS = run.FirstDecodeTime
	} else {
		t.last += uint32(run.FirstDecodeTime - t.endDTS)
	}
	t.endDTS = run.FirstDecodeTime
	for i := range run.Samples {
		t.add(&run.Samples[i])
	}
	t.chunks = append(t.chunks, chunk{c.payload, uint32(len(run.Samples)), run.Description})
	c.payload += size
	return nil
}

// check refuses a run that cannot be added, and returns the size of its samples.
func (t *clipTrack) check(run *ClipRun) (size uint64, err error) {
	if run.Description > uint32(len(t.entries)) {
		return 0, fmt.Errorf("%w: no description %d", ErrInvalid, run.Description)
	}
	if !t.fits(len(run.Samples)) {
		return 0, fmt.Errorf("%w: too many samples", ErrLimit)
	}
	var ticks uint64
	for i := range run.Samples {
		s := &run.Samples[i]
		if s.Duration == 0 || s.CompositionOffset < 0 {
			return 0, sampleError(t.ID, i, s)
		}
		ticks += uint64(s.Duration)
		size += uint64(s.Size)
	}
	first, most := run.FirstDecodeTime, t.mostTicks()
	if first < -most || first > most || ticks > uint64(most-first) {
		return 0, fmt.Errorf("%w: decode time %d of %d ticks a second", ErrLimit, first, t.timescale)
	}
	if t.sizes.count == 0 {
		return size, nil
	}
	if first <= t.endDTS-int64(t.last) {
		return 0, fmt.Errorf("%w: run at decode time %d begins before the last sample of the one before, which ends at %d", ErrInvalid, first, t.endDTS)
	}
	if gap := first - t.endDTS; gap > math.MaxUint32-int64(t.last) {
		return 0, fmt.Errorf("%w: gap of %d ticks at decode time %d does not fit a sample duration", ErrLimit, gap, t.endDTS)
	}
	return size, nil
}

// mostTicks returns the largest decoding time that is taken: 2^33 seconds, which fit a time.Duration.
func (t *clipTrack) mostTicks() int64 {
	if t.timescale > 1<<28 {
		return 1 << 61
	}
	return int64(t.timescale) << 33
}

// begin returns the smallest presentation time of the track on the clip's clock.
func (t *clipTrack) begin() time.Duration {
	if t.start != nil {
		return *t.start
	}
	return ticksToDuration(t.firstPTS, t.timescale)
}

// edits returns the edit list of a track in a movie that begins at origin.
func (t *clipTrack) edits(origin time.Duration) edits {
	length := uint64(t.lastPTS-t.firstPTS) + uint64(t.last)
	return edits{
		delay:     rescale(uint64(t.begin()-origin), uint32(time.Second), movieTimescale),
		length:    rescale(length, t.timescale, movieTimescale),
		mediaTime: uint64(t.firstPTS - t.firstDTS),
	}
}

// PayloadSize returns the sum of the sample sizes.
func (c *Clip) PayloadSize() uint64 { return c.payload }

// SizeBound returns no less than the size of the file, header and payload, if the given runs were added to it.
// It is above the true size by some hundred bytes and, at most, 24 bytes for each sample of the runs.
func (c *Clip) SizeBound(runs ...ClipRun) uint64 {
	total := c.fixed + c.payload
	for _, t := range c.tracks {
		var samples, chunks uint64
		for i := range runs {
			if runs[i].TrackID != t.ID {
				continue
			}
			chunks++
			samples += uint64(len(runs[i].Samples))
			for j := range runs[i].Samples {
				total += uint64(runs[i].Samples[j].Size)
			}
		}
		total += t.bound(samples, chunks)
	}
	return total
}

// AppendHeader appends ftyp, moov and the header of mdat. The payload of all runs follows in the order of Add. Tracks
// that got no samples are left out; a clip without any samples fails with ErrInvalid.
func (c *Clip) AppendHeader(dst []byte) ([]byte, error) {
	var tracks []*clipTrack
	var last uint64 // offset of the last chunk
	for _, t := range c.tracks {
		if n := len(t.chunks); n > 0 {
			tracks = append(tracks, t)
			last = max(last, t.chunks[n-1].offset)
		}
	}
	if len(tracks) == 0 {
		return dst, fmt.Errorf("%w: clip without samples", ErrInvalid)
	}
	start := len(dst)
	mdat := uint64(8)
	if c.payload+mdat > math.MaxUint32 {
		mdat = 16
	}
	// The size of the movie depends on the width of the offsets, and the offsets on the size of the movie.
	var l layout
	dst = c.appendMovie(dst, tracks, l)
	if uint64(len(dst)-start)+mdat+last > math.MaxUint32 {
		l.wide = true
		dst = c.appendMovie(dst[:start], tracks, l)
	}
	if uint64(len(dst)-start) > math.MaxUint32 {
		return dst[:start], fmt.Errorf("%w: movie box of %d bytes", ErrLimit, len(dst)-start)
	}
	l.payload = uint64(len(dst)-start) + mdat
	dst = c.appendMovie(dst[:start], tracks, l)
	if mdat == 8 {
		dst = be.AppendUint32(dst, uint32(c.payload+mdat))
		return append(dst, "mdat"...), nil
	}
	dst = append(dst, "\x00\x00\x00\x01mdat"...) // largesize (B 4.2)
	return be.AppendUint64(dst, c.payload+mdat), nil
}

// appendMovie appends ftyp and moov.
func (c *Clip) appendMovie(dst []byte, tracks []*clipTrack, l layout) []byte {
	dst = appendFtyp(dst, "ftyp", "isom", "iso2", "mp41")
	origin := tracks[0].begin()
	for _, t := range tracks {
		origin = min(origin, t.begin())
	}
	var duration uint64
	for _, t := range tracks {
		duration = max(duration, t.edits(origin).duration())
	}
	dst, moov := openBox(dst, "moov")
	inits := make([]TrackInit, len(tracks))
	for i, t := range tracks {
		inits[i] = t.TrackInit
	}
	dst = appendMvhd(dst, c.creation, duration, nextTrackID(inits))
	for _, t := range tracks {
		var trak int
		e := t.edits(origin)
		dst, trak = openBox(dst, "trak")
		dst = appendTkhd(dst, t.TrackInit, c.creation, e.duration())
		dst = e.append(dst)
		dst = appendMdia(dst, t.Track, c.creation, t.entries, &t.sampleTables, l)
		dst = closeBox(dst, trak)
	}
	return closeBox(dst, moov)
}
