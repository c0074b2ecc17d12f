package codec

import (
	"bytes"
	"strconv"
)

// AAC is the configuration of an AAC stream: an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
type AAC struct {
	// ObjectType is the first audioObjectType: 5 or 29 when SBR or PS is signalled by hierarchy.
	ObjectType uint8
	// CoreType is the object type of the core coder, the same as ObjectType when that is not 5 or 29.
	CoreType uint8
	// SampleRate is that of the core coder, in which times are counted; OutputRate is that of the decoder with SBR.
	SampleRate, OutputRate uint32
	// Channels counts the channels of ChannelConfiguration, or of the program config element when that is 0.
	Channels             uint8
	ChannelConfiguration uint8
	// FrameLength is the number of samples of a frame at SampleRate: 1024, or 960 (or what types 39 and 42 say).
	FrameLength uint32
	// SBR and PS are true when they are signalled explicitly, by hierarchy or after the sync word 0x2B7.
	SBR, PS bool

	record []byte
	pce    []byte // the program config element as a raw_data_block element, for ADTS
}

var _ Config = (*AAC)(nil)

func (c *AAC) config() {}

// Audio object types (14496-3, table 1.17).
const (
	aotMain       = 1
	aotLC         = 2
	aotSSR        = 3
	aotLTP        = 4
	aotSBR        = 5
	aotERBSAC     = 22
	aotPS         = 29
	aotEscape     = 31
	aotELD        = 39
	aotUSAC       = 42
	syncSBR       = 0x2b7
	syncPS        = 0x548
	rateIndexFree = 15 // samplingFrequencyIndex that is followed by the rate
)

// aacRates is the table of samplingFrequencyIndex (14496-3, table 1.18).
var aacRates = [...]uint32{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// aacChannels is the number of channels of each channelConfiguration (14496-3, table 1.19); 0 is reserved.
var aacChannels = [16]uint8{0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8, 0}

// CodecString returns "mp4a.40." and the first object type (RFC 6381, 3.3): 2 for SBR that is signalled behind the core's
// configuration, so that decoders without it play the stream too.
func (c *AAC) CodecString() string { return "mp4a.40." + strconv.Itoa(int(c.ObjectType)) }

// Kind returns Audio.
func (c *AAC) Kind() Kind { return Audio }

// Private returns the AudioSpecificConfig as the source has it.
func (c *AAC) Private() []byte { return c.record }

// ParseAAC reads an AudioSpecificConfig and keeps a copy of it, with all bytes that follow.
func ParseAAC(private []byte) (*AAC, error) {
	if len(private) == 0 {
		return nil, missingError("")
	}
	c := &AAC{record: bytes.Clone(private)}
	r := bitReader{b: c.record}
	c.ObjectType = readObjectType(&r)
	c.SampleRate = readAACRate(&r)
	c.ChannelConfiguration = uint8(r.u(4))
	c.CoreType, c.OutputRate = c.ObjectType, c.SampleRate
	if c.ObjectType == aotSBR || c.ObjectType == aotPS {
		c.SBR, c.PS = true, c.ObjectType == aotPS
		c.OutputRate = readAACRate(&r)
		c.CoreType = readObjectType(&r)
	}
	if r.err == nil {
		if err := c.parseSpecific(&r); err != nil {
			return nil, err
		}
	}
	if r.err != nil {
		return nil, privateError(r.pos, "AudioSpecificConfig: "+r.err.Error())
	}
	if c.ChannelConfiguration != 0 {
		c.Channels = aacChannels[c.ChannelConfiguration]
	}
	if c.Channels == 0 {
		return nil, privateError(-1, "channelConfiguration")
	}
	if !c.SBR {
		c.parseSyncExtension(r)
	}
	return c, nil
}

// readObjectType reads GetAudioObjectType.
func readObjectType(r *bitReader) uint8 {
	t := r.u(5)
	if t == aotEscape {
		t = 32 + r.u(6)
	}
	return uint8(t)
}

// readAACRate reads a samplingFrequencyIndex and the rate that may follow it.
func readAACRate(r *bitReader) uint32 {
	i := r.u(4)
	switch {
	case r.err != nil:
		return 0
	case i == rateIndexFree:
		rate := r.u(24)
		if rate == 0 {
			r.fail(errBitsRange)
		}
		return rate
	case int(i) < len(aacRates):
		return aacRates[i]
	}
	r.fail(errBitsRange)
	return 0
}

// parseSpecific reads what follows the header for the core's object type.
func (c *AAC) parseSpecific(r *bitReader) error {
	switch c.CoreType {
	case aotMain, aotLC, aotSSR, aotLTP:
		c.parseGASpecific(r)
		return nil
	case aotELD: // ELDSpecificConfig, 4.6.20
		c.FrameLength = 512
		if r.flag() {
			c.FrameLength = 480
		}
		return nil
	case aotUSAC: // UsacConfig, ISO/IEC 23003-3 5.2
		if r.u(5) == 0x1f { // usacSamplingFrequencyIndex
			r.u(24)
		}
		lengths := [...]uint32{768, 1024, 2048, 2048, 4096}
		i := r.u(3) // coreSbrFrameLengthIndex
		if int(i) >= len(lengths) {
			r.fail(errBitsRange)
			return nil
		}
		c.FrameLength = lengths[i]
		return nil
	}
	return unsupportedError("audioObjectType " + strconv.Itoa(int(c.CoreType)))
}

// parseGASpecific reads GASpecificConfig (4.4.1).
func (c *AAC) parseGASpecific(r *bitReader) {
	c.FrameLength = 1024
	if r.flag() { // frameLengthFlag
		c.FrameLength = 960
	}
	if r.flag() { // dependsOnCoreCoder
		r.u(14)
	}
	extension := r.flag() // extensionFlag
	if c.ChannelConfiguration == 0 {
		c.parsePCE(r)
	}
	if extension && r.remaining() > 0 {
		r.u(1) // extensionFlag3
	}
}

// parseSyncExtension looks for SBR and PS that are signalled behind the configuration, so that old decoders do not
// see them. It reads a copy of r: bytes that are no such extension are no error.
func (c *AAC) parseSyncExtension(r bitReader) {
	if r.remaining() < 16 || r.u(11) != syncSBR {
		return
	}
	typ := readObjectType(&r)
	if typ != aotSBR && typ != aotERBSAC || !r.flag() { // sbrPresentFlag
		return
	}
	rate := readAACRate(&r)
	if r.err != nil {
		return
	}
	c.SBR, c.OutputRate = true, rate
	if typ == aotSBR && r.remaining() >= 12 && r.u(11) == syncPS {
		c.PS = r.flag()
	}
}
