package httpapi

import "time"

const (
	// minRate is how fast media has to be taken, in bytes a second.
	minRate = 1000
	// maxBehind is how far a reader may be behind that.
	maxBehind = 30 * time.Second
	// maxPiece is how many bytes are written with one deadline.
	maxPiece = 64 << 10
)

// pace ends writing to a reader that is slower than minRate for long. Only time in which bytes wait for the reader counts, and a
// reader that is faster makes up for what it was behind, but saves nothing up.
type pace struct {
	behind time.Duration // how much longer than at minRate the reader may take from here
}

// write does the writing of n bytes with a deadline.
func (p *pace) write(x *exchange, n int, do func() error) error {
	allowed := time.Duration(n) * (time.Second / minRate)
	began := time.Now()
	// A deadline that is not after now would not be one.
	x.limitWrite(max(p.behind+allowed, time.Nanosecond))
	err := do()
	p.behind = min(p.behind+allowed-time.Since(began), maxBehind)
	return err
}
