package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/seed63bb8431/weir"
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
	if err := errors.Join(j.single(form, f, f), f.Close()); err != nil {
		return err
	}
	j.output = []string{name}
	return out.commit()
}

// single writes the whole output to w. file is the same where w can be begun again, else nil.
func (j *job) single(form form, w io.Writer, file *os.File) error {
	switch form {
	case formFragmented:
		return j.fragmented(w, file)
	case formMKV:
		return j.matroska(w, file)
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

// fragmented goes through the input once. Codec private data that changes has to be described at the start of the file: then, where
// input and output allow it, it begins again with all that the whole input has.
func (j *job) fragmented(w io.Writer, file *os.File) error {
	err := j.writeFragments(w, weir.NewFMP4(j.src))
	if !errors.Is(err, weir.ErrCodecChange) {
		return err
	}
	if file == nil || j.in.file == nil {
		return fmt.Errorf("%w: read from a file and write to a file, or write HLS, DASH or Matroska", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	src, err := j.in.open(j.ctx, j.opts, j.bar)
	if err != nil {
		return err
	}
	p := weir.NewFMP4(src)
	if err := j.each(src, func(f *weir.Fragment) error { p.Describe(f); return nil }); err != nil {
		return err
	}
	if j.src, err = j.in.open(j.ctx, j.opts, j.bar); err != nil {
		return err
	}
	return j.writeFragments(w, p)
}

// writeFragments writes the init segment and all fragments.
func (j *job) writeFragments(w io.Writer, p *weir.FMP4) error {
	p.OneFile()
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
