package ts

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/seed63bb8431/weir/codec"
)

// Sample is one frame of a Run.
type Sample struct {
	// PTS and DTS are in 90 kHz ticks, not negative and of any size: they are written modulo 2^33. Sound has no DTS; the field is not looked at.
	PTS, DTS int64
	// Key marks a picture that decoding can begin at. It gets random_access_indicator and parameter sets. Sound is not asked.
	Key bool
	// Data is an access unit of NAL units behind 4-byte lengths, or a raw frame of AAC.
	Data []byte
}

// Run is what a chunk holds of one track, in decoding order. It may be empty: the track is in the tables of the chunk then, without a frame.
type Run struct {
	Track   *codec.Track
	Samples []Sample
}

const (
	// maxRuns keeps the PMT within one section.
	maxRuns = 32
	// maxChunk is far above what a fragment has, and below what an int holds on 32 bits.
	maxChunk = 1 << 30
	// maxADTSHeader is more than an ADTS header and a program config element without comment take.
	maxADTSHeader = 128
)

// stream is a run that is being written.
type stream struct {
	track      *codec.Track
	samples    []Sample
	next       int // sample
	pid        PID
	streamType byte
	video      bool
	continuity continuity
	sets       [][]byte   // of pictures
	aac        *codec.AAC // of sound
}

// chunk is the state of AppendChunk and WriteChunk. It lives on the stack.
type chunk struct {
	streams [maxRuns]stream
	n       int
	owner   int // which stream's PID has the clock references
	start   int // of the chunk in dst, below 0 where its first bytes are no longer there
	clock   clock
	scratch [maxADTSHeader]byte
}

// AppendChunk appends a self-contained chunk of the runs: PAT, PMT and the frames of all runs by their decoding times. There is one
// run of pictures at most, and any number up to 32 in all; a run's place decides its PID. Equal arguments give equal bytes.
//
// The error wraps ErrInvalid, ErrLimit, ErrUnsupported, codec.ErrMissingPrivate or codec.ErrInvalidFrame; dst is returned with
// the length it had.
func AppendChunk(dst []byte, runs []Run) ([]byte, error) {
	var c chunk
	size, err := c.open(runs)
	if err != nil {
		return dst, err
	}
	c.start = len(dst)
	out := c.appendTables(slices.Grow(dst, size))
	for more := true; more; {
		if out, more, err = c.appendNext(out); err != nil {
			return out[:c.start], err
		}
	}
	return out, nil
}

// partSize is how much of a chunk WriteChunk makes before it writes: little enough to be in the processor's cache still when
// it is written, and enough for a system call.
const partSize = 256 << 10

// WriteChunk writes what AppendChunk appends, in parts that it makes in buf, and returns how many bytes it wrote and buf, which may have
// grown, for another chunk. Errors are those of AppendChunk and of w; a part of the chunk may have been written by then.
func WriteChunk(w io.Writer, buf []byte, runs []Run) (written int64, _ []byte, err error) {
	var c chunk
	size, err := c.open(runs)
	if err != nil {
		return 0, buf, err
	}
	buf = c.appendTables(slices.Grow(buf[:0], min(size, partSize+partSize/2)))
	for more := true; more; {
		if buf, more, err = c.appendNext(buf); err != nil {
			return written, buf, err
		}
		if more && len(buf) < partSize {
			continue
		}
		n, err := w.Write(buf)
		if written += int64(n); err != nil {
			return written, buf, err
		}
		c.start -= len(buf)
		buf = buf[:0]
	}
	return written, buf, nil
}

func (c *chunk) appendTables(dst []byte) []byte {
	return appendPMT(appendPAT(dst), c.streams[:c.n], c.streams[c.owner].pid)
}

// minPackets is how many packets a chunk has at least: readers that are not told the format look at ten, each taken for 204 bytes,
// before they say that it is MPEG-TS.
const minPackets = 11

// pad appends null packets (T 2.4.1) to a chunk that is too short to be known for what it is.
func (c *chunk) pad(dst []byte) []byte {
	for len(dst)-c.start < minPackets*PacketSize {
		at := len(dst)
		dst = slices.Grow(dst, PacketSize)[:at+PacketSize]
		be.PutUint32(dst[at:], syncByte|hasPayload|uint32(PIDNull)<<pidShift)
		for i := at + headerSize; i < len(dst); i++ {
			dst[i] = 0xFF
		}
	}
	return dst
}

// appendNext appends the PES packet whose turn it is. more is false when there was none left.
func (c *chunk) appendNext(dst []byte) (_ []byte, more bool, err error) {
	s := c.pick()
	switch {
	case s == nil:
		return c.pad(dst), false, nil
	case s.video:
		dst, err = c.appendPicture(dst, s)
	default:
		dst, err = c.appendSound(dst, s)
	}
	return dst, true, err
}

