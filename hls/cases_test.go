package hls_test

import (
	"strconv"
	"time"

	"github.com/seed63bb8431/weir/hls"
)

// playlist is what both kinds have in common.
type playlist interface {
	Append([]byte) []byte
	String() string
	Validate() error
}

var start = time.Date(2023, 5, 17, 23, 59, 57, 994_900_000, time.FixedZone("", 2*60*60))

// cases are playlists that are right, by the name of their golden file.
var cases = map[string]playlist{
	"empty-live": &hls.MediaPlaylist{TargetDuration: 4},
	"ts-vod": &hls.MediaPlaylist{
		PlaylistType: hls.VOD,
		EndList:      true,
		Segments: []hls.Segment{
			{URI: "0.ts", Duration: 4 * time.Second},
			{URI: "1.ts", Duration: 4*time.Second + 499_999_499},
			{URI: "2.ts", Duration: 33_366_666},
		},
	},
	"fmp4-live": &hls.MediaPlaylist{
		TargetDuration:        4,
		MediaSequence:         12,
		DiscontinuitySequence: 11,
		IndependentSegments:   true,
		Map:                   "init.mp4?SequenceNumber=0",
		Segments: []hls.Segment{
			{URI: "12.mp4", Duration: 2663 * time.Millisecond, Discontinuity: true, ProgramDateTime: start},
			{URI: "13.mp4", Duration: 2680 * time.Millisecond, Discontinuity: true, ProgramDateTime: start.Add(2663 * time.Millisecond)},
			{URI: "14.mp4", Duration: 998 * time.Millisecond, Discontinuity: true, ProgramDateTime: start.Add(24 * time.Hour), Map: "init.mp4?SequenceNumber=1"},
			{URI: "15.mp4", Duration: 3999 * time.Millisecond, ProgramDateTime: start.Add(24*time.Hour + 998*time.Millisecond), Map: "init.mp4?SequenceNumber=1"},
		},
	},
	"gap-event": &hls.MediaPlaylist{
		PlaylistType:               hls.Event,
		WriteDiscontinuitySequence: true,
		Map:                        "init.mp4",
		Segments: []hls.Segment{
			{Duration: 2 * time.Second},
			{Duration: 2 * time.Second, Gap: true},
			{Duration: 2500 * time.Millisecond},
		},
		AppendURI: func(dst []byte, i int) []byte {
			dst = hls.AppendEscapedURI(dst, "caméra 1")
			dst = append(dst, '-')
			return append(strconv.AppendInt(dst, int64(i), 10), ".m4s"...)
		},
	},
	"multivariant": &hls.MultivariantPlaylist{
		Version:             7,
		IndependentSegments: true,
		Renditions: []hls.Rendition{
			{GroupID: "audio", Name: "audio", Default: true, Channels: 2, URI: "media.m3u8?SessionToken=T&TrackNumber=2"},
			{Type: hls.Audio, GroupID: "audio", Name: `le "second"`, Language: "fr", Autoselect: true, URI: "media.m3u8?SessionToken=T&TrackNumber=3"},
		},
		Variants: []hls.Variant{
			{
				Bandwidth:        2583047,
				AverageBandwidth: 2100000,
				Codecs:           []string{"avc1.42c032", "mp4a.40.2"},
				Resolution:       hls.Resolution{Width: 2592, Height: 1944},
				FrameRate:        hls.FrameRate{Num: 30000, Den: 1001},
				Audio:            "audio",
				URI:              "media.m3u8?SessionToken=T&TrackNumber=1",
			},
			{Bandwidth: 64000, Codecs: []string{"mp4a.40.2"}, URI: "audio only.m3u8"},
		},
	},
	"multivariant-bare": &hls.MultivariantPlaylist{
		Variants: []hls.Variant{{Bandwidth: 1, FrameRate: hls.FrameRate{Num: 15}, URI: "a.m3u8"}},
	},
}
