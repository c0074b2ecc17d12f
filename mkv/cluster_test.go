package mkv_test

import (
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/seed63bb8431/weir/mkv"
)

// TestTimes has rules 21 and 22.
func TestTimes(t *testing.T) {
	head := []string{"document 0", "tracks 1", "cluster 0"}
	scaled := func(scale uint64, parts ...[]byte) []byte {
		return doc(append([][]byte{el(idInfo, num(idTimestampScale, scale)), tracks()}, parts...)...)
	}
	perTrack := func(scale float64, b []byte) []byte {
		return doc(el(idInfo, num(idTimestampScale, 1e9)), el(idTracks, entry(1, f64(idTrackTimestampScale, scale))), b)
	}
	runCases(t, []readCase{
		{name: "rule 21: TimestampScale of 1", data: scaled(1, cluster(1_700_000_000_000_000_000, simple(-1, "a"))), want: append(head[:3:3], "1@472222h13m19.999999999s a key")},
		{name: "rule 21: TimestampScale of 10^9", data: scaled(1e9, cluster(2, simple(5, "a"))), want: append(head[:3:3], "1@7s a key")},
		{name: "rule 21: no TimestampScale", data: doc(el(idInfo), tracks(), cluster(2, simple(5, "a"))), want: append(head[:3:3], "1@7ms a key")},
		{name: "rule 21: the last Timestamp that fits", data: scaled(1, cluster(math.MaxInt64, simple(0, "a"))), want: append(head[:3:3], "1@2562047h47m16.854775807s a key")},
		{name: "rule 21: Timestamp over 2^63", data: scaled(1, cluster(1<<63, simple(0, "a"))), want: head, is: mkv.ErrSyntax, at: num(idTimestamp, 1<<63)},
		{name: "rule 21: product over 2^63", data: scaled(1e9, cluster(math.MaxInt64/1_000_000_000+1, simple(0, "a"))), want: head, is: mkv.ErrSyntax},
		{name: "rule 21: sum over 2^63", data: scaled(1, cluster(math.MaxInt64, simple(1, "a"))), want: head, is: mkv.ErrSyntax, at: block(1, 1, key, "a"), path: "Segment/Cluster[0]/Block[0]"},
		{name: "rule 21: TrackTimestampScale is of the block's part alone", data: doc(el(idTracks, entry(1, f64(idTrackTimestampScale, 0.5))), cluster(100, simple(7, "a"))), want: append(head[:3:3], "1@103.5ms a key")},
		{name: "rule 21: TrackTimestampScale and BlockDuration", data: doc(el(idTracks, entry(1, f64(idTrackTimestampScale, 2))), cluster(100, el(idBlockGroup, el(idBlock, block(1, 7, 0, "a")), num(idBlockDuration, 3)))), want: append(head[:3:3], "1@114ms a key for 6ms")},
		{name: "rule 21: TrackTimestampScale makes more than 2^63", data: perTrack(1e6, cluster(0, simple(32767, "a"))), want: head, is: mkv.ErrSyntax},
		{name: "rule 21: TrackTimestampScale makes less than −2^63", data: perTrack(1e6, cluster(0, simple(-32768, "a"))), want: head, is: mkv.ErrSyntax},
		{name: "rule 21: BlockDuration over 2^63 says nothing", data: doc(tracks(), cluster(0, el(idBlockGroup, el(idBlock, block(1, 0, 0, "a")), num(idBlockDuration, math.MaxUint64)))), want: append(head[:3:3], "1@0s a key")},
		{name: "rule 22: relative times have a sign", data: doc(tracks(), cluster(32768, simple(-32768, "a"), simple(32767, "b"))), want: append(head[:3:3], "1@0s a key", "1@1m5.535s b key")},
		{name: "rule 22: time before 0", data: doc(tracks(), cluster(4, simple(-5, "a"))), want: head, is: mkv.ErrSyntax, at: block(1, -5, key, "a")},
	})
}

