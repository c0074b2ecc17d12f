package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/codec"
)

// stored is a fragment as the store has it, ready to be packaged.
type stored struct {
	row      *store.Row
	settled  settled
	doc      []byte
	source   *weir.Source
	fragment *weir.Fragment // on the producer's clock
}

// read reads a row's document. buf is used for it where it is large enough.
func (a *Archive) read(ctx context.Context, r *store.Row, buf []byte) (*stored, error) {
	s := &stored{row: r}
	var err error
	if s.settled, err = parseSettled(r.Settled); err != nil {
		return nil, err
	}
	if s.doc, err = a.store.Read(ctx, buf[:0], r); err != nil {
		return nil, err
	}
	if s.settled.Cluster > int64(len(s.doc)) {
		return nil, store.ErrDamaged
	}
	return s, nil
}

// open reads the media of a row: its fragment with the times that were settled when it came. Its errors are those of the API.
func (a *Archive) open(ctx context.Context, r *store.Row, buf []byte) (*stored, error) {
	s, err := a.read(ctx, r, buf)
	if err != nil {
		return nil, storeError(r, err)
	}
	opts := &weir.Options{ByCluster: true, Tracks: s.settled.numbers()}
	if s.settled.Fault == noFault {
		opts.State = &s.settled.State
	}
	opts.Strict = a.strict(opts.State)
	if s.source, err = weir.NewBytesSource(s.doc, opts); err == nil {
		s.fragment, err = s.source.Next()
	}
	if err == nil && len(s.fragment.Runs) != len(s.settled.Tracks) {
		err = &codec.Error{Offset: -1, Err: codec.ErrUnsupportedMedia, Detail: "a track of another codec"}
	}
	if err != nil {
		return nil, s.mediaError(err)
	}
	s.fragment.Move(s.settled.Shift)
	return s, nil
}

// pictureFirst reports whether the track with the lowest number has pictures, as the service's text wants it of track 1.
func (s *stored) pictureFirst() bool {
	if len(s.settled.Tracks) == 0 {
		return false
	}
	first := slices.MinFunc(s.settled.Tracks, func(a, b trackRef) int { return cmp.Compare(a.Number, b.Number) })
	return first.Kind == codec.Video
}

// strict tells whether the engine is to be strict about a fragment with a state. With Options.Strict it is, but where codec private data
// changes: that is no fault of the fragment, and what begins with it may have it.
func (a *Archive) strict(state *weir.State) bool {
	return a.opts.Strict && (state == nil || !slices.ContainsFunc(state.Tracks, func(t weir.TrackState) bool { return t.Changed }))
}

// mediaError names an error of the engine as the API does.
func (s *stored) mediaError(err error) error {
	track := uint64(0)
	if e, ok := errors.AsType[*codec.Error](err); ok {
		track = e.Track
	}
	typ, text := InvalidMediaFrame, ""
	switch {
	case errors.Is(err, codec.ErrMissingPrivate):
		typ, text = MissingCodecPrivateData, fmt.Sprintf("Missing codec private data in fragment for track %d.", track)
	case errors.Is(err, codec.ErrInvalidPrivate):
		typ, text = InvalidCodecPrivateData, fmt.Sprintf("Invalid codec private data in fragment for track %d.", track)
	case errors.Is(err, codec.ErrUnsupportedMedia), errors.Is(err, weir.ErrNoTracks):
		typ, text = UnsupportedStreamMedia, "The fragment has tracks of codecs that this operation does not carry."
	default:
		text = fmt.Sprintf("A frame in fragment %s cannot be read.", s.row.Number)
	}
	return &Error{Type: typ, Message: text, Err: err}
}

// storeError is what a caller gets when a row's bytes cannot be had.
func storeError(r *store.Row, err error) error {
	switch {
	case errors.Is(err, store.ErrGone):
		return &Error{Type: ResourceNotFound, Message: "Fragment " + r.Number.String() + " has expired.", Err: err}
	case errors.Is(err, store.ErrDamaged):
		return &Error{Type: InternalFailure, Message: "Fragment " + r.Number.String() + " is damaged.", Err: err}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return internal(err)
}

// serverTime returns when the fragment arrived.
func serverTime(r *store.Row) time.Time { return time.UnixMicro(r.Server).UTC() }
