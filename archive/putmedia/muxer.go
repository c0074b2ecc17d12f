package putmedia

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// The service's limits of fragments.
const (
	// MaxFragmentDuration is how far apart the frames of a fragment may be.
	MaxFragmentDuration = 20 * time.Second
	// MaxFragmentSize is how many bytes a fragment may have, its header included.
	MaxFragmentSize = 50_000_000
	// MaxTracks is how many tracks there may be.
	MaxTracks = 3
)

// SourceOptions returns opts with what a Muxer needs of a Source. The nil Options are the zero ones.
func SourceOptions(opts *weir.Options) *weir.Options {
	o := weir.Options{}
	if opts != nil {
		o = *opts
	}
	o.Stored, o.MaxDuration = true, MaxFragmentDuration
	if o.MaxFragment <= 0 {
		o.MaxFragment = 32 << 20
	}
	return &o
}

// MuxerOptions say what a Muxer writes. The zero value means the defaults named on each field.
type MuxerOptions struct {
	// TimecodeType is Relative by default: Clusters have the source's own times. With Absolute these count from 1970.
	TimecodeType TimecodeType
	// Start is the wall-clock time of the first fragment. By default it is what the source says: its producer timestamps, its date, or
	// times that count from 1970 themselves; a source that says nothing begins at Now.
	Start time.Time
	// Now is time.Now by default.
	Now func() time.Time
	// MinDuration is what a fragment lasts at least: a shorter one joins its neighbour where nothing is missing between them. The
	// service wants a second. Default: fragments are as the Source cuts them.
	MinDuration time.Duration
	// HoldFor is how long a fragment that is whole waits for the next one. That joins it where pictures are presented across the cut
	// (Options.ByCluster of the Source), and where it is a last one in which a track has no frame any more. Default: as long as it takes.
	// Give live media less, so that a fragment does not come late by the length of the next.
	HoldFor time.Duration
}

// Muxer writes what Sources read as the stream that PutMedia takes. Sources may follow each other; their times go on.
type Muxer struct {
	opts     MuxerOptions
	clock    clock
	started  bool
	anchor   time.Duration // the producer's time of time 0
	index    int
	slots    []slot
	set      uint64        // the tracks of the last fragment, by slot
	scale    time.Duration // TimestampScale of the last fragment, 0 before the first
	warnings []weir.Warning

	// of the current source
	runs    []int   // the run of each slot
	lacking []piece // in which tracks have no frame
	held    *piece
}

// slot is a track of the stream.
type slot struct {
	number, uid    uint64
	kind           codec.Kind
	family         string
	name, language string
}

// NewMuxer returns a Muxer. The nil options are the zero ones.
func NewMuxer(opts *MuxerOptions) *Muxer {
	m := &Muxer{}
	if opts != nil {
		m.opts = *opts
	}
	if m.opts.Now == nil {
		m.opts.Now = time.Now
	}
	if m.opts.TimecodeType == "" {
		m.opts.TimecodeType = Relative
	}
	return m
}

// Start is the time that the timecodes of Relative count from, for Input.ProducerStart. It is known with the first fragment.
func (m *Muxer) Start() time.Time { return time.Unix(0, int64(m.anchor)).UTC() }

// Warnings returns what was left out so far, beside what the Sources say.
func (m *Muxer) Warnings() []weir.Warning { return m.warnings }

func (m *Muxer) warn(track uint64, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for i := range m.warnings {
		if m.warnings[i].Text == text && m.warnings[i].Track == track {
			m.warnings[i].Count++
			return
		}
	}
	m.warnings = append(m.warnings, weir.Warning{Track: track, Offset: -1, Text: text, Count: 1})
}

// Fragments returns a single-use iterator over the fragments of src, which must have SourceOptions. The first error is yielded with
// a nil Fragment and ends the iteration; fragments that were whole before have been yielded. With HoldFor src is read by another
// goroutine, which an iteration that is left early does not wait for: src must not be used afterwards.
func (m *Muxer) Fragments(src *weir.Source) iter.Seq2[*Fragment, error] {
	return func(yield func(*Fragment, error) bool) {
		for src != nil {
			more, err := m.source(src, yield)
			if !more {
				return
			}
			// Where the tracks change, the rest of the input is a source of its own.
			rest, restErr := src.Rest()
			if restErr == nil {
				src = rest
				continue
			}
			if err != nil {
				yield(nil, err)
			}
			return
		}
	}
}

