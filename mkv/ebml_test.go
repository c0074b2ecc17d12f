package mkv_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/seed63bb8431/weir/mkv"
)

// start and one are what a document with one track and one Cluster of one frame gives.
var (
	start = []string{"document 0", "tracks 1"}
	one   = append(start[:2:2], "cluster 0", "1@0s a key")
	first = cluster(0, simple(0, "a"))
)

func after(lines ...string) []string { return append(one[:4:4], lines...) }

// TestIDs has rules 1 to 5 of EBML: variable-size integers, Element IDs and sizes.
func TestIDs(t *testing.T) {
	cases := []readCase{
		{name: "a document", data: doc(tracks(), first), want: one},
		{name: "rule 1: Element ID that begins with octet 0", data: doc(tracks(), first, []byte{0, 0x40, 0x80}), want: one, is: mkv.ErrSyntax, at: []byte{0, 0x40, 0x80}, path: "Segment"},
		{name: "rule 1: size that begins with octet 0", data: doc(tracks(), first, []byte{idVoid, 0, 1, 2, 3}), want: one, is: mkv.ErrSyntax, at: []byte{idVoid, 0}, path: "Segment"},
		{name: "rule 1: size of a child that begins with octet 0", data: doc(el(idInfo, []byte{0x7B, 0xA9, 0})), want: []string{"document 0"}, is: mkv.ErrSyntax, at: []byte{0x7B, 0xA9, 0}},
		{name: "rule 1: size that begins with octet 0 in a Cluster", data: doc(tracks(), cluster(0, []byte{idSimpleBlock, 0, 0})), want: append(start[:2:2], "cluster 0"), is: mkv.ErrSyntax, at: []byte{idSimpleBlock, 0, 0}, path: "Segment/Cluster[0]/Block[0]"},
		{name: "rule 3: longer form of EBMLVersion", data: join(header(num(0x200286, 99)), unknown(8, idSegment, tracks(), first)), want: one},
		{name: "rule 3: longer form of EBMLReadVersion", data: join(header(num(0x2002F7, 99)), unknown(8, idSegment, tracks(), first)), want: one},
		{name: "rule 3: longer form of SimpleBlock", data: doc(tracks(), cluster(0, simple(0, "a"), el(0x4023, block(1, 0, key, "b")))), want: one},
		{name: "rule 4: Element ID of 5 octets", data: doc(tracks(), first, []byte{0x08, 1, 2, 3, 4, 0x80}), want: one, is: mkv.ErrSyntax, at: []byte{0x08, 1, 2, 3, 4}},
		{name: "rule 4: size of 9 octets", data: doc(tracks(), first, []byte{idVoid, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0}), want: one, is: mkv.ErrSyntax},
		{name: "rule 4: EBMLMaxIDLength of 5", data: join(header(num(idEBMLMaxIDLength, 5)), unknown(8, idSegment)), is: mkv.ErrUnsupported, at: num(idEBMLMaxIDLength, 5), path: "EBML"},
		{name: "rule 4: EBMLMaxSizeLength of 9", data: join(header(num(idEBMLMaxSizeLength, 9)), unknown(8, idSegment)), is: mkv.ErrUnsupported, at: num(idEBMLMaxSizeLength, 9)},
		{name: "rule 4: lengths of 4 and 8", data: join(header(num(idEBMLMaxIDLength, 4), num(idEBMLMaxSizeLength, 8)), unknown(8, idSegment, tracks(), first)), want: one},
		{name: "rule 5: a size of 2^56−2 is finite", data: doc(tracks(), first, claim(idVoid, 1<<56-2, 8)), want: one, is: mkv.ErrLimit, at: claim(idVoid, 1<<56-2, 8)},
	}
	for _, id := range []uint32{0x80, 0xFF, 0x4000, 0x7FFF, 0x200000, 0x3FFFFF, 0x10000000, 0x1FFFFFFF} {
		bad := el(id, []byte("xx"))
		cases = append(cases,
			readCase{name: fmt.Sprintf("rule 2: data of Element ID %X", id), data: doc(tracks(), first, bad), want: one, is: mkv.ErrSyntax, at: bad},
			readCase{name: fmt.Sprintf("rule 2: data of Element ID %X in Tracks", id), data: doc(el(idTracks, bad)), want: start[:1], is: mkv.ErrSyntax, at: bad})
	}
	for width := range 8 {
		w := width + 1
		cases = append(cases, readCase{name: fmt.Sprintf("rule 5: sizes of %d octets", w), want: one, data: join(
			sized(w, idEBML, sized(w, idDocType, []byte("webm"))),
			sized(max(w, 2), idSegment, sized(w, idTracks, sized(w, idTrackEntry, sized(w, idTrackNumber, []byte{1}), sized(w, idTrackType, []byte{2}))),
				sized(w, idCluster, sized(w, idTimestamp, []byte{0}), sized(w, idSimpleBlock, block(1, 0, key, "a")))))})
	}
	runCases(t, cases)
}

