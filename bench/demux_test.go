package bench

import (
	"bufio"
	"bytes"
	"io"
	"testing"

	"github.com/at-wat/ebml-go/mkvcore"

	"github.com/seed63bb8431/weir/mkv"
)

// onlyReader hides what else a bytes.Reader can do, so that all bytes go through Read.
type onlyReader struct{ io.Reader }

// BenchmarkDemux reads every frame of a stream.
func BenchmarkDemux(b *testing.B) {
	for _, s := range []shape{stream, kilobyte, summed} {
		data, frames := sample(b, s)
		b.Run(s.name+"/weir", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				r := mkv.NewReader(onlyReader{bytes.NewReader(data)}, nil) // a wrong sum is an error
				n := 0
				for _, err := range r.Frames() {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != frames {
					b.Fatalf("%d frames, want %d", n, frames)
				}
			}
		})
		if s.crc {
			continue // ebml-go does not look at it
		}
		b.Run(s.name+"/ebml-go", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if n := demuxEBML(b, data); n != frames {
					b.Fatalf("%d frames, want %d", n, frames)
				}
			}
		})
	}
}

// demuxEBML reads every frame with ebml-go, whose tracks have to be read side by side.
func demuxEBML(b *testing.B, data []byte) int {
	tracks, err := mkvcore.NewSimpleBlockReader(bufio.NewReader(onlyReader{bytes.NewReader(data)}))
	if err != nil {
		b.Fatal(err)
	}
	counts := make(chan int)
	for _, t := range tracks {
		go func() {
			n := 0
			for {
				if _, _, _, err := t.Read(); err != nil {
					break
				}
				n++
			}
			counts <- n
		}()
	}
	total := 0
	for range tracks {
		total += <-counts
	}
	return total
}
