package ts_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/ts"
)

var update = flag.Bool("update", false, "rewrite the golden files")

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

// g711 returns A-law of 8 kHz and one channel.
func g711(tb testing.TB) *codec.G711 {
	tb.Helper()
	c, err := codec.ParseWAVEFORMATEX([]byte{6, 0, 1, 0, 0x40, 0x1F, 0, 0, 0x40, 0x1F, 0, 0, 1, 0, 8, 0, 0, 0})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// track returns a track that has a configuration and nothing else.
func track(c codec.Config) *codec.Track { return &codec.Track{Number: 7, Kind: c.Kind(), Config: c} }

// units returns NAL units behind their lengths.
func units(nals ...[]byte) []byte {
	var b []byte
	for _, n := range nals {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(n))), n...)
	}
	return b
}

// nal returns a NAL unit of n bytes with the given type.
func nal(c codec.Config, typ, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7+n) | 1
	}
	b[0] = byte(typ) | 0x60
	if _, ok := c.(*codec.HEVC); ok {
		b[0] = byte(typ << 1)
		if n > 1 {
			b[1] = 1
		}
	}
	return b
}

// pictures returns n samples of the given size on average, each distance ticks after the one before, in the order of
// presentation 0 2 1 4 3 and so on. The first is a key frame, ten times as large.
func pictures(c codec.Config, n, size int, first, distance int64) ts.Run {
	idr, slice := 5, 1
	if _, ok := c.(*codec.HEVC); ok {
		idr = 19
	}
	rnd := rand.New(rand.NewPCG(3, uint64(size)))
	total := size * n
	r := ts.Run{Track: track(c)}
	for i := range n {
		s := ts.Sample{DTS: first + int64(i)*distance, Key: i == 0}
		delay := int64(2 * (i % 2))
		if i == 0 || i == n-1 && i%2 == 1 {
			delay = 1
		}
		s.PTS = s.DTS + delay*distance
		bytes := max(total/(n+9)*(100+rnd.IntN(21)-10)/100, 8)
		if i == 0 {
			s.Data = units(nal(c, idr, 10*bytes))
		} else {
			s.Data = units(nal(c, slice, bytes))
		}
		r.Samples = append(r.Samples, s)
	}
	return r
}

// sound returns n frames of AAC of about the given size, from the given time on.
func sound(c *codec.AAC, n, size int, first int64) ts.Run {
	rnd := rand.New(rand.NewPCG(4, uint64(size)))
	r := ts.Run{Track: track(c)}
	for i := range n {
		data := make([]byte, max(size*(90+rnd.IntN(21))/100, 1))
		for j := range data {
			data[j] = byte(i + j)
		}
		ticks := (int64(i)*1024*90_000 + int64(c.SampleRate)/2) / int64(c.SampleRate)
		r.Samples = append(r.Samples, ts.Sample{PTS: first + ticks, Data: data})
	}
	return r
}

// fragments returns the runs of each fragment of a file in the module's testdata, with times that begin at first.
func fragments(tb testing.TB, name string, first int64) [][]ts.Run {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	src, err := weir.NewBytesSource(data, nil)
	if err != nil {
		tb.Fatal(err)
	}
	var all [][]ts.Run
	for f, err := src.Next(); err != io.EOF; f, err = src.Next() {
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, convert(f, src.Origin()-src.Delay(), first))
	}
	return all
}

// convert turns a fragment into runs.
func convert(f *weir.Fragment, origin time.Duration, first int64) []ts.Run {
	var runs []ts.Run
	for i := range f.Runs {
		r := &f.Runs[i]
		out := ts.Run{Track: r.Track}
		at := r.DTS
		ticks := func(t int64) int64 {
			d := r.Time(t) - origin
			return first + (int64(d)*9+50_000)/100_000
		}
		for j := range r.Samples {
			s := &r.Samples[j]
			out.Samples = append(out.Samples, ts.Sample{PTS: ticks(s.PTS), DTS: ticks(at), Key: s.Sync, Data: bytes.Clone(s.Data)})
			at += int64(s.Duration)
		}
		runs = append(runs, out)
	}
	return runs
}

// golden compares got with the file of that name in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
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

// run runs a program and returns what it prints. It must neither fail nor complain.
func run(tb testing.TB, name string, args ...string) string {
	tb.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(tool(tb, name), args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		tb.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String()
}
