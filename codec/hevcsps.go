package codec

// NAL unit types of H.265 table 7-1 that are looked at here.
const (
	hevcRASLN     = 8
	hevcRASLR     = 9
	hevcBLAFirst  = 16
	hevcBLALast   = 18
	hevcIDRFirst  = 19
	hevcIDRLast   = 20
	hevcCRA       = 21
	hevcVPS       = 32
	hevcSPS       = 33
	hevcPPS       = 34
	hevcPrefixSEI = 39
)

// hevcHeaderSize is the size of nal_unit_header (H.265 7.3.1.2).
const hevcHeaderSize = 2

// hevcType returns nal_unit_type. The NAL unit must not be empty.
func hevcType(nal []byte) uint8 { return nal[0] >> 1 & 0x3f }

// hevcLayer returns nuh_layer_id. The NAL unit must have its header.
func hevcLayer(nal []byte) uint8 { return nal[0]&1<<5 | nal[1]>>3 }

// hevcSPSInfo is a parsed sequence parameter set with the fields that only the record needs.
type hevcSPSInfo struct {
	Picture
	ptl            hevcPTL
	chromaBitDepth uint8
	temporalLayers uint8
	nested         bool // sps_temporal_id_nesting_flag
}

// ParseHEVCSPS reads a sequence parameter set NAL unit of the base layer (H.265 7.3.2.2), its header included.
// One that is cut inside its VUI is accepted with what was read.
func ParseHEVCSPS(nal []byte) (Picture, error) {
	info, err := parseHEVCSPS(nal)
	return info.Picture, err
}

func parseHEVCSPS(nal []byte) (hevcSPSInfo, error) {
	var none hevcSPSInfo
	if len(nal) <= hevcHeaderSize {
		return none, spsError(errBitsShort)
	}
	if hevcType(nal) != hevcSPS || hevcLayer(nal) != 0 {
		return none, &Error{Offset: 0, Detail: "not a sequence parameter set of the base layer", Err: ErrInvalidPrivate}
	}
	r := newRBSPReader(nal[hevcHeaderSize:])
	r.u(4) // sps_video_parameter_set_id
	maxSubLayersMinus1 := r.u(3)
	if maxSubLayersMinus1 > 6 {
		return none, spsError(errBitsRange)
	}
	p := hevcSPSInfo{Picture: Picture{SARWidth: 1, SARHeight: 1, Reorder: -1}}
	p.temporalLayers = uint8(maxSubLayersMinus1 + 1)
	p.nested = r.flag()
	p.ptl = parseHEVCPTL(&r, maxSubLayersMinus1)
	r.ue(15) // sps_seq_parameter_set_id
	p.ChromaFormat = uint8(r.ue(3))
	separatePlanes := p.ChromaFormat == 3 && r.flag()
	width, height := r.ue(maxDimension), r.ue(maxDimension)
	var left, right, top, bottom uint32
	if r.flag() { // conformance_window_flag
		left, right, top, bottom = r.ueAny(), r.ueAny(), r.ueAny(), r.ueAny()
	}
	p.BitDepth = 8 + uint8(r.ue(8))
	p.chromaBitDepth = 8 + uint8(r.ue(8))
	log2MaxPOC := uint8(r.ue(12)) + 4
	first := maxSubLayersMinus1
	if r.flag() { // sps_sub_layer_ordering_info_present_flag
		first = 0
	}
	var reorder uint32
	for i := first; i <= maxSubLayersMinus1 && r.err == nil; i++ {
		r.ue(15)           // sps_max_dec_pic_buffering_minus1
		reorder = r.ue(15) // sps_max_num_reorder_pics
		r.ueAny()          // sps_max_latency_increase_plus1
	}
	skipHEVCCodingTools(&r, log2MaxPOC)
	hasVUI := r.flag()
	if r.err != nil {
		return none, spsError(r.err)
	}
	unitX, unitY := avcCropUnits(p.ChromaFormat, separatePlanes) // SubWidthC and SubHeightC, the same in both
	if !p.crop(uint64(width), uint64(height), unitX, unitY, left, right, top, bottom) {
		return none, spsError(errBitsRange)
	}
	p.Reorder = int(reorder)
	p.NoReorder = p.ptl.intraOnly()
	const progressive, interlaced = 0x80, 0x40 // general_progressive_source_flag, general_interlaced_source_flag
	p.Interlaced = p.ptl.constraints[0]&(progressive|interlaced) == interlaced
	if hasVUI {
		p.parseHEVCVUI(&r, maxSubLayersMinus1)
		if err := finishVUI(&r); err != nil {
			return none, spsError(err)
		}
	}
	return p, nil
}

// skipHEVCCodingTools passes over the fields between the ordering information and the VUI.
func skipHEVCCodingTools(r *bitReader, log2MaxPOC uint8) {
	r.ue(3)       // log2_min_luma_coding_block_size_minus3
	r.ue(3)       // log2_diff_max_min_luma_coding_block_size
	r.ue(3)       // log2_min_luma_transform_block_size_minus2
	r.ue(3)       // log2_diff_max_min_luma_transform_block_size
	r.ue(4)       // max_transform_hierarchy_depth_inter
	r.ue(4)       // max_transform_hierarchy_depth_intra
	if r.flag() { // scaling_list_enabled_flag
		if r.flag() { // sps_scaling_list_data_present_flag
			skipHEVCScalingLists(r)
		}
	}
	r.u(2)        // amp_enabled_flag, sample_adaptive_offset_enabled_flag
	if r.flag() { // pcm_enabled_flag
		r.u(8)  // two bit depths
		r.ue(2) // log2_min_pcm_luma_coding_block_size_minus3
		r.ue(2) // log2_diff_max_min_pcm_luma_coding_block_size
		r.u(1)
	}
	skipHEVCShortTermSets(r)
	if r.flag() { // long_term_ref_pics_present_flag
		n := r.ue(32) // num_long_term_ref_pics_sps
		for i := uint32(0); i < n && r.err == nil; i++ {
			r.u(log2MaxPOC)
			r.u(1)
		}
	}
	r.u(2) // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
}

// skipHEVCScalingLists passes over scaling_list_data (H.265 7.3.4).
func skipHEVCScalingLists(r *bitReader) {
	for size := range 4 {
		step := 1
		if size == 3 {
			step = 3
		}
		for matrix := 0; matrix < 6 && r.err == nil; matrix += step {
			if !r.flag() { // scaling_list_pred_mode_flag
				r.ue(5) // scaling_list_pred_matrix_id_delta
				continue
			}
			if size > 1 {
				r.se(-7, 247) // scaling_list_dc_coef_minus8
			}
			for i := 0; i < min(64, 1<<(4+2*size)) && r.err == nil; i++ {
				r.se(-128, 127)
			}
		}
	}
}
