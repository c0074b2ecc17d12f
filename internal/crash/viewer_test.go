package main

import (
	"fmt"
	"strings"
	"testing"
)

// media is a media playlist of segments.
func media(first int, segments ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-MAP:URI=\"init.mp4\"\n", first)
	for _, s := range segments {
		b.WriteString("#EXTINF:2,\n" + s + "\n")
	}
	return b.String()
}

// manifestOf is an MPD of n segments.
func manifestOf(first, n int) string {
	return fmt.Sprintf(`<MPD><Period><AdaptationSet><Representation id="v"><SegmentTemplate startNumber="%d" initialization="i.mp4?N=0" `+
		`media="m.mp4?FragmentNumber=$Number$&amp;T=1"><SegmentTimeline><S d="1" r="%d"/></SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period></MPD>`, first, n-1)
}

// TestViewer holds lists to those before.
func TestViewer(t *testing.T) {
	for name, test := range map[string]struct {
		protocol string
		lists    []string
		want     string // in the error of the last
	}{
		"goes on":           {"HLS", []string{media(1, "a", "b"), media(1, "a", "b"), media(2, "b", "c")}, ""},
		"goes back":         {"HLS", []string{media(1, "a", "b", "c"), media(1, "a", "b")}, "a list from 1 to 2 comes behind one from 1 to 3"},
		"begins before":     {"HLS", []string{media(2, "b"), media(1, "a", "b")}, "comes behind"},
		"another number":    {"HLS", []string{media(1, "a", "b"), media(1, "b", "c")}, "segment 1 was a and is b"},
		"no sequence":       {"HLS", []string{"#EXTM3U\na\n"}, "without EXT-X-MEDIA-SEQUENCE"},
		"an MPD goes on":    {"DASH", []string{manifestOf(1, 3), manifestOf(2, 3)}, ""},
		"an MPD goes back":  {"DASH", []string{manifestOf(1, 3), manifestOf(1, 2)}, "comes behind"},
		"an MPD of nothing": {"DASH", []string{"<MPD></MPD>"}, "without segments"},
	} {
		v := &viewer{protocol: test.protocol, at: map[int64]string{}}
		for i, text := range test.lists {
			links, err := v.list("/hls/v1/list?T=1", []byte(text))
			last := i == len(test.lists)-1
			if want := test.want; !last || want == "" {
				if err != nil || len(links) < 2 {
					t.Errorf("%s: list %d: %v, %v", name, i, links, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
}
