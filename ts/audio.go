package ts

import (
	"errors"
	"math"

	"github.com/seed63bb8431/weir/codec"
)

const (
	// maxGroupSpan is the most that lies between the first and the last frame of a PES packet of sound: frames stay
	// within half a second of the pictures beside them.
	maxGroupSpan = 300 * Clock90k / 1000
	// maxGroupSize is where a group ends unless it is one frame; it keeps PES packets of sound far below maxPESLength.
	maxGroupSize = 16 * payloadSize
	// adtsFrameLength is the only frame length that ADTS knows (ISO/IEC 14496-3, 1.A.2).
	adtsFrameLength = 1024
)

// openAudio looks whether ADTS can describe a configuration.
func (c *chunk) openAudio(t *codec.Track, config *codec.AAC) error {
	if config.FrameLength != adtsFrameLength {
		return trackError(t, errUnsupportedMedia, "ADTS has no such frame length")
	}
	if _, err := config.AppendADTS(c.scratch[:0], 1, true); err != nil {
		detail := ""
		if e, ok := errors.AsType[*codec.Error](err); ok {
			detail = e.Detail
		}
		return trackError(t, errUnsupportedMedia, detail)
	}
	return nil
}

// group is the frames of a PES packet.
type group struct {
	count int
	size  int // with their ADTS headers
}

// continues tells whether the sample n behind sample i begins where the frames between end, to the tick: both times may be rounded.
func (s *stream) continues(i, n int) bool {
	rate := int64(s.aac.SampleRate)
	d := (s.samples[i+n].PTS-s.samples[i].PTS)*rate - int64(n)*adtsFrameLength*Clock90k
	return d >= -rate && d <= rate
}

// span returns how long n frames last.
func (s *stream) span(n int) int64 {
	return int64(n) * adtsFrameLength * Clock90k / int64(s.aac.SampleRate)
}

// group takes the next frames into a group. Of all that it may hold it holds as many as leave the least unused in its packets.
func (c *chunk) group(s *stream) (group, error) {
	var best, g group
	bestPackets := 0
	adaptation := c.adaptationSize(s)
	samples := s.samples[s.next:]
	for i := range samples {
		p := &samples[i]
		if p.PTS < 0 || s.next+i > 0 && p.PTS <= s.samples[s.next+i-1].PTS {
			if i > 0 {
				break // told when it is its turn
			}
			return g, s.timeError(s.next, p.PTS)
		}
		if i > 0 && (p.PTS-samples[0].PTS > maxGroupSpan || !s.continues(s.next, i)) {
			break
		}
		header, err := s.aac.AppendADTS(c.scratch[:0], len(p.Data), s.next+i == 0)
		if err != nil {
			return g, s.sampleError(s.next+i, err)
		}
		g.count, g.size = i+1, g.size+len(header)+len(p.Data)
		if i > 0 && g.size > maxGroupSize {
			break
		}
		size := pesFixedSize + pesTimeSize + g.size
		packets := packetsOf(size, adaptation)
		if c.owns(s) {
			plan := newPlan(0, s.span(g.count), math.MaxInt64, packets)
			packets = packetsOf(size, adaptation+plan.size())
		}
		if i == 0 || packets*best.size <= bestPackets*g.size {
			best, bestPackets = g, packets
		}
	}
	return best, nil
}

// appendSound appends the next frames of sound as one PES packet.
func (c *chunk) appendSound(dst []byte, s *stream) ([]byte, error) {
	g, err := c.group(s)
	if err != nil {
		return dst, err
	}
	first := s.next
	samples := s.samples[first:][:g.count]
	pts := samples[0].PTS
	s.next += g.count
	gap := s.span(g.count)
	if s.next < len(s.samples) {
		gap = s.samples[s.next].PTS - pts
	}
	size := pesFixedSize + pesTimeSize + g.size
	var w pesWriter
	if dst, err = c.openPES(dst, &w, s, pts, gap, size, !s.continuity.started || c.owns(s)); err != nil {
		return dst, s.sampleError(first, err)
	}
	var header [maxPESHeader]byte
	w.put(putPESHeader(&header, streamIDAudio, size, pts, pts))
	for i := range samples {
		// group has tried it with the same size.
		adts, _ := s.aac.AppendADTS(c.scratch[:0], len(samples[i].Data), first+i == 0)
		w.put(adts)
		w.put(samples[i].Data)
	}
	return dst, nil
}
