package fmp4

import "github.com/seed63bb8431/weir/codec"

// appendColr appends the colour information of type nclx (B 12.1.5).
func appendColr(dst []byte, c *codec.Colour) []byte {
	dst, at := openBox(dst, "colr")
	dst = append(dst, "nclx"...)
	dst = be.AppendUint16(dst, c.Primaries)
	dst = be.AppendUint16(dst, c.Transfer)
	dst = be.AppendUint16(dst, c.Matrix)
	var full byte
	if c.FullRange {
		full = 0x80
	}
	return closeBox(append(dst, full), at)
}

// appendMdcv appends the mastering display colour volume (B 12.1.6): the primaries in the order green, blue, red,
// in steps of 0.00002, luminance in steps of 0.0001 candela per square metre.
func appendMdcv(dst []byte, m *codec.Mastering) []byte {
	dst, at := openBox(dst, "mdcv")
	for _, v := range [...]float64{m.GreenX, m.GreenY, m.BlueX, m.BlueY, m.RedX, m.RedY, m.WhiteX, m.WhiteY} {
		dst = be.AppendUint16(dst, uint16(steps(v, 50_000, 0xFFFF)))
	}
	dst = be.AppendUint32(dst, steps(m.LuminanceMax, 10_000, 0xFFFFFFFF))
	dst = be.AppendUint32(dst, steps(m.LuminanceMin, 10_000, 0xFFFFFFFF))
	return closeBox(dst, at)
}

// appendClli appends the content light level (B 12.1.7).
func appendClli(dst []byte, maxCLL, maxFALL uint16) []byte {
	dst, at := openBox(dst, "clli")
	dst = be.AppendUint16(dst, maxCLL)
	dst = be.AppendUint16(dst, maxFALL)
	return closeBox(dst, at)
}

// steps returns v in steps of 1/per, between 0 and most; what is no number is 0.
func steps(v, per, most float64) uint32 {
	v = v*per + 0.5
	if !(v > 0) {
		return 0
	}
	return uint32(min(v, most))
}
