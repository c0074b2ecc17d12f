package archive_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/mkv"
)

// el returns a Matroska element with a size of 8 octets.
func el(id uint32, parts ...[]byte) []byte {
	var b []byte
	for shift := 24; shift >= 0; shift -= 8 {
		if c := byte(id >> shift); c != 0 || len(b) > 0 {
			b = append(b, c)
		}
	}
	data := bytes.Join(parts, nil)
	return append(binary.BigEndian.AppendUint64(b, 1<<56|uint64(len(data))), data...)
}

func num(id uint32, v uint64) []byte { return el(id, binary.BigEndian.AppendUint64(nil, v)) }
func str(id uint32, s string) []byte { return el(id, []byte(s)) }

// front is an EBML header and the start of a Segment of unknown size, with tracks of H.264.
func front(tracks ...uint64) []byte {
	var entries [][]byte
	for _, n := range tracks {
		kind, id := uint64(1), "V_MPEG4/ISO/AVC"
		if n%2 == 0 {
			kind, id = 2, "A_AAC"
		}
		entries = append(entries, el(0xAE, num(0xD7, n), num(0x83, kind), str(0x86, id)))
	}
	return bytes.Join([][]byte{el(0x1A45DFA3, str(0x4282, "matroska")), {0x18, 0x53, 0x80, 0x67, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
		el(0x1654AE6B, entries...)}, nil)
}

// fragment is a Cluster of one block for each track, at times in milliseconds after timestamp.
func fragment(timestamp uint64, blocks ...[]byte) []byte {
	return el(0x1F43B675, append([][]byte{num(0xE7, timestamp)}, blocks...)...)
}

func block(track byte, at int16, size int) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0x80 | track}, uint16(at))
	return el(0xA3, append(b, 0x80), bytes.Repeat([]byte{7}, size))
}

func tags(names ...string) []byte {
	var all []mkv.Tag
	for _, n := range names {
		name, value, _ := strings.Cut(n, "=")
		all = append(all, mkv.Tag{Name: name, Value: value})
	}
	return mkv.AppendTags(nil, all)
}

