package weir_test

import (
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/hls"
)

// Example turns Matroska into an init segment, media fragments and a playlist of them.
func Example() {
	file, err := os.Open("testdata/h264-nob.mkv")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	src, err := weir.NewSource(file, nil)
	if err != nil {
		log.Fatal(err)
	}
	mp4 := weir.NewFMP4(src)
	init, _ := mp4.AppendInit(nil, time.Time{})
	fmt.Printf("init.mp4: %d bytes\n", len(init))

	playlist := hls.MediaPlaylist{Version: 7, PlaylistType: hls.VOD, Map: "init.mp4", EndList: true}
	for f, err := src.Next(); err != io.EOF; f, err = src.Next() {
		if err != nil {
			log.Fatal(err)
		}
		name := fmt.Sprintf("%d.m4s", f.Index)
		size, _ := mp4.WriteFragment(io.Discard, f) // or to a file of that name
		fmt.Printf("%s: %d bytes, %d pictures\n", name, size, len(f.Runs[0].Samples))
		playlist.Segments = append(playlist.Segments, hls.Segment{URI: name, Duration: f.Length})
	}
	fmt.Printf("%s", playlist.Append(nil))
	// Output:
	// init.mp4: 659 bytes
	// 0.m4s: 17782 bytes, 50 pictures
	// 1.m4s: 20175 bytes, 50 pictures
	// #EXTM3U
	// #EXT-X-VERSION:7
	// #EXT-X-PLAYLIST-TYPE:VOD
	// #EXT-X-TARGETDURATION:2
	// #EXT-X-MEDIA-SEQUENCE:0
	// #EXT-X-MAP:URI="init.mp4"
	// #EXTINF:2.000000,
	// 0.m4s
	// #EXTINF:2.000000,
	// 1.m4s
	// #EXT-X-ENDLIST
}
