package check

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
)

var (
	ruleM01 = must("M01", "box sizes fill the file", "ISO/IEC 14496-12, 4.2")
	ruleM02 = must("M02", "child boxes fill their parents", "ISO/IEC 14496-12, 4.2")
)

// maxDepth and maxBoxes bound the tree of one top-level box, maxTracks what a moov may have.
const (
	maxDepth  = 16
	maxBoxes  = 1 << 18
	maxTracks = 256
)

// box is where a box lies in its resource.
type box struct {
	typ    string
	at     int64 // of its size field
	size   int64 // with its header
	header int64
}

func (b box) end() int64 { return b.at + b.size }

// readBox reads the header at a place of r, of which the bytes up to end are the parent's. A size of 0 reaches to end.
func readBox(r io.ReaderAt, at, end int64) (box, error) {
	var h [16]byte
	if end-at < 8 {
		return box{}, fmt.Errorf("%d stray bytes", end-at)
	}
	if _, err := r.ReadAt(h[:8], at); err != nil {
		return box{}, err
	}
	b := box{typ: string(h[4:8]), at: at, size: int64(binary.BigEndian.Uint32(h[:])), header: 8}
	for _, ch := range h[4:8] {
		if (ch < ' ' || ch > '~') && ch != 0xA9 {
			return box{}, fmt.Errorf("box type %q", b.typ)
		}
	}
	switch b.size {
	case 0:
		b.size = end - at
	case 1:
		if end-at < 16 {
			return box{}, fmt.Errorf("box %s of %d bytes has a 64-bit size", b.typ, end-at)
		}
		if _, err := r.ReadAt(h[8:], at+8); err != nil {
			return box{}, err
		}
		b.size, b.header = int64(binary.BigEndian.Uint64(h[8:])), 16
	}
	if b.size < b.header || b.size > end-at {
		return box{}, fmt.Errorf("box %s has size %d, %d bytes are left", b.typ, b.size, end-at)
	}
	return b, nil
}

// topBoxes walks the top level of a resource, and judges M01. What was read before the damage is returned.
func (c *checker) topBoxes(b *blob) ([]box, bool) {
	var boxes []box
	for at := int64(0); at < b.size; {
		x, err := readBox(b, at, b.size)
		if err != nil {
			c.fail(ruleM01, spot(b.name, b.base+at, ""), err, "a whole box")
			return boxes, false
		}
		if len(boxes) == maxBoxes {
			c.fail(ruleM01, spot(b.name, b.base+at, ""), "more boxes", fmt.Sprintf("at most %d", maxBoxes))
			return boxes, false
		}
		boxes = append(boxes, x)
		at = x.end()
	}
	c.ok(ruleM01, len(boxes) > 0, whole(b.name, ""), "no bytes", "boxes")
	return boxes, len(boxes) > 0
}

// children is the number of bytes before the first child of the boxes that have some.
var children = map[string]int{
	"moov": 0, "trak": 0, "edts": 0, "mdia": 0, "minf": 0, "dinf": 0, "stbl": 0, "mvex": 0, "moof": 0, "traf": 0, "mfra": 0,
	"udta": 0, "dref": 8, "stsd": 8, "avc1": 78, "avc3": 78, "hvc1": 78, "hev1": 78, "mp4a": 28,
}

// decoded are the boxes that mp4ff gets to see, with the bytes before and in each entry of those that have a count. The others are
// hidden from it: what is not needed cannot hurt.
var decoded = map[string]table{
	"moov": {}, "mvhd": {}, "trak": {}, "tkhd": {}, "edts": {}, "mdia": {}, "mdhd": {}, "hdlr": {}, "minf": {}, "stbl": {}, "stsd": {},
	"mvex": {}, "trex": {}, "mehd": {}, "moof": {}, "mfhd": {}, "traf": {}, "tfhd": {}, "tfdt": {},
	"avc1": {}, "avc3": {}, "hvc1": {}, "hev1": {}, "mp4a": {}, "avcC": {}, "hvcC": {}, "esds": {},
	"elst": {4, 12}, "stts": {4, 8}, "ctts": {4, 8}, "stsc": {4, 12}, "stco": {4, 4}, "co64": {4, 8}, "stss": {4, 4},
	"stsz": {8, 0}, "trun": {4, 0}, "sidx": {},
}

// table says where a box has its count, after its own header, and how long each entry is at least.
type table struct{ count, entry int }

