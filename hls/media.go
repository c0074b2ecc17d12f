package hls

// PlaylistType is the value of EXT-X-PLAYLIST-TYPE (RFC 8216, 4.3.3.5).
type PlaylistType string

// The types of a media playlist. The empty one may lose segments at its head.
const (
	VOD   PlaylistType = "VOD"   // never changes
	Event PlaylistType = "EVENT" // only grows at its end
)

// A MediaPlaylist lists the segments of one rendition (RFC 8216, 4.3.3). The zero value is an empty live playlist.
type MediaPlaylist struct {
	// Version is the EXT-X-VERSION. Zero: 3, 7 with an EXT-X-MAP, 8 with an EXT-X-GAP.
	Version int

	// TargetDuration is the EXT-X-TARGETDURATION (required) in seconds. It must not change while a playlist is live, so a
	// live one is given it. Zero: the longest segment listed, rounded to the nearest second, at least 1.
	TargetDuration int

	PlaylistType PlaylistType // EXT-X-PLAYLIST-TYPE; empty: no tag

	MediaSequence uint64 // EXT-X-MEDIA-SEQUENCE: the number of the first segment listed

	// DiscontinuitySequence is the EXT-X-DISCONTINUITY-SEQUENCE: the marks that have left the head of the playlist.
	// WriteDiscontinuitySequence writes it even when it is 0, which a window that will slide over marks needs.
	DiscontinuitySequence      uint64
	WriteDiscontinuitySequence bool

	IndependentSegments bool // EXT-X-INDEPENDENT-SEGMENTS: each segment starts with a sync sample
	EndList             bool // EXT-X-ENDLIST

	Map      string // EXT-X-MAP of the first segment, when its own Map is empty
	Segments []Segment

	// AppendURI appends the URI of Segments[i] to dst when that has none of its own, so that no string per segment is
	// needed. What it appends is not checked: use AppendEscapedURI for names.
	AppendURI func(dst []byte, i int) []byte
}

// Append appends the text of the playlist to dst.
func (p *MediaPlaylist) Append(dst []byte) []byte {
	dst = append(dst, "#EXTM3U\n"...)
	dst = appendTag(dst, "#EXT-X-VERSION:", p.version())
	if p.PlaylistType != "" {
		dst = append(dst, "#EXT-X-PLAYLIST-TYPE:"...)
		dst = append(appendEnum(dst, string(p.PlaylistType)), '\n')
	}
	dst = appendTag(dst, "#EXT-X-TARGETDURATION:", p.targetDuration())
	dst = appendTag(dst, "#EXT-X-MEDIA-SEQUENCE:", p.MediaSequence)
	if p.DiscontinuitySequence > 0 || p.WriteDiscontinuitySequence {
		dst = appendTag(dst, "#EXT-X-DISCONTINUITY-SEQUENCE:", p.DiscontinuitySequence)
	}
	if p.IndependentSegments {
		dst = append(dst, "#EXT-X-INDEPENDENT-SEGMENTS\n"...)
	}
	dst = p.appendSegments(dst)
	if p.EndList {
		dst = append(dst, "#EXT-X-ENDLIST\n"...)
	}
	return dst
}

func (p *MediaPlaylist) appendSegments(dst []byte) []byte {
	var dates dateTime
	var inForce string // the EXT-X-MAP
	for i := range p.Segments {
		s := &p.Segments[i]
		if s.Discontinuity {
			dst = append(dst, "#EXT-X-DISCONTINUITY\n"...)
		}
		if m := p.mapAt(i); m != "" && m != inForce {
			inForce = m
			dst = append(dst, `#EXT-X-MAP:URI="`...)
			dst = appendURI(dst, m)
			dst = append(dst, "\"\n"...)
		}
		if !s.ProgramDateTime.IsZero() {
			dst = append(dst, "#EXT-X-PROGRAM-DATE-TIME:"...)
			dst = dates.append(dst, s.ProgramDateTime)
			dst = append(dst, '\n')
		}
		if s.Gap {
			dst = append(dst, "#EXT-X-GAP\n"...)
		}
		dst = append(dst, "#EXTINF:"...)
		dst = appendSeconds(dst, microseconds(s.Duration))
		dst = append(dst, ",\n"...)
		if s.URI == "" && p.AppendURI != nil {
			dst = p.AppendURI(dst, i)
		} else {
			dst = appendURI(dst, s.URI)
		}
		dst = append(dst, '\n')
	}
	return dst
}

// String returns the text of the playlist.
func (p *MediaPlaylist) String() string { return string(p.Append(nil)) }

// mapAt returns the Map that is set at segment i, empty when none is.
func (p *MediaPlaylist) mapAt(i int) string {
	if m := p.Segments[i].Map; m != "" || i > 0 {
		return m
	}
	return p.Map
}

func (p *MediaPlaylist) targetDuration() int {
	if p.TargetDuration > 0 {
		return p.TargetDuration
	}
	target := 1
	for i := range p.Segments {
		target = max(target, roundedSeconds(p.Segments[i].Duration))
	}
	return target
}

func (p *MediaPlaylist) version() int {
	if p.Version > 0 {
		return p.Version
	}
	v := p.minVersion()
	if v == 6 {
		return 7 // what other packagers of fragmented MP4 write, and Apple's own
	}
	return v
}

// minVersion returns the lowest EXT-X-VERSION that the tags of the playlist allow (RFC 8216, 7; EXT-X-GAP: rfc8216bis, 8).
func (p *MediaPlaylist) minVersion() int {
	v := 3 // EXTINF with decimals
	if p.Map != "" {
		v = 6
	}
	for i := range p.Segments {
		if p.Segments[i].Gap {
			return 8
		}
		if p.Segments[i].Map != "" {
			v = 6
		}
	}
	return v
}