// source yields the fragments of one source, with tracks that stay. more is false when the caller wants no more of them.
// The error is what ended the source, nil at its end.
func (m *Muxer) source(src *weir.Source, yield func(*Fragment, error) bool) (more bool, err error) {
	if err := m.choose(src.Tracks()); err != nil {
		return true, err
	}
	m.clock.source()
	give := func(pieces []piece) bool {
		for i := range pieces {
			f, err := m.encode(&pieces[i])
			if !yield(f, err) || err != nil {
				return false
			}
		}
		return true
	}
	r := &puller{src: src}
	if m.opts.HoldFor > 0 {
		r.start()
		defer close(r.stop)
	}
	for {
		hold := time.Duration(0)
		if m.held != nil {
			hold = m.opts.HoldFor
		}
		f, err := r.next(hold)
		if err == errLate {
			if !give(m.release(nil)) {
				return false, nil
			}
			continue
		}
		if err != nil {
			if !give(m.flush()) {
				return false, nil
			}
			if err == io.EOF {
				err = nil
			}
			return true, err
		}
		p, err := m.take(src, f)
		if err != nil {
			return true, err
		}
		if len(p.frames) > 0 && !give(m.push(p)) {
			return false, nil
		}
	}
}

// puller asks a source for fragments; where it is not to wait for longer than a while, in a goroutine of its own.
type puller struct {
	src   *weir.Source
	out   chan pulled // nil: without a goroutine
	again chan struct{}
	stop  chan struct{}
	asked bool
}

type pulled struct {
	f   *weir.Fragment
	err error
}

var errLate = errors.New("putmedia: the next fragment is not there yet")

func (r *puller) start() {
	r.out, r.again, r.stop = make(chan pulled), make(chan struct{}), make(chan struct{})
	go func() {
		for {
			select {
			case <-r.again:
			case <-r.stop:
				return
			}
			f, err := r.src.Next()
			select {
			case r.out <- pulled{f, err}:
			case <-r.stop:
				return
			}
		}
	}()
}

// next returns the next fragment, or errLate after a while if that is not 0. The fragment is valid until the next call.
func (r *puller) next(wait time.Duration) (*weir.Fragment, error) {
	if r.out == nil {
		return r.src.Next()
	}
	if !r.asked {
		r.again <- struct{}{}
		r.asked = true
	}
	var late <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		late = t.C
	}
	select {
	case p := <-r.out:
		r.asked = false
		return p.f, p.err
	case <-late:
		return nil, errLate
	}
}

// choose picks the tracks that are sent, at most MaxTracks: the first of pictures, the first of sound, then as they are stored.
// A track that takes the place of one of the source before, of the same codec, has that one's number.
func (m *Muxer) choose(tracks []*codec.Track) error {
	m.lacking, m.held, m.set = nil, nil, 0
	var order []int
	for _, kind := range []codec.Kind{codec.Video, codec.Audio} {
		if i := slices.IndexFunc(tracks, func(t *codec.Track) bool { return t.Kind == kind }); i >= 0 {
			order = append(order, i)
		}
	}
	for i := range tracks {
		if !slices.Contains(order, i) {
			order = append(order, i)
		}
	}
	for _, i := range order[min(MaxTracks, len(order)):] {
		m.warn(tracks[i].Number, "left out: at most %d tracks are sent", MaxTracks)
	}
	order = order[:min(MaxTracks, len(order))]
	slices.Sort(order)
	if len(order) == 0 {
		return weir.ErrNoTracks
	}
	if m.matches(tracks, order) {
		return nil
	}
	before, reached := m.slots, m.clock.tracks
	m.slots, m.runs, m.clock.tracks = nil, order, [MaxTracks]reach{}
	for _, i := range order {
		t := tracks[i]
		if at := slices.IndexFunc(before, func(s slot) bool { return s.number == t.Number }); at >= 0 {
			m.clock.tracks[len(m.slots)] = reached[at] // it may go over the same connection
		}
		m.slots = append(m.slots, slot{number: t.Number, uid: t.UID, kind: t.Kind, family: family(t), name: t.Name, language: t.Language})
	}
	return nil
}

// matches finds the tracks for the slots that are there.
func (m *Muxer) matches(tracks []*codec.Track, order []int) bool {
	if len(order) != len(m.slots) {
		return false
	}
	rest, runs := slices.Clone(order), make([]int, 0, len(order))
	for _, s := range m.slots {
		at := slices.IndexFunc(rest, func(i int) bool { return tracks[i].Kind == s.kind && family(tracks[i]) == s.family })
		if at < 0 {
			return false
		}
		runs = append(runs, rest[at])
		rest = slices.Delete(rest, at, at+1)
	}
	m.runs = runs
	return true
}