// tree is one top-level box in memory, on its way to mp4ff.
type tree struct {
	data  []byte // changed in place: hidden boxes become 'free'
	base  int64  // of data in the resource
	boxes int
	// What mp4ff is not asked for, by the number of the trak: its first sample entry, and the record in it.
	traks   int
	entries map[int]string
	records map[int][]byte
	// runs counts the trun boxes; repeat has the sample counts of those that say nothing of each sample. mp4ff refuses many of these,
	// and is shown one.
	runs   int
	repeat map[int]int
}

// damage is an error at a place of a tree.
type damage struct {
	at   int64
	path string
	text string
}

// walk checks the children of data[from:to] and hides what mp4ff need not see.
func (t *tree) walk(from, to, depth int, path string) *damage {
	if depth > maxDepth {
		return &damage{t.base + int64(from), path, fmt.Sprintf("more than %d levels", maxDepth)}
	}
	for at := from; at < to; {
		if t.boxes++; t.boxes > maxBoxes {
			return &damage{t.base + int64(at), path, fmt.Sprintf("more than %d boxes", maxBoxes)}
		}
		b, err := readBox(reader(t.data), int64(at), int64(to))
		if err != nil {
			return &damage{t.base + int64(at), path, err.Error()}
		}
		body, end, where := at+int(b.header), int(b.end()), path+"/"+b.typ
		if d := t.visit(b, body, end, depth, where); d != nil {
			return d
		}
		at = end
	}
	return nil
}

func (t *tree) visit(b box, body, end, depth int, where string) *damage {
	tab, known := decoded[b.typ]
	switch b.typ {
	case "trak":
		t.traks++
	case "avcC", "hvcC":
		if t.records[t.traks] == nil {
			t.records[t.traks] = t.data[body:end]
		}
	}
	if skip, ok := children[b.typ]; ok {
		if b.typ == "mp4a" && end-body >= 10 && binary.BigEndian.Uint16(t.data[body+8:]) == 1 {
			skip += 16 // version 1 of QuickTime
		}
		if end-body < skip {
			return &damage{t.base + b.at, where, fmt.Sprintf("%d bytes", end-body)}
		}
		inner := body + skip
		if b.typ == "udta" && end-inner >= 4 && end-inner < 8 { // QuickTime ends it with 32 zero bits
			inner = end
		}
		if d := t.walk(inner, end, depth+1, where); d != nil {
			return d
		}
	}
	if tab.count > 0 {
		if d := t.count(b, body, end, where, tab); d != nil {
			return d
		}
	}
	if strings.HasSuffix(where, "/stsd/"+b.typ) && t.entries[t.traks] == "" {
		t.entries[t.traks] = b.typ
	}
	if !known {
		copy(t.data[b.at+4:], "free")
	}
	return nil
}

// count sees to it that the entries of a table fit into it, so that a reader can make room for as many as it says.
func (t *tree) count(b box, body, end int, where string, tab table) *damage {
	at := body + tab.count
	if end-at < 4 {
		return &damage{t.base + b.at, where, fmt.Sprintf("%d bytes", end-body)}
	}
	n, left := int64(binary.BigEndian.Uint32(t.data[at:])), int64(end-at-4)
	entry := int64(tab.entry)
	switch b.typ {
	case "elst":
		if t.data[body] == 1 {
			entry = 20
		}
	case "stsz":
		if binary.BigEndian.Uint32(t.data[body+4:]) == 0 {
			entry = 4
		}
	case "trun":
		flags := binary.BigEndian.Uint32(t.data[body:])
		for bit := uint32(0x100); bit <= 0x800; bit <<= 1 {
			if flags&bit != 0 {
				entry += 4
			}
		}
		for bit := uint32(1); bit <= 4; bit <<= 2 {
			if flags&bit != 0 {
				left -= 4
			}
		}
	}
	if n*entry > left {
		return &damage{t.base + b.at, where, fmt.Sprintf("%d entries of %d bytes in %d", n, entry, left)}
	}
	if where == "moof/traf/trun" {
		if entry == 0 && n > 1 {
			t.repeat[t.runs] = int(min(n, math.MaxInt32))
			binary.BigEndian.PutUint32(t.data[at:], 1)
		}
		t.runs++
	}
	return nil
}

// reader is io.ReaderAt over a slice without an allocation.
type reader []byte

func (r reader) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 || at > int64(len(r)) {
		return 0, io.EOF
	}
	n := copy(p, r[at:])
	if n < len(p) {
		return n, io.ErrUnexpectedEOF
	}
	return n, nil
}
