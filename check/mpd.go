package check

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

var (
	ruleD01 = must("D01", "well-formed XML", "ISO/IEC 23009-1, 5.2; XML 1.0, 2.1")
	ruleD02 = must("D02", "the root is MPD in urn:mpeg:dash:schema:mpd:2011", "ISO/IEC 23009-1, 5.3.1, Annex B")
)

const mpdNamespace = "urn:mpeg:dash:schema:mpd:2011"

// maxXMLDepth and maxElements bound an MPD.
const (
	maxXMLDepth = 32
	maxElements = 1 << 20
)

// mpd and the types below are the elements and attributes that are judged; a nil attribute is absent (ISO/IEC 23009-1, 5.3).
type mpd struct {
	XMLName               xml.Name
	Type                  string     `xml:"type,attr"`
	Profiles              string     `xml:"profiles,attr"`
	MinBufferTime         *string    `xml:"minBufferTime,attr"`
	Duration              *string    `xml:"mediaPresentationDuration,attr"`
	AvailabilityStartTime *string    `xml:"availabilityStartTime,attr"`
	PublishTime           *string    `xml:"publishTime,attr"`
	MinimumUpdatePeriod   *string    `xml:"minimumUpdatePeriod,attr"`
	TimeShiftBufferDepth  *string    `xml:"timeShiftBufferDepth,attr"`
	BaseURL               []string   `xml:"BaseURL"`
	UTCTiming             []struct{} `xml:"UTCTiming"`
	Periods               []period   `xml:"Period"`
}

type period struct {
	ID       *string         `xml:"id,attr"`
	Start    *string         `xml:"start,attr"`
	Duration *string         `xml:"duration,attr"`
	Href     *string         `xml:"http://www.w3.org/1999/xlink href,attr"`
	BaseURL  []string        `xml:"BaseURL"`
	Sets     []adaptationSet `xml:"AdaptationSet"`
	addressing
}

type adaptationSet struct {
	Href            *string          `xml:"http://www.w3.org/1999/xlink href,attr"`
	BaseURL         []string         `xml:"BaseURL"`
	ContentType     string           `xml:"contentType,attr"`
	Representations []representation `xml:"Representation"`
	common
	addressing
}

type representation struct {
	ID        string   `xml:"id,attr"`
	Bandwidth string   `xml:"bandwidth,attr"`
	BaseURL   []string `xml:"BaseURL"`
	common
	addressing
}

// common are attributes that a Representation has from its AdaptationSet when it has none of its own.
type common struct {
	MimeType     string `xml:"mimeType,attr"`
	Codecs       string `xml:"codecs,attr"`
	Width        string `xml:"width,attr"`
	Height       string `xml:"height,attr"`
	StartWithSAP string `xml:"startWithSAP,attr"`
}

// over returns c with what is absent taken from outer.
func (c common) over(outer common) common {
	for _, p := range []struct {
		inner *string
		outer string
	}{{&c.MimeType, outer.MimeType}, {&c.Codecs, outer.Codecs}, {&c.Width, outer.Width}, {&c.Height, outer.Height}, {&c.StartWithSAP, outer.StartWithSAP}} {
		if *p.inner == "" {
			*p.inner = p.outer
		}
	}
	return c
}

// addressing is how segments are found; it is inherited attribute by attribute.
type addressing struct {
	Template *segmentInfo `xml:"SegmentTemplate"`
	List     *segmentInfo `xml:"SegmentList"`
	Base     *segmentInfo `xml:"SegmentBase"`
}

// segmentInfo is a SegmentTemplate, SegmentList or SegmentBase.
type segmentInfo struct {
	Timescale      *uint64      `xml:"timescale,attr"`
	Offset         *uint64      `xml:"presentationTimeOffset,attr"`
	StartNumber    *uint64      `xml:"startNumber,attr"`
	EndNumber      *uint64      `xml:"endNumber,attr"`
	Duration       *uint64      `xml:"duration,attr"`
	IndexRange     *string      `xml:"indexRange,attr"`
	Media          *string      `xml:"media,attr"`
	Init           *string      `xml:"initialization,attr"`
	Initialization *urlType     `xml:"Initialization"`
	Timeline       *timeline    `xml:"SegmentTimeline"`
	URLs           []segmentURL `xml:"SegmentURL"`
}

