package archive

import (
	"strconv"
	"time"
)

// Timestamp is a time of the API: milliseconds since 1970. On the wire it is a number of seconds (api.md, 0.2).
type Timestamp int64

// Millis returns t as a Timestamp, rounded down to the millisecond.
func Millis(t time.Time) Timestamp { return Timestamp(t.UnixMilli()) }

// Append appends the timestamp in seconds, with three decimals at most.
func (t Timestamp) Append(dst []byte) []byte {
	dst = t.append3(dst)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	if dst[len(dst)-1] == '.' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// append3 appends the timestamp in seconds with exactly three decimals, as tags have it.
func (t Timestamp) append3(dst []byte) []byte {
	n := int64(t)
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	dst = strconv.AppendInt(dst, n/1000, 10)
	n %= 1000
	return append(dst, '.', byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
}

// MarshalJSON writes the timestamp as a number of seconds.
func (t Timestamp) MarshalJSON() ([]byte, error) { return t.Append(nil), nil }
