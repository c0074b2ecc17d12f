package weir

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// ErrNoTracks means that the input has no track that the engine carries.
var ErrNoTracks = errors.New("weir: no playable track")

// Tag is a name and a value from the input's Tags.
type Tag = mkv.Tag

// Options says how a Source reads. The zero value means the defaults named on each field.
type Options struct {
	// FragmentDuration is the least that a fragment lasts; default 2 s. A fragment begins at a video key frame.
	FragmentDuration time.Duration
	// ByCluster makes each Cluster a fragment.
	ByCluster bool
	// Tracks are the numbers of the tracks to carry; default all that can be.
	Tracks []uint64
	// Exclude are the numbers of tracks to leave out, for example one that an earlier reading refused.
	Exclude []uint64
	// Strict refuses what is otherwise mended with a warning: damage, private data that is missing or of another form.
	Strict bool
	// MaxFragment is the most bytes that a fragment may have before it is cut without a key frame; default 32 MiB, ByCluster no limit.
	MaxFragment int
	// MaxDuration is the longest that a fragment may be before it is cut without a key frame; default: no limit.
	MaxDuration time.Duration
	// Stored gives each Fragment its Blocks. Sound is then cut by the times that it is stored with: CodecDelay is not taken off.
	Stored bool
	// State, of Timeline.State, settles the first fragment as it was settled between others. Nil: it is the first of its recording.
	State *State
}

// A Warning is something that the input has and the outputs do not, or that was mended on the way.
type Warning struct {
	Track  uint64 // 0: not of one track
	Offset int64  // in the input; -1: not of one place
	Text   string
	Count  int // how often
}

// Source reads Matroska and gives fragments with settled times. A Source must not be used from several goroutines at once.
type Source struct {
	r    *mkv.Reader
	opts Options

	tracks   []*codec.Track // as they were at first
	records  []*record      // in force, by track
	byNumber map[uint64]int // into records
	lead     int            // the track that fragments are cut by
	change   int            // how often a document brought other records
	timeline Timeline

	pend     []pending
	cut      cutter
	eof      bool
	started  bool
	fragment Fragment
	frames   [][]timed
	arena    []byte // frames that had to be rewritten
	spare    []pending
	scratch  []byte // one frame whose stripped header has been put back
	tags     []placedTag
	anchor   time.Time // the wall-clock time of time 0
	number   int
	warnings []Warning
	first    *Fragment
	origin   time.Duration
	delay    time.Duration
	others   error // the document that begins has other tracks; no more is read
	err      error
}

// record is what a track's frames are understood by, from one codec record to the next.
type record struct {
	track   *codec.Track
	private []byte
	video   codec.VideoConfig // nil for sound, and until the configuration is known
	cause   error             // why the configuration is not known yet
	walked  bool              // one of its frames has been
	keep    bool              // parameter sets stay in band
}

// NewSource returns a Source of a stream. It reads up to the end of the first fragment.
// The nil Options are the zero ones. Errors are *mkv.Error, *codec.Error, ErrNoTracks or those of src.
func NewSource(src io.Reader, opts *Options) (*Source, error) {
	s := newSource(opts)
	s.r = mkv.NewReader(src, &mkv.Options{Resync: !s.opts.Strict})
	return s, s.open()
}

// NewBytesSource returns a Source of what is in memory already. Frames that need no change are views of data.
func NewBytesSource(data []byte, opts *Options) (*Source, error) {
	s := newSource(opts)
	s.r = mkv.NewBytesReader(data, &mkv.Options{Resync: !s.opts.Strict})
	return s, s.open()
}

func newSource(opts *Options) *Source {
	s := &Source{}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.FragmentDuration <= 0 {
		s.opts.FragmentDuration = 2 * time.Second
	}
	if s.opts.MaxFragment <= 0 {
		s.opts.MaxFragment = 32 << 20
		if s.opts.ByCluster {
			s.opts.MaxFragment = math.MaxInt
		}
	}
	return s
}

// open reads the first fragment, so that the tracks' configurations and delays are known.
func (s *Source) open() error {
	f, err := s.next()
	if err != nil && err != io.EOF {
		return err
	}
	if len(s.tracks) == 0 {
		return s.noTracks()
	}
	if f == nil {
		detail := "no frame of a playable track"
		if n := s.r.UnknownBlocks(); n > 0 {
			detail = fmt.Sprintf("%s; %d blocks stand before Tracks or have no track: a file instead of a pipe may help", detail, n)
		}
		return &mkv.Error{Offset: s.r.Offset(), Path: "Segment", Detail: detail, Err: mkv.ErrSyntax}
	}
	s.first = f
	s.origin = f.Start
	for i := range s.frames {
		for _, fr := range s.frames[i] {
			s.origin = min(s.origin, fr.pts)
		}
		s.delay = max(s.delay, s.timeline.Delay(i))
	}
	return nil
}

// noTracks tells why nothing can be carried.
func (s *Source) noTracks() error {
	if s.r.Document() < 0 {
		return &mkv.Error{Path: "EBML", Detail: "no Matroska document", Err: mkv.ErrSyntax}
	}
	err := &codec.Error{Offset: -1, Err: codec.ErrUnsupportedMedia}
	if len(s.records) == 0 && s.byNumber == nil {
		return &mkv.Error{Offset: s.r.Offset(), Path: "Segment", Detail: "no Tracks", Err: mkv.ErrSyntax}
	}
	return fmt.Errorf("%w: %w", ErrNoTracks, err)
}

// Tracks returns the tracks that are carried, in stored order, as they are in the first fragment. Where the codec private data
// changes on the way, the Runs of the fragments from there on have other tracks of the same kind.
func (s *Source) Tracks() []*codec.Track { return s.tracks }

