package hls

import (
	"strconv"
	"unicode/utf8"
)

func appendTag[T int | uint64](dst []byte, tag string, v T) []byte {
	dst = append(dst, tag...)
	if v < 0 {
		v = 0 // a decimal-integer has no sign (RFC 8216, 4.2)
	}
	dst = strconv.AppendUint(dst, uint64(v), 10)
	return append(dst, '\n')
}

// appendQuoted appends s as a quoted-string (RFC 8216, 4.2), which has no way to escape what it must not hold: a double
// quote becomes a single one, a control character a space, and bytes that are not UTF-8 become U+FFFD.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"':
			r = '\''
		case r < 0x20 || 0x7f <= r && r < 0xa0:
			r = ' '
		}
		dst = utf8.AppendRune(dst, r)
	}
	return append(dst, '"')
}

// appendEnum appends an enumerated-string (RFC 8216, 4.2), which has no quotes around it and so holds no commas.
func appendEnum(dst []byte, s string) []byte {
	return appendPercent(dst, s, &isUnreserved)
}

func appendYesNo(dst []byte, yes bool) []byte {
	if yes {
		return append(dst, "YES"...)
	}
	return append(dst, "NO"...)
}
