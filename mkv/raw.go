package mkv

// raw is what Options.Raw keeps of the current document: whole elements.
type raw struct {
	ebml, info, tracks []byte
	at                 int64 // where the last element outside Clusters starts
}

// Input returns the input's bytes from one position to another, which have to be in memory: those of the last token, and what Retain
// keeps. They are valid until the next call of Read.
func (r *Reader) Input(from, to int64) []byte { return r.w.bytes(from, int(to-from)) }

// ElementOffset returns where the element of the last TokenTracks or TokenTags starts. It ends at Offset. For Options.Raw.
func (r *Reader) ElementOffset() int64 { return r.raw.at }

// AppendHeader appends the front of a document that needs nothing but Clusters and Tags behind it: the current document's EBML header,
// a Segment of unknown size, and the document's Info and Tracks, byte for byte. For Options.Raw.
func (r *Reader) AppendHeader(dst []byte) []byte {
	dst = append(dst, r.raw.ebml...)
	dst = append(dst, 0x18, 0x53, 0x80, 0x67, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)
	dst = append(dst, r.raw.info...)
	return append(dst, r.raw.tracks...)
}

// keep puts a whole element that is in memory into what Options.Raw keeps.
func (r *Reader) keep(dst *[]byte, e element) {
	if r.opts.Raw {
		*dst = append((*dst)[:0], r.w.bytes(e.at, int(e.body+e.size-e.at))...)
	}
}
