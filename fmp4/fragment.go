package fmp4

import (
	"fmt"
	"math"
)

// Sample is one frame of a Run, or of a clip.
type Sample struct {
	Duration uint32 // ticks of the track's timescale
	Size     uint32 // bytes
	// CompositionOffset is the presentation time less the decoding time. It is never negative here: readers differ over negative ones.
	CompositionOffset int32
	Sync              bool // decoding can begin here; not looked at for sound, where it always can
}

// Run is what a media fragment holds of one track.
type Run struct {
	TrackID uint32
	// Description is the number of the sample entry in the init segment, from 1; 0 is 1.
	Description         uint32
	BaseMediaDecodeTime uint64 // decoding time of the first sample
	Samples             []Sample
	Video               bool // Sync means something
}

// Flags of ISO/IEC 14496-12, 8.8.3.1, 8.8.7 and 8.8.8.
const (
	flagsSync    = 0x02000000 // sample_depends_on 2
	flagsNonSync = 0x01010000 // sample_depends_on 1, sample_is_non_sync_sample

	tfhdDescription       = 0x000002
	tfhdDefaultDuration   = 0x000008
	tfhdDefaultSize       = 0x000010
	tfhdDefaultFlags      = 0x000020
	tfhdDefaultBaseIsMoof = 0x020000

	trunDataOffset       = 0x000001
	trunFirstSampleFlags = 0x000004
	trunDuration         = 0x000100
	trunSize             = 0x000200
	trunFlags            = 0x000400
	trunOffset           = 0x000800
)

// flags returns the sample flags (ISO/IEC 14496-12, 8.8.3.1).
func (s *Sample) flags(video bool) uint32 {
	if s.Sync || !video {
		return flagsSync
	}
	return flagsNonSync
}

// AppendFragmentHeader appends a moof and the header of the mdat that follows it. The payload to write behind it is all
// samples of the first run, then all of the second, and so on. A run without samples is a traf without a trun.
// sequence is the number in mfhd, above 0.
//
// It fails with ErrLimit when moof and payload pass 2^31-1 bytes, and with ErrInvalid for a sequence number, a track ID
// or a duration of 0 and for a negative composition offset.
func AppendFragmentHeader(dst []byte, sequence uint32, runs []Run) ([]byte, error) {
	if sequence == 0 {
		return dst, fmt.Errorf("%w: sequence number 0", ErrInvalid)
	}
	start := len(dst)
	dst, moof := openBox(dst, "moof")
	dst, mfhd := openFullBox(dst, "mfhd", 0, 0)
	dst = closeBox(be.AppendUint32(dst, sequence), mfhd)
	payload := uint64(0)
	for i := range runs {
		var size uint64
		var err error
		if dst, size, err = appendTraf(dst, &runs[i], payload); err != nil {
			return dst[:start], err
		}
		payload += size
	}
	dst = closeBox(dst, moof)
	if payload+8 > math.MaxUint32 || payload+uint64(len(dst)-moof) > math.MaxInt32 {
		return dst[:start], fmt.Errorf("%w: mdat of %d bytes", ErrLimit, payload)
	}
	// The data offsets count from the moof; its size is known only now.
	for at := moof + 8; at < len(dst); at += int(be.Uint32(dst[at:])) {
		if string(dst[at+4:at+8]) == "traf" {
			patchDataOffset(dst[at:at+int(be.Uint32(dst[at:]))], uint32(len(dst)-moof)+8)
		}
	}
	dst = be.AppendUint32(dst, uint32(payload+8))
	return append(dst, "mdat"...), nil
}

// patchDataOffset adds to the data offset of a traf's trun, if it has one.
func patchDataOffset(traf []byte, add uint32) {
	for at := 8; at < len(traf); at += int(be.Uint32(traf[at:])) {
		if string(traf[at+4:at+8]) == "trun" {
			field := traf[at+16:]
			be.PutUint32(field, be.Uint32(field)+add)
		}
	}
}

// columns tells which columns of a trun all samples share.
type columns struct {
	duration, size, flags, offset bool // true: the column is needed
	first                         bool // only the first sample's flags differ
}

