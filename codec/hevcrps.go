package codec

// maxHEVCRefs is the most pictures a short-term reference picture set can name: MaxDpbSize (H.265 A.4.2).
const maxHEVCRefs = 16

// shortTermSet is a short-term reference picture set: how far the pictures before and after are away, nearest first.
type shortTermSet struct {
	before, after   [maxHEVCRefs]int64 // DeltaPocS0, DeltaPocS1
	nBefore, nAfter int
}

func (s *shortTermSet) addBefore(delta int64) bool {
	if s.nBefore+s.nAfter == maxHEVCRefs {
		return false
	}
	s.before[s.nBefore] = delta
	s.nBefore++
	return true
}

func (s *shortTermSet) addAfter(delta int64) bool {
	if s.nBefore+s.nAfter == maxHEVCRefs {
		return false
	}
	s.after[s.nAfter] = delta
	s.nAfter++
	return true
}

// skipHEVCShortTermSets reads all st_ref_pic_set of an SPS (H.265 7.3.7). A set may be coded as a change of the one
// before, with a flag for each of its pictures, so that they cannot be skipped without being understood.
func skipHEVCShortTermSets(r *bitReader) {
	n := r.ue(64) // num_short_term_ref_pic_sets
	var last shortTermSet
	for i := uint32(0); i < n && r.err == nil; i++ {
		if i > 0 && r.flag() { // inter_ref_pic_set_prediction_flag
			last = predictShortTermSet(r, &last)
		} else {
			last = parseShortTermSet(r)
		}
	}
}

// parseShortTermSet reads a set that is coded on its own.
func parseShortTermSet(r *bitReader) shortTermSet {
	var s shortTermSet
	before, after := r.ue(maxHEVCRefs), r.ue(maxHEVCRefs) // num_negative_pics, num_positive_pics
	if before+after > maxHEVCRefs {
		r.fail(errBitsRange)
		return s
	}
	var delta int64
	for i := uint32(0); i < before && r.err == nil; i++ {
		delta -= int64(r.ue(1<<15-1)) + 1 // delta_poc_s0_minus1
		r.u(1)
		s.addBefore(delta)
	}
	delta = 0
	for i := uint32(0); i < after && r.err == nil; i++ {
		delta += int64(r.ue(1<<15-1)) + 1 // delta_poc_s1_minus1
		r.u(1)
		s.addAfter(delta)
	}
	return s
}

// predictShortTermSet reads a set that is coded as a change of ref (H.265 7.4.8, equations 7-61 and 7-62).
func predictShortTermSet(r *bitReader, ref *shortTermSet) shortTermSet {
	var s shortTermSet
	negative := r.flag() // delta_rps_sign
	shift := int64(r.ue(1<<15-1)) + 1
	if negative {
		shift = -shift
	}
	total := ref.nBefore + ref.nAfter
	var use [maxHEVCRefs + 1]bool
	for j := 0; j <= total && r.err == nil; j++ {
		use[j] = true
		if !r.flag() { // used_by_curr_pic_flag
			use[j] = r.flag() // use_delta_flag
		}
	}
	if r.err != nil {
		return s
	}
	ok := true
	for i := ref.nAfter - 1; i >= 0; i-- {
		if d := ref.after[i] + shift; d < 0 && use[ref.nBefore+i] {
			ok = s.addBefore(d) && ok
		}
	}
	if shift < 0 && use[total] {
		ok = s.addBefore(shift) && ok
	}
	for i := range ref.nBefore {
		if d := ref.before[i] + shift; d < 0 && use[i] {
			ok = s.addBefore(d) && ok
		}
	}
	for i := ref.nBefore - 1; i >= 0; i-- {
		if d := ref.before[i] + shift; d > 0 && use[i] {
			ok = s.addAfter(d) && ok
		}
	}
	if shift > 0 && use[total] {
		ok = s.addAfter(shift) && ok
	}
	for i := range ref.nAfter {
		if d := ref.after[i] + shift; d > 0 && use[ref.nBefore+i] {
			ok = s.addAfter(d) && ok
		}
	}
	if !ok {
		r.fail(errBitsRange)
	}
	return s
}
