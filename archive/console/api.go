package console

import (
	_ "embed"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/seed63bb8431/weir/archive"
)

// All times of this API are milliseconds since 1970, and lengths milliseconds.

type streamsOutput struct {
	Streams []streamState `json:"streams"`
	Next    string        `json:"next"` // the parameter after of the next page, "" on the last
}

type streamState struct {
	Name           string       `json:"name"`
	ARN            string       `json:"arn"`
	Device         string       `json:"device"`
	MediaType      string       `json:"mediaType"`
	Created        int64        `json:"created"`
	RetentionHours int64        `json:"retentionHours"`
	Uploads        int          `json:"uploads"` // open connections of producers to this server
	Live           bool         `json:"live"`    // fragments arrive
	Newest         *newestMedia `json:"newest"`  // null when nothing is stored
}

type newestMedia struct {
	Arrived int64 `json:"arrived"`
	Start   int64 `json:"start"` // on the producer's clock
	End     int64 `json:"end"`
}

func stateOf(s *archive.StreamState) streamState {
	out := streamState{Name: s.StreamName, ARN: s.StreamARN, Device: s.DeviceName, MediaType: s.MediaType, Created: int64(s.CreationTime),
		RetentionHours: s.DataRetentionInHours, Uploads: s.Uploads, Live: s.Live}
	if n := s.Newest; n != nil {
		out.Newest = &newestMedia{Arrived: int64(n.ServerTimestamp), Start: int64(n.Start), End: int64(n.End)}
	}
	return out
}

const (
	streamsPage   = 60
	fragmentsPage = 50
)

// streams lists the streams that the caller may list.
func (c *console) streams(x *exchange) error {
	if err := x.need("ListStreams", ""); err != nil {
		return err
	}
	q := x.r.URL.Query()
	search := strings.ToLower(q.Get("search"))
	out, err := c.archive.ListStreamStates(x.r.Context(), &archive.ListStreamStatesInput{After: q.Get("after"), MaxResults: streamsPage,
		Match: func(name string) bool {
			return x.may("ListStreams", name) && (search == "" || strings.Contains(strings.ToLower(name), search))
		}})
	if err != nil {
		return err
	}
	all := streamsOutput{Streams: []streamState{}}
	for i := range out.Streams {
		all.Streams = append(all.Streams, stateOf(&out.Streams[i]))
	}
	if out.More {
		all.Next = out.Streams[len(out.Streams)-1].StreamName
	}
	return x.json(http.StatusOK, all)
}

type streamOutput struct {
	Stream streamState       `json:"stream"`
	Tags   map[string]string `json:"tags"` // of the stream; empty for those who may not list them
	Rights rights            `json:"rights"`
}

// rights is what the caller may do with a stream.
type rights struct {
	Day   bool `json:"day"`
	Tags  bool `json:"tags"` // of fragments
	HLS   bool `json:"hls"`
	DASH  bool `json:"dash"`
	Clip  bool `json:"clip"`
	Image bool `json:"image"`
}

// stream tells of a stream.
func (c *console) stream(x *exchange) error {
	ref, err := x.stream("DescribeStream")
	if err != nil {
		return err
	}
	state, err := c.archive.StreamState(x.r.Context(), ref)
	if err != nil {
		return err
	}
	may := func(action string) bool { return x.may(action, ref.StreamName) }
	out := streamOutput{Stream: stateOf(state), Tags: map[string]string{}, Rights: rights{Day: may("ListFragments"), Tags: may("GetMediaForFragmentList"),
		HLS: may("GetHLSStreamingSessionURL"), DASH: may("GetDASHStreamingSessionURL"), Clip: may("GetClip"), Image: may("GetImages")}}
	if may("ListTagsForStream") {
		tags, err := c.archive.ListTagsForStream(x.r.Context(), &archive.ListTagsForStreamInput{StreamRef: ref})
		if err != nil {
			return err
		}
		out.Tags = tags.Tags
	}
	return x.json(http.StatusOK, out)
}

// stream returns the stream that a request names, when the caller may do the action on it.
func (x *exchange) stream(action string) (archive.StreamRef, error) {
	ref := archive.StreamRef{StreamName: x.r.URL.Query().Get("name")}
	if _, err := ref.Name(); err != nil {
		return ref, err
	}
	return ref, x.need(action, ref.StreamName)
}

// selector returns the range that a request is about: its parameters clock, from and to.
func selector(q url.Values) (*archive.FragmentSelector, error) {
	clock, err := clockOf(q.Get("clock"))
	if err != nil {
		return nil, err
	}
	from, err := millis(q, "from")
	if err != nil {
		return nil, err
	}
	to, err := millis(q, "to")
	if err != nil {
		return nil, err
	}
	return within(clock, from, &to), nil
}

func within(clock string, from archive.Timestamp, to *archive.Timestamp) *archive.FragmentSelector {
	return &archive.FragmentSelector{FragmentSelectorType: clock, TimestampRange: &archive.TimestampRange{StartTimestamp: &from, EndTimestamp: to}}
}

func clockOf(name string) (string, error) {
	switch name {
	case "", "producer":
		return "PRODUCER_TIMESTAMP", nil
	case "server":
		return "SERVER_TIMESTAMP", nil
	}
	return "", invalid("clock has to be producer or server.")
}

// maxTime is the year 2200, in milliseconds.
const maxTime = 7_258_118_400_000

func millis(q url.Values, name string) (archive.Timestamp, error) {
	n, err := strconv.ParseInt(q.Get(name), 10, 64)
	if err != nil || !plausible(n) {
		return 0, invalid(name + " has to be a time in milliseconds since 1970.")
	}
	return archive.Timestamp(n), nil
}

