package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sample returns the path of a file of testdata.
func sample(name string) string { return filepath.Join("..", "..", "testdata", name) }

// result is what a run of the command gave.
type result struct {
	code        int
	out, errors string
}

// weirWith runs the command with standard input.
func weirWith(in []byte, args ...string) result {
	var out, errs bytes.Buffer
	code := run(context.Background(), args, streams{in: bytes.NewReader(in), out: &out, err: &errs})
	return result{code, out.String(), errs.String()}
}

// weirRun runs the command and fails the test unless it is done without a complaint of its own.
func weirRun(tb testing.TB, args ...string) result {
	tb.Helper()
	r := weirWith(nil, args...)
	if r.code != exitDone {
		tb.Fatalf("weir %s: exit %d: %s", strings.Join(args, " "), r.code, r.errors)
	}
	return r
}

// tool runs ffmpeg or ffprobe, which these tests need, and returns its output.
func tool(tb testing.TB, name string, args ...string) string {
	tb.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "" {
			tb.Skipf("needs %s", name)
		}
		tb.Fatalf("needs %s", name)
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(path, append([]string{"-v", "error"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		tb.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, errs.String())
	}
	return out.String()
}

// decode has ffmpeg decode a file whole and stop at the first error.
func decode(tb testing.TB, path string) {
	tb.Helper()
	tool(tb, "ffmpeg", "-nostdin", "-xerror", "-i", path, "-map", "0", "-f", "null", "-")
}

// stream is what ffprobe reads of the packets of one stream.
type stream struct {
	count  int
	first  float64 // presentation times in seconds
	last   float64
	steps  []float64 // distances of presentation times above half a second, in order of presentation
	rising bool      // decoding times rise
}

// packetsOf reads the packets of a stream such as "v:0".
func packetsOf(tb testing.TB, path, spec string) stream {
	tb.Helper()
	s := stream{rising: true}
	var pts []float64
	before := -1e18
	for line := range strings.Lines(tool(tb, "ffprobe", "-select_streams", spec, "-show_entries", "packet=pts_time,dts_time", "-of", "csv=p=0", path)) {
		fields := strings.Split(strings.TrimRight(strings.TrimSpace(line), ","), ",")
		p, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			continue
		}
		d := p
		if len(fields) > 1 && fields[1] != "N/A" {
			if d, err = strconv.ParseFloat(fields[1], 64); err != nil {
				tb.Fatalf("%s: %q", path, line)
			}
		}
		s.rising = s.rising && d > before
		before = d
		pts = append(pts, p)
	}
	s.count = len(pts)
	if s.count == 0 {
		return s
	}
	slices.Sort(pts)
	s.first, s.last = pts[0], pts[len(pts)-1]
	for i := 1; i < len(pts); i++ {
		if d := pts[i] - pts[i-1]; d > 0.5 {
			s.steps = append(s.steps, d)
		}
	}
	return s
}

// widths returns the widths of the decoded pictures, a run of equal ones once.
func widths(tb testing.TB, path string) []string {
	tb.Helper()
	lines := strings.Fields(tool(tb, "ffprobe", "-select_streams", "v:0", "-show_entries", "frame=width", "-of", "csv=p=0", path))
	for i := range lines {
		lines[i] = strings.Trim(lines[i], ",")
	}
	return slices.Compact(slices.DeleteFunc(lines, func(s string) bool { return s == "" }))
}

// join concatenates files into one of the directory.
func join(tb testing.TB, to string, from ...string) string {
	tb.Helper()
	var all []byte
	for _, name := range from {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, b...)
	}
	if err := os.WriteFile(to, all, 0o666); err != nil {
		tb.Fatal(err)
	}
	return to
}

func readFile(tb testing.TB, name string) string {
	tb.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}