// TestUploadEvents has what an upload is told, fragment by fragment.
func TestUploadEvents(t *testing.T) {
	good := func(at uint64) []byte { return fragment(at, block(1, 0, 9), block(1, 1000, 9)) }
	stored := func(at string) []string { return []string{"BUFFERING " + at, "RECEIVED " + at, "PERSISTED " + at} }
	refused := func(at, code string) []string { return []string{"BUFFERING " + at, "ERROR " + at + " " + code} }
	many := make([]string, 11)
	for i := range many {
		many[i] = "t" + string(rune('a'+i)) + "=x"
	}
	for _, tt := range []struct {
		name   string
		opts   archive.Options
		in     archive.PutMediaInput
		data   []byte
		reader func(io.Reader) io.Reader
		want   [][]string
	}{
		{name: "two fragments", data: join(front(1), good(0), good(2000)), want: [][]string{stored("0s"), stored("2s")}},
		{name: "byte by byte", data: join(front(1), good(0), good(2000)), reader: iotest.OneByteReader, want: [][]string{stored("0s"), stored("2s")}},
		{name: "nothing", data: nil},
		{name: "no fragment", data: front(1)},
		{name: "a Cluster without a frame", data: join(front(1), fragment(0), good(5)), want: [][]string{stored("5ms")}},
		{name: "no Matroska", data: []byte("GIF89a, and what follows it"), want: [][]string{{"ERROR INVALID_MKV_DATA"}}},
		{name: "damage", data: join(front(1), good(0), []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), want: [][]string{stored("0s"), {"ERROR INVALID_MKV_DATA"}}},
		{name: "cut off", data: join(front(1), good(0), good(2000)[:60]), want: [][]string{stored("0s"), {"BUFFERING 2s", "ERROR 2s INVALID_MKV_DATA"}}},
		{name: "connection breaks", data: join(front(1), good(0), good(2000)[:60]), reader: func(r io.Reader) io.Reader {
			return io.MultiReader(r, iotest.ErrReader(errors.New("reset")))
		}, want: [][]string{stored("0s"), {"BUFFERING 2s", "ERROR 2s STREAM_READ_ERROR"}}},
		{name: "silence, a Cluster that claims more", data: join(front(1), good(0), good(2000)[:60]), reader: func(r io.Reader) io.Reader {
			return io.MultiReader(r, iotest.ErrReader(os.ErrDeadlineExceeded))
		}, want: [][]string{stored("0s"), {"BUFFERING 2s", "IDLE"}}},
		{name: "silence", data: join(front(1), good(0)), reader: func(r io.Reader) io.Reader {
			return io.MultiReader(r, iotest.ErrReader(os.ErrDeadlineExceeded))
		}, want: [][]string{{"BUFFERING 0s", "IDLE", "RECEIVED 0s", "PERSISTED 0s"}}},
		{name: "4001", opts: archive.Options{Limits: archive.Limits{FragmentBytes: 500}}, data: join(front(1), fragment(0, block(1, 0, 600)), good(2000)),
			want: [][]string{refused("0s", "MAX_FRAGMENT_SIZE_REACHED"), stored("2s")}},
		{name: "4002", data: join(front(1), fragment(0, block(1, 0, 9), block(1, 20_001, 9)), good(21_000)), want: [][]string{refused("0s", "MAX_FRAGMENT_DURATION_REACHED"), stored("21s")}},
		{name: "20 s are allowed", data: join(front(1), fragment(0, block(1, 0, 9), block(1, 20_000, 9))), want: [][]string{stored("0s")}},
		{name: "4004", data: join(front(1), good(5000), good(2000), good(6000)), want: [][]string{stored("5s"), refused("2s", "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS"), stored("6s")}},
		{name: "equal times are allowed", data: join(front(1), good(5000), good(6000)), want: [][]string{stored("5s"), stored("6s")}},
		{name: "sound and pictures overlap", data: join(front(1, 2), fragment(0, block(1, 0, 9), block(2, 1000, 9)), fragment(990, block(1, 0, 9), block(2, 30, 9))),
			want: [][]string{stored("0s"), stored("990ms")}},
		{name: "sound and pictures overlap, strictly", opts: archive.Options{Strict: true}, data: join(front(1, 2), fragment(0, block(1, 0, 9), block(1, 960, 9), block(2, 1000, 9)), fragment(999, block(1, 0, 9), block(2, 30, 9))),
			want: [][]string{stored("0s"), refused("999ms", "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS")}},
		{name: "4007", data: join(front(1), good(7_258_118_400_000)), want: [][]string{{"ERROR 2016144h0m0s INVALID_PRODUCER_TIMESTAMP"}}},
		{name: "4009: eleven tags", data: join(front(1), good(0), tags(many...), good(2000), tags(many[:10]...)),
			want: [][]string{refused("0s", "FRAGMENT_METADATA_LIMIT_REACHED"), stored("2s")}},
		{name: "4009: eleven tags before the first", data: join(front(1), tags(many...), good(0), good(2000)), want: [][]string{refused("0s", "FRAGMENT_METADATA_LIMIT_REACHED"), stored("2s")}},
		{name: "4009: a name that is reserved", data: join(front(1), good(0), tags("AWSX=1")), want: [][]string{refused("0s", "FRAGMENT_METADATA_LIMIT_REACHED")}},
		{name: "4009: a long value", data: join(front(1), good(0), tags("x="+strings.Repeat("v", 257))), want: [][]string{refused("0s", "FRAGMENT_METADATA_LIMIT_REACHED")}},
		{name: "marks do not count", data: join(front(1), good(0), tags(append(many[:10:10], "AWS_KINESISVIDEO_NOTIFICATION=", "AWS_KINESISVIDEO_FRAGMENT_NUMBER=5")...)), want: [][]string{stored("0s")}},
		{name: "4010", data: join(front(1), fragment(0, block(1, 0, 9), block(3, 0, 9)), good(2000)), want: [][]string{refused("0s", "TRACK_NUMBER_MISMATCH"), stored("2s")}},
		{name: "4011", data: join(front(1, 2), good(0), fragment(2000, block(1, 0, 9), block(2, 0, 9))), want: [][]string{refused("0s", "FRAMES_MISSING_FOR_TRACK"), stored("2s")}},
		{name: "4012", data: join(front(1, 2, 3, 4), good(0)), want: [][]string{{"ERROR MORE_THAN_ALLOWED_TRACKS_FOUND"}}},
		{name: "4013, strictly", opts: archive.Options{Strict: true}, data: join(front(1), fragment(0, block(1, 0, 9), block(1, 40, 9)), good(2000)),
			want: [][]string{refused("0s", "MIN_FRAGMENT_DURATION_REACHED"), stored("2s")}},
		{name: "end of fragment", data: join(front(1), good(0), tags("AWS_KINESISVIDEO_END_OF_FRAGMENT="), good(2000)), want: [][]string{stored("0s"), stored("2s")}},
		{name: "a second document", data: join(front(1), good(0), front(1), good(2000)), want: [][]string{stored("0s"), stored("2s")}},
		{name: "a second document, strictly", opts: archive.Options{Strict: true}, data: join(front(1), good(0), front(1), good(2000)), want: [][]string{{"BUFFERING 0s", "ERROR 0s INVALID_MKV_DATA"}}},
		{name: "a second document of other tracks", data: join(front(1), good(0), front(1, 2), good(2000)), want: [][]string{stored("0s"), {"ERROR INVALID_MKV_DATA"}}},
		{name: "no acknowledgements", in: archive.PutMediaInput{FragmentTimecodeType: "ABSOLUTE", FragmentAcknowledgmentRequired: "0"}, data: join(front(1), good(0))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, tt.opts)
			var body io.Reader = bytes.NewReader(tt.data)
			if tt.reader != nil {
				body = tt.reader(body)
			}
			acks, _ := s.put("cam", tt.in, body)
			if d := cmp.Diff(tt.want, byFragment(acks)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// byFragment groups events by the fragment that they are of: fragments are stored while the next ones arrive.
func byFragment(acks []archive.Ack) [][]string {
	var all [][]string
	at := map[string]int{}
	last := 0
	for i, e := range events(acks) {
		n := acks[i].Number
		if acks[i].Event == archive.Idle {
			all[last] = append(all[last], e)
			continue
		}
		k, ok := at[n]
		if !ok || n == "" {
			k = len(all)
			all = append(all, nil)
			at[n] = k
		}
		all[k] = append(all[k], e)
		last = max(last, k)
	}
	return all
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// TestPutMediaRefused has what is refused before the first byte of media.
func TestPutMediaRefused(t *testing.T) {
	s := serve(t, archive.Options{Limits: archive.Limits{UploadsPerStream: 2}})
	relative := func(start string) archive.PutMediaInput {
		return archive.PutMediaInput{StreamRef: ref("cam"), FragmentTimecodeType: "RELATIVE", ProducerStartTimestamp: start}
	}
	for _, tt := range []struct {
		in   archive.PutMediaInput
		want string
	}{
		{relative("1600000000.1234567"), ""},
		{relative(""), archive.InvalidArgument},
		{relative("1e9"), archive.InvalidArgument},
		{relative("-1"), archive.InvalidArgument},
		{relative("1.2.3"), archive.InvalidArgument},
		{relative("99999999999"), archive.InvalidArgument},
		{archive.PutMediaInput{StreamRef: ref("cam"), FragmentTimecodeType: "ABSOLUTE"}, ""},
		{archive.PutMediaInput{StreamRef: ref("cam"), FragmentTimecodeType: "ABSOLUTE", FragmentAcknowledgmentRequired: "yes"}, archive.InvalidArgument},
		{archive.PutMediaInput{StreamRef: ref("cam"), FragmentTimecodeType: "absolute"}, archive.InvalidArgument},
		{archive.PutMediaInput{StreamRef: ref("cam")}, archive.InvalidArgument},
		{archive.PutMediaInput{FragmentTimecodeType: "ABSOLUTE"}, archive.InvalidArgument},
		{archive.PutMediaInput{StreamRef: ref("a/b"), FragmentTimecodeType: "ABSOLUTE"}, archive.InvalidArgument},
		{archive.PutMediaInput{StreamRef: ref("other"), FragmentTimecodeType: "ABSOLUTE"}, archive.ResourceNotFound},
		{archive.PutMediaInput{StreamRef: archive.StreamRef{StreamARN: s.arn}, FragmentTimecodeType: "ABSOLUTE"}, ""},
		{archive.PutMediaInput{StreamRef: archive.StreamRef{StreamARN: s.arn + "1"}, FragmentTimecodeType: "ABSOLUTE"}, archive.ResourceNotFound},
	} {
		u, err := s.PutMedia(context.Background(), &tt.in)
		if err == nil {
			u.Close()
		}
		if got := typeOf(err); got != tt.want {
			t.Errorf("%+v: %v, want %q", tt.in, err, tt.want)
		}
	}
	var open []*archive.Upload
	in := relative("1")
	for range 2 {
		u, err := s.PutMedia(context.Background(), &in)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, u)
	}
	if _, err := s.PutMedia(context.Background(), &in); typeOf(err) != archive.ConnectionLimitExceeded {
		t.Errorf("a third connection of two: %v", err)
	}
	open[0].Close()
	open[0].Close()
	u, err := s.PutMedia(context.Background(), &in)
	if err != nil {
		t.Fatalf("after one was closed: %v", err)
	}
	u.Close()
	open[1].Close()
}

// typeOf returns the API's name of an error, "" of none.
func typeOf(err error) string {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*archive.Error](err); ok {
		return e.Type
	}
	return err.Error()
}

// TestAckJSON has the wire form of acknowledgements.
func TestAckJSON(t *testing.T) {
	number := "91343852333181432392682062607743920146159169392"
	for want, a := range map[string]archive.Ack{
		`{"EventType":"IDLE"}`: {Event: archive.Idle},
		`{"EventType":"PERSISTED","FragmentTimecode":1800,"FragmentNumber":"` + number + `"}`:                                                              {Event: archive.Persisted, Timecode: 1800, Number: number},
		`{"EventType":"ERROR","FragmentTimecode":0,"FragmentNumber":"` + number + `","ErrorCode":"FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS","ErrorId":4004}`: {Event: archive.Failed, Number: number, Err: &archive.MediaError{ID: 4004, Code: "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS"}},
		`{"EventType":"ERROR","ErrorCode":"INVALID_MKV_DATA","ErrorId":4006}`:                                                                              {Event: archive.Failed, Err: &archive.MediaError{ID: 4006, Code: "INVALID_MKV_DATA"}},
	} {
		if got := string(a.AppendJSON(nil)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