// columnsOf looks for what all samples, at least one, have in common.
func columnsOf(samples []Sample, video bool) columns {
	var s columns
	a := &samples[0]
	rest := a
	if len(samples) > 1 {
		rest = &samples[1]
	}
	for i := range samples {
		b := &samples[i]
		s.duration = s.duration || b.Duration != a.Duration
		s.size = s.size || b.Size != a.Size
		s.offset = s.offset || b.CompositionOffset != 0
		s.flags = s.flags || video && i > 0 && b.Sync != rest.Sync
	}
	s.first = video && !s.flags && a.Sync != rest.Sync
	return s
}

// appendTraf appends a run's traf (ISO/IEC 14496-12, 8.8.6). Its trun's data offset counts from the payload's start.
func appendTraf(dst []byte, r *Run, payload uint64) ([]byte, uint64, error) {
	if r.TrackID == 0 {
		return dst, 0, fmt.Errorf("%w: track ID 0", ErrInvalid)
	}
	dst, traf := openBox(dst, "traf")
	if len(r.Samples) == 0 {
		dst, tfhd := openFullBox(dst, "tfhd", 0, tfhdDefaultBaseIsMoof|r.descriptionFlag())
		dst = closeBox(r.appendDescription(be.AppendUint32(dst, r.TrackID)), tfhd)
		return closeBox(appendTfdt(dst, r.BaseMediaDecodeTime), traf), 0, nil
	}
	s := columnsOf(r.Samples, r.Video)
	first, rest := &r.Samples[0], &r.Samples[min(1, len(r.Samples)-1)]

	flags := tfhdDefaultBaseIsMoof | r.descriptionFlag()
	if !s.duration {
		flags |= tfhdDefaultDuration
	}
	if !s.size {
		flags |= tfhdDefaultSize
	}
	if !s.flags {
		flags |= tfhdDefaultFlags
	}
	dst, tfhd := openFullBox(dst, "tfhd", 0, flags)
	dst = r.appendDescription(be.AppendUint32(dst, r.TrackID))
	if !s.duration {
		dst = be.AppendUint32(dst, first.Duration)
	}
	if !s.size {
		dst = be.AppendUint32(dst, first.Size)
	}
	if !s.flags {
		dst = be.AppendUint32(dst, rest.flags(r.Video))
	}
	dst = closeBox(dst, tfhd)
	dst = appendTfdt(dst, r.BaseMediaDecodeTime)

	flags = trunDataOffset
	if s.first {
		flags |= trunFirstSampleFlags
	}
	if s.duration {
		flags |= trunDuration
	}
	if s.size {
		flags |= trunSize
	}
	if s.flags {
		flags |= trunFlags
	}
	if s.offset {
		flags |= trunOffset
	}
	dst, trun := openFullBox(dst, "trun", 0, flags)
	dst = be.AppendUint32(dst, uint32(len(r.Samples)))
	dst = be.AppendUint32(dst, uint32(payload))
	if s.first {
		dst = be.AppendUint32(dst, first.flags(r.Video))
	}
	size := uint64(0)
	for i := range r.Samples {
		b := &r.Samples[i]
		size += uint64(b.Size)
		if b.CompositionOffset < 0 || b.Duration == 0 {
			return dst, 0, sampleError(r.TrackID, i, b)
		}
		if s.duration {
			dst = be.AppendUint32(dst, b.Duration)
		}
		if s.size {
			dst = be.AppendUint32(dst, b.Size)
		}
		if s.flags {
			dst = be.AppendUint32(dst, b.flags(r.Video))
		}
		if s.offset {
			dst = be.AppendUint32(dst, uint32(b.CompositionOffset))
		}
	}
	return closeBox(closeBox(dst, trun), traf), size, nil
}

// descriptionFlag says whether tfhd names the sample entry; trex has the first.
func (r *Run) descriptionFlag() uint32 {
	if r.Description > 1 {
		return tfhdDescription
	}
	return 0
}

func (r *Run) appendDescription(dst []byte) []byte {
	if r.Description > 1 {
		return be.AppendUint32(dst, r.Description)
	}
	return dst
}

// appendTfdt always writes version 1, so that no time is too large (ISO/IEC 14496-12, 8.8.12).
func appendTfdt(dst []byte, t uint64) []byte {
	dst, at := openFullBox(dst, "tfdt", 1, 0)
	return closeBox(be.AppendUint64(dst, t), at)
}
