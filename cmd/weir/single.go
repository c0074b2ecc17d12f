package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
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
	w = vectored(w)
	switch form {
	case formFragmented:
		return j.fragmented(w, file)
	case formTS:
		return j.transportStream(w)
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

// transportStream writes one chunk for each fragment.
func (j *job) transportStream(w io.Writer) error {
	tracks, err := j.tsTracks()
	if err != nil {
		return err
	}
	p := weir.NewTS(j.src, tracks...)
	p.OneFile()
	err = j.each(j.src, func(f *weir.Fragment) error {
		_, err := p.WriteFragment(w, f)
		return err
	})
	if errors.Is(err, weir.ErrCodecChange) {
		return fmt.Errorf("%w: one MPEG-TS file has one codec for its pictures; write HLS with --container ts", err)
	}
	return err
}

// tsTracks returns the tracks that MPEG-TS carries: the first of pictures, before all AAC.
func (j *job) tsTracks() ([]int, error) {
	var tracks []int
	g711 := false
	for i, t := range j.src.Tracks() {
		switch t.Config.(type) {
		case *codec.G711:
			g711 = true
			continue
		case *codec.AAC:
			tracks = append(tracks, i)
			continue
		}
		if len(tracks) > 0 && j.src.Tracks()[tracks[0]].Kind == codec.Video {
			j.note(fmt.Sprintf("track %d left out: MPEG-TS is written with one track of pictures", t.Number))
			continue
		}
		tracks = slices.Insert(tracks, 0, i)
	}
	switch {
	case g711 && (len(tracks) == 0 || len(tracks) == 1 && j.src.Tracks()[tracks[0]].Kind == codec.Video):
		return nil, formError{"MPEG-TS does not carry G.711 sound; choose tracks with --tracks, or write DASH or MP4"}
	case g711:
		j.note("G.711 sound is left out: MPEG-TS does not carry it")
	}
	return tracks, nil
}

// created is the creation time that outputs carry: the source's, so that the same input gives the same bytes.
func (j *job) created() time.Time { return j.src.Info().Date }
