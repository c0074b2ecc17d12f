package fmp4

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/codec"
)

// TrackInit is a track and the number that it has in the file.
type TrackInit struct {
	ID    uint32 // track_ID, not 0
	Track *codec.Track
	// Further are the same track with other codec private data, for the sample entries 2, 3, … of an init segment.
	// All times stay in Track's timescale.
	Further []*codec.Track
}

// checkTracks refuses what no file can hold.
func checkTracks(tracks []TrackInit) error {
	if len(tracks) == 0 {
		return fmt.Errorf("%w: no tracks", ErrInvalid)
	}
	for i, t := range tracks {
		if t.ID == 0 {
			return fmt.Errorf("%w: track ID 0", ErrInvalid)
		}
		for _, u := range tracks[:i] {
			if u.ID == t.ID {
				return fmt.Errorf("%w: track ID %d given twice", ErrInvalid, t.ID)
			}
		}
		if err := checkTrack(t.Track); err != nil {
			return fmt.Errorf("track %d: %w", t.ID, err)
		}
		for _, u := range t.Further {
			if err := checkFurther(t, u); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkTrack refuses a track that has no sample entry or no clock.
func checkTrack(t *codec.Track) error {
	switch {
	case t == nil:
		return fmt.Errorf("%w: nil track", ErrInvalid)
	case t.Config == nil:
		return codec.ErrMissingPrivate
	case t.Timescale() == 0:
		return fmt.Errorf("%w: sampling rate 0", ErrInvalid)
	}
	return nil
}

// checkFurther refuses what cannot be a further description of a track.
func checkFurther(t TrackInit, u *codec.Track) error {
	if err := checkTrack(u); err != nil {
		return fmt.Errorf("track %d: %w", t.ID, err)
	}
	if u.Config.Kind() != t.Track.Config.Kind() {
		return fmt.Errorf("%w: track %d changes from %s to %s", ErrInvalid, t.ID, t.Track.Config.Kind(), u.Config.Kind())
	}
	return nil
}

// nextTrackID returns a number above all in use, or all ones when there is none (B 8.2.2.3).
func nextTrackID(tracks []TrackInit) uint32 {
	var most uint32
	for _, t := range tracks {
		most = max(most, t.ID)
	}
	if most == math.MaxUint32 {
		return most
	}
	return most + 1
}

// appendMvhd appends the movie header (B 8.2.2); duration is in ticks of movieTimescale.
func appendMvhd(dst []byte, creation time.Time, duration uint64, nextID uint32) []byte {
	created := sinceEpoch(creation)
	version := boxVersion(created, duration)
	dst, at := openFullBox(dst, "mvhd", version, 0)
	dst = appendWord(dst, version, created)
	dst = appendWord(dst, version, created)
	dst = be.AppendUint32(dst, movieTimescale)
	dst = appendWord(dst, version, duration)
	dst = be.AppendUint32(dst, 1<<16) // rate
	dst = be.AppendUint16(dst, 1<<8)  // volume
	dst = appendZeros(dst, 10)
	dst = appendMatrix(dst, false, 0, 0, 0)
	dst = appendZeros(dst, 24)
	dst = be.AppendUint32(dst, nextID)
	return closeBox(dst, at)
}

// appendTkhd appends the track header (B 8.3.2); duration is in ticks of movieTimescale.
func appendTkhd(dst []byte, t TrackInit, creation time.Time, duration uint64) []byte {
	const enabled, inMovie, inPreview = 1, 2, 4
	created := sinceEpoch(creation)
	version := boxVersion(created, duration)
	dst, at := openFullBox(dst, "tkhd", version, enabled|inMovie|inPreview)
	dst = appendWord(dst, version, created)
	dst = appendWord(dst, version, created)
	dst = be.AppendUint32(dst, t.ID)
	dst = appendZeros(dst, 4)
	dst = appendWord(dst, version, duration)
	dst = appendZeros(dst, 8+2+2) // reserved, layer, alternate_group
	if t.Track.Config.Kind() == codec.Audio {
		dst = be.AppendUint16(dst, 1<<8) // volume
		dst = appendZeros(dst, 2)
		dst = appendMatrix(dst, false, 0, 0, 0)
		return closeBox(appendZeros(dst, 8), at)
	}
	s := trackShape(picture(t.Track.Config), t.Track.Display)
	width, height := s.displayWidth(), s.height<<16
	var d codec.Display
	if t.Track.Display != nil {
		d = *t.Track.Display
	}
	dst = appendZeros(dst, 4)
	dst = appendMatrix(dst, d.Mirror, d.Rotation, width, height)
	dst = be.AppendUint32(dst, width)
	dst = be.AppendUint32(dst, height)
	return closeBox(dst, at)
}

// appendMdhd appends the media header (B 8.4.2), and elng (B 8.4.6) for a language that it has no room for.
// duration is in ticks of the track's timescale.
func appendMdhd(dst []byte, t *codec.Track, creation time.Time, duration uint64) []byte {
	created := sinceEpoch(creation)
	version := boxVersion(created, duration)
	code, extended := mdhdLanguage(t.Language)
	dst, at := openFullBox(dst, "mdhd", version, 0)
	dst = appendWord(dst, version, created)
	dst = appendWord(dst, version, created)
	dst = be.AppendUint32(dst, t.Timescale())
	dst = appendWord(dst, version, duration)
	dst = be.AppendUint16(dst, packLanguage(code))
	dst = closeBox(appendZeros(dst, 2), at)
	if extended == "" {
		return dst
	}
	dst, at = openFullBox(dst, "elng", 0, 0)
	dst = append(dst, extended...)
	return closeBox(append(dst, 0), at)
}

// appendHdlr appends the handler (B 8.4.3); its name is the track's name.
func appendHdlr(dst []byte, t *codec.Track) []byte {
	handler, name := "vide", "VideoHandler"
	if t.Config.Kind() == codec.Audio {
		handler, name = "soun", "SoundHandler"
	}
	if own, _, _ := strings.Cut(t.Name, "\x00"); own != "" {
		name = strings.ToValidUTF8(own, "\uFFFD")
	}
	dst, at := openFullBox(dst, "hdlr", 0, 0)
	dst = appendZeros(dst, 4)
	dst = append(dst, handler...)
	dst = appendZeros(dst, 12)
	dst = append(dst, name...)
	return closeBox(append(dst, 0), at)
}

// appendMinf appends the media information (B 8.4.4) around the sample table: the entries of stsd and the tables of s,
// which are empty when s is nil.
func appendMinf(dst []byte, kind codec.Kind, entries [][]byte, s *sampleTables, l layout) []byte {
	dst, at := openBox(dst, "minf")
	var in, sub int
	if kind == codec.Audio {
		dst, in = openFullBox(dst, "smhd", 0, 0)
		dst = appendZeros(dst, 4)
	} else {
		dst, in = openFullBox(dst, "vmhd", 0, 1)
		dst = appendZeros(dst, 8)
	}
	dst = closeBox(dst, in)

	dst, in = openBox(dst, "dinf")
	dst, sub = openFullBox(dst, "dref", 0, 0)
	dst = be.AppendUint32(dst, 1)
	dst, url := openFullBox(dst, "url ", 0, 1) // the samples are in this file
	dst = closeBox(closeBox(closeBox(dst, url), sub), in)

	dst, in = openBox(dst, "stbl")
	dst, sub = openFullBox(dst, "stsd", 0, 0)
	dst = be.AppendUint32(dst, uint32(len(entries)))
	for _, e := range entries {
		dst = append(dst, e...)
	}
	dst = closeBox(dst, sub)
	dst = s.append(dst, l)
	return closeBox(closeBox(dst, in), at)
}

// appendMdia appends the media box (B 8.4.1).
func appendMdia(dst []byte, t *codec.Track, creation time.Time, entries [][]byte, s *sampleTables, l layout) []byte {
	dst, at := openBox(dst, "mdia")
	dst = appendMdhd(dst, t, creation, s.duration())
	dst = appendHdlr(dst, t)
	dst = appendMinf(dst, t.Config.Kind(), entries, s, l)
	return closeBox(dst, at)
}
