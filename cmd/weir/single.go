package main

import (
	"errors"
	"io"
	"math"
	"path/filepath"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// file writes one of the forms that are a single file.
func (j *job) file(form form, name string) error {
	out, err := newOutput(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer out.discard()
	f, err := out.create(filepath.Base(name))
	if err != nil {
		return err
	}
	if err := errors.Join(j.single(form, f), f.Close()); err != nil {
		return err
	}
	j.output = []string{name}
	return out.commit()
}

// single writes the whole output to w.
func (j *job) single(form form, w io.Writer) error {
	switch form {
	case formFragmented:
		return j.fragmented(w)
	case formMKV:
		return j.matroska(w)
	}
	return j.progressive(w)
}

// progressive goes through the input twice: for the tables, which come first in the file, and for the payload.
func (j *job) progressive(w io.Writer) error {
	clip, err := weir.NewClip(j.src, j.created())
	if err != nil {
		return err
	}
	if err := j.each(j.src, clip.Add); err != nil {
		return err
	}
	header, err := clip.AppendHeader(nil)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	src, err := j.in.open(j.ctx, j.opts, j.bar)
	if err != nil {
		return err
	}
	return j.each(src, func(f *weir.Fragment) error { return clip.WritePayload(w, f) })
}

func (j *job) fragmented(w io.Writer) error {
	p := weir.NewFMP4(j.src)
	init, err := p.AppendInit(nil, j.created())
	if err != nil {
		return err
	}
	if _, err := w.Write(init); err != nil {
		return err
	}
	return j.each(j.src, func(f *weir.Fragment) error {
		_, err := p.WriteFragment(w, f)
		return err
	})
}

// created is the creation time that outputs carry: the source's, so that the same input gives the same bytes.
func (j *job) created() time.Time { return j.src.Info().Date }

// matroska writes a Cluster for each fragment, or several where a fragment lasts longer than a Cluster can.
func (j *job) matroska(w io.Writer) error {
	// The source's own precision, but no finer than what a Cluster of some length can be written in.
	scale := min(max(j.src.Info().TimestampScale, 10*time.Microsecond), time.Millisecond)
	buf, err := mkv.AppendHeader(nil, j.src.Tracks(), scale, mkv.HeaderOptions{MuxingApp: "weir", WritingApp: "weir", Date: j.created()})
	if err != nil {
		return err
	}
	if _, err := w.Write(buf); err != nil {
		return err
	}
	var frames []codec.Frame
	return j.each(j.src, func(f *weir.Fragment) error {
		frames = weir.AppendFrames(frames[:0], f)
		for len(frames) > 0 {
			at := frames[0].PTS
			n := 0
			for n < len(frames) && (frames[n].PTS-at).Abs() < (math.MaxInt16-1)*scale {
				n++
			}
			var err error
			if buf, err = mkv.AppendCluster(buf[:0], max(at, 0), scale, frames[:n]); err != nil {
				return err
			}
			if _, err := w.Write(buf); err != nil {
				return err
			}
			frames = frames[n:]
		}
		return nil
	})
}
