package hls

const upperHex = "0123456789ABCDEF"

// isUnreserved holds the unreserved characters of RFC 3986, 2.3.
var isUnreserved = table("-._~")

// isURI holds the characters that may stand in a URI (RFC 3986, 2): unreserved, reserved and the percent sign.
var isURI = table("-._~" + ":/?#[]@" + "!$&'()*+,;=" + "%")

func table(marks string) (t [256]bool) {
	for c := 'a'; c <= 'z'; c++ {
		t[c] = true
		t[c-'a'+'A'] = true
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = true
	}
	for _, c := range marks {
		t[c] = true
	}
	return t
}

// EscapeURI returns s percent-encoded for use as one path segment or one query value of a URI (RFC 3986, 2.1). All but
// unreserved characters are encoded: a slash, a colon and the dollar sign of DASH templates too.
func EscapeURI(s string) string {
	return string(AppendEscapedURI(nil, s))
}

// AppendEscapedURI appends EscapeURI(s) to dst.
func AppendEscapedURI(dst []byte, s string) []byte {
	return appendPercent(dst, s, &isUnreserved)
}

// appendURI appends a URI reference as it is but for bytes that no URI has (line ends, quotes, spaces and the like), which
// are percent-encoded, so that they can end neither the line nor the quoted string around it.
func appendURI(dst []byte, uri string) []byte {
	return appendPercent(dst, uri, &isURI)
}

func appendPercent(dst []byte, s string, keep *[256]bool) []byte {
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if keep[c] {
			continue
		}
		dst = append(dst, s[from:i]...)
		dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		from = i + 1
	}
	return append(dst, s[from:]...)
}
