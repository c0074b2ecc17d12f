package dash

import "time"

// A Period is a stretch of the presentation with one set of tracks (ISO/IEC 23009-1, 5.3.2).
type Period struct {
	ID       string        // @id, unique; required when the MPD is dynamic
	Start    time.Duration // @start, from the start of the presentation; always written
	Duration time.Duration // @duration; zero: not written, to the next Period or the end

	AdaptationSets []AdaptationSet
}

func (p *Period) append(dst []byte) []byte {
	dst = append(dst, "  <Period"...)
	dst = appendOptional(dst, ` id="`, p.ID)
	dst = append(dst, ` start="`...)
	dst = append(appendDuration(dst, p.Start), '"')
	dst = appendDurationAttr(dst, ` duration="`, p.Duration)
	dst = append(dst, ">\n"...)
	for i := range p.AdaptationSets {
		dst = p.AdaptationSets[i].append(dst)
	}
	return append(dst, "  </Period>\n"...)
}
