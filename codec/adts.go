package codec

import "slices"

// Sizes of an ADTS frame (14496-3, 1.A.2.2).
const (
	adtsHeaderSize = 7
	maxADTSFrame   = 1<<13 - 1
)

// AppendADTS appends the ADTS header of a frame of frameLen bytes, which the caller appends after it. HE-AAC is described as
// its AAC-LC core. With layout, a channel layout that only a program config element can describe is put in front of the frame:
// a stream needs it where decoding begins.
// ErrUnsupportedMedia means that ADTS cannot describe the stream, ErrInvalidFrame that the frame is empty or too long.
func (c *AAC) AppendADTS(dst []byte, frameLen int, layout bool) ([]byte, error) {
	if c.CoreType < aotMain || c.CoreType > aotLTP {
		return dst, unsupportedError("ADTS has no such audioObjectType")
	}
	index := slices.Index(aacRates[:], c.SampleRate)
	if index < 0 {
		return dst, unsupportedError("ADTS has no such sampling frequency")
	}
	if c.ChannelConfiguration > 7 || c.ChannelConfiguration == 0 && c.pce == nil {
		return dst, unsupportedError("ADTS has no such channel configuration")
	}
	var pce []byte
	if layout {
		pce = c.pce
	}
	if frameLen < 1 || frameLen > maxADTSFrame-adtsHeaderSize-len(pce) {
		return dst, &Error{Offset: -1, Detail: "size of an ADTS frame", Err: ErrInvalidFrame}
	}
	size := adtsHeaderSize + len(pce) + frameLen
	const fullness = 0x7ff // variable bit rate
	dst = append(dst,
		0xff, 0xf1, // syncword, MPEG-4, layer 0, protection_absent
		(c.CoreType-1)<<6|byte(index)<<2|c.ChannelConfiguration>>2,
		c.ChannelConfiguration<<6|byte(size>>11),
		byte(size>>3),
		byte(size<<5)|fullness>>6,
		fullness<<2&0xff) // one raw_data_block
	return append(dst, pce...), nil
}
