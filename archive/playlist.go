package archive

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/hls"
)

const playlistType = "application/vnd.apple.mpegurl"

// HLSMasterPlaylist gives the multivariant playlist of a session.
func (a *Archive) HLSMasterPlaylist(ctx context.Context, token string) (*Resource, error) {
	s, st, err := a.enter(ctx, "GetHLSMasterPlaylist", false, token)
	if err != nil {
		return nil, err
	}
	room, err := a.room(ctx, s.stream, serving, listRoom(s.max))
	if err != nil {
		return nil, err
	}
	defer room.Release()
	l, err := a.list(ctx, s, st)
	if err != nil {
		return nil, err
	}
	info, err := a.describe(ctx, s, st, l)
	if err != nil {
		return nil, err
	}
	m := &hls.MultivariantPlaylist{Version: 7, IndependentSegments: s.mode == modeOnDemand && info.independent}
	if s.mpegTS {
		m.Version = 3
	}
	link := func(number int) string {
		return "getHLSMediaPlaylist.m3u8?SessionToken=" + token + "&TrackNumber=" + strconv.Itoa(number)
	}
	v := hls.Variant{Bandwidth: info.peak, AverageBandwidth: info.mean, Codecs: slices.Concat(info.video, info.audio), URI: link(1)}
	if info.picture != nil {
		v.Resolution = hls.Resolution{Width: info.width, Height: info.height}
		v.FrameRate = hls.FrameRate{Num: uint32(info.rate), Den: 1000}
	}
	if len(s.kinds()) == 2 && !s.mpegTS {
		v.Audio = "audio"
		m.Renditions = append(m.Renditions, hls.Rendition{Type: hls.Audio, GroupID: "audio", Name: "audio", Default: true, Autoselect: true,
			Channels: info.channels, URI: link(2)})
	}
	m.Variants = []hls.Variant{v}
	if err := m.Validate(); err != nil {
		return nil, internal(err)
	}
	return &Resource{ContentType: playlistType, Body: m.Append(nil), Fixed: s.mode == modeOnDemand, Until: s.until()}, nil
}

// HLSMediaPlaylist gives the media playlist of a track.
func (a *Archive) HLSMediaPlaylist(ctx context.Context, token, track string) (res *Resource, err error) {
	s, st, err := a.enter(ctx, "GetHLSMediaPlaylist", false, token)
	if err != nil {
		return nil, err
	}
	kind, err := s.track(track)
	if err != nil {
		return nil, err
	}
	room, err := a.room(ctx, s.stream, serving, listRoom(s.max))
	if err != nil {
		return nil, err
	}
	defer func() {
		if res == nil {
			room.Release()
		}
	}()
	l, err := a.list(ctx, s, st)
	if err != nil {
		return nil, err
	}
	if most := a.quotas.of(quotaCodecChanges); most > 0 && len(l.rows) > 0 && float64(l.rows[len(l.rows)-1].codec) > most {
		return nil, failf(InvalidCodecPrivateData, "The codec private data has changed more than %v times since the session's first fragment.", most)
	}
	p := &hls.MediaPlaylist{Version: 7, TargetDuration: int(s.target), EndList: l.ended, IndependentSegments: kind == codec.Audio || l.independent}
	if s.mpegTS {
		p.Version, kind = 3, codec.Video
	}
	if s.mode == modeOnDemand {
		p.PlaylistType = hls.VOD
	}
	if len(l.rows) > 0 {
		p.MediaSequence = uint64(l.rows[0].index)
		p.DiscontinuitySequence, p.WriteDiscontinuitySequence = uint64(l.discontinuities), s.mode != modeOnDemand
	}
	query := "&SessionToken=" + token
	if !s.mpegTS {
		query += "&TrackNumber=" + track
	}
	reused := takeSegments()
	defer func() { giveSegments(reused, p.Segments) }()
	p.Segments = slices.Grow(*reused, len(l.rows))
	mapped, maps := int64(-1), 0
	for i := range l.rows {
		r := &l.rows[i]
		g := hls.Segment{Duration: length(r), Discontinuity: s.marked(r)}
		p.TargetDuration = max(p.TargetDuration, int((g.Duration+time.Second/2)/time.Second))
		if !s.mpegTS && r.codec != mapped {
			mapped, maps = r.codec, maps+1
			g.Map = "getMP4InitFragment.mp4?SessionToken=" + token + "&TrackNumber=" + track + "&SequenceNumber=" + strconv.FormatInt(r.codec, 10)
		}
		if s.timestamps {
			g.ProgramDateTime = s.start(r)
		}
		p.Segments = append(p.Segments, g)
	}
	name := "getMP4MediaFragment.mp4?FragmentNumber="
	if s.mpegTS {
		name = "getTSFragment.ts?FragmentNumber="
	}
	p.AppendURI = func(dst []byte, i int) []byte {
		return append(l.rows[i].row.Number.Append(append(dst, name...)), query...)
	}
	size := playlistHead + len(l.rows)*(segmentLines+len(name)+len(query)) + maps*(segmentLines+len(token))
	body := p.Append(takeSized(int64(size)))
	room.Shrink(int64(cap(body)))
	return &Resource{ContentType: playlistType, Body: body, Fixed: s.mode == modeOnDemand, Until: s.until(), pooled: true, room: room}, nil
}

// About what a playlist has at its head, and for a segment beside its URL's fixed parts.
const (
	playlistHead = 512
	segmentLines = 160
)

