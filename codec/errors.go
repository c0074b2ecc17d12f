package codec

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrMissingPrivate means that the track has no codec private data, or a record without the parameter sets a
	// decoder needs. Rebuild may find them in the frames.
	ErrMissingPrivate = errors.New("codec: missing codec private data")
	// ErrInvalidPrivate means that the codec private data does not follow its format.
	ErrInvalidPrivate = errors.New("codec: invalid codec private data")
	// ErrUnsupportedMedia means a codec, or a form of it, that is valid and not handled.
	ErrUnsupportedMedia = errors.New("codec: unsupported media type")
	// ErrInvalidFrame means that the bytes of a frame do not follow its configuration.
	ErrInvalidFrame = errors.New("codec: invalid media frame")
	// ErrAnnexB comes together with ErrInvalidFrame or ErrInvalidPrivate when the bytes are well-formed with start
	// codes where lengths were announced, so that the caller can adapt.
	ErrAnnexB = errors.New("start codes instead of lengths")
)

// errAnnexBFrame and errAnnexBPrivate hold two sentinels at once.
var (
	errAnnexBFrame   = fmt.Errorf("%w: %w", ErrInvalidFrame, ErrAnnexB)
	errAnnexBPrivate = fmt.Errorf("%w: %w", ErrInvalidPrivate, ErrAnnexB)
)

// Error tells where something was found that one of the sentinels names.
type Error struct {
	Track   uint64 // Track.Number, 0 when the finder does not know it
	CodecID string // Matroska CodecID, "" when unknown
	Offset  int64  // bytes from the start of the private data or frame, -1 when unknown
	Detail  string // what was wrong, may be ""
	Err     error  // wraps a sentinel
}

// Error returns all that is known on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Err.Error())
	if e.Detail != "" {
		b.WriteString(": ")
		b.WriteString(e.Detail)
	}
	if e.Offset >= 0 {
		fmt.Fprintf(&b, " at byte %d", e.Offset)
	}
	switch {
	case e.Track != 0 && e.CodecID != "":
		fmt.Fprintf(&b, " (track %d, %q)", e.Track, e.CodecID)
	case e.Track != 0:
		fmt.Fprintf(&b, " (track %d)", e.Track)
	case e.CodecID != "":
		fmt.Fprintf(&b, " (%q)", e.CodecID)
	}
	return b.String()
}

// Unwrap returns the wrapped sentinel.
func (e *Error) Unwrap() error { return e.Err }

// Name returns the name that the service's API has for err: "MissingCodecPrivateData", "InvalidCodecPrivateData",
// "UnsupportedStreamMediaType" or "InvalidMediaFrame"; "" when err is nil or not of this package.
func Name(err error) string {
	switch {
	case errors.Is(err, ErrMissingPrivate):
		return "MissingCodecPrivateData"
	case errors.Is(err, ErrInvalidPrivate):
		return "InvalidCodecPrivateData"
	case errors.Is(err, ErrUnsupportedMedia):
		return "UnsupportedStreamMediaType"
	case errors.Is(err, ErrInvalidFrame):
		return "InvalidMediaFrame"
	}
	return ""
}

// privateError makes the error of private data that breaks its format.
func privateError(offset int, detail string) *Error {
	return &Error{Offset: int64(offset), Detail: detail, Err: ErrInvalidPrivate}
}

// missingError makes the error of private data that lacks something.
func missingError(detail string) *Error {
	return &Error{Offset: -1, Detail: detail, Err: ErrMissingPrivate}
}

// unsupportedError makes the error of a valid form that is not handled.
func unsupportedError(detail string) *Error {
	return &Error{Offset: -1, Detail: detail, Err: ErrUnsupportedMedia}
}

// withCodecID fills in the codec id of an *Error.
func withCodecID(err error, codecID string) error {
	if e, ok := errors.AsType[*Error](err); ok && e.CodecID == "" {
		e.CodecID = codecID
	}
	return err
}
