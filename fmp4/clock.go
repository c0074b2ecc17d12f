package fmp4

import (
	"math"
	"math/bits"
	"time"
)

// movieTimescale is the timescale of mvhd, tkhd and elst. The position of one track against another is rounded to it,
// which is 11 microseconds.
const movieTimescale = 90_000

// epoch is midnight, January 1, 1904 UTC, in Unix seconds (B 8.2.2.3).
const epoch = -2_082_844_800

// sinceEpoch returns t in seconds since 1904; the zero time and times before are 0, "unknown".
func sinceEpoch(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(max(t.Unix()-epoch, 0))
}

// boxVersion returns 1 if one of the values does not fit 32 bits, else 0. All ones of version 0 means "unknown".
func boxVersion(values ...uint64) uint8 {
	for _, v := range values {
		if v >= math.MaxUint32 {
			return 1
		}
	}
	return 0
}

// rescale turns v ticks of one timescale into ticks of another, rounded half up; what does not fit becomes the maximum.
func rescale(v uint64, from, to uint32) uint64 {
	hi, lo := bits.Mul64(v, uint64(to))
	lo, carry := bits.Add64(lo, uint64(from)/2, 0)
	hi += carry
	if hi >= uint64(from) {
		return math.MaxUint64
	}
	q, _ := bits.Div64(hi, lo, uint64(from))
	return q
}

// ticksToDuration turns ticks into a duration, rounded half up. The caller bounds ticks to 2^33 seconds.
func ticksToDuration(ticks int64, timescale uint32) time.Duration {
	ts := int64(timescale)
	q, r := ticks/ts, ticks%ts
	if r < 0 {
		q, r = q-1, r+ts
	}
	return time.Duration(q)*time.Second + time.Duration(rescale(uint64(r), timescale, uint32(time.Second)))
}
