package weir

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// Tags of the archive's Matroska (GetMedia) that fragments take their number and time from.
const (
	tagFragmentNumber    = "AWS_KINESISVIDEO_FRAGMENT_NUMBER"
	tagProducerTimestamp = "AWS_KINESISVIDEO_PRODUCER_TIMESTAMP"
)

// parseEpoch reads seconds since 1970 with decimals.
func parseEpoch(s string) (time.Time, bool) {
	whole, frac, _ := strings.Cut(strings.TrimSpace(s), ".")
	sec, err := strconv.ParseInt(whole, 10, 40)
	if err != nil || sec < 0 {
		return time.Time{}, false
	}
	frac = (frac + "000000000")[:9]
	ns, err := strconv.ParseUint(frac, 10, 32)
	if err != nil {
		return time.Time{}, false
	}
	return time.Unix(sec, int64(ns)).UTC(), true
}

// openTracks chooses the tracks of the first document, and finds them again in the later ones.
func (s *Source) openTracks() error {
	inputs, byNumber, err := s.choose(s.r.Tracks())
	if err != nil {
		return err
	}
	if s.inputs == nil {
		s.byNumber = byNumber
		if len(inputs) == 0 {
			return nil
		}
		s.inputs = inputs
		s.lead = 0
		for i := range inputs {
			s.tracks = append(s.tracks, inputs[i].track)
			if inputs[s.lead].track.Kind == codec.Audio && inputs[i].track.Kind == codec.Video {
				s.lead = i
			}
		}
		s.frames = make([][]timed, len(inputs))
		s.fragment.Runs = make([]Run, len(inputs))
		for i, t := range s.tracks {
			s.fragment.Runs[i].Track = t
			if t.Kind == codec.Video {
				s.fragment.Runs[i].Timescale = codec.VideoTimescale
			} else {
				s.fragment.Runs[i].Timescale = t.Timescale()
				s.laces(i, t.Number)
			}
		}
		return nil
	}
	if len(inputs) != len(s.inputs) {
		return &codec.Error{Offset: s.r.Offset(), Err: codec.ErrUnsupportedMedia,
			Detail: fmt.Sprintf("the tracks change: %d in document %d, %d before", len(inputs), s.r.Document(), len(s.inputs))}
	}
	for i := range inputs {
		a, b := &s.inputs[i], &inputs[i]
		same := a.track.Kind == b.track.Kind && a.track.CodecID == b.track.CodecID
		if same && !bytes.Equal(a.private, b.private) && (a.track.Config == nil || b.track.Config == nil ||
			!bytes.Equal(a.track.Config.Private(), b.track.Config.Private())) {
			same = false
		}
		if !same {
			return &codec.Error{Track: b.track.Number, CodecID: b.track.CodecID, Offset: s.r.Offset(), Err: codec.ErrInvalidPrivate,
				Detail: fmt.Sprintf("codec private data changes in document %d", s.r.Document())}
		}
		s.laces(i, b.track.Number)
	}
	s.byNumber = byNumber
	return nil
}

// laces tells the reader how long the frames of a sound track last.
func (s *Source) laces(i int, number uint64) {
	switch c := s.tracks[i].Config.(type) {
	case *codec.AAC:
		s.r.SetFrameLength(number, int64(c.FrameLength)*int64(time.Second), int64(c.SampleRate), false)
	case *codec.G711:
		s.r.SetFrameLength(number, int64(time.Second), int64(c.SampleRate)*int64(c.Channels), true)
	}
}