// segments are the lists of segments that playlists are made of.
var segments = sync.Pool{New: func() any { return new([]hls.Segment) }}

func takeSegments() *[]hls.Segment { return segments.Get().(*[]hls.Segment) }

func giveSegments(room *[]hls.Segment, used []hls.Segment) {
	clear(used) // of what its strings refer to
	*room = used[:0]
	segments.Put(room)
}

// length is how long a segment lasts in a playlist: differences of absolute times in microseconds add up without drift.
func length(r *listed) time.Duration {
	end := r.row.End
	d := time.Duration(end).Round(time.Microsecond) - time.Duration(end-r.row.Length).Round(time.Microsecond)
	return max(d, time.Millisecond)
}

// start is when a fragment begins by the session's clock.
func (s *session) start(r *listed) time.Time {
	if s.by == store.ByServer {
		return time.Unix(0, r.row.ServerStart).UTC()
	}
	return time.Unix(0, r.row.Start).UTC()
}

// description is what a multivariant playlist tells of a session's media.
type description struct {
	video, audio  []string // as CODECS has them
	picture       *codec.Picture
	width, height int // as shown
	rate          int // pictures in 1000 seconds
	channels      int
	peak, mean    int // bits a second
	independent   bool
}

// peaks are the highest bit rates of the renditions' segments: pictures, or all that is in one segment with them; and sound with
// segments of its own. Players may have a segment of each at a time: it is their sum that counts (RFC 8216, 4.3.4.2).
type peaks [2]float64

// add takes the segments of a fragment, in bits, which last so many seconds.
func (p *peaks) add(bits [2]float64, seconds float64) {
	for i := range p {
		p[i] = max(p[i], bits[i]/seconds)
	}
}

// sum returns the bits a second that are never exceeded.
func (p *peaks) sum() int { return int(p[0]+p[1]) + 1 }

// describe looks at what is listed: at the rows of all, and at each codec record. A record of which nothing can be said is passed over
// when there is another.
func (a *Archive) describe(ctx context.Context, s *session, st *store.Stream, l *listing) (*description, error) {
	d := &description{independent: independent(l.rows)}
	var failure error
	if len(l.rows) == 0 {
		return nil, failf(ResourceNotFound, noFragmentsForSessionText)
	}
	var bits, seconds float64
	var pictures, nanos int64
	var highest peaks
	record := int64(-1)
	for i := range l.rows {
		r := &l.rows[i]
		if r.unread {
			return nil, internal(errSettled)
		}
		var rates [2]float64
		for i := range r.tracks {
			t := &r.tracks[i]
			part := 0
			if t.Kind == codec.Video {
				pictures += t.Count
			} else if !s.mpegTS {
				part = 1
			}
			rates[part] += s.bits(t)
		}
		at := max(time.Duration(r.row.Length).Seconds(), 0.001)
		highest.add(rates, at)
		bits += rates[0] + rates[1]
		seconds, nanos = seconds+at, nanos+r.row.Length
		if r.codec != record {
			record = r.codec
			if err := a.describeRecord(ctx, s, st, l.rows[i:], d); err != nil {
				failure = err
			}
		}
	}
	if len(d.video) == 0 && len(d.audio) == 0 {
		return nil, failure
	}
	d.peak, d.mean = highest.sum(), int(bits/seconds)+1
	if nanos > 0 {
		d.rate = int(float64(pictures) / (float64(nanos) / 1e12))
	}
	return d, nil
}

// describeRecord adds what there is to say of the codec record at the head of rows.
func (a *Archive) describeRecord(ctx context.Context, s *session, st *store.Stream, rows []listed, d *description) error {
	sample := a.sample(st, rows)
	if sample == nil {
		return failf(ResourceNotFound, noFragmentsForSessionText)
	}
	l, err := a.look(ctx, &sample.row)
	if err != nil {
		return err
	}
	if err := a.admits(s, sample, l.tracks); err != nil {
		return err
	}
	d.add(l)
	return nil
}

// bits is more than a track of a fragment takes in the session's container.
func (s *session) bits(t *trackRef) float64 {
	if s.mpegTS {
		frame := 224.0 // a packet that is not full, one more for what stands before the picture
		if t.Kind == codec.Audio {
			frame = 60 // several share them
		}
		return 8 * (float64(t.Bytes)*188/184 + float64(t.Count)*frame + 1128)
	}
	return 8 * float64(t.Bytes+t.Count*16+200)
}

// add adds what a codec record says.
func (d *description) add(l *look) {
	if l.video != "" && !slices.Contains(d.video, l.video) {
		d.video = append(d.video, l.video)
	}
	if l.audio != "" && !slices.Contains(d.audio, l.audio) {
		d.audio = append(d.audio, l.audio)
	}
	if p := l.picture; p != nil && (d.picture == nil || p.Width*p.Height > d.picture.Width*d.picture.Height) {
		d.picture = p
		d.width, d.height = displaySize(p)
	}
	d.channels = max(d.channels, l.channels)
}

// displaySize returns width and height in square pixels.
func displaySize(p *codec.Picture) (width, height int) {
	width, height = int(p.Width), int(p.Height)
	if p.SARWidth > 0 && p.SARHeight > 0 {
		width = int((uint64(p.Width)*uint64(p.SARWidth) + uint64(p.SARHeight)/2) / uint64(p.SARHeight))
	}
	return width, height
}
