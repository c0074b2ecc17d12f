package sigv4

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signer signs requests. It may be used by several goroutines at once.
type Signer struct {
	Key     Key
	Region  string
	Service string // "" means "kinesisvideo"
}

// Sign sets X-Amz-Date, X-Amz-Security-Token when the key has one, x-amz-content-sha256 when payloadHash is not a hash, and
// Authorization. It signs host, content-type and every header that begins with x-amz (x-amzn-stream-name for instance), and
// transfer-encoding when r.TransferEncoding is set. payloadHash is PayloadHash of the body, or EmptyHash for a stream; at is the time
// now. A header that is signed must not be changed any more, and a signed transfer-encoding is lost in HTTP/2.
func (s *Signer) Sign(r *http.Request, payloadHash string, at time.Time) error {
	scope, err := s.prepare(r, payloadHash, at)
	if err != nil {
		return err
	}
	r.Header.Set("X-Amz-Date", at.UTC().Format(timeFormat))
	r.Header.Del("X-Amz-Security-Token")
	if s.Key.Token != "" {
		r.Header.Set("X-Amz-Security-Token", s.Key.Token)
	}
	r.Header.Del("Authorization")
	names, params, err := parts(r)
	if err != nil {
		return err
	}
	canonical, _ := appendCanonical(nil, r, canonicalQuery(params, ""), names, payloadHash)
	r.Header.Set("Authorization", Algorithm+" Credential="+s.Key.ID+"/"+scope.String()+
		", SignedHeaders="+strings.Join(names, ";")+", Signature="+scope.sign(s.Key.Secret, at, canonical))
	return nil
}

// Presign adds a signature to the query, so that the URL can be used without the key until expires after at, which is at most
// MaxExpires. The headers that Sign signs have to be sent with it as they are.
func (s *Signer) Presign(r *http.Request, payloadHash string, at time.Time, expires time.Duration) error {
	if expires < time.Second || expires > MaxExpires || expires%time.Second != 0 {
		return errors.New("sigv4: sign: a presigned request is good for 1 to 604800 whole seconds")
	}
	scope, err := s.prepare(r, payloadHash, at)
	if err != nil {
		return err
	}
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
		r.Header.Del(name)
	}
	names, params, err := parts(r)
	if err != nil {
		return err
	}
	params = slices.DeleteFunc(params, func(p param) bool { return strings.HasPrefix(p.name, "X-Amz-") })
	params = append(params, param{"X-Amz-Algorithm", Algorithm}, param{"X-Amz-Credential", s.Key.ID + "/" + scope.String()},
		param{"X-Amz-Date", at.UTC().Format(timeFormat)}, param{"X-Amz-Expires", strconv.Itoa(int(expires / time.Second))},
		param{"X-Amz-SignedHeaders", strings.Join(names, ";")})
	if s.Key.Token != "" {
		params = append(params, param{"X-Amz-Security-Token", s.Key.Token})
	}
	query := canonicalQuery(params, "")
	canonical, _ := appendCanonical(nil, r, query, names, payloadHash)
	r.URL.RawQuery = query + "&X-Amz-Signature=" + scope.sign(s.Key.Secret, at, canonical)
	return nil
}

// prepare looks at what is to be signed, and returns the scope.
func (s *Signer) prepare(r *http.Request, payloadHash string, at time.Time) (Scope, error) {
	scope := Scope{Date: at.UTC().Format(dateFormat), Region: s.Region, Service: s.Service}
	if scope.Service == "" {
		scope.Service = Service
	}
	switch {
	case !ValidKeyID(s.Key.ID) || s.Key.Secret == "":
		return scope, errors.New("sigv4: sign: the key has no secret, or an id that is empty or malformed")
	case !isWord(scope.Region, maxScopePart) || !isWord(scope.Service, maxScopePart) || len(scope.Date) != len(dateFormat):
		return scope, errors.New("sigv4: sign: the region, the service or the date is empty or malformed")
	case r.URL == nil || r.URL.Opaque != "" || r.Host == "" && r.URL.Host == "":
		return scope, errors.New("sigv4: sign: the request has no URL with a host")
	case r.URL.Path != "" && r.URL.Path[0] != '/':
		return scope, errors.New("sigv4: sign: the path does not begin with a slash")
	case !isHash(payloadHash) && !leavesBodyOut(payloadHash):
		return scope, errors.New("sigv4: sign: the payload hash is neither a SHA-256 in lower-case hexadecimal digits nor a known name")
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if told := r.Header.Get("X-Amz-Content-Sha256"); told != "" && told != payloadHash {
		return scope, errors.New("sigv4: sign: the header x-amz-content-sha256 tells another payload hash")
	}
	if !isHash(payloadHash) {
		r.Header.Set("X-Amz-Content-Sha256", payloadHash)
	}
	return scope, nil
}

// parts returns the names of the headers to sign, sorted, all of which the request has, and what is in its query.
func parts(r *http.Request) (names []string, params []param, err error) {
	names = append(names, "host")
	if len(r.TransferEncoding) > 0 {
		names = append(names, "transfer-encoding")
	}
	for name, values := range r.Header {
		lower := strings.ToLower(name)
		if len(values) == 0 || lower != "content-type" && !strings.HasPrefix(lower, "x-amz") {
			continue
		}
		if name != http.CanonicalHeaderKey(lower) || !isHeaderName(lower) {
			return nil, nil, fmt.Errorf("sigv4: sign: the header %q is not in its canonical form", name)
		}
		names = append(names, lower)
	}
	slices.Sort(names)
	params, err = parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, nil, errors.New("sigv4: sign: the query is malformed")
	}
	return names, params, nil
}