// family names the codec of a track, whatever its configuration.
func family(t *codec.Track) string {
	switch t.Config.(type) {
	case *codec.AVC:
		return "avc"
	case *codec.HEVC:
		return "hevc"
	case *codec.AAC:
		return "aac"
	case *codec.G711:
		return "g711"
	}
	return t.CodecID
}

// piece is what a Source gives as one fragment: alone, or with others, it becomes a Fragment.
type piece struct {
	span
	index    int // the source's own, for errors
	offset   int64
	wall     time.Time
	epoch    bool // wall is what the source's producer said
	set      uint64
	tracks   []*codec.Track // by slot
	privates [][]byte
	unit     time.Duration // TimestampScale
	frames   []stored
	size     int
	tags     []mkv.Tag
}

// stored is a frame of a piece.
type stored struct {
	slot     int
	pts      time.Duration
	duration time.Duration
	key      bool
	data     []byte
}

// take copies what is needed of a fragment, which is valid until the next one is asked for.
func (m *Muxer) take(src *weir.Source, f *weir.Fragment) (piece, error) {
	p := piece{index: f.Index, offset: f.Offset, wall: f.Time, unit: src.Info().TimestampScale, tracks: make([]*codec.Track, len(m.slots)), privates: make([][]byte, len(m.slots))}
	p.start, p.end, p.keyless = f.Start-f.Moved, f.End-f.Moved, f.Keyless()
	slotOf := make([]int, len(f.Runs))
	for i := range slotOf {
		slotOf[i] = slices.Index(m.runs, i)
	}
	if len(f.Blocks) == 0 {
		return p, errors.New("putmedia: the source has no Options.Stored: see SourceOptions")
	}
	for i := range f.Blocks {
		if slotOf[f.Blocks[i].Run] >= 0 {
			p.size += len(f.Blocks[i].Data)
		}
	}
	arena := make([]byte, 0, p.size)
	for i := range f.Blocks {
		b := &f.Blocks[i]
		s := slotOf[b.Run]
		if s < 0 {
			continue
		}
		from := len(arena)
		arena = append(arena, b.Data...)
		p.frames = append(p.frames, stored{slot: s, pts: b.PTS, duration: b.Duration, key: b.Key, data: arena[from:len(arena):len(arena)]})
		if p.set == 0 {
			p.first, p.last = b.PTS, b.PTS
		}
		p.first, p.last = min(p.first, b.PTS), max(p.last, b.PTS)
		p.span.tracks[s].add(b.PTS, m.slots[s].kind == codec.Audio)
		p.set |= 1 << s
	}
	for s, run := range m.runs {
		r := &f.Runs[run]
		p.tracks[s], p.privates[s] = r.Track, private(r)
		p.unit = r.Track.TimestampUnit
		if p.set&(1<<s) != 0 {
			m.slots[s].family = family(r.Track)
		}
	}
	for _, t := range f.Tags {
		if t.Name == tagProducerTimestamp {
			p.epoch = true
		}
	}
	p.tags = m.tags(f.Tags)
	return p, nil
}

// private is the codec private data that a track's frames are sent with: what the source has, unless the source had to mend it.
func private(r *weir.Run) []byte {
	if c, err := codec.Parse(r.Track.CodecID, r.CodecPrivate); err == nil && bytes.Equal(c.Private(), r.Track.Config.Private()) {
		return r.CodecPrivate
	}
	return r.Track.Config.Private()
}

// Tags that the service keeps for itself begin so.
const (
	tagReserved          = "AWS"
	tagEndOfFragment     = "AWS_KINESISVIDEO_END_OF_FRAGMENT"
	tagProducerTimestamp = "AWS_KINESISVIDEO_PRODUCER_TIMESTAMP"
)

// The service's limits of a fragment's tags.
const (
	maxTags     = 10
	maxTagName  = 128 // bytes
	maxTagValue = 256
)

// tags returns those tags of the source that the service takes.
func (m *Muxer) tags(all []weir.Tag) []mkv.Tag {
	var kept []mkv.Tag
	for _, t := range all {
		switch {
		case strings.HasPrefix(t.Name, tagReserved), t.Name == "":
		case len(t.Name) > maxTagName, len(t.Value) > maxTagValue:
			m.warn(0, "tags left out that are longer than %d or %d bytes", maxTagName, maxTagValue)
		default:
			kept = append(kept, t)
		}
	}
	return kept
}

// all is the set of every slot.
func (m *Muxer) all() uint64 { return 1<<len(m.slots) - 1 }

