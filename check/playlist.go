package check

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grafov/m3u8"
)

var (
	ruleH01 = must("H01", "the first line is #EXTM3U", "RFC 8216, 4.3.1.1")
	ruleH02 = must("H02", "UTF-8 without a byte order mark or control characters", "RFC 8216, 4.1")
	ruleH03 = should("H03", "no tag outside the registered forms", "RFC 8216, 4.1")
	ruleH04 = must("H04", "at most one EXT-X-VERSION, a number", "RFC 8216, 4.3.1.2")
	ruleH05 = should("H05", "another reader (grafov/m3u8) reads it", "RFC 8216, 4")
	ruleH15 = must("H15", "tags of media and of multivariant playlists are not mixed", "RFC 8216, 4.3.3, 4.3.4")
	ruleH35 = must("H35", "attribute lists are well-formed, no name comes twice", "RFC 8216, 4.2")
)

// maxLines bounds the lines of a playlist.
const maxLines = 1 << 20

// playlist is what the lines of a playlist say.
type playlist struct {
	name         string
	multivariant bool
	version      int
	independent  bool

	// Of a media playlist.
	target       float64
	sequence     int64    // EXT-X-MEDIA-SEQUENCE
	marksBefore  int64    // EXT-X-DISCONTINUITY-SEQUENCE
	targets      []string // the values of EXT-X-TARGETDURATION
	segments     []*listed
	kind         string // EXT-X-PLAYLIST-TYPE
	end          bool
	iframes      bool
	sequenceLate bool // EXT-X-MEDIA-SEQUENCE behind a segment
	marksLate    bool // EXT-X-DISCONTINUITY-SEQUENCE behind a segment or mark
	needs        int  // the version that the tags need
	why          string

	// Of a multivariant playlist.
	variants   []*variant
	renditions []*rendition
}

// listed is a segment of a media playlist.
type listed struct {
	uri       string
	line      int
	extinf    string // "" when there is none
	comma     bool
	duration  float64
	mark      bool // EXT-X-DISCONTINUITY
	gap       bool
	encrypted bool
	date      time.Time
	rawDate   string
	part      *byteRange
	init      *initMap
}

// initMap is EXT-X-MAP.
type initMap struct {
	uri  string
	part *byteRange
}

// variant is EXT-X-STREAM-INF and its URI.
type variant struct {
	line  int
	attrs map[string]string
	uri   string
}

// rendition is EXT-X-MEDIA.
type rendition struct {
	line  int
	attrs map[string]string
}

// parsePlaylist reads the lines, and judges what is about any playlist.
func (c *checker) parsePlaylist(name string, data []byte) *playlist {
	p := &playlist{name: name, version: 1, needs: 1, target: -1}
	bom := bytes.HasPrefix(data, []byte("\xEF\xBB\xBF"))
	control := bytes.IndexFunc(data, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\r' || r >= 0x7F && r <= 0x9F
	})
	c.ok(ruleH02, !bom && control < 0 && utf8.Valid(data), spot(name, int64(control), ""), "another byte", "UTF-8 text")
	if bytes.Count(data, []byte("\n")) > maxLines {
		c.fail(ruleH01, whole(name, ""), "too many lines", maxLines)
		return p
	}
	lines := strings.Split(string(bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))), "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	c.ok(ruleH01, lines[0] == "#EXTM3U", Place{name, -1, 1, ""}, lines[0], "#EXTM3U")
	l := &lineReader{c: c, p: p, lines: lines}
	l.read()
	c.ok(ruleH04, l.versions <= 1 && p.version > 0, whole(name, ""), fmt.Sprintf("%d tags, version %d", l.versions, p.version), "one")
	c.ok(ruleH15, l.mediaTag == 0 || l.multivariantTag == 0, Place{name, -1, max(l.mediaTag, l.multivariantTag), ""}, "both kinds of tags", "one kind")
	c.pass(ruleH03)
	c.pass(ruleH35)
	p.multivariant = l.multivariantTag > 0 && (l.mediaTag == 0 || len(p.variants) > 0)
	err := readPlaylist(data)
	c.ok(ruleH05, err == nil, whole(name, ""), err, "no error")
	return p
}

// readPlaylist has grafov/m3u8 read the list. It panics on some that are wrong.
func readPlaylist(data []byte) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("m3u8 panics: %v", r)
		}
	}()
	_, _, err = m3u8.DecodeFrom(bytes.NewReader(data), true)
	return err
}

