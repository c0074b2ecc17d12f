package fmp4

import (
	"errors"
	"fmt"
)

var (
	// ErrLimit means that a size, a count or a time does not fit the field that the format has for it.
	ErrLimit = errors.New("fmp4: too large for the format")
	// ErrInvalid means that the caller's values make no valid file: a track without a configuration, a track ID twice.
	ErrInvalid = errors.New("fmp4: invalid value")
	// ErrUnsupported means a configuration that has no sample entry here.
	ErrUnsupported = errors.New("fmp4: unsupported configuration")
)

// sampleError says what is wrong with the i-th sample of a run.
func sampleError(track uint32, i int, s *Sample) error {
	if s.CompositionOffset < 0 {
		return fmt.Errorf("%w: sample %d of track %d has the negative composition offset %d", ErrInvalid, i, track, s.CompositionOffset)
	}
	return fmt.Errorf("%w: sample %d of track %d has no duration", ErrInvalid, i, track)
}
