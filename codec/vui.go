package codec

// maxDimension is the largest width and height of a visual sample entry (ISO/IEC 14496-12, 12.1.3: 16 bits).
const maxDimension = 65535

// extendedSAR is the aspect_ratio_idc that is followed by the ratio itself.
const extendedSAR = 255

// sampleAspectRatios is the table of aspect_ratio_idc (H.264 table E-1, H.265 table E.1).
var sampleAspectRatios = [...][2]uint32{
	{1, 1}, {1, 1}, {12, 11}, {10, 11}, {16, 11}, {40, 33}, {24, 11}, {20, 11}, {32, 11},
	{80, 33}, {18, 11}, {15, 11}, {64, 33}, {160, 99}, {4, 3}, {3, 2}, {2, 1},
}

// parseSAR reads aspect_ratio_info, which both VUIs start with (H.264 E.1.1, H.265 E.2.1).
func (p *Picture) parseSAR(r *bitReader) {
	if !r.flag() { // aspect_ratio_info_present_flag
		return
	}
	idc := r.u(8)
	if idc == extendedSAR {
		w, h := r.u(16), r.u(16)
		if r.err == nil && w != 0 && h != 0 {
			p.SARWidth, p.SARHeight = w, h
		}
		return
	}
	if r.err == nil && int(idc) < len(sampleAspectRatios) {
		p.SARWidth, p.SARHeight = sampleAspectRatios[idc][0], sampleAspectRatios[idc][1]
	}
}

// parseSignalType reads overscan, video_signal_type and chroma_loc, which follow in both VUIs.
func (p *Picture) parseSignalType(r *bitReader) {
	if r.flag() { // overscan_info_present_flag
		r.u(1)
	}
	if r.flag() { // video_signal_type_present_flag
		r.u(3) // video_format
		full := r.flag()
		if r.flag() { // colour_description_present_flag
			c := Colour{Primaries: uint16(r.u(8)), Transfer: uint16(r.u(8)), Matrix: uint16(r.u(8)), FullRange: full}
			if r.err == nil {
				p.Colour = &c
			}
		}
	}
	if r.flag() { // chroma_loc_info_present_flag
		r.ueAny()
		r.ueAny()
	}
}

// crop takes the cropping rectangle off the coded size, in units of unitX by unitY luma samples.
// It reports whether a picture is left.
func (p *Picture) crop(width, height, unitX, unitY uint64, left, right, top, bottom uint32) bool {
	cutX := unitX * (uint64(left) + uint64(right))
	cutY := unitY * (uint64(top) + uint64(bottom))
	if cutX >= width || cutY >= height {
		return false
	}
	width, height = width-cutX, height-cutY
	if width > maxDimension || height > maxDimension {
		return false
	}
	p.Width, p.Height = uint32(width), uint32(height)
	return true
}

// finishVUI decides about a VUI that has been read into a whole Picture. A sequence parameter set that ends inside
// its VUI is taken with what was read; one with an impossible value is not.
func finishVUI(r *bitReader) error {
	if r.err == errBitsShort {
		return nil
	}
	return r.err
}
