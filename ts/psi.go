package ts

import (
	"slices"
	"strings"
)

// Values of the program specific information (T 2.4.4).
const (
	tablePAT = 0x00
	tablePMT = 0x02
	// programNumber and transportStreamID are the same in all chunks: the tables never change.
	programNumber     = 1
	transportStreamID = 1

	streamTypeAAC  = 0x0F // ADTS
	streamTypeAVC  = 0x1B
	streamTypeHEVC = 0x24

	tagISO639  = 0x0A
	maxSection = 1024 // section_length is at most 1021
)

// crcTable is that of crc32MPEG.
var crcTable = func() (table [256]uint32) {
	const polynomial = 0x04C11DB7
	for i := range table {
		v := uint32(i) << 24
		for range 8 {
			if v&(1<<31) != 0 {
				v = v<<1 ^ polynomial
			} else {
				v <<= 1
			}
		}
		table[i] = v
	}
	return table
}()

// crc32MPEG returns the CRC_32 of a section (T Annex A): most significant bit first, not inverted.
func crc32MPEG(b []byte) uint32 {
	v := ^uint32(0)
	for _, c := range b {
		v = v<<8 ^ crcTable[byte(v>>24)^c]
	}
	return v
}

// openSection begins a section of a table of which there is one (T 2.4.4.3, 2.4.4.8).
func openSection(b []byte, table byte, id uint16) []byte {
	b = append(b, table, 0, 0) // section_length: closeSection
	b = be.AppendUint16(b, id)
	return append(b, 0xC1, 0, 0) // version 0, current; section 0 of 0
}

// closeSection sets the length and appends CRC_32.
func closeSection(b []byte) []byte {
	be.PutUint16(b[1:], 0xB000|uint16(len(b)+4-3))
	return be.AppendUint32(b, crc32MPEG(b))
}

// appendSection appends the packets of a section, the first with pointer_field and discontinuity_indicator.
func appendSection(dst []byte, pid PID, section []byte) []byte {
	var count continuity
	for first := true; len(section) > 0; first = false {
		at := len(dst)
		dst = slices.Grow(dst, PacketSize)[:at+PacketSize]
		header := syncByte | uint32(pid)<<pidShift | hasPayload | count.payload(1)
		body := dst[at+headerSize:]
		if first {
			header |= unitStart | hasAdaptation
			a := adaptation{Discontinuity: true}
			a.put(body[:a.size()])
			body = body[a.size():]
			body[0], body = 0, body[1:] // pointer_field
		}
		be.PutUint32(dst[at:], header)
		n := copy(body, section)
		copy(body[n:], stuffing[:])
		section = section[n:]
	}
	return dst
}

// appendPAT appends the program association table (T 2.4.4.3).
func appendPAT(dst []byte) []byte {
	var buf [32]byte
	b := openSection(buf[:0], tablePAT, transportStreamID)
	b = be.AppendUint16(b, programNumber)
	b = be.AppendUint16(b, 0xE000|uint16(PIDPMT))
	return appendSection(dst, PIDPAT, closeSection(b))
}

// appendPMT appends the program map table (T 2.4.4.8).
func appendPMT(dst []byte, streams []stream, pcr PID) []byte {
	var buf [maxSection]byte
	b := openSection(buf[:0], tablePMT, programNumber)
	b = be.AppendUint16(b, 0xE000|uint16(pcr))
	b = be.AppendUint16(b, 0xF000) // no descriptors of the program
	for i := range streams {
		s := &streams[i]
		b = append(b, s.streamType)
		b = be.AppendUint16(b, 0xE000|uint16(s.pid))
		language, ok := iso639(s.track.Language)
		if s.video || !ok {
			b = be.AppendUint16(b, 0xF000)
			continue
		}
		b = be.AppendUint16(b, 0xF000|6)
		b = append(b, tagISO639, 4, language[0], language[1], language[2], 0) // audio_type: undefined (T 2.6.18)
	}
	return appendSection(dst, PIDPMT, closeSection(b))
}

// iso639 returns the three letters of a language that is known by an ISO 639-2 code; und says nothing.
func iso639(language string) (code [3]byte, ok bool) {
	primary, _, _ := strings.Cut(language, "-")
	if len(primary) != len(code) {
		return code, false
	}
	for i, c := range []byte(primary) {
		if c |= 0x20; c < 'a' || c > 'z' {
			return code, false
		}
		code[i] = primary[i] | 0x20
	}
	return code, string(code[:]) != "und"
}