type urlType struct {
	SourceURL *string `xml:"sourceURL,attr"`
	Range     *string `xml:"range,attr"`
}

type segmentURL struct {
	Media *string `xml:"media,attr"`
	Range *string `xml:"mediaRange,attr"`
}

type timeline struct {
	S []timelineEntry `xml:"S"`
}

type timelineEntry struct {
	T *int64 `xml:"t,attr"`
	D int64  `xml:"d,attr"`
	R int64  `xml:"r,attr"`
}

// over returns x with what is absent taken from outer.
func (x *segmentInfo) over(outer *segmentInfo) *segmentInfo {
	if x == nil {
		return outer
	}
	if outer == nil {
		return x
	}
	y := *x
	take(&y.Timescale, outer.Timescale)
	take(&y.Offset, outer.Offset)
	take(&y.StartNumber, outer.StartNumber)
	take(&y.EndNumber, outer.EndNumber)
	take(&y.IndexRange, outer.IndexRange)
	take(&y.Media, outer.Media)
	take(&y.Init, outer.Init)
	take(&y.Initialization, outer.Initialization)
	if y.Duration == nil && y.Timeline == nil {
		y.Duration, y.Timeline = outer.Duration, outer.Timeline
	}
	if len(y.URLs) == 0 {
		y.URLs = outer.URLs
	}
	return &y
}

func take[T any](v **T, outer *T) {
	if *v == nil {
		*v = outer
	}
}

func (x *segmentInfo) scale() float64 {
	if x.Timescale == nil || *x.Timescale == 0 {
		return 1
	}
	return float64(*x.Timescale)
}

func (x *segmentInfo) offset() int64 {
	if x.Offset == nil {
		return 0
	}
	return int64(min(*x.Offset, 1<<62))
}

// parseMPD reads an MPD, and judges D01 and D02.
func (c *checker) parseMPD(name string, data []byte) *mpd {
	at := whole(name, "")
	m := &mpd{}
	err := scanXML(data)
	if err == nil {
		err = xml.Unmarshal(data, m)
	}
	if !c.ok(ruleD01, err == nil, at, err, "no error") {
		return nil
	}
	root := m.XMLName
	if !c.ok(ruleD02, root.Local == "MPD" && root.Space == mpdNamespace, at, root.Space+" "+root.Local, mpdNamespace+" MPD") {
		return nil
	}
	return m
}

// scanXML looks for what would be costly to unmarshal.
func scanXML(data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(data))
	depth, elements := 0, 0
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			depth, elements = depth+1, elements+1
		case xml.EndElement:
			depth--
		}
		if depth > maxXMLDepth || elements > maxElements {
			return fmt.Errorf("more than %d levels or %d elements", maxXMLDepth, maxElements)
		}
	}
}

// xsDuration reads an xs:duration without years and months, whose length nobody knows, in seconds.
func xsDuration(s *string) (float64, bool) {
	if s == nil {
		return 0, false
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(*s), "P")
	if !ok || rest == "" {
		return 0, false
	}
	sum, units := 0.0, "D"
	for rest != "" {
		if after, isTime := strings.CutPrefix(rest, "T"); isTime {
			if units != "D" && units != "" || after == "" {
				return 0, false
			}
			rest, units = after, "HMS"
			continue
		}
		n := strings.IndexAny(rest, "DHMS")
		if n <= 0 {
			return 0, false
		}
		k := strings.IndexByte(units, rest[n])
		v, err := strconv.ParseFloat(rest[:n], 64)
		if err != nil || k < 0 || !decimal(rest[:n]) || v > 1e10 {
			return 0, false
		}
		sum += v * map[byte]float64{'D': 86400, 'H': 3600, 'M': 60, 'S': 1}[rest[n]]
		units, rest = units[k+1:], rest[n+1:]
	}
	return sum, true
}

func isDateTime(s *string) bool { return !dateTime(s).IsZero() }

// dateTime reads an xs:dateTime; the zero time stands for what is none.
func dateTime(s *string) time.Time {
	if s == nil {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, *s); err == nil {
			return t
		}
	}
	return time.Time{}
}

func text(s *string) string {
	if s == nil {
		return "absent"
	}
	return fmt.Sprintf("%q", *s)
}
