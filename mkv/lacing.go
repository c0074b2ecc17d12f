package mkv

import "time"

// The lacings of RFC 9559, 10.3, as they stand in a block's flags.
const (
	lacingXiph  = 1
	lacingFixed = 2
	lacingEBML  = 3
)

// frameLength is how long one frame, or one byte, of a track lasts: num/den nanoseconds.
type frameLength struct {
	num, den int64
	perByte  bool
}

// lace holds the frames of the current block that are still to be told.
type lace struct {
	sizes   [256]int
	n, next int

	base   Block // the block that the frames come from; its Duration is that of the whole lace
	offset int64
	length frameLength
	bytes  int64 // of the frames told
}

// parse finds the sizes of the laced frames. data follows the block's header; what is wrong with it is returned, or "".
func (l *lace) parse(kind byte, data []byte) string {
	l.n, l.next = 0, 0
	if len(data) == 0 {
		return "lacing without a frame count"
	}
	n := int(data[0]) + 1
	rest := data[1:]
	switch kind {
	case lacingFixed:
		if len(rest)%n != 0 {
			return "fixed-size lacing does not divide its block"
		}
		for i := range n {
			l.sizes[i] = len(rest) / n
		}
	case lacingXiph:
		total := 0
		for i := range n - 1 {
			size := 0
			for {
				if len(rest) == 0 {
					return "Xiph lacing ends early"
				}
				c := rest[0]
				rest = rest[1:]
				size += int(c)
				if c != 255 {
					break
				}
			}
			l.sizes[i] = size
			total += size
		}
		if total > len(rest) {
			return "laced frames are larger than their block"
		}
		l.sizes[n-1] = len(rest) - total
	case lacingEBML:
		total, last := int64(0), int64(0)
		for i := range n - 1 {
			v, m := parseSize(rest)
			if m <= 0 {
				return "EBML lacing ends early"
			}
			if v == SizeUnknown {
				v = 1<<(7*m) - 1
			}
			if i == 0 {
				last = v
			} else {
				last += v - (1<<(7*m-1) - 1)
			}
			rest = rest[m:]
			if total += last; last < 0 || total > int64(len(data)) {
				return "laced frames are larger than their block"
			}
			l.sizes[i] = int(last)
		}
		if total > int64(len(rest)) {
			return "laced frames are larger than their block"
		}
		l.sizes[n-1] = len(rest) - int(total)
	}
	l.n = n
	l.offset = int64(len(data) - len(rest))
	return ""
}

// start begins to tell the frames of b, whose sizes have been parsed.
func (l *lace) start(b *Block, t *TrackEntry) {
	l.base = *b
	l.offset += b.Offset
	l.bytes = 0
	l.length = t.frame
	if l.length.den == 0 {
		l.length = frameLength{num: int64(t.Track.DefaultDuration), den: 1}
		if l.length.num == 0 && b.Duration > 0 && b.Duration <= time.Hour { // as DefaultDuration is bounded
			l.length = frameLength{num: int64(b.Duration), den: int64(l.n)}
		}
	}
	l.dropEmpty()
}

// dropEmpty passes over frames of no bytes.
func (l *lace) dropEmpty() {
	for l.next < l.n && l.sizes[l.next] == 0 && len(l.base.Prefix) == 0 {
		l.next++
	}
}

// nextLaced makes the next frame of the lace the reader's block.
func (r *Reader) nextLaced() {
	l := &r.lace
	b := l.base
	b.Offset, b.Size = l.offset, l.sizes[l.next]
	units := int64(l.next)
	if l.length.perByte {
		units = l.bytes
	}
	if pts := b.PTS + time.Duration(units*l.length.num/l.length.den); pts >= 0 {
		b.PTS = pts
	}
	b.Laced = l.next > 0
	if l.n > 1 {
		b.Duration = 0
	}
	l.offset += int64(b.Size)
	l.bytes += int64(b.Size)
	l.next++
	l.dropEmpty()
	r.block = b
}
