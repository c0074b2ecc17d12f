package dash

import (
	"strconv"
	"time"
)

// appendDuration appends d as an xs:duration of hours, minutes and seconds, exact to the nanosecond: PT1H2M3.456S.
// Years and months, whose length is not fixed, are not used.
func appendDuration(dst []byte, d time.Duration) []byte {
	ns := uint64(d)
	if d < 0 {
		dst = append(dst, '-')
		ns = -ns
	}
	dst = append(dst, "PT"...)
	sec, frac := ns/1e9, uint32(ns%1e9)
	if h := sec / 3600; h > 0 {
		dst = strconv.AppendUint(dst, h, 10)
		dst = append(dst, 'H')
	}
	if m := sec / 60 % 60; m > 0 {
		dst = strconv.AppendUint(dst, m, 10)
		dst = append(dst, 'M')
	}
	if sec %= 60; sec == 0 && frac == 0 && ns > 0 {
		return dst
	}
	dst = strconv.AppendUint(dst, sec, 10)
	if frac > 0 {
		dst = appendFraction(dst, frac, 9)
		for dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
	}
	return append(dst, 'S')
}

// appendFraction appends a point and the last n decimal digits of v.
func appendFraction(dst []byte, v uint32, n int) []byte {
	dst = append(dst, ".000000000"[:n+1]...)
	for i := len(dst) - 1; n > 0; i, n = i-1, n-1 {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
	return dst
}

// appendDurationAttr appends an attribute that is left out when d is zero.
func appendDurationAttr(dst []byte, name string, d time.Duration) []byte {
	if d == 0 {
		return dst
	}
	dst = append(dst, name...)
	dst = appendDuration(dst, d)
	return append(dst, '"')
}