// lineReader goes over the lines of a playlist.
type lineReader struct {
	c     *checker
	p     *playlist
	lines []string
	n     int // the line, from 1

	versions, mediaTag, multivariantTag int

	next      listed // what the tags say of the next segment
	init      *initMap
	encrypted bool
	inf       *variant
	marks     int
}

func (l *lineReader) place() Place { return Place{l.p.name, -1, l.n, ""} }

func (l *lineReader) read() {
	for i, line := range l.lines {
		l.n = i + 1
		switch {
		case line == "":
		case strings.HasPrefix(line, "#EXT"):
			l.tag(line)
		case line[0] == '#':
		default:
			l.address(line)
		}
	}
}

// address takes a URI line.
func (l *lineReader) address(line string) {
	if l.inf != nil {
		l.inf.uri = line
		l.p.variants = append(l.p.variants, l.inf)
		l.inf = nil
		return
	}
	s := l.next
	s.uri, s.line, s.init, s.encrypted = line, l.n, l.init, l.encrypted
	if s.part != nil && s.part.first < 0 { // it goes on where the one before ended
		first := int64(0)
		if k := len(l.p.segments); k > 0 && l.p.segments[k-1].uri == line && l.p.segments[k-1].part != nil {
			first = l.p.segments[k-1].part.last + 1
		}
		s.part = &byteRange{first, first + s.part.last}
	}
	l.p.segments = append(l.p.segments, &s)
	l.next = listed{}
}

// multivariantTags and mediaTags belong to one kind of playlist; what is in neither may stand in both.
var (
	multivariantTags = map[string]bool{"EXT-X-STREAM-INF": true, "EXT-X-I-FRAME-STREAM-INF": true, "EXT-X-MEDIA": true, "EXT-X-SESSION-DATA": true,
		"EXT-X-SESSION-KEY": true, "EXT-X-CONTENT-STEERING": true}
	mediaTags = map[string]bool{"EXTINF": true, "EXT-X-TARGETDURATION": true, "EXT-X-MEDIA-SEQUENCE": true, "EXT-X-DISCONTINUITY-SEQUENCE": true,
		"EXT-X-ENDLIST": true, "EXT-X-PLAYLIST-TYPE": true, "EXT-X-I-FRAMES-ONLY": true, "EXT-X-BYTERANGE": true, "EXT-X-DISCONTINUITY": true,
		"EXT-X-KEY": true, "EXT-X-MAP": true, "EXT-X-PROGRAM-DATE-TIME": true, "EXT-X-DATERANGE": true, "EXT-X-GAP": true, "EXT-X-BITRATE": true,
		"EXT-X-PART": true, "EXT-X-PART-INF": true, "EXT-X-SERVER-CONTROL": true, "EXT-X-SKIP": true, "EXT-X-PRELOAD-HINT": true,
		"EXT-X-RENDITION-REPORT": true}
)

