// Package bench measures whole ways through the engine, on samples that it makes in memory, beside other libraries that do the same
// work: demuxing beside ebml-go, media fragments beside mp4ff, playlists beside m3u8. It has tests and benchmarks only.
//
//	go test -run '^$' -bench . ./bench
//
// What a benchmark's name ends in says what is measured: weir, or the other library. MB/s are those of the frames' container.
// Processes, with files and ffmpeg, are measured by scripts/compare.sh.
package bench
