package archive

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/seed63bb8431/weir"
	"github.com/seed63bb8431/weir/archive/store"
	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/dash"
)

// DASHManifest gives the MPD of a session. base is the URL that players reach this server by: its clock is read there.
func (a *Archive) DASHManifest(ctx context.Context, token, base string) (res *Resource, err error) {
	s, st, err := a.enter(ctx, "GetDASHManifest", true, token)
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
	if len(l.rows) == 0 {
		return nil, failf(ResourceNotFound, noFragmentsForSessionText)
	}
	m := &dash.MPD{Type: dash.Static}
	whole := time.Duration(0)
	for i := range l.rows {
		length := time.Duration(l.rows[i].row.Length)
		m.MaxSegmentDuration = max(m.MaxSegmentDuration, length)
		whole += length
	}
	m.MinBufferTime = m.MaxSegmentDuration
	if err := a.periods(ctx, s, st, l, token, m); err != nil {
		return nil, err
	}
	if len(m.Periods) == 0 {
		return nil, failf(ResourceNotFound, noFragmentsForSessionText)
	}
	last := &l.rows[len(l.rows)-1]
	end := time.Duration(last.time + last.row.Length - s.time)
	if s.mode == modeOnDemand {
		end = whole
		m.MediaPresentationDuration = end
		m.Periods[len(m.Periods)-1].Duration = end - m.Periods[len(m.Periods)-1].Start
	} else {
		m.Type = dash.Dynamic
		// What there is when the session begins is available at once.
		m.AvailabilityStartTime = time.UnixMilli(int64(s.created)).Add(-time.Duration(s.length)).UTC()
		m.PublishTime = m.AvailabilityStartTime.Add(end)
		m.TimeShiftBufferDepth = whole
		// Players take the live edge from the clock. When a producer is silent, and after gaps, which are closed, what is listed lies further
		// behind it than that: Shaka Player leaves what is no longer in the time shift buffer and does not come back (timeline.md, 8).
		begin := m.AvailabilityStartTime.Add(time.Duration(l.rows[0].time - s.time))
		if age := a.now().Sub(begin); !l.ended && age > whole+3*m.MaxSegmentDuration {
			m.TimeShiftBufferDepth = age.Truncate(time.Second) + time.Minute
			m.PublishTime = a.now().Truncate(time.Second).UTC()
		}
		m.SuggestedPresentationDelay = min(3*time.Duration(s.target)*time.Second, max(whole-m.MaxSegmentDuration, m.MaxSegmentDuration))
		m.UTCTiming = []dash.Descriptor{{SchemeIDURI: dash.UTCTimingHTTPISO, Value: base + "/dash/v1/time"}}
		if l.ended {
			m.MediaPresentationDuration = end
		} else {
			m.MinimumUpdatePeriod = time.Second
		}
	}
	if err := m.Validate(); err != nil {
		return nil, internal(err)
	}
	body := m.Append(takeSized(int64(manifestHead + len(l.rows)*manifestSegment)))
	room.Shrink(int64(cap(body)))
	return &Resource{ContentType: "application/dash+xml", Body: body, pooled: true, Fixed: s.mode == modeOnDemand, Until: s.until(), room: room}, nil
}

// periods adds a Period for each codec record that is listed.
func (a *Archive) periods(ctx context.Context, s *session, st *store.Stream, l *listing, token string, m *dash.MPD) error {
	for from := 0; from < len(l.rows); {
		to := from + 1
		for to < len(l.rows) && l.rows[to].codec == l.rows[from].codec {
			to++
		}
		part := listing{rows: l.rows[from:to]}
		if from == 0 {
			part.before = l.before
			for len(part.before) > 0 && part.before[0].codec != part.rows[0].codec {
				part.before = part.before[1:]
			}
		}
		if a.sample(st, part.rows) == nil { // nothing in it can be packaged
			from = to
			continue
		}
		begin := time.Duration(part.rows[0].codecTime)
		if part.rows[0].codec == 0 {
			begin = time.Duration(s.origin())
		}
		p := dash.Period{ID: "p" + strconv.FormatInt(part.rows[0].codec+1, 10), Start: begin - time.Duration(s.origin())}
		if to < len(l.rows) {
			p.Duration = time.Duration(l.rows[to].codecTime) - begin
		}
		info, err := a.describe(ctx, s, st, &part)
		if err != nil {
			return err
		}
		for n, kind := range s.kinds() {
			set, err := s.adaptationSet(&part, info, kind, n+1, begin, token)
			if err != nil {
				return err
			}
			p.AdaptationSets = append(p.AdaptationSets, set)
		}
		m.Periods = append(m.Periods, p)
		from = to
	}
	return nil
}