// TestClusters has rules 23, 24 and 27, and rule 16 where it is about Clusters.
func TestClusters(t *testing.T) {
	head := []string{"document 0", "tracks 1", "cluster 0"}
	group := func(flags byte, parts ...[]byte) []byte {
		return doc(tracks(), cluster(0, el(idBlockGroup, append([][]byte{el(idBlock, block(1, 0, flags, "a"))}, parts...)...)))
	}
	bad := el(idCluster, crc(1, num(idTimestamp, 0), simple(0, "a")))
	torn := el(idBlockGroup, el(idBlock, block(1, 0, 0, "a")), []byte{0xFB, 0x85})
	runCases(t, []readCase{
		{name: "rule 23: block before the Timestamp", data: doc(tracks(), el(idCluster, simple(0, "a"), num(idTimestamp, 0))), want: head, is: mkv.ErrSyntax, at: block(1, 0, key, "a"), path: "Segment/Cluster[0]/Block[0]"},
		{name: "rule 23: second Timestamp behind a block", data: doc(tracks(), cluster(0, simple(0, "a"), num(idTimestamp, 9))), want: one, is: mkv.ErrSyntax, at: num(idTimestamp, 9), path: "Segment/Cluster[0]/Block[1]"},
		{name: "rule 23: a Cluster without blocks", data: doc(tracks(), el(idCluster), cluster(0)), want: append(head[:3:3], "cluster 1")},
		{name: "rule 14: Cluster in a Cluster", data: doc(tracks(), cluster(0, simple(0, "a"), cluster(1, simple(0, "b")))), want: one},
		{name: "Cluster whose size covers the next, going on", opts: mkv.Options{Resync: true}, data: doc(tracks(), cluster(0, simple(0, "a"), cluster(1, simple(0, "b")))), want: after("cluster 1", "1@1ms b key")},
		{name: "rule 24: SimpleBlock without the key flag", data: doc(tracks(), cluster(0, el(idSimpleBlock, block(1, 0, 0, "a")))), want: append(head[:3:3], "1@0s a")},
		{name: "rule 24: BlockGroup without ReferenceBlock", data: group(0), want: one},
		{name: "rule 24: BlockGroup with ReferenceBlock", data: group(key, num(idReference, 0xD8)), want: append(head[:3:3], "1@0s a")},
		{name: "rule 24: ReferenceBlock of 0", data: group(0, el(idReference, []byte{0})), want: append(head[:3:3], "1@0s a")},
		{name: "rule 24: empty ReferenceBlock", data: group(0, el(idReference)), want: append(head[:3:3], "1@0s a")},
		{name: "rule 24: ReferenceBlock and BlockDuration before the Block", data: doc(tracks(), cluster(0, el(idBlockGroup, num(idBlockDuration, 40), num(idReference, 1), el(idBlock, block(1, 0, 0, "a"))))), want: append(head[:3:3], "1@0s a for 40ms")},
		{name: "rule 24: BlockGroup without a Block", data: doc(tracks(), cluster(0, el(idBlockGroup, num(idReference, 1)))), want: head, is: mkv.ErrSyntax, at: el(idBlockGroup, num(idReference, 1)), path: "Segment/Cluster[0]/Block[0]"},
		{name: "rule 10: child larger than its BlockGroup", data: doc(tracks(), cluster(0, torn)), want: head, is: mkv.ErrSyntax, at: []byte{0xFB, 0x85}, path: "Segment/Cluster[0]/Block[0]"},
		{name: "rule 27: track numbers of 2 octets", data: doc(el(idTracks, entry(128), entry(300)), cluster(0, el(idSimpleBlock, block(128, 0, key, "a")), el(idSimpleBlock, vint(300, 4), block(1, 0, key, "b")[1:]))), want: []string{"document 0", "tracks 128 300", "cluster 0", "128@0s a key", "300@0s b key"}},
		{name: "rule 27: one octet's number in 2", data: doc(tracks(), cluster(0, el(idSimpleBlock, vint(1, 2), block(1, 0, key, "a")[1:]))), want: one},
		{name: "rule 27: blocks of unknown tracks are dropped", data: doc(tracks(), cluster(0, el(idSimpleBlock, block(2, 0, key, "x")), simple(0, "a"), el(idBlockGroup, el(idBlock, block(9, 0, 0, "x"))), el(idSimpleBlock, []byte{0x80, 0, 0, 0, 'x'}))), want: one},
		{name: "rule 27: track number of ones", data: doc(el(idTracks, el(idTrackEntry, num(idTrackNumber, math.MaxUint64), num(idTrackType, 1))), cluster(0, el(idSimpleBlock, []byte{0xFF, 0, 0, 0, 'x'}))), want: []string{"document 0", "tracks 18446744073709551615", "cluster 0"}},
		{name: "rule 27: duplicate TrackNumber", data: doc(tracks(entry(1))), want: head[:1], is: mkv.ErrSyntax},
		{name: "rule 27: block without a whole header", data: doc(tracks(), cluster(0, el(idSimpleBlock, []byte{0x81, 0, 0}))), want: head, is: mkv.ErrSyntax, path: "Segment/Cluster[0]/Block[0]"},
		{name: "rule 27: empty block", data: doc(tracks(), cluster(0, el(idSimpleBlock))), want: head, is: mkv.ErrSyntax},
		{name: "rule 16: CRC-32 of a Cluster fits", data: doc(tracks(), el(idCluster, crc(0, num(idTimestamp, 0), el(idVoid, make([]byte, 99)), simple(0, "a")))), want: one},
		{name: "rule 16: CRC-32 of a Cluster does not fit", data: doc(tracks(), bad, cluster(1)), want: one, is: mkv.ErrChecksum, at: bad},
		{name: "rule 16: it does not, going on", opts: mkv.Options{Resync: true}, data: doc(tracks(), bad, cluster(1, simple(0, "b"))), want: after("cluster 1", "1@1ms b key")},
		{name: "rule 16: CRC-32 that is not the first child", data: doc(tracks(), cluster(0, simple(0, "a"), el(idCRC32, []byte("xxxx")))), want: one},
		{name: "rule 16: CRC-32 of other masters fits", data: doc(el(idInfo, crc(0, str(idTitle, "x"))), el(idTracks, crc(0, entry(1, crc(0)))), first), want: one},
		{name: "rule 16: CRC-32 of Tracks does not fit", data: doc(el(idTracks, crc(1, entry(1)))), want: head[:1], is: mkv.ErrChecksum, path: "Segment"},
		{name: "rule 16: it does not, going on with what they say", opts: mkv.Options{Resync: true}, data: doc(el(idTracks, crc(1, entry(1))), first), want: one},
		{name: "rule 16: CRC-32 of the EBML header does not fit", data: el(idEBML, crc(1, str(idDocType, "webm"))), is: mkv.ErrChecksum, path: "EBML"},
	})
}

