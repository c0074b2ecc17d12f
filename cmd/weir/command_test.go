package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExitCodes holds the command's contract: what is wrong, and where.
func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "x.mp4")
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string // in standard error
	}{
		{"done", []string{"remux", sample("sample.mkv"), out}, exitDone, ""},
		{"version", []string{"version"}, exitDone, ""},
		{"no such file", []string{"remux", "no-such.mkv", out}, exitFailure, "no-such.mkv"},
		{"a directory", []string{"remux", dir, out}, exitFailure, "is a directory"},
		{"no such folder", []string{"remux", sample("sample.mkv"), filepath.Join(sample("sample.mkv"), "x.mp4")}, exitFailure, "not a directory"},
		{"no arguments", []string{"remux"}, exitUsage, "IN and OUT"},
		{"no command", []string{"transcode"}, exitUsage, "unknown command"},
		{"unknown flag", []string{"remux", "--fast", sample("sample.mkv"), out}, exitUsage, "--fast"},
		{"form of OUT", []string{"remux", sample("sample.mkv"), "x.avi"}, exitUsage, "x.mp4, x.ts"},
		{"standard output without a form", []string{"remux", sample("sample.mkv"), "-"}, exitUsage, "--format"},
		{"form of standard output", []string{"remux", "--format", "avi", sample("sample.mkv"), "-"}, exitUsage, "avi"},
		{"format of a file", []string{"remux", "--format", "mp4", sample("sample.mkv"), out}, exitUsage, "follows its name"},
		{"fragment", []string{"remux", "--fragment", "long", sample("sample.mkv"), out}, exitUsage, "2s"},
		{"tracks", []string{"remux", "--tracks", "0", sample("sample.mkv"), out}, exitUsage, "weir probe"},
		{"discontinuity", []string{"remux", "--discontinuity", "perhaps", sample("sample.mkv"), out}, exitUsage, "always, never or on-discontinuity"},
		{"container", []string{"remux", "--container", "avi", sample("sample.mkv"), "x.m3u8"}, exitUsage, "fmp4 or ts"},
		{"container of a file", []string{"remux", "--container", "ts", sample("sample.mkv"), out}, exitUsage, "x.ts"},
		{"no track of ours", []string{"remux", sample("opus-only.mkv"), out}, exitRefused, "UnsupportedStreamMediaType"},
		{"track that is not there", []string{"remux", "--tracks", "7", sample("sample.mkv"), out}, exitRefused, "UnsupportedStreamMediaType"},
		{"compressed frames", []string{"remux", sample("zlib.mkv"), out}, exitRefused, "track 1"},
		{"private data, strict", []string{"remux", "--strict", sample("bad-avcc.mkv"), out}, exitRefused, "InvalidCodecPrivateData"},
		{"damage, strict", []string{"remux", "--strict", sample("garbage.mkv"), out}, exitRefused, "InvalidData"},
		{"cut off, strict", []string{"remux", "--strict", sample("truncated.mkv"), out}, exitRefused, "at byte"},
		{"no media", []string{"remux", "command_test.go", out}, exitRefused, "InvalidData"},
		{"G.711 in MPEG-TS", []string{"remux", sample("alaw.mkv"), filepath.Join(dir, "x.ts")}, exitRefused, "G.711"},
		{"G.711 in HLS", []string{"remux", sample("alaw.mkv"), filepath.Join(dir, "x.m3u8")}, exitRefused, "G.711"},
		{"probe of nothing", []string{"probe", "no-such.mkv"}, exitFailure, "no-such.mkv"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			os.Remove(out)
			r := weirWith(nil, tt.args...)
			if r.code != tt.code || !strings.Contains(r.errors, tt.want) || tt.code == exitDone && r.errors != "" {
				t.Errorf("exit %d, want %d; %q, want %q in it", r.code, tt.code, r.errors, tt.want)
			}
			if _, err := os.Stat(out); (err == nil) != (tt.name == "done") {
				t.Errorf("the output: %v", err)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".weir*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestStandardStreams gives through pipes what it gives through files.
func TestStandardStreams(t *testing.T) {
	in := []byte(readFile(t, sample("sample.mkv")))
	for format, name := range map[string]string{"mp4": "x.mp4", "fmp4": "f.mp4", "ts": "x.ts"} {
		out := filepath.Join(t.TempDir(), name)
		args := []string{"remux", sample("sample.mkv"), out}
		if format == "fmp4" {
			args = append(args, "--fragmented")
		}
		weirRun(t, args...)
		r := weirWith(in, "remux", "--format", format, "-", "-")
		if r.code != exitDone || r.out != readFile(t, out) {
			t.Errorf("%s: exit %d, %s; %d bytes, in a file %d", format, r.code, r.errors, len(r.out), len(readFile(t, out)))
		}
	}
	r := weirWith([]byte(readFile(t, sample("change.mkv"))), "remux", "--format", "fmp4", "-", "-")
	if r.code != exitRefused || !strings.Contains(r.errors, "write to a file") {
		t.Errorf("codec change from a pipe: exit %d, %s", r.code, r.errors)
	}
}

// TestSkipBadTracks leaves out the track that refuses the file.
func TestSkipBadTracks(t *testing.T) {
	out := filepath.Join(t.TempDir(), "x.mp4")
	if r := weirWith(nil, "remux", "--strict", sample("bad-avcc.mkv"), out); r.code != exitRefused {
		t.Fatalf("exit %d", r.code)
	}
	r := weirRun(t, "remux", "--strict", "--skip-bad-tracks", sample("bad-avcc.mkv"), out)
	if !strings.Contains(r.errors, "track 1 left out") {
		t.Errorf("standard error: %q", r.errors)
	}
	if v, a := packetsOf(t, out, "v"), packetsOf(t, out, "a:0"); v.count != 0 || a.count == 0 {
		t.Errorf("%d pictures, %d frames of sound", v.count, a.count)
	}
}

// TestJSON says what was made and found.
func TestJSON(t *testing.T) {
	var made report
	dir := t.TempDir() + "/"
	if err := json.Unmarshal([]byte(weirRun(t, "remux", "--json", sample("two-audio.mkv"), dir).out), &made); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"master.m3u8", "manifest.mpd"}, made.Output); d != "" || len(made.Tracks) != 3 || made.Fragments != 1 {
		t.Errorf("remux: %+v", made)
	}
	var found probeReport
	if err := json.Unmarshal([]byte(weirRun(t, "probe", "--json", sample("gap.mkv")).out), &found); err != nil {
		t.Fatal(err)
	}
	if len(found.Tracks) != 2 || found.Tracks[0].Codec != "avc1.64000b" || len(found.Fragments) != 2 || found.Fragments[1].Gap != 2 {
		t.Errorf("probe: %+v", found)
	}
}