// TestUnknownSizes has rules 6 to 9.
func TestUnknownSizes(t *testing.T) {
	var cases []readCase
	for width := range 8 {
		w := width + 1
		cases = append(cases,
			readCase{name: fmt.Sprintf("rule 6: unknown size of %d octets", w), want: after("cluster 1", "1@1s b key"), data: join(header(), unknown(w, idSegment, tracks(),
				unknown(w, idCluster, num(idTimestamp, 0), simple(0, "a")), unknown(w, idCluster, num(idTimestamp, 1000), simple(0, "b"))))},
			readCase{name: fmt.Sprintf("rule 7: unknown size of %d octets on Void", w), data: doc(tracks(), first, unknown(w, idVoid)), want: one, is: mkv.ErrSyntax, at: unknown(w, idVoid)})
	}
	for name, b := range map[string][]byte{
		"Info": unknown(8, idInfo), "Tracks": unknown(8, idTracks), "Tags": unknown(8, idTags), "Cues": unknown(8, idCues), "Attachments": unknown(8, idAttachments),
	} {
		cases = append(cases, readCase{name: "rule 7: unknown size on " + name, data: doc(tracks(), first, b), want: one, is: mkv.ErrSyntax, at: b, path: "Segment"})
	}
	for name, b := range map[string][]byte{
		"SimpleBlock": unknown(1, idSimpleBlock, block(1, 0, key, "b")), "BlockGroup": unknown(1, idBlockGroup), "Timestamp": unknown(1, idTimestamp), "Void": unknown(1, idVoid),
	} {
		data := doc(tracks(), first, unknown(1, idCluster, num(idTimestamp, 0), b))
		cases = append(cases, readCase{name: "rule 7: unknown size on " + name + " in a Cluster", data: data, want: after("cluster 1"), is: mkv.ErrSyntax})
	}
	for name, b := range map[string][]byte{
		"Tag": el(idTags, unknown(1, idTag)), "TrackEntry": el(idTracks, unknown(1, idTrackEntry)), "Title": el(idInfo, unknown(1, idTitle)),
	} {
		cases = append(cases, readCase{name: "rule 7: unknown size on " + name, data: doc(b), want: start[:1], is: mkv.ErrSyntax})
	}
	second := []string{"document 1", "tracks 2 3", "cluster 1", "2@5ms b key"}
	other := join(el(idTracks, entry(2), entry(3)), cluster(5, el(idSimpleBlock, block(2, 0, key, "b"))))
	cases = append(cases,
		readCase{name: "rule 7: unknown size on EBML", data: unknown(1, idEBML, str(idDocType, "webm")), is: mkv.ErrSyntax},
		readCase{name: "rule 7: unknown size on Block", data: doc(tracks(), cluster(0, el(idBlockGroup, unknown(1, idBlock, block(1, 0, 0, "b"))))), want: append(start[:2:2], "cluster 0"), is: mkv.ErrSyntax},
		readCase{name: "rule 8: Segment of unknown size ends with the input", data: doc(tracks(), first), want: one},
		readCase{name: "rule 8: ends at an EBML header", data: join(doc(tracks(), first), doc(other)), want: after(second...)},
		readCase{name: "rule 8: ends at a Segment", data: join(doc(tracks(), first), unknown(8, idSegment, other)), want: after(second...)},
		readCase{name: "rule 8: a Cluster of unknown size ends at an EBML header", data: join(doc(tracks(), unknown(1, idCluster, num(idTimestamp, 0), simple(0, "a"))), doc(other)), want: after(second...)},
		readCase{name: "rule 8: each Segment has its own Tracks", data: join(doc(tracks(), first), doc(cluster(0, simple(0, "b")))), want: after("document 1", "cluster 1")},
		readCase{name: "rule 8: known sizes", data: join(header(), el(idSegment, tracks(), first), header(), el(idSegment, other)), want: after(second...)},
		readCase{name: "rule 8: EBML header in a Segment of known size", data: join(header(), el(idSegment, tracks(), first, doc(other))), want: one, is: mkv.ErrSyntax, path: "Segment"},
		readCase{name: "rule 9: tags between Clusters are the Segment's", data: doc(tracks(), unknown(1, idCluster, num(idTimestamp, 0), simple(0, "a")),
			el(idTags, el(idTag, el(idSimpleTag, str(idTagName, "N"), str(idTagString, "v")))), unknown(1, idCluster, num(idTimestamp, 1), simple(0, "b"))), want: after("tags N=v", "cluster 1", "1@1ms b key")},
	)
	for _, id := range []uint32{idCues, idSeekHead, idAttachments, idChapters} {
		cases = append(cases, readCase{name: fmt.Sprintf("rule 9: a Cluster of unknown size ends at %X", id), want: after("cluster 1", "1@1ms b key"),
			data: doc(tracks(), unknown(1, idCluster, num(idTimestamp, 0), simple(0, "a")), el(id, simple(0, "no frame")), cluster(1, simple(0, "b")))})
	}
	for name, b := range map[string][]byte{"Tracks": tracks(), "Info": el(idInfo)} {
		cases = append(cases, readCase{name: "rule 9: a Cluster of unknown size ends at " + name, want: after("cluster 1", "1@1ms b key"),
			data: doc(el(idInfo), tracks(), unknown(1, idCluster, num(idTimestamp, 0), simple(0, "a")), b, cluster(1, simple(0, "b")))})
	}
	runCases(t, cases)
}

