package mkv

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// SizeUnknown is the data size of an element whose end is found by what follows it (RFC 8794, 6.2).
const SizeUnknown = -1

// parseID reads an Element ID with its marker bits (RFC 8794, 5).
// n is the number of bytes used, 0 when b is too short, -1 when the bytes are no Element ID of at most four octets.
func parseID(b []byte) (id uint32, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	n = bits.LeadingZeros8(b[0]) + 1
	if n > 4 {
		return 0, -1
	}
	if len(b) < n {
		return 0, 0
	}
	for _, c := range b[:n] {
		id = id<<8 | uint32(c)
	}
	data := id &^ (1 << (7 * n))
	if data == 0 || data == 1<<(7*n)-1 {
		return 0, -1
	}
	return id, n
}

// parseSize reads an Element Data Size (RFC 8794, 6). The size is SizeUnknown when all its data bits are ones, at any width.
// n is the number of bytes used, 0 when b is too short, -1 when the first octet is 0.
func parseSize(b []byte) (size int64, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	n = bits.LeadingZeros8(b[0]) + 1
	if n > 8 {
		return 0, -1
	}
	if len(b) < n {
		return 0, 0
	}
	var v uint64
	if len(b) >= 8 {
		v = binary.BigEndian.Uint64(b) >> (64 - 8*n)
	} else {
		for _, c := range b[:n] {
			v = v<<8 | uint64(c)
		}
	}
	mask := uint64(1)<<(7*n) - 1
	v &= mask
	if v == mask {
		return SizeUnknown, n
	}
	return int64(v), n
}

// parseUint reads an unsigned integer of 0 to 8 octets (RFC 8794, 7.2).
func parseUint(b []byte) (uint64, bool) {
	if len(b) > 8 {
		return 0, false
	}
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v, true
}

// parseInt reads a signed integer of 0 to 8 octets, sign-extended (RFC 8794, 7.1).
func parseInt(b []byte) (int64, bool) {
	v, ok := parseUint(b)
	if !ok || len(b) == 0 {
		return 0, ok
	}
	shift := 64 - 8*len(b)
	return int64(v<<shift) >> shift, true
}

// parseFloat reads a float of 0, 4 or 8 octets (RFC 8794, 7.3). NaN and infinities are refused.
func parseFloat(b []byte) (float64, bool) {
	var f float64
	switch len(b) {
	case 0:
		return 0, true
	case 4:
		f = float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
	case 8:
		f = math.Float64frombits(binary.BigEndian.Uint64(b))
	default:
		return 0, false
	}
	return f, !math.IsNaN(f) && !math.IsInf(f, 0)
}

// parseString drops everything from the first NUL on (RFC 8794, 13).
func parseString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
