package codec

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// hvccHeaderSize is the size of hvcC before its arrays (14496-15, 8.3.3.1.2).
const hvccHeaderSize = 23

// arrayCompleteness says that an array holds all NAL units of its kind, and the frames none.
const arrayCompleteness = 0x80

// ParseHEVC reads an HEVCDecoderConfigurationRecord and keeps a copy of it. A record without parameter sets gives
// ErrMissingPrivate, any malformed one ErrInvalidPrivate; start codes give ErrAnnexB too.
func ParseHEVC(private []byte) (*HEVC, error) {
	c, err := parseHEVCRecord(private)
	if err != nil {
		return nil, err
	}
	if err := c.settle(); err != nil {
		return nil, err
	}
	return c, nil
}

// parseHEVCRecord reads the record only. It may hold no parameter set.
func parseHEVCRecord(private []byte) (c *HEVC, err error) {
	switch {
	case len(private) == 0:
		return nil, missingError("")
	case IsAnnexB(private):
		return nil, &Error{Offset: 0, Err: errAnnexBPrivate}
	case private[0] != 1:
		return nil, privateError(0, "configurationVersion")
	case len(private) < hvccHeaderSize:
		return nil, privateError(len(private), "record ends too early")
	}
	lengthSize := int(private[21]&3) + 1
	if lengthSize == 3 {
		return nil, privateError(21, "lengthSizeMinusOne")
	}
	record := bytes.Clone(private)
	record[21] |= 3
	c = &HEVC{LengthSize: lengthSize, record: record}
	s := setCursor{b: record, pos: hvccHeaderSize}
	var arrays [][]byte
	for range record[22] { // numOfArrays
		from := s.pos
		if err := c.parseArray(&s); err != nil {
			return nil, err
		}
		arrays = append(arrays, record[from:s.pos])
	}
	if !slices.IsSortedFunc(arrays, compareArrays) {
		slices.SortStableFunc(arrays, compareArrays)
		sorted := append(bytes.Clone(record[:hvccHeaderSize]), bytes.Join(arrays, nil)...)
		if c, err = parseHEVCRecord(append(sorted, record[s.pos:]...)); err == nil {
			c.LengthSize = lengthSize
		}
		return c, err
	}
	return c, nil
}

// compareArrays puts VPS before SPS before PPS before all others: the order that decoders need who feed the sets to
// themselves as they stand. Records may have any (14496-15, 8.3.3.1.3).
func compareArrays(a, b []byte) int {
	rank := func(array []byte) int {
		switch array[0] & 0x3f {
		case hevcVPS:
			return 0
		case hevcSPS:
			return 1
		case hevcPPS:
			return 2
		}
		return 3
	}
	return rank(a) - rank(b)
}

// parseArray reads one array of NAL units of one kind, and marks it complete when it is of parameter sets.
func (c *HEVC) parseArray(s *setCursor) error {
	if len(s.b)-s.pos < 3 {
		return privateError(s.pos, "record ends too early")
	}
	head := s.pos
	typ := s.b[head] & 0x3f
	numNalus := int(binary.BigEndian.Uint16(s.b[head+1:]))
	s.pos += 3
	if numNalus > (len(s.b)-s.pos)/3 { // each has a length and a byte at least
		return privateError(head+1, "numNalus")
	}
	var list *[][]byte
	switch typ {
	case hevcVPS:
		list = &c.VPS
	case hevcSPS:
		list = &c.SPS
	case hevcPPS:
		list = &c.PPS
	}
	for range numNalus {
		nal, ok := s.nal()
		if !ok {
			return privateError(s.pos, "nalUnitLength")
		}
		if list == nil {
			continue
		}
		if len(nal) <= hevcHeaderSize || hevcType(nal) != typ {
			return privateError(s.pos-len(nal), "parameter set")
		}
		if len(*list) == maxSets {
			return privateError(s.pos, "too many parameter sets")
		}
		*list = append(*list, nal)
	}
	if list != nil {
		s.b[head] |= arrayCompleteness
	}
	return nil
}

// NewHEVC makes a configuration of parameter sets, NAL units with their headers, which it copies. lengthSize is that
// of the frames: 1, 2, 4, or 0 for start codes.
func NewHEVC(vps, sps, pps [][]byte, lengthSize int) (*HEVC, error) {
	kinds := [...]struct {
		typ  uint8
		sets [][]byte
	}{{hevcVPS, vps}, {hevcSPS, sps}, {hevcPPS, pps}}
	for _, k := range kinds {
		if len(k.sets) == 0 {
			return nil, missingError("parameter sets are not complete")
		}
		if len(k.sets) > maxSets {
			return nil, privateError(-1, "too many parameter sets")
		}
		for _, nal := range k.sets {
			if len(nal) <= hevcHeaderSize || len(nal) > 0xffff || hevcType(nal) != k.typ {
				return nil, privateError(-1, "parameter set")
			}
		}
	}
	var base []byte
	for _, nal := range sps {
		if hevcLayer(nal) == 0 {
			base = nal
			break
		}
	}
	if base == nil {
		return nil, missingError("no sequence parameter set of the base layer")
	}
	info, err := parseHEVCSPS(base)
	if err != nil {
		return nil, err
	}
	layers := info.temporalLayers<<3 | 3 // constantFrameRate 0, numTemporalLayers, temporalIdNested, lengthSizeMinusOne
	if info.nested {
		layers |= 4
	}
	record := info.ptl.append([]byte{1})
	record = append(record,
		0xf0, 0, // min_spatial_segmentation_idc: no promise
		0xfc, // parallelismType: unknown
		0xfc|info.ChromaFormat, 0xf8|(info.BitDepth-8), 0xf8|(info.chromaBitDepth-8),
		0, 0, // avgFrameRate: unknown
		layers, byte(len(kinds)))
	for _, k := range kinds {
		record = append(record, arrayCompleteness|k.typ)
		record = binary.BigEndian.AppendUint16(record, uint16(len(k.sets)))
		for _, nal := range k.sets {
			record = binary.BigEndian.AppendUint16(record, uint16(len(nal)))
			record = append(record, nal...)
		}
	}
	c, err := ParseHEVC(record)
	if err != nil {
		return nil, err
	}
	c.LengthSize = fixLengthSize(lengthSize)
	return c, nil
}
