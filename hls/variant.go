package hls

import "strconv"

// A Variant is one EXT-X-STREAM-INF of a MultivariantPlaylist, with the URI after it (RFC 8216, 4.3.4.2).
type Variant struct {
	Bandwidth        int        // BANDWIDTH (required): the peak bit rate of any segment, with its audio
	AverageBandwidth int        // AVERAGE-BANDWIDTH; zero: not written
	Codecs           []string   // CODECS, in the form of RFC 6381, video first: avc1.64001f, mp4a.40.2
	Resolution       Resolution // RESOLUTION, as displayed; zero: not written
	FrameRate        FrameRate  // FRAME-RATE; zero: not written
	Audio            string     // AUDIO: the GroupID of renditions; empty: not written
	URI              string     // the media playlist
}

// Resolution is a size in pixels.
type Resolution struct{ Width, Height int }

// FrameRate is a number of frames a second, Num/Den, so that 30000/1001 is exact. A Den of zero is 1.
type FrameRate struct{ Num, Den uint32 }

func (v *Variant) append(dst []byte) []byte {
	dst = append(dst, "#EXT-X-STREAM-INF:BANDWIDTH="...)
	dst = strconv.AppendInt(dst, int64(max(0, v.Bandwidth)), 10)
	if v.AverageBandwidth > 0 {
		dst = append(dst, ",AVERAGE-BANDWIDTH="...)
		dst = strconv.AppendInt(dst, int64(v.AverageBandwidth), 10)
	}
	for i, c := range v.Codecs {
		if i == 0 {
			dst = append(dst, ",CODECS="...)
		} else {
			dst[len(dst)-1] = ',' // was the closing quote
		}
		at := len(dst)
		dst = appendQuoted(dst, c)
		if i > 0 {
			dst = append(dst[:at], dst[at+1:]...) // the opening quote is there
		}
	}
	if v.Resolution.Width > 0 && v.Resolution.Height > 0 {
		dst = append(dst, ",RESOLUTION="...)
		dst = strconv.AppendInt(dst, int64(v.Resolution.Width), 10)
		dst = append(dst, 'x')
		dst = strconv.AppendInt(dst, int64(v.Resolution.Height), 10)
	}
	if v.FrameRate.Num > 0 {
		dst = append(dst, ",FRAME-RATE="...)
		dst = v.FrameRate.append(dst)
	}
	if v.Audio != "" {
		dst = append(dst, ",AUDIO="...)
		dst = appendQuoted(dst, v.Audio)
	}
	dst = append(dst, '\n')
	dst = appendURI(dst, v.URI)
	return append(dst, '\n')
}

// append appends the rate with three decimals, rounded to the nearest, as FRAME-RATE should have it.
func (f FrameRate) append(dst []byte) []byte {
	den := uint64(max(1, f.Den))
	milli := (uint64(f.Num)*1000 + den/2) / den
	dst = strconv.AppendUint(dst, milli/1000, 10)
	return appendFraction(dst, uint32(milli%1000), 3)
}
