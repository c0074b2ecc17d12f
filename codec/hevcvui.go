package codec

// parseHEVCVUI reads vui_parameters (H.265 E.2.1) as far as pictures and their order are concerned; what follows the
// timing information says nothing about either, but its counts are still checked.
func (p *Picture) parseHEVCVUI(r *bitReader, maxSubLayersMinus1 uint32) {
	p.parseSAR(r)
	p.parseSignalType(r)
	r.u(1)        // neutral_chroma_indication_flag
	if r.flag() { // field_seq_flag
		p.Interlaced = true
	}
	r.u(1)        // frame_field_info_present_flag
	if r.flag() { // default_display_window_flag
		for range 4 {
			r.ueAny()
		}
	}
	if !r.flag() { // vui_timing_info_present_flag
		return
	}
	r.skip(32 + 32)
	if r.flag() { // vui_poc_proportional_to_timing_flag
		r.ueAny()
	}
	if r.flag() { // vui_hrd_parameters_present_flag
		skipHEVCHRD(r, maxSubLayersMinus1)
	}
}

// skipHEVCHRD passes over hrd_parameters(1, maxSubLayersMinus1) (H.265 E.2.2).
func skipHEVCHRD(r *bitReader, maxSubLayersMinus1 uint32) {
	nal, vcl := r.flag(), r.flag()
	subPic := false
	if nal || vcl {
		if subPic = r.flag(); subPic { // sub_pic_hrd_params_present_flag
			r.u(8 + 5 + 1 + 5)
		}
		r.u(8) // bit_rate_scale, cpb_size_scale
		if subPic {
			r.u(4)
		}
		r.u(15) // three delay lengths
	}
	for i := uint32(0); i <= maxSubLayersMinus1 && r.err == nil; i++ {
		fixed := r.flag() // fixed_pic_rate_general_flag
		if !fixed {
			fixed = r.flag() // fixed_pic_rate_within_cvs_flag
		}
		lowDelay := false
		if fixed {
			r.ueAny() // elemental_duration_in_tc_minus1
		} else {
			lowDelay = r.flag()
		}
		var n uint32
		if !lowDelay {
			n = r.ue(31) // cpb_cnt_minus1
		}
		if nal {
			skipHEVCSubLayerHRD(r, n, subPic)
		}
		if vcl {
			skipHEVCSubLayerHRD(r, n, subPic)
		}
	}
}

// skipHEVCSubLayerHRD passes over sub_layer_hrd_parameters (H.265 E.2.3).
func skipHEVCSubLayerHRD(r *bitReader, cpbCntMinus1 uint32, subPic bool) {
	for i := uint32(0); i <= cpbCntMinus1 && r.err == nil; i++ {
		r.ueAny()
		r.ueAny()
		if subPic {
			r.ueAny()
			r.ueAny()
		}
		r.u(1)
	}
}
