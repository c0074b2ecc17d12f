package ts_test

import (
	"fmt"
	"os"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/ts"
)

// A second of sound as one chunk, in a buffer that the next chunk uses again.
func Example() {
	config, err := codec.ParseAAC([]byte{0x11, 0x90}) // AAC-LC, 48 kHz, two channels
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	r := ts.Run{Track: &codec.Track{Number: 1, Kind: codec.Audio, Config: config, Language: "eng"}}
	for i := range int64(47) {
		r.Samples = append(r.Samples, ts.Sample{PTS: ts.Lead + i*1920, Data: make([]byte, 100)})
	}
	var buf []byte
	buf, err = ts.AppendChunk(buf[:0], []ts.Run{r})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	fmt.Printf("%d packets for %d bytes\n", len(buf)/ts.PacketSize, 47*100)
	// Output: 31 packets for 4700 bytes
}