// choose makes inputs of the tracks that can be carried and are wanted.
func (s *Source) choose(entries []mkv.TrackEntry) ([]input, map[uint64]int, error) {
	var inputs []input
	byNumber := map[uint64]int{}
	for i := range entries {
		e := &entries[i]
		wanted := len(s.opts.Tracks) == 0 || slices.Contains(s.opts.Tracks, e.Number)
		if !wanted || slices.Contains(s.opts.Exclude, e.Number) {
			continue
		}
		if e.Kind == 0 || !codec.Known(e.CodecID, e.CodecPrivate) {
			s.warn(e.Number, e.Offset, "track left out: codec %s", strconv.Quote(e.CodecID))
			continue
		}
		track := e.Track
		track.TimestampUnit = s.r.Info().TimestampScale
		if e.Unsupported != nil {
			return nil, nil, at(&track, e.Offset, fmt.Errorf("%w: %w", codec.ErrUnsupportedMedia, e.Unsupported))
		}
		for _, d := range e.Dropped {
			s.warn(e.Number, e.Offset, "not carried: %s", d)
		}
		in := input{track: &track, private: e.CodecPrivate}
		config, err := codec.Parse(e.CodecID, e.CodecPrivate)
		if err == nil && config.Kind() != track.Kind {
			err = codec.ErrInvalidPrivate
		}
		if err != nil {
			if s.opts.Strict || errors.Is(err, codec.ErrUnsupportedMedia) {
				return nil, nil, at(&track, e.Offset, err)
			}
			if track.Kind == codec.Audio {
				if config, err = s.rebuildAAC(&track, err); err != nil {
					return nil, nil, at(&track, e.Offset, err)
				}
			}
		}
		if err == nil {
			track.Config = config
			in.video, _ = config.(codec.VideoConfig)
			if a, ok := config.(*codec.AAC); ok && track.SampleRate > 0 && uint32(track.SampleRate) != a.SampleRate && uint32(track.SampleRate) != a.OutputRate {
				s.warn(track.Number, e.Offset, "SamplingFrequency %g, but the AudioSpecificConfig says %d, which is used", track.SampleRate, a.SampleRate)
			}
		} else {
			in.cause = err
		}
		byNumber[e.Number] = len(inputs)
		inputs = append(inputs, in)
	}
	return inputs, byNumber, nil
}

// rebuildAAC makes an AudioSpecificConfig from what the container says.
func (s *Source) rebuildAAC(track *codec.Track, cause error) (codec.Config, error) {
	if !errors.Is(cause, codec.ErrMissingPrivate) {
		return nil, cause
	}
	config, err := codec.RebuildAAC(track.CodecID, track.SampleRate, track.Channels)
	if err == nil {
		s.warn(track.Number, -1, "no codec private data: made from CodecID, SamplingFrequency and Channels")
	}
	return config, err
}

// add takes a frame into the pending ones.
func (s *Source) add(i int, b *mkv.Block) error {
	in := &s.inputs[i]
	s.pend = append(s.pend, pending{block: *b, input: i, document: s.r.Document(), cluster: s.r.Cluster().Index, time: b.PTS - in.track.CodecDelay})
	if in.track.Kind == codec.Audio {
		return nil
	}
	p := &s.pend[len(s.pend)-1]
	data := s.whole(b, &s.scratch)
	s.scratch = s.scratch[:0]
	if in.video == nil {
		return s.rebuild(i, data)
	}
	return s.walk(in, p, data)
}

// whole returns a frame's bytes with the stripped header in front, if it has one: then they are appended to scratch.
func (s *Source) whole(b *mkv.Block, scratch *[]byte) []byte {
	data := s.r.Data(b)
	if len(b.Prefix) == 0 {
		return data
	}
	from := len(*scratch)
	*scratch = append(append(*scratch, b.Prefix...), data...)
	return (*scratch)[from:len(*scratch):len(*scratch)]
}

// walk looks at a picture's NAL units. The first picture of a track may show that its frames are not of the form that the private data says.
func (s *Source) walk(in *input, p *pending, data []byte) error {
	info, err := in.video.Inspect(data)
	if err != nil && !in.walked && !s.opts.Strict {
		if n, ok := codec.DetectLengthSize(data); ok {
			v := in.video.WithLengthSize(n)
			if again, e := v.Inspect(data); e == nil {
				in.video, in.track.Config = v, v
				info, err = again, nil
				s.warn(in.track.Number, p.block.Offset, "frames are not of the form that the codec private data says: %s", form(n))
			}
		}
	}
	if err != nil {
		return at(in.track, p.block.Offset, err)
	}
	in.walked = true
	// A set that was redefined in band may be set back by one that equals the record's: from then on all stay.
	in.keep = in.keep || info.NewSets
	if in.keep && info.Rewrite && info.ParameterSets && lengthSize(in.video) == 4 {
		info.Rewrite = false
	}
	p.info, p.walked = info, true
	if info.Changed {
		return s.changed(in, p, data)
	}
	return nil
}

