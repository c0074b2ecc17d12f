package ts

import "slices"

// Clock90k is the number of ticks in a second of PTS, DTS and the base of the PCR (T 2.4.3.5, 2.4.3.7).
const Clock90k = 90_000

// Lead is how far the clock reference runs before the decoding times of pictures, in 90 kHz ticks. A stream whose times
// begin at Lead or later has a clock that does not wrap at its beginning.
const Lead = 300 * Clock90k / 1000

const (
	// minLead is how far the clock stays before the times of all other frames.
	minLead = 100 * Clock90k / 1000
	// pcrFill is the distance from which on a picture's later packets have clock references (40 ms in TR 101 290, 2.3a).
	pcrFill = 40 * Clock90k / 1000
	// pcrLimit is the most there may be between two clock references (T 2.7.2).
	pcrLimit = 100 * Clock90k / 1000
	// maxClockPackets bounds the packets of a chunk that have a clock reference and nothing else, some 400 s of them, so that
	// times that jump do not make a chunk of any size. What they do not fill is marked as a discontinuity.
	maxClockPackets = 4096

	pcrSize    = 6
	timeMask   = 1<<33 - 1
	maxOffset  = 1 << 32 // between DTS and PTS: more cannot be told from a time that wraps
	pcrReserve = 0x3F << 9
)

// putPCR writes program_clock_reference_base and reserved bits; the extension, which counts parts of a tick, is 0 (T 2.4.3.5).
func putPCR(b []byte, t int64) {
	v := uint64(t)&timeMask<<15 | pcrReserve
	be.PutUint32(b, uint32(v>>16))
	be.PutUint16(b[4:], uint16(v))
}

// clock writes the clock references of a chunk. Its methods take the stream whose PID has them.
type clock struct {
	last int64
	set  bool
	left int // of maxClockPackets
}

// advance appends packets with a clock reference alone, so that no more than pcrLimit lies between the last one and to.
// It returns true when that is not possible: then a discontinuity has to be marked.
func (c *clock) advance(dst []byte, s *stream, to int64) ([]byte, bool) {
	if !c.set || to-c.last <= pcrLimit {
		return dst, false
	}
	n := (to - c.last - 1) / pcrLimit
	if n > int64(c.left) {
		return dst, true
	}
	from, gap := c.last, to-c.last
	for i := int64(1); i <= n; i++ {
		dst = c.appendPCR(dst, s, from+i*gap/(n+1), false)
	}
	return dst, false
}

// follow sees to the clock before a unit that has no clock reference of its own and is decoded at the given time.
func (c *clock) follow(dst []byte, s *stream, dts int64) []byte {
	to := dts - Lead
	if !c.set {
		return c.appendPCR(dst, s, to, false)
	}
	dst, jump := c.advance(dst, s, to)
	if jump {
		return c.appendPCR(dst, s, to, true)
	}
	return dst
}

// appendPCR appends a packet that has a clock reference and no payload.
func (c *clock) appendPCR(dst []byte, s *stream, t int64, jump bool) []byte {
	if c.left == 0 {
		return dst
	}
	c.left--
	c.last, c.set = t, true
	at := len(dst)
	dst = slices.Grow(dst, PacketSize)[:at+PacketSize]
	a := adaptation{Discontinuity: jump || !s.continuity.started, HasPCR: true, PCR: t}
	be.PutUint32(dst[at:], syncByte|uint32(s.pid)<<pidShift|hasAdaptation|s.continuity.adaptation())
	a.put(dst[at+headerSize:])
	return dst
}

// pcrPlan says where the later packets of a PES packet have clock references, and which.
type pcrPlan struct {
	count, packets int // the j-th of count is in packet j × packets / (count + 1)
	first          int64
	span, parts    int64 // the j-th is first + j × span / parts
}

// at returns the packet that has the j-th clock reference, from 1; -1 when there is none.
func (p *pcrPlan) at(j int) int {
	if j > p.count {
		return -1
	}
	return int(int64(j) * int64(p.packets) / int64(p.count+1))
}

// pcr returns the j-th clock reference.
func (p *pcrPlan) pcr(j int) int64 { return p.first + int64(j)*p.span/p.parts }

// size returns the bytes that the clock references take.
func (p *pcrPlan) size() int { return p.count * (2 + pcrSize) }

// newPlan makes the plan of a unit whose first packet has the clock reference now, when the next unit's is gap later. None
// of those between may be more than limit later than now, which is what the other streams allow.
func newPlan(now, gap, limit int64, packets int) pcrPlan {
	p := pcrPlan{packets: packets, first: now, parts: 1}
	if gap > pcrFill {
		p.parts = min((gap-1)/pcrFill, int64(packets-1)) + 1
		p.span = min(gap, p.parts*pcrLimit)
		last := min(max(limit, 0), p.span)
		p.count = int(min(p.parts-1, ((last+1)*p.parts-1)/p.span))
	}
	return p
}
