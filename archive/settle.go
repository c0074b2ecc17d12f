package archive

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// The archive's own flags of rows.
const (
	// flagKeyless marks a fragment that does not begin with a picture that decoding can start at.
	flagKeyless = store.FirstFlag << iota
	// flagFault marks one that cannot be packaged; settled.Fault says why.
	flagFault
	// flagVideo marks one that has pictures.
	flagVideo
)

// settler gives the fragments of one upload their settled times, one after the other.
type settler struct {
	archive *Archive
	stream  int64
	first   bool // the next fragment is the first
	state   *weir.State
	hashes  [][sha256.Size]byte // of the codec records in force, by track
	records map[[sha256.Size]byte]store.Codec
	last    time.Duration // how long the last picture lasted, where the engine could not tell
	end     time.Duration // of the fragment before, on the document's clock
}

func newSettler(a *Archive, stream int64) *settler {
	return &settler{archive: a, stream: stream, first: true, records: map[[sha256.Size]byte]store.Codec{}}
}

// settle fills in what r has of a whole fragment: its times, codec record, flags and Settled. s has the place of its Cluster, the
// shift and the tracks. Its errors are those of the store.
func (t *settler) settle(ctx context.Context, r *store.Row, s *settled, doc []byte, seen *times) error {
	r.Flags = 0
	if t.first {
		r.Flags |= store.FlagUpload
	}
	f, src, err := t.open(ctx, r, s, doc)
	var storage *storageError
	switch {
	case errors.As(err, &storage):
		return storage.err
	case err != nil:
		if err := t.fallBack(ctx, r, s, seen, err); err != nil {
			return err
		}
	default:
		r.Start, r.End, r.Length = int64(f.Start+s.Shift), int64(f.End+s.Shift), int64(f.Length)
		if f.Discontinuity {
			r.Flags |= store.FlagBreak
		}
		if f.Keyless() {
			r.Flags |= flagKeyless
		}
		state := src.Timeline().State()
		s.Tracks = slices.Clone(s.Tracks) // which the fragments of an upload share
		for i := range f.Runs {
			run := closed(f, i, &state, 0)
			s.Tracks[i].tell(&f.Runs[i], &run)
			if s.Tracks[i].Kind == codec.Video && s.Tracks[i].Count > 0 {
				r.Flags |= flagVideo
			}
		}
		s.State = state
		next := src.Timeline().Next()
		t.state, t.end = &next, f.End
	}
	r.Settled = s.append(nil)
	t.first = false
	return nil
}

// tell fills in what manifests tell of a run; closed is that run on a timeline without gaps.
func (t *trackRef) tell(r, closed *weir.Run) {
	t.Timescale, t.Count, t.Bytes = r.Timescale, int64(len(r.Samples)), r.Bytes
	if t.Count == 0 {
		return
	}
	t.First, t.Ticks = closed.First(), closed.End()-closed.DTS
	if r.Samples[0].Sync {
		t.Access = r.Samples[0].Access
	}
}

// storageError marks an error of the store among those of the media.
type storageError struct{ err error }

func (e *storageError) Error() string { return e.err.Error() }

// open reads the fragment with the state that it is settled from. It is read again where that turns out to be another: when the
// codec record has changed, when the stream has a decode delay for the record already, and when the clock has gone back.
func (t *settler) open(ctx context.Context, r *store.Row, s *settled, doc []byte) (*weir.Fragment, *weir.Source, error) {
	state := t.state
	for range 6 {
		src, err := weir.NewBytesSource(doc, &weir.Options{ByCluster: true, Tracks: s.numbers(), State: state, Strict: t.archive.strict(state)})
		if err != nil {
			return nil, nil, err
		}
		f, err := src.Next()
		if err != nil {
			return nil, nil, err
		}
		if len(f.Runs) != len(s.Tracks) {
			return nil, nil, &codec.Error{Offset: -1, Err: codec.ErrUnsupportedMedia, Detail: "a track of another codec"}
		}
		hashes, whole := records(f)
		if t.state != nil && state == t.state && !slices.Equal(hashes, t.hashes) {
			state = changedState(t.state, t.hashes, hashes)
			continue
		}
		now := src.Timeline().State()
		record, err := t.record(ctx, whole, appendDelays(nil, &now))
		if err != nil {
			return nil, nil, &storageError{err}
		}
		if !hasDelays(&now, record.Delay) {
			state = withDelays(state, record.Delay, len(f.Runs))
			continue
		}
		if f.Moved != 0 {
			state = withDelays(nil, record.Delay, len(f.Runs))
			r.Flags |= store.FlagBreak
			continue
		}
		t.hashes, r.Codec = hashes, record
		return f, src, nil
	}
	return nil, nil, errUnsettled
}

