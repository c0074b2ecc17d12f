package fmp4

import "github.com/seed63bb8431/weir/codec"

// shape is the size of the pictures of a track, and of their samples.
type shape struct {
	width, height       uint32 // luma samples
	sarWidth, sarHeight uint32 // sample aspect ratio, reduced; 1:1 when square
}

// square tells whether a sample is as wide as it is high.
func (s shape) square() bool { return s.sarWidth == s.sarHeight }

// displayWidth returns width × sample aspect ratio as a 16.16 number, for tkhd (B 8.3.2.3).
func (s shape) displayWidth() uint32 {
	const most = 0xFFFF << 16
	w := (uint64(s.width)<<16*uint64(s.sarWidth) + uint64(s.sarHeight)/2) / uint64(s.sarHeight)
	return uint32(min(w, most))
}

// trackShape returns the size that the bitstream has, and the aspect ratio that it has. Only where the bitstream's
// samples are square or it says nothing, the shape that the container asks for is used.
func trackShape(p codec.Picture, d *codec.Display) shape {
	s := shape{width: p.Width, height: p.Height, sarWidth: p.SARWidth, sarHeight: p.SARHeight}
	if d != nil && (s.width == 0 || s.height == 0) {
		s.width, s.height = d.PixelWidth, d.PixelHeight
	}
	if s.sarWidth == 0 || s.sarHeight == 0 {
		s.sarWidth, s.sarHeight = 1, 1
	}
	if s.square() {
		s.sarWidth, s.sarHeight = displayAspect(s, d)
	}
	div := gcd(uint64(s.sarWidth), uint64(s.sarHeight))
	s.sarWidth, s.sarHeight = uint32(uint64(s.sarWidth)/div), uint32(uint64(s.sarHeight)/div)
	return s
}

// displayAspect returns the sample aspect ratio that gives pictures of s the shape of d, or 1:1.
func displayAspect(s shape, d *codec.Display) (width, height uint32) {
	const pixels, ratio = 0, 3 // DisplayUnit (RFC 9559 5.1.4.1.28.14)
	if d == nil || d.DisplayWidth == 0 || d.DisplayHeight == 0 || s.width == 0 || s.height == 0 {
		return 1, 1
	}
	if d.DisplayUnit != pixels && d.DisplayUnit != ratio {
		return 1, 1
	}
	w := uint64(d.DisplayWidth) * uint64(s.height)
	h := uint64(d.DisplayHeight) * uint64(s.width)
	div := gcd(w, h)
	for w, h = w/div, h/div; w > 1<<31 || h > 1<<31; {
		w, h = max(w/2, 1), max(h/2, 1)
	}
	return uint32(w), uint32(h)
}

// gcd returns the greatest common divisor of two positive numbers.
func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// appendMatrix appends the transformation of pictures of the given 16.16 size: mirrored left to right, then turned clockwise (B 6.2.2).
func appendMatrix(dst []byte, mirror bool, rotation int, width, height uint32) []byte {
	const one, minus = 1 << 16, 0xFFFF << 16
	var a, b, c, d, x, y uint32
	switch rotation {
	case 90:
		b, c, x = one, minus, height
	case 180:
		a, d, x, y = minus, minus, width, height
	case 270:
		b, c, y = minus, one, width
	default:
		a, d = one, one
	}
	if mirror { // x becomes width − x first
		x, y = x+uint32(int32(a)>>16)*width, y+uint32(int32(b)>>16)*width
		a, b = -a, -b
	}
	for _, v := range [...]uint32{a, b, 0, c, d, 0, x, y, 1 << 30} {
		dst = be.AppendUint32(dst, v)
	}
	return dst
}
