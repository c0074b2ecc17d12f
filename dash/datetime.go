package dash

import (
	"strconv"
	"time"
)

// appendDateTimeAttr appends an xs:dateTime in UTC, exact to the nanosecond: 2023-05-17T13:48:35.994Z.
// The attribute is left out when t is zero.
func appendDateTimeAttr(dst []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return dst
	}
	dst = append(dst, name...)
	dst = t.UTC().AppendFormat(dst, time.RFC3339Nano)
	return append(dst, '"')
}

// appendUnix appends t as seconds since 1970 with three decimals, cut not rounded: 1684331315.994.
func appendUnix(dst []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	abs := uint64(ms)
	if ms < 0 {
		dst = append(dst, '-')
		abs = -abs
	}
	dst = strconv.AppendUint(dst, abs/1000, 10)
	return appendFraction(dst, uint32(abs%1000), 3)
}
