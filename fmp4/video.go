package fmp4

import (
	"fmt"
	"math"

	"github.com/seed63bb8431/weir/codec"
)

// picture returns what the sequence parameter set of a video configuration says.
func picture(c codec.Config) codec.Picture {
	switch c := c.(type) {
	case *codec.AVC:
		return c.Picture
	case *codec.HEVC:
		return c.Picture
	}
	return codec.Picture{}
}

// appendVisual appends a VisualSampleEntry (B 12.1.3) around the decoder configuration record (ISO/IEC 14496-15).
func appendVisual(dst []byte, entry, record string, t *codec.Track) ([]byte, error) {
	s := trackShape(picture(t.Config), t.Display)
	if s.width > math.MaxUint16 || s.height > math.MaxUint16 {
		return dst, fmt.Errorf("%w: pictures of %d × %d", ErrLimit, s.width, s.height)
	}
	private := t.Config.Private()
	if len(private) == 0 {
		return dst, codec.ErrMissingPrivate
	}
	dst, at := openSampleEntry(dst, entry)
	dst = appendZeros(dst, 16)
	dst = be.AppendUint16(dst, uint16(s.width))
	dst = be.AppendUint16(dst, uint16(s.height))
	dst = be.AppendUint32(dst, 72<<16) // horizontal and vertical dots per inch
	dst = be.AppendUint32(dst, 72<<16)
	dst = appendZeros(dst, 4)
	dst = be.AppendUint16(dst, 1)        // frame_count
	dst = appendZeros(dst, 32)           // compressorname
	dst = append(dst, 0, 24, 0xFF, 0xFF) // depth, pre_defined
	dst, in := openBox(dst, record)
	dst = append(dst, private...)
	dst = closeBox(dst, in)
	if !s.square() {
		dst, in = openBox(dst, "pasp")
		dst = be.AppendUint32(dst, s.sarWidth)
		dst = be.AppendUint32(dst, s.sarHeight)
		dst = closeBox(dst, in)
	}
	dst = appendColourBoxes(dst, t)
	return closeBox(dst, at), nil
}

// appendColourBoxes appends colr, mdcv and clli as far as the bitstream, or else the container, knows them.
func appendColourBoxes(dst []byte, t *codec.Track) []byte {
	c, d := picture(t.Config).Colour, t.Display
	if c == nil && d != nil {
		c = d.Colour
	}
	if c != nil {
		dst = appendColr(dst, c)
	}
	if d == nil {
		return dst
	}
	if d.Mastering != nil {
		dst = appendMdcv(dst, d.Mastering)
	}
	if d.MaxCLL != 0 || d.MaxFALL != 0 {
		dst = appendClli(dst, d.MaxCLL, d.MaxFALL)
	}
	return dst
}