// TestUnknownBlocks has rule 27's count.
func TestUnknownBlocks(t *testing.T) {
	b := el(idSimpleBlock, block(2, 0, key, "x"))
	r := mkv.NewBytesReader(doc(tracks(), cluster(0, b, simple(0, "a"), b), cluster(1, b)), nil)
	if _, err := tokens(r); err != nil || r.UnknownBlocks() != 3 {
		t.Errorf("%d blocks, %v", r.UnknownBlocks(), err)
	}
}

// TestLimits has rule 12 as this package's constants have it.
func TestLimits(t *testing.T) {
	head := []string{"document 0", "tracks 1", "cluster 0"}
	many := func(n int, b []byte) []byte { return []byte(strings.Repeat(string(b), n)) }
	var numbered []byte
	names := []string{"tracks"}
	for i := range 128 {
		numbered = append(numbered, entry(uint64(i+1))...)
		names = append(names, fmt.Sprint(i+1))
	}
	last := len(entry(128))
	name := func(n int) []byte { return str(idName, strings.Repeat("x", n)) }
	tag := func(b []byte) []byte { return doc(tracks(), el(idTags, el(idTag, b)), first) }
	block9, deep := el(idSimpleBlock, block(1, 0, key, "12345")), func(n int) []byte {
		b := str(idTagName, "N")
		for range n {
			b = el(idSimpleTag, b)
		}
		return b
	}
	tight := mkv.Options{MaxFrameSize: 8, MaxTracks: 1}
	cases := []readCase{
		{name: "rule 12: 127 tracks", data: doc(el(idTracks, numbered[:len(numbered)-last])), want: []string{"document 0", strings.Join(names[:128], " ")}},
		{name: "rule 12: 128 tracks", data: doc(el(idTracks, numbered)), want: head[:1], is: mkv.ErrLimit, at: entry(128), path: "Segment"},
		{name: "rule 12: Options.MaxTracks", opts: tight, data: doc(el(idTracks, entry(7), entry(8))), want: head[:1], is: mkv.ErrLimit, at: entry(8)},
		{name: "rule 12: string of 64 KiB", data: doc(tracks(entry(2, name(64<<10)))), want: []string{"document 0", "tracks 1 2"}},
		{name: "rule 12: longer string", data: doc(tracks(entry(2, name(64<<10+1)))), want: head[:1], is: mkv.ErrLimit, at: name(64<<10 + 1)},
		{name: "rule 12: CodecPrivate of 64 KiB", data: doc(tracks(entry(2, el(idCodecPrivate, make([]byte, 64<<10))))), want: []string{"document 0", "tracks 1 2"}},
		{name: "rule 12: longer CodecPrivate", data: doc(tracks(entry(2, el(idCodecPrivate, make([]byte, 64<<10+1))))), want: head[:1], is: mkv.ErrLimit, at: el(idCodecPrivate, make([]byte, 64<<10+1))},
		{name: "rule 12: 65,536 elements of a master", data: doc(el(idTracks, entry(1), many(65535, el(idVoid))), first), want: one},
		{name: "rule 12: more elements of a master", data: doc(el(idTracks, entry(1), many(65536, el(idVoid)))), want: head[:1], is: mkv.ErrLimit},
		{name: "rule 12: SimpleTag 8 deep", data: tag(deep(8)), want: []string{"document 0", "tracks 1", "tags = = = = = = = N=", "cluster 0", "1@0s a key"}},
		{name: "rule 12: SimpleTag 9 deep", data: tag(deep(9)), want: start, is: mkv.ErrLimit, at: deep(1), path: "Segment"},
		{name: "rule 12: 4,097 tags", data: tag(many(4097, el(idSimpleTag))), want: start, is: mkv.ErrLimit},
		{name: "rule 12: tags past a limit, going on", opts: mkv.Options{Resync: true}, data: tag(deep(9)), want: one},
		{name: "rule 12: Options.MaxFrameSize, SimpleBlock", opts: tight, data: doc(tracks(), cluster(0, simple(0, "1234"), block9)), want: append(head[:3:3], "1@0s 1234 key"), is: mkv.ErrLimit, at: block9, path: "Segment/Cluster[0]/Block[1]"},
		{name: "rule 12: Options.MaxFrameSize, Block", opts: tight, data: doc(tracks(), cluster(0, el(idBlockGroup, el(idBlock, block(1, 0, 0, "12345"))))), want: head, is: mkv.ErrLimit, at: el(idBlock, block(1, 0, 0, "12345"))},
		{name: "rule 12: EBML header over 64 KiB", data: header(el(idVoid, make([]byte, 64<<10))), is: mkv.ErrLimit, at: header(el(idVoid, make([]byte, 64<<10))), path: "EBML"},
		{name: "tags over 4 MiB are passed over", data: doc(tracks(), el(idTags, el(idVoid, make([]byte, 4<<20))), first), want: one},
	}
	for _, size := range []uint64{1<<31 - 1, 1 << 40, 1<<56 - 2} {
		for _, tt := range []struct {
			id uint32
			is error
		}{{idInfo, mkv.ErrLimit}, {idTracks, mkv.ErrLimit}, {idSimpleBlock, nil}, {idCluster, nil}, {idCues, nil}, {idTags, nil}, {idEBML, mkv.ErrLimit}} {
			b := claim(tt.id, size, 8, num(idTimestamp, 0))
			c := readCase{name: fmt.Sprintf("rule 11: %X of %d bytes", tt.id, size), data: doc(b), want: head[:1], is: tt.is, at: b}
			switch {
			case tt.id == idEBML:
				c.data, c.want = b, nil
			case tt.is == nil && size > 1<<31:
				c.is = mkv.ErrLimit
			case tt.is == nil:
				c.is, c.at = io.ErrUnexpectedEOF, nil
				if tt.id == idCluster {
					c.want = []string{"document 0", "cluster 0"}
				}
			}
			cases = append(cases, c)
		}
		for _, id := range []uint32{idSimpleBlock, idBlockGroup, idTimestamp, idVoid} {
			b := claim(id, size, 8)
			c := readCase{name: fmt.Sprintf("rule 11: %X of %d bytes in a Cluster", id, size), data: doc(tracks(), unknown(8, idCluster, num(idTimestamp, 0), b)), want: head, is: mkv.ErrLimit, at: b}
			if id == idVoid && size < 1<<31 {
				c.is, c.at = io.ErrUnexpectedEOF, nil
			}
			if id == idTimestamp {
				c.data, c.is = doc(tracks(), unknown(8, idCluster, b)), mkv.ErrSyntax
			}
			cases = append(cases, c)
		}
	}
	runCases(t, cases)
}
