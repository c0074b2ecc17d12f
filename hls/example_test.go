package hls_test

import (
	"fmt"
	"time"

	"github.com/seed63bb8431/weir/hls"
)

func Example() {
	p := hls.MediaPlaylist{
		PlaylistType:        hls.VOD,
		EndList:             true,
		IndependentSegments: true,
		Map:                 "init.mp4",
		Segments: []hls.Segment{
			{URI: hls.EscapeURI("front door 1.m4s"), Duration: 2663 * time.Millisecond},
			{URI: hls.EscapeURI("front door 2.m4s"), Duration: 2680 * time.Millisecond, Discontinuity: true},
		},
	}
	if err := p.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	buf := make([]byte, 0, 4096)
	buf = p.Append(buf[:0]) // again and again, for each version of the playlist
	fmt.Print(string(buf))
	// Output:
	// #EXTM3U
	// #EXT-X-VERSION:7
	// #EXT-X-PLAYLIST-TYPE:VOD
	// #EXT-X-TARGETDURATION:3
	// #EXT-X-MEDIA-SEQUENCE:0
	// #EXT-X-INDEPENDENT-SEGMENTS
	// #EXT-X-MAP:URI="init.mp4"
	// #EXTINF:2.663000,
	// front%20door%201.m4s
	// #EXT-X-DISCONTINUITY
	// #EXTINF:2.680000,
	// front%20door%202.m4s
	// #EXT-X-ENDLIST
}

func ExampleMultivariantPlaylist() {
	p := hls.MultivariantPlaylist{
		Version: 7,
		Renditions: []hls.Rendition{
			{Type: hls.Audio, GroupID: "audio", Name: "audio", Default: true, URI: "audio.m3u8"},
		},
		Variants: []hls.Variant{{
			Bandwidth:  2583047,
			Codecs:     []string{"avc1.42c032", "mp4a.40.2"},
			Resolution: hls.Resolution{Width: 2592, Height: 1944},
			FrameRate:  hls.FrameRate{Num: 15, Den: 1},
			Audio:      "audio",
			URI:        "video.m3u8",
		}},
	}
	fmt.Print(p.String())
	// Output:
	// #EXTM3U
	// #EXT-X-VERSION:7
	// #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,URI="audio.m3u8"
	// #EXT-X-STREAM-INF:BANDWIDTH=2583047,CODECS="avc1.42c032,mp4a.40.2",RESOLUTION=2592x1944,FRAME-RATE=15.000,AUDIO="audio"
	// video.m3u8
}
