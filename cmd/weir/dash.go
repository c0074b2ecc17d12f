package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed63bb8431/weir/codec"
	"github.com/seed63bb8431/weir/dash"
	"github.com/seed63bb8431/weir/hls"
)

// writeDASH writes the MPD. A Period ends where the media timeline has a hole and where codec private data changes, and at every
// discontinuity if jumps is true: then the segments are shared with playlists that mark these.
func (j *job) writeDASH(files *output, name string, rs []*rendition, rows []row, jumps bool) error {
	m := &dash.MPD{Type: dash.Static}
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && rows[to].media == rows[to-1].media+rows[to-1].length && !rows[to].change && !(jumps && rows[to].jump) {
			to++
		}
		p := dash.Period{ID: fmt.Sprintf("p%d", len(m.Periods)+1), Start: m.MediaPresentationDuration}
		for _, w := range rows[from:to] {
			p.Duration += w.length
			m.MaxSegmentDuration = max(m.MaxSegmentDuration, w.length)
		}
		offset := rows[from].media
		if from == 0 {
			offset = j.src.Delay() // sound may begin before the pictures
		}
		for _, r := range rs {
			if r.kind == codec.Audio { // and go on behind them
				p.Duration = max(p.Duration, r.end(to)-offset)
			}
		}
		m.MediaPresentationDuration += p.Duration
		for i, r := range rs {
			p.AdaptationSets = append(p.AdaptationSets, j.adaptationSet(i, r, rows, from, to, offset))
		}
		m.Periods = append(m.Periods, p)
		from = to
	}
	if n := len(m.Periods); n > 1 {
		last := &m.Periods[n-1]
		longer := lastPeriod(last.Duration) - last.Duration
		last.Duration += longer
		m.MediaPresentationDuration += longer
	}
	m.MinBufferTime = m.MaxSegmentDuration
	if err := m.Validate(); err != nil {
		return err
	}
	j.output = append(j.output, name)
	return files.write(name, m.Append(nil))
}

// lastPeriod returns the duration to write of a last Period that lasts d. dash.js takes every Period for the last that ends less than a
// second before the presentation does, and stops behind it. A last one of just a second, as fragments often are, would make its
// predecessor that by the rounding of sums: it is written a millisecond longer.
func lastPeriod(d time.Duration) time.Duration {
	const threshold, margin = time.Second, time.Millisecond
	if d > threshold-margin && d < threshold+margin {
		return threshold + margin
	}
	return d
}

func (j *job) adaptationSet(i int, r *rendition, rows []row, from, to int, offset time.Duration) dash.AdaptationSet {
	record := r.segments[from].record
	track, timescale := r.records[record], r.timescale(from)
	template := func(name string) string { return strings.ReplaceAll(hls.EscapeURI(name), "$", "$$") }
	bandwidth, _ := peak(rows, r)
	rep := dash.Representation{ID: r.name, Bandwidth: bandwidth, Codecs: track.Config.CodecString(), SegmentTemplate: dash.SegmentTemplate{
		Timescale: timescale, PresentationTimeOffset: mediaTicks(offset, timescale), StartNumber: uint32(from + 1),
		Initialization: template(r.initName(record)), Media: template(r.prefix) + "-$Number$.m4s",
	}}
	set := dash.AdaptationSet{ID: uint32(i + 1), ContentType: track.Kind.String(), MimeType: track.Kind.String() + "/mp4", Lang: language(track), StartWithSAP: 1}
	if track.Name != "" {
		set.Label = track.Name
	}
	if v, ok := track.Config.(codec.VideoConfig); ok {
		p := v.PictureInfo()
		rep.Width, rep.Height = int(p.Width), int(p.Height)
		rep.SAR = fmt.Sprintf("%d:%d", max(p.SARWidth, 1), max(p.SARHeight, 1))
		rep.FrameRate = rate(r.frameRate(rows))
		set.SegmentAlignment = true
		set.StartWithSAP = startWithSAP(rows[from:to])
	} else {
		rep.AudioSamplingRate, rep.AudioChannels = int(timescale), channels(track)
	}
	rep.SegmentTemplate.Timeline = j.timeline(r, rows, from, to, offset)
	set.Representations = []dash.Representation{rep}
	return set
}

