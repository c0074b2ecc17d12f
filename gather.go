package weir

import "io"

const (
	// gatherSmall is the size below which a slice is copied, so that small frames share a write.
	gatherSmall = 16 << 10
	gatherSize  = 256 << 10
)

// gather writes slices: small ones together, large ones as they are. The first error stays.
type gather struct {
	w   io.Writer
	buf []byte
	err error
}

func (g *gather) reset(w io.Writer) { g.w, g.buf, g.err = w, g.buf[:0], nil }

func (g *gather) add(b []byte) {
	if len(b) < gatherSmall && len(g.buf)+len(b) <= gatherSize {
		if g.buf == nil {
			g.buf = make([]byte, 0, gatherSize)
		}
		g.buf = append(g.buf, b...)
		return
	}
	_ = g.flush()
	if len(b) < gatherSmall {
		g.buf = append(g.buf, b...)
		return
	}
	g.write(b)
}

func (g *gather) write(b []byte) {
	if g.err == nil && len(b) > 0 {
		_, g.err = g.w.Write(b)
	}
}

func (g *gather) flush() error {
	g.write(g.buf)
	g.buf = g.buf[:0]
	return g.err
}
