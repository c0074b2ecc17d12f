package dash

import "time"

// S is one segment of a SegmentTimeline, or R+1 of them (ISO/IEC 23009-1, 5.3.9.6).
type S struct {
	T uint64 // @t: the earliest presentation time, in ticks of the timescale
	D uint64 // @d: the duration, in ticks
	R uint64 // @r: how many more segments of the same duration follow; never negative here

	// FragmentTimestamp is @kvs:ts: the true time of the fragment, in seconds since 1970 with three decimals.
	// Zero: not written.
	FragmentTimestamp time.Time
	// FragmentNumber is @kvs:fn. Empty: not written.
	FragmentNumber string
}

// end returns the time at which the segments of s end.
func (s *S) end() uint64 { return s.T + s.D*(s.R+1) }

// named tells that s has attributes of one segment, so that it must not stand for several.
func (s *S) named() bool { return s.FragmentNumber != "" || !s.FragmentTimestamp.IsZero() }

// appendTimeline appends the S elements. Neighbours of one duration without a gap become one element, and @t is written
// at first and where it is not the end of the element before.
func appendTimeline(dst []byte, timeline []S) []byte {
	var next uint64
	for i := 0; i < len(timeline); {
		run := timeline[i]
		first := i
		for i++; i < len(timeline); i++ {
			s := &timeline[i]
			if s.D != run.D || s.T != run.end() || run.named() || s.named() {
				break
			}
			run.R += s.R + 1
		}
		dst = append(dst, "            <S"...)
		if first == 0 || run.T != next {
			dst = appendUint(dst, ` t="`, run.T)
		}
		dst = appendUint(dst, ` d="`, run.D)
		if run.R > 0 {
			dst = appendUint(dst, ` r="`, run.R)
		}
		if !run.FragmentTimestamp.IsZero() {
			dst = append(dst, ` kvs:ts="`...)
			dst = append(appendUnix(dst, run.FragmentTimestamp), '"')
		}
		dst = appendOptional(dst, ` kvs:fn="`, run.FragmentNumber)
		dst = append(dst, "/>\n"...)
		next = run.end()
	}
	return dst
}
