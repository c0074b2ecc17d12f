package httpapi

import (
	"io"
	"net/http"

	"github.com/seed63bb8431/weir/archive"
)

// Authenticator tells who sent a request. Its errors are *archive.Error with the types of the layer in front, and the same whether a
// stream exists or not: it does not know.
type Authenticator interface {
	// Authenticate verifies the signature of a request whose body was read.
	Authenticate(r *http.Request, body []byte) (Caller, error)
	// AuthenticateStream verifies the signature of a request whose body is read later, from the reader that it returns.
	AuthenticateStream(r *http.Request, body io.Reader) (Caller, io.Reader, error)
}

// Caller is a user who has signed a request.
type Caller interface {
	// Name is what the log calls the user: not the access key.
	Name() string
	// Allows tells whether the user may call an operation on a stream, by its name. An operation that is on no stream has the name "".
	Allows(action, stream string) bool
}

// everybody is the caller where nobody signs.
type everybody struct{}

func (everybody) Name() string { return "" }

func (everybody) Allows(string, string) bool { return true }

// authenticate verifies the signature of a request whose body was read.
func (h *handler) authenticate(x *exchange, body []byte) error {
	x.caller = everybody{}
	if h.opts.Auth == nil {
		return nil
	}
	caller, err := h.opts.Auth.Authenticate(x.r, body)
	if err != nil {
		return err
	}
	x.sentBy(caller)
	return nil
}

// authenticateStream verifies the signature of a request before its body is read, and returns where to read the body from.
func (h *handler) authenticateStream(x *exchange) (io.Reader, error) {
	x.caller = everybody{}
	if h.opts.Auth == nil {
		return x.r.Body, nil
	}
	caller, body, err := h.opts.Auth.AuthenticateStream(x.r, x.r.Body)
	if err != nil {
		return nil, err
	}
	x.sentBy(caller)
	return body, nil
}

// sentBy notes who has signed the request.
func (x *exchange) sentBy(caller Caller) {
	x.caller, x.record.User = caller, caller.Name()
	x.ctx = archive.WithClient(x.ctx, x.record.User)
}

// authorize tells whether the caller may do what was asked for. The stream is not looked up before, so that a caller is told the same
// of foreign streams whether they exist or not.
func (o *operation) authorize(x *exchange, stream string) error {
	x.record.Stream = stream
	if x.caller.Allows(o.action, stream) {
		return nil
	}
	typ := archive.AccessDenied
	if o.notAuthorized {
		typ = archive.NotAuthorized
	}
	if stream == "" {
		return failf(typ, "The caller may not call %s.", o.action)
	}
	return failf(typ, "The caller may not call %s on the stream %s.", o.action, stream)
}
