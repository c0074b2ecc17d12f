package httpapi

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/credentials"
	"github.com/seed63bb8431/weir/archive/sigv4"
)

// Signatures is the Authenticator of AWS Signature Version 4 with the users of a credentials file.
type Signatures struct {
	// Lookup returns the user with an access key id, false when there is none. It is called for each request.
	Lookup func(accessKeyID string) (credentials.User, bool)
	// Account is the server's own. Users of another one may do nothing. "" means that accounts are not looked at.
	Account string
	// Region is what signatures are for. "" means any.
	Region string
	// Skew is how far a caller's clock may be off; 0 means sigv4.DefaultSkew.
	Skew time.Duration
	// Now returns the time. nil means time.Now.
	Now func() time.Time
}

// Authenticate verifies the signature of a request whose body was read.
func (s *Signatures) Authenticate(r *http.Request, body []byte) (Caller, error) {
	c := signer{account: s.Account}
	if _, err := s.verifier(&c).Verify(r, body); err != nil {
		return nil, refused(err)
	}
	return c, nil
}

// AuthenticateStream verifies the signature of a request whose body is read later. Where the signature tells the hash of the body, and
// it is not that of nothing, reading what has another ends with an error.
func (s *Signatures) AuthenticateStream(r *http.Request, body io.Reader) (Caller, io.Reader, error) {
	c := signer{account: s.Account}
	signature, err := s.verifier(&c).VerifyStream(r)
	if err != nil {
		return nil, nil, refused(err)
	}
	return c, signature.Body(body), nil
}

// verifier returns a verifier that leaves the user whose key it looks up in c: the file may change before it is looked up again.
func (s *Signatures) verifier(c *signer) *sigv4.Verifier {
	return &sigv4.Verifier{Region: s.Region, Skew: s.Skew, Now: s.Now, Lookup: func(id string) (key sigv4.Key, ok bool) {
		c.user, ok = s.Lookup(id)
		return c.user.Key, ok
	}}
}

// refused returns the exception of a signature that was refused.
func refused(err error) error {
	e := &archive.Error{Type: sigv4.Name(err) + "Exception", Message: "The signature of the request was refused.", Err: err}
	if refusal, ok := errors.AsType[*sigv4.Error](err); ok {
		e.Message = refusal.Message
	}
	return e
}

// signer is a user whose signature was good.
type signer struct {
	user    credentials.User
	account string
}

func (c signer) Name() string { return c.user.Name }

func (c signer) Allows(action, stream string) bool {
	switch {
	case c.account != "" && c.user.Account != "" && c.user.Account != c.account:
		return false
	case stream == "":
		return c.user.AllowedAction(action)
	}
	return c.user.Allowed(action, stream)
}
