package e2e

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/mkv"
)

// The body of an upload of the producer SDK in C, element by element as it was captured: Segment and Clusters whose size is one byte
// 0xFF, Timestamp in 8 bytes, Position 0, 8-byte sizes, tags as Segment's children behind the Cluster that they belong to.

// element is an element whose size has eight bytes.
func element(id string, body ...[]byte) []byte {
	all := bytes.Join(body, nil)
	return append(binary.BigEndian.AppendUint64([]byte(id), 1<<56|uint64(len(all))), all...)
}

// small is an element whose size has one byte.
func small(id string, body []byte) []byte {
	return append(append([]byte(id), 0x80|byte(len(body))), body...)
}

func uints(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

// producerHeader is what stands before the first Cluster. metadata stands before Info and Tracks, where the SDK puts it when it is there
// before the first frame.
func producerHeader(private, metadata []byte) []byte {
	ebml := small("\x1A\x45\xDF\xA3", bytes.Join([][]byte{
		small("\x42\x86", []byte{1}), small("\x42\xF7", []byte{1}), small("\x42\xF2", []byte{4}), small("\x42\xF3", []byte{8}),
		small("\x42\x82", []byte("matroska")), small("\x42\x87", []byte{2}), small("\x42\x85", []byte{2})}, nil))
	info := element("\x15\x49\xA9\x66", small("\x73\xA4", []byte("0123456789abcdef")), small("\x2A\xD7\xB1", []byte{0x0F, 0x42, 0x40}),
		small("\x7B\xA9", []byte("Kinesis Video SDK")), small("\x4D\x80", []byte("Kinesis Video SDK")), small("\x57\x41", []byte("Kinesis Video SDK 1.6.4")))
	video := small("\xE0", append(small("\xB0", []byte{0, 160}), small("\xBA", []byte{0, 90})...))
	tracks := element("\x16\x54\xAE\x6B", element("\xAE", small("\xD7", []byte{1}), small("\x73\xC5", uints(1)), small("\x83", []byte{1}),
		small("\x53\x6E", []byte("kvs_video_track")), small("\x86", []byte("V_MPEG4/ISO/AVC")), video, element("\x63\xA2", private)))
	return bytes.Join([][]byte{ebml, []byte("\x18\x53\x80\x67\xFF"), metadata, info, tracks}, nil)
}

// clusterStart begins a Cluster. Its frames are simpleBlocks behind it.
func clusterStart(timecode uint64) []byte {
	return bytes.Join([][]byte{[]byte("\x1F\x43\xB6\x75\xFF"), small("\xE7", uints(timecode)), small("\xA7", []byte{0})}, nil)
}

func simpleBlock(at time.Duration, key bool, data []byte) []byte {
	head := []byte{0x81, 0, 0, 0}
	binary.BigEndian.PutUint16(head[1:], uint16(at/time.Millisecond))
	if key {
		head[3] = 0x80
	}
	return element("\xA3", head, data)
}

func tagElement(name, value string) []byte {
	return element("\x12\x54\xC3\x67", element("\x73\x73", element("\x67\xC8", element("\x45\xA3", []byte(name)), element("\x44\x87", []byte(value)))))
}

const endOfFragment = "AWS_KINESISVIDEO_END_OF_FRAGMENT"

// TestLayout holds the elements to the offsets and lengths of the captured body.
func TestLayout(t *testing.T) {
	header := producerHeader([]byte("private"), nil)
	same(t, "EBML header", bytes.Index(header, []byte("\x18\x53\x80\x67")), 40)
	same(t, "Info", bytes.Index(header, []byte("\x15\x49\xA9\x66")), 45)
	same(t, "end of a fragment", len(tagElement(endOfFragment, "")), 84)
	same(t, "Cluster", clusterStart(0x1A2B3C)[:15], []byte("\x1F\x43\xB6\x75\xFF\xE7\x88\x00\x00\x00\x00\x00\x1A\x2B\x3C"))
}

// frame is a frame of a camera.
type frame struct {
	at   time.Duration // from the start of its fragment
	key  bool
	data []byte
}

// camera returns the fragments of testdata/h264-nob.mkv, a second each, and their codec private data.
func camera(t testing.TB) (private []byte, fragments [][]frame) {
	t.Helper()
	file := testdata(t, "h264-nob.mkv")
	r := mkv.NewBytesReader(file, nil)
	var start time.Duration
	for {
		token, err := r.Read()
		if err == io.EOF {
			return private, fragments
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token {
		case mkv.TokenTracks:
			private = r.Tracks()[0].CodecPrivate
		case mkv.TokenCluster:
			fragments = append(fragments, nil)
		case mkv.TokenBlock:
			b := r.Block()
			last := &fragments[len(fragments)-1]
			if len(*last) == 0 {
				start = b.PTS
			}
			*last = append(*last, frame{b.PTS - start, b.Key, file[b.Offset:][:b.Size]})
		}
	}
}