func form(n int) string {
	if n == 0 {
		return "Annex B"
	}
	return fmt.Sprintf("NAL lengths of %d bytes", n)
}

// changed refuses a picture whose parameter sets make another stream of it. Other sets for the same kind of picture stay in band.
func (s *Source) changed(in *input, p *pending, data []byte) error {
	frame, err := in.video.AppendFrame(nil, data)
	if err != nil {
		return at(in.track, p.block.Offset, err)
	}
	have := in.video.PictureInfo()
	for nal := range codec.SplitAnnexB(codec.AppendAnnexB(nil, frame)) {
		picture, ok := parseSPS(in.video, nal)
		if !ok {
			continue
		}
		if s.opts.Strict || picture.Width != have.Width || picture.Height != have.Height || picture.ChromaFormat != have.ChromaFormat || picture.BitDepth != have.BitDepth {
			return &codec.Error{Track: in.track.Number, CodecID: in.track.CodecID, Offset: p.block.Offset, Err: codec.ErrInvalidPrivate,
				Detail: fmt.Sprintf("codec private data changes: %d×%d after %d×%d", picture.Width, picture.Height, have.Width, have.Height)}
		}
	}
	s.warn(in.track.Number, p.block.Offset, "parameter sets change and stay in band")
	return nil
}

// parseSPS reads nal if it is a sequence parameter set of the base layer.
func parseSPS(config codec.Config, nal []byte) (codec.Picture, bool) {
	var p codec.Picture
	err := codec.ErrInvalidPrivate
	switch config.(type) {
	case *codec.AVC:
		if nal[0]&0x1F == 7 {
			p, err = codec.ParseAVCSPS(nal)
		}
	case *codec.HEVC:
		if len(nal) > 2 && nal[0]>>1&0x3F == 33 && nal[0]&1 == 0 && nal[1]>>3 == 0 {
			p, err = codec.ParseHEVCSPS(nal)
		}
	}
	return p, err == nil
}

// rebuild makes the configuration of a track without one from the parameter sets of the frame that came last.
// The frames before stay pending; they are walked when it succeeds.
func (s *Source) rebuild(i int, data []byte) error {
	in := &s.inputs[i]
	config, err := codec.Rebuild(in.track.CodecID, in.private, slices.Values([][]byte{data}))
	if err != nil {
		return nil // a later frame may have them; unresolved tells in the end
	}
	v, ok := config.(codec.VideoConfig)
	if !ok {
		return nil
	}
	in.video, in.track.Config = v, config
	s.warn(in.track.Number, -1, "codec private data rebuilt from the frames: %v", in.cause)
	for j := range s.pend {
		p := &s.pend[j]
		if p.input != i {
			continue
		}
		d := s.whole(&p.block, &s.scratch)
		s.scratch = s.scratch[:0]
		if err := s.walk(in, p, d); err != nil {
			return err
		}
	}
	return nil
}

// unresolved tells at the end of the input which track never got a configuration.
func (s *Source) unresolved() error {
	for i := range s.inputs {
		in := &s.inputs[i]
		if in.track.Config == nil {
			return at(in.track, -1, in.cause)
		}
	}
	return nil
}

// lengthSize returns how many bytes the NAL unit lengths of a track's frames have, 0 for Annex B.
func lengthSize(config codec.Config) int {
	switch c := config.(type) {
	case *codec.AVC:
		return c.LengthSize
	case *codec.HEVC:
		return c.LengthSize
	}
	return 0
}
