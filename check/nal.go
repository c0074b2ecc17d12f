package check

import (
	"encoding/binary"
	"fmt"
)

// picture is what the NAL units of an access unit tell.
type picture struct {
	units int
	first int  // type of the first NAL unit; -1 when there is none
	idr   bool // an IDR picture, or in H.265 any IRAP picture
	vcl   bool // a slice of a picture
	// The parameter sets that come before the first slice.
	vps, sps, pps bool
	recovery      bool // decoding can begin, though pictures before it may be missed: a recovery point of H.264, a CRA of H.265
	spsUnit       []byte
}

// nalType returns nal_unit_type (H.264 7.3.1, H.265 7.3.1.2).
func nalType(header byte, hevc bool) int {
	if hevc {
		return int(header >> 1 & 63)
	}
	return int(header & 31)
}

// see takes a NAL unit into account.
func (p *picture) see(unit []byte, hevc bool) {
	if len(unit) == 0 {
		return
	}
	typ := nalType(unit[0], hevc)
	if p.units == 0 {
		p.first = typ
	}
	p.units++
	if hevc {
		switch {
		case typ >= 16 && typ <= 21:
			p.idr, p.vcl = true, true
			p.recovery = p.recovery || typ == 21
		case typ < 32:
			p.vcl = true
		case typ == 32:
			p.vps = p.vps || !p.vcl
		case typ == 33:
			p.seeSPS(unit)
		case typ == 34:
			p.pps = p.pps || !p.vcl
		}
		return
	}
	switch {
	case typ == 5:
		p.idr, p.vcl = true, true
	case typ >= 1 && typ <= 4:
		p.vcl = true
	case typ == 6:
		p.recovery = p.recovery || hasRecoveryPoint(unit)
	case typ == 7:
		p.seeSPS(unit)
	case typ == 8:
		p.pps = p.pps || !p.vcl
	}
}

// agrees tells whether a sync flag fits the picture. Where decoding begins at an open group of pictures both are in use.
func (p *picture) agrees(sync, hevc bool) bool {
	return sync == p.idr || p.recovery && (hevc || !p.idr)
}

func (p *picture) seeSPS(unit []byte) {
	p.sps = p.sps || !p.vcl
	if p.spsUnit == nil {
		p.spsUnit = unit
	}
}

// hasRecoveryPoint tells whether an SEI NAL unit of H.264 has a message of type 6 (D.1.8).
func hasRecoveryPoint(unit []byte) bool {
	for i := 1; i+2 < len(unit); {
		typ, size := 0, 0
		for i < len(unit) && unit[i] == 0xFF {
			typ += 255
			i++
		}
		if i >= len(unit) {
			return false
		}
		typ += int(unit[i])
		i++
		for i < len(unit) && unit[i] == 0xFF {
			size += 255
			i++
		}
		if i >= len(unit) {
			return false
		}
		size += int(unit[i])
		i++
		if typ == 6 {
			return true
		}
		i += size
	}
	return false
}

// splitLengths reads a sample of NAL units behind lengths. The error says where it is not filled by whole units.
func splitLengths(data []byte, size int, hevc bool) (picture, error) {
	p := picture{first: -1}
	for at := 0; at < len(data); {
		if len(data)-at < size {
			return p, fmt.Errorf("%d bytes are left at %d of %d", len(data)-at, at, len(data))
		}
		var n uint32
		switch size {
		case 1:
			n = uint32(data[at])
		case 2:
			n = uint32(binary.BigEndian.Uint16(data[at:]))
		case 4:
			n = binary.BigEndian.Uint32(data[at:])
		default:
			return p, fmt.Errorf("lengths of %d bytes", size)
		}
		at += size
		if n == 0 || int64(n) > int64(len(data)-at) {
			return p, fmt.Errorf("a NAL unit of %d bytes at %d of %d", n, at-size, len(data))
		}
		p.see(data[at:at+int(n)], hevc)
		at += int(n)
	}
	return p, nil
}

// splitStartCodes reads an access unit in Annex B form.
func splitStartCodes(data []byte, hevc bool) picture {
	p := picture{first: -1}
	start := -1
	for i := 0; i+3 <= len(data); {
		switch {
		case data[i+2] > 1:
			i += 3
		case data[i] == 0 && data[i+1] == 0 && data[i+2] == 1:
			if start >= 0 {
				p.see(data[start:i], hevc)
			}
			i += 3
			start = i
		default:
			i++
		}
	}
	if start >= 0 && start < len(data) {
		p.see(data[start:], hevc)
	}
	return p
}

// spsCodec returns the codecs parameter that a sequence parameter set gives; "" when it is too short.
func spsCodec(unit []byte, hevc bool) string {
	b := unescape(unit, 16)
	if hevc {
		if len(b) < 15 {
			return ""
		}
		return hevcCodec("hvc1", b[3:15])
	}
	if len(b) < 4 {
		return ""
	}
	return avcCodec("avc1", b[1:4])
}

// unescape returns the first n bytes of a NAL unit without emulation prevention bytes.
func unescape(unit []byte, n int) []byte {
	out := make([]byte, 0, n)
	zeros := 0
	for _, x := range unit {
		if len(out) == n {
			break
		}
		if zeros >= 2 && x == 3 {
			zeros = 0
			continue
		}
		out = append(out, x)
		if x == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return out
}