// About what an MPD has beside its segments, and for each of them.
const (
	manifestHead    = 4096
	manifestSegment = 64
)

// origin is the time of the session's first fragment on its timeline.
func (s *session) origin() int64 {
	if s.mode == modeOnDemand {
		return 0
	}
	return s.time
}

func (s *session) adaptationSet(l *listing, info *description, kind codec.Kind, number int, begin time.Duration, token string) (dash.AdaptationSet, error) {
	first := &l.rows[0]
	track := "SessionToken=" + token + "&TrackNumber=" + strconv.Itoa(number)
	set := dash.AdaptationSet{ID: uint32(number), ContentType: kind.String(), MimeType: kind.String() + "/mp4", StartWithSAP: 1}
	timeline, timescale, peak, err := s.timeline(l, kind)
	if err != nil {
		return set, err
	}
	rep := dash.Representation{ID: kind.String(), Bandwidth: peak, SegmentTemplate: dash.SegmentTemplate{
		Timescale: timescale, StartNumber: uint32(first.index + 1), Timeline: timeline,
		PresentationTimeOffset: uint64(mediaTicks(mediaBase, timescale) + mediaTicks(begin, timescale)),
		Initialization:         "getMP4InitFragment.mp4?" + track + "&SequenceNumber=" + strconv.FormatInt(first.codec, 10),
		Media:                  "getMP4MediaFragment.mp4?FragmentNumber=$Number$&" + track,
	}}
	if kind == codec.Video {
		rep.Codecs = info.video[0]
		rep.Width, rep.Height = int(info.picture.Width), int(info.picture.Height)
		rep.SAR = fmt.Sprintf("%d:%d", max(info.picture.SARWidth, 1), max(info.picture.SARHeight, 1))
		rep.FrameRate = fmt.Sprintf("%d/1000", max(info.rate, 1))
		set.SegmentAlignment = true
		if !info.independent {
			set.StartWithSAP = 0
		}
	} else {
		rep.Codecs = info.audio[0]
		rep.AudioSamplingRate, rep.AudioChannels = int(timescale), info.channels
	}
	set.Representations = []dash.Representation{rep}
	return set, nil
}

// mediaTicks returns d in ticks, as the packagers round it.
func mediaTicks(d time.Duration, timescale uint32) int64 {
	return weir.Clock{Delay: d}.Media(0, timescale)
}

// timeline lists the segments of a track. Pictures have the fragments' times; sound has its own, for its frames straddle the fragments' borders.
// A segment keeps its time when those before it leave the list.
func (s *session) timeline(l *listing, kind codec.Kind) (out []dash.S, timescale uint32, peak int, err error) {
	out = make([]dash.S, 0, len(l.before)+len(l.rows))
	for i := range len(l.before) + len(l.rows) {
		var r *listed
		if i < len(l.before) {
			r = &l.before[i]
		} else {
			r = &l.rows[i-len(l.before)]
		}
		if r.unread {
			return nil, 0, 0, internal(errSettled)
		}
		var t trackRef
		for _, have := range r.tracks {
			if have.Kind == kind {
				t = have
			}
		}
		if t.Timescale == 0 && timescale == 0 {
			timescale = codec.VideoTimescale
		} else if t.Timescale != 0 {
			timescale = t.Timescale
		}
		if i >= len(l.before) {
			peak = max(peak, int(s.bits(&t)/max(time.Duration(r.row.Length).Seconds(), 0.001))+1)
		}
		base := mediaTicks(mediaBase, timescale)
		from := base + mediaTicks(time.Duration(r.time), timescale)
		to := max(base+mediaTicks(time.Duration(r.time+r.row.Length), timescale), from+1)
		if kind == codec.Audio && t.Ticks > 0 {
			from = base + t.First + mediaTicks(r.shift, timescale) + mediaTicks(s.move(r), timescale)
			to = from + t.Ticks
		}
		if n := len(out); n > 0 && kind == codec.Audio {
			// Sound that overlaps the segment before, or is missing, is listed from where that one ends.
			if over := int64(out[n-1].T + out[n-1].D); from < over || t.Ticks == 0 {
				from, to = over, max(to, over+1)
			}
		}
		e := dash.S{T: uint64(max(from, 0)), D: uint64(to - from)}
		if s.timestamps {
			e.FragmentTimestamp = s.start(r)
		}
		if s.numbers {
			e.FragmentNumber = r.row.Number.String()
		}
		out = append(out, e)
	}
	return out[len(l.before):], timescale, peak, nil
}
