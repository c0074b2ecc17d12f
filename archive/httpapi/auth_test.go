package httpapi

import (
	"io"
	"net/http"
)

// refusing refuses requests without an Authorization; the others are of one user, who may do what a function says.
type refusing struct {
	user   string
	allows func(action, stream string) bool
}

func (a refusing) Authenticate(r *http.Request, _ []byte) (Caller, error) {
	if r.Header.Get("Authorization") == "" {
		return nil, failf(MissingAuthenticationToken, "Missing Authentication Token")
	}
	return a, nil
}

func (a refusing) AuthenticateStream(r *http.Request, body io.Reader) (Caller, io.Reader, error) {
	c, err := a.Authenticate(r, nil)
	return c, body, err
}

func (a refusing) Name() string { return a.user }

func (a refusing) Allows(action, stream string) bool {
	return a.allows == nil || a.allows(action, stream)
}
