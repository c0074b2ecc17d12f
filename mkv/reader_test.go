package mkv_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/mkv"
)

// TestResync goes past damage: what stands behind is found, and the faults say what was left out.
func TestResync(t *testing.T) {
	c := cluster(2000, simple(0, "c"))
	junk := bytes.Repeat([]byte{0, 0x1F, 0x43, 0xB6, 0x75, 0}, 50)
	wrong := func(data []byte) []byte { return cluster(1000, el(idSimpleBlock, data), simple(5, "b")) }
	tail := []string{"cluster 1", "1@2s c key"}
	for _, tt := range []struct {
		name    string
		data    []byte
		want    []string
		is      error
		skipped []int64
		path    string
	}{
		{"no damage", doc(tracks(), first, c), after(tail...), nil, nil, ""},
		{"junk between Clusters", doc(tracks(), first, junk, c), after(tail...), mkv.ErrSyntax, []int64{300}, "Segment"},
		{"junk in a Segment of known size", join(header(), el(idSegment, tracks(), first), junk, c), after(tail...), mkv.ErrSyntax, []int64{300}, "EBML"},
		{"junk in a Cluster of unknown size", doc(tracks(), unknown(1, idCluster, num(idTimestamp, 0), simple(0, "a"), junk), c), after(tail...), mkv.ErrSyntax, []int64{300}, "Segment/Cluster[0]/Block[1]"},
		{"block without a header", doc(tracks(), first, wrong([]byte{0x81, 0})), after("cluster 1", "1@1.005s b key"), mkv.ErrSyntax, []int64{2}, "Segment/Cluster[1]/Block[0]"},
		{"bad lacing", doc(tracks(), first, wrong(block(1, 0, xiph, "\x09"))), after("cluster 1", "1@1.005s b key"), mkv.ErrSyntax, []int64{5}, "Segment/Cluster[1]/Block[0]"},
		{"block of unknown size", doc(tracks(), first, cluster(1000, unknown(1, idSimpleBlock, block(1, 0, key, "x"))), c), after("cluster 1", "cluster 2", "1@2s c key"), mkv.ErrSyntax, []int64{7}, "Segment/Cluster[1]/Block[0]"},
		{"Timestamp of 9 octets", doc(tracks(), first, el(idCluster, el(idTimestamp, make([]byte, 9))), c), after("cluster 1", "cluster 2", "1@2s c key"), mkv.ErrSyntax, []int64{11}, "Segment/Cluster[1]/Block[0]"},
		{"two checksums", doc(tracks(), el(idCluster, crc(1, num(idTimestamp, 0), simple(0, "a"))), el(idCluster, crc(1, num(idTimestamp, 2000), simple(0, "c")))), after(tail...), mkv.ErrChecksum, []int64{0, 0}, "Segment"},
		{"second document's header", join(doc(tracks(), first), junk, doc(tracks(entry(2)), c)), after("document 1", "tracks 1 2", "cluster 1", "1@2s c key"), mkv.ErrSyntax, []int64{300}, "Segment"},
		{"torn Tracks are looked for", doc(junk, tracks(), first), one, mkv.ErrSyntax, []int64{300}, "Segment"},
		{"junk to the end", doc(tracks(), first, junk), one, mkv.ErrSyntax, []int64{300}, "Segment"},
		{"cut in a frame", doc(tracks(), first, c[:len(c)-1]), after("cluster 1"), io.ErrUnexpectedEOF, []int64{0}, "Segment/Cluster[1]/Block[0]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for door, r := range doors(tt.data, &mkv.Options{Resync: true}) {
				got, err := tokens(r)
				if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
					t.Errorf("%s: error %v (-want +got):\n%s", door, err, diff)
				}
				faults, n := r.Faults()
				var skipped []int64
				for _, f := range faults {
					skipped = append(skipped, f.Skipped)
				}
				if diff := cmp.Diff(tt.skipped, skipped); diff != "" || n != len(faults) {
					t.Errorf("%s: %d faults, bytes left out (-want +got):\n%s", door, n, diff)
				}
				if n > 0 && (!errors.Is(faults[0].Err, tt.is) || faults[0].Err.Path != tt.path) {
					t.Errorf("%s: %v, want %v in %s", door, faults[0].Err, tt.is, tt.path)
				}
			}
			r := mkv.NewBytesReader(tt.data, nil)
			got, err := tokens(r)
			checkError(t, "without Resync", &readCase{data: tt.data, is: tt.is}, err)
			if n := min(len(got), len(tt.want)); err == nil && !slices.Equal(got, tt.want) || err != nil && !slices.Equal(got[:n], tt.want[:n]) {
				t.Errorf("without Resync: %q", got)
			}
			if _, n := r.Faults(); n > 0 {
				t.Errorf("without Resync: %d faults", n)
			}
		})
	}
}

