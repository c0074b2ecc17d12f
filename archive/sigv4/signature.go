package sigv4

import (
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// MaxExpires is how long a presigned request can be good.
	MaxExpires = 7 * 24 * time.Hour

	maxAuthorization = 8 << 10 // bytes of the header, or of a parameter in the query
	maxSignedHeaders = 100
	maxHeaderName    = 128
	maxScopePart     = 64

	// authority is what HTTP/2 has in the place of the header Host. Some clients sign it by that name.
	authority = ":authority"
)

// Signature is what a request says of its own signature. Nothing of it is true before a Verifier has accepted it.
type Signature struct {
	KeyID         string // access key id
	Scope         Scope
	Time          time.Time     // X-Amz-Date
	Presigned     bool          // it stands in the query
	Expires       time.Duration // how long a presigned one is good, from Time
	SignedHeaders []string      // lower-case, sorted, each once
	PayloadHash   string        // what was signed as the payload hash; "" before Verifier knows it

	told                         string // x-amz-content-sha256
	token, terminator, signature string
	query                        string // canonical
}

// String returns the access key id and the scope.
func (s Signature) String() string { return "signature by " + s.KeyID + " for " + s.Scope.String() }

// GoString returns what String does.
func (s Signature) GoString() string { return "sigv4.Signature{" + strconv.Quote(s.String()) + "}" }

// LogValue returns the access key id, the scope and the time.
func (s Signature) LogValue() slog.Value {
	return slog.GroupValue(slog.String("key", s.KeyID), slog.String("scope", s.Scope.String()), slog.Time("time", s.Time))
}

// Parse reads the signature of a request, as it is, from its header or its query. The errors wrap ErrMissingAuthenticationToken or
// ErrIncompleteSignature.
func Parse(r *http.Request) (*Signature, error) {
	params, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	headers := r.Header["Authorization"]
	presigned := slices.ContainsFunc(params, func(p param) bool {
		return p.name == "X-Amz-Algorithm" || p.name == "X-Amz-Credential" || p.name == "X-Amz-Signature"
	})
	switch {
	case len(headers) == 0 && !presigned:
		return nil, missing()
	case len(headers) > 1 || len(headers) == 1 && presigned:
		return nil, incomplete("The request is signed more than once.")
	case presigned:
		return parseQuerySignature(r, params)
	}
	return parseHeaderSignature(r, headers[0], params)
}

// parseHeaderSignature reads the form of the Authorization header.
func parseHeaderSignature(r *http.Request, header string, params []param) (*Signature, error) {
	if len(header) > maxAuthorization {
		return nil, incomplete("Authorization header is too long.")
	}
	algorithm, rest, _ := strings.Cut(header, " ")
	if algorithm != Algorithm {
		return nil, incomplete("Authorization header requires the algorithm '" + Algorithm + "'.")
	}
	parts := map[string]string{"Credential": "", "SignedHeaders": "", "Signature": ""}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.Trim(part, " \t"), "=")
		old, known := parts[name]
		if !known || old != "" {
			return nil, incomplete("Authorization header has a parameter that is unknown or comes twice.")
		}
		parts[name] = value
	}
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if parts[name] == "" {
			return nil, incomplete("Authorization header requires '" + name + "' parameter.")
		}
	}
	s := &Signature{signature: parts["Signature"], query: canonicalQuery(params, "")}
	date, err := onlyHeader(r, "X-Amz-Date")
	if err != nil {
		return nil, err
	}
	if date == "" {
		return nil, incomplete("Authorization header requires existence of a 'X-Amz-Date' header.")
	}
	if s.token, err = onlyHeader(r, "X-Amz-Security-Token"); err != nil {
		return nil, err
	}
	if s.told, err = onlyHeader(r, "X-Amz-Content-Sha256"); err != nil {
		return nil, err
	}
	return s, s.parse(parts["Credential"], date, parts["SignedHeaders"])
}

