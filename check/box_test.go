package check_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/Eyevinn/mp4ff/bits"
	"github.com/Eyevinn/mp4ff/mp4"
)

var be = binary.BigEndian

// inner is the number of bytes before the first child of a box.
var inner = map[string]int{"stsd": 8, "avc1": 78, "mp4a": 28}

// find returns where the body of a box begins and where it ends; path is for example "moof/traf/tfhd".
func find(t testing.TB, b []byte, path string) (from, to int) {
	t.Helper()
	from, to = 0, len(b)
	for name := range strings.SplitSeq(path, "/") {
		at, found := from, false
		for !found && at+8 <= to {
			size := int(be.Uint32(b[at:]))
			if size < 8 {
				break
			}
			if string(b[at+4:at+8]) == name {
				from, to, found = at+8+inner[name], at+size, true
			}
			at += size
		}
		if !found {
			t.Fatalf("no box %s", path)
		}
	}
	return from, to
}

// body returns the body of a box, to be changed in place.
func body(t testing.TB, b []byte, path string) []byte {
	t.Helper()
	from, to := find(t, b, path)
	return b[from:to]
}

// rename gives a box another type.
func rename(t testing.TB, b []byte, path, name string) {
	t.Helper()
	from, _ := find(t, b, path)
	old := path[strings.LastIndex(path, "/")+1:]
	copy(b[from-inner[old]-4:], name)
}

// box returns a box with a body.
func box(name string, body ...[]byte) []byte {
	all := bytes.Join(body, nil)
	b := be.AppendUint32(nil, uint32(8+len(all)))
	return append(append(b, name...), all...)
}

// edit has mp4ff read a top-level box, changes it, and puts it in the place of the old one.
func edit[B mp4.Box](t testing.TB, b []byte, name string, change func(B)) []byte {
	t.Helper()
	from, to := find(t, b, name)
	decoded, err := mp4.DecodeBoxSR(uint64(from-8), bits.NewFixedSliceReader(b[from-8:to]))
	if err != nil {
		t.Fatal(err)
	}
	change(decoded.(B))
	var out bytes.Buffer
	if err := decoded.Encode(&out); err != nil {
		t.Fatal(err)
	}
	return bytes.Join([][]byte{b[:from-8], out.Bytes(), b[to:]}, nil)
}

// single returns one file of a track with a sidx before its fragments, and the first and last byte of the sidx.
func (r *recording) single(track int, scale uint32, offset int64) (file []byte, first, last int) {
	refs := be.AppendUint16([]byte{0, 0}, uint16(len(r.segments[track])))
	for k, s := range r.segments[track] {
		d := uint32(0)
		for _, x := range r.fragments[k].runs[track].Samples {
			d += x.Duration
		}
		refs = be.AppendUint32(refs, uint32(len(s)))
		refs = be.AppendUint32(refs, d)
		refs = be.AppendUint32(refs, 0x90000000)
	}
	head := be.AppendUint32([]byte{0, 0, 0, 0}, 1)
	head = be.AppendUint32(head, scale)
	head = be.AppendUint32(head, uint32(offset))
	head = be.AppendUint32(head, 0)
	sidx := box("sidx", head, refs)
	file = append(bytes.Clone(r.init[track]), sidx...)
	first, last = len(r.init[track]), len(file)-1
	for _, s := range r.segments[track] {
		file = append(file, s...)
	}
	return file, first, last
}
