package codec

import (
	"bytes"
	"encoding/binary"
)

// Law is the companding law of ITU-T G.711.
type Law uint8

// The two laws.
const (
	ALaw Law = iota + 1
	MuLaw
)

// String returns "alaw" or "ulaw", the names of their sample entries.
func (l Law) String() string {
	switch l {
	case ALaw:
		return "alaw"
	case MuLaw:
		return "ulaw"
	}
	return "unknown"
}

// G711 is the configuration of G.711 sound, 8 bits a sample.
type G711 struct {
	Law        Law
	SampleRate uint32
	Channels   uint16 // 1 or 2

	record []byte
}

var _ Config = (*G711)(nil)

func (c *G711) config() {}

// CodecString returns "alaw" or "ulaw".
func (c *G711) CodecString() string { return c.Law.String() }

// Kind returns Audio.
func (c *G711) Kind() Kind { return Audio }

// Private returns the WAVEFORMATEX.
func (c *G711) Private() []byte { return c.record }

// Sizes and limits of WAVEFORMATEX.
const (
	waveFormatSize   = 16 // without cbSize
	waveFormatExSize = 18
	maxG711Rate      = 65535 // integer part of the sample entry's rate (14496-12, 12.2.3)
)

// lawOf returns the law that wFormatTag names, 0 for any other tag. b has 2 bytes at least.
func lawOf(b []byte) Law {
	switch binary.LittleEndian.Uint16(b) {
	case 0x0006:
		return ALaw
	case 0x0007:
		return MuLaw
	}
	return 0
}

// ParseWAVEFORMATEX reads the private data of A_MS/ACM and keeps a copy of it. Any format but A-law and mu-law is
// ErrUnsupportedMedia.
func ParseWAVEFORMATEX(b []byte) (*G711, error) {
	switch {
	case len(b) == 0:
		return nil, missingError("")
	case len(b) < waveFormatSize:
		return nil, privateError(len(b), "WAVEFORMATEX ends too early")
	}
	c := &G711{Law: lawOf(b), Channels: binary.LittleEndian.Uint16(b[2:]), SampleRate: binary.LittleEndian.Uint32(b[4:])}
	blockAlign, bitsPerSample := binary.LittleEndian.Uint16(b[12:]), binary.LittleEndian.Uint16(b[14:])
	switch {
	case c.Law == 0:
		return nil, unsupportedError("wFormatTag")
	case c.Channels < 1 || c.Channels > 2:
		return nil, privateError(2, "nChannels")
	case c.SampleRate < 1 || c.SampleRate > maxG711Rate:
		return nil, privateError(4, "nSamplesPerSec")
	case blockAlign != c.Channels:
		return nil, privateError(12, "nBlockAlign")
	case bitsPerSample != 8:
		return nil, privateError(14, "wBitsPerSample")
	case len(b) >= waveFormatExSize && int(binary.LittleEndian.Uint16(b[16:])) > len(b)-waveFormatExSize:
		return nil, privateError(16, "cbSize")
	}
	c.record = bytes.Clone(b)
	return c, nil
}
