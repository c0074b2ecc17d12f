package fmp4

import (
	"fmt"
	"time"

	"github.com/seed63bb8431/weir/codec"
)

// AppendInit appends the initialization segment of the tracks: ftyp and a moov without samples (B 8.16.4,
// ISO/IEC 23000-19 7.3.1). The CMAF brand is given to a segment of one track only. creation may be the zero time.
//
// The error wraps ErrInvalid, ErrLimit, ErrUnsupported or codec.ErrMissingPrivate.
func AppendInit(dst []byte, tracks []TrackInit, creation time.Time) ([]byte, error) {
	if err := checkTracks(tracks); err != nil {
		return dst, err
	}
	start := len(dst)
	if len(tracks) == 1 {
		dst = appendFtyp(dst, "ftyp", "iso6", "cmfc", "mp41")
	} else {
		dst = appendFtyp(dst, "ftyp", "iso6", "mp41")
	}
	dst, moov := openBox(dst, "moov")
	dst = appendMvhd(dst, creation, 0, nextTrackID(tracks))
	for _, t := range tracks {
		entries, err := sampleEntries(t)
		if err != nil {
			return dst[:start], err
		}
		var trak int
		dst, trak = openBox(dst, "trak")
		dst = appendTkhd(dst, t, creation, 0)
		dst = appendMdia(dst, t.Track, creation, entries, nil, layout{})
		dst = closeBox(dst, trak)
	}
	dst, mvex := openBox(dst, "mvex")
	for _, t := range tracks {
		dst = appendTrex(dst, t.ID)
	}
	return closeBox(closeBox(dst, mvex), moov), nil
}

// sampleEntries returns the entries of a track's stsd.
func sampleEntries(t TrackInit) ([][]byte, error) {
	entries := make([][]byte, 0, 1+len(t.Further))
	for _, u := range append([]*codec.Track{t.Track}, t.Further...) {
		entry, err := appendSampleEntry(nil, u)
		if err != nil {
			return nil, fmt.Errorf("track %d: %w", t.ID, err)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// appendTrex appends the defaults of a track's fragments (B 8.8.3): the first description, and nothing else,
// because each tfhd brings its own.
func appendTrex(dst []byte, id uint32) []byte {
	dst, at := openFullBox(dst, "trex", 0, 0)
	dst = be.AppendUint32(dst, id)
	dst = be.AppendUint32(dst, 1)
	return closeBox(appendZeros(dst, 12), at)
}
