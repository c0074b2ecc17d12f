package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed63bb8431/weir/check"
)

// weirCheck runs the command and returns what it wrote.
func weirCheck(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	r := weirWith(nil, args...)
	return r.code, r.out, r.errors
}

// TestCheckRemuxed holds that what remux makes passes.
func TestCheckRemuxed(t *testing.T) {
	outputs := []struct {
		args   []string
		target string
	}{
		{[]string{"x.mp4"}, "x.mp4"}, {[]string{"--fragmented", "y.mp4"}, "y.mp4"}, {[]string{"x.mkv"}, "x.mkv"}, {[]string{"h/x.m3u8"}, "h/x.m3u8"},
		{[]string{"m/x.mpd"}, "m/x.mpd"}, {[]string{"d/"}, "d/master.m3u8"}, {nil, "d/manifest.mpd"},
		{[]string{"x.ts"}, "x.ts"}, {[]string{"--container", "ts", "t/x.m3u8"}, "t/x.m3u8"},
	}
	for _, name := range []string{"sample.mkv", "hevc-aac.mkv", "two-audio.mkv", "gap.mkv", "clock-back.mkv", "change.mkv", "inband-change.mkv", "rotated.mkv", "interlaced.mkv", "epoch.mkv", "ts-wrap.mkv"} {
		dir := t.TempDir()
		for _, o := range outputs {
			t.Run(name+"/"+o.target, func(t *testing.T) {
				if o.args != nil {
					last := len(o.args) - 1
					args := append([]string{"remux", "-q"}, o.args[:last]...)
					args = append(args, filepath.Join("..", "..", "testdata", name), dir+"/"+o.args[last])
					if code, _, complaint := weirCheck(t, args...); code != 0 {
						t.Fatalf("remux: exit %d: %s", code, complaint)
					}
				}
				if code, out, complaint := weirCheck(t, "check", dir+"/"+o.target); code != 0 {
					t.Errorf("exit %d: %s\n%s", code, complaint, out)
				}
			})
		}
	}
}

func TestCheckExitCodes(t *testing.T) {
	data := func(name string) string { return filepath.Join("..", "..", "testdata", name) }
	tests := []struct {
		name string
		args []string
		code int
		out  string // a part of standard output
		err  string // a part of standard error
	}{
		{"passes", []string{data("sample.mkv")}, exitDone, "PASS", ""},
		{"a warning does not fail", []string{data("clock-back.mkv")}, exitDone, "WARN K10", ""},
		{"a rule failed", []string{data("truncated.mkv")}, exitRefused, "FAIL K03 ", "a rule failed"},
		{"no file", []string{data("none.mkv")}, exitFailure, "", "none.mkv"},
		{"no form", []string{data("README.md")}, exitFailure, "", "none of the forms"},
		{"no argument", nil, exitUsage, "", "PATH or URL"},
		{"strange flag", []string{"--dead", "x"}, exitUsage, "", "--dead"},
		{"strange time", []string{"--live", "x"}, exitUsage, "", "--live"},
		{"negative time", []string{"--live", "-1s", data("sample.mkv")}, exitUsage, "", "below 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, complaint := weirCheck(t, append([]string{"check"}, tt.args...)...)
			if code != tt.code || !strings.Contains(out, tt.out) || !strings.Contains(complaint, tt.err) {
				t.Errorf("exit %d, want %d; standard output:\n%s\nstandard error:\n%s", code, tt.code, out, complaint)
			}
		})
	}
}

func TestCheckJSON(t *testing.T) {
	code, out, _ := weirCheck(t, "check", "--json", filepath.Join("..", "..", "testdata", "truncated.mkv"))
	var r check.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if code != exitRefused || r.Form != check.Matroska || r.Verdict != check.Fail || len(r.Results) < 8 || len(r.Findings) == 0 {
		t.Errorf("exit %d, report %+v", code, r)
	}
}

// TestCheckDecode holds that damaged pictures, which no rule sees, are found with ffmpeg.
func TestCheckDecode(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "x.mp4")
	if code, _, complaint := weirCheck(t, "remux", "-q", filepath.Join("..", "..", "testdata", "h264-nob.mkv"), path); code != 0 {
		t.Fatal(complaint)
	}
	if code, out, complaint := weirCheck(t, "check", "--decode", path); code != 0 {
		t.Fatalf("exit %d: %s\n%s", code, complaint, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte("mdat")) + 1200 // behind the SEI, in the first picture
	for i := range 400 {
		b[at+i] = byte(i * 7919)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ := weirCheck(t, "check", "--decode", path)
	if code != exitRefused || !strings.Contains(out, "FAIL X01") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

func TestCheckDecodeNeedsFFmpeg(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	code, _, complaint := weirCheck(t, "check", "--decode", "x.mp4")
	if code != exitFailure || !strings.Contains(complaint, "install") {
		t.Errorf("exit %d: %s", code, complaint)
	}
}

// TestCheckLive holds that --live watches a playlist, and that a playlist which stands still is told.
func TestCheckLive(t *testing.T) {
	polls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		polls++
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
		fmt.Fprint(w, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n")
	}))
	defer server.Close()
	tests := []struct {
		name  string
		live  string
		code  int
		out   string
		polls int // at least; 1 is exact
	}{
		{"not at all", "0", exitDone, "PASS", 1},
		{"for a while", "500ms", exitDone, "watched for 0.5 s: 0 new segments", 3},
		{"until it is late", "1600ms", exitRefused, "FAIL H45", 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			polls = 0
			code, out, complaint := weirCheck(t, "check", "--live", tt.live, server.URL+"/x.m3u8")
			if code != tt.code || !strings.Contains(out, tt.out) {
				t.Errorf("exit %d, want %d: %s\n%s", code, tt.code, complaint, out)
			}
			if polls < tt.polls || tt.polls == 1 && polls != 1 {
				t.Errorf("%d polls, want %d", polls, tt.polls)
			}
		})
	}
}