func (l *lineReader) tag(line string) {
	p := l.p
	name, value, _ := strings.Cut(line[1:], ":")
	if multivariantTags[name] {
		l.multivariantTag = l.n
	}
	if mediaTags[name] {
		l.mediaTag = l.n
	}
	switch name {
	case "EXTM3U":
	case "EXT-X-VERSION":
		l.versions++
		p.version, _ = strconv.Atoi(value)
	case "EXT-X-INDEPENDENT-SEGMENTS":
		p.independent = true
	case "EXT-X-STREAM-INF":
		l.inf = &variant{line: l.n, attrs: l.attributes(value)}
		if l.n < len(l.lines) && (l.lines[l.n] == "" || l.lines[l.n][0] == '#') || l.n == len(l.lines) {
			p.variants = append(p.variants, l.inf) // H07 tells that it has no URI
			l.inf = nil
		}
	case "EXT-X-MEDIA":
		r := &rendition{l.n, l.attributes(value)}
		if strings.HasPrefix(r.attrs["INSTREAM-ID"], "SERVICE") {
			l.need(7, "INSTREAM-ID of SERVICE")
		}
		p.renditions = append(p.renditions, r)
	case "EXT-X-TARGETDURATION":
		p.targets = append(p.targets, value)
		if v, err := strconv.ParseUint(value, 10, 32); err == nil {
			p.target = float64(v)
		}
	case "EXT-X-MEDIA-SEQUENCE":
		p.sequence = parseCount(value)
		p.sequenceLate = len(p.segments) > 0
	case "EXT-X-DISCONTINUITY-SEQUENCE":
		p.marksBefore = parseCount(value)
		p.marksLate = len(p.segments) > 0 || l.marks > 0
	case "EXT-X-ENDLIST":
		p.end = true
	case "EXT-X-PLAYLIST-TYPE":
		p.kind = value
	case "EXT-X-I-FRAMES-ONLY":
		p.iframes = true
		l.need(4, name)
	case "EXT-X-DISCONTINUITY":
		l.next.mark = true
		l.marks++
	case "EXT-X-GAP":
		l.next.gap = true
	case "EXTINF":
		l.extinf(value)
	case "EXT-X-PROGRAM-DATE-TIME":
		l.next.rawDate = value
		l.next.date = parseDate(value)
	case "EXT-X-BYTERANGE":
		l.next.part = parseRange(value)
		l.need(4, name)
	case "EXT-X-KEY":
		a := l.attributes(value)
		l.encrypted = a["METHOD"] != "NONE"
		if a["IV"] != "" {
			l.need(2, "IV")
		}
		if a["KEYFORMAT"] != "" {
			l.need(5, "KEYFORMAT")
		}
	case "EXT-X-MAP":
		a := l.attributes(value)
		l.init = &initMap{uri: a["URI"]}
		if r := a["BYTERANGE"]; r != "" {
			l.init.part = parseRange(r)
			if l.init.part != nil && l.init.part.first < 0 {
				l.init.part = &byteRange{0, l.init.part.last}
			}
		}
		l.need(5, name)
		if !p.iframes {
			l.need(6, name)
		}
	default:
		if !multivariantTags[name] && !mediaTags[name] && !strings.HasPrefix(name, "EXT-X-") {
			l.c.fail(ruleH03, l.place(), name, "a registered tag")
		}
	}
}

func (l *lineReader) need(version int, why string) {
	if version > l.p.needs {
		l.p.needs, l.p.why = version, why
	}
}

func (l *lineReader) extinf(value string) {
	text, _, comma := strings.Cut(value, ",")
	s := &l.next
	s.extinf, s.comma, s.duration = text, comma, -1
	if v, err := strconv.ParseFloat(text, 64); err == nil && decimal(text) && v < 1e9 {
		s.duration = v
	}
	if strings.Contains(text, ".") {
		l.need(3, "a decimal EXTINF")
	}
}

// decimal tells whether s is a decimal-floating-point or a decimal-integer of RFC 8216, 4.2, and not negative.
func decimal(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.") == "" && strings.Count(s, ".") <= 1
}

// parseRange reads n[@o]. Without o the first byte is -1, and last is the length less one.
func parseRange(s string) *byteRange {
	length, offset, has := strings.Cut(strings.TrimSpace(s), "@")
	n, err := strconv.ParseInt(length, 10, 62)
	if err != nil || n <= 0 {
		return nil
	}
	if !has {
		return &byteRange{-1, n - 1}
	}
	o, err := strconv.ParseInt(offset, 10, 61)
	if err != nil || o < 0 {
		return nil
	}
	return &byteRange{o, o + n - 1}
}

// parseCount reads a sequence number; 0 stands for what is none.
func parseCount(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 62)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

func parseDate(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// attributes reads an attribute list.
func (l *lineReader) attributes(s string) map[string]string {
	a := map[string]string{}
	for rest := s; rest != ""; {
		name, after, ok := strings.Cut(rest, "=")
		name = strings.TrimLeft(name, " ")
		if !ok || name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			l.c.fail(ruleH35, l.place(), rest, "NAME=value")
			return a
		}
		var value string
		if strings.HasPrefix(after, `"`) {
			end := strings.IndexByte(after[1:], '"')
			if end < 0 {
				l.c.fail(ruleH35, l.place(), after, "a closing quote")
				return a
			}
			value, rest = after[1:1+end], after[2+end:]
			if rest != "" && rest[0] != ',' {
				l.c.fail(ruleH35, l.place(), rest, "a comma")
				return a
			}
			rest = strings.TrimPrefix(rest, ",")
		} else {
			value, rest, _ = strings.Cut(after, ",")
		}
		if _, twice := a[name]; twice {
			l.c.fail(ruleH35, l.place(), name+" twice", "once")
		}
		a[name] = value
	}
	return a
}
