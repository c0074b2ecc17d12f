package hls

import "time"

// Validate returns an error that wraps ErrInvalid for the first rule that the playlist breaks by what it was given:
// a version or a target duration that is too low, a segment without length or address, a type that does not exist.
func (p *MediaPlaylist) Validate() error {
	if p.Version < 0 || p.Version > 0 && p.Version < p.minVersion() {
		return invalidf("version %d, the tags need %d", p.Version, p.minVersion())
	}
	if p.TargetDuration < 0 {
		return invalidf("target duration %d", p.TargetDuration)
	}
	switch p.PlaylistType {
	case "", Event:
	case VOD:
		if !p.EndList {
			return invalidf("type VOD without an end of the list")
		}
	default:
		return invalidf("playlist type %q", p.PlaylistType)
	}
	for i := range p.Segments {
		if err := p.validateSegment(i); err != nil {
			return err
		}
	}
	return nil
}

func (p *MediaPlaylist) validateSegment(i int) error {
	s := &p.Segments[i]
	if s.Duration.Round(time.Microsecond) <= 0 {
		return invalidf("segment %d: duration %v", i, s.Duration)
	}
	if p.TargetDuration > 0 && roundedSeconds(s.Duration) > p.TargetDuration {
		return invalidf("segment %d: duration %v, target duration %d s", i, s.Duration, p.TargetDuration)
	}
	if s.URI == "" && p.AppendURI == nil {
		return invalidf("segment %d: no URI", i)
	}
	if s.URI != "" && s.URI[0] == '#' {
		return invalidf("segment %d: URI %q reads as a comment", i, s.URI)
	}
	if t := s.ProgramDateTime; !t.IsZero() {
		if y := t.UTC().Year(); y < 0 || y > 9999 {
			return invalidf("segment %d: date of the year %d", i, y)
		}
	}
	return nil
}
