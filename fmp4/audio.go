package fmp4

import (
	"fmt"
	"math"

	"github.com/seed63bb8431/weir/codec"
)

// openAudio begins an AudioSampleEntry of version 0 (B 12.2.3). A rate above 65,535 does not fit its field, which is
// then 0: readers take the rate from the AudioSpecificConfig and the timescale.
func openAudio(dst []byte, entry string, channels uint16, rate uint32) ([]byte, int) {
	dst, at := openSampleEntry(dst, entry)
	dst = appendZeros(dst, 8)
	dst = be.AppendUint16(dst, channels)
	dst = be.AppendUint16(dst, 16) // samplesize
	dst = appendZeros(dst, 4)
	if rate > math.MaxUint16 {
		rate = 0
	}
	return be.AppendUint32(dst, rate<<16), at
}

// appendG711 appends an alaw or ulaw sample entry; it needs no configuration.
func appendG711(dst []byte, c *codec.G711) []byte {
	entry := "alaw"
	if c.Law == codec.MuLaw {
		entry = "ulaw"
	}
	dst, at := openAudio(dst, entry, c.Channels, c.SampleRate)
	return closeBox(dst, at)
}

// appendMp4a appends an MP4AudioSampleEntry (ISO/IEC 14496-14, 6.7.2).
func appendMp4a(dst []byte, c *codec.AAC) ([]byte, error) {
	asc := c.Private()
	if len(asc) == 0 {
		return dst, codec.ErrMissingPrivate
	}
	if len(asc) > math.MaxUint16 {
		return dst, fmt.Errorf("%w: AudioSpecificConfig of %d bytes", ErrLimit, len(asc))
	}
	channels := uint16(c.Channels)
	if channels == 0 { // told by a program config element
		channels = 2
	}
	dst, at := openAudio(dst, "mp4a", channels, c.SampleRate)
	dst = appendEsds(dst, asc)
	return closeBox(dst, at), nil
}

// Descriptor tags of ISO/IEC 14496-1, 7.2.2.1.
const (
	esDescriptor            = 3
	decoderConfigDescriptor = 4
	decoderSpecificInfo     = 5
	slConfigDescriptor      = 6
)

// appendEsds appends an elementary stream descriptor (ISO/IEC 14496-1, 7.2.6.5): MPEG-4 audio, bit rates not told.
func appendEsds(dst, asc []byte) []byte {
	const prefix = 5 // tag and size of a descriptor
	config := 13 + prefix + len(asc)
	dst, at := openFullBox(dst, "esds", 0, 0)
	dst = appendDescriptor(dst, esDescriptor, 3+prefix+config+prefix+1)
	dst = append(dst, 0, 0, 0) // ES_ID is 0 in files; no flags
	dst = appendDescriptor(dst, decoderConfigDescriptor, config)
	dst = append(dst, 0x40, 5<<2|1) // objectTypeIndication, streamType and a reserved bit
	dst = appendZeros(dst, 11)      // bufferSizeDB, maxBitrate, avgBitrate
	dst = appendDescriptor(dst, decoderSpecificInfo, len(asc))
	dst = append(dst, asc...)
	dst = appendDescriptor(dst, slConfigDescriptor, 1)
	dst = append(dst, 2) // the predefined configuration for MP4
	return closeBox(dst, at)
}

// appendDescriptor appends a tag and a size in the four-byte form, which all readers know (ISO/IEC 14496-1, 8.3.3).
func appendDescriptor(dst []byte, tag byte, size int) []byte {
	return append(dst, tag, 0x80|byte(size>>21), 0x80|byte(size>>14), 0x80|byte(size>>7), byte(size)&0x7F)
}
