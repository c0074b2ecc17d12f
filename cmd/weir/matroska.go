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

// document is one Matroska document of an output: an EBML header and its Segment.
type document struct {
	tracks []*codec.Track
	opts   mkv.HeaderOptions
	scale  time.Duration
	header []byte
	at     int64 // of the header in the output
	end    time.Duration
}

// matroska writes a Cluster for each fragment, or several where a fragment lasts longer than a Cluster can. Where codec private data
// changes a new document begins. In a file each document gets its size and duration when they are known.
func (j *job) matroska(w io.Writer, file *os.File) error {
	d := document{
		tracks: slices.Clone(j.src.Tracks()),
		opts:   mkv.HeaderOptions{MuxingApp: "weir", WritingApp: "weir", Date: j.created(), Reserve: file != nil},
		// The source's own precision, but no finer than what a Cluster of some length can be written in.
		scale: min(max(j.src.Info().TimestampScale, 10*time.Microsecond), time.Millisecond),
	}
	var buf []byte
	var frames []codec.Frame
	var written int64
	err := j.each(j.src, func(f *weir.Fragment) error {
		buf = buf[:0]
		if f.CodecChange || d.header == nil {
			if err := d.seal(file, written); err != nil {
				return err
			}
			if err := d.begin(f, written); err != nil {
				return err
			}
			buf = append(buf, d.header...)
		}
		frames = weir.AppendFrames(frames[:0], f)
		for len(frames) > 0 {
			at := frames[0].PTS
			n := 0
			for n < len(frames) && (frames[n].PTS-at).Abs() < (math.MaxInt16-1)*d.scale {
				n++
			}
			var err error
			if buf, err = mkv.AppendCluster(buf, max(at, 0), d.scale, frames[:n]); err != nil {
				return err
			}
			frames = frames[n:]
		}
		d.end = f.End
		written += int64(len(buf))
		_, err := w.Write(buf)
		return err
	})
	if err != nil {
		return err
	}
	return d.seal(file, written)
}

// begin makes the header of a document that starts with f, at an offset of the output.
func (d *document) begin(f *weir.Fragment, at int64) (err error) {
	for i := range f.Runs {
		d.tracks[i] = f.Runs[i].Track
	}
	d.at = at
	d.opts.Duration, d.opts.Size = 0, 0
	d.header, err = mkv.AppendHeader(d.header[:0], d.tracks, d.scale, d.opts)
	return err
}

// seal writes the header of the document again with the size and the duration that it has got.
func (d *document) seal(file *os.File, written int64) error {
	if file == nil || d.header == nil {
		return nil
	}
	d.opts.Size = written - d.at - int64(len(d.header))
	d.opts.Duration = d.end
	header, err := mkv.AppendHeader(d.header[:0], d.tracks, d.scale, d.opts)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(header, d.at)
	return err
}
