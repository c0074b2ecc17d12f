package fmp4

import "math"

// repeat is a value that counts for several samples in a row.
type repeat struct {
	count, value uint32
}

// repeats is a run-length coded column: stts and ctts.
type repeats []repeat

// add appends one more value.
func (r *repeats) add(v uint32) {
	if n := len(*r); n > 0 && (*r)[n-1].value == v {
		(*r)[n-1].count++
		return
	}
	*r = append(*r, repeat{1, v})
}

// sizeColumn holds sample sizes; while all are equal, only one.
type sizeColumn struct {
	count uint32
	equal uint32
	list  []uint32 // nil while all are equal
}

// add appends one more size. A size of 0 is always listed: as the common size it would mean "see the list".
func (c *sizeColumn) add(size uint32) {
	switch {
	case c.count == 0 && size != 0:
		c.equal = size
	case c.list == nil && size != c.equal || c.count == 0:
		c.list = make([]uint32, c.count, c.count+64)
		for i := range c.list {
			c.list[i] = c.equal
		}
		c.list = append(c.list, size)
	case c.list != nil:
		c.list = append(c.list, size)
	}
	c.count++
}

// chunk is a row of samples of one track that lie behind each other.
type chunk struct {
	offset      uint64 // from the first byte of the payload
	samples     uint32
	description uint32 // index in stsd, from 1
}

// sampleTables are the tables of one track of a progressive file (B 8.6, 8.7). A nil *sampleTables is empty.
type sampleTables struct {
	durations repeats // without the last sample, whose duration may grow yet
	last      uint32  // the duration of the last sample
	offsets   repeats
	sizes     sizeColumn
	sync      []uint32 // numbers of the sync samples, from 1; not kept for sound
	audio     bool
	chunks    []chunk
	firstDTS  int64 // decoding time of the first sample
	endDTS    int64 // decoding time of the last sample and its duration
	firstPTS  int64 // smallest presentation time
	lastPTS   int64 // largest presentation time
}

// layout says where the payload of the file begins, and whether 64 bits are needed to say so.
type layout struct {
	payload uint64
	wide    bool
}

// duration returns the sum of the sample durations, in the track's timescale.
func (s *sampleTables) duration() uint64 {
	if s == nil {
		return 0
	}
	return uint64(s.endDTS - s.firstDTS)
}

// add appends one sample at the decoding time endDTS.
func (s *sampleTables) add(sample *Sample) {
	pts := s.endDTS + int64(sample.CompositionOffset)
	if s.sizes.count == 0 {
		s.firstPTS, s.lastPTS = pts, pts
	} else {
		s.durations.add(s.last)
		s.firstPTS, s.lastPTS = min(s.firstPTS, pts), max(s.lastPTS, pts)
	}
	s.last = sample.Duration
	s.offsets.add(uint32(sample.CompositionOffset))
	s.sizes.add(sample.Size)
	if sample.Sync && !s.audio {
		s.sync = append(s.sync, s.sizes.count)
	}
	s.endDTS += int64(sample.Duration)
}

// append appends the tables, stsd excepted.
func (s *sampleTables) append(dst []byte, l layout) []byte {
	if s == nil {
		s = &sampleTables{audio: true}
	}
	dst = s.appendStts(dst)
	dst = s.appendCtts(dst)
	dst = s.appendStss(dst)
	dst = s.appendStsc(dst)
	dst = s.appendStsz(dst)
	return s.appendStco(dst, l)
}

// appendStts appends the durations (B 8.6.1.2).
func (s *sampleTables) appendStts(dst []byte) []byte {
	dst, at := openFullBox(dst, "stts", 0, 0)
	count := len(dst)
	dst = be.AppendUint32(dst, 0)
	tail := repeat{0, s.last}
	if s.sizes.count > 0 {
		tail.count = 1
	}
	list := s.durations
	if n := len(list); n > 0 && list[n-1].value == s.last {
		tail.count += list[n-1].count
		list = list[:n-1]
	}
	dst = appendRepeats(dst, list)
	if tail.count > 0 {
		dst = appendRepeats(dst, repeats{tail})
	}
	be.PutUint32(dst[count:], uint32(len(dst)-count-4)/8)
	return closeBox(dst, at)
}

