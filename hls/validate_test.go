package hls_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed63bb8431/weir/hls"
)

func TestValidate(t *testing.T) {
	segment := func(s hls.Segment) *hls.MediaPlaylist {
		return &hls.MediaPlaylist{TargetDuration: 4, Segments: []hls.Segment{s}}
	}
	variant := hls.Variant{Bandwidth: 1, URI: "v"}
	audio := hls.Rendition{GroupID: "g", Name: "n"}
	tests := []struct {
		name string
		p    playlist
		want string // in the error
	}{
		{"version of decimals", &hls.MediaPlaylist{Version: 2}, "version 2, the tags need 3"},
		{"version of a map", &hls.MediaPlaylist{Version: 5, Map: "m"}, "version 5, the tags need 6"},
		{"version of a gap", &hls.MediaPlaylist{Version: 7, Segments: []hls.Segment{{Gap: true}}}, "version 7, the tags need 8"},
		{"negative target", &hls.MediaPlaylist{TargetDuration: -1}, "target duration -1"},
		{"type", &hls.MediaPlaylist{PlaylistType: "LIVE"}, `playlist type "LIVE"`},
		{"open VOD", &hls.MediaPlaylist{PlaylistType: hls.VOD}, "without an end"},
		{"no length", segment(hls.Segment{URI: "a"}), "segment 0: duration 0s"},
		{"too long", segment(hls.Segment{URI: "a", Duration: 4500 * time.Millisecond}), "target duration 4 s"},
		{"no URI", segment(hls.Segment{Duration: 1e9}), "segment 0: no URI"},
		{"comment", segment(hls.Segment{URI: "#1", Duration: 1e9}), "comment"},
		{"year", segment(hls.Segment{URI: "a", Duration: 1e9, ProgramDateTime: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}), "year 10000"},

		{"no variant", &hls.MultivariantPlaylist{}, "no variant"},
		{"bandwidth", &hls.MultivariantPlaylist{Variants: []hls.Variant{{URI: "v"}}}, "bandwidth 0"},
		{"average", &hls.MultivariantPlaylist{Variants: []hls.Variant{{Bandwidth: 1, AverageBandwidth: 2, URI: "v"}}}, "average bandwidth 2"},
		{"variant URI", &hls.MultivariantPlaylist{Variants: []hls.Variant{{Bandwidth: 1}}}, `URI ""`},
		{"group", &hls.MultivariantPlaylist{Variants: []hls.Variant{{Bandwidth: 1, URI: "v", Audio: "g"}}}, `no audio group "g"`},
		{"rendition type", &hls.MultivariantPlaylist{Variants: []hls.Variant{variant}, Renditions: []hls.Rendition{{Type: "TEXT"}}}, `type "TEXT"`},
		{"rendition name", &hls.MultivariantPlaylist{Variants: []hls.Variant{variant}, Renditions: []hls.Rendition{{GroupID: "g"}}}, `name ""`},
		{"same name", &hls.MultivariantPlaylist{Variants: []hls.Variant{variant}, Renditions: []hls.Rendition{audio, audio}}, "twice"},
		{"two defaults", &hls.MultivariantPlaylist{Variants: []hls.Variant{variant}, Renditions: []hls.Rendition{
			{GroupID: "g", Name: "a", Default: true}, {GroupID: "g", Name: "b", Default: true}}}, "second default"},
		{"subtitles", &hls.MultivariantPlaylist{Variants: []hls.Variant{variant}, Renditions: []hls.Rendition{
			{Type: hls.Subtitles, GroupID: "g", Name: "a"}}}, "subtitles"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.p.Validate()
			if !errors.Is(err, hls.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Validate: %v, want ErrInvalid with %q", err, tt.want)
			}
		})
	}
}
