package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive/putmedia"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/mkv"
)

// streams are the command's standard input and outputs.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// explain turns an error into an exit code and one line that names the error, the track and the byte offset.
func explain(err error) (int, string) {
	var usage usageError
	if errors.As(err, &usage) || strings.HasPrefix(err.Error(), "unknown command") {
		return exitUsage, err.Error()
	}
	if errors.Is(err, errRuleFailed) || errors.Is(err, errUnsound) || errors.Is(err, errLeftBehind) {
		return exitRefused, err.Error()
	}
	if e, ok := errors.AsType[serviceError](err); ok {
		if ack, ok := errors.AsType[*putmedia.AckError](e.err); ok && ack.Media() {
			return exitRefused, err.Error()
		}
		return exitFailure, err.Error()
	}
	if name := mediaError(err); name != "" {
		return exitRefused, fmt.Sprintf("%s: %s", name, err)
	}
	return exitFailure, err.Error()
}

// mediaError returns the name of the error for which media is refused, and "" for every other error.
func mediaError(err error) string {
	var form formError
	if errors.As(err, &form) {
		return "UnsupportedStreamMediaType"
	}
	if name := codec.Name(err); name != "" {
		return name
	}
	if errors.Is(err, weir.ErrNoTracks) {
		return "UnsupportedStreamMediaType"
	}
	for _, e := range []error{mkv.ErrSyntax, mkv.ErrLimit, mkv.ErrChecksum, mkv.ErrUnsupported, io.ErrUnexpectedEOF} {
		if errors.Is(err, e) {
			return "InvalidData"
		}
	}
	return ""
}

// formError is media that the asked form cannot carry.
type formError struct{ text string }

func (e formError) Error() string { return e.text }

// serviceError is what a service said, or a connection to it: never that the input is broken, whatever lies behind it.
type serviceError struct{ err error }

func (e serviceError) Error() string { return strings.TrimPrefix(e.err.Error(), "putmedia: ") }

// failedTrack returns the number of the track that a refusal is about, and 0 when it is not about one.
func failedTrack(err error) uint64 {
	if e, ok := errors.AsType[*codec.Error](err); ok {
		return e.Track
	}
	return 0
}
