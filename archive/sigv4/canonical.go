package sigv4

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// appendCanonical adds the canonical request. names are lower-case and sorted, query is canonical. It returns the name of a header
// that the request does not have, and then no more of the text is made.
func appendCanonical(dst []byte, r *http.Request, query string, names []string, payloadHash string) (text []byte, absent string) {
	dst = append(dst, cmp.Or(r.Method, http.MethodGet)...)
	dst = append(dst, '\n')
	dst = appendPath(dst, r.URL)
	dst = append(dst, '\n')
	dst = append(dst, query...)
	dst = append(dst, '\n')
	for _, name := range names {
		values := headerValues(r, name)
		if values == nil {
			return dst, name
		}
		dst = append(dst, name...)
		dst = append(dst, ':')
		for i, value := range values {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendFolded(dst, value)
		}
		dst = append(dst, '\n')
	}
	dst = append(dst, '\n')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ';')
		}
		dst = append(dst, name...)
	}
	dst = append(dst, '\n')
	return append(dst, payloadHash...), ""
}

// headerValues returns the values of a header, nil when the request does not have it. The name is in lower case. net/http keeps two
// headers apart from the others. HTTP/2 has neither: it has :authority for the one, and clients that sign the other leave it out when
// they send.
func headerValues(r *http.Request, name string) []string {
	switch name {
	case "host":
		return []string{cmp.Or(r.Host, r.URL.Host)}
	case authority:
		if r.ProtoMajor < 2 {
			return nil
		}
		return []string{cmp.Or(r.Host, r.URL.Host)}
	case "transfer-encoding":
		if r.ProtoMajor >= 2 {
			return []string{"chunked"}
		}
		if len(r.TransferEncoding) > 0 {
			return r.TransferEncoding
		}
	}
	return r.Header[http.CanonicalHeaderKey(name)]
}

// appendFolded adds a header's value without the spaces around it, and with one space where there are several.
func appendFolded(dst []byte, value string) []byte {
	value = strings.Trim(value, " \t")
	space := false
	for i := range len(value) {
		if value[i] == ' ' && space {
			continue
		}
		space = value[i] == ' '
		dst = append(dst, value[i])
	}
	return dst
}

// appendPath adds the path as it is sent, escaped once more: SDKs do that for every service but S3.
func appendPath(dst []byte, u *url.URL) []byte {
	path := u.EscapedPath()
	if path == "" {
		return append(dst, '/')
	}
	return appendEscaped(dst, path, "/")
}

// appendEscaped adds s, with each byte percent-encoded that is neither unreserved (RFC 3986, section 2.3) nor in keep.
func appendEscaped(dst []byte, s, keep string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if isAlphanumeric(c) || c == '-' || c == '_' || c == '.' || c == '~' || strings.IndexByte(keep, c) >= 0 {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', digits[c>>4], digits[c&15])
	}
	return dst
}

// param is a parameter of a query, decoded.
type param struct{ name, value string }

// parseQuery splits a query into its parameters, in the order in which they are sent.
func parseQuery(raw string) ([]param, error) {
	var params []param
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, incomplete("The query string of the request is malformed.")
		}
		value, err = url.QueryUnescape(value)
		if err != nil {
			return nil, incomplete("The query string of the request is malformed.")
		}
		params = append(params, param{name, value})
	}
	return params, nil
}

// canonicalQuery returns the parameters escaped, and sorted by name and value in the escaped form; the one named without is left out.
func canonicalQuery(params []param, without string) string {
	if len(params) == 0 {
		return ""
	}
	escaped := make([]param, 0, len(params))
	for _, p := range params {
		if p.name != without || without == "" {
			escaped = append(escaped, param{string(appendEscaped(nil, p.name, "")), string(appendEscaped(nil, p.value, ""))})
		}
	}
	slices.SortFunc(escaped, func(a, b param) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	var dst []byte
	for i, p := range escaped {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, p.name...)
		dst = append(dst, '=')
		dst = append(dst, p.value...)
	}
	return string(dst)
}
