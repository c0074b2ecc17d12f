package codec

// hevcPTL is the general part of profile_tier_level (H.265 7.3.3), the 12 bytes that hvcC repeats.
type hevcPTL struct {
	profileSpace  uint8
	highTier      bool
	profile       uint8
	compatibility uint32 // general_profile_compatibility_flag[0] is the most significant bit
	constraints   [6]uint8
	level         uint8
}

// parseHEVCPTL reads profile_tier_level(1, maxSubLayersMinus1), passing over the sub-layers.
func parseHEVCPTL(r *bitReader, maxSubLayersMinus1 uint32) hevcPTL {
	t := hevcPTL{profileSpace: uint8(r.u(2)), highTier: r.flag(), profile: uint8(r.u(5)), compatibility: r.u(32)}
	for i := range t.constraints {
		t.constraints[i] = uint8(r.u(8))
	}
	t.level = uint8(r.u(8))
	if maxSubLayersMinus1 == 0 || maxSubLayersMinus1 > 6 {
		return t
	}
	var profilePresent, levelPresent [6]bool
	for i := range maxSubLayersMinus1 {
		profilePresent[i], levelPresent[i] = r.flag(), r.flag()
	}
	r.skip(2 * int(8-maxSubLayersMinus1)) // reserved_zero_2bits
	for i := range maxSubLayersMinus1 {
		if profilePresent[i] {
			r.skip(88)
		}
		if levelPresent[i] {
			r.skip(8)
		}
	}
	return t
}

// intraOnly tells whether every picture is intra coded: a still picture, or a range extensions profile with
// general_intra_constraint_flag (H.265 A.3.4, A.3.5).
func (t *hevcPTL) intraOnly() bool {
	const mainStillPicture, rangeExtensions, lastWithFlag = 3, 4, 11
	const intraConstraint = 0x20 // of the second constraint byte
	if t.profile == mainStillPicture {
		return true
	}
	return t.profile >= rangeExtensions && t.profile <= lastWithFlag && t.constraints[1]&intraConstraint != 0
}

// append appends the bytes of the general part.
func (t *hevcPTL) append(dst []byte) []byte {
	first := t.profileSpace<<6 | t.profile
	if t.highTier {
		first |= 0x20
	}
	c := t.compatibility
	dst = append(dst, first, byte(c>>24), byte(c>>16), byte(c>>8), byte(c))
	dst = append(dst, t.constraints[:]...)
	return append(dst, t.level)
}