func plausible(n int64) bool { return n >= -maxTime && n <= maxTime }

type dayOutput struct {
	From     int64    `json:"from"`
	To       int64    `json:"to"`
	Spans    []span   `json:"spans"`    // recorded
	Gaps     []span   `json:"gaps"`     // between the spans
	Overlaps []span   `json:"overlaps"` // recorded more than once
	Changes  []change `json:"changes"`
	Codecs   []codec  `json:"codecs"`
	// Resolution is how close together what was merged lies, because there was too much of it; 0 when nothing was.
	Resolution int64  `json:"resolution"`
	Fragments  int64  `json:"fragments"`
	Bytes      int64  `json:"bytes"`
	Faults     int64  `json:"faults"`  // fragments that players cannot be given
	Earlier    *int64 `json:"earlier"` // when the newest fragment before the range begins
	Later      *int64 `json:"later"`   // and the oldest behind it
}

// span is a start and an end.
type span [2]int64

type change struct {
	At   int64 `json:"at"`
	From int64 `json:"from"` // the id of a codec
	To   int64 `json:"to"`
}

type codec struct {
	ID        int64  `json:"id"`
	Video     string `json:"video"` // RFC 6381; "" without pictures
	Audio     string `json:"audio"`
	Width     int    `json:"width"`
	Height    int    `json:"height"`
	Channels  int    `json:"channels"`
	Fragments int64  `json:"fragments"`
}

// day tells what is recorded of a range.
func (c *console) day(x *exchange) error {
	ref, err := x.stream("ListFragments")
	if err != nil {
		return err
	}
	sel, err := selector(x.r.URL.Query())
	if err != nil {
		return err
	}
	o, err := c.archive.Overview(x.r.Context(), &archive.OverviewInput{StreamRef: ref, FragmentSelector: sel})
	if err != nil {
		return err
	}
	out := dayOutput{From: int64(*sel.TimestampRange.StartTimestamp), To: int64(*sel.TimestampRange.EndTimestamp), Spans: spansOf(o.Spans), Gaps: []span{},
		Overlaps: spansOf(o.Overlaps), Changes: []change{}, Codecs: []codec{}, Resolution: o.Resolution.Milliseconds(), Fragments: o.Fragments, Bytes: o.Bytes,
		Faults: o.Faults, Earlier: (*int64)(o.Earlier), Later: (*int64)(o.Later)}
	for i := 1; i < len(out.Spans); i++ {
		out.Gaps = append(out.Gaps, span{out.Spans[i-1][1], out.Spans[i][0]})
	}
	for _, v := range o.Changes {
		out.Changes = append(out.Changes, change{At: int64(v.At), From: v.From, To: v.To})
	}
	for _, v := range o.Codecs {
		out.Codecs = append(out.Codecs, codec{ID: v.ID, Video: v.Video, Audio: v.Audio, Width: v.Width, Height: v.Height, Channels: v.Channels, Fragments: v.Fragments})
	}
	return x.json(http.StatusOK, out)
}

func spansOf(all []archive.Span) []span {
	out := make([]span, len(all))
	for i, s := range all {
		out[i] = span{int64(s.Start), int64(s.End)}
	}
	return out
}

type fragmentsOutput struct {
	Fragments []fragment `json:"fragments"`
	Next      string     `json:"next"` // the parameter token of the next page, "" on the last
}

type fragment struct {
	Number   string `json:"number"`
	Producer int64  `json:"producer"`
	Server   int64  `json:"server"`
	Length   int64  `json:"length"`
	Bytes    int64  `json:"bytes"`
	Tags     []tag  `json:"tags"` // null where they are not known, or not for the caller
}

type tag struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// fragments lists fragments with their tags.
func (c *console) fragments(x *exchange) error {
	ref, err := x.stream("ListFragments")
	if err != nil {
		return err
	}
	q := x.r.URL.Query()
	sel, err := selector(q)
	if err != nil {
		return err
	}
	page, err := c.archive.ListFragments(x.r.Context(), &archive.ListFragmentsInput{StreamRef: ref, FragmentSelector: sel, NextToken: q.Get("token"),
		MaxResults: new(int64(fragmentsPage))})
	if err != nil {
		return err
	}
	out := fragmentsOutput{Fragments: []fragment{}, Next: page.NextToken}
	var numbers []string
	for _, f := range page.Fragments {
		numbers = append(numbers, f.FragmentNumber)
		out.Fragments = append(out.Fragments, fragment{Number: f.FragmentNumber, Producer: int64(f.ProducerTimestamp), Server: int64(f.ServerTimestamp),
			Length: f.FragmentLengthInMilliseconds, Bytes: f.FragmentSizeInBytes})
	}
	if len(numbers) > 0 && x.may("GetMediaForFragmentList", ref.StreamName) {
		all, err := c.archive.ListFragmentTags(x.r.Context(), &archive.ListFragmentTagsInput{StreamRef: ref, Fragments: numbers})
		if err != nil {
			return err
		}
		for i, f := range all.Fragments {
			if !f.Known {
				continue
			}
			out.Fragments[i].Tags = []tag{}
			for _, t := range f.Tags {
				out.Fragments[i].Tags = append(out.Fragments[i].Tags, tag{t.Name, t.Value})
			}
		}
	}
	return x.json(http.StatusOK, out)
}

//go:embed openapi.json
var description []byte

func (c *console) openAPI(x *exchange) error { return x.bytes("application/json", description) }

// bytes answers with a body.
func (x *exchange) bytes(contentType string, body []byte) error {
	header := x.w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	x.status(http.StatusOK)
	if x.r.Method == http.MethodHead {
		return nil
	}
	_, err := x.w.Write(body)
	return err
}
