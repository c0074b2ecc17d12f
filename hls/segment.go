package hls

import "time"

// A Segment is one Media Segment of a MediaPlaylist, with the tags that apply to it (RFC 8216, 4.3.2).
type Segment struct {
	// URI is the address of the segment, relative to the playlist. Bytes that no URI has are percent-encoded; names of
	// files need EscapeURI. Empty: MediaPlaylist.AppendURI gives it.
	URI string

	// Duration is the EXTINF, written in seconds with six decimals. It is rounded for itself, so that a segment shows the
	// same value in every playlist that lists it. For sums without drift take durations as differences of absolute times
	// that are rounded to microseconds.
	Duration time.Duration

	Discontinuity bool // EXT-X-DISCONTINUITY before the segment
	Gap           bool // EXT-X-GAP: the segment is missing and must not be loaded (version 8)

	// ProgramDateTime is the EXT-X-PROGRAM-DATE-TIME, written in UTC with milliseconds. Zero: no tag.
	ProgramDateTime time.Time

	// Map is the URI of the Media Initialization Section (EXT-X-MAP) from this segment on. Empty: the one before stays.
	// The tag is written only where the URI changes.
	Map string
}
