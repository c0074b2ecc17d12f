package archive

import "testing"

func TestSizedBuffers(t *testing.T) {
	for _, test := range []struct {
		n    int64
		room int
	}{{-1, 1 << 14}, {0, 1 << 14}, {1, 1 << 14}, {1 << 14, 1 << 14}, {1<<14 + 1, 1 << 15}, {2_000_000, 1 << 21}, {1 << 24, 1 << 24}, {1<<24 + 1, 1<<24 + 1}} {
		b := takeSized(test.n)
		if len(b) != 0 || cap(b) < test.room || test.n <= 1<<24 && cap(b) != test.room {
			t.Errorf("%d: %d of %d", test.n, len(b), cap(b))
		}
		giveSized(append(b, 1))
		if b := takeSized(test.n); len(b) != 0 || cap(b) < test.room {
			t.Errorf("%d once more: %d of %d", test.n, len(b), cap(b))
		}
	}
	for _, other := range [][]byte{nil, make([]byte, 5), make([]byte, 1<<14+1), make([]byte, 3<<20)} {
		giveSized(other)
	}
	if b := takeSized(1<<14 + 1); cap(b) != 1<<15 {
		t.Errorf("a buffer of %d bytes, which another made", cap(b))
	}
}