// startWithSAP tells how the segments' pictures begin: 1 with an IDR picture, 3 with one that others before it in output follow; 0 when some do neither.
func startWithSAP(rows []row) int {
	sap := 1
	for k := range rows {
		switch rows[k].access {
		case codec.IDR:
		case codec.None:
			return 0
		default:
			sap = 3
		}
	}
	return sap
}

// rate writes a frame rate given in thousandths as a fraction.
func rate(milli int) string {
	if milli%1000 == 0 {
		return fmt.Sprint(milli / 1000)
	}
	for _, ntsc := range []int{24, 30, 60} { // 29.97 is 30000/1001
		if d := milli*1001 - ntsc*1000*1000; d > -1001*5 && d < 1001*5 {
			return fmt.Sprintf("%d/1001", ntsc*1000)
		}
	}
	return fmt.Sprintf("%d/1000", milli)
}

// timeline lists the segments of a Period, which begins at offset. Pictures have the fragment's times, sound has its own: frames straddle
// the fragments' borders.
func (j *job) timeline(r *rendition, rows []row, from, to int, offset time.Duration) []dash.S {
	timescale := r.timescale(from)
	out := make([]dash.S, 0, to-from)
	for k := from; k < to; k++ {
		w, seg := &rows[k], &r.segments[k]
		s := dash.S{T: mediaTicks(w.media, timescale)}
		s.D = mediaTicks(w.media+w.length, timescale) - s.T
		if r.kind == codec.Audio {
			if seg.count > 0 {
				s.T, s.D = seg.start, seg.ticks
			} else { // no sound here: the segment is empty, and its place ends where the next sound begins
				if n := len(out); n > 0 {
					s.T = out[n-1].T + out[n-1].D
				}
				for next := k + 1; next < to; next++ {
					if r.segments[next].count > 0 {
						if start := r.segments[next].start; start > s.T {
							s.D = min(s.D, start-s.T)
						} else {
							s.D = 1
						}
						break
					}
				}
			}
		}
		if n := len(out); n > 0 && r.kind == codec.Audio {
			// Sound that overlaps the segment before, by less than a discontinuity, is listed from where that ends.
			if over := out[n-1].T + out[n-1].D; s.T < over {
				s.T, s.D = over, max(s.T+s.D, over+1)-over
			}
		}
		if begin := mediaTicks(offset, timescale); k == from && s.T > begin && s.T-begin <= mediaTicks(overlap, timescale) {
			// A track that begins a little later than its Period is listed from the Period's beginning. dash.js asks each track for a
			// segment of that very time, and where there is none, while nothing has played yet, it seeks to where there is one: it would
			// pass over all Periods before this one.
			s.T, s.D = begin, s.D+s.T-begin
		}
		if j.o.timestamps {
			s.FragmentTimestamp = w.time
		}
		if j.o.fragmentNumbers {
			s.FragmentNumber = w.number
		}
		out = append(out, s)
	}
	return out
}

// mediaTime returns n ticks, rounded to the nanosecond.
func mediaTime(n uint64, timescale uint32) time.Duration {
	q, r := n/uint64(timescale), n%uint64(timescale)
	return time.Duration(q)*time.Second + time.Duration(r*uint64(time.Second)+uint64(timescale)/2)/time.Duration(timescale)
}

// mediaTicks returns t, which is not negative, in ticks, rounded half up.
func mediaTicks(t time.Duration, timescale uint32) uint64 {
	q, r := uint64(t)/uint64(time.Second), uint64(t)%uint64(time.Second)
	return q*uint64(timescale) + (r*uint64(timescale)+uint64(time.Second)/2)/uint64(time.Second)
}
