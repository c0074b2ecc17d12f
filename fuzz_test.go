package weir_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
)

// maxFuzzInput keeps the engine from wasting time on sizes that say nothing new.
const maxFuzzInput = 1 << 16

// fuzzSeed is how much of a file is a seed: the engine spends its time on making larger ones smaller.
const fuzzSeed = 8 << 10

// FuzzRemux sends Matroska of any kind through every packager. Nothing panics, and what is written has all that the fragments have.
func FuzzRemux(f *testing.F) {
	for name, data := range carried(f) {
		if len(data) > fuzzSeed {
			data = data[:fuzzSeed]
		}
		f.Add(data, len(name)%2 == 0)
	}
	for _, name := range []string{"bad-avcc.mkv", "zlib.mkv", "opus-only.mkv"} {
		f.Add(read(f, name)[:fuzzSeed], false)
	}
	f.Fuzz(func(t *testing.T, data []byte, byCluster bool) {
		if len(data) > maxFuzzInput {
			return
		}
		opts := &weir.Options{ByCluster: byCluster}
		src, err := weir.NewBytesSource(data, opts)
		if err != nil {
			return
		}
		fragmented, chunks := weir.NewFMP4(src), weir.NewTS(src)
		clip, clipErr := weir.NewClip(src, time.Time{})
		var payload bytes.Buffer
		for {
			fr, err := src.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					clipErr = err
				}
				break
			}
			checkRuns(t, fr)
			remuxFMP4(t, fragmented, fr)
			remuxTS(t, chunks, fr)
			if clipErr == nil {
				clipErr = clip.Add(fr)
			}
			for i := range fr.Runs {
				for _, s := range fr.Runs[i].Samples {
					payload.Write(s.Data)
				}
			}
		}
		if clipErr == nil {
			remuxClip(t, clip, data, opts, payload.Bytes())
		}
	})
}

// checkRuns holds what is true of every fragment's times.
func checkRuns(t *testing.T, f *weir.Fragment) {
	t.Helper()
	for i := range f.Runs {
		r := &f.Runs[i]
		var bytes int64
		for j := range r.Samples {
			s := &r.Samples[j]
			if s.Duration == 0 || int32(s.CompositionOffset) < 0 {
				t.Fatalf("fragment %d, run %d, sample %d: lasts %d, offset %d", f.Index, i, j, s.Duration, s.CompositionOffset)
			}
			bytes += int64(len(s.Data))
		}
		if bytes != r.Bytes {
			t.Fatalf("fragment %d, run %d: %d bytes said, %d there", f.Index, i, r.Bytes, bytes)
		}
		if r.Track.Kind == codec.Video {
			at := r.DTS
			for j := range r.Samples {
				s := &r.Samples[j]
				if at+int64(s.CompositionOffset) != s.PTS {
					t.Fatalf("fragment %d, run %d, sample %d: decoded at %d, offset %d, presented at %d", f.Index, i, j, at, s.CompositionOffset, s.PTS)
				}
				at += int64(s.Duration)
			}
		}
	}
}

// remuxFMP4 writes f as a media fragment and has another reader read it.
func remuxFMP4(t *testing.T, p *weir.FMP4, f *weir.Fragment) {
	t.Helper()
	p.Use(f)
	if _, err := p.AppendInit(nil, time.Time{}); err != nil {
		return
	}
	var b bytes.Buffer
	n, err := p.WriteFragment(&b, f)
	if err != nil {
		return
	}
	if n != int64(b.Len()) {
		t.Fatalf("fragment %d: %d bytes said, %d written", f.Index, n, b.Len())
	}
	moof, mdat := decodeFragment(t, b.Bytes())
	if moof == nil {
		return
	}
	if len(moof.Trafs) != len(f.Runs) {
		t.Fatalf("fragment %d: %d trafs of %d runs", f.Index, len(moof.Trafs), len(f.Runs))
	}
	rest := mdat
	for i, traf := range moof.Trafs {
		r := &f.Runs[i]
		count := 0
		for _, trun := range traf.Truns {
			trun.AddSampleDefaultValues(traf.Tfhd, nil)
			for _, s := range trun.Samples {
				if count == len(r.Samples) || int(s.Size) > len(rest) || !bytes.Equal(rest[:s.Size], r.Samples[count].Data) {
					t.Fatalf("fragment %d, track %d: sample %d of %d has other bytes", f.Index, i, count, len(r.Samples))
				}
				if s.Dur == 0 || s.CompositionTimeOffset < 0 {
					t.Fatalf("fragment %d, track %d: sample %d lasts %d, offset %d", f.Index, i, count, s.Dur, s.CompositionTimeOffset)
				}
				rest = rest[s.Size:]
				count++
			}
		}
		if count != len(r.Samples) {
			t.Fatalf("fragment %d, track %d: %d samples, want %d", f.Index, i, count, len(r.Samples))
		}
	}
	if len(rest) > 0 {
		t.Fatalf("fragment %d: %d bytes of no sample", f.Index, len(rest))
	}
}

// decodeFragment reads a media fragment with mp4ff, nil when mp4ff itself panics.
func decodeFragment(t *testing.T, b []byte) (moof *mp4.MoofBox, mdat []byte) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Logf("mp4ff: %v", p)
			moof = nil
		}
	}()
	file, err := mp4.DecodeFile(bytes.NewReader(b))
	if err != nil || len(file.Segments) != 1 || len(file.Segments[0].Fragments) != 1 {
		t.Errorf("mp4ff: %v", err)
		return nil, nil
	}
	frag := file.Segments[0].Fragments[0]
	return frag.Moof, frag.Mdat.Data
}

// remuxTS writes f as a chunk by both ways.
func remuxTS(t *testing.T, p *weir.TS, f *weir.Fragment) {
	t.Helper()
	chunk, err := p.AppendChunk(nil, f)
	if err != nil {
		return
	}
	if len(chunk)%188 != 0 {
		t.Fatalf("fragment %d: chunk of %d bytes", f.Index, len(chunk))
	}
	for i := 0; i < len(chunk); i += 188 {
		if chunk[i] != 0x47 {
			t.Fatalf("fragment %d: no packet at byte %d", f.Index, i)
		}
	}
	var b bytes.Buffer
	if n, err := p.WriteFragment(&b, f); err != nil || n != int64(b.Len()) || !bytes.Equal(b.Bytes(), chunk) {
		t.Fatalf("fragment %d: %d bytes written, %v, want %d", f.Index, n, err, len(chunk))
	}
}

// remuxClip writes the whole, going through the input again: the payload is that of the fragments.
func remuxClip(t *testing.T, clip *weir.Clip, data []byte, opts *weir.Options, payload []byte) {
	t.Helper()
	head, err := clip.AppendHeader(nil)
	if err != nil {
		return
	}
	src, err := weir.NewBytesSource(data, opts)
	if err != nil {
		t.Fatal(err)
	}
	b := bytes.NewBuffer(head)
	for f, err := src.Next(); err == nil; f, err = src.Next() {
		if err := clip.WritePayload(b, f); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(b.Bytes()[len(head):], payload) {
		t.Fatalf("clip: %d bytes of payload, or others, want %d", b.Len()-len(head), len(payload))
	}
	defer func() {
		if p := recover(); p != nil {
			t.Logf("mp4ff: %v", p)
		}
	}()
	if _, err := mp4.DecodeFile(bytes.NewReader(b.Bytes())); err != nil {
		t.Errorf("mp4ff: %v", err)
	}
}
