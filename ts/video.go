package ts

import (
	"bytes"

	"github.com/seed63bb8431/weir/codec"
)

// nalKind sorts NAL units by what a chunk does with them.
type nalKind uint8

const (
	kindVPS nalKind = 1 << iota
	kindSPS
	kindPPS
	kindAUD
	kindSlice
)

// avcKinds and hevcKinds sort nal_unit_type (H.264 table 7-1, H.265 table 7-1); other types are 0.
var (
	avcKinds  = [32]nalKind{1: kindSlice, 2: kindSlice, 3: kindSlice, 4: kindSlice, 5: kindSlice, 7: kindSPS, 8: kindPPS, 9: kindAUD, 13: kindSPS}
	hevcKinds = func() (k [64]nalKind) {
		for i := range 32 {
			k[i] = kindSlice
		}
		k[32], k[33], k[34], k[35] = kindVPS, kindSPS, kindPPS, kindAUD
		return k
	}()
)

// Access unit delimiters that allow any kind of slice (H.264 7.3.2.4, H.265 7.3.2.5), behind start codes.
var (
	avcAUD  = []byte{0, 0, 0, 1, 0x09, 0xF0}
	hevcAUD = []byte{0, 0, 0, 1, 0x46, 0x01, 0x50}
)

const startCodeSize = 4 // as long as the NAL unit lengths of a sample

// kind sorts a NAL unit by its first byte.
func (s *stream) kind(b byte) nalKind {
	if s.streamType == streamTypeHEVC {
		return hevcKinds[b>>1&0x3F]
	}
	return avcKinds[b&0x1F]
}

func (s *stream) aud() []byte {
	if s.streamType == streamTypeHEVC {
		return hevcAUD
	}
	return avcAUD
}

// accessUnit is what is known of a sample before it is written.
type accessUnit struct {
	size int     // bytes of what is written of the sample
	sets nalKind // parameter sets before the first slice
}

// nextNAL returns the first NAL unit of data, whose length was found good.
func nextNAL(data []byte) (nal, rest []byte) {
	n := startCodeSize + int(be.Uint32(data))
	return data[startCodeSize:n], data[n:]
}

// look walks through the NAL units of a sample.
func (s *stream) look(data []byte) (accessUnit, error) {
	minimum := uint32(1)
	if s.streamType == streamTypeHEVC {
		minimum = 2
	}
	u := accessUnit{size: len(data)}
	slices := false
	rest := data
	for len(rest) > startCodeSize {
		n := be.Uint32(rest)
		if n < minimum || uint64(n) > uint64(len(rest)-startCodeSize) {
			break
		}
		switch k := s.kind(rest[startCodeSize]); {
		case k == kindAUD:
			u.size -= startCodeSize + int(n)
		case k == kindSlice:
			slices = true
		case !slices:
			u.sets |= k
		}
		rest = rest[startCodeSize+int(n):]
	}
	if len(rest) > 0 || len(data) == 0 {
		t := s.track
		e := &codec.Error{Track: t.Number, CodecID: t.CodecID, Offset: int64(len(data) - len(rest)), Detail: "NAL unit length", Err: codec.ErrInvalidFrame}
		if len(data) == 0 {
			e.Detail = "no NAL unit"
		}
		return u, e
	}
	return u, nil
}

// repeats tells whether a sample has a parameter set of the configuration before its first slice.
func (s *stream) repeats(data, set []byte) bool {
	for rest := data; len(rest) > 0; {
		var nal []byte
		nal, rest = nextNAL(rest)
		if s.kind(nal[0]) == kindSlice {
			return false
		}
		if bytes.Equal(nal, set) {
			return true
		}
	}
	return false
}

// setsSize returns the size of the configuration's parameter sets that a sample does not repeat.
func (s *stream) setsSize(data []byte) int {
	size := 0
	for _, set := range s.sets {
		if len(set) > 0 && !s.repeats(data, set) {
			size += startCodeSize + len(set)
		}
	}
	return size
}

// appendPicture appends the next sample of pictures as one PES packet.
func (c *chunk) appendPicture(dst []byte, s *stream) ([]byte, error) {
	i := s.next
	p := &s.samples[i]
	if p.DTS < 0 || p.PTS < p.DTS || p.PTS-p.DTS > maxOffset || i > 0 && p.DTS <= s.samples[i-1].DTS {
		return dst, s.timeError(i, p.DTS)
	}
	if len(p.Data) > maxChunk {
		return dst, s.sampleError(i, ErrLimit)
	}
	u, err := s.look(p.Data)
	if err != nil {
		return dst, s.sampleError(i, err)
	}
	size := pesHeaderSize(p.PTS, p.DTS) + len(s.aud()) + u.size
	if p.Key {
		size += s.setsSize(p.Data)
	}
	s.next++
	gap := int64(0)
	switch n := len(s.samples); {
	case i+1 < n:
		gap = s.samples[i+1].DTS - p.DTS
	case i > 0: // the next fragment begins as much later, as far as one can tell
		gap = p.DTS - s.samples[i-1].DTS
	}
	var w pesWriter
	if dst, err = c.openPES(dst, &w, s, p.DTS, gap, size, p.Key); err != nil {
		return dst, s.sampleError(i, err)
	}
	var header [maxPESHeader]byte
	w.put(putPESHeader(&header, streamIDVideo, size, p.PTS, p.DTS))
	w.put(s.aud())
	drop := kindAUD
	if p.Key {
		s.putSets(&w, p.Data, u.sets)
		drop |= u.sets
	}
	s.putUnits(&w, p.Data, drop)
	return dst, nil
}

// putSets writes the parameter sets of a key frame in the order in which a decoder needs them: of each kind those of the
// configuration first, so that a set of the sample with the same id takes its place.
func (s *stream) putSets(w *pesWriter, data []byte, have nalKind) {
	for kind := kindVPS; kind <= kindPPS; kind <<= 1 {
		for _, set := range s.sets {
			if len(set) > 0 && s.kind(set[0]) == kind && !s.repeats(data, set) {
				w.putNAL(set)
			}
		}
		if have&kind == 0 {
			continue
		}
		for rest := data; len(rest) > 0; {
			var nal []byte
			nal, rest = nextNAL(rest)
			k := s.kind(nal[0])
			if k == kindSlice {
				break
			}
			if k == kind {
				w.putNAL(nal)
			}
		}
	}
}

// putUnits writes the NAL units of a sample, without the delimiters and without the parameter sets in front that are written already.
func (s *stream) putUnits(w *pesWriter, data []byte, drop nalKind) {
	for rest := data; len(rest) > 0; {
		var nal []byte
		nal, rest = nextNAL(rest)
		k := s.kind(nal[0])
		if k == kindSlice {
			drop = kindAUD
		}
		if k&drop == 0 {
			w.putNAL(nal)
		}
	}
}

// putNAL writes a NAL unit behind a start code.
func (w *pesWriter) putNAL(nal []byte) {
	if w.end-w.at >= startCodeSize {
		be.PutUint32(w.out[w.at:], 1)
		w.at += startCodeSize
	} else {
		w.put(avcAUD[:startCodeSize])
	}
	w.put(nal)
}
