package mkv_test

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/mkv"
)

// documents reads data as an archive does that stores each Cluster by itself: the front of its document, the tags before it, the
// Cluster as it came, and the tags behind it.
func documents(t *testing.T, data []byte, readSize int) [][]byte {
	t.Helper()
	r := mkv.NewReader(iotest.HalfReader(bytes.NewReader(data)), &mkv.Options{Raw: true, ReadSize: readSize})
	var all [][]byte
	var tags []byte
	taken := int64(-1)
	take := func() {
		if taken >= 0 {
			all[len(all)-1] = append(all[len(all)-1], r.Input(taken, r.Offset())...)
		}
	}
	for {
		token, err := r.Read()
		if err == io.EOF {
			take()
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token {
		case mkv.TokenTags:
			b := r.Input(r.ElementOffset(), r.Offset())
			if len(all) == 0 {
				tags = append(tags, b...)
			} else {
				all[len(all)-1] = append(all[len(all)-1], b...)
			}
		case mkv.TokenCluster:
			all = append(all, append(r.AppendHeader(nil), tags...))
			tags = nil
			taken = r.Cluster().Offset
			r.Retain(taken)
		case mkv.TokenBlock:
			take()
			taken = r.Offset()
			r.Retain(taken)
		case mkv.TokenClusterEnd:
			take()
			taken = -1
			r.Retain(-1)
		}
	}
}

// TestRaw stores the Clusters of a stream one by one: what is between elements that matter is left out, all else is as it came.
func TestRaw(t *testing.T) {
	head := doc
	info := el(idInfo, num(idTimestampScale, 1e6), str(idTitle, "x"))
	other := el(idTracks, entry(1, str(idCodecPrivate, "y")))
	tag := func(name string) []byte { return el(idTags, el(idTag, el(idSimpleTag, str(idTagName, name)))) }
	void := el(idVoid, bytes.Repeat([]byte{0}, 9000))
	a := cluster(1, simple(0, "a"), void, el(0x4DFF, []byte("kept, for the Cluster's size has it")))
	b := unknown(8, idCluster, num(idTimestamp, 9), simple(0, "b"), simple(3, "B"))
	c := cluster(20, simple(0, "c"))
	for _, tt := range []struct {
		name string
		data []byte
		want [][]byte
	}{
		{"sizes", head(info, tracks(), a, c), [][]byte{head(info, tracks(), a), head(info, tracks(), c)}},
		{"unknown sizes", head(info, tracks(), b, b, c), [][]byte{head(info, tracks(), b), head(info, tracks(), b), head(info, tracks(), c)}},
		{"without Info", head(tracks(), b), [][]byte{head(tracks(), b)}},
		{"known Segment", join(header(), el(idSegment, info, tracks(), a)), [][]byte{head(info, tracks(), a)}},
		{"tags, voids and cues", head(tag("1"), void, info, tracks(), void, tag("2"), a, void, tag("3"), el(idCues, []byte("xx")), tag("4"), b, tag("5")),
			[][]byte{head(info, tracks(), tag("1"), tag("2"), a, tag("3"), tag("4")), head(info, tracks(), b, tag("5"))}},
		{"Tracks change", head(info, tracks(), a, other, b, other, c), [][]byte{head(info, tracks(), a), head(info, other, b), head(info, other, c)}},
		{"Info changes", head(info, tracks(), a, el(idInfo, str(idTitle, "z")), tracks(), c), [][]byte{head(info, tracks(), a), head(el(idInfo, str(idTitle, "z")), tracks(), c)}},
		{"second document", join(head(info, tracks(), b), head(other, b)), [][]byte{head(info, tracks(), b), head(other, b)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{0, 1} {
				if d := cmp.Diff(tt.want, documents(t, tt.data, size)); d != "" {
					t.Errorf("reading %d at a time: -want +got\n%s", size, d)
				}
			}
		})
	}
}
