package sigv4

import (
	"cmp"
	"crypto/subtle"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	// DefaultSkew is how far the clocks of caller and server may be apart, unless a Verifier has another.
	DefaultSkew = 5 * time.Minute
	// MaxSkew is the most that a Verifier allows.
	MaxSkew = 15 * time.Minute
)

// unknownSecret signs in the place of a key that is not known, so that both take the same time. It is as long as secrets are.
const unknownSecret = "0000000000000000000000000000000000000000"

// Verifier says which signatures are good. It may be used by several goroutines at once.
type Verifier struct {
	// Lookup returns the access key with an id, false when there is none. Its Token, when it has one, is what has to be sent with
	// each request; a key without one is not used with a token.
	Lookup func(id string) (Key, bool)
	// Service is what signatures are for. "" means "kinesisvideo".
	Service string
	// Region is what signatures are for. "" means any.
	Region string
	// Skew is how far X-Amz-Date may be from the time here. 0 means DefaultSkew; above MaxSkew it is MaxSkew.
	Skew time.Duration
	// Now returns the time. nil means time.Now.
	Now func() time.Time
}

// Verify verifies the signature of a request whose body has been read. The errors are of type *Error. What the request says of its
// signature is returned with the error too, nil when it cannot be read; Lookup of its KeyID tells who is calling only when there is
// no error.
func (v *Verifier) Verify(r *http.Request, body []byte) (*Signature, error) {
	s, err := Parse(r)
	if err != nil {
		return nil, err
	}
	s.PayloadHash, err = bodyHash(s.told, body)
	if err != nil {
		return s, err
	}
	return s, v.verify(r, s)
}

// VerifyStream verifies the signature of a request whose body is a stream that is read later (PutMedia); see Signature.Body. A
// PayloadHash that begins with STREAMING- means a body in signed chunks (Content-Encoding: aws-chunked), which nothing here takes apart.
func (v *Verifier) VerifyStream(r *http.Request) (*Signature, error) {
	s, err := Parse(r)
	if err != nil {
		return nil, err
	}
	s.PayloadHash, err = streamHash(s.told)
	if err != nil {
		return s, err
	}
	return s, v.verify(r, s)
}

func (v *Verifier) verify(r *http.Request, s *Signature) error {
	if err := v.checkScope(s); err != nil {
		return err
	}
	if err := v.checkTime(s); err != nil {
		return err
	}
	for _, name := range []string{"host", "x-amz-date"} {
		if s.Presigned && name == "x-amz-date" {
			continue // the query has it, all of which is signed
		}
		if !slices.Contains(s.SignedHeaders, name) && (name != "host" || !slices.Contains(s.SignedHeaders, authority)) {
			return invalid("'" + name + "' must be a 'SignedHeader' in the AWS Authorization.")
		}
	}
	canonical, absent := appendCanonical(nil, r, s.query, s.SignedHeaders, s.PayloadHash)
	if absent != "" {
		return invalid("'" + absent + "' is a 'SignedHeader' that the request does not have.")
	}

	key, known := Key{}, false
	if v.Lookup != nil {
		key, known = v.Lookup(s.KeyID)
	}
	if known = known && key.Secret != ""; !known {
		key = Key{Secret: unknownSecret}
	}
	same := equal(s.Scope.sign(key.Secret, s.Time, canonical), s.signature)
	token := equal(key.Token, s.token)
	switch {
	case !known:
		return unrecognized()
	case !same:
		return invalid(textMismatch)
	case !token:
		return unrecognized()
	}
	return nil
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func (v *Verifier) checkScope(s *Signature) error {
	if date := s.Time.Format(dateFormat); s.Scope.Date != date {
		return invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" +
			s.Scope.Date + "' != '" + date + "', from '" + s.Time.Format(timeFormat) + "'.")
	}
	if s.terminator != terminator {
		return invalid("Credential should be scoped with a valid terminator: '" + terminator + "'.")
	}
	if v.Region != "" && s.Scope.Region != v.Region {
		return invalid("Credential should be scoped to a valid region, not '" + s.Scope.Region + "'.")
	}
	if service := cmp.Or(v.Service, Service); s.Scope.Service != service {
		return invalid("Credential should be scoped to correct service: '" + service + "'.")
	}
	return nil
}

func (v *Verifier) checkTime(s *Signature) error {
	now := time.Now
	if v.Now != nil {
		now = v.Now
	}
	at, skew := now().UTC(), min(cmp.Or(max(v.Skew, 0), DefaultSkew), MaxSkew)
	sent, received := s.Time.Format(timeFormat), at.Format(timeFormat)
	switch {
	case s.Time.Sub(at) > skew:
		return invalid("Signature not yet current: " + sent + " is still later than " + at.Add(skew).Format(timeFormat) +
			" (" + received + " + " + minutes(skew) + ")")
	case s.Presigned && at.Sub(s.Time) > s.Expires:
		return invalid("Signature expired: " + s.Time.Add(s.Expires).Format(timeFormat) + " is now earlier than " + received)
	case !s.Presigned && at.Sub(s.Time) > skew:
		return invalid("Signature expired: " + sent + " is now earlier than " + at.Add(-skew).Format(timeFormat) +
			" (" + received + " - " + minutes(skew) + ")")
	}
	return nil
}

// minutes writes a skew as the service does.
func minutes(d time.Duration) string {
	if d%time.Minute != 0 {
		return d.String()
	}
	return strconv.Itoa(int(d/time.Minute)) + " min."
}
