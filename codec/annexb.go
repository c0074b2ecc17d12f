package codec

import (
	"bytes"
	"encoding/binary"
	"iter"
)

// startCode is start_code_prefix_one_3bytes (H.264 and H.265, Annex B).
var startCode = []byte{0, 0, 1}

// IsAnnexB tells whether data begins with a start code of 3 or 4 bytes. A length-prefixed frame may begin so as well,
// with a NAL unit of 256 to 511 bytes or of 1 byte: ask only when its lengths do not lead to its end.
func IsAnnexB(data []byte) bool {
	return bytes.HasPrefix(data, startCode) || len(data) > 3 && data[0] == 0 && bytes.HasPrefix(data[1:], startCode)
}

// SplitAnnexB returns an iterator over the NAL units of a byte stream (H.264 Annex B), without their start codes and
// trailing zero bytes. Empty ones and anything before the first start code are left out. What it yields are parts of data.
func SplitAnnexB(data []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		at := bytes.Index(data, startCode)
		if at < 0 {
			return
		}
		w := walker{data: data[at:]}
		for nal, ok := w.next(); ok; nal, ok = w.next() {
			if !yield(nal) {
				return
			}
		}
	}
}

// AppendAnnexB appends the NAL units of a frame with 4-byte lengths, each behind a 4-byte start code.
// It stops at the first length that does not fit.
func AppendAnnexB(dst, lengthPrefixed []byte) []byte {
	w := walker{data: lengthPrefixed, size: 4}
	for nal, ok := w.next(); ok; nal, ok = w.next() {
		dst = append(dst, 0, 0, 0, 1)
		dst = append(dst, nal...)
	}
	return dst
}

// appendNAL appends a NAL unit behind its 4-byte length.
func appendNAL(dst, nal []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(nal)))
	return append(dst, nal...)
}
