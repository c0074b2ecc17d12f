package check_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed63bb8431/weir/check"
)

// command runs a tool in a folder; without the tool the test is skipped, or fails where CI is set.
func command(t *testing.T, dir, name, args string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	cmd := exec.Command(path, strings.Fields(args)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, args, err, out)
	}
}

// TestForeign needs ffmpeg and gst-launch-1.0: what their muxers write breaks no rule.
func TestForeign(t *testing.T) {
	const (
		ffmpeg = "-nostdin -v error -i source.mp4 -map 0 -c copy "
		gst    = "-q qtdemux name=d filesrc location=source.mp4 ! d. "
		parsed = " d.video_0 ! queue ! h264parse config-interval=-1 ! m. d.audio_0 ! queue ! aacparse ! m."
	)
	dir := t.TempDir()
	command(t, dir, "ffmpeg", "-nostdin -v error -f lavfi -i testsrc2=s=160x90:r=25 -f lavfi -i sine=440:r=48000 -t 6 -c:v libx264 -bf 2 -g 25 -pix_fmt yuv420p -c:a aac source.mp4")
	tests := []struct{ tool, args, target string }{
		{"ffmpeg", ffmpeg + "copy.mp4", "copy.mp4"},
		{"ffmpeg", ffmpeg + "-movflags +cmaf cmaf.mp4", "cmaf.mp4"},
		{"ffmpeg", ffmpeg + "-movflags +frag_keyframe+empty_moov frag.mp4", "frag.mp4"},
		{"ffmpeg", ffmpeg + "copy.ts", "copy.ts"},
		{"ffmpeg", ffmpeg + "copy.mkv", "copy.mkv"},
		{"ffmpeg", ffmpeg + "-f hls -hls_time 2 -hls_playlist_type vod -hls_segment_type fmp4 -hls_fmp4_init_filename f-init.mp4 f.m3u8", "f.m3u8"},
		{"ffmpeg", ffmpeg + "-f hls -hls_time 2 -hls_playlist_type vod t.m3u8", "t.m3u8"},
		{"ffmpeg", ffmpeg + "-f dash -seg_duration 2 -use_timeline 1 timeline.mpd", "timeline.mpd"},
		{"ffmpeg", ffmpeg + "-f dash -seg_duration 2 -use_timeline 0 -init_seg_name n-init-$RepresentationID$.m4s -media_seg_name n-$RepresentationID$-$Number$.m4s number.mpd", "number.mpd"},
		{"ffmpeg", ffmpeg + "-f dash -seg_duration 2 -single_file 1 -single_file_name s-$RepresentationID$.mp4 single.mpd", "single.mpd"},
		{"gst-launch-1.0", gst + "mp4mux name=m ! filesink location=gst.mp4" + parsed, "gst.mp4"},
		{"gst-launch-1.0", gst + "mpegtsmux name=m ! filesink location=gst.ts" + parsed, "gst.ts"},
		{"gst-launch-1.0", gst + "matroskamux name=m ! filesink location=gst.mkv" + parsed, "gst.mkv"},
	}
	for _, tt := range tests {
		t.Run(tt.tool+"/"+tt.target, func(t *testing.T) {
			command(t, dir, tt.tool, tt.args)
			r, err := check.Run(t.Context(), filepath.Join(dir, tt.target), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range r.Findings {
				if f.Verdict == check.Fail {
					t.Errorf("%s %v: got %s, want %s", f.Rule, f.Place, f.Got, f.Want)
				}
			}
		})
	}
}
