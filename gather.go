package weir

import "io"

// VectorWriter is an io.Writer that can take several slices in one call, as writev(2) does. Packagers use it where the writer that
// they are given is one: frames are written from where they are, and a system call serves a whole fragment.
type VectorWriter interface {
	io.Writer
	// WriteVector writes the slices one behind the other and returns how many bytes it wrote; fewer than all only with an error.
	// It must not change the bytes, nor keep slices or what they refer to.
	WriteVector(slices [][]byte) (int64, error)
}

const (
	// gatherSmall is the size below which a slice is copied so that small frames share a write: a copy costs less than a system call.
	gatherSmall = 16 << 10
	// gatherTiny is that size for a VectorWriter, where a slice costs an entry of a list.
	gatherTiny = 4 << 10
	gatherSize = 256 << 10
	// maxVector is how many slices a system call takes at least where there is writev (IOV_MAX of Linux, Darwin and the BSDs).
	maxVector = 1024
)

// gather writes slices: small ones together, large ones as they are. The slices must stay valid until flush. The first error stays.
type gather struct {
	w      io.Writer
	vector VectorWriter // w, where it is one
	list   [][]byte     // to be written
	buf    []byte       // holds the small ones; it never grows, for the list refers to it
	from   int          // the bytes of buf before are in the list
	err    error
}

func (g *gather) reset(w io.Writer) {
	g.w, g.err = w, nil
	g.vector, _ = w.(VectorWriter)
	g.list, g.buf, g.from = g.list[:0], g.buf[:0], 0
}

func (g *gather) add(b []byte) {
	small := gatherSmall
	if g.vector != nil {
		small = gatherTiny
	}
	if len(b) >= small {
		g.close()
		g.push(b)
		return
	}
	if len(g.buf)+len(b) > cap(g.buf) {
		_ = g.flush()
		if g.buf == nil {
			g.buf = make([]byte, 0, gatherSize)
		}
	}
	g.buf = append(g.buf, b...)
}

// close puts the small slices since the last large one into the list.
func (g *gather) close() {
	if b := g.buf[g.from:]; len(b) > 0 {
		g.from = len(g.buf)
		g.push(b)
	}
}

func (g *gather) push(b []byte) {
	if g.list = append(g.list, b); len(g.list) == maxVector {
		g.write()
	}
}

// write writes the list.
func (g *gather) write() {
	switch {
	case g.err != nil || len(g.list) == 0:
	case g.vector != nil && len(g.list) > 1:
		_, g.err = g.vector.WriteVector(g.list)
	default:
		for _, b := range g.list {
			if _, g.err = g.w.Write(b); g.err != nil {
				break
			}
		}
	}
	clear(g.list)
	g.list = g.list[:0]
}

func (g *gather) flush() error {
	g.close()
	g.write()
	g.buf, g.from = g.buf[:0], 0
	return g.err
}
