package hls

// A MultivariantPlaylist, called master playlist in RFC 8216 (4.3.4), names the variants of a presentation.
type MultivariantPlaylist struct {
	Version             int         // EXT-X-VERSION; zero: no tag, since no tag of this playlist needs more than 1
	IndependentSegments bool        // EXT-X-INDEPENDENT-SEGMENTS, for all segments of all media playlists
	Renditions          []Rendition // EXT-X-MEDIA
	Variants            []Variant   // EXT-X-STREAM-INF
}

// Append appends the text of the playlist to dst.
func (p *MultivariantPlaylist) Append(dst []byte) []byte {
	dst = append(dst, "#EXTM3U\n"...)
	if p.Version > 0 {
		dst = appendTag(dst, "#EXT-X-VERSION:", p.Version)
	}
	if p.IndependentSegments {
		dst = append(dst, "#EXT-X-INDEPENDENT-SEGMENTS\n"...)
	}
	for i := range p.Renditions {
		dst = p.Renditions[i].append(dst)
	}
	for i := range p.Variants {
		dst = p.Variants[i].append(dst)
	}
	return dst
}

// String returns the text of the playlist.
func (p *MultivariantPlaylist) String() string { return string(p.Append(nil)) }

// Validate returns an error that wraps ErrInvalid for the first rule that the playlist breaks by what it was given:
// no variant, no bandwidth or address, an audio group that is not there, two renditions of one name.
func (p *MultivariantPlaylist) Validate() error {
	if len(p.Variants) == 0 {
		return invalidf("no variant")
	}
	for i := range p.Renditions {
		if err := p.validateRendition(i); err != nil {
			return err
		}
	}
	for i := range p.Variants {
		v := &p.Variants[i]
		switch {
		case v.Bandwidth <= 0:
			return invalidf("variant %d: bandwidth %d", i, v.Bandwidth)
		case v.AverageBandwidth < 0 || v.AverageBandwidth > v.Bandwidth:
			return invalidf("variant %d: average bandwidth %d, peak %d", i, v.AverageBandwidth, v.Bandwidth)
		case v.URI == "" || v.URI[0] == '#':
			return invalidf("variant %d: URI %q", i, v.URI)
		case v.Audio != "" && !p.hasGroup(Audio, v.Audio):
			return invalidf("variant %d: no audio group %q", i, v.Audio)
		}
	}
	return nil
}

func (p *MultivariantPlaylist) validateRendition(i int) error {
	r := &p.Renditions[i]
	switch r.mediaType() {
	case Audio, Video:
	case Subtitles:
		if r.URI == "" {
			return invalidf("rendition %d: subtitles without a URI", i)
		}
	default:
		return invalidf("rendition %d: type %q", i, r.Type)
	}
	if r.GroupID == "" || r.Name == "" {
		return invalidf("rendition %d: group %q, name %q", i, r.GroupID, r.Name)
	}
	for j := range p.Renditions[:i] {
		o := &p.Renditions[j]
		if o.mediaType() != r.mediaType() || o.GroupID != r.GroupID {
			continue
		}
		if o.Name == r.Name {
			return invalidf("rendition %d: name %q twice in group %q", i, r.Name, r.GroupID)
		}
		if o.Default && r.Default {
			return invalidf("rendition %d: second default of group %q", i, r.GroupID)
		}
	}
	return nil
}

func (p *MultivariantPlaylist) hasGroup(t MediaType, id string) bool {
	for i := range p.Renditions {
		if p.Renditions[i].mediaType() == t && p.Renditions[i].GroupID == id {
			return true
		}
	}
	return false
}