// TestManyFaults counts more than it keeps.
func TestManyFaults(t *testing.T) {
	r := mkv.NewBytesReader(doc(tracks(), cluster(0, bytes.Repeat(el(idSimpleBlock), 1000), simple(0, "a"))), &mkv.Options{Resync: true})
	got, err := tokens(r)
	if diff := cmp.Diff(one, got); err != nil || diff != "" {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
	if faults, n := r.Faults(); len(faults) != 64 || n != 1000 {
		t.Errorf("%d faults kept of %d", len(faults), n)
	}
}

// small is a document with something of everything.
var small = join(el(idEBML, crc(0, str(idDocType, "matroska"))), el(idSegment, el(idInfo, str(idTitle, "small")), el(idVoid, make([]byte, 3)), tracks(entry(2, num(idDefaultDuration, 1e6))),
	el(idCluster, crc(0, num(idTimestamp, 0), simple(0, "first"), el(idBlockGroup, el(idBlock, block(2, 1, xiph, sizes(xiph, 2, 3), "aabbb")), num(idBlockDuration, 2)))),
	el(idTags, el(idTag, el(idSimpleTag, str(idTagName, "N"), str(idTagString, "v")))), unknown(4, idCluster, num(idTimestamp, 9), simple(1, "last"))), doc(tracks(), first))

// TestCutEverywhere has rule 30: what is read of a part is what the whole begins with.
func TestCutEverywhere(t *testing.T) {
	t.Parallel()
	whole, err := tokens(mkv.NewBytesReader(small, nil))
	if err != nil {
		t.Fatal(err)
	}
	for n := range small {
		for _, resync := range []bool{false, true} {
			opts := &mkv.Options{Resync: resync}
			for door, r := range map[string]*mkv.Reader{"bytes": mkv.NewBytesReader(small[:n], opts), "one byte": mkv.NewReader(iotest.OneByteReader(bytes.NewReader(small[:n])), opts)} {
				got, err := tokens(r)
				if len(got) > len(whole) || !slices.Equal(got, whole[:len(got)]) {
					t.Fatalf("%d bytes, %s, Resync %t: %q", n, door, resync, got)
				}
				e, ok := errors.AsType[*mkv.Error](err)
				if err != nil && (!errors.Is(err, io.ErrUnexpectedEOF) || resync || !ok || e.Offset != int64(n)) {
					t.Fatalf("%d bytes, %s, Resync %t: %v", n, door, resync, err)
				}
			}
		}
	}
}

// TestDeepNest has rule 13: masters in masters a million deep, in any place, end soon.
func TestDeepNest(t *testing.T) {
	t.Parallel()
	nest := func(id uint32, depth int) []byte {
		name := appendID(nil, id)
		head := len(name) + 8
		out := make([]byte, 0, depth*head)
		for i := range depth {
			out = binary.BigEndian.AppendUint64(append(out, name...), 1<<56|uint64((depth-1-i)*head))
		}
		return out
	}
	depth := 1_000_000
	if testing.Short() {
		depth /= 10
	}
	for _, tt := range []struct {
		name string
		data []byte
		want []string
		is   error
	}{
		{"SimpleTag", doc(tracks(), el(idTags, el(idTag, nest(idSimpleTag, depth/4))), first), start, mkv.ErrLimit},
		{"Chapters", doc(tracks(), nest(idChapters, depth), first), one, nil},
		{"SimpleTag in the Segment", doc(tracks(), nest(idSimpleTag, depth), first), one, nil},
		{"BlockGroup", doc(tracks(), cluster(0, nest(idBlockGroup, depth))), append(start[:2:2], "cluster 0"), mkv.ErrSyntax},
		{"ContentEncodings", doc(tracks(el(idContentEncodings, nest(idContentEncoding, depth/8)))), start, nil},
		{"Cluster in Cluster", doc(tracks(), nest(idCluster, depth)), append(start[:2:2], "cluster 0"), nil},
		{"Segment", join(header(), nest(idSegment, depth)), []string{"document 0"}, mkv.ErrSyntax},
		{"Void", doc(tracks(), nest(idVoid, depth), first), one, nil},
	} {
		for _, resync := range []bool{false, true} {
			begin := time.Now()
			r := mkv.NewReader(io.MultiReader(bytes.NewReader(tt.data)), &mkv.Options{Resync: resync})
			got, err := tokens(r)
			if d := time.Since(begin); d > 30*time.Second {
				t.Errorf("%s: %v", tt.name, d)
			}
			if resync {
				if err != nil {
					t.Errorf("%s, Resync: %v", tt.name, err)
				}
				continue
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || !errors.Is(err, tt.is) {
				t.Errorf("%s: error %v, want %v (-want +got):\n%s", tt.name, err, tt.is, diff)
			}
		}
	}
}

// TestMemory has rule 11: memory follows what arrives, not what an element claims.
func TestMemory(t *testing.T) {
	for _, tt := range []struct {
		name string
		data []byte
	}{
		{"frame", doc(tracks(), unknown(8, idCluster, num(idTimestamp, 0), claim(idSimpleBlock, 50<<20, 8)))},
		{"BlockGroup", doc(tracks(), unknown(8, idCluster, num(idTimestamp, 0), claim(idBlockGroup, 50<<20, 8)))},
		{"Tracks", doc(claim(idTracks, 4<<20, 8))},
		{"CodecPrivate", doc(el(idTracks, el(idTrackEntry, claim(idCodecPrivate, 1<<31-1, 8))))},
		{"Void in a Cluster with a checksum", doc(tracks(), claim(idCluster, 1<<31-1, 8, el(idCRC32, make([]byte, 4)), claim(idVoid, 1<<31-100, 8)))},
	} {
		var before, behind runtime.MemStats
		for door, r := range doors(tt.data, nil) {
			runtime.ReadMemStats(&before)
			for {
				if _, err := r.Read(); err != nil {
					break
				}
			}
			runtime.ReadMemStats(&behind)
			if n := behind.TotalAlloc - before.TotalAlloc; n > 2<<20 {
				t.Errorf("%s, %s: %d bytes taken for %d", tt.name, door, n, len(tt.data))
			}
		}
	}
}

// TestNoAllocationPerFrame has SimpleBlocks, BlockGroups and laces.
func TestNoAllocationPerFrame(t *testing.T) {
	lots := bytes.Repeat(join(simple(0, strings.Repeat("x", 500)), el(idBlockGroup, el(idBlock, block(1, 0, 0, "y"))), el(idSimpleBlock, block(1, 0, xiph, sizes(xiph, 1, 2), "abb"))), 1000)
	data := doc(tracks(), bytes.Repeat(cluster(0, lots), 3))
	for name, open := range map[string]func() *mkv.Reader{
		"bytes":  func() *mkv.Reader { return mkv.NewBytesReader(data, nil) },
		"stream": func() *mkv.Reader { return mkv.NewReader(bytes.NewReader(data), nil) },
	} {
		frames := 0
		n := testing.AllocsPerRun(1, func() {
			frames = 0
			for _, err := range open().Frames() {
				if err != nil {
					t.Fatal(err)
				}
				frames++
			}
		})
		if frames != 12000 || n > 60 {
			t.Errorf("%s: %v allocations for %d frames", name, n, frames)
		}
	}
}

// TestRetain has rule 32: bytes handed out by a stream stay while they are retained, those of memory are views of it.
func TestRetain(t *testing.T) {
	var clusters []byte
	for i := range 200 {
		clusters = append(clusters, cluster(uint64(i), simple(0, strings.Repeat(string(rune('a'+i%26)), 10_000)))...)
	}
	data := doc(tracks(), clusters)
	r := mkv.NewReader(iotest.HalfReader(bytes.NewReader(data)), nil)
	var kept []mkv.Block
	for {
		token, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if token != mkv.TokenBlock {
			continue
		}
		b := r.Block()
		if len(kept) == 50 {
			kept = nil
			r.Retain(b.Offset)
		}
		if len(kept) == 0 {
			r.Retain(b.Offset)
		}
		kept = append(kept, b)
		for _, k := range kept {
			if !bytes.Equal(r.Data(&k), data[k.Offset:k.Offset+int64(k.Size)]) {
				t.Fatalf("the frame at byte %d has changed at byte %d", k.Offset, r.Offset())
			}
		}
	}
	m := mkv.NewBytesReader(data, nil)
	f, err := m.Next()
	if err != nil || &f.Data[0] != &data[m.Block().Offset] || cap(f.Data) != len(f.Data) {
		t.Errorf("%v, or the frame is no view of the input", err)
	}
}

// TestTracksBehindClusters looks ahead where the input can be sought in.
func TestTracksBehindClusters(t *testing.T) {
	data := doc(first, el(idVoid, make([]byte, 1<<20)), el(idInfo, num(idTimestampScale, 1e9)), cluster(1, simple(0, "b")), tracks())
	want := []string{"document 0", "tracks 1", "cluster 0", "1@0s a key", "cluster 1", "1@1s b key"}
	for name, r := range map[string]*mkv.Reader{"bytes": mkv.NewBytesReader(data, nil), "seeker": mkv.NewReader(bytes.NewReader(data), nil)} {
		got, err := tokens(r)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: error %v (-want +got):\n%s", name, err, diff)
		}
	}
	got, err := tokens(mkv.NewReader(io.MultiReader(bytes.NewReader(data)), nil))
	if diff := cmp.Diff([]string{"document 0", "cluster 0", "cluster 1", "tracks 1"}, got); err != nil || diff != "" {
		t.Errorf("pipe: error %v (-want +got):\n%s", err, diff)
	}
}

// TestSourceErrors passes on what the stream reports, Resync or not, and gives up on one that gives nothing for ever.
func TestSourceErrors(t *testing.T) {
	broken := errors.New("cable pulled")
	for _, n := range []int{0, 3, 60, len(small) - 1} {
		for _, resync := range []bool{false, true} {
			r := mkv.NewReader(io.MultiReader(bytes.NewReader(small[:n]), iotest.ErrReader(broken)), &mkv.Options{Resync: resync})
			_, err := tokens(r)
			if e, ok := errors.AsType[*mkv.Error](err); !errors.Is(err, broken) || !ok || e.Offset != int64(n) {
				t.Errorf("%d bytes, Resync %t: %v", n, resync, err)
			}
		}
	}
	if _, err := tokens(mkv.NewReader(stuck{}, nil)); !errors.Is(err, io.ErrNoProgress) {
		t.Error(err)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestErrorText(t *testing.T) {
	_, err := tokens(mkv.NewBytesReader(doc(tracks(), cluster(math.MaxUint64)), nil))
	if got, want := fmt.Sprint(err), "mkv: malformed element: Timestamp out of range at byte 54 (Segment/Cluster[0]/Block[0])"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