// TestStructure has rules 10 and 14 to 16, and 29.
func TestStructure(t *testing.T) {
	long := claim(idSimpleBlock, 40, 1, block(1, 0, key, "b"))
	void := join(el(idVoid), sized(8, idVoid), sized(8, idVoid, make([]byte, 300)))
	tag := func(parts ...[]byte) []byte { return el(idTags, parts...) }
	runCases(t, []readCase{
		{name: "rule 10: child larger than its Cluster", data: doc(tracks(), first, cluster(1, long), cluster(2, simple(0, "c"), make([]byte, 0))), want: after("cluster 1"), is: mkv.ErrSyntax, at: long, path: "Segment/Cluster[1]/Block[0]"},
		{name: "rule 10: Cluster larger than its Segment", data: join(header(), el(idSegment, tracks(), claim(idCluster, 99, 1)), first), want: start, is: mkv.ErrSyntax, at: claim(idCluster, 99, 1)},
		{name: "rule 10: child of a Cluster of unknown size larger than the Segment", data: join(header(), el(idSegment, tracks(), unknown(1, idCluster, num(idTimestamp, 0), long)), make([]byte, 99)), want: append(start[:2:2], "cluster 0"), is: mkv.ErrSyntax, at: long},
		{name: "rule 10: head larger than its parent", data: join(header(), el(idSegment, tracks(), []byte{0x1A}), []byte{0x45, 0xDF, 0xA3, 0x80}), want: start, is: mkv.ErrSyntax},
		{name: "rule 10: child larger than TrackEntry", data: doc(el(idTracks, el(idTrackEntry, claim(idTrackNumber, 9, 1)), entry(1))), want: start[:1], is: mkv.ErrSyntax, at: claim(idTrackNumber, 9, 1)},
		{name: "rule 14: SimpleBlock in Tags", data: doc(tracks(), first, tag(simple(0, "x"), el(idTag, simple(0, "x"), el(idSimpleTag, str(idTagName, "N"), simple(0, "x"))))), want: after("tags N=")},
		{name: "rule 14: SimpleBlock in the Segment", data: doc(tracks(), first, simple(0, "x")), want: one},
		{name: "rule 14: Tracks in Info, Timestamp in the Segment", data: doc(el(idInfo, tracks(entry(9))), tracks(), num(idTimestamp, 77), first), want: one},
		{name: "rule 14: Segment in Tags", data: doc(tracks(), first, tag(unknown(1, idSegment)[:4], []byte{0x80})), want: after("tags")},
		{name: "rule 15: unknown elements", data: doc(el(0x7ABC, make([]byte, 99)), tracks(el(0x6ABC, []byte("xyz"))), cluster(0, el(0x6ABC), simple(0, "a"), el(0x6ABC, []byte("xyz")))), want: one},
		{name: "rule 15: Void anywhere", data: join(void, el(idEBML, void, str(idDocType, "webm"), void), void, unknown(8, idSegment, void, tracks(void, el(idTrackEntry, void, num(idTrackNumber, 2), num(idTrackType, 1))),
			el(idCluster, void, num(idTimestamp, 0), void, el(idBlockGroup, void, el(idBlock, block(2, 0, 0, "b")), void), void))), want: []string{"document 0", "tracks 1 2", "cluster 0", "2@0s b key"}},
		{name: "rule 29: EBMLReadVersion of 2", data: join(header(num(idEBMLReadVersion, 2)), unknown(8, idSegment)), is: mkv.ErrUnsupported, at: num(idEBMLReadVersion, 2)},
		{name: "rule 29: DocTypeReadVersion of 5", data: join(header(num(idDocTypeReadVersion, 5)), unknown(8, idSegment)), is: mkv.ErrUnsupported, at: num(idDocTypeReadVersion, 5)},
		{name: "rule 29: DocTypeReadVersion of 4", data: join(header(num(idDocTypeReadVersion, 4)), unknown(8, idSegment, tracks(), first)), want: one},
		{name: "rule 29: other DocType", data: join(el(idEBML, str(idDocType, "html")), unknown(8, idSegment)), is: mkv.ErrUnsupported, path: "EBML"},
		{name: "rule 29: no EBML header", data: unknown(8, idSegment, tracks(), first), is: mkv.ErrSyntax, path: "EBML"},
		{name: "rule 29: no Matroska", data: []byte("plain text"), is: mkv.ErrSyntax, path: "EBML"},
	})
}

