package check

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"strings"

	"github.com/Eyevinn/mp4ff/mp4"
)

// describe takes from the sample entry what the playlists and MPDs also say.
func (t *track) describe(record []byte) {
	stsd := t.trak.Mdia.Minf.Stbl.Stsd
	if stsd == nil {
		return
	}
	switch t.entry {
	case "avc1", "avc3":
		if len(record) >= 5 {
			t.codec, t.nal = avcCodec(t.entry, record[1:4]), int(record[4]&3)+1
		}
	case "hvc1", "hev1":
		if len(record) >= 22 {
			t.codec, t.nal, t.hevc = hevcCodec(t.entry, record[1:13]), int(record[21]&3)+1, true
		}
	case "mp4a":
		if a := stsd.Mp4a; a != nil {
			t.rate = uint32(a.SampleRate)
			if a.Esds != nil && a.Esds.DecConfigDescriptor != nil {
				d := a.Esds.DecConfigDescriptor
				t.codec = fmt.Sprintf("mp4a.%02x", d.ObjectType)
				if d.ObjectType == 0x40 {
					t.codec = "mp4a.40"
					if d.DecSpecificInfo != nil {
						t.codec += objectType(d.DecSpecificInfo.DecConfig)
					}
				}
			}
		}
	default:
		t.codec = t.entry
	}
	for _, e := range []*mp4.VisualSampleEntryBox{stsd.AvcX, stsd.HvcX} {
		if e != nil {
			t.width, t.height = int(e.Width), int(e.Height)
		}
	}
}

// avcCodec returns the codecs parameter of H.264; b is profile, constraints and level (RFC 6381, 3.3).
func avcCodec(entry string, b []byte) string { return entry + "." + hex.EncodeToString(b) }

// hevcCodec returns the codecs parameter of H.265; b are the 12 bytes of the general profile, tier and level, in the order of the SPS
// and of hvcC (ISO/IEC 14496-15, E.3).
func hevcCodec(entry string, b []byte) string {
	space, tier, profile := b[0]>>6, b[0]>>5&1, b[0]&31
	var s strings.Builder
	s.WriteString(entry + ".")
	if space > 0 {
		s.WriteByte('A' + space - 1)
	}
	fmt.Fprintf(&s, "%d.%X.%c%d", profile, bits.Reverse32(binary.BigEndian.Uint32(b[1:])), "LH"[tier], b[11])
	for _, x := range bytes.TrimRight(b[5:11], "\x00") {
		fmt.Fprintf(&s, ".%X", x)
	}
	return s.String()
}

// objectType returns "." and the first audioObjectType of an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
func objectType(config []byte) string {
	if len(config) == 0 {
		return ""
	}
	n := int(config[0] >> 3)
	if n == 31 && len(config) > 1 {
		n = 32 + int(config[0]&7)<<3 + int(config[1]>>5)
	}
	return fmt.Sprintf(".%d", n)
}

// sameCodec tells whether two codecs parameters mean the same: case and zero constraints do not count.
func sameCodec(a, b string) bool {
	return normalCodec(a) == normalCodec(b)
}

func normalCodec(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if strings.HasPrefix(s, "hvc1") || strings.HasPrefix(s, "hev1") {
		for strings.Count(s, ".") > 4 && strings.HasSuffix(s, ".0") {
			s = strings.TrimSuffix(s, ".0")
		}
		parts := strings.Split(s, ".")
		for i := 4; i < len(parts); i++ {
			parts[i] = strings.TrimLeft(parts[i], "0")
		}
		if last := parts[len(parts)-1]; len(parts) == 5 && last == "" {
			parts = parts[:4]
		}
		s = strings.Join(parts, ".")
	}
	return s
}

// listsCodec tells whether a list of codecs names the one that the media has. A transport stream names no sample entry, so that the
// entries with parameter sets in band are as right; and its ADTS header cannot tell HE-AAC from its core.
func listsCodec(list []string, media string, transport bool) bool {
	for _, s := range list {
		if sameCodec(s, media) {
			return true
		}
		if !transport {
			continue
		}
		s, media := normalCodec(s), normalCodec(media)
		switch {
		case strings.HasPrefix(s, "avc3.") && s[5:] == strings.TrimPrefix(media, "avc1."):
			return true
		case strings.HasPrefix(s, "hev1.") && s[5:] == strings.TrimPrefix(media, "hvc1."):
			return true
		case media == "mp4a.40.2" && (s == "mp4a.40.5" || s == "mp4a.40.29"):
			return true
		}
	}
	return false
}

func splitCodecs(s string) []string {
	var list []string
	for x := range strings.SplitSeq(s, ",") {
		if x = strings.TrimSpace(x); x != "" {
			list = append(list, x)
		}
	}
	return list
}
