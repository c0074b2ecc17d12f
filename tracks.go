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
	records, err := s.choose(s.r.Tracks())
	if err != nil {
		return err
	}
	switch {
	case s.records != nil:
		if records, err = s.resume(records); err != nil {
			s.others, s.eof = err, true
			return s.unresolved()
		}
	case len(records) == 0:
		s.byNumber = map[uint64]int{}
		return nil
	default:
		s.frames = make([][]timed, len(records))
		s.fragment.Runs = make([]Run, len(records))
		for i, rec := range records {
			s.tracks = append(s.tracks, rec.track)
			s.fragment.Runs[i].use(rec)
			if s.tracks[s.lead].Kind == codec.Audio && rec.track.Kind == codec.Video {
				s.lead = i
			}
		}
		if s.opts.State != nil {
			if err := s.timeline.start(s.fragment.Runs, s.opts.State); err != nil {
				return err
			}
		}
	}
	s.records = records
	s.byNumber = make(map[uint64]int, len(records))
	for i, rec := range records {
		s.byNumber[rec.track.Number] = i
		s.laces(i)
	}
	return nil
}

// resume puts the records of a further document in the order of those before. A record that did not change stays.
func (s *Source) resume(fresh []*record) ([]*record, error) {
	records := make([]*record, len(s.records))
	changed := false
	for i, old := range s.records {
		at := slices.IndexFunc(fresh, func(r *record) bool { return r.track.Kind == old.track.Kind })
		if at < 0 {
			return nil, s.tracksChange(old.track, "is not in")
		}
		r := fresh[at]
		fresh = slices.Delete(fresh, at, at+1)
		a, b := old.track, r.track
		same := sameConfig(a.Config, b.Config)
		if same && a.Number == b.Number && a.CodecDelay == b.CodecDelay && a.DefaultDuration == b.DefaultDuration && a.TimestampUnit == b.TimestampUnit {
			r = old
		}
		records[i], changed = r, changed || !same
	}
	if len(fresh) > 0 {
		return nil, s.tracksChange(fresh[0].track, "begins with")
	}
	if changed {
		s.change++
	}
	return records, nil
}

func (s *Source) tracksChange(t *codec.Track, how string) error {
	return &codec.Error{Track: t.Number, CodecID: t.CodecID, Offset: s.r.Offset(), Err: codec.ErrUnsupportedMedia,
		Detail: fmt.Sprintf("the tracks change: %s track %s document %d", t.Kind, how, s.r.Document())}
}

// sameConfig reports whether two configurations are one codec record. One that is not known yet is another.
func sameConfig(a, b codec.Config) bool {
	return a == b && a != nil || a != nil && b != nil && a.CodecString() == b.CodecString() && bytes.Equal(a.Private(), b.Private())
}

// codecChange is the refusal of a fragment whose codec private data is not that of the ones before.
func (s *Source) codecChange(f *Fragment) error {
	for i := range f.Runs {
		if t := f.Runs[i].Track; !sameConfig(t.Config, s.tracks[i].Config) {
			return &codec.Error{Track: t.Number, CodecID: t.CodecID, Offset: f.Offset, Err: codec.ErrInvalidPrivate,
				Detail: fmt.Sprintf("codec private data changes in fragment %d", f.Index+1)}
		}
	}
	return &codec.Error{Offset: f.Offset, Err: codec.ErrInvalidPrivate, Detail: fmt.Sprintf("codec private data changes back in fragment %d", f.Index+1)}
}

// laces tells the reader how long the frames of a sound track last.
func (s *Source) laces(i int) {
	t := s.records[i].track
	switch c := t.Config.(type) {
	case *codec.AAC:
		s.r.SetFrameLength(t.Number, int64(c.FrameLength)*int64(time.Second), int64(c.SampleRate), false)
	case *codec.G711:
		s.r.SetFrameLength(t.Number, int64(time.Second), int64(c.SampleRate)*int64(c.Channels), true)
	}
}