// appendCtts appends the composition offsets (B 8.6.1.3), version 0, unless all are 0.
func (s *sampleTables) appendCtts(dst []byte) []byte {
	if len(s.offsets) == 0 || len(s.offsets) == 1 && s.offsets[0].value == 0 {
		return dst
	}
	dst, at := openFullBox(dst, "ctts", 0, 0)
	dst = be.AppendUint32(dst, uint32(len(s.offsets)))
	return closeBox(appendRepeats(dst, s.offsets), at)
}

// appendRepeats appends pairs of count and value.
func appendRepeats(dst []byte, list repeats) []byte {
	for _, r := range list {
		dst = be.AppendUint32(dst, r.count)
		dst = be.AppendUint32(dst, r.value)
	}
	return dst
}

// appendStss appends the numbers of the sync samples (B 8.6.2), unless every sample is one.
func (s *sampleTables) appendStss(dst []byte) []byte {
	if s.audio || uint32(len(s.sync)) == s.sizes.count {
		return dst
	}
	dst, at := openFullBox(dst, "stss", 0, 0)
	dst = be.AppendUint32(dst, uint32(len(s.sync)))
	for _, n := range s.sync {
		dst = be.AppendUint32(dst, n)
	}
	return closeBox(dst, at)
}

// appendStsc appends how many samples each chunk has (B 8.7.4), one entry where that changes.
func (s *sampleTables) appendStsc(dst []byte) []byte {
	dst, at := openFullBox(dst, "stsc", 0, 0)
	count := len(dst)
	dst = be.AppendUint32(dst, 0)
	var before chunk
	for i, c := range s.chunks {
		if c.samples == before.samples && c.description == before.description {
			continue
		}
		dst = be.AppendUint32(dst, uint32(i+1))
		dst = be.AppendUint32(dst, c.samples)
		dst = be.AppendUint32(dst, c.description)
		before = c
	}
	be.PutUint32(dst[count:], uint32(len(dst)-count-4)/12)
	return closeBox(dst, at)
}

// appendStsz appends the sizes (B 8.7.3.2).
func (s *sampleTables) appendStsz(dst []byte) []byte {
	dst, at := openFullBox(dst, "stsz", 0, 0)
	equal := s.sizes.equal
	if s.sizes.list != nil {
		equal = 0
	}
	dst = be.AppendUint32(dst, equal)
	dst = be.AppendUint32(dst, s.sizes.count)
	for _, v := range s.sizes.list {
		dst = be.AppendUint32(dst, v)
	}
	return closeBox(dst, at)
}

// appendStco appends where each chunk begins in the file (B 8.7.5), as co64 in a wide layout.
func (s *sampleTables) appendStco(dst []byte, l layout) []byte {
	typ, version := "stco", uint8(0) // the version of the words, not of the box
	if l.wide {
		typ, version = "co64", 1
	}
	dst, at := openFullBox(dst, typ, 0, 0)
	dst = be.AppendUint32(dst, uint32(len(s.chunks)))
	for _, c := range s.chunks {
		dst = appendWord(dst, version, l.payload+c.offset)
	}
	return closeBox(dst, at)
}

// bound returns no less than the bytes that the tables take for what they hold and the given samples and chunks more.
func (s *sampleTables) bound(samples, chunks uint64) uint64 {
	listed := uint64(len(s.sizes.list))
	if samples > 0 {
		listed = uint64(s.sizes.count)
	}
	return 8*uint64(len(s.durations)+len(s.offsets)) + 4*(listed+uint64(len(s.sync))) +
		20*uint64(len(s.chunks)) + 24*samples + 20*chunks
}

// fits tells whether n more samples can be counted.
func (s *sampleTables) fits(n int) bool {
	return uint64(s.sizes.count)+uint64(n) <= math.MaxUint32
}
