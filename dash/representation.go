package dash

import "strconv"

// A Representation is one encoding of the media of an AdaptationSet (ISO/IEC 23009-1, 5.3.5).
type Representation struct {
	ID        string // @id (required): no white space, unique in the Period
	Bandwidth int    // @bandwidth (required), in bits a second
	Codecs    string // @codecs, in the form of RFC 6381; several with commas between

	Width, Height int    // @width, @height, in pixels of the coded picture as it is shown; zero: not written
	SAR           string // @sar, the shape of a pixel: 1:1
	FrameRate     string // @frameRate: 25 or 30000/1001

	AudioSamplingRate int // @audioSamplingRate, in Hz; zero: not written
	AudioChannels     int // the ChannelConfiguration of ISO/IEC 23003-3 in AudioChannelConfiguration; zero: not written

	SegmentTemplate SegmentTemplate
}

func (r *Representation) append(dst []byte) []byte {
	dst = append(dst, "      <Representation"...)
	dst = appendAttr(dst, ` id="`, r.ID)
	dst = appendUint(dst, ` bandwidth="`, uint64(max(0, r.Bandwidth)))
	dst = appendOptional(dst, ` codecs="`, r.Codecs)
	dst = appendPositive(dst, ` width="`, r.Width)
	dst = appendPositive(dst, ` height="`, r.Height)
	dst = appendOptional(dst, ` sar="`, r.SAR)
	dst = appendOptional(dst, ` frameRate="`, r.FrameRate)
	dst = appendPositive(dst, ` audioSamplingRate="`, r.AudioSamplingRate)
	dst = append(dst, ">\n"...)
	if r.AudioChannels > 0 {
		dst = append(dst, `        <AudioChannelConfiguration schemeIdUri="`+schemeAudioChannelConfiguration+`" value="`...)
		dst = strconv.AppendInt(dst, int64(r.AudioChannels), 10)
		dst = append(dst, "\"/>\n"...)
	}
	dst = r.SegmentTemplate.append(dst)
	return append(dst, "      </Representation>\n"...)
}
