package dash

import "time"

// PresentationType is the @type of an MPD.
type PresentationType string

// The types of an MPD.
const (
	Static  PresentationType = "static"  // all segments are there
	Dynamic PresentationType = "dynamic" // segments come while it plays
)

// ProfileLive is the profile of segments in files of their own, on demand as well as live (ISO/IEC 23009-1, 8.4).
const ProfileLive = "urn:mpeg:dash:profile:isoff-live:2011"

// Namespace is that of kvs:ts and kvs:fn. The service that these attributes come from has not published its own.
const Namespace = "http://kinesisvideo.amazonaws.com/schema/dash"

// An MPD is a Media Presentation Description (ISO/IEC 23009-1, 5.3.1). Durations and times that are zero are not written.
type MPD struct {
	Type     PresentationType // @type; empty: Static
	Profiles string           // @profiles, with commas between; empty: ProfileLive

	AvailabilityStartTime time.Time // @availabilityStartTime (required when dynamic): the time that Period starts count from
	PublishTime           time.Time // @publishTime (required when dynamic): when this version of the MPD was made

	MediaPresentationDuration  time.Duration // @mediaPresentationDuration: the whole, when static
	MinimumUpdatePeriod        time.Duration // @minimumUpdatePeriod: when to look for a new version, dynamic only
	MinBufferTime              time.Duration // @minBufferTime (required, always written)
	TimeShiftBufferDepth       time.Duration // @timeShiftBufferDepth: how far back segments are there, dynamic only
	SuggestedPresentationDelay time.Duration // @suggestedPresentationDelay: how far behind the edge to play, dynamic only
	MaxSegmentDuration         time.Duration // @maxSegmentDuration

	Periods   []Period
	UTCTiming []Descriptor // UTCTiming: where to read the clock, the best first
}

// Append appends the text of the MPD to dst.
func (m *MPD) Append(dst []byte) []byte {
	dst = append(dst, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"`...)
	if m.usesNamespace() {
		dst = append(dst, ` xmlns:kvs="`+Namespace+`"`...)
	}
	dst = appendAttr(dst, ` profiles="`, m.profiles())
	dst = appendAttr(dst, ` type="`, string(m.presentationType()))
	dst = appendDateTimeAttr(dst, ` availabilityStartTime="`, m.AvailabilityStartTime)
	dst = appendDateTimeAttr(dst, ` publishTime="`, m.PublishTime)
	dst = appendDurationAttr(dst, ` mediaPresentationDuration="`, m.MediaPresentationDuration)
	dst = appendDurationAttr(dst, ` minimumUpdatePeriod="`, m.MinimumUpdatePeriod)
	dst = append(dst, ` minBufferTime="`...)
	dst = append(appendDuration(dst, m.MinBufferTime), '"')
	dst = appendDurationAttr(dst, ` timeShiftBufferDepth="`, m.TimeShiftBufferDepth)
	dst = appendDurationAttr(dst, ` suggestedPresentationDelay="`, m.SuggestedPresentationDelay)
	dst = appendDurationAttr(dst, ` maxSegmentDuration="`, m.MaxSegmentDuration)
	dst = append(dst, ">\n"...)
	for i := range m.Periods {
		dst = m.Periods[i].append(dst)
	}
	for i := range m.UTCTiming {
		dst = m.UTCTiming[i].append(dst, "  <UTCTiming")
	}
	return append(dst, "</MPD>\n"...)
}

// String returns the text of the MPD.
func (m *MPD) String() string { return string(m.Append(nil)) }

func (m *MPD) presentationType() PresentationType {
	if m.Type == "" {
		return Static
	}
	return m.Type
}

func (m *MPD) profiles() string {
	if m.Profiles == "" {
		return ProfileLive
	}
	return m.Profiles
}

// usesNamespace tells whether any segment has an attribute of Namespace.
func (m *MPD) usesNamespace() bool {
	for i := range m.Periods {
		for j := range m.Periods[i].AdaptationSets {
			set := &m.Periods[i].AdaptationSets[j]
			for k := range set.Representations {
				timeline := set.Representations[k].SegmentTemplate.Timeline
				for n := range timeline {
					if timeline[n].named() {
						return true
					}
				}
			}
		}
	}
	return false
}
