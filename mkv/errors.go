package mkv

import (
	"errors"
	"fmt"
)

var (
	// ErrSyntax means bytes that break EBML (RFC 8794) or Matroska (RFC 9559).
	ErrSyntax = errors.New("mkv: malformed element")
	// ErrUnsupported means valid Matroska that this package does not read: compressed or encrypted frames, other document types.
	ErrUnsupported = errors.New("mkv: unsupported feature")
	// ErrLimit means an element larger, deeper or more numerous than a Reader accepts; see Options.
	ErrLimit = errors.New("mkv: limit exceeded")
	// ErrChecksum means that a CRC-32 element does not fit the bytes it covers.
	ErrChecksum = errors.New("mkv: CRC-32 mismatch")
)

// Error reports where in the input an error was found.
type Error struct {
	Offset int64  // bytes from the start of the stream
	Path   string // for example "Segment/Cluster[3]/SimpleBlock[17]"
	Detail string // what is wrong, in a few words; may be empty
	Err    error  // ErrSyntax, ErrUnsupported, ErrLimit, ErrChecksum, io.ErrUnexpectedEOF or the source's own error
}

func (e *Error) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("%v at byte %d (%s)", e.Err, e.Offset, e.Path)
	}
	return fmt.Sprintf("%v: %s at byte %d (%s)", e.Err, e.Detail, e.Offset, e.Path)
}

// Unwrap returns the sentinel or the source's error.
func (e *Error) Unwrap() error { return e.Err }

// A Fault is damage that a Reader with Options.Resync went past.
type Fault struct {
	Err     *Error
	Skipped int64 // bytes left out until the reader found its way again
}

// maxFaults is how many faults are kept in full; all are counted.
const maxFaults = 64
