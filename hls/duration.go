package hls

import (
	"strconv"
	"time"
)

// microseconds rounds d to the microseconds that EXTINF shows, at least one: a segment of no length is not written.
func microseconds(d time.Duration) uint64 {
	return uint64(max(1, d.Round(time.Microsecond)/time.Microsecond))
}

// appendSeconds appends us microseconds as a decimal-floating-point of seconds with six decimals (RFC 8216, 4.2).
func appendSeconds(dst []byte, us uint64) []byte {
	dst = strconv.AppendUint(dst, us/1e6, 10)
	return appendFraction(dst, uint32(us%1e6), 6)
}

// appendFraction appends a point and the last n decimal digits of v.
func appendFraction(dst []byte, v uint32, n int) []byte {
	dst = append(dst, ".000000"[:n+1]...)
	for i := len(dst) - 1; n > 0; i, n = i-1, n-1 {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
	return dst
}

// appendTwo appends v, below 100, as two digits.
func appendTwo(dst []byte, v uint32) []byte {
	return append(dst, byte('0'+v/10), byte('0'+v%10))
}

// roundedSeconds is the duration of a segment as EXT-X-TARGETDURATION measures it: what EXTINF shows, rounded to the nearest
// integer (RFC 8216, 4.3.3.1).
func roundedSeconds(d time.Duration) int {
	return int((microseconds(d) + 500_000) / 1_000_000)
}
