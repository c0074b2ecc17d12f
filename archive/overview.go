package archive

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/seed63bb8431/weir/archive/store"
)

// OverviewInput is what Overview takes.
type OverviewInput struct {
	StreamRef
	FragmentSelector *FragmentSelector // at most 26 hours: a day on which clocks go back has 25
}

// Overview tells what is stored of a range without naming each fragment. Times are of the selector's clock.
type Overview struct {
	// Spans are recorded without a gap of more than 50 ms, or of Resolution where that is more, in the order of their times. The first
	// may begin before the range and the last end behind it.
	Spans []Span
	// Overlaps are recorded more than once, by more than 50 ms.
	Overlaps []Span
	// Changes are where a fragment has another codec record than the one before.
	Changes []CodecChange
	Codecs  []CodecDescription // of the range, in the order of their first fragments
	// Resolution is what Spans and Overlaps are merged at, and how far Changes lie apart at least, when there would be too many.
	Resolution time.Duration
	Fragments  int64
	Bytes      int64 // of the stored documents
	Faults     int64 // fragments that players cannot be given
	// Earlier is when the newest fragment before the range begins, Later the oldest behind it; nil without one.
	Earlier, Later *Timestamp
}

// Span is a time from Start until End.
type Span struct{ Start, End Timestamp }

// CodecChange is a change of the codec record.
type CodecChange struct {
	At   Timestamp // when the first fragment with the new one begins that does not overlap those before
	From int64     // CodecDescription.ID of the record before
	To   int64
}

// CodecDescription tells what fragments of a codec record have in them. What is not known, because the media cannot be read, is zero.
type CodecDescription struct {
	ID            int64
	Video, Audio  string // RFC 6381; "" without a track of the kind
	Width, Height int    // of the pictures, in samples
	Channels      int    // of the sound
	Fragments     int64  // in the range
}

const (
	maxOverview      = 26 * time.Hour
	maxSpans         = 4_000 // spans, overlaps and changes, each
	maxDescriptions  = 64
	overviewPage     = 4_096                  // rows that are read at once
	coarsest         = 100 * time.Millisecond // where merging begins
	unlimitedOverlap = time.Minute            // how far a fragment may reach into a range when fragments have no limit
)

// Overview tells what is stored of a range of time. It reads the rows of the range once, and for some minutes only those that have come
// since; and media of each codec record once in the life of the process.
func (a *Archive) Overview(ctx context.Context, in *OverviewInput) (*Overview, error) {
	w, err := checkSelector("FragmentSelector", in.FragmentSelector)
	if err != nil {
		return nil, err
	}
	if w.to-w.from > Timestamp(maxOverview/time.Millisecond) {
		return nil, invalid("The range may be %d hours long at most; ask for less.", maxOverview/time.Hour)
	}
	s, err := a.stream(ctx, in.StreamRef)
	if err != nil {
		return nil, err
	}
	if s.Retention == 0 {
		return &Overview{}, nil
	}
	from, to := w.micros()
	key := overviewKey{stream: s.ID, by: w.by, from: w.from, to: w.to}
	o := a.overviews.take(key, a.now())
	if o == nil {
		o = &overviewer{out: &Overview{}, by: w.by, from: int64(w.from) * int64(time.Millisecond), resolution: int64(store.Tolerance), since: a.since(&s), made: a.now(), last: minKey}
	}
	if o, err = a.overlook(ctx, &s, o, from, to); err != nil {
		return nil, err
	}
	out := o.copy()
	a.overviews.put(key, o)
	if out.Earlier, err = a.neighbour(ctx, &s, w.by, minKey, from-1, true); err != nil {
		return nil, err
	}
	out.Later, err = a.neighbour(ctx, &s, w.by, to+1, maxKey, false)
	return out, err
}

