package hls_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seed63bb8431/weir/hls"
)

func TestEscapeURI(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"video-1_a.b~c", "video-1_a.b~c"},
		{"a b", "a%20b"},
		{"a/b", "a%2Fb"},
		{"c:d", "c%3Ad"},
		{"#1?x=y&z", "%231%3Fx%3Dy%26z"},
		{"50%", "50%25"},
		{"$Number$", "%24Number%24"},
		{"caméra", "cam%C3%A9ra"},
		{"\xff\n\"", "%FF%0A%22"},
	}
	for _, tt := range tests {
		if got := hls.EscapeURI(tt.in); got != tt.want {
			t.Errorf("EscapeURI(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// The strings of a caller cannot end an attribute or a line.
func TestHostileStrings(t *testing.T) {
	p := hls.MultivariantPlaylist{
		Renditions: []hls.Rendition{{
			Type:    "AUDIO,X=1\n",
			GroupID: "a\"b\r\n#EXT-X-ENDLIST",
			Name:    "n\x00\x7f\u0085\xff é",
			URI:     "a\".m3u8\n#EXTM3U",
		}},
		Variants: []hls.Variant{{
			Bandwidth: -5, Codecs: []string{"a\"", "\"b"}, Resolution: hls.Resolution{Width: -1, Height: 2},
			Audio: "a\"b\r\n#EXT-X-ENDLIST", URI: "v\r\n#EXT-X-ENDLIST",
		}},
	}
	want := `#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO%2CX%3D1%0A,GROUP-ID="a'b  #EXT-X-ENDLIST",NAME="n   ` + "\uFFFD" + ` é",DEFAULT=NO,AUTOSELECT=NO,URI="a%22.m3u8%0A#EXTM3U"
#EXT-X-STREAM-INF:BANDWIDTH=0,CODECS="a','b",AUDIO="a'b  #EXT-X-ENDLIST"
v%0D%0A#EXT-X-ENDLIST
`
	if diff := cmp.Diff(want, p.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzEscapeURI(f *testing.F) {
	for _, s := range []string{"", "a b", "é/:#?", "%zz", "\xff\x00\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		escaped := hls.EscapeURI(s)
		back, err := url.PathUnescape(escaped)
		if err != nil || back != s {
			t.Errorf("EscapeURI(%q) = %q, read back as %q, %v", s, escaped, back, err)
		}
		if query, err := url.QueryUnescape(escaped); err != nil || query != s {
			t.Errorf("EscapeURI(%q) = %q, read back as the query value %q, %v", s, escaped, query, err)
		}
	})
}

// FuzzLines holds that no string or URI, whatever it has, adds a line or an attribute to a playlist.
func FuzzLines(f *testing.F) {
	for _, s := range []string{"", "a", "a\"\r\n#EXT", "{$x}", "\xff\u2028\u0085"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		media := hls.MediaPlaylist{
			PlaylistType: hls.PlaylistType("T" + s),
			Map:          "m" + s,
			Segments:     []hls.Segment{{URI: "u" + s, Duration: 1e9}},
		}
		multivariant := hls.MultivariantPlaylist{
			Renditions: []hls.Rendition{{Type: hls.MediaType("T" + s), GroupID: s, Name: s, Language: "l" + s, URI: "u" + s}},
			Variants:   []hls.Variant{{Bandwidth: 1, Codecs: []string{s, s}, Audio: "a" + s, URI: "u" + s}},
		}
		for _, tt := range []struct {
			text          string
			lines, quotes int
		}{
			{media.String(), 8, 2},
			{multivariant.String(), 4, 12},
		} {
			if n := strings.Count(tt.text, "\n"); n != tt.lines {
				t.Errorf("%d lines, want %d:\n%s", n, tt.lines, tt.text)
			}
			if n := strings.Count(tt.text, `"`); n != tt.quotes {
				t.Errorf("%d quotes, want %d:\n%s", n, tt.quotes, tt.text)
			}
			if !utf8.ValidString(tt.text) || strings.ContainsAny(tt.text, "\r\x00\x7f") {
				t.Errorf("not clean UTF-8: %q", tt.text)
			}
		}
	})
}
