package sigv4

import "errors"

var (
	// ErrMissingAuthenticationToken means a request without a signature in either form.
	ErrMissingAuthenticationToken = errors.New("sigv4: missing authentication token")
	// ErrIncompleteSignature means a signature that lacks a part, or has one that is not of its form.
	ErrIncompleteSignature = errors.New("sigv4: incomplete signature")
	// ErrUnrecognizedClient means an access key that is not known, or a session token that is not the key's.
	ErrUnrecognizedClient = errors.New("sigv4: unrecognized client")
	// ErrInvalidSignature means a signature that is not that of the request: other contents, another key, another scope or a date
	// that is too old or too new.
	ErrInvalidSignature = errors.New("sigv4: invalid signature")
)

// Error is a request that was refused.
type Error struct {
	Err     error  // one of the sentinels
	Message string // what is wrong, in words for the caller; it has no secrets
}

// Error returns the sentinel's text and the message.
func (e *Error) Error() string { return e.Err.Error() + ": " + e.Message }

// Unwrap returns the sentinel.
func (e *Error) Unwrap() error { return e.Err }

// Name returns the name that the service has for err, without the "Exception" at its end: "MissingAuthenticationToken",
// "IncompleteSignature", "UnrecognizedClient" or "InvalidSignature"; "" when err is nil or not of this package.
func Name(err error) string {
	switch {
	case errors.Is(err, ErrMissingAuthenticationToken):
		return "MissingAuthenticationToken"
	case errors.Is(err, ErrIncompleteSignature):
		return "IncompleteSignature"
	case errors.Is(err, ErrUnrecognizedClient):
		return "UnrecognizedClient"
	case errors.Is(err, ErrInvalidSignature):
		return "InvalidSignature"
	}
	return ""
}

// The service's own texts, which people search for.
const (
	textMissing      = "Missing Authentication Token"
	textUnrecognized = "The security token included in the request is invalid."
	textMismatch     = "The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)

func missing() error                  { return &Error{ErrMissingAuthenticationToken, textMissing} }
func incomplete(message string) error { return &Error{ErrIncompleteSignature, message} }
func unrecognized() error             { return &Error{ErrUnrecognizedClient, textUnrecognized} }
func invalid(message string) error    { return &Error{ErrInvalidSignature, message} }
