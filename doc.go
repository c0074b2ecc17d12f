// Package weir turns Matroska into fragmented MP4, progressive MP4, MPEG-TS, HLS and DASH media, without transcoding.
//
// A Source reads Matroska and cuts it into fragments whose times are settled: presentation times are never moved against each
// other, decoding times are made for them, and sound goes on sample by sample. A packager (FMP4, Clip, TS) turns fragments into
// the bytes of one container; packages hls and dash write the playlists and manifests.
//
//	io.Reader ─ mkv.Reader ─ Source ─ Fragment ─┬─ FMP4.AppendInit, FMP4.WriteFragment
//	                         Timeline settles   ├─ Clip.Add, Clip.AppendHeader, Clip.WritePayload
//	                                            ├─ TS.AppendChunk, TS.WriteFragment
//	                                            └─ values for hls and dash
//
// # Time
//
// A Fragment's times are on the source's own clock, in nanoseconds for the fragment and in ticks of the track's timescale for
// its samples. A packager moves all of them by one constant, so that the smallest presentation time of all tracks becomes the
// decode delay D and no time is negative.
//
// # Caveats
//
// A Fragment, its Runs and the bytes of its Samples are valid until the next call of Source.Next: they are views of one
// reused buffer. Nothing here starts a goroutine; a Source and a packager belong to one goroutine at a time.
package weir
