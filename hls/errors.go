package hls

import (
	"errors"
	"fmt"
)

// ErrInvalid is wrapped by the errors of Validate: the playlist breaks a rule of RFC 8216, by the caller's mistake.
var ErrInvalid = errors.New("hls: invalid playlist")

func invalidf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
