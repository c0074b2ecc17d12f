package codec

import (
	"bytes"
	"encoding/binary"
)

// Limits of the counts in avcC (14496-15, 5.3.3.1.2).
const (
	maxAVCSPS = 31
	maxSets   = 255
)

// setCursor takes parameter sets with 16-bit lengths off a record.
type setCursor struct {
	b   []byte
	pos int
}

// u8 returns the next byte.
func (s *setCursor) u8() (uint8, bool) {
	if s.pos >= len(s.b) {
		return 0, false
	}
	s.pos++
	return s.b[s.pos-1], true
}

// nal returns the next NAL unit; one of no bytes is refused.
func (s *setCursor) nal() ([]byte, bool) {
	if len(s.b)-s.pos < 2 {
		return nil, false
	}
	n := int(binary.BigEndian.Uint16(s.b[s.pos:]))
	if n == 0 || n > len(s.b)-s.pos-2 {
		return nil, false
	}
	start := s.pos + 2
	s.pos = start + n
	return s.b[start:s.pos:s.pos], true
}

// ParseAVC reads an AVCDecoderConfigurationRecord and keeps a copy of it. A record without parameter sets gives
// ErrMissingPrivate, any malformed one ErrInvalidPrivate; start codes give ErrAnnexB too.
func ParseAVC(private []byte) (*AVC, error) {
	c, err := parseAVCRecord(private)
	if err != nil {
		return nil, err
	}
	if err := c.settle(); err != nil {
		return nil, err
	}
	if len(c.SPS) == 1 { // the record repeats its profile and level (14496-15, 5.3.3.1.2); some writers' differ
		copy(c.record[1:4], c.SPS[0][1:4])
	}
	return c, nil
}

// parseAVCRecord reads the record only. It may hold no parameter set.
func parseAVCRecord(private []byte) (*AVC, error) {
	switch {
	case len(private) == 0:
		return nil, missingError("")
	case IsAnnexB(private):
		return nil, &Error{Offset: 0, Err: errAnnexBPrivate}
	case private[0] != 1:
		return nil, privateError(0, "configurationVersion")
	case len(private) < 6:
		return nil, privateError(len(private), "record ends too early")
	}
	lengthSize := int(private[4]&3) + 1
	if lengthSize == 3 {
		return nil, privateError(4, "lengthSizeMinusOne")
	}
	record := bytes.Clone(private)
	record[4] |= 3
	c := &AVC{LengthSize: lengthSize, record: record}
	s := setCursor{b: record, pos: 5}
	count, _ := s.u8()
	for range count & maxAVCSPS {
		sps, ok := s.nal()
		if !ok || avcType(sps) != avcSPS && avcType(sps) != avcSubset {
			return nil, privateError(s.pos, "sequence parameter set")
		}
		c.SPS = append(c.SPS, sps)
	}
	count, ok := s.u8()
	if !ok {
		return nil, privateError(s.pos, "record ends too early")
	}
	for range count {
		pps, ok := s.nal()
		if !ok || avcType(pps) != avcPPS {
			return nil, privateError(s.pos, "picture parameter set")
		}
		c.PPS = append(c.PPS, pps)
	}
	return c, c.parseTail(&s)
}

// parseTail reads chroma format, bit depths and SPS extensions, which High profiles have and many writers leave out.
// Bytes that do not begin like these fields are kept as they are.
func (c *AVC) parseTail(s *setCursor) error {
	tail := s.b[s.pos:]
	if !avcHasTail(s.b[1]) || len(tail) < 4 || tail[0]&0xfc != 0xfc || tail[1]&0xf8 != 0xf8 || tail[2]&0xf8 != 0xf8 {
		return nil
	}
	s.pos += 4
	for range tail[3] {
		ext, ok := s.nal()
		if !ok || avcType(ext) != avcSPSExt {
			return privateError(s.pos, "sequence parameter set extension")
		}
		c.SPSExt = append(c.SPSExt, ext)
	}
	return nil
}

// avcHasTail tells the profiles whose record has the fields of the tail (14496-15, 5.3.3.1.2).
func avcHasTail(profile uint8) bool { return profile != 66 && profile != 77 && profile != 88 }

// NewAVC makes a configuration of parameter sets, NAL units with their headers, which it copies. lengthSize is that of
// the frames: 1, 2, 4, or 0 for start codes.
func NewAVC(sps, pps, spsExt [][]byte, lengthSize int) (*AVC, error) {
	switch {
	case len(sps) == 0:
		return nil, missingError("no sequence parameter set")
	case len(sps) > maxAVCSPS || len(pps) > maxSets || len(spsExt) > maxSets:
		return nil, privateError(-1, "too many parameter sets")
	case len(sps[0]) < 4:
		return nil, spsError(errBitsShort)
	}
	first, err := parseAVCSPS(sps[0])
	if err != nil {
		return nil, err
	}
	record := append([]byte{1}, sps[0][1:4]...)
	record = append(record, 0xff, 0xe0|byte(len(sps)))
	ok := true
	appendSets := func(sets [][]byte) {
		for _, nal := range sets {
			ok = ok && len(nal) > 0 && len(nal) <= 0xffff
			record = binary.BigEndian.AppendUint16(record, uint16(len(nal)))
			record = append(record, nal...)
		}
	}
	appendSets(sps)
	record = append(record, byte(len(pps)))
	appendSets(pps)
	if avcHasTail(sps[0][1]) {
		record = append(record, 0xfc|first.ChromaFormat, 0xf8|(first.BitDepth-8), 0xf8|(first.chromaBitDepth-8), byte(len(spsExt)))
		appendSets(spsExt)
	}
	if !ok {
		return nil, privateError(-1, "size of a parameter set")
	}
	c, err := ParseAVC(record)
	if err != nil {
		return nil, err
	}
	c.LengthSize = fixLengthSize(lengthSize)
	return c, nil
}
