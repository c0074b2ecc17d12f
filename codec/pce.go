package codec

// parsePCE reads program_config_element (14496-3, 4.4.1.1): counts the channels and keeps the element for ADTS, which has
// no other place for a channel layout that has no number. All counts are of 4 bits or less.
func (c *AAC) parsePCE(r *bitReader) {
	const pceID = 5 // id_syn_ele ID_PCE
	w := bitWriter{}
	w.u(pceID, 3)
	read := func(n uint8) uint32 { // reads bits that are kept
		v := r.u(n)
		w.u(v, n)
		return v
	}
	read(4 + 2 + 4) // element_instance_tag, object_type, sampling_frequency_index
	front, side, back, lfe := read(4), read(4), read(4), read(2)
	assoc, coupling := read(3), read(4)
	if read(1) == 1 { // mono_mixdown_present
		read(4)
	}
	if read(1) == 1 { // stereo_mixdown_present
		read(4)
	}
	if read(1) == 1 { // matrix_mixdown_idx_present
		read(3)
	}
	channels := lfe
	for range front + side + back {
		channels += 1 + read(1) // is_cpe
		read(4)
	}
	for range lfe + assoc {
		read(4)
	}
	for range coupling {
		read(5)
	}
	// byte_alignment, which counts from the start of each one's structure
	r.left = 0
	w.align()
	for range read(8) { // comment_field_bytes
		if r.err != nil {
			return
		}
		read(8)
	}
	if r.err != nil {
		return
	}
	c.Channels = uint8(channels) // at most 93
	c.pce = w.b
}

// bitWriter appends fields of bits, most significant first.
type bitWriter struct {
	b    []byte
	free uint8 // unused bits of the last byte
}

// u appends the n lowest bits of v.
func (w *bitWriter) u(v uint32, n uint8) {
	for n > 0 {
		if w.free == 0 {
			w.b = append(w.b, 0)
			w.free = 8
		}
		take := min(n, w.free)
		n -= take
		w.free -= take
		w.b[len(w.b)-1] |= byte(v>>n&(1<<take-1)) << w.free
	}
}

// align fills the last byte with zero bits.
func (w *bitWriter) align() { w.free = 0 }
