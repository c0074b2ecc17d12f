package fmp4_test

import (
	"fmt"
	"os"
	"time"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/fmp4"
)

// Sound of G.711 in one fragment: the initialization segment, the header of the fragment, and the frames themselves.
func Example() {
	config, err := codec.ParseWAVEFORMATEX([]byte{6, 0, 1, 0, 0x40, 0x1F, 0, 0, 0x40, 0x1F, 0, 0, 1, 0, 8, 0, 0, 0})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	tracks := []fmp4.TrackInit{{ID: 1, Track: &codec.Track{Kind: codec.Audio, Config: config}}}
	init, err := fmp4.AppendInit(nil, tracks, time.Time{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	frames := [][]byte{make([]byte, 160), make([]byte, 160)}
	var samples []fmp4.Sample
	for _, f := range frames {
		samples = append(samples, fmp4.Sample{Duration: 160, Size: uint32(len(f))})
	}
	runs := []fmp4.Run{{TrackID: 1, BaseMediaDecodeTime: 8000, Samples: samples}}
	header, err := fmp4.AppendFragmentHeader(nil, 1, runs)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	// To an io.Writer go init, header and then the frames as they are.
	fmt.Println(len(init), len(header), len(frames)*160)
	// Output: 557 108 320
}