var errUnsettled = errors.New("archive: a fragment's times do not settle")

// records returns the hash of each track's codec record, and that of all.
func records(f *weir.Fragment) (by [][sha256.Size]byte, whole [sha256.Size]byte) {
	h := sha256.New()
	for i := range f.Runs {
		track := f.Runs[i].Track
		var b []byte
		b = append(append(b, track.CodecID...), 0)
		if track.Config != nil {
			b = append(append(append(b, track.Config.CodecString()...), 0), track.Config.Private()...)
		}
		one := sha256.Sum256(b)
		by = append(by, one)
		h.Write(one[:])
	}
	h.Sum(whole[:0])
	return by, whole
}

// changedState is state for a fragment whose records are others in some tracks.
func changedState(state *weir.State, before, after [][sha256.Size]byte) *weir.State {
	next := *state
	next.Tracks = slices.Clone(state.Tracks)
	for i := range next.Tracks {
		if i >= len(before) || i >= len(after) || before[i] != after[i] {
			next.Tracks[i].Changed, next.Tracks[i].Settled, next.Tracks[i].Delay = true, false, 0
		}
	}
	return &next
}

// withDelays is state, or a fresh one, with the delays that the stream has for the codec record.
func withDelays(state *weir.State, delays []byte, tracks int) *weir.State {
	next := weir.State{Tracks: make([]weir.TrackState, tracks)}
	if state != nil {
		next = *state
		next.Tracks = slices.Clone(state.Tracks)
	}
	r := fields{b: delays}
	for i := range next.Tracks {
		next.Tracks[i].Delay, next.Tracks[i].Settled = time.Duration(r.varint()), true
	}
	return &next
}

// appendDelays appends the decode delays of a settled fragment, as store.Codec has them.
func appendDelays(dst []byte, s *weir.State) []byte {
	for i := range s.Tracks {
		dst = binary.AppendVarint(dst, int64(s.Tracks[i].Delay))
	}
	return dst
}

func hasDelays(s *weir.State, delays []byte) bool {
	return string(appendDelays(nil, s)) == string(delays)
}

// fallBack gives r the times that can be told without understanding the frames, for a fragment that is stored and cannot be packaged.
func (t *settler) fallBack(ctx context.Context, r *store.Row, s *settled, seen *times, cause error) error {
	r.Flags |= flagFault
	s.Fault, s.FaultTrack = faultOf(cause)
	s.State = weir.State{}
	start, end := seen.span(t.last)
	r.Start, r.End, r.Length = int64(start+s.Shift), int64(end+s.Shift), int64(end-start)
	if !t.first {
		switch d := start - t.end; {
		case d < -store.Tolerance || d > store.Tolerance:
			r.Flags |= store.FlagBreak
		case end > t.end:
			r.Length = int64(end - t.end)
		}
	}
	t.state, t.hashes, t.end = nil, nil, end
	var err error
	r.Codec, err = t.record(ctx, sha256.Sum256([]byte{byte(s.Fault)}), nil)
	return err
}

// record returns the stream's codec record of a hash; delays are what it has when it is new.
func (t *settler) record(ctx context.Context, hash [sha256.Size]byte, delays []byte) (store.Codec, error) {
	if c, ok := t.records[hash]; ok {
		return c, nil
	}
	c, err := t.archive.store.Codec(ctx, t.stream, store.Codec{Hash: hash, Delay: delays})
	if err == nil {
		t.records[hash] = c
	}
	return c, err
}

// faultOf names an error of the engine.
func faultOf(err error) (fault, uint64) {
	track := uint64(0)
	if e, ok := errors.AsType[*codec.Error](err); ok {
		track = e.Track
	}
	switch {
	case errors.Is(err, codec.ErrMissingPrivate):
		return faultMissingPrivate, track
	case errors.Is(err, codec.ErrInvalidPrivate):
		return faultInvalidPrivate, track
	case errors.Is(err, codec.ErrUnsupportedMedia), errors.Is(err, weir.ErrNoTracks):
		return faultUnsupported, track
	}
	return faultInvalidFrame, track
}

// pick chooses the tracks that the archive packages: the first of pictures and the first of sound.
func pick(entries []mkv.TrackEntry) []trackRef {
	var picked []trackRef
	for i := range entries {
		e := &entries[i]
		if e.Kind != 0 && !slices.ContainsFunc(picked, func(t trackRef) bool { return t.Kind == e.Kind }) {
			picked = append(picked, trackRef{Number: e.Number, Kind: e.Kind})
		}
	}
	return picked
}