// overlook has o take in what it has not seen of the rows whose keys are in a range. Where it has seen others and what is new belongs
// among those, it begins anew.
func (a *Archive) overlook(ctx context.Context, s *store.Stream, o *overviewer, from, to int64) (*overviewer, error) {
	head, err := a.store.Head(ctx, s.ID)
	if err != nil {
		return nil, internal(err)
	}
	reach := a.opts.Limits.FragmentDuration
	if reach < 0 {
		reach = unlimitedOverlap
	}
	if head.Seq == 0 {
		return o, nil // nothing was ever stored
	}
	first := from - int64(reach/time.Microsecond)
	var rows []store.Row
	if o.seq > 0 {
		if rows, err = a.store.Rows(ctx, nil, &store.Query{Stream: s.ID, By: store.BySeq, From: o.seq + 1, To: head.Seq, Limit: overviewPage}); err != nil {
			return nil, internal(err)
		}
		rows = slices.DeleteFunc(rows, func(r store.Row) bool { k := o.by.Of(&r).Key; return k < first || k > to })
		slices.SortFunc(rows, func(a, b store.Row) int { return cmp.Compare(o.by.Of(&a).Key, o.by.Of(&b).Key) })
		if head.Seq-o.seq < overviewPage && (len(rows) == 0 || o.by.Of(&rows[0]).Key > o.last) {
			for i := range rows {
				o.add(&rows[i])
			}
			o.seq = head.Seq
			return o, a.describeCodecs(ctx, o)
		}
		o = &overviewer{out: &Overview{}, by: o.by, from: o.from, resolution: int64(store.Tolerance), since: a.since(s), made: a.now(), last: minKey}
	}
	q := store.Query{Stream: s.ID, By: o.by, From: first, To: to, Since: o.since, MaxSeq: head.Seq, Limit: overviewPage}
	for {
		if rows, err = a.store.Rows(ctx, rows[:0], &q); err != nil {
			return nil, internal(err)
		}
		for i := range rows {
			o.add(&rows[i])
		}
		if len(rows) < overviewPage {
			break
		}
		q.After = new(o.by.Of(&rows[len(rows)-1]))
	}
	o.seq = head.Seq
	return o, a.describeCodecs(ctx, o)
}

