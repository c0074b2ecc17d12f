package dash

import (
	"errors"
	"fmt"
)

// ErrInvalid is wrapped by the errors of Validate: the MPD breaks a rule of ISO/IEC 23009-1, by the caller's mistake.
var ErrInvalid = errors.New("dash: invalid MPD")

func invalidf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
