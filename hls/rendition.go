package hls

import "strconv"

// MediaType is the TYPE of a Rendition (RFC 8216, 4.3.4.1).
type MediaType string

// The types of a Rendition that has a media playlist of its own.
const (
	Audio     MediaType = "AUDIO"
	Video     MediaType = "VIDEO"
	Subtitles MediaType = "SUBTITLES"
)

// A Rendition is one EXT-X-MEDIA of a MultivariantPlaylist (RFC 8216, 4.3.4.1).
type Rendition struct {
	Type       MediaType // TYPE (required); empty: Audio
	GroupID    string    // GROUP-ID (required): the name that Variant.Audio gives
	Name       string    // NAME (required), unlike all others of the group
	Language   string    // LANGUAGE, a tag of RFC 5646; empty: not written
	Default    bool      // DEFAULT: played when the user chooses nothing
	Autoselect bool      // AUTOSELECT: written YES with Default too, which implies it
	Channels   int       // CHANNELS, the number of audio channels; zero: not written
	URI        string    // URI of the media playlist; empty: muxed into the variant
}

func (r *Rendition) mediaType() MediaType {
	if r.Type == "" {
		return Audio
	}
	return r.Type
}

func (r *Rendition) append(dst []byte) []byte {
	dst = append(dst, "#EXT-X-MEDIA:TYPE="...)
	dst = appendEnum(dst, string(r.mediaType()))
	dst = append(dst, ",GROUP-ID="...)
	dst = appendQuoted(dst, r.GroupID)
	dst = append(dst, ",NAME="...)
	dst = appendQuoted(dst, r.Name)
	if r.Language != "" {
		dst = append(dst, ",LANGUAGE="...)
		dst = appendQuoted(dst, r.Language)
	}
	dst = append(dst, ",DEFAULT="...)
	dst = appendYesNo(dst, r.Default)
	dst = append(dst, ",AUTOSELECT="...)
	dst = appendYesNo(dst, r.Autoselect || r.Default)
	if r.Channels > 0 {
		dst = append(dst, `,CHANNELS="`...)
		dst = strconv.AppendInt(dst, int64(r.Channels), 10)
		dst = append(dst, '"')
	}
	if r.URI != "" {
		dst = append(dst, `,URI="`...)
		dst = appendURI(dst, r.URI)
		dst = append(dst, '"')
	}
	return append(dst, '\n')
}