// parseQuerySignature reads the presigned form.
func parseQuerySignature(r *http.Request, params []param) (*Signature, error) {
	parts := map[string]string{
		"X-Amz-Algorithm": "", "X-Amz-Credential": "", "X-Amz-Date": "", "X-Amz-Expires": "", "X-Amz-SignedHeaders": "",
		"X-Amz-Signature": "", "X-Amz-Security-Token": "", "X-Amz-Content-Sha256": "",
	}
	for _, p := range params {
		old, known := parts[p.name]
		switch {
		case !known:
			continue
		case old != "":
			return nil, incomplete("The query has '" + p.name + "' twice.")
		case len(p.value) > maxAuthorization:
			return nil, incomplete("The query has a '" + p.name + "' that is too long.")
		}
		parts[p.name] = p.value
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Signature", "X-Amz-SignedHeaders"} {
		if parts[name] == "" {
			return nil, incomplete("AWS query-string parameters must include '" + name + "'.")
		}
	}
	if parts["X-Amz-Algorithm"] != Algorithm {
		return nil, incomplete("The query requires the algorithm '" + Algorithm + "'.")
	}
	expires, err := strconv.ParseUint(parts["X-Amz-Expires"], 10, 32)
	if err != nil || expires == 0 || time.Duration(expires)*time.Second > MaxExpires {
		return nil, incomplete("'X-Amz-Expires' must be a number of seconds from 1 to 604800.")
	}
	s := &Signature{
		Presigned: true, Expires: time.Duration(expires) * time.Second,
		told: parts["X-Amz-Content-Sha256"], token: parts["X-Amz-Security-Token"], signature: parts["X-Amz-Signature"],
		query: canonicalQuery(params, "X-Amz-Signature"),
	}
	// The headers are good for what the query does not tell.
	for header, value := range map[string]*string{"X-Amz-Security-Token": &s.token, "X-Amz-Content-Sha256": &s.told} {
		other, err := onlyHeader(r, header)
		if err != nil {
			return nil, err
		}
		if *value != "" && other != "" && *value != other {
			return nil, incomplete("The query and the headers do not agree on '" + header + "'.")
		}
		if *value == "" {
			*value = other
		}
	}
	return s, s.parse(parts["X-Amz-Credential"], parts["X-Amz-Date"], parts["X-Amz-SignedHeaders"])
}

// onlyHeader returns the value of a header that may come once, "" when there is none.
func onlyHeader(r *http.Request, name string) (string, error) {
	switch values := r.Header[name]; len(values) {
	case 0:
		return "", nil
	case 1:
		return strings.Trim(values[0], " \t"), nil
	}
	return "", incomplete("The request has the header '" + name + "' twice.")
}

// parse reads the parts that both forms have.
func (s *Signature) parse(credential, date, signedHeaders string) error {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	s.KeyID, s.Scope = parts[0], Scope{Date: parts[1], Region: parts[2], Service: parts[3]}
	if !ValidKeyID(s.KeyID) || !isWord(s.Scope.Region, maxScopePart) || !isWord(s.Scope.Service, maxScopePart) ||
		!isWord(s.Scope.Date, len(dateFormat)) {
		return incomplete("Credential has an element that is empty, too long or not of letters and digits.")
	}
	s.terminator = parts[4]
	at, err := time.Parse(timeFormat, date)
	if err != nil || len(date) != len(timeFormat) {
		return incomplete("Date must be in ISO-8601 'basic format': 20060102T150405Z.")
	}
	s.Time = at
	s.SignedHeaders = strings.Split(signedHeaders, ";")
	if len(s.SignedHeaders) > maxSignedHeaders {
		return incomplete("'SignedHeaders' has too many names.")
	}
	for i, name := range s.SignedHeaders {
		if !isHeaderName(name) && name != authority || i > 0 && name <= s.SignedHeaders[i-1] {
			return incomplete("'SignedHeaders' must be lower-case names of headers, sorted, with semicolons between them.")
		}
	}
	return nil
}

// isHeaderName tells whether s is a token (RFC 9110, section 5.6.2) in lower case, and not too long to be told in a refusal.
func isHeaderName(s string) bool {
	if s == "" || len(s) > maxHeaderName {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' || !isAlphanumeric(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return true
}
