// Package check judges what a packager has made by the rules of its standards: progressive and fragmented MP4, MPEG-TS, Matroska, HLS
// playlists and DASH MPDs together with everything that these refer to.
//
//	target ── path or URL ─┬─ boxes ─── moov, moof, sidx ─ samples     M01 … M38   read by mp4ff, behind a walk of the sizes
//	                       ├─ packets ─ PAT, PMT ─ PES ─ access units  T01 … T19   PSI read by go-astits
//	                       ├─ elements ─ tracks ─ frames               K01 … K11   read by this module's mkv
//	                       ├─ m3u8 ──── segments ─ boxes or packets    H01 … H47   lines read here, and by grafov/m3u8
//	                       └─ mpd ───── segments ─ boxes               D01 … D45   read by encoding/xml
//
// Run returns a Report: a verdict for each rule that was applied, and findings with their place. Rules lists all of them. A broken
// demand is FAIL, a broken recommendation WARN. The rules H-HTTP and D-HTTP (a resource is there) apply to files and URLs, those about
// CORS and Content-Type to URLs only.
//
// A playlist without EXT-X-ENDLIST and a dynamic MPD at a URL are watched too: polled over Options.Live, judged by how they change (H40 to
// H47, D40 to D45), and the segments that come meanwhile by all other rules. What is late, gone or changed is only called so where it is
// certain: a wait counts from the answer that had the last segment to the request that did not have the next.
//
// # Limits
//
// Nothing here panics, waits for ever, or takes memory by what the input claims: sizes and counts are looked at before another reader
// sees them, and Options bounds texts, answers, boxes, samples and segments. What a limit leaves out is a finding or a note.
//
// # What is not judged
//
// The segments of a dynamic MPD with @duration are left out. A live playlist that is not at a URL is judged as it is at one moment.
// Encrypted segments, packed audio, subtitles, I-frame playlists and xlink are noted
// and passed over. No rule looks at the pictures themselves: damaged slices are found by ffmpeg when Options.FFmpeg names it, and
// pictures in the wrong place by nobody. The ids K01 to K11 are this package's own.
package check
