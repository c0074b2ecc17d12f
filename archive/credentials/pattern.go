package credentials

import "strings"

// pattern is what stands between the "*" of a pattern; there is one "*" less than parts.
type pattern []string

func newPattern(s string) pattern { return strings.Split(s, "*") }

// matches tells whether the pattern describes all of s. A part in the middle is taken where it is first found: what is left for the
// parts behind it is then as long as it can be. So each byte of s is looked at by one search.
func (p pattern) matches(s string) bool {
	last := len(p) - 1
	if last == 0 {
		return s == p[0]
	}
	s, ok := strings.CutPrefix(s, p[0])
	if !ok {
		return false
	}
	for _, part := range p[1:last] {
		_, s, ok = strings.Cut(s, part)
		if !ok {
			return false
		}
	}
	return strings.HasSuffix(s, p[last])
}

// String returns the pattern as it was written.
func (p pattern) String() string { return strings.Join(p, "*") }
