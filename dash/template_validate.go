package dash

import (
	"fmt"
	"strings"
)

// fault says what is wrong with the template, nothing when it is right.
func (t *SegmentTemplate) fault() string {
	if t.Timescale == 0 {
		return "no timescale"
	}
	media, ok := identifiers(t.Media)
	if !ok || media.number+media.time != 1 {
		return fmt.Sprintf("media %q: not one $Number$ or $Time$", t.Media)
	}
	initialization, ok := identifiers(t.Initialization)
	if !ok || initialization.number+initialization.time != 0 {
		return fmt.Sprintf("initialization %q: an identifier that it must not have", t.Initialization)
	}
	for i := range t.Timeline {
		s := &t.Timeline[i]
		switch {
		case s.D == 0:
			return fmt.Sprintf("segment %d: no duration", i)
		case s.R > 0 && s.named():
			return fmt.Sprintf("segment %d: a fragment's attributes on %d segments", i, s.R+1)
		case i > 0 && s.T <= t.Timeline[i-1].T:
			return fmt.Sprintf("segment %d: time %d, after %d", i, s.T, t.Timeline[i-1].T)
		}
	}
	return ""
}

type identifierCount struct{ number, time int }

// identifiers counts $Number$ and $Time$ in a template (ISO/IEC 23009-1, 5.3.9.4.4). ok is false when a dollar sign is
// alone or an identifier is not known.
func identifiers(template string) (n identifierCount, ok bool) {
	for {
		_, rest, found := strings.Cut(template, "$")
		if !found {
			return n, true
		}
		name, rest, found := strings.Cut(rest, "$")
		if !found {
			return n, false
		}
		template = rest
		name, width, wide := strings.Cut(name, "%")
		if wide && !isWidth(width) {
			return n, false
		}
		switch name {
		case "Number":
			n.number++
		case "Time":
			n.time++
		case "Bandwidth":
		case "", "RepresentationID":
			if wide {
				return n, false
			}
		default:
			return n, false
		}
	}
}

// isWidth tells whether s is the rest of a format tag, 0[width]d without its percent sign.
func isWidth(s string) bool {
	digits, found := strings.CutSuffix(s, "d")
	if !found || !strings.HasPrefix(digits, "0") {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}
