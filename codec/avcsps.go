package codec

// NAL unit types of H.264 table 7-1 that are looked at here.
const (
	avcIDR    = 5
	avcSEI    = 6
	avcSPS    = 7
	avcPPS    = 8
	avcSPSExt = 13
	avcSubset = 15 // subset sequence parameter set
)

// avcType returns nal_unit_type. The NAL unit must not be empty.
func avcType(nal []byte) uint8 { return nal[0] & 0x1f }

// avcSPSInfo is a parsed sequence parameter set with the fields that only the record needs.
type avcSPSInfo struct {
	Picture
	chromaBitDepth uint8
}

// ParseAVCSPS reads a sequence parameter set NAL unit (H.264 7.3.2.1.1), its header byte included.
// One that is cut inside its VUI is accepted with what was read.
func ParseAVCSPS(nal []byte) (Picture, error) {
	info, err := parseAVCSPS(nal)
	return info.Picture, err
}

// spsError wraps what is wrong with a sequence parameter set.
func spsError(err error) error {
	return &Error{Offset: -1, Detail: "sequence parameter set: " + err.Error(), Err: ErrInvalidPrivate}
}

// avcHasChromaFormat tells the profiles whose SPS carries chroma_format_idc (7.3.2.1.1).
func avcHasChromaFormat(profile uint8) bool {
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135, 144:
		return true
	}
	return false
}

func parseAVCSPS(nal []byte) (avcSPSInfo, error) {
	var none avcSPSInfo
	if len(nal) < 4 {
		return none, spsError(errBitsShort)
	}
	if avcType(nal) != avcSPS {
		return none, &Error{Offset: 0, Detail: "not a sequence parameter set", Err: ErrInvalidPrivate}
	}
	r := newRBSPReader(nal[1:])
	profile, constraints := uint8(r.u(8)), uint8(r.u(8))
	r.u(8)   // level_idc
	r.ue(31) // seq_parameter_set_id
	p := avcSPSInfo{Picture: Picture{SARWidth: 1, SARHeight: 1, Reorder: -1, ChromaFormat: 1, BitDepth: 8}, chromaBitDepth: 8}
	separatePlanes := false
	if avcHasChromaFormat(profile) {
		p.ChromaFormat = uint8(r.ue(3))
		if p.ChromaFormat == 3 {
			separatePlanes = r.flag()
		}
		p.BitDepth = 8 + uint8(r.ue(6))
		p.chromaBitDepth = 8 + uint8(r.ue(6))
		r.u(1)        // qpprime_y_zero_transform_bypass_flag
		if r.flag() { // seq_scaling_matrix_present_flag
			skipAVCScalingLists(&r, p.ChromaFormat)
		}
	}
	r.ue(12) // log2_max_frame_num_minus4
	switch r.ue(2) {
	case 0:
		r.ue(12) // log2_max_pic_order_cnt_lsb_minus4
	case 1:
		r.u(1) // delta_pic_order_always_zero_flag
		r.seAny()
		r.seAny()
		n := r.ue(255) // num_ref_frames_in_pic_order_cnt_cycle
		for i := uint32(0); i < n && r.err == nil; i++ {
			r.seAny()
		}
	case 2:
		p.NoReorder = true
	}
	r.ue(16)                                         // max_num_ref_frames
	r.u(1)                                           // gaps_in_frame_num_value_allowed_flag
	widthMbs := uint64(r.ue(maxDimension/16)) + 1    // pic_width_in_mbs_minus1
	heightUnits := uint64(r.ue(maxDimension/16)) + 1 // pic_height_in_map_units_minus1
	fieldUnits := uint64(1)                          // 2 - frame_mbs_only_flag
	if frameMbsOnly := r.flag(); !frameMbsOnly {
		fieldUnits = 2
		p.Interlaced = true
		r.u(1) // mb_adaptive_frame_field_flag
	}
	r.u(1) // direct_8x8_inference_flag
	var left, right, top, bottom uint32
	if r.flag() { // frame_cropping_flag
		left, right, top, bottom = r.ueAny(), r.ueAny(), r.ueAny(), r.ueAny()
	}
	hasVUI := r.flag()
	if r.err != nil {
		return none, spsError(r.err)
	}
	unitX, unitY := avcCropUnits(p.ChromaFormat, separatePlanes)
	if !p.crop(widthMbs*16, heightUnits*16*fieldUnits, unitX, unitY*fieldUnits, left, right, top, bottom) {
		return none, spsError(errBitsRange)
	}
	p.NoReorder = p.NoReorder || avcIntraProfile(profile, constraints)
	if hasVUI {
		p.parseAVCVUI(&r)
		if err := finishVUI(&r); err != nil {
			return none, spsError(err)
		}
	}
	return p, nil
}

// avcCropUnits returns CropUnitX, and CropUnitY of frames (7.4.2.1.1, table 6-1).
func avcCropUnits(chromaFormat uint8, separatePlanes bool) (x, y uint64) {
	switch {
	case separatePlanes:
		return 1, 1
	case chromaFormat == 1:
		return 2, 2
	case chromaFormat == 2:
		return 2, 1
	}
	return 1, 1
}

// avcIntraProfile tells the profiles whose pictures are all intra coded (A.2.8 to A.2.11).
func avcIntraProfile(profile, constraints uint8) bool {
	const constraintSet3 = 0x10
	switch profile {
	case 44:
		return true
	case 110, 122, 244:
		return constraints&constraintSet3 != 0
	}
	return false
}

// skipAVCScalingLists passes over the scaling lists (7.3.2.1.1.1).
func skipAVCScalingLists(r *bitReader, chromaFormat uint8) {
	lists := 8
	if chromaFormat == 3 {
		lists = 12
	}
	for i := 0; i < lists && r.err == nil; i++ {
		if !r.flag() {
			continue
		}
		size := 16
		if i >= 6 {
			size = 64
		}
		last, next := int64(8), int64(8)
		for range size {
			if next != 0 {
				next = (last + r.se(-128, 127) + 256) % 256
			}
			if r.err != nil {
				return
			}
			if next != 0 {
				last = next
			}
		}
	}
}

// parseAVCVUI reads vui_parameters (E.1.1).
func (p *Picture) parseAVCVUI(r *bitReader) {
	p.parseSAR(r)
	p.parseSignalType(r)
	if r.flag() { // timing_info_present_flag
		r.skip(32 + 32 + 1)
	}
	nal := r.flag()
	if nal {
		skipAVCHRD(r)
	}
	vcl := r.flag()
	if vcl {
		skipAVCHRD(r)
	}
	if nal || vcl {
		r.u(1) // low_delay_hrd_flag
	}
	r.u(1)         // pic_struct_present_flag
	if !r.flag() { // bitstream_restriction_flag
		return
	}
	r.u(1) // motion_vectors_over_pic_boundaries_flag
	for range 4 {
		r.ueAny() // max_bytes_per_pic_denom, max_bits_per_mb_denom, log2_max_mv_length_horizontal and _vertical
	}
	const maxDpbFrames = 16 // A.3.1
	if n := r.ueAny(); r.err == nil && n <= maxDpbFrames {
		p.Reorder = int(n)
	}
}

// skipAVCHRD passes over hrd_parameters (E.1.2).
func skipAVCHRD(r *bitReader) {
	n := r.ue(31) // cpb_cnt_minus1
	r.u(8)        // bit_rate_scale, cpb_size_scale
	for i := uint32(0); i <= n && r.err == nil; i++ {
		r.ueAny()
		r.ueAny()
		r.u(1)
	}
	r.u(20) // three delay lengths and time_offset_length
}
