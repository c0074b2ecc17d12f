package fmp4

import "math"

// edits is the edit list of one track (B 8.6.6). Times of the movie are in ticks of movieTimescale.
type edits struct {
	delay     uint64 // movie time before the track begins
	length    uint64 // movie time that the track is presented
	mediaTime uint64 // where in the media, in the track's timescale, the presentation begins
}

// duration returns the sum of the edits.
func (e edits) duration() uint64 { return e.delay + e.length }

// append appends edts with an empty edit for the delay and one for the media, or nothing when the media is presented
// from its beginning at the beginning of the movie.
func (e edits) append(dst []byte) []byte {
	if e.delay == 0 && e.mediaTime == 0 {
		return dst
	}
	version, count := uint8(0), uint32(1)
	if max(e.delay, e.length) > math.MaxUint32 || e.mediaTime > math.MaxInt32 {
		version = 1
	}
	if e.delay > 0 {
		count = 2
	}
	dst, edts := openBox(dst, "edts")
	dst, at := openFullBox(dst, "elst", version, 0)
	dst = be.AppendUint32(dst, count)
	if e.delay > 0 {
		dst = appendEdit(dst, version, e.delay, math.MaxUint64) // media_time -1: empty
	}
	dst = appendEdit(dst, version, e.length, e.mediaTime)
	return closeBox(closeBox(dst, at), edts)
}

// appendEdit appends one entry of elst, at the normal rate.
func appendEdit(dst []byte, version uint8, duration, mediaTime uint64) []byte {
	dst = appendWord(dst, version, duration)
	dst = appendWord(dst, version, mediaTime)
	return be.AppendUint32(dst, 1<<16)
}
