package archive

import "fmt"

// Error types of the API (api.md, 0.4).
const (
	AccessDenied              = "AccessDeniedException"
	AccountStreamLimit        = "AccountStreamLimitExceededException"
	ClientLimitExceeded       = "ClientLimitExceededException"
	ConnectionLimitExceeded   = "ConnectionLimitExceededException"
	InternalFailure           = "InternalFailure"
	InvalidArgument           = "InvalidArgumentException"
	InvalidCodecPrivateData   = "InvalidCodecPrivateDataException"
	InvalidMediaFrame         = "InvalidMediaFrameException"
	ImageDecoderUnavailable   = "ImageDecoderUnavailableException"
	InvalidResourceFormat     = "InvalidResourceFormatException"
	MissingCodecPrivateData   = "MissingCodecPrivateDataException"
	NoDataRetention           = "NoDataRetentionException"
	NotAuthorized             = "NotAuthorizedException"
	ResourceInUse             = "ResourceInUseException"
	ResourceNotFound          = "ResourceNotFoundException"
	ServiceUnavailable        = "ServiceUnavailableException"
	TagsPerResourceLimit      = "TagsPerResourceExceededLimitException"
	UnsupportedStreamMedia    = "UnsupportedStreamMediaTypeException"
	Validation                = "ValidationException"
	VersionMismatch           = "VersionMismatchException"
	streamNotFoundText        = "The requested stream is not found or not active."
	noFragmentsForSessionText = "No fragments found in the stream for the streaming request."
	noFragmentsForClipText    = "No fragments found in the stream for the clip request."
	fragmentNumbersText       = "Fragment numbers are invalid :"
	noDecoderText             = "This server has no ffmpeg to decode pictures with."
	noDataRetentionText       = "The stream has no data retention: DataRetentionInHours is 0."
	outsideRetentionTemplate  = "End timestamp %d is outside of the stream retention period."
)

// Error is an exception of the API: its type, and a message for the caller that says what to do.
type Error struct {
	Type    string
	Message string
	Err     error // what lies behind it, for the log; may be nil
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s (%v)", e.Type, e.Message, e.Err)
	}
	return e.Type + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func failf(typ, format string, args ...any) *Error {
	return &Error{Type: typ, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *Error { return failf(InvalidArgument, format, args...) }

// internal hides err from the caller.
func internal(err error) *Error {
	return &Error{Type: InternalFailure, Message: "The request could not be finished for a reason of the server's own. Try again.", Err: err}
}
