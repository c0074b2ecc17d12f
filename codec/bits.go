package codec

import "errors"

var (
	errBitsShort = errors.New("ends too early")
	errBitsRange = errors.New("value out of range")
)

// bitReader reads fields of bits, most significant first. The first error sticks: from then on all reads return 0,
// so that a parser looks at err where it must decide, at the latest before and inside every loop.
type bitReader struct {
	b       []byte
	pos     int   // next byte of b
	cur     uint8 // byte that is being read
	left    uint8 // bits of cur not read yet
	zeros   uint8 // zero bytes just before pos
	escaped bool  // drop emulation_prevention_three_byte (H.264 7.4.1.1, H.265 7.4.2)
	err     error
}

// newRBSPReader reads the bytes of a NAL unit without their emulation prevention.
func newRBSPReader(b []byte) bitReader { return bitReader{b: b, escaped: true} }

// fail sets the sticky error, if none is set.
func (r *bitReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// load fetches the next byte into cur.
func (r *bitReader) load() bool {
	if r.escaped && r.zeros >= 2 && r.pos < len(r.b) && r.b[r.pos] == 3 {
		r.pos++
		r.zeros = 0
	}
	if r.pos >= len(r.b) {
		r.fail(errBitsShort)
		return false
	}
	r.cur = r.b[r.pos]
	r.left = 8
	r.pos++
	if r.cur != 0 {
		r.zeros = 0
	} else if r.zeros < 2 {
		r.zeros++
	}
	return true
}

// u reads n bits, at most 32.
func (r *bitReader) u(n uint8) uint32 {
	if r.err != nil {
		return 0
	}
	var v uint64
	for n > 0 {
		if r.left == 0 && !r.load() {
			return 0
		}
		take := min(n, r.left)
		r.left -= take
		n -= take
		v = v<<take | uint64(r.cur>>r.left)&(1<<take-1)
	}
	return uint32(v)
}

// flag reads one bit.
func (r *bitReader) flag() bool { return r.u(1) == 1 }

// skip passes over n bits.
func (r *bitReader) skip(n int) {
	for n > 0 && r.err == nil {
		step := min(n, 32)
		r.u(uint8(step))
		n -= step
	}
}

// ueAny reads an Exp-Golomb code of up to 32 bits of value (H.264 9.1).
func (r *bitReader) ueAny() uint32 {
	var zeros uint8
	for r.u(1) == 0 {
		if r.err != nil {
			return 0
		}
		if zeros++; zeros > 31 {
			r.fail(errBitsRange)
			return 0
		}
	}
	v := uint32(1)<<zeros - 1 + r.u(zeros)
	if r.err != nil {
		return 0
	}
	return v
}

// ue reads an Exp-Golomb code that must not pass limit.
func (r *bitReader) ue(limit uint32) uint32 {
	v := r.ueAny()
	if v > limit {
		r.fail(errBitsRange)
		return 0
	}
	return v
}

// seAny reads a signed Exp-Golomb code (H.264 9.1.1).
func (r *bitReader) seAny() int64 {
	v := int64(r.ueAny())
	if v&1 == 1 {
		return (v + 1) / 2
	}
	return -v / 2
}

// se reads a signed Exp-Golomb code within low..high.
func (r *bitReader) se(low, high int64) int64 {
	v := r.seAny()
	if v < low || v > high {
		r.fail(errBitsRange)
		return 0
	}
	return v
}

// remaining returns the bits that are left, counting emulation prevention bytes as data.
func (r *bitReader) remaining() int {
	if r.err != nil {
		return 0
	}
	return (len(r.b)-r.pos)*8 + int(r.left)
}
