package main

import (
	"io"
	"math"
	"os"
	"slices"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// matroska writes a Cluster for each fragment, or several where a fragment lasts longer than a Cluster can. Where codec private data
// changes a new document begins. A file of one document gets its size and duration; the Segments of several stay of unknown size,
// with which common readers go on behind the second.
func (j *job) matroska(w io.Writer, file *os.File) error {
	opts := mkv.HeaderOptions{MuxingApp: "weir", WritingApp: "weir", Date: j.created(), Reserve: file != nil}
	// The source's own precision, but no finer than what a Cluster of some length can be written in.
	scale := min(max(j.src.Info().TimestampScale, 10*time.Microsecond), time.Millisecond)
	tracks := slices.Clone(j.src.Tracks())
	var header, buf []byte
	var frames []codec.Frame
	var written int64
	var end time.Duration
	documents := 0
	err := j.each(j.src, func(f *weir.Fragment) (err error) {
		buf = buf[:0]
		if f.CodecChange || documents == 0 {
			documents++
			for i := range f.Runs {
				tracks[i] = f.Runs[i].Track
			}
			if header, err = mkv.AppendHeader(header[:0], tracks, scale, opts); err != nil {
				return err
			}
			buf = append(buf, header...)
		}
		frames = weir.AppendFrames(frames[:0], f)
		for len(frames) > 0 {
			at := frames[0].PTS
			n := 0
			for n < len(frames) && (frames[n].PTS-at).Abs() < (math.MaxInt16-1)*scale {
				n++
			}
			if buf, err = mkv.AppendCluster(buf, max(at, 0), scale, frames[:n]); err != nil {
				return err
			}
			frames = frames[n:]
		}
		end = f.End
		written += int64(len(buf))
		_, err = w.Write(buf)
		return err
	})
	if err != nil || file == nil || documents != 1 {
		return err
	}
	opts.Size, opts.Duration = written-int64(len(header)), end
	if header, err = mkv.AppendHeader(header[:0], tracks, scale, opts); err != nil {
		return err
	}
	_, err = file.WriteAt(header, 0)
	return err
}
