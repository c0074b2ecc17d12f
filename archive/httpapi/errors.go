package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed63bb8431/weir/archive"
)

// The exceptions of the layer in front of the operations (api.md, 0.4).
const (
	MissingAuthenticationToken = "MissingAuthenticationTokenException"
	IncompleteSignature        = "IncompleteSignatureException"
	UnrecognizedClient         = "UnrecognizedClientException"
	InvalidSignature           = "InvalidSignatureException"
	UnknownOperation           = "UnknownOperationException"
	Serialization              = "SerializationException"
)

// statuses has the exceptions whose status is not 400.
var statuses = map[string]int{
	archive.ResourceNotFound: http.StatusNotFound,
	archive.NotAuthorized:    http.StatusUnauthorized,
	archive.AccessDenied:     http.StatusForbidden,
	// Not one of those that clients try again.
	archive.ImageDecoderUnavailable: http.StatusNotImplemented,
	archive.InternalFailure:         http.StatusInternalServerError,
	archive.ServiceUnavailable:      http.StatusServiceUnavailable,
	MissingAuthenticationToken:      http.StatusForbidden,
	UnrecognizedClient:              http.StatusForbidden,
	InvalidSignature:                http.StatusForbidden,
	UnknownOperation:                http.StatusNotFound,
}

// front has the exceptions whose text is in "message" instead of "Message". Clients read both.
var front = map[string]bool{
	MissingAuthenticationToken: true, IncompleteSignature: true, UnrecognizedClient: true, InvalidSignature: true, UnknownOperation: true,
	Serialization: true, archive.InternalFailure: true, archive.ServiceUnavailable: true,
}

func failf(typ, format string, args ...any) *archive.Error {
	return &archive.Error{Type: typ, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *archive.Error {
	return failf(archive.InvalidArgument, format, args...)
}

// exception returns what a caller is told of err, and the status. What is not an *archive.Error is not told.
func exception(err error) (e *archive.Error, status int) {
	e, ok := errors.AsType[*archive.Error](err)
	if !ok || e.Type == "" {
		e = &archive.Error{Type: archive.InternalFailure, Message: "The request could not be finished for a reason of the server's own. Try again.", Err: err}
	}
	if status, ok = statuses[e.Type]; !ok {
		status = http.StatusBadRequest
	}
	return e, status
}

// fail answers with an exception, when nothing was answered yet.
func (x *exchange) fail(err error) {
	e, status := exception(err)
	if x.token && e.Type == archive.NotAuthorized {
		status = http.StatusForbidden // to sign would not help
	}
	x.cause, x.record.Error = err, e.Type
	if errors.Is(err, context.Canceled) && x.r.Context().Err() != nil {
		x.abort = true // nobody is there to read it
		return
	}
	name := "Message"
	if front[e.Type] {
		name = "message"
	}
	body, _ := marshal(map[string]string{name: e.Message}) // of strings, which cannot fail
	header := x.w.Header()
	header["x-amzn-ErrorType"], header["x-amz-ErrorType"] = []string{e.Type}, []string{e.Type}
	header.Del(clipTruncated)
	if status == http.StatusServiceUnavailable {
		header.Set("Retry-After", "1")
	}
	x.answer(status, body)
}

// answer sends a JSON body.
func (x *exchange) answer(status int, body []byte) {
	header := x.w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", fmt.Sprint(len(body)))
	x.limitWrite(writeGrace)
	x.WriteHeader(status)
	if _, err := x.Write(body); err != nil && x.cause == nil && x.r.Method != http.MethodHead {
		x.cause = err
	}
}

// marshal returns v as JSON without escapes that URLs do not need: some clients take strings as they stand.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), err
}