// Info returns what the current Segment says of itself.
func (s *Source) Info() mkv.Info { return s.r.Info() }

// Offset returns how many bytes of the input have been read.
func (s *Source) Offset() int64 { return s.r.Offset() }

// Origin returns the smallest presentation time of all tracks in the first fragment, on the source's clock.
func (s *Source) Origin() time.Duration { return s.origin }

// Delay returns D: how far decoding runs ahead of presentation, the most of all tracks.
func (s *Source) Delay() time.Duration { return s.delay }

// Clock returns the clock that packagers use: it begins at Origin, and Delay is added.
func (s *Source) Clock() Clock { return Clock{Origin: s.origin, Delay: s.delay} }

// Timeline returns the timeline that settles the fragments.
func (s *Source) Timeline() *Timeline { return &s.timeline }

// Warnings returns what was left out or mended so far.
func (s *Source) Warnings() []Warning {
	w := slices.Clone(s.warnings)
	faults, n := s.r.Faults()
	for _, f := range faults {
		text := f.Err.Error()
		if f.Skipped > 0 {
			text = fmt.Sprintf("%s; %d bytes left out", text, f.Skipped)
		}
		w = append(w, Warning{Offset: f.Err.Offset, Text: text, Count: 1})
	}
	if n > len(faults) {
		w = append(w, Warning{Offset: -1, Text: "further damaged places", Count: n - len(faults)})
	}
	if n := s.r.UnknownBlocks(); n > 0 {
		w = append(w, Warning{Offset: -1, Text: "blocks of tracks that the Segment does not have", Count: n})
	}
	for i, t := range s.tracks {
		if i < len(s.timeline.tracks) {
			tt := &s.timeline.tracks[i]
			if tt.dense > 0 {
				w = append(w, Warning{Track: t.Number, Offset: -1, Text: "fragments with pictures further out of order than announced", Count: tt.dense})
			}
			if tt.overlap > 0 {
				w = append(w, Warning{Track: t.Number, Offset: -1, Text: "fragments whose decoding overlaps that of the one before", Count: tt.overlap})
			}
		}
	}
	return w
}

func (s *Source) warn(track uint64, offset int64, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for i := range s.warnings {
		if s.warnings[i].Track == track && s.warnings[i].Text == text {
			s.warnings[i].Count++
			return
		}
	}
	if len(s.warnings) < 256 {
		s.warnings = append(s.warnings, Warning{Track: track, Offset: offset, Text: text, Count: 1})
	}
}

// Next returns the next fragment, or io.EOF after the last. The fragment is valid until the next call.
func (s *Source) Next() (*Fragment, error) {
	if f := s.first; f != nil {
		s.first = nil
		return f, nil
	}
	if s.err != nil {
		return nil, s.err
	}
	f, err := s.next()
	s.err = err
	return f, err
}

// Rest returns a Source of what follows in the input where its tracks become others: after Next has returned the
// codec.ErrUnsupportedMedia of that. It takes the place of s. In every other case the error is io.EOF.
func (s *Source) Rest() (*Source, error) {
	if s.others == nil || s.err == nil {
		return nil, io.EOF
	}
	rest := newSource(&s.opts)
	rest.opts.State = nil
	rest.r, rest.tags, rest.anchor, rest.number = s.r, s.tags, s.anchor, s.number
	s.others = nil
	if err := rest.openTracks(); err != nil {
		return nil, err
	}
	return rest, rest.open()
}

// next reads until a fragment is whole.
func (s *Source) next() (*Fragment, error) {
	s.release()
	for {
		for s.cut.scan < len(s.pend) {
			if s.cut.look(s) {
				return s.emit()
			}
		}
		if s.eof {
			if len(s.pend) == 0 && s.others != nil {
				return nil, s.others
			}
			if len(s.pend) == 0 {
				return nil, io.EOF
			}
			s.cut.rest(s)
			f, err := s.emit()
			if f == nil && err == nil {
				continue
			}
			return f, err
		}
		if err := s.read(); err != nil {
			return nil, err
		}
	}
}

// release gives up the bytes of the fragment before.
func (s *Source) release() {
	at := s.r.Offset()
	if len(s.pend) > 0 {
		at = s.pend[0].block.Offset
		for i := range s.pend {
			at = min(at, s.pend[i].block.Offset)
		}
	}
	s.r.Retain(at)
}

// read takes one token from the reader.
func (s *Source) read() error {
	t, err := s.r.Read()
	if err == io.EOF {
		s.eof = true
		return s.unresolved()
	}
	if err != nil {
		return err
	}
	switch t {
	case mkv.TokenTracks:
		return s.openTracks()
	case mkv.TokenTags:
		for _, t := range s.r.Tags() {
			s.tags = append(s.tags, placedTag{Tag: t, before: s.r.Cluster().Index + 1})
		}
		if len(s.tags) > maxTags {
			s.tags = s.tags[len(s.tags)-maxTags:]
		}
	case mkv.TokenBlock:
		if s.byNumber == nil {
			return &mkv.Error{Offset: s.r.Offset(), Path: "Segment", Detail: "frames before Tracks", Err: mkv.ErrSyntax}
		}
		b := s.r.Block()
		i, ok := s.byNumber[b.Track]
		if !ok {
			return nil
		}
		return s.add(i, &b)
	}
	return nil
}

// placedTag is a tag and the Cluster that it stands before.
type placedTag struct {
	Tag
	before int
}

// maxTags is how many tags are kept for a fragment.
const maxTags = 1024