// open looks at the runs and returns about how many bytes the chunk will have.
func (c *chunk) open(runs []Run) (int, error) {
	switch {
	case len(runs) == 0:
		return 0, fmt.Errorf("%w: no track", ErrInvalid)
	case len(runs) > maxRuns:
		return 0, fmt.Errorf("%w: %d tracks", ErrLimit, len(runs))
	}
	c.n, c.owner = len(runs), -1
	total := uint64(2 * PacketSize)
	for i := range runs {
		s := &c.streams[i]
		s.track, s.samples, s.pid = runs[i].Track, runs[i].Samples, PIDMedia+PID(i)
		if err := c.openStream(s); err != nil {
			return 0, err
		}
		switch {
		case s.video && c.owner >= 0 && c.streams[c.owner].video:
			return 0, fmt.Errorf("%w: two tracks of pictures", ErrInvalid)
		case s.video || c.owner < 0:
			c.owner = i
		}
		each := uint64(16)
		if s.video {
			each = 160
		}
		for j := range s.samples {
			n := uint64(len(s.samples[j].Data))
			total += n + n/40 + each
		}
		if total > maxChunk {
			return 0, fmt.Errorf("%w: more than %d bytes", ErrLimit, maxChunk)
		}
	}
	c.clock.left = maxClockPackets
	return int(total), nil
}

// openStream settles what a stream is by its configuration.
func (c *chunk) openStream(s *stream) error {
	t := s.track
	if t == nil {
		return fmt.Errorf("%w: a run without a track", ErrInvalid)
	}
	switch config := t.Config.(type) {
	case nil:
		return trackError(t, codec.ErrMissingPrivate, "")
	case *codec.AVC:
		s.video, s.streamType = true, streamTypeAVC
		s.sets = config.ParameterSets()
	case *codec.HEVC:
		s.video, s.streamType = true, streamTypeHEVC
		s.sets = config.ParameterSets()
	case *codec.AAC:
		s.streamType, s.aac = streamTypeAAC, config
		return c.openAudio(t, config)
	case *codec.G711:
		return trackError(t, errUnsupportedMedia, "transport streams have no stream_type for G.711 ("+config.CodecString()+")")
	default:
		return trackError(t, ErrUnsupported, fmt.Sprintf("%T", config))
	}
	return nil
}

// owns tells whether the stream's PID has the clock references.
func (c *chunk) owns(s *stream) bool { return s == &c.streams[c.owner] }

// time returns when the stream's next sample is decoded.
func (s *stream) time() int64 {
	p := &s.samples[s.next]
	if s.video {
		return p.DTS
	}
	return p.PTS
}

// pick returns the stream whose turn it is, nil when all is written. A chunk begins with a picture as long as the sound that is
// decoded before it can stand behind it.
func (c *chunk) pick() *stream {
	var best *stream
	first := int64(0)
	for i := range c.streams[:c.n] {
		s := &c.streams[i]
		if s.next == len(s.samples) {
			continue
		}
		t := s.time()
		if s.video && s.next == 0 {
			t -= Lead - minLead
		}
		if best == nil || t < first || t == first && s.video {
			best, first = s, t
		}
	}
	return best
}

// others returns the earliest time of the samples to come of all streams but s.
func (c *chunk) others(s *stream) int64 {
	first := int64(math.MaxInt64)
	for i := range c.streams[:c.n] {
		if o := &c.streams[i]; o != s && o.next < len(o.samples) {
			first = min(first, o.time())
		}
	}
	return first
}

// adaptationSize returns the size of the adaptation field that the next PES packet of s begins with.
func (c *chunk) adaptationSize(s *stream) int {
	a := adaptation{Discontinuity: !s.continuity.started, HasPCR: c.owns(s)}
	return a.size()
}

// openPES begins a PES packet of s, of size bytes, that is decoded at dts; the next one of s is so at dts + gap. It sees to the clock.
func (c *chunk) openPES(dst []byte, w *pesWriter, s *stream, dts, gap int64, size int, key bool) ([]byte, error) {
	if size > maxChunk-(len(dst)-c.start) {
		return dst, fmt.Errorf("%w: more than %d bytes", ErrLimit, maxChunk)
	}
	if !c.owns(s) {
		dst = c.clock.follow(dst, &c.streams[c.owner], dts)
		a := adaptation{Discontinuity: !s.continuity.started, RandomAccess: key}
		return w.open(dst, s, &a, pcrPlan{}, size), nil
	}
	a := adaptation{RandomAccess: key, HasPCR: true, PCR: dts - Lead}
	dst, a.Discontinuity = c.clock.advance(dst, s, a.PCR)
	a.Discontinuity = a.Discontinuity || !s.continuity.started
	plan := newPlan(a.PCR, gap, c.others(s)-minLead-a.PCR, packetsOf(size, a.size()))
	c.clock.last, c.clock.set = plan.pcr(plan.count), true
	return w.open(dst, s, &a, plan, size), nil
}
