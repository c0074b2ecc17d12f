package codec_test

import (
	"encoding/hex"
	"fmt"

	"github.com/seed63bb8431/weir/codec"
)

// Example reads the private data of a track, and writes a frame that has start codes as MP4 wants it.
func Example() {
	private, _ := hex.DecodeString("1190")
	sound, err := codec.Parse("A_AAC", private)
	if err != nil {
		fmt.Println(codec.Name(err), err)
		return
	}
	fmt.Println(sound.Kind(), sound.CodecString())

	sps, _ := hex.DecodeString("6742c00ada0a0fe4f0110000030001000003003c8f122a")
	pps, _ := hex.DecodeString("68ce3c80")
	pictures, err := codec.NewAVC([][]byte{sps}, [][]byte{pps}, nil, 0)
	if err != nil {
		fmt.Println(codec.Name(err), err)
		return
	}
	fmt.Println(pictures.Kind(), pictures.CodecString())

	frame := []byte{0, 0, 0, 1, 0x09, 0xf0, 0, 0, 1, 0x65, 0x88, 0x84}
	info, err := pictures.Inspect(frame)
	if err != nil {
		fmt.Println(codec.Name(err), err)
		return
	}
	frame, err = pictures.AppendFrame(nil, frame)
	fmt.Printf("%v % x %v\n", info.Access, frame, err)

	_, err = codec.Parse("A_AAC", nil)
	fmt.Println(codec.Name(err))
	// Output:
	// audio mp4a.40.2
	// video avc1.42c00a
	// IDR 00 00 00 02 09 f0 00 00 00 03 65 88 84 <nil>
	// MissingCodecPrivateData
}
