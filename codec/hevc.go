package codec

import (
	"fmt"
	"math/bits"
)

// HEVC is the configuration of an H.265 stream: an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1).
// It has at least one parameter set of each of the three kinds.
type HEVC struct {
	// LengthSize is the number of bytes of each NAL unit's length in the source's frames: 1, 2 or 4; 0 means that
	// the frames have start codes (Annex B).
	LengthSize int
	// VPS, SPS and PPS are NAL units with their headers, without lengths or start codes, of all layers.
	VPS, SPS, PPS [][]byte
	// ProfileSpace to Level are the general fields of profile_tier_level (H.265 7.3.3).
	ProfileSpace, Profile uint8
	HighTier              bool
	// Compatibility has general_profile_compatibility_flag[0] in its most significant bit.
	Compatibility uint32
	// Constraints are the 48 bits between the compatibility flags and the level.
	Constraints [6]uint8
	Level       uint8
	// Picture is of the first sequence parameter set of the base layer.
	Picture Picture

	record []byte   // with 4-byte lengths and array_completeness
	sets   [][]byte // VPS, SPS, PPS
}

var _ VideoConfig = (*HEVC)(nil)

func (c *HEVC) config() {}

// CodecString returns "hvc1." and profile, compatibility, tier, level and constraints (14496-15, Annex E.3).
func (c *HEVC) CodecString() string {
	b := []byte("hvc1.")
	if c.ProfileSpace > 0 {
		b = append(b, 'A'+c.ProfileSpace-1)
	}
	tier := byte('L')
	if c.HighTier {
		tier = 'H'
	}
	b = fmt.Appendf(b, "%d.%X.%c%d", c.Profile, bits.Reverse32(c.Compatibility), tier, c.Level)
	n := len(c.Constraints)
	for n > 0 && c.Constraints[n-1] == 0 {
		n--
	}
	for _, v := range c.Constraints[:n] {
		b = fmt.Appendf(b, ".%X", v)
	}
	return string(b)
}

// Kind returns Video.
func (c *HEVC) Kind() Kind { return Video }

// Private returns the record for hvc1 and frames with 4-byte lengths: its parameter set arrays are marked complete,
// everything else is as the source has it.
func (c *HEVC) Private() []byte { return c.record }

// PictureInfo returns &c.Picture.
func (c *HEVC) PictureInfo() *Picture { return &c.Picture }

// ParameterSets returns VPS, SPS and PPS.
func (c *HEVC) ParameterSets() [][]byte { return c.sets }

// WithLengthSize returns a copy for frames in another form.
func (c *HEVC) WithLengthSize(n int) VideoConfig {
	d := *c
	d.LengthSize = fixLengthSize(n)
	return &d
}

// Inspect tells what a frame is; see VideoConfig.
func (c *HEVC) Inspect(data []byte) (FrameInfo, error) {
	info, _, err := inspect(c, c.LengthSize, data)
	return info, err
}

// AppendFrame appends a frame as it is written to MP4; see VideoConfig.
func (c *HEVC) AppendFrame(dst, data []byte) ([]byte, error) {
	return appendFrame(c, c.LengthSize, dst, data)
}

func (c *HEVC) headerSize() int { return hevcHeaderSize }

// classify looks at the base layer only when it asks where a decoder may start, or whether the stream is another one.
func (c *HEVC) classify(nal []byte) nalClass {
	base := hevcLayer(nal) == 0
	switch t := hevcType(nal); {
	case t == hevcVPS:
		return nalClass{set: true, stream: base, record: containsSet(c.VPS, nal, 0)}
	case t == hevcSPS:
		return nalClass{set: true, stream: base, record: containsSet(c.SPS, nal, 0)}
	case t == hevcPPS:
		return nalClass{set: true, record: containsSet(c.PPS, nal, 0)}
	case !base:
		return nalClass{}
	case t == hevcRASLN || t == hevcRASLR:
		return nalClass{rasl: true}
	case t >= hevcBLAFirst && t <= hevcBLALast:
		return nalClass{access: BLA}
	case t >= hevcIDRFirst && t <= hevcIDRLast:
		return nalClass{access: IDR}
	case t == hevcCRA:
		return nalClass{access: CRA}
	case t == hevcPrefixSEI:
		return nalClass{sei: true}
	}
	return nalClass{}
}

// settle derives the rest of c from its parameter sets. The profile is the record's, which covers all of them, unless
// the record leaves it empty.
func (c *HEVC) settle() error {
	switch {
	case len(c.VPS) == 0:
		return missingError("no video parameter set")
	case len(c.SPS) == 0:
		return missingError("no sequence parameter set")
	case len(c.PPS) == 0:
		return missingError("no picture parameter set")
	}
	for _, sps := range c.SPS {
		if hevcLayer(sps) != 0 {
			continue
		}
		info, err := parseHEVCSPS(sps)
		if err != nil {
			return err
		}
		c.Picture = info.Picture
		r := bitReader{b: c.record[1:13]}
		t := parseHEVCPTL(&r, 0)
		if t.profile == 0 && t.compatibility == 0 && t.level == 0 {
			t = info.ptl
		}
		c.ProfileSpace, c.Profile, c.HighTier = t.profileSpace, t.profile, t.highTier
		c.Compatibility, c.Constraints, c.Level = t.compatibility, t.constraints, t.level
		c.sets = append(append(append(c.sets[:0:0], c.VPS...), c.SPS...), c.PPS...)
		return nil
	}
	return missingError("no sequence parameter set of the base layer")
}
