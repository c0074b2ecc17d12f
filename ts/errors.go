package ts

import (
	"errors"
	"fmt"

	"github.com/seed63bb8431/weir/codec"
)

var (
	// ErrLimit means that a size, a count or a time is more than a chunk can hold.
	ErrLimit = errors.New("ts: too large for the format")
	// ErrInvalid means that the caller's values make no valid chunk: no track, two tracks of pictures, times that go back.
	ErrInvalid = errors.New("ts: invalid value")
	// ErrUnsupported means a configuration that transport streams have no form for.
	ErrUnsupported = errors.New("ts: unsupported configuration")
)

// errUnsupportedMedia holds two sentinels at once, so that the API's name for it is found.
var errUnsupportedMedia = fmt.Errorf("%w: %w", ErrUnsupported, codec.ErrUnsupportedMedia)

// trackError makes the error of a track whose configuration cannot be carried.
func trackError(t *codec.Track, err error, detail string) error {
	return &codec.Error{Track: t.Number, CodecID: t.CodecID, Offset: -1, Detail: detail, Err: err}
}

// sampleError makes the error of the i-th sample of a run.
func (s *stream) sampleError(i int, err error) error {
	return fmt.Errorf("track %d, sample %d: %w", s.track.Number, i, err)
}

// timeError says what is wrong with the times of the i-th sample of a run.
func (s *stream) timeError(i int, dts int64) error {
	p := &s.samples[i]
	switch {
	case dts < 0:
		return s.sampleError(i, fmt.Errorf("%w: negative time %d", ErrInvalid, dts))
	case p.PTS < dts:
		return s.sampleError(i, fmt.Errorf("%w: PTS %d before DTS %d", ErrInvalid, p.PTS, dts))
	case p.PTS-dts > maxOffset:
		return s.sampleError(i, fmt.Errorf("%w: PTS %d, DTS %d", ErrLimit, p.PTS, dts))
	}
	return s.sampleError(i, fmt.Errorf("%w: time %d does not follow the one before", ErrInvalid, dts))
}
