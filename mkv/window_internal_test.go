package mkv

import (
	"io"
	"testing"
)

// counting is a source without end whose bytes tell their position.
type counting struct{ at int64 }

func (c *counting) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte((c.at + int64(i)) >> 10)
	}
	c.at += int64(len(b))
	return len(b), nil
}

// TestWindowFragments goes from fragment to fragment as a Source does, which retains one and has read ahead into the next:
// the window stays as large as fragments want, and has the bytes that belong there.
func TestWindowFragments(t *testing.T) {
	for _, tt := range []struct{ fragment, ahead, most int64 }{
		{200 << 10, 20 << 10, 2 * defaultRead},
		{2 << 20, 100 << 10, fragmentWindow},
		{2200 << 10, 700 << 10, fragmentWindow},
		{3 << 20, 200 << 10, fragmentWindow},
		{3 << 20, 2 << 20, 2 * fragmentWindow},
		{12 << 20, 1 << 20, 4 * fragmentWindow},
	} {
		w := window{src: &counting{}, read: defaultRead, keep: -1}
		for n := range int64(40) {
			at := n * tt.fragment
			w.retain(at)
			for w.pos < at+tt.fragment+tt.ahead {
				if !w.has(30 << 10) {
					t.Fatal(w.err)
				}
				w.pos += 30 << 10
			}
			for _, p := range []int64{at, at + tt.fragment - 1} {
				if got := w.bytes(p, 1)[0]; got != byte(p>>10) {
					t.Fatalf("%+v: byte %d is %#x, want %#x", tt, p, got, byte(p>>10))
				}
			}
		}
		if int64(cap(w.buf)) > tt.most {
			t.Errorf("fragments of %d bytes, %d ahead: a window of %d bytes, want at most %d", tt.fragment, tt.ahead, cap(w.buf), tt.most)
		}
	}
	if w := (window{src: io.LimitReader(&counting{}, 10), read: defaultRead, keep: -1}); w.has(11) || !w.has(10) || cap(w.buf) > 2*defaultRead {
		t.Errorf("10 bytes in a window of %d", cap(w.buf))
	}
}
