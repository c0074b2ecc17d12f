package codec

import "fmt"

// AVC is the configuration of an H.264 stream: an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1).
// It has at least one sequence and one picture parameter set.
type AVC struct {
	// LengthSize is the number of bytes of each NAL unit's length in the source's frames: 1, 2 or 4; 0 means that
	// the frames have start codes (Annex B).
	LengthSize int
	// SPS, PPS and SPSExt are NAL units with their headers, without lengths or start codes.
	SPS, PPS, SPSExt [][]byte
	// Profile, Compatibility and Level are bytes 1 to 3 of the first sequence parameter set.
	Profile, Compatibility, Level uint8
	Picture                       Picture

	record []byte   // with 4-byte lengths
	sets   [][]byte // SPS, SPSExt, PPS
}

var _ VideoConfig = (*AVC)(nil)

func (c *AVC) config() {}

// CodecString returns "avc1." and profile, constraints and level in hexadecimal (RFC 6381, 3.3).
func (c *AVC) CodecString() string {
	return fmt.Sprintf("avc1.%02x%02x%02x", c.Profile, c.Compatibility, c.Level)
}

// Kind returns Video.
func (c *AVC) Kind() Kind { return Video }

// Private returns the record for frames with 4-byte lengths, everything else as the source has it.
func (c *AVC) Private() []byte { return c.record }

// PictureInfo returns &c.Picture.
func (c *AVC) PictureInfo() *Picture { return &c.Picture }

// ParameterSets returns SPS, SPS extensions and PPS.
func (c *AVC) ParameterSets() [][]byte { return c.sets }

// WithLengthSize returns a copy for frames in another form.
func (c *AVC) WithLengthSize(n int) VideoConfig {
	d := *c
	d.LengthSize = fixLengthSize(n)
	return &d
}

// Inspect tells what a frame is; see VideoConfig.
func (c *AVC) Inspect(data []byte) (FrameInfo, error) {
	info, _, err := inspect(c, c.LengthSize, data)
	return info, err
}

// AppendFrame appends a frame as it is written to MP4; see VideoConfig.
func (c *AVC) AppendFrame(dst, data []byte) ([]byte, error) {
	return appendFrame(c, c.LengthSize, dst, data)
}

// refIDC are the bits of nal_ref_idc, which mean nothing in a parameter set beyond not being 0.
const refIDC = 0x60

func (c *AVC) headerSize() int { return 1 }

func (c *AVC) classify(nal []byte) nalClass {
	switch avcType(nal) {
	case avcIDR:
		return nalClass{access: IDR}
	case avcSEI:
		return nalClass{sei: true}
	case avcSPS:
		return nalClass{set: true, stream: true, record: containsSet(c.SPS, nal, refIDC)}
	case avcPPS:
		return nalClass{set: true, record: containsSet(c.PPS, nal, refIDC)}
	case avcSPSExt:
		return nalClass{set: true, record: containsSet(c.SPSExt, nal, refIDC)}
	}
	return nalClass{}
}

// settle derives the rest of c from its parameter sets.
func (c *AVC) settle() error {
	switch {
	case len(c.SPS) == 0:
		return missingError("no sequence parameter set")
	case len(c.PPS) == 0:
		return missingError("no picture parameter set")
	}
	for _, sps := range c.SPS {
		if avcType(sps) != avcSPS {
			continue
		}
		p, err := ParseAVCSPS(sps)
		if err != nil {
			return err
		}
		c.Picture = p
		c.Profile, c.Compatibility, c.Level = sps[1], sps[2], sps[3]
		c.sets = append(append(append(c.sets[:0:0], c.SPS...), c.SPSExt...), c.PPS...)
		return nil
	}
	return missingError("no sequence parameter set")
}
