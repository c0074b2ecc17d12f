package dash

import (
	"strconv"
	"unicode/utf8"
)

// isPlain holds the ASCII characters that stand for themselves in XML.
var isPlain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '&' && c != '<' && c != '>' && c != '"'
	}
	return t
}()

// appendEscaped appends s as character data or as an attribute value in double quotes (XML 1.0, 2.4 and 3.3.3). White space
// but the blank is written by number, so that it is not normalised; what XML has no way to hold is left out.
func appendEscaped(dst []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); {
		c, size := s[i], 1
		if isPlain[c] {
			i++
			continue
		}
		var ref string // none for what is left out
		switch {
		case c >= utf8.RuneSelf:
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 || r == 0xFFFE || r == 0xFFFF {
				break
			}
			i += size
			continue
		case c == '&':
			ref = "&amp;"
		case c == '<':
			ref = "&lt;"
		case c == '>':
			ref = "&gt;"
		case c == '"':
			ref = "&#34;"
		case c == '\t':
			ref = "&#9;"
		case c == '\n':
			ref = "&#10;"
		case c == '\r':
			ref = "&#13;"
		}
		dst = append(dst, s[from:i]...)
		dst = append(dst, ref...)
		i += size
		from = i
	}
	return append(dst, s[from:]...)
}

// appendAttr appends an attribute. name is given as ` name="`.
func appendAttr(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = appendEscaped(dst, value)
	return append(dst, '"')
}

// appendOptional appends an attribute that is left out when it is empty.
func appendOptional(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return appendAttr(dst, name, value)
}

func appendUint(dst []byte, name string, v uint64) []byte {
	dst = append(dst, name...)
	dst = strconv.AppendUint(dst, v, 10)
	return append(dst, '"')
}

// appendPositive appends an attribute that is left out when it is not above zero.
func appendPositive(dst []byte, name string, v int) []byte {
	if v <= 0 {
		return dst
	}
	return appendUint(dst, name, uint64(v))
}
