package codec

import "bytes"

// walker goes through the NAL units of a frame. Lengths are size bytes long; size 0 means start codes.
// It ends when next returns false; bad tells whether that was before the end of the data.
type walker struct {
	data []byte
	size int
	pos  int // start of the next length or start code; where the trouble is once bad is set
	bad  bool
}

// next returns the next NAL unit, never an empty one, as a part of data.
func (w *walker) next() ([]byte, bool) {
	if w.bad || w.pos >= len(w.data) {
		return nil, false
	}
	if w.size == 0 {
		return w.nextAnnexB()
	}
	rest := w.data[w.pos:]
	if len(rest) <= w.size {
		w.bad = true
		return nil, false
	}
	var n uint64
	for _, b := range rest[:w.size] {
		n = n<<8 | uint64(b)
	}
	rest = rest[w.size:]
	if n == 0 || n > uint64(len(rest)) {
		w.bad = true
		return nil, false
	}
	w.pos += w.size + int(n)
	return rest[:n:n], true
}

// nextAnnexB returns the next NAL unit of a byte stream. Zero bytes may stand before and after each NAL unit, and
// those after it are no part of it; empty NAL units are passed over.
func (w *walker) nextAnnexB() ([]byte, bool) {
	for w.pos < len(w.data) {
		start := w.pos
		for start < len(w.data) && w.data[start] == 0 {
			start++
		}
		if start == len(w.data) { // trailing_zero_8bits
			w.bad = w.pos == 0
			w.pos = len(w.data)
			return nil, false
		}
		if w.data[start] != 1 || start-w.pos < 2 {
			w.bad = true
			return nil, false
		}
		start++
		end := len(w.data)
		w.pos = end
		if i := bytes.Index(w.data[start:], startCode); i >= 0 {
			end = start + i
			w.pos = end
		}
		nal := bytes.TrimRight(w.data[start:end], "\x00")
		if len(nal) > 0 {
			return nal[:len(nal):len(nal)], true
		}
	}
	return nil, false
}

// walks tells whether the whole of data is at least one NAL unit in the given form, each with a header that is
// possible: long enough and without forbidden_zero_bit.
func walks(data []byte, size, headerSize int) bool {
	w := walker{data: data, size: size}
	n := 0
	for nal, ok := w.next(); ok; nal, ok = w.next() {
		if len(nal) < headerSize || nal[0]&0x80 != 0 {
			return false
		}
		n++
	}
	return n > 0 && !w.bad
}

// DetectLengthSize tells how the NAL units of a frame are delimited: by lengths of n bytes, or by start codes when n is 0.
// It is for frames whose declared form does not lead to their end, since short frames can be read in more than one way.
func DetectLengthSize(data []byte) (n int, ok bool) {
	for _, n := range [...]int{4, 0, 2, 1} {
		if (n != 0 || IsAnnexB(data)) && walks(data, n, 1) {
			return n, true
		}
	}
	return 0, false
}

// frameError makes the error of a walk that did not reach its end, or found nothing (rule: a frame has a NAL unit).
func frameError(data []byte, size, offset, headerSize int) error {
	e := &Error{Offset: int64(offset), Detail: "NAL unit length", Err: ErrInvalidFrame}
	switch {
	case len(data) == 0:
		e.Detail = "no NAL unit"
	case size == 0:
		e.Detail = "start code"
	case IsAnnexB(data) && walks(data, 0, headerSize):
		e.Err, e.Detail = errAnnexBFrame, ""
	}
	return e
}
