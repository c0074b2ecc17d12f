package fmp4_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/fmp4"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// created is the creation time in all golden files.
var created = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// avc returns a configuration of 704 × 480 square samples.
func avc(tb testing.TB) *codec.AVC {
	tb.Helper()
	sps, pps := unhex(tb, "674d401e9a740581ed0800000303e80000bb5478b175"), unhex(tb, "68ebe3cb22c0")
	c, err := codec.NewAVC([][]byte{sps}, [][]byte{pps}, nil, 4)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// hevc returns a configuration of 640 × 480 samples of 4:3.
func hevc(tb testing.TB) *codec.HEVC {
	tb.Helper()
	vps, pps := unhex(tb, "40010c01ffff01600000030090000003000003003f959809"), unhex(tb, "4401c172b46240")
	sps := unhex(tb, "42010102200000030090000003000003005aa0050201e1365959a4932bc39a020000030002000003003c10")
	c, err := codec.NewHEVC([][]byte{vps}, [][]byte{sps}, [][]byte{pps}, 4)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// aac returns AAC-LC of two channels; the index is that of the sampling frequency, 3 for 48 kHz and 0 for 96 kHz.
func aac(tb testing.TB, index uint8) *codec.AAC {
	tb.Helper()
	c, err := codec.ParseAAC([]byte{2<<3 | index>>1, index<<7 | 2<<3})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// g711 returns 8 kHz of one channel; the tag is 6 for A-law and 7 for µ-law.
func g711(tb testing.TB, tag byte) *codec.G711 {
	tb.Helper()
	c, err := codec.ParseWAVEFORMATEX([]byte{tag, 0, 1, 0, 0x40, 0x1F, 0, 0, 0x40, 0x1F, 0, 0, 1, 0, 8, 0, 0, 0})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// track returns a track that has a configuration and nothing else.
func track(c codec.Config) *codec.Track { return &codec.Track{Kind: c.Kind(), Config: c} }

// pair returns the tracks of most tests: pictures as 1 and AAC of 48 kHz as 2.
func pair(tb testing.TB) []fmp4.TrackInit {
	tb.Helper()
	return []fmp4.TrackInit{{ID: 1, Track: track(avc(tb))}, {ID: 2, Track: track(aac(tb, 3))}}
}

// containers are the boxes that the dump goes into, with the number of bytes before the first child.
var containers = map[string]int{
	"moov": 0, "trak": 0, "mdia": 0, "minf": 0, "dinf": 0, "stbl": 0, "mvex": 0, "moof": 0, "traf": 0, "edts": 0,
	"dref": 8, "stsd": 8, "avc1": 78, "hvc1": 78, "mp4a": 28, "alaw": 28, "ulaw": 28,
}

// box is one box of a file.
type box struct {
	typ  string
	at   int // of its first byte in the file
	body []byte
}

// boxes splits b, the bytes at the given place of a file. A last box may announce more bytes than there are.
func boxes(tb testing.TB, b []byte, at int) []box {
	tb.Helper()
	var list []box
	for len(b) > 0 {
		if len(b) < 8 {
			tb.Fatalf("%d bytes left at %d", len(b), at)
		}
		size, header := uint64(binary.BigEndian.Uint32(b)), 8
		if size == 1 {
			size, header = binary.BigEndian.Uint64(b[8:]), 16
		}
		typ := string(b[4:8])
		if typ == "mdat" {
			size = min(size, uint64(len(b)))
		}
		if size < 8 || size > uint64(len(b)) {
			tb.Fatalf("box %q of %d bytes at %d, %d are there", typ, size, at, len(b))
		}
		list = append(list, box{typ, at, b[header:size]})
		b, at = b[size:], at+int(size)
	}
	return list
}

// find returns the first box on a path such as "moov/trak/tkhd". It fails when there is none.
func find(tb testing.TB, b []byte, path string) box {
	tb.Helper()
	all := findAll(tb, b, path)
	if len(all) == 0 {
		tb.Fatalf("no box %s", path)
	}
	return all[0]
}

// findAll returns all boxes on a path, in the order of the file.
func findAll(tb testing.TB, b []byte, path string) []box {
	tb.Helper()
	level := []box{{body: b}}
	for i, name := range strings.Split(path, "/") {
		var next []box
		for _, parent := range level {
			skip, header := 0, 0
			if i > 0 {
				skip, header = containers[parent.typ], 8
			}
			for _, child := range boxes(tb, parent.body[skip:], parent.at+header+skip) {
				if child.typ == name {
					next = append(next, child)
				}
			}
		}
		level = next
	}
	return level
}

// dump draws the tree of boxes: type, size and, of what is no container, the bytes.
func dump(tb testing.TB, b []byte) string {
	tb.Helper()
	var out strings.Builder
	var walk func(b []byte, indent string)
	walk = func(b []byte, indent string) {
		for _, x := range boxes(tb, b, 0) {
			fmt.Fprintf(&out, "%s%s %d\n", indent, x.typ, len(x.body)+8)
			skip, container := containers[x.typ]
			if !container {
				skip = len(x.body)
			}
			for head := x.body[:skip]; len(head) > 0; {
				n := min(len(head), 24)
				fmt.Fprintf(&out, "%s  | %x\n", indent, head[:n])
				head = head[n:]
			}
			walk(x.body[skip:], indent+"  ")
		}
	}
	walk(b, "")
	return out.String()
}

// golden compares b with testdata/name.mp4, and its dump with testdata/name.txt.
func golden(t *testing.T, name string, b []byte) {
	t.Helper()
	text, binary := filepath.Join("testdata", name+".txt"), filepath.Join("testdata", name+".mp4")
	got := dump(t, b)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(text, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(binary, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", text, diff)
	}
	wantBytes, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(wantBytes, b) {
		t.Errorf("%s differs in %d bytes against %d", binary, len(b), len(wantBytes))
	}
}

// tool returns where a program is. Without it the test is skipped, or fails where CI is set.
func tool(tb testing.TB, name string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") != "" {
		tb.Fatalf("%s is not installed", name)
	}
	tb.Skipf("%s is not installed", name)
	return ""
}

// guessed is what ffmpeg says of every G.711 track, which has a number of channels and no layout.
const guessed = "Guessed Channel Layout for Input Stream #0.0 : mono\n"

// run runs a program and returns what it prints. It must neither fail nor complain.
func run(tb testing.TB, name string, args ...string) string {
	tb.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(tool(tb, name), args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if complaint := strings.Replace(stderr.String(), guessed, "", 1); err != nil || complaint != "" {
		tb.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, complaint)
	}
	return stdout.String()
}
