package check

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

var (
	ruleHHTTP = must("H-HTTP", "every resource is there", "RFC 8216, 3, 6.2.1")
	ruleHCORS = must("H-CORS", "every answer can be read by a page of another origin", "Fetch Standard, 3.2 (CORS)")
	ruleHType = should("H-TYPE", "Content-Type fits", "RFC 8216, 4")
	ruleDHTTP = must("D-HTTP", "every resource is there", "ISO/IEC 23009-1, 5.3.9")
	ruleDCORS = must("D-CORS", "every answer can be read by a page of another origin", "Fetch Standard, 3.2 (CORS)")
	ruleDType = should("D-TYPE", "Content-Type fits", "ISO/IEC 23009-1, 5.3.7, Annex C")
)

// httpFamily has the rules about answers of a server for one of the two forms.
type httpFamily struct{ http, cors, contentType *Rule }

var (
	hlsHTTP  = httpFamily{ruleHHTTP, ruleHCORS, ruleHType}
	dashHTTP = httpFamily{ruleDHTTP, ruleDCORS, ruleDType}
)

var (
	playlistTypes = []string{"application/vnd.apple.mpegurl", "audio/mpegurl", "application/x-mpegurl"}
	mpdTypes      = []string{"application/dash+xml", "video/vnd.mpeg.dash.mpd"}
	segmentTypes  = []string{"video/mp4", "audio/mp4", "application/mp4", "video/iso.segment", "video/mp2t", "audio/aac", "text/vtt"}
)

// httpRules judges the headers of an answer; a file has none.
func (c *checker) httpRules(f httpFamily, b *blob, types []string) {
	if b.header == nil {
		return
	}
	at := whole(b.name, "")
	allowed := b.header.Get("Access-Control-Allow-Origin")
	c.ok(f.cors, allowed == "*" || allowed == origin, at, fmt.Sprintf("Access-Control-Allow-Origin %q", allowed), "* or the origin")
	if b.status >= http.StatusBadRequest {
		return
	}
	kind, _, _ := strings.Cut(b.header.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	c.ok(f.contentType, slices.Contains(types, kind), at, fmt.Sprintf("%q", kind), strings.Join(types, " "))
}

// fetch opens what base refers to; nil when it cannot be had, which is a finding at the place.
func (c *checker) fetch(f httpFamily, base, ref string, part *byteRange, at Place, types []string) *blob {
	name, err := resolve(base, ref)
	if err != nil {
		c.fail(f.http, at, err, "a path or an http URL")
		return nil
	}
	b, err := c.open(name, part)
	if c.ctx.Err() != nil {
		if b != nil {
			b.close()
		}
		return nil
	}
	if b != nil {
		c.httpRules(f, b, types)
	}
	if !c.ok(f.http, err == nil, at, err, "the resource") {
		if b != nil {
			b.close()
		}
		return nil
	}
	return b
}

// segmentsLeft is how many more a list or MPD may name. One more than that is a note.
func (c *checker) segmentsLeft() int { return max(c.opts.MaxSegments-c.segments, 0) + 1 }

// takeSegment counts what a list or MPD names, and tells whether there may be one more.
func (c *checker) takeSegment(at Place) bool {
	if c.ctx.Err() != nil {
		return false
	}
	if c.segments++; c.segments > c.opts.MaxSegments {
		c.note("only the first %d segments were judged: %v", c.opts.MaxSegments, at)
		return false
	}
	return true
}
