package codec

import "bytes"

// RandomAccess tells how a decoder may start at a frame. Greater values are better places to start.
type RandomAccess uint8

// The kinds of random access points of H.264 and H.265.
const (
	None          RandomAccess = iota // not a random access point
	RecoveryPoint                     // a recovery point SEI message; pictures get right after a while
	CRA                               // H.265 clean random access; leading pictures may be undecodable
	BLA                               // H.265 broken link access
	IDR                               // instantaneous decoding refresh
)

// String returns the name of the constant.
func (a RandomAccess) String() string {
	switch a {
	case None:
		return "None"
	case RecoveryPoint:
		return "RecoveryPoint"
	case CRA:
		return "CRA"
	case BLA:
		return "BLA"
	case IDR:
		return "IDR"
	}
	return "RandomAccess(?)"
}

// FrameInfo is what the headers of a frame's NAL units tell.
type FrameInfo struct {
	Access RandomAccess
	// ParameterSets is true when the frame holds sequence, picture or video parameter sets.
	ParameterSets bool
	// Changed is true when one of them is an SPS or VPS that the configuration does not have: from here on this is
	// another stream, which needs another configuration.
	Changed bool
	// NewSets is true when one of them, of any kind, is not in the configuration: it has to stay in the frame.
	NewSets bool
	// Rewrite is true when AppendFrame makes other bytes of the frame: its lengths are not 4 bytes long, or it
	// holds parameter sets that are dropped.
	Rewrite bool
	// LeadingSkipped is true for an H.265 RASL picture, which cannot be decoded when decoding started at the CRA
	// before it.
	LeadingSkipped bool
}

// VideoConfig is a Config of pictures, *AVC or *HEVC.
type VideoConfig interface {
	Config
	// Inspect tells what a frame is. It does not allocate unless there is an error, which wraps ErrInvalidFrame,
	// and ErrAnnexB too when the frame has start codes where the configuration says lengths.
	Inspect(data []byte) (FrameInfo, error)
	// AppendFrame appends the frame with 4-byte lengths, without the parameter sets that the configuration has; when
	// it holds nothing else, they are kept. On an error dst is returned as it was.
	AppendFrame(dst, data []byte) ([]byte, error)
	// WithLengthSize returns a copy for frames whose NAL unit lengths are n bytes long, 0 for start codes.
	// Any n but 0, 1, 2 and 4 is taken as 4.
	WithLengthSize(n int) VideoConfig
	// WithParameterSets returns the configuration that holds from a frame on whose parameter sets differ (FrameInfo.NewSets):
	// they take the place of those of the same kind and id, and come first. Errors are those of NewAVC and NewHEVC.
	WithParameterSets(frame []byte) (VideoConfig, error)
	// PictureInfo returns what the sequence parameter set says. It must not be changed.
	PictureInfo() *Picture
	// ParameterSets returns the sets in the order in which a decoder needs them. They must not be changed.
	ParameterSets() [][]byte
}

// fixLengthSize makes any number one that frames can have.
func fixLengthSize(n int) int {
	switch n {
	case 0, 1, 2:
		return n
	}
	return 4
}

// nalClass is what a NAL unit is for a packager.
type nalClass struct {
	access RandomAccess
	set    bool // a parameter set
	stream bool // one that makes another stream when it changes
	record bool // it is in the configuration
	sei    bool // may hold a recovery point
	rasl   bool
}

// classifier sorts the NAL units of one codec. It is implemented by *AVC and *HEVC.
type classifier interface {
	headerSize() int
	classify(nal []byte) nalClass
}

// maxFrameSets bounds the parameter sets of a frame, each of which is compared with those of the record. H.264 has ids
// for 32 and 256 of them, H.265 for 16, 16 and 64.
const maxFrameSets = 1024

