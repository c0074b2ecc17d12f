package hls

import "time"

// dateTime appends values of EXT-X-PROGRAM-DATE-TIME. The date is the same for most segments of a playlist, so it is
// formatted once and then copied from where it stands in the buffer.
type dateTime struct {
	day      int64 // days since 1970-01-01 of the date at dst[from:to]
	from, to int
}

const secondsPerDay = 24 * 60 * 60

// append appends t in UTC as ISO 8601 with milliseconds, cut not rounded: 2023-05-17T13:48:35.994Z.
// dst must be the buffer of the call before, with more text at its end.
func (c *dateTime) append(dst []byte, t time.Time) []byte {
	sec := t.Unix()
	day, clock := sec/secondsPerDay, sec%secondsPerDay
	if clock < 0 {
		day, clock = day-1, clock+secondsPerDay
	}
	from := len(dst)
	if c.to > 0 && c.day == day {
		dst = append(dst, dst[c.from:c.to]...)
	} else {
		dst = t.UTC().AppendFormat(dst, "2006-01-02T")
	}
	c.day, c.from, c.to = day, from, len(dst)

	dst = appendTwo(dst, uint32(clock/3600))
	dst = append(dst, ':')
	dst = appendTwo(dst, uint32(clock/60%60))
	dst = append(dst, ':')
	dst = appendTwo(dst, uint32(clock%60))
	dst = appendFraction(dst, uint32(t.Nanosecond()/1e6), 3)
	return append(dst, 'Z')
}
