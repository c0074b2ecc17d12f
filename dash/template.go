package dash

// A SegmentTemplate gives the addresses and times of the segments of a Representation (ISO/IEC 23009-1, 5.3.9.4).
type SegmentTemplate struct {
	Timescale              uint32 // @timescale: ticks in a second; zero: not written, 1
	PresentationTimeOffset uint64 // @presentationTimeOffset: the media time of the start of the Period, in ticks
	StartNumber            uint32 // @startNumber: $Number$ of the first segment; always written

	// Initialization and Media are the addresses (@initialization, @media). Media holds $Number$ or $Time$, maybe with a
	// width ($Number%05d$), and either may hold $RepresentationID$. A dollar sign of a name is written $$ or %24.
	Initialization string
	Media          string

	Timeline []S // SegmentTimeline, one S per segment; Append joins them
}

func (t *SegmentTemplate) append(dst []byte) []byte {
	dst = append(dst, "        <SegmentTemplate"...)
	if t.Timescale > 0 {
		dst = appendUint(dst, ` timescale="`, uint64(t.Timescale))
	}
	if t.PresentationTimeOffset > 0 {
		dst = appendUint(dst, ` presentationTimeOffset="`, t.PresentationTimeOffset)
	}
	dst = appendUint(dst, ` startNumber="`, uint64(t.StartNumber))
	dst = appendOptional(dst, ` initialization="`, t.Initialization)
	dst = appendOptional(dst, ` media="`, t.Media)
	dst = append(dst, ">\n          <SegmentTimeline>\n"...)
	dst = appendTimeline(dst, t.Timeline)
	return append(dst, "          </SegmentTimeline>\n        </SegmentTemplate>\n"...)
}
