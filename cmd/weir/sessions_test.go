package main

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/archive/sigv4"
)

var failedRule = regexp.MustCompile(`(?m)^([A-Z]+-?[A-Z0-9]+) +FAIL`)

// putAt uploads a file to a stream that is made for it, with the producer's start at a time.
func (s *server) putAt(stream, name string, at time.Time) {
	s.t.Helper()
	if code, body := s.call("/createStream", `{"StreamName":"`+stream+`","DataRetentionInHours":24}`); code != http.StatusOK {
		s.t.Fatal(code, body)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/putMedia", strings.NewReader(readFile(s.t, sample(name))))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("x-amzn-stream-name", stream)
	r.Header.Set("x-amzn-fragment-timecode-type", "RELATIVE")
	r.Header.Set("x-amzn-producer-start-timestamp", fmt.Sprint(at.Unix()))
	if code, acks := s.send(r, sigv4.EmptyHash); code != http.StatusOK || !strings.Contains(acks, `"PERSISTED"`) {
		s.t.Fatal(code, acks)
	}
}

// TestCheckSessions holds what sessions serve to the rules that outputs are held to, in all modes.
func TestCheckSessions(t *testing.T) {
	s := startServer(t, "--data", t.TempDir())
	// What does not hold: the muxer cut pictures and sound apart by more than 0.1 s, and lists of sound have the fragments' lengths; or
	// two seconds of sound are missing, in the Cluster of pictures from behind the gap or below pictures that go on; or a picture lasts
	// for longer than 0.7 s.
	failing := map[string]string{"hevc-aac.mkv HLS FRAGMENTED_MP4": "H20", "change.mkv HLS FRAGMENTED_MP4": "H20", "getmedia.mkv HLS FRAGMENTED_MP4": "H20",
		"gap.mkv HLS MPEG_TS": "T17", "vfr.mkv HLS MPEG_TS": "T17", "audio-gap.mkv HLS FRAGMENTED_MP4": "H20", "audio-gap.mkv DASH": "D20 M13"}
	for _, name := range []string{"sample.mkv", "h264-nob.mkv", "hevc-aac.mkv", "opengop.mkv", "audio-only.mkv", "alaw.mkv", "hevc-alaw.mkv", "change.mkv", "inband-change.mkv",
		"interlaced.mkv", "clock-back.mkv", "getmedia.mkv", "gap.mkv", "audio-gap.mkv", "vfr.mkv"} {
		stream := strings.TrimSuffix(name, ".mkv")
		at := time.Now().Add(-time.Minute)
		s.putAt(stream, name, at)
		for _, mode := range []string{"LIVE", "LIVE_REPLAY", "ON_DEMAND"} {
			for _, kind := range []string{"HLS FRAGMENTED_MP4", "HLS MPEG_TS", "DASH"} {
				if strings.Contains(name, "alaw") && kind != "DASH" {
					continue // HLS carries no G.711
				}
				protocol, container, hls := strings.Cut(kind, " ")
				in := map[string]any{"StreamName": stream, "PlaybackMode": mode}
				if hls {
					in["ContainerFormat"], in["DiscontinuityMode"] = container, "ON_DISCONTINUITY"
				}
				selector := map[string]any{"FragmentSelectorType": "PRODUCER_TIMESTAMP"}
				if mode != "LIVE" {
					selector["TimestampRange"] = map[string]any{"StartTimestamp": at.Unix(), "EndTimestamp": at.Unix() + 100}
				}
				in[protocol+"FragmentSelector"] = selector
				url, err := s.openSession(protocol, in)
				if err != nil {
					t.Errorf("%s, %s, %s: %v", name, mode, kind, err)
					continue
				}
				r := weirWith(nil, "check", "--live", "0", url)
				var failed []string
				for _, m := range failedRule.FindAllStringSubmatch(r.out, -1) {
					failed = append(failed, m[1])
				}
				slices.Sort(failed)
				if got := strings.Join(failed, " "); got != "" && got != failing[name+" "+kind] || r.code != exitDone && got == "" {
					t.Errorf("%s, %s, %s: exit %d, %s fail\n%s%s", name, mode, kind, r.code, got, r.out, r.errors)
				}
			}
		}
	}
}