// neighbour returns the time of the first row of a range of keys, or of the last.
func (a *Archive) neighbour(ctx context.Context, s *store.Stream, by store.Key, from, to int64, last bool) (*Timestamp, error) {
	rows, err := a.store.Rows(ctx, nil, &store.Query{Stream: s.ID, By: by, From: from, To: to, Since: a.since(s), Descending: last, Limit: 1})
	if err != nil {
		return nil, internal(err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return new(Timestamp(by.Of(&rows[0]).Key / 1000)), nil
}

// overviewer merges rows that come in the order of a clock. Its times are in nanoseconds.
type overviewer struct {
	out        *Overview
	by         store.Key
	from       int64
	resolution int64
	end        int64 // of all rows so far
	codec      int64 // of the last row that is not told as an overlap
	any        bool
	samples    []store.Row // one of each codec record
	described  int         // how many of them have been looked at
	seq        int64       // cseq up to which rows were taken in
	last       int64       // the largest key
	since      int64       // before which rows had expired, µs
	made       time.Time
}

// copy returns what is known so far, which later rows do not change.
func (o *overviewer) copy() *Overview {
	out := *o.out
	out.Spans, out.Overlaps, out.Changes, out.Codecs = slices.Clone(out.Spans), slices.Clone(out.Overlaps), slices.Clone(out.Changes), slices.Clone(out.Codecs)
	if out.Resolution = time.Duration(o.resolution); o.resolution == int64(store.Tolerance) {
		out.Resolution = 0
	}
	return &out
}

func (o *overviewer) add(r *store.Row) {
	o.last = max(o.last, o.by.Of(r).Key)
	start, end := r.Start, r.End
	if o.by == store.ByServer {
		start, end = r.ServerStart, r.ServerStart+r.End-r.Start
	}
	if end <= o.from {
		return // it begins before the range, and ends there
	}
	out := o.out
	out.Fragments++
	out.Bytes += r.Size
	if r.Flags&flagFault != 0 {
		out.Faults++
	}
	o.count(r)
	s := Span{floorMillis(start), floorMillis(end)}
	last := len(out.Spans) - 1
	again := o.any && o.end-start > int64(store.Tolerance)
	switch {
	case !o.any || start-o.end > o.resolution:
		out.Spans = append(out.Spans, s)
	default:
		if again {
			o.overlap(Span{s.Start, floorMillis(min(o.end, end))})
		}
		out.Spans[last].Start, out.Spans[last].End = min(out.Spans[last].Start, s.Start), max(out.Spans[last].End, s.End)
	}
	if o.any && !again && r.Codec.ID != o.codec {
		o.change(CodecChange{At: s.Start, From: o.codec, To: r.Codec.ID})
	}
	if !o.any || end > o.end {
		o.end = end
	}
	if !again { // two cameras that record at once do not change codecs all the time
		o.codec = r.Codec.ID
	}
	o.any = true
	for len(out.Spans) > maxSpans || len(out.Overlaps) > maxSpans || len(out.Changes) > maxSpans {
		o.coarsen()
	}
}

func (o *overviewer) overlap(s Span) {
	all := o.out.Overlaps
	if last := len(all) - 1; last >= 0 && s.Start-all[last].End <= o.millis() {
		all[last].End = max(all[last].End, s.End)
		return
	}
	o.out.Overlaps = append(all, s)
}

func (o *overviewer) change(c CodecChange) {
	all := o.out.Changes
	if last := len(all) - 1; o.resolution > int64(store.Tolerance) && last >= 0 && c.At-all[last].At <= o.millis() {
		all[last].To = c.To
		return
	}
	o.out.Changes = append(all, c)
}

func (o *overviewer) millis() Timestamp { return Timestamp(o.resolution / int64(time.Millisecond)) }

// coarsen merges what lies closer together than it had to so far.
func (o *overviewer) coarsen() {
	o.resolution = max(2*o.resolution, int64(coarsest))
	o.out.Spans, o.out.Overlaps = mergeSpans(o.out.Spans, o.millis()), mergeSpans(o.out.Overlaps, o.millis())
	changes := o.out.Changes
	o.out.Changes = changes[:0]
	for _, c := range changes {
		o.change(c)
	}
}

func mergeSpans(all []Span, resolution Timestamp) []Span {
	merged := all[:0]
	for _, s := range all {
		if last := len(merged) - 1; last >= 0 && s.Start-merged[last].End <= resolution {
			merged[last].End = max(merged[last].End, s.End)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// count counts the fragments of each codec record, of as many as are described.
func (o *overviewer) count(r *store.Row) {
	all := o.out.Codecs
	i := slices.IndexFunc(all, func(c CodecDescription) bool { return c.ID == r.Codec.ID })
	if i < 0 {
		if len(all) == maxDescriptions {
			return
		}
		i = len(all)
		o.out.Codecs = append(all, CodecDescription{ID: r.Codec.ID})
		o.samples = append(o.samples, *r)
	}
	o.out.Codecs[i].Fragments++
}

// describeCodecs looks at a fragment of each codec record. One that cannot be read is left undescribed.
func (a *Archive) describeCodecs(ctx context.Context, o *overviewer) error {
	for ; o.described < len(o.samples); o.described++ {
		i := o.described
		l, err := a.look(ctx, &o.samples[i])
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			continue
		}
		d := &o.out.Codecs[i]
		d.Video, d.Audio, d.Channels = l.video, l.audio, l.channels
		if l.picture != nil {
			d.Width, d.Height = int(l.picture.Width), int(l.picture.Height)
		}
	}
	return nil
}

// floorMillis returns a time in nanoseconds as a Timestamp, rounded down.
func floorMillis(ns int64) Timestamp { return Millis(time.Unix(0, ns)) }