// push takes the next piece and returns those that are fragments now. Each track has to have a frame in each fragment: a piece that
// lacks one waits for the next, and joins it. Where that would become too long, pieces go without the track.
func (m *Muxer) push(p piece) (ready []piece) {
	if len(m.lacking) == 0 && (p.set == m.all() || p.set == m.set) {
		return m.ready(ready, p)
	}
	if len(m.lacking) == 0 {
		m.lacking = append(m.lacking, p)
		return ready
	}
	joined, ok := join(append(slices.Clip(m.lacking), p))
	switch {
	case ok && joined.set == m.all():
		m.lacking = nil
		return m.ready(ready, joined)
	case ok:
		m.lacking = append(m.lacking, p)
		return ready
	}
	return append(m.settle(ready), m.push(p)...)
}

// settle sends the lacking pieces: with the one that is held back if they fit, else by themselves.
func (m *Muxer) settle(ready []piece) []piece {
	lacking := m.lacking
	m.lacking = nil
	if len(lacking) == 0 {
		return ready
	}
	if m.held != nil {
		if joined, ok := join(append([]piece{*m.held}, lacking...)); ok {
			m.held = &joined
			return ready
		}
	}
	// Neighbours that lack the same are left apart: each begins at a key frame.
	for _, p := range lacking {
		ready = m.ready(ready, p)
	}
	return ready
}

// ready hands a piece on, or holds it back and hands on the one that was held.
func (m *Muxer) ready(ready []piece, p piece) []piece {
	m.set = p.set
	if m.held != nil {
		if joined, ok := m.belongs(p); ok {
			m.held = &joined
			return ready
		}
	}
	ready = m.release(ready)
	m.held = &p
	return ready
}

// release hands on the piece that is held back.
func (m *Muxer) release(ready []piece) []piece {
	if m.held != nil {
		ready = append(ready, *m.held)
		m.held = nil
	}
	return ready
}

// belongs joins a piece with the one that is held back if pictures are presented across the cut between them, and if one is too short.
func (m *Muxer) belongs(p piece) (piece, bool) {
	h := m.held
	if h.set != p.set {
		return piece{}, false
	}
	wanted := min(h.end-h.start, p.end-p.start) < m.opts.MinDuration && (p.start-h.end).Abs() <= tolerance
	for s := range m.slots {
		wanted = wanted || p.keyless && overlap(h, &p, s)
	}
	if !wanted {
		return piece{}, false
	}
	return join([]piece{*h, p})
}

// flush returns what is left at the end of a source.
func (m *Muxer) flush() []piece {
	return m.release(m.settle(nil))
}

// overlap reports whether a track has frames in q that are not behind those that it has in p.
func overlap(p, q *piece, s int) bool {
	a, b := p.span.tracks[s], q.span.tracks[s]
	return a.any && b.any && b.first <= a.last
}

// join makes one piece of several. It reports false when that would break a limit, and when the codec private data differs.
func join(pieces []piece) (piece, bool) {
	p := pieces[0]
	p.frames, p.tags = slices.Clone(p.frames), slices.Clone(p.tags)
	p.tracks, p.privates = slices.Clone(p.tracks), slices.Clone(p.privates)
	for i := range pieces[1:] {
		q := &pieces[i+1]
		if q.unit != p.unit || q.start < p.end-maxReorder { // another clock
			return piece{}, false
		}
		for s := range p.tracks {
			switch bit := uint64(1) << s; {
			case q.set&bit == 0:
			case p.set&bit == 0:
				p.tracks[s], p.privates[s] = q.tracks[s], q.privates[s]
			case family(p.tracks[s]) != family(q.tracks[s]) || !bytes.Equal(p.privates[s], q.privates[s]):
				return piece{}, false
			case overlap(&p, q, s) && (p.tracks[s].Kind == codec.Audio || !q.keyless):
				return piece{}, false // another clock
			}
		}
		for s, r := range q.span.tracks {
			if r.any {
				p.span.tracks[s].add(r.first, false)
				p.span.tracks[s].add(r.last, false)
				p.span.tracks[s].after = max(p.span.tracks[s].after, r.after)
			}
		}
		p.end, p.first, p.last = max(p.end, q.end), min(p.first, q.first), max(p.last, q.last)
		p.set |= q.set
		p.size += q.size
		p.frames = append(p.frames, q.frames...)
		p.tags = append(p.tags, q.tags...)
	}
	return p, p.last-p.first <= MaxFragmentDuration && p.size <= maxPayload
}