// inspect walks through a frame. kept counts the NAL units that AppendFrame keeps.
func inspect[C classifier](c C, size int, data []byte) (info FrameInfo, kept int, err error) {
	w := walker{data: data, size: size}
	total, seis, sets := 0, 0, 0
	for nal, ok := w.next(); ok; nal, ok = w.next() {
		if len(nal) < c.headerSize() {
			w.pos -= len(nal)
			w.bad = true
			break
		}
		k := c.classify(nal)
		total++
		info.Access = max(info.Access, k.access)
		info.LeadingSkipped = info.LeadingSkipped || k.rasl
		if k.sei {
			seis++
		}
		if k.set {
			if sets++; sets > maxFrameSets {
				return FrameInfo{}, 0, &Error{Offset: int64(w.pos), Detail: "too many parameter sets", Err: ErrInvalidFrame}
			}
			info.ParameterSets = true
			info.NewSets = info.NewSets || !k.record
			info.Changed = info.Changed || k.stream && !k.record
		}
		if !(k.set && k.record) {
			kept++
		}
	}
	if w.bad || total == 0 {
		return FrameInfo{}, 0, frameError(data, size, w.pos, c.headerSize())
	}
	info.Rewrite = size != 4 || kept > 0 && kept < total
	if info.Access == None && seis > 0 && hasRecoveryPoint(c, size, data) {
		info.Access = RecoveryPoint
	}
	return info, kept, nil
}

// appendFrame appends a frame that inspect has found good.
func appendFrame[C classifier](c C, size int, dst, data []byte) ([]byte, error) {
	info, kept, err := inspect(c, size, data)
	if err != nil {
		return dst, err
	}
	if !info.Rewrite {
		return append(dst, data...), nil
	}
	w := walker{data: data, size: size}
	for nal, ok := w.next(); ok; nal, ok = w.next() {
		if kept > 0 {
			if k := c.classify(nal); k.set && k.record {
				continue
			}
		}
		dst = appendNAL(dst, nal)
	}
	return dst, nil
}

// hasRecoveryPoint looks for a recovery point SEI message in the frame.
func hasRecoveryPoint[C classifier](c C, size int, data []byte) bool {
	w := walker{data: data, size: size}
	for nal, ok := w.next(); ok; nal, ok = w.next() {
		if c.classify(nal).sei && seiHasRecoveryPoint(nal[c.headerSize():]) {
			return true
		}
	}
	return false
}

// maxSEISize is far above any payload in use; it keeps sums of bytes small.
const maxSEISize = 1 << 24

// seiHasRecoveryPoint reads the headers of the SEI messages in a payload (H.264 7.3.2.3.1, H.265 7.3.5).
func seiHasRecoveryPoint(payload []byte) bool {
	const recoveryPoint = 6
	r := newRBSPReader(payload)
	for r.err == nil && r.remaining() > 8 { // a message has 2 bytes at least, the trailing bits follow
		typ, ok := readSEINumber(&r)
		if !ok {
			return false
		}
		if typ == recoveryPoint {
			return true
		}
		size, ok := readSEINumber(&r)
		if !ok || size > r.remaining()/8 {
			return false
		}
		r.skip(8 * size)
	}
	return false
}

// readSEINumber reads a payloadType or payloadSize: 255 for each byte 0xFF, and the byte after them.
func readSEINumber(r *bitReader) (int, bool) {
	n := 0
	for {
		b := int(r.u(8))
		n += b
		if n > maxSEISize {
			return 0, false
		}
		if r.err != nil || b != 0xff {
			return n, r.err == nil
		}
	}
}

// sameSet compares parameter sets. Trailing zero bytes are no part of one, and the bits of ignore in the header
// byte do not matter.
func sameSet(a, b []byte, ignore byte) bool {
	a, b = bytes.TrimRight(a, "\x00"), bytes.TrimRight(b, "\x00")
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	return (a[0]^b[0])&^ignore == 0 && bytes.Equal(a[1:], b[1:])
}

// containsSet tells whether sets holds nal.
func containsSet(sets [][]byte, nal []byte, ignore byte) bool {
	for _, s := range sets {
		if sameSet(s, nal, ignore) {
			return true
		}
	}
	return false
}
