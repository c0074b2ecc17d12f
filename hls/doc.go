// Package hls writes HTTP Live Streaming playlists (RFC 8216 and its second edition, rfc8216bis).
//
// A playlist is a value. Append adds its text to a buffer that the caller owns and may use again; String wraps
// Append. Writing into a buffer that is large enough allocates nothing, however many segments there are.
//
// A [MultivariantPlaylist] names the variants and the audio that goes with them:
//
//	#EXTM3U
//	#EXT-X-VERSION:7
//	#EXT-X-INDEPENDENT-SEGMENTS
//	#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio.m3u8"
//	#EXT-X-STREAM-INF:BANDWIDTH=2583047,CODECS="avc1.42c032,mp4a.40.2",RESOLUTION=2592x1944,FRAME-RATE=15.000,AUDIO="audio"
//	video.m3u8
//
// A [MediaPlaylist] lists the segments of one of them:
//
//	#EXTM3U
//	#EXT-X-VERSION:7
//	#EXT-X-TARGETDURATION:3
//	#EXT-X-MEDIA-SEQUENCE:12
//	#EXT-X-DISCONTINUITY-SEQUENCE:11
//	#EXT-X-INDEPENDENT-SEGMENTS
//	#EXT-X-DISCONTINUITY
//	#EXT-X-MAP:URI="init.mp4"
//	#EXT-X-PROGRAM-DATE-TIME:2023-05-17T13:48:35.994Z
//	#EXTINF:2.663000,
//	12.m4s
//
// What Append writes is well formed for every value: strings are cleaned and URIs are escaped where they have to be.
// Whether it is also right, a target duration that is long enough for instance, is what Validate tells.
//
// Lines end with LF, there is no byte order mark, and times are computed in integers.
package hls