// TestValues has rules 17 to 19 and 21: values of every width, defaults, and what is none.
func TestValues(t *testing.T) {
	var cases []readCase
	for width := range 8 {
		seven := append(make([]byte, width), 7)
		cases = append(cases, readCase{name: fmt.Sprintf("rule 18: unsigned integers of %d octets", width+1), want: []string{"document 0", "tracks 7", "cluster 0", "7@7ms a key"},
			data: doc(el(idTracks, el(idTrackEntry, el(idTrackNumber, seven), num(idTrackType, 2))), el(idCluster, el(idTimestamp, seven), el(idSimpleBlock, block(7, 0, key, "a"))))})
	}
	bad := func(name string, is error, at []byte, data []byte, want ...string) {
		cases = append(cases, readCase{name: name, data: data, is: is, at: at, want: append([]string{"document 0"}, want...)})
	}
	nine := make([]byte, 9)
	info := func(b []byte) []byte { return doc(el(idInfo, b)) }
	track := func(b []byte) []byte { return doc(el(idTracks, entry(1, b))) }
	for _, b := range [][]byte{el(idTrackNumber, nine), el(idDefaultDuration, nine), el(idVideo, el(0xB0, nine)), el(idAudio, el(idChannels, nine))} {
		bad(fmt.Sprintf("rule 18: integer of 9 octets in % X", b[:2]), mkv.ErrSyntax, nil, track(b))
	}
	bad("rule 18: Timestamp of 9 octets", mkv.ErrSyntax, el(idTimestamp, nine), doc(tracks(), el(idCluster, el(idTimestamp, nine))), "tracks 1", "cluster 0")
	bad("rule 18: BlockDuration of 9 octets", mkv.ErrSyntax, el(idBlockDuration, nine), doc(tracks(), cluster(0, el(idBlockGroup, el(idBlock, block(1, 0, 0, "a")), el(idBlockDuration, nine)))), "tracks 1", "cluster 0")
	for _, n := range []int{1, 2, 3, 5, 7, 9} {
		bad(fmt.Sprintf("rule 18: float of %d octets", n), mkv.ErrSyntax, el(idDuration, nine[:n]), info(el(idDuration, nine[:n])))
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		bad(fmt.Sprint("rule 18: Duration of ", v), mkv.ErrSyntax, f64(idDuration, v), info(f64(idDuration, v)))
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), 0, -1, math.SmallestNonzeroFloat64 * -1} {
		rate, scale := f64(idSamplingFrequency, v), f64(idTrackTimestampScale, v)
		bad(fmt.Sprint("rule 18: SamplingFrequency of ", v), mkv.ErrSyntax, rate, track(el(idAudio, rate)))
		bad(fmt.Sprint("rule 18: TrackTimestampScale of ", v), mkv.ErrSyntax, scale, track(scale))
	}
	bad("rule 17: empty TrackNumber", mkv.ErrSyntax, nil, doc(el(idTracks, el(idTrackEntry, el(idTrackNumber), num(idTrackType, 2)))))
	bad("rule 17: empty TrackType", mkv.ErrSyntax, nil, doc(el(idTracks, el(idTrackEntry, num(idTrackNumber, 1), el(idTrackType)))))
	bad("rule 17: no TrackNumber", mkv.ErrSyntax, nil, doc(el(idTracks, el(idTrackEntry, num(idTrackType, 2)))))
	bad("rule 17: Channels of 0", mkv.ErrSyntax, nil, track(el(idAudio, el(idChannels, []byte{0}))))
	bad("rule 21: TimestampScale of 0", mkv.ErrSyntax, nil, info(el(idTimestampScale, []byte{0})))
	bad("rule 21: TimestampScale of 10^9+1", mkv.ErrSyntax, num(idTimestampScale, 1e9+1), info(num(idTimestampScale, 1e9+1)))
	cases = append(cases,
		readCase{name: "rule 17: empty elements have their defaults", data: join(header(el(idEBMLReadVersion), el(idDocTypeReadVersion), el(idEBMLMaxIDLength), el(idEBMLMaxSizeLength), el(idDocType)),
			unknown(8, idSegment, el(idInfo, el(idTimestampScale), el(idDuration)), tracks(entry(2, el(idAudio, el(idChannels), el(idSamplingFrequency)), el(idTrackTimestampScale))), el(idCluster, el(idTimestamp), simple(3, "a")))),
			want: []string{"document 0", "tracks 1 2", "cluster 0", "1@3ms a key"}},
		readCase{name: "rule 19: strings end at the first NUL and are UTF-8", want: after("tags NÄ=v\uFFFD"),
			data: doc(tracks(), first, el(idTags, el(idTag, el(idSimpleTag, str(idTagName, "NÄ\x00rest"), str(idTagString, "v\xff\xfe")))))},
		readCase{name: "rule 19: DocType with padding", data: join(el(idEBML, str(idDocType, "webm\x00\x00")), unknown(8, idSegment, tracks(), first)), want: one},
		readCase{name: "rule 30: cut in an Element ID", data: doc(tracks(), first, appendID(nil, idCluster)[:2]), want: one, is: io.ErrUnexpectedEOF},
		readCase{name: "rule 30: cut in a size", data: doc(tracks(), first, appendID(nil, idCluster)), want: one, is: io.ErrUnexpectedEOF},
		readCase{name: "rule 30: cut in a frame", data: bytes.TrimSuffix(doc(tracks(), cluster(0, simple(0, "a"), simple(1, strings.Repeat("b", 99)))), []byte("b")), want: one, is: io.ErrUnexpectedEOF, path: "Segment/Cluster[0]/Block[1]"},
		readCase{name: "rule 30: cut between the elements of a Segment of known size", data: join(header(), claim(idSegment, 999, 2, tracks(), first)), want: one, is: io.ErrUnexpectedEOF},
		readCase{name: "nothing", data: nil},
	)
	runCases(t, cases)
}
