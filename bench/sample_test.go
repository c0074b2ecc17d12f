package bench

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// shape is what a sample is like.
type shape struct {
	name     string
	key, mid int // bytes of key frames and of the pictures between them
	audio    int // bytes of a frame of AAC, 0: no sound
	size     int // of the sample in bytes, about; 0: one Cluster
	crc      bool
}

const (
	pictureRate = 30
	group       = 60 // pictures from one key frame to the next
	soundRate   = 48000
	soundFrame  = 1024
)

// The samples of the benchmarks. They do not fit into a processor's cache.
var (
	// stream is a camera at 8 Mbit/s with sound of 128 kbit/s.
	stream = shape{name: "8Mbps", key: 150 << 10, mid: 31 << 10, audio: 341, size: 96 << 20}
	// summed is the same with a CRC-32 in each Cluster.
	summed = shape{name: "8Mbps+CRC", key: 150 << 10, mid: 31 << 10, audio: 341, size: 96 << 20, crc: true}
	// kilobyte is pictures of 1 KB alone.
	kilobyte = shape{name: "1KB", key: 1 << 10, mid: 1 << 10, size: 96 << 20}
	// small is a camera at 300 kbit/s.
	small = shape{name: "300kbps", key: 6 << 10, mid: 900, audio: 170, size: 48 << 20}
)

// sample makes Matroska of a shape, with the tracks of testdata/sample.mkv and frames of one NAL unit with random bytes, a Cluster for
// each key frame. It returns the number of frames too.
func sample(tb testing.TB, s shape) (data []byte, frames int) {
	tb.Helper()
	tracks := sampleTracks(tb)
	if s.audio == 0 {
		tracks = tracks[:1]
	}
	noise := make([]byte, 1<<20)
	rng := rand.NewChaCha8([32]byte{1})
	_, _ = rng.Read(noise)
	take := func(n int) []byte {
		at := int(rng.Uint64() % uint64(len(noise)-n))
		return noise[at : at+n : at+n]
	}
	picture := func(size int, header byte) []byte {
		b := append([]byte(nil), take(size)...)
		binary.BigEndian.PutUint32(b, uint32(size-4))
		b[4] = header
		return b
	}
	data, err := mkv.AppendHeader(make([]byte, 0, s.size+s.size/16+1<<20), tracks, time.Millisecond, mkv.HeaderOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	sound := 0
	for n := 0; n == 0 || len(data) < s.size; n += group {
		var cluster []codec.Frame
		for i := n; i < n+group; i++ {
			f := codec.Frame{Track: tracks[0].Number, PTS: time.Duration(i) * time.Second / pictureRate, Key: i == n}
			if f.Key {
				f.Data = picture(s.key, 0x65)
			} else {
				f.Data = picture(s.mid, 0x41)
			}
			cluster = append(cluster, f)
			for s.audio > 0 && int64(sound)*soundFrame*pictureRate < int64(i+1)*soundRate {
				at := time.Duration(int64(sound) * soundFrame * int64(time.Second) / soundRate)
				cluster = append(cluster, codec.Frame{Track: tracks[1].Number, PTS: at, Key: true, Data: take(s.audio)})
				sound++
			}
		}
		at := len(data)
		if data, err = mkv.AppendCluster(data, cluster[0].PTS, time.Millisecond, cluster); err != nil {
			tb.Fatal(err)
		}
		if s.crc {
			data = putCRC32(data, at)
		}
		frames += len(cluster)
	}
	return data, frames
}

// putCRC32 puts a CRC-32 element in front of what the Cluster at data[at:] holds (RFC 8794, 11.3.1).
func putCRC32(data []byte, at int) []byte {
	const header = 4 + 8 // Element ID and size, as mkv.AppendCluster writes them
	body := data[at+header:]
	element := binary.LittleEndian.AppendUint32([]byte{0xBF, 0x84}, crc32.ChecksumIEEE(body))
	data = slices.Insert(data, at+header, element...)
	size := data[at+4 : at+header]
	binary.BigEndian.PutUint64(size, binary.BigEndian.Uint64(size)+uint64(len(element)))
	return data
}

// sampleTracks returns H.264 and AAC of 48 kHz.
func sampleTracks(tb testing.TB) []*codec.Track {
	tb.Helper()
	data, err := os.ReadFile("../testdata/sample.mkv")
	if err != nil {
		tb.Fatal(err)
	}
	src, err := weir.NewBytesSource(data, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tracks := src.Tracks()
	if len(tracks) != 2 || tracks[0].Kind != codec.Video || tracks[1].Kind != codec.Audio || tracks[1].Timescale() != soundRate {
		tb.Fatal("testdata/sample.mkv is not what the benchmarks expect")
	}
	return tracks
}