// choose makes records of the tracks that can be carried and are wanted.
func (s *Source) choose(entries []mkv.TrackEntry) ([]*record, error) {
	var records []*record
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
			return nil, at(&track, e.Offset, fmt.Errorf("%w: %w", codec.ErrUnsupportedMedia, e.Unsupported))
		}
		for _, d := range e.Dropped {
			s.warn(e.Number, e.Offset, "not carried: %s", d)
		}
		in := &record{track: &track, private: e.CodecPrivate}
		config, err := codec.Parse(e.CodecID, e.CodecPrivate)
		if err == nil && config.Kind() != track.Kind {
			err = codec.ErrInvalidPrivate
		}
		if err != nil {
			if s.opts.Strict || errors.Is(err, codec.ErrUnsupportedMedia) {
				return nil, at(&track, e.Offset, err)
			}
			if track.Kind == codec.Audio {
				if config, err = s.rebuildAAC(&track, err); err != nil {
					return nil, at(&track, e.Offset, err)
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
		records = append(records, in)
	}
	return records, nil
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
	in := s.records[i]
	time := b.PTS - in.track.CodecDelay
	place := time
	if s.opts.Stored {
		place = b.PTS
	}
	s.pend = append(s.pend, pending{block: *b, track: i, record: in, change: s.change, document: s.r.Document(), cluster: s.r.Cluster().Index, time: time, place: place})
	if in.track.Kind == codec.Audio {
		return nil
	}
	p := &s.pend[len(s.pend)-1]
	data := s.whole(b, &s.scratch)
	s.scratch = s.scratch[:0]
	if in.video == nil {
		return s.rebuild(i, data)
	}
	return s.walk(p, data)
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
func (s *Source) walk(p *pending, data []byte) error {
	in := p.record
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
	p.info, p.walked = info, true
	if info.NewSets {
		if err := s.newSets(p, data); err != nil {
			return err
		}
		in = p.record
	}
	in.walked = true
	// A set that was redefined in band may be set back by one that equals the record's: from then on all stay.
	if in.keep && p.info.Rewrite && p.info.ParameterSets && lengthSize(in.video) == 4 {
		p.info.Rewrite = false
	}
	return nil
}

// newSets deals with parameter sets in band that the record does not have. Where decoding can begin a new record does; elsewhere
// they stay in band, and so do all that follow until the next record.
func (s *Source) newSets(p *pending, data []byte) error {
	in := p.record
	if p.track != s.lead || !s.starts(p) {
		in.keep = true
		s.warn(in.track.Number, p.block.Offset, "parameter sets change between key frames and stay in band")
		return nil
	}
	video, err := in.video.WithParameterSets(data)
	if err != nil {
		return at(in.track, p.block.Offset, err)
	}
	info, err := video.Inspect(data)
	if err != nil {
		return at(in.track, p.block.Offset, err)
	}
	p.info = info
	if !in.walked && !s.opts.Strict { // no picture of the record that the private data has
		s.warn(in.track.Number, p.block.Offset, "the first picture has other parameter sets than the codec private data; they are used")
		in.video, in.track.Config = video, video
		return nil
	}
	track := *in.track
	track.Config = video
	p.record = &record{track: &track, private: video.Private(), video: video}
	s.records[p.track] = p.record
	return nil
}

func form(n int) string {
	if n == 0 {
		return "Annex B"
	}
	return fmt.Sprintf("NAL lengths of %d bytes", n)
}

// rebuild makes the configuration of a track without one from the parameter sets of the frame that came last.
// The frames before stay pending; they are walked when it succeeds.
func (s *Source) rebuild(i int, data []byte) error {
	in := s.records[i]
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
		if p.record != in {
			continue
		}
		p.record = s.records[i]
		d := s.whole(&p.block, &s.scratch)
		s.scratch = s.scratch[:0]
		if err := s.walk(p, d); err != nil {
			return err
		}
	}
	return nil
}

// unresolved tells at the end of the input which track never got a configuration.
func (s *Source) unresolved() error {
	for _, in := range s.records {
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
