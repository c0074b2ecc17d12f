package archive

import (
	"math/bits"
	"sync"
)

// Buffers of documents that are packaged, and of what is made of them, are pooled by size: of the powers of two from 1<<leastSized on. A
// larger one than the last is not kept.
const (
	leastSized = 14
	mostSized  = 24
)

var sized [mostSized - leastSized + 1]sync.Pool

// sizedRoom is how much memory takeSized takes for n bytes.
func sizedRoom(n int64) int64 {
	if class := max(bits.Len64(uint64(max(n, 1)-1)), leastSized); class <= mostSized {
		return 1 << class
	}
	return n
}

// takeSized returns an empty buffer with room for n bytes.
func takeSized(n int64) []byte {
	class := max(bits.Len64(uint64(max(n, 1)-1)), leastSized)
	if class > mostSized {
		return make([]byte, 0, n)
	}
	if b, ok := sized[class-leastSized].Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return make([]byte, 0, 1<<class)
}

// giveSized gives a buffer back. Nothing may refer to it any more. One that takeSized did not make is left to the collector.
func giveSized(b []byte) {
	class := bits.Len(uint(cap(b))) - 1
	if class < leastSized || class > mostSized || cap(b) != 1<<class {
		return
	}
	b = b[:0]
	sized[class-leastSized].Put(&b)
}
